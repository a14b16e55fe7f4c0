/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/table.h"

/*
 * Operators, one worker: input -> operator -> output, all of it, beside a loop that makes the same
 * items in batches, does the same to each batch, and adds up the same.
 */

enum { BATCH = 4096, NOOPS = 8 };

struct batch {
	uint32_t count;
	uint64_t keys[BATCH], values[BATCH];
	char texts[BATCH][16];
};

/* ---- What all do to one number */

static inline uint64_t mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 32;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ (x >> 29);
}

static uint64_t key_mask; /* keys are numbers up to this, mixed */

static inline uint64_t draw_key(uint64_t *seed)
{
	return mix(items_random(seed) & key_mask);
}

WAX_MAP(copy_number, uint64_t, in, uint64_t, out)
{
	*out = *in;
}

WAX_MAP(mix_number, uint64_t, in, uint64_t, out)
{
	*out = mix(*in);
}

WAX_FILTER(keep_odd, uint64_t, in)
{
	return *in & 1;
}

WAX_KEY(mix_key, uint64_t, in, uint64_t, key)
{
	*key = mix(*in);
}

WAX_FOLD(add_number, uint64_t, in, uint64_t, sum)
{
	*sum += *in;
}

static int mix_item(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t mixed = mix(*(const uint64_t *)item->value.data);
	(void)ctx;
	return wax_emit(out, &mixed, sizeof(mixed));
}

static int add_item(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;
	(void)ctx;
	*sum += *(const uint64_t *)item->value.data;
	wax_emit(out, sum, sizeof(*sum));
	return WAX_RETAIN;
}

static int add_to_state(void *acc, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)item->value.data;
	return 0;
}

static int add_state(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
	return 0;
}

static int add_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	uint64_t *sum = state;
	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		*sum += *(const uint64_t *)wax_values_at(values, i).data;
		wax_emit(wax_keyed_out(keyed), sum, sizeof(*sum));
	}
	return WAX_RETAIN;
}

static int answer(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	(void)ctx;
	return wax_emit(out, key.data, key.bytes);
}

static int add_answer(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx)
{
	struct wax_bytes found = wax_cache_get(cache, item->key.data, item->key.bytes);
	(void)ctx;
	return found.data ? wax_emit(out, found.data, found.bytes) : -1;
}

/* ---- Making items */

static void make_numbers(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	(void)sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++)
			values[i] = items_random(seed);
		wax_out_advance(out, room);
		count -= room;
	}
}

static void make_pairs(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	(void)sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *keys = WAX_OUT_KEYS(out, uint64_t),
			 *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			keys[i] = draw_key(seed);
			values[i] = i;
		}
		wax_out_advance(out, room);
		count -= room;
	}
}

static inline uint32_t print_text(uint64_t key, char text[16])
{
	for (uint32_t i = 0; i < 12; i++)
		text[i] = (char)('a' + (key >> (4 * i) & 15));
	return 12;
}

static void make_texts(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	char text[16];
	(void)sum;
	for (uint32_t i = 0; i < count; i++)
		wax_emit_kv(out, text, print_text(draw_key(seed), text), NULL, 0);
}

static uint64_t sum_values(const struct wax_batch *batch)
{
	uint64_t sum = items_sum(WAX_VALUES(batch, uint64_t), batch->count);
	__asm__ volatile("" : : "r"(sum));
	return 0;
}

static uint64_t sum_pairs(const struct wax_batch *batch)
{
	uint64_t sum = items_sum(WAX_KEYS(batch, uint64_t), batch->count) +
			items_sum(WAX_VALUES(batch, uint64_t), batch->count);
	__asm__ volatile("" : : "r"(sum));
	return 0;
}

/* ---- The operators, as flows */

static struct wax_stream add_nothing(struct wax_stream up, const char *id)
{
	(void)id;
	return up;
}

