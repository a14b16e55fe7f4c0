#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGTERM or SIGINT stops the sources; what was read is finished and comes out: exit status 0.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so

# sum_of: the counts that were printed, added up
sum_of() {
	awk '{ sum += $2 } END { print sum + 0 }' "$work/out"
}

# stop SIGNAL WORKERS FLOW ARGUMENTS...
stop() {
	signal=$1 workers=$2
	shift 2
	"$waxrun" --json="$work/json" -i 50ms -n "$workers" "$tally" -- --endless "$@" >"$work/out" 2>"$work/err" &
	launcher=$!
	# As soon as something is under way, and not before.
	wait_until 10 grep -qs '"items_in":[1-9]' "$work/json" || fail 'nothing was read'
	kill -"$signal" "$launcher"
	wait "$launcher"
	status=$?
	[ "$status" -eq 0 ] || fail "exit status $status after SIG$signal with $workers workers"
	expect_stderr 'waxrun: stopping: what is under way is finished'

	items=$(sed -n 's/.*"type":"summary".*"items_in":\([0-9]*\),"items_out".*/\1/p' "$work/json")
	[ "${items:-0}" -gt 0 ] || fail 'the summary tells of no items'
	[ "$(sum_of)" -eq "$items" ] || fail "$items items in, $(sum_of) counted, with $workers workers"
	grep -q '"ending":"stopped"' "$work/json" || fail 'the summary does not say that it was stopped'
	expect_nothing_left
	rm "$work/json"
}

for workers in 1 2 3 8; do
	stop TERM "$workers" --rate 5000
done
stop INT 2 --rate 5000
# As fast as it can, and with workers that outnumber the cores.
stop TERM 2 --keys 100000
stop INT 5 --keys 100000

# From a pipe that stays open.
mkfifo "$work/pipe"
sleep 30 >"$work/pipe" &
holder=$!
"$waxrun" -q -n 2 "$BUILD/tests/flows/lines.so" <"$work/pipe" >"$work/out" 2>"$work/err" &
launcher=$!
seq 1000 >"$work/pipe"
wait_until 10 grep -qsx 1000 "$work/out" || fail 'what came in does not come out while the source waits'
kill -TERM "$launcher"
wait "$launcher"
status=$?
kill "$holder"
[ "$status" -eq 0 ] || fail "exit status $status after SIGTERM at an open pipe"
seq 1000 | LC_ALL=C sort >"$work/expected"
LC_ALL=C sort "$work/out" >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"
expect_nothing_left
