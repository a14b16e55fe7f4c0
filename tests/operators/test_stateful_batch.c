/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <sys/mman.h>

#include "tests/support/drive.h"

static uint64_t three = 3, seven = 7, many_keys = 30000;

/* Counted by all workers. */
static struct {
	int64_t builds, restores, frees, notified, ended;
} * seen;

static void share(void)
{
	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)seen, MAP_FAILED);
}

static void tally(int64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static struct wax_stream batches(struct wax_stream up, const struct wax_stateful *ops)
{
	return wax_stateful_batch(up, "s", WAX_TEXT, ops, NULL);
}

static int say(struct wax_keyed *keyed, const char *text)
{
	return wax_emit(wax_keyed_out(keyed), text, strlen(text));
}

/* ---- groups */

/* "key=value,value". */
static int join(struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct wax_bytes key = wax_keyed_key(keyed);
	char text[256];
	int at = sprintf(text, "%.*s=", (int)key.bytes, (const char *)key.data);

	(void)state, (void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);

		at += sprintf(text + at, "%s%.*s", i ? "," : "", (int)value.bytes,
				(const char *)value.data);
	}
	say(keyed, text);
	return WAX_RETAIN;
}

static const struct wax_stateful joining = {.size_bytes = sizeof(joining), .on_batch = join};

static void joins(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "b1 a2 b3 c4 a5 | c6 a7 c8 | b");

	run_flow_output(batches(up, &joining), "%k:%v");
}

Test(stateful_batch, is_given_all_values_of_a_key_in_a_batch)
{
	/* Keys in the order of their first items, items in the order of arrival. */
	expect_order(joins, NULL, "b:b=1,3\na:a=2,5\nc:c=4\nc:c=6,8\na:a=7\nb:b=\n");
}

/* Sees that the values of a key rise, and emits them. */
static int rise(struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	uint64_t *next = state;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		uint64_t number, key;

		memcpy(&number, wax_values_at(values, i).data, sizeof(number));
		memcpy(&key, wax_keyed_key(keyed).data, sizeof(key));
		if (number < *next || number % many_keys != key)
			return wax_fail(wax_keyed_out(keyed), "%" PRIu64 " under %" PRIu64, number,
					key);
		*next = number + 1;
		wax_emit(wax_keyed_out(keyed), &number, sizeof(number));
	}
	return WAX_RETAIN;
}

static const struct wax_stateful rising = {
		.size_bytes = sizeof(rising), .state_bytes = 8, .on_batch = rise};

static void rises(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(100000, 0));

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &many_keys);
	run_flow_output(wax_stateful_batch(up, "s", WAX_U64, &rising, NULL), "%v");
}

Test(stateful_batch, keeps_the_order_within_each_of_many_keys)
{
	expect_sum(rises, 100000, UINT64_C(99999) * 50000);
	expect_sum_of(rises, 8, NULL, 100000, UINT64_C(99999) * 50000);
}

static int same_time(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	static int64_t first;
	int64_t now = wax_keyed_now(keyed);

	(void)state, (void)values, (void)ctx;
	if (now < INT64_C(1500000000000000000))
		return wax_fail(wax_keyed_out(keyed), "it is too early: %" PRId64, now);
	first = first ? first : now;
	say(keyed, now == first ? "same" : "another");
	return WAX_RETAIN;
}

static const struct wax_stateful timing = {.size_bytes = sizeof(timing), .on_batch = same_time};

static void times(struct wax_flow *flow)
{
	run_flow_output(batches(script(flow, "a b c"), &timing), "%k:%v");
}

Test(stateful_batch, has_one_time_for_all_keys_of_a_batch)
{
	expect_output(times, "a:same\nb:same\nc:same\n");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_batch(keyed_numbers(flow, 0, &three), "s", WAX_TEXT, &joining,
					NULL),
			"%v");
}

Test(stateful_batch, of_no_items_has_no_keys)
{
	expect_output(of_none, "");
}

