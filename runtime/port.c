/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/copy.h"
#include "runtime/step.h"

enum {
	ITEMS_MIN = 8, /* even of the largest fixed-size items */
	ITEM_BYTES_MAX = INT32_MAX,
};

static uint32_t column_stride(const struct wax_port_column *column)
{
	return column->item_bytes ? column->item_bytes : (uint32_t)sizeof(struct wax_span);
}

static void column_describe(struct wax_port_column *column, const struct wax_type *type)
{
	column->item_bytes = type->item_bytes;
	column->align = type->align;
}

static int column_init(struct wax_port_column *column, uint32_t capacity)
{
	size_t bytes = (size_t)capacity * column_stride(column);
	return posix_memalign(&column->items, 64, (bytes + 63) & ~(size_t)63) == 0 ? 0 : -ENOMEM;
}

static void column_fini(struct wax_port_column *column)
{
	free(column->items);
	free(column->heap);
}

static void choose_emits(struct wax_port *port);

int wax_port_init(struct wax_port *port, const struct wax_type *type,
		int (*take)(struct wax_port *, const struct wax_batch *), void *taker,
		struct wax_err *err)
{
	*port = (struct wax_port){.take = take, .taker = taker, .err = err};
	column_describe(&port->value, wax_type_value(type));
	uint32_t stride = column_stride(&port->value);
	if (type->key) {
		port->keyed = true;
		column_describe(&port->key, type->key);
		if (column_stride(&port->key) > stride)
			stride = column_stride(&port->key);
	}

	choose_emits(port);

	uint32_t capacity = WAX_PORT_COLUMN_BYTES / stride;
	if (capacity > WAX_PORT_ITEMS_MAX)
		capacity = WAX_PORT_ITEMS_MAX;
	if (capacity < ITEMS_MIN)
		capacity = ITEMS_MIN;
	if (column_init(&port->value, capacity) < 0 ||
			(port->keyed && column_init(&port->key, capacity) < 0)) {
		wax_port_fini(port);
		return -ENOMEM;
	}
	port->out.capacity = port->usual = port->room = capacity;
	port->out.values = port->value.items;
	port->out.keys = port->key.items;
	return 0;
}

void wax_port_fini(struct wax_port *port)
{
	column_fini(&port->value);
	column_fini(&port->key);
	*port = (struct wax_port){0};
}

static void column_clear(struct wax_port_column *column)
{
	column->heap_used = 0;
	column->lent = NULL;
	column->lent_bytes = 0;
}

void wax_port_clear(struct wax_port *port)
{
	port->out.count = 0;
	port->out.capacity = port->usual;
	port->claimed = false;
	column_clear(&port->value);
	column_clear(&port->key);
}

void wax_port_read(struct wax_port *port, const struct wax_batch *batch)
{
	WAX_ASSERT(port->out.count == 0);
	port->reading = batch;
	port->value.lends = port->key.lends = batch != NULL;
}

static const char *column_heap(const struct wax_port_column *column)
{
	/* Empty items need no heap, but somewhere to be. */
	return column->lent ? column->lent : column->heap ? column->heap : "";
}

static size_t column_heap_bytes(const struct wax_port_column *column)
{
	return column->lent ? column->lent_bytes : column->heap_used;
}

struct wax_batch wax_port_batch(const struct wax_port *port)
{
	return (struct wax_batch){
			.count = port->out.count,
			.keyed = port->keyed,
			.value_bytes = port->value.item_bytes,
			.values = port->value.items,
			.value_heap = column_heap(&port->value),
			.value_heap_bytes = column_heap_bytes(&port->value),
			.key_bytes = port->key.item_bytes,
			.keys = port->key.items,
			.key_heap = column_heap(&port->key),
			.key_heap_bytes = column_heap_bytes(&port->key),
	};
}

static void hand_on(struct wax_port *port)
{
	struct wax_batch batch = wax_port_batch(port);
	if (batch.count == 0)
		return;
	port->delivered += batch.count;
	if (port->take(port, &batch) < 0) {
		port->failed = true;
		port->refused = false;
	}
}

