/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "launcher/wax_options.h"
#include "tests/launcher/printed.h"

#define PARSE(options, err, ...)                                                                   \
	parse_words((options), (err), (const char *[]){"wax", __VA_ARGS__, NULL})

static int parse_words(
		struct wax_tool_options *options, struct wax_err *err, const char *const *words)
{
	static char *argv[WAX_OPTION_LIST_MAX + 8];
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	argv[argc] = NULL;
	return wax_tool_parse(argc, argv, options, err);
}

static void assert_error(const char *const *words, const char *expected)
{
	struct wax_tool_options options;
	struct wax_err err = {0};

	cr_assert_eq(parse_words(&options, &err, words), -EINVAL, "%s", expected);
	cr_assert_str_eq(err.text, expected);
}

#define ASSERT_ERROR(expected, ...)                                                                \
	assert_error((const char *[]){"wax", __VA_ARGS__, NULL}, (expected))

Test(wax_options, defaults_stand_where_nothing_is_said)
{
	struct wax_tool_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, "state", "ls", "dir"), 0, "%s", err.text);
	cr_assert_eq(options.action, WAX_TOOL_STATE_LS);
	cr_assert_eq(options.epoch, 0);
	cr_assert_eq(options.key_type, WAX_STATE_AUTO);
	cr_assert_eq(options.value_type, WAX_STATE_AUTO);
	cr_assert_eq(options.format, WAX_TOOL_TEXT);
	cr_assert_null(options.out_path);
	cr_assert_not(options.dry_run);
	cr_assert_eq(options.operands.count, 1);
	cr_assert_str_eq(options.operands.texts[0], "dir");
}

Test(wax_options, every_option_reaches_its_member)
{
	struct wax_tool_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, "state", "export", "dir", "--epoch", "7",
				     "--key-type=u32", "--value-type", "f64", "--format=sqlite",
				     "-o", "file", "a", "b"),
			0, "%s", err.text);
	cr_assert_eq(options.action, WAX_TOOL_STATE_EXPORT);
	cr_assert_eq(options.epoch, 7);
	cr_assert_eq(options.key_type, WAX_STATE_U32);
	cr_assert_eq(options.value_type, WAX_STATE_F64);
	cr_assert_eq(options.format, WAX_TOOL_SQLITE);
	cr_assert_str_eq(options.out_path, "file");
	cr_assert_eq(options.operands.count, 3);
	cr_assert_str_eq(options.operands.texts[2], "b");

	cr_assert_eq(PARSE(&options, &err, "state", "repair", "dir", "--dry-run", "--json"), 0);
	cr_assert_eq(options.action, WAX_TOOL_STATE_REPAIR);
	cr_assert(options.dry_run);
	cr_assert_eq(options.format, WAX_TOOL_JSON);
}

Test(wax_options, options_may_stand_in_front_of_the_verb_and_operands_behind_dashes)
{
	struct wax_tool_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, "--epoch=3", "state", "get", "dir", "step", "--", "-5"),
			0, "%s", err.text);
	cr_assert_eq(options.action, WAX_TOOL_STATE_GET);
	cr_assert_eq(options.epoch, 3);
	cr_assert_str_eq(options.operands.texts[2], "-5");
}

Test(wax_options, each_verb_is_known_with_its_operands)
{
	for (const struct wax_verb *verb = wax_tool_program.verbs; verb->words; verb++) {
		const char *words[16] = {"wax", "state", strchr(verb->words, ' ') + 1};
		struct wax_tool_options options;
		struct wax_err err = {0};

		for (uint32_t i = 0; i < verb->operand_min; i++)
			words[3 + i] = "1";
		cr_assert_eq(parse_words(&options, &err, words), 0, "%s: %s", verb->words,
				err.text);
		cr_assert_eq((int)options.action, verb->value, "%s", verb->words);
		words[2 + verb->operand_min] = NULL;
		cr_assert_eq(parse_words(&options, &err, words), -EINVAL, "%s", verb->words);
		cr_assert(strstr(err.text, verb->operands), "%s", err.text);
	}
}

