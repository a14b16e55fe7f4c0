/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <errno.h>

#include "operators/compare.h"
#include "operators/top.h"
#include "runtime/op.h"
#include "runtime/step.h"

/* Each worker keeps its greatest, and at the end hands them to one, which does the same: two steps
 * of one class. */
struct data {
	struct wax_top top;
	size_t apart_bytes;
	uint32_t next; /* to be emitted */
	bool sorted;
};

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_top_rules *rules = op->params;
	struct data *data = op->data;

	(void)input;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);

		if (wax_top_add(rules, &data->top, &item, &data->apart_bytes) < 0)
			return wax_op_fail(op, batch, i, -ENOMEM, "no memory for the %u greatest",
					rules->n);
	}
	return 0;
}

static int end(struct wax_op *op)
{
	enum { EMIT_MAX = 4096 };
	const struct wax_top_rules *rules = op->params;
	struct wax_out *out = wax_op_out(op, 0);
	struct data *data = op->data;

	if (!data->sorted)
		wax_top_sort(rules, &data->top);
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
	return ((const struct data *)op->data)->apart_bytes;
}

static void close(struct wax_op *op)
{
	struct data *data = op->data;

	wax_top_fini(op->params, &data->top, &data->apart_bytes);
}

static const struct wax_op_class top_n_all_final_class = {
		.kind = "top_n_all_final",
		.params_bytes = sizeof(struct wax_top_rules),
		.data_bytes = sizeof(struct data),
		.any_order = true,
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
