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
 * Keyed operators that hold items, one worker: input -> operator -> output, beside a loop with a
 * hash table that is made for the purpose, has its memory before the clock starts, and does not
 * grow. A key whose items were handed on is forgotten there too: keys that never come back must
 * not fill the memory, so each entry that its own slot was not free for moves back.
 */

enum { BATCH = 4096, LIST = 8 };

static uint64_t key_mask;

static void make_pairs(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	(void)sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *keys = WAX_OUT_KEYS(out, uint64_t),
			 *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			values[i] = items_random(seed);
			keys[i] = values[i] >> 20 & key_mask;
		}
		wax_out_advance(out, room);
		count -= room;
	}
}

struct pairs {
	uint32_t count;
	uint64_t keys[BATCH], values[BATCH];
};

static void fill_pairs(struct pairs *pairs, uint64_t *seed)
{
	pairs->count = BATCH;
	for (uint32_t i = 0; i < BATCH; i++) {
		pairs->values[i] = items_random(seed);
		pairs->keys[i] = pairs->values[i] >> 20 & key_mask;
	}
}

/* ---- The operators */

static struct wax_stream add_collect(struct wax_stream up)
{
	const struct wax_collect_options options = {
			.size_bytes = sizeof(options), .count_max = LIST};
	return wax_collect(up, "op", &options);
}

/* Of an item one bit says which side it is of. */
static int is_left(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return *(const uint64_t *)item->value.data & 1;
}

static struct wax_stream add_join(struct wax_stream up)
{
	struct wax_branches branches = wax_branch(up, "sides", is_left, NULL);
	struct wax_stream sides[] = {branches.trues, branches.falses};
	return wax_join("op", sides, 2, WAX_JOIN_LAST, WAX_JOIN_COMPLETE);
}

static int add_up(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;
	(void)ctx;
	*sum += *(const uint64_t *)item->value.data;
	wax_emit(wax_keyed_out(keyed), sum, sizeof(*sum));
	return WAX_RETAIN;
}

static const struct wax_stateful_item adding = {
		.size_bytes = sizeof(adding), .state_bytes = sizeof(uint64_t), .on_item = add_up};

static struct wax_stream add_stateful(struct wax_stream up)
{
	return wax_stateful_items(up, "op", WAX_U64, &adding, NULL);
}

static struct wax_stream add_mortal(struct wax_stream up)
{
	return wax_ttl(add_stateful(up), INT64_C(3600) * 1000000000);
}

static uint64_t sum_lists(const struct wax_batch *batch)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes list = wax_batch_value(batch, i);
		uint64_t first;
		memcpy(&first, list.data, sizeof(first));
		sum += first + list.bytes;
	}
	__asm__ volatile("" : : "r"(sum));
	return 0;
}

static uint64_t sum_rows(const struct wax_batch *batch)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes row = wax_batch_value(batch, i);
		sum += *(const uint64_t *)wax_join_side(row, 0).data;
		sum += *(const uint64_t *)wax_join_side(row, 1).data;
	}
	__asm__ volatile("" : : "r"(sum));
	return 0;
}

static uint64_t sum_values(const struct wax_batch *batch)
{
	uint64_t sum = items_sum(WAX_VALUES(batch, uint64_t), batch->count);
	__asm__ volatile("" : : "r"(sum));
	return 0;
}

/* ---- The same by hand */

struct list_slot {
	uint64_t key;
	uint32_t used, count;
	uint64_t items[LIST];
};

struct join_slot {
	uint64_t key;
	uint32_t used, present;
	uint64_t sides[2];
};

static inline uint64_t slot_home(uint64_t key, uint64_t mask)
{
	return XXH3_64bits(&key, 8) & mask;
}

/* Where a key is, or is to be, in an array of structs that begin with it. */
#define SLOT_OF(slots, wanted)                                                                     \
	({                                                                                         \
		uint64_t slot_key = (wanted), slot_at = slot_home(slot_key, slot_mask);            \
		while ((slots)[slot_at].used && (slots)[slot_at].key != slot_key)                  \
			slot_at = (slot_at + 1) & slot_mask;                                       \
		(slots)[slot_at].key = slot_key;                                                   \
		(slots)[slot_at].used = 1;                                                         \
		&(slots)[slot_at];                                                                 \
	})

/* Forget the key of a slot: what was put further on because this one was taken moves back. */
#define SLOT_FREE(slots, slot)                                                                     \
	({                                                                                         \
		uint64_t hole = (uint64_t)((slot) - (slots)), next = hole;                         \
		while ((slots)[next = (next + 1) & slot_mask].used) {                              \
			uint64_t home = slot_home((slots)[next].key, slot_mask);                   \
			if (((next - home) & slot_mask) < ((next - hole) & slot_mask))             \
				continue;                                                          \
			(slots)[hole] = (slots)[next];                                             \
			hole = next;                                                               \
		}                                                                                  \
		memset(&(slots)[hole], 0, sizeof(*(slots)));                                       \
	})

static void *slots;
static uint64_t slot_mask;
static struct table sums;

static void hand_collect(const struct pairs *in)
{
	static uint64_t keys[BATCH], lists[BATCH][LIST];
	static uint32_t lengths[BATCH];
	uint32_t count = 0;
	uint64_t sum = 0;
	for (uint32_t i = 0; i < in->count; i++) {
		struct list_slot *slot = SLOT_OF((struct list_slot *)slots, in->keys[i]);
		slot->items[slot->count++] = in->values[i];
		if (slot->count < LIST)
			continue;
		keys[count] = slot->key;
		lengths[count] = slot->count;
		memcpy(lists[count++], slot->items, sizeof(slot->items));
		SLOT_FREE((struct list_slot *)slots, slot);
	}
	for (uint32_t i = 0; i < count; i++)
		sum += lists[i][0] + lengths[i] + keys[i];
	__asm__ volatile("" : : "r"(sum));
}

