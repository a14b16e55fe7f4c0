/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <math.h>

static uint64_t one = 1, two = 2, seven = 7, thousand = 1000, many_keys = 50000;

static void few(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 9, &two), "t", 3, NULL, NULL), "%k:%v");
}

static void fewer_than_n(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 3, &two), "t", 30, NULL, NULL),
			"%k:%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 0, &two), "t", 3, NULL, NULL), "%k:%v");
}

Test(top_n_final, keeps_the_greatest_of_each_key)
{
	expect_output(few, "0:4\n0:6\n0:8\n1:3\n1:5\n1:7\n");
	expect_output(fewer_than_n, "0:0\n0:2\n1:1\n");
	expect_output(none, "");
}

/* A permutation of 0 ... 9999, so that they do not come in order. */
static int shuffle(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) * 7919 % 10000;

	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

static void shuffled(struct wax_flow *flow)
{
	struct wax_stream up = wax_map(numbers(flow, 10000), "shuffle", WAX_U64, shuffle, NULL);

	up = wax_key_on(up, "key", WAX_TEXT, key_modulo_text, &one);
	run_flow_output(wax_top_n_final(up, "t", 5, NULL, NULL), "%v");
}

static void half_of_them(struct wax_flow *flow)
{
	struct wax_stream up = wax_map(numbers(flow, 10000), "shuffle", WAX_U64, shuffle, NULL);

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &one);
	run_flow_output(wax_top_n_final(up, "t", 5000, NULL, NULL), "%v");
}

Test(top_n_final, emits_the_greatest_first)
{
	expect_order(shuffled, NULL, "9999\n9998\n9997\n9996\n9995\n");
	expect_sum(half_of_them, 5000, UINT64_C(2500) * (5000 + 9999));
}

/* More keys than a combiner holds; and a few, again and again. */
static void many(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(text_keyed_numbers(flow, 200000, &many_keys), "t", 2, NULL,
					NULL),
			"%v");
}

static void again(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 200000, &thousand), "t", 10, NULL,
					NULL),
			"%v");
}

static const struct run_flow_options narrow = {
		.slab = "512", .exchange_mem = "1M", .interval = "1ms"};

Test(top_n_final, takes_many_keys)
{
	expect_sum(many, 100000, UINT64_C(50000) * (100000 + 199999));
	expect_sum_of(many, 3, &narrow, 100000, UINT64_C(50000) * (100000 + 199999));
	expect_sum(again, 10000, UINT64_C(5000) * (190000 + 199999));
	expect_sum_of(again, 3, &narrow, 10000, UINT64_C(5000) * (190000 + 199999));
}

/* ---- of any length */

static void texts_of_keys(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "abanana bx afig | b aapple by aapp | afigs b c");

	run_flow_output(wax_top_n_final(up, "t", 2, NULL, NULL), "%k:[%v]");
}

static void many_texts(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 30000, &thousand);

	up = wax_map_value(up, "text", WAX_TEXT, to_text, NULL);
	run_flow_output(wax_top_n_final(up, "t", 30, NULL, NULL), "%v");
}

Test(top_n_final, keeps_values_of_any_length)
{
	expect_output(texts_of_keys, "a:[fig]\na:[figs]\nb:[x]\nb:[y]\nc:[]\n");
	expect_sum(many_texts, 30000, UINT64_C(15000) * 29999);
}

/* ---- comparing */

static int signed_half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	double half = number_of(item) == 2 ? NAN : 1 - (double)number_of(item) / 2;

	(void)ctx;
	return wax_emit(out, &half, sizeof(half));
}

static void doubles(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 6, &one);

	up = wax_map_value(up, "half", WAX_F64, signed_half, NULL);
	run_flow_output(wax_top_n_final(up, "t", 6, NULL, NULL), "%v");
}

static int to_i32(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	int32_t number = (int32_t)number_of(item) - 2;

	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

static void integers(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 4, &one);

	up = wax_map_value(up, "i32", WAX_I32, to_i32, NULL);
	run_flow_output(wax_top_n_final(up, "t", 6, NULL, NULL), "%v");
}

Test(top_n_final, compares_numbers_by_size)
{
	expect_order(doubles, NULL, "1\n0.5\n-0.5\n-1\n-1.5\nnan\n");
	expect_order(integers, NULL, "1\n0\n-1\n-2\n");
}

struct wide {
	_Alignas(64) uint64_t number;
	char rest[56];
};

static int widen(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wide wide = {.number = number_of(item)};

	(void)ctx;
	return wax_emit(out, &wide, sizeof(wide));
}

/* The least are kept; values lie as their type wants it. */
static int by_less(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	const struct wide *left = a->data, *right = b->data;

	if ((uintptr_t)left % 64 || (uintptr_t)right % 64)
		*(int *)ctx = 1;
	return *(int *)ctx ? 0 : (left->number < right->number) - (left->number > right->number);
}

static int print_wide(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	(void)item_bytes;
	return snprintf(text, text_bytes, "%d", (int)((const struct wide *)item)->number);
}

static void wides(struct wax_flow *flow)
{
	static int misaligned;
	struct wax_stream up = keyed_numbers(flow, 1000, &one);

	up = wax_map_value(up, "wide", WAX_STRUCT_PRINT(struct wide, print_wide), widen, NULL);
	run_flow_output(wax_top_n_final(up, "t", 7, by_less, &misaligned), "%v");
}

Test(top_n_final, compares_as_it_is_told)
{
	expect_order(wides, NULL, "0\n1\n2\n3\n4\n5\n6\n");
	expect_output(wides, "0\n1\n2\n3\n4\n5\n6\n");
}

static void by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 700, &seven), "deal", WAX_DEAL_KEYS);

	up = wax_top_n_final(up, "t", 3, NULL, NULL);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(top_n_final, of_a_stream_by_key_needs_no_exchange)
{
	expect_output(by_key, "0:3\n1:3\n2:3\n3:3\n4:3\n5:3\n6:3\n");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(numbers(flow, 5), "t", 3, NULL, NULL), "%v");
}

static void of_zero(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 5, &two), "t", 0, NULL, NULL), "%v");
}

static void of_too_many(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_final(keyed_numbers(flow, 5, &two), "t", 65537, NULL, NULL),
			"%v");
}

Test(top_n_final, needs_a_keyed_stream_and_a_number)
{
	expect_mistake(not_keyed,
			"step \"flow.t\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
	expect_mistake(of_zero, "step \"flow.t\": keeps the 0 greatest, must be 1 to 65536");
	expect_mistake(of_too_many,
			"step \"flow.t\": keeps the 65537 greatest, must be 1 to 65536");
}
