/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/ideal_exchange.h"
#include "bench/items.h"
#include "bench/meter.h"
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

/* ---- Items of fixed size */

#define MAKE_FIXED(size)                                                                           \
	static void make_##size(                                                                   \
			struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)        \
	{                                                                                          \
		uint64_t random = *seed, made = *sum;                                              \
		while (count > 0) {                                                                \
			uint32_t room = wax_out_room(out, count);                                  \
			uint64_t *keys = WAX_OUT_KEYS(out, uint64_t);                              \
			struct value_##size *values = WAX_OUT_VALUES(out, struct value_##size);    \
			for (uint32_t i = 0; i < room; i++) {                                      \
				keys[i] = items_random(&random);                                   \
				items_fill(values[i].words, size / 8, keys[i]);                    \
				made += items_sum_of(keys[i], size / 8);                           \
			}                                                                          \
			wax_out_advance(out, room);                                                \
			count -= room;                                                             \
		}                                                                                  \
		*seed = random;                                                                    \
		*sum = made;                                                                       \
	}                                                                                          \
	static uint64_t sum_##size(const struct wax_batch *batch)                                  \
	{                                                                                          \
		const uint64_t *words = WAX_VALUES(batch, uint64_t);                               \
		return items_sum(WAX_KEYS(batch, uint64_t), batch->count) +                        \
				items_sum(words, (uint64_t)batch->count * (size / 8));             \
	}

MAKE_FIXED(8)
MAKE_FIXED(56)
MAKE_FIXED(248)

static void make_4(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	uint64_t random = *seed, made = *sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint32_t *keys = WAX_OUT_KEYS(out, uint32_t);
		uint32_t *values = WAX_OUT_VALUES(out, uint32_t);
		for (uint32_t i = 0; i < room; i++) {
			keys[i] = (uint32_t)items_random(&random);
			values[i] = keys[i] + 1;
			made += (uint64_t)keys[i] + values[i];
		}
		wax_out_advance(out, room);
		count -= room;
	}
	*seed = random;
	*sum = made;
}

static uint64_t sum_4(const struct wax_batch *batch)
{
	const uint32_t *keys = WAX_KEYS(batch, uint32_t), *values = WAX_VALUES(batch, uint32_t);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++)
		sum += (uint64_t)keys[i] + values[i];
	return sum;
}

/* ---- Texts */

static void make_text(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	char key[24];
	memcpy(key + 8, items_text, 16);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t random = items_random(seed);
		uint32_t key_bytes = items_key_bytes(random);
		uint32_t value_bytes = items_value_bytes(random);
		memcpy(key, &random, 8);
		wax_emit_kv(out, key, key_bytes, items_text, value_bytes);
		*sum += items_text_sum(key, key_bytes, value_bytes);
	}
}

static uint64_t sum_text(const struct wax_batch *batch)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i), value = wax_batch_value(batch, i);
		sum += items_text_sum(key.data, key.bytes, value.bytes);
	}
	return sum;
}

/* ---- Runs */

struct kind {
	const char *name;
	enum ideal_items ideal;
	uint32_t item_bytes;
	struct flow_items items;
	uint64_t (*sum)(const struct wax_batch *batch);
};

static struct kind kinds[] = {
		{"8b", IDEAL_8, 8, {.make = make_4, .silent = true}, sum_4},
		{"16b", IDEAL_16, 16, {.make = make_8, .silent = true}, sum_8},
		{"64b", IDEAL_64, 64, {.make = make_56, .silent = true}, sum_56},
		{"256b", IDEAL_256, 256, {.make = make_248, .silent = true}, sum_248},
		{"text", IDEAL_TEXT, 44, {.make = make_text, .silent = true}, sum_text},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds), BATCH_BYTES = 32 * 1024 };

static const struct kind *current;
static bool crossing;

static const struct wax_type *type_of(const struct kind *kind)
{
	switch (kind->ideal) {
	case IDEAL_8:
		return WAX_KEYED(WAX_U32, WAX_U32);
	case IDEAL_16:
		return WAX_KEYED(WAX_U64, WAX_U64);
	case IDEAL_64:
		return WAX_KEYED(WAX_U64, WAX_STRUCT(struct value_56));
	case IDEAL_256:
		return WAX_KEYED(WAX_U64, WAX_STRUCT(struct value_248));
	case IDEAL_TEXT:
		break;
	}
	return WAX_KEYED(WAX_TEXT, WAX_TEXT);
}

static void build(struct wax_flow *flow)
{
	struct wax_stream items = wax_input(flow, "make", flow_source(&current->items));
	if (crossing)
		items = wax_redistribute(items, "exchange", WAX_DEAL_KEYS);
	wax_output(items, "add", flow_sink(current->sum, true));
}

static void start_meter(const struct kind *kind)
{
	meter_start((uint32_t)bench_pick(20, 60, 150), 128 * 1024 / kind->item_bytes);
}

/* ns an item and process, as each process sees it. */
static double finish(const struct kind *kind, bool *ret_clean)
{
	meter_check_sums(bench.procs, kind->name);
	return meter_ns_per_item(bench.procs, ret_clean) * bench.procs;
}

static double run_flow(const struct kind *kind, bool with_exchange, bool *ret_clean)
{
	current = kind;
	crossing = with_exchange;
	kinds[kind - kinds].items.type = type_of(kind);
	/* A source is asked for a batch at a time. */
	kinds[kind - kinds].items.per_call =
			kind->item_bytes <= 16 ? 4096 : BATCH_BYTES / kind->item_bytes;
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
	start_meter(kind);
	ideal_exchange(kind->ideal, bench.procs);
	return finish(kind, ret_clean);
}

static void report_crossing(const char *name, const char *params, const struct race_runner *with,
		const struct race_runner *without)
{
	char full[64];
	snprintf(full, sizeof(full), "exchange/crossing_%s", name);
	race_report_difference(full, params, with, without, bench_rounds(), "ns/item");
}

void bench_exchange(void)
{
	char params[64], name[64];
	snprintf(params, sizeof(params), "%u workers", bench.procs);
	for (uint32_t i = 0; i < KIND_COUNT; i++) {
		struct kind *kind = &kinds[i];
		struct race_runner runners[] = {
				{.name = "with", .run = run_with, .context = kind},
				{.name = "by hand", .run = run_ideal, .context = kind},
				{.name = "without", .run = run_without, .context = kind},
		};
		snprintf(name, sizeof(name), "exchange/keyed_%s", kind->name);
		if (!bench_wants(name))
			continue;
		race(runners, 3, bench_rounds());
		race_report(name, params, &runners[0], &runners[1], bench_rounds(), 1, "ns/item",
				false);
		report_crossing(kind->name, params, &runners[0], &runners[2]);
	}
	if (bench_wants("exchange/scatter"))
		bench_scatter();
}
