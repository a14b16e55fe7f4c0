/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_OPERATORS_NUMBERS_RUNNING_H
#define TESTS_OPERATORS_NUMBERS_RUNNING_H

#include "tests/operators/flows.h"

/* Five numbers of each type, of two keys. */

static uint64_t two = 2, thousand = 1000;

WAX_MAP(to_i32, uint64_t, in, int32_t, out)
{
	*out = (int32_t)*in - 3;
}

WAX_MAP(to_u32, uint64_t, in, uint32_t, out)
{
	*out = (uint32_t)*in + 3000000000u;
}

WAX_MAP(to_i64, uint64_t, in, int64_t, out)
{
	*out = (int64_t)*in - 3;
}

WAX_MAP(to_f64, uint64_t, in, double, out)
{
	*out = (double)*in / 4;
}

/* A flow that gives what `running` makes of them. */
#define FLOW_OF(name, kernel, running)                                                             \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 5, &two);                               \
                                                                                                   \
		up = wax_map_typed(up, "to", &kernel);                                             \
		run_flow_output(running(up, "r"), "%k:%v");                                        \
	}

#define FLOWS_OF(running)                                                                          \
	FLOW_OF(of_i32, to_i32, running)                                                           \
	FLOW_OF(of_u32, to_u32, running)                                                           \
	FLOW_OF(of_i64, to_i64, running)                                                           \
	FLOW_OF(of_f64, to_f64, running)                                                           \
	static void of_u64(struct wax_flow *flow)                                                  \
	{                                                                                          \
		run_flow_output(running(keyed_numbers(flow, 5, &two), "r"), "%k:%v");              \
	}

#endif
