/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/copy.h"
#include "runtime/port.h"

/* A combiner that holds so much is full. More would be slower than the exchange it is to spare: it
 * would no longer fit in a cache; and all of it is emitted by one call, with or without credit. */
#define COMBINER_KEYS_MAX (16 * 1024)
#define COMBINER_BYTES_MAX ((size_t)2 << 20)
/* Combining costs a lookup and saves an exchange and a lookup. With fewer items to a partial result
 * than this it does not pay ... */
#define ITEMS_PER_PARTIAL_MIN 2
/* ... and is left alone for this many times the items that showed it, so that trying costs little. */
#define PASS_TIMES 16
/* Items emitted by one call at the end. */
#define EMIT_MAX (16 * 1024)

void wax_aggregate_describe(struct wax_aggregate *aggregate, const struct wax_type *key,
		const struct wax_type *state)
{
	aggregate->key_bytes = key->item_bytes;
	if (!state)
		return;
	aggregate->state_bytes = state->item_bytes;
	aggregate->state_align = state->align;
}

/* ---- emitting a table */

/* Keys and values of fixed size: straight into the columns. */
static uint32_t emit_columns(struct wax_port *port, const struct wax_table *table,
		struct wax_table_walk *walk, uint32_t count_max)
{
	struct wax_out *out = &port->out;
	uint32_t room = wax_out_room(out, count_max);
	uint32_t key_bytes = table->key_bytes, value_bytes = port->value.item_bytes;
	char *key = (char *)out->keys + (size_t)out->count * key_bytes;
	char *value = (char *)out->values + (size_t)out->count * value_bytes;
	uint32_t count;

	for (count = 0; count < room; count++) {
		const void *state = wax_table_next(table, walk);

		if (!state)
			break;
		wax_copy_item(key, wax_table_key(table, state).data, key_bytes);
		wax_copy_item(value, state, value_bytes);
		key += key_bytes;
		value += value_bytes;
	}
	wax_out_advance(out, count);
	return count;
}

/* What there is for one key of any kind. @return negative: it could not be saved before */
static int emit_state(struct wax_op *op, struct wax_table *table, void *state)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_bytes key = wax_table_key(table, state);
	struct wax_bytes value = {state, aggregate->state_bytes};
	int r = wax_table_touch(table, state);

	if (r < 0)
		return r;
	if (aggregate->emit) {
		aggregate->emit(op, key, state);
	} else {
		if (aggregate->value)
			value = aggregate->value(state);
		wax_emit_kv(wax_op_out(op, 0), key.data, key.bytes, value.data, value.bytes);
	}
	if (aggregate->free)
		aggregate->free(op, state);
	return 0;
}

/* Of the next key: one item at least. @return how many; negative: the op has failed */
static int64_t emit_next(struct wax_op *op, struct wax_table *table, struct wax_table_walk *walk)
{
	void *state = wax_table_next(table, walk);
	uint64_t before = wax_op_emitted(op, 0);

	if (!state)
		return 0;

	int r = emit_state(op, table, state);

	return r < 0 ? r : (int64_t)(wax_op_emitted(op, 0) - before);
}

/* Emit up to count_max items, and the rest of a key, from where the walk stands. @return 1 there are
 * more, 0 that was all, negative: a step downstream failed */
static int emit(struct wax_op *op, struct wax_table *table, struct wax_table_walk *walk,
		uint32_t count_max)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_port *port = &op->ports[0];
	bool columns = table->key_bytes && !aggregate->value && !aggregate->emit;

	for (int64_t count = 0, now; count < count_max; count += now) {
		now = columns ? emit_columns(port, table, walk, count_max - (uint32_t)count)
			      : emit_next(op, table, walk);
		if (wax_unlikely(port->failed || now < 0))
			return -ECANCELED;
		if (now == 0)
			return 0;
	}
	return 1;
}

/* ---- the final step */

/* A block of a batch into the table. */
static int add_block(
		struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_final *kept = op->data;
	void *states[WAX_TABLE_BLOCK];
	struct wax_table_added added;

	if (wax_table_get_many(&kept->table, batch, first, count, states, &added) < 0)
		return wax_op_fail(op, batch, first, -ENOMEM, "no memory for another key");
	for (uint32_t i = 0; kept->expiry.ttl_ns && i < count; i++) {
		if (wax_expiry_touch(&kept->expiry, states[i], wax_op_now(op)) < 0)
			return wax_op_fail(op, batch, first, -ENOMEM, "no memory for a timer");
	}
	return aggregate->add(op, batch, first, count, states, &added);
}

int wax_final_open(struct wax_op *op, struct wax_err *err)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_final *final = op->data;

	wax_expiry_init(&final->expiry, op, &final->table, aggregate->key_bytes,
			aggregate->state_bytes, aggregate->state_align);
	return wax_expiry_keep(&final->expiry, op, &final->table,
			aggregate->kept ? WAX_LOG_ANY_BYTES : aggregate->state_bytes,
			aggregate->kept ? aggregate->kept : &wax_kept_plain, err);
}

int wax_final_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_final *final = op->data;
	int r = 0;

	(void)input;
	for (uint32_t first = 0; first < batch->count && r == 0; first += WAX_TABLE_BLOCK)
		r = add_block(op, batch, first, wax_table_block(batch, first));
	wax_expiry_wake(&final->expiry, op);
	return r;
}

