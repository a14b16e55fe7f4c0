/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/aggregate.h"
#include "operators/compare.h"

struct params {
	struct wax_aggregate aggregate;
	wax_compare_fn compare;
	void *ctx;
	int sign; /* of compare(a, b) when a is kept: -1 for the least, 1 for the greatest */
};

/* ---- numbers of the library's types */

/* The first value of a key is put there and then, like the others, found to be no better. */
#define DEFINE_ADD(name, T, is_better)                                                             \
	static int name(struct wax_op *op, const struct wax_batch *batch, uint32_t first,          \
			uint32_t count, void *const *states, const struct wax_table_added *added)  \
	{                                                                                          \
		const T *values = (const T *)batch->values + first;                                \
                                                                                                   \
		(void)op;                                                                          \
		for (uint32_t i = 0; i < added->count; i++)                                        \
			*(T *)states[added->items[i]] = values[added->items[i]];                   \
		for (uint32_t i = 0; i < count; i++) {                                             \
			T *kept = states[i];                                                       \
			T value = values[i];                                                       \
                                                                                                   \
			if (is_better)                                                             \
				*kept = value;                                                     \
		}                                                                                  \
		return 0;                                                                          \
	}

DEFINE_ADD(add_min_i32, int32_t, value < *kept)
DEFINE_ADD(add_max_i32, int32_t, value > *kept)
DEFINE_ADD(add_min_u32, uint32_t, value < *kept)
DEFINE_ADD(add_max_u32, uint32_t, value > *kept)
DEFINE_ADD(add_min_i64, int64_t, value < *kept)
DEFINE_ADD(add_max_i64, int64_t, value > *kept)
DEFINE_ADD(add_min_u64, uint64_t, value < *kept)
DEFINE_ADD(add_max_u64, uint64_t, value > *kept)
/* What is not a number gives way to any that is, so that the order of arrival does not matter. */
DEFINE_ADD(add_min_f64, double, value < *kept || *kept != *kept)
DEFINE_ADD(add_max_f64, double, value > *kept || *kept != *kept)

static const struct {
	const struct wax_type *type;
	int (*min)(struct wax_op *, const struct wax_batch *, uint32_t, uint32_t, void *const *,
			const struct wax_table_added *);
	int (*max)(struct wax_op *, const struct wax_batch *, uint32_t, uint32_t, void *const *,
			const struct wax_table_added *);
} numbers[] = {
		{WAX_I32, add_min_i32, add_max_i32},
		{WAX_U32, add_min_u32, add_max_u32},
		{WAX_I64, add_min_i64, add_max_i64},
		{WAX_U64, add_min_u64, add_max_u64},
		{WAX_F64, add_min_f64, add_max_f64},
};

/* ---- by a comparison */

static bool is_better(const struct params *params, const struct wax_bytes *value,
		const struct wax_bytes *kept)
{
	int order = params->compare(value, kept, params->ctx);

	return params->sign < 0 ? order < 0 : order > 0;
}

static int add_fixed(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;

	for (uint32_t i = 0; i < added->count; i++) {
		struct wax_bytes value = wax_batch_value(batch, first + added->items[i]);

		memcpy(states[added->items[i]], value.data, value.bytes);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes value = wax_batch_value(batch, first + i);
		struct wax_bytes kept = {states[i], value.bytes};

		if (is_better(params, &value, &kept))
			memcpy(states[i], value.data, value.bytes);
	}
	return 0;
}

/* ---- values of any length: the state owns a copy. They are not combined before the exchange. */

struct copy {
	char *data;
	size_t bytes;
	size_t capacity;
};

static int keep(struct wax_op *op, struct copy *copy, struct wax_bytes value)
{
	if (value.bytes > copy->capacity) {
		char *data = realloc(copy->data, value.bytes);

		if (!data)
			return -ENOMEM;
		wax_aggregate_apart(op, (ptrdiff_t)(value.bytes - copy->capacity));
		copy->data = data;
		copy->capacity = value.bytes;
	}
	if (value.bytes > 0)
		memcpy(copy->data, value.data, value.bytes);
	copy->bytes = value.bytes;
	return 0;
}

