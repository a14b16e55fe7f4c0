/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/flow.h"

/* What becomes of items at which a callback fails, operator by operator. The numbers 3, 13, 23 ... are
 * bad; with a batch of them before and behind, and in the middle of what a batch holds. */

static bool is_bad(uint64_t number)
{
	return number % 10 == 3;
}

/* ---- Callbacks that emit */

/* Emits first, so that there is something to withdraw. */
static int same_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	wax_emit(out, &number, sizeof(number));
	return is_bad(number) ? wax_fail(out, "%d is bad", (int)number) : 0;
}

static int text_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	emit_decimal(out, number);
	return is_bad(number) ? -EDOM : 0;
}

/* wax_fail is enough: what is given back need not say it again. */
static int silent_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	if (is_bad(number))
		wax_fail(out, "bad");
	wax_emit(out, &number, sizeof(number));
	return 0;
}

static int yes_but_bad(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return is_bad(number_of(item)) ? wax_fail(NULL, "bad") : 1;
}

#define SKIPPING_AS(format, name, step)                                                            \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream good = step;                                                     \
		wax_on_error(good, WAX_SKIP);                                                      \
		run_flow_output(good, format);                                                     \
	}
#define SKIPPING(name, step) SKIPPING_AS("%v", name, step)

static const uint64_t seven = 7;

SKIPPING(mapped, wax_map(numbers(flow, 20000), "s", WAX_U64, same_but_bad, NULL))
SKIPPING(mapped_to_text, wax_map(numbers(flow, 20000), "s", WAX_TEXT, text_but_bad, NULL))
SKIPPING(mapped_silently, wax_map(numbers(flow, 20000), "s", WAX_U64, silent_but_bad, NULL))
SKIPPING(filter_mapped, wax_filter_map(numbers(flow, 20000), "s", WAX_U64, same_but_bad, NULL))
SKIPPING(map_valued,
		wax_map_value(keyed_numbers(flow, 20000, &seven), "s", WAX_U64, same_but_bad, NULL))
SKIPPING(map_valued_to_text,
		wax_map_value(keyed_numbers(flow, 20000, &seven), "s", WAX_TEXT, text_but_bad,
				NULL))
SKIPPING(flat_map_valued,
		wax_flat_map_value(keyed_numbers(flow, 20000, &seven), "s", WAX_U64, same_but_bad,
				NULL))
SKIPPING(flat_map_valued_to_text,
		wax_flat_map_value(text_keyed_numbers(flow, 20000, &seven), "s", WAX_TEXT,
				text_but_bad, NULL))
SKIPPING(filter_map_valued,
		wax_filter_map_value(text_keyed_numbers(flow, 20000, &seven), "s", WAX_U64,
				silent_but_bad, NULL))
SKIPPING(keyed_on, wax_key_on(numbers(flow, 20000), "s", WAX_U64, same_but_bad, NULL))
SKIPPING(keyed_on_text, wax_key_on(numbers(flow, 20000), "s", WAX_TEXT, text_but_bad, NULL))

static int stateful_but_bad(
		struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state;
	return same_but_bad(out, item, ctx);
}

/* The lookup fails, and not the callback that asks. */
static int find_but_bad(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	const struct wax_item item = {.value = key};

	return same_but_bad(out, &item, ctx);
}

static int ask(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache, void *ctx)
{
	struct wax_bytes answer = wax_cache_get(cache, item->value.data, item->value.bytes);

	(void)ctx;
	return answer.data ? wax_emit(out, answer.data, answer.bytes) : 0;
}

static const struct wax_enrich_options finding = {
		.size_bytes = sizeof(finding), .get = find_but_bad, .entries_max = 100};

SKIPPING(stateful_flat_mapped,
		wax_stateful_flat_map(keyed_numbers(flow, 20000, &seven), "s", WAX_U64, 8,
				stateful_but_bad, NULL))
