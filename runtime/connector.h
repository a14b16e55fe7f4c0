/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CONNECTOR_H
#define RUNTIME_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/connector.h>

#include "runtime/loop.h"
#include "runtime/op.h"
#include "runtime/room.h"

/* What wax_source_make and wax_sink_make made, and the surroundings of an open partition. */

struct wax_source {
	struct wax_source_ops ops; /* a copy: fields that the flow does not know are NULL */
	const struct wax_type *type;
	void *source;
	const char *label;
	uint32_t batch_size; /* items of a batch at most; 0: as many as it gives */
	double rate;         /* items per second over all workers; 0: no limit */
};

struct wax_sink {
	struct wax_sink_ops ops;
	const struct wax_type *type;
	void *sink;
	const char *label;
	const char *format; /* NULL: the default of the stream */
	bool formats;       /* items are turned into text first */
};

/** A position that an earlier run has saved. Borrowed from where it was read. */
struct wax_saved_part {
	uint32_t instance; /* of a source or sink per worker */
	struct wax_bytes name;
	struct wax_bytes position;
};

/** What an earlier run has saved of one source or sink. */
struct wax_saved_parts {
	struct wax_saved_part *parts; /* in the order of names, then of instances */
	uint32_t count;
	uint32_t worker_count; /* of that run; not all of them need have saved an instance */
};

struct wax_parts {
	char **names;
	struct wax_bytes *
			positions; /* of each: where it begins; data NULL: at the beginning. Owned */
	const struct wax_saved_parts *saved; /* NULL: nothing is gone on from */
	char *saved_name;                    /* lent by wax_parts_saved_name */
	bool looked;                         /* list has looked at what was saved, and decides */
	uint32_t *index; /* open addressing, twice as large as names: 1 + where a name stands */
	uint32_t count;
	uint32_t capacity; /* of names; a power of two */
	uint32_t worker_count;
};

void wax_parts_fini(struct wax_parts *parts);

/**
 * In next of a source: hand on a batch that lies in the source's own memory, without a copy.
 *
 * @param batch borrows until return
 * @return 0; negative when a step downstream failed: give that back
 */
int wax_source_lend(struct wax_out *out, const struct wax_batch *batch);

/** Names given by list; empty and doubled ones are refused by wax_parts_add.
 *  @param saved borrows until wax_parts_fini; NULL: nothing */
void wax_parts_init(struct wax_parts *parts, uint32_t worker_count,
		const struct wax_saved_parts *saved);

/** Behind list: those that were saved and are not listed. @return 0; -ESTALE with a sentence */
int wax_parts_check_saved(const struct wax_parts *parts, struct wax_err *err);

/** What was saved of an instance of a source or sink per worker. @return data NULL: nothing */
struct wax_bytes wax_parts_saved_instance(const struct wax_parts *parts, uint32_t instance);

/** One partition, or per-worker instance, that is open: what its callbacks see of the worker. */
struct wax_env {
	struct wax_op *op;
	const char *part;
	uint32_t instance;               /* of wax_env_instance */
	uint32_t batch_size;             /* of wax_env_batch_size; 0: no limit */
	bool woken;                      /* call it, whatever it said before */
	struct wax_completion readiness; /* of wax_env_wake_on */
};

/** Copy what a source or sink has lent as its position. @param bytes data NULL: none, which is a room
 *  without data @return 0 or -ENOMEM */
int wax_position_set(struct wax_room *position, struct wax_bytes bytes);

/**
 * Add the position of a partition to what is saved of an epoch; none is added where there is none.
 *
 * @param position borrows until it is saved
 */
int wax_env_add_position(const struct wax_env *env, const struct wax_room *position,
		struct wax_positions *to);

/** Free what wax_source_make or wax_sink_make made, and what it was made of. NULL is allowed. */
void wax_source_free(struct wax_source *source);
void wax_sink_free(struct wax_sink *sink);

/** Before the memory of an env goes: end what it waits for. */
void wax_env_fini(struct wax_env *env);

/** The clock that is turned by hand; NULL: the run has none. */
struct wax_test_clock *wax_env_clock(const struct wax_env *env);

/** Of a source or sink per worker: has the run that this one goes on from saved a position of that
 *  instance? */
bool wax_env_is_saved(const struct wax_env *env, uint32_t instance);

/** The worker's event loop, for connectors of the library. Lends until close. */
struct wax_loop *wax_env_loop(struct wax_env *env);

#endif
