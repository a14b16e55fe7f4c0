#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# interrupt.sh WORKERS: of 1000 lines that go to a file 500 come, and then SIGINT: the run ends, says so, and has written
# these and no more. Called by the rows x-3 to x-5 of the conformance suite.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

workers=$1
mkfifo "$work/pipe"
sleep 30 >"$work/pipe" &
holder=$!
# Exit status 130 when it takes longer than 5 s.
"$waxrun" -n "$workers" --drain-timeout 5s "$BUILD/tests/flows/lines.so" -- --to "$work/lines" <"$work/pipe" \
	>"$work/out" 2>"$work/err" &
launcher=$!
seq 500 >"$work/pipe"
wait_until 10 grep -qsx 500 "$work/lines" || fail 'nothing was written'
kill -INT "$launcher"
wait "$launcher"
status=$?
kill "$holder"
[ "$status" -eq 0 ] || fail "exit status $status"
expect_stderr 'waxrun: stopping: what is under way is finished'
[ "$(wc -l <"$work/lines")" -eq 500 ] || fail "$(wc -l <"$work/lines") lines"
