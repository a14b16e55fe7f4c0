/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int mark(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char text[32];
	int bytes = sprintf(text, "%s %" PRIu64, (const char *)ctx, number_of(item));

	return wax_emit(out, text, (size_t)bytes);
}

static void split(struct wax_stream up, wax_test_fn test)
{
	struct wax_branches sides = wax_branch(up, "b", test, NULL);
	struct wax_stream both[] = {
			wax_map(sides.trues, "trues", WAX_TEXT, mark, (void *)"true"),
			wax_map(sides.falses, "falses", WAX_TEXT, mark, (void *)"false"),
	};

	run_flow_output(wax_merge("both", both, 2), "%v");
}

static void by_oddness(struct wax_flow *flow)
{
	split(numbers(flow, 5), is_odd);
}

Test(branch, sends_each_item_one_way)
{
	expect_output(by_oddness, "false 0\nfalse 2\nfalse 4\ntrue 1\ntrue 3\n");
	expect_order(by_oddness, NULL, "true 1\ntrue 3\nfalse 0\nfalse 2\nfalse 4\n");
}

static void all_true(struct wax_flow *flow)
{
	split(numbers(flow, 2), answer_yes);
}

static void all_false(struct wax_flow *flow)
{
	split(numbers(flow, 2), answer_no);
}

static void of_none(struct wax_flow *flow)
{
	split(numbers(flow, 0), is_odd);
}

Test(branch, may_leave_a_side_empty)
{
	expect_output(all_true, "true 0\ntrue 1\n");
	expect_output(all_false, "false 0\nfalse 1\n");
	expect_output(of_none, "");
}

static void one_side_unused(struct wax_flow *flow)
{
	run_flow_output(wax_branch(numbers(flow, 5), "b", is_odd, NULL).falses, "%v");
}

Test(branch, drops_a_side_that_nobody_takes)
{
	expect_output(one_side_unused, "0\n2\n4\n");
}

static int first_is_even(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return *(const char *)item->value.data % 2 == 0;
}

static uint64_t two = 2;

static void variable(struct wax_flow *flow)
{
	run_flow_output(wax_branch(texts(flow, 30), "b", first_is_even, NULL).trues, "%v");
}

static void keyed(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 5, &two);

	run_flow_output(wax_branch(up, "b", is_odd, NULL).trues, "%k:%v");
}

Test(branch, takes_variable_and_keyed_items)
{
	expect_output(variable, "0\n2\n20\n21\n22\n23\n24\n25\n26\n27\n28\n29\n4\n6\n8\n");
	expect_output(keyed, "1:1\n1:3\n");
}

static void many(struct wax_flow *flow)
{
	split(numbers(flow, 50000), is_odd);
}

Test(branch, takes_many_batches)
{
	expect_sum(many, 50000, UINT64_C(1249975000));
	expect_sum_of(many, 8, NULL, 50000, UINT64_C(1249975000));
}

static void answers_7(struct wax_flow *flow)
{
	split(numbers(flow, 5), answer_7_at_3);
}

static void answers_an_errno(struct wax_flow *flow)
{
	split(numbers(flow, 5), answer_an_errno_at_3);
}

Test(branch, must_be_answered_yes_or_no)
{
	expect_failure(answers_7, "flow.b", "3", "answered 7, must be 1 (yes) or 0 (no)");
	expect_failure(answers_an_errno, "flow.b", "3", "the callback failed: Invalid argument");
}

static void without_callback(struct wax_flow *flow)
{
	split(numbers(flow, 5), NULL);
}

Test(branch, needs_a_callback)
{
	expect_mistake(without_callback, "step \"flow.b\": its callback is NULL");
}