SKIPPING(looked_up, wax_enrich_cached(numbers(flow, 20000), "s", WAX_U64, ask, &finding, NULL))

/* Of 0 ... 19999 without those that end in 3. */
enum { GOOD = 18000, GOOD_SUM = 199990000 - (2000 * 3 + 10 * 1999000) };

Test(policy, the_bad_are_dropped_and_the_others_are_not)
{
	const build_fn flows[] = {mapped, mapped_to_text, mapped_silently, filter_mapped,
			map_valued, map_valued_to_text, flat_map_valued, flat_map_valued_to_text,
			filter_map_valued, keyed_on, keyed_on_text, stateful_flat_mapped,
			looked_up};

	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		expect_sum(flows[i], GOOD, GOOD_SUM);
}

static void keys_of_the_dropped(struct wax_flow *flow)
{
	struct wax_stream good = wax_key_on(numbers(flow, 40), "s", WAX_U64, same_but_bad, NULL);

	wax_on_error(good, WAX_SKIP);
	run_flow_output(wax_map_value(good, "same", WAX_U64, emit_same, NULL), "%k=%v");
}

static const uint64_t hundred = 100;

SKIPPING_AS("%k=%v", keys_added_to_values,
		wax_flat_map_value(text_keyed_numbers(flow, 40, &hundred), "s", WAX_U64,
				same_but_bad, NULL))
SKIPPING_AS("%k=%v", keys_added_to_texts,
		wax_filter_map_value(keyed_numbers(flow, 40, &hundred), "s", WAX_TEXT, text_but_bad,
				NULL))
SKIPPING_AS("%k=%v", keys_beside_values,
		wax_filter_value(keyed_numbers(flow, 40, &hundred), "s", yes_but_bad, NULL))

static void expect_keys_as_values(build_fn build)
{
	struct run_flow_result result = run_flow(build, 1, NULL);
	unsigned expected = 0;

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	for (const char *line = result.unsorted; *line; line = strchr(line, '\n') + 1) {
		unsigned key, value;

		if (is_bad(expected))
			expected++;
		cr_assert_eq(sscanf(line, "%u=%u", &key, &value), 2);
		cr_assert_eq(key, expected);
		cr_assert_eq(value, expected);
		expected++;
	}
	cr_assert_eq(expected, 40);
	run_flow_free(&result);
}

/* The new column stays beside the items that it was made of. */
Test(policy, keys_stay_with_their_values)
{
	expect_keys_as_values(keys_of_the_dropped);
	expect_keys_as_values(keys_added_to_values);
	expect_keys_as_values(keys_added_to_texts);
	expect_keys_as_values(keys_beside_values);
}

/* ---- More than a batch for one item */

enum { MANY = 9000 };

static int many_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	for (int i = 0; i < MANY; i++) {
		wax_emit(out, &number, sizeof(number));
		if (i % 1000 == 0)
			wax_out_flush(out);
	}
	return is_bad(number) ? wax_fail(out, "bad") : 0;
}

static int many_texts_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);
	char text[64];

	(void)ctx;
	memset(text, '0', sizeof(text));
	sprintf(text + 40, "%" PRIu64, number);
	text[strlen(text)] = '\0';
	for (int i = 0; i < MANY; i++) {
		size_t bytes = strlen(text);
		char *to = wax_claim(out, NULL, 0, bytes);

		if (!to)
			return -ENOMEM;
		memcpy(to, text, bytes);
		wax_commit(out, bytes);
	}
	return is_bad(number) ? wax_fail(out, "bad") : 0;
}

/* Whole columns, without a look at whether anything failed. */
static int many_columns_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	if (is_bad(number))
		wax_fail(out, "bad");
	for (uint32_t done = 0; done < MANY;) {
		uint32_t room = wax_out_room(out, MANY - done);

		for (uint32_t i = 0; i < room; i++)
			WAX_OUT_VALUES(out, uint64_t)[i] = number;
		wax_out_advance(out, room);
		done += room;
	}
	return 0;
}

