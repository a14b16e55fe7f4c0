/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t one = 1, two = 2, thousand = 1000;

static void counts(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(keyed_numbers(flow, 5, &two), "c"), "%k:%v");
}

Test(count_running, counts_up_for_each_key)
{
	expect_output(counts, "0:1\n0:2\n0:3\n1:1\n1:2\n");
	expect_order(counts, NULL, "0:1\n1:1\n0:2\n1:2\n0:3\n");
}

static void of_variable(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(script(flow, "bxy a | b bz"), "c"), "%k:%v");
}

Test(count_running, takes_keys_and_values_of_any_type)
{
	expect_output(of_variable, "a:1\nb:1\nb:2\nb:3\n");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(keyed_numbers(flow, 0, &two), "c"), "%k:%v");
}

static void one_key(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(text_keyed_numbers(flow, 30000, &one), "c"), "%v");
}

static void many_keys(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(keyed_numbers(flow, 100000, &thousand), "c"), "%v");
}

static const struct run_flow_options narrow = {
		.slab = "512", .exchange_mem = "1M", .interval = "1ms"};

/* 1 + 2 + ... of each key, whatever the order. */
Test(count_running, takes_many_items_and_none)
{
	expect_output(none, "");
	expect_sum(one_key, 30000, UINT64_C(15000) * 30001);
	expect_sum(many_keys, 100000, 1000 * UINT64_C(50) * 101);
	expect_sum_of(many_keys, 3, &narrow, 100000, 1000 * UINT64_C(50) * 101);
}

/* The keys stay where they are: the second count needs no exchange. */
static void twice(struct wax_flow *flow)
{
	struct wax_stream up = wax_count_running(keyed_numbers(flow, 6, &two), "first");

	run_flow_output(wax_count_final(up, "second"), "%k:%v");
}

Test(count_running, leaves_items_where_their_key_is)
{
	expect_output(twice, "0:3\n1:3\n");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_count_running(numbers(flow, 5), "c"), "%v");
}

Test(count_running, needs_a_keyed_stream)
{
	expect_mistake(not_keyed,
			"step \"flow.c\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
