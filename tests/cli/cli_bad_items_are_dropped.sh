#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What becomes of items at which a callback fails: --on-error and the flow decide, step by step, and what is dropped is counted.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

bad=$BUILD/tests/flows/bad.so
awk 'BEGIN { for (i = 1; i <= 20000; i++) print i % 1000 == 7 ? "row " i : i % 100 }' >"$work/in"
awk '!/row/ && $1 != 13 { sum[$1 % 10] += $1 } END { for (d in sum) print d "\t" sum[d] }' "$work/in" | sort >"$work/sums"
rows=$(grep -c row "$work/in")
thirteens=$(grep -cx 13 "$work/in")

# field NAME FILE: its value in the last JSON line.
field() {
	tail -n 1 "$2" | grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d : -f 2
}

# Without a policy the first ends the run, and the report has the whole id.
expect_exit 1 "$waxrun" -q -n 2 "$bad" -- --in "$work/in"
expect_stderr 'step "bad.read.parse" (worker '
expect_stderr ': no number'

for workers in 1 2 3; do
	letters=$work/letters-$workers
	expect_exit 0 "$waxrun" -n "$workers" --json="$work/json" --on-error read.parse=dlq:"$letters" \
		--on-error bad.read.like=skip "$bad" -- --in "$work/in"
	sort "$work/out" >"$work/sorted"
	expect_equal "$work/sums" "$work/sorted"
	expect_stderr "; dropped $((rows + thirteens))"
	expect_stderr "dropped by \"read.parse\": $rows items, written to '$letters'"
	expect_stderr "dropped by \"read.like\": $thirteens items"
	[ "$(field items_dropped "$work/json")" -eq "$((rows + thirteens))" ] || fail 'items_dropped is wrong'

	# All are there, whole and once.
	[ "$(grep -c '^{"type":"dead_letter","schema":1,.*}$' "$letters")" -eq "$rows" ] || fail 'lines were cut or mixed'
	sed -n 's/.*"step":"bad.read.parse",.*"error":"no number","item_type":"text","value":"\(row [0-9]*\)"}$/\1/p' \
		"$letters" | sort >"$work/found"
	grep row "$work/in" | sort >"$work/lost"
	expect_equal "$work/lost" "$work/found"
	if command -v python3 >/dev/null; then
		python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$letters" || fail 'a letter is no JSON'
	fi
done

# A scope stands for all that is in it; the environment will do; what is in a file stays.
WAX_ON_ERROR="read=dlq:$work/letters-1"
export WAX_ON_ERROR
expect_exit 0 "$waxrun" -q -n 2 "$bad" -- --in "$work/in"
unset WAX_ON_ERROR
[ ! -s "$work/err" ] || fail '-q is not quiet'
[ "$(wc -l <"$work/letters-1")" -eq $((2 * rows + thirteens)) ] || fail 'letters were lost'
grep -q '"step":"bad.read.like",.*"value_hex":"0d00000000000000","value_text":"13"}$' "$work/letters-1" ||
	fail 'a number cannot be read'

# The flow decides where the command line does not.
expect_exit 1 "$waxrun" -q -n 2 "$bad" -- --in "$work/in" --letters "$work/own"
expect_exit 0 "$waxrun" -q -n 2 --on-error read.parse=skip "$bad" -- --in "$work/in" --letters "$work/own"
grep -v '"step":"bad.read.like"' "$work/own" && fail 'letters of another step'
expect_exit 1 "$waxrun" -q -n 2 --on-error fail "$bad" -- --in "$work/in" --letters "$work/own"

# Nothing runs when the policy means nothing, or the file cannot be written.
expect_exit 2 "$waxrun" --on-error read.pasre=skip "$bad" -- --in "$work/in"
expect_stderr 'did you mean "read.parse"?'
expect_exit 2 "$waxrun" --on-error drop "$bad" -- --in "$work/in"
expect_stderr "'drop' is not accepted: write fail, skip or dlq:PATH"
expect_exit 2 "$waxrun" --on-error lines=skip "$bad" -- --in "$work/in"
expect_exit 2 "$waxrun" --on-error dlq:/dev/null "$bad" -- --in "$work/in"
expect_stderr 'it is not a regular file'
expect_exit 2 "$waxrun" --on-error dlq:"$work/nowhere/x" "$bad" -- --in "$work/in"
expect_stderr "cannot write dead letters to '$work/nowhere/x': No such file or directory"
[ ! -s "$work/out" ] || fail 'something ran'

# A file that takes no more ends the run: 128 KiB are less than the letters need.
yes 'a row' | head -n 5000 >"$work/rows"
ulimit -f 256
expect_exit 5 "$waxrun" -q -n 1 --on-error dlq:"$work/full" "$bad" -- --in "$work/rows"
expect_stderr "waxrun: error: step \"bad.read.parse\" (worker 0, epoch 1, source $work/rows:0/1 offset "
expect_stderr "cannot write dead letters to '$work/full': File too large"
expect_nothing_left
