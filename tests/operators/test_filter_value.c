/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, seven = 7;

static void odd(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 9, &three);

	run_flow_output(wax_filter_value(up, "f", is_odd, NULL), "%k:%v");
}

static void of_none(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 0, &three);

	run_flow_output(wax_filter_value(up, "f", is_odd, NULL), "%k:%v");
}

Test(filter_value, keeps_keys_with_their_values)
{
	expect_output(odd, "0:3\n1:1\n1:7\n2:5\n");
	expect_output(of_none, "");
}

static int is_of_b(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return *(const char *)item->key.data == 'b';
}

static void of_b(struct wax_flow *flow)
{
	run_flow_output(wax_filter_value(script(flow, "b1 a2 | b3"), "f", is_of_b, NULL), "%k:%v");
}

Test(filter_value, sees_the_key_too)
{
	expect_output(of_b, "b:1\nb:3\n");
}

static void stays_by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 700, &seven), "deal", WAX_DEAL_KEYS);

	run_flow_output(wax_count_final(wax_filter_value(up, "f", is_odd, NULL), "count"), "%k:%v");
}

Test(filter_value, leaves_items_where_their_key_is)
{
	expect_output(stays_by_key, "0:50\n1:50\n2:50\n3:50\n4:50\n5:50\n6:50\n");
}

static void answers_7(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 5, &three);

	run_flow_output(wax_filter_value(up, "f", answer_7_at_3, NULL), "%v");
}

Test(filter_value, must_be_answered_yes_or_no)
{
	expect_failure(answers_7, "flow.f", "0 => 3", "answered 7, must be 1 (yes) or 0 (no)");
}

static void without_callback(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 5, &three);

	run_flow_output(wax_filter_value(up, "f", NULL, NULL), "%v");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_filter_value(numbers(flow, 5), "f", is_odd, NULL), "%v");
}

Test(filter_value, needs_a_keyed_stream_and_a_callback)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
	expect_mistake(not_keyed,
			"step \"flow.f\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
