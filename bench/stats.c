/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double stats_quantile(double *values, uint32_t count, double share)
{
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(*values), compare);
	double at = share * (count - 1);
	uint32_t index = (uint32_t)at;
	if (index + 1 >= count)
		return values[count - 1];
	return values[index] + (at - index) * (values[index + 1] - values[index]);
}

double stats_median(double *values, uint32_t count)
{
	return stats_quantile(values, count, 0.5);
}
