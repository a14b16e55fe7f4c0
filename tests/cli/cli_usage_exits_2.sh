#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is wrong with the command line is said in one sentence, before anything runs: exit status 2.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

flows=$BUILD/tests/flows
lines=$flows/lines.so
echo text >"$work/in"

# refuse SENTENCE ARGUMENT...
refuse() {
	sentence=$1
	shift
	expect_exit 2 "$waxrun" "$@"
	expect_stderr "$sentence"
	[ "$(grep -c '^waxrun: error: ' "$work/err")" -eq 1 ] || fail "not one sentence from: $*"
	[ ! -s "$work/out" ] || fail "something on stdout from: $*"
}

refuse "unknown option '--prcs': did you mean --procs?" --prcs 2 "$lines"
refuse "unknown option '-Z': see waxrun --help" -Z "$lines"
refuse "'0' is out of range: write a whole number from 1 to 256, or auto" --procs 0 "$lines"
refuse "'many' is no whole number" --procs many "$lines"
refuse "'10' has no unit" --timeout 10 "$lines"
refuse "'sometimes' is not accepted: write auto, always or never" --color sometimes "$lines"
refuse "'1000' is no power of two" --slab 1000 "$lines"
refuse 'no flow: write waxrun [OPTIONS] FLOW.so [-- ARGUMENTS]'
refuse "no flow: write" --procs 2

refuse "flow '$work/no.so': No such file or directory" "$work/no.so"
refuse "flow '$work/no.c': No such file or directory" "$work/no.c"
refuse "flow '$work' is a directory" "$work"
refuse 'cannot be loaded' "$work/in"

refuse "after the flow '$lines': arguments of the flow go after --" "$lines" "$work/in"
refuse 'arguments of the flow go after --' "$lines" --in "$work/in"
refuse 'arguments of the flow go after --' "$lines" "--in=$work/in"
refuse 'arguments of the flow go after --' "$lines" --into "$work/in"
refuse 'the flow has no argument --inn: did you mean --in?' "$lines" -- --inn "$work/in"
refuse "the flow takes no argument '$work/in'" "$lines" -- "$work/in"
refuse '--in needs a value' "$lines" -- --in
refuse "'few' is no count" "$lines" -- --parts few
expect_stderr "hint: \`waxrun $lines -- --help\`"
refuse 'the flow needs --in PATH' "$flows/trouble.so"

refuse "cannot read '$work/no': No such file or directory" "$lines" -- --in "$work/no"
refuse "'$work' is a directory" "$lines" -- --in "$work"
refuse "'/dev/null' is not a regular file" "$lines" -- --in /dev/null

# A log that cannot be opened.
refuse "--json: open '$work/no/json'" "--json=$work/no/json" "$lines" -- --in "$work/in"

# The environment is read as well, and what is wrong in it is named by its own name.
run env WAX_PROCS=none "$waxrun" "$lines" -- --in "$work/in"
[ "$status" -eq 2 ] || fail "exit status $status with WAX_PROCS=none"
expect_stderr 'WAX_PROCS'

# Not even a file may be made, nor a sink emptied, when the rest is wrong.
echo precious >"$work/to"
refuse 'the flow has no argument --nix' "$lines" -- --in "$work/in" --to "$work/to" --nix
refuse "cannot read '$work/no'" "$lines" -- --in "$work/no" --to "$work/to"
[ "$(cat "$work/to")" = precious ] || fail 'a sink was emptied by a run that did not start'

expect_nothing_left
