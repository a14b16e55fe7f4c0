/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <math.h>

static uint64_t two = 2, many_keys = 100000;

/* ---- numbers of each type of the library: those of i are in no order, with both signs */

#define DEFINE_VALUES(name, T, expression)                                                         \
	static int name(struct wax_out *out, const struct wax_item *item, void *ctx)               \
	{                                                                                          \
		int64_t i = (int64_t)number_of(item);                                              \
		T value = (T)(expression);                                                         \
                                                                                                   \
		(void)ctx;                                                                         \
		return wax_emit(out, &value, sizeof(value));                                       \
	}

DEFINE_VALUES(to_i32, int32_t, (i * 7 + 3) % 10 - 5)
DEFINE_VALUES(to_u32, uint32_t, 0xfffffff0u + (uint32_t)((i * 7 + 3) % 10))
DEFINE_VALUES(to_i64, int64_t, ((i * 7 + 3) % 10 - 5) * INT64_C(1000000000000))
DEFINE_VALUES(to_u64, uint64_t, UINT64_C(0xfffffffffffffff0) + (uint64_t)((i * 7 + 3) % 10))
DEFINE_VALUES(to_f64, double, ((i * 7 + 3) % 10 - 5) / 2.0)

#define DEFINE_FLOWS(suffix, type, callback)                                                       \
	static void min_##suffix(struct wax_flow *flow)                                            \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 10, &two);                              \
                                                                                                   \
		up = wax_map_value(up, "value", type, callback, NULL);                             \
		run_flow_output(wax_min_final(up, "m", NULL, NULL), "%k:%v");                      \
	}                                                                                          \
	static void max_##suffix(struct wax_flow *flow)                                            \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 10, &two);                              \
                                                                                                   \
		up = wax_map_value(up, "value", type, callback, NULL);                             \
		run_flow_output(wax_max_final(up, "m", NULL, NULL), "%k:%v");                      \
	}

DEFINE_FLOWS(i32, WAX_I32, to_i32)
DEFINE_FLOWS(u32, WAX_U32, to_u32)
DEFINE_FLOWS(i64, WAX_I64, to_i64)
DEFINE_FLOWS(u64, WAX_U64, to_u64)
DEFINE_FLOWS(f64, WAX_F64, to_f64)

/* Even numbers i give the odd of 0 ... 9, odd ones the even. */
Test(min_max_final, compares_numbers_by_size)
{
	expect_output(min_i32, "0:-4\n1:-5\n");
	expect_output(max_i32, "0:4\n1:3\n");
	expect_output(min_u32, "0:4294967281\n1:4294967280\n");
	expect_output(max_u32, "0:4294967289\n1:4294967288\n");
	expect_output(min_i64, "0:-4000000000000\n1:-5000000000000\n");
	expect_output(max_i64, "0:4000000000000\n1:3000000000000\n");
	expect_output(min_u64, "0:18446744073709551601\n1:18446744073709551600\n");
	expect_output(max_u64, "0:18446744073709551609\n1:18446744073709551608\n");
	expect_output(min_f64, "0:-2\n1:-2.5\n");
	expect_output(max_f64, "0:2\n1:1.5\n");
	expect_output_of(min_i32, 8, NULL, "0:-4\n1:-5\n");
}

/* ---- what is not a number */

DEFINE_VALUES(to_partly_nan, double, i % 4 < 2 ? (double)i : NAN)
DEFINE_VALUES(to_nan, double, i < 0 ? 1.0 : NAN)
DEFINE_FLOWS(partly_nan, WAX_F64, to_partly_nan)
DEFINE_FLOWS(nan, WAX_F64, to_nan)

Test(min_max_final, keeps_what_is_not_a_number_only_when_nothing_is)
{
	expect_output(min_partly_nan, "0:0\n1:1\n");
	expect_output(max_partly_nan, "0:8\n1:9\n");
	expect_output(min_nan, "0:nan\n1:nan\n");
	expect_output(max_nan, "0:nan\n1:nan\n");
}

/* ---- other types: as bytes */

struct code {
	unsigned char bytes[3];
};

static int to_code(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct code code = {{(unsigned char)(number_of(item) * 100 % 251), 1, 2}};

	(void)ctx;
	return wax_emit(out, &code, sizeof(code));
}

