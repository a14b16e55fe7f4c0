/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "launcher/options_table.h"
#include "runtime/units.h"
#include "runtime/assert.h"
#include "runtime/suggest.h"

/*
 * In this order, so that a value that does not count is not looked at either:
 *
 *   1. the command line, by getopt_long, which hands over operands in place (optstring "-")
 *   2. for each option not given there: its variable, else its default
 *   3. what follows from all of them: the action, and whether there must be a flow
 */

/* What getopt_long returns for an option without a letter: this and its index. */
#define CODE_OF_FIRST 256

/* What getopt_long returns for an operand. */
#define CODE_OF_OPERAND 1

struct parser {
	struct wax_options options;
	bool given[WAX_OPTION_COUNT_MAX]; /* by index in the table */
	char letters[2 + 3 * WAX_OPTION_COUNT_MAX + 1];
	struct option names[WAX_OPTION_COUNT_MAX + 1];
};

/* Room for "a power of two from 512B to 1MiB, or auto" and for the names of all options. */
struct accepted {
	char text[1024];
};

static int code_of(size_t index)
{
	char letter = wax_option_table[index].letter;

	return letter != '\0' ? letter : CODE_OF_FIRST + (int)index;
}

static const struct wax_option *find_code(int code, size_t *ret_index)
{
	for (size_t i = 0; wax_option_table[i].name; i++) {
		if (code_of(i) == code) {
			*ret_index = i;
			return &wax_option_table[i];
		}
	}
	return NULL;
}

__attribute__((format(printf, 2, 3))) static void append(
		struct accepted *accepted, const char *fmt, ...)
{
	size_t at = strlen(accepted->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(accepted->text + at, sizeof(accepted->text) - at, fmt, args);
	va_end(args);
}

/* What stands in front of the index-th of count words: "a, b or c". */
static const char *joint(size_t index, size_t count)
{
	if (index == 0)
		return "";
	return index + 1 == count ? " or " : ", ";
}

static void append_choices(struct accepted *accepted, const struct wax_choice *choices)
{
	size_t count = 0;

	while (choices[count].name)
		count++;
	for (size_t i = 0; i < count; i++)
		append(accepted, "%s%s", joint(i, count), choices[i].name);
}

static void append_size_range(struct accepted *accepted, const struct wax_option *option)
{
	append(accepted, option->power_of_two ? "a power of two" : "a size");
	if (option->max == 0)
		append(accepted, " such as 64K or 4G");
	else
		append(accepted, " from %s to %s", wax_units_print_bytes(option->min).text,
				wax_units_print_bytes(option->max).text);
}

static void append_number_range(struct accepted *accepted, const struct wax_option *option)
{
	append(accepted, "a whole number from %" PRIu64, option->min);
	if (option->max != 0)
		append(accepted, " to %" PRIu64, option->max);
}

/* What a value of this option looks like, but for its word. */
static struct accepted accepted_values(const struct wax_option *option)
{
	struct accepted accepted = {""};

	switch (option->kind) {
	case WAX_OPTION_FLAG:
		append(&accepted, "yes or no");
		break;
	case WAX_OPTION_SIZE:
		append_size_range(&accepted, option);
		break;
	case WAX_OPTION_NUMBER:
		append_number_range(&accepted, option);
		break;
	case WAX_OPTION_DURATION:
		append(&accepted, "a duration such as 250ms, 10s or 2m");
		break;
	case WAX_OPTION_CHOICE:
		append_choices(&accepted, option->choices);
		break;
	case WAX_OPTION_STRING:
	case WAX_OPTION_LIST:
		append(&accepted, "a %s", option->argument);
		break;
	}
	return accepted;
}

static int refuse(const struct wax_option *option, const char *text, const char *why,
		struct wax_err *err)
{
	return wax_err_set(err, -EINVAL, "'%s' is %s: write %s", text, why,
			accepted_values(option).text);
}

/* The table gives each member with its size; unsigned ones may be of either. */
static void store_number(
		const struct wax_option *option, uint64_t value, struct wax_options *options)
{
	char *member = (char *)options + option->member;
	uint32_t narrow = (uint32_t)value;

	WAX_ASSERT(option->member_bytes == sizeof(value) || value == narrow);
	if (option->member_bytes == sizeof(narrow))
		memcpy(member, &narrow, sizeof(narrow));
	else
		memcpy(member, &value, sizeof(value));
}

static int set_flag(const struct wax_option *option, const char *text, struct wax_options *options,
		struct wax_err *err)
{
	static const struct wax_choice words[] = {
			{"yes", true},
			{"no", false},
			{"true", true},
			{"false", false},
			{"on", true},
			{"off", false},
			{"1", true},
			{"0", false},
			{NULL, 0},
	};

