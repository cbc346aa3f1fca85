#!/usr/bin/env bash
# The server: its limits, each with its own status; slow, half and hostile clients; many connections; log, metrics, stopping.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}"
export LEDGER=${LEDGER:-$PWD/$OUT/ledger}
trap 'rm -rf "$TAP_WORK"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 tests/web/server_hostile.py "$TAP_WORK"
