/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/copy.h"
#include "runtime/exchange_private.h"
#include "runtime/hash.h"

#define ALWAYS static inline __attribute__((always_inline))

/*
 * Routing, a block of items at a time: first which lane each of them goes into, then copying them
 * there. Apart from each other both are short loops: the first hashes several keys at once, the
 * second is the same whatever decided.
 */

enum {
	BLOCK = 256,          /* items */
	LANES_TRIED_MAX = 16, /* when dealing: how far to look for one that has credit */
};

/* ---- Copying */

static const char *last_short(const char *heap, size_t heap_bytes)
{
	return heap_bytes < WAX_SHORT_BYTES ? NULL : heap + heap_bytes - WAX_SHORT_BYTES;
}

/* The columns of a batch. In variables that nobody has the address of: what is stored through a
 * char pointer could change any other. */
struct columns {
	const char *keys, *values;
	const char *key_heap, *value_heap;
	/* The last places in the heaps from which WAX_SHORT_BYTES can be read. */
	const char *key_short, *value_short;
};

static inline struct columns columns_of(const struct wax_batch *batch)
{
	return (struct columns){
			.keys = batch->keys,
			.values = batch->values,
			.key_heap = batch->key_heap,
			.value_heap = batch->value_heap,
			.key_short = last_short(batch->key_heap, batch->key_heap_bytes),
			.value_short = last_short(batch->value_heap, batch->value_heap_bytes),
	};
}

/* An item, or its span, of a column; item_bytes 0: variable. */
ALWAYS struct wax_bytes item_at(
		const char *items, const char *heap, uint32_t item_bytes, uint32_t index)
{
	if (item_bytes)
		return (struct wax_bytes){items + (size_t)index * item_bytes, item_bytes};
	const struct wax_span *span = (const struct wax_span *)items + index;
	return (struct wax_bytes){heap + span->at, span->bytes};
}

/* Put an item at place `at`, counted from the end, of a column of the open slab. There is room. */
ALWAYS void put_at(struct lane_head *head, char *column_end, int64_t at, uint32_t item_bytes,
		struct wax_bytes item, const char *last_short)
{
	if (item_bytes) {
		wax_copy_item(column_end + at * (int64_t)item_bytes, item.data, item_bytes);
		return;
	}
	((struct wax_span *)column_end)[at] =
			(struct wax_span){head->heap_used, (uint32_t)item.bytes};
	char *to = head->heap + head->heap_used;
	if (wax_likely(item.bytes <= WAX_SHORT_BYTES && (const char *)item.data <= last_short &&
			    head->heap_room - head->heap_used >= WAX_SHORT_BYTES))
		memcpy(to, item.data, WAX_SHORT_BYTES);
	else
		memcpy(to, item.data, item.bytes);
	head->heap_used += (uint32_t)item.bytes;
}

/* Copy items [first, first + count) into the lanes that `to` names. The sizes, 0 for variable, are
 * constants where this is inlined. */
ALWAYS int place_typed(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		uint32_t first, uint32_t count, const uint16_t *to, bool keyed, uint32_t key_bytes,
		uint32_t value_bytes, struct wax_err *err)
{
	const struct columns columns = columns_of(batch);
	struct edge_out *out = &exchange->out[edge];
	struct lane_head *heads = out->heads;
	for (uint32_t i = 0; i < count; i++) {
		struct lane_head *head = &heads[to[i]];
		struct wax_bytes key = {NULL, 0},
				 value = item_at(columns.values, columns.value_heap, value_bytes,
						 first + i);
		uint64_t need = value_bytes ? 0 : value.bytes;
		if (keyed) {
			key = item_at(columns.keys, columns.key_heap, key_bytes, first + i);
			need += key_bytes ? 0 : key.bytes;
		}
		bool variable = value_bytes == 0 || (keyed && key_bytes == 0);
		if (wax_unlikely(head->left == 0 ||
				    (variable && need > head->heap_room - head->heap_used))) {
			int r = wax_lane_turn(exchange, edge, &out->lanes[to[i]], need, err);
			if (r < 0)
				return r;
		}
		int64_t at = head->left;
		if (keyed)
			put_at(head, head->keys_end, at, key_bytes, key, columns.key_short);
		put_at(head, head->values_end, at, value_bytes, value, columns.value_short);
		head->left = at + 1;
	}
	return 0;
}

