#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# When the launcher is killed its workers go with it; the page it leaves behind is removed by the next run.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so
page="$XDG_RUNTIME_DIR/wax/run-*"

no_worker_is_left() {
	[ -z "$(left_pids)" ]
}

pages() {
	find "$XDG_RUNTIME_DIR" -name 'run-*' | wc -l
}

has_started() {
	grep -qs '"items_in":[1-9]' "$work/json"
}

for flow in "--endless --rate 1000" "--endless"; do
	# $flow is a list of words.
	# shellcheck disable=SC2086
	"$waxrun" --json="$work/json" -i 50ms -n 3 "$tally" -- $flow >"$work/out" 2>"$work/err" &
	launcher=$!
	wait_until 10 has_started || fail 'the run did not start'
	[ "$(pages)" -eq 1 ] || fail "not one page: $page"
	kill -KILL "$launcher"
	wait "$launcher" 2>/dev/null
	wait_until 5 no_worker_is_left || fail "left behind: $(left_processes)"
	[ "$(pages)" -eq 1 ] || fail 'the page did not outlive the launcher'

	expect_exit 0 "$waxrun" -q -n 2 "$tally"
	expect_nothing_left
	rm -f "$work/json"
done

# Pages of runs that go on, and what else is there, are left alone.
echo mine >"$XDG_RUNTIME_DIR/wax/run-notes"
"$waxrun" --json="$work/json" -i 50ms -n 2 "$tally" -- --endless --rate 1000 >"$work/long" 2>"$work/err" &
launcher=$!
wait_until 10 has_started || fail 'the run did not start'
before=$(find "$XDG_RUNTIME_DIR/wax" -type f | sort)
expect_exit 0 "$waxrun" -q -n 2 "$tally"
[ "$before" = "$(find "$XDG_RUNTIME_DIR/wax" -type f | sort)" ] || fail 'another run removed what is not its own'
kill -TERM "$launcher"
wait "$launcher"
rm "$XDG_RUNTIME_DIR/wax/run-notes"
expect_nothing_left

# Where there is no place for a page a run goes on without one.
for place in /proc/nix "$work/out"; do
	run env XDG_RUNTIME_DIR="$place" "$waxrun" -q -n 2 "$tally"
	[ "$status" -eq 0 ] || fail "exit status $status with XDG_RUNTIME_DIR=$place"
	[ "$(wc -l <"$work/out")" -eq 100 ] || fail "wrong results with XDG_RUNTIME_DIR=$place"
done
