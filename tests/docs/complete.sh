#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever a user can name is documented: operators, connectors, arguments, counters, fields of the JSON, exit codes, options.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

cd "$SOURCE" || exit 1
reference=docs/reference

# has PAGE TEXT
has() {
	grep -qF -e "$2" "$reference/$1" || fail "$reference/$1 lacks $2"
}

# functions HEADER TYPE: names of the functions that it declares with this type
functions() {
	tr -s ' \t\n' '   ' <"include/wax/$1" | grep -o "$2 \*\{0,1\}wax_[a-z0-9_]*(" | sed 's/.*[ *]\(wax_[a-z0-9_]*\)(/\1/' | sort -u
}

# Every function that takes or gives a stream has a page, and the page all that a reader looks for.
count=0
{
	for header in include/wax/*.h; do
		functions "${header##*/}" 'WAX_API struct wax_stream'
	done
	functions operators.h 'WAX_API struct wax_branches'
	functions operators.h 'WAX_API void'
} >"$work/operators"
while read -r name; do
	grep -q "^# \(.*, \)\{0,1\}$name\(,.*\)\{0,1\}\$" "$reference"/operators/*.md || fail "$reference/operators has no page of $name"
	grep -q "^| .*\[$name\](operators/" "$reference/operators.md" || fail "$reference/operators.md does not list $name"
	count=$((count + 1))
done <"$work/operators"
[ "$count" -ge 40 ] || fail "only $count operators were found"
for page in "$reference"/operators/*.md; do
	for heading in 'What it does' 'When to use it' 'Cost' 'Example'; do
		grep -qx "## $heading" "$page" || fail "$page does not say: $heading"
	done
	grep -q '^\$ waxrun' "$page" || fail "$page runs nothing"
done
for file in examples/operators/*.c; do
	grep -qF -e "<!-- file: $file -->" "$reference"/operators/*.md || fail "no page shows $file"
done

count=0
for name in $(functions connectors.h 'WAX_API struct wax_source'; functions connectors.h 'WAX_API struct wax_sink'); do
	has connectors.md "\`$name("
	count=$((count + 1))
done
for name in $(functions connector.h 'WAX_API struct wax_source'); do
	[ "$name" = wax_source_make ] || has connectors.md "\`$name("
done
[ "$count" -ge 10 ] || fail "only $count connectors were found"

grep -o 'wax_arg_[a-z]*' include/wax/flow.h | sort -u >"$work/arguments"
while read -r name; do
	has flow-arguments.md "\`$name\`"
done <"$work/arguments"

# Counters: X(name, "unit", "help") in the tables of shm/control.h.
sed -n 's/^[[:space:]]*X(\([a-z_]*\), "\([a-z]*\)", "\([^"]*\)").*/\1 \3/p' shm/control.h >"$work/counters"
[ "$(wc -l <"$work/counters")" -ge 18 ] || fail 'only few counters were found'
while read -r name help; do
	has summary-and-json.md "\`$name\`"
	grep -qF -e "$help" "$reference/summary-and-json.md" || echo "note: $name is described in other words than \"$help\""
done <"$work/counters"

# Every field that is in fact written, of a run that ends well and of one that fails.
printf 'one two\n' >"$work/good"
printf 'no row\n' >"$work/bad"
expect_exit 0 "$waxrun" -n 2 -i 1ms --profile --json="$work/good.json" "$examples/wordcount.so" -- --in "$work/good"
expect_exit 1 "$waxrun" -n 2 --json="$work/bad.json" "$examples/brc.so" -- --in "$work/bad"
grep -qh '"type":"summary"' "$work/good.json" || fail 'no summary'
for name in $(grep -oh '"[a-z_]*":' "$work/good.json" "$work/bad.json" | tr -d '":' | sort -u); do
	has summary-and-json.md "\`$name\`"
done

# Exit codes that the manual page lists.
"$waxrun" --print-man >"$work/man" || fail 'no manual page'
sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' "$work/man" >"$work/codes"
[ "$(wc -l <"$work/codes")" -ge 8 ] || fail 'the manual page lists only few exit codes'
while read -r code; do
	has exit-codes.md "| $code |"
done <"$work/codes"

# Verbs, options, exit codes and fields of wax.
wax=$BUILD/wax
"$wax" --print-man >"$work/man" || fail 'wax has no manual page'
sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' "$work/man" >"$work/codes"
[ "$(wc -l <"$work/codes")" -ge 5 ] || fail 'the manual page of wax lists only few exit codes'
while read -r code; do
	has wax-state.md "| $code |"
done <"$work/codes"
"$wax" --help | sed -n 's/^  state \([a-z]*\) .*/\1/p' >"$work/verbs"
[ "$(wc -l <"$work/verbs")" -ge 5 ] || fail 'wax lists only few verbs'
while read -r verb; do
	grep -qE "wax state $verb|\`$verb\`" "$reference/wax-state.md" || fail "$reference/wax-state.md lacks $verb"
done <"$work/verbs"
cp -r tests/data/shop "$work/shop"
head -c 100 "$work/shop/gen-00000002/worker-00000.000001" >"$work/tail"
cat "$work/tail" >>"$work/shop/gen-00000002/worker-00000.000001"
{
	"$wax" state ls --json "$work/shop"
	"$wax" state export --json "$work/shop"
	"$wax" state diff --json "$work/shop" 1 5
	"$wax" state repair --json "$work/shop"
} >"$work/state.json" 2>/dev/null
for type in recovery state position difference cut; do
	grep -q "\"type\":\"$type\"" "$work/state.json" || fail "wax wrote no $type"
done
for name in $(grep -oh '"[a-z_]*":' "$work/state.json" | tr -d '":' | sort -u); do
	has wax-state.md "\`$name\`"
done

# Groups and options of waxbench.
"$BUILD/waxbench" --help >"$work/help" || fail 'waxbench has no help'
sed -n 's/^  \(--[a-z-]*\).*/\1/p; s/^  \([a-z]*\)  .*/\1/p' "$work/help" >"$work/names"
[ "$(wc -l <"$work/names")" -ge 28 ] || fail 'waxbench lists only few groups and options'
while read -r name; do
	grep -q "^| \`$name" "$reference/waxbench.md" || fail "$reference/waxbench.md lacks $name"
done <"$work/names"