	for (const struct wax_choice *word = words; word->name; word++) {
		if (strcmp(word->name, text) == 0) {
			*(bool *)((char *)options + option->member) = word->value;
			return 0;
		}
	}
	return refuse(option, text, "not accepted", err);
}

static int set_choice(const struct wax_option *option, const char *text,
		struct wax_options *options, struct wax_err *err)
{
	for (const struct wax_choice *choice = option->choices; choice->name; choice++) {
		if (strcmp(choice->name, text) == 0) {
			store_number(option, (uint64_t)choice->value, options);
			return 0;
		}
	}
	return refuse(option, text, "not accepted", err);
}

static int set_amount(const struct wax_option *option, const char *text,
		struct wax_options *options, struct wax_err *err)
{
	uint64_t value;
	int rc = option->kind == WAX_OPTION_SIZE ? wax_units_parse_bytes(text, &value, err)
						 : wax_units_parse_number(text, &value, err);

	if (rc < 0)
		return rc;
	if (value < option->min || (option->max != 0 && value > option->max))
		return refuse(option, text, "out of range", err);
	if (option->power_of_two && (value & (value - 1)) != 0)
		return refuse(option, text, "no power of two", err);

	store_number(option, value, options);
	return 0;
}

static int set_duration(const struct wax_option *option, const char *text,
		struct wax_options *options, struct wax_err *err)
{
	int64_t ns;
	int rc = wax_units_parse_duration(text, &ns, err);

	if (rc < 0)
		return rc;

	store_number(option, (uint64_t)ns, options);
	return 0;
}

static int set_string(const struct wax_option *option, const char *text,
		struct wax_options *options, struct wax_err *err)
{
	if (text[0] == '\0')
		return refuse(option, text, "empty", err);

	memcpy((char *)options + option->member, &text, sizeof(text));
	return 0;
}

static int add_to_list(const struct wax_option *option, const char *text,
		struct wax_options *options, struct wax_err *err)
{
	struct wax_option_list *list = (void *)((char *)options + option->member);

	if (text[0] == '\0')
		return refuse(option, text, "empty", err);
	if (list->count == WAX_OPTION_LIST_MAX)
		return wax_err_set(err, -EINVAL, "given more than %d times", WAX_OPTION_LIST_MAX);
	list->texts[list->count++] = text;
	return 0;
}

static int set_value(const struct wax_option *option, const char *text, struct wax_options *options,
		struct wax_err *err)
{
	if (option->word && strcmp(text, option->word) == 0) {
		store_number(option, (uint64_t)option->word_value, options);
		return 0;
	}

	switch (option->kind) {
	case WAX_OPTION_FLAG:
		return set_flag(option, text, options, err);
	case WAX_OPTION_SIZE:
	case WAX_OPTION_NUMBER:
		return set_amount(option, text, options, err);
	case WAX_OPTION_DURATION:
		return set_duration(option, text, options, err);
	case WAX_OPTION_CHOICE:
		return set_choice(option, text, options, err);
	case WAX_OPTION_STRING:
		return set_string(option, text, options, err);
	case WAX_OPTION_LIST:
		return add_to_list(option, text, options, err);
	}
	return wax_err_set(err, -EINVAL, "of no kind");
}

/* Set a value, or say where the bad one came from: dashes "--" and "procs", or "WAX_PROCS". */
static int apply(const struct wax_option *option, const char *dashes, const char *name,
		const char *text, struct wax_options *options, struct wax_err *err)
{
	struct wax_err inner;
	int rc = set_value(option, text, options, &inner);

	if (rc < 0)
		return wax_err_set(err, -EINVAL, "%s%s: %s%s%s", dashes, name, inner.text,
				option->word ? ", or " : "", option->word ? option->word : "");
	return 0;
}

/* Fill what getopt_long reads. A flag may take a value ("=no"), but only behind a long name. */
static void describe_to_getopt(struct parser *parser)
{
	char *letter = parser->letters;

	*letter++ = '-';
	*letter++ = ':';
	for (size_t i = 0; wax_option_table[i].name; i++) {
		const struct wax_option *option = &wax_option_table[i];
		bool is_flag = option->kind == WAX_OPTION_FLAG;

		parser->names[i] = (struct option){
				.name = option->name,
				.has_arg = is_flag || option->bare ? optional_argument
								   : required_argument,
				.val = code_of(i),
		};
		if (option->letter == '\0')
			continue;
		*letter++ = option->letter;
		if (!is_flag)
			*letter++ = ':';
		if (!is_flag && option->bare)
			*letter++ = ':';
	}
	*letter = '\0';
}

static bool begins(const struct wax_option *option, const char *typed, size_t typed_bytes)
{
	return wax_option_is_visible(option) && strncmp(option->name, typed, typed_bytes) == 0;
}

static size_t count_beginning(const char *typed, size_t typed_bytes)
{
	size_t count = 0;

	for (const struct wax_option *option = wax_option_table; option->name; option++)
		count += begins(option, typed, typed_bytes);
	return count;
}

/* Of several options that begin as typed: "--spin, --slab or --snapshot-interval". */
static int refuse_beginning(
		const char *typed, size_t typed_bytes, size_t match_count, struct wax_err *err)
{
	struct accepted names = {""};
	size_t match = 0;

	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (begins(option, typed, typed_bytes))
			append(&names, "%s--%s", joint(match++, match_count), option->name);
	}
	return wax_err_set(err, -EINVAL, "'--%.*s' could be %s: write more of it", (int)typed_bytes,
			typed, names.text);
}

