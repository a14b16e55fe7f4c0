/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/exchange_private.h"
#include "runtime/hash.h"

/*
 * Routing: which lane an item goes into, and copying it there.
 */

enum { LANES_TRIED_MAX = 16 /* when dealing: how far to look for one that has credit */ };

static inline uint32_t route_key(uint64_t hash, uint32_t worker_count)
{
	/* 4096 groups of keys, contiguous ranges of them to each worker. */
	return (uint32_t)(((hash >> 52) * worker_count) >> 12);
}

static inline struct wax_span put_bytes(struct lane_head *head, const void *data, uint32_t bytes)
{
	struct wax_span span = {head->heap_used, bytes};
	memcpy(head->heap + head->heap_used, data, bytes);
	head->heap_used += bytes;
	return span;
}

/* Copy item `index` of a batch, whose columns may be variable, into a lane. */
static inline int put_item(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		const struct wax_batch *batch, uint32_t index, struct wax_err *err)
{
	struct lane_head *head = lane->head;
	struct wax_bytes key = {NULL, 0}, value = wax_batch_value(batch, index);
	uint64_t need = batch->value_bytes ? 0 : value.bytes;
	if (batch->keyed) {
		key = wax_batch_key(batch, index);
		need += batch->key_bytes ? 0 : key.bytes;
	}
	if (wax_unlikely(head->left == 0 || need > head->heap_room - head->heap_used)) {
		int r = wax_lane_turn(exchange, edge, lane, need, err);
		if (r < 0)
			return r;
	}

	int64_t at = head->left++;
	if (batch->keyed) {
		if (batch->key_bytes)
			memcpy(head->keys_end + at * (int64_t)key.bytes, key.data, key.bytes);
		else
			((struct wax_span *)head->keys_end)[at] =
					put_bytes(head, key.data, (uint32_t)key.bytes);
	}
	if (batch->value_bytes)
		memcpy(head->values_end + at * (int64_t)value.bytes, value.data, value.bytes);
	else
		((struct wax_span *)head->values_end)[at] =
				put_bytes(head, value.data, (uint32_t)value.bytes);
	return 0;
}

/* By key, any types. */
static int scatter_any(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	struct lane *lanes = exchange->out[edge].lanes;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i);
		uint64_t hash = wax_hash(key.data, key.bytes);
		struct lane *lane = &lanes[route_key(hash, exchange->worker_count)];
		int r = put_item(exchange, edge, lane, batch, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* By key, both of fixed size: the sizes are constants where this is inlined. */
static inline __attribute__((always_inline)) int scatter_fixed(struct wax_exchange *exchange,
		uint32_t edge, const struct wax_batch *batch, size_t key_bytes, size_t value_bytes,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	struct lane_head *heads = out->heads;
	/* In variables of its own: what is stored through a char pointer could be any of these. */
	uint32_t worker_count = exchange->worker_count, count = batch->count;
	const char *keys = batch->keys;
	const char *values = batch->values;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = wax_hash(keys + i * key_bytes, key_bytes);
		uint32_t to = route_key(hash, worker_count);
		struct lane_head *head = &heads[to];
		int64_t at = head->left;
		if (wax_unlikely(at == 0)) {
			int r = wax_lane_turn(exchange, edge, &out->lanes[to], 0, err);
			if (r < 0)
				return r;
			at = head->left;
		}
		memcpy(head->keys_end + at * (int64_t)key_bytes, keys + i * key_bytes, key_bytes);
		memcpy(head->values_end + at * (int64_t)value_bytes, values + i * value_bytes,
				value_bytes);
		head->left = at + 1;
	}
	return 0;
}

static int scatter(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	uint32_t key = batch->key_bytes, value = batch->value_bytes;
	if (key == 0 || value == 0)
		return scatter_any(exchange, edge, batch, err);
	if (key == 8 && value == 8)
		return scatter_fixed(exchange, edge, batch, 8, 8, err);
	if (key == 8 && value == 16)
		return scatter_fixed(exchange, edge, batch, 8, 16, err);
	if (key == 8 && value == 56)
		return scatter_fixed(exchange, edge, batch, 8, 56, err);
	if (key == 4 && value == 4)
		return scatter_fixed(exchange, edge, batch, 4, 4, err);
	if (key == 4 && value == 8)
		return scatter_fixed(exchange, edge, batch, 4, 8, err);
	return scatter_fixed(exchange, edge, batch, key, value, err);
}

/* Copy a whole batch into one lane. */
static int append(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		const struct wax_batch *batch, struct wax_err *err)
{
	const struct wax_columns *columns = &exchange->out[edge].columns;
	int r = 0;
	if (columns->variable) {
		for (uint32_t i = 0; r == 0 && i < batch->count; i++)
			r = put_item(exchange, edge, lane, batch, i, err);
		return r;
	}
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

static int deal_items(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	for (uint32_t i = 0; i < batch->count; i++) {
		struct lane *lane = &out->lanes[out->next_lane];
		if (++out->next_lane == out->lane_count)
			out->next_lane = 0;
		int r = put_item(exchange, edge, lane, batch, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* To the worker that has the partition of the key. */
static int scatter_parts(struct wax_exchange *exchange, uint32_t edge,
		const struct wax_batch *batch, struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	if (out->plan->part_count <= 1)
		return append(exchange, edge, &out->lanes[0], batch, err);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i);
		uint64_t part = wax_hash(key.data, key.bytes) % out->plan->part_count;
		struct lane *lane = &out->lanes[part % exchange->worker_count];
		int r = put_item(exchange, edge, lane, batch, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int wax_exchange_send(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	wax_count(&out->counters->items_out, batch->count);
	switch (out->plan->route) {
	case WAX_ROUTE_KEY:
		return scatter(exchange, edge, batch, err);
	case WAX_ROUTE_BATCHES:
		return append(exchange, edge, deal(exchange, out), batch, err);
	case WAX_ROUTE_ITEMS:
		return deal_items(exchange, edge, batch, err);
	case WAX_ROUTE_PART:
		return scatter_parts(exchange, edge, batch, err);
	case WAX_ROUTE_LOCAL:
		return append(exchange, edge, &out->lanes[0], batch, err);
	}
	WAX_ASSERT(false);
	return -EINVAL;
}

