/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/program.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <wax/run.h>

#include "runtime/assert.h"
#include "runtime/suggest.h"
#include "runtime/units.h"

/*
 * In this order, so that a value that does not count is not looked at either:
 *
 *   1. the command line, by getopt_long, which hands over operands in place (optstring "-")
 *   2. for each option not given there: its variable, else its default
 *   3. the verb, among the operands, and what it takes
 */

/* What getopt_long returns for an option without a letter: this and its index. */
#define CODE_OF_FIRST 256

/* What getopt_long returns for an operand. */
#define CODE_OF_OPERAND 1

struct parser {
	const struct wax_program *program;
	void *values;
	struct wax_program_words words;
	bool given[WAX_OPTION_COUNT_MAX]; /* by index in the table */
	char letters[2 + 3 * WAX_OPTION_COUNT_MAX + 1];
	struct option names[WAX_OPTION_COUNT_MAX + 1];
};

/* Room for "a power of two from 512B to 1MiB, or auto" and for the names of all options. */
struct accepted {
	char text[1024];
};

static int code_of(const struct wax_program *program, size_t index)
{
	char letter = program->options[index].letter;

	return letter != '\0' ? letter : CODE_OF_FIRST + (int)index;
}

static const struct wax_option *find_code(
		const struct wax_program *program, int code, size_t *ret_index)
{
	for (size_t i = 0; program->options[i].name; i++) {
		if (code_of(program, i) == code) {
			*ret_index = i;
			return &program->options[i];
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
static void store_number(const struct wax_option *option, uint64_t value, void *values)
{
	char *member = (char *)values + option->member;
	uint32_t narrow = (uint32_t)value;

	WAX_ASSERT(option->member_bytes == sizeof(value) || value == narrow);
	if (option->member_bytes == sizeof(narrow))
		memcpy(member, &narrow, sizeof(narrow));
	else
		memcpy(member, &value, sizeof(value));
}

static int set_flag(const struct wax_option *option, const char *text, void *values,
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
			*(bool *)((char *)values + option->member) = word->value;
			return 0;
		}
	}
	return refuse(option, text, "not accepted", err);
}

static int set_choice(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
{
	for (const struct wax_choice *choice = option->choices; choice->name; choice++) {
		if (strcmp(choice->name, text) == 0) {
			store_number(option, (uint64_t)choice->value, values);
			return 0;
		}
	}
	return refuse(option, text, "not accepted", err);
}

static int set_amount(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
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

	store_number(option, value, values);
	return 0;
}

static int set_duration(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
{
	int64_t ns;
	int rc = wax_units_parse_duration(text, &ns, err);

	if (rc < 0)
		return rc;

	store_number(option, (uint64_t)ns, values);
	return 0;
}

static int set_string(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
{
	if (text[0] == '\0')
		return refuse(option, text, "empty", err);

	memcpy((char *)values + option->member, &text, sizeof(text));
	return 0;
}

static int add_to_list(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
{
	struct wax_option_list *list = (void *)((char *)values + option->member);

	if (text[0] == '\0')
		return refuse(option, text, "empty", err);
	if (list->count == WAX_OPTION_LIST_MAX)
		return wax_err_set(err, -EINVAL, "given more than %d times", WAX_OPTION_LIST_MAX);
	list->texts[list->count++] = text;
	return 0;
}

static int set_value(const struct wax_option *option, const char *text, void *values,
		struct wax_err *err)
{
	if (option->word && strcmp(text, option->word) == 0) {
		store_number(option, (uint64_t)option->word_value, values);
		return 0;
	}

	switch (option->kind) {
	case WAX_OPTION_FLAG:
		return set_flag(option, text, values, err);
	case WAX_OPTION_SIZE:
	case WAX_OPTION_NUMBER:
		return set_amount(option, text, values, err);
	case WAX_OPTION_DURATION:
		return set_duration(option, text, values, err);
	case WAX_OPTION_CHOICE:
		return set_choice(option, text, values, err);
	case WAX_OPTION_STRING:
		return set_string(option, text, values, err);
	case WAX_OPTION_LIST:
		return add_to_list(option, text, values, err);
	}
	return wax_err_set(err, -EINVAL, "of no kind");
}

/* Set a value, or say where the bad one came from: dashes "--" and "procs", or "WAX_PROCS". */
static int apply(const struct wax_option *option, const char *dashes, const char *name,
		const char *text, void *values, struct wax_err *err)
{
	struct wax_err inner;
	int rc = set_value(option, text, values, &inner);

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
	for (size_t i = 0; parser->program->options[i].name; i++) {
		const struct wax_option *option = &parser->program->options[i];
		bool is_flag = option->kind == WAX_OPTION_FLAG;

		parser->names[i] = (struct option){
				.name = option->name,
				.has_arg = is_flag || option->bare ? optional_argument
								   : required_argument,
				.val = code_of(parser->program, i),
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
	return !option->hidden && strncmp(option->name, typed, typed_bytes) == 0;
}

static size_t count_beginning(
		const struct wax_program *program, const char *typed, size_t typed_bytes)
{
	size_t count = 0;

	for (const struct wax_option *option = program->options; option->name; option++)
		count += begins(option, typed, typed_bytes);
	return count;
}

/* Of several options that begin as typed: "--spin, --slab or --snapshot-interval". */
static int refuse_beginning(const struct wax_program *program, const char *typed,
		size_t typed_bytes, size_t match_count, struct wax_err *err)
{
	struct accepted names = {""};
	size_t match = 0;

	for (const struct wax_option *option = program->options; option->name; option++) {
		if (begins(option, typed, typed_bytes))
			append(&names, "%s--%s", joint(match++, match_count), option->name);
	}
	return wax_err_set(err, -EINVAL, "'--%.*s' could be %s: write more of it", (int)typed_bytes,
			typed, names.text);
}

static const char *nearest_name(const struct wax_program *program, const char *typed)
{
	struct wax_suggest suggest;

	wax_suggest_init(&suggest, typed);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (!option->hidden)
			wax_suggest_offer(&suggest, option->name);
	}
	return wax_suggest_nearest(&suggest);
}

/* What follows the operand and looks like an option may be meant for what the operand names. */
static const char *operand_of_rest(const struct parser *parser)
{
	bool given = parser->program->rest && parser->words.operands.count > 0;

	return given ? parser->words.operands.texts[0] : NULL;
}

static int refuse_unknown_name(
		const struct parser *parser, const char *argument, struct wax_err *err)
{
	const struct wax_program *program = parser->program;
	const char *typed = argument + 2;
	size_t typed_bytes = strcspn(typed, "=");
	size_t match_count = count_beginning(program, typed, typed_bytes);
	struct accepted hint = {""};

	if (match_count > 1)
		return refuse_beginning(program, typed, typed_bytes, match_count, err);
	if (operand_of_rest(parser))
		append(&hint, "%s go after --", program->rest);
	else
		append(&hint, "see %s --help", program->name);

	char name[WAX_SUGGEST_LENGTH_MAX + 2];

	/* A name too long to copy stays too long to be near to any. */
	snprintf(name, sizeof(name), "%.*s", (int)typed_bytes, typed);

	const char *meant = nearest_name(program, name);

	if (meant)
		return wax_err_set(err, -EINVAL, "unknown option '--%.*s': did you mean --%s? (%s)",
				(int)typed_bytes, typed, meant, hint.text);
	return wax_err_set(err, -EINVAL, "unknown option '--%.*s': %s", (int)typed_bytes, typed,
			hint.text);
}

static int refuse_unknown(const struct parser *parser, const char *argument, struct wax_err *err)
{
	if (optopt != 0)
		return wax_err_set(err, -EINVAL, "unknown option '-%c': see %s --help", optopt,
				parser->program->name);
	return refuse_unknown_name(parser, argument, err);
}

static int refuse_missing_value(const struct parser *parser, struct wax_err *err)
{
	size_t index;
	const struct wax_option *option = find_code(parser->program, optopt, &index);

	if (!option)
		return wax_err_set(err, -EINVAL, "an option lacks its value");
	return wax_err_set(err, -EINVAL, "--%s needs a value: write %s%s%s", option->name,
			accepted_values(option).text, option->word ? ", or " : "",
			option->word ? option->word : "");
}

static int take_operand(struct parser *parser, const char *operand, struct wax_err *err)
{
	struct wax_option_list *operands = &parser->words.operands;
	const char *first = operand_of_rest(parser);

	if (first)
		return wax_err_set(err, -EINVAL, "'%s' after the %s '%s': %s go after --", operand,
				parser->program->operand, first, parser->program->rest);
	if (operands->count == WAX_OPTION_LIST_MAX)
		return wax_err_set(err, -EINVAL, "more than %d words: see %s --help",
				WAX_OPTION_LIST_MAX, parser->program->name);

	operands->texts[operands->count++] = operand;
	return 0;
}

static int take_option(struct parser *parser, int code, const char *value, struct wax_err *err)
{
	size_t index;
	const struct wax_option *option = find_code(parser->program, code, &index);

	if (!option)
		return wax_err_set(err, -EINVAL, "unknown option: see %s --help",
				parser->program->name);
	if (!value)
		value = option->kind == WAX_OPTION_FLAG ? "yes" : option->bare;

	parser->given[index] = true;
	return apply(option, "--", option->name, value, parser->values, err);
}

/* A beginning of a name behind the flow, as in `waxrun flow.so --in a.txt`: hardly --interval. */
static bool is_meant_for_rest(const struct parser *parser, int index, const char *argument)
{
	return operand_of_rest(parser) &&
			strcspn(argument + 2, "=") < strlen(parser->names[index].name);
}

static int refuse_shortened(
		const struct parser *parser, int index, const char *argument, struct wax_err *err)
{
	return wax_err_set(err, -EINVAL,
			"'%.*s' after the %s '%s': %s go after -- (or did you mean --%s?)",
			(int)strcspn(argument, "="), argument, parser->program->operand,
			operand_of_rest(parser), parser->program->rest, parser->names[index].name);
}

static int take_rest(struct parser *parser, int argc, char **argv, struct wax_err *err)
{
	int r = 0;

	if (parser->program->rest) {
		parser->words.rest_count = argc - optind;
		parser->words.rest = argv + optind;
		return 0;
	}
	for (int i = optind; i < argc && r == 0; i++)
		r = take_operand(parser, argv[i], err);
	return r;
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
		if (index >= 0 && is_meant_for_rest(parser, index, argument))
			rc = refuse_shortened(parser, index, argument, err);
		else if (code == CODE_OF_OPERAND)
			rc = take_operand(parser, optarg, err);
		else if (code == '?')
			rc = refuse_unknown(parser, argv[optind - 1], err);
		else if (code == ':')
			rc = refuse_missing_value(parser, err);
		else
			rc = take_option(parser, code, optarg, err);
		if (rc < 0)
			return rc;
	}
	return take_rest(parser, argc, argv, err);
}

const char *wax_program_look_up(char *const *environment, const char *name)
{
	size_t name_bytes = strlen(name);

	for (; environment && *environment; environment++) {
		const char *entry = *environment;

		if (strncmp(entry, name, name_bytes) == 0 && entry[name_bytes] == '=')
			return entry[name_bytes + 1] != '\0' ? entry + name_bytes + 1 : NULL;
	}
	return NULL;
}

static int fill_option(const struct wax_option *option, char *const *environment, void *values,
		struct wax_err *err)
{
	struct wax_option_variable variable = wax_option_variable(option);
	const char *value = option->no_variable ? NULL
						: wax_program_look_up(environment, variable.name);

	if (value)
		return apply(option, "", variable.name, value, values, err);
	if (option->initial)
		return apply(option, "--", option->name, option->initial, values, err);
	return 0;
}

static int fill_options(struct parser *parser, char *const *environment, struct wax_err *err)
{
	for (size_t i = 0; parser->program->options[i].name; i++) {
		if (parser->given[i])
			continue;

		int rc = fill_option(
				&parser->program->options[i], environment, parser->values, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- Verbs */

/* The index-th word; NULL: there are less. */
static const char *verb_word(const struct wax_verb *verb, uint32_t index, size_t *ret_bytes)
{
	const char *word = verb->words;

	for (; index > 0 && word; index--) {
		word = strchr(word, ' ');
		word += word != NULL;
	}
	*ret_bytes = word ? strcspn(word, " ") : 0;
	return word;
}

static bool is_word(const struct wax_verb *verb, uint32_t index, const char *typed)
{
	size_t bytes;
	const char *word = verb_word(verb, index, &bytes);

	return word && strlen(typed) == bytes && memcmp(word, typed, bytes) == 0;
}

bool wax_verb_is_of(const struct wax_verb *verb, const char *topic)
{
	return !topic || is_word(verb, 0, topic);
}

/* How many words of a verb are there, and is that all of them? */
static uint32_t count_words(
		const struct wax_verb *verb, const struct wax_option_list *typed, bool *ret_all)
{
	uint32_t count = 0;
	size_t bytes;

	while (count < typed->count && is_word(verb, count, typed->texts[count]))
		count++;
	*ret_all = verb_word(verb, count, &bytes) == NULL;
	return count;
}

/* What could stand where no verb goes on with what is typed, each word once. */
struct next_words {
	char words[WAX_OPTION_COUNT_MAX][32];
	size_t count;
	struct accepted before; /* "state ", or nothing */
};

static void collect_words(const struct parser *parser, uint32_t known, struct next_words *next)
{
	for (uint32_t i = 0; i < known; i++)
		append(&next->before, "%s ", parser->words.operands.texts[i]);
	for (const struct wax_verb *verb = parser->program->verbs; verb->words; verb++) {
		size_t bytes;
		bool all;

		if (count_words(verb, &parser->words.operands, &all) != known)
			continue;

		const char *word = verb_word(verb, known, &bytes);

		if (next->count > 0 && strncmp(next->words[next->count - 1], word, bytes) == 0)
			continue;
		WAX_ASSERT(next->count < WAX_OPTION_COUNT_MAX);
		snprintf(next->words[next->count++], sizeof(next->words[0]), "%.*s", (int)bytes,
				word);
	}
}

/* None of the verbs, of which the first `known` words are. */
static int refuse_verb(const struct parser *parser, uint32_t known, struct wax_err *err)
{
	const struct wax_option_list *typed = &parser->words.operands;
	const char *name = parser->program->name;
	struct next_words next = {.count = 0};
	struct accepted names = {""};
	struct wax_suggest suggest;

	collect_words(parser, known, &next);
	for (size_t i = 0; i < next.count; i++)
		append(&names, "%s%s", joint(i, next.count), next.words[i]);
	if (known == typed->count)
		return wax_err_set(err, -EINVAL,
				"%s %sneeds a verb: write %s %s%s, or see %s %s--help", name,
				next.before.text, name, next.before.text, names.text, name,
				next.before.text);

	wax_suggest_init(&suggest, typed->texts[known]);
	for (size_t i = 0; i < next.count; i++)
		wax_suggest_offer(&suggest, next.words[i]);

	const char *meant = wax_suggest_nearest(&suggest);

	if (meant)
		return wax_err_set(err, -EINVAL,
				"unknown verb '%s%s': did you mean %s? (see %s %s--help)",
				next.before.text, typed->texts[known], meant, name,
				next.before.text);
	return wax_err_set(err, -EINVAL, "unknown verb '%s%s': write %s, or see %s %s--help",
			next.before.text, typed->texts[known], names.text, name, next.before.text);
}

static bool takes_option(const struct wax_verb *verb, const char *name)
{
	size_t bytes = strlen(name);

	for (const char *word = verb->options; word && *word;) {
		size_t word_bytes = strcspn(word, " ");

		if (word_bytes == bytes && memcmp(word, name, bytes) == 0)
			return true;
		word += word_bytes;
		word += strspn(word, " ");
	}
	return false;
}

/* Does a verb take what was given? */
static int check_verb(const struct parser *parser, const struct wax_verb *verb, struct wax_err *err)
{
	const struct wax_option_list *operands = &parser->words.operands;
	const char *name = parser->program->name;

	if (operands->count < verb->operand_min || operands->count > verb->operand_max)
		return wax_err_set(err, -EINVAL, "too %s words: write %s %s [OPTIONS] %s",
				operands->count < verb->operand_min ? "few" : "many", name,
				verb->words, verb->operands);
	for (size_t i = 0; parser->program->options[i].name; i++) {
		const char *option = parser->program->options[i].name;

		if (parser->given[i] && !takes_option(verb, option))
			return wax_err_set(err, -EINVAL,
					"--%s does not go with %s %s: see %s %.*s --help", option,
					name, verb->words, name, (int)strcspn(verb->words, " "),
					verb->words);
	}
	return 0;
}

static int find_verb(struct parser *parser, struct wax_err *err)
{
	struct wax_option_list *operands = &parser->words.operands;
	uint32_t known = 0;

	for (const struct wax_verb *verb = parser->program->verbs; verb->words; verb++) {
		bool all;
		uint32_t count = count_words(verb, operands, &all);

		known = count > known ? count : known;
		if (!all)
			continue;
		operands->count -= count;
		memmove(operands->texts, operands->texts + count,
				operands->count * sizeof(operands->texts[0]));
		parser->words.verb = verb;
		return check_verb(parser, verb, err);
	}
	return refuse_verb(parser, known, err);
}

/* ---- */

static const struct wax_program_asks *asks_of(const struct wax_program *program, const void *values)
{
	return (const void *)((const char *)values + program->asks);
}

bool wax_program_is_asked(const struct wax_program *program, const void *values)
{
	const struct wax_program_asks *asks = asks_of(program, values);

	return asks->help || asks->version || asks->print_man ||
			asks->print_completion != WAX_OPTION_SHELL_NONE;
}

int wax_program_parse(const struct wax_program *program, int argc, char **argv,
		char *const *environment, void *values, struct wax_program_words *ret_words,
		struct wax_err *err)
{
	struct parser parser = {.program = program, .values = values};

	describe_to_getopt(&parser);

	int rc = parse_arguments(&parser, argc, argv, err);

	if (rc < 0)
		return rc;

	bool asked = wax_program_is_asked(program, values);

	rc = fill_options(&parser, asked ? NULL : environment, err);
	if (rc == 0 && program->verbs && !asked)
		rc = find_verb(&parser, err);
	if (rc < 0)
		return rc;
	*ret_words = parser.words;
	return 0;
}

int wax_program_answer(
		const struct wax_program *program, const void *values, const char *topic, FILE *out)
{
	const struct wax_program_asks *asks = asks_of(program, values);

	if (asks->help)
		return wax_program_print_help(program, topic, out);
	if (asks->version)
		return fprintf(out, "%s %s\n", program->name, wax_version()) < 0 ? -EIO : 0;
	if (asks->print_man)
		return wax_program_print_man(program, out);
	return wax_program_print_completion(program, asks->print_completion, out);
}

/* ---- Names */

const struct wax_choice wax_program_shells[] = {
		{"bash", WAX_OPTION_SHELL_BASH},
		{"zsh", WAX_OPTION_SHELL_ZSH},
		{"fish", WAX_OPTION_SHELL_FISH},
		{NULL, 0},
};

/* Not toupper: it may follow the locale. */
static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

struct wax_option_variable wax_option_variable(const struct wax_option *option)
{
	struct wax_option_variable variable = {"WAX_"};
	size_t at = strlen(variable.name);

	for (const char *p = option->name; *p != '\0' && at + 1 < sizeof(variable.name); p++)
		variable.name[at++] = *p == '-' ? '_' : upper(*p);
	return variable;
}
