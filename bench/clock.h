/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* For spans of some ten ns: a counter of the CPU where it has one. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	unsigned aux;
	return __builtin_ia32_rdtscp(&aux);
#else
	return clock_ns();
#endif
}

/** Length of a tick; measured once. */
double clock_tick_ns(void);

static inline void clock_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

#endif
