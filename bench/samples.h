/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdint.h>

/** Times of single events, in memory that forked processes share; one process adds. */
enum { SAMPLES_MAX = 1 << 16 };

struct samples {
	_Atomic uint32_t count;
	double values[SAMPLES_MAX];
};

/** The one of this program. */
struct samples *samples(void);
void samples_clear(void);

static inline void samples_add(struct samples *all, double value)
{
	if (all->count < SAMPLES_MAX)
		all->values[all->count++] = value;
}

/** The first tenth is not counted. NAN without samples. */
double samples_median(void);

#endif
