#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --json gives one valid object a line, and what a step got is what the step before it gave.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

python3 -c 'import json' 2>/dev/null || skip 'python3 is not installed'

cat >"$work/check.py" <<'END'
import json, sys

path, workers = sys.argv[1], int(sys.argv[2])
rows = [json.loads(line) for line in open(path)]
assert rows, "nothing was written"
assert [r["type"] for r in rows] == ["interval"] * (len(rows) - 1) + ["summary"], "order"
assert all(r["schema"] == 1 for r in rows), "schema"

before = 0
for row in rows[:-1]:
    assert row["items_in"] >= before, "items_in goes back"
    before = row["items_in"]
    assert len(row["worker_busy"]) == workers
    assert all(0 <= busy <= 1 for busy in row["worker_busy"] + [row["busy"]])

last = rows[-1]
assert last["ending"] == "finished" and last["exit_status"] == 0, "ending"
assert last["worker_count"] == workers and len(last["workers"]) == workers
assert last["items_dropped"] == 0

steps = {s["id"]: s for s in last["steps"]}
for edge in last["edges"]:
    assert edge["from"] in steps and edge["to"] in steps, "edge of no step"
    assert edge["items_crossed"] <= edge["items_out"]

# The chain of the flow: what comes out of one step goes into the next.
chain = sys.argv[3].split()
for above, below in zip(chain, chain[1:]):
    out, into = steps[above]["items_out"], steps[below]["items_in"]
    assert out == into, f"{above} gave {out}, {below} got {into}"
assert last["items_in"] == steps[chain[0]]["items_out"] == int(sys.argv[4]), "items in"
assert last["items_out"] == steps[chain[-1]]["items_in"], "items out"
END

# check WORKERS CHAIN ITEMS
check() {
	run python3 "$work/check.py" "$work/json" "$@"
	[ "$status" -eq 0 ] || fail "the report does not add up: $(tail -n 1 "$work/err")"
}

tally_chain='tally.numbers tally.by_remainder tally.count tally.count.final tally.out.format tally.out'
lines_chain='lines.in lines.deal lines.out.format lines.out'
seq 20000 >"$work/in"
for workers in 1 3 8; do
	expect_exit 0 "$waxrun" "--json=$work/json" -i 5ms -n "$workers" "$BUILD/tests/flows/tally.so" -- \
		--items 3000 --rate 50000
	check "$workers" "$tally_chain" 3000
	expect_exit 0 "$waxrun" "--json=$work/json" -i 0 -n "$workers" "$BUILD/tests/flows/lines.so" -- --in "$work/in"
	check "$workers" "$lines_chain" 20000
done

# On standard error, where it is the only thing.
expect_exit 0 "$waxrun" --json -i 5ms -n 2 "$BUILD/tests/flows/tally.so" -- --items 3000 --rate 50000
mv "$work/err" "$work/json"
check 2 "$tally_chain" 3000
expect_nothing_left