DEFINE_FLOWS(code, WAX_STRUCT(struct code), to_code)

Test(min_max_final, compares_structs_as_bytes)
{
	/* 0 200 149 98 47 and 100 49 249 198 147 */
	expect_output(min_code, "0:000102\n1:310102\n");
	expect_output(max_code, "0:c80102\n1:f90102\n");
}

static void min_text(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "abanana bx afig | b aapple by | aapples b");

	run_flow_output(wax_min_final(up, "m", NULL, NULL), "%k:[%v]");
}

static void max_text(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "abanana bx afig | b aapple by | afigs b");

	run_flow_output(wax_max_final(up, "m", NULL, NULL), "%k:[%v]");
}

Test(min_max_final, compares_text_as_bytes_and_then_by_length)
{
	expect_output(min_text, "a:[apple]\nb:[]\n");
	expect_output(max_text, "a:[figs]\nb:[y]\n");
}

static void only_empty(struct wax_flow *flow)
{
	run_flow_output(wax_max_final(script(flow, "a b | a"), "m", NULL, NULL), "%k:[%v]");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_max_final(keyed_numbers(flow, 0, &two), "m", NULL, NULL), "%k:%v");
}

Test(min_max_final, takes_empty_values_and_no_values)
{
	expect_output(only_empty, "a:[]\nb:[]\n");
	expect_output(of_none, "");
}

/* ---- a comparison of one's own */

static int by_last_letter(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	const char *left = a->data, *right = b->data;

	return (left[a->bytes - 1] - right[b->bytes - 1]) * *(const int *)ctx;
}

static int forwards = 1, backwards = -1;

static void min_by_letter(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "xab xba | xcc");

	run_flow_output(wax_min_final(up, "m", by_last_letter, &forwards), "%v");
}

static void max_by_letter(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "xab xba | xcc");

	run_flow_output(wax_max_final(up, "m", by_last_letter, &forwards), "%v");
}

static void min_backwards(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "xab xba | xcc");

	run_flow_output(wax_min_final(up, "m", by_last_letter, &backwards), "%v");
}

static int by_rest(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	uint64_t left, right;

	(void)ctx;
	memcpy(&left, a->data, sizeof(left));
	memcpy(&right, b->data, sizeof(right));
	left %= 100;
	right %= 100;
	return (left > right) - (left < right);
}

static void max_by_rest(struct wax_flow *flow)
{
	run_flow_output(wax_max_final(keyed_numbers(flow, 198, &two), "m", by_rest, NULL), "%k:%v");
}

Test(min_max_final, compares_as_it_is_told)
{
	expect_output(min_by_letter, "ba\n");
	expect_output(max_by_letter, "cc\n");
	expect_output(min_backwards, "cc\n");
	expect_output(max_by_rest, "0:98\n1:99\n");
}

/* ---- many keys */

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_max_final(keyed_numbers(flow, 200000, &many_keys), "m", NULL, NULL),
			"%v");
}

static void many_texts(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 60000, &two);

	up = wax_map_value(up, "text", WAX_TEXT, to_text, NULL);
	run_flow_output(wax_max_final(up, "m", NULL, NULL), "%k:%v");
}

Test(min_max_final, takes_many_keys_and_many_values)
{
	expect_sum(many, 100000, UINT64_C(299999) * 50000);
	expect_output(many_texts, "0:9998\n1:9999\n");
}

static void by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9, &two), "deal", WAX_DEAL_KEYS);

	run_flow_output(wax_max_final(wax_min_final(up, "min", NULL, NULL), "max", NULL, NULL),
			"%k:%v");
}

Test(min_max_final, of_a_stream_by_key_needs_no_exchange)
{
	expect_output(by_key, "0:0\n1:1\n");
}

static void min_not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_min_final(numbers(flow, 9), "m", NULL, NULL), "%v");
}

static void max_not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_max_final(texts(flow, 9), "m", NULL, NULL), "%v");
}

Test(min_max_final, needs_a_keyed_stream)
{
	expect_mistake(min_not_keyed,
			"step \"flow.m\": needs a keyed stream, gets one of "
			"uint64_t: put key_on before it");
	expect_mistake(max_not_keyed,
			"step \"flow.m\": needs a keyed stream, gets one of text: "
			"put key_on before it");
}