Test(wax_options, a_verb_that_is_mistyped_gets_the_nearest)
{
	ASSERT_ERROR("unknown verb 'stat': did you mean state? (see wax --help)", "stat", "ls",
			"d");
	ASSERT_ERROR("unknown verb 'state exprot': did you mean export? (see wax state --help)",
			"state", "exprot", "d");
	ASSERT_ERROR("unknown verb 'state rm': write ls, get, export, diff or repair, or see wax "
		     "state --help",
			"state", "rm", "d");
	ASSERT_ERROR("unknown verb 'dir': write state, or see wax --help", "dir");
}

Test(wax_options, without_a_verb_there_is_nothing_to_do)
{
	ASSERT_ERROR("wax state needs a verb: write wax state ls, get, export, diff or repair, or "
		     "see wax state --help",
			"state");
	assert_error((const char *[]){"wax", NULL},
			"wax needs a verb: write wax state, or see wax --help");
}

Test(wax_options, a_verb_says_what_it_takes)
{
	ASSERT_ERROR("too few words: write wax state get [OPTIONS] DIR STEP KEY", "state", "get",
			"dir", "step");
	ASSERT_ERROR("too many words: write wax state ls [OPTIONS] DIR", "state", "ls", "dir",
			"dir");
	ASSERT_ERROR("--format does not go with wax state ls: see wax state --help", "state", "ls",
			"dir", "--format=json");
	ASSERT_ERROR("--dry-run does not go with wax state export: see wax state --help", "state",
			"export", "dir", "--dry-run");
}

Test(wax_options, options_are_refused_as_those_of_waxrun_are)
{
	ASSERT_ERROR("unknown option '--epok': did you mean --epoch? (see wax --help)", "state",
			"ls", "dir", "--epok", "3");
	ASSERT_ERROR("unknown option '-5': see wax --help", "state", "get", "dir", "step", "-5");
	ASSERT_ERROR("--epoch: '0' is out of range: write a whole number from 1 to "
		     "18446744073709551614, or newest",
			"state", "ls", "dir", "--epoch=0");
	ASSERT_ERROR("--key-type: 'u16' is not accepted: write auto, u64, i64, u32, i32, f64, text "
		     "or "
		     "hex",
			"state", "export", "dir", "--key-type=u16");
	ASSERT_ERROR("--format sqlite needs a file: write --out FILE as well", "state", "export",
			"dir", "--format=sqlite");
}

Test(wax_options, more_operands_than_there_is_room_for_are_refused)
{
	const char *words[WAX_OPTION_LIST_MAX + 3] = {"wax", "state", "export", "dir"};

	for (int i = 4; i < WAX_OPTION_LIST_MAX + 2; i++)
		words[i] = "step";
	assert_error(words, "more than 64 words: see wax --help");
}

Test(wax_options, what_is_asked_of_wax_needs_no_verb)
{
	struct wax_tool_options options;

	cr_assert_eq(PARSE(&options, NULL, "--help"), 0);
	cr_assert_eq(options.action, WAX_TOOL_TELL);
	cr_assert_null(options.topic);
	cr_assert_eq(PARSE(&options, NULL, "state", "--help"), 0);
	cr_assert_eq(options.action, WAX_TOOL_TELL);
	cr_assert_str_eq(options.topic, "state");
	cr_assert_eq(PARSE(&options, NULL, "state", "ls", "--version"), 0);
	cr_assert_eq(options.action, WAX_TOOL_TELL);
}

/* ---- The table */

Test(wax_options, verbs_take_options_that_there_are)
{
	for (const struct wax_verb *verb = wax_tool_program.verbs; verb->words; verb++) {
		char words[256], *rest = NULL;

		snprintf(words, sizeof(words), "%s", verb->options);
		for (char *word = strtok_r(words, " ", &rest); word;
				word = strtok_r(NULL, " ", &rest)) {
			bool known = false;

			for (const struct wax_option *option = wax_tool_program.options;
					option->name; option++)
				known = known || strcmp(option->name, word) == 0;
			cr_assert(known, "%s: --%s", verb->words, word);
		}
	}
}

/* ---- What is printed */

static int print_help(FILE *out)
{
	return wax_program_print_help(&wax_tool_program, NULL, out);
}

static int print_topic(FILE *out)
{
	return wax_program_print_help(&wax_tool_program, "state", out);
}

static int print_unknown_topic(FILE *out)
{
	return wax_program_print_help(&wax_tool_program, "nothing", out);
}