/* ---- the life of a key */

struct life {
	char *last; /* on the heap */
};

static int life_set(struct life *life, struct wax_bytes value)
{
	free(life->last);
	life->last = strndup(value.data ? value.data : "", value.bytes);
	return life->last ? 0 : -12;
}

static int life_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	struct life *life = state;

	(void)keyed, (void)ctx;
	tally(saved.data ? &seen->restores : &seen->builds);
	if (life->last)
		return wax_fail(wax_keyed_out(keyed), "a new state is not zero");
	return life_set(life, saved.data ? saved : (struct wax_bytes){"new", 3});
}

/* Emits "before>value" for each; '!' as a value discards the key. */
static int life_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct life *life = state;
	int keep = WAX_RETAIN;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);
		char text[64];

		sprintf(text, "%s>%.*s", life->last, (int)value.bytes, (const char *)value.data);
		say(keyed, text);
		life_set(life, value);
		keep = *(const char *)value.data == '!' ? WAX_DISCARD : WAX_RETAIN;
	}
	return keep;
}

static int life_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct life *life = state;
	char text[64];

	(void)ctx;
	tally(&seen->ended);
	sprintf(text, "%s>end", life->last);
	say(keyed, text);
	return *life->last == '1' ? WAX_DISCARD : WAX_RETAIN;
}

static int life_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	const struct life *life = state;

	(void)ctx;
	return wax_emit(out, life->last, strlen(life->last));
}

static void life_free(void *state, void *ctx)
{
	struct life *life = state;

	(void)ctx;
	tally(&seen->frees);
	free(life->last);
	/* What is left behind here must not be seen by the next key. */
	life->last = (char *)1;
}

static const struct wax_stateful living = {
		.size_bytes = sizeof(living),
		.state_bytes = sizeof(struct life),
		.build = life_build,
		.on_batch = life_batch,
		.on_eof = life_eof,
		.snapshot = life_snapshot,
		.free = life_free,
};

static void lives(struct wax_flow *flow)
{
	run_flow_output(batches(script(flow, "a1 b1 | a2 b2 b3 | a! | a4 c! | b!"), &living),
			"%k:%v");
}

Test(stateful_batch, discards_keys_and_makes_them_anew, .init = share)
{
	expect_order(lives, NULL,
			"a:new>1\nb:new>1\na:1>2\nb:1>2\nb:2>3\na:2>!\na:new>4\nc:new>!\nb:3>!\n"
			"a:4>end\n");
	cr_assert_eq(seen->builds, 4);
	cr_assert_eq(seen->restores, 0);
	cr_assert_eq(seen->frees, 4);
	cr_assert_eq(seen->ended, 1);
}

static void many_lives(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 60000, &many_keys);

	up = wax_map_value(up, "text", WAX_TEXT, to_text, NULL);
	run_flow_output(batches(up, &living), "%k:%v");
}

Test(stateful_batch, tells_each_key_of_the_end_once_and_frees_each_once, .init = share)
{
	for (uint32_t worker_count = 1; worker_count <= 3; worker_count++) {
		memset(seen, 0, sizeof(*seen));
		struct run_flow_result result = run_flow(many_lives, worker_count, NULL);
		int64_t lines = 0;

		cr_assert_eq(result.status, 0, "%s", result.sentence);
		for (const char *at = result.output; (at = strchr(at, '\n')); at++)
			lines++;
		cr_assert_eq(lines, 90000);
		cr_assert_eq(seen->builds, 30000);
		cr_assert_eq(seen->ended, 30000);
		cr_assert_eq(seen->frees, 30000);
		run_flow_free(&result);
	}
}

static int fail_at_end(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)state, (void)ctx;
	return wax_fail(wax_keyed_out(keyed), "no end");
}

static void fails_at_end(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = living;
	ops.on_eof = fail_at_end;
	run_flow_output(batches(script(flow, "a1 b1 | a2"), &ops), "%k:%v");
}

