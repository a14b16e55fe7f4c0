/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/keyed.h"
#include "operators/select.h"
#include "runtime/kept.h"
#include "runtime/room.h"
#include "runtime/table.h"

/*
 * What was seen is in a table: the key, or, for WAX_SAME_ITEM, key and value in one key of the
 * table, a block of which is put together before it is looked up. An item passes when its key of
 * the table is new.
 *
 * With a time to live all keys live equally long, so they die in the order in which they came:
 * a list through the states, the oldest first, is enough to know who is next.
 */

struct params {
	enum wax_same same;
	int64_t ttl_ns; /* WAX_NEVER: for ever */
	uint32_t key_bytes;
	uint32_t value_bytes;
};

/* State of a key that dies one day. When is what is kept of it. */
struct life {
	int64_t ends_at;
	struct life *next; /* the one that came after it */
};

/* Keys of the table that are made of keys and values. */
struct joined {
	struct wax_batch batch; /* of such keys alone */
	struct wax_room room;   /* their bytes, of a block of them */
	struct wax_span spans[WAX_TABLE_BLOCK];
};

struct data {
	struct wax_table table;
	struct wax_select select;
	struct joined joined;
	struct life *oldest, *youngest;
};

static bool dies(const struct params *params)
{
	return params->ttl_ns != WAX_NEVER;
}

/* Bytes of an item as a key of the table; where the key has any length, that is written before. */
static uint32_t fixed_bytes(const struct params *params)
{
	if (params->same == WAX_SAME_KEY)
		return params->key_bytes;
	return params->key_bytes && params->value_bytes ? params->key_bytes + params->value_bytes
							: 0;
}

/* ---- dying */

/* Forget whose time has come, at most count_max of them. */
static void forget(struct data *data, int64_t now, uint64_t count_max)
{
	for (; data->oldest && count_max > 0; count_max--) {
		struct life *life = data->oldest;

		if (life->ends_at > now)
			break;
		data->oldest = life->next;
		wax_table_remove(&data->table, life);
	}
	if (!data->oldest)
		data->youngest = NULL;
}

static void wake_for_oldest(struct wax_op *op)
{
	const struct data *data = op->data;

	if (data->oldest)
		wax_op_wake_by(op, data->oldest->ends_at);
}

static void begin_life(struct wax_op *op, struct life *life)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	int64_t now = wax_op_now(op);

	life->ends_at = params->ttl_ns < WAX_NEVER - now ? now + params->ttl_ns : WAX_NEVER;
	life->next = NULL;
	if (data->youngest)
		data->youngest->next = life;
	else
		data->oldest = life;
	data->youngest = life;
}

/* Many may die at once; the worker has other things to do as well. */
static int wake(struct wax_op *op, int64_t now)
{
	enum { TURN_KEYS_MAX = 4096 };

	forget(op->data, now, TURN_KEYS_MAX);
	wake_for_oldest(op);
	return 0;
}

/* ---- state that outlives the run */

static int compare_lives(const void *a, const void *b)
{
	int64_t left = (*(struct life *const *)a)->ends_at;
	int64_t right = (*(struct life *const *)b)->ends_at;

	return (left > right) - (left < right);
}

/* All keys were loaded, in any order: put them in the order in which they die. */
static int link_lives(struct wax_op *op)
{
	struct data *data = op->data;
	struct wax_table_walk walk = {0};
	size_t count = data->table.state_bytes ? data->table.count : 0;
	struct life **lives, *life;

	if (count == 0)
		return 0;
	lives = reallocarray(NULL, count, sizeof(struct life *));
	if (!lives)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);
	for (size_t i = 0; (life = wax_table_next(&data->table, &walk)); i++)
		lives[i] = life;
	qsort(lives, count, sizeof(struct life *), compare_lives);
	for (size_t i = 0; i < count; i++)
		lives[i]->next = i + 1 < count ? lives[i + 1] : NULL;
	data->oldest = lives[0];
	data->youngest = lives[count - 1];
	free(lives);
	wake_for_oldest(op);
	return 0;
}

/* The key of the item, in a key of the table. */
static struct wax_bytes item_key(const struct wax_op *op, struct wax_bytes key)
{
	const struct params *params = op->params;
	uint32_t head = fixed_bytes(params) ? 0 : sizeof(uint32_t);
	uint32_t key_bytes = params->key_bytes;

	if (params->same == WAX_SAME_KEY || key.bytes < head)
		return key;
	if (head > 0)
		memcpy(&key_bytes, key.data, sizeof(key_bytes));
	if (key_bytes > key.bytes - head)
		return key;
	return (struct wax_bytes){(const char *)key.data + head, key_bytes};
}

