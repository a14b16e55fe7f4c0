/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/wax.h>

/** Run a flow with real workers, as waxrun does; dies with its sentence when it fails. */
struct flow_run {
	void (*build)(struct wax_flow *flow);
	uint32_t procs;
};

struct flow_result {
	uint64_t called_ns; /* CLOCK_MONOTONIC before anything was built */
	uint64_t ended_ns;  /* when the last process was gone */
	uint64_t rss_kib;   /* of all workers, at most */
	uint64_t preempted; /* of all workers */
};

struct flow_result flow_run(const struct flow_run *run);

/* ---- A source that makes items as fast as they are taken, until meter()->until_ns. It notes how
 *      far it is in the log of its worker. */

struct flow_items {
	const struct wax_type *type;
	/** Emit so many items; add to made_sum what the sink will add to taken_sum. */
	void (*make)(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum);
	uint32_t per_call;  /* items a call of next; 0: 4096 */
	uint64_t count_max; /* in a worker; 0: until the time is over */
	bool single;        /* only in worker 0 */
	bool silent;        /* the sink notes the progress, not the source */
};

struct wax_source *flow_source(const struct flow_items *items);

/** A sink that takes a checksum of each batch. @param sum NULL: the number of items
 *  @param notes it notes the progress */
struct wax_sink *flow_sink(uint64_t (*sum)(const struct wax_batch *batch), bool notes);

#endif
