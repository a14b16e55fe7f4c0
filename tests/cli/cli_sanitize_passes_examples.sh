#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# waxrun --sanitize has nothing to say against any example, and their sinks write nothing.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

# passes FLOW [ARGUMENT...]
passes() {
	flow=$1
	shift
	count=$((count + 1))
	run "$waxrun" --sanitize="$count" "$flow" -- "$@"
	[ "$status" -eq 0 ] || fail "exit status $status, from: $flow $*"
	expect_stderr 'the same in 10 trials'
	reject_stderr 'note:'
	[ ! -s "$work/out" ] || fail 'something was written to standard output'
}

count=0
i=0
while [ "$i" -lt 400 ]; do
	echo "a line with some words, $i and the like; Oslo or Rome"
	i=$((i + 1))
done >"$work/text"
sed 's/.*, \([0-9]\)[0-9]* .*/station\1;\1.5/' "$work/text" >"$work/rows"
mkdir "$work/records" "$work/empty"
expect_exit 0 "$waxrun" -q -n 2 "$examples/record_sink.so" -- --to "$work/records" --count 2K

passes "$examples/wordcount.so" --in "$work/text"
passes "$examples/brc.so" --in "$work/rows"
passes "$examples/operators.so" --count 100
passes "$examples/keyed.so"
passes "$examples/redistribute.so" --items 5K
printf 'ada 1200\nada x\nbob 300\n' >"$work/orders"
passes "$examples/compose.so" --old "$work/orders" --new "$work/orders"
passes "$examples/poll.so" --path "$work/orders" --every 1ms --looks 5
# Its source draws other items for each number of workers, as --sanitize says.
run "$waxrun" --sanitize=1 "$examples/profile.so" -- --items 5K
[ "$status" -eq 1 ] || fail "exit status $status"
expect_stderr 'cause: several workers'
passes "$examples/record_source.so" --from "$work/records"
passes "$examples/record_sink.so" --to "$work/empty" --count 1K
passes "$examples/epoch_sink.so" --to "$work/empty" --count 1K
# A running total depends on the order of the orders of an account: of one there is but one.
seq 1000 | sed 's/.*/a& &/' >"$work/accounts"
passes "$examples/totals.so" --in "$work/accounts" --out "$work/empty/totals"
[ -z "$(ls "$work/empty")" ] || fail 'a sink wrote'

# All of them were tried: a new one has to be added above.
for example in "$examples"/*.so; do
	grep -q "/$(basename "$example")" "$0" || fail "$example was not tried"
done

passes "$BUILD/tests/flows/tally.so" --items 10K
passes "$BUILD/tests/flows/sanitize_inspect.so"
expect_stderr '100 items at the outputs'
reject_stderr 'sanitize_inspect.look'
reject_stderr 'sanitize_inspect.debug'
cd "$SOURCE/examples/tutorial" || exit 1
for flow in hello 1_read 2_parse 3_total; do
	case $flow in
	hello) passes $flow.c --in "$work/text" ;;
	*) passes $flow.c ;;
	esac
done

expect_nothing_left
