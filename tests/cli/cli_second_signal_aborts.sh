#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A second signal, or --drain-timeout, ends a run that does not stop: 128 and the signal.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v pgrep >/dev/null || skip 'pgrep is not installed'

trouble=$BUILD/tests/flows/trouble.so
echo trouble >"$work/in"

hangs() {
	pgrep -x wax-0 -P "$launcher" >/dev/null
}

# abort STATUS FIRST SECOND
abort() {
	"$waxrun" -n 1 "$trouble" -- --in "$work/in" --how hang >"$work/out" 2>"$work/err" &
	launcher=$!
	wait_until 10 hangs || fail 'no worker was started'
	kill -"$2" "$launcher"
	wait_until 10 grep -q 'waxrun: stopping' "$work/err" || fail "SIG$2 went unheard"
	kill -"$3" "$launcher"
	wait "$launcher"
	status=$?
	[ "$status" -eq "$1" ] || fail "exit status $status after SIG$2 and SIG$3"
	expect_stderr 'waxrun: aborted: work under way is lost'
	[ ! -s "$work/out" ] || fail 'something on stdout'
	expect_nothing_left
}

abort 130 INT INT
abort 143 TERM TERM
abort 143 INT TERM

# The same by the clock: 128 and the first signal.
"$waxrun" -q -n 1 --drain-timeout 100ms "$trouble" -- --in "$work/in" --how hang 2>"$work/err" &
launcher=$!
wait_until 10 hangs || fail 'no worker was started'
kill -TERM "$launcher"
wait "$launcher"
status=$?
[ "$status" -eq 143 ] || fail "exit status $status after --drain-timeout"
expect_stderr 'the workers did not finish in --drain-timeout'
expect_nothing_left
