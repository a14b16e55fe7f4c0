/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t three = 3, seven = 7, many_keys = 150000;

/* What a fold has seen: one accumulator can tell whether it was begun, filled and merged well. */
struct seen {
	uint64_t begun; /* 1000 for each that init set up */
	uint64_t sum;
	uint64_t count;
};

static void begin(void *acc, void *ctx)
{
	struct seen *seen = acc;

	(void)ctx;
	seen->begun += 1000;
}

static int add(void *acc, const struct wax_item *item, void *ctx)
{
	struct seen *seen = acc;

	(void)ctx;
	seen->sum += number_of(item);
	seen->count++;
	return 0;
}

static int merge(void *acc, const void *other, void *ctx)
{
	struct seen *seen = acc;
	const struct seen *more = other;

	(void)ctx;
	if (seen->begun != 1000 || more->begun != 1000)
		return wax_fail(NULL, "an accumulator that was not begun");
	seen->sum += more->sum;
	seen->count += more->count;
	return 0;
}

static int print_seen(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct seen *seen = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%d/%d/%d", (int)seen->begun, (int)seen->count,
			(int)seen->sum);
}

#define SEEN WAX_STRUCT_PRINT(struct seen, print_seen)

static struct wax_stream fold(struct wax_stream up)
{
	return wax_fold_merge_final(up, "fold", SEEN, begin, add, merge, NULL);
}

static void few(struct wax_flow *flow)
{
	run_flow_output(fold(keyed_numbers(flow, 9, &three)), "%k:%v");
}

static void text_keys(struct wax_flow *flow)
{
	run_flow_output(fold(text_keyed_numbers(flow, 9000, &three)), "%k:%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(fold(keyed_numbers(flow, 0, &three)), "%k:%v");
}

Test(fold_merge_final, folds_and_merges)
{
	expect_output(few, "0:1000/3/9\n1:1000/3/12\n2:1000/3/15\n");
	expect_output(text_keys,
			"0:1000/3000/13495500\n1:1000/3000/13498500\n2:1000/3000/13501500\n");
	expect_output(none, "");
}

static int empty_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return wax_emit(out, NULL, 0);
}

/* More keys than a combiner holds, hardly two items of one: items are passed on one by one. */
static void many(struct wax_flow *flow)
{
	run_flow_output(fold(keyed_numbers(flow, 200000, &many_keys)), "%v");
}

static void many_texts(struct wax_flow *flow)
{
	run_flow_output(fold(text_keyed_numbers(flow, 200000, &many_keys)), "%v");
}

static void under_one_empty_key(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(numbers(flow, 5), "key", WAX_TEXT, empty_key, NULL);

	run_flow_output(fold(up), "<%k>%v");
}

static const struct run_flow_options narrow = {
		.slab = "512", .exchange_mem = "1M", .interval = "1ms"};

Test(fold_merge_final, takes_more_keys_than_it_combines)
{
	expect_sum(many, 150000, UINT64_C(100000) * 199999);
	expect_sum(many_texts, 150000, UINT64_C(100000) * 199999);
	expect_sum_of(many, 3, &narrow, 150000, UINT64_C(100000) * 199999);
	expect_output(under_one_empty_key, "<>1000/5/10\n");
}

static void by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 70, &seven), "deal", WAX_DEAL_KEYS);

	run_flow_output(wax_count_final(fold(up), "count"), "%k:%v");
}

static void without_merge(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final(keyed_numbers(flow, 9, &three), "fold", SEEN, begin,
					add, NULL, NULL),
			"%k:%v");
}

Test(fold_merge_final, merges_nothing_where_it_need_not)
{
	expect_output(by_key, "0:1\n1:1\n2:1\n3:1\n4:1\n5:1\n6:1\n");
	expect_output(without_merge, "0:1000/3/9\n1:1000/3/12\n2:1000/3/15\n");
}

/* ---- typed */

WAX_FOLD(add_number, uint64_t, in, struct seen, seen)
{
	seen->begun = 7;
	seen->sum += *in;
	seen->count++;
}

WAX_FOLD(merge_seen, struct seen, in, struct seen, seen)
{
	seen->begun = in->begun;
	seen->sum += in->sum;
	seen->count += in->count;
}

static struct wax_stream fold_typed(struct wax_stream up)
{
	(void)SEEN;
	return wax_fold_merge_final_typed(up, "fold", &add_number, &merge_seen);
}

static void typed(struct wax_flow *flow)
{
	run_flow_output(fold_typed(text_keyed_numbers(flow, 9000, &three)), "%k:%v");
}

static void many_typed(struct wax_flow *flow)
{
	run_flow_output(fold_typed(keyed_numbers(flow, 200000, &many_keys)), "%v");
}

Test(fold_merge_final, folds_and_merges_by_kernels)
{
	expect_output(typed, "0:7/3000/13495500\n1:7/3000/13498500\n2:7/3000/13501500\n");
	expect_sum(many_typed, 150000, UINT64_C(100000) * 199999);
	expect_sum_of(many_typed, 3, &narrow, 150000, UINT64_C(100000) * 199999);
}

/* ---- failing */

static int fail_at_7(void *acc, const struct wax_item *item, void *ctx)
{
	return number_of(item) == 7 ? wax_fail(NULL, "no %d", 7) : add(acc, item, ctx);
}

static int never(void *acc, const void *other, void *ctx)
{
	(void)acc, (void)other, (void)ctx;
	return wax_fail(NULL, "these do not go together");
}

static void folder_fails(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final(keyed_numbers(flow, 9, &three), "fold", SEEN, begin,
					fail_at_7, merge, NULL),
			"%k:%v");
}

static void merger_fails(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final(text_keyed_numbers(flow, 30000, &three), "fold", SEEN,
					begin, add, never, NULL),
			"%k:%v");
}

Test(fold_merge_final, tells_what_failed)
{
	expect_failure(folder_fails, "flow.fold", "1 => 7", "no 7");

	struct run_flow_result result = run_flow(merger_fails, 2, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.step, "flow.fold.final");
	cr_assert_str_eq(result.sentence, "these do not go together");
	run_flow_free(&result);
}

static void without_fold(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final(keyed_numbers(flow, 9, &three), "fold", SEEN, begin,
					NULL, merge, NULL),
			"%k:%v");
}

static void variable(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final(keyed_numbers(flow, 9, &three), "fold", WAX_TEXT,
					begin, add, merge, NULL),
			"%k:%v");
}

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(fold(numbers(flow, 9)), "%v");
}

WAX_FOLD(to_number, struct seen, in, uint64_t, sum)
{
	*sum += in->sum;
}

static void other_merger(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final_typed(keyed_numbers(flow, 9, &three), "fold",
					&add_number, &to_number),
			"%v");
}

static void merger_of_others(struct wax_flow *flow)
{
	run_flow_output(wax_fold_merge_final_typed(keyed_numbers(flow, 9, &three), "fold",
					&add_number, &add_number),
			"%v");
}

Test(fold_merge_final, finds_mistakes_when_the_flow_is_built)
{
	expect_mistake(without_fold, "step \"flow.fold\": its callback fold is NULL");
	expect_mistake(variable,
			"step \"flow.fold\": its accumulator is of the type text, which "
			"has no fixed size");
	expect_mistake(not_keyed,
			"step \"flow.fold\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
	expect_mistake(other_merger,
			"step \"flow.fold\": its merger makes uint64_t of accumulators that are "
			"struct seen");
	expect_mistake(merger_of_others,
			"step \"flow.fold\": its kernel takes uint64_t (8 bytes), the stream has "
			"struct seen (24 bytes)");
}