static int place(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		uint32_t first, uint32_t count, const uint16_t *to, struct wax_err *err)
{
#define PLACE(keyed, key_bytes, value_bytes)                                                       \
	place_typed(exchange, edge, batch, first, count, to, keyed, key_bytes, value_bytes, err)
	uint32_t key = batch->key_bytes, value = batch->value_bytes;
	if (!batch->keyed)
		return value == 8            ? PLACE(false, 0, 8)
				: value == 0 ? PLACE(false, 0, 0)
					     : PLACE(false, 0, value);
	switch (key) {
	case 8:
		return value == 8             ? PLACE(true, 8, 8)
				: value == 16 ? PLACE(true, 8, 16)
				: value == 56 ? PLACE(true, 8, 56)
				: value == 0  ? PLACE(true, 8, 0)
					      : PLACE(true, 8, value);
	case 4:
		return value == 4            ? PLACE(true, 4, 4)
				: value == 8 ? PLACE(true, 4, 8)
					     : PLACE(true, 4, value);
	case 0:
		return value == 8            ? PLACE(true, 0, 8)
				: value == 0 ? PLACE(true, 0, 0)
					     : PLACE(true, 0, value);
	default:
		return PLACE(true, key, value);
	}
#undef PLACE
}

/* ---- Where to */

/* The worker that owns a key: 4096 groups of keys, contiguous ranges of them to each. */
ALWAYS uint16_t owner_of(uint64_t hash, uint32_t worker_count)
{
	return (uint16_t)(((hash >> 52) * worker_count) >> 12);
}

/* The hashes of some of the keys of a batch. */
static void hash_keys(
		const struct wax_batch *batch, uint32_t first, uint32_t count, uint64_t *hashes)
{
	if (batch->key_bytes) {
		const char *keys = (const char *)batch->keys + (size_t)first * batch->key_bytes;
		wax_hash_fixed(keys, batch->key_bytes, count, hashes);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes key = wax_batch_key(batch, first + i);
		hashes[i] = wax_hash(key.data, key.bytes);
	}
}

/* Where the items of a block go; each route that looks at the items. */
static void choose(struct edge_out *out, const struct wax_batch *batch, uint32_t first,
		uint32_t count, uint16_t *to)
{
	uint64_t hashes[BLOCK];
	if (out->plan->route == WAX_ROUTE_ITEMS) {
		for (uint32_t i = 0; i < count; i++) {
			to[i] = (uint16_t)out->next_lane;
			if (++out->next_lane == out->lane_count)
				out->next_lane = 0;
		}
		return;
	}
	uint32_t worker_count = out->lane_count, part_count = out->plan->part_count;
	const struct wax_part_choice *choice = &out->plan->part_choice;
	if (choice->part) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = (uint16_t)(choice->part(choice->sink,
							  wax_batch_key(batch, first + i),
							  part_count) %
					part_count % worker_count);
		return;
	}
	hash_keys(batch, first, count, hashes);
	if (out->plan->route == WAX_ROUTE_KEY) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = owner_of(hashes[i], worker_count);
	} else {
		for (uint32_t i = 0; i < count; i++)
			to[i] = (uint16_t)(hashes[i] % part_count % worker_count);
	}
}

/* Route each item by itself. */
static int scatter(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	int r = 0;
	for (uint32_t first = 0; r == 0 && first < batch->count; first += BLOCK) {
		uint32_t left = batch->count - first, count = left < BLOCK ? left : BLOCK;
		uint16_t to[BLOCK];
		choose(out, batch, first, count, to);
		r = place(exchange, edge, batch, first, count, to, err);
	}
	return r;
}

/* ---- Whole batches */

static int append_variable(struct wax_exchange *exchange, uint32_t edge, const struct lane *lane,
		const struct wax_batch *batch, struct wax_err *err)
{
	uint16_t to[BLOCK];
	for (uint32_t i = 0; i < BLOCK; i++)
		to[i] = (uint16_t)(lane - exchange->out[edge].lanes);
	int r = 0;
	for (uint32_t first = 0; r == 0 && first < batch->count; first += BLOCK) {
		uint32_t left = batch->count - first;
		r = place(exchange, edge, batch, first, left < BLOCK ? left : BLOCK, to, err);
	}
	return r;
}

/* Copy a whole batch into one lane. */
static int append(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		const struct wax_batch *batch, struct wax_err *err)
{
	const struct wax_columns *columns = &exchange->out[edge].columns;
	int r = 0;
	if (columns->variable)
		return append_variable(exchange, edge, lane, batch, err);
	struct lane_head *head = lane->head;
	for (uint32_t i = 0; i < batch->count;) {
		if (head->left == 0) {
			r = wax_lane_turn(exchange, edge, lane, 0, err);
			if (r < 0)
				return r;
		}
		uint32_t room = (uint32_t)-head->left;
		uint32_t count = batch->count - i < room ? batch->count - i : room;
		if (batch->keyed)
			memcpy(head->keys_end + head->left * columns->key_stride,
					(const char *)batch->keys + (size_t)i * columns->key_stride,
					(size_t)count * columns->key_stride);
		memcpy(head->values_end + head->left * columns->value_stride,
				(const char *)batch->values + (size_t)i * columns->value_stride,
				(size_t)count * columns->value_stride);
		head->left += count;
		i += count;
	}
	return 0;
}

