#!/usr/bin/env bash
# Functions, /api and the documents: see rpc.py.
PYTHONDONTWRITEBYTECODE=1 exec python3 "$(dirname "$0")/rpc.py"
