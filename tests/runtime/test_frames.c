/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/frames.h"
#include "tests/support/log_parse.h"
#include "tests/support/memory.h"

/* All that came out, one block behind the other. */
struct log {
	struct wax_frames *frames;
	char *data;
	size_t bytes;
	unsigned blocks;
};

static const struct wax_frames_step text = {0, WAX_LOG_ANY_BYTES};
static const struct wax_log_open opened = {
		.generation = 1, .segment = 1, .worker_count = 2, .run = 7};

static struct wax_bytes bytes_of(const char *string)
{
	return (struct wax_bytes){string, strlen(string)};
}

static struct log log_make(void)
{
	struct log log = {0};

	cr_assert_eq(wax_frames_make(&log.frames, NULL), 0);
	wax_frames_epoch(log.frames, 1);
	cr_assert_eq(wax_frames_open(log.frames, &opened), 0);
	return log;
}

static void state(struct log *log, uint32_t step, const char *key, const char *value)
{
	cr_assert_eq(wax_frames_state(log->frames, step, text, bytes_of(key), bytes_of(value)), 0);
}

static void end(struct log *log)
{
	const struct wax_log_end fixed = {.base = 1, .positions = 99};

	cr_assert_eq(wax_frames_end(log->frames, &fixed, NULL, 0), 0);
}

static void drain(struct log *log)
{
	struct wax_frames_block block;

	while (wax_frames_take(log->frames, &block)) {
		cr_assert_eq((uintptr_t)block.data % 4096, 0);
		cr_assert_gt(block.bytes, 0);
		cr_assert_eq(block.bytes % 4096, 0);
		log->data = realloc(log->data, log->bytes + block.bytes);
		memcpy(log->data + log->bytes, block.data, block.bytes);
		log->bytes += block.bytes;
		log->blocks++;
		wax_frames_written(log->frames);
	}
}

static struct log_parse log_text(struct log *log, char **ret_text)
{
	size_t size;
	FILE *out = open_memstream(ret_text, &size);
	struct log_parse parse;

	drain(log);
	parse = log_parse(log->data, log->bytes, out);
	cr_assert_eq(parse.at, log->bytes, "torn at %zu of %zu", parse.at, log->bytes);
	cr_assert_eq(parse.whole_bytes, log->bytes);
	parse.out = NULL;
	fclose(out);
	return parse;
}

static void expect(struct log *log, const char *wanted)
{
	char *got;

	log_text(log, &got);
	cr_assert_str_eq(got, wanted);
	free(got);
}

static void log_free(struct log *log)
{
	wax_frames_free(log->frames);
	free(log->data);
}

Test(frames, every_kind_is_what_the_format_says)
{
	struct log log = log_make();
	const struct wax_log_end fixed = {
			.base = 1, .live_bytes = 12, .live_keys = 2, .flags = WAX_LOG_FINISHED};
	const struct wax_frames_position positions[] = {
			{0, 0, bytes_of("words.txt"), bytes_of("17")},
			{4, 2, {NULL, 0}, {NULL, 0}},
	};

	cr_assert_eq(wax_frames_gone(log.frames, 3, text, bytes_of("plum")), 0);
	cr_assert_eq(wax_frames_gone(log.frames, 3, text, bytes_of("fig")), 0);
	cr_assert_eq(wax_frames_clear(log.frames, 4), 0);
	cr_assert_eq(wax_frames_clear(log.frames, 5), 0);
	state(&log, 3, "apple", "1");
	state(&log, 3, "pear", "2");
	state(&log, 4, "quince", "");
	state(&log, 3, "", "empty");
	cr_assert_eq(wax_frames_end(log.frames, &fixed, positions, 2), 0);
	wax_frames_epoch(log.frames, 2);
	state(&log, 3, "apple", "2");
	end(&log);
	expect(&log,
			"open 1.1 worker 0/2 run 7\n"
			"1 gone 3: plum fig\n"
			"1 clear 4\n"
			"1 clear 5\n"
			"1 state 3: apple=1 pear=2\n"
			"1 state 4: quince=\n"
			"1 state 3: =empty\n"
			"1 end base 1 keys 2 bytes 12 flags 1: 0.0 words.txt@17 4.2 @\n"
			"2 state 3: apple=2\n"
			"2 end base 1 keys 0 bytes 0 flags 0:\n");
	cr_assert_eq(log.blocks, 2);
	log_free(&log);
}

