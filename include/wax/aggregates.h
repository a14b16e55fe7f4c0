/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_AGGREGATES_H
#define WAX_AGGREGATES_H

#include <wax/operators.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One value made of many, for each key: they need a keyed stream, and every key is served by one
 * worker. For anything else there are wax_stateful_map and wax_stateful_batch.
 */

/* ---- At the end of the input: one value for each key, in no order of keys. Nothing is emitted
 * before, so that an input without an end gives none. */

/**
 * Fold the values of each key into an accumulator and emit that at the end of the input.
 *
 * @param type of the accumulator, which has a fixed size
 * @param init sets up a new accumulator, which is zeroed before; NULL: zeroes will do
 * @param fold adds one value
 */
WAX_API struct wax_stream wax_fold_final(struct wax_stream up, const char *id,
		const struct wax_type *type, void (*init)(void *acc, void *ctx),
		int (*fold)(void *acc, const struct wax_item *item, void *ctx), void *ctx);

/**
 * wax_fold_final that folds where the values arise and merges the accumulators at the key's worker,
 * so that few of them cross. Which values go into which accumulator is not said: merging two must
 * give what folding all their values would.
 *
 * @param merge adds the values of `other`, an accumulator too, to acc; where it fails the run ends,
 *              whatever the policy. NULL: as wax_fold_final
 */
WAX_API struct wax_stream wax_fold_merge_final(struct wax_stream up, const char *id,
		const struct wax_type *type, void (*init)(void *acc, void *ctx),
		int (*fold)(void *acc, const struct wax_item *item, void *ctx),
		int (*merge)(void *acc, const void *other, void *ctx), void *ctx);

/**
 * Reduce the values of each key to one of the same type and size; emit it at the end of the
 * input. Values are combined where they arise before they cross to the key's worker, so the
 * reducer must be associative and commutative.
 *
 * @param reduce adds `value` to `acc`, which is a value of the stream's type; that has a fixed size
 */
WAX_API struct wax_stream wax_reduce_final(struct wax_stream up, const char *id,
		int (*reduce)(void *acc, const void *value, void *ctx), void *ctx);

/** Count the items of each key; emit the count, a WAX_U64, at the end of the input. */
WAX_API struct wax_stream wax_count_final(struct wax_stream up, const char *id);

/** Which of two values is greater: as for qsort, negative, 0 or positive. */
typedef int (*wax_compare_fn)(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx);

/**
 * Keep the least, or greatest, value of each key; emit it at the end of the input. Of equal
 * values any one is kept.
 *
 * @param compare NULL: numbers of the library's types by size, else bytes as memcmp
 */
WAX_API struct wax_stream wax_min_final(
		struct wax_stream up, const char *id, wax_compare_fn compare, void *ctx);
WAX_API struct wax_stream wax_max_final(
		struct wax_stream up, const char *id, wax_compare_fn compare, void *ctx);

/**
 * Keep the n greatest values of each key; emit them at the end of the input, the greatest first.
 * Of equal values any are kept.
 *
 * @param n       in [1, 65536]
 * @param compare as for wax_max_final; one that is turned round keeps the least
 */
WAX_API struct wax_stream wax_top_n_final(struct wax_stream up, const char *id, uint32_t n,
		wax_compare_fn compare, void *ctx);

/**
 * Keep the n greatest of all items, whatever their key; emit them at the end of the input, in one
 * worker, the greatest first. The stream need not be keyed.
 *
 * @param n       in [1, 65536]
 * @param compare looks at items, with their keys. NULL: at values, as wax_top_n_final
 */
WAX_API struct wax_stream wax_top_n_all_final(struct wax_stream up, const char *id, uint32_t n,
		int (*compare)(const struct wax_item *a, const struct wax_item *b, void *ctx),
		void *ctx);

/* ---- After every item: its key, and what there is up to it. The items of a key in the order of
 * their arrival; the state of a key stays until the end. Of numbers of the library's types
 * (int32_t, uint32_t, int64_t, uint64_t, double); of others it is an error when the flow is built. */

/** Emit the number of items of the key so far, a WAX_U64. Of values of any type. */
WAX_API struct wax_stream wax_count_running(struct wax_stream up, const char *id);

/** Emit the sum of the values so far: a WAX_I64 of signed numbers, a WAX_U64 of unsigned ones, both
 *  modulo 2^64, a WAX_F64 of double. */
WAX_API struct wax_stream wax_sum_running(struct wax_stream up, const char *id);

/** Emit the mean of the values so far, a WAX_F64; the sum is kept as one. */
WAX_API struct wax_stream wax_mean_running(struct wax_stream up, const char *id);

/** Emit the least, or greatest, value so far; of the type of the values. What is not a number gives
 *  way to any that is. */
WAX_API struct wax_stream wax_min_running(struct wax_stream up, const char *id);
WAX_API struct wax_stream wax_max_running(struct wax_stream up, const char *id);

/* ---- Of many items, some. */

/** What wax_dedup takes for the same. */
enum wax_same {
	WAX_SAME_KEY,  /* items of one key: the first item of each key passes */
	WAX_SAME_ITEM, /* ... with the same value: the first of each such pair passes. Values are
			* compared byte by byte, padding too. */
};

/**
 * Pass on each item that has not been seen before.
 *
 * @param ttl_ns how long after it an item that is the same is dropped, in ns of the worker's clock;
 *               then one passes again. At least 1; WAX_NEVER: until the end of the run, and what
 *               was seen takes memory for as long.
 */
WAX_API struct wax_stream wax_dedup(
		struct wax_stream up, const char *id, enum wax_same same, int64_t ttl_ns);

#ifdef __cplusplus
}
#endif

#endif
