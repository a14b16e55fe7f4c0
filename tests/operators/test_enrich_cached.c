/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"
#include "tests/support/drive.h"

static uint64_t hundred = 100;

/* What a key is called elsewhere; how often that was asked for, in this worker. */
static int asked, version;

static int look_up(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	char text[32];

	(void)ctx;
	asked++;
	switch (*(const char *)key.data) {
	case 'x':
		return 0;
	case 'e':
		return wax_emit(out, "", 0);
	case 'f':
		return wax_fail(out, "the directory is closed");
	case '2':
		wax_emit(out, "a", 1);
		return wax_emit(out, "b", 1);
	default:
		sprintf(text, "%.*s%d", (int)key.bytes, (const char *)key.data, version);
		return wax_emit(out, text, strlen(text));
	}
}

/* Emits the key and what it is called; '!' as a value removes it first. */
static int name(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx)
{
	struct wax_bytes found;
	char text[64];

	(void)ctx;
	if (item->value.bytes > 0 && *(const char *)item->value.data == '!')
		wax_cache_remove(cache, item->key.data, item->key.bytes);
	found = wax_cache_get(cache, item->key.data, item->key.bytes);
	sprintf(text, "%.*s", (int)found.bytes, found.data ? (const char *)found.data : "none");
	return wax_emit_kv(out, item->key.data, item->key.bytes, found.data ? text : "none",
			found.data ? found.bytes : 4);
}

static struct wax_enrich_options options;

static void names(struct wax_flow *flow)
{
	options.size_bytes = sizeof(options);
	options.get = look_up;
	run_flow_output(wax_enrich_cached(script(flow, "a"), "s", WAX_KEYED(WAX_TEXT, WAX_TEXT),
					name, &options, NULL),
			"%v");
}

static uint64_t misses(const struct drive *drive)
{
	return wax_control_step(&drive->control, 0, drive->op.index)->cache_misses;
}

Test(enrich_cached, asks_once)
{
	struct drive drive;

	drive_open(&drive, names, "s");
	drive_push(&drive, 0, "a b a x x e e");
	drive_expect(&drive, "a:a0\nb:b0\na:a0\nx:none\nx:none\ne:\ne:\n");
	cr_assert_eq(asked, 4);
	cr_assert_eq(misses(&drive), 4);
	drive_close(&drive);
}

Test(enrich_cached, asks_anew_when_an_answer_is_too_old)
{
	struct drive drive;

	options.ttl_ns = 10 * DRIVE_SECOND;
	drive_open(&drive, names, "s");
	drive_push(&drive, 0, "a");
	version = 1;
	drive_clock(&drive, 10); /* not older than that */
	drive_push(&drive, 0, "a");
	drive_clock(&drive, 11);
	drive_push(&drive, 0, "a a");
	drive_expect(&drive, "a:a0\na:a0\na:a1\na:a1\n");
	version = 2;
	drive_clock(&drive, 21);
	drive_push(&drive, 0, "a");
	drive_expect(&drive, "a:a1\n");
	cr_assert_eq(asked, 2);
	drive_close(&drive);
}

Test(enrich_cached, asks_anew_for_what_was_removed)
{
	struct drive drive;

	drive_open(&drive, names, "s");
	drive_push(&drive, 0, "a! a");
	version = 1;
	drive_push(&drive, 0, "a a! a");
	drive_expect(&drive, "a:a0\na:a0\na:a0\na:a1\na:a1\n");
	cr_assert_eq(asked, 2);
	drive_close(&drive);
}

Test(enrich_cached, forgets_what_was_not_asked_for_the_longest)
{
	struct drive drive;

	options.entries_max = 3;
	drive_open(&drive, names, "s");
	drive_push(&drive, 0, "a b c a d"); /* b goes */
	version = 1;
	drive_push(&drive, 0, "a c d b"); /* a goes */
	drive_push(&drive, 0, "c d b a");
	drive_expect(&drive,
			"a:a0\nb:b0\nc:c0\na:a0\nd:d0\na:a0\nc:c0\nd:d0\nb:b1\nc:c0\nd:d0\n"
			"b:b1\na:a1\n");
	cr_assert_eq(asked, 6);

	size_t bytes = drive.op.class->state_bytes(&drive.op);

	for (char script[] = "a a a"; script[0] < 'e'; script[0]++) {
		for (script[2] = 'g'; script[2] <= 'z'; script[2]++) {
			script[4] = (char)('A' + script[2] - 'a');
			drive_push(&drive, 0, script);
			drive.output_bytes = 0;
		}
	}
	cr_assert_leq(drive.op.class->state_bytes(&drive.op), bytes);
	drive_close(&drive);
}

Test(enrich_cached, of_one_entry)
{
	struct drive drive;

	options.entries_max = 1;
	drive_open(&drive, names, "s");
	drive_push(&drive, 0, "a a b b a! a");
	drive_expect(&drive, "a:a0\na:a0\nb:b0\nb:b0\na:a0\na:a0\n");
	cr_assert_eq(asked, 3);
	drive_close(&drive);
}

/* ---- as flows */

static int square(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	uint64_t number;

	(void)ctx;
	memcpy(&number, key.data, sizeof(number));
	number *= number;
	return wax_emit(out, &number, sizeof(number));
}

static int add_square(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx)
{
	struct wax_bytes squared = wax_cache_get(cache, item->key.data, item->key.bytes);

	(void)ctx;
	return wax_emit(out, squared.data, squared.bytes);
}

static void squares(struct wax_flow *flow)
{
	const struct wax_enrich_options how = {
			.size_bytes = sizeof(how), .get = square, .entries_max = 60};

	run_flow_output(wax_enrich_cached(keyed_numbers(flow, 10000, &hundred), "s", WAX_U64,
					add_square, &how, NULL),
			"%v");
}

Test(enrich_cached, answers_every_item)
{
	expect_sum(squares, 10000, UINT64_C(328350) * 100);
}

static const char *failing_script;

static void fails(struct wax_flow *flow)
{
	options.size_bytes = sizeof(options);
	options.get = look_up;
	run_flow_output(wax_enrich_cached(script(flow, failing_script), "s",
					WAX_KEYED(WAX_TEXT, WAX_TEXT), name, &options, NULL),
			"%v");
}

Test(enrich_cached, blames_the_item_whose_lookup_failed)
{
	failing_script = "a b f1 c";
	expect_failure(fails, "flow.s", "f => 1", "the directory is closed");
	failing_script = "a 2x";
	expect_failure(fails, "flow.s", "2 => x", "get emitted 2 values, must be at most 1");
}

/* ---- mistakes */

static void without_options(struct wax_flow *flow)
{
	run_flow_output(wax_enrich_cached(numbers(flow, 1), "s", WAX_U64, add_square, NULL, NULL),
			"%v");
}

static void without_callbacks(struct wax_flow *flow)
{
	const struct wax_enrich_options none = {.size_bytes = sizeof(none), .ttl_ns = -1};

	run_flow_output(wax_enrich_cached(numbers(flow, 1), "s", WAX_U64, NULL, &none, NULL), "%v");
}

Test(enrich_cached, checks_its_options)
{
	expect_mistake(without_options, "step \"flow.s\": its options are NULL");
	expect_mistake(without_callbacks,
			"step \"flow.s\": its callback is NULL\n"
			"step \"flow.s\": its callback get is NULL\n"
			"step \"flow.s\": a time of -1 ns: it must not be negative");
}
