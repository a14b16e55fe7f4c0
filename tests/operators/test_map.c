/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int add_one(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) + *(const uint64_t *)ctx;

	return wax_emit(out, &number, sizeof(number));
}

static uint64_t one = 1;

static void adds(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 3), "add", WAX_U64, add_one, &one), "%v");
}

Test(map, makes_one_of_each)
{
	expect_output(adds, "1\n2\n3\n");
}

static void adds_many(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 100000), "add", WAX_U64, add_one, &one), "%v");
}

Test(map, takes_many_batches)
{
	expect_sum(adds_many, 100000, UINT64_C(100000) * 100001 / 2);
	expect_sum_of(adds_many, 8, NULL, 100000, UINT64_C(100000) * 100001 / 2);
}

static void in_order(struct wax_flow *flow)
{
	run_flow_output(texts(flow, 12), "%v");
}

Test(map, keeps_the_order_and_makes_variable_items)
{
	expect_order(in_order, NULL, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
}

static int longer(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char *text = wax_claim(out, NULL, 0, item->value.bytes + 2);

	(void)ctx;
	if (!text)
		return -1;
	text[0] = '<';
	memcpy(text + 1, item->value.data, item->value.bytes);
	text[item->value.bytes + 1] = '>';
	return wax_commit(out, item->value.bytes + 2);
}

static void lengthens(struct wax_flow *flow)
{
	run_flow_output(wax_map(texts(flow, 3), "longer", WAX_TEXT, longer, NULL), "%v");
}

Test(map, builds_a_value_in_place)
{
	expect_output(lengthens, "<0>\n<1>\n<2>\n");
}

/* Some lie in the batch that is read, some do not. */
static int mixed(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *text = item->value.data;

	(void)ctx;
	if (text[item->value.bytes - 1] % 3 == 0)
		return wax_emit(out, "else", 4);
	return wax_emit(out, text, item->value.bytes);
}

static void mixes(struct wax_flow *flow)
{
	run_flow_output(wax_map(texts(flow, 8), "mixed", WAX_TEXT, mixed, NULL), "%v");
}

Test(map, passes_on_what_lies_in_its_input_and_copies_the_rest)
{
	expect_output(mixes, "1\n2\n4\n5\n7\nelse\nelse\nelse\n");
}

static int to_nothing(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return wax_emit(out, NULL, 0);
}

static void empties(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 2), "nothing", WAX_TEXT, to_nothing, NULL), "[%v]");
}

Test(map, makes_empty_values)
{
	expect_output(empties, "[]\n[]\n");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 0), "add", WAX_U64, add_one, &one), "%v");
}

Test(map, of_no_items_makes_none)
{
	expect_output(of_none, "");
}

static int give_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit_kv(out, "k", 1, item->value.data, item->value.bytes);
}

static void to_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 2), "pair", WAX_KEYED(WAX_TEXT, WAX_U64), give_key,
					NULL),
			"%k:%v");
}

Test(map, makes_keyed_items)
{
	expect_output(to_keyed, "k:0\nk:1\n");
}

static uint64_t two = 2;

static void of_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_map(keyed_numbers(flow, 3, &two), "add", WAX_U64, add_one, &one), "%v");
}

Test(map, of_a_keyed_stream_drops_the_key)
{
	expect_output(of_keyed, "1\n2\n3\n");
}

/* ---- failures */

#define FLOW_WITH(name, callback, type)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_map(numbers(flow, 5), "m", type, callback, NULL), "%v");       \
	}

FLOW_WITH(fails_at_3, fail_at_3, WAX_U64)
FLOW_WITH(emits_none, emit_none, WAX_U64)
FLOW_WITH(emits_twice, emit_twice, WAX_U64)
FLOW_WITH(emits_3_bytes, emit_3_bytes, WAX_U64)
FLOW_WITH(gives_an_errno, give_back_an_errno, WAX_U64)
FLOW_WITH(gives_no_key, emit_same, WAX_KEYED(WAX_TEXT, WAX_U64))
FLOW_WITH(gives_a_key, give_key, WAX_U64)