static struct wax_stream add_noops(struct wax_stream up, const char *id)
{
	(void)id;
	static const char *const ids[NOOPS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	for (uint32_t i = 0; i < NOOPS; i++)
		up = wax_map_typed(up, ids[i], &copy_number);
	return up;
}

static struct wax_stream add_map_typed(struct wax_stream up, const char *id)
{
	return wax_map_typed(up, id, &mix_number);
}

static struct wax_stream add_map(struct wax_stream up, const char *id)
{
	return wax_map(up, id, WAX_U64, mix_item, NULL);
}

static struct wax_stream add_filter(struct wax_stream up, const char *id)
{
	return wax_filter_typed(up, id, &keep_odd);
}

static struct wax_stream add_key_on(struct wax_stream up, const char *id)
{
	return wax_key_on_typed(up, id, &mix_key);
}

static struct wax_stream add_fold(struct wax_stream up, const char *id)
{
	return wax_fold_final_typed(up, id, &add_number);
}

static struct wax_stream add_stateful(struct wax_stream up, const char *id)
{
	return wax_stateful_map(up, id, WAX_U64, sizeof(uint64_t), add_item, NULL);
}

static struct wax_stream add_stateful_batch(struct wax_stream up, const char *id)
{
	static const struct wax_stateful adding = {.size_bytes = sizeof(adding),
			.state_bytes = sizeof(uint64_t),
			.on_batch = add_batch};
	return wax_stateful_batch(up, id, WAX_U64, &adding, NULL);
}

static struct wax_stream add_flat_map(struct wax_stream up, const char *id)
{
	return wax_stateful_flat_map(up, id, WAX_U64, sizeof(uint64_t), add_item, NULL);
}

static struct wax_stream add_reduce(struct wax_stream up, const char *id)
{
	return wax_reduce_final(up, id, add_state, NULL);
}

static struct wax_stream add_fold_merge(struct wax_stream up, const char *id)
{
	return wax_fold_merge_final(up, id, WAX_U64, NULL, add_to_state, add_state, NULL);
}

static struct wax_stream add_min(struct wax_stream up, const char *id)
{
	return wax_min_final(up, id, NULL, NULL);
}

static struct wax_stream add_top_n(struct wax_stream up, const char *id)
{
	return wax_top_n_final(up, id, 2, NULL, NULL);
}

static struct wax_stream add_dedup(struct wax_stream up, const char *id)
{
	return wax_dedup(up, id, WAX_SAME_KEY, WAX_NEVER);
}

static struct wax_stream add_enrich(struct wax_stream up, const char *id)
{
	static const struct wax_enrich_options options = {
			.size_bytes = sizeof(options), .get = answer};
	return wax_enrich_cached(up, id, WAX_U64, add_answer, &options, NULL);
}

/* ---- The same by hand: what is made is in `in`, what comes out goes to `out` */

static void fill_numbers(struct batch *in, uint64_t *seed)
{
	for (uint32_t i = 0; i < BATCH; i++)
		in->values[i] = items_random(seed);
}

static void fill_pairs(struct batch *in, uint64_t *seed)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		in->keys[i] = draw_key(seed);
		in->values[i] = i;
	}
}

static void fill_texts(struct batch *in, uint64_t *seed)
{
	for (uint32_t i = 0; i < BATCH; i++)
		print_text(draw_key(seed), in->texts[i]);
}

static struct table numbers;
static struct table_text words;
static uint64_t *counts;

static void hand_nothing(const struct batch *in, struct batch *out)
{
	memcpy(out->values, in->values, sizeof(in->values));
}

static void hand_noops(const struct batch *in, struct batch *out)
{
	static uint64_t between[NOOPS][BATCH];
	const uint64_t *from = in->values;
	for (uint32_t i = 0; i < NOOPS; i++) {
		uint64_t *to = i + 1 < NOOPS ? between[i] : out->values;
		memcpy(to, from, sizeof(in->values));
		__asm__ volatile("" : : : "memory");
		from = to;
	}
}

static void hand_mix(const struct batch *in, struct batch *out)
{
	for (uint32_t i = 0; i < BATCH; i++)
		out->values[i] = mix(in->values[i]);
}

/* A call for each item: that is what this interface is. */
static __attribute__((noinline)) void mix_called(const uint64_t *in, uint64_t *out)
{
	*out = mix(*in);
}

static void (*volatile callback)(const uint64_t *in, uint64_t *out) = mix_called;

static void hand_callback(const struct batch *in, struct batch *out)
{
	void (*call)(const uint64_t *, uint64_t *) = callback;
	for (uint32_t i = 0; i < BATCH; i++)
		call(&in->values[i], &out->values[i]);
}

static void hand_filter(const struct batch *in, struct batch *out)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < BATCH; i++) {
		out->values[kept] = in->values[i];
		kept += in->values[i] & 1;
	}
	out->count = kept;
}

static void hand_key_on(const struct batch *in, struct batch *out)
{
	for (uint32_t i = 0; i < BATCH; i++)
		out->keys[i] = mix(in->values[i]);
	memcpy(out->values, in->values, sizeof(in->values));
}

