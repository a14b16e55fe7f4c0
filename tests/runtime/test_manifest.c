/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/log_format.h"
#include "runtime/manifest.h"
#include "tests/support/out_of_memory.h"

static struct wax_err err;

static struct wax_manifest_step steps[] = {
		{4, WAX_MANIFEST_STATE, 1, 0, 8, "count_final", "text", "wordcount.count.final"},
		{0, WAX_MANIFEST_SOURCE, 1, 0, 0, "file_lines", "-", "wordcount.lines"},
};

static struct wax_manifest manifest = {
		.flow = "wordcount",
		.run = UINT64_C(0x5f0c3a9d2b71e804),
		.worker_count = 2,
		.hash_version = 1,
		.generation = 3,
		.from_generation = 2,
		.from_epoch = 17,
		.steps = steps,
		.step_count = 2,
};

static const char lines[] = "wax-recovery 1\n"
			    "flow wordcount\n"
			    "run 5f0c3a9d2b71e804\n"
			    "workers 2\n"
			    "hash 1 0\n"
			    "generation 3\n"
			    "from 2 17\n"
			    "step 4 state 1 0 8 count_final text wordcount.count.final\n"
			    "step 0 source 1 0 0 file_lines - wordcount.lines\n";

/* Lines with the right sum behind them. */
static char *summed(const char *text)
{
	char *all;
	cr_assert_gt(asprintf(&all, "%ssum %016llx\n", text,
				     (unsigned long long)XXH3_64bits(text, strlen(text))),
			0);
	return all;
}

static int parse(const char *text, size_t bytes)
{
	struct wax_manifest parsed = {.run = 1};
	err = (struct wax_err){0};
	int r = wax_manifest_parse(text, bytes, "gen-00000003/manifest", &parsed, &err);
	if (r == 0) {
		wax_manifest_free(&parsed);
		return 0;
	}
	cr_assert_eq(parsed.run, 1, "nothing is written on failure");
	cr_assert(strstr(err.text, "gen-00000003/manifest"), "%s", err.text);
	cr_assert(strstr(err.text, "--from none"), "%s", err.text);
	return r;
}

static int parse_summed(const char *text)
{
	char *all = summed(text);
	int r = parse(all, strlen(all));
	free(all);
	return r;
}

Test(manifest, is_printed_line_by_line)
{
	char *text, *expected = summed(lines);
	int bytes = wax_manifest_print(&manifest, &text, &err);
	cr_assert_eq(bytes, (int)strlen(expected));
	cr_assert_str_eq(text, expected);
	free(text);
	free(expected);
}

Test(manifest, is_read_as_it_was_printed)
{
	struct wax_manifest parsed;
	char *text = summed(lines);
	cr_assert_eq(wax_manifest_parse(text, strlen(text), "m", &parsed, &err), 0, "%s", err.text);
	free(text);
	cr_assert_str_eq(parsed.flow, "wordcount");
	cr_assert_eq(parsed.run, UINT64_C(0x5f0c3a9d2b71e804));
	cr_assert_eq(parsed.worker_count, 2);
	cr_assert_eq(parsed.hash_version, 1);
	cr_assert_eq(parsed.hash_seed, 0);
	cr_assert_eq(parsed.generation, 3);
	cr_assert_eq(parsed.from_generation, 2);
	cr_assert_eq(parsed.from_epoch, 17);
	cr_assert_eq(parsed.step_count, 2);
	const struct wax_manifest_step *step =
			wax_manifest_find(&parsed, "wordcount.count.final", WAX_MANIFEST_STATE);
	cr_assert_eq(step, &parsed.steps[0]);
	cr_assert_eq(step->index, 4);
	cr_assert_eq(step->version, 1);
	cr_assert_eq(step->key_bytes, 0);
	cr_assert_eq(step->value_bytes, 8);
	cr_assert_str_eq(step->kind, "count_final");
	cr_assert_str_eq(step->key, "text");
	cr_assert_eq(parsed.steps[1].role, WAX_MANIFEST_SOURCE);
	cr_assert_null(wax_manifest_find(&parsed, "wordcount.count.final", WAX_MANIFEST_SINK));
	cr_assert_null(wax_manifest_find(&parsed, "wordcount", WAX_MANIFEST_STATE));
	cr_assert_eq(wax_manifest_compare(&parsed, &manifest, &err), 0, "%s", err.text);
	wax_manifest_free(&parsed);
	wax_manifest_free(NULL);
}

