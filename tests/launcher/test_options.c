/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/options.h"
#include "launcher/options_table.h"
#include "tests/launcher/printed.h"

#define PARSE(options, err, environment, ...)                                                      \
	parse_words((options), (err), (environment), (const char *[]){"waxrun", __VA_ARGS__, NULL})

/* Words are copied: what the options lend must not depend on literals being shared. */
static int parse_words(struct wax_options *options, struct wax_err *err,
		const char *const *environment, const char *const *words)
{
	static char *argv[WAX_OPTION_LIST_MAX + 8];
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	argv[argc] = NULL;
	return wax_options_parse(argc, argv, (char *const *)environment, options, err);
}

static void assert_error(
		const char *const *environment, const char *const *words, const char *expected)
{
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(parse_words(&options, &err, environment, words), -EINVAL, "%s", expected);
	cr_assert_eq(err.code, -EINVAL);
	cr_assert_str_eq(err.text, expected);
}

#define ASSERT_ERROR(environment, expected, ...)                                                   \
	assert_error((environment), (const char *[]){"waxrun", __VA_ARGS__, NULL}, (expected))

Test(options, defaults_stand_where_nothing_is_said)
{
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, NULL, "flow.so"), 0, "%s", err.text);
	cr_assert_eq(options.action, WAX_OPTION_RUN);
	cr_assert_eq(options.procs, 0);
	cr_assert_eq(options.bind, WAX_BIND_AUTO);
	cr_assert_not(options.report_bindings);
	cr_assert_not(options.report_partitions);
	cr_assert_eq(options.io, WAX_IO_AUTO);
	cr_assert_eq(options.spin_ns, WAX_OPTION_SPIN_AUTO);
	cr_assert_eq(options.exchange_mem_bytes, 0);
	cr_assert_eq(options.slab_bytes, 0);
	cr_assert_eq(options.snapshot_interval_ns, INT64_C(10000000000));
	cr_assert_not(options.rehearse);
	cr_assert_eq(options.on_error.count, 0);
	cr_assert_eq(options.drain_timeout_ns, INT64_C(30000000000));
	cr_assert_eq(options.timeout_ns, 0);
	cr_assert_eq(options.interval_ns, INT64_C(1000000000));
	cr_assert_null(options.json_path);
	cr_assert_not(options.quiet);
	cr_assert_not(options.verbose);
	cr_assert_eq(options.color, WAX_OPTION_COLOR_AUTO);
	cr_assert_eq(options.graph, WAX_OPTION_GRAPH_NONE);
	cr_assert_str_eq(options.flow_path, "flow.so");
	cr_assert_eq(options.flow_argc, 0);
	cr_assert_null(options.flow_argv[0]);
}

Test(options, every_option_reaches_its_member)
{
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, NULL, "--procs", "4", "--bind=core", "--report-bindings",
				     "--report-partitions", "--io", "posix", "--spin=20us",
				     "--exchange-mem", "512M", "--slab=64K", "--snapshot-interval",
				     "0", "--rehearse", "--on-error=skip", "--on-error",
				     "a=dlq:b,c", "--drain-timeout=5s", "--timeout", "1h", "-i",
				     "250ms", "--json=log.ndjson", "-qv", "--color=never",
				     "flow.so"),
			0, "%s", err.text);
	cr_assert_eq(options.procs, 4);
	cr_assert_eq(options.bind, WAX_BIND_CORE);
	cr_assert(options.report_bindings);
	cr_assert(options.report_partitions);
	cr_assert_eq(options.io, WAX_IO_POSIX);
	cr_assert_eq(options.spin_ns, 20000);
	cr_assert_eq(options.exchange_mem_bytes, UINT64_C(512) << 20);
	cr_assert_eq(options.slab_bytes, 65536);
	cr_assert_eq(options.snapshot_interval_ns, 0);
	cr_assert(options.rehearse);
	cr_assert_eq(options.on_error.count, 2);
	cr_assert_str_eq(options.on_error.texts[0], "skip");
	cr_assert_str_eq(options.on_error.texts[1], "a=dlq:b,c");
	cr_assert_eq(options.drain_timeout_ns, INT64_C(5000000000));
	cr_assert_eq(options.timeout_ns, INT64_C(3600000000000));
	cr_assert_eq(options.interval_ns, 250000000);
	cr_assert_str_eq(options.json_path, "log.ndjson");
	cr_assert(options.quiet);
	cr_assert(options.verbose);
	cr_assert_eq(options.color, WAX_OPTION_COLOR_NEVER);
}

