/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, many_keys = 50000, start = 100;

static int add(void *acc, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = acc;

	(void)ctx;
	*sum += number_of(item);
	return 0;
}

static void begin_at(void *acc, void *ctx)
{
	uint64_t *sum = acc;

	/* It is zeroed before. */
	*sum += *(const uint64_t *)ctx;
}

static void sums(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, NULL, add, NULL), "%k:%v");
}

static void sums_from_100(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, begin_at, add, &start), "%k:%v");
}

static void of_none(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 0, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, begin_at, add, &start), "%k:%v");
}

Test(fold_final, folds_the_values_of_each_key)
{
	expect_output(sums, "0:9\n1:12\n2:15\n");
	expect_output(of_none, "");
	expect_output_of(sums, 8, NULL, "0:9\n1:12\n2:15\n");
}

Test(fold_final, sets_an_accumulator_up_once)
{
	expect_output(sums_from_100, "0:109\n1:112\n2:115\n");
}

static void many_from_100(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 100000, &many_keys);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, begin_at, add, &start), "%v");
}

Test(fold_final, takes_many_keys)
{
	expect_sum(many_from_100, 50000, UINT64_C(99999) * 50000 + UINT64_C(5000000));
}

/* The accumulator is of another type than the values, and the key is in view. */
struct longest {
	uint32_t bytes;
	char text[12];
};

static int keep_longest(void *acc, const struct wax_item *item, void *ctx)
{
	struct longest *longest = acc;

	(void)ctx;
	if (item->value.bytes > longest->bytes) {
		longest->bytes = (uint32_t)item->value.bytes;
		memcpy(longest->text, item->value.data, item->value.bytes);
	}
	return item->key.bytes == 1 ? 0 : -22;
}

static int print_longest(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct longest *longest = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%.*s", (int)longest->bytes, longest->text);
}

static void longest(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "aone bfour | athree bsix | aten");

	run_flow_output(wax_fold_final(up, "fold", WAX_STRUCT_PRINT(struct longest, print_longest),
					NULL, keep_longest, NULL),
			"%k:%v");
}

Test(fold_final, folds_variable_values_into_another_type)
{
	expect_output(longest, "a:three\nb:four\n");
}

static void by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 9, &three), "deal", WAX_DEAL_KEYS);

	up = wax_fold_final(up, "fold", WAX_U64, NULL, add, NULL);
	run_flow_output(wax_fold_final(up, "again", WAX_U64, begin_at, add, &start), "%k:%v");
}

Test(fold_final, of_a_stream_by_key_needs_no_exchange)
{
	expect_output(by_key, "0:109\n1:112\n2:115\n");
}

static int fail_at_7(void *acc, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 7 ? -5 : add(acc, item, ctx);
}

static void fails(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, NULL, fail_at_7, NULL), "%k:%v");
}

Test(fold_final, tells_at_which_item_the_folder_failed)
{
	expect_failure(fails, "flow.fold", "1 => 7", "the callback failed: Input/output error");
}

static int say_why_at_7(void *acc, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 7 ? wax_fail(NULL, "no %d", 7) : add(acc, item, ctx);
}

static void says_why(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, NULL, say_why_at_7, NULL), "%k:%v");
}

Test(fold_final, tells_why_the_folder_failed)
{
	expect_failure(says_why, "flow.fold", "1 => 7", "no 7");
}

static void without_callback(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_U64, NULL, NULL, NULL), "%v");
}

static void without_type(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", NULL, NULL, add, NULL), "%v");
}

static void variable(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_TEXT, NULL, add, NULL), "%v");
}

static void keyed_type(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 9, &three);

	run_flow_output(wax_fold_final(up, "fold", WAX_KEYED(WAX_U64, WAX_U64), NULL, add, NULL),
			"%v");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_fold_final(numbers(flow, 9), "fold", WAX_U64, NULL, add, NULL), "%v");
}

Test(fold_final, needs_a_callback_a_keyed_stream_and_a_fixed_accumulator)
{
	expect_mistake(without_callback, "step \"flow.fold\": its callback fold is NULL");
	expect_mistake(without_type,
			"step \"flow.fold\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(variable,
			"step \"flow.fold\": its accumulator is of the type text, which "
			"has no fixed size");
	expect_mistake(keyed_type,
			"step \"flow.fold\": its type (uint64_t, uint64_t) is keyed: "
			"give that of the value alone, the key is added");
	expect_mistake(not_keyed,
			"step \"flow.fold\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
