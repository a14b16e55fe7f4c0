#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every bench once, tiny: it runs, prints what a program can read, and draws.
#   smoke.sh WAXBENCH

waxbench=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

TMPDIR=$folder "$waxbench" --smoke --json --plot "$folder/plot.svg" \
	--markdown "$folder/results.md" --commit test all >"$folder/json" || exit 1

for group in exchange redistribute operators lines wake latency wordcount brc start profile; do
	# Some need two CPUs, and say so.
	[ "$(nproc)" -lt 2 ] && case $group in wake | latency) continue ;; esac
	grep -q "^{\"bench\":\"$group/" "$folder/json" || {
		echo "nothing of group $group"
		exit 1
	}
done

number='(null|-?[0-9.]+(e[-+]?[0-9]+)?)'
row='^\{"bench":"[a-z]+/[a-z0-9_]+","params":"[^"]*"'
row="$row,\"value\":$number,\"unit\":\"[A-Za-z/]+\",\"yardstick\":$number"
row="$row,\"ratio\":$number,\"spread\":$number"
row="$row,\"higher\":(true|false),\"noisy\":(true|false)\\}\$"
if grep -Ev "$row" "$folder/json"; then
	echo "these lines are not as they should be"
	exit 1
fi
grep -q '</svg>' "$folder/plot.svg" || { echo "no plot"; exit 1; }
grep -q '^| exchange/keyed_16b ' "$folder/results.md" || { echo "no table"; exit 1; }

# Compared with itself nothing changed.
said=$("$(dirname "$0")/compare" "$folder/json" "$folder/json" 2>&1) || exit 1
[ -z "$said" ] || { echo "compare: $said"; exit 1; }
