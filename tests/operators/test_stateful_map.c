/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, thousand = 1000, many_keys = 50000;

/* ---- fixed types */

static int running_sum(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;

	(void)ctx;
	*sum += number_of(item);
	wax_emit(out, sum, sizeof(*sum));
	return WAX_RETAIN;
}

static void sums(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(7, 0));

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &three);
	run_flow_output(wax_stateful_map(up, "sum", WAX_U64, 8, running_sum, NULL), "%k:%v");
}

Test(stateful_map, keeps_a_state_for_each_key)
{
	expect_output(sums, "0:0\n0:3\n0:9\n1:1\n1:5\n2:2\n2:7\n");
	expect_order(sums, NULL, "0:0\n1:1\n2:2\n0:3\n1:5\n2:7\n0:9\n");
}

static int count_up(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint32_t *count = state;

	(void)item, (void)ctx;
	++*count;
	return wax_emit(out, count, sizeof(*count)) < 0 ? -1 : WAX_RETAIN;
}

static void counts(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 100000, &many_keys);

	run_flow_output(wax_stateful_map(up, "count", WAX_U32, 4, count_up, NULL), "%v");
}

static void counts_by_text(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 100000, &thousand);

	run_flow_output(wax_stateful_map(up, "count", WAX_U32, 4, count_up, NULL), "%v");
}

Test(stateful_map, takes_many_keys)
{
	expect_sum(counts, 100000, 150000);
	expect_sum(counts_by_text, 100000, UINT64_C(1000) * 100 * 101 / 2);
	expect_sum_of(counts_by_text, 8, NULL, 100000, UINT64_C(1000) * 100 * 101 / 2);
}

static void of_none(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 0, &three);

	run_flow_output(wax_stateful_map(up, "count", WAX_U32, 4, count_up, NULL), "%v");
}

Test(stateful_map, of_no_items_makes_none)
{
	expect_output(of_none, "");
}

/* ---- variable types, odd states */

static int last_two(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	char *last = state, text[64];
	int bytes = sprintf(text, "%.*s-%s-%.*s", (int)item->key.bytes,
			(const char *)item->key.data, last, (int)item->value.bytes,
			(const char *)item->value.data);

	(void)ctx;
	memcpy(last, item->value.data, item->value.bytes);
	last[item->value.bytes] = '\0';
	wax_emit(out, text, (size_t)bytes);
	return WAX_RETAIN;
}

static void remembers(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "b1 a2 bthree | a b4 a5");

	run_flow_output(wax_stateful_map(up, "last", WAX_TEXT, 24, last_two, NULL), "%k:%v");
}

Test(stateful_map, takes_variable_keys_and_values)
{
	expect_output(remembers, "a:a--2\na:a--5\na:a-2-\nb:b--1\nb:b-1-three\nb:b-three-4\n");
}

static int no_state(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state, (void)ctx;
	wax_emit(out, item->value.data, item->value.bytes);
	return WAX_RETAIN;
}

static void without_state(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map(script(flow, "a1 b2 | a3"), "same", WAX_TEXT, 0, no_state,
					NULL),
			"%k:%v");
}

static int large_state(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint32_t *counts = state;

	(void)item, (void)ctx;
	counts[16383]++;
	if ((uintptr_t)state % 16 != 0)
		return wax_fail(out, "the state is not aligned");
	wax_emit(out, &counts[16383], 4);
	return WAX_RETAIN;
}

static void with_the_largest(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map(keyed_numbers(flow, 90, &three), "count", WAX_U32, 65536,
					large_state, NULL),
			"%v");
}

Test(stateful_map, takes_no_state_and_the_largest)
{
	expect_output(without_state, "a:1\na:3\nb:2\n");
	expect_sum(with_the_largest, 90, 3 * 30 * 31 / 2);
}

/* ---- discarding */

static int count_to_reset(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	char *count = state, text[2];

	(void)ctx;
	text[0] = (char)('0' + ++*count);
	text[1] = *(const char *)item->value.data;
	wax_emit(out, text, 2);
	return text[1] == 'x' ? WAX_DISCARD : WAX_RETAIN;
}

static void resets(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a. b. a. ax a. bx b. c. a. | a. b. cx | c. a.");

	run_flow_output(wax_stateful_map(up, "count", WAX_TEXT, 1, count_to_reset, NULL), "%k%v");
}

Test(stateful_map, makes_a_discarded_key_anew_within_a_batch)
{
	expect_order(resets, NULL,
			"a1.\nb1.\na2.\na3x\na1.\nb2x\nb1.\nc1.\na2.\na3.\nb2.\nc2x\nc1.\na4.\n");
	expect_output(resets,
			"a1.\na1.\na2.\na2.\na3.\na3x\na4.\nb1.\nb1.\nb2.\nb2x\nc1.\nc1.\nc2x\n");
}

/* Each key is discarded at its third item; all items of a key give 1 2 3 1 2 3 ... */
static int count_to_3(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *words = state;

	(void)ctx;
	/* Whose state it is shows a mix-up. */
	if (words[0] == 0)
		memcpy(&words[1], item->key.data, 8);
	if (memcmp(&words[1], item->key.data, 8) != 0)
		return wax_fail(out, "the state is that of another key");
	words[0]++;
	wax_emit(out, words, 8);
	return words[0] == 3 ? WAX_DISCARD : WAX_RETAIN;
}

