/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <wax/test.h>
#include <wax/wax.h>

/* Flows under test, with all that wax/test.h has. */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND INT64_C(1000000000)

static struct wax_test_list *list;

static void make_list(void)
{
	list = wax_test_list_make();
	cr_assert_not_null(list);
}

static void free_list(void)
{
	wax_test_list_free(list);
}

TestSuite(test_run, .init = make_list, .fini = free_list);

static const char *const words[] = {"to", "be", "or", "not", "to", "be", NULL};

static void count_words(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "words", wax_test_texts(words, 2));
	struct wax_stream by_word = wax_key_on(stream, "by_word", WAX_TEXT, wax_key_self, NULL);

	wax_output(wax_count_final(by_word, "count"), "out", wax_test_sink(list));
}

static void expect_counts(const struct wax_test_result *result)
{
	const struct wax_type *type = WAX_KEYED(WAX_TEXT, WAX_U64);

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_str_eq(result->sentence, "");
	wax_test_list_sort(list, type);
	cr_assert_str_eq(wax_test_list_text(list, type), "be\t2\nnot\t1\nor\t1\nto\t2\n");
}

Test(test_run, runs_in_this_process)
{
	struct wax_test_result *result = wax_test_run(count_words, NULL);

	expect_counts(result);
	for (size_t i = 0; i < wax_test_list_count(list); i++)
		cr_assert_eq(wax_test_list_worker(list, i), 0);
	wax_test_result_free(result);
}

Test(test_run, runs_with_forked_workers)
{
	for (uint32_t workers = 1; workers <= 3; workers++) {
		const struct wax_test_options options = {
				.size_bytes = sizeof(options), .workers = workers};
		struct wax_test_result *result = wax_test_run(count_words, &options);

		expect_counts(result);
		cr_assert_eq(wax_test_counter(result, "test.words", "items_out"), 6);
		cr_assert_eq(wax_test_counter(result, "test.out", "items_in"), 4);
		cr_assert_eq(wax_test_counter(result, "test.out", "no_such"), UINT64_MAX);
		cr_assert_eq(wax_test_counter(result, "test.nobody", "items_in"), UINT64_MAX);
		wax_test_result_free(result);
		wax_test_list_clear(list);
		cr_assert_eq(wax_test_list_count(list), 0);
	}
}

/* ---- Values, keys, and which worker */

static void deal_numbers(struct wax_flow *flow)
{
	static const uint64_t numbers[] = {10, 11, 12, 13};
	struct wax_stream stream = wax_input(
			flow, "numbers", wax_test_values(WAX_U64, numbers, COUNT(numbers), 1));

	wax_output(wax_redistribute(stream, "deal", WAX_DEAL_ITEMS), "out", wax_test_sink(list));
}

Test(test_run, list_knows_the_worker_and_keeps_its_order)
{
	const struct wax_test_options options = {.size_bytes = sizeof(options), .workers = 2};
	struct wax_test_result *result = wax_test_run(deal_numbers, &options);
	uint64_t last[2] = {0, 0};

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_eq(wax_test_list_count(list), 4);
	for (size_t i = 0; i < 4; i++) {
		struct wax_item item = wax_test_list_at(list, i);
		uint32_t worker = wax_test_list_worker(list, i);
		uint64_t number;

		cr_assert_null(item.key.data);
		cr_assert_eq(item.value.bytes, sizeof(number));
		memcpy(&number, item.value.data, sizeof(number));
		cr_assert_lt(worker, 2);
		cr_assert_gt(number, last[worker]);
		last[worker] = number;
	}
	cr_assert_eq(last[0] + last[1], 12 + 13);
	wax_test_result_free(result);
}

static void pass_pairs(struct wax_flow *flow)
{
	static const uint32_t one = 1, two = 2;
	static const struct wax_test_entry entries[] = {WAX_TEST_KEYED("b", one),
			WAX_TEST_KEYED("a", two), WAX_TEST_KEYED("b", two)};
	struct wax_stream stream = wax_input(flow, "pairs",
			wax_test_source(WAX_KEYED(WAX_TEXT, WAX_U32), entries, COUNT(entries), 8));

	wax_output(stream, "out", wax_test_sink(list));
}

