/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, thousand = 1000;

static void to_texts(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 3, &two);

	run_flow_output(wax_map_value(up, "m", WAX_TEXT, to_text, NULL), "%k:%v");
}

Test(map_value, keeps_the_key)
{
	expect_output(to_texts, "0:0\n0:2\n1:1\n");
}

static int longer(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char text[16] = "value ";

	(void)ctx;
	memcpy(text + 6, item->key.data, item->key.bytes);
	return wax_emit(out, text, 6 + item->key.bytes);
}

static void of_variable(struct wax_flow *flow)
{
	run_flow_output(wax_map_value(script(flow, "b1 a2 | b3"), "m", WAX_TEXT, longer, NULL),
			"%k:%v");
}

static int same(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static void lends(struct wax_flow *flow)
{
	run_flow_output(wax_map_value(script(flow, "b1 a2 | b3"), "m", WAX_TEXT, same, NULL),
			"%k:%v");
}

Test(map_value, takes_variable_items)
{
	expect_output(of_variable, "a:value a\nb:value b\nb:value b\n");
	expect_output(lends, "a:2\nb:1\nb:3\n");
}

struct wide {
	uint64_t number;
	char rest[1016];
};

static int widen(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wide wide = {.number = number_of(item)};

	(void)ctx;
	return wax_emit(out, &wide, sizeof(wide));
}

/* The new column is full many times while one batch is read. */
static void widens(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 5000, &thousand);
	struct wax_stream wide = wax_map_value(up, "wide", WAX_STRUCT(struct wide), widen, NULL);

	run_flow_output(wax_map_value(wide, "back", WAX_TEXT, to_text, NULL), "%k:%v");
}

Test(map_value, makes_values_larger_than_those_it_reads)
{
	expect_sum(widens, 5000, UINT64_C(4999) * 2500);
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_map_value(keyed_numbers(flow, 0, &two), "m", WAX_TEXT, to_text, NULL),
			"%k:%v");
}

Test(map_value, of_no_items_makes_none)
{
	expect_output(of_none, "");
}

#define FLOW_WITH(name, type, callback)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 5, &two);                               \
                                                                                                   \
		run_flow_output(wax_map_value(up, "m", type, callback, NULL), "%v");               \
	}

static int twice_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_twice(out, item, ctx) : emit_same(out, item, ctx);
}

static int none_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? 0 : emit_same(out, item, ctx);
}

/* So many that the column is handed on before the callback returns. */
static int flood_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	for (int i = 0; i < 5000 && number_of(item) == 3; i++)
		emit_same(out, item, ctx);
	return emit_same(out, item, ctx);
}

static int size_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_3_bytes(out, item, ctx) : emit_same(out, item, ctx);
}

static int key_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	if (number_of(item) == 3)
		wax_emit_kv(out, item->key.data, item->key.bytes, item->value.data,
				item->value.bytes);
	return number_of(item) == 3 ? 0 : emit_same(out, item, ctx);
}

FLOW_WITH(fails, WAX_U64, fail_at_3)
FLOW_WITH(emits_twice, WAX_U64, twice_at_3)
FLOW_WITH(emits_none, WAX_U64, none_at_3)
FLOW_WITH(floods, WAX_U64, flood_at_3)
FLOW_WITH(wrong_size, WAX_U64, size_at_3)
FLOW_WITH(gives_a_key, WAX_U64, key_at_3)

Test(map_value, must_emit_one_value_of_its_size)
{
	expect_failure(emits_twice, "flow.m", "1 => 3", "emitted 2 items, must be exactly 1");
	expect_failure(emits_none, "flow.m", "1 => 3", "emitted 0 items, must be exactly 1");
	expect_failure(wrong_size, "flow.m", "1 => 3",
			"emitted a value of 3 bytes where the type has 8");
	expect_failure(gives_a_key, "flow.m", "1 => 3",
			"emitted a key to a stream that is not keyed: use wax_emit");

	struct run_flow_result result = run_flow(floods, 1, NULL);

	cr_assert_str_eq(result.sentence, "emitted at least 4093 items, must be exactly 1");
	cr_assert_str_eq(result.item, "1 => 3");
	run_flow_free(&result);
}

Test(map_value, tells_why_a_callback_failed)
{
	expect_failure(fails, "flow.m", "1 => 3", "3 is not liked");
}

FLOW_WITH(without_callback, WAX_U64, NULL)
FLOW_WITH(without_type, NULL, emit_same)
FLOW_WITH(keyed_type, WAX_KEYED(WAX_U64, WAX_U64), emit_same)

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_map_value(numbers(flow, 5), "m", WAX_U64, emit_same, NULL), "%v");
}

Test(map_value, needs_a_keyed_stream_a_callback_and_a_type)
{
	expect_mistake(without_callback, "step \"flow.m\": its callback is NULL");
	expect_mistake(without_type,
			"step \"flow.m\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(keyed_type,
			"step \"flow.m\": its type (uint64_t, uint64_t) is keyed: give "
			"that of the value alone, the key stays");
	expect_mistake(not_keyed,
			"step \"flow.m\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
