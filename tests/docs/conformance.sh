#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/reference/conformance.md lists the rows of the conformance suite that wax answers differently, or not, and no others.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

page=$SOURCE/docs/reference/conformance.md
"$BUILD/tests/conformance/conformance" --list >"$work/rows" || fail 'no list'

# rows STANDING: ids, sorted
rows() {
	sed -n "s/ $1\$//p" "$work/rows" | LC_ALL=C sort
}

# listed HEADING: ids in the first column of the table under it, sorted
listed() {
	awk -F '|' -v heading="## $1" '/^## / { here = $0 == heading } here && $2 ~ /`/ { print $2 }' "$page" |
		tr ',' '\n' | tr -d ' `' | LC_ALL=C sort
}

[ "$(rows same | wc -l)" -ge 70 ] || fail 'only few rows were found'
[ "$(cut -d ' ' -f 1 "$work/rows" | sort -u | wc -l)" -eq "$(wc -l <"$work/rows")" ] || fail 'two rows have one id'
rows different >"$work/different"
listed 'Answered differently' >"$work/listed"
expect_equal "$work/different" "$work/listed"
rows absent >"$work/absent"
listed 'Not answered' >"$work/listed"
expect_equal "$work/absent" "$work/listed"

counts="Of $(wc -l <"$work/rows") rows $(rows same | wc -l) are answered alike, $(rows different | wc -l) differently; $(rows absent | wc -l) have nothing to run."
grep -qxF "$counts" "$page" || fail "$page lacks: $counts"