static void hand_fold(const struct batch *in, struct batch *out)
{
	for (uint32_t i = 0; i < BATCH; i++)
		*table_at(&numbers, in->keys[i], table_hash(in->keys[i])) += in->values[i];
	out->count = 0;
}

static void hand_stateful(const struct batch *in, struct batch *out)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		uint64_t *sum = table_at(&numbers, in->keys[i], table_hash(in->keys[i]));
		out->values[i] = *sum += in->values[i];
	}
}

static void hand_dedup(const struct batch *in, struct batch *out)
{
	uint32_t first = 0;
	for (uint32_t i = 0; i < BATCH; i++) {
		uint64_t *seen = table_at(&numbers, in->keys[i], table_hash(in->keys[i]));
		out->values[first] = in->values[i];
		first += *seen == 0;
		*seen = 1;
	}
	out->count = first;
}

static void hand_count(const struct batch *in, struct batch *out)
{
	for (uint32_t i = 0; i < BATCH; i++)
		counts[table_text_at(&words, in->texts[i], 12)]++;
	out->count = 0;
}

/* ---- Runs */

enum made { NUMBERS, PAIRS, TEXTS };

struct kind {
	const char *name;
	const char *params;
	enum made made;
	uint64_t keys;
	struct wax_stream (*add)(struct wax_stream up, const char *id);
	void (*by_hand)(const struct batch *in, struct batch *out);
	uint64_t (*sum)(const struct wax_batch *batch);
};

static const struct kind nothing = {
		"nothing", "", NUMBERS, 0, add_nothing, hand_nothing, sum_values};
static const struct kind noops = {"noops", "", NUMBERS, 0, add_noops, hand_noops, sum_values};

static const struct kind kinds[] = {
		{"map_typed", "numbers", NUMBERS, 0, add_map_typed, hand_mix, sum_values},
		{"map_callback", "numbers", NUMBERS, 0, add_map, hand_callback, sum_values},
		{"filter_typed", "every other number", NUMBERS, 0, add_filter, hand_filter,
				sum_values},
		{"key_on_typed", "numbers", NUMBERS, 0, add_key_on, hand_key_on, sum_pairs},
		{"fold_final_1k", "1024 keys", PAIRS, 1 << 10, add_fold, hand_fold, NULL},
		{"fold_final_1m", "1 Mi keys", PAIRS, 1 << 20, add_fold, hand_fold, NULL},
		{"stateful_map_1k", "1024 keys", PAIRS, 1 << 10, add_stateful, hand_stateful,
				sum_values},
		{"stateful_map_1m", "1 Mi keys", PAIRS, 1 << 20, add_stateful, hand_stateful,
				sum_values},
		{"sum_running_1k", "1024 keys", PAIRS, 1 << 10, wax_sum_running, hand_stateful,
				sum_values},
		{"sum_running_1m", "1 Mi keys", PAIRS, 1 << 20, wax_sum_running, hand_stateful,
				sum_values},
		{"stateful_batch_1k", "1024 keys", PAIRS, 1 << 10, add_stateful_batch,
				hand_stateful, sum_values},
		{"stateful_batch_1m", "1 Mi keys", PAIRS, 1 << 20, add_stateful_batch,
				hand_stateful, sum_values},
		{"stateful_flat_map_1k", "1024 keys", PAIRS, 1 << 10, add_flat_map, hand_stateful,
				sum_values},
		{"stateful_flat_map_1m", "1 Mi keys", PAIRS, 1 << 20, add_flat_map, hand_stateful,
				sum_values},
		{"count_running_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10,
				wax_count_running, hand_stateful, sum_values},
		{"mean_running_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10, wax_mean_running,
				hand_stateful, sum_values},
		{"min_running_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10, wax_min_running,
				hand_stateful, sum_values},
		{"reduce_final_1k", "1024 keys", PAIRS, 1 << 10, add_reduce, hand_fold, NULL},
		{"reduce_final_1m", "1 Mi keys", PAIRS, 1 << 20, add_reduce, hand_fold, NULL},
		{"fold_merge_final_1k", "1024 keys", PAIRS, 1 << 10, add_fold_merge, hand_fold,
				NULL},
		{"fold_merge_final_1m", "1 Mi keys", PAIRS, 1 << 20, add_fold_merge, hand_fold,
				NULL},
		{"min_final_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10, add_min, hand_fold,
				NULL},
		{"min_final_1m", "1 Mi keys; yardstick: sums", PAIRS, 1 << 20, add_min, hand_fold,
				NULL},
		{"top_2_final_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10, add_top_n,
				hand_fold, NULL},
		{"top_2_final_1m", "1 Mi keys; yardstick: sums", PAIRS, 1 << 20, add_top_n,
				hand_fold, NULL},
		{"dedup_1k", "1024 keys", PAIRS, 1 << 10, add_dedup, hand_dedup, sum_values},
		{"dedup_1m", "1 Mi keys", PAIRS, 1 << 20, add_dedup, hand_dedup, sum_values},
		{"enrich_cached_1k", "1024 keys; yardstick: sums", PAIRS, 1 << 10, add_enrich,
				hand_stateful, sum_values},
		{"count_final_10k", "texts, 16 Ki keys", TEXTS, 1 << 14, wax_count_final,
				hand_count, NULL},
};