SKIPPING(many, wax_flat_map(numbers(flow, 30), "s", WAX_U64, many_but_bad, NULL))
SKIPPING(many_texts, wax_flat_map(numbers(flow, 30), "s", WAX_TEXT, many_texts_but_bad, NULL))
SKIPPING(many_columns, wax_flat_map(numbers(flow, 30), "s", WAX_U64, many_columns_but_bad, NULL))
SKIPPING(many_values,
		wax_flat_map_value(text_keyed_numbers(flow, 30, &seven), "s", WAX_U64, many_but_bad,
				NULL))

Test(policy, nothing_half_emitted_goes_on)
{
	const build_fn flows[] = {many, many_texts, many_columns, many_values};

	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		expect_sum(flows[i], 27 * MANY, (435 - 39) * MANY);
}

/* Parts of a line are lent; one that is made up is not. */
static int words_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *text = item->value.data;

	(void)ctx;
	wax_emit(out, text, item->value.bytes);
	if (item->value.bytes > 1)
		wax_emit(out, "made up", 7);
	return text[0] == '3' ? -EBADMSG : 0;
}

SKIPPING(words, wax_flat_map(texts(flow, 12), "s", WAX_TEXT, words_but_bad, NULL))

Test(policy, lent_and_copied_items_are_withdrawn)
{
	expect_output(words, "0\n1\n10\n11\n2\n4\n5\n6\n7\n8\n9\nmade up\nmade up\n");
}

/* Two words, and a length without its bytes. */
static int pair_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);
	char text[24], elements[64];
	size_t bytes = wax_element_put(elements, text, (uint32_t)sprintf(text, "%" PRIu64, number));

	(void)ctx;
	bytes += wax_element_put(elements + bytes, "two", 3);
	return wax_emit(out, elements, is_bad(number) ? bytes - 1 : bytes);
}

static int array_but_bad(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t pair[] = {number_of(item), 100};

	(void)ctx;
	return wax_emit(out, pair, is_bad(pair[0]) ? 12 : 16);
}

SKIPPING(elements,
		wax_flatten(wax_map(numbers(flow, 6), "p", WAX_BYTES, pair_but_bad, NULL), "s",
				WAX_TEXT))
SKIPPING_AS("%k=%v", elements_with_keys,
		wax_flatten(wax_map_value(text_keyed_numbers(flow, 6, &hundred), "p", WAX_BYTES,
					    pair_but_bad, NULL),
				"s", WAX_TEXT))
SKIPPING(arrays,
		wax_flatten(wax_map(numbers(flow, 6), "p", WAX_BYTES, array_but_bad, NULL), "s",
				WAX_U64))
SKIPPING_AS("%k=%v", arrays_with_keys,
		wax_flatten(wax_map_value(keyed_numbers(flow, 6, &hundred), "p", WAX_BYTES,
					    array_but_bad, NULL),
				"s", WAX_U64))

Test(policy, an_item_that_cannot_be_taken_apart_is_dropped_whole)
{
	expect_output(elements, "0\n1\n2\n4\n5\ntwo\ntwo\ntwo\ntwo\ntwo\n");
	expect_output(elements_with_keys,
			"0=0\n0=two\n1=1\n1=two\n2=2\n2=two\n4=4\n4=two\n5=5\n5=two\n");
	expect_output(arrays, "0\n1\n100\n100\n100\n100\n100\n2\n4\n5\n");
	expect_output(arrays_with_keys,
			"0=0\n0=100\n1=1\n1=100\n2=100\n2=2\n4=100\n4=4\n5=100\n5=5\n");
}

/* ---- Batches */

static int batch_but_bad(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t number = WAX_VALUES(batch, uint64_t)[i];

		if (is_bad(number))
			return wax_fail(out, "%d is bad", (int)number);
		wax_emit(out, &number, sizeof(number));
	}
	return 0;
}

SKIPPING(batches, wax_flat_map_batch(numbers(flow, 20000), "s", WAX_U64, batch_but_bad, NULL))

