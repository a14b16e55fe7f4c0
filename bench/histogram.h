/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/*
 * How often which time occurred, to 1 part in 32, whatever the time. All zero is empty. One process
 * adds; others read when it is done.
 */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_STEPS };

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *histogram, uint64_t ns)
{
	uint32_t octave = ns < HISTOGRAM_STEPS ? 0 : 58 - (uint32_t)__builtin_clzll(ns);
	uint64_t bucket = octave * (uint64_t)HISTOGRAM_STEPS + (ns >> octave);
	histogram->counts[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
}

/** Add all of another. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/** The time that this share of the events did not exceed; NAN when there were none. */
double histogram_quantile(const struct histogram *histogram, double share);

#endif
