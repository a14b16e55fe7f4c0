/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, thousand = 1000, many_keys = 150000;

static void few(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(keyed_numbers(flow, 10, &three), "count"), "%k:%v");
}

static void few_texts(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(text_keyed_numbers(flow, 10, &three), "count"), NULL);
}

static void words(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(script(flow, "a a b | c b a"), "count"), "%k:%v");
}

Test(count_final, counts_the_items_of_each_key)
{
	expect_output(few, "0:4\n1:3\n2:3\n");
	expect_output(few_texts, "0\t4\n1\t3\n2\t3\n");
	expect_output(words, "a:3\nb:2\nc:1\n");
	expect_output_of(few, 8, NULL, "0:4\n1:3\n2:3\n");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(keyed_numbers(flow, 0, &three), "count"), "%k:%v");
}

Test(count_final, of_no_items_gives_no_keys)
{
	expect_output(of_none, "");
}

static void repeated(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(keyed_numbers(flow, 200000, &thousand), "count"), "%k:%v");
}

/* More keys than a combiner holds, each once and then again: it hands on, and gives up. */
static void distinct(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(keyed_numbers(flow, 300000, &many_keys), "count"), "%v");
}

static void distinct_texts(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(text_keyed_numbers(flow, 200000, &many_keys), "count"),
			"%v");
}

/* Pairs of a key: worth combining, though there are many. */
static int half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t key = number_of(item) / 4;

	(void)ctx;
	return wax_emit(out, &key, sizeof(key));
}

static void neighbours(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(numbers(flow, 200000), "key", WAX_U64, half, NULL);

	run_flow_output(wax_count_final(up, "count"), "%v");
}

Test(count_final, counts_few_and_many_keys)
{
	expect_sum(repeated, 1000, 200000);
	expect_sum_of(repeated, 8, NULL, 1000, 200000);
	expect_sum(distinct, 150000, 300000);
	expect_sum(distinct_texts, 150000, 200000);
	expect_sum(neighbours, 50000, 200000);
}

static const struct run_flow_options narrow = {.slab = "512", .exchange_mem = "1M"};

Test(count_final, hands_on_through_a_narrow_exchange)
{
	expect_sum_of(distinct, 2, &narrow, 150000, 300000);
	expect_sum_of(repeated, 3, &narrow, 1000, 200000);
}

static const struct run_flow_options epochs = {.interval = "1ms"};

Test(count_final, hands_on_at_the_end_of_each_epoch)
{
	expect_sum_of(repeated, 1, &epochs, 1000, 200000);
	expect_sum_of(repeated, 3, &epochs, 1000, 200000);
	expect_sum_of(distinct, 2, &epochs, 150000, 300000);
}

/* Keys longer than a table keeps in place, and empty ones. */
static int long_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static char text[3000];
	size_t bytes = 1500 * (number_of(item) % 3);

	(void)ctx;
	memset(text, 'x', bytes);
	return wax_emit(out, text, bytes);
}

static void long_keys(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(numbers(flow, 9000), "key", WAX_TEXT, long_key, NULL);

	run_flow_output(wax_count_final(up, "count"), "%v");
}

Test(count_final, takes_keys_of_any_length)
{
	expect_output(long_keys, "3000\n3000\n3000\n");
}

static void twice(struct wax_flow *flow)
{
	struct wax_stream up = wax_count_final(keyed_numbers(flow, 9, &three), "first");

	run_flow_output(wax_count_final(up, "second"), "%k:%v");
}

static void behind_redistribute(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9000, &three), "deal", WAX_DEAL_KEYS);

	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(count_final, of_a_stream_by_key_needs_no_exchange)
{
	expect_output(twice, "0:1\n1:1\n2:1\n");
	expect_output(behind_redistribute, "0:3000\n1:3000\n2:3000\n");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(numbers(flow, 3), "count"), "%v");
}

Test(count_final, needs_a_keyed_stream)
{
	expect_mistake(not_keyed,
			"step \"flow.count\": needs a keyed stream, gets one of "
			"uint64_t: put key_on before it");
}