Test(options, options_may_follow_the_flow_and_its_arguments_come_last)
{
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, NULL, "flow.so", "--procs", "4", "--", "--in", "x",
				     "--procs", "9", "--"),
			0, "%s", err.text);
	cr_assert_eq(options.procs, 4);
	cr_assert_str_eq(options.flow_path, "flow.so");
	cr_assert_eq(options.flow_argc, 5);
	cr_assert_str_eq(options.flow_argv[0], "--in");
	cr_assert_str_eq(options.flow_argv[3], "9");
	cr_assert_str_eq(options.flow_argv[4], "--");
	cr_assert_null(options.flow_argv[5]);
}

Test(options, help_of_the_flow_is_not_help_of_waxrun)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "flow.so", "--", "--help"), 0);
	cr_assert_eq(options.action, WAX_OPTION_RUN);
	cr_assert_str_eq(options.flow_argv[0], "--help");
}

Test(options, one_parse_does_not_disturb_the_next)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "-q", "flow.so", "--", "a"), 0);
	cr_assert_eq(PARSE(&options, NULL, NULL, "-qx"), -EINVAL);
	cr_assert_eq(PARSE(&options, NULL, NULL, "b.so", "-n", "2"), 0);
	cr_assert_eq(options.procs, 2);
	cr_assert_not(options.quiet);
	cr_assert_str_eq(options.flow_path, "b.so");
}

Test(options, nothing_is_written_on_failure)
{
	struct wax_options options;

	memset(&options, 0x5a, sizeof(options));
	cr_assert_eq(PARSE(&options, NULL, NULL, "-n", "2", "--bogus"), -EINVAL);
	cr_assert_eq(options.procs, 0x5a5a5a5a);
}

Test(options, the_environment_stands_where_the_command_line_is_silent)
{
	static const char *const environment[] = {"WAX_PROCS=3", "WAX_SNAPSHOT_INTERVAL=2m",
			"WAX_QUIET=1", "WAX_VERBOSE=no", "WAX_JSON=-", "WAX_SLAB=", "OTHER=x",
			NULL};
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, environment, "flow.so"), 0, "%s", err.text);
	cr_assert_eq(options.procs, 3);
	cr_assert_eq(options.snapshot_interval_ns, INT64_C(120000000000));
	cr_assert(options.quiet);
	cr_assert_not(options.verbose);
	cr_assert_str_eq(options.json_path, "-");
	cr_assert_eq(options.slab_bytes, 0, "set but empty is not set");
}

Test(options, the_command_line_goes_before_the_environment)
{
	static const char *const environment[] = {"WAX_PROCS=many", "WAX_QUIET=yes", NULL};
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, environment, "-n", "2", "--quiet=no", "flow.so"), 0,
			"a bad value that does not count is no error: %s", err.text);
	cr_assert_eq(options.procs, 2);
	cr_assert_not(options.quiet);
}

Test(options, a_bad_variable_is_named)
{
	static const char *const environment[] = {"WAX_DRAIN_TIMEOUT=30", NULL};

	ASSERT_ERROR(environment,
			"WAX_DRAIN_TIMEOUT: '30' has no unit: write a number and its unit (ns, us, "
			"ms, "
			"s, m, h or d), such as 250ms, 1.5s or 2m",
			"flow.so");
}

Test(options, help_comes_in_any_environment)
{
	static const char *const environment[] = {"WAX_PROCS=many", "WAX_CHECK=1", NULL};
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, environment, "--help"), 0);
	cr_assert_eq(options.action, WAX_OPTION_TELL);
}

Test(options, the_last_of_two_counts)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "-n2", "-n", "3", "--json=a", "--json", "flow.so"),
			0);
	cr_assert_eq(options.procs, 3);
	cr_assert_str_eq(options.json_path, "-");
}