Test(test_run, keys_are_kept)
{
	struct wax_test_result *result = wax_test_run(pass_pairs, NULL);
	const struct wax_type *type = WAX_KEYED(WAX_TEXT, WAX_U32);

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_str_eq(wax_test_list_text(list, type), "b\t1\na\t2\nb\t2\n");
	wax_test_list_sort(list, type);
	cr_assert_str_eq(wax_test_list_text(list, type), "a\t2\nb\t1\nb\t2\n");
	wax_test_result_free(result);
}

static void large_items(struct wax_flow *flow)
{
	static char text[300000];
	const char *texts[] = {text, "", text, NULL};

	memset(text, 'x', sizeof(text) - 1);
	wax_output(wax_input(flow, "texts", wax_test_texts(texts, 1)), "out", wax_test_sink(list));
}

Test(test_run, large_and_empty_items_pass)
{
	struct wax_test_result *result = wax_test_run(large_items, NULL);

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_eq(wax_test_list_count(list), 3);
	cr_assert_eq(wax_test_list_at(list, 0).value.bytes, 299999);
	cr_assert_eq(wax_test_list_at(list, 1).value.bytes, 0);
	wax_test_result_free(result);
}

/* ---- Failures */

static int refuse_or(struct wax_out *out, const struct wax_item *word, void *ctx)
{
	(void)ctx;
	if (word->value.bytes == 2 && memcmp(word->value.data, "or", 2) == 0)
		return wax_fail(out, "no or");
	return wax_emit(out, word->value.data, word->value.bytes);
}

static void refuse(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "words", wax_test_texts(words, 2));

	wax_output(wax_map(stream, "refuse", WAX_TEXT, refuse_or, NULL), "out",
			wax_test_sink(list));
}

Test(test_run, failure_names_step_and_item)
{
	for (uint32_t workers = 0; workers <= 2; workers += 2) {
		const struct wax_test_options options = {
				.size_bytes = sizeof(options), .workers = workers};
		struct wax_test_result *result = wax_test_run(refuse, &options);

		cr_assert_eq(result->status, 1);
		cr_assert_str_eq(result->sentence, "no or");
		cr_assert_str_eq(result->step, "test.refuse");
		cr_assert_str_eq(result->item, "or");
		wax_test_result_free(result);
	}
}

static int die(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)out;
	(void)item;
	(void)ctx;
	return kill(getpid(), SIGKILL);
}

static void die_in_map(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "words", wax_test_texts(words, 2));

	wax_output(wax_map(stream, "die", WAX_TEXT, die, NULL), "out", wax_test_sink(list));
}

Test(test_run, crash_of_a_forked_worker_is_told)
{
	const struct wax_test_options options = {.size_bytes = sizeof(options), .workers = 2};
	struct wax_test_result *result = wax_test_run(die_in_map, &options);

	cr_assert_eq(result->status, 137);
	cr_assert_str_eq(result->step, "test.die");
	cr_assert(strstr(result->sentence, "killed by signal 9"), "%s", result->sentence);
	wax_test_result_free(result);
}

static void aborted(struct wax_flow *flow)
{
	static const struct wax_test_entry entries[] = {
			WAX_TEST_TEXT("one"), WAX_TEST_ABORT(NULL), WAX_TEST_TEXT("two")};
	struct wax_stream stream = wax_input(
			flow, "entries", wax_test_source(WAX_TEXT, entries, COUNT(entries), 8));

	wax_output(stream, "out", wax_test_sink(list));
}

Test(test_run, abort_mark_ends_the_run)
{
	struct wax_test_result *result = wax_test_run(aborted, NULL);

	cr_assert_eq(result->status, 5);
	cr_assert_str_eq(result->step, "test.entries");
	cr_assert_str_eq(wax_test_list_text(list, WAX_TEXT), "one\n");
	wax_test_result_free(result);
}

