#!/usr/bin/env bash
# /rest/v1 as PostgREST answers: see rest.py.
PYTHONDONTWRITEBYTECODE=1 exec python3 "$(dirname "$0")/rest.py"