Test(frames, sizes_are_fixed_or_not)
{
	static const struct wax_frames_step steps[] = {
			{4, 8}, {4, WAX_LOG_ANY_BYTES}, {0, 8}, {4, 0}, {0, 0}, {3, 5}};
	struct log log = log_make();

	for (uint32_t i = 0; i < 6; i++) {
		struct wax_bytes key = {"keys", steps[i].key_bytes ? steps[i].key_bytes : 2};
		struct wax_bytes value = {"12345678",
				steps[i].value_bytes == WAX_LOG_ANY_BYTES ? 1
									  : steps[i].value_bytes};

		cr_assert_eq(wax_frames_state(log.frames, i, steps[i], key, value), 0);
		cr_assert_eq(wax_frames_state(log.frames, i, steps[i], key, value), 0);
		cr_assert_eq(wax_frames_gone(log.frames, i, steps[i], key), 0);
	}
	end(&log);
	expect(&log,
			"open 1.1 worker 0/2 run 7\n"
			"1 state 0: keys=12345678 keys=12345678\n1 gone 0: keys\n"
			"1 state 1: keys=1 keys=1\n1 gone 1: keys\n"
			"1 state 2: ke=12345678 ke=12345678\n1 gone 2: ke\n"
			"1 state 3: keys= keys=\n1 gone 3: keys\n"
			"1 state 4: ke= ke=\n1 gone 4: ke\n"
			"1 state 5: key=12345 key=12345\n1 gone 5: key\n"
			"1 end base 1 keys 0 bytes 0 flags 0:\n");
	log_free(&log);
}

/* All lengths around those that are copied in another way, and those that fill a frame. */
Test(frames, bytes_come_out_as_they_went_in)
{
	struct log log = log_make();
	char value[200];
	size_t size;
	char *wanted, *got;
	FILE *out = open_memstream(&wanted, &size);

	fprintf(out, "open 1.1 worker 0/2 run 7\n1 state 1:");
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)('a' + i % 26);
	for (size_t bytes = 0; bytes <= sizeof(value); bytes++) {
		struct wax_bytes key = {value, bytes % 33};

		cr_assert_eq(wax_frames_state(log.frames, 1, text, key,
					     (struct wax_bytes){value, bytes}),
				0);
		fprintf(out, " ");
		log_print_bytes(out, value, bytes % 33);
		fprintf(out, "=");
		log_print_bytes(out, value, bytes);
	}
	fprintf(out, "\n1 end base 1 keys 0 bytes 0 flags 0:\n");
	fclose(out);
	end(&log);
	log_text(&log, &got);
	cr_assert_str_eq(got, wanted);
	free(got);
	free(wanted);
	log_free(&log);
}

Test(frames, many_records_fill_blocks_to_the_end)
{
	enum { COUNT = 100000 };
	const struct wax_frames_step sizes = {8, 40};
	char value[40] = "v";
	struct log log = log_make();
	struct log_parse parse;
	char *got;

	for (uint64_t i = 0; i < COUNT; i++)
		cr_assert_eq(wax_frames_state(log.frames, 1, sizes, (struct wax_bytes){&i, 8},
					     (struct wax_bytes){value, 40}),
				0);
	end(&log);
	parse = log_text(&log, &got);
	cr_assert_eq(parse.records, COUNT);
	cr_assert_eq(log.blocks, 5, "%u", log.blocks);
	cr_assert_leq(log.bytes, COUNT * 48 + 6 * 4096);
	for (uint64_t i = 0, at = 128 + 64; i < 20; i++, at += 48)
		cr_assert_eq(*(uint64_t *)(log.data + at), i);
	free(got);
	log_free(&log);
}

Test(frames, record_larger_than_a_block_has_a_block_of_its_own)
{
	static const size_t sizes[] = {WAX_FRAMES_BLOCK_BYTES - 200, WAX_FRAMES_BLOCK_BYTES - 74,
			WAX_FRAMES_BLOCK_BYTES - 73, WAX_FRAMES_BLOCK_BYTES,
			3 * WAX_FRAMES_BLOCK_BYTES};
	char *value = malloc(3 * WAX_FRAMES_BLOCK_BYTES);

	memset(value, 'x', 3 * WAX_FRAMES_BLOCK_BYTES);
	for (size_t i = 0; i < 5; i++) {
		struct log log = log_make();
		char wanted[300];

		state(&log, 1, "a", "1");
		cr_assert_eq(wax_frames_state(log.frames, 1, text, bytes_of("k"),
					     (struct wax_bytes){value, sizes[i]}),
				0);
		state(&log, 1, "b", "2");
		end(&log);
		snprintf(wanted, sizeof(wanted),
				"open 1.1 worker 0/2 run 7\n1 state 1: a=1\n"
				"1 state 1: k=<%zu x>%s b=2\n"
				"1 end base 1 keys 0 bytes 0 flags 0:\n",
				sizes[i], i == 0 ? "" : "\n1 state 1:");
		expect(&log, wanted);
		cr_assert_eq(log.blocks, 3, "%zu: %u", sizes[i], log.blocks);
		cr_assert_eq(wax_frames_pending(log.frames), 0);
		log_free(&log);
	}
	free(value);
}

Test(frames, end_with_many_positions_may_be_larger_than_a_block)
{
	enum { COUNT = 30000 };
	struct wax_frames_position *positions = calloc(COUNT, sizeof(*positions));
	const struct wax_log_end fixed = {.base = 1};
	struct log log = log_make();
	struct log_parse parse;
	char *got;

	for (uint32_t i = 0; i < COUNT; i++)
		positions[i] = (struct wax_frames_position){
				1, i, bytes_of("a/path/of/some/length"), bytes_of("0123456789")};
	cr_assert_eq(wax_frames_end(log.frames, &fixed, positions, COUNT), 0);
	parse = log_text(&log, &got);
	cr_assert_gt(parse.largest_frame, WAX_FRAMES_BLOCK_BYTES);
	cr_assert_not_null(strstr(got, " 1.29999 a/path/of/some/length@0123456789\n"));
	free(got);
	free(positions);
	log_free(&log);
}

