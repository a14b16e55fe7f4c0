#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What can be asked without running anything: --check, --graph, --report-bindings, --version, --help.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

echo words >"$work/in"

# ask ARGUMENT...: of wordcount with two workers
ask() {
	expect_exit 0 "$waxrun" -n 2 "$@" "$examples/wordcount.so" -- --in "$work/in"
}

ask --check
[ ! -s "$work/out" ] || fail '--check ran the flow'
expect_stderr 'flow "wordcount" is sound: 5 steps, 2 exchanges with 2 workers'
ask --check -q
[ ! -s "$work/err" ] || fail '-q is not quiet'

# Without the file that it reads a flow cannot be checked.
expect_exit 2 "$waxrun" --check "$examples/wordcount.so" -- --in "$work/nothing"

ask --graph
expect_stdout 'wordcount: 5 steps, 2 exchanges, for 2 workers'
grep -q 'count_final *<- by_word by key *-> (text, uint64_t)' "$work/out" || fail 'no exchange in the graph'
ask --graph=mermaid
[ ! -s "$work/err" ] || fail 'more than the graph was printed'
cat >"$work/expected" <<'END'
flowchart TD
    subgraph "wordcount (Dataflow)"
        wordcount.lines["lines (input)"]
        wordcount.split["split (flat_map)"]
        wordcount.lines -- "text" --> wordcount.split
        wordcount.by_word["by_word (key_on)"]
        wordcount.split -- "text" --> wordcount.by_word
        wordcount.count["count (count_final)"]
        wordcount.by_word == "(text, text) by key" ==> wordcount.count
        wordcount.out["out (output)"]
        wordcount.count == "(text, uint64_t) by partition" ==> wordcount.out
    end
END
expect_equal "$work/expected" "$work/out"
ask --graph=json
if command -v python3 >/dev/null; then
	mv "$work/out" "$work/graph"
	run python3 -m json.tool "$work/graph"
	[ "$status" -eq 0 ] || fail '--graph=json is no JSON'
fi
expect_exit 2 "$waxrun" --graph=dot "$examples/wordcount.so" -- --in "$work/in"
expect_stderr 'write text, mermaid or json'

ask --report-bindings
grep -q '^worker *0 .*cpu' "$work/err" || fail 'worker 0 is nowhere'
grep -q '^worker *1 .*cpu' "$work/err" || fail 'worker 1 is nowhere'
expect_stdout 'words	1'

ask --check -q --report-partitions
cat >"$work/expected" <<END
step   connector   worker  partition
lines  file_lines       0  $work/in:0/2
lines  file_lines       1  $work/in:1/2
out    stdout           0  stdout
END
expect_equal "$work/expected" "$work/err"
expect_exit 0 "$waxrun" -q -n 2 --check --report-partitions "$examples/record_sink.so" -- --to "$work"
cat >"$work/expected" <<END
step     connector  worker  partition
numbers  numbers         0  numbers:0/2
numbers  numbers         1  numbers:1/2
out      records         0  -
out      records         1  -
END
expect_equal "$work/expected" "$work/err"

expect_exit 0 "$waxrun" --version
grep -q '^waxrun [0-9]*\.[0-9]*\.[0-9]*$' "$work/out" || fail 'no version'
expect_exit 0 "$waxrun" --help
expect_equal "$SOURCE/tests/launcher/help.golden" "$work/out"
expect_exit 0 "$waxrun" "$examples/wordcount.so" -- --help
expect_stdout 'Count the words of a text'
expect_stdout '--in PATH'
[ ! -s "$work/err" ] || fail 'help of the flow is not on standard output alone'
expect_nothing_left
