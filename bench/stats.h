/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stdint.h>

/** These sort what they are given. NAN when there is none. */
double stats_median(double *values, uint32_t count);
/** @param share in [0, 1] */
double stats_quantile(double *values, uint32_t count, double share);

#endif
