/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/ideal_exchange.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/*
 * Counting by key behind an exchange: every worker makes pairs of a key and a 1, each crosses to
 * the worker that owns its key, and is counted there.
 *
 *     input -> redistribute(keys) -> output that counts in an array     dense
 *                                 -> count_final                        hash
 *                                 -> stateful_map                       stateful_map
 *
 * A combiner in front of the exchange would leave little to exchange, so count_final gets its items
 * behind one. Workers make batches of a given size, and not more than four of them are under way.
 */

enum { KEYS = 1000000, FEW_KEYS = 1000, AHEAD = 4, PER_CALL_MAX = 4096 };

/* ---- What happens to the items */

static uint64_t *dense_counts; /* of this worker */
static struct items_keys keys;

static uint64_t count_dense(const struct wax_batch *batch)
{
	const uint64_t *from = WAX_KEYS(batch, uint64_t), *values = WAX_VALUES(batch, uint64_t);
	if (!dense_counts) {
		dense_counts = calloc(keys.count, sizeof(*dense_counts));
		BENCH_CHECK(dense_counts);
	}
	for (uint32_t i = 0; i < batch->count; i++)
		dense_counts[from[i]] += values[i];
	return batch->count;
}

static uint64_t count_items(const struct wax_batch *batch)
{
	return batch->count;
}

static int add_to_sum(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;
	(void)ctx;
	*sum += *(const uint64_t *)item->value.data;
	wax_emit(out, sum, sizeof(*sum));
	return WAX_RETAIN;
}

static uint64_t sum_and_count(const struct wax_batch *batch)
{
	uint64_t sum = items_sum(WAX_VALUES(batch, uint64_t), batch->count);
	__asm__ volatile("" : : "r"(sum));
	return batch->count;
}

/* ---- Flows */

static void make_ones(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	uint64_t random = *seed;
	*sum += count;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *to = WAX_OUT_KEYS(out, uint64_t), *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			to[i] = items_key(&random, &keys);
			values[i] = 1;
		}
		wax_out_advance(out, room);
		count -= room;
	}
	*seed = random;
}

static struct flow_items items = {.make = make_ones, .silent = true, .ahead = AHEAD};

static struct wax_stream add_exchange(struct wax_flow *flow)
{
	items.type = WAX_KEYED(WAX_U64, WAX_U64);
	struct wax_stream stream = wax_input(flow, "make", flow_source(&items));
	return wax_redistribute(stream, "exchange", WAX_DEAL_KEYS);
}

static void build_dense(struct wax_flow *flow)
{
	wax_output(add_exchange(flow), "count", flow_sink(count_dense, true));
}

/* The counts come at the end. What notes the progress is a second output, which reads the same
 * batches after they were counted. */
static void build_hash(struct wax_flow *flow)
{
	struct wax_stream stream = add_exchange(flow);
	wax_output(wax_count_final(stream, "count"), "out", wax_null());
	wax_output(stream, "note", flow_sink(count_items, true));
}

static void build_stateful(struct wax_flow *flow)
{
	struct wax_stream stream = wax_stateful_map(
			add_exchange(flow), "sum", WAX_U64, sizeof(uint64_t), add_to_sum, NULL);
	wax_output(stream, "out", flow_sink(sum_and_count, true));
}

/* ---- Runs */

struct kind {
	void (*build)(struct wax_flow *flow);
	enum ideal_use use;
	struct items_keys keys;
	uint32_t round; /* 0: no rounds */
};

static void start_meter(const struct kind *kind)
{
	/* Long enough to have seen most keys several times. */
	uint32_t quick = kind->keys.count > 100000 ? 120 : 50;
	meter_start((uint32_t)bench_pick(20, quick, 3 * quick), 2000);
}

/* Items a ns, of all workers together. */
static double finish(bool *ret_clean)
{
	meter_check_sums(bench.procs, "state");
	return 1 / meter_ns_per_item(bench.procs, ret_clean);
}

static double run_flow(void *context, bool *ret_clean)
{
	const struct kind *kind = context;
	keys = kind->keys;
	items.round = kind->round;
	items.per_call = kind->round && kind->round < PER_CALL_MAX ? kind->round : PER_CALL_MAX;
	start_meter(kind);
	flow_run(&(struct flow_run){.build = kind->build, .procs = bench.procs});
	return finish(ret_clean);
}

static double run_ideal(void *context, bool *ret_clean)
{
	const struct kind *kind = context;
	const struct ideal ideal = {.shape = {ITEMS_FIXED, 16},
			.use = kind->use,
			.keys = kind->keys,
			.round = kind->round,
			.ahead = AHEAD};
	start_meter(kind);
	ideal_exchange(&ideal, bench.procs);
	return finish(ret_clean);
}

static void measure(const char *name, struct kind kind, uint64_t key_count)
{
	char params[64];
	struct race_runner runners[] = {
			{.name = "wax", .run = run_flow, .context = &kind},
			{.name = "by hand", .run = run_ideal, .context = &kind},
	};
	if (!bench_wants(name))
		return;
	key_count = bench.keys ? bench.keys : key_count;
	kind.keys = bench.dist == BENCH_ZIPF ? items_zipf(key_count)
					     : (struct items_keys){.count = key_count};
	race(runners, 2, bench_rounds());
	snprintf(params, sizeof(params), "%u workers, %g keys%s%s", bench.procs, (double)key_count,
			kind.keys.drawn ? ", Zipf's law" : "",
			kind.round ? ", 4 batches under way" : "");
	race_report(name, params, &runners[0], &runners[1], bench_rounds(), 1e3, "Mitems/s", true);
}

void bench_state(void)
{
	static const struct {
		const char *name;
		uint32_t round;
	} sizes[] = {{"1k", 1000}, {"10k", 10000}, {"100k", 100000}};
	char name[64];
	for (int hash = 0; hash < 2; hash++) {
		struct kind kind = {
				hash ? build_hash : build_dense, hash ? IDEAL_HASH : IDEAL_DENSE};
		const char *how = hash ? "hash" : "dense";
		for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			kind.round = sizes[i].round;
			snprintf(name, sizeof(name), "state/count_%s_%s", how, sizes[i].name);
			measure(name, kind, KEYS);
		}
		kind.round = 10000;
		snprintf(name, sizeof(name), "state/count_%s_few_keys", how);
		measure(name, kind, FEW_KEYS);
	}
	measure("state/stateful_map_1m", (struct kind){build_stateful, IDEAL_STATEFUL}, KEYS);
}
