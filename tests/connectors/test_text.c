/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wax/connectors.h>

#include "connectors/vocabulary.h"
#include "tests/support/resume.h"

static struct wax_err err;

static struct wax_vocabulary *make(uint32_t words, uint64_t seed)
{
	struct wax_vocabulary *vocabulary;

	cr_assert_eq(wax_vocabulary_make(words, seed, &vocabulary, &err), 0, "%s", err.text);
	return vocabulary;
}

static const char *line(const struct wax_vocabulary *vocabulary, uint64_t index)
{
	static char room[WAX_LINE_ROOM_BYTES + 1];
	size_t length = wax_vocabulary_line(vocabulary, index, room);

	cr_assert_lt(length, WAX_LINE_ROOM_BYTES);
	room[length] = '\0';
	return room;
}

Test(text, same_seed_makes_the_same_lines)
{
	struct wax_vocabulary *one = make(1000, 7);
	struct wax_vocabulary *other = make(1000, 7);
	char text[WAX_LINE_ROOM_BYTES + 1];

	for (uint64_t i = 0; i < 1000; i++) {
		/* In any order. */
		strcpy(text, line(one, i));
		cr_assert_str_eq(line(other, i), text);
	}
	wax_vocabulary_free(one);
	wax_vocabulary_free(other);
}

Test(text, lines_are_the_same_in_every_version)
{
	/* Results that people noted beside a seed stay true. */
	struct wax_vocabulary *vocabulary = make(1000, 42);

	cr_assert_str_eq(line(vocabulary, 0),
			"alienatenow eiha eberelo ho thu ibar ibte eus eus eus tue");
	cr_assert_str_eq(line(vocabulary, 1), "tidejairet siypolespeh vili nuemocin ha herte");
	wax_vocabulary_free(vocabulary);
}

Test(text, lines_and_seeds_differ)
{
	struct wax_vocabulary *one = make(1000, 1);
	struct wax_vocabulary *two = make(1000, 2);
	char text[WAX_LINE_ROOM_BYTES + 1];

	for (uint64_t i = 0; i < 100; i++) {
		strcpy(text, line(one, i));
		cr_assert_str_neq(line(one, i + 1), text);
		cr_assert_str_neq(line(two, i), text);
	}
	wax_vocabulary_free(one);
	wax_vocabulary_free(two);
}

Test(text, line_has_five_to_fifteen_words_of_letters)
{
	struct wax_vocabulary *vocabulary = make(5000, 3);
	unsigned seen[WAX_LINE_WORDS_MAX + 1] = {0};

	for (uint64_t i = 0; i < 10000; i++) {
		unsigned words = 0;

		for (const char *at = line(vocabulary, i); *at; words++) {
			size_t length = 0;

			while (isalpha((unsigned char)at[length]))
				length++;
			cr_assert_geq(length, WAX_WORD_LENGTH_MIN);
			cr_assert_leq(length, WAX_WORD_LENGTH_MAX);
			at += length;
			if (*at) {
				cr_assert_eq(*at++, ' ');
				cr_assert_neq(*at, '\0', "no space at the end");
			}
		}
		cr_assert_geq(words, WAX_LINE_WORDS_MIN);
		cr_assert_leq(words, WAX_LINE_WORDS_MAX);
		seen[words]++;
	}
	/* All alike: 909 of each, give or take. */
	for (int words = WAX_LINE_WORDS_MIN; words <= WAX_LINE_WORDS_MAX; words++) {
		cr_assert_gt(seen[words], 750);
		cr_assert_lt(seen[words], 1070);
	}
	wax_vocabulary_free(vocabulary);
}

static int compare(const void *a, const void *b)
{
	return strcasecmp(a, b);
}

/* More of them than there are short words. */
Test(text, words_differ_by_more_than_case)
{
	enum { COUNT = 200000 };
	struct wax_vocabulary *vocabulary = make(COUNT, 4);
	char(*words)[16] = calloc(COUNT, sizeof(*words));
	unsigned capitals = 0;

	for (uint32_t i = 0; i < COUNT; i++) {
		const char *word;
		size_t length = wax_vocabulary_word(vocabulary, i, &word);

		memcpy(words[i], word, length);
		capitals += isupper((unsigned char)word[0]) != 0;
		for (size_t at = 1; at < length; at++)
			cr_assert(islower((unsigned char)word[at]));
	}
	qsort(words, COUNT, sizeof(*words), compare);
	for (uint32_t i = 1; i < COUNT; i++)
		cr_assert_neq(strcasecmp(words[i - 1], words[i]), 0);
	cr_assert_gt(capitals, COUNT / 20);
	cr_assert_lt(capitals, COUNT / 12);
	free(words);
	wax_vocabulary_free(vocabulary);
}

static uint32_t rank_of(const struct wax_vocabulary *vocabulary, uint32_t count, const char *text,
		size_t length)
{
	for (uint32_t rank = 0; rank < count; rank++) {
		const char *word;

		if (wax_vocabulary_word(vocabulary, rank, &word) == length &&
				memcmp(word, text, length) == 0)
			return rank;
	}
	return count;
}

