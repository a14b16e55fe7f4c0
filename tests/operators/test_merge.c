/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int plus(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) + *(const uint64_t *)ctx;

	return wax_emit(out, &number, sizeof(number));
}

static uint64_t ten = 10, hundred = 100;

static void three(struct wax_flow *flow)
{
	struct wax_stream ones = numbers(flow, 2);
	struct wax_stream ups[] = {
			ones,
			wax_map(ones, "tens", WAX_U64, plus, &ten),
			wax_map(wax_input(flow, "more", wax_numbers_single(2, 0)), "hundreds",
					WAX_U64, plus, &hundred),
	};

	run_flow_output(wax_merge("m", ups, 3), "%v");
}

Test(merge, gives_all_items_of_all_streams)
{
	expect_output(three, "0\n1\n10\n100\n101\n11\n");
}

static void one(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 2);

	run_flow_output(wax_merge("m", &up, 1), "%v");
}

static void twice(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 2), ups[] = {up, up};

	run_flow_output(wax_merge("m", ups, 2), "%v");
}

Test(merge, takes_one_stream_and_one_stream_twice)
{
	expect_output(one, "0\n1\n");
	expect_output(twice, "0\n0\n1\n1\n");
}

static void with_an_empty_one(struct wax_flow *flow)
{
	struct wax_stream ups[] = {
			numbers(flow, 0), wax_input(flow, "more", wax_numbers_single(2, 0))};

	run_flow_output(wax_merge("m", ups, 2), "%v");
}

Test(merge, takes_a_stream_without_items)
{
	expect_output(with_an_empty_one, "0\n1\n");
}

static uint64_t two = 2;

/* One of the streams comes through an exchange, the other does not. */
static void of_levels(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 20000);
	struct wax_stream ups[] = {up, wax_redistribute(up, "deal", WAX_DEAL_ITEMS)};

	run_flow_output(wax_merge("m", ups, 2), "%v");
}

Test(merge, takes_streams_from_both_sides_of_an_exchange)
{
	expect_sum(of_levels, 40000, UINT64_C(19999) * 20000);
	expect_sum_of(of_levels, 8, NULL, 40000, UINT64_C(19999) * 20000);
}

static void keyed(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 4, &two);
	struct wax_stream ups[] = {wax_redistribute(up, "deal", WAX_DEAL_KEYS), up};

	run_flow_output(wax_count_final(wax_merge("m", ups, 2), "count"), NULL);
}

Test(merge, of_keyed_streams_counts_as_by_key_only_when_all_are)
{
	expect_output(keyed, "0\t4\n1\t4\n");
}

static void of_nothing(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 2);

	wax_output(up, "null", wax_null());
	run_flow_output(wax_merge("m", &up, 0), "%v");
}

static void of_null(struct wax_flow *flow)
{
	wax_output(numbers(flow, 2), "null", wax_null());
	run_flow_output(wax_merge("m", NULL, 2), "%v");
}

Test(merge, needs_a_stream)
{
	expect_mistake(of_nothing, "step \"flow.m\": merges no streams: it needs at least one");
	expect_mistake(of_null, "step \"flow.m\": merges no streams: it needs at least one");
}

static void of_types(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 2);
	struct wax_stream ups[] = {up, wax_map(up, "t", WAX_TEXT, to_text, NULL)};

	run_flow_output(wax_merge("m", ups, 2), "%v");
}

static void of_keyed_and_not(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 2);
	struct wax_stream ups[] = {wax_key_on(up, "key", WAX_U64, wax_key_self, NULL), up};

	run_flow_output(wax_merge("m", ups, 2), "%v");
}

Test(merge, needs_one_type)
{
	expect_mistake(of_types,
			"step \"flow.m\": merges uint64_t with text: all its streams must "
			"have one type");
	expect_mistake(of_keyed_and_not,
			"step \"flow.m\": merges (uint64_t, uint64_t) with "
			"uint64_t: all its streams must have one type");
}
