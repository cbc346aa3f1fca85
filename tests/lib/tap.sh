# TAP for shell tests: sourced. Each check is a line "ok ..." or "not ok ..." with what was seen.
TAP_FAILED=0
tap_ok() { printf 'ok %s\n' "$1"; }
tap_no() { # title what-was-seen
  printf 'not ok %s\n' "$1"
  printf '%s\n' "${2:-}" | head -n 20 | sed 's/^/#   /'
  TAP_FAILED=$((TAP_FAILED + 1))
}
# is TITLE SEEN WANTED
is() { if [ "$2" = "$3" ]; then tap_ok "$1"; else tap_no "$1" "seen:   $2
wanted: $3"; fi; }
# like TITLE SEEN PATTERN (extended regular expression)
like() { if grep -qE -- "$3" <<<"$2"; then tap_ok "$1"; else tap_no "$1" "seen:   $2
wanted: $3"; fi; }
# status TITLE WANTED COMMAND...: runs it; its output is left in $SEEN, its error lines in $PROBLEM
status() {
  local title=$1 wanted=$2 got=0
  shift 2
  SEEN=$("$@" 2>"$TAP_WORK/problem") || got=$?
  PROBLEM=$(cat "$TAP_WORK/problem")
  is "$title" "$got" "$wanted"
  [ "$got" = "$wanted" ] || printf '%s\n' "$PROBLEM" | head -n 5 | sed 's/^/#   /'
}
TAP_WORK=$(mktemp -d "${TMPDIR:-/tmp}/ledger-test.XXXXXX")
tap_end() { [ "$TAP_FAILED" -eq 0 ]; }