static const char *nearest_name(const char *typed)
{
	struct wax_suggest suggest;

	wax_suggest_init(&suggest, typed);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (wax_option_is_visible(option))
			wax_suggest_offer(&suggest, option->name);
	}
	return wax_suggest_nearest(&suggest);
}

static int refuse_unknown_name(
		const struct parser *parser, const char *argument, struct wax_err *err)
{
	const char *hint = parser->options.flow_path ? "arguments of the flow go after --"
						     : "see waxrun --help";
	const char *typed = argument + 2;
	size_t typed_bytes = strcspn(typed, "=");
	size_t match_count = count_beginning(typed, typed_bytes);

	if (match_count > 1)
		return refuse_beginning(typed, typed_bytes, match_count, err);

	char name[WAX_SUGGEST_LENGTH_MAX + 2];

	/* A name too long to copy stays too long to be near to any. */
	snprintf(name, sizeof(name), "%.*s", (int)typed_bytes, typed);

	const char *meant = nearest_name(name);

	if (meant)
		return wax_err_set(err, -EINVAL, "unknown option '--%.*s': did you mean --%s? (%s)",
				(int)typed_bytes, typed, meant, hint);
	return wax_err_set(
			err, -EINVAL, "unknown option '--%.*s': %s", (int)typed_bytes, typed, hint);
}

static int refuse_unknown(const struct parser *parser, const char *argument, struct wax_err *err)
{
	if (optopt != 0)
		return wax_err_set(err, -EINVAL, "unknown option '-%c': see waxrun --help", optopt);
	return refuse_unknown_name(parser, argument, err);
}

static int refuse_missing_value(struct wax_err *err)
{
	size_t index;
	const struct wax_option *option = find_code(optopt, &index);

	if (!option)
		return wax_err_set(err, -EINVAL, "an option lacks its value");
	return wax_err_set(err, -EINVAL, "--%s needs a value: write %s%s%s", option->name,
			accepted_values(option).text, option->word ? ", or " : "",
			option->word ? option->word : "");
}

static int take_operand(struct parser *parser, const char *operand, struct wax_err *err)
{
	if (parser->options.flow_path)
		return wax_err_set(err, -EINVAL,
				"'%s' after the flow '%s': arguments of the flow go after --",
				operand, parser->options.flow_path);

	parser->options.flow_path = operand;
	return 0;
}

static int take_option(struct parser *parser, int code, const char *value, struct wax_err *err)
{
	size_t index;
	const struct wax_option *option = find_code(code, &index);

	if (!option)
		return wax_err_set(err, -EINVAL, "unknown option: see waxrun --help");
	if (!value)
		value = option->kind == WAX_OPTION_FLAG ? "yes" : option->bare;

	parser->given[index] = true;
	return apply(option, "--", option->name, value, &parser->options, err);
}

/* A beginning of a name behind the flow, as in `waxrun flow.so --in a.txt`: hardly --interval. */
static bool is_meant_for_flow(const struct parser *parser, int index, const char *argument)
{
	return parser->options.flow_path &&
			strcspn(argument + 2, "=") < strlen(parser->names[index].name);
}

static int refuse_shortened(
		const struct parser *parser, int index, const char *argument, struct wax_err *err)
{
	return wax_err_set(err, -EINVAL,
			"'%.*s' after the flow '%s': arguments of the flow go after -- "
			"(or did you mean --%s?)",
			(int)strcspn(argument, "="), argument, parser->options.flow_path,
			parser->names[index].name);
}