Test(manifest, names_never_break_a_line)
{
	struct wax_manifest_step odd[] = {{1, WAX_MANIFEST_SINK, 2, 16, WAX_LOG_ANY_BYTES,
			"my kind", "pair of\nu64", "flow.a b\nsum"}};
	struct wax_manifest printed = manifest, parsed;
	char *text;
	printed.flow = "two words\n";
	printed.steps = odd;
	printed.step_count = 1;
	int bytes = wax_manifest_print(&printed, &text, &err);
	cr_assert_eq(wax_manifest_parse(text, (size_t)bytes, "m", &parsed, &err), 0, "%s",
			err.text);
	free(text);
	cr_assert_str_eq(parsed.flow, "two words_");
	cr_assert_str_eq(parsed.steps[0].kind, "my_kind");
	cr_assert_str_eq(parsed.steps[0].key, "pair_of_u64");
	cr_assert_str_eq(parsed.steps[0].id, "flow.a b_sum");
	cr_assert_eq(parsed.steps[0].value_bytes, WAX_LOG_ANY_BYTES);
	wax_manifest_free(&parsed);
}

Test(manifest, without_steps_is_whole)
{
	cr_assert_eq(parse_summed("wax-recovery 1\nflow \nrun 0000000000000000\nworkers 1\n"
				  "hash 1 7\ngeneration 1\nfrom 0 0\n"),
			0, "%s", err.text);
}

Test(manifest, cut_anywhere_is_damaged)
{
	char *text = summed(lines);
	for (size_t bytes = 0; bytes < strlen(text); bytes++)
		cr_assert_eq(parse(text, bytes), -EBADMSG, "%zu bytes", bytes);
	free(text);
}

Test(manifest, a_bit_that_flips_is_seen)
{
	char *text = summed(lines);
	size_t bytes = strlen(text);
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		int r = parse(text, bytes);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		/* "wax-recovery 3" could as well be right. */
		cr_assert(r == -EBADMSG || (r == -EPROTO && bit / 8 == strlen("wax-recovery ")),
				"bit %zu of '%c'", bit % 8, text[bit / 8]);
	}
	cr_assert_eq(parse(text, bytes), 0);
	free(text);
}

Test(manifest, what_is_not_understood_is_damaged)
{
	static const char *const wrong[][2] = {
			{"workers 2", "workers 02"},
			{"workers 2", "workers +2"},
			{"workers 2", "workers 0"},
			{"workers 2", "workers 4294967296"},
			{"workers 2", "workers"},
			{"workers 2\n", ""},
			{"workers 2\n", "workers 2\nworkers 2\n"},
			{"run 5f0c3a9d2b71e804", "run 5F0C3A9D2B71E804"},
			{"run 5f0c3a9d2b71e804", "run 5f0c3a9d2b71e80g"},
			{"generation 3", "generation 2"},
			{"from 2 17", "from 2"},
			{"from 2 17", "from 2 18446744073709551616"},
			{"hash 1 0", "hash 1 -0"},
			{"state", "states"},
			{"step 4", "step -4"},
			{"8 count_final text wordcount.count.final", "8 count_final text"},
			{"step 0", "stop 0"},
			{"step 0", "\nstep 0"},
			{"step 0 source 1 0 0 file_lines - wordcount.lines",
					"step 5 state 1 0 8 count_final text "
					"wordcount.count.final"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[512];
		const char *at = strstr(lines, wrong[i][0]);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - lines), lines, wrong[i][1],
				at + strlen(wrong[i][0]));
		cr_assert_eq(parse_summed(text), -EBADMSG, "%s", wrong[i][1]);
	}
	cr_assert_eq(parse_summed(lines), 0);
}

Test(manifest, another_version_is_refused)
{
	cr_assert_eq(parse_summed("wax-recovery 2\nwhatever comes then\n"), -EPROTO);
	cr_assert(strstr(err.text, "version 2"), "%s", err.text);
	cr_assert_eq(parse_summed("wax-recovery x\n"), -EBADMSG);
	cr_assert_eq(parse_summed("something else\n"), -EBADMSG);
}

/* ---- Does it fit? */

static void expect_lines(const struct wax_manifest *now, const char *text)
{
	cr_assert_eq(wax_manifest_compare(&manifest, now, &err), -EPROTO);
	cr_assert_str_eq(err.text, text);
}

#define ADVICE "change the flow back to what it was, or begin anew with --from none"

Test(manifest, new_steps_and_other_workers_are_no_difference)
{
	struct wax_manifest_step more[] = {steps[1],
			{1, WAX_MANIFEST_SINK, 1, 0, 0, "stdout", NULL, "wordcount.out"}, steps[0]};
	struct wax_manifest now = manifest;
	more[0].index = 5;
	now.worker_count = 7;
	now.generation = now.run = 9;
	now.flow = "words";
	now.steps = more;
	now.step_count = 3;
	cr_assert_eq(wax_manifest_compare(&manifest, &now, &err), 0, "%s", err.text);
}

