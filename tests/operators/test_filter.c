/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static void odd(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 6), "f", is_odd, NULL), "%v");
}

Test(filter, keeps_what_is_answered_yes)
{
	expect_output(odd, "1\n3\n5\n");
	expect_order(odd, NULL, "1\n3\n5\n");
}

static void all(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 3), "f", answer_yes, NULL), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 30000), "f", answer_no, NULL), "%v");
}

static void empty(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 0), "f", is_odd, NULL), "%v");
}

Test(filter, keeps_all_or_none)
{
	expect_output(all, "0\n1\n2\n");
	expect_output(none, "");
	expect_output(empty, "");
}

static int ends_in_7(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return ((const char *)item->value.data)[item->value.bytes - 1] == '7';
}

static void variable(struct wax_flow *flow)
{
	run_flow_output(wax_filter(texts(flow, 30), "f", ends_in_7, NULL), "%v");
}

Test(filter, keeps_variable_items)
{
	expect_output(variable, "17\n27\n7\n");
}

static uint64_t three = 3;

static void keyed(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 9, &three);

	run_flow_output(wax_filter(up, "f", is_odd, NULL), "%k:%v");
}

Test(filter, keeps_keys_with_their_values)
{
	expect_output(keyed, "0:3\n1:1\n1:7\n2:5\n");
}

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 100000), "f", is_odd, NULL), "%v");
}

Test(filter, takes_many_batches)
{
	expect_sum(many, 50000, UINT64_C(2500000000));
	expect_sum_of(many, 8, NULL, 50000, UINT64_C(2500000000));
}

static void answers_7(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 5), "f", answer_7_at_3, NULL), "%v");
}

static void answers_an_errno(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 5), "f", answer_an_errno_at_3, NULL), "%v");
}

static void answers_why_not(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 5), "f", answer_why_not_at_3, NULL), "%v");
}

Test(filter, tells_why_a_callback_failed)
{
	expect_failure(answers_why_not, "flow.f", "3", "3 is not liked");
}

Test(filter, must_be_answered_yes_or_no)
{
	expect_failure(answers_7, "flow.f", "3", "answered 7, must be 1 (yes) or 0 (no)");
	expect_failure(answers_an_errno, "flow.f", "3", "the callback failed: Invalid argument");
}

static void keyed_7(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 5, &three);

	run_flow_output(wax_filter(up, "f", answer_7_at_3, NULL), "%v");
}

Test(filter, names_the_key_of_a_keyed_item)
{
	expect_failure(keyed_7, "flow.f", "0 => 3", "answered 7, must be 1 (yes) or 0 (no)");
}

static void without_callback(struct wax_flow *flow)
{
	run_flow_output(wax_filter(numbers(flow, 5), "f", NULL, NULL), "%v");
}

Test(filter, needs_a_callback)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
}
