/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>
#include <wax/kernel.h>

#include <errno.h>
#include <string.h>

#include "operators/aggregate.h"
#include "operators/kernel.h"
#include "runtime/assert.h"

/*
 * A fold takes values and gives an accumulator. With a function that merges two accumulators there
 * is a combiner, which folds what arises in its worker, and the final step merges its accumulators;
 * without one all values cross to the worker of their key and are folded there.
 */
struct params {
	struct wax_aggregate aggregate;
	void (*init)(void *acc, void *ctx);
	int (*fold)(void *acc, const struct wax_item *item, void *ctx);
	int (*merge)(void *acc, const void *other, void *ctx);
	void *ctx;
	const struct wax_kernel *kernel;
	const struct wax_kernel *merger; /* a fold of accumulators */
};

/* ---- folding */

static int fold_one(const struct params *params, void *acc, const struct wax_item *item)
{
	if (params->kernel) {
		params->kernel->fold(item->value.data, &acc, 1);
		return 0;
	}
	return params->fold(acc, item, params->ctx);
}

static int add_items(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;

	for (uint32_t i = 0; params->init && i < added->count; i++)
		params->init(states[added->items[i]], params->ctx);
	for (uint32_t i = 0; i < count; i++) {
		struct wax_item item = wax_batch_item(&in, first + i);
		wax_op_called(op);
		int r = fold_one(params, states[i], &item);
		uint32_t index = first + i;

		if (wax_unlikely(r < 0))
			r = wax_op_refuse(op, NULL, batch, &index, 1, r);
		if (wax_unlikely(r < 0))
			return r;
	}
	return 0;
}

static int add_by_kernel(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	const struct wax_kernel *kernel = params->kernel;

	(void)added;
	kernel->fold((const char *)batch->values + (size_t)first * kernel->in_bytes, states, count);
	return 0;
}

/* ---- merging */

/* Each item as an accumulator of its own. */
static int pass(struct wax_op *op, const struct wax_batch *batch)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;
	uint32_t acc_bytes = params->aggregate.state_bytes;
	struct wax_out *out = wax_op_out(op, 0);

	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);
		void *acc = wax_claim(
				out, item.key.data ? item.key.data : "", item.key.bytes, acc_bytes);

		if (!acc)
			return -ECANCELED;
		memset(acc, 0, acc_bytes);

		if (params->init)
			params->init(acc, params->ctx);

		int r = fold_one(params, acc, &item);

		/* An item that is dropped leaves what a table would hold: its key has been met. */
		if (wax_unlikely(r < 0))
			r = wax_op_refuse(op, NULL, batch, &i, 1, r);
		if (wax_unlikely(r < 0))
			return r;
		wax_commit(out, acc_bytes);
	}
	return 0;
}

static int add_accs(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	uint32_t added_seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		const void *other = wax_batch_value(batch, first + i).data;
		int r = 0;

		if (wax_table_is_added(added, i, &added_seen))
			memcpy(states[i], other, batch->value_bytes);
		else
			r = params->merge(states[i], other, params->ctx);
		if (r < 0)
			return wax_op_fail(op, batch, first + i, r, NULL);
	}
	return 0;
}

static int add_accs_by_kernel(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	const struct wax_kernel *merger = params->merger;

	(void)added;
	merger->fold((const char *)batch->values + (size_t)first * merger->in_bytes, states, count);
	return 0;
}

/* ---- the flow */

static const struct wax_op_class combiner_class = WAX_COMBINER_CLASS("fold_final", struct params);
static const struct wax_op_class final_class = WAX_FINAL_CLASS("fold_final", struct params, false);
/* Values that may be folded into any of the accumulators may be in any order. */
static const struct wax_op_class merging_class = WAX_FINAL_CLASS("fold_final", struct params, true);

static void check_acc(struct wax_flow *flow, struct wax_step *step, const struct wax_type *acc)
{
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
}

/* Accumulators are merged where items would cross, and not where each key is in one place. */
static const struct wax_op_class *class_for(struct wax_stream up, bool merges)
{
	if (!merges)
		return &final_class;
	return wax_stream_by_key(up) ? &merging_class : &combiner_class;
}

static struct wax_stream finish(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_type *acc)
{
	struct params *params = step->params;
	const struct wax_type *type = up_type ? wax_type_keyed(up_type->key, acc) : NULL;

	check_acc(up.flow, step, acc);
	if (up_type && acc)
		wax_aggregate_describe(&params->aggregate, up_type->key, acc);
	if (step->class == &combiner_class) {
		struct params final = *params;

		params->aggregate.pass = pass;
		params->aggregate.passes_dearly = true;
		final.aggregate.add = params->merger ? add_accs_by_kernel : add_accs;
		return wax_aggregate_finish(up.flow, step, type, &merging_class, &final);
	}
	step->route = wax_stream_by_key(up) ? WAX_ROUTE_LOCAL : WAX_ROUTE_KEY;
	return wax_step_output(up.flow, step, type, true);
}

static struct wax_stream add_step(struct wax_stream up, const char *id, const struct wax_type *type,
		const struct params *given)
{
	struct wax_step *step = wax_step_add(up.flow, id, class_for(up, given->merge != NULL));
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = *given;
	params->aggregate.add = add_items;
	if (!given->fold)
		wax_step_fail(up.flow, step, "its callback fold is NULL");
	return finish(up, step, up_type, type);
}

struct wax_stream wax_fold_final(struct wax_stream up, const char *id, const struct wax_type *type,
		void (*init)(void *acc, void *ctx),
		int (*fold)(void *acc, const struct wax_item *item, void *ctx), void *ctx)
{
	return add_step(up, id, type, &(struct params){.init = init, .fold = fold, .ctx = ctx});
}

struct wax_stream wax_fold_merge_final(struct wax_stream up, const char *id,
		const struct wax_type *type, void (*init)(void *acc, void *ctx),
		int (*fold)(void *acc, const struct wax_item *item, void *ctx),
		int (*merge)(void *acc, const void *other, void *ctx), void *ctx)
{
	return add_step(up, id, type,
			&(struct params){.init = init, .fold = fold, .merge = merge, .ctx = ctx});
}

static struct wax_stream add_typed(struct wax_stream up, const char *id,
		const struct wax_kernel *kernel, const struct wax_kernel *merger)
{
	struct wax_step *step = wax_step_add(up.flow, id, class_for(up, merger != NULL));
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up), *acc = NULL;

	*params = (struct params){
			.aggregate.add = add_by_kernel, .kernel = kernel, .merger = merger};
	if (wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_FOLD, up_type))
		acc = wax_kernel_type(up.flow, step, kernel);
	if (!acc)
		return wax_step_output(up.flow, step, NULL, false);
	if (merger && wax_kernel_check(up.flow, step, merger, WAX_KERNEL_FOLD, acc) &&
			wax_kernel_type(up.flow, step, merger) != acc)
		wax_step_fail(up.flow, step, "its merger makes %s of accumulators that are %s",
				merger->out_name, acc->name);
	return finish(up, step, up_type, acc);
}

struct wax_stream wax_fold_final_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	return add_typed(up, id, kernel, NULL);
}

struct wax_stream wax_fold_merge_final_typed(struct wax_stream up, const char *id,
		const struct wax_kernel *kernel, const struct wax_kernel *merger)
{
	return add_typed(up, id, kernel, merger);
}