Test(manifest, each_difference_is_a_line)
{
	struct wax_manifest_step other[] = {steps[0]};
	struct wax_manifest now = manifest;
	now.hash_seed = 5;
	now.steps = other;
	now.step_count = 1;
	other[0].version = 2;
	other[0].key = "u64";
	other[0].key_bytes = 8;
	other[0].value_bytes = WAX_LOG_ANY_BYTES;
	expect_lines(&now,
			"keys were hashed by version 1 with seed 0 when they were saved, now by "
			"version 1 with seed 5\n"
			"step \"wordcount.count.final\": its state was saved as version 1, now it "
			"has version 2\n"
			"step \"wordcount.count.final\": its state was saved with keys of type "
			"text, now they are of type u64\n"
			"step \"wordcount.count.final\": its state was saved with keys of any "
			"length, now they have 8 bytes\n"
			"step \"wordcount.count.final\": its state was saved with 8 bytes for each "
			"key, now it has any length\n"
			"step \"wordcount.lines\" has saved its position as a source and is not in "
			"the flow any more\n" ADVICE);
}

Test(manifest, another_kind_is_told_without_the_rest)
{
	struct wax_manifest_step other[] = {steps[0], steps[1]};
	struct wax_manifest now = manifest;
	now.steps = other;
	other[0].kind = "fold_final";
	other[0].value_bytes = 16;
	expect_lines(&now,
			"step \"wordcount.count.final\" was count_final when it was saved, and is "
			"fold_final now\n" ADVICE);
	other[0].role = WAX_MANIFEST_SINK;
	expect_lines(&now,
			"step \"wordcount.count.final\" has saved state and is not in the flow "
			"any more\n" ADVICE);
}

Test(manifest, types_are_compared_as_they_are_printed)
{
	struct wax_manifest_step was[] = {steps[0]}, is[] = {steps[0]};
	struct wax_manifest saved = manifest, now = manifest;
	saved.steps = was;
	now.steps = is;
	saved.step_count = now.step_count = 1;
	was[0].key = "pair_of_u64";
	is[0].key = "pair of u64";
	cr_assert_eq(wax_manifest_compare(&saved, &now, &err), 0);
	is[0].key = "pair of u32";
	cr_assert_eq(wax_manifest_compare(&saved, &now, &err), -EPROTO);
	is[0].key = "pair";
	cr_assert_eq(wax_manifest_compare(&saved, &now, &err), -EPROTO);
	was[0].key = "-";
	is[0].key = NULL;
	cr_assert_eq(wax_manifest_compare(&saved, &now, &err), 0);
}

Test(manifest, of_many_differences_the_advice_is_not_cut_off)
{
	struct wax_manifest_step many[50];
	struct wax_manifest saved = manifest, now = manifest;
	for (int i = 0; i < 50; i++)
		many[i] = steps[0];
	saved.steps = many;
	saved.step_count = 50;
	now.step_count = 0;
	cr_assert_eq(wax_manifest_compare(&saved, &now, &err), -EPROTO);
	cr_assert_str_eq(strstr(err.text, "and 39"), "and 39 more differences\n" ADVICE);
}

/* ---- Without memory */

/* More of it than a stream has room for at first. */
static struct wax_manifest make_large(void)
{
	static struct wax_manifest_step many[300];
	static char ids[300][64];
	struct wax_manifest large = manifest;

	for (int i = 0; i < 300; i++) {
		snprintf(ids[i], sizeof(ids[i]), "wordcount.count.%d", i);
		many[i] = steps[0];
		many[i].id = ids[i];
	}
	large.steps = many;
	large.step_count = 300;
	return large;
}

static struct wax_manifest shown;

static int print_and_free(struct wax_err *error)
{
	char *text;
	int bytes = wax_manifest_print(&shown, &text, error);

	if (bytes < 0)
		return bytes;
	bytes = (size_t)bytes == strlen(text) ? bytes : -EDOM;
	free(text);
	return bytes;
}

static char *whole;

static int parse_and_free(struct wax_err *error)
{
	struct wax_manifest parsed;
	int r = wax_manifest_parse(whole, strlen(whole), "m", &parsed, error);

	if (r < 0)
		return r;
	r = (int)parsed.step_count;
	wax_manifest_free(&parsed);
	return r;
}

Test(manifest, out_of_memory_is_reported_and_never_cuts_it_short)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	for (int large = 0; large < 2; large++) {
		shown = large ? make_large() : manifest;
		cr_assert_gt(out_of_memory(print_and_free, NULL), 0);
		cr_assert_gt(wax_manifest_print(&shown, &whole, &err), large ? 16384 : 0);
		cr_assert_eq(parse_and_free(&err), (int)shown.step_count, "%s", err.text);
		cr_assert_gt(out_of_memory(parse_and_free, NULL), 2);
		free(whole);
	}
}
