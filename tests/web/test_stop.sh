#!/usr/bin/env bash
# The server is told to stop while 64 connections post transfers: every acknowledged one is there once.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}"
export LEDGER=${LEDGER:-$PWD/$OUT/ledger}
trap 'rm -rf "$TAP_WORK"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 tests/web/stop.py "$TAP_WORK"
