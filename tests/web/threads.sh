#!/usr/bin/env bash
# The server under a short mixed load: for a program built with a sanitizer, whose findings end in its log. See tests/check.sh.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}"
export LEDGER=${LEDGER:-$PWD/$OUT/ledger}
trap 'rm -rf "$TAP_WORK"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 tests/web/threads.py "$TAP_WORK"
