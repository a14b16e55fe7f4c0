/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/pace.h"

#include <errno.h>
#include <math.h>

int wax_pace_init(struct wax_pace *pace, double rate, uint32_t worker, uint32_t worker_count,
		struct wax_err *err)
{
	if (!(rate >= 0))
		return wax_err_set(err, -EINVAL,
				"a rate of %g items per second: give a positive number, or 0 for "
				"as fast as they are taken",
				rate);

	*pace = (struct wax_pace){0};
	if (rate > 0) {
		/* Centuries are long enough, and can be multiplied. */
		double apart_ns = 1e9 / rate < 1e19 ? 1e9 / rate : 1e19;

		pace->period_ns = apart_ns * worker_count;
		pace->phase_ns = apart_ns * worker;
	}
	return 0;
}

/* Waking up costs about 10 us: faster items come a few together. */
#define TICK_NS 1e6

static double due_after(const struct wax_pace *pace)
{
	return pace->phase_ns + (double)pace->done * pace->period_ns;
}

static int64_t time_at(const struct wax_pace *pace, double after_ns)
{
	/* So slow that it is never due; a conversion would be out of range. */
	if (after_ns >= (double)(WAX_NEVER - pace->start))
		return WAX_NEVER;
	return pace->start + (int64_t)after_ns;
}

int64_t wax_pace_next(const struct wax_pace *pace)
{
	double after_ns = due_after(pace);

	if (pace->period_ns < TICK_NS)
		after_ns = ceil(after_ns / TICK_NS) * TICK_NS;
	return time_at(pace, after_ns);
}

uint64_t wax_pace_due(struct wax_pace *pace, int64_t now, uint64_t most)
{
	double due;

	if (pace->period_ns == 0)
		return most;
	if (pace->start == 0)
		pace->start = now;
	if (most == 0 || time_at(pace, due_after(pace)) > now)
		return 0;

	/* Of items 0 ... due - 1; at least the one above, however the division was rounded. */
	due = ((double)(now - pace->start) - pace->phase_ns) / pace->period_ns + 1;
	due -= (double)pace->done;
	if (due < 2)
		return 1;
	return due < (double)most ? (uint64_t)due : most;
}

void wax_pace_advance(struct wax_pace *pace, uint64_t count)
{
	pace->done += count;
}