static int fail_third(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	if (seen->builds == 2)
		return wax_fail(wax_keyed_out(keyed), "no third");
	return life_build(keyed, state, saved, ctx);
}

static void fails_to_build(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = living;
	ops.build = fail_third;
	run_flow_output(batches(script(flow, "a1 b2 c3 d4"), &ops), "%k:%v");
}

Test(stateful_batch, frees_after_a_failure_what_was_built_and_no_more, .init = share)
{
	struct run_flow_result result = run_flow(fails_at_end, 1, NULL);

	cr_assert_str_eq(result.sentence, "no end");
	cr_assert_eq(seen->builds, 2);
	cr_assert_eq(seen->frees, 2);
	run_flow_free(&result);

	memset(seen, 0, sizeof(*seen));
	result = run_flow(fails_to_build, 1, NULL);
	cr_assert_str_eq(result.sentence, "no third");
	cr_assert_str_eq(result.item, "c => 3");
	cr_assert_eq(seen->builds, 2);
	cr_assert_eq(seen->frees, 2);
	run_flow_free(&result);
}

/* ---- timers: values say when, in ms from now; 'n' never, 'p' long ago */

struct alarm {
	int64_t at;
	uint64_t rung;
};

static int alarm_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct alarm *alarm = state;
	struct wax_bytes value = wax_values_at(values, values->count - 1);
	char text[16] = "";

	(void)ctx;
	memcpy(text, value.data, value.bytes);
	if (*text == 'n')
		alarm->at = WAX_NEVER;
	else if (*text == 'p')
		alarm->at = 1;
	else
		alarm->at = wax_keyed_now(keyed) + atoi(text) * INT64_C(1000000);
	return WAX_RETAIN;
}

/* Rings once; the key 'r' three times, at once; 'd' is discarded. */
static int alarm_notify(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct alarm *alarm = state;
	char key = *(const char *)wax_keyed_key(keyed).data, text[32];
	bool again = key == 'r' && ++alarm->rung < 3;

	(void)ctx;
	tally(&seen->notified);
	if (alarm->at > wax_keyed_now(keyed))
		return wax_fail(wax_keyed_out(keyed), "too early");
	if (!again)
		alarm->at = WAX_NEVER;
	sprintf(text, "ring");
	say(keyed, text);
	return key == 'd' ? WAX_DISCARD : WAX_RETAIN;
}

static int64_t alarm_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct alarm *)state)->at;
}

static int alarm_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)state, (void)ctx;
	say(keyed, "end");
	return WAX_RETAIN;
}

static const struct wax_stateful alarming = {
		.size_bytes = sizeof(alarming),
		.state_bytes = sizeof(struct alarm),
		.on_batch = alarm_batch,
		.on_notify = alarm_notify,
		.on_eof = alarm_eof,
		.notify_at = alarm_at,
};

/* Parts of a script 50 ms apart. */
static void rings_in_order(struct wax_flow *flow)
{
	run_flow_output(batches(script_at(flow, "a9 b3 nn d6 zp | xn | yn", 20), &alarming),
			"%k:%v");
}

static const struct run_flow_options posix = {.io = "posix"};

/* One worker, and time goes by only when it has nothing to do. */
static void expect_output_by_hand(build_fn build, const char *output)
{
	struct wax_test_clock *clock = wax_test_clock_make(DRIVE_START);
	const struct run_flow_options options = {.clock = clock};

	expect_output_of(build, 1, &options, output);
	wax_test_clock_free(clock);
}

