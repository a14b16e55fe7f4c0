/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/profile.h"

#include <errno.h>
#include <stdlib.h>

#include "shm/atomic.h"

enum {
	/* Waking for a look takes 13 to 19 us of CPU time in a virtual machine: 0.5% of one CPU. */
	INTERVAL_NS = 4 * 1000 * 1000,
	/* With more workers it is looked less often: at most 4,000 lines a second are fetched. */
	WORKERS_AT_ONCE = 16,
};

/* What a worker can be seen at: places in an array of its own, in this order: steps, sending on
 * edges, receiving on edges, and these. */
enum { RUNTIME, SPINNING, ASLEEP, OTHERS };

struct wax_profile {
	const struct wax_control *control;
	uint32_t sending; /* places of the first edges and of RUNTIME */
	uint32_t receiving;
	uint32_t others;
	uint32_t place_count;
	uint64_t looks;
	uint64_t looked_ns;
	uint64_t *ns; /* workers x places */
};

int wax_profile_make(const struct wax_control *control, uint64_t now_ns,
		struct wax_profile **ret_profile)
{
	struct wax_profile *profile = calloc(1, sizeof(*profile));

	if (!profile)
		return -ENOMEM;
	profile->control = control;
	profile->sending = control->step_count;
	profile->receiving = profile->sending + control->edge_count;
	profile->others = profile->receiving + control->edge_count;
	profile->place_count = profile->others + OTHERS;
	profile->looked_ns = now_ns;
	profile->ns = calloc(
			(size_t)control->worker_count * profile->place_count, sizeof(*profile->ns));
	if (!profile->ns) {
		wax_profile_free(profile);
		return -ENOMEM;
	}
	*ret_profile = profile;
	return 0;
}

void wax_profile_free(struct wax_profile *profile)
{
	if (!profile)
		return;
	free(profile->ns);
	free(profile);
}

int64_t wax_profile_interval_ns(uint32_t worker_count)
{
	return INTERVAL_NS * (int64_t)((worker_count + WORKERS_AT_ONCE - 1) / WORKERS_AT_ONCE);
}

/* ---- Looking */

/* All loads are relaxed: one that is a little older than the other is as likely as its contrary.
 * A worker may have written anything there. */
static uint32_t place_of(const struct wax_profile *profile, const struct wax_worker_record *record)
{
	uint32_t state = wax_load_relaxed(&record->state);
	uint32_t doing = wax_load_relaxed(&record->doing_now);
	uint32_t step = wax_load_relaxed(&record->step_now);
	uint32_t edge = doing & 0xffff;

	if (state != WAX_WORKER_STARTING &&
			(state != WAX_WORKER_RUNNING ||
					wax_load_relaxed(&record->turn_started_ns) == 0))
		return profile->others + ASLEEP;
	if (doing == WAX_DOING_STEPS && step < profile->control->step_count)
		return step;
	if (doing == WAX_DOING_SPINNING)
		return profile->others + SPINNING;
	if (doing - edge == WAX_DOING_SENDING && edge < profile->control->edge_count)
		return profile->sending + edge;
	if (doing - edge == WAX_DOING_RECEIVING && edge < profile->control->edge_count)
		return profile->receiving + edge;
	return profile->others + RUNTIME;
}

void wax_profile_look(struct wax_profile *profile, uint64_t now_ns)
{
	const struct wax_control *control = profile->control;
	uint64_t ns = now_ns - profile->looked_ns;

	for (uint32_t i = 0; i < control->worker_count; i++) {
		uint32_t place = place_of(profile, wax_control_worker(control, i));

		profile->ns[(size_t)i * profile->place_count + place] += ns;
	}
	profile->looked_ns = now_ns;
	profile->looks++;
}

/* ---- What was seen */

uint64_t wax_profile_looks(const struct wax_profile *profile)
{
	return profile->looks;
}

static const uint64_t *places_of(const struct wax_profile *profile, uint32_t worker)
{
	return profile->ns + (size_t)worker * profile->place_count;
}

static uint64_t sum(const uint64_t *ns, uint32_t from, uint32_t to)
{
	uint64_t all = 0;

	for (uint32_t i = from; i < to; i++)
		all += ns[i];
	return all;
}

uint64_t wax_profile_step_ns(const struct wax_profile *profile, uint32_t worker, uint32_t step)
{
	return places_of(profile, worker)[step];
}

struct wax_profile_edge wax_profile_edge(const struct wax_profile *profile, uint32_t edge)
{
	struct wax_profile_edge all = {0};

	for (uint32_t i = 0; i < profile->control->worker_count; i++) {
		all.sending_ns += places_of(profile, i)[profile->sending + edge];
		all.receiving_ns += places_of(profile, i)[profile->receiving + edge];
	}
	return all;
}

struct wax_profile_time wax_profile_worker(const struct wax_profile *profile, uint32_t worker)
{
	const uint64_t *ns = places_of(profile, worker);

	return (struct wax_profile_time){
			.steps_ns = sum(ns, 0, profile->sending),
			.sending_ns = sum(ns, profile->sending, profile->receiving),
			.receiving_ns = sum(ns, profile->receiving, profile->others),
			.runtime_ns = ns[profile->others + RUNTIME],
			.spinning_ns = ns[profile->others + SPINNING],
			.asleep_ns = ns[profile->others + ASLEEP],
	};
}

struct wax_profile_time wax_profile_all(const struct wax_profile *profile)
{
	struct wax_profile_time all = {0};

	for (uint32_t i = 0; i < profile->control->worker_count; i++) {
		struct wax_profile_time one = wax_profile_worker(profile, i);

		all.steps_ns += one.steps_ns;
		all.sending_ns += one.sending_ns;
		all.receiving_ns += one.receiving_ns;
		all.runtime_ns += one.runtime_ns;
		all.spinning_ns += one.spinning_ns;
		all.asleep_ns += one.asleep_ns;
	}
	return all;
}
