#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sink that takes no more ends the run with exit status 5 and a sentence that says what to do.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

flows=$BUILD/tests/flows
seq 300000 >"$work/in"
echo 1 >"$work/short"

# A full disk, met while it runs or at the very end.
[ -c /dev/full ] || skip '/dev/full is missing'
for in in short in; do
	"$waxrun" -q -n 2 "$flows/lines.so" -- --in "$work/$in" >/dev/full 2>"$work/err"
	status=$?
	[ "$status" -eq 5 ] || fail "exit status $status with a full disk"
	expect_stderr 'no space left on the device that holds standard output'
	expect_stderr 'step "lines.out"'
done

# A reader that goes away: no junk, and the end of the run is not waited for.
{
	"$waxrun" -q -n 2 "$flows/tally.so" -- --items 3M --keys 2M 2>"$work/err"
	echo $? >"$work/gone"
} | sed 1q >"$work/out"
read -r status <"$work/gone"
[ "$status" -eq 5 ] || fail "exit status $status when the reader had gone"
[ "$(wc -l <"$work/out")" -eq 1 ] || fail 'not one line was read'
grep -q '^[0-9]*	[0-9]*$' "$work/out" || fail 'junk was read'
expect_stderr 'whoever reads standard output has closed it'
[ "$(grep -c error "$work/err")" -eq 1 ] || fail 'more than one sentence'

# No standard output at all, or one that is not for writing.
"$waxrun" -q -n 2 "$flows/lines.so" -- --in "$work/in" >&- 2>"$work/err"
status=$?
[ "$status" -eq 5 ] || fail "exit status $status with standard output closed"
expect_stderr 'standard output is closed: redirect it to a file or to /dev/null'
"$waxrun" -q -n 2 "$flows/lines.so" -- --in "$work/in" 1<"$work/short" 2>"$work/err"
status=$?
[ "$status" -eq 5 ] || fail "exit status $status with standard output open for reading"
expect_stderr 'standard output'

# Everything closed: nothing is written to a file that happens to get descriptor 1 or 2.
"$waxrun" -n 2 "$flows/lines.so" -- --in "$work/in" --to "$work/to" <&- >&- 2>&-
status=$?
[ "$status" -eq 0 ] || fail "exit status $status with all descriptors closed"
LC_ALL=C sort "$work/in" >"$work/expected"
LC_ALL=C sort "$work/to" >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"

# What the launcher itself prints there.
for what in --help --version --graph --graph=json --graph=mermaid; do
	"$waxrun" "$what" "$flows/tally.so" >/dev/full 2>"$work/err"
	status=$?
	[ "$status" -eq 5 ] || fail "exit status $status from $what to a full disk"
	expect_stderr 'standard output did not take all of it'
done

# A file that may grow no further. Shared memory is a file to this limit, so it is kept small.
(
	ulimit -f 10000
	run "$waxrun" -q -n 2 --exchange-mem 1M "$flows/tally.so" -- --items 1M --keys 1M
	echo "$status" >"$work/status"
)
read -r status <"$work/status"
[ "$status" -eq 5 ] || fail "exit status $status with a limit of file sizes"
expect_stderr 'ulimit -f'

expect_nothing_left
