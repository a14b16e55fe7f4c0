#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --profile says where the time went: which step is slow, which worker has the hot key; and shares are shares of all.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

python3 -c 'import json' 2>/dev/null || skip 'python3 is not installed'

cat >"$work/check.py" <<'END'
import json, sys

path, workers, items = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
last = [json.loads(line) for line in open(path)][-1]
assert last["type"] == "summary"
steps = {s["id"]: s for s in last["steps"]}
assert len(last["workers"]) == workers

# The parts of each worker's time are all of it, and as long as for the others.
totals = []
for worker in last["workers"]:
    assert worker["looks"] > 10, f"only {worker['looks']} looks"
    assert len(worker["step_time_ns"]) == len(last["steps"])
    besides = ("sending_ns", "receiving_ns", "runtime_ns", "spinning_ns", "asleep_ns")
    totals.append(sum(worker["step_time_ns"]) + sum(worker[name] for name in besides))
assert len(set(totals)) == 1, "workers of different length"
assert totals[0] <= last["wall_ns"] and totals[0] > last["wall_ns"] / 10, "time is missing"
for index, step in enumerate(last["steps"]):
    assert step["time_ns"] == sum(w["step_time_ns"][index] for w in last["workers"])
    assert abs(step["time_share"] - step["time_ns"] / sum(totals)) < 1e-9
edge_ns = sum(e["sending_ns"] + e["receiving_ns"] for e in last["edges"])
assert edge_ns == sum(w["sending_ns"] + w["receiving_ns"] for w in last["workers"])

# The slow step is slow.
slow = steps["profile.work"]
others = [s["time_ns"] for s in last["steps"] if s is not slow]
assert slow["time_ns"] > 2 * sum(others), f"work: {slow['time_ns']} ns, all others: {sum(others)} ns"

# Who got most is counted, not measured.
if workers > 1:
    edge = [e for e in last["edges"] if e["to"] == "profile.sum"][0]
    assert edge["items_out"] == edge["items_in"] == items
    assert 0.7 <= edge["busiest_share"] <= 1, edge["busiest_share"]
    assert 0 <= edge["busiest_worker"] < workers
    print(edge["busiest_worker"])
END

# WORKERS ITEMS: look at the report of such a run
profile() {
	workers=$1 items=$2
	expect_exit 0 "$waxrun" --profile "--json=$work/json" -n "$workers" "$examples/profile.so" -- \
		--items "$items" --work 20us --hot 70
	cp "$work/err" "$work/report"
	grep -q '^worker  *steps  *sending  *receiving  *runtime  *spinning  *asleep$' "$work/err" ||
		fail 'no table of workers'
	run python3 "$work/check.py" "$work/json" "$workers" "$items"
	[ "$status" -eq 0 ] || fail "the profile is not right: $(tail -n 1 "$work/err")"
	[ "$workers" -eq 1 ] || grep -q "^by_number -> sum .*% @$(cat "$work/out")\$" "$work/report" ||
		fail "worker $(cat "$work/out") is not named as the busiest: $(cat "$work/report")"
}

# With one worker there is no exchange. What takes most of the time is named.
for workers in 1 2; do
	profile "$workers" "$((workers * 40000))"
	grep -q '^step "work": [0-9]*% of the workers. time, ' "$work/report" || fail "no advice: $(cat "$work/report")"
	grep -q '"advice":\[.*"step \\"work\\": ' "$work/json" || fail 'no advice in the JSON'
done

# Many more workers than CPUs.
profile 16 100000
grep -q '^hot: worker [0-9]* got 7[0-9]% of the items of by_number -> sum (16 workers)' "$work/report" ||
	fail "the hot key is not named: $(cat "$work/report")"

# Of a run that is too short for shares this is said; and without --profile there is none of it.
expect_exit 0 "$waxrun" --profile -n 2 "$examples/profile.so" -- --items 10
expect_stderr 'which is few'
expect_exit 0 "$waxrun" "--json=$work/json" -n 2 "$examples/profile.so" -- --items 10
reject_stderr 'spinning'
! grep -q 'time_share\|asleep_ns' "$work/json" || fail 'times without --profile'
expect_nothing_left