Test(policy, a_batch_is_tried_again_item_by_item)
{
	expect_sum(batches, GOOD, GOOD_SUM);
}

/* ---- Callbacks that answer */

static int odd_but_bad(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return is_bad(number_of(item)) ? -EDOM : is_odd(item, NULL);
}

SKIPPING(filtered, wax_filter(numbers(flow, 16), "s", odd_but_bad, NULL))

static void branched(struct wax_flow *flow)
{
	struct wax_branches sides = wax_branch(numbers(flow, 16), "s", odd_but_bad, NULL);
	struct wax_stream both[] = {sides.trues, sides.falses};

	wax_on_error(sides.falses, WAX_SKIP);
	run_flow_output(wax_merge("both", both, 2), "%v");
}

static int look_but_bad(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)place, (void)ctx;
	return is_bad(number_of(item)) ? -EDOM : 0;
}

SKIPPING(inspected, wax_inspect(numbers(flow, 16), "s", look_but_bad, NULL))

static int look_always_but_bad(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx)
{
	return moment == WAX_MOMENT_ITEM ? look_but_bad(place, item, ctx) : 0;
}

SKIPPING(inspected_always, wax_inspect_debug(numbers(flow, 16), "s", look_always_but_bad, NULL))
SKIPPING(filtered_values, wax_filter_value(keyed_numbers(flow, 16, &seven), "s", yes_but_bad, NULL))

Test(policy, an_item_without_an_answer_goes_nowhere)
{
	expect_output(filtered, "1\n11\n15\n5\n7\n9\n");
	expect_output(branched, "0\n1\n10\n11\n12\n14\n15\n2\n4\n5\n6\n7\n8\n9\n");
	expect_output(inspected, "0\n1\n10\n11\n12\n14\n15\n2\n4\n5\n6\n7\n8\n9\n");
	expect_output(inspected_always, "0\n1\n10\n11\n12\n14\n15\n2\n4\n5\n6\n7\n8\n9\n");
	expect_output(filtered_values, "0\n1\n10\n11\n12\n14\n15\n2\n4\n5\n6\n7\n8\n9\n");
}

/* ---- State */

static int running_sum(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state, number = number_of(item);

	(void)ctx;
	if (is_bad(number))
		return wax_fail(out, "bad");
	*sum += number;
	wax_emit(out, sum, sizeof(*sum));
	return number % 10 == 8 ? WAX_DISCARD : WAX_RETAIN;
}

static const uint64_t one = 1, two = 2;

static void running(struct wax_flow *flow)
{
	struct wax_stream keyed = wax_key_on(wax_input(flow, "n", wax_numbers_single(15, 0)), "key",
			WAX_U64, key_modulo, (void *)&one);
	struct wax_stream sums =
			wax_stateful_map(keyed, "s", WAX_U64, sizeof(uint64_t), running_sum, NULL);

	wax_on_error(sums, WAX_SKIP);
	run_flow_output(sums, "%v");
}

Test(policy, stateful_map_goes_on_with_the_next_item)
{
	/* Without 3 and 13; the key is new after 8. */
	expect_order(running, NULL, "0\n1\n3\n7\n12\n18\n25\n33\n9\n19\n30\n42\n56\n");
}

static int sum_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	uint64_t *sum = state;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);

		*sum += (uint64_t)(*(const char *)value.data - '0');
		wax_emit(wax_keyed_out(keyed), sum, sizeof(*sum));
		if (*(const char *)value.data == '3')
			return wax_fail(wax_keyed_out(keyed), "bad");
	}
	return WAX_RETAIN;
}

static int emit_sum(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)ctx;
	wax_emit(wax_keyed_out(keyed), state, sizeof(uint64_t));
	return WAX_RETAIN;
}

static const struct wax_stateful summing = {.size_bytes = sizeof(summing),
		.state_bytes = sizeof(uint64_t),
		.on_batch = sum_batch,
		.on_eof = emit_sum};