Test(text, words_follow_the_law_of_zipf)
{
	enum { COUNT = 50 };
	struct wax_vocabulary *vocabulary = make(COUNT, 5);
	uint64_t seen[COUNT + 1] = {0};
	uint64_t total = 0;
	double sum = 0;

	for (uint64_t i = 0; i < 40000; i++) {
		for (const char *at = line(vocabulary, i); *at; total++) {
			size_t length = strcspn(at, " ");

			seen[rank_of(vocabulary, COUNT, at, length)]++;
			at += length + (at[length] == ' ');
		}
	}
	cr_assert_eq(seen[COUNT], 0, "every word is of the vocabulary");
	for (int rank = 0; rank < COUNT; rank++)
		sum += 1.0 / (rank + 1);
	for (int rank = 0; rank < COUNT; rank++) {
		double expected = (double)total / sum / (rank + 1);
		double off = (double)seen[rank] - expected;

		/* Five standard deviations. */
		cr_assert_lt(off * off, 25 * expected, "rank %d: %lu, not %g", rank,
				(unsigned long)seen[rank], expected);
	}
	wax_vocabulary_free(vocabulary);
}

Test(text, one_word_will_do)
{
	struct wax_vocabulary *vocabulary = make(1, 6);
	const char *word;
	size_t length = wax_vocabulary_word(vocabulary, 0, &word);
	const char *text = line(vocabulary, 0);

	cr_assert_eq(strncmp(text, word, length), 0);
	cr_assert_eq(strncmp(text + length + 1, word, length), 0);
	wax_vocabulary_free(vocabulary);
}

Test(text, number_of_words_has_bounds)
{
	struct wax_vocabulary *vocabulary;

	cr_assert_eq(wax_vocabulary_make(0, 1, &vocabulary, &err), -EINVAL);
	cr_assert_eq(wax_vocabulary_make(WAX_VOCABULARY_WORDS_MAX + 1, 1, &vocabulary, &err),
			-EINVAL);
	cr_assert_str_eq(err.text, "a text of 16777217 different words: give 1 to 16777216");
	wax_vocabulary_free(NULL);
}

struct sheet {
	char *text;
	size_t used;
	uint32_t lines;
};

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	struct sheet *sheet = port->taker;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes value = wax_batch_value(batch, i);

		memcpy(sheet->text + sheet->used, value.data, value.bytes);
		sheet->used += value.bytes;
		sheet->text[sheet->used++] = '\n';
		sheet->lines++;
	}
	return 0;
}

enum { LINES = 3001 };

static struct sheet all_lines(uint32_t worker_count)
{
	struct resume resume = {0};
	struct sheet sheet = {.text = malloc(LINES * WAX_LINE_ROOM_BYTES)};

	resume_begin(&resume, wax_text(LINES, 500, 11, 0), worker_count, WAX_TEXT, take, &sheet);
	for (uint32_t worker = 0; worker < worker_count; worker++) {
		while (resume_next(&resume, worker, 0) == WAX_MORE)
			;
	}
	resume_end(&resume);
	return sheet;
}

Test(text, lines_are_the_same_whatever_the_number_of_workers)
{
	struct sheet one = all_lines(1);

	cr_assert_eq(one.lines, LINES);
	for (uint32_t worker_count = 2; worker_count < 6; worker_count++) {
		struct sheet sheet = all_lines(worker_count);

		cr_assert_eq(sheet.used, one.used);
		cr_assert_eq(memcmp(sheet.text, one.text, one.used), 0);
		free(sheet.text);
	}
	free(one.text);
}

Test(text, lines_go_on_behind_the_saved_position)
{
	struct resume resume = {0};
	struct sheet one = all_lines(1);
	struct sheet sheet = {.text = malloc(LINES * WAX_LINE_ROOM_BYTES)};

	resume_begin(&resume, wax_text(LINES, 500, 11, 0), 1, WAX_TEXT, take, &sheet);
	cr_assert_eq(resume_next(&resume, 0, 100), WAX_MORE);
	resume_save(&resume);
	resume_end(&resume);
	cr_assert_eq(sheet.lines, 100);

	resume_begin(&resume, wax_text(LINES, 500, 11, 0), 3, WAX_TEXT, take, &sheet);
	for (uint32_t worker = 0; worker < 3; worker++) {
		while (resume_next(&resume, worker, 0) == WAX_MORE)
			;
	}
	resume_end(&resume);
	resume_fini(&resume);
	cr_assert_eq(sheet.used, one.used);
	cr_assert_eq(memcmp(sheet.text, one.text, one.used), 0);
	free(one.text);
	free(sheet.text);
}

Test(text, wrong_arguments_are_refused)
{
	struct resume resume = {0};
	void *part;

	cr_assert_eq(resume_list(&resume, wax_text(-1, 10, 0, 0), 1), -EINVAL);
	resume_end(&resume);
	cr_assert_eq(resume_list(&resume, wax_text(1, 10, 0, -1), 1), -EINVAL);
	resume_end(&resume);

	/* The words are made in the worker. */
	cr_assert_eq(resume_list(&resume, wax_text(1, 0, 0, 0), 1), 0);
	stage_init(&resume.stage, 0, 1, "");
	cr_assert_eq(resume.source->ops.open(resume.source->source, &resume.stage.env,
				     resume.parts.positions[0], &part, &err),
			-EINVAL);
	stage_fini(&resume.stage);
	resume_end(&resume);
}
