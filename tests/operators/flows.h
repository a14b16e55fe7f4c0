/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_OPERATORS_FLOWS_H
#define TESTS_OPERATORS_FLOWS_H

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

#include "tests/support/run_flow.h"

/* What the tests of operators share: inputs, callbacks, expectations. Not every test uses all. */

typedef void (*build_fn)(struct wax_flow *flow);

/* ---- expectations */

static inline void expect_output_of(build_fn build, uint32_t worker_count,
		const struct run_flow_options *options, const char *output)
{
	struct run_flow_result result = run_flow(build, worker_count, options);

	cr_assert_eq(result.status, 0, "%u workers: %s: %s at %s", worker_count, result.step,
			result.sentence, result.item);
	cr_assert_str_eq(result.output, output, "%u workers gave\n%s", worker_count, result.output);
	run_flow_free(&result);
}

/* The lines of the output, sorted, with 1, 2 and 3 workers. */
static inline void expect_output(build_fn build, const char *output)
{
	for (uint32_t worker_count = 1; worker_count <= 3; worker_count++)
		expect_output_of(build, worker_count, NULL, output);
}

/* The lines of the output in the order in which one worker wrote them. */
static inline void expect_order(
		build_fn build, const struct run_flow_options *options, const char *output)
{
	struct run_flow_result result = run_flow(build, 1, options);

	cr_assert_eq(result.status, 0, "%s: %s at %s", result.step, result.sentence, result.item);
	cr_assert_str_eq(result.unsorted, output, "gave\n%s", result.unsorted);
	run_flow_free(&result);
}

/* How many lines, and the sum of the numbers that they end with. */
static inline void expect_sum_of(build_fn build, uint32_t worker_count,
		const struct run_flow_options *options, uint64_t count, uint64_t sum)
{
	struct run_flow_result result = run_flow(build, worker_count, options);
	uint64_t seen = 0, total = 0;

	cr_assert_eq(result.status, 0, "%u workers: %s: %s", worker_count, result.step,
			result.sentence);
	for (const char *line = result.output, *end; (end = strchr(line, '\n')); line = end + 1) {
		const char *at = end;

		while (at > line && at[-1] >= '0' && at[-1] <= '9')
			at--;
		total += strtoull(at, NULL, 10);
		seen++;
	}
	cr_assert_eq(seen, count, "%u workers: %" PRIu64 " lines", worker_count, seen);
	cr_assert_eq(total, sum, "%u workers: sum %" PRIu64, worker_count, total);
	run_flow_free(&result);
}

static inline void expect_sum(build_fn build, uint64_t count, uint64_t sum)
{
	for (uint32_t worker_count = 1; worker_count <= 3; worker_count++)
		expect_sum_of(build, worker_count, NULL, count, sum);
}

/* The flow is not run, because of these mistakes, a line each. */
static inline void expect_mistake(build_fn build, const char *sentence)
{
	struct run_flow_result result = run_flow(build, 2, NULL);

	cr_assert_eq(result.status, 3, "status %d: %s", result.status, result.sentence);
	cr_assert_str_eq(result.sentence, sentence);
	cr_assert_str_eq(result.output, "");
	run_flow_free(&result);
}

/* A callback fails, with 1 and 2 workers. */
static inline void expect_failure_with(build_fn build, const struct run_flow_options *options,
		const char *step, const char *item, const char *sentence)
{
	for (uint32_t worker_count = 1; worker_count <= 2; worker_count++) {
		struct run_flow_result result = run_flow(build, worker_count, options);

		cr_assert_eq(result.status, 1, "status %d: %s", result.status, result.sentence);
		cr_assert_str_eq(result.sentence, sentence);
		cr_assert_str_eq(result.step, step);
		cr_assert_str_eq(result.item, item);
		run_flow_free(&result);
	}
}

static inline void expect_failure(
		build_fn build, const char *step, const char *item, const char *sentence)
{
	expect_failure_with(build, NULL, step, item, sentence);
}

/* What a run with one worker writes to standard error. */
static inline void expect_printed(build_fn build, const char *text)
{
	char path[] = "/tmp/wax-inspect.XXXXXX", read_back[256] = "";
	int fd = mkstemp(path), before = dup(STDERR_FILENO);

	dup2(fd, STDERR_FILENO);
	struct run_flow_result result = run_flow(build, 1, NULL);

	dup2(before, STDERR_FILENO);
	cr_assert_eq(result.status, 0, "%s", result.sentence);
	cr_assert_geq(pread(fd, read_back, sizeof(read_back) - 1, 0), 0);
	cr_assert_str_eq(read_back, text);
	unlink(path);
	close(before);
	close(fd);
	run_flow_free(&result);
}