static void sums_of_batches(struct wax_flow *flow)
{
	struct wax_stream sums = wax_stateful_batch(
			script(flow, "a1 b1 | a1 a3 a1 b2 | a5 c3"), "s", WAX_U64, &summing, NULL);

	wax_on_error(sums, WAX_SKIP);
	run_flow_output(sums, "%k%v");
}

/* The state keeps what the call did to it before it failed: 1 + 1 + 3. */
Test(policy, stateful_batch_drops_what_came_together)
{
	/* One worker: an exchange puts batches together. */
	expect_output_of(sums_of_batches, 1, NULL, "a1\na10\na10\nb1\nb3\nb3\nc3\n");
}

static int build_but_c(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	(void)saved, (void)ctx;
	if (*(const char *)wax_keyed_key(keyed).data == 'c')
		return wax_fail(wax_keyed_out(keyed), "no c");
	*(uint64_t *)state = 100;
	return 0;
}

static const struct wax_stateful building = {.size_bytes = sizeof(building),
		.state_bytes = sizeof(uint64_t),
		.build = build_but_c,
		.on_batch = sum_batch,
		.on_eof = emit_sum};

static void keys_that_cannot_be_built(struct wax_flow *flow)
{
	struct wax_stream sums = wax_stateful_batch(
			script(flow, "c1 c2 a1 | c1"), "s", WAX_U64, &building, NULL);

	wax_on_error(sums, WAX_SKIP);
	run_flow_output(sums, "%k%v");
}

Test(policy, a_key_that_cannot_be_built_is_not_there)
{
	expect_output(keys_that_cannot_be_built, "a101\na101\n");
}

/* Not an item, so no policy. */
static int fail_at_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)state, (void)ctx;
	return wax_fail(wax_keyed_out(keyed), "not now");
}

static const struct wax_stateful failing_at_eof = {.size_bytes = sizeof(failing_at_eof),
		.state_bytes = sizeof(uint64_t),
		.on_batch = sum_batch,
		.on_eof = fail_at_eof};

static void ends_badly(struct wax_flow *flow)
{
	struct wax_stream sums =
			wax_stateful_batch(script(flow, "a1"), "s", WAX_U64, &failing_at_eof, NULL);

	wax_on_error(sums, WAX_SKIP);
	run_flow_output(sums, "%k%v");
}

static int dislike_the_end(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx)
{
	(void)place, (void)item, (void)ctx;
	return moment == WAX_MOMENT_END ? wax_fail(NULL, "not now") : 0;
}

SKIPPING(ends_unseen, wax_inspect_debug(numbers(flow, 16), "s", dislike_the_end, NULL))

Test(policy, what_is_no_item_ends_the_run)
{
	expect_failure(ends_badly, "flow.s", "", "not now");
	expect_failure(ends_unseen, "flow.s", "", "not now");
}

static int fold_but_bad(void *acc, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (is_bad(number_of(item)))
		return -EDOM;
	*(uint64_t *)acc += number_of(item);
	return 0;
}

static int reduce_but_bad(void *acc, const void *value, void *ctx)
{
	uint64_t number;

	(void)ctx;
	memcpy(&number, value, sizeof(number));
	if (is_bad(number))
		return -EDOM;
	*(uint64_t *)acc += number;
	return 0;
}

SKIPPING(folded,
		wax_fold_final(keyed_numbers(flow, 20000, &two), "s", WAX_U64, NULL, fold_but_bad,
				NULL))
SKIPPING(reduced, wax_reduce_final(keyed_numbers(flow, 20000, &two), "s", reduce_but_bad, NULL))

/* The same as many workers as there are: partial results would look bad, or hide what is. */
Test(policy, aggregates_leave_the_bad_out)
{
	const build_fn flows[] = {folded, reduced};

	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		expect_sum(flows[i], 2, GOOD_SUM);
}

