/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/connector.h"
#include "tests/support/run_flow.h"
#include "tests/support/stage.h"

/* wax_batch_size and wax_rate do with any source what they say. */

enum { LINES = 10000 };

static char path[64];
static uint32_t batch_size;
static double rate;

static void write_lines(void)
{
	snprintf(path, sizeof(path), "/tmp/wax-pacing.%d", (int)getpid());
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	for (int i = 0; i < LINES; i++)
		fprintf(file, "line %d\n", i);
	cr_assert_eq(fclose(file), 0);
}

static void remove_lines(void)
{
	unlink(path);
}

TestSuite(pacing, .init = write_lines, .fini = remove_lines);

/* A source that looks at nothing: 1000 items a call, ten times; in each worker, or in one. */
static int greedy_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)source, (void)env, (void)saved;
	*ret_part = calloc(1, sizeof(int));
	return *ret_part ? 0 : wax_err_set(err, -1, "no memory");
}

static int greedy_next(void *part, struct wax_out *out, struct wax_err *err)
{
	(void)err;
	for (uint64_t i = 0; i < 1000; i++)
		wax_emit(out, &i, sizeof(i));
	return ++*(int *)part < 10 ? WAX_MORE : WAX_END;
}

static int greedy_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source, (void)err;
	return wax_parts_add(parts, "all");
}

static const struct wax_source_ops greedy_ops = {.size_bytes = sizeof(greedy_ops),
		.kind = "greedy",
		.list = greedy_list,
		.open = greedy_open,
		.next = greedy_next,
		.close = free};

static struct wax_source *greedy(void)
{
	return wax_source_make(&greedy_ops, WAX_U64, NULL, NULL);
}

static struct wax_source *file_lines(void)
{
	return wax_file_lines(path);
}

static struct wax_source *dir_lines(void)
{
	return wax_dir_lines("/tmp", strrchr(path, '/') + 1);
}

static struct wax_source *numbers(void)
{
	return wax_numbers(LINES, 0);
}

static struct wax_source *single(void)
{
	return wax_numbers_single(LINES, 0);
}

static struct wax_source *text(void)
{
	return wax_text(LINES, 100, 1, 0);
}

static struct wax_source *(*const sources[])(void) = {
		greedy, file_lines, dir_lines, numbers, single, text};
static struct wax_source *(*source)(void);

static int sizes(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	uint64_t count = batch->count;

	(void)ctx;
	return wax_emit(out, &count, sizeof(count));
}

static void flow_of_sizes(struct wax_flow *flow)
{
	struct wax_stream items =
			wax_input(flow, "in", wax_rate(wax_batch_size(source(), batch_size), rate));

	run_flow_output(wax_flat_map_batch(items, "sizes", WAX_U64, sizes, NULL), "%v");
}

static uint64_t largest_batch(uint32_t workers)
{
	struct run_flow_result result = run_flow(flow_of_sizes, workers, NULL);
	uint64_t largest = 0, sum = 0;

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	for (const char *line = result.output; *line; line = strchr(line, '\n') + 1) {
		uint64_t count = strtoull(line, NULL, 10);

		largest = count > largest ? count : largest;
		sum += count;
	}
	cr_assert_eq(sum, LINES);
	run_flow_free(&result);
	return largest;
}

Test(pacing, a_batch_has_the_size_that_was_asked_for)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		source = sources[i];
		batch_size = 0;
		cr_assert_gt(largest_batch(1), 300, "source %zu", i);
		batch_size = 300;
		cr_assert_eq(largest_batch(1), 300, "source %zu", i);
		batch_size = 7;
		cr_assert_eq(largest_batch(3), 7, "source %zu", i);
	}
	batch_size = 1;
	cr_assert_eq(largest_batch(2), 1);
}

static uint64_t took_ms(uint32_t workers)
{
	uint64_t began = wax_clock_monotonic();

	largest_batch(workers);
	return (wax_clock_monotonic() - began) / 1000000;
}

/* A run may take longer, but no less than the schedule. */
Test(pacing, a_rate_is_not_exceeded)
{
	rate = 100000;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		uint64_t last = sources[i] == greedy ? LINES - 1000 : LINES;

		source = sources[i];
		for (uint32_t workers = 1; workers <= 3; workers++)
			cr_assert_geq(took_ms(workers), last / 100 - 2, "source %zu", i);
	}
}

Test(pacing, of_no_source_is_no_source)
{
	cr_assert_null(wax_batch_size(NULL, 3));
	cr_assert_null(wax_rate(NULL, 3));
}

static void backwards(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "in", wax_rate(wax_numbers(1, 0), -1)), "%v");
}

Test(pacing, a_rate_that_is_none_is_refused)
{
	struct run_flow_result result = run_flow(backwards, 2, NULL);

	cr_assert_eq(result.status, 2);
	cr_assert(strstr(result.sentence, "step \"flow.in\": a rate of -1 items per second"), "%s",
			result.sentence);
	run_flow_free(&result);
}

Test(pacing, a_source_is_told_how_much_it_may_give)
{
	struct stage stage;

	stage_init(&stage, 0, 1, "");
	cr_assert_eq(wax_env_batch_size(&stage.env), UINT32_MAX);
	stage.env.batch_size = 12;
	cr_assert_eq(wax_env_batch_size(&stage.env), 12);
	stage_fini(&stage);
}
