/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <wax/connectors.h>

#include "connectors/ranges.h"
#include "tests/support/resume.h"

static uint64_t seed_of(unsigned run)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (run + 1);
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % limit);
}

/* ---- Cutting, seen by what open is given */

static struct wax_parts parts;
static struct wax_err err;

/* What is saved by hand: ranges of one partition. */
static void save(struct resume *resume, const char *name, const struct wax_range *ranges,
		size_t count)
{
	resume_add(resume, name, (struct wax_bytes){ranges, count * sizeof(*ranges)});
}

#define SAVE(resume, name, ...)                                                                    \
	save((resume), (name), (const struct wax_range[]){__VA_ARGS__},                            \
			sizeof((const struct wax_range[]){__VA_ARGS__}) /                          \
					sizeof(struct wax_range))

static int list(const struct resume *resume, uint64_t size, uint32_t part_count)
{
	wax_parts_init(&parts, part_count, resume->saved.count ? &resume->saved : NULL);
	return wax_ranges_list(&parts, "in", "bytes", size, part_count, &err);
}

/* All partitions as text: "0/2 0-5! 7-9; ..."; ! where a line is known to begin. */
static const char *cuts(const struct resume *resume, uint64_t size, uint32_t part_count)
{
	static char text[1024];
	size_t at = 0;
	int r = list(resume, size, part_count);

	cr_assert_eq(r, 0, "%s", err.text);
	text[0] = '\0';
	for (uint32_t i = 0; i < parts.count; i++) {
		struct wax_range range[16];

		cr_assert_eq(strncmp(parts.names[i], "in:", 3), 0);
		cr_assert_leq(parts.positions[i].bytes, sizeof(range));
		memcpy(range, parts.positions[i].data, parts.positions[i].bytes);
		at += (size_t)sprintf(text + at, "%s%s", i > 0 ? "; " : "", parts.names[i] + 3);
		for (size_t k = 0; k < parts.positions[i].bytes / sizeof(*range); k++)
			at += (size_t)sprintf(text + at, " %" PRIu64 "-%" PRIu64 "%s",
					range[k].next, range[k].end, range[k].begins ? "!" : "");
	}
	wax_parts_fini(&parts);
	return text;
}

Test(ranges, fresh_interval_has_a_range_for_each)
{
	struct resume resume = {0};

	cr_assert_str_eq(cuts(&resume, 100, 1), "0/1 0-100!");
	cr_assert_str_eq(cuts(&resume, 100, 3), "0/3 0-33!; 1/3 33-66; 2/3 66-100");
	cr_assert_str_eq(cuts(&resume, 1, 3), "0/3 1-1; 1/3 1-1; 2/3 0-1!");
	cr_assert_str_eq(cuts(&resume, 0, 2), "0/2 0-0!; 1/2 0-0!");
	cr_assert_str_eq(cuts(&resume, INT64_MAX, 2),
			"0/2 0-4611686018427387903!; "
			"1/2 4611686018427387903-9223372036854775807");
}

Test(ranges, what_is_left_is_cut_anew)
{
	struct resume resume = {0};

	SAVE(&resume, "in:0/2", {10, 50, 1});
	SAVE(&resume, "in:1/2", {80, 100, 1});
	cr_assert_str_eq(cuts(&resume, 100, 1), "0/1 10-50! 80-100!");
	cr_assert_str_eq(cuts(&resume, 100, 2), "0/2 10-40!; 1/2 40-50 80-100!");
	cr_assert_str_eq(cuts(&resume, 100, 3), "0/3 10-30!; 1/3 30-50; 2/3 80-100!");
	resume_fini(&resume);
}

Test(ranges, what_was_only_cut_is_whole_again)
{
	struct resume resume = {0};

	SAVE(&resume, "in:0/3", {10, 30, 1});
	SAVE(&resume, "in:1/3", {30, 60, 0});
	SAVE(&resume, "in:2/3", {60, 90, 0}, {95, 100, 1});
	cr_assert_str_eq(cuts(&resume, 100, 1), "0/1 10-90! 95-100!");
	resume_fini(&resume);
}