/* An accumulator is begun with 1000, which merging must not count twice. */
static void begin_with_1000(void *acc, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc = 1000;
}

static int merge_from_1000(void *acc, const void *other, void *ctx)
{
	uint64_t more;

	(void)ctx;
	memcpy(&more, other, sizeof(more));
	*(uint64_t *)acc += more - 1000;
	return 0;
}

static const uint64_t many_keys = 20000;

#define FOLD_MERGE(merge, keys)                                                                    \
	wax_fold_merge_final(keyed_numbers(flow, 20000, keys), "s", WAX_U64, begin_with_1000,      \
			fold_but_bad, merge, NULL)

SKIPPING(merged, FOLD_MERGE(merge_from_1000, &two))
SKIPPING(merged_one_by_one, FOLD_MERGE(merge_from_1000, &many_keys))

/* Where each item is an accumulator of its own, a key of bad ones alone has been met too. */
Test(policy, what_is_merged_leaves_the_bad_out)
{
	expect_sum(merged, 2, GOOD_SUM + 2 * 1000);
	expect_sum(merged_one_by_one, 20000, GOOD_SUM + 20000 * UINT64_C(1000));
}

static int never_merge(void *acc, const void *other, void *ctx)
{
	(void)acc, (void)other, (void)ctx;
	return wax_fail(NULL, "these do not go together");
}

SKIPPING(not_merged, FOLD_MERGE(never_merge, &two))

/* It stands for many items. */
Test(policy, an_accumulator_that_cannot_be_merged_ends_the_run)
{
	struct run_flow_result result = run_flow(not_merged, 2, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.step, "flow.s.final");
	cr_assert_str_eq(result.sentence, "these do not go together");
	run_flow_free(&result);
}

/* ---- What stays an error */

SKIPPING(of_a_wrong_size, wax_map(numbers(flow, 5), "s", WAX_U64, emit_3_bytes, NULL))
SKIPPING(of_two, wax_map(numbers(flow, 5), "s", WAX_U64, emit_twice, NULL))
SKIPPING(of_none, wax_map_value(keyed_numbers(flow, 5, &one), "s", WAX_U64, emit_none, NULL))
SKIPPING(of_seven, wax_filter(numbers(flow, 5), "s", answer_7_at_3, NULL))

