/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

#include "runtime/flow.h"

/* The flow's own arguments, as they are given behind `--`. */

static struct {
	const char *text;
	const char *path;
	int64_t count;
	double ratio;
	uint64_t size;
	int64_t wait;
	int flag;
} got;

static struct wax_flow *flow;

static void describe(struct wax_flow *to)
{
	got.text = wax_arg_text(to, "text", "a text", "none");
	got.path = wax_arg_path(to, "path", "a path", NULL);
	got.count = wax_arg_int(to, "count", "a number", "3");
	got.ratio = wax_arg_float(to, "ratio", "a ratio", "0.5");
	got.size = wax_arg_size(to, "size", "a size", "1K");
	got.wait = wax_arg_duration(to, "wait", "a time", "1s");
	got.flag = wax_arg_flag(to, "flag", "a switch");
	wax_output(wax_input(to, "in", wax_numbers(1, 0)), "out", wax_null());
}

static void needs(struct wax_flow *to)
{
	got.path = wax_arg_path(to, "in", "text to read", WAX_REQUIRED);
	wax_output(wax_input(to, "numbers", wax_numbers(1, 0)), "out", wax_null());
}

static void build_with(void (*build)(struct wax_flow *), int count, char **given)
{
	struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "test",
			"A test", build};

	memset(&got, 0x5a, sizeof(got));
	cr_assert_eq(wax_flow_make(&entry, count, given, &flow, NULL), 0);
	cr_assert_eq(flow->mistake_count, flow->usage_mistake_count);
}

#define BUILD(describe, ...)                                                                       \
	do {                                                                                       \
		static const char *given[] = {__VA_ARGS__};                                        \
		build_with(describe, (int)(sizeof(given) / sizeof(given[0])), (char **)given);     \
	} while (0)

static void tear_down(void)
{
	wax_flow_free(flow);
}

TestSuite(args, .fini = tear_down);

static void expect_sound(void)
{
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistakes ? flow->mistakes[0] : "");
}

static void expect_mistake(const char *text)
{
	cr_assert_eq(flow->mistake_count, 1, "%u mistakes, not 1: %s", flow->mistake_count, text);
	cr_assert(strstr(flow->mistakes[0], text), "'%s' lacks '%s'", flow->mistakes[0], text);
}

Test(args, that_are_not_given_have_their_defaults)
{
	build_with(describe, 0, NULL);
	expect_sound();
	cr_assert_str_eq(got.text, "none");
	cr_assert_null(got.path);
	cr_assert_eq(got.count, 3);
	cr_assert_float_eq(got.ratio, 0.5, 1e-12);
	cr_assert_eq(got.size, 1024);
	cr_assert_eq(got.wait, 1000000000);
	cr_assert_eq(got.flag, 0);
}

Test(args, of_every_kind_are_parsed)
{
	BUILD(describe, "--text", "hello", "--path", "/tmp/x", "--count", "12K", "--ratio",
			"-2.5e3", "--size", "64KiB", "--wait", "250ms", "--flag");
	expect_sound();
	cr_assert_str_eq(got.text, "hello");
	cr_assert_str_eq(got.path, "/tmp/x");
	cr_assert_eq(got.count, 12000);
	cr_assert_float_eq(got.ratio, -2500, 1e-9);
	cr_assert_eq(got.size, 65536);
	cr_assert_eq(got.wait, 250000000);
	cr_assert_eq(got.flag, 1);
}

Test(args, may_be_joined_by_an_equals_sign)
{
	BUILD(describe, "--text=", "--count=7", "--path=a=b");
	expect_sound();
	cr_assert_str_eq(got.text, "");
	cr_assert_eq(got.count, 7);
	cr_assert_str_eq(got.path, "a=b");
}

Test(args, may_be_negative_whole_numbers)
{
	BUILD(describe, "--count", "-42");
	expect_sound();
	cr_assert_eq(got.count, -42);
}

Test(args, are_told_apart_though_one_begins_like_another)
{
	BUILD(describe, "--counter", "9");
	expect_mistake("the flow has no argument --counter: did you mean --count?");
	cr_assert_eq(got.count, 3);
}

Test(args, given_twice_count_as_the_last)
{
	BUILD(describe, "--count", "1", "--count=2");
	expect_sound();
	cr_assert_eq(got.count, 2);
}

Test(args, that_are_needed_are_asked_for_with_their_help)
{
	build_with(needs, 0, NULL);
	expect_mistake("the flow needs --in PATH (text to read)");
	cr_assert_null(got.path);
}

