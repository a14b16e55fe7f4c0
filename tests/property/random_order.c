/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Items of one key, from one partition of the source, arrive in the order in which they were made,
 * each once: whatever the sizes, however long callbacks stall.
 *
 *     input (partitions) -> by_key -> pass -> [check] -> by_group -> [check] -> how many
 *
 * Each item carries its number among those of its partition and key, and bytes that follow from it. A
 * check keeps the last number of each partition; a number that is not the next fails the run. All
 * items of a key are of one group, so both exchanges must keep their order. At the end each group says
 * how many items it had, and the numbers add up to partitions * items.
 */

enum { PARTS_MAX = 8, KEYS_MAX = 64, GROUPS = 5, FILL_MAX = 3000 };

struct order {
	uint64_t seed;
	int64_t items; /* of a partition */
	int64_t parts;
	int64_t keys;
	int64_t stall_ns; /* at most; now and then */
	uint64_t random;  /* of this worker, for stalls only */
};

struct item {
	uint32_t part;
	uint32_t key;
	uint64_t number; /* of this partition and key, from 1 on */
	uint32_t fill;   /* bytes behind */
	uint32_t check;
};

static uint64_t random_of(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t check_of(const struct item *item)
{
	return (uint32_t)(item->number * 2654435761u ^ item->key * 40503u ^ item->part * 97u ^
			item->fill);
}

/* Now and then a callback takes its time. */
static void stall(struct order *order)
{
	if (order->stall_ns == 0 || random_of(&order->random) % 512 != 0)
		return;
	long ns = (long)(random_of(&order->random) % (uint64_t)order->stall_ns);
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* ---- The source */

struct part {
	struct order *order;
	struct wax_env *env;
	uint32_t index;
	uint64_t random;
	int64_t left;
	int64_t wake_at;
	uint64_t numbers[KEYS_MAX];
};

static int list_parts(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct order *order = source;
	(void)err;
	for (int64_t i = 0; i < order->parts; i++) {
		const char name[] = {(char)('a' + i), '\0'};
		int r = wax_parts_add(parts, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_part(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct order *order = source;
	struct part *part = calloc(1, sizeof(*part));
	(void)saved;
	if (!part)
		return wax_err_set(err, -12, "no memory");
	part->order = order;
	part->env = env;
	part->index = (uint32_t)(wax_env_part(env)[0] - 'a');
	part->random = order->seed * 1000003 + part->index * 7919 + 1;
	part->left = order->items;
	part->wake_at = WAX_NEVER;
	*ret_part = part;
	return 0;
}

static void emit_one(struct part *part, struct wax_out *out)
{
	static _Alignas(struct item) char bytes[sizeof(struct item) + FILL_MAX];
	uint64_t dice = random_of(&part->random);
	uint64_t key = dice % (uint64_t)part->order->keys;
	struct item *item = (struct item *)bytes;
	*item = (struct item){
			.part = part->index,
			.key = (uint32_t)key,
			.number = ++part->numbers[key],
			.fill = (uint32_t)(dice >> 20) % (dice >> 8 & 63 ? 40 : FILL_MAX),
	};
	item->check = check_of(item);
	memset(bytes + sizeof(*item), (int)item->check, item->fill);
	wax_emit_kv(out, &key, sizeof(key), bytes, sizeof(*item) + item->fill);
}

static int next_items(void *data, struct wax_out *out, struct wax_err *err)
{
	struct part *part = data;
	(void)err;
	uint64_t dice = random_of(&part->order->random);
	int64_t count = dice % 8 == 0 ? 1 : (int64_t)(dice >> 8 & 1023);
	for (; count > 0 && part->left > 0; count--, part->left--)
		emit_one(part, out);
	stall(part->order);
	if (part->left == 0)
		return WAX_END;
	if (dice >> 32 & 15)
		return WAX_MORE;
	part->wake_at = wax_env_now(part->env) + (int64_t)(dice >> 40 & 0xfffff);
	return WAX_IDLE;
}

static int64_t awake_at(void *data)
{
	const struct part *part = data;
	return part->wake_at;
}

static const struct wax_source_ops part_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "random_order",
		.list = list_parts,
		.open = open_part,
		.next = next_items,
		.next_awake = awake_at,
		.close = free,
};

/* ---- On the way */

static int pass(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	stall(ctx);
	return wax_emit(out, item->value.data, item->value.bytes);
}

static int group_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct item head;
	(void)ctx;
	memcpy(&head, item->value.data, sizeof(head));
	uint64_t group = head.key % GROUPS;
	return wax_emit(out, &group, sizeof(group));
}

/* ---- The checks */

struct seen {
	uint64_t numbers[PARTS_MAX][KEYS_MAX];
	uint64_t count;
};

static int check_one(struct wax_out *out, struct seen *seen, struct wax_bytes value)
{
	struct item item;
	if (value.bytes < sizeof(item))
		return wax_fail(out, "an item of %zu bytes", value.bytes);
	memcpy(&item, value.data, sizeof(item));
	if (item.check != check_of(&item) || item.part >= PARTS_MAX || item.key >= KEYS_MAX ||
			value.bytes != sizeof(item) + item.fill)
		return wax_fail(out, "a damaged item");
	for (uint32_t i = 0; i < item.fill; i++) {
		if (((const char *)value.data)[sizeof(item) + i] != (char)item.check)
			return wax_fail(out, "a damaged item, at byte %u", i);
	}
	uint64_t *last = &seen->numbers[item.part][item.key];
	if (item.number != *last + 1)
		return wax_fail(out, "item %" PRIu64 " of partition %u, key %u after %" PRIu64,
				item.number, item.part, item.key, *last);
	*last = item.number;
	seen->count++;
	return 0;
}

static int check_and_pass(struct wax_keyed *keyed, void *state, const struct wax_values *values,
		void *ctx)
{
	struct wax_out *out = wax_keyed_out(keyed);
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);
		int r = check_one(out, state, value);
		if (r < 0)
			return r;
		wax_emit(out, value.data, value.bytes);
	}
	stall(ctx);
	return WAX_RETAIN;
}

static int check_and_count(struct wax_keyed *keyed, void *state, const struct wax_values *values,
		void *ctx)
{
	int r = WAX_RETAIN;
	for (uint32_t i = 0; r == WAX_RETAIN && i < values->count; i++)
		r = check_one(wax_keyed_out(keyed), state, wax_values_at(values, i));
	stall(ctx);
	return r;
}

static int say_count(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct seen *seen = state;
	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &seen->count, sizeof(seen->count));
	return WAX_DISCARD;
}