Test(options, auto_takes_back_a_number)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "-n2", "-nauto", "--spin", "1ms", "--spin", "auto",
				     "flow.so"),
			0);
	cr_assert_eq(options.procs, 0);
	cr_assert_eq(options.spin_ns, WAX_OPTION_SPIN_AUTO);
}

Test(options, json_and_graph_take_a_value_behind_an_equals_sign_only)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "--json", "--graph", "flow.so"), 0);
	cr_assert_str_eq(options.json_path, "-");
	cr_assert_eq(options.graph, WAX_OPTION_GRAPH_TEXT);
	cr_assert_eq(options.action, WAX_OPTION_GRAPH);
	cr_assert_str_eq(options.flow_path, "flow.so");

	cr_assert_eq(PARSE(&options, NULL, NULL, "--graph=mermaid", "flow.so"), 0);
	cr_assert_eq(options.graph, WAX_OPTION_GRAPH_MERMAID);
}

Test(options, each_action_is_known)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "--check", "flow.so"), 0);
	cr_assert_eq(options.action, WAX_OPTION_CHECK);
	cr_assert_eq(PARSE(&options, NULL, NULL, "--check", "--graph=json", "flow.so"), 0);
	cr_assert_eq(options.action, WAX_OPTION_GRAPH);
	cr_assert_eq(PARSE(&options, NULL, NULL, "-h"), 0);
	cr_assert_eq(options.action, WAX_OPTION_TELL);
	cr_assert_eq(PARSE(&options, NULL, NULL, "--version"), 0);
	cr_assert_eq(options.action, WAX_OPTION_TELL);
	cr_assert_eq(PARSE(&options, NULL, NULL, "--print-man"), 0);
	cr_assert_eq(options.action, WAX_OPTION_TELL);
	cr_assert_eq(PARSE(&options, NULL, NULL, "--print-completion", "fish"), 0);
	cr_assert_eq(options.action, WAX_OPTION_TELL);
	cr_assert_eq(options.asks.print_completion, WAX_OPTION_SHELL_FISH);
}

Test(options, a_unique_beginning_will_do)
{
	struct wax_options options;

	cr_assert_eq(PARSE(&options, NULL, NULL, "--proc", "2", "flow.so"), 0);
	cr_assert_eq(options.procs, 2);
}

Test(options, an_unknown_option_gets_the_nearest_name)
{
	ASSERT_ERROR(NULL, "unknown option '--porcs': did you mean --procs? (see waxrun --help)",
			"--porcs", "2", "flow.so");
	ASSERT_ERROR(NULL,
			"unknown option '--snapshot_interval': did you mean --snapshot-interval? "
			"(see "
			"waxrun --help)",
			"--snapshot_interval=2s", "flow.so");
}

Test(options, an_option_unlike_any_gets_no_suggestion)
{
	ASSERT_ERROR(NULL, "unknown option '--frobnicate': see waxrun --help", "--frobnicate",
			"flow.so");
	ASSERT_ERROR(NULL, "unknown option '-x': see waxrun --help", "-qx", "flow.so");
}

Test(options, options_for_packagers_are_not_suggested)
{
	ASSERT_ERROR(NULL, "unknown option '--print-men': see waxrun --help", "--print-men");
}

Test(options, an_unknown_option_behind_the_flow_may_be_the_flows)
{
	ASSERT_ERROR(NULL, "unknown option '--orders': arguments of the flow go after --",
			"flow.so", "--orders", "x.csv");
}

Test(options, a_beginning_of_several_names_them)
{
	ASSERT_ERROR(NULL,
			"'--s' could be --spin, --slab, --snapshot-interval or --sanitize: "
			"write more of it",
			"--s", "64K", "flow.so");
}

Test(options, a_second_operand_is_refused)
{
	ASSERT_ERROR(NULL, "'x.csv' after the flow 'flow.so': arguments of the flow go after --",
			"flow.so", "x.csv");
}

