/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_PACE_H
#define CONNECTORS_PACE_H

#include <stdint.h>

#include <wax/err.h>

/*
 * When the items of a made-up source are due. It is a schedule and no pause between items: item i
 * of all workers is due i / rate after the start, however long others took, so the rate holds on
 * average and a source that was held up catches up. Pure: the time comes in with each call.
 */
struct wax_pace {
	double period_ns; /* between two items of this worker; 0: all are due at once */
	double phase_ns;  /* of its first: workers take turns */
	int64_t start;    /* 0: not yet */
	uint64_t done;
};

/**
 * @param rate         items per second over all workers; 0: no limit
 * @param worker       in [0, worker_count): item worker + k * worker_count is its k-th
 * @return 0; -EINVAL: rate is negative or no number
 */
int wax_pace_init(struct wax_pace *pace, double rate, uint32_t worker, uint32_t worker_count,
		struct wax_err *err);

/** How many of the next `most` items are due. The first call starts the clock. */
uint64_t wax_pace_due(struct wax_pace *pace, int64_t now, uint64_t most);

/** So many were emitted. */
void wax_pace_advance(struct wax_pace *pace, uint64_t count);

/**
 * When to ask again, ns since the Unix epoch; valid after wax_pace_due. The time at which the next
 * item is due; of items less than a millisecond apart, the next full millisecond.
 */
int64_t wax_pace_next(const struct wax_pace *pace);

#endif
