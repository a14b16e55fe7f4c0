/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>
#include <wax/kernel.h>

#include "operators/aggregate.h"
#include "operators/kernel.h"
#include "runtime/assert.h"

/* A fold takes values and gives an accumulator, so that two accumulators cannot be combined: all
 * values cross to the worker of their key. */
struct params {
	struct wax_aggregate aggregate;
	void (*init)(void *acc, void *ctx);
	int (*fold)(void *acc, const struct wax_item *item, void *ctx);
	void *ctx;
	const struct wax_kernel *kernel;
};

static int add_items(struct wax_op *op, const struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count,
		struct wax_table_entry *const *entries)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;

	for (uint32_t i = 0; i < count; i++) {
		struct wax_item item = wax_batch_item(&in, first + i);
		void *acc = wax_table_state(table, entries[i]);

		if (params->init && entries[i]->flags & WAX_TABLE_NEW) {
			params->init(acc, params->ctx);
			entries[i]->flags = 0;
		}

		int r = params->fold(acc, &item, params->ctx);
		uint32_t index = first + i;

		if (wax_unlikely(r < 0))
			r = wax_op_refuse(op, NULL, batch, &index, 1, r);
		if (wax_unlikely(r < 0))
			return r;
	}
	return 0;
}

static int add_by_kernel(struct wax_op *op, const struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count,
		struct wax_table_entry *const *entries)
{
	const struct params *params = op->params;
	const struct wax_kernel *kernel = params->kernel;
	void *accs[WAX_TABLE_BLOCK];

	for (uint32_t i = 0; i < count; i++)
		accs[i] = wax_table_state(table, entries[i]);
	kernel->fold((const char *)batch->values + (size_t)first * kernel->in_bytes, accs, count);
	return 0;
}

static const struct wax_op_class fold_final_class = WAX_FINAL_CLASS("fold_final", struct params, false);

static struct wax_stream finish(struct wax_flow *flow, struct wax_step *step, bool by_key,
		const struct wax_type *up_type, const struct wax_type *acc)
{
	struct params *params = step->params;

	if (acc && acc->key)
		wax_step_fail(flow, step,
				"its type %s is keyed: give that of the value alone, "
				"the key is added",
				acc->name);
	else if (acc && acc->item_bytes == 0)
		wax_step_fail(flow, step,
				"its accumulator is of the type %s, which has no fixed "
				"size",
				acc->name);
	if (up_type && acc)
		wax_aggregate_describe(&params->aggregate, up_type->key, acc);
	step->route = by_key ? WAX_ROUTE_LOCAL : WAX_ROUTE_KEY;
	return wax_step_output(
			flow, step, up_type ? wax_type_keyed(up_type->key, acc) : NULL, true);
}

struct wax_stream wax_fold_final(struct wax_stream up, const char *id, const struct wax_type *type,
		void (*init)(void *acc, void *ctx),
		int (*fold)(void *acc, const struct wax_item *item, void *ctx), void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &fold_final_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct params){
			.aggregate.add = add_items, .init = init, .fold = fold, .ctx = ctx};
	if (!fold)
		wax_step_fail(up.flow, step, "its callback fold is NULL");
	return finish(up.flow, step, wax_stream_by_key(up), up_type, type);
}

struct wax_stream wax_fold_final_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	struct wax_step *step = wax_step_add(up.flow, id, &fold_final_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct params){.aggregate.add = add_by_kernel, .kernel = kernel};
	if (!wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_FOLD, up_type))
		return wax_step_output(up.flow, step, NULL, false);
	return finish(up.flow, step, wax_stream_by_key(up), up_type,
			wax_kernel_type(up.flow, step, kernel));
}
