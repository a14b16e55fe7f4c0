#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compile_alone.sh c11|c++11|c++17: each installed header compiles alone, without a warning.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

standard=$1
case $standard in
c++*) compilers='g++ clang++' language=c++ strict= ;;
*) compilers='gcc clang' language=c strict='-Wstrict-prototypes -Wmissing-prototypes' ;;
esac

used=0
for compiler in $compilers; do
	command -v "$compiler" >/dev/null || continue
	used=$((used + 1))

	for header in "$SOURCE"/include/wax/*.h; do
		echo "#include <wax/${header##*/}>" >"$work/alone.c"
		# shellcheck disable=SC2086
		expect_exit 0 "$compiler" -x "$language" -std="$standard" -pedantic -Wall -Wextra -Wshadow \
			$strict -Werror -I "$SOURCE/include" -c -o "$work/alone.o" "$work/alone.c"
	done
done

[ "$used" -gt 0 ] || skip "no compiler for $standard"
