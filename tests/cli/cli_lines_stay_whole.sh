#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines of different workers are never mixed on standard output: a pipe, a file, or a file that two runs append to.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

lines=$BUILD/tests/flows/lines.so

# Each line tells by itself whether it is whole: its number, then as many letters as its length says.
awk 'BEGIN {
	for (i = 0; i < 26; i++) alphabet = alphabet sprintf("%c", 97 + i)
	while (length(alphabet) < 6000) alphabet = alphabet alphabet
	for (i = 1; i <= 30000; i++) {
		bytes = i % 1000 ? i * 7919 % 120 : 6000
		print i, bytes, substr(alphabet, 1, bytes)
	}
}' >"$work/in"
LC_ALL=C sort "$work/in" >"$work/expected"

expect_whole() {
	LC_ALL=C sort "$1" >"$work/sorted"
	expect_equal "${2:-$work/expected}" "$work/sorted"
}

for workers in 1 2 3 8; do
	"$waxrun" -q -n "$workers" "$lines" -- --in "$work/in" | cat >"$work/through_pipe"
	expect_whole "$work/through_pipe"
	"$waxrun" -q -n "$workers" "$lines" -- --in "$work/in" >"$work/file" || fail "exit status $?"
	expect_whole "$work/file"
	"$waxrun" -q -n "$workers" "$lines" <"$work/in" >"$work/file" || fail "exit status $?"
	expect_whole "$work/file"
done

# Behind what is there already.
echo '0 before' >"$work/file"
{
	echo '0 between'
	"$waxrun" -q -n 2 "$lines" -- --in "$work/in"
	echo '0 after'
} >>"$work/file"
[ "$(sed -n '1p;2p;$p' "$work/file" | tr '\n' ',')" = '0 before,0 between,0 after,' ] || fail 'the order is wrong'
grep -v '^0 ' "$work/file" >"$work/between"
expect_whole "$work/between"

# Two runs that append to one file: all is there, and each write is where it belongs.
cat "$work/in" "$work/in" | LC_ALL=C sort >"$work/twice"
: >"$work/shared"
"$waxrun" -q -n 2 "$lines" -- --in "$work/in" >>"$work/shared" 2>"$work/err" &
one=$!
"$waxrun" -q -n 2 "$lines" -- --in "$work/in" >>"$work/shared" 2>"$work/err2" &
wait "$one" || fail 'the first run failed'
wait $! || fail 'the second run failed'
expect_whole "$work/shared" "$work/twice"

expect_nothing_left
