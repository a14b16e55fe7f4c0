/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, three = 3;

static void fixed(struct wax_flow *flow)
{
	run_flow_output(keyed_numbers(flow, 4, &two), "%k:%v");
}

static void variable(struct wax_flow *flow)
{
	run_flow_output(text_keyed_numbers(flow, 4, &two), "%k:%v");
}

Test(key_on, gives_each_item_a_key)
{
	expect_output(fixed, "0:0\n0:2\n1:1\n1:3\n");
	expect_output(variable, "0:0\n0:2\n1:1\n1:3\n");
}

static void self(struct wax_flow *flow)
{
	run_flow_output(wax_key_on(numbers(flow, 3), "key", WAX_U64, wax_key_self, NULL), "%k:%v");
}

static void self_text(struct wax_flow *flow)
{
	run_flow_output(wax_key_on(texts(flow, 3), "key", WAX_TEXT, wax_key_self, NULL), "%k:%v");
}

/* Bytes are printed otherwise, but are the same in memory. */
static void self_as_bytes(struct wax_flow *flow)
{
	run_flow_output(wax_key_on(texts(flow, 3), "key", WAX_BYTES, wax_key_self, NULL), "%k:%v");
}

/* A run of bytes of a number: not the same in memory. */
static void self_made_variable(struct wax_flow *flow)
{
	run_flow_output(wax_key_on(numbers(flow, 2), "key", WAX_BYTES, wax_key_self, NULL),
			"%k:%v");
}

Test(key_on, takes_the_value_itself)
{
	expect_output(self, "0:0\n1:1\n2:2\n");
	expect_output(self_text, "0:0\n1:1\n2:2\n");
	expect_output(self_as_bytes, "30:0\n31:1\n32:2\n");
	expect_output(self_made_variable, "0000000000000000:0\n0100000000000000:1\n");
}

static void replaced(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 3, &two);

	run_flow_output(wax_key_on(up, "again", WAX_TEXT, to_text, NULL), "%k:%v");
}

static void replaced_by_self(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 3, &two);

	run_flow_output(wax_key_on(up, "again", WAX_U64, wax_key_self, NULL), "%k:%v");
}

Test(key_on, replaces_the_key_of_a_keyed_stream)
{
	expect_output(replaced, "0:0\n1:1\n2:2\n");
	expect_output(replaced_by_self, "0:0\n1:1\n2:2\n");
}

/* A new key means another worker: what was by the old key is exchanged anew. */
static void exchanged_again(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 60, &two), "deal", WAX_DEAL_KEYS);

	up = wax_key_on(up, "again", WAX_U64, key_modulo, &three);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(key_on, of_a_stream_by_key_needs_an_exchange_again)
{
	expect_output(exchanged_again, "0:20\n1:20\n2:20\n");
}

static int empty_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return wax_emit(out, NULL, 0);
}

static void empty(struct wax_flow *flow)
{
	run_flow_output(wax_count_final(wax_key_on(numbers(flow, 3), "key", WAX_TEXT, empty_key,
							NULL),
					"count"),
			"[%k]:%v");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(keyed_numbers(flow, 0, &two), "%k:%v");
}

Test(key_on, takes_the_empty_key_and_no_items)
{
	expect_output(empty, "[]:3\n");
	expect_output(of_none, "");
}

static void many(struct wax_flow *flow)
{
	run_flow_output(text_keyed_numbers(flow, 50000, &three), "%k:%v");
}

Test(key_on, takes_many_batches)
{
	expect_sum(many, 50000, UINT64_C(1249975000));
	expect_sum_of(many, 8, NULL, 50000, UINT64_C(1249975000));
}

#define FLOW_WITH(name, type, callback)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_key_on(numbers(flow, 5), "key", type, callback, NULL), "%v");  \
	}

static int none_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? 0 : emit_same(out, item, ctx);
}

static int twice_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_twice(out, item, ctx) : emit_same(out, item, ctx);
}

FLOW_WITH(fails, WAX_U64, fail_at_3)
FLOW_WITH(emits_none, WAX_U64, none_at_3)
FLOW_WITH(emits_twice, WAX_U64, twice_at_3)

static void self_of_other_size(struct wax_flow *flow)
{
	struct wax_stream up = wax_filter(numbers(flow, 5), "odd", is_odd, NULL);

	run_flow_output(wax_key_on(up, "key", WAX_U32, wax_key_self, NULL), "%v");
}

Test(key_on, must_emit_one_key_of_its_size)
{
	expect_failure(emits_none, "flow.key", "3", "emitted 0 items, must be exactly 1");
	expect_failure(emits_twice, "flow.key", "3", "emitted 2 items, must be exactly 1");

	struct run_flow_result result = run_flow(self_of_other_size, 1, NULL);

	cr_assert_str_eq(result.sentence, "emitted a value of 8 bytes where the type has 4");
	cr_assert_str_eq(result.item, "1");
	run_flow_free(&result);
}

Test(key_on, tells_why_a_callback_failed)
{
	expect_failure(fails, "flow.key", "3", "3 is not liked");
}

FLOW_WITH(without_callback, WAX_U64, NULL)
FLOW_WITH(without_type, NULL, emit_same)
FLOW_WITH(keyed_type, WAX_KEYED(WAX_U64, WAX_U64), emit_same)

Test(key_on, needs_a_callback_and_a_type)
{
	expect_mistake(without_callback, "step \"flow.key\": its callback is NULL");
	expect_mistake(without_type,
			"step \"flow.key\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(keyed_type,
			"step \"flow.key\": its key is of the type (uint64_t, "
			"uint64_t): a key has no key itself");
}

static void removed(struct wax_flow *flow)
{
	run_flow_output(wax_key_rm(text_keyed_numbers(flow, 3, &two), "rm"), NULL);
}

static void removed_variable(struct wax_flow *flow)
{
	run_flow_output(wax_key_rm(script(flow, "b1 a2 | b3"), "rm"), NULL);
}

static void removed_from_none(struct wax_flow *flow)
{
	run_flow_output(wax_key_rm(text_keyed_numbers(flow, 0, &two), "rm"), NULL);
}

Test(key_rm, takes_the_key_away)
{
	expect_output(removed, "0\n1\n2\n");
	expect_output(removed_variable, "1\n2\n3\n");
	expect_output(removed_from_none, "");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_key_rm(numbers(flow, 3), "rm"), NULL);
}

Test(key_rm, needs_a_keyed_stream)
{
	expect_mistake(not_keyed,
			"step \"flow.rm\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
