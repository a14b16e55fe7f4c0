/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, many_keys = 100000;

static int add(void *acc, const void *value, void *ctx)
{
	uint64_t sum, number;

	(void)ctx;
	memcpy(&sum, acc, sizeof(sum));
	memcpy(&number, value, sizeof(number));
	sum += number;
	memcpy(acc, &sum, sizeof(sum));
	return 0;
}

static void sums(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(keyed_numbers(flow, 9, &three), "sum", add, NULL),
			"%k:%v");
}

static void sums_by_text(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(text_keyed_numbers(flow, 9, &three), "sum", add, NULL),
			"%k:%v");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(keyed_numbers(flow, 0, &three), "sum", add, NULL),
			"%k:%v");
}

Test(reduce_final, reduces_the_values_of_each_key)
{
	expect_output(sums, "0:9\n1:12\n2:15\n");
	expect_output(sums_by_text, "0:9\n1:12\n2:15\n");
	expect_output(of_none, "");
	expect_output_of(sums, 8, NULL, "0:9\n1:12\n2:15\n");
}

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(keyed_numbers(flow, 200000, &many_keys), "sum", add, NULL),
			"%v");
}

static void many_by_text(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(text_keyed_numbers(flow, 150000, &many_keys), "sum", add,
					NULL),
			"%v");
}

static const struct run_flow_options epochs = {.interval = "1ms"};

Test(reduce_final, takes_many_keys)
{
	expect_sum(many, 100000, UINT64_C(199999) * 100000);
	expect_sum(many_by_text, 100000, UINT64_C(149999) * 75000);
	expect_sum_of(many, 3, &epochs, 100000, UINT64_C(199999) * 100000);
}

struct wide {
	uint64_t number;
	uint64_t count;
	uint64_t rest[5];
};

static int widen(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wide wide = {.number = number_of(item), .count = 1};

	(void)ctx;
	return wax_emit(out, &wide, sizeof(wide));
}

static int add_wide(void *acc, const void *value, void *ctx)
{
	struct wide *sum = acc;
	const struct wide *wide = value;

	(void)ctx;
	sum->number += wide->number;
	sum->count += wide->count;
	return 0;
}

static int print_wide(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	struct wide wide;

	memcpy(&wide, item, item_bytes);
	return snprintf(text, text_bytes, "%" PRIu64 "/%" PRIu64, wide.number, wide.count);
}

static void wide_sums(struct wax_flow *flow)
{
	struct wax_stream up = wax_map_value(keyed_numbers(flow, 9000, &three), "wide",
			WAX_STRUCT_PRINT(struct wide, print_wide), widen, NULL);

	run_flow_output(wax_reduce_final(up, "sum", add_wide, NULL), "%k:%v");
}

Test(reduce_final, takes_structs)
{
	expect_output(wide_sums, "0:13495500/3000\n1:13498500/3000\n2:13501500/3000\n");
}

static void by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9, &three), "deal", WAX_DEAL_KEYS);

	run_flow_output(wax_reduce_final(up, "sum", add, NULL), "%k:%v");
}

Test(reduce_final, of_a_stream_by_key_needs_no_exchange)
{
	expect_output(by_key, "0:9\n1:12\n2:15\n");
}

static int fail_at_6(void *acc, const void *value, void *ctx)
{
	uint64_t number;

	memcpy(&number, value, sizeof(number));
	return number == 6 ? wax_fail(NULL, "%d is too much", 6) : add(acc, value, ctx);
}

static void fails(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(9, 0));

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &three);
	run_flow_output(wax_reduce_final(up, "sum", fail_at_6, NULL), "%k:%v");
}

Test(reduce_final, tells_at_which_item_the_reducer_failed)
{
	struct run_flow_result result = run_flow(fails, 2, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.sentence, "6 is too much");
	cr_assert_str_eq(result.item, "0 => 6");
	cr_assert_str_eq(result.step, "flow.sum");
	run_flow_free(&result);
}

static void without_callback(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(keyed_numbers(flow, 9, &three), "sum", NULL, NULL), "%v");
}

static void variable(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(script(flow, "a1 b2"), "sum", add, NULL), "%v");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_reduce_final(numbers(flow, 9), "sum", add, NULL), "%v");
}

Test(reduce_final, needs_a_callback_and_keyed_values_of_fixed_size)
{
	expect_mistake(without_callback, "step \"flow.sum\": its callback is NULL");
	expect_mistake(variable,
			"step \"flow.sum\": its values are of the type text, which has no "
			"fixed size: use wax_stateful_batch");
	expect_mistake(not_keyed,
			"step \"flow.sum\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