static int scrambled(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t key = number_of(item) * UINT64_C(0x9e3779b97f4a7c15) >> 40;

	key = key * *(const uint64_t *)ctx >> 24;
	return wax_emit(out, &key, sizeof(key));
}

static void discards_often(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 120000, &thousand);

	run_flow_output(wax_stateful_map(up, "count", WAX_U64, 16, count_to_3, NULL), "%v");
}

/* Few keys: the same ones many times in a block. */
static void discards_at_once(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(numbers(flow, 90000), "key", WAX_U64, scrambled, &three);

	run_flow_output(wax_stateful_map(up, "count", WAX_U64, 16, count_to_3, NULL), "%v");
}

static int only_once(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state;

	(void)item, (void)ctx;
	++*count;
	wax_emit(out, count, 8);
	return WAX_DISCARD;
}

static void never_keeps(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 100000, &thousand);

	run_flow_output(wax_stateful_map(up, "count", WAX_U64, 8, only_once, NULL), "%v");
}

static void never_keeps_texts(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 100000, &thousand);

	run_flow_output(wax_stateful_map(up, "count", WAX_U64, 8, only_once, NULL), "%v");
}

Test(stateful_map, never_mixes_up_keys_that_come_and_go)
{
	expect_sum(discards_often, 120000, 240000);
	expect_sum_of(discards_often, 8, NULL, 120000, 240000);
	expect_sum(never_keeps, 100000, 100000);
	expect_sum(never_keeps_texts, 100000, 100000);

	struct run_flow_result result = run_flow(discards_at_once, 2, NULL);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	run_flow_free(&result);
}

/* ---- failures */

#define DEFINE_MISBEHAVING(name, body)                                                             \
	static int name##_at_3(                                                                    \
			struct wax_out *out, void *state, const struct wax_item *item, void *ctx)  \
	{                                                                                          \
		if (number_of(item) == 3)                                                          \
			body;                                                                      \
		return running_sum(out, state, item, ctx);                                         \
	}                                                                                          \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 5, &three);                             \
                                                                                                   \
		run_flow_output(wax_stateful_map(up, "s", WAX_U64, 8, name##_at_3, NULL), "%v");   \
	}

DEFINE_MISBEHAVING(gives_7, return emit_same(out, item, NULL) + 7)
DEFINE_MISBEHAVING(emits_none, return 0)
DEFINE_MISBEHAVING(emits_twice, return emit_twice(out, item, NULL))
DEFINE_MISBEHAVING(fails, return wax_fail(out, "no %s", "thanks"))
DEFINE_MISBEHAVING(gives_an_errno, return -5)
DEFINE_MISBEHAVING(wrong_size, return emit_3_bytes(out, item, NULL))
DEFINE_MISBEHAVING(gives_a_key, return (wax_emit_kv(out, "k", 1, "v", 1), 0))

Test(stateful_map, tells_what_a_callback_did_wrong_and_where)
{
	expect_failure(gives_7, "flow.s", "0 => 3",
			"the callback gave back 7, must be WAX_RETAIN (0) or WAX_DISCARD (1)");
	expect_failure(emits_none, "flow.s", "0 => 3", "emitted 0 items, must be exactly 1");
	expect_failure(emits_twice, "flow.s", "0 => 3", "emitted 2 items, must be exactly 1");
	expect_failure(fails, "flow.s", "0 => 3", "no thanks");
	expect_failure(gives_an_errno, "flow.s", "0 => 3",
			"the callback failed: Input/output error");
	expect_failure(wrong_size, "flow.s", "0 => 3",
			"emitted a value of 3 bytes where the type has 8");
	expect_failure(gives_a_key, "flow.s", "0 => 3",
			"emitted a key to a stream that is not keyed: use wax_emit");
}

/* ---- mistakes */

#define FLOW_WITH(name, up, type, state_bytes, fn)                                                 \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_stateful_map(up, "s", type, state_bytes, fn, NULL), "%v");     \
	}

FLOW_WITH(without_callback, keyed_numbers(flow, 5, &three), WAX_U64, 8, NULL)
FLOW_WITH(without_type, keyed_numbers(flow, 5, &three), NULL, 8, running_sum)
FLOW_WITH(keyed_type, keyed_numbers(flow, 5, &three), WAX_KEYED(WAX_U64, WAX_U64), 8, running_sum)
FLOW_WITH(too_large, keyed_numbers(flow, 5, &three), WAX_U64, 65537, running_sum)
FLOW_WITH(not_keyed, numbers(flow, 5), WAX_U64, 8, running_sum)

Test(stateful_map, needs_a_callback_a_type_a_keyed_stream_and_a_small_state)
{
	expect_mistake(without_callback, "step \"flow.s\": its callback is NULL");
	expect_mistake(without_type,
			"step \"flow.s\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(keyed_type,
			"step \"flow.s\": its type (uint64_t, uint64_t) is keyed: give "
			"that of the value alone, the key is added");
	expect_mistake(too_large,
			"step \"flow.s\": its state has 65537 bytes, 65536 are the most: "
			"let it point to what is larger");
	expect_mistake(not_keyed,
			"step \"flow.s\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
