/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <string.h>

#include "operators/aggregate.h"
#include "runtime/assert.h"

struct params {
	struct wax_aggregate aggregate;
	int (*reduce)(void *acc, const void *value, void *ctx);
	void *ctx;
};

static int add(struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count,
		void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	uint32_t value_bytes = batch->value_bytes;
	const char *value = (const char *)batch->values + (size_t)first * value_bytes;
	uint32_t added_seen = 0;

	for (uint32_t i = 0; i < count; i++, value += value_bytes) {
		if (wax_table_is_added(added, i, &added_seen)) {
			memcpy(states[i], value, value_bytes);
			continue;
		}

		wax_op_called(op);
		int r = params->reduce(states[i], value, params->ctx);
		uint32_t index = first + i;

		if (wax_unlikely(r < 0))
			r = wax_op_refuse(op, NULL, batch, &index, 1, r);
		if (wax_unlikely(r < 0))
			return r;
	}
	return 0;
}

static const struct wax_op_class combiner_class = WAX_COMBINER_CLASS("reduce_final", struct params);
static const struct wax_op_class final_class = WAX_FINAL_CLASS("reduce_final", struct params, true);

struct wax_stream wax_reduce_final(struct wax_stream up, const char *id,
		int (*reduce)(void *acc, const void *value, void *ctx), void *ctx)
{
	bool by_key = wax_stream_by_key(up);
	struct wax_step *step = wax_step_add(up.flow, id, by_key ? &final_class : &combiner_class);
	const struct wax_type *type = wax_step_input_keyed(up.flow, step, up);
	struct params *params = step->params;

	*params = (struct params){
			.aggregate = {.add = add, .may_fail = true}, .reduce = reduce, .ctx = ctx};
	if (!reduce)
		wax_step_fail(up.flow, step, "its callback is NULL");
	if (type && type->value->item_bytes == 0)
		wax_step_fail(up.flow, step,
				"its values are of the type %s, which has no fixed "
				"size: use wax_stateful_batch",
				type->value->name);
	if (type)
		wax_aggregate_describe(&params->aggregate, type->key, type->value);
	if (by_key)
		return wax_step_output(up.flow, step, type, true);
	return wax_aggregate_finish(up.flow, step, type, &final_class, params);
}
