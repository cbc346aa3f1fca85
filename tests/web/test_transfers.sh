#!/usr/bin/env bash
# Transfers, and the server killed in their middle: see transfers.py.
PYTHONDONTWRITEBYTECODE=1 exec python3 "$(dirname "$0")/transfers.py"
