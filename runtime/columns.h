/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_COLUMNS_H
#define RUNTIME_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/type.h>

#include "runtime/step.h"

/*
 * How a batch lies in a slab: keys, values, heap. Where they begin follows from the number of items
 * that the columns have room for, so that number and the size of the heap describe the batch.
 */
struct wax_columns {
	bool keyed;
	bool variable;        /* at least one column has spans */
	uint32_t key_bytes;   /* 0: spans */
	uint32_t value_bytes; /* 0: spans */
	uint32_t key_stride;  /* 0: no keys */
	uint32_t value_stride;
	uint32_t align; /* of each column, at least 8 */
};

struct wax_columns wax_columns_of(const struct wax_type *type);

static inline uint64_t wax_columns_values_at(const struct wax_columns *columns, uint64_t capacity)
{
	uint64_t mask = columns->align - 1;
	return (capacity * columns->key_stride + mask) & ~mask;
}

static inline uint64_t wax_columns_heap_at(const struct wax_columns *columns, uint64_t capacity)
{
	uint64_t mask = columns->align - 1;
	return (wax_columns_values_at(columns, capacity) + capacity * columns->value_stride +
			       mask) &
			~mask;
}

/** The most items whose columns, with heap_bytes for each in the heap, fit in so many bytes. */
uint32_t wax_columns_capacity(const struct wax_columns *columns, uint64_t bytes, uint64_t heap_bytes);

/** The batch that lies at `memory`. Checks nothing. */
struct wax_batch wax_columns_batch(const struct wax_columns *columns, const char *memory,
		uint32_t count, uint32_t capacity, uint64_t heap_bytes);

/** Do all spans of a batch lie in its heap? */
bool wax_columns_check_spans(const struct wax_batch *batch);

/** Bytes of the keys and values of a batch. */
uint64_t wax_batch_bytes(const struct wax_batch *batch);

#endif