Test(options, without_a_flow_there_is_nothing_to_run)
{
	static const char expected[] = "no flow: write waxrun [OPTIONS] FLOW.so [-- ARGUMENTS], or "
				       "see waxrun --help";

	ASSERT_ERROR(NULL, expected, "-q");
	ASSERT_ERROR(NULL, expected, "--", "flow.so");
	ASSERT_ERROR(NULL, expected, "--graph");
	assert_error(NULL, (const char *[]){"waxrun", NULL}, expected);
}

Test(options, a_missing_value_says_what_is_accepted)
{
	ASSERT_ERROR(NULL, "--procs needs a value: write a whole number from 1 to 256, or auto",
			"flow.so", "-n");
	ASSERT_ERROR(NULL, "--slab needs a value: write a power of two from 512B to 1MiB, or auto",
			"flow.so", "--slab");
	ASSERT_ERROR(NULL, "--bind needs a value: write auto, core or none", "flow.so", "--bind");
	ASSERT_ERROR(NULL, "--interval needs a value: write a duration such as 250ms, 10s or 2m",
			"flow.so", "-i");
}

Test(options, a_bad_value_names_option_and_value_and_what_is_accepted)
{
	ASSERT_ERROR(NULL,
			"--procs: 'many' is no whole number: write decimal digits, such as 4, or "
			"auto",
			"-n", "many", "flow.so");
	ASSERT_ERROR(NULL,
			"--procs: '0' is out of range: write a whole number from 1 to 256, or auto",
			"-n0", "flow.so");
	ASSERT_ERROR(NULL,
			"--procs: '257' is out of range: write a whole number from 1 to 256, or "
			"auto",
			"--procs=257", "flow.so");
	ASSERT_ERROR(NULL, "--bind: 'socket' is not accepted: write auto, core or none",
			"--bind=socket", "flow.so");
	ASSERT_ERROR(NULL,
			"--slab: '3K' is no power of two: write a power of two from 512B to 1MiB, "
			"or "
			"auto",
			"--slab=3K", "flow.so");
	ASSERT_ERROR(NULL,
			"--slab: '2M' is out of range: write a power of two from 512B to 1MiB, or "
			"auto",
			"--slab=2M", "flow.so");
	ASSERT_ERROR(NULL,
			"--exchange-mem: '0' is out of range: write a size such as 64K or 4G, or "
			"auto",
			"--exchange-mem=0", "flow.so");
	ASSERT_ERROR(NULL, "--quiet: 'perhaps' is not accepted: write yes or no", "--quiet=perhaps",
			"flow.so");
	ASSERT_ERROR(NULL, "--json: '' is empty: write a FILE", "--json=", "flow.so");
}

Test(options, colour_is_as_asked)
{
	static const char *const no_color[] = {"NO_COLOR=1", NULL};
	static const char *const force[] = {"CLICOLOR_FORCE=1", NULL};
	struct wax_options always = {.color = WAX_OPTION_COLOR_ALWAYS};
	struct wax_options never = {.color = WAX_OPTION_COLOR_NEVER};

	cr_assert(wax_options_color(&always, (char *const *)no_color, false));
	cr_assert_not(wax_options_color(&never, (char *const *)force, true));
}

struct colour_row {
	const char *environment[4];
	bool on_terminal;
	bool in_pipe;
};

Test(options, colour_by_itself_asks_terminal_and_environment)
{
	static const struct colour_row rows[] = {
			{{"TERM=xterm", NULL}, true, false},
			{{"TERM=dumb", NULL}, false, false},
			{{NULL}, false, false},
			{{"TERM=xterm", "NO_COLOR=1", NULL}, false, false},
			{{"TERM=xterm", "NO_COLOR=", NULL}, true, false},
			{{"TERM=dumb", "CLICOLOR_FORCE=1", NULL}, true, true},
			{{"TERM=xterm", "CLICOLOR_FORCE=0", NULL}, true, false},
			{{"TERM=xterm", "CLICOLOR_FORCE=1", "NO_COLOR=1", NULL}, false, false},
	};
	struct wax_options options = {.color = WAX_OPTION_COLOR_AUTO};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const *environment = (char *const *)rows[i].environment;

		cr_assert_eq(wax_options_color(&options, environment, true), rows[i].on_terminal,
				"row %zu", i);
		cr_assert_eq(wax_options_color(&options, environment, false), rows[i].in_pipe,
				"row %zu", i);
	}
}