Test(stateful_batch, notifies_keys_when_their_time_comes, .init = share)
{
	static const char order[] = "z:ring\nb:ring\nd:ring\na:ring\na:end\nb:end\nn:end\nz:end\nx:"
				    "end\ny:end\n";
	struct run_flow_result result = run_flow(rings_in_order, 1, NULL);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	/* The place of d is used again. */
	cr_assert_eq(strncmp(result.unsorted, order, 32), 0, "%s", result.unsorted);
	cr_assert_str_eq(result.output,
			"a:end\na:ring\nb:end\nb:ring\nd:ring\nn:end\nx:end\n"
			"y:end\nz:end\nz:ring\n");
	run_flow_free(&result);
	expect_output_of(rings_in_order, 2, NULL,
			"a:end\na:ring\nb:end\nb:ring\nd:ring\nn:end\nx:end\ny:end\nz:end\n"
			"z:ring\n");
	expect_output_of(rings_in_order, 1, &posix,
			"a:end\na:ring\nb:end\nb:ring\nd:ring\nn:end\nx:end\ny:end\nz:end\n"
			"z:ring\n");
}

/* a is put off for long, b brought forward, c called off, and d comes back after it was gone. */
static void changes(struct wax_flow *flow)
{
	static const char parts[] = "a390 b9999 c390 d1 | a9999 b1 cn d1 | xn | yn";

	run_flow_output(batches(script_at(flow, parts, 5), &alarming), "%k:%v");
}

Test(stateful_batch, notifies_at_the_last_time_that_was_given, .init = share)
{
	expect_output_by_hand(
			changes, "a:end\nb:end\nb:ring\nc:end\nd:ring\nd:ring\nx:end\ny:end\n");
	expect_output_of(changes, 3, NULL,
			"a:end\nb:end\nb:ring\nc:end\nd:ring\nd:ring\nx:end\ny:end\n");
}

static void rings_again(struct wax_flow *flow)
{
	run_flow_output(batches(script_at(flow, "rp op | xn", 20), &alarming), "%k:%v");
}

Test(stateful_batch, serves_other_keys_beside_one_whose_time_is_always_past, .init = share)
{
	expect_order(rings_again, NULL, "r:ring\no:ring\nr:ring\nr:ring\nr:end\no:end\nx:end\n");
}

static void ends_first(struct wax_flow *flow)
{
	run_flow_output(batches(script(flow, "a9999 b9999"), &alarming), "%k:%v");
}

Test(stateful_batch, does_not_wait_for_timers_at_the_end, .init = share)
{
	expect_output(ends_first, "a:end\nb:end\n");
	cr_assert_eq(seen->notified, 0);
}

static int fail_to_ring(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)state, (void)ctx;
	return wax_fail(wax_keyed_out(keyed), "not now");
}

static void fails_to_ring(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = alarming;
	ops.on_notify = fail_to_ring;
	run_flow_output(batches(script_at(flow, "ap | xn | yn", 20), &ops), "%k:%v");
}

Test(stateful_batch, fails_with_on_notify, .init = share)
{
	expect_failure(fails_to_ring, "flow.s", "", "not now");
}

/* Many timers of many keys, all past. */
static int64_t long_ago(const void *state, void *ctx)
{
	(void)ctx;
	return *(const uint64_t *)state ? WAX_NEVER : 1;
}

static int keep_quiet(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	(void)keyed, (void)state, (void)values, (void)ctx;
	return WAX_RETAIN;
}

static int note(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)keyed, (void)ctx;
	++*(uint64_t *)state;
	tally(&seen->notified);
	return WAX_RETAIN;
}

static void rings_many(struct wax_flow *flow)
{
	static const struct wax_stateful ops = {
			.size_bytes = sizeof(ops),
			.state_bytes = 8,
			.on_batch = keep_quiet,
			.on_notify = note,
			.notify_at = long_ago,
	};
	struct wax_stream parts[] = {keyed_numbers(flow, 20000, &many_keys),
			wax_key_on(wax_input(flow, "slow", wax_numbers_single(2, 50)), "late",
					WAX_U64, wax_key_self, NULL)};

	run_flow_output(wax_stateful_batch(wax_merge("both", parts, 2), "s", WAX_TEXT, &ops, NULL),
			"%v");
}

