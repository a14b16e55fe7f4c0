/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t ten = 10;

static void batches(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(numbers(flow, 50000), "deal", WAX_DEAL_BATCHES), "%v");
}

static void items(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(numbers(flow, 50000), "deal", WAX_DEAL_ITEMS), "%v");
}

static void variable_batches(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(texts(flow, 50000), "deal", WAX_DEAL_BATCHES), "%v");
}

static void variable_items(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(texts(flow, 50000), "deal", WAX_DEAL_ITEMS), "%v");
}

static void keys(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 50000, &ten);

	run_flow_output(wax_redistribute(up, "deal", WAX_DEAL_KEYS), "%k:%v");
}

Test(redistribute, loses_nothing_and_adds_nothing)
{
	static const build_fn builds[] = {batches, items, variable_batches, variable_items, keys};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		expect_sum(builds[i], 50000, UINT64_C(1249975000));
		expect_sum_of(builds[i], 8, NULL, 50000, UINT64_C(1249975000));
	}
}

static int note_worker(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)item;
	*(uint32_t *)ctx = place->worker;
	return 0;
}

/* The worker that an item is seen in; its ctx is written by the inspect before it. */
static int to_worker(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item;
	return emit_decimal(out, *(const uint32_t *)ctx);
}

static uint32_t seen_by;

static void where(struct wax_stream up, const char *format)
{
	up = wax_inspect(up, "look", note_worker, &seen_by);
	up = wax_key_on(up, "worker", WAX_TEXT, to_worker, &seen_by);
	run_flow_output(wax_count_final(up, "count"), format);
}

static void where_items(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(9000, 0));

	where(wax_redistribute(up, "deal", WAX_DEAL_ITEMS), "%k:%v");
}

static void where_stays(struct wax_flow *flow)
{
	where(wax_input(flow, "numbers", wax_numbers_single(9000, 0)), "%k:%v");
}

Test(redistribute, deals_items_evenly)
{
	expect_output_of(where_stays, 3, NULL, "0:9000\n");
	expect_output_of(where_items, 1, NULL, "0:9000\n");
	expect_output_of(where_items, 3, NULL, "0:3000\n1:3000\n2:3000\n");
}

static void where_keys(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9000, &ten), "deal", WAX_DEAL_KEYS);

	up = wax_inspect(up, "look", note_worker, &seen_by);
	up = wax_map_value(up, "worker", WAX_TEXT, to_worker, &seen_by);
	up = wax_min_final(up, "min", NULL, NULL);
	run_flow_output(up, "%k:%v");
}

static void where_keys_last(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9000, &ten), "deal", WAX_DEAL_KEYS);

	up = wax_inspect(up, "look", note_worker, &seen_by);
	up = wax_map_value(up, "worker", WAX_TEXT, to_worker, &seen_by);
	up = wax_max_final(up, "max", NULL, NULL);
	run_flow_output(up, "%k:%v");
}

Test(redistribute, by_keys_brings_each_key_to_one_worker)
{
	struct run_flow_result least = run_flow(where_keys, 3, NULL);
	struct run_flow_result most = run_flow(where_keys_last, 3, NULL);

	cr_assert_eq(least.status, 0, "%s", least.sentence);
	cr_assert_str_eq(least.output, most.output);
	cr_assert_not_null(strstr(least.output, "0:"));
	run_flow_free(&least);
	run_flow_free(&most);
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(numbers(flow, 0), "deal", WAX_DEAL_BATCHES), "%v");
}

static void keyed_in_batches(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 4, &ten);

	run_flow_output(wax_redistribute(up, "deal", WAX_DEAL_BATCHES), "%k:%v");
}

Test(redistribute, takes_no_items_and_keyed_ones)
{
	expect_output(of_none, "");
	expect_output(keyed_in_batches, "0:0\n1:1\n2:2\n3:3\n");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(numbers(flow, 4), "deal", WAX_DEAL_KEYS), "%v");
}

static void unknown(struct wax_flow *flow)
{
	run_flow_output(wax_redistribute(numbers(flow, 4), "deal", (enum wax_deal)9), "%v");
}

Test(redistribute, needs_to_know_how_and_keys_for_dealing_by_them)
{
	expect_mistake(not_keyed,
			"step \"flow.deal\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
	expect_mistake(unknown, "step \"flow.deal\": deals neither batches, nor items, nor keys");
}