PRINT_ALL(wax_tool_program)

Test(wax_options, help_is_as_agreed)
{
	assert_as_agreed(print_help, "wax_help.golden", "wax --help");
	assert_as_agreed(print_unknown_topic, "wax_help.golden", "wax nothing --help");
}

Test(wax_options, help_of_a_topic_has_its_verbs_and_fits_on_a_screen)
{
	char *text = printed(print_topic), *rest = NULL;

	for (const struct wax_verb *verb = wax_tool_program.verbs; verb->words; verb++)
		cr_assert_eq(strstr(text, verb->words) == NULL, !wax_verb_is_of(verb, "state"));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		cr_assert_leq(strlen(line), 80, "%s", line);
	free(text);
}

Test(wax_options, every_option_is_in_help_manual_and_completions)
{
	assert_has_all(&wax_tool_program, print_help, "--", false);
	assert_has_all(&wax_tool_program, print_man, "Fl \\-", true);
	assert_has_all(&wax_tool_program, print_bash, "--", false);
	assert_has_all(&wax_tool_program, print_zsh, "--", false);
	assert_has_all(&wax_tool_program, print_fish, " -l ", false);
}

Test(wax_options, every_verb_is_in_manual_and_completions)
{
	int (*const prints[])(FILE *) = {print_man, print_bash, print_zsh, print_fish};

	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
		char *text = printed(prints[i]);

		for (const struct wax_verb *verb = wax_tool_program.verbs; verb->words; verb++)
			cr_assert(has_name(text, strchr(verb->words, ' ') + 1), "%s in %zu",
					verb->words, i);
		free(text);
	}
}

Test(wax_options, the_readers_of_what_is_printed_accept_it)
{
	if (have("mandoc"))
		assert_accepts("mandoc -T lint -W warning \"$1\" 2>&1", print_man);
	if (have("bash"))
		assert_accepts("bash -n \"$1\" 2>&1", print_bash);
	if (have("shellcheck"))
		assert_accepts("shellcheck -s bash \"$1\" 2>&1", print_bash);
	if (have("zsh"))
		assert_accepts("zsh -n \"$1\" 2>&1", print_zsh);
	if (have("fish"))
		assert_accepts("fish --no-execute \"$1\" 2>&1", print_fish);
}

Test(wax_options, the_manual_shows_verbs_as_they_are_typed)
{
	int status;

	if (!have("mandoc") || !have("col"))
		cr_skip_test("no mandoc or no col");

	char *text = printed(print_man);
	char *page = run_on_text("mandoc -T ascii \"$1\" | col -bx", text, &status);

	cr_assert_eq(status, 0);
	cr_assert(strstr(page, "\n     wax state get DIR STEP KEY\n"), "%s", page);
	cr_assert(strstr(page, "\n     -o FILE, --out FILE\n"), "%s", page);
	cr_assert_null(strstr(page, "ENVIRONMENT"), "%s", page);
	free(page);
	free(text);
}

Test(wax_options, bash_completes_words_of_the_table)
{
	static const struct completion_row rows[] = {
			{"''", "state\n"},
			{"st", "state\n"},
			{"state e", "export\n"},
			{"state ''", "ls\nget\nexport\ndiff\nrepair\n"},
			{"state ls --ep", "--epoch\n"},
			{"state export /us", "/usr\n"},
			{"state export /usr --format = s", "sqlite\n"},
			{"state export /usr --key-type u", "u64\nu32\n"},
	};

	assert_bash_completes("wax", print_bash, rows, sizeof(rows) / sizeof(rows[0]));
}

Test(wax_options, fish_completes_words_of_the_table)
{
	int status;

	if (!have("fish"))
		cr_skip_test("no fish");

	char *script = printed(print_fish);
	char *output = run_on_text("HOME=/nonexistent fish --no-config -c 'source '$1'; "
				   "complete -C \"wax st\"; complete -C \"wax state e\"; "
				   "complete -C \"wax state ls /us\"' 2>&1",
			script, &status);

	cr_assert(strstr(output, "state\n"), "%s", output);
	cr_assert(strstr(output, "export\n"), "%s", output);
	cr_assert(strstr(output, "/usr/"), "%s", output);
	free(output);
	free(script);
}
