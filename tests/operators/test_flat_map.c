/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int words(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *text = item->value.data, *end = text + item->value.bytes;

	(void)ctx;
	for (const char *at = text, *next; at < end; at = next + 1) {
		next = memchr(at, ' ', (size_t)(end - at));
		next = next ? next : end;
		if (next > at)
			wax_emit(out, at, (size_t)(next - at));
	}
	return 0;
}

static int sentence(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static const char *const texts_of[] = {"split this", "", " and  this one "};
	const char *text = texts_of[number_of(item) % 3];

	(void)ctx;
	return wax_emit(out, text, strlen(text));
}

static void splits(struct wax_flow *flow)
{
	struct wax_stream lines = wax_map(numbers(flow, 3), "lines", WAX_TEXT, sentence, NULL);

	run_flow_output(wax_flat_map(lines, "words", WAX_TEXT, words, NULL), "%v");
}

Test(flat_map, makes_any_number_of_each)
{
	expect_output(splits, "and\none\nsplit\nthis\nthis\n");
	expect_order(splits, NULL, "split\nthis\nand\nthis\none\n");
}

static int as_often(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	for (uint64_t i = 0; i < number; i++)
		wax_emit(out, &i, sizeof(i));
	return 0;
}

static void grows(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map(numbers(flow, 400), "grow", WAX_U64, as_often, NULL), "%v");
}

Test(flat_map, makes_more_than_a_batch_holds)
{
	expect_sum(grows, 79800, UINT64_C(10586800));
	expect_sum_of(grows, 8, NULL, 79800, UINT64_C(10586800));
}

static void none_of_some(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map(numbers(flow, 5000), "f", WAX_U64, emit_none, NULL), "%v");
}

static void none_of_none(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map(numbers(flow, 0), "f", WAX_U64, emit_twice, NULL), "%v");
}

Test(flat_map, makes_nothing)
{
	expect_output(none_of_some, "");
	expect_output(none_of_none, "");
}

static int pairs(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	wax_emit_kv(out, "a", 1, item->value.data, item->value.bytes);
	return wax_emit_kv(out, "", 0, item->value.data, item->value.bytes);
}

static void to_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map(numbers(flow, 2), "f", WAX_KEYED(WAX_TEXT, WAX_U64), pairs,
					NULL),
			"%k:%v");
}

Test(flat_map, makes_keyed_items_even_with_empty_keys)
{
	expect_output(to_keyed, ":0\n:1\na:0\na:1\n");
}

static int fail_later(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	emit_same(out, item, ctx);
	return number_of(item) == 3 ? wax_fail(out, "enough") : 0;
}

/* The sentence counts, though the callback gives back that all is well. */
static int fail_quietly(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (number_of(item) == 3)
		wax_fail(out, "said and done");
	return 0;
}

static int fail_emit_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 3 ? emit_3_bytes(out, item, ctx) : 0;
}

static int commit_more_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (number_of(item) == 3 && wax_claim(out, NULL, 0, 8))
		wax_commit(out, 9);
	return 0;
}

#define FLOW_WITH(name, callback, type)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_flat_map(numbers(flow, 5), "f", type, callback, NULL), "%v");  \
	}

FLOW_WITH(fails_later, fail_later, WAX_U64)
FLOW_WITH(fails_quietly, fail_quietly, WAX_U64)
FLOW_WITH(fails_emitting, fail_emit_at_3, WAX_U64)
FLOW_WITH(commits_more, commit_more_at_3, WAX_U64)

Test(flat_map, tells_why_and_where_a_callback_failed)
{
	expect_failure(fails_later, "flow.f", "3", "enough");
	expect_failure(fails_quietly, "flow.f", "3", "said and done");
	expect_failure(fails_emitting, "flow.f", "3",
			"emitted a value of 3 bytes where the type has 8");
	expect_failure(commits_more, "flow.f", "3", "committed 9 bytes of 8 that were claimed");
}

FLOW_WITH(without_callback, NULL, WAX_U64)
FLOW_WITH(without_type, emit_same, NULL)

Test(flat_map, needs_a_callback_and_a_type)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
	expect_mistake(without_type,
			"step \"flow.f\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
}