int wax_final_wake(struct wax_op *op, int64_t now)
{
	struct wax_final *final = op->data;

	for (uint32_t count = 0; count < EMIT_MAX; count++) {
		void *state = wax_expiry_pop(&final->expiry, op, now);

		if (!state)
			break;

		int r = emit_state(op, &final->table, state);

		if (r < 0)
			return r;
		wax_table_remove(&final->table, state);
	}
	wax_expiry_wake(&final->expiry, op);
	return op->ports[0].failed ? -ECANCELED : 0;
}

int wax_final_end(struct wax_op *op)
{
	struct wax_final *final = op->data;

	/* From now on keys go by the walk, each once. */
	wax_expiry_fini(&final->expiry);

	int r = emit(op, &final->table, &final->walk, EMIT_MAX);

	/* Nobody needs it any more, while steps downstream may be at work for long. */
	if (r == 0)
		wax_table_fini(&final->table);
	return r;
}

/* Of a combiner too. */
size_t wax_final_state_bytes(const struct wax_op *op)
{
	const struct wax_final *final = op->data;

	return wax_table_bytes(&final->table) + final->apart_bytes;
}

void wax_final_close(struct wax_op *op)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_final *final = op->data;
	struct wax_table_walk walk = {0};
	void *state;

	while (aggregate->free && (state = wax_table_next(&final->table, &walk)))
		aggregate->free(op, state);
	wax_expiry_fini(&final->expiry);
	wax_table_fini(&final->table);
	wax_room_fini(&final->saved);
}

/* ---- the combiner */

int wax_combiner_open(struct wax_op *op, struct wax_err *err)
{
	const struct wax_aggregate *aggregate = op->params;
	struct wax_combiner *combiner = op->data;

	(void)err;
	wax_table_init(&combiner->kept.table, aggregate->key_bytes, aggregate->state_bytes,
			aggregate->state_align);
	/* Without an exchange behind it there is nothing to save; and when a key expires depends on
	 * when its items come, which partial results would not tell. */
	if ((wax_op_worker_count(op) == 1 && !aggregate->passes_dearly) || op->step->ttl_ns > 0 ||
			(aggregate->may_fail && wax_op_drops(op)))
		combiner->pass_left = UINT64_MAX;
	return 0;
}

static int pass(struct wax_op *op, const struct wax_batch *batch)
{
	const struct wax_aggregate *aggregate = op->params;

	return aggregate->pass ? aggregate->pass(op, batch) : wax_op_lend(op, 0, batch);
}

static bool is_full(const struct wax_op *op)
{
	const struct wax_combiner *combiner = op->data;

	return combiner->kept.table.count >= COMBINER_KEYS_MAX ||
			wax_final_state_bytes(op) > COMBINER_BYTES_MAX;
}

static void empty(struct wax_combiner *combiner)
{
	struct wax_table *table = &combiner->kept.table;

	/* Long keys, or a long time ago many: give the memory back. */
	if (wax_table_bytes(table) > COMBINER_BYTES_MAX)
		wax_table_fini(table);
	else
		wax_table_clear(table);
	combiner->items = 0;
}

static int hand_on(struct wax_op *op)
{
	struct wax_combiner *combiner = op->data;
	struct wax_table_walk walk = {0};
	int r = emit(op, &combiner->kept.table, &walk, UINT32_MAX);

	/* After a failure some states are still there, for close. */
	if (r >= 0)
		empty(combiner);
	return r;
}

/* It is full: was it worth it? */
static int hand_on_full(struct wax_op *op)
{
	struct wax_combiner *combiner = op->data;
	uint64_t items = combiner->items, before = wax_op_emitted(op, 0);
	int r = hand_on(op);

	if (items < ITEMS_PER_PARTIAL_MIN * (wax_op_emitted(op, 0) - before))
		combiner->pass_left = PASS_TIMES * items;
	return r;
}

int wax_combiner_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_combiner *combiner = op->data;
	int r = 0;

	(void)input;
	if (combiner->pass_left > 0) {
		if (combiner->pass_left != UINT64_MAX)
			combiner->pass_left -= combiner->pass_left < batch->count
					? combiner->pass_left
					: batch->count;
		return pass(op, batch);
	}

	for (uint32_t first = 0; first < batch->count && r == 0; first += WAX_TABLE_BLOCK) {
		uint32_t count = wax_table_block(batch, first);

		r = add_block(op, batch, first, count);
		combiner->items += count;
		if (r == 0 && is_full(op))
			r = hand_on_full(op);
	}
	return r;
}

int wax_combiner_epoch_end(struct wax_op *op, uint64_t epoch)
{
	struct wax_combiner *combiner = op->data;

	(void)epoch;
	return combiner->items > 0 ? hand_on(op) : 0;
}

struct wax_stream wax_aggregate_finish(struct wax_flow *flow, struct wax_step *combiner,
		const struct wax_type *type, const struct wax_op_class *final_class,
		const void *params)
{
	struct wax_stream partials = wax_step_output(flow, combiner, type, false);
	struct wax_step *final = wax_step_add_inner(flow, combiner, "final", final_class);

	memcpy(final->params, params, final_class->params_bytes);
	wax_step_input(flow, final, partials);
	final->route = WAX_ROUTE_KEY;
	return wax_step_output(flow, final, type, true);
}
