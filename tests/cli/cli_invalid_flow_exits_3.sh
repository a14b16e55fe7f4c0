#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All mistakes of a flow are listed at once, each with its step: exit status 3, with --check as well.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

flows=$BUILD/tests/flows

for check in '' --check; do
	expect_exit 3 "$waxrun" -n 2 ${check:+"$check"} "$flows/mistakes.so"
	expect_stderr 'step "mistakes.no_key": needs a keyed stream'
	expect_stderr 'step "mistakes.numbers": the id "numbers" is taken'
	expect_stderr 'step "mistakes.dotted.id": the id "dotted.id" has a dot in it'
	expect_stderr 'a step needs an id (this one is a map)'
	expect_stderr 'step "mistakes.no_type": no type for what it emits'
	expect_stderr 'step "mistakes.no_callback": its callback is NULL'
	expect_stderr 'step "mistakes.no_stream": its input is'
	expect_stderr 'step "mistakes.mixed": merges uint64_t with text'
	expect_stderr 'asks for the key with %k, but the stream has none'
	expect_stderr 'step "mistakes.no_sink": its sink is NULL'
	expect_stderr 'step "mistakes.no_source": its source is NULL'
	expect_stderr 'and one of its own'
	[ "$(wc -l <"$work/err")" -eq 12 ] || fail 'not a line for each mistake'
	[ ! -s "$work/out" ] || fail 'something on stdout'

	expect_exit 3 "$waxrun" ${check:+"$check"} "$flows/empty.so"
	expect_stderr 'the flow has no input: it needs at least one wax_input'
	expect_stderr 'the flow has no output: it needs at least one wax_output or wax_inspect'
done

expect_nothing_left