int wax_port_flush(struct wax_port *port)
{
	if (!port->failed)
		hand_on(port);
	wax_port_clear(port);
	return port->failed ? -ECANCELED : 0;
}

static const void *column_at(const void *items, uint32_t item_bytes, uint32_t index)
{
	size_t stride = item_bytes ? item_bytes : sizeof(struct wax_span);
	return items ? (const char *)items + index * stride : NULL;
}

struct wax_batch wax_batch_slice(const struct wax_batch *batch, uint32_t first, uint32_t count)
{
	struct wax_batch part = *batch;
	part.count = count;
	part.keys = column_at(batch->keys, batch->key_bytes, first);
	part.values = column_at(batch->values, batch->value_bytes, first);
	return part;
}

int wax_port_lend(struct wax_port *port, const struct wax_batch *batch)
{
	if (wax_port_flush(port) < 0)
		return -ECANCELED;
	if (batch->count == 0)
		return 0;
	port->delivered += batch->count;
	if (port->take(port, batch) < 0)
		port->failed = true;
	return port->failed ? -ECANCELED : 0;
}

void wax_port_limit(struct wax_port *port, uint32_t items)
{
	port->limit = items;
	if (items < port->usual)
		port->usual = port->out.capacity = items;
}

/* The first failure stands: what follows from it would only hide it. */
static int port_fail(struct wax_port *port, int code, const char *fmt, ...) WAX_PRINTF(3, 4);

static int port_fail(struct wax_port *port, int code, const char *fmt, ...)
{
	if (!port->failed && port->err->code == 0) {
		char text[256];
		va_list args;
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		wax_err_set(port->err, code, "%s", text);
	}
	port->failed = true;
	return code;
}

/* A callback without an out is called by the one worker of this thread. */
static _Thread_local struct wax_err *fail_to;

void wax_port_fail_to(struct wax_err *err)
{
	fail_to = err;
}

