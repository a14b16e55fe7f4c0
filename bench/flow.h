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
	uint32_t slab_bytes;  /* where the command line names none; 0: chosen */
	const char *recovery; /* directory to keep state in, and to go on from; NULL: none */
	const char *interval; /* of epochs, "1s"; NULL: none */
};

struct flow_result {
	uint64_t called_ns;    /* CLOCK_MONOTONIC before anything was built */
	uint64_t ended_ns;     /* when the last process was gone */
	uint64_t cpu_ns;       /* of all workers */
	uint64_t shared_bytes; /* of the exchange: what was touched, and what it may take */
	uint64_t shared_bytes_max;

	/* Where state was kept: */
	uint64_t committed;   /* the last epoch */
	uint64_t save_ns_max; /* the longest that saving held a worker at a stretch */
	uint64_t load_ns_max; /* of the slowest worker */
	uint64_t keys_loaded;
	uint64_t log_bytes; /* written */
	uint64_t live_bytes;
};

struct flow_result flow_run(const struct flow_run *run);

/** The control page of the flow that runs, for benches of the runtime itself. */
struct wax_control *flow_control(void);

/** Emit so many items; add to made_sum what the sink will add to taken_sum. */
typedef void (*flow_make_fn)(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum);
/** The checksum of a batch. */
typedef uint64_t (*flow_sum_fn)(const struct wax_batch *batch);

/** The numbers from the seed on. */
void flow_make_numbers(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum);
uint64_t flow_sum_numbers(const struct wax_batch *batch);

/* ---- A source that makes items as fast as they are taken, until meter()->until_ns. It notes how
 *      far it is in the log of its worker. */

struct flow_items {
	const struct wax_type *type;
	flow_make_fn make;
	uint32_t per_call;  /* items a call of next; 0: 4096 */
	uint32_t round;     /* items in a round; 0: no rounds */
	uint32_t ahead;     /* rounds of a worker that may be under way */
	uint64_t count_max; /* in a worker; 0: until the time is over */
	bool single;        /* only in worker 0 */
	bool last_only;     /* only in the last worker */
	bool silent;        /* the sink notes the progress, not the source */
};

struct wax_source *flow_source(const struct flow_items *items);

/** A sink that takes a checksum of each batch. @param sum NULL: the number of items
 *  @param notes it notes the progress */
struct wax_sink *flow_sink(flow_sum_fn sum, bool notes);

#endif