static void mistaken(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "words", wax_test_texts(words, 2));

	wax_count_final(stream, "count");
	wax_output(stream, "words", wax_test_sink(NULL));
}

Test(test_run, mistakes_are_listed)
{
	struct wax_test_result *result = wax_test_run(mistaken, NULL);

	cr_assert_eq(result->status, 3);
	cr_assert(strstr(result->sentence, "test.count"), "%s", result->sentence);
	cr_assert(strstr(result->sentence, "sink is NULL"), "%s", result->sentence);
	wax_test_result_free(result);
}

/* ---- Options and arguments */

static void takes_argument(struct wax_flow *flow)
{
	const char *texts[] = {wax_arg_text(flow, "word", "to emit", WAX_REQUIRED), NULL};

	wax_output(wax_input(flow, "words", wax_test_texts(texts, 1)), "out", wax_test_sink(list));
}

Test(test_run, arguments_reach_the_flow)
{
	const char *const args[] = {"--word", "hello", NULL};
	const struct wax_test_options options = {.size_bytes = sizeof(options), .args = args};
	struct wax_test_result *result = wax_test_run(takes_argument, &options);

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_str_eq(wax_test_list_text(list, WAX_TEXT), "hello\n");
	wax_test_result_free(result);

	result = wax_test_run(takes_argument, NULL);
	cr_assert_eq(result->status, 2);
	cr_assert(strstr(result->sentence, "--word"), "%s", result->sentence);
	wax_test_result_free(result);
}

Test(test_run, bad_option_is_told)
{
	const char *const waxrun[] = {"--slab=3", NULL};
	const struct wax_test_options options = {.size_bytes = sizeof(options), .waxrun = waxrun};
	struct wax_test_result *result = wax_test_run(count_words, &options);

	cr_assert_eq(result->status, 2);
	cr_assert(strstr(result->sentence, "--slab"), "%s", result->sentence);
	wax_test_result_free(result);
}

/* ---- Time */

struct alarm {
	int64_t at;
};

static int on_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct alarm *alarm = state;

	(void)values;
	(void)ctx;
	alarm->at = wax_keyed_now(keyed) + 10 * SECOND;
	return WAX_RETAIN;
}

static int on_notify(struct wax_keyed *keyed, void *state, void *ctx)
{
	int64_t now = wax_keyed_now(keyed) / SECOND;

	(void)state;
	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &now, sizeof(now));
	return WAX_DISCARD;
}

static int on_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	int64_t ended = -1;

	(void)state;
	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &ended, sizeof(ended));
	return WAX_DISCARD;
}

static int64_t notify_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct alarm *)state)->at;
}

static const struct wax_stateful alarms = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct alarm),
		.on_batch = on_batch,
		.on_notify = on_notify,
		.on_eof = on_eof,
		.notify_at = notify_at,
};

static void ring_alarms(struct wax_flow *flow)
{
	/* "a" rings at 10, in the pause; "b" at 3630, by the clock that is turned; "c" never. */
	static const struct wax_test_entry entries[] = {
			WAX_TEST_KEYED_TEXT("a", "x"),
			WAX_TEST_PAUSE(3600 * SECOND),
			WAX_TEST_KEYED_TEXT("b", "x"),
			WAX_TEST_TURN(30 * SECOND),
			WAX_TEST_PAUSE(1),
			WAX_TEST_KEYED_TEXT("c", "x"),
	};
	struct wax_stream stream = wax_input(flow, "entries",
			wax_test_source(WAX_KEYED(WAX_TEXT, WAX_TEXT), entries, COUNT(entries), 8));

	wax_output(wax_stateful_batch(stream, "alarm", WAX_I64, &alarms, NULL), "out",
			wax_test_sink(list));
}

