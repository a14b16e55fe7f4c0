#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the pages show of commands is what they print.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"
# shellcheck source=tests/docs/pages.sh
. "$SOURCE/tests/docs/pages.sh"

cd "$SOURCE" || exit 1
# shellcheck disable=SC2046
set -- $(grep -l '^```console' $(pages))
[ "$#" -gt 5 ] || fail 'no page shows commands'
# A few pages at a time, on all cores.
printf '%s\n' "$@" >"$work/pages"
expect_exit 0 xargs -a "$work/pages" -P "$(nproc)" -n 4 docs/produce --check
expect_nothing_left
