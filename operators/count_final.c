/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include "operators/aggregate.h"

static int add_items(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	(void)op, (void)batch, (void)first, (void)added;
	for (uint32_t i = 0; i < count; i++)
		++*(uint64_t *)states[i];
	return 0;
}

static int add_counts(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const uint64_t *counts = (const uint64_t *)batch->values + first;

	(void)op, (void)added;
	for (uint32_t i = 0; i < count; i++)
		*(uint64_t *)states[i] += counts[i];
	return 0;
}

#define ONES_4 1, 1, 1, 1
#define ONES_16 ONES_4, ONES_4, ONES_4, ONES_4
#define ONES_64 ONES_16, ONES_16, ONES_16, ONES_16
#define ONES_256 ONES_64, ONES_64, ONES_64, ONES_64
#define ONES_1024 ONES_256, ONES_256, ONES_256, ONES_256

/* The counts of items that were not combined. */
static const uint64_t ones[] = {ONES_1024};
enum { ONE_COUNT = sizeof(ones) / sizeof(ones[0]) };

/* The keys as they are, and ones. */
static int pass(struct wax_op *op, const struct wax_batch *batch)
{
	int r = 0;

	for (uint32_t done = 0, count; done < batch->count && r == 0; done += count) {
		struct wax_batch part = *batch;
		size_t stride = batch->key_bytes ? batch->key_bytes : sizeof(struct wax_span);

		count = batch->count - done < ONE_COUNT ? batch->count - done : ONE_COUNT;
		part.count = count;
		part.keys = (const char *)batch->keys + done * stride;
		part.values = ones;
		part.value_bytes = sizeof(ones[0]);
		part.value_heap = NULL;
		part.value_heap_bytes = 0;
		r = wax_op_lend(op, 0, &part);
	}
	return r;
}

static const struct wax_op_class combiner_class =
		WAX_COMBINER_CLASS("count_final", struct wax_aggregate);
static const struct wax_op_class final_class =
		WAX_FINAL_CLASS("count_final", struct wax_aggregate, true);

struct wax_stream wax_count_final(struct wax_stream up, const char *id)
{
	bool by_key = wax_stream_by_key(up);
	struct wax_step *step = wax_step_add(up.flow, id, by_key ? &final_class : &combiner_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);
	struct wax_aggregate *aggregate = step->params;

	if (!up_type)
		return wax_step_output(up.flow, step, NULL, true);
	*aggregate = (struct wax_aggregate){.add = add_items, .pass = pass};
	wax_aggregate_describe(aggregate, up_type->key, WAX_U64);

	const struct wax_type *type = wax_type_keyed(up_type->key, WAX_U64);
	struct wax_aggregate final = *aggregate;

	if (by_key)
		return wax_step_output(up.flow, step, type, true);
	final.add = add_counts;
	return wax_aggregate_finish(up.flow, step, type, &final_class, &final);
}