Test(options, a_list_grows_up_to_its_limit)
{
	const char *words[WAX_OPTION_LIST_MAX + 4] = {"waxrun", "flow.so"};
	const char *environment[] = {"WAX_ON_ERROR=skip", NULL};
	struct wax_options options;
	struct wax_err err = {0};

	cr_assert_eq(PARSE(&options, &err, environment, "flow.so"), 0);
	cr_assert_eq(options.on_error.count, 1);
	cr_assert_eq(PARSE(&options, &err, environment, "--on-error=fail", "flow.so"), 0);
	cr_assert_eq(options.on_error.count, 1);
	cr_assert_str_eq(options.on_error.texts[0], "fail");

	for (int i = 0; i < WAX_OPTION_LIST_MAX; i++)
		words[2 + i] = "--on-error=fail";
	cr_assert_eq(parse_words(&options, &err, NULL, words), 0);
	cr_assert_eq(options.on_error.count, WAX_OPTION_LIST_MAX);
	words[2 + WAX_OPTION_LIST_MAX] = "--on-error=fail";
	assert_error(NULL, words, "--on-error: given more than 64 times");
	ASSERT_ERROR(NULL, "--on-error: '' is empty: write a [STEP=]POLICY",
			"--on-error=", "flow.so");
}

/* The table itself. */

Test(options, every_member_has_the_size_of_its_kind)
{
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		size_t bytes = option->member_bytes;
		bool fits = false;

		switch (option->kind) {
		case WAX_OPTION_FLAG:
			fits = bytes == sizeof(bool);
			break;
		case WAX_OPTION_SIZE:
		case WAX_OPTION_NUMBER:
			/* A narrow one needs a limit that fits. */
			fits = bytes == 8 ||
					(bytes == 4 && option->max != 0 &&
							option->max <= UINT32_MAX);
			break;
		case WAX_OPTION_DURATION:
			fits = bytes == 8;
			break;
		case WAX_OPTION_CHOICE:
			fits = bytes == sizeof(int) && option->choices;
			break;
		case WAX_OPTION_STRING:
			fits = bytes == sizeof(char *);
			break;
		case WAX_OPTION_LIST:
			fits = bytes == sizeof(struct wax_option_list);
			break;
		}
		cr_assert(fits, "--%s", option->name);
		cr_assert_eq(option->argument == NULL, option->kind == WAX_OPTION_FLAG, "--%s",
				option->name);
	}
}

Test(options, names_and_letters_are_given_once)
{
	for (const struct wax_option *a = wax_option_table; a->name; a++) {
		for (const struct wax_option *b = a + 1; b->name; b++) {
			cr_assert_str_neq(a->name, b->name);
			cr_assert(a->letter == '\0' || a->letter != b->letter, "-%c", a->letter);
		}
	}
}

/* Everything printed from the table. */

static int print_help(FILE *out)
{
	return wax_program_print_help(&wax_option_program, NULL, out);
}

PRINT_ALL(wax_option_program)

Test(options, help_is_as_agreed)
{
	assert_as_agreed(print_help, "help.golden", "waxrun --help");
}

Test(options, help_fits_on_a_screen)
{
	char *text = printed(print_help);
	char *rest = NULL;
	int lines = 0;

	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	cr_assert_geq(lines, 24);
	cr_assert_leq(lines, 50);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		cr_assert_leq(strlen(line), 80, "%s", line);
	free(text);
}

Test(options, every_option_is_in_help_manual_and_completions)
{
	assert_has_all(&wax_option_program, print_help, "--", false);
	assert_has_all(&wax_option_program, print_man, "Fl \\-", true);
	assert_has_all(&wax_option_program, print_bash, "--", false);
	assert_has_all(&wax_option_program, print_zsh, "--", false);
	assert_has_all(&wax_option_program, print_fish, " -l ", false);
}

Test(options, every_variable_is_in_the_manual)
{
	char *text = printed(print_man);

	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		const struct wax_option_variable variable = wax_option_variable(option);

		cr_assert_eq(strstr(text, variable.name) == NULL, option->no_variable, "%s",
				variable.name);
	}
	free(text);
}