static const struct wax_kept_ops kept_ops = {
		.made = link_lives, .routed_by = item_key, .adds_only = true};

static int open(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	wax_table_init(&data->table, fixed_bytes(params), dies(params) ? sizeof(struct life) : 0,
			dies(params) ? _Alignof(struct life) : 0);
	return wax_op_keep(
			op, &data->table, dies(params) ? sizeof(int64_t) : 0, NULL, &kept_ops, err);
}

/* ---- passing */

static char *put(char *to, struct wax_bytes bytes)
{
	if (bytes.bytes > 0)
		memcpy(to, bytes.data, bytes.bytes);
	return to + bytes.bytes;
}

/* Put key and value of each item of a block together. */
static int join(struct joined *joined, const struct wax_batch *batch, uint32_t fixed,
		uint32_t first, uint32_t count)
{
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct wax_item item = wax_batch_item(batch, first + i);
		uint32_t key_bytes = (uint32_t)item.key.bytes;
		size_t bytes = item.key.bytes + item.value.bytes + (fixed ? 0 : sizeof(key_bytes));

		if (wax_room_reserve(&joined->room, used + bytes) < 0 || used + bytes > UINT32_MAX)
			return -ENOMEM;

		char *to = joined->room.data + used;

		joined->spans[i] = (struct wax_span){(uint32_t)used, (uint32_t)bytes};
		/* Where the key ends: "a", "bc" is not "ab", "c". */
		if (!fixed)
			to = put(to, (struct wax_bytes){&key_bytes, sizeof(key_bytes)});
		put(put(to, item.key), item.value);
		used += bytes;
	}
	joined->batch = (struct wax_batch){.count = count,
			.keyed = 1,
			.key_bytes = fixed,
			.keys = fixed ? (const void *)joined->room.data : joined->spans,
			.key_heap = joined->room.data,
			.key_heap_bytes = used};
	return 0;
}

static int look_up(struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count,
		void **states, struct wax_table_added *added)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	if (params->same == WAX_SAME_KEY)
		return wax_table_get_many(&data->table, batch, first, count, states, added);

	int r = join(&data->joined, batch, fixed_bytes(params), first, count);

	return r < 0 ? r
		     : wax_table_get_many(
				       &data->table, &data->joined.batch, 0, count, states, added);
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct data *data = op->data;
	void *states[WAX_TABLE_BLOCK];
	struct wax_table_added added;
	uint32_t *kept, kept_count = 0;

	(void)input;
	if (wax_select_reserve(&data->select, batch) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);
	kept = data->select.indexes[1];
	forget(data, wax_op_now(op), UINT64_MAX);

	for (uint32_t first = 0; first < batch->count; first += WAX_TABLE_BLOCK) {
		uint32_t count = wax_table_block(batch, first);

		if (look_up(op, batch, first, count, states, &added) < 0)
			return wax_op_fail(op, batch, first, -ENOMEM, "no memory for another key");
		for (uint32_t i = 0; i < added.count; i++) {
			kept[kept_count++] = first + added.items[i];
			if (data->table.state_bytes)
				begin_life(op, states[added.items[i]]);
		}
	}
	wake_for_oldest(op);
	return wax_select_lend(&data->select, op, 0, batch, kept, kept_count);
}

static size_t state_bytes(const struct wax_op *op)
{
	return wax_table_bytes(&((const struct data *)op->data)->table);
}

static void close(struct wax_op *op)
{
	struct data *data = op->data;

	wax_table_fini(&data->table);
	wax_select_fini(&data->select);
	wax_room_fini(&data->joined.room);
}

static const struct wax_op_class dedup_class = {
		.kind = "dedup",
		.keeps = true,
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct data),
		.open = open,
		.push = push,
		.wake = wake,
		.state_bytes = state_bytes,
		.close = close,
};

struct wax_stream wax_dedup(
		struct wax_stream up, const char *id, enum wax_same same, int64_t ttl_ns)
{
	struct wax_step *step = wax_step_add(up.flow, id, &dedup_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct params){.same = same, .ttl_ns = ttl_ns};
	if (same != WAX_SAME_KEY && same != WAX_SAME_ITEM)
		wax_step_fail(up.flow, step,
				"compares neither keys (WAX_SAME_KEY) nor items (WAX_SAME_ITEM)");
	if (ttl_ns <= 0)
		wax_step_fail(up.flow, step,
				"its time to live is %lld ns, must be at least 1: WAX_NEVER is for "
				"ever",
				(long long)ttl_ns);
	if (!up_type)
		return wax_step_output(up.flow, step, NULL, true);
	params->key_bytes = up_type->key->item_bytes;
	params->value_bytes = up_type->value->item_bytes;
	return wax_keyed_output(up, step, up_type, up_type->value);
}