/* ---- inputs */

static inline uint64_t number_of(const struct wax_item *item)
{
	uint64_t number;

	memcpy(&number, item->value.data, sizeof(number));
	return number;
}

static inline struct wax_stream numbers(struct wax_flow *flow, int64_t count)
{
	return wax_input(flow, "numbers", wax_numbers(count, 0));
}

static inline int emit_decimal(struct wax_out *out, uint64_t number)
{
	char text[24];

	return wax_emit(out, text, (size_t)sprintf(text, "%" PRIu64, number));
}

static inline int to_text(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return emit_decimal(out, number_of(item));
}

/* "0", "1", ... of variable size. */
static inline struct wax_stream texts(struct wax_flow *flow, int64_t count)
{
	return wax_map(numbers(flow, count), "texts", WAX_TEXT, to_text, NULL);
}

/* ctx: how many keys. */
static inline int key_modulo(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t key = number_of(item) % *(const uint64_t *)ctx;

	return wax_emit(out, &key, sizeof(key));
}

static inline int key_modulo_text(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return emit_decimal(out, number_of(item) % *(const uint64_t *)ctx);
}

/* The numbers up to count under the keys 0 ... *keys - 1. */
static inline struct wax_stream keyed_numbers(
		struct wax_flow *flow, int64_t count, const uint64_t *keys)
{
	return wax_key_on(numbers(flow, count), "key", WAX_U64, key_modulo, (void *)keys);
}

static inline struct wax_stream text_keyed_numbers(
		struct wax_flow *flow, int64_t count, const uint64_t *keys)
{
	return wax_key_on(numbers(flow, count), "key", WAX_TEXT, key_modulo_text, (void *)keys);
}

/* Part `index` of a script goes out as a batch of its own. */
static inline int emit_part(struct wax_out *out, const struct wax_item *item, void *script)
{
	const char *at = script;

	for (uint64_t left = number_of(item); left > 0; left--)
		at = strchr(at, '|') + 1;
	while (*at && *at != '|') {
		size_t bytes = strcspn(at, " |");

		if (bytes > 0)
			wax_emit_kv(out, at, 1, at + 1, bytes - 1);
		at += bytes + (at[bytes] == ' ');
	}
	wax_out_flush(out);
	return 0;
}

/*
 * "b1 a2 | b3": items with the first letter as the key and the rest as the value, in batches
 * that bars part; all from one worker, so that their order is known.
 *
 * @param rate batches per second; 0: at once
 */
static inline struct wax_stream script_at(struct wax_flow *flow, const char *script, double rate)
{
	int64_t parts = 1;

	for (const char *at = script; (at = strchr(at, '|')); at++)
		parts++;
	return wax_flat_map(wax_input(flow, "parts", wax_numbers_single(parts, rate)), "script",
			WAX_KEYED(WAX_TEXT, WAX_TEXT), emit_part, (void *)script);
}

static inline struct wax_stream script(struct wax_flow *flow, const char *text)
{
	return script_at(flow, text, 0);
}

/* ---- callbacks */

static inline int fail_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	if (number == 3)
		return wax_fail(out, "%d is not liked", 3);
	return wax_emit(out, &number, sizeof(number));
}

static inline int emit_same(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static inline int emit_none(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)out, (void)item, (void)ctx;
	return 0;
}

static inline int emit_twice(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	emit_same(out, item, ctx);
	return emit_same(out, item, ctx);
}

/* Its result is not looked at, as the header says it need not be. */
static inline int emit_3_bytes(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	wax_emit(out, "abc", 3);
	return 0;
}

static inline int give_back_an_errno(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)out, (void)item, (void)ctx;
	return -22;
}

static inline int is_odd(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) % 2 == 1;
}

static inline int answer_7_at_3(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 3 ? 7 : 1;
}

static inline int answer_why_not_at_3(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 3 ? wax_fail(NULL, "%d is not liked", 3) : 0;
}

static inline int answer_an_errno_at_3(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 3 ? -22 : 0;
}

static inline int answer_yes(const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return 1;
}

static inline int answer_no(const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	return 0;
}

#endif
