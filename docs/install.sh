#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what waxrun prints of itself: docs/install.sh WAXRUN MANDIR. Run by meson install.
# A target of its own would have to be built first, and `make` builds only what runs.

set -eu
# Meson gives a target relative to the build folder.
case $1 in
/*) waxrun=$1 ;;
*) waxrun=$MESON_BUILD_ROOT/$1 ;;
esac
to=$MESON_INSTALL_DESTDIR_PREFIX
case $2 in
/*) man=${DESTDIR-}$2 ;;
*) man=$to/$2 ;;
esac

# put OPTION FILE
put() {
	rm -f "$2"
	mkdir -p "${2%/*}"
	"$waxrun" "$1" >"$2"
	chmod 644 "$2"
}

put --print-man "$man/man1/waxrun.1"
put --print-completion=bash "$to/share/bash-completion/completions/waxrun"
put --print-completion=zsh "$to/share/zsh/site-functions/_waxrun"
put --print-completion=fish "$to/share/fish/vendor_completions.d/waxrun.fish"
