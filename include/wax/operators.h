/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_OPERATORS_H
#define WAX_OPERATORS_H

#include <string.h>

#include <wax/batch.h>
#include <wax/flow.h>
#include <wax/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Each operator adds a step to the flow. `up` is the stream it reads, `id` names the step: unique
 * in the flow, not empty, without a dot. ids, types and ctx are borrowed until the process ends.
 * ctx is given to the callbacks as it is, in every worker. A callback gives back 0 or more for
 * success and a negative errno, best from wax_fail, for failure; it must not block.
 */

struct wax_source;
struct wax_sink;

/** Gets one item and emits: as many as it likes, unless the operator says otherwise. */
typedef int (*wax_item_fn)(struct wax_out *out, const struct wax_item *item, void *ctx);
/** Gets a batch and emits any number of items. */
typedef int (*wax_batch_fn)(struct wax_out *out, const struct wax_batch *batch, void *ctx);
/** Answers a question about an item: 1 yes, 0 no; or `return wax_fail(NULL, "why")`. */
typedef int (*wax_test_fn)(const struct wax_item *item, void *ctx);

/** Read a source. Takes `source`. */
WAX_API struct wax_stream wax_input(struct wax_flow *flow, const char *id,
		struct wax_source *source);

/** Write to a sink. Takes `sink`. */
WAX_API void wax_output(struct wax_stream up, const char *id, struct wax_sink *sink);

