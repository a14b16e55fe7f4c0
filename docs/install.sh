#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the programs print of themselves: docs/install.sh WAXRUN WAX WAXBENCH MANDIR. Run by meson install.
# A target of its own would have to be built first, and `make` builds only what runs.

set -eu
# Meson gives a target relative to the build folder.
target() {
	case $1 in
	/*) echo "$1" ;;
	*) echo "$MESON_BUILD_ROOT/$1" ;;
	esac
}
waxrun=$(target "$1")
wax=$(target "$2")
waxbench=$(target "$3")
to=$MESON_INSTALL_DESTDIR_PREFIX
case $4 in
/*) man=${DESTDIR-}$4 ;;
*) man=$to/$4 ;;
esac

# put FILE COMMAND...: what it prints
put() {
	file=$1
	shift
	rm -f "$file"
	mkdir -p "${file%/*}"
	"$@" >"$file"
	chmod 644 "$file"
}

put "$man/man1/waxrun.1" "$waxrun" --print-man
put "$man/man1/wax.1" "$wax" --print-man
put "$man/man1/waxbench.1" "$waxbench" --print-man
date=$("$waxrun" --print-man | sed -n 's/^\.Dd //p')
here=$(dirname "$0")
for header in "$here"/../include/wax/*.h; do
	stem=${header##*/}
	put "$man/man3/wax-${stem%.h}.3" "$here/man3" "$header" "$date"
done
for program in "$waxrun" "$wax"; do
	name=${program##*/}
	put "$to/share/bash-completion/completions/$name" "$program" --print-completion=bash
	put "$to/share/zsh/site-functions/_$name" "$program" --print-completion=zsh
	put "$to/share/fish/vendor_completions.d/$name.fish" "$program" --print-completion=fish
done
