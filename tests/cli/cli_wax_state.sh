#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# wax state shows what is in a recovery directory, and repairs nothing but a torn tail.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

wax=$BUILD/wax
tab=$(printf '\t')
cd "$work" || exit 1

# make DIR <SCRIPT: see tests/support/make_recovery.c
make() {
	"$BUILD/tests/make_recovery" "$1" || fail "cannot make $1"
}

# shows TEXT ARGUMENT...: all of standard output, and nothing else
shows() {
	printf '%s' "$1" >expected
	shift
	expect_exit 0 "$wax" "$@"
	expect_equal expected out
	[ ! -s err ] || fail "something on stderr from: $*"
}

# refuses STATUS SENTENCE ARGUMENT...: one sentence, and nothing on standard output
refuses() {
	expected_status=$1
	sentence=$2
	shift 2
	expect_exit "$expected_status" "$wax" "$@"
	expect_stderr "$sentence"
	[ "$(grep -c '^wax: error: ' err)" -eq 1 ] || fail "not one sentence from: $*"
	[ ! -s out ] || fail "something on stdout from: $*"
}

# sums DIR: of all of its files but the lock
sums() {
	find "$1" -type f ! -name lock -exec cksum {} + | sort -k 3
}

# What is in the tree is what its script makes: read only, so that nothing below changes it.
make shop <"$SOURCE/tests/data/shop.script"
(cd "$SOURCE/tests/data" && sums shop) >kept
sums shop >made
expect_equal kept made

# ---- ls

expect_exit 0 "$wax" state ls shop
cat >expected <<'END'
flow shop, epoch 5, directory of 48.6KiB
epochs 1-5

generation  workers  epochs  from
         2        3     4-5  epoch 3 of 1
         1        2     1-3  nothing

step         kind          key       version  keys  bytes
shop.count   count_final   text            1     2    25B
shop.orders  stateful_map  uint64_t        1     1    12B

position    role    kind        instance  part     at
shop.lines  source  file_lines         0  in.csv   5000
shop.lines  source  file_lines         1  in.csv   5500
shop.lines  source  file_lines         2  in.csv   500
shop.out    sink    file_sink          0  out.csv  256
END
expect_equal expected out
[ ! -s err ] || fail 'something on stderr from ls'

expect_exit 0 "$wax" state ls --epoch=2 shop
expect_stdout 'flow shop, epoch 2,'
expect_stdout '         1        2     1-2  nothing'
grep -q '^shop.orders .* 3 ' out || fail 'not the keys of epoch 2'
expect_stdout 'in.csv   2200'

expect_exit 0 "$wax" state ls --json shop
[ "$(wc -l <out)" -eq 1 ] || fail 'not one line'
expect_stdout '{"type":"recovery","schema":1,"flow":"shop","epoch":5,"directory_bytes":'
expect_stdout '"epochs":[1,2,3,4,5],'
expect_stdout '{"generation":1,"worker_count":2,"epoch_first":1,"epoch_last":3,"from_generation":0,"from_epoch":0}'
expect_stdout '{"step":"shop.count","kind":"count_final","key_type":"text","version":1,"keys":2,"state_bytes":25}'
expect_stdout '{"step":"shop.lines","role":"source","kind":"file_lines","instance":2,"part":"in.csv","position":"500"}'

# ---- get

shows '0x0600000000000000
' state get shop shop.count apple
shows '6
' state get shop shop.count apple --value-type=u64
shows '2
' state get shop shop.count apple --value-type=u64 --epoch 1
shows '9
' state get --epoch 1 --value-type u64 shop shop.count 0x00ff
shows 'open
' state get shop shop.orders 11
shows '{"type":"state","schema":1,"step":"shop.orders","key":11,"value":"open"}
' state get --json shop shop.orders 11
shows '{"type":"state","schema":1,"step":"shop.count","key":"apple","value_hex":"0600000000000000"}
' state get --json shop shop.count apple

refuses 1 "step 'shop.count' has no key 'pear' at the end of epoch 5" state get shop shop.count pear
refuses 1 "has no key 'cherry'" state get shop shop.count cherry
refuses 1 "has no key '2'" state get shop shop.orders 2
refuses 2 "no step 'shop.cuont' has state: did you mean shop.count?" state get shop shop.cuont apple
refuses 2 "no step 'nothing' has state: wax state ls lists those that have" state get shop nothing apple
refuses 2 "no step 'shop.lines' has state" state get shop shop.lines in.csv
refuses 2 "'apple' is no key of type u64: write such a number" state get shop shop.orders apple
refuses 2 "'0xf' is no key: write two hexadecimal digits for each byte" state get shop shop.count 0xf