Test(frames, segment_begins_a_chain_of_its_own)
{
	struct log log = log_make();
	struct wax_log_open next = opened;

	state(&log, 1, "a", "1");
	end(&log);
	drain(&log);
	log.bytes = 0;
	next.segment = 2;
	cr_assert_eq(wax_frames_open(log.frames, &next), 0);
	wax_frames_epoch(log.frames, 2);
	state(&log, 1, "a", "2");
	end(&log);
	expect(&log,
			"open 1.2 worker 0/2 run 7\n"
			"2 state 1: a=2\n"
			"2 end base 1 keys 0 bytes 0 flags 0:\n");
	log_free(&log);
}

Test(frames, pending_is_what_was_not_given_back)
{
	struct log log = log_make();
	struct wax_frames_block first, second, none;
	size_t before = wax_frames_pending(log.frames);

	cr_assert_eq(before, 128);
	state(&log, 1, "key", "value");
	cr_assert_eq(wax_frames_pending(log.frames), 128 + 64 + 8 + 8);
	cr_assert_not(wax_frames_take(log.frames, &none));
	end(&log);
	cr_assert_eq(wax_frames_pending(log.frames), 4096);
	wax_frames_epoch(log.frames, 2);
	state(&log, 1, "key", "value");
	end(&log);
	cr_assert_eq(wax_frames_pending(log.frames), 8192);
	cr_assert(wax_frames_take(log.frames, &first));
	cr_assert(wax_frames_take(log.frames, &second));
	cr_assert_not(wax_frames_take(log.frames, &none));
	cr_assert_eq(wax_frames_pending(log.frames), 8192);
	cr_assert_eq(((const struct wax_log_head *)first.data)->epoch, 1);
	cr_assert_eq(((const struct wax_log_head *)second.data)->epoch, 2);
	wax_frames_written(log.frames);
	cr_assert_eq(wax_frames_pending(log.frames), 4096);
	wax_frames_written(log.frames);
	cr_assert_eq(wax_frames_pending(log.frames), 0);

	/* A block that was filled before is filled again: nothing of it shows. */
	wax_frames_epoch(log.frames, 3);
	cr_assert_eq(wax_frames_open(log.frames, &opened), 0);
	end(&log);
	expect(&log, "open 1.1 worker 0/2 run 7\n3 end base 1 keys 0 bytes 0 flags 0:\n");
	log_free(&log);
}

/* The n-th allocation fails, for each n: the call says so, what was there is there still, and the
 * same call succeeds when there is memory again. */
static bool run_out_of_memory(int n)
{
	struct log log = {0};
	char *value = malloc(2 * WAX_FRAMES_BLOCK_BYTES);
	const struct wax_log_end fixed = {.base = 1};
	unsigned failures = 0;
	struct log_parse parse;
	char *got;

#define UNTIL_DONE(call)                                                                           \
	while ((call) < 0) {                                                                       \
		failures++;                                                                        \
		memory_give();                                                                     \
	}
	memset(value, 'x', 2 * WAX_FRAMES_BLOCK_BYTES);
	cr_assert_eq(wax_frames_make(&log.frames, NULL), 0);
	memory_fail(n, true);
	wax_frames_epoch(log.frames, 1);
	UNTIL_DONE(wax_frames_open(log.frames, &opened))
	for (int i = 0; i < 30; i++) {
		struct wax_bytes bytes = {value, i == 20 ? 2 * WAX_FRAMES_BLOCK_BYTES : 300000};

		UNTIL_DONE(wax_frames_state(log.frames, 1, text, bytes_of("k"), bytes))
		if (i % 10 == 0)
			UNTIL_DONE(wax_frames_clear(log.frames, 1))
		if (i % 10 == 5)
			UNTIL_DONE(wax_frames_gone(
					log.frames, 1, text, (struct wax_bytes){value, 400000}))
	}
	UNTIL_DONE(wax_frames_end(log.frames, &fixed, NULL, 0))
#undef UNTIL_DONE
	memory_give();
	parse = log_text(&log, &got);
	cr_assert_eq(parse.records, 30);
	cr_assert_leq(failures, 1);
	free(got);
	free(value);
	log_free(&log);
	return failures > 0;
}

Test(frames, out_of_memory_loses_nothing)
{
	int n = 0;

	SKIP_UNLESS_MEMORY_OBEYS();
	while (run_out_of_memory(n))
		n++;
	cr_assert_gt(n, 10);
}

Test(frames, free_gives_all_back_at_any_time)
{
	struct log log = log_make();
	struct wax_frames_block block;

	wax_frames_free(NULL);
	state(&log, 1, "a", "1");
	end(&log);
	cr_assert(wax_frames_take(log.frames, &block));
	state(&log, 1, "b", "2");
	log_free(&log);
}
