/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_CONNECTOR_H
#define WAX_CONNECTOR_H

#include <wax/batch.h>
#include <wax/err.h>
#include <wax/flow.h>
#include <wax/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sources and sinks of one's own. Both come in two kinds: partitioned (named partitions, each
 * open in one worker) and per worker (no list callback: one in every worker).
 *
 * No callback may block. One that has to wait says so and is called again when the time, the file
 * descriptor or the call that it named wakes it.
 */

/** What a partition of a source or sink gets to know of its surroundings; lent until close. */
struct wax_env;

/** Which worker this is, and of how many. */
WAX_API uint32_t wax_env_worker(const struct wax_env *env);
WAX_API uint32_t wax_env_worker_count(const struct wax_env *env);
/** Name of the partition; "" in a source or sink per worker. */
WAX_API const char *wax_env_part(const struct wax_env *env);
/** In next: how many items it should emit at most, so that wax_batch_size and wax_rate are kept to
 *  the item; a source that emits more keeps them on average. UINT32_MAX: no limit. */
WAX_API uint32_t wax_env_batch_size(const struct wax_env *env);
/** The time of this turn, ns since the Unix epoch. */
WAX_API int64_t wax_env_now(const struct wax_env *env);
/** Call me again: from a callback of the partition, or from one of its completions. */
WAX_API void wax_env_wake(struct wax_env *env);
/** Call me again when fd is ready, once; events as for poll(2).
 *  @return 0, or a negative errno */
WAX_API int wax_env_wake_on(struct wax_env *env, int fd, short events);
/** Say how far the source has read, in its own unit, for reports and saved positions. */
WAX_API void wax_env_at(struct wax_env *env, uint64_t offset);

/** Collects the names of partitions. */
struct wax_parts;
/** @param name copied; not empty, each once
 *  @return 0, -EEXIST, -EINVAL, -ENOMEM */
WAX_API int wax_parts_add(struct wax_parts *parts, const char *name);
/** How many workers will share the partitions. */
WAX_API uint32_t wax_parts_worker_count(const struct wax_parts *parts);

/** What next of a source gives back, besides a negative errno. */
enum wax_next {
	WAX_IDLE = 0, /* nothing now: call again when woken, or at next_awake */
	WAX_MORE = 1, /* call again as soon as there is room downstream */
	WAX_END = 2,  /* that was all */
};

struct wax_source_ops {
	size_t size_bytes; /* sizeof(struct wax_source_ops) */
	const char *kind;  /* "file_lines": for graphs and reports */

	/** Add the names of all partitions. Called once, in the launcher, before the fork. NULL:
	 *  per worker. A source that is missing is an error here, with a sentence. */
	int (*list)(void *source, struct wax_parts *parts, struct wax_err *err);
	/** Open a partition, in its worker.
	 *  @param saved data NULL, or what position gave: go on behind that
	 *  @param ret_part handed to the other callbacks */
	int (*open)(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
			struct wax_err *err);
	/** Emit a batch, or what there is of it.
	 *  @return an enum wax_next, or a negative errno with a sentence in err */
	int (*next)(void *part, struct wax_out *out, struct wax_err *err);
	/** Earliest time for next after it gave WAX_IDLE, ns since the Unix epoch; WAX_NEVER: only
	 *  when woken. NULL: WAX_NEVER. */
	int64_t (*next_awake)(void *part);
	/** What to save so that open can go on behind the last item emitted. Lends until the next
	 *  call. NULL: the partition cannot go on, it starts anew. */
	struct wax_bytes (*position)(void *part);
	/** Close a partition; also after a failure. May be NULL. */
	void (*close)(void *part);
	/** Free the source; in the launcher. May be NULL. */
	void (*free)(void *source);
};

/**
 * Make a source for wax_input.
 *
 * @param ops    borrows until the process ends
 * @param type   of the items
 * @param source handed to the callbacks; taken
 * @param label  what it reads, for graphs and reports ("in.csv"); copied; may be NULL
 * @return gives; wax_input takes it. NULL only when type is NULL or memory ran out; wax_input
 *         reports that.
 */
WAX_API struct wax_source *wax_source_make(const struct wax_source_ops *ops,
		const struct wax_type *type, void *source, const char *label);

/**
 * Have a source, any source, hand on at most so many items in one batch. Less is sooner: what is
 * downstream works on the first items while the next are read. More is cheaper.
 *
 * @param source NULL is passed on
 * @param items  0: as many as the source gives, which is the default
 * @return source
 */
WAX_API struct wax_source *wax_batch_size(struct wax_source *source, uint32_t items);

/**
 * Have a source, any source, give no more than so many items per second, over all workers; those
 * that have no partition do not count. It is a schedule, not a pause: a source that was held up
 * catches up.
 *
 * @param source      NULL is passed on
 * @param items_per_s 0: no limit
 * @return source
 */
WAX_API struct wax_source *wax_rate(struct wax_source *source, double items_per_s);

/** What write and flush of a sink give back, besides a negative errno. */
enum wax_written {
	WAX_READY = 0,
	WAX_BUSY = 1, /* taken; but no more before the sink is woken (wax_env_wake) */
};

struct wax_sink_ops {
	size_t size_bytes; /* sizeof(struct wax_sink_ops) */
	const char *kind;

	/** As for sources. NULL: per worker. With several partitions items are dealt by the key, so
	 *  the stream must be keyed: see part. */
	int (*list)(void *sink, struct wax_parts *parts, struct wax_err *err);
	/** As for sources. A partition is opened when its worker starts. */
	int (*open)(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
			struct wax_err *err);
	/** Write a batch, which is lent during the call: all of it is taken, or it failed.
	 *  @return an enum wax_written, or a negative errno with a sentence in err */
	int (*write)(void *part, const struct wax_batch *batch, struct wax_err *err);
	/** Hand everything to the outside: called when the worker has nothing else to do, at the
	 *  end of an epoch and before close. WAX_BUSY: call again when woken. May be NULL. */
	int (*flush)(void *part, struct wax_err *err);
	/** As for sources: the state of the outside after the last flush. */
	struct wax_bytes (*position)(void *part);
	/** Close a partition. ok is 1 when everything was flushed, 0 after a failure. */
	int (*close)(void *part, int ok, struct wax_err *err);
	void (*free)(void *sink);
	/** Which partition a key belongs to: a number in the order of the list, taken modulo
	 *  part_count. Called in every worker, and for one item more than once: it must depend on
	 *  the key alone. NULL: XXH3 of the key. */
	uint32_t (*part)(void *sink, struct wax_bytes key, uint32_t part_count);
};

/**
 * Make a sink for wax_output; parameters as for wax_source_make.
 *
 * @param type of the values it takes; NULL: any type
 */
WAX_API struct wax_sink *wax_sink_make(const struct wax_sink_ops *ops,
		const struct wax_type *type, void *sink, const char *label);

/**
 * Have items turned into text before they reach the sink, in the worker where they arise.
 * The sink then takes WAX_TEXT.
 *
 * @param format as for wax_stdout; copied; NULL when out of memory is reported by wax_output
 */
WAX_API void wax_sink_format(struct wax_sink *sink, const char *format);

#ifdef __cplusplus
}
#endif

#endif
