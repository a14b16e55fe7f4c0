/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CONNECTOR_H
#define RUNTIME_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/connector.h>

#include "runtime/loop.h"
#include "runtime/op.h"

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

struct wax_parts {
	char **names;
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

/** Names given by list; empty and doubled ones are refused by wax_parts_add. */
void wax_parts_init(struct wax_parts *parts, uint32_t worker_count);

/** One partition, or per-worker instance, that is open: what its callbacks see of the worker. */
struct wax_env {
	struct wax_op *op;
	const char *part;
	uint32_t batch_size; /* of wax_env_batch_size; 0: no limit */
	bool woken; /* call it, whatever it said before */
	struct wax_completion readiness; /* of wax_env_wake_on */
};

/** Free what wax_source_make or wax_sink_make made, and what it was made of. NULL is allowed. */
void wax_source_free(struct wax_source *source);
void wax_sink_free(struct wax_sink *sink);

/** Before the memory of an env goes: end what it waits for. */
void wax_env_fini(struct wax_env *env);

/** The clock that is turned by hand; NULL: the run has none. */
struct wax_test_clock *wax_env_clock(const struct wax_env *env);

/** The worker's event loop, for connectors of the library. Lends until close. */
struct wax_loop *wax_env_loop(struct wax_env *env);

#endif