Test(ranges, what_was_read_leaves_the_end)
{
	struct resume resume = {0};

	SAVE(&resume, "in:0/2", {55, 50, 1});
	SAVE(&resume, "in:1/2", {100, 100, 1});
	cr_assert_str_eq(cuts(&resume, 100, 2), "0/2 100-100!; 1/2 100-100!");
	resume_fini(&resume);

	/* The end is not that of what is left. */
	SAVE(&resume, "in:0/2", {40, 50, 1});
	SAVE(&resume, "in:1/2", {100, 100, 1});
	cr_assert_str_eq(cuts(&resume, 100, 2), "0/2 40-45!; 1/2 45-50 100-100!");
	resume_fini(&resume);
}

Test(ranges, what_was_appended_is_left_too)
{
	struct resume resume = {0};

	SAVE(&resume, "in:0/1", {100, 100, 1});
	cr_assert_str_eq(cuts(&resume, 140, 2), "0/2 100-120!; 1/2 120-140");
	resume_fini(&resume);

	/* The line that reached the end is still to be read, with what was appended to it. */
	SAVE(&resume, "in:0/2", {40, 50, 1});
	SAVE(&resume, "in:1/2", {100, 100, 0});
	cr_assert_str_eq(cuts(&resume, 130, 2), "0/2 40-50! 100-110; 1/2 110-130");
	resume_fini(&resume);

	/* It was read, by the one that had its beginning. */
	SAVE(&resume, "in:0/2", {100, 50, 1});
	SAVE(&resume, "in:1/2", {50, 100, 0});
	cr_assert_str_eq(cuts(&resume, 150, 2), "0/2 50-100; 1/2 100-150!");
	cr_assert_str_eq(cuts(&resume, 100, 1), "0/1 50-100 100-100!");
	resume_fini(&resume);
}

Test(ranges, line_that_goes_on_into_the_next_range_is_behind_it)
{
	struct wax_range saved[] = {{10, 20, 1}, {30, 40, 1}, {50, 60, 1}, {100, 100, 0}};
	struct wax_ranges ranges;

	cr_assert_eq(wax_ranges_init(&ranges, (struct wax_bytes){saved, sizeof(saved)}, &err), 0);
	cr_assert(!wax_ranges_advance(&ranges, 15, true));
	cr_assert(wax_ranges_advance(&ranges, 55, true));
	cr_assert_eq(wax_ranges_now(&ranges)->next, 55);
	cr_assert_eq(wax_ranges_now(&ranges)->end, 60);
	cr_assert(wax_ranges_advance(&ranges, 100, true));
	cr_assert_null(wax_ranges_now(&ranges));

	struct wax_range last;

	cr_assert_eq(wax_ranges_position(&ranges).bytes, sizeof(last));
	memcpy(&last, wax_ranges_position(&ranges).data, sizeof(last));
	cr_assert_eq(last.next, 100);
	cr_assert_eq(last.begins, 1);
	wax_ranges_fini(&ranges);
}

static void expect_refusal(
		const struct resume *resume, uint64_t size, int code, const char *sentence)
{
	cr_assert_eq(list(resume, size, 2), code);
	cr_assert_str_eq(err.text, sentence);
	wax_parts_fini(&parts);
}

Test(ranges, what_cannot_be_gone_on_with_is_refused)
{
	static const char damaged[] = "the saved position is damaged: begin anew with --from none";
	struct resume resume = {0};

	SAVE(&resume, "in:0/1", {90, 100, 1});
	expect_refusal(&resume, 99, -ESTALE,
			"'in' has 99 bytes, and the saved run had 100: it was replaced or cut "
			"short; bring it back, or begin anew with --from none");
	resume_fini(&resume);
	SAVE(&resume, "other:0/1", {90, 100, 1});
	expect_refusal(&resume, 100, -ESTALE,
			"the saved run read 'other:0/1', which is no part of 'in': read what it "
			"read, or begin anew with --from none");
	resume_fini(&resume);
	SAVE(&resume, "in:0/1", {90, 100, 2});
	expect_refusal(&resume, 100, -EBADMSG, damaged);
	resume_fini(&resume);
	SAVE(&resume, "in:0/1", {90, UINT64_MAX, 1});
	expect_refusal(&resume, 100, -EBADMSG, damaged);
	resume_fini(&resume);
	SAVE(&resume, "in:0/2", {40, 60, 1});
	SAVE(&resume, "in:1/2", {50, 100, 1});
	expect_refusal(&resume, 100, -EBADMSG, damaged);
	resume_fini(&resume);
	resume_add(&resume, "in:0/1", (struct wax_bytes){"12345678", 8});
	expect_refusal(&resume, 100, -EBADMSG, damaged);
	resume_fini(&resume);
	resume_add(&resume, "in:0/1", (struct wax_bytes){NULL, 0});
	expect_refusal(&resume, 100, -EBADMSG, damaged);
	resume_fini(&resume);
}

