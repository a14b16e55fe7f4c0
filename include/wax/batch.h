/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_BATCH_H
#define WAX_BATCH_H

#include <wax/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A run of bytes that belongs to somebody else. */
struct wax_bytes {
	const void *data;
	size_t bytes;
};

/** One item. The key is empty in a stream that is not keyed. */
struct wax_item {
	struct wax_bytes key;
	struct wax_bytes value;
};

/** Where a variable item lies in the heap of its column. */
struct wax_span {
	uint32_t at;
	uint32_t bytes;
};

/**
 * Items packed together: a column of values, and in a keyed stream a column of keys. A column of
 * fixed-size items is an array of them; a variable one is an array of spans into a heap.
 *
 * A batch is lent to a callback until it returns, and may lie in memory that another process
 * wrote and may reuse afterwards: copy what you keep.
 */
struct wax_batch {
	uint32_t count;
	uint32_t key_bytes;   /* size of a key; 0: keys is an array of struct wax_span */
	uint32_t value_bytes; /* the same of a value */
	uint32_t keyed;       /* 1: there is a key column */
	const void *keys;
	const void *values;
	const char *key_heap;
	const char *value_heap;
	size_t key_heap_bytes;
	size_t value_heap_bytes;
};

static inline struct wax_bytes wax_batch_value(const struct wax_batch *batch, uint32_t index)
{
	struct wax_bytes value;
	if (batch->value_bytes) {
		value.data = (const char *)batch->values + (size_t)index * batch->value_bytes;
		value.bytes = batch->value_bytes;
	} else {
		const struct wax_span *span = (const struct wax_span *)batch->values + index;
		value.data = batch->value_heap + span->at;
		value.bytes = span->bytes;
	}
	return value;
}

/** The key of an item; only in a keyed batch. */
static inline struct wax_bytes wax_batch_key(const struct wax_batch *batch, uint32_t index)
{
	struct wax_bytes key;
	if (batch->key_bytes) {
		key.data = (const char *)batch->keys + (size_t)index * batch->key_bytes;
		key.bytes = batch->key_bytes;
	} else {
		const struct wax_span *span = (const struct wax_span *)batch->keys + index;
		key.data = batch->key_heap + span->at;
		key.bytes = span->bytes;
	}
	return key;
}

static inline struct wax_item wax_batch_item(const struct wax_batch *batch, uint32_t index)
{
	struct wax_item item = {{NULL, 0}, {NULL, 0}};
	if (batch->keyed)
		item.key = wax_batch_key(batch, index);
	item.value = wax_batch_value(batch, index);
	return item;
}

/**
 * Where a step puts what it emits. What is emitted is gathered in a batch and handed on when that
 * is full and when the callback returns.
 *
 * The fields serve the inline functions below; use those.
 */
struct wax_out {
	uint32_t count;    /* items in the open batch */
	uint32_t capacity; /* items that fit in its columns */
	void *keys;
	void *values;
};

/**
 * Emit one item of a stream that is not keyed. The bytes are copied, unless they lie in the batch
 * that the callback was given: those are passed on without a copy.
 *
 * @param bytes must be the size of the type where that is fixed
 * @return 0, or a negative errno (-EMSGSIZE wrong size, -ENOMEM, -E2BIG over 2 GiB). The runtime
 *         remembers a failure and stops at it: the result need not be checked.
 */
WAX_API int wax_emit(struct wax_out *out, const void *value, size_t bytes);

/** Emit one item of a keyed stream; otherwise as wax_emit. */
WAX_API int wax_emit_kv(struct wax_out *out, const void *key, size_t key_bytes, const void *value,
		size_t value_bytes);

/**
 * Ask for room to build a value in place. At most one claim is open; wax_commit ends it, and a
 * claim that is not committed is forgotten.
 *
 * @param key       of a keyed stream, not NULL, even where key_bytes is 0; else NULL. Copied.
 * @param bytes_max what the value will need at most
 * @return lends until wax_commit; aligned for the stream's type; NULL when it failed, which the
 *         runtime remembers
 */
WAX_API void *wax_claim(struct wax_out *out, const void *key, size_t key_bytes, size_t bytes_max);

/** Emit what was built in the claimed room; bytes: its size, at most bytes_max. */
WAX_API int wax_commit(struct wax_out *out, size_t bytes);

/**
 * Say in one sentence why this item cannot be processed.
 * The report adds step, worker, source position and the item.
 *
 * @param out where the callback emits; NULL in one that has none, such as a test or a reducer, which
 *            must then give back what this does
 * @return a negative number that the callback gives back: `return wax_fail(out, "no ';'")`
 */
WAX_API int wax_fail(struct wax_out *out, const char *fmt, ...) WAX_PRINTF(2, 3);

/** Hand on the open batch: the columns are empty afterwards. Seldom needed: see wax_out_room. */
WAX_API void wax_out_flush(struct wax_out *out);

/**
 * For loops that write whole columns of fixed-size items: how many of `want` items may be written
 * now, at least 1, at out->values and out->keys from index out->count on. A full batch is handed
 * on first. wax_out_advance says how many were written.
 */
static inline uint32_t wax_out_room(struct wax_out *out, uint32_t want)
{
	uint32_t room;
	if (out->count == out->capacity)
		wax_out_flush(out);
	room = out->capacity - out->count;
	return want < room ? want : room;
}

static inline void wax_out_advance(struct wax_out *out, uint32_t count)
{
	out->count += count;
}

/** The next value, or key, to write: `struct reading *next = WAX_OUT_VALUES(out, struct reading)`. */
#define WAX_OUT_VALUES(out, T) ((T *)(out)->values + (out)->count)
#define WAX_OUT_KEYS(out, T) ((T *)(out)->keys + (out)->count)

/** The values, or keys, of a batch as an array. */
#define WAX_VALUES(batch, T) ((const T *)(batch)->values)
#define WAX_KEYS(batch, T) ((const T *)(batch)->keys)

#ifdef __cplusplus
}
#endif

#endif
