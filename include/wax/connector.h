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
/** Of a source or sink per worker: which of them this is. That is the number of the worker, but for
 *  one that an earlier run with more workers has left, and that is opened to be brought to what was
 *  saved of it and closed. */
WAX_API uint32_t wax_env_instance(const struct wax_env *env);
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

/*
 * A run that goes on from an earlier one opens each partition at the position that was saved under
 * its name. A partition that was saved and is listed no more is an error, unless list has looked at
 * what was saved: then it decides what becomes of it. So a source that is cut into as many pieces as
 * there are workers cuts what is left anew.
 */

/** How many partitions the earlier run had; 0 in a run that goes on from nothing. */
WAX_API uint32_t wax_parts_saved_count(const struct wax_parts *parts);
/** Their names and positions, in the order of the names. Lends until list returns.
 *  @param index below the count */
WAX_API const char *wax_parts_saved_name(struct wax_parts *parts, uint32_t index);
WAX_API struct wax_bytes wax_parts_saved_position(struct wax_parts *parts, uint32_t index);
/** wax_parts_add, and the partition begins at this position, whatever was saved under its name.
 *  @param position copied; data NULL: at the beginning */
WAX_API int wax_parts_add_at(
		struct wax_parts *parts, const char *name, struct wax_bytes position);

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
	WAX_PENDING = 2, /* of prepare: not done yet, but write may be called meanwhile */
};

/*
 * Sinks and the commit. A run that keeps its state (waxrun --recovery) ends an epoch now and then.
 * When every worker has saved it, the epoch is committed; what comes behind it is undone by a crash
 * and comes again. A sink that lets nothing be seen before it is committed, and undoes what was
 * not, gives each item to the outside exactly once:
 *
 *     write, write ...          the items of epoch 7
 *     prepare(7)                see to it that they cannot be lost: nothing is visible yet
 *     position                  saved with the epoch: "transaction 7"
 *     write ...                 the items of epoch 8
 *     commit(7)                 all workers have saved it: make it visible
 *
 * After a crash the partition is opened with the position of the last epoch that was committed. It
 * makes visible what that names, if commit was not called any more, and undoes all that is newer. So
 * commit may come twice for the same epoch, and must not mind. A file is simpler: its position is its
 * length, and it is cut to that when it is opened again.
 */

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
	/** What to save so that open can bring the outside back to the end of the epoch for which
	 *  prepare was called: asked when that gave WAX_PENDING or WAX_READY, with the items of no
	 *  later epoch written. Lends until the next call. NULL: items come again after a crash. */
	struct wax_bytes (*position)(void *part);
	/** Close a partition. ok is 1 when everything was flushed, 0 after a failure. */
	int (*close)(void *part, int ok, struct wax_err *err);
	void (*free)(void *sink);
	/** Which partition a key belongs to: a number in the order of the list, taken modulo
	 *  part_count. Called in every worker, and for one item more than once: it must depend on
	 *  the key alone. NULL: XXH3 of the key. */
	uint32_t (*part)(void *sink, struct wax_bytes key, uint32_t part_count);
	/** The epoch has ended, and write was called with all of its items: make sure that they
	 *  cannot be lost, whatever happens from now on. Where the run keeps no state it is not
	 *  called.
	 *  @return WAX_READY: done; WAX_BUSY: call again when woken, and write nothing before that;
	 *          WAX_PENDING: call again when woken, and items of the next epoch may be written
	 *          meanwhile; or a negative errno with a sentence in err
	 *  NULL: flush, until it gives WAX_READY, with no write in between. */
	int (*prepare)(void *part, uint64_t epoch, struct wax_err *err);
	/** All workers have saved the epoch: it will never be undone. May be called twice for one.
	 *  @return WAX_READY; WAX_BUSY: call again when woken; or a negative errno with a sentence.
	 *  NULL: there is nothing to do. */
	int (*commit)(void *part, uint64_t epoch, struct wax_err *err);
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
