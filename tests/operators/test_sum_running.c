/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/numbers_running.h"

FLOWS_OF(wax_sum_running)

Test(sum_running, adds_numbers_of_each_type)
{
	expect_order(of_i32, NULL, "0:-3\n1:-2\n0:-4\n1:-2\n0:-3\n");
	expect_order(of_u32, NULL,
			"0:3000000000\n1:3000000001\n0:6000000002\n1:6000000004\n0:9000000006\n");
	expect_order(of_i64, NULL, "0:-3\n1:-2\n0:-4\n1:-2\n0:-3\n");
	expect_order(of_u64, NULL, "0:0\n1:1\n0:2\n1:4\n0:6\n");
	expect_order(of_f64, NULL, "0:0\n1:0.25\n0:0.5\n1:1\n0:1.5\n");
}

WAX_MAP(to_least, uint64_t, in, int64_t, out)
{
	*out = *in ? -1 : INT64_MIN;
}

FLOW_OF(beyond_i64, to_least, wax_sum_running)

Test(sum_running, wraps_around)
{
	expect_order(beyond_i64, NULL,
			"0:-9223372036854775808\n1:-1\n0:9223372036854775807\n1:-2\n"
			"0:9223372036854775806\n");
}

static void largest(struct wax_flow *flow)
{
	struct wax_stream up = wax_sum_running(text_keyed_numbers(flow, 100000, &thousand), "s");

	run_flow_output(wax_max_final(up, "all", NULL, NULL), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_sum_running(keyed_numbers(flow, 0, &two), "s"), "%v");
}

/* The last sum is that of all, whatever came first. */
Test(sum_running, takes_many_items_and_none)
{
	expect_sum(largest, 1000, UINT64_C(50000) * 99999);
	expect_output(none, "");
}

static void of_texts(struct wax_flow *flow)
{
	run_flow_output(wax_sum_running(script(flow, "a1"), "s"), "%v");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_sum_running(numbers(flow, 5), "s"), "%v");
}

Test(sum_running, needs_keyed_numbers)
{
	expect_mistake(of_texts,
			"step \"flow.s\": its values are text, it takes int32_t, uint32_t, "
			"int64_t, "
			"uint64_t or double: use wax_stateful_map for others");
	expect_mistake(not_keyed,
			"step \"flow.s\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
