#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random graphs, each run by several numbers of workers, must give what the model says:
#
#     sim_random_graphs.sh [--seed FIRST] [--graphs N] [--seconds N] [--items N]
#
# A graph that fails is tried again with fewer items; the last lines say how to see it.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

: "${GRAPH:=$BUILD/tests/random_graph.so}"
seed=1
graphs=40
seconds=45
items=700

while [ $# -ge 2 ]; do
	case $1 in
	--seed) seed=$2 ;;
	--graphs) graphs=$2 ;;
	--seconds)
		seconds=$2
		graphs=1000000000
		;;
	--items) items=$2 ;;
	*) fail "no option $1" ;;
	esac
	shift 2
done
export LC_ALL=C

# try SEED ITEMS OPTION...: does a run of the graph give what it must? If not, $why says so.
# Nothing takes long; the end of an epoch, after 10 s, would wake who sleeps by mistake.
try() {
	try_seed=$1
	try_items=$2
	shift 2
	rm -rf "$work/results"
	mkdir "$work/results"
	timeout 9 "$waxrun" "$@" "$GRAPH" -- --seed "$try_seed" --items "$try_items" \
		--out "$work/results" >"$work/results/out" 2>"$work/err" </dev/null
	try_status=$?
	if [ "$try_status" -ne 0 ]; then
		why="exit status $try_status"
		return 1
	fi
	find "$work/results" -type f -exec cat {} + | sort >"$work/actual"
	cmp -s "$work/expected" "$work/actual" || {
		why=$(diff "$work/expected" "$work/actual" | head -n 10)
		return 1
	}
}

# expect SEED ITEMS: work out what must come.
expect() {
	"$waxrun" --procs 1 "$GRAPH" -- --seed "$1" --items "$2" --model "$work/model" 2>"$work/err" ||
		fail "no model of seed $1"
	sort "$work/model" >"$work/expected"
}

# shrink SEED OPTION...: halve the items while it fails, and say what is the least.
shrink() {
	shrink_seed=$1
	shift
	least=$items
	while [ "$least" -gt 1 ]; do
		expect "$shrink_seed" $((least / 2))
		try "$shrink_seed" $((least / 2)) "$@" && try "$shrink_seed" $((least / 2)) "$@" && break
		least=$((least / 2))
	done
	expect "$shrink_seed" "$least"
	try "$shrink_seed" "$least" "$@"
	fail "seed $shrink_seed: $why
again: waxrun $* $GRAPH -- --seed $shrink_seed --items $least --out FOLDER"
}

# least PROCS: the smallest --exchange-mem that this graph runs with, as waxrun says.
least() {
	"$waxrun" --procs "$1" --slab 512 --exchange-mem 1K "$GRAPH" -- --seed "$seed" --items 0 \
		--out "$work/results" 2>&1 >/dev/null |
		sed -n 's/.*give at least \([0-9]*\) bytes.*/--exchange-mem \1/p'
}

# What the exchange has: two slabs of 512 bytes to a lane, eight of them, and as it comes.
options_of() {
	case $(($1 % 4)) in
	0) echo "--slab 512 $(least "$2")" ;;
	1) echo "--slab 512 $(least "$2") --snapshot-interval 1ms" ;;
	2) echo "--slab 512 --snapshot-interval 1ms --spin 0" ;;
	*) echo "--snapshot-interval 10ms" ;;
	esac
}

echo "seeds from $seed"
began=$(date +%s)
done=0
while [ "$done" -lt "$graphs" ] && [ $(($(date +%s) - began)) -lt "$seconds" ]; do
	expect "$seed" "$items"
	turn=$seed
	for procs in 1 2 3 5 8; do
		options="--procs $procs $(options_of "$turn" $procs)"
		# A list of words.
		# shellcheck disable=SC2086
		try "$seed" "$items" $options || shrink "$seed" $options
		turn=$((turn + 1))
	done
	seed=$((seed + 1))
	done=$((done + 1))
done
echo "$done graphs"
expect_nothing_left