Test(test_run, timers_fire_by_the_clock_that_is_turned)
{
	for (uint32_t workers = 0; workers <= 1; workers++) {
		struct wax_test_clock *clock = wax_test_clock_make(0);
		const struct wax_test_options options = {
				.size_bytes = sizeof(options), .workers = workers, .clock = clock};
		struct wax_test_result *result = wax_test_run(ring_alarms, &options);

		cr_assert_eq(result->status, 0, "%s", result->sentence);
		cr_assert_str_eq(wax_test_list_text(list, WAX_KEYED(WAX_TEXT, WAX_I64)),
				"a\t10\nb\t3630\nc\t-1\n");
		cr_assert_eq(wax_test_clock_now(clock), 3630 * SECOND + 1);
		wax_test_result_free(result);
		wax_test_clock_free(clock);
		wax_test_list_clear(list);
	}
}

Test(test_run, mark_that_turns_no_clock_is_an_error)
{
	struct wax_test_result *result = wax_test_run(ring_alarms, NULL);

	cr_assert_eq(result->status, 5);
	cr_assert(strstr(result->sentence, "turns the clock"), "%s", result->sentence);
	wax_test_result_free(result);
}

/* A clock that stands with several workers is turned by a callback. */
static struct wax_test_clock *clock_of_all;

static int turn_clock(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	wax_test_clock_advance(clock_of_all, 20 * SECOND);
	return wax_emit_kv(out, "a", 1, item->value.data, item->value.bytes);
}

static void turned_by_callback(struct wax_flow *flow)
{
	static const struct wax_test_entry entries[] = {
			WAX_TEST_TEXT("x"), WAX_TEST_PAUSE(1), WAX_TEST_TEXT("y")};
	struct wax_stream stream = wax_input(
			flow, "entries", wax_test_source(WAX_TEXT, entries, COUNT(entries), 8));
	struct wax_stream turned =
			wax_map(stream, "turn", WAX_KEYED(WAX_TEXT, WAX_TEXT), turn_clock, NULL);

	wax_output(turned, "out", wax_test_sink(list));
}

Test(test_run, callbacks_of_several_workers_turn_one_clock)
{
	clock_of_all = wax_test_clock_make(SECOND);
	const struct wax_test_options options = {
			.size_bytes = sizeof(options), .workers = 2, .clock = clock_of_all};
	struct wax_test_result *result = wax_test_run(turned_by_callback, &options);

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_eq(wax_test_clock_now(clock_of_all), 41 * SECOND);
	wax_test_result_free(result);
	wax_test_clock_free(clock_of_all);
}

/* ---- Shared memory */

static int count_call(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	atomic_fetch_add((_Atomic int *)ctx, 1);
	return wax_emit(out, item->value.data, item->value.bytes);
}

static void *calls;

static void count_calls(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "words", wax_test_texts(words, 1));
	struct wax_stream dealt = wax_redistribute(stream, "deal", WAX_DEAL_ITEMS);

	wax_output(wax_map(dealt, "call", WAX_TEXT, count_call, calls), "out", wax_test_sink(list));
}

Test(test_run, callbacks_count_in_shared_memory)
{
	const struct wax_test_options options = {.size_bytes = sizeof(options), .workers = 3};

	calls = wax_test_shared_make(sizeof(_Atomic int));
	struct wax_test_result *result = wax_test_run(count_calls, &options);
	cr_assert_eq(result->status, 0, "%s", result->sentence);
	cr_assert_eq(atomic_load((_Atomic int *)calls), 6);
	wax_test_result_free(result);
	wax_test_shared_free(calls);
}

/* ---- A flow that WAX_FLOW defines */

WAX_FLOW(defined, "A flow as waxrun loads it")
{
	count_words(flow);
}

Test(test_run, runs_what_wax_flow_defines)
{
	struct wax_test_result *result = wax_test_run_flow(wax_flow_entry(), NULL);

	expect_counts(result);
	cr_assert_eq(wax_test_counter(result, "defined.words", "items_out"), 6);
	wax_test_result_free(result);
	wax_test_result_free(NULL);
}