Test(stateful_batch, notifies_many_keys_each_once, .init = share)
{
	expect_output_by_hand(rings_many, "");
	cr_assert_eq(seen->notified, 20000);
}

/* ---- rehearsals */

static const struct run_flow_options rehearsal = {.interval = "1ms", .rehearse = true};

enum { LOOKS_MAX = 20000 };

/* Ends when a state was built again; after 20 s in any case. */
static int look_for_restores(
		void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *err)
{
	int64_t *looks = source;

	(void)out, (void)retry_ns, (void)err;
	if (__atomic_load_n(&seen->restores, __ATOMIC_RELAXED) > 0 || ++*looks == LOOKS_MAX)
		return WAX_END;
	return WAX_IDLE;
}

static struct wax_source *until_restored(void)
{
	static const struct wax_polling_ops ops = {
			.size_bytes = sizeof(ops),
			.interval_ns = 1000000,
			.poll = look_for_restores,
			.free = free,
	};

	return wax_polling(&ops, WAX_KEYED(WAX_TEXT, WAX_TEXT), calloc(1, sizeof(int64_t)), NULL);
}

/* What comes of it does not depend on which parts arrive together. */
static struct wax_stream slow_script(struct wax_flow *flow)
{
	return script_at(flow, "a1 b1 | a2 b2 b3 | a! | c4 c! d5 | b!", 200);
}

static void lives_slowly(struct wax_flow *flow)
{
	run_flow_output(batches(slow_script(flow), &living), "%k:%v");
}

static void lives_until_restored(struct wax_flow *flow)
{
	struct wax_stream parts[] = {slow_script(flow), wax_input(flow, "until", until_restored())};

	run_flow_output(batches(wax_merge("both", parts, 2), &living), "%k:%v");
}

#define SLOW_LIVES                                                                                 \
	"a:1>2\na:2>!\na:new>1\n"                                                                  \
	"b:1>2\nb:2>3\nb:3>!\nb:new>1\n"                                                           \
	"c:4>!\nc:new>4\n"                                                                         \
	"d:5>end\nd:new>5\n"

Test(stateful_batch, survives_a_rehearsal_with_build_and_snapshot, .init = share)
{
	for (uint32_t worker_count = 1; worker_count <= 3; worker_count++) {
		memset(seen, 0, sizeof(*seen));
		expect_output_of(lives_until_restored, worker_count, &rehearsal, SLOW_LIVES);
		cr_assert_eq(seen->builds, 4);
		cr_assert_eq(seen->frees, seen->builds + seen->restores);
		cr_assert_gt(seen->restores, 0);
	}
}

Test(stateful_batch, rehearses_the_keys_that_were_awake_in_an_epoch, .init = share)
{
	struct drive drive;

	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "a1 b1");
	drive_epoch(&drive);
	cr_assert_eq(seen->restores, 2);
	drive_push(&drive, 0, "a2");
	drive_push(&drive, 0, "a3 c!");
	drive_epoch(&drive);
	cr_assert_eq(seen->restores, 3);
	drive_epoch(&drive);
	cr_assert_eq(seen->restores, 3);
	drive_push(&drive, 0, "a!");
	drive_push(&drive, 0, "a4");
	drive_epoch(&drive);
	drive_push(&drive, 0, "a5");
	drive_expect(&drive, "a:new>1\nb:new>1\na:1>2\na:2>3\nc:new>!\na:3>!\na:new>4\na:4>5\n");
	cr_assert_eq(seen->builds, 4);
	cr_assert_eq(seen->restores, 4);
	drive_close(&drive);
	cr_assert_eq(seen->frees, seen->builds + seen->restores);
}

Test(stateful_batch, is_not_rehearsed_unless_asked, .init = share)
{
	static const struct run_flow_options epochs = {.interval = "1ms"};

	expect_output_of(lives_slowly, 1, &epochs, SLOW_LIVES);
	cr_assert_eq(seen->restores, 0);
}

