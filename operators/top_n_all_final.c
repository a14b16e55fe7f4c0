/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <errno.h>
#include <stdlib.h>

#include "operators/compare.h"
#include "operators/top.h"
#include "runtime/hash.h"
#include "runtime/kept.h"
#include "runtime/op.h"
#include "runtime/step.h"
#include "runtime/table.h"

/*
 * Each worker keeps its greatest, and at the end hands them to one, which does the same: two steps
 * of one class.
 *
 * They stand in a table, so that they can outlive the run, under a number that the worker owns as it
 * owns keys. In a run with another number of workers some worker finds what several had before: each
 * stays under its number, and at the end all are put together. Whatever the number of workers, the
 * first has the same number.
 */
struct data {
	struct wax_table table; /* of heaps */
	uint32_t own;           /* where what comes is added */
	struct wax_top top;     /* of all heaps, at the end */
	size_t apart_bytes;
	uint32_t next; /* to be emitted */
	bool sorted;
	struct wax_room saved;
};

static int print(struct wax_op *op, void *state, struct wax_bytes *ret_bytes)
{
	struct data *data = op->data;
	int r = wax_top_print(op->params, state, &data->saved, ret_bytes);

	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

static int make(struct wax_op *op, void *state, struct wax_bytes bytes)
{
	struct data *data = op->data;

	return wax_top_restore(op->params, state, bytes, &data->apart_bytes);
}

static const struct wax_kept_ops kept_ops = {.print = print, .make = make};

/* Keys are given to workers by the upper 12 bits of their hash, in equal parts: the first number that
 * has the first value of the worker's part. */
static uint32_t own_number(const struct wax_op *op)
{
	uint64_t me = wax_op_worker_index(op), count = wax_op_worker_count(op);
	uint64_t part = ((me << 12) + count - 1) / count;
	uint32_t number = 0;

	while (wax_hash(&number, sizeof(number)) >> 52 != part)
		number++;
	return number;
}

static int open(struct wax_op *op, struct wax_err *err)
{
	struct data *data = op->data;

	data->own = own_number(op);
	wax_table_init(&data->table, sizeof(data->own), sizeof(struct wax_top),
			_Alignof(struct wax_top));
	return wax_op_keep(op, &data->table, WAX_LOG_ANY_BYTES, NULL, &kept_ops, err);
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_top_rules *rules = op->params;
	struct data *data = op->data;
	struct wax_top *top = wax_table_get(
			&data->table, (struct wax_bytes){&data->own, sizeof(data->own)}, NULL);

	(void)input;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);

		if (!top || wax_top_add(rules, top, &item, &data->apart_bytes) < 0)
			return wax_op_fail(op, batch, i, -ENOMEM, "no memory for the %u greatest",
					rules->n);
	}
	return 0;
}

/* Put all heaps into one, and forget them. */
static int gather(struct wax_op *op)
{
	const struct wax_top_rules *rules = op->params;
	struct data *data = op->data;
	struct wax_table_walk walk = {0};
	struct wax_top *top;
	int r = 0;

	while (r == 0 && (top = wax_table_next(&data->table, &walk))) {
		r = wax_table_touch(&data->table, top);
		for (uint32_t i = 0; i < top->count && r == 0; i++) {
			struct wax_item item = wax_top_at(rules, top, i);

			r = wax_top_add(rules, &data->top, &item, &data->apart_bytes);
		}
		wax_top_fini(rules, top, &data->apart_bytes);
	}
	if (r < 0)
		return wax_op_fail(op, NULL, 0, r, "no memory for the %u greatest", rules->n);
	wax_table_fini(&data->table);
	return 0;
}

static int end(struct wax_op *op)
{
	enum { EMIT_MAX = 4096 };
	const struct wax_top_rules *rules = op->params;
	struct wax_out *out = wax_op_out(op, 0);
	struct data *data = op->data;

	if (!data->sorted) {
		if (gather(op) < 0)
			return -ECANCELED;
		wax_top_sort(rules, &data->top);
	}
	data->sorted = true;
	for (uint32_t count = 0; count < EMIT_MAX; count++) {
		if (data->next == data->top.count)
			return 0;

		struct wax_item item = wax_top_at(rules, &data->top, data->next++);

		if (rules->keeps_keys)
			wax_emit_kv(out, item.key.data, item.key.bytes, item.value.data,
					item.value.bytes);
		else
			wax_emit(out, item.value.data, item.value.bytes);
	}
	return 1;
}

static size_t state_bytes(const struct wax_op *op)
{
	const struct data *data = op->data;

	return wax_table_bytes(&data->table) + data->apart_bytes;
}

static void close(struct wax_op *op)
{
	struct data *data = op->data;
	struct wax_table_walk walk = {0};
	struct wax_top *top;

	while ((top = wax_table_next(&data->table, &walk)))
		wax_top_fini(op->params, top, &data->apart_bytes);
	wax_table_fini(&data->table);
	wax_top_fini(op->params, &data->top, &data->apart_bytes);
	wax_room_fini(&data->saved);
}

static const struct wax_op_class top_n_all_final_class = {
		.kind = "top_n_all_final",
		.keeps = true,
		.params_bytes = sizeof(struct wax_top_rules),
		.data_bytes = sizeof(struct data),
		.any_order = true,
		.open = open,
		.push = push,
		.end = end,
		.state_bytes = state_bytes,
		.close = close,
};

struct wax_stream wax_top_n_all_final(struct wax_stream up, const char *id, uint32_t n,
		int (*compare)(const struct wax_item *a, const struct wax_item *b, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &top_n_all_final_class);
	const struct wax_type *type = wax_step_input(up.flow, step, up);
	struct wax_top_rules *rules = step->params;

	wax_top_check(up.flow, step, n);
	if (!type)
		return wax_step_output(up.flow, step, NULL, false);
	*rules = (struct wax_top_rules){.n = n,
			.value_bytes = wax_type_value(type)->item_bytes,
			.keeps_keys = type->key != NULL,
			.compare_items = compare,
			.compare_values = wax_compare_for(wax_type_value(type)),
			.ctx = ctx};

	struct wax_stream partials = wax_step_output(up.flow, step, type, false);
	struct wax_step *final = wax_step_add_inner(up.flow, step, "final", &top_n_all_final_class);

	*(struct wax_top_rules *) final->params = *rules;
	wax_step_input(up.flow, final, partials);
	/* One partition: all of it goes to one worker. */
	final->route = WAX_ROUTE_PART;
	final->part_count = 1;
	return wax_step_output(up.flow, final, type, false);
}
