#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The HTML of the documentation has every page, and its links lead somewhere: the file is there, and the id in it.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"
# shellcheck source=tests/docs/pages.sh
. "$SOURCE/tests/docs/pages.sh"

for tool in cmark-gfm mandoc; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
expect_exit 0 "$SOURCE/docs/html/build" "$BUILD" "$work/html"
[ ! -s "$work/err" ] || fail 'it complains'
[ -s "$work/html/index.html" ] || fail 'there is no index.html'
[ "$(find "$work/html" -name '*.html' | wc -l)" -gt "$(pages | wc -l)" ] || fail 'pages are missing'

# check FILE...: one line for each link that leads nowhere.
check() {
	awk '
	function normal(path) {
		while (sub(/^\.\//, "", path) || sub(/\/\.\//, "/", path) || sub(/[^\/]+\/\.\.\//, "", path))
			;
		return path
	}
	FNR == 1 { folder = FILENAME; sub(/[^\/]*$/, "", folder); files[FILENAME] }
	{
		rest = $0
		while (match(rest, /(href|id|src)="[^"]*"/)) {
			word = substr(rest, RSTART, RLENGTH - 1)
			rest = substr(rest, RSTART + RLENGTH)
			value = word
			sub(/^[a-z]*="/, "", value)
			if (word ~ /^id=/)
				ids[FILENAME "#" value]
			else if (value ~ /^#/)
				links[FILENAME value] = FILENAME ": " value
			else if (value !~ /^[a-z]+:/)
				links[normal(folder value)] = FILENAME ": " value
		}
	}
	END {
		for (link in links) {
			path = link
			sub(/#.*/, "", path)
			if (!(path in files) || (link ~ /#/ && !(link in ids)))
				print links[link]
		}
	}' "$@"
}

# shellcheck disable=SC2046
(cd "$work/html" && check $(find . -type f | sed 's|^\./||')) >"$work/broken"
[ ! -s "$work/broken" ] || fail "links that lead nowhere:
$(cat "$work/broken")"

# It sees what is wrong.
sed -i 's/ id="batch-sizes"//; s/href="tutorial.html"/href="gone.html"/' "$work/html/docs/concepts.html" "$work/html/docs/index.html"
echo '<a href="#batch-sizes">x</a>' >>"$work/html/docs/concepts.html"
# shellcheck disable=SC2046
(cd "$work/html" && check $(find . -type f | sed 's|^\./||')) >"$work/broken"
[ "$(wc -l <"$work/broken")" -ge 2 ] || fail 'links that lead nowhere are not seen'
