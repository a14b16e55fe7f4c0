/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/histogram.h"

#include <math.h>

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram->counts[i] += other->counts[i];
}

/* The middle of a bucket. From the second octave on only the upper half of the steps is in use. */
static double bucket_ns(uint32_t bucket)
{
	uint32_t octave = bucket / HISTOGRAM_STEPS, step = bucket % HISTOGRAM_STEPS;
	return octave == 0 ? step : ldexp(step + 0.5, (int)octave);
}

double histogram_quantile(const struct histogram *histogram, double share)
{
	uint64_t total = 0, seen = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += histogram->counts[i];
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen > 0 && (double)seen >= share * (double)total)
			return bucket_ns(i);
	}
	return NAN;
}