/* As plain bytes. */
struct sums {
	uint64_t count;
	uint64_t cached; /* twice the count */
};

static int sums_quietly(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct sums *sums = state;

	(void)keyed, (void)ctx;
	sums->count += values->count;
	sums->cached += 2 * values->count;
	return WAX_RETAIN;
}

static int sums_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct sums *sums = state;
	char text[48];

	(void)ctx;
	sprintf(text, "%" PRIu64 "/%" PRIu64, sums->count, sums->cached);
	say(keyed, text);
	return WAX_RETAIN;
}

static int sums_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	sums_quietly(keyed, state, values, ctx);
	return sums_eof(keyed, state, ctx);
}

static const struct wax_stateful plain = {.size_bytes = sizeof(plain),
		.state_bytes = sizeof(struct sums),
		.on_batch = sums_batch};

/* Forgets what it could compute. */
static int half_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	(void)ctx;
	return wax_emit(out, state, sizeof(uint64_t));
}

static int half_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	(void)keyed, (void)ctx;
	if (saved.data)
		memcpy(state, saved.data, saved.bytes);
	return 0;
}

static void sums_plainly(struct wax_flow *flow)
{
	run_flow_output(batches(script_at(flow, "a b a | a | b a", 25), &plain), "%k:%v");
}

/* Parts that several workers deal out late may arrive together: only the end is the same. */
static void sums_in_the_end(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = plain;
	ops.on_batch = sums_quietly;
	ops.on_eof = sums_eof;
	run_flow_output(batches(script_at(flow, "a b a | a | b a", 25), &ops), "%k:%v");
}

static void sums_forgetfully(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = plain;
	ops.build = half_build;
	ops.snapshot = half_snapshot;
	run_flow_output(batches(script_at(flow, "a b a | a | b a", 25), &ops), "%k:%v");
}

/* With an epoch between the parts. */
static void expect_rehearsed(build_fn build, const char *output)
{
	struct drive drive;

	drive_open(&drive, build, "s");
	drive_push(&drive, 0, "a b a");
	drive_epoch(&drive);
	drive_push(&drive, 0, "a");
	drive_epoch(&drive);
	drive_push(&drive, 0, "b a");
	drive_expect(&drive, output);
	drive_close(&drive);
}

#define SUMS "a:2/4\na:3/6\na:4/8\nb:1/2\nb:2/4\n"

Test(stateful_batch, shows_in_a_rehearsal_what_a_snapshot_forgets)
{
	expect_output_of(sums_plainly, 1, &rehearsal, SUMS);
	expect_output_of(sums_in_the_end, 2, &rehearsal, "a:4/8\nb:2/4\n");
	expect_output_of(sums_forgetfully, 1, NULL, SUMS);

	expect_rehearsed(sums_plainly, "a:2/4\nb:1/2\na:3/6\nb:2/4\na:4/8\n");
	expect_rehearsed(sums_forgetfully, "a:2/4\nb:1/2\na:3/2\nb:2/2\na:4/2\n");
}

static void rings_slowly(struct wax_flow *flow)
{
	run_flow_output(batches(script_at(flow, "a9 b3 nn d6 zp | xn | yn", 20), &alarming),
			"%k:%v");
}

Test(stateful_batch, keeps_timers_through_a_rehearsal, .init = share)
{
	expect_output_of(rings_slowly, 1, &rehearsal,
			"a:end\na:ring\nb:end\nb:ring\nd:ring\nn:end\nx:end\ny:end\nz:end\n"
			"z:ring\n");
	expect_output_of(changes, 2, &rehearsal,
			"a:end\nb:end\nb:ring\nc:end\nd:ring\nd:ring\nx:end\ny:end\n");
}

static int no_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	(void)out, (void)state, (void)ctx;
	return 0;
}