Test(args, without_their_value_say_what_kind_it_is)
{
	BUILD(describe, "--count");
	expect_mistake("--count needs a value (N)");
	/* What was declared stands, so that the rest of the flow can be built. */
	cr_assert(got.count == 0 || got.count == 3);
}

Test(args, that_are_unknown_get_a_suggestion)
{
	BUILD(describe, "--cuont", "5");
	expect_mistake("the flow has no argument --cuont: did you mean --count?");
}

Test(args, that_are_like_nothing_are_sent_to_the_help)
{
	BUILD(describe, "--zebra=5");
	expect_mistake("the flow has no argument --zebra: `-- --help` lists what it has");
}

Test(args, without_dashes_are_refused)
{
	BUILD(describe, "input.txt");
	expect_mistake("the flow takes no argument 'input.txt': its arguments are written --name "
		       "value");
}

Test(args, each_wrong_one_is_reported)
{
	BUILD(describe, "--nope", "--count", "x", "--size=q", "--wait=soon", "--ratio", "1.5.2");
	cr_assert_eq(flow->usage_mistake_count, 5);
}

Test(args, that_cannot_be_parsed_name_the_argument)
{
	BUILD(describe, "--count", "many");
	expect_mistake("--count: ");
	cr_assert_eq(got.count, 0);
}

Test(args, that_are_too_large_are_refused)
{
	BUILD(describe, "--count", "9223372036854775808");
	expect_mistake("--count: 9223372036854775808 is too large");
}

Test(args, may_be_the_largest_number)
{
	BUILD(describe, "--count", "9223372036854775807");
	expect_sound();
	cr_assert_eq(got.count, INT64_MAX);
}

Test(args, that_are_paths_are_not_empty)
{
	BUILD(describe, "--path=");
	expect_mistake("--path is an empty path");
	cr_assert_null(got.path);
}

Test(args, that_are_switches_take_no_value)
{
	BUILD(describe, "--flag=yes");
	expect_mistake("--flag takes no value");
}

Test(args, behind_a_switch_are_not_its_value)
{
	BUILD(describe, "--flag", "yes");
	expect_mistake("the flow takes no argument 'yes'");
	cr_assert_eq(got.flag, 1);
}

Test(args, of_help_are_seen_whatever_else_is_wrong)
{
	BUILD(describe, "--nope", "--help");
	cr_assert(wax_flow_wants_help(flow));
	cr_assert_eq(flow->usage_mistake_count, 0);
}

Test(args, of_help_may_be_a_value)
{
	BUILD(describe, "--text", "--help");
	cr_assert_not(wax_flow_wants_help(flow));
	cr_assert_str_eq(got.text, "--help");
}

static char *help_text(void)
{
	static char text[4096];
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	wax_flow_print_help(flow, file, "flow.so");
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

Test(args, are_listed_by_the_help)
{
	build_with(describe, 0, NULL);
	const char *text = help_text();

	cr_assert(strstr(text, "test: A test\n"), "%s", text);
	cr_assert(strstr(text, "Usage: waxrun [OPTIONS] flow.so -- [ARGUMENTS]"), "%s", text);
	cr_assert(strstr(text, "--count N"), "%s", text);
	cr_assert(strstr(text, "a number [3]\n"), "%s", text);
	cr_assert(strstr(text, "--wait DURATION"), "%s", text);
	cr_assert(strstr(text, "a switch\n"), "%s", text);
	cr_assert(strstr(text, "a path\n"), "%s", text);
}

Test(args, that_are_needed_are_marked_in_the_help)
{
	build_with(needs, 0, NULL);
	cr_assert(strstr(help_text(), "text to read (needed)\n"));
}

static void without_args(struct wax_flow *to)
{
	wax_output(wax_input(to, "in", wax_numbers(1, 0)), "out", wax_null());
}

Test(args, of_a_flow_without_any_are_said_to_be_none)
{
	build_with(without_args, 0, NULL);
	cr_assert(strstr(help_text(), "It has no arguments of its own."));
}

static void many(struct wax_flow *to)
{
	static char names[100][16];

	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "a%d", i);
		cr_assert_eq(wax_arg_int(to, names[i], NULL, "5"), i == 42 ? 1 : 5);
	}
	without_args(to);
}

Test(args, may_be_many)
{
	BUILD(many, "--a42", "1");
	expect_sound();
}
