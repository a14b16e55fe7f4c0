#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# waxrun --sanitize finds what is wrong with a flow, says what brings it about, and writes nothing.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

flows=$BUILD/tests/flows

# finds FLOW TEXT...: with each of $seeds; the report says each text.
seeds=1
finds() {
	name=$1
	shift
	for seed in $seeds; do
		expect_exit 1 "$waxrun" --sanitize="$seed" "$flows/sanitize_$name.so"
		[ ! -s "$work/out" ] || fail 'something was written to standard output'
		for text; do
			expect_stderr "$text"
		done
	done
}

finds global 'step "sanitize_global.out": of 100 items' 'cause: several workers' 'global or static variable'
seeds='20 300'
finds single 'cause: exchanges between steps' 'share a variable'
finds pointer 'cause: memory of items overwritten' 'keeps a pointer to an item'
seeds=1
finds reducer 'cause: several workers' 'associative and commutative'
finds key 'step "sanitize_key.merge_keys"' 'wrote to the items that it was lent'
finds clock 'does not give the same result twice' 'reads the clock'
finds snapshot 'cause: state rebuilt from snapshots' 'snapshot leaves something out'
finds batch 'cause: items one by one' 'where a batch begins and ends means nothing'
finds sleep 'step "sanitize_sleep.ask": a call of this step, for 1 item, waited' 'item: "5"'
finds source 'step "sanitize_source.numbers": a call of this step waited' 'next of a source must not sleep'

expect_exit 1 "$waxrun" --sanitize=1 "$flows/sanitize_flood.so"
expect_stderr 'step "sanitize_flood.flood": one call has emitted 100'

# A sink that gets a key from several workers: no fault, but worth a note. It was never opened.
expect_exit 0 "$waxrun" --sanitize=1 "$flows/sanitize_order.so"
expect_stderr 'note: step "sanitize_order.out": items of one key come from several workers, in any order'

# Found again, with the command that is printed.
expect_exit 1 "$waxrun" --sanitize "$flows/sanitize_snapshot.so"
cp "$work/err" "$work/first"
seed=$(sed -n 's/.*repeat: waxrun --sanitize=\([0-9]*\) .*/\1/p' "$work/first")
expect_exit 1 "$waxrun" --sanitize="$seed" "$flows/sanitize_snapshot.so"
expect_equal "$work/first" "$work/err"

# A flow that fails as it is has the exit status of its run.
printf 'trouble\n' >"$work/in"
expect_exit 1 "$waxrun" --sanitize=1 "$flows/trouble.so" -- --in "$work/in"
expect_stderr 'the flow fails as it is'
expect_stderr 'there is trouble'
# Bad items that are dropped are dropped in every trial; no dead letter is written.
printf 'fine\ntrouble\nfine\n' >"$work/in"
expect_exit 0 "$waxrun" --sanitize=1 --on-error "dlq:$work/letters" "$flows/trouble.so" -- --in "$work/in"
expect_stderr '2 items at the outputs'
[ ! -e "$work/letters" ] || fail 'dead letters were written'
expect_exit 2 "$waxrun" --sanitize=1 "$flows/lines.so" -- --in "$work/nowhere"
expect_exit 2 "$waxrun" --sanitize=0 "$flows/lines.so"

expect_nothing_left