# ---- export

orders="shop.orders${tab}2${tab}paid
shop.orders${tab}10${tab}open
"
shows "shop.count${tab}apple${tab}5
shop.count${tab}pear${tab}1
shop.count${tab}plum${tab}1
$orders" state export shop --epoch=3 --value-type=u64
shows "$orders" state export shop --epoch=4 shop.orders
shows "shop.orders${tab}0x0200000000000000${tab}0x70616964
shop.orders${tab}0x0a00000000000000${tab}0x6f70656e
" state export shop --epoch=4 shop.orders --key-type=hex --value-type=hex
shows "shop.count${tab}0x00ff${tab}9
shop.count${tab}apple${tab}2
shop.count${tab}pear${tab}1
" state export shop --epoch=1 --value-type=u64 shop.count
shows '{"type":"state","schema":1,"step":"shop.count","key":"apple","value":6}
{"type":"state","schema":1,"step":"shop.count","key":"plum","value":1}
' state export shop --json --value-type=u64 shop.count

expect_exit 0 "$wax" state export shop --format json
[ "$(grep -c '"type":"state"' out)" -eq 3 ] || fail 'not three states'
[ "$(grep -c '"type":"position"' out)" -eq 4 ] || fail 'not four positions'
mv out lines
expect_exit 0 "$wax" state export shop --json --out file
[ ! -s out ] || fail 'something on stdout with --out'
expect_equal lines file
refuses 2 "'file' is there already: remove it, or name another file" state export shop --json --out file
expect_equal lines file
refuses 5 "make 'no/file': No such file or directory" state export shop --out no/file
refuses 2 "no step 'shop.nix' has state" state export shop shop.count shop.nix --out other
[ ! -e other ] || fail 'a file was made for nothing'
if [ -e /dev/full ]; then
	"$wax" state export shop >/dev/full 2>err
	[ "$?" -eq 5 ] || fail 'a full disk is not noticed'
	expect_stderr 'wax: error: standard output did not take all of it'
fi

# ---- export to SQLite

refuses 2 '--format sqlite needs a file: write --out FILE as well' state export shop --format=sqlite
run "$wax" state export shop --format=sqlite --out shop.db
if grep -q 'built without SQLite' err; then
	[ "$status" -eq 2 ] || fail "exit status $status without SQLite"
	expect_stderr 'install libsqlite3-dev and build it with -Dsqlite=enabled'
elif ! command -v sqlite3 >/dev/null; then
	[ "$status" -eq 0 ] || fail "exit status $status from SQLite"
else
	[ "$status" -eq 0 ] || fail "exit status $status from SQLite"
	[ ! -s out ] || fail 'something on stdout'
	[ ! -s err ] || fail 'something on stderr'
	expect_exit 0 sqlite3 shop.db 'SELECT step, typeof(key), key, hex(value) FROM states ORDER BY step, key;
		SELECT step, role, kind, key_type, version FROM steps ORDER BY step;
		SELECT step, role, instance, part, position FROM positions ORDER BY step, instance'
	cat >expected <<'END'
shop.count|text|apple|0600000000000000
shop.count|text|plum|0100000000000000
shop.orders|integer|11|6F70656E
shop.count|state|count_final|text|1
shop.lines|source|file_lines|-|1
shop.orders|state|stateful_map|uint64_t|1
shop.out|sink|file_sink|-|1
shop.lines|source|0|in.csv|5000
shop.lines|source|1|in.csv|5500
shop.lines|source|2|in.csv|500
shop.out|sink|0|out.csv|256
END
	expect_equal expected out
	cp shop.db before.db
	refuses 2 "'shop.db' is there already" state export shop --format=sqlite --out shop.db
	expect_equal before.db shop.db
	refuses 5 "make 'no/shop.db': No such file or directory" state export shop --format=sqlite --out no/shop.db
	expect_exit 0 "$wax" state export shop --format=sqlite --out u64.db --value-type=u64 --epoch=1
	expect_exit 0 sqlite3 u64.db "SELECT key, value FROM states WHERE step = 'shop.count' AND typeof(value) = 'integer' AND typeof(key) = 'text'"
	printf 'apple|2\npear|1\n' >expected
	expect_equal expected out
