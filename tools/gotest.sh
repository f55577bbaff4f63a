#!/bin/sh
# gotest.sh ARGUMENT … : runs `go test -v` and prints failures, skips and package results alone. Where CI is set, a skipped test fails the run unless
# test/skips.txt names it.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
${GO:-go} test -v "$@" >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
	grep -v -E '^=== (RUN|PAUSE|CONT|NAME)|^ *--- PASS' "$log"
else
	grep -E '^(ok|FAIL|---? SKIP)|^    .*SKIP|^ *--- SKIP' "$log"
fi
passed=$(grep -c -E '^--- PASS' "$log")
failed=$(grep -c -E '^--- FAIL' "$log")
skipped=$(grep -E '^ *--- SKIP' "$log" | sed -E 's/^ *--- SKIP: ([^ ]+).*/\1/')
count=0
for s in $skipped; do
	count=$((count + 1))
	if [ -n "${CI:-}" ] && ! grep -q -E "^$s([[:space:]]|\$)" test/skips.txt; then
		echo "gotest.sh: $s was skipped and test/skips.txt does not name it" >&2
		status=1
	fi
done
echo "$passed passed, $failed failed, $count skipped"
exit $status
