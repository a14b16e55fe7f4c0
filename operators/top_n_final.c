/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <errno.h>

#include "operators/aggregate.h"
#include "operators/compare.h"
#include "operators/top.h"

/* What a combiner has kept of a key are items like any other, so that both steps are the same. */
struct params {
	struct wax_aggregate aggregate;
	struct wax_top_rules rules;
};

static int add(struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count,
		void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	struct wax_final *kept = op->data;

	(void)added;
	for (uint32_t i = 0; i < count; i++) {
		struct wax_item item = wax_batch_item(batch, first + i);

		if (wax_top_add(&params->rules, states[i], &item, &kept->apart_bytes) < 0)
			return wax_op_fail(op, batch, first + i, -ENOMEM,
					"no memory for the %u greatest", params->rules.n);
	}
	return 0;
}

static void emit(struct wax_op *op, struct wax_bytes key, void *state)
{
	const struct params *params = op->params;
	struct wax_top *top = state;

	wax_top_sort(&params->rules, top);
	for (uint32_t i = 0; i < top->count; i++) {
		struct wax_bytes value = wax_top_at(&params->rules, top, i).value;

		wax_emit_kv(wax_op_out(op, 0), key.data, key.bytes, value.data, value.bytes);
	}
}

static void release(struct wax_op *op, void *state)
{
	const struct params *params = op->params;

	wax_top_fini(&params->rules, state, &((struct wax_final *)op->data)->apart_bytes);
}

static int print(struct wax_op *op, void *state, struct wax_bytes *ret_bytes)
{
	const struct params *params = op->params;
	struct wax_final *kept = op->data;
	int r = wax_top_print(&params->rules, state, &kept->saved, ret_bytes);

	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

static int make(struct wax_op *op, void *state, struct wax_bytes bytes)
{
	const struct params *params = op->params;
	struct wax_final *kept = op->data;

	return wax_top_restore(&params->rules, state, bytes, &kept->apart_bytes);
}

static const struct wax_kept_ops kept_ops = {.print = print, .make = make};

static const struct wax_op_class combiner_class = WAX_COMBINER_CLASS("top_n_final", struct params);
static const struct wax_op_class final_class = WAX_FINAL_CLASS("top_n_final", struct params, true);

struct wax_stream wax_top_n_final(
		struct wax_stream up, const char *id, uint32_t n, wax_compare_fn compare, void *ctx)
{
	bool by_key = wax_stream_by_key(up);
	struct wax_step *step = wax_step_add(up.flow, id, by_key ? &final_class : &combiner_class);
	const struct wax_type *type = wax_step_input_keyed(up.flow, step, up);
	struct params *params = step->params;

	wax_top_check(up.flow, step, n);
	*params = (struct params){.aggregate = {.add = add,
						  .emit = emit,
						  .free = release,
						  .kept = &kept_ops,
						  .state_bytes = sizeof(struct wax_top),
						  .state_align = _Alignof(struct wax_top)},
			.rules = {.n = n, .compare_values = compare, .ctx = ctx}};
	if (!type)
		return wax_step_output(up.flow, step, NULL, true);
	params->rules.value_bytes = type->value->item_bytes;
	if (!compare)
		params->rules.compare_values = wax_compare_for(type->value);
	wax_aggregate_describe(&params->aggregate, type->key, NULL);
	if (by_key)
		return wax_step_output(up.flow, step, type, true);
	return wax_aggregate_finish(up.flow, step, type, &final_class, params);
}
