#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every bench once, tiny: it runs, prints what a program can read, and draws. What cannot be is refused in a sentence.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

waxbench=$BUILD/waxbench
TMPDIR=$work
export TMPDIR

# figures [OPTION...] GROUP: run it tiny, JSON to $work/out.
figures() {
	expect_exit 0 "$waxbench" --smoke --json "$@"
}

# ---- All of it

figures --plot "$work/plot.svg" --markdown "$work/results.md" --commit test all
cp "$work/out" "$work/json"

for group in exchange redistribute epoch latency wake operators keyed state lines profile overcommit memory wordcount brc start; do
	# Some need two CPUs, and say so.
	grep -q "^{\"bench\":\"$group/" "$work/json" && continue
	[ "$(nproc)" -lt 2 ] || fail "nothing of group $group"
	grep -q "Skipped: $group, because" "$work/err" || fail "nothing of group $group, nor why"
done
for figure in exchange/keyed_framed exchange/keyed_16b_zipf exchange/plain_items_1k exchange/plain_batches_1m \
	exchange/bulk_256k state/count_dense_1k state/count_hash_100k state/stateful_map_1m overcommit/idle_cpu \
	memory/exchange_2 redistribute/cost redistribute/work_1000000ns; do
	grep -q "^{\"bench\":\"$figure\"" "$work/json" || fail "no figure $figure"
done

number='(null|-?[0-9.]+(e[-+]?[0-9]+)?)'
row='^\{"bench":"[a-z]+/[a-z0-9_]+","params":"[^"]*"'
row="$row,\"value\":$number,\"unit\":\"[A-Za-z/]+\",\"yardstick\":$number"
row="$row,\"ratio\":$number,\"spread\":$number"
row="$row,\"higher\":(true|false),\"noisy\":(true|false)\\}\$"
grep -Ev "$row" "$work/json" >"$work/odd" && fail "these lines are not as they should be: $(cat "$work/odd")"

grep -q '</svg>' "$work/plot.svg" || fail 'no plot'
[ "$(grep -c '<polyline' "$work/plot.svg")" -eq 4 ] || fail 'the plot lacks curves with or without redistribute'
grep -q '^| exchange/keyed_16b ' "$work/results.md" || fail 'no table'
grep -q ', at test\. ' "$work/results.md" || fail 'the page does not say what was measured'

# ---- Compared with itself nothing changed; a figure that became worse is told.

expect_exit 0 "$SOURCE/bench/compare" "$work/json" "$work/json"
[ ! -s "$work/out" ] || fail 'compare told of a change'
printf '{"bench":"a/b","value":1,"unit":"ns","ratio":%s,"spread":0.01,"higher":false,"noisy":false}\n' 0.9 >"$work/old"
printf '{"bench":"a/b","value":1,"unit":"ns","ratio":%s,"spread":0.01,"higher":false,"noisy":false}\n' 0.6 >"$work/new"
expect_exit 1 "$SOURCE/bench/compare" "$work/old" "$work/new"
expect_stdout 'worse by 50 %'

# ---- Parameters

figures --item 24 exchange
expect_stdout '"exchange/keyed_24b"'
figures --item 4096 --variable --dist zipf --keys 10K exchange
expect_stdout '"exchange/keyed_4096v","params":"2 workers, 10000 keys, Zipf'
figures --procs 33 exchange/keyed_16b
figures --work 500ns redistribute
expect_stdout '"redistribute/work_500ns"'
figures --slab 16K --exchange-mem 4M --procs 1 exchange/keyed_16b
expect_stdout '"params":"1 workers"'
[ "$(wc -l <"$work/out")" -eq 2 ] || fail 'more was measured than asked for'
if [ "$(nproc)" -ge 2 ]; then
	figures --rate 50K latency
	expect_stdout '"latency/open_loop_50k_p9999"'
	reject_stdout latency/channel
fi

# refused SENTENCE ARGUMENT...
refused() {
	sentence=$1
	shift
	expect_exit 2 "$waxbench" --smoke "$@"
	expect_stderr "$sentence"
	[ ! -s "$work/out" ] || fail 'something was measured'
}

refused "--procs wants a whole number from 1 to 64, not 'many'" --procs many all
refused "--procs wants a whole number from 1 to 64, not '0'" --procs 0 all
refused "--item wants a size from 8 to 4096, not '8K'" --item 8K exchange
refused '--item wants a multiple of 8, not 9' --item 9 exchange
refused "--slab wants a size from 512 to 1048576, a power of two, not '100K'" --slab 100K exchange
refused "--dist wants uniform or zipf, not 'normal'" --dist normal exchange
refused "--work wants a duration from 1 to 100000000 ns, not '5'" --work 5 redistribute
refused "--rate wants a number from 1000 to 100000000, not '10'" --rate 10 latency
refused "--quick and --smoke exclude each other" --quick all
refused "there is no group 'exchang'" exchang
refused "no figure has a name that begins like 'exchange/keyed_17b'" exchange/keyed_17b
refused "unrecognized option" --no-such-option all

# ---- Away from its build it says what it cannot run, and runs the rest.

mkdir "$work/bin"
cp "$waxbench" "$work/bin"
expect_exit 0 env -u BUILD "$work/bin/waxbench" --smoke brc start
expect_stderr "Skipped: brc, because there is no '$work/bin/waxrun'"
expect_stdout start/first_item_2