/* A service that is started again each day for ten years. */
Test(ranges, ranges_do_not_add_up)
{
	struct resume resume = {0};
	uint64_t state = seed_of(0);

	for (unsigned generation = 0; generation < 3650; generation++) {
		uint32_t part_count = 3 + random_below(&state, 3) / 2;
		struct wax_bytes positions[4];
		size_t range_count = 0;

		cr_assert_eq(list(&resume, INT64_MAX, part_count), 0, "%s", err.text);
		resume_fini(&resume);
		for (uint32_t i = 0; i < part_count; i++) {
			struct wax_ranges ranges;
			const struct wax_range *range;

			cr_assert_eq(wax_ranges_init(&ranges, parts.positions[i], &err), 0);
			range = wax_ranges_now(&ranges);
			wax_ranges_advance(&ranges,
					range->next + (uint64_t)random_below(&state, 1 << 30),
					false);
			positions[i] = wax_ranges_position(&ranges);
			range_count += positions[i].bytes / sizeof(struct wax_range);
			resume_add(&resume, parts.names[i], positions[i]);
			wax_ranges_fini(&ranges);
		}
		cr_assert_leq(range_count, 64, "generation %u", generation);
		wax_parts_fini(&parts);
	}
	resume_fini(&resume);
}

/* ---- Numbers: each exactly once */

enum { NUMBERS = 3000 };

struct counted {
	uint32_t seen[NUMBERS];  /* for good */
	uint64_t since[NUMBERS]; /* since the last save: undone by a crash */
	size_t since_count;
};

static int count_numbers(struct wax_port *port, const struct wax_batch *batch)
{
	struct counted *counted = port->taker;

	for (uint32_t i = 0; i < batch->count; i++)
		counted->since[counted->since_count++] = WAX_VALUES(batch, uint64_t)[i];
	return 0;
}

static void keep_numbers(struct counted *counted)
{
	for (size_t i = 0; i < counted->since_count; i++)
		counted->seen[counted->since[i]]++;
	counted->since_count = 0;
}

static void read_some(struct resume *resume, uint64_t *state)
{
	for (uint32_t calls = random_below(state, 30); calls > 0; calls--)
		resume_next(resume, random_below(state, resume->parts.count),
				1 + random_below(state, 40));
}

Test(ranges, numbers_are_given_once_by_any_numbers_of_workers)
{
	for (unsigned run = 0; run < 100; run++) {
		struct resume resume = {0};
		struct counted counted = {0};
		uint64_t state = seed_of(run);
		uint32_t count = random_below(&state, NUMBERS / 2);

		for (unsigned generation = 0; generation < 6; generation++) {
			resume_begin(&resume, wax_numbers(count, 0), 1 + random_below(&state, 5),
					WAX_U64, count_numbers, &counted);
			read_some(&resume, &state);
			resume_save(&resume);
			keep_numbers(&counted);
			read_some(&resume, &state);
			counted.since_count = 0;
			resume_end(&resume);
			count += random_below(&state, 3) ? 0 : random_below(&state, NUMBERS / 12);
		}
		resume_begin(&resume, wax_numbers(count, 0), 1 + random_below(&state, 5), WAX_U64,
				count_numbers, &counted);
		resume_drain(&resume, 100);
		keep_numbers(&counted);
		for (uint32_t i = 0; i < NUMBERS; i++)
			cr_assert_eq(counted.seen[i], i < count,
					"run %u: %u of %u is given %u times", run, i, count,
					counted.seen[i]);
		resume_end(&resume);
		resume_fini(&resume);
	}
}

/* ---- Lines: each exactly once, while the file grows */

enum { FILE_BYTES_MAX = 64 * 1024, LINES_MAX = 16 * 1024 };

struct file {
	char path[64];
	char text[FILE_BYTES_MAX];
	size_t bytes;
	size_t ends[64]; /* where the file ended in a line, and that line was read */
	size_t end_count;
	char *lines[LINES_MAX]; /* that were given */
	size_t line_count;
	size_t saved_count; /* of these: for good */
	unsigned written;
};