int wax_fail(struct wax_out *out, const char *fmt, ...)
{
	struct wax_port *port = out ? wax_port_of(out) : NULL;
	struct wax_err *err = port ? port->err : fail_to;
	char text[sizeof(err->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (err && err->code == 0 && !(port && port->failed))
		wax_err_set(err, -EBADMSG, "%s", text);
	if (port && !port->failed)
		port->refused = true;
	if (port)
		port->failed = true;
	return -EBADMSG;
}

/* Make the heap of a column larger. */
static __attribute__((noinline)) int heap_grow(
		struct wax_port *port, struct wax_port_column *column, size_t bytes)
{
	size_t wanted = (size_t)column->heap_used + bytes;
	if (wanted > UINT32_MAX)
		return port_fail(port, -E2BIG, "a batch of more than 4 GiB");

	size_t capacity = column->heap_capacity ? column->heap_capacity : WAX_PORT_HEAP_BYTES;
	while (capacity < wanted)
		capacity *= 2;
	if (capacity > UINT32_MAX)
		capacity = UINT32_MAX;
	char *heap = realloc(column->heap, capacity);
	if (!heap)
		return port_fail(port, -ENOMEM, "no memory for an item of %zu bytes", bytes);
	column->heap = heap;
	column->heap_capacity = (uint32_t)capacity;
	return 0;
}

static inline int heap_reserve(struct wax_port *port, struct wax_port_column *column, size_t bytes)
{
	if (wax_likely(bytes <= column->heap_capacity - column->heap_used))
		return 0;
	return heap_grow(port, column, bytes);
}

/* Copy to the end of the heap of a column. */
static inline int heap_put(struct wax_port *port, struct wax_port_column *column, const void *data,
		size_t bytes)
{
	/* Room for a short item, which the next one may be. */
	if (heap_reserve(port, column, bytes < WAX_SHORT_BYTES ? WAX_SHORT_BYTES : bytes) < 0)
		return -ENOMEM;
	if (bytes > 0)
		memcpy(column->heap + column->heap_used, data, bytes);
	column->heap_used += (uint32_t)bytes;
	return 0;
}

/* Copy what the column lends into its own heap: something came that lies elsewhere. */
static int column_own(struct wax_port *port, struct wax_port_column *column)
{
	struct wax_span *spans = column->items;
	const char *lent = column->lent;
	column->lends = false;
	if (!lent)
		return 0;

	for (uint32_t i = 0; i < port->out.count; i++) {
		uint32_t at = column->heap_used;
		if (heap_put(port, column, lent + spans[i].at, spans[i].bytes) < 0)
			return -ENOMEM;
		spans[i].at = at;
	}
	column->lent = NULL;
	return 0;
}

static bool lies_in(const char *data, size_t bytes, const char *region, size_t region_bytes)
{
	size_t at = (size_t)(data - region);
	return region && data >= region && at <= region_bytes && bytes <= region_bytes - at;
}

/* Find the part of the batch that is read in which an item lies. */
static bool column_lend_from(struct wax_port_column *column, const struct wax_batch *batch,
		const char *data, size_t bytes)
{
	const struct {
		const char *at;
		size_t bytes;
	} regions[] = {
			{batch->value_heap, batch->value_heap_bytes},
			{batch->key_heap, batch->key_heap_bytes},
			{batch->values, (size_t)batch->count * batch->value_bytes},
			{batch->keys, (size_t)batch->count * batch->key_bytes},
	};
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		if (regions[i].bytes <= UINT32_MAX &&
				lies_in(data, bytes, regions[i].at, regions[i].bytes)) {
			column->lent = regions[i].at;
			column->lent_bytes = regions[i].bytes;
			return true;
		}
	}
	return false;
}

static bool column_lends(const struct wax_port *port, struct wax_port_column *column,
		const char *data, size_t bytes)
{
	if (column->lent)
		return lies_in(data, bytes, column->lent, column->lent_bytes);
	return port->out.count == 0 && column_lend_from(column, port->reading, data, bytes);
}

/* Write an item at the end of a column; the count stays. */
static int column_put(struct wax_port *port, struct wax_port_column *column, const char *what,
		const void *data, size_t bytes)
{
	uint32_t index = port->out.count;
	if (column->item_bytes) {
		if (bytes != column->item_bytes)
			return port_fail(port, -EMSGSIZE,
					"emitted a %s of %zu bytes where the type has %u", what,
					bytes, column->item_bytes);
		wax_copy_item((char *)column->items + (size_t)index * bytes, data,
				column->item_bytes);
		return 0;
	}

	struct wax_span *span = (struct wax_span *)column->items + index;
	if (bytes > ITEM_BYTES_MAX)
		return port_fail(port, -E2BIG, "emitted a %s of %zu bytes, 2 GiB are the most",
				what, bytes);
	if (column->lends) {
		if (column_lends(port, column, data, bytes)) {
			*span = (struct wax_span){(uint32_t)((const char *)data - column->lent),
					(uint32_t)bytes};
			return 0;
		}
		if (column_own(port, column) < 0)
			return -ENOMEM;
	}
	*span = (struct wax_span){column->heap_used, (uint32_t)bytes};
	return heap_put(port, column, data, bytes);
}

/* ---- Guarded */

static int column_grow(struct wax_port_column *column, uint32_t count, uint32_t room)
{
	void *old = column->items;
	if (column_init(column, room) < 0) {
		column->items = old;
		return -ENOMEM;
	}
	memcpy(column->items, old, (size_t)count * column_stride(column));
	free(old);
	return 0;
}

/* Room for twice as many items. */
static int grow(struct wax_port *port)
{
	if (port->out.capacity < port->room) {
		port->out.capacity = port->room;
		return 0;
	}
	uint32_t room = 2 * port->room;
	if (room < port->room || column_grow(&port->value, port->out.count, room) < 0 ||
			(port->keyed && column_grow(&port->key, port->out.count, room) < 0)) {
		port_fail(port, -ENOMEM, "no memory for the %u items of one call", port->out.count);
		return wax_port_flush(port);
	}
	port->out.values = port->value.items;
	port->out.keys = port->key.items;
	port->out.capacity = port->room = room;
	return 0;
}

static void column_shift(struct wax_port_column *column, uint32_t from, uint32_t count)
{
	size_t stride = column_stride(column);
	memmove(column->items, (char *)column->items + from * stride, count * stride);
}

/* Hand on what stands before the items of this call, which stay: their spans too, so the heaps
 * are not emptied. */
static int flush_before(struct wax_port *port)
{
	uint32_t before = port->begin, kept = port->out.count - before;
	if (wax_port_broke(port))
		return wax_port_flush(port);
	if (port->refused)
		kept = 0; /* it will be withdrawn */
	port->begin = 0;
	port->out.count = before;
	hand_on(port);
	if (kept == 0)
		wax_port_clear(port);
	if (kept == 0 || wax_port_broke(port))
		return port->failed ? -ECANCELED : 0;

	if (before > 0)
		column_shift(&port->value, before, kept);
	if (before > 0 && port->keyed)
		column_shift(&port->key, before, kept);
	port->out.count = kept;
	return kept == port->out.capacity ? grow(port) : 0;
}

int wax_port_withdraw(struct wax_port *port)
{
	port->failed = port->refused = false;
	port->claimed = false;
	port->out.count = port->begin;
	if (port->out.count == 0)
		wax_port_clear(port);
	return port->gap ? port->gap(port) : 0;
}

void wax_out_flush(struct wax_out *out)
{
	struct wax_port *port = wax_port_of(out);
	if (port->guarded)
		flush_before(port);
	else
		wax_port_flush(port);
}

/* Hand on the open batch if one more item does not fit. An open claim is forgotten: its room is
 * where the next item goes. */
static int make_room(struct wax_port *port)
{
	port->claimed = false;
	if (port->out.count == port->out.capacity ||
			(port->out.count > 0 &&
					port->value.heap_used + port->key.heap_used >=
							WAX_PORT_HEAP_BYTES))
		wax_out_flush(&port->out);
	return port->failed ? -ECANCELED : 0;
}

static int put_key(struct wax_port *port, const void *key, size_t bytes)
{
	if (!port->keyed)
		return port_fail(port, -EINVAL,
				"emitted a key to a stream that is not keyed: "
				"use wax_emit");
	return column_put(port, &port->key, "key", key, bytes);
}

static int put_pair(struct wax_port *port, struct wax_bytes key, struct wax_bytes value)
{
	int r = make_room(port);
	if (r == 0)
		r = put_key(port, key.data, key.bytes);
	if (r == 0)
		r = column_put(port, &port->value, "value", value.data, value.bytes);
	if (r == 0)
		port->out.count++;
	return r;
}

/* ---- Emitting */

/*
 * What is emitted most often goes through functions that call no other and so save no registers:
 * saving them takes longer than the rest. There is one for each pair of kinds of columns, which a
 * port has chosen by its type, and of processors. Items of a usual fixed size are usual, and short
 * ones that are copied to a heap that has room; in the functions for any, those too that lie where
 * the others of their column do.
 */

#define ALWAYS static inline __attribute__((always_inline))

enum kind { FIXED, SHORT, ANY };

/* Is there room in the open batch, and nothing that has to be looked at first? */
ALWAYS bool is_open(const struct wax_port *port)
{
	return port->out.count < port->out.capacity && !port->failed && !port->claimed &&
			port->value.heap_used + port->key.heap_used < WAX_PORT_HEAP_BYTES;
}

ALWAYS bool put_fixed(struct wax_port_column *column, uint32_t index, struct wax_bytes item)
{
	if (item.bytes != column->item_bytes)
		return false;
	if (wax_likely(item.bytes == 8)) {
		memcpy((char *)column->items + (size_t)index * 8, item.data, 8);
		return true;
	}
	return wax_copy_usual((char *)column->items + (size_t)index * item.bytes, item.data,
			(uint32_t)item.bytes);
}

ALWAYS bool put_lent(struct wax_port_column *column, uint32_t index, struct wax_bytes item)
{
	if (!column->lends || !lies_in(item.data, item.bytes, column->lent, column->lent_bytes))
		return false;
	((struct wax_span *)column->items)[index] = (struct wax_span){
			(uint32_t)((const char *)item.data - column->lent), (uint32_t)item.bytes};
	return true;
}

/* Does not yet say that the heap is used: what follows may not be usual. */
ALWAYS bool put_short(struct wax_port_column *column, uint32_t index, struct wax_bytes item,
		wax_copy_short_fn *copy)
{
	if (column->lends || item.bytes > WAX_SHORT_BYTES ||
			column->heap_capacity - column->heap_used < WAX_SHORT_BYTES)
		return false;
	((struct wax_span *)column->items)[index] =
			(struct wax_span){column->heap_used, (uint32_t)item.bytes};
	copy(column->heap + column->heap_used, item.data, (uint32_t)item.bytes);
	return true;
}

ALWAYS bool put_usual(struct wax_port_column *column, uint32_t index, struct wax_bytes item,
		enum kind kind, wax_copy_short_fn *copy)
{
	if (kind == SHORT)
		return put_short(column, index, item, copy);
	if (kind == FIXED || column->item_bytes)
		return put_fixed(column, index, item);
	return put_lent(column, index, item);
}

ALWAYS bool put_usual_pair(struct wax_port *port, struct wax_bytes key, struct wax_bytes value,
		enum kind key_kind, enum kind value_kind, wax_copy_short_fn *copy)
{
	uint32_t index = port->out.count;
	if (!is_open(port) || !put_usual(&port->key, index, key, key_kind, copy) ||
			!put_usual(&port->value, index, value, value_kind, copy))
		return false;
	port->key.heap_used += key_kind == SHORT ? (uint32_t)key.bytes : 0;
	port->value.heap_used += value_kind == SHORT ? (uint32_t)value.bytes : 0;
	port->out.count = index + 1;
	return true;
}

ALWAYS bool put_usual_value(struct wax_port *port, struct wax_bytes value, enum kind kind,
		wax_copy_short_fn *copy)
{
	uint32_t index = port->out.count;
	if (!is_open(port) || !put_usual(&port->value, index, value, kind, copy))
		return false;
	port->value.heap_used += kind == SHORT ? (uint32_t)value.bytes : 0;
	port->out.count = index + 1;
	return true;
}

static __attribute__((noinline)) int emit_kv_any(struct wax_out *out, const void *key,
		size_t key_bytes, const void *value, size_t value_bytes)
{
	struct wax_port *port = wax_port_of(out);
	struct wax_bytes a_key = {key, key_bytes}, a_value = {value, value_bytes};
	if (wax_likely(port->keyed && !port->fixed_key.data &&
			    put_usual_pair(port, a_key, a_value, ANY, ANY, NULL)))
		return 0;
	if (port->fixed_key.data)
		return port_fail(port, -EINVAL,
				"emitted a key where the step adds it: use wax_emit");
	return put_pair(port, a_key, a_value);
}

static __attribute__((noinline)) int emit_any(struct wax_out *out, const void *value, size_t bytes)
{
	struct wax_port *port = wax_port_of(out);
	struct wax_bytes key = port->fixed_key, a_value = {value, bytes};
	if (port->keyed) {
		if (!key.data)
			return port_fail(port, -EINVAL,
					"emitted no key to a keyed stream: "
					"use wax_emit_kv");
		if (wax_likely(put_usual_pair(port, key, a_value, ANY, ANY, NULL)))
			return 0;
		return put_pair(port, key, a_value);
	}
	if (wax_likely(put_usual_value(port, a_value, ANY, NULL)))
		return 0;
	int r = make_room(port);
	if (r == 0)
		r = column_put(port, &port->value, "value", value, bytes);
	if (r == 0)
		out->count++;
	return r;
}

/* For a stream that is not keyed. */
#define EMIT(name, target, kind, copy)                                                             \
	target static int name(struct wax_out *out, const void *value, size_t bytes)               \
	{                                                                                          \
		if (wax_likely(put_usual_value(wax_port_of(out), (struct wax_bytes){value, bytes}, \
				    kind, copy)))                                                  \
			return 0;                                                                  \
		return emit_any(out, value, bytes);                                                \
	}

/* For one that is. */
#define EMIT_KV(name, target, key_kind, value_kind, copy)                                          \
	target static int name(struct wax_out *out, const void *key, size_t key_bytes,             \
			const void *value, size_t value_bytes)                                     \
	{                                                                                          \
		struct wax_port *port = wax_port_of(out);                                          \
		if (wax_likely(!port->fixed_key.data &&                                            \
				    put_usual_pair(port, (struct wax_bytes){key, key_bytes},       \
						    (struct wax_bytes){value, value_bytes},        \
						    key_kind, value_kind, copy)))                  \
			return 0;                                                                  \
		return emit_kv_any(out, key, key_bytes, value, value_bytes);                       \
	}

/* For one that is, under a key that the step adds. */
#define EMIT_UNDER(name, target, key_kind, value_kind, copy)                                       \
	target static int name(struct wax_out *out, const void *value, size_t bytes)               \
	{                                                                                          \
		struct wax_port *port = wax_port_of(out);                                          \
		if (wax_likely(port->fixed_key.data &&                                             \
				    put_usual_pair(port, port->fixed_key,                          \
						    (struct wax_bytes){value, bytes}, key_kind,    \
						    value_kind, copy)))                            \
			return 0;                                                                  \
		return emit_any(out, value, bytes);                                                \
	}

#define EMITS(name, target, copy)                                                                  \
	EMIT(emit_##name, target, SHORT, copy)                                                     \
	EMIT_KV(emit_fixed_##name, target, FIXED, SHORT, copy)                                     \
	EMIT_KV(emit_##name##_fixed, target, SHORT, FIXED, copy)                                   \
	EMIT_KV(emit_##name##_##name, target, SHORT, SHORT, copy)                                  \
	EMIT_UNDER(emit_##name##_under_fixed, target, FIXED, SHORT, copy)

EMIT(emit_fixed, , FIXED, NULL)
EMIT_KV(emit_fixed_fixed, , FIXED, FIXED, NULL)
EMIT_UNDER(emit_fixed_under_fixed, , FIXED, FIXED, NULL)

struct emits {
	wax_emit_fn *value;
	wax_emit_kv_fn *pair[2][2]; /* [kind of key][kind of value] */
	wax_emit_fn *under[2][2];   /* a key that the step adds */
};

static const struct emits emits_any = {
		emit_any, {{emit_fixed_fixed, emit_kv_any}, {emit_kv_any, emit_kv_any}},
		{{emit_fixed_under_fixed, emit_any}, {emit_any, emit_any}}};

#if defined(__x86_64__)
EMITS(avx2, WAX_TARGET_AVX2, wax_copy_short_avx2)
EMITS(avx512, WAX_TARGET_AVX512, wax_copy_short_avx512)

static const struct emits emits_avx2 = {emit_avx2,
		{{emit_fixed_fixed, emit_fixed_avx2}, {emit_avx2_fixed, emit_avx2_avx2}},
		{{emit_fixed_under_fixed, emit_avx2_under_fixed}, {emit_any, emit_any}}};
static const struct emits emits_avx512 = {emit_avx512,
		{{emit_fixed_fixed, emit_fixed_avx512}, {emit_avx512_fixed, emit_avx512_avx512}},
		{{emit_fixed_under_fixed, emit_avx512_under_fixed}, {emit_any, emit_any}}};

static const struct emits *emits_of_processor(void)
{
	return wax_has_avx512() ? &emits_avx512 : wax_has_avx2() ? &emits_avx2 : &emits_any;
}
#else
static const struct emits *emits_of_processor(void)
{
	return &emits_any;
}
#endif

static void choose_emits(struct wax_port *port)
{
	const struct emits *emits = emits_of_processor();
	enum kind key = port->key.item_bytes ? FIXED : SHORT;
	enum kind value = port->value.item_bytes ? FIXED : SHORT;
	port->emit_kv = port->keyed ? emits->pair[key][value] : emit_kv_any;
	port->emit = port->keyed ? emits->under[key][value]
			: value == FIXED ? emit_fixed
					 : emits->value;
}

int wax_emit(struct wax_out *out, const void *value, size_t bytes)
{
	return wax_port_of(out)->emit(out, value, bytes);
}

int wax_emit_kv(struct wax_out *out, const void *key, size_t key_bytes, const void *value,
		size_t value_bytes)
{
	return wax_port_of(out)->emit_kv(out, key, key_bytes, value, value_bytes);
}

/* ---- Claiming */

static __attribute__((noinline)) void *claim_any(
		struct wax_out *out, const void *key, size_t key_bytes, size_t bytes_max)
{
	struct wax_port *port = wax_port_of(out);
	if (bytes_max == 0)
		bytes_max = 1; /* a place even for nothing: NULL means failure */
	if (port->fixed_key.data) {
		key = port->fixed_key.data;
		key_bytes = port->fixed_key.bytes;
	}
	if (make_room(port) < 0)
		return NULL;
	if (port->keyed && !key) {
		port_fail(port, -EINVAL, "claimed room without a key in a keyed stream");
		return NULL;
	}
	if (key && put_key(port, key, key_bytes) < 0)
		return NULL;

	struct wax_port_column *column = &port->value;
	if (column->item_bytes) {
		if (bytes_max < column->item_bytes) {
			port_fail(port, -EMSGSIZE, "claimed %zu bytes where the type has %u",
					bytes_max, column->item_bytes);
			return NULL;
		}
		port->claimed = true;
		port->claim_bytes = column->item_bytes;
		return (char *)column->items + (size_t)out->count * column->item_bytes;
	}
	if (bytes_max > ITEM_BYTES_MAX) {
		port_fail(port, -E2BIG, "claimed %zu bytes, 2 GiB are the most", bytes_max);
		return NULL;
	}
	if (column_own(port, column) < 0 || heap_reserve(port, column, bytes_max) < 0)
		return NULL;
	port->claimed = true;
	port->claim_bytes = (uint32_t)bytes_max;
	return column->heap + column->heap_used;
}

void *wax_claim(struct wax_out *out, const void *key, size_t key_bytes, size_t bytes_max)
{
	struct wax_port *port = wax_port_of(out);
	uint32_t value_bytes = port->value.item_bytes;
	if (wax_likely(value_bytes > 0 && bytes_max >= value_bytes && port->key.item_bytes > 0 &&
			    port->fixed_key.data && is_open(port) &&
			    put_fixed(&port->key, out->count, port->fixed_key))) {
		port->claimed = true;
		port->claim_bytes = value_bytes;
		return (char *)port->value.items + (size_t)out->count * value_bytes;
	}
	return claim_any(out, key, key_bytes, bytes_max);
}

int wax_commit(struct wax_out *out, size_t bytes)
{
	struct wax_port *port = wax_port_of(out);
	struct wax_port_column *column = &port->value;
	if (port->failed)
		return -ECANCELED;
	if (!port->claimed || bytes > port->claim_bytes ||
			(column->item_bytes && bytes != column->item_bytes))
		return port_fail(port, -EMSGSIZE, "committed %zu bytes of %u that were claimed",
				bytes, port->claimed ? port->claim_bytes : 0);

	port->claimed = false;
	if (column->item_bytes == 0) {
		struct wax_span *spans = column->items;
		spans[out->count] = (struct wax_span){column->heap_used, (uint32_t)bytes};
		column->heap_used += (uint32_t)bytes;
	}
	out->count++;
	return 0;
}
