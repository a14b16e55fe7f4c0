/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, seven = 7, thousand = 1000;

/* As many copies as its number says. */
static int repeat(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	for (uint64_t left = number_of(item); left > 0; left--)
		emit_same(out, item, NULL);
	return 0;
}

static void repeats(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 4, &two);

	run_flow_output(wax_flat_map_value(up, "f", WAX_U64, repeat, NULL), "%k:%v");
}

Test(flat_map_value, gives_each_value_the_key_of_its_item)
{
	expect_output(repeats, "0:2\n0:2\n1:1\n1:3\n1:3\n1:3\n");
	expect_order(repeats, NULL, "1:1\n0:2\n0:2\n1:3\n1:3\n1:3\n");
}

/* The bytes of a value one by one, as they lie, and then all in capitals. */
static int letters(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *text = item->value.data;
	char capitals[8];

	(void)ctx;
	for (size_t i = 0; i < item->value.bytes; i++) {
		wax_emit(out, text + i, 1);
		capitals[i] = (char)(text[i] - 'a' + 'A');
	}
	return wax_emit(out, capitals, item->value.bytes);
}

static void of_variable(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "bxy aq | bz c");

	run_flow_output(wax_flat_map_value(up, "f", WAX_TEXT, letters, NULL), "%k:%v");
}

Test(flat_map_value, takes_variable_items)
{
	expect_output(of_variable, "a:Q\na:q\nb:XY\nb:Z\nb:x\nb:y\nb:z\nc:\n");
}

static int empty_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return wax_emit(out, NULL, 0);
}

static void under_empty_keys(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(numbers(flow, 3), "key", WAX_TEXT, empty_key, NULL);

	run_flow_output(wax_flat_map_value(up, "f", WAX_U64, repeat, NULL), "<%k>%v");
}

Test(flat_map_value, takes_an_empty_key_for_one)
{
	expect_output(under_empty_keys, "<>1\n<>2\n<>2\n");
}

static void many(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 20000, &thousand);

	run_flow_output(wax_flat_map_value(up, "f", WAX_U64, emit_twice, NULL), "%k:%v");
}

static void none(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 1000, &two);

	run_flow_output(wax_flat_map_value(up, "f", WAX_U64, emit_none, NULL), "%k:%v");
}

static void of_none(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 0, &two);

	run_flow_output(wax_flat_map_value(up, "f", WAX_U64, emit_twice, NULL), "%k:%v");
}

Test(flat_map_value, takes_many_items_and_none)
{
	expect_sum(many, 40000, UINT64_C(20000) * 19999);
	expect_output(none, "");
	expect_output(of_none, "");
}

/* The keys are still where their owner is: no second exchange. */
static void stays_by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 700, &seven), "deal", WAX_DEAL_KEYS);

	up = wax_flat_map_value(up, "f", WAX_U64, emit_twice, NULL);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(flat_map_value, leaves_items_where_their_key_is)
{
	expect_output(stays_by_key, "0:200\n1:200\n2:200\n3:200\n4:200\n5:200\n6:200\n");
}

#define FLOW_WITH(name, type, callback)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 5, &two);                               \
                                                                                                   \
		run_flow_output(wax_flat_map_value(up, "f", type, callback, NULL), "%v");          \
	}

static int size_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_3_bytes(out, item, ctx) : 0;
}

static int key_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (number_of(item) == 3)
		wax_emit_kv(out, item->key.data, item->key.bytes, item->value.data,
				item->value.bytes);
	return 0;
}

FLOW_WITH(fails, WAX_U64, fail_at_3)
FLOW_WITH(wrong_size, WAX_U64, size_at_3)
FLOW_WITH(gives_a_key, WAX_U64, key_at_3)

Test(flat_map_value, tells_what_was_wrong_at_which_item)
{
	expect_failure(fails, "flow.f", "1 => 3", "3 is not liked");
	expect_failure(wrong_size, "flow.f", "1 => 3",
			"emitted a value of 3 bytes where the type has 8");
	expect_failure(gives_a_key, "flow.f", "1 => 3",
			"emitted a key where the step adds it: use wax_emit");
}

FLOW_WITH(without_callback, WAX_U64, NULL)
FLOW_WITH(keyed_type, WAX_KEYED(WAX_U64, WAX_U64), emit_same)

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_value(numbers(flow, 5), "f", WAX_U64, emit_same, NULL), "%v");
}

Test(flat_map_value, needs_a_keyed_stream_a_callback_and_a_type_for_values)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
	expect_mistake(keyed_type,
			"step \"flow.f\": its type (uint64_t, uint64_t) is keyed: give "
			"that of the value alone, the key stays");
	expect_mistake(not_keyed,
			"step \"flow.f\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
