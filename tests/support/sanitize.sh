#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build with a sanitizer beside the build folder and run suites there:
#
#     sanitize.sh clang thread stress
#     sanitize.sh clang fuzzer,address,undefined fuzz
#     sanitize.sh gcc address,undefined unit cli

set -eu

export CC="$1"
sanitizers=$2
shift 2

SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$SOURCE/build}
build=$BUILD/sanitize/$(basename "$CC")-$(echo "$sanitizers" | tr ',' '-')

suites=
for suite; do
	suites="$suites --suite $suite"
done

# libFuzzer is none of meson's sanitizers.
fuzz=disabled
case $sanitizers in
fuzzer,*)
	fuzz=enabled
	sanitizers=${sanitizers#fuzzer,}
	;;
esac

# A sanitizer's runtime comes with the program, so that libwax.so has undefined symbols.
if [ ! -f "$build/build.ninja" ]; then
	mkdir -p "$build"
	meson setup "$build" "$SOURCE" -Db_sanitize="$sanitizers" -Db_lundef=false -Dwerror=true \
		-Doptimization=1 -Dtests=enabled -Dfuzz="$fuzz" >"$build.log" 2>&1 || {
		cat "$build.log"
		exit 1
	}
fi

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"

# ThreadSanitizer of these compilers cannot place its shadow when addresses are much randomised.
fixed=
setarch -R true 2>/dev/null && fixed='setarch -R'

# $fixed and $suites are lists of words.
# shellcheck disable=SC2086
exec $fixed meson test -C "$build" $suites --no-suite least --print-errorlogs --timeout-multiplier 4