/* Whose turn it is; a worker that has no credit left, because it is slow, is passed over. */
static struct lane *deal(struct wax_exchange *exchange, struct edge_out *out)
{
	struct lane *lane = NULL;
	uint32_t tries = out->lane_count < LANES_TRIED_MAX ? out->lane_count : LANES_TRIED_MAX;
	for (uint32_t i = 0; i < tries; i++) {
		lane = &out->lanes[out->next_lane];
		if (++out->next_lane == out->lane_count)
			out->next_lane = 0;
		if (!lane->outbox && !lane->building &&
				(lane->head->left < 0 || wax_lane_has_credit(exchange, lane)))
			break;
	}
	return lane;
}

/* A copy into each lane. A lane without credit keeps its copy in the outbox, as with any route, so
 * that what waits is bounded by one batch for each worker. */
static int append_to_all(struct wax_exchange *exchange, uint32_t edge,
		const struct wax_batch *batch, struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	int r = 0;
	/* Each copy counts as sent; that of the batch itself is counted already. */
	wax_count(&out->counters->items_out, (uint64_t)batch->count * (out->lane_count - 1));
	for (uint32_t i = 0; r == 0 && i < out->lane_count; i++)
		r = append(exchange, edge, &out->lanes[i], batch, err);
	return r;
}

/* ---- Perturbed: see runtime/perturb.h */

/* @return false: it is sent as ever */
static bool is_perturbed(const struct wax_exchange *exchange, const struct wax_plan_edge *edge)
{
	return edge->route != WAX_ROUTE_LOCAL && edge->route != WAX_ROUTE_PART &&
			edge->route != WAX_ROUTE_ALL &&
			(exchange->perturb->routing ||
					(edge->forced && edge->route == WAX_ROUTE_ITEMS));
}

static uint32_t random_lane(struct wax_exchange *exchange, const struct edge_out *out)
{
	uint64_t place = (uint64_t)exchange->env.me << 40 | exchange->dealt++;
	return (uint32_t)(wax_perturb_hash(exchange->perturb->seed, place) % out->lane_count);
}

static int scatter_perturbed(struct wax_exchange *exchange, uint32_t edge,
		const struct wax_batch *batch, struct wax_err *err)
{
	const struct edge_out *out = &exchange->out[edge];
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < batch->count; i++) {
		uint16_t to;
		if (out->plan->route == WAX_ROUTE_KEY) {
			uint64_t hash;
			hash_keys(batch, i, 1, &hash);
			to = (uint16_t)wax_perturb_route(
					exchange->perturb, (uint32_t)(hash >> 52), out->lane_count);
		} else {
			to = (uint16_t)random_lane(exchange, out);
		}
		r = place(exchange, edge, batch, i, 1, &to, err);
	}
	return r;
}

static int send_perturbed(struct wax_exchange *exchange, uint32_t edge,
		const struct wax_batch *batch, struct wax_err *err)
{
	const struct edge_out *out = &exchange->out[edge];
	uint64_t shift = wax_perturb_hash(exchange->perturb->seed, edge) % out->lane_count;
	if (out->plan->steady)
		return append(exchange, edge,
				&out->lanes[(exchange->env.me + shift) % out->lane_count], batch,
				err);
	if (out->plan->route == WAX_ROUTE_BATCHES)
		return append(exchange, edge, &out->lanes[random_lane(exchange, out)], batch, err);
	return scatter_perturbed(exchange, edge, batch, err);
}

int wax_exchange_send(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	WAX_ASSERT(out->due == out->posted);
	wax_count(&out->counters->items_out, batch->count);
	if (wax_unlikely(exchange->perturb && is_perturbed(exchange, out->plan)))
		return send_perturbed(exchange, edge, batch, err);
	switch (out->plan->route) {
	case WAX_ROUTE_KEY:
	case WAX_ROUTE_ITEMS:
		return scatter(exchange, edge, batch, err);
	case WAX_ROUTE_PART:
		/* Without partitions the sink is in worker 0. */
		return out->plan->part_count > 1
				? scatter(exchange, edge, batch, err)
				: append(exchange, edge, &out->lanes[0], batch, err);
	case WAX_ROUTE_BATCHES:
		return append(exchange, edge, deal(exchange, out), batch, err);
	case WAX_ROUTE_ALL:
		return append_to_all(exchange, edge, batch, err);
	case WAX_ROUTE_LOCAL:
		return append(exchange, edge, &out->lanes[0], batch, err);
	}
	WAX_ASSERT(false);
	return -EINVAL;
}