fi

# ---- diff

expect_exit 1 "$wax" state diff shop 3 5 --value-type=u64
cat >expected <<END
~${tab}shop.count${tab}apple${tab}5${tab}6
-${tab}shop.count${tab}pear${tab}1
-${tab}shop.orders${tab}2${tab}paid
-${tab}shop.orders${tab}10${tab}open
+${tab}shop.orders${tab}11${tab}open
END
expect_equal expected out
[ ! -s err ] || fail 'something on stderr from diff'
expect_exit 1 "$wax" state diff shop 4 3 --json --value-type=u64
cat >expected <<'END'
{"type":"difference","schema":1,"change":"changed","step":"shop.count","key":"apple","value_before":6,"value_after":5}
{"type":"difference","schema":1,"change":"came","step":"shop.count","key":"pear","value_after":1}
END
expect_equal expected out
shows '' state diff shop 5 5
make other <<'END'
generation 1 1 0 0
step 1 count_final text shop.count
step 2 fold_final text other.fold
epoch 1
state 1 apple u64:6
state 1 plum u64:1
state 2 a b
end
END
expect_exit 1 "$wax" state diff shop other
cat >expected <<END
-${tab}shop.orders${tab}11${tab}open
+${tab}other.fold${tab}a${tab}b
END
expect_equal expected out
refuses 2 "'x' is no epoch: write wax state diff DIR EPOCH EPOCH" state diff shop x 5
refuses 4 "there is no epoch 9 in 'shop' to go on from, there are 1 to 5" state diff shop 1 9
refuses 4 "there is no epoch 9 in 'shop'" state diff shop 9 1
refuses 4 "open the recovery directory 'nothing': No such file or directory" state diff shop nothing

# ---- What is missing, foreign or damaged

for verb in ls export repair; do
	refuses 4 "open the recovery directory 'nothing': No such file or directory" state $verb nothing
done
mkdir empty
refuses 4 "no run has committed an epoch in 'empty' yet: is it the directory that waxrun --recovery was given?" state ls empty
refuses 4 "no run has saved anything in 'empty'" state repair empty
[ ! -e empty/lock ] || fail 'repair made a lock in a folder that is none of its own'
refuses 4 "there is no epoch 7 in 'shop' to go on from, there are 1 to 5" state ls --epoch=7 shop