/** Turn each item into exactly one item of `type`; emitting none or two is an error. */
WAX_API struct wax_stream wax_map(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** Turn each item into any number of items of `type`. */
WAX_API struct wax_stream wax_flat_map(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** Turn each batch into any number of items of `type`. Where batches begin and end means nothing. */
WAX_API struct wax_stream wax_flat_map_batch(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_batch_fn fn, void *ctx);

/**
 * Take items apart: each is an array, its elements become items of `type`. In a keyed stream the
 * values are taken apart, and each element gets the key of its item. Empty items give none.
 *
 * @param type of an element. Of fixed size: an item is a C array of it, alone or all of a struct,
 *             so a number of bytes that is no multiple of its size is an error: when the flow is
 *             built, where items have a fixed size, else at the item. Of any length: an item is
 *             what wax_element_put wrote.
 */
WAX_API struct wax_stream wax_flatten(
		struct wax_stream up, const char *id, const struct wax_type *type);

/**
 * Write one element of an item for wax_flatten: its length, 4 bytes in this machine's order, and
 * its bytes. Nothing stands between elements.
 *
 * @param to room for 4 + bytes
 * @return 4 + bytes: where the next one goes
 */
static inline size_t wax_element_put(void *to, const void *data, uint32_t bytes)
{
	memcpy(to, &bytes, sizeof(bytes));
	if (bytes > 0)
		memcpy((char *)to + sizeof(bytes), data, bytes);
	return sizeof(bytes) + bytes;
}

/** Keep the items for which `test` answers 1. */
WAX_API struct wax_stream wax_filter(
		struct wax_stream up, const char *id, wax_test_fn test, void *ctx);

/** Turn each item into one item of `type` or none; emitting two is an error. */
WAX_API struct wax_stream wax_filter_map(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** Turn the value of each item into exactly one value of `type`; the key stays. Needs a keyed
 *  stream; in the callback wax_emit gives the value. */
WAX_API struct wax_stream wax_map_value(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** The same with any number of values, each under the key of the item. An item that gives none is
 *  gone, with its key. */
WAX_API struct wax_stream wax_flat_map_value(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** The same with one value or none; emitting two is an error. */
WAX_API struct wax_stream wax_filter_map_value(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_item_fn fn, void *ctx);

/** wax_filter that needs a keyed stream, and so finds a key_on that was forgotten; `test` sees key
 *  and value, as it does in wax_filter. */
WAX_API struct wax_stream wax_filter_value(
		struct wax_stream up, const char *id, wax_test_fn test, void *ctx);

/** Give each item a key of type `key`: the callback emits exactly one, with wax_emit. The key of
 *  a stream that is keyed already is replaced. */
WAX_API struct wax_stream wax_key_on(struct wax_stream up, const char *id,
		const struct wax_type *key, wax_item_fn fn, void *ctx);

/** For wax_key_on: the value itself is the key. */
WAX_API int wax_key_self(struct wax_out *out, const struct wax_item *item, void *ctx);

/** Take the key away. */
WAX_API struct wax_stream wax_key_rm(struct wax_stream up, const char *id);

struct wax_branches {
	struct wax_stream trues;
	struct wax_stream falses;
};

/** Send each item one way or the other. The order on each side is kept. */
WAX_API struct wax_branches wax_branch(
		struct wax_stream up, const char *id, wax_test_fn test, void *ctx);

/** All items of all streams, which must have the same type; in no particular order.
 *  @param ups borrows during the call; count at least 1 */
WAX_API struct wax_stream wax_merge(
		const char *id, const struct wax_stream *ups, size_t count);

/** How wax_redistribute deals. */
enum wax_deal {
	WAX_DEAL_BATCHES, /* whole batches in turn: cheapest */
	WAX_DEAL_ITEMS,   /* single items in turn: even when batches differ, or are few */
	WAX_DEAL_KEYS,    /* each item to the worker that owns its key, as in front of keyed steps,
			   * which then need no exchange of their own; needs a keyed stream */
};

/** Deal the items out to all workers. Pays when the work behind it costs more than the
 *  exchange, or when few workers have all the input. */
WAX_API struct wax_stream wax_redistribute(
		struct wax_stream up, const char *id, enum wax_deal deal);

/**
 * Give every worker a copy of each item: of rules, rates, a table that all of them look up. The
 * items of one worker arrive in their order; how they meet the items of other streams is not said.
 * Takes the exchange as many times as there are workers, and goes as fast as the slowest of them;
 * with one worker it costs nothing. Keys stay, but an item is no longer where its key is.
 */
WAX_API struct wax_stream wax_broadcast(struct wax_stream up, const char *id);

/** Where an inspected item is. */
struct wax_place {
	const char *step; /* full id */
	uint64_t epoch;
	uint32_t worker;
	uint32_t worker_count;
};

/** Look at each item as it passes. Counts as an output of the flow.
 *  @param fn NULL prints "step W0 @1: item" on standard error */
WAX_API struct wax_stream wax_inspect(struct wax_stream up, const char *id,
		int (*fn)(const struct wax_place *place, const struct wax_item *item, void *ctx),
		void *ctx);

/** What wax_inspect_debug tells of. */
enum wax_moment {
	WAX_MOMENT_ITEM,      /* an item passes */
	WAX_MOMENT_EPOCH_END, /* all items of place->epoch have passed in this worker */
	WAX_MOMENT_END,       /* ... and all items of the run */
};

/** @param item NULL but for WAX_MOMENT_ITEM */
typedef int (*wax_moment_fn)(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx);

/** wax_inspect that is told of the ends of epochs and of the input too, in every worker: whether a
 *  step is behind, or waits, is seen there. Counts as an output of the flow.
 *  @param fn NULL prints "step W0 @1: item", "... end of epoch", "... end of input" */
WAX_API struct wax_stream wax_inspect_debug(
		struct wax_stream up, const char *id, wax_moment_fn fn, void *ctx);

/** Fail at every item, so that the run ends as soon as one arrives, unless --on-error of waxrun has
 *  it dropped: for a stream that must stay empty. The report shows the item. Counts as an output of the flow.
 *  @param why a sentence for the report, borrows until the process ends; NULL: "no item may come
 *             here" */
WAX_API void wax_raises(struct wax_stream up, const char *id, const char *why);

#ifdef __cplusplus
}
#endif

#endif
