#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the programs print of themselves: docs/install.sh WAXRUN WAXBENCH MANDIR. Run by meson install.
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
waxbench=$(target "$2")
to=$MESON_INSTALL_DESTDIR_PREFIX
case $3 in
/*) man=${DESTDIR-}$3 ;;
*) man=$to/$3 ;;
esac

# put PROGRAM OPTION FILE
put() {
	rm -f "$3"
	mkdir -p "${3%/*}"
	"$1" "$2" >"$3"
	chmod 644 "$3"
}

put "$waxrun" --print-man "$man/man1/waxrun.1"
put "$waxbench" --print-man "$man/man1/waxbench.1"
put "$waxrun" --print-completion=bash "$to/share/bash-completion/completions/waxrun"
put "$waxrun" --print-completion=zsh "$to/share/zsh/site-functions/_waxrun"
put "$waxrun" --print-completion=fish "$to/share/fish/vendor_completions.d/waxrun.fish"