static const struct kind *current;
static struct flow_items items;

static void build(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "make", flow_source(&items));
	wax_output(current->add(stream, "op"), "add", flow_sink(current->sum, false));
}

static void start(const struct kind *kind)
{
	/* Long enough to have seen most keys. */
	uint32_t quick = kind->keys > 100000 ? 160 : 40;
	key_mask = kind->keys ? kind->keys - 1 : 0;
	meter_start((uint32_t)bench_pick(10, quick, 4 * quick), 8192);
}

static double run_wax(void *context, bool *ret_clean)
{
	static void (*const make[])(struct wax_out *, uint32_t, uint64_t *, uint64_t *) = {
			make_numbers, make_pairs, make_texts};
	const struct wax_type *const types[] = {
			WAX_U64, WAX_KEYED(WAX_U64, WAX_U64), WAX_KEYED(WAX_TEXT, WAX_TEXT)};
	current = context;
	start(current);
	items = (struct flow_items){.type = types[current->made], .make = make[current->made]};
	flow_run(&(struct flow_run){.build = build, .procs = 1});
	return meter_ns_per_item(1, ret_clean);
}

static void loop_by_hand(uint32_t index, void *context)
{
	static void (*const fill[])(struct batch *, uint64_t *) = {
			fill_numbers, fill_pairs, fill_texts};
	static struct batch in, out;
	const struct kind *kind = context;
	uint64_t seed = 1;
	numbers = table_make(kind->keys);
	words = table_text_make(kind->keys);
	counts = calloc(kind->keys + 1, sizeof(*counts));
	do {
		out.count = BATCH;
		fill[kind->made](&in, &seed);
		kind->by_hand(&in, &out);
		const struct wax_batch made = {
				.count = out.count, .keys = out.keys, .values = out.values};
		if (kind->sum)
			kind->sum(&made);
	} while (!meter_add(&meter()->logs[index], BATCH));
}

static double run_by_hand(void *context, bool *ret_clean)
{
	const struct kind *kind = context;
	start(kind);
	meter_fork(1, loop_by_hand, context);
	return meter_ns_per_item(1, ret_clean);
}

/* What a step costs that does nothing: the difference of a chain and no chain. */
static void measure_noop(void)
{
	struct race_runner runners[] = {
			{.name = "chain", .run = run_wax, .context = (void *)&noops},
			{.name = "none", .run = run_wax, .context = (void *)&nothing},
			{.name = "chain by hand", .run = run_by_hand, .context = (void *)&noops},
			{.name = "none by hand", .run = run_by_hand, .context = (void *)&nothing},
	};
	race(runners, 4, bench_rounds());
	for (uint32_t i = 0; i < bench_rounds(); i++) {
		for (uint32_t j = 0; j < 4; j += 2)
			runners[j].values[i] =
					(runners[j].values[i] - runners[j + 1].values[i]) / NOOPS;
	}
	runners[0].median = (runners[0].median - runners[1].median) / NOOPS;
	runners[2].median = (runners[2].median - runners[3].median) / NOOPS;
	race_report("operators/noop_step", "typed; yardstick: copying", &runners[0], &runners[2],
			bench_rounds(), 1, "ns/item", false);
}

void bench_operators(void)
{
	char name[64];
	if (bench_wants("operators/noop_step"))
		measure_noop();
	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct race_runner runners[] = {
				{.name = "wax", .run = run_wax, .context = (void *)&kinds[i]},
				{.name = "by hand",
						.run = run_by_hand,
						.context = (void *)&kinds[i]},
		};
		snprintf(name, sizeof(name), "operators/%s", kinds[i].name);
		if (!bench_wants(name))
			continue;
		race(runners, 2, bench_rounds());
		race_report(name, kinds[i].params, &runners[0], &runners[1], bench_rounds(), 1,
				"ns/item", false);
	}
}
