/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_PROFILE_H
#define LAUNCHER_PROFILE_H

#include <stdint.h>

#include <wax/err.h>

#include "shm/control.h"

/*
 * Where the time of the workers goes, for --profile. Workers always say what they do, in their
 * records; the launcher looks now and then, and the time since the look before counts as spent on
 * what is seen. docs/design/profile.md says why not the workers measure it.
 */

/** Time of a worker, or of several, as it was seen, in ns. The six add up to all of it. */
struct wax_profile_time {
	uint64_t steps_ns;     /* in steps: callbacks, and what they emit */
	uint64_t sending_ns;   /* on exchanges: routing, copying, sending */
	uint64_t receiving_ns; /* on exchanges: taking, checking, giving back */
	uint64_t runtime_ns;   /* what the runtime has to do besides */
	uint64_t spinning_ns;  /* looking for work before sleep */
	uint64_t asleep_ns;    /* asleep, or gone already */
};

/** Time on an exchange, of all workers. */
struct wax_profile_edge {
	uint64_t sending_ns;
	uint64_t receiving_ns;
};

struct wax_profile;

/**
 * @param control     borrows until wax_profile_free
 * @param now_ns      CLOCK_MONOTONIC, as in wax_profile_look: nothing was spent before
 * @param ret_profile gives; release with wax_profile_free
 * @return 0 or -ENOMEM
 */
int wax_profile_make(const struct wax_control *control, uint64_t now_ns,
		struct wax_profile **ret_profile);
/** NULL is allowed. */
void wax_profile_free(struct wax_profile *profile);

/** How long to wait from one look to the next, in ns on average: looks at many workers take long. */
int64_t wax_profile_interval_ns(uint32_t worker_count);

/** See what each worker does. A cache line is fetched from each. */
void wax_profile_look(struct wax_profile *profile, uint64_t now_ns);

/** How often it was looked. */
uint64_t wax_profile_looks(const struct wax_profile *profile);

/** Time that a worker spent in a step. */
uint64_t wax_profile_step_ns(const struct wax_profile *profile, uint32_t worker, uint32_t step);
struct wax_profile_edge wax_profile_edge(const struct wax_profile *profile, uint32_t edge);
struct wax_profile_time wax_profile_worker(const struct wax_profile *profile, uint32_t worker);
/** The sum over workers. */
struct wax_profile_time wax_profile_all(const struct wax_profile *profile);

/** The sum of all that it is divided into. */
static inline uint64_t wax_profile_total_ns(const struct wax_profile_time *time)
{
	return time->steps_ns + time->sending_ns + time->receiving_ns + time->runtime_ns +
			time->spinning_ns + time->asleep_ns;
}

#endif
