/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CLOCK_H
#define RUNTIME_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t wax_clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Time that only goes forward; about 20 ns to ask. */
static inline uint64_t wax_clock_monotonic(void)
{
	return wax_clock_ns(CLOCK_MONOTONIC);
}

/** What wax_test_clock_make makes: the wall clock of a run, in memory that its processes share. */
struct wax_test_clock {
	_Atomic int64_t now; /* ns since the Unix epoch */
};

/** ns since the Unix epoch. */
static inline int64_t wax_clock_wall(void)
{
	return (int64_t)wax_clock_ns(CLOCK_REALTIME);
}

#endif