Test(options, options_for_packagers_are_in_no_help_and_no_completion)
{
	int (*const prints[])(FILE *) = {print_help, print_bash, print_zsh, print_fish};

	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
		char *text = printed(prints[i]);

		cr_assert_null(strstr(text, "print-man"));
		cr_assert_null(strstr(text, "print-completion"));
		free(text);
	}
}

Test(options, mandoc_accepts_the_manual)
{
	if (!have("mandoc"))
		cr_skip_test("no mandoc");
	assert_accepts("mandoc -T lint -W warning \"$1\" 2>&1", print_man);
}

Test(options, the_manual_shows_options_as_they_are_typed)
{
	int status;

	if (!have("mandoc") || !have("col"))
		cr_skip_test("no mandoc or no col");

	char *text = printed(print_man);
	char *page = run_on_text("mandoc -T ascii \"$1\" | col -bx", text, &status);

	cr_assert_eq(status, 0);
	cr_assert(strstr(page, "\n     -n N|auto, --procs N|auto\n"), "%s", page);
	cr_assert(strstr(page, "\n     --json[=FILE]\n"), "%s", page);
	cr_assert(strstr(page, "\n     -q, --quiet\n"), "%s", page);
	free(page);
	free(text);
}

Test(options, bash_accepts_its_completion)
{
	if (!have("bash"))
		cr_skip_test("no bash");
	assert_accepts("bash -n \"$1\" 2>&1", print_bash);
}

Test(options, shellcheck_accepts_the_completion_for_bash)
{
	if (!have("shellcheck"))
		cr_skip_test("no shellcheck");
	assert_accepts("shellcheck -s bash \"$1\" 2>&1", print_bash);
}

Test(options, zsh_accepts_its_completion)
{
	if (!have("zsh"))
		cr_skip_test("no zsh");
	assert_accepts("zsh -n \"$1\" 2>&1", print_zsh);
}

Test(options, fish_accepts_its_completion)
{
	if (!have("fish"))
		cr_skip_test("no fish");
	assert_accepts("fish --no-execute \"$1\" 2>&1", print_fish);
}

Test(options, bash_completes_words_of_the_table)
{
	static const struct completion_row rows[] = {
			{"--bi", "--bind\n"},
			{"--bind c", "core\n"},
			{"--bind = ''", "auto\ncore\nnone\n"},
			{"--bind =", "auto\ncore\nnone\n"},
			{"-n ''", "auto\n"},
			{"--graph = m", "mermaid\n"},
			{"--color al", "always\n"},
			{"flow.so --sn", "--snapshot-interval\n"},
			{"flow.so --interval ''", ""},
	};

	assert_bash_completes("waxrun", print_bash, rows, sizeof(rows) / sizeof(rows[0]));
}

Test(options, fish_completes_words_of_the_table)
{
	int status;

	if (!have("fish"))
		cr_skip_test("no fish");

	char *script = printed(print_fish);
	char *output = run_on_text(
			"HOME=/nonexistent fish --no-config -c 'source '$1'; "
			"complete -C \"waxrun --bind \"; complete -C \"waxrun --rep\"' 2>&1",
			script, &status);

	cr_assert_str_eq(output,
			"auto\ttie each worker to a CPU\n"
			"core\ttie each worker to a CPU\n"
			"none\ttie each worker to a CPU\n"
			"--report-bindings\tsay which worker runs on which CPU\n"
			"--report-partitions\tsay which worker has which partition\n");
	free(output);
	free(script);
}

Test(options, there_is_no_completion_for_no_shell)
{
	cr_assert_eq(wax_program_print_completion(
				     &wax_option_program, WAX_OPTION_SHELL_NONE, stdout),
			-EINVAL);
}

Test(options, a_full_disk_is_noticed)
{
	FILE *full = fopen("/dev/full", "w");

	if (!full)
		cr_skip_test("no /dev/full");
	setvbuf(full, NULL, _IONBF, 0);
	cr_assert_eq(print_help(full), -EIO);
	cr_assert_eq(print_man(full), -EIO);
	cr_assert_eq(print_bash(full), -EIO);
	fclose(full);
}
