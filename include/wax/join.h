/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_JOIN_H
#define WAX_JOIN_H

#include <string.h>

#include <wax/stateful.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which values of a side a key keeps. */
enum wax_join_insert {
	WAX_JOIN_LAST = 0, /* the last */
	WAX_JOIN_FIRST,    /* the first */
	WAX_JOIN_PRODUCT,  /* all: rows are all combinations, the first side varying slowest */
};

/** When the rows of a key are emitted. */
enum wax_join_emit {
	WAX_JOIN_COMPLETE = 0, /* as soon as every side has a value; the key is forgotten then */
	WAX_JOIN_FINAL,        /* at the end of the input, whatever is there, or when it expires */
	WAX_JOIN_RUNNING,      /* at each item; the key is kept */
};

/** As many sides as a row has bits for. */
#define WAX_JOIN_SIDES_MAX 64

/**
 * Join streams by their keys: what the sides have for one key makes rows. The sides have one type
 * of key; their values may be of different types. A side that is partitioned by that key already
 * crosses no exchange.
 *
 * Cost: a key keeps its values until its rows are emitted for good. WAX_JOIN_COMPLETE keeps a key
 * that a side never has, and WAX_JOIN_RUNNING every key, for ever: bound that with wax_ttl.
 * WAX_JOIN_PRODUCT emits as many rows as there are combinations.
 *
 * @param sides borrows during the call
 * @param count in [1, WAX_JOIN_SIDES_MAX]
 * @return a stream of rows: see wax_join_side. Where all values have a fixed size rows have one too
 */
WAX_API struct wax_stream wax_join(const char *id, const struct wax_stream *sides, size_t count,
		enum wax_join_insert insert, enum wax_join_emit emit);

/*
 * A row: a bit for each side that has a value, the number of sides, where the value of each side
 * ends, and the values, each from a multiple of 8 bytes on.
 */
struct wax_join_row {
	uint64_t present; /* bit i: side i has a value */
	uint32_t side_count;
	uint32_t ends[1]; /* in truth side_count of them; from the beginning of the row */
};

#define WAX_JOIN_HEAD_BYTES(side_count) (12 + 4 * (size_t)(side_count))

/**
 * The value of a side in a row. Of fixed size and in a stream where all sides are, it is aligned for
 * types that need up to 8; elsewhere copy it out with memcpy.
 *
 * @return lends as long as the row; data is NULL when the side has no value
 */
static inline struct wax_bytes wax_join_side(struct wax_bytes row, uint32_t side)
{
	struct wax_bytes value = {NULL, 0};
	const char *data = (const char *)row.data;
	uint64_t present;
	uint32_t side_count, start, end;
	if (row.bytes < WAX_JOIN_HEAD_BYTES(0))
		return value;
	memcpy(&present, data, sizeof(present));
	memcpy(&side_count, data + 8, sizeof(side_count));
	if (side_count > WAX_JOIN_SIDES_MAX || side >= side_count || !(present >> side & 1) ||
			row.bytes < WAX_JOIN_HEAD_BYTES(side_count))
		return value;

	start = (uint32_t)WAX_JOIN_HEAD_BYTES(side_count);
	if (side > 0)
		memcpy(&start, data + WAX_JOIN_HEAD_BYTES(side - 1), sizeof(start));
	start = (start + 7) & ~(uint32_t)7;
	memcpy(&end, data + WAX_JOIN_HEAD_BYTES(side), sizeof(end));
	if (start > end || end > row.bytes)
		return value;
	value.data = data + start;
	value.bytes = end - start;
	return value;
}

/** The type of rows, which print as "(1, -)"; "-" where a side has no value. Lends until the process
 *  ends. @param sides types of the values; borrows during the call @return NULL if one is */
WAX_API const struct wax_type *wax_type_row(const struct wax_type *const *sides, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