static int two_snapshots(struct wax_out *out, const void *state, void *ctx)
{
	half_snapshot(out, state, ctx);
	return half_snapshot(out, state, ctx);
}

static int failing_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	(void)state, (void)ctx;
	return wax_fail(out, "not to be written down");
}

static int failing_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	(void)state, (void)ctx;
	return saved.data ? wax_fail(wax_keyed_out(keyed), "%zu bytes", saved.bytes) : 0;
}

/* So slow that an epoch ends before the input does. */
#define DEFINE_REHEARSAL(name, builder, snapshotter)                                               \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		static struct wax_stateful ops;                                                    \
                                                                                                   \
		ops = plain;                                                                       \
		ops.build = builder;                                                               \
		ops.snapshot = snapshotter;                                                        \
		run_flow_output(batches(script_at(flow, "a b | a | b", 0.1), &ops), "%k:%v");      \
	}

DEFINE_REHEARSAL(saves_none, half_build, no_snapshot)
DEFINE_REHEARSAL(saves_twice, half_build, two_snapshots)
DEFINE_REHEARSAL(saves_half, NULL, half_snapshot)
DEFINE_REHEARSAL(fails_saving, half_build, failing_snapshot)
DEFINE_REHEARSAL(fails_building, failing_build, half_snapshot)

Test(stateful_batch, tells_in_a_rehearsal_what_is_wrong_with_a_snapshot)
{
	expect_failure_with(saves_none, &rehearsal, "flow.s", "",
			"snapshot emitted 0 items, must be exactly 1");
	expect_failure_with(saves_twice, &rehearsal, "flow.s", "",
			"snapshot emitted 2 items, must be exactly 1");
	expect_failure_with(saves_half, &rehearsal, "flow.s", "",
			"snapshot gave 8 bytes and there is no build: without it they must be "
			"those of the state, 16");
	expect_failure_with(fails_saving, &rehearsal, "flow.s", "", "not to be written down");
	expect_failure_with(fails_building, &rehearsal, "flow.s", "", "8 bytes");
}

static int empty_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	(void)state, (void)ctx;
	return wax_emit(out, NULL, 0);
}

static int told_of_nothing(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	(void)keyed, (void)state, (void)ctx;
	if (saved.data && saved.bytes == 0)
		tally(&seen->restores);
	return 0;
}

DEFINE_REHEARSAL(saves_nothing, told_of_nothing, empty_snapshot)

Test(stateful_batch, tells_an_empty_snapshot_from_none, .init = share)
{
	struct drive drive;

	drive_open(&drive, saves_nothing, "s");
	drive_push(&drive, 0, "a b");
	drive_epoch(&drive);
	drive_push(&drive, 0, "a");
	drive_epoch(&drive);
	drive_push(&drive, 0, "b");
	drive_expect(&drive, "a:1/2\nb:1/2\na:1/2\nb:1/2\n");
	cr_assert_eq(seen->restores, 3);
	drive_close(&drive);
}

/* ---- failures */

#define DEFINE_MISBEHAVING(name, body)                                                             \
	static int name##_batch(struct wax_keyed *keyed, void *state,                              \
			const struct wax_values *values, void *ctx)                                \
	{                                                                                          \
		struct wax_out *out = wax_keyed_out(keyed);                                        \
                                                                                                   \
		(void)out, (void)state, (void)values, (void)ctx;                                   \
		body;                                                                              \
		return 0;                                                                          \
	}                                                                                          \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		static const struct wax_stateful ops = {                                           \
				.size_bytes = sizeof(ops), .on_batch = name##_batch};              \
                                                                                                   \
		run_flow_output(wax_stateful_batch(                                                \
						script(flow, "k1 k2"), "s", WAX_U64, &ops, NULL),  \
				"%v");                                                             \
	}

DEFINE_MISBEHAVING(gives_7, return 7)
DEFINE_MISBEHAVING(fails, return wax_fail(out, "not %d", 7))
DEFINE_MISBEHAVING(gives_an_errno, return -5)
DEFINE_MISBEHAVING(wrong_size, wax_emit(out, "abc", 3))

