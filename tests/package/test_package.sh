#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A user without the source tree builds a flow against the installed package and runs it.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

root=$work/root
expect_exit 0 env DESTDIR="$root" meson install -C "$BUILD" --no-rebuild --quiet

pc=$(find "$root" -name wax.pc)
[ -n "$pc" ] || fail 'wax.pc is not installed'
launcher=$(find "$root" -path '*/bin/waxrun')
[ -x "$launcher" ] || fail 'waxrun is not installed'

# Of a run that kept no state there is nothing to see, and wax says so.
wax=$(find "$root" -path '*/bin/wax')
[ -x "$wax" ] || fail 'wax is not installed'
expect_exit 4 "$wax" state ls "$work"
expect_stderr 'no run has committed an epoch'

# Without the tree waxbench measures what needs none of it, and says what it leaves out.
waxbench=$(find "$root" -path '*/bin/waxbench')
[ -x "$waxbench" ] || fail 'waxbench is not installed'
expect_exit 0 env -u BUILD "$waxbench" --smoke start brc
expect_stdout start/first_item_2
expect_stderr 'Skipped: brc, because there is no'

export PKG_CONFIG_PATH="${pc%/*}"
export PKG_CONFIG_SYSROOT_DIR="$root"
flags=$(pkg-config --cflags --libs wax) || fail 'pkg-config does not know wax'

# The loader finds an installed library by itself; this one stands in a scratch folder.
libraries=${pc%/pkgconfig/*}
export LD_LIBRARY_PATH="$libraries"

printf 'one two two\nthree three three\n' >"$work/text"
printf 'one\t1\nthree\t3\ntwo\t2\n' >"$work/expected"

# builds_and_runs COMPILER FLAG...: the example, outside of the tree.
builds_and_runs() {
	# shellcheck disable=SC2086
	expect_exit 0 "$@" -Wall -Wextra -Werror -shared -fPIC -o "$work/flow.so" "$work/wordcount.c" $flags
	expect_exit 0 "$launcher" --procs 2 "$work/flow.so" -- --in "$work/text"
	sort "$work/out" >"$work/counts"
	expect_equal "$work/expected" "$work/counts"
	rm "$work/flow.so"
}

cp "$SOURCE/examples/wordcount.c" "$work/"
for compiler in gcc clang; do
	command -v "$compiler" >/dev/null || continue
	builds_and_runs "$compiler" -std=c11
done
for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	builds_and_runs "$compiler" -x c++ -std=c++17
done

# A test of a flow needs nothing else.
# shellcheck disable=SC2086
expect_exit 0 gcc -std=c11 -Wall -Wextra -Werror -o "$work/test" "$SOURCE/examples/test_wordcount.c" $flags
expect_exit 0 "$work/test"

expect_nothing_left
