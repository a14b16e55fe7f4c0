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
	BLOCK = 256,           /* items */
	LANES_FILLED_MAX = 4,  /* up to so many are filled one after the other, */
	ITEMS_FILLED_MIN = 16, /* with at least so many items */
	LANES_TRIED_MAX = 16,  /* when dealing: how far to look for one that has credit */
};

/* ---- Copying */

/* The last place from which WAX_SHORT_BYTES can be read. */
static const char *last_short(const char *heap, size_t heap_bytes)
{
	return heap_bytes < WAX_SHORT_BYTES ? NULL : heap + heap_bytes - WAX_SHORT_BYTES;
}

/* The columns of a batch. In variables that nobody has the address of: what is stored through a
 * char pointer could change any other. */
struct columns {
	const char *keys, *values;
	const char *key_heap, *value_heap;
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

/* What the items of a block have in common. The sizes, 0 for variable, are constants where the
 * functions below are inlined. */
struct shape {
	bool keyed;
	uint32_t key_bytes, value_bytes;
};

/* Copy an item into the open slab. @return false: there is no room for it */
ALWAYS bool put(struct lane_head *head, const struct columns *columns, uint32_t index,
		struct shape shape, uint64_t *ret_need)
{
	struct wax_bytes key = {NULL, 0},
			 value = item_at(columns->values, columns->value_heap, shape.value_bytes,
					 index);
	uint64_t need = shape.value_bytes ? 0 : value.bytes;
	if (shape.keyed) {
		key = item_at(columns->keys, columns->key_heap, shape.key_bytes, index);
		need += shape.key_bytes ? 0 : key.bytes;
	}
	bool variable = shape.value_bytes == 0 || (shape.keyed && shape.key_bytes == 0);
	if (wax_unlikely(head->left == 0 ||
			    (variable && need > head->heap_room - head->heap_used))) {
		*ret_need = need;
		return false;
	}
	int64_t at = head->left;
	if (shape.keyed)
		put_at(head, head->keys_end, at, shape.key_bytes, key, columns->key_short);
	put_at(head, head->values_end, at, shape.value_bytes, value, columns->value_short);
	head->left = at + 1;
	return true;
}

/* Items of a batch, at most BLOCK, and the lanes that they go into; NULL: all into one. */
struct block {
	const struct wax_batch *batch;
	uint32_t first, count;
	const uint16_t *to;
	struct lane *lane;
};

/* Item by item, each into its lane. */
ALWAYS int place(struct wax_exchange *exchange, uint32_t edge, const struct block *block,
		struct shape shape, struct wax_err *err)
{
	const struct columns columns = columns_of(block->batch);
	const uint16_t *to = block->to;
	struct edge_out *out = &exchange->out[edge];
	struct lane_head *heads = out->heads;
	uint64_t need;
	for (uint32_t i = 0; i < block->count;) {
		if (wax_likely(put(&heads[to[i]], &columns, block->first + i, shape, &need))) {
			i++;
			continue;
		}
		int r = wax_lane_turn(exchange, edge, &out->lanes[to[i]], need, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Some of the items into one lane. Where the next one goes is in registers: it need not be read
 * back from where the last one has just left it. */
ALWAYS int fill(struct wax_exchange *exchange, uint32_t edge, const struct block *block,
		struct lane *lane, const uint8_t *indexes, uint32_t count, struct shape shape,
		struct wax_err *err)
{
	const struct columns columns = columns_of(block->batch);
	struct lane_head head = *lane->head;
	uint64_t need;
	for (uint32_t i = 0; i < count;) {
		if (wax_likely(put(&head, &columns, block->first + indexes[i], shape, &need))) {
			i++;
			continue;
		}
		*lane->head = head;
		int r = wax_lane_turn(exchange, edge, lane, need, err);
		if (r < 0)
			return r;
		head = *lane->head;
	}
	*lane->head = head;
	return 0;
}

/* Which items of a block go into a lane. */
ALWAYS uint32_t indexes_of(const struct block *block, uint32_t lane, uint8_t *indexes)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < block->count; i++) {
		indexes[count] = (uint8_t)i;
		count += !block->to || block->to[i] == lane;
	}
	return count;
}

ALWAYS int copy_typed(struct wax_exchange *exchange, uint32_t edge, const struct block *block,
		struct shape shape, struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	if (!block->lane && (out->lane_count > LANES_FILLED_MAX || block->count < ITEMS_FILLED_MIN))
		return place(exchange, edge, block, shape, err);
	uint32_t lane_count = block->lane ? 1 : out->lane_count;
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < lane_count; i++) {
		uint8_t indexes[BLOCK];
		uint32_t count = indexes_of(block, i, indexes);
		r = fill(exchange, edge, block, block->lane ? block->lane : &out->lanes[i], indexes,
				count, shape, err);
	}
	return r;
}

static int copy_block(struct wax_exchange *exchange, uint32_t edge, const struct block *block,
		struct wax_err *err)
{
#define COPY(keyed, key_bytes, value_bytes)                                                        \
	copy_typed(exchange, edge, block, (struct shape){keyed, key_bytes, value_bytes}, err)
	uint32_t key = block->batch->key_bytes, value = block->batch->value_bytes;
	if (!block->batch->keyed)
		return value == 8            ? COPY(false, 0, 8)
				: value == 0 ? COPY(false, 0, 0)
					     : COPY(false, 0, value);
	switch (key) {
	case 8:
		return value == 8             ? COPY(true, 8, 8)
				: value == 16 ? COPY(true, 8, 16)
				: value == 56 ? COPY(true, 8, 56)
				: value == 0  ? COPY(true, 8, 0)
					      : COPY(true, 8, value);
	case 4:
		return value == 4            ? COPY(true, 4, 4)
				: value == 8 ? COPY(true, 4, 8)
					     : COPY(true, 4, value);
	case 0:
		return value == 8            ? COPY(true, 0, 8)
				: value == 0 ? COPY(true, 0, 0)
					     : COPY(true, 0, value);
	default:
		return COPY(true, key, value);
	}
#undef COPY
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
		r = copy_block(exchange, edge, &(struct block){batch, first, count, to, NULL}, err);
	}
	return r;
}

/* ---- Whole batches */

static int append_variable(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		const struct wax_batch *batch, struct wax_err *err)
{
	int r = 0;
	for (uint32_t first = 0; r == 0 && first < batch->count; first += BLOCK) {
		uint32_t left = batch->count - first, count = left < BLOCK ? left : BLOCK;
		r = copy_block(exchange, edge, &(struct block){batch, first, count, NULL, lane},
				err);
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
		r = copy_block(exchange, edge, &(struct block){batch, i, 1, &to, NULL}, err);
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