Test(policy, broken_rules_end_the_run)
{
	struct {
		build_fn build;
		const char *sentence;
	} const cases[] = {
			{of_a_wrong_size, "emitted a value of 3 bytes where the type has 8"},
			{of_two, "emitted 2 items, must be exactly 1"},
			{of_none, "emitted 0 items, must be exactly 1"},
			{of_seven, "answered 7, must be 1 (yes) or 0 (no)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_flow_result result = run_flow(cases[i].build, 2, NULL);

		cr_assert_eq(result.status, 1);
		cr_assert_str_eq(result.sentence, cases[i].sentence);
		cr_assert_str_eq(result.step, "flow.s");
		run_flow_free(&result);
	}
}

static void fails_behind(struct wax_flow *flow)
{
	struct wax_stream good = wax_map(numbers(flow, 20000), "s", WAX_U64, same_but_bad, NULL);

	wax_on_error(good, WAX_SKIP);
	run_flow_output(wax_map(good, "behind", WAX_U64, give_back_an_errno, NULL), "%v");
}

Test(policy, a_step_downstream_has_its_own)
{
	struct run_flow_result result = run_flow(fails_behind, 1, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.step, "flow.behind");
	cr_assert_str_eq(result.sentence, "the callback failed: Invalid argument");
	cr_assert_str_eq(result.item, "0");
	run_flow_free(&result);
}

/* ---- Mistakes */

static void of_a_source(struct wax_flow *flow)
{
	struct wax_stream all = numbers(flow, 5);

	wax_on_error(all, WAX_SKIP);
	run_flow_output(all, "%v");
}

static void without_a_path(struct wax_flow *flow)
{
	struct wax_stream same = wax_map(numbers(flow, 5), "s", WAX_U64, emit_same, NULL);

	wax_on_error_dlq(same, "");
	run_flow_output(same, "%v");
}

Test(policy, mistakes_are_reported)
{
	expect_mistake(of_a_source,
			"step \"flow.numbers\": has no policy for items: it calls no callback with "
			"one, and a source that fails ends the run");
	expect_mistake(without_a_path,
			"step \"flow.s\": the file for its dead letters has no name: give a path");
}

/* ---- Dead letters */

static char letters_path[64];

static void with_letters_of_aggregates(struct wax_flow *flow)
{
	struct wax_stream sums = wax_reduce_final(
			keyed_numbers(flow, 2000, &two), "sum", reduce_but_bad, NULL);

	wax_on_error_dlq(sums, letters_path);
	run_flow_output(sums, "%v");
}

static size_t count_letters(const char *with)
{
	FILE *file = fopen(letters_path, "r");
	char *line = NULL;
	size_t room = 0, count = 0;

	cr_assert_not_null(file);
	while (getline(&line, &room, file) > 0) {
		cr_assert_not_null(strstr(line, with), "%s", line);
		count++;
	}
	free(line);
	fclose(file);
	unlink(letters_path);
	return count;
}

static void expect_letters(build_fn build, const char *with, size_t count)
{
	snprintf(letters_path, sizeof(letters_path), "/tmp/wax-policy.%d", (int)getpid());
	unlink(letters_path);
	for (uint32_t workers = 1; workers <= 3; workers++) {
		struct run_flow_result result = run_flow(build, workers, NULL);

		cr_assert_eq(result.status, 0, "%s", result.sentence);
		run_flow_free(&result);
		cr_assert_eq(count_letters(with), count);
	}
}

Test(policy, each_dropped_item_is_a_letter)
{
	expect_letters(with_letters_of_aggregates, "\"value_text\":\"", 200);
}

static void with_letters_of_merging(struct wax_flow *flow)
{
	struct wax_stream sums = FOLD_MERGE(merge_from_1000, &many_keys);

	wax_on_error_dlq(sums, letters_path);
	run_flow_output(sums, "%v");
}

static void nothing_may_come(struct wax_flow *flow)
{
	char rule[80];
	const char *rules[] = {rule};
	struct wax_err err = {0};

	snprintf(rule, sizeof(rule), "never=dlq:%s", letters_path);
	wax_raises(numbers(flow, 2000), "never", "100%s no");
	cr_assert_eq(wax_flow_set_policies(flow, rules, 1, &err), 0, "%s", err.text);
}

Test(policy, each_item_that_is_not_merged_is_a_letter)
{
	expect_letters(with_letters_of_merging, "\"value_text\":\"", 2000);
}

/* As they come, but the run goes on. */
Test(policy, each_item_that_raises_is_a_letter)
{
	expect_letters(nothing_may_come, "\"error\":\"100%s no\"", 2000);
}

static int fail_at_one_digit(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	wax_emit(out, "half", 4);
	return item->value.bytes == 1 ? wax_fail(out, "too short") : 0;
}

static void short_ones(struct wax_flow *flow)
{
	struct wax_stream good = wax_map(texts(flow, 2000), "s", WAX_TEXT, fail_at_one_digit, NULL);

	wax_on_error_dlq(good, letters_path);
	run_flow_output(good, "%v");
}

Test(policy, a_letter_says_why_and_what)
{
	snprintf(letters_path, sizeof(letters_path), "/tmp/wax-policy.%d", (int)getpid());
	unlink(letters_path);

	struct run_flow_result result = run_flow(short_ones, 2, NULL);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	run_flow_free(&result);
	cr_assert_eq(count_letters("\"step\":\"flow.s\",\"worker\":0,\"epoch\":1,\"source\":\""
				   "numbers:0/2\",\"offset\":1000,\"error\":\"too short\","
				   "\"item_type\":\"text\",\"value\":\""),
			10);
}