# flip FILE OFFSET: another byte than there was
flip() {
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf %b "\\0$(printf %o $((255 - byte)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# The key of a state, in the middle of what was committed.
cp -r shop damaged
file=damaged/gen-00000002/worker-00001.000001
at=$(grep -abo -m 1 apple damaged/gen-00000002/worker-* | head -n 1)
file=${at%%:*}
at=${at#*:}
flip "$file" "${at%%:*}"
refuses 4 "$file': what is in it is damaged: restore the directory from a copy" state export damaged
refuses 4 "$file': what is in it is damaged" state ls damaged
refuses 4 "$file': what is in it is damaged" state diff shop damaged
[ ! -s out ] || fail 'something of a damaged directory was shown'
refuses 4 "$file': what is in it is damaged" state export damaged --out damaged.out
[ ! -e damaged.out ] || fail 'half of an export was left'
# Others do not need it.
shows "$orders" state export damaged shop.orders --epoch=4

cp -r shop foreign
sed -i 's/^hash 1 0$/hash 2 0/' foreign/gen-00000002/manifest
refuses 4 "foreign/gen-00000002/manifest'" state ls foreign

# ---- repair

# Nothing to do.
sums shop >before
expect_exit 0 "$wax" state repair shop
[ ! -s out ] || fail 'something was cut'
expect_stderr 'nothing to cut: each log ends with a whole epoch'
sums shop >after
expect_equal before after

# Worker 0 was in the middle of epoch 3 in its second segment, worker 1 in that of its first.
make torn <<'END'
generation 1 2 0 0
step 4 count_final text shop.count
epoch 1
state 4 apple u64:2
state 4 pear u64:1
end
epoch 2
state 4 apple u64:3
state 4 pear u64:2
end
segment
epoch 3
state 4 apple u64:4
state 4 pear u64:3
END
expect_exit 0 "$wax" state export torn --value-type=u64
mv out sound
sums torn >before
expect_exit 0 "$wax" state repair --dry-run torn
size=$(wc -c <torn/gen-00000001/worker-00000.000002)
expect_stdout "torn/gen-00000001/worker-00000.000002: would be removed, $size bytes"
expect_stderr 'wax: torn: frame at byte'
sums torn >after
expect_equal before after
expect_exit 0 "$wax" state repair --json --dry-run torn
expect_stdout '{"type":"cut","schema":1,"file":"torn/gen-00000001/worker-00000.000002","bytes_before":'
expect_stdout '"bytes_after":0,"epoch_torn":3,"reason":"frame at byte '
expect_stdout '"done":false}'
expect_exit 0 "$wax" state repair torn
expect_stdout "torn/gen-00000001/worker-00000.000002: removed, $size bytes"
[ ! -e torn/gen-00000001/worker-00000.000002 ] || fail 'the torn segment is still there'
grep '\.000001$' before >expected
grep manifest before >>expected
sort -k 3 expected >before
sums torn >after
expect_equal before after
expect_exit 0 "$wax" state export torn --value-type=u64
expect_equal sound out
expect_exit 0 "$wax" state repair torn
expect_stderr 'nothing to cut'

# Half a frame behind an END, in one log only: the file is cut, the other stays.
cp -r shop tail
file=tail/gen-00000002/worker-00001.000001
size=$(wc -c <$file)
head -c 100 "$SOURCE/tests/data/shop/${file#tail/}" >>"$file"
sums shop >before
expect_exit 0 "$wax" state repair tail
expect_stdout "$file: cut from $((size + 100)) to $size bytes"
sums tail | sed 's/ tail/ shop/' >after
expect_equal before after

# All ENDs are there, but not all that is before them: the last epoch was not committed anywhere.
make half <<'END'
generation 1 2 0 0
step 4 count_final text shop.count
epoch 1
state 4 apple u64:1
state 4 pear u64:1
end
epoch 2
state 4 apple u64:2
state 4 pear u64:2
end
END
at=$(grep -abo apple half/gen-00000001/worker-* | tail -n 1)
file=${at%%:*}
at=${at#*:}
flip "$file" "${at%%:*}"
expect_exit 0 "$wax" state export half --value-type=u64
printf 'shop.count\tapple\t1\nshop.count\tpear\t1\n' >expected
expect_equal expected out
expect_exit 0 "$wax" state repair half
for worker in 0 1; do
	expect_stdout "half/gen-00000001/worker-0000$worker.000001: cut from 8192 to 4096 bytes"
done
expect_exit 0 "$wax" state export half --value-type=u64
expect_equal expected out

# A tail proves that the epoch before it was committed: what is damaged there is not cut down to.
cp -r damaged proved
for file in proved/gen-00000002/worker-*; do
	dd if="$file" of="$file" bs=4096 skip=0 count=1 seek=0 conv=notrunc 2>/dev/null
	head -c 4160 "$file" >"$file.short"
	mv "$file.short" "$file"
done
sums proved >before
refuses 4 'what is in it is damaged' state repair proved
sums proved >after
expect_equal before after

# Damage in the middle is no tail.
cp -r shop hole
flip hole/gen-00000001/worker-00000.000001 80
sums hole >before
refuses 4 'but 2 was committed: restore the directory from a copy' state repair hole
sums hole >after
expect_equal before after

# A directory that is used is looked at, and not repaired.
(
	exec 9<shop/lock
	flock 9
	echo "waxrun $$ $(cut -d ' ' -f 22 "/proc/$$/stat")" >shop/lock
	: >locked
	sleep 30
) &
holder=$!
wait_until 5 test -e locked || fail 'the lock was not taken'
refuses 4 "'shop' is used by waxrun, pid $$: wait for it, or use another directory" state repair shop
refuses 4 "'shop' is used by" state repair --dry-run shop
expect_exit 0 "$wax" state ls shop
kill "$holder"
wait "$holder" 2>/dev/null

# ---- Of wax itself

shows "$(cat "$SOURCE/tests/launcher/wax_help.golden")
" --help
shows "wax $("$waxrun" --version | cut -d ' ' -f 2)
" --version
refuses 2 "unknown verb 'stats': did you mean state?" stats
refuses 2 'wax needs a verb'
refuses 2 'too few words: write wax state ls [OPTIONS] DIR' state ls
if [ -e /dev/full ]; then
	"$wax" --help >/dev/full 2>err
	[ "$?" -eq 5 ] || fail 'help on a full disk is not noticed'
fi
