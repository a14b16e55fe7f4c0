/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <math.h>

static uint64_t two = 2, thousand = 1000;

/* 5 2 7 0 of the even numbers, and the like of the odd ones. */
static const int wave[] = {5, -1, 2, 4, 7, -8, 0, 6};

WAX_MAP(to_i32, uint64_t, in, int32_t, out)
{
	*out = wave[*in];
}

WAX_MAP(to_u32, uint64_t, in, uint32_t, out)
{
	*out = (uint32_t)(wave[*in] + 10);
}

WAX_MAP(to_i64, uint64_t, in, int64_t, out)
{
	*out = wave[*in];
}

WAX_MAP(to_u64, uint64_t, in, uint64_t, out)
{
	*out = (uint64_t)wave[*in] + 10;
}

WAX_MAP(to_f64, uint64_t, in, double, out)
{
	*out = wave[*in] == 2 ? NAN : wave[*in] == -1 ? NAN : wave[*in] / 2.0;
}

#define FLOWS_OF(name)                                                                             \
	static void min_##name(struct wax_flow *flow)                                              \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 8, &two);                               \
                                                                                                   \
		up = wax_map_typed(up, "to", &to_##name);                                          \
		run_flow_output(wax_min_running(up, "m"), "%k:%v");                                \
	}                                                                                          \
	static void max_##name(struct wax_flow *flow)                                              \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 8, &two);                               \
                                                                                                   \
		up = wax_map_typed(up, "to", &to_##name);                                          \
		run_flow_output(wax_max_running(up, "m"), "%k:%v");                                \
	}

FLOWS_OF(i32)
FLOWS_OF(u32)
FLOWS_OF(i64)
FLOWS_OF(u64)
FLOWS_OF(f64)

Test(min_max_running, keeps_the_least_so_far)
{
	expect_order(min_i32, NULL, "0:5\n1:-1\n0:2\n1:-1\n0:2\n1:-8\n0:0\n1:-8\n");
	expect_order(min_i64, NULL, "0:5\n1:-1\n0:2\n1:-1\n0:2\n1:-8\n0:0\n1:-8\n");
	expect_order(min_u32, NULL, "0:15\n1:9\n0:12\n1:9\n0:12\n1:2\n0:10\n1:2\n");
	expect_order(min_u64, NULL, "0:15\n1:9\n0:12\n1:9\n0:12\n1:2\n0:10\n1:2\n");
}

Test(min_max_running, keeps_the_greatest_so_far)
{
	expect_order(max_i32, NULL, "0:5\n1:-1\n0:5\n1:4\n0:7\n1:4\n0:7\n1:6\n");
	expect_order(max_i64, NULL, "0:5\n1:-1\n0:5\n1:4\n0:7\n1:4\n0:7\n1:6\n");
	expect_order(max_u32, NULL, "0:15\n1:9\n0:15\n1:14\n0:17\n1:14\n0:17\n1:16\n");
	expect_order(max_u64, NULL, "0:15\n1:9\n0:15\n1:14\n0:17\n1:14\n0:17\n1:16\n");
}

Test(min_max_running, prefers_any_number_to_what_is_none)
{
	expect_order(min_f64, NULL, "0:2.5\n1:nan\n0:2.5\n1:2\n0:2.5\n1:-4\n0:0\n1:-4\n");
	expect_order(max_f64, NULL, "0:2.5\n1:nan\n0:2.5\n1:2\n0:3.5\n1:2\n0:3.5\n1:3\n");
}

/* Behind many items stands the best of all. */
static void many_min(struct wax_flow *flow)
{
	struct wax_stream up = wax_min_running(text_keyed_numbers(flow, 50000, &thousand), "m");

	run_flow_output(wax_min_final(up, "all", NULL, NULL), "%v");
}

static void many_max(struct wax_flow *flow)
{
	struct wax_stream up = wax_max_running(text_keyed_numbers(flow, 50000, &thousand), "m");

	run_flow_output(wax_max_final(up, "all", NULL, NULL), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_min_running(keyed_numbers(flow, 0, &two), "m"), "%v");
}

Test(min_max_running, takes_many_items_and_none)
{
	expect_sum(many_min, 1000, 499500);
	expect_sum(many_max, 1000, 499500 + UINT64_C(49000) * 1000);
	expect_output(none, "");
}

static void of_texts(struct wax_flow *flow)
{
	run_flow_output(wax_max_running(script(flow, "a1"), "m"), "%v");
}

Test(min_max_running, needs_numbers)
{
	expect_mistake(of_texts,
			"step \"flow.m\": its values are text, it takes int32_t, uint32_t, "
			"int64_t, "
			"uint64_t or double: use wax_stateful_map for others");
}
