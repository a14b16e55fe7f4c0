/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/samples.h"

#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/stats.h"

struct samples *samples(void)
{
	static struct samples *shared;
	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		BENCH_CHECK(shared != MAP_FAILED);
	}
	return shared;
}

void samples_clear(void)
{
	samples()->count = 0;
}

double samples_median(void)
{
	uint32_t count = samples()->count, warm = count / 10;
	return stats_median(samples()->values + warm, count - warm);
}
