/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_STATEFUL_H
#define WAX_STATEFUL_H

#include <wax/operators.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Keyed operators: they need a keyed stream, and every key is served by one worker, which keeps
 * the state of that key. Keys of a batch are served in the order in which they first occur, the
 * items of a key in the order of arrival. In the callbacks wax_emit gives a value; the key is
 * added by the runtime.
 */

/** One key at work; lent to a callback. */
struct wax_keyed;

/** The key that is being served. Lends until the callback returns. */
WAX_API struct wax_bytes wax_keyed_key(const struct wax_keyed *keyed);
/** Where to emit. */
WAX_API struct wax_out *wax_keyed_out(struct wax_keyed *keyed);
/** The time of this activation, ns since the Unix epoch: the same for all keys of a batch. */
WAX_API int64_t wax_keyed_now(const struct wax_keyed *keyed);

/** Values of one key, in order of arrival: what on_batch is given. */
struct wax_values {
	const struct wax_batch *batch;
	const uint32_t *indexes; /* in the batch */
	uint32_t count;
};

static inline struct wax_bytes wax_values_at(const struct wax_values *values, uint32_t index)
{
	return wax_batch_value(values->batch, values->indexes[index]);
}

/** What a callback of a stateful step may give back besides a negative errno. */
enum wax_keep {
	WAX_RETAIN = 0,
	WAX_DISCARD = 1, /* forget the key: its state is freed, its next item finds it new */
};

/**
 * The general keyed operator. Every callback but on_batch may be NULL.
 *
 * The state is state_bytes of memory per key that stays at its place while the key lives. Plain
 * bytes need neither build nor snapshot nor free.
 */
struct wax_stateful {
	size_t size_bytes;  /* sizeof(struct wax_stateful) */
	size_t state_bytes; /* per key, in [0, 65536]; zeroed when the key is new */

	/** Set up the state of a key. `saved` is what snapshot emitted, data NULL for a new key.
	 *  NULL: a new state is zero, a saved one is copied back. */
	int (*build)(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx);
	/** All values of one key in this activation. */
	int (*on_batch)(struct wax_keyed *keyed, void *state, const struct wax_values *values,
			void *ctx);
	/** The time that notify_at gave has come. */
	int (*on_notify)(struct wax_keyed *keyed, void *state, void *ctx);
	/** The input has ended; called once for each key. A key that it retains is told again in a run
	 *  that goes on from this one. */
	int (*on_eof)(struct wax_keyed *keyed, void *state, void *ctx);
	/** When to call on_notify: ns since the Unix epoch, or WAX_NEVER. Asked after each of the
	 *  callbacks above when the key is retained; the last answer counts. */
	int64_t (*notify_at)(const void *state, void *ctx);
	/** Emit the state as one run of bytes, from which build can make it again. Called at the
	 *  end of an epoch for each key that was awake in it. NULL: the bytes of the state. */
	int (*snapshot)(struct wax_out *out, const void *state, void *ctx);
	/** Free what the state points to; not the state itself. */
	void (*free)(void *state, void *ctx);
};

/** @param type of the values that are emitted
 *  @param ops  borrows until the process ends */
WAX_API struct wax_stream wax_stateful_batch(struct wax_stream up, const char *id,
		const struct wax_type *type, const struct wax_stateful *ops, void *ctx);

/**
 * The general keyed operator, item by item: as struct wax_stateful, but for on_item. Items are
 * served in the order of arrival, whatever their keys. Of a key that is discarded the next item,
 * in the same batch or later, finds a new state. Every callback but on_item may be NULL.
 */
struct wax_stateful_item {
	size_t size_bytes;  /* sizeof(struct wax_stateful_item) */
	size_t state_bytes; /* per key, in [0, 65536]; zeroed when the key is new */

	int (*build)(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx);
	/** One item; emit any number of values to wax_keyed_out(keyed). Gives back WAX_RETAIN,
	 *  WAX_DISCARD, or a negative errno. */
	int (*on_item)(struct wax_keyed *keyed, void *state, const struct wax_item *item,
			void *ctx);
	int (*on_notify)(struct wax_keyed *keyed, void *state, void *ctx);
	int (*on_eof)(struct wax_keyed *keyed, void *state, void *ctx);
	int64_t (*notify_at)(const void *state, void *ctx);
	int (*snapshot)(struct wax_out *out, const void *state, void *ctx);
	void (*free)(void *state, void *ctx);
};

/** @param type of the values that are emitted
 *  @param ops  borrows until the process ends */
WAX_API struct wax_stream wax_stateful_items(struct wax_stream up, const char *id,
		const struct wax_type *type, const struct wax_stateful_item *ops, void *ctx);

/**
 * Turn each value into any number of values of `type`, with a state of state_bytes per key that is
 * zero at first. Give back WAX_RETAIN or WAX_DISCARD.
 */
WAX_API struct wax_stream wax_stateful_flat_map(struct wax_stream up, const char *id,
		const struct wax_type *type, size_t state_bytes,
		int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx),
		void *ctx);

/**
 * Let keys of a keyed step expire: one for which no item came for so long ends as if the input had
 * ended for it. on_eof is called, a final result is emitted, its state is freed, and its next item
 * finds it new. Takes time for the keys that expire, not for all, and 16 bytes of memory a key.
 * When many expire at once they go some thousand a turn; one that gets an item meanwhile stays.
 *
 *     counts = wax_ttl(wax_count_final(by_user, "count"), 60 * INT64_C(1000000000));
 *
 * Works on every step with a state for each key: wax_stateful_items, wax_stateful_batch, _map and
 * _flat_map, the _final and the _running ones, wax_collect and wax_join. A _final step that has it does not
 * combine values before they cross.
 *
 * @param stream what the step gives
 * @param ttl_ns more than 0; measured by the clock of the worker, not by what items say
 * @return stream
 */
WAX_API struct wax_stream wax_ttl(struct wax_stream stream, int64_t ttl_ns);

/**
 * Say which version of its state a step has: 1, unless this says another. A run that goes on with the
 * state of an earlier one compares the two, and refuses to start where they differ. So give another
 * when a state means something else than it did while it looks the same: its size is compared anyway.
 *
 *     sums = wax_state_version(wax_stateful_map(..., sizeof(struct sum), ...), 2);
 *
 * @param stream  what the step gives; the step has a state for each key, or is wax_top_n_all_final
 * @param version at least 1
 * @return stream
 */
WAX_API struct wax_stream wax_state_version(struct wax_stream stream, uint32_t version);

/**
 * Turn each value into exactly one value of `type`, with a state of state_bytes per key that is
 * zero at first. Give back WAX_RETAIN or WAX_DISCARD.
 */
WAX_API struct wax_stream wax_stateful_map(struct wax_stream up, const char *id,
		const struct wax_type *type, size_t state_bytes,
		int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx),
		void *ctx);

#ifdef __cplusplus
}
#endif

#endif
