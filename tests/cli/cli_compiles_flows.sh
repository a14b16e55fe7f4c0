#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# waxrun compiles a flow in C or C++; what does not compile, or is no flow of this version, is refused.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v "${CC:-cc}" >/dev/null || skip 'no C compiler'
flows=$BUILD/tests/flows
sources=$SOURCE/tests/flows
mkdir "$work/tmp"
TMPDIR=$work/tmp
export TMPDIR

expect_exit 0 "$waxrun" -q -n 2 "$flows/tally.so"
LC_ALL=C sort "$work/out" >"$work/expected"
expect_exit 0 "$waxrun" -q -n 2 "$sources/tally.c"
LC_ALL=C sort "$work/out" >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"

if command -v "${CXX:-c++}" >/dev/null; then
	echo world >"$work/in"
	expect_exit 0 "$waxrun" -q -n 2 "$sources/plus.cc" -- --in "$work/in"
	[ "$(cat "$work/out")" = 'hello world!' ] || fail 'a flow in C++ gives something else'
fi

printf '#include <wax/wax.h>\nWAX_FLOW(broken, "Broken")\n{\n\tno such thing\n}\n' >"$work/broken.c"
expect_exit 2 "$waxrun" "$work/broken.c"
expect_stderr 'broken.c:4'
expect_stderr "flow '$work/broken.c' does not compile: the compiler's messages are above"
printf 'int nothing;\n' >"$work/nothing.c"
expect_exit 2 "$waxrun" "$work/nothing.c"
expect_stderr 'is no flow: it exports no wax_flow_entry, which WAX_FLOW makes'
reject_stderr /proc/self

# A name with a dash in front and a space, no compiler, no place.
cp "$sources/tally.c" "$work/-a flow.c"
(
	cd "$work" || exit 1
	expect_exit 0 "$waxrun" -q -n 1 './-a flow.c'
) || exit 1
run env CC=/no/such/cc "$waxrun" "$sources/tally.c"
[ "$status" -eq 2 ] || fail "exit status $status without a compiler"
expect_stderr "the compiler '/no/such/cc' cannot be started"
run env TMPDIR=/no/such/place "$waxrun" "$sources/tally.c"
[ "$status" -eq 2 ] || fail "exit status $status without a place to compile"
expect_stderr 'TMPDIR'

expect_exit 2 "$waxrun" "$flows/no_flow.so"
expect_stderr "'$flows/no_flow.so' is no flow: it exports no wax_flow_entry"
expect_exit 2 "$waxrun" "$flows/other_version.so"
expect_stderr "flow '$flows/other_version.so': it was built for wax"
reject_stdout 'the flow was built'

[ -z "$(find "$work/tmp" -mindepth 1)" ] || fail "left behind: $(find "$work/tmp" -mindepth 1)"
expect_nothing_left
