/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"

void wax_select_fini(struct wax_select *select)
{
	free(select->indexes[0]);
	free(select->indexes[1]);
	free(select->keys);
	free(select->values);
	*select = (struct wax_select){0};
}

static size_t stride_of(uint32_t item_bytes)
{
	return item_bytes ? item_bytes : sizeof(struct wax_span);
}

/* What is in the buffer is of no more use, so it is not kept. */
static int reserve(void **buffer, size_t *capacity, size_t bytes)
{
	if (bytes <= *capacity)
		return 0;

	size_t wanted = (bytes + bytes / 2 + 63) & ~(size_t)63;
	void *made = aligned_alloc(64, wanted);

	if (!made)
		return -ENOMEM;
	free(*buffer);
	*buffer = made;
	*capacity = wanted;
	return 0;
}

static int reserve_indexes(struct wax_select *select, uint32_t count)
{
	if (count <= select->capacity)
		return 0;

	for (int side = 0; side < 2; side++) {
		uint32_t *indexes = reallocarray(select->indexes[side], count, sizeof(uint32_t));

		if (!indexes)
			return -ENOMEM;
		select->indexes[side] = indexes;
	}
	select->capacity = count;
	return 0;
}

int wax_select_reserve(struct wax_select *select, const struct wax_batch *batch)
{
	if (reserve_indexes(select, batch->count) < 0 ||
			reserve(&select->values, &select->values_bytes,
					batch->count * stride_of(batch->value_bytes)) < 0)
		return -ENOMEM;
	if (!batch->keyed)
		return 0;
	return reserve(&select->keys, &select->keys_bytes,
			batch->count * stride_of(batch->key_bytes));
}

int wax_select_test(struct wax_op *op, const struct wax_batch *batch, uint32_t ret_counts[2])
{
	/* Copies that nobody else sees stay in registers. */
	const struct wax_select_params params = *(const struct wax_select_params *)op->params;
	const struct wax_batch in = *batch;
	struct wax_select *select = op->data;

	if (wax_select_reserve(select, batch) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);

	uint32_t *falses = select->indexes[0], *trues = select->indexes[1];
	uint32_t true_count = 0, false_count = 0;

	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);

		wax_op_called(op);
		int answer = params.test(&item, params.ctx);

		if (wax_unlikely(answer < 0)) {
			int r = wax_op_refuse(op, NULL, batch, &i, 1, answer);

			if (r < 0)
				return r;
			continue;
		}
		if (wax_unlikely(answer > 1))
			return wax_op_fail(op, batch, i, -EINVAL,
					"answered %d, must be 1 (yes) or 0 (no)", answer);
		trues[true_count] = i;
		falses[false_count] = i;
		true_count += (uint32_t)answer;
		false_count += 1 - (uint32_t)answer;
	}
	ret_counts[0] = false_count;
	ret_counts[1] = true_count;
	return 0;
}

static inline __attribute__((always_inline)) void gather_of(size_t bytes, char *restrict to,
		const char *restrict from, const uint32_t *restrict indexes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		memcpy(to + i * bytes, from + indexes[i] * bytes, bytes);
}

/* Of a constant size an item is a load and a store. */
static void gather(
		void *to, const void *from, size_t bytes, const uint32_t *indexes, uint32_t count)
{
	switch (bytes) {
	case 4:
		gather_of(4, to, from, indexes, count);
		break;
	case 8:
		gather_of(8, to, from, indexes, count);
		break;
	case 16:
		gather_of(16, to, from, indexes, count);
		break;
	default:
		gather_of(bytes, to, from, indexes, count);
	}
}

int wax_select_lend(struct wax_select *select, struct wax_op *op, uint32_t port,
		const struct wax_batch *batch, const uint32_t *indexes, uint32_t count)
{
	struct wax_batch some = *batch;

	if (count == batch->count)
		return wax_op_lend(op, port, batch);
	if (count == 0)
		return 0;

	gather(select->values, batch->values, stride_of(batch->value_bytes), indexes, count);
	some.count = count;
	some.values = select->values;
	if (batch->keyed) {
		gather(select->keys, batch->keys, stride_of(batch->key_bytes), indexes, count);
		some.keys = select->keys;
	}
	return wax_op_lend(op, port, &some);
}

int wax_select_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_select *select = op->data;
	uint32_t counts[2];

	(void)input;
	int r = wax_select_test(op, batch, counts);

	if (r < 0)
		return r;
	return wax_select_lend(select, op, 0, batch, select->indexes[1], counts[1]);
}

void wax_select_close(struct wax_op *op)
{
	wax_select_fini(op->data);
}

struct wax_stream wax_select_finish(struct wax_stream up, struct wax_step *step,
		const struct wax_type *type, wax_test_fn test, void *ctx)
{
	struct wax_select_params *params = step->params;

	*params = (struct wax_select_params){test, ctx};
	if (!test)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
