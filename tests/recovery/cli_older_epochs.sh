#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --keep keeps so many epochs, each of which can be gone on from; what came behind it comes again, once.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=20000
expected_sums "$items" "$items"

start 2 -s 10ms --keep 6 -- --items "$items" --keys "$items" --rate 15000
wait_until 10 grep -qs . "$work/out.d/part-00001" || fail 'nothing is written'
sleep 0.5
kill -TERM "$launcher"
finish 0
cp -r "$work/state" "$work/state.saved"
cp -r "$work/out.d" "$work/out.saved"

# from EPOCH WORKERS STATUS
from() {
	rm -rf "$work/state" "$work/out.d"
	cp -r "$work/state.saved" "$work/state"
	cp -r "$work/out.saved" "$work/out.d"
	expect_exit "$3" "$waxrun" -n "$2" --bind none --recovery "$work/state" --from "$1" --keep 3 -s 10ms "$keep" -- \
		--items "$items" --keys "$items" --out "$work/out.d"
}

last=$(sed -n 's/^state: epoch \([0-9]*\) committed.*/\1/p' "$work/err")
[ "$last" -ge 7 ] || fail "only $last epochs"
for back in 0 1 2 3 4 5; do
	from "$((last - back))" "$((back % 3 + 1))" 0
	expect_stderr "went on from epoch $((last - back)),"
	expect_sums
done
from "$((last + 1))" 2 4
expect_stderr "$last"
from 1 2 0
from none 2 0
reject_stderr 'went on from'
expect_sums
expect_nothing_left
