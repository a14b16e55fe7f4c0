/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/exchange_items.h"
#include "bench/flow.h"
#include "bench/ideal_exchange.h"
#include "bench/meter.h"
#include "bench/plain.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/scatter.h"

/*
 * Keyed all-to-all: every worker makes items, each item goes to the worker that owns its key and is
 * added up there.
 *
 *     input -> redistribute(keys) -> output
 *
 * beside the same by hand, and beside itself without the exchange: that difference is what crossing
 * costs.
 */

struct kind {
	char name[16];
	struct items_shape shape;
	bool zipf;
	struct items_keys keys; /* of the run */
};

static struct kind kinds[] = {
		{"8b", {ITEMS_FIXED, 8}},
		{"16b", {ITEMS_FIXED, 16}},
		{"64b", {ITEMS_FIXED, 64}},
		{"256b", {ITEMS_FIXED, 256}},
		{"1024b", {ITEMS_FIXED, 1024}},
		{"4096b", {ITEMS_FIXED, 4096}},
		{"framed", {ITEMS_FRAMED, 64}},
		{"text", {ITEMS_TEXT, 0}},
		{"16b_zipf", {ITEMS_FIXED, 16}, .zipf = true},
		{"framed_zipf", {ITEMS_FRAMED, 64}, .zipf = true},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds), BATCH_BYTES = 32 * 1024, ZIPF_KEYS = 1000000 };

static struct exchange_items shaped;
static struct flow_items items;
static bool crossing;

static void build(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "make", flow_source(&items));
	if (crossing)
		stream = wax_redistribute(stream, "exchange", WAX_DEAL_KEYS);
	wax_output(stream, "add", flow_sink(shaped.sum, true));
}

static void start_meter(const struct kind *kind)
{
	meter_start((uint32_t)bench_pick(20, 50, 120), 128 * 1024 / items_mean_bytes(&kind->shape));
}

/* ns an item and process, as each process sees it. */
static double finish(const struct kind *kind, bool *ret_clean)
{
	meter_check_sums(bench.procs, kind->name);
	return meter_ns_per_item(bench.procs, ret_clean) * bench.procs;
}

static double run_flow(const struct kind *kind, bool with_exchange, bool *ret_clean)
{
	uint32_t bytes = items_mean_bytes(&kind->shape);
	shaped = exchange_items(&kind->shape, &kind->keys);
	crossing = with_exchange;
	/* A source is asked for a batch at a time. */
	items = (struct flow_items){.type = shaped.type,
			.make = shaped.make,
			.silent = true,
			.per_call = bytes <= 16 ? 4096 : BATCH_BYTES / bytes};
	start_meter(kind);
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	return finish(kind, ret_clean);
}

static double run_with(void *kind, bool *ret_clean)
{
	return run_flow(kind, true, ret_clean);
}

static double run_without(void *kind, bool *ret_clean)
{
	return run_flow(kind, false, ret_clean);
}

static double run_ideal(void *context, bool *ret_clean)
{
	const struct kind *kind = context;
	const struct ideal ideal = {.shape = kind->shape, .keys = kind->keys};
	start_meter(kind);
	ideal_exchange(&ideal, bench.procs);
	return finish(kind, ret_clean);
}

static void print_params(const struct kind *kind, char params[64])
{
	char keys[32] = "";
	if (bench.keys)
		snprintf(keys, sizeof(keys), ", %g keys", (double)bench.keys);
	snprintf(params, 64, "%u workers%s%s", bench.procs, keys, kind->zipf ? ", Zipf's law" : "");
}

static void measure(struct kind *kind)
{
	char keyed[64], crossed[64], params[64];
	struct race_runner runners[] = {
			{.name = "with", .run = run_with, .context = kind},
			{.name = "by hand", .run = run_ideal, .context = kind},
			{.name = "without", .run = run_without, .context = kind},
	};
	snprintf(keyed, sizeof(keyed), "exchange/keyed_%s", kind->name);
	snprintf(crossed, sizeof(crossed), "exchange/crossing_%s", kind->name);
	if (!bench_wants(keyed) && !bench_wants(crossed))
		return;
	kind->zipf |= bench.dist == BENCH_ZIPF;
	kind->keys.count = bench.keys;
	if (kind->zipf)
		kind->keys = items_zipf(bench.keys ? bench.keys : ZIPF_KEYS);
	print_params(kind, params);
	race(runners, 3, bench_rounds());
	race_report(keyed, params, &runners[0], &runners[1], bench_rounds(), 1, "ns/item", false);
	race_report_difference(
			crossed, params, &runners[0], &runners[2], bench_rounds(), "ns/item");
}

/* What --item and --variable ask for. */
static void measure_own(void)
{
	struct kind own = {.shape = {bench.variable ? ITEMS_FRAMED : ITEMS_FIXED,
					   (uint32_t)bench.item_bytes}};
	snprintf(own.name, sizeof(own.name), "%u%s", own.shape.bytes, bench.variable ? "v" : "b");
	measure(&own);
}

void bench_exchange(void)
{
	if (bench.item_bytes) {
		measure_own();
		return;
	}
	for (uint32_t i = 0; i < KIND_COUNT; i++)
		measure(&kinds[i]);
	bench_plain();
	if (bench_wants("exchange/scatter"))
		bench_scatter();
}
