#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nothing is lost, doubled or overtaken within a key, with any slabs, any number of workers and callbacks that
# stall; and a run whose worker or launcher is killed at any moment ends at once and leaves nothing:
#
#     sim_random_order.sh [--seed FIRST] [--runs N | --seconds N]

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

: "${ORDER:=$BUILD/tests/random_order.so}"
seed=1
runs=24
seconds=60

while [ $# -ge 2 ]; do
	case $1 in
	--seed) seed=$2 ;;
	--runs) runs=$2 ;;
	--seconds)
		seconds=$2
		runs=1000000000
		;;
	*) fail "no option $1" ;;
	esac
	shift 2
done

# pick SALT WORD...: one of the words, by the seed.
pick() {
	salt=$1
	shift
	shift $(((seed * 7919 + salt * 104729 + salt * (seed / 7)) % $#))
	echo "$1"
}

# least: the smallest budget for these options, as waxrun says.
least() {
	"$waxrun" "$@" --exchange-mem 1K "$ORDER" -- --items 0 2>&1 >/dev/null |
		sed -n 's/.*give at least \([0-9]*\) bytes.*/\1/p'
}

# What the flow is run with.
options() {
	procs=$(pick 1 2 3 4 2 8 5 2 16)
	slab=$(pick 2 512 1K 4K 16K 64K 512 1M)
	echo "--procs $procs --slab $slab"
	case $(pick 3 least some default) in
	least) echo "--exchange-mem $(least --procs "$procs" --slab "$slab")" ;;
	some) echo "--exchange-mem $(($(least --procs "$procs" --slab "$slab") * 3))" ;;
	esac
	echo "--snapshot-interval $(pick 4 1ms 10ms 10s)"
	[ "$(pick 5 0 1 2)" = 0 ] && echo "--spin 0"
}

arguments() {
	echo "--seed $seed --items $(pick 6 1 300 20000 60000 5000) --parts $(pick 7 1 3 8 2)"
	echo "--keys $(pick 8 1 40 64 5) --stall $(pick 9 0s 200us 3ms 50us)"
}

no_process_is_left() {
	[ -z "$(left_pids)" ]
}

# A run that is killed: after some ms a worker, or the launcher. A page that the launcher left goes with the
# next run.
killed_run() {
	# shellcheck disable=SC2086
	"$waxrun" -q $options "$ORDER" -- --seed "$seed" --items 2000000 >"$work/out" 2>"$work/err" &
	launcher=$!
	sleep "0.0$(pick 10 01 05 10 20 40 80 3)"
	victim=$(pick 11 worker launcher)
	target=$launcher
	[ "$victim" = worker ] && target=$(pgrep -P "$launcher" | head -n "$(pick 12 1 2)" | tail -n 1)
	kill -KILL "${target:-$launcher}" 2>/dev/null
	[ "${target:-$launcher}" = "$launcher" ] && victim=launcher
	wait_until 5 no_process_is_left || fail "seed $seed: after the $victim was killed: $(left_processes)"
	wait "$launcher" 2>/dev/null
	status=$?
	[ "$status" -eq 137 ] || fail "seed $seed: exit status $status after the $victim was killed"
	expect_exit 0 "$waxrun" -q --procs 1 "$ORDER" -- --items 1
	expect_nothing_left
}

echo "seeds from $seed"
began=$(date +%s)
done=0
while [ "$done" -lt "$runs" ] && [ $(($(date +%s) - began)) -lt "$seconds" ]; do
	options=$(options | tr '\n' ' ')
	arguments=$(arguments | tr '\n' ' ')
	# Lists of words.
	# shellcheck disable=SC2086
	run timeout 60 "$waxrun" -q $options "$ORDER" -- $arguments
	total=$(awk '{ sum += $1 } END { print sum + 0 }' "$work/out")
	wanted=$(echo "$arguments" | awk '{ for (i = 1; i < NF; i++) { if ($i == "--items") n = $(i + 1); if ($i == "--parts") p = $(i + 1) } } END { print n * p }')
	if [ "$status" -ne 0 ] || [ "$total" -ne "$wanted" ]; then
		fail "seed $seed: exit status $status, $total of $wanted items
again: waxrun $options $ORDER -- $arguments"
	fi
	[ $((seed % 3)) -ne 0 ] || killed_run
	seed=$((seed + 1))
	done=$((done + 1))
done
echo "$done runs"
expect_nothing_left
