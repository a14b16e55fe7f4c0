#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file that grows from run to run is gone on with where the last one ended, by any number of workers, with few epochs
# or many, with io_uring or without; so is one in which there was nothing yet.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

: >"$work/in"
: >"$work/expected"

# grow ROUND: an order of each account, and the totals that come of it
grow() {
	awk -v round="$1" 'BEGIN { for (i = 0; i < 3000; i++) print "n" i, round }' >>"$work/in"
	awk -v sum="$(($1 * ($1 + 1) / 2))" 'BEGIN { for (i = 0; i < 3000; i++) print "n" i, sum }' >>"$work/expected"
}

# total WORKERS OPTIONS...
total() {
	workers=$1
	shift
	expect_exit 0 "$waxrun" -n "$workers" --bind none --recovery "$work/state" "$@" "$examples/totals.so" -- \
		--in "$work/in" --out "$work/totals"
	LC_ALL=C sort "$work/totals" >"$work/sorted"
	LC_ALL=C sort "$work/expected" >"$work/wanted"
	expect_equal "$work/wanted" "$work/sorted"
}

total 2
total 1
total 8 -s 1ms
round=0
for options in '1 -s 0' '8 -s 1ms' '2 --io posix -s 1ms' '8 -s 0' '1 --io posix' '3 --keep 3 -s 2ms'; do
	grow "$((round += 1))"
	# shellcheck disable=SC2086
	total $options
	expect_stderr 'state: epoch '
	# And nothing twice.
	total "$((round % 4 + 1))"
done

# One that has shrunk is another.
head -n 100 "$work/in" >"$work/less" && cat "$work/less" >"$work/in"
run "$waxrun" -q -n 2 --recovery "$work/state" "$examples/totals.so" -- --in "$work/in" --out "$work/totals"
[ "$status" -ne 0 ] || fail 'a file that has shrunk is taken'
expect_stderr "$work/in"
LC_ALL=C sort "$work/totals" >"$work/sorted"
expect_equal "$work/wanted" "$work/sorted"
expect_nothing_left
