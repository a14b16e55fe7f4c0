/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TABLE_PRIVATE_H
#define RUNTIME_TABLE_PRIVATE_H

#include "runtime/table.h"

/* Shared by table.c and table_track.c; for nobody else. */

static inline void *wax_table_take_memory(struct wax_table *table, size_t bytes)
{
	void *memory = table->alloc(bytes);

	if (memory)
		table->bytes += bytes;
	return memory;
}

static inline void wax_table_drop_memory(struct wax_table *table, void *memory, size_t bytes)
{
	if (!memory)
		return;
	table->release(memory, bytes);
	table->bytes -= bytes;
}

/* Of a number: which chunk it is in. */
static inline uint32_t wax_table_top_bit(uint64_t number)
{
	return 63 - (uint32_t)__builtin_clzll(number);
}

static inline void *wax_table_state_at(const struct wax_table *table, uint32_t number)
{
	return table->homes[(uint32_t)__builtin_clz(number) ^ 31] +
			(size_t)number * table->unit_bytes;
}

static inline size_t wax_table_chunk_bytes(const struct wax_table *table, uint32_t bit)
{
	return (size_t)table->unit_bytes << bit;
}

static inline char *wax_table_chunk(const struct wax_table *table, uint32_t bit)
{
	return table->homes[bit] + wax_table_chunk_bytes(table, bit) - table->state_offset;
}

/* A bit for each number of a chunk, at its end: is there a key? */
static inline uint64_t *wax_table_chunk_bits(const struct wax_table *table, uint32_t bit)
{
	return (uint64_t *)(void *)(wax_table_chunk(table, bit) +
			wax_table_chunk_bytes(table, bit));
}

/* ---- tracking, called only with a table that is tracked */

/** There will be numbers below `end`. @return 0 or -ENOMEM */
int wax_table_track_reserve(struct wax_table *table, uint64_t end);
/** This key is about to change, and is marked: save it. @return 0, negative: it was not saved */
int wax_table_track_save(struct wax_table *table, uint32_t number);
/** A key is new. */
void wax_table_track_added(struct wax_table *table, uint32_t number);
/** A key is about to be removed. */
void wax_table_track_removed(struct wax_table *table, uint32_t number);
/** All keys are about to be removed. @param drops its memory too */
void wax_table_track_cleared(struct wax_table *table, bool drops);

#endif
