#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example redistribute gives the same count and checksum however it is run.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

expect_exit 0 "$waxrun" -q -n 1 "$examples/redistribute.so" -- --items 1M --no-redistribute
cp "$work/out" "$work/expected"
grep -q '^1000000	[0-9a-f]\{16\}$' "$work/expected" || fail 'no count and checksum'

for workers in 1 2 3 8; do
	for stay in '' --no-redistribute; do
		expect_exit 0 "$waxrun" -q -n "$workers" "$examples/redistribute.so" -- --items 1M ${stay:+"$stay"}
		expect_equal "$work/expected" "$work/out"
	done
done

# The smallest budget and the smallest slabs, too, and without io_uring.
expect_exit 0 "$waxrun" -q -n 3 --slab 512 "$examples/redistribute.so" -- --items 1M
expect_equal "$work/expected" "$work/out"
expect_exit 0 "$waxrun" -q -n 3 --io posix --spin 0 "$examples/redistribute.so" -- --items 1M
expect_equal "$work/expected" "$work/out"
expect_exit 0 "$waxrun" -q -n 3 --snapshot-interval 1ms --rehearse "$examples/redistribute.so" -- --items 1M
expect_equal "$work/expected" "$work/out"

expect_nothing_left