Test(map, tells_why_a_callback_failed_and_where)
{
	expect_failure(fails_at_3, "flow.m", "3", "3 is not liked");
}

Test(map, must_emit_one)
{
	struct run_flow_result result = run_flow(emits_none, 1, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.sentence, "emitted 0 items, must be exactly 1");
	cr_assert_str_eq(result.item, "0");
	run_flow_free(&result);
}

Test(map, must_not_emit_two)
{
	struct run_flow_result result = run_flow(emits_twice, 1, NULL);

	cr_assert_str_eq(result.sentence, "emitted 2 items, must be exactly 1");
	cr_assert_str_eq(result.item, "0");
	run_flow_free(&result);
}

Test(map, must_emit_the_size_of_the_type)
{
	struct run_flow_result result = run_flow(emits_3_bytes, 1, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.sentence, "emitted a value of 3 bytes where the type has 8");
	cr_assert_str_eq(result.item, "0");
	cr_assert_str_eq(result.step, "flow.m");
	run_flow_free(&result);
}

Test(map, tells_the_errno_of_a_callback_that_says_no_more)
{
	struct run_flow_result result = run_flow(gives_an_errno, 1, NULL);

	cr_assert_str_eq(result.sentence, "the callback failed: Invalid argument");
	cr_assert_str_eq(result.item, "0");
	run_flow_free(&result);
}

Test(map, needs_keys_where_its_type_is_keyed_and_none_elsewhere)
{
	struct run_flow_result result = run_flow(gives_no_key, 1, NULL);

	cr_assert_str_eq(result.sentence, "emitted no key to a keyed stream: use wax_emit_kv");
	run_flow_free(&result);
	result = run_flow(gives_a_key, 1, NULL);
	cr_assert_str_eq(result.sentence,
			"emitted a key to a stream that is not keyed: use wax_emit");
	run_flow_free(&result);
}

static void downstream_fails(struct wax_flow *flow)
{
	struct wax_stream same = wax_map(numbers(flow, 5), "same", WAX_U64, emit_same, NULL);

	run_flow_output(wax_map(same, "m", WAX_U64, fail_at_3, NULL), "%v");
}

Test(map, is_not_blamed_for_a_step_downstream)
{
	expect_failure(downstream_fails, "flow.m", "3", "3 is not liked");
}

/* ---- mistakes */

FLOW_WITH(without_callback, NULL, WAX_U64)
FLOW_WITH(without_type, emit_same, NULL)

Test(map, needs_a_callback_and_a_type)
{
	expect_mistake(without_callback, "step \"flow.m\": its callback is NULL");
	expect_mistake(without_type,
			"step \"flow.m\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
}

static void of_nothing(struct wax_flow *flow)
{
	struct wax_stream none = {flow, 77};

	run_flow_output(wax_map(none, "m", WAX_U64, emit_same, NULL), "%v");
}

Test(map, needs_an_input)
{
	expect_mistake(of_nothing, "step \"flow.m\": its input is no stream of this flow");
}

static void twice_the_same_id(struct wax_flow *flow)
{
	struct wax_stream first = wax_map(numbers(flow, 1), "m", WAX_U64, emit_same, NULL);

	run_flow_output(wax_map(first, "m", WAX_U64, emit_same, NULL), "%v");
}

static void dotted(struct wax_flow *flow)
{
	run_flow_output(wax_map(numbers(flow, 1), "a.b", WAX_U64, emit_same, NULL), "%v");
}

Test(map, needs_an_id_of_its_own)
{
	expect_mistake(twice_the_same_id,
			"step \"flow.m\": the id \"m\" is taken by an earlier step: ids name "
			"steps in reports and in saved state, so each is used once");
	expect_mistake(dotted,
			"step \"flow.a.b\": the id \"a.b\" has a dot in it, which stands between a "
			"step and its parts: use \"_\"");
}
