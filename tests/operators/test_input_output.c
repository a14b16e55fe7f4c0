/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2;

static void plain(struct wax_flow *flow)
{
	run_flow_output(numbers(flow, 3), NULL);
}

static void keyed(struct wax_flow *flow)
{
	run_flow_output(keyed_numbers(flow, 3, &two), NULL);
}

static void nothing(struct wax_flow *flow)
{
	run_flow_output(numbers(flow, 0), NULL);
}

Test(output, writes_all_items_of_all_workers)
{
	expect_output(plain, "0\n1\n2\n");
	expect_output(keyed, "0\t0\n0\t2\n1\t1\n");
	expect_output(nothing, "");
	expect_output_of(plain, 8, NULL, "0\n1\n2\n");
}

/* What nobody reads is thrown away; other readers do not mind. */
static void fan_out(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 3);

	wax_map(up, "unread", WAX_TEXT, to_text, NULL);
	wax_output(up, "null", wax_null());
	run_flow_output(up, "%v");
}

Test(output, is_one_reader_of_several)
{
	expect_output(fan_out, "0\n1\n2\n");
}

static void two_inputs(struct wax_flow *flow)
{
	wax_output(numbers(flow, 2000), "null", wax_null());
	run_flow_output(wax_input(flow, "others", wax_numbers_single(2, 0)), "%v");
}

Test(input, may_be_one_of_several_flows_side_by_side)
{
	expect_output(two_inputs, "0\n1\n");
}

static void no_source(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "in", NULL), "%v");
}

static void no_sink(struct wax_flow *flow)
{
	wax_output(numbers(flow, 1), "out", NULL);
}

static void no_output(struct wax_flow *flow)
{
	numbers(flow, 1);
}

static void empty(struct wax_flow *flow)
{
	(void)flow;
}

Test(input, needs_a_source)
{
	struct run_flow_result result = run_flow(no_source, 1, NULL);

	cr_assert_eq(result.status, 3);
	cr_assert_not_null(strstr(result.sentence, "step \"flow.in\": "), "%s", result.sentence);
	run_flow_free(&result);
}

Test(output, needs_a_sink)
{
	struct run_flow_result result = run_flow(no_sink, 1, NULL);

	cr_assert_eq(result.status, 3);
	cr_assert_not_null(strstr(result.sentence, "step \"flow.out\": "), "%s", result.sentence);
	run_flow_free(&result);
}

Test(output, is_needed_as_is_an_input)
{
	expect_mistake(no_output,
			"the flow has no output: it needs at least one wax_output or "
			"wax_inspect");
	expect_mistake(empty,
			"the flow has no input: it needs at least one wax_input\n"
			"the flow has no output: it needs at least one wax_output or "
			"wax_inspect");
}
