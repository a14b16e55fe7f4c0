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
expect_exit 0 docs/produce --check "$@"
expect_nothing_left
