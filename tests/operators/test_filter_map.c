/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int even_plus_one(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) + 1;

	(void)ctx;
	return number % 2 ? wax_emit(out, &number, sizeof(number)) : 0;
}

#define FLOW_WITH(name, count, type, callback)                                                     \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_filter_map(numbers(flow, count), "f", type, callback, NULL),   \
				"%v");                                                             \
	}

FLOW_WITH(evens, 6, WAX_U64, even_plus_one)
FLOW_WITH(many, 100000, WAX_U64, even_plus_one)
FLOW_WITH(nothing, 5000, WAX_U64, emit_none)
FLOW_WITH(of_none, 0, WAX_U64, even_plus_one)
FLOW_WITH(to_texts, 3, WAX_TEXT, to_text)

Test(filter_map, makes_one_or_none_of_each)
{
	expect_output(evens, "1\n3\n5\n");
	expect_output(nothing, "");
	expect_output(of_none, "");
	expect_output(to_texts, "0\n1\n2\n");
	expect_sum(many, 50000, UINT64_C(2500000000));
	expect_sum_of(many, 8, NULL, 50000, UINT64_C(2500000000));
}

static int twice_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_twice(out, item, ctx) : 0;
}

FLOW_WITH(emits_twice, 5, WAX_U64, twice_at_3)
FLOW_WITH(fails, 5, WAX_U64, fail_at_3)

Test(filter_map, must_not_emit_two)
{
	expect_failure(emits_twice, "flow.f", "3", "emitted 2 items, must be at most 1");
}

Test(filter_map, tells_why_a_callback_failed)
{
	expect_failure(fails, "flow.f", "3", "3 is not liked");
}

FLOW_WITH(without_callback, 5, WAX_U64, NULL)

Test(filter_map, needs_a_callback)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
}
