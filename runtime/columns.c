/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/columns.h"

static uint32_t stride_of(const struct wax_type *type)
{
	return type->item_bytes ? type->item_bytes : (uint32_t)sizeof(struct wax_span);
}

struct wax_columns wax_columns_of(const struct wax_type *type)
{
	const struct wax_type *value = wax_type_value(type);
	struct wax_columns columns = {
			.keyed = type->key != NULL,
			.value_bytes = value->item_bytes,
			.value_stride = stride_of(value),
			.align = value->align > 8 ? value->align : 8,
	};
	if (type->key) {
		columns.key_bytes = type->key->item_bytes;
		columns.key_stride = stride_of(type->key);
		if (type->key->align > columns.align)
			columns.align = type->key->align;
	}
	columns.variable = columns.value_bytes == 0 || (columns.keyed && columns.key_bytes == 0);
	return columns;
}

uint32_t wax_columns_capacity(const struct wax_columns *columns, uint64_t bytes, uint64_t heap_bytes)
{
	uint64_t capacity = bytes /
			(columns->key_stride + columns->value_stride + heap_bytes);
	/* Rounding may take the place of an item or two. */
	while (capacity > 0 &&
			wax_columns_heap_at(columns, capacity) + capacity * heap_bytes > bytes)
		capacity--;
	return (uint32_t)capacity;
}

struct wax_batch wax_columns_batch(const struct wax_columns *columns, const char *memory,
		uint32_t count, uint32_t capacity, uint64_t heap_bytes)
{
	const char *heap = memory + wax_columns_heap_at(columns, capacity);
	return (struct wax_batch){
			.count = count,
			.keyed = columns->keyed,
			.key_bytes = columns->key_bytes,
			.value_bytes = columns->value_bytes,
			.keys = columns->keyed ? memory : NULL,
			.values = memory + wax_columns_values_at(columns, capacity),
			.key_heap = heap,
			.value_heap = heap,
			.key_heap_bytes = heap_bytes,
			.value_heap_bytes = heap_bytes,
	};
}

/* No branch in the loop: damage is rare, so look at the sum of it at the end. */
static bool spans_lie_in(const struct wax_span *spans, uint32_t count, uint64_t heap_bytes)
{
	uint64_t outside = 0;
	for (uint32_t i = 0; i < count; i++)
		outside |= (uint64_t)spans[i].at + spans[i].bytes > heap_bytes;
	return outside == 0;
}

bool wax_columns_check_spans(const struct wax_batch *batch)
{
	bool good = true;
	if (batch->keyed && batch->key_bytes == 0)
		good = spans_lie_in(batch->keys, batch->count, batch->key_heap_bytes);
	if (batch->value_bytes == 0)
		good &= spans_lie_in(batch->values, batch->count, batch->value_heap_bytes);
	return good;
}

static uint64_t span_bytes(const struct wax_span *spans, uint32_t count)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++)
		bytes += spans[i].bytes;
	return bytes;
}

uint64_t wax_batch_bytes(const struct wax_batch *batch)
{
	uint64_t bytes = batch->value_bytes ? (uint64_t)batch->count * batch->value_bytes
					    : span_bytes(batch->values, batch->count);
	if (batch->keyed)
		bytes += batch->key_bytes ? (uint64_t)batch->count * batch->key_bytes
					  : span_bytes(batch->keys, batch->count);
	return bytes;
}