static const struct wax_stateful checks = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct seen),
		.on_batch = check_and_pass,
};

static const struct wax_stateful counts = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct seen),
		.on_batch = check_and_count,
		.on_eof = say_count,
};

static int64_t limited(struct wax_flow *flow, const char *name, int64_t value, int64_t max)
{
	if (value >= 1 && value <= max)
		return value;
	wax_flow_fail(flow, "--%s is from 1 to %" PRId64, name, max);
	return 1;
}

WAX_FLOW(random_order, "Check that nothing is lost, doubled or overtaken")
{
	struct order *order = wax_flow_alloc(flow, sizeof(*order));
	order->seed = (uint64_t)wax_arg_int(flow, "seed", "decides the items", "1");
	order->items = wax_arg_int(flow, "items", "of each partition", "10000");
	order->parts = limited(flow, "parts",
			wax_arg_int(flow, "parts", "partitions of the source", "3"), PARTS_MAX);
	order->keys = limited(
			flow, "keys", wax_arg_int(flow, "keys", "different keys", "40"), KEYS_MAX);
	order->stall_ns = wax_arg_duration(
			flow, "stall", "longest time that a callback sleeps now and then", "0s");
	order->random = order->seed * 31 + 17;

	const struct wax_type *type = WAX_KEYED(WAX_U64, WAX_BYTES);
	struct wax_stream items = wax_input(
			flow, "input", wax_source_make(&part_ops, type, order, NULL));
	items = wax_redistribute(items, "by_key", WAX_DEAL_KEYS);
	items = wax_map_value(items, "pass", WAX_BYTES, pass, order);
	items = wax_stateful_batch(items, "check", WAX_BYTES, &checks, order);
	items = wax_key_on(items, "by_group", WAX_U64, group_of, NULL);
	items = wax_stateful_batch(items, "count", WAX_U64, &counts, order);
	wax_output(items, "out", wax_stdout("%v\n"));
}