static int take_lines(struct wax_port *port, const struct wax_batch *batch)
{
	struct file *file = port->taker;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes line = wax_batch_value(batch, i);

		cr_assert_lt(file->line_count, LINES_MAX);
		file->lines[file->line_count++] = strndup(line.data, line.bytes);
	}
	return 0;
}

static void undo_lines(struct file *file)
{
	while (file->line_count > file->saved_count)
		free(file->lines[--file->line_count]);
}

/* Lines of which no two are the same, and now and then the last is without its end. */
static void append(struct file *file, uint64_t *state)
{
	uint32_t count = 1 + random_below(state, 60);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t padding = random_below(state, random_below(state, 8) ? 10 : 600);

		file->bytes += (size_t)sprintf(file->text + file->bytes, "%u ", file->written++);
		memset(file->text + file->bytes, 'x', padding);
		file->bytes += padding;
		file->text[file->bytes++] = '\n';
	}
	if (random_below(state, 2))
		file->bytes -= 1 +
				random_below(state, 3) / 2; /* without the newline, or one more */

	FILE *stream = fopen(file->path, "w");

	cr_assert_eq(fwrite(file->text, 1, file->bytes, stream), file->bytes);
	fclose(stream);
}

/* The file ends in a line without its end, and that line was read? */
static void note_end(struct file *file)
{
	size_t begin = file->bytes;
	size_t before = file->end_count > 0 ? file->ends[file->end_count - 1] : 0;

	while (begin > before && file->text[begin - 1] != '\n')
		begin--;
	for (size_t i = 0; begin < file->bytes && i < file->saved_count; i++) {
		size_t length = strlen(file->lines[i]);

		if (length == file->bytes - begin &&
				memcmp(file->lines[i], file->text + begin, length) == 0) {
			file->ends[file->end_count++] = file->bytes;
			return;
		}
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every line, and what was appended to one that had been read, came once. */
static void expect_all_lines(struct file *file, unsigned run)
{
	static char *right[LINES_MAX];
	size_t count = 0, begin = 0, end_index = 0;

	for (size_t at = 0; at <= file->bytes; at++) {
		bool cut = end_index < file->end_count && file->ends[end_index] == at;
		bool ends = at == file->bytes || file->text[at] == '\n';

		end_index += cut;
		if ((cut || at == file->bytes) && begin < at)
			right[count++] = strndup(file->text + begin, at - begin), begin = at;
		if (ends && at < file->bytes)
			right[count++] = strndup(file->text + begin, at - begin), begin = at + 1;
	}
	qsort(right, count, sizeof(*right), compare_lines);
	qsort(file->lines, file->line_count, sizeof(*right), compare_lines);
	for (size_t i = 0; i < count && i < file->line_count; i++)
		cr_assert_str_eq(file->lines[i], right[i], "run %u", run);
	cr_assert_eq(file->line_count, count, "run %u", run);
	for (size_t i = 0; i < count; i++)
		free(right[i]);
}

static void read_in_generations(struct file *file, unsigned run)
{
	struct resume resume = {0};
	uint64_t state = seed_of(run);

	for (unsigned generation = 0; generation < 8; generation++) {
		if (generation == 0 || random_below(&state, 2))
			append(file, &state);
		resume_begin(&resume, wax_file_lines(file->path), 1 + random_below(&state, 5),
				WAX_TEXT, take_lines, file);
		if (random_below(&state, 3) == 0)
			resume_drain(&resume, 10);
		else
			read_some(&resume, &state);
		resume_save(&resume);
		file->saved_count = file->line_count;
		note_end(file);
		read_some(&resume, &state);
		undo_lines(file);
		resume_end(&resume);
	}
	resume_begin(&resume, wax_file_lines(file->path), 1 + random_below(&state, 5), WAX_TEXT,
			take_lines, file);
	resume_drain(&resume, 10);
	resume_end(&resume);
	resume_fini(&resume);
}

Test(ranges, lines_of_a_growing_file_are_given_once, .timeout = 240)
{
	for (unsigned run = 0; run < 150; run++) {
		struct file *file = calloc(1, sizeof(*file));
		int fd;

		strcpy(file->path, "/tmp/wax-test-ranges-XXXXXX");
		fd = mkstemp(file->path);
		cr_assert_geq(fd, 0);
		close(fd);
		read_in_generations(file, run);
		expect_all_lines(file, run);
		file->saved_count = 0;
		undo_lines(file);
		unlink(file->path);
		free(file);
	}
}