static int parse_arguments(struct parser *parser, int argc, char **argv, struct wax_err *err)
{
	int code;

	optind = 0; /* glibc: begin anew, and read the flags in front of letters */
	opterr = 0;
	for (;;) {
		const char *argument = argv[optind > 0 ? optind : 1];
		int index = -1;
		int rc;

		code = getopt_long(argc, argv, parser->letters, parser->names, &index);
		if (code == -1)
			break;
		if (index >= 0 && is_meant_for_flow(parser, index, argument))
			rc = refuse_shortened(parser, index, argument, err);
		else if (code == CODE_OF_OPERAND)
			rc = take_operand(parser, optarg, err);
		else if (code == '?')
			rc = refuse_unknown(parser, argv[optind - 1], err);
		else if (code == ':')
			rc = refuse_missing_value(err);
		else
			rc = take_option(parser, code, optarg, err);
		if (rc < 0)
			return rc;
	}

	parser->options.flow_argc = argc - optind;
	parser->options.flow_argv = argv + optind;
	return 0;
}

/* Value of a variable that is set and not empty, else NULL. */
static const char *look_up(char *const *environment, const char *name)
{
	size_t name_bytes = strlen(name);

	for (; environment && *environment; environment++) {
		const char *entry = *environment;

		if (strncmp(entry, name, name_bytes) == 0 && entry[name_bytes] == '=')
			return entry[name_bytes + 1] != '\0' ? entry + name_bytes + 1 : NULL;
	}
	return NULL;
}

static int fill_option(const struct wax_option *option, char *const *environment,
		struct wax_options *options, struct wax_err *err)
{
	struct wax_option_variable variable = wax_option_variable(option);
	const char *value = option->no_variable ? NULL : look_up(environment, variable.name);

	if (value)
		return apply(option, "", variable.name, value, options, err);
	if (option->initial)
		return apply(option, "--", option->name, option->initial, options, err);
	return 0;
}

static int fill_options(struct parser *parser, char *const *environment, struct wax_err *err)
{
	for (size_t i = 0; wax_option_table[i].name; i++) {
		if (parser->given[i])
			continue;

		int rc = fill_option(&wax_option_table[i], environment, &parser->options, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Those that tell about waxrun itself come first: they need no flow. */
static enum wax_option_action action_of(const struct wax_options *options)
{
	if (options->help)
		return WAX_OPTION_HELP;
	if (options->version)
		return WAX_OPTION_VERSION;
	if (options->print_man)
		return WAX_OPTION_PRINT_MAN;
	if (options->print_completion != WAX_OPTION_SHELL_NONE)
		return WAX_OPTION_PRINT_COMPLETION;
	if (options->graph != WAX_OPTION_GRAPH_NONE)
		return WAX_OPTION_GRAPH;
	return options->check ? WAX_OPTION_CHECK : WAX_OPTION_RUN;
}

static bool needs_flow(enum wax_option_action action)
{
	return action == WAX_OPTION_RUN || action == WAX_OPTION_CHECK || action == WAX_OPTION_GRAPH;
}

int wax_options_parse(int argc, char **argv, char *const *environment,
		struct wax_options *ret_options, struct wax_err *err)
{
	struct parser parser = {0};

	describe_to_getopt(&parser);

	int rc = parse_arguments(&parser, argc, argv, err);

	if (rc < 0)
		return rc;

	bool for_a_flow = needs_flow(action_of(&parser.options));

	rc = fill_options(&parser, for_a_flow ? environment : NULL, err);
	if (rc < 0)
		return rc;

	parser.options.action = action_of(&parser.options);
	if (for_a_flow && !parser.options.flow_path)
		return wax_err_set(err, -EINVAL,
				"no flow: write waxrun [OPTIONS] FLOW.so [-- ARGUMENTS], or see "
				"waxrun --help");

	*ret_options = parser.options;
	return 0;
}

bool wax_options_color(
		const struct wax_options *options, char *const *environment, bool is_terminal)
{
	if (options->color != WAX_OPTION_COLOR_AUTO)
		return options->color == WAX_OPTION_COLOR_ALWAYS;
	if (look_up(environment, "NO_COLOR"))
		return false;

	const char *force = look_up(environment, "CLICOLOR_FORCE");
	const char *term = look_up(environment, "TERM");

	if (force && strcmp(force, "0") != 0)
		return true;
	return is_terminal && term && strcmp(term, "dumb") != 0;
}
