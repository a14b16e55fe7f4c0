#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# On a terminal there is a banner, a line of progress that replaces itself, and colour unless NO_COLOR is set.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v script >/dev/null || skip 'script is not installed'
script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip 'script does not know -e and -c'
tally=$BUILD/tests/flows/tally.so
escape=$(printf '\033')
export TERM=xterm COLUMNS=100

# on_terminal COMMAND: what it shows, in $work/out
on_terminal() {
	run script -qec "$1" /dev/null
	[ "$status" -eq 0 ] || fail "exit status $status from $1"
}

command="$waxrun -n 2 -i 50ms $tally -- --rate 2000 2>&1 >/dev/null"
on_terminal "$command"
expect_stdout 'waxrun: tally, 2 workers on'
expect_stdout "$(printf '\r')"
expect_stdout 'busy'
expect_stdout "$escape"
expect_stdout 'finished after'
awk '{ n = split($0, part, "\r"); for (i = 1; i <= n; i++) if (part[i] ~ /^[0-9.]+m?s  in / && length(part[i]) >= 100) exit 1 }' "$work/out" ||
	fail 'a line of progress is wider than the terminal'

export NO_COLOR=1
on_terminal "$command"
reject_stdout "$escape"

# A terminal for standard error only: progress is shown, and the flow's lines are whole.
on_terminal "$waxrun -n 2 -i 50ms $tally -- --rate 2000 >$work/lines"
[ "$(wc -l <"$work/lines")" -eq 100 ] || fail 'lines are missing'
expect_stdout 'finished after'

on_terminal "$waxrun -q -n 2 $tally >$work/lines"
[ ! -s "$work/out" ] || fail '-q is not quiet on a terminal'
expect_nothing_left
