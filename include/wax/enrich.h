/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_ENRICH_H
#define WAX_ENRICH_H

#include <wax/operators.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Answers that were looked up before; lent to a callback. */
struct wax_cache;

/**
 * What stands under a key: the answer that is remembered, or that of `get` when there is none or it
 * is too old.
 *
 * @param key borrows during the call; any bytes
 * @return lends until the next call with this cache, or until the callback returns. data is NULL
 *         when there is nothing under the key, or `get` failed: the runtime remembers that, and
 *         fails the item
 */
WAX_API struct wax_bytes wax_cache_get(struct wax_cache *cache, const void *key, size_t key_bytes);
/** Forget an answer, so that the next wax_cache_get asks anew. @return 1; 0: there was none */
WAX_API int wax_cache_remove(struct wax_cache *cache, const void *key, size_t key_bytes);

struct wax_enrich_options {
	size_t size_bytes; /* sizeof(struct wax_enrich_options) */
	/** Look a key up: emit its value, or nothing when there is none, which is remembered too.
	 *  Give back 0, or a negative errno, best from wax_fail. It must not block: nothing else of
	 *  the worker runs meanwhile. */
	int (*get)(struct wax_out *out, struct wax_bytes key, void *ctx);
	int64_t ttl_ns;       /* an answer older than this is asked for anew; 0: never */
	uint32_t entries_max; /* answers remembered; then the one goes that was not asked for
			       * the longest. 0: 65536 */
};

/**
 * Turn each item into exactly one of `type`, with the help of answers that are looked up elsewhere
 * and remembered. Each worker remembers its own, in memory, and begins with none: put
 * wax_redistribute by key in front where many workers would ask for the same.
 *
 * Cost: a lookup in a table for each wax_cache_get that is a hit. Misses are counted
 * (`cache_misses`). The time is that of the turn of the worker, not of the item.
 *
 * @param fn      gets the item and the cache, and emits one item
 * @param options borrows during the call
 * @param ctx     is given to fn and to get
 */
WAX_API struct wax_stream wax_enrich_cached(struct wax_stream up, const char *id,
		const struct wax_type *type,
		int (*fn)(struct wax_out *out, const struct wax_item *item,
				struct wax_cache *cache, void *ctx),
		const struct wax_enrich_options *options, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