static void join_side(const struct pairs *in, uint32_t side)
{
	static uint64_t keys[BATCH], rows[BATCH][2];
	uint32_t count = 0;
	uint64_t sum = 0;
	for (uint32_t i = 0; i < in->count; i++) {
		struct join_slot *slot = SLOT_OF((struct join_slot *)slots, in->keys[i]);
		slot->sides[side] = in->values[i];
		slot->present |= 1u << side;
		if (slot->present != 3)
			continue;
		keys[count] = slot->key;
		memcpy(rows[count++], slot->sides, sizeof(slot->sides));
		SLOT_FREE((struct join_slot *)slots, slot);
	}
	for (uint32_t i = 0; i < count; i++)
		sum += rows[i][0] + rows[i][1] + keys[i];
	__asm__ volatile("" : : "r"(sum));
}

static void hand_join(const struct pairs *in)
{
	static struct pairs sides[2];
	sides[0].count = sides[1].count = 0;
	for (uint32_t i = 0; i < in->count; i++) {
		struct pairs *side = &sides[in->values[i] & 1];
		side->keys[side->count] = in->keys[i];
		side->values[side->count++] = in->values[i];
	}
	join_side(&sides[1], 0);
	join_side(&sides[0], 1);
}

static void hand_stateful(const struct pairs *in)
{
	static uint64_t values[BATCH];
	for (uint32_t i = 0; i < in->count; i++)
		values[i] = *table_at(&sums, in->keys[i], table_hash(in->keys[i])) += in->values[i];
	uint64_t sum = items_sum(values, in->count);
	__asm__ volatile("" : : "r"(sum));
}

/* ---- Runs */

struct kind {
	const char *name;
	const char *params;
	uint64_t keys;
	struct wax_stream (*add)(struct wax_stream up);
	void (*by_hand)(const struct pairs *in);
	uint64_t (*sum)(const struct wax_batch *batch);
	size_t slot_bytes; /* of the table by hand */
};

static const struct kind kinds[] = {
		{"collect_1k", "lists of 8, 1024 keys", 1 << 10, add_collect, hand_collect,
				sum_lists, sizeof(struct list_slot)},
		{"collect_1m", "lists of 8, 1 Mi keys", 1 << 20, add_collect, hand_collect,
				sum_lists, sizeof(struct list_slot)},
		{"join_1k", "branch, 2 sides, 1024 keys", 1 << 10, add_join, hand_join, sum_rows,
				sizeof(struct join_slot)},
		{"join_1m", "branch, 2 sides, 1 Mi keys", 1 << 20, add_join, hand_join, sum_rows,
				sizeof(struct join_slot)},
		{"stateful_items_1k", "1024 keys", 1 << 10, add_stateful, hand_stateful, sum_values,
				0},
		{"stateful_items_1m", "1 Mi keys", 1 << 20, add_stateful, hand_stateful, sum_values,
				0},
		{"ttl_1m", "stateful_items, 1 Mi keys, a time to live", 1 << 20, add_mortal,
				hand_stateful, sum_values, 0},
};

static const struct kind *current;
static struct flow_items items;

static void build(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "make", flow_source(&items));
	wax_output(current->add(stream), "add", flow_sink(current->sum, false));
}

static void start(const struct kind *kind)
{
	/* Long enough to have seen most keys several times. */
	uint32_t quick = kind->keys > 100000 ? 300 : 40;
	key_mask = kind->keys - 1;
	meter_start((uint32_t)bench_pick(10, quick, 4 * quick), 8192);
}

static double run_wax(void *context, bool *ret_clean)
{
	current = context;
	start(current);
	items = (struct flow_items){.type = WAX_KEYED(WAX_U64, WAX_U64), .make = make_pairs};
	flow_run(&(struct flow_run){.build = build, .procs = 1});
	return meter_ns_per_item(1, ret_clean);
}

static void loop_by_hand(uint32_t index, void *context)
{
	static struct pairs in;
	const struct kind *kind = context;
	uint64_t seed = 1;
	slot_mask = 2 * kind->keys - 1;
	slots = kind->slot_bytes ? table_memory((slot_mask + 1) * kind->slot_bytes) : NULL;
	sums = table_make(kind->keys);
	do {
		fill_pairs(&in, &seed);
		kind->by_hand(&in);
	} while (!meter_add(&meter()->logs[index], BATCH));
}

static double run_by_hand(void *context, bool *ret_clean)
{
	start(context);
	meter_fork(1, loop_by_hand, context);
	return meter_ns_per_item(1, ret_clean);
}

void bench_keyed(void)
{
	char name[64];
	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct race_runner runners[] = {
				{.name = "wax", .run = run_wax, .context = (void *)&kinds[i]},
				{.name = "by hand",
						.run = run_by_hand,
						.context = (void *)&kinds[i]},
		};
		snprintf(name, sizeof(name), "keyed/%s", kinds[i].name);
		if (!bench_wants(name))
			continue;
		race(runners, 2, bench_rounds());
		race_report(name, kinds[i].params, &runners[0], &runners[1], bench_rounds(), 1,
				"ns/item", false);
	}
}
