/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, seven = 7;

static int even_plus_1(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item), next = number + 1;

	(void)ctx;
	return number % 2 ? 0 : wax_emit(out, &next, sizeof(next));
}

static void evens(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 6, &seven);

	run_flow_output(wax_filter_map_value(up, "f", WAX_U64, even_plus_1, NULL), "%k:%v");
}

static void of_none(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 0, &seven);

	run_flow_output(wax_filter_map_value(up, "f", WAX_U64, even_plus_1, NULL), "%k:%v");
}

Test(filter_map_value, keeps_what_is_emitted_with_its_key)
{
	expect_output(evens, "0:1\n2:3\n4:5\n");
	expect_output(of_none, "");
}

static int longer_ones(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return item->value.bytes > 1 ? wax_emit(out, item->value.data, item->value.bytes) : 0;
}

static void of_variable(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "b1 a22 | b33 c");

	run_flow_output(wax_filter_map_value(up, "f", WAX_TEXT, longer_ones, NULL), "%k:%v");
}

Test(filter_map_value, takes_variable_items)
{
	expect_output(of_variable, "a:22\nb:33\n");
}

static void stays_by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 700, &seven), "deal", WAX_DEAL_KEYS);

	up = wax_filter_map_value(up, "f", WAX_U64, even_plus_1, NULL);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(filter_map_value, leaves_items_where_their_key_is)
{
	expect_output(stays_by_key, "0:50\n1:50\n2:50\n3:50\n4:50\n5:50\n6:50\n");
}

#define FLOW_WITH(name, callback)                                                                  \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 5, &two);                               \
                                                                                                   \
		run_flow_output(wax_filter_map_value(up, "f", WAX_U64, callback, NULL), "%v");     \
	}

static int twice_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_twice(out, item, ctx) : 0;
}

FLOW_WITH(emits_twice, twice_at_3)
FLOW_WITH(fails, fail_at_3)
FLOW_WITH(without_callback, NULL)

Test(filter_map_value, must_emit_one_or_none)
{
	expect_failure(emits_twice, "flow.f", "1 => 3", "emitted 2 items, must be at most 1");
	expect_failure(fails, "flow.f", "1 => 3", "3 is not liked");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_filter_map_value(numbers(flow, 5), "f", WAX_U64, emit_same, NULL),
			"%v");
}

Test(filter_map_value, needs_a_keyed_stream_and_a_callback)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
	expect_mistake(not_keyed,
			"step \"flow.f\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