static int add_variable(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *states, const struct wax_table_added *added)
{
	const struct params *params = op->params;
	uint32_t added_seen = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes value = wax_batch_value(batch, first + i);
		struct copy *copy = states[i];
		struct wax_bytes kept = {copy->data, copy->bytes};

		if (!wax_table_is_added(added, i, &added_seen) && !is_better(params, &value, &kept))
			continue;
		if (keep(op, copy, value) < 0)
			return wax_op_fail(op, batch, first + i, -ENOMEM, NULL);
	}
	return 0;
}

static int copy_print(struct wax_op *op, void *state, struct wax_bytes *ret_bytes)
{
	const struct copy *copy = state;

	(void)op;
	*ret_bytes = (struct wax_bytes){copy->data, copy->bytes};
	return 0;
}

static int copy_make(struct wax_op *op, void *state, struct wax_bytes bytes)
{
	return keep(op, state, bytes) < 0 ? wax_op_fail(op, NULL, 0, -ENOMEM, NULL) : 0;
}

static const struct wax_kept_ops copy_kept = {.print = copy_print, .make = copy_make};

static struct wax_bytes copy_value(const void *state)
{
	const struct copy *copy = state;

	return (struct wax_bytes){copy->data, copy->bytes};
}

static void copy_free(struct wax_op *op, void *state)
{
	struct copy *copy = state;

	wax_aggregate_apart(op, -(ptrdiff_t)copy->capacity);
	free(copy->data);
	*copy = (struct copy){NULL, 0, 0};
}

/* ---- the flow */

static const struct wax_op_class min_combiner_class =
		WAX_COMBINER_CLASS("min_final", struct params);
static const struct wax_op_class min_final_class =
		WAX_FINAL_CLASS("min_final", struct params, true);
static const struct wax_op_class max_combiner_class =
		WAX_COMBINER_CLASS("max_final", struct params);
static const struct wax_op_class max_final_class =
		WAX_FINAL_CLASS("max_final", struct params, true);

static void choose_add(struct params *params, const struct wax_type *value)
{
	struct wax_aggregate *aggregate = &params->aggregate;
	bool by_itself = !params->compare;

	if (by_itself)
		params->compare = wax_compare_for(value);
	if (value->item_bytes == 0) {
		aggregate->add = add_variable;
		aggregate->value = copy_value;
		aggregate->free = copy_free;
		aggregate->kept = &copy_kept;
		aggregate->state_bytes = sizeof(struct copy);
		aggregate->state_align = _Alignof(struct copy);
		return;
	}
	aggregate->add = add_fixed;
	for (size_t i = 0; by_itself && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (wax_type_same(numbers[i].type, value))
			aggregate->add = params->sign < 0 ? numbers[i].min : numbers[i].max;
	}
}

static struct wax_stream build(
		struct wax_stream up, const char *id, wax_compare_fn compare, void *ctx, int sign)
{
	const struct wax_op_class *combiner = sign < 0 ? &min_combiner_class : &max_combiner_class;
	const struct wax_op_class *final = sign < 0 ? &min_final_class : &max_final_class;
	const struct wax_type *known = wax_stream_type(up);
	bool combines = !wax_stream_by_key(up) && known && wax_type_value(known)->item_bytes > 0;
	struct wax_step *step = wax_step_add(up.flow, id, combines ? combiner : final);
	const struct wax_type *type = wax_step_input_keyed(up.flow, step, up);
	struct params *params = step->params;

	*params = (struct params){.compare = compare, .ctx = ctx, .sign = sign};
	if (!type)
		return wax_step_output(up.flow, step, NULL, true);

	choose_add(params, type->value);
	wax_aggregate_describe(&params->aggregate, type->key,
			type->value->item_bytes ? type->value : NULL);
	if (combines)
		return wax_aggregate_finish(up.flow, step, type, final, params);
	step->route = WAX_ROUTE_KEY;
	return wax_step_output(up.flow, step, type, true);
}

struct wax_stream wax_min_final(
		struct wax_stream up, const char *id, wax_compare_fn compare, void *ctx)
{
	return build(up, id, compare, ctx, -1);
}

struct wax_stream wax_max_final(
		struct wax_stream up, const char *id, wax_compare_fn compare, void *ctx)
{
	return build(up, id, compare, ctx, 1);
}