Test(stateful_batch, tells_what_on_batch_did_wrong_and_where)
{
	expect_failure(gives_7, "flow.s", "k => 1",
			"a callback gave back 7, must be WAX_RETAIN (0) or WAX_DISCARD (1)");
	expect_failure(fails, "flow.s", "k => 1", "not 7");
	expect_failure(gives_an_errno, "flow.s", "k => 1",
			"the callback failed: Input/output error");
	expect_failure(wrong_size, "flow.s", "k => 1",
			"emitted a value of 3 bytes where the type has 8");
}

/* ---- the flow */

static void behind_another(struct wax_flow *flow)
{
	struct wax_stream up = batches(script(flow, "b1 a2 b3 | a4"), &joining);

	run_flow_output(wax_stateful_batch(up, "again", WAX_TEXT, &joining, NULL), "%v");
}

Test(stateful_batch, may_follow_another)
{
	expect_order(behind_another, NULL, "b=b=1,3\na=a=2\na=a=4\n");
}

/* A flow that was compiled when there were fewer callbacks. */
static void older(struct wax_flow *flow)
{
	static struct wax_stateful ops;

	ops = living;
	ops.size_bytes = offsetof(struct wax_stateful, on_notify);
	ops.build = NULL;
	ops.on_batch = join;
	run_flow_output(batches(script(flow, "b1 a2 b3"), &ops), "%v");
}

Test(stateful_batch, takes_the_callbacks_of_an_older_header, .init = share)
{
	expect_order(older, NULL, "b=1,3\na=2\n");
	cr_assert_eq(seen->ended, 0);
	cr_assert_eq(seen->frees, 0);
}

#define FLOW_WITH(name, up, type, ops)                                                             \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		run_flow_output(wax_stateful_batch(up, "s", type, ops, NULL), "%v");               \
	}

static const struct wax_stateful sizeless = {.on_batch = join};
static const struct wax_stateful batchless = {.size_bytes = sizeof(batchless)};
static const struct wax_stateful too_large = {
		.size_bytes = sizeof(too_large), .state_bytes = 65537, .on_batch = join};

FLOW_WITH(without_callbacks, keyed_numbers(flow, 5, &seven), WAX_TEXT, NULL)
FLOW_WITH(without_size, keyed_numbers(flow, 5, &seven), WAX_TEXT, &sizeless)
FLOW_WITH(without_on_batch, keyed_numbers(flow, 5, &seven), WAX_TEXT, &batchless)
FLOW_WITH(with_too_much, keyed_numbers(flow, 5, &seven), WAX_TEXT, &too_large)
FLOW_WITH(without_type, keyed_numbers(flow, 5, &seven), NULL, &joining)
FLOW_WITH(keyed_type, keyed_numbers(flow, 5, &seven), WAX_KEYED(WAX_TEXT, WAX_TEXT), &joining)
FLOW_WITH(not_keyed, numbers(flow, 5), WAX_TEXT, &joining)

Test(stateful_batch, needs_callbacks_a_type_and_a_keyed_stream)
{
	expect_mistake(without_callbacks, "step \"flow.s\": its callbacks are NULL");
	expect_mistake(without_size,
			"step \"flow.s\": its callbacks are without size_bytes: set "
			"it to sizeof(struct wax_stateful)");
	expect_mistake(without_on_batch, "step \"flow.s\": its callback on_batch is NULL");
	expect_mistake(with_too_much,
			"step \"flow.s\": its state has 65537 bytes, 65536 are the "
			"most: let it point to what is larger");
	expect_mistake(without_type,
			"step \"flow.s\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(keyed_type,
			"step \"flow.s\": its type (text, text) is keyed: give that of "
			"the value alone, the key is added");
	expect_mistake(not_keyed,
			"step \"flow.s\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}
