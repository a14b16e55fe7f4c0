# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

# pages: the Markdown files of the project, one a line, from its root.
pages() {
	(cd "$SOURCE" && find . \( -name '.?*' -o -name 'build*' -o -name subprojects \) -prune -o -name '*.md' -print) |
		sed 's|^\./||' | sort
}
