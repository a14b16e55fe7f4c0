#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A callback that holds its worker is reported while it does: step, worker, and where in the code; once. Nothing of
# it is disturbed, and callbacks that are many but short are not reported.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

holds=$BUILD/tests/flows/holds.so

# holds_once: one warning, whatever the number of calls.
holds_once() {
	[ "$(grep -c 'warning: step "holds.ask" holds worker 0' "$work/err")" -eq 1 ] ||
		fail 'not one warning of the step'
	grep -Eq 'held: ask held its worker [0-9]+ times? for more than 50ms' "$work/err" || fail 'not in the summary'
	[ "$(wc -l <"$work/out")" -eq 3 ] || fail 'items were lost'
}

shows_stacks() {
	! grep -q 'its stack' "$work/err"
}

expect_exit 0 "$waxrun" --procs 2 --watchdog 50ms "$holds" -- --time 500ms
holds_once
if shows_stacks; then
	expect_stderr 'at wait_for_the_oracle'
	expect_stderr 'at ask'
fi

expect_exit 0 "$waxrun" --procs 1 --watchdog 50ms --json="$work/json" "$holds" -- --time 500ms --busy
holds_once
! shows_stacks || expect_stderr 'at work_at_the_oracle'
tail -n 1 "$work/json" | grep -Eq '"id":"holds.ask"[^}]*"holds":[1-3],"hold_longest_ns":[1-9]' || fail 'not in the JSON'

# Not asked for, or nothing to say.
expect_exit 0 "$waxrun" --procs 1 --watchdog 0 "$holds" -- --time 300ms
reject_stderr 'holds worker'
expect_exit 0 "$waxrun" --procs 1 --watchdog 200ms "$holds" -- --time 2ms --items 300
reject_stderr 'holds worker'

# A worker that is stopped, as by a debugger, holds nothing.
"$waxrun" --procs 1 --watchdog 50ms "$holds" -- --time 20ms --items 100 >"$work/out" 2>"$work/err" &
launcher=$!
has_worker() {
	pgrep -P "$launcher" >/dev/null
}
wait_until 5 has_worker || fail 'no worker'
worker=$(pgrep -P "$launcher")
sleep 0.3
kill -STOP "$worker"
sleep 0.5
kill -CONT "$worker"
wait "$launcher" || fail 'the run failed'
reject_stderr 'holds worker'
expect_nothing_left
