#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nothing but the flow writes to standard output; reports go to standard error, without escape bytes when that is
# no terminal, and -q prints nothing at all.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so

expect_exit 0 "$waxrun" -q -n 1 "$tally"
LC_ALL=C sort "$work/out" >"$work/expected"

# Only the flow's lines, whatever is asked for.
for options in '' -v '-v -i 1ms' '--json -i 1ms' '--color always' '-v --report-bindings' '-q'; do
	# shellcheck disable=SC2086
	expect_exit 0 "$waxrun" -n 2 $options "$tally" -- --rate 20000
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
	case $options in
	-q) [ ! -s "$work/err" ] || fail '-q is not quiet' ;;
	*) [ -s "$work/err" ] || fail "no report with '$options'" ;;
	esac
done

escape=$(printf '\033')
for color in '' NO_COLOR=1 TERM=dumb; do
	run env ${color:+"$color"} "$waxrun" -n 2 -v -i 1ms --report-bindings "$tally" -- --rate 20000
	[ "$status" -eq 0 ] || fail "exit status $status"
	reject_stderr "$escape"
	reject_stderr "$(printf '\r')"
done
run env CLICOLOR_FORCE=1 "$waxrun" -n 2 "$tally"
expect_stderr "$escape"
run env CLICOLOR_FORCE=1 NO_COLOR=1 "$waxrun" -n 2 "$tally"
reject_stderr "$escape"

# A report that nobody reads does not end the run.
{
	"$waxrun" -v -i 1ms -n 2 "$tally" -- --rate 20000 2>&1 >"$work/out"
	echo $? >"$work/status"
} | true
read -r status <"$work/status"
[ "$status" -eq 0 ] || fail "exit status $status when nobody reads the report"
LC_ALL=C sort "$work/out" >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"

# What a callback prints is not lost.
printf 'a\ntrouble\nb\n' >"$work/in"
expect_exit 0 "$waxrun" -q -n 2 "$BUILD/tests/flows/trouble.so" -- --in "$work/in" --how print
expect_stdout 'printed by a callback'

expect_nothing_left
