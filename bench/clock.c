/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/clock.h"

double clock_tick_ns(void)
{
	static double tick_ns;
	if (tick_ns > 0)
		return tick_ns;
	uint64_t from_ns = clock_ns(), from = clock_ticks();
	while (clock_ns() - from_ns < 20 * 1000 * 1000)
		;
	uint64_t ticks = clock_ticks() - from;
	return tick_ns = (double)(clock_ns() - from_ns) / (double)ticks;
}
