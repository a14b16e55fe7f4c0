#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The memory of a run does not grow with the length of its input, nor when the sink is slower than the source.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v nm >/dev/null || skip 'nm is not installed'
if nm -D "$waxrun" | grep -q __asan; then
	skip 'a sanitizer keeps what was freed'
fi

awk 'BEGIN {
	srand(1)
	for (i = 0; i < 10000; i++) {
		for (j = 0; j < 12; j++) printf "%c%c%c%d ", 97 + rand() * 26, 97 + rand() * 26, 97 + rand() * 26, i % 10
		print "word"
	}
}' >"$work/block"
: >"$work/short"
while [ "$(wc -c <"$work/short")" -lt 10000000 ]; do
	cat "$work/block" >>"$work/short"
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
	cat "$work/short" >>"$work/long"
done

# memory_of COMMAND...: what the run took at most, in KiB
memory_of() {
	expect_exit 0 "$waxrun" "--json=$work/json" -i 0 -n 2 "$@"
	sed -n 's/.*"memory_bytes_max":\([0-9]*\)[0-9][0-9][0-9],.*/\1/p' "$work/json"
}

short=$(memory_of "$examples/wordcount.so" -- --in "$work/short")
long=$(memory_of "$examples/wordcount.so" -- --in "$work/long")
[ "$long" -le $((short * 12 / 10)) ] || fail "$short kB for 10 MB, $long kB for 100 MB"

# A slow reader of the output holds the source back.
"$waxrun" "--json=$work/json" -i 0 -n 2 "$BUILD/tests/flows/lines.so" -- --in "$work/long" 2>"$work/err" |
	{ sleep 1; cat; } | cksum >/dev/null
slow=$(sed -n 's/.*"memory_bytes_max":\([0-9]*\)[0-9][0-9][0-9],.*/\1/p' "$work/json")
[ "$slow" -le 50000 ] || fail "$slow kB while the reader of 100 MB waits"
expect_nothing_left
