/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/wax_options.h"

#include <errno.h>
#include <assert.h>
#include <stddef.h>

#define MEMBER(name) WAX_OPTION_MEMBER(struct wax_tool_options, name)

enum group {
	GROUP_WHAT,
	GROUP_HOW,
	GROUP_OTHER,
	GROUP_HIDDEN,
};

static const char *const groups[] = {
		[GROUP_WHAT] = "What is shown",
		[GROUP_HOW] = "How it is shown",
		[GROUP_OTHER] = "Other",
		[GROUP_HIDDEN] = "For packagers",
		NULL,
};

static const struct wax_choice types[] = {
		{"auto", WAX_STATE_AUTO},
		{"u64", WAX_STATE_U64},
		{"i64", WAX_STATE_I64},
		{"u32", WAX_STATE_U32},
		{"i32", WAX_STATE_I32},
		{"f64", WAX_STATE_F64},
		{"text", WAX_STATE_TEXT},
		{"hex", WAX_STATE_HEX},
		{NULL, 0},
};

static const struct wax_choice formats[] = {
		{"text", WAX_TOOL_TEXT},
		{"json", WAX_TOOL_JSON},
		{"sqlite", WAX_TOOL_SQLITE},
		{NULL, 0},
};

static const struct wax_option options[] = {
		{
				.name = "epoch",
				.argument = "N|newest",
				.kind = WAX_OPTION_NUMBER,
				.group = GROUP_WHAT,
				.initial = "newest",
				.word = "newest",
				.word_value = 0,
				.min = 1,
				.max = UINT64_MAX - 1,
				.no_variable = true,
				MEMBER(epoch),
				.help = "epoch to look at",
				.more = "Which epoch to look at: one of those that wax state ls "
					"lists, "
					"or the newest that is committed.",
		},
		{
				.name = "dry-run",
				.kind = WAX_OPTION_FLAG,
				.group = GROUP_WHAT,
				.no_variable = true,
				MEMBER(dry_run),
				.help = "say what repair would do, do nothing",
		},
		{
				.name = "key-type",
				.argument = "TYPE",
				.kind = WAX_OPTION_CHOICE,
				.group = GROUP_HOW,
				.initial = "auto",
				.choices = types,
				.no_variable = true,
				MEMBER(key_type),
				.help = "what keys are",
				.more = "What keys are: u64, i64, u32, i32, f64, text or hex. "
					"With auto it is what the directory says of the step; "
					"where "
					"that is no type that wax knows, printable keys are text "
					"and "
					"others are shown in hexadecimal.",
		},
		{
				.name = "value-type",
				.argument = "TYPE",
				.kind = WAX_OPTION_CHOICE,
				.group = GROUP_HOW,
				.initial = "auto",
				.choices = types,
				.no_variable = true,
				MEMBER(value_type),
				.help = "what states and positions are",
				.more = "What states and positions are, as for --key-type. "
					"With auto those that are printable are text and others "
					"are "
					"shown in hexadecimal, and so are those whose size is not "
					"that "
					"of the type.",
		},
		{
				.name = "format",
				.argument = "text|json|sqlite",
				.kind = WAX_OPTION_CHOICE,
				.group = GROUP_HOW,
				.initial = "text",
				.choices = formats,
				.no_variable = true,
				MEMBER(format),
				.help = "of the export",
				.more = "Format of the export: text, with step, key and state "
					"between "
					"tabs; JSON lines; or a SQLite database, which needs "
					"--out.",
		},
		{
				.name = "json",
				.kind = WAX_OPTION_FLAG,
				.group = GROUP_HOW,
				.no_variable = true,
				MEMBER(json),
				.help = "JSON, an object a line",
		},
		{
				.name = "out",
				.letter = 'o',
				.argument = "FILE",
				.kind = WAX_OPTION_STRING,
				.group = GROUP_HOW,
				.no_variable = true,
				MEMBER(out_path),
				.help = "export to FILE, which must not be there",
				.more = "Write the export to this file. "
					"One that is there is refused; one that could not be "
					"written "
					"as a whole is removed.",
		},
		WAX_PROGRAM_ROWS(struct wax_tool_options, GROUP_OTHER, GROUP_HIDDEN, NULL),
};

static_assert(sizeof(options) / sizeof(options[0]) <= WAX_OPTION_COUNT_MAX + 1,
		"readers keep a word for each option");

static const struct wax_verb verbs[] = {
		{
				.words = "state ls",
				.operands = "DIR",
				.operand_min = 1,
				.operand_max = 1,
				.options = "epoch value-type json",
				.value = WAX_TOOL_STATE_LS,
				.help = "what is there: epochs, steps, positions",
				.more = "List what is in a recovery directory: the flow, the "
					"epochs "
					"that a run could go on from, the generations that the "
					"epoch "
					"needs, for each step its keys and their bytes, and the "
					"positions of sources and sinks.",
		},
		{
				.words = "state get",
				.operands = "DIR STEP KEY",
				.operand_min = 3,
				.operand_max = 3,
				.options = "epoch key-type value-type json",
				.value = WAX_TOOL_STATE_GET,
				.help = "the state of a key",
				.more = "Print the state of a key of a step. "
					"A key of bytes is written in hexadecimal behind 0x. "
					"A negative number goes after --.",
		},
		{
				.words = "state export",
				.operands = "DIR [STEP...]",
				.operand_min = 1,
				.operand_max = WAX_OPTION_LIST_MAX,
				.options = "epoch key-type value-type format json out",
				.value = WAX_TOOL_STATE_EXPORT,
				.help = "all keys and their states, of all steps or some",
				.more = "Print all keys and their states, step by step, each "
					"sorted "
					"by key; with steps, those only.",
		},
		{
				.words = "state diff",
				.operands = "DIR EPOCH EPOCH",
				.operand_min = 2,
				.operand_max = 3,
				.options = "key-type value-type json",
				.value = WAX_TOOL_STATE_DIFF,
				.help = "keys that came, went or changed; or DIR DIR",
				.more = "Print the keys that came (+), went (-) or changed (~, "
					"with "
					"both states) from one epoch to the other; with two "
					"directories, from the newest epoch of the first to that "
					"of "
					"the second. "
					"The exit status is 1 where there are any.",
		},
		{
				.words = "state repair",
				.operands = "DIR",
				.operand_min = 1,
				.operand_max = 1,
				.options = "dry-run json",
				.value = WAX_TOOL_STATE_REPAIR,
				.help = "cut off what a crash left half written",
				.more = "Cut off what a run that died has left behind the last "
					"whole "
					"epoch of each log, and say what was cut. "
					"A run does not need that, it passes over such a tail by "
					"itself. "
					"Nothing else is touched; a directory that is damaged, or "
					"used "
					"by a run, is refused.",
		},
		{.words = NULL},
};

static const struct wax_option_example examples[] = {
		{"wax state ls recovery", "epochs, steps, positions"},
		{"wax state get recovery count word", "the state of one key"},
		{"wax state diff recovery 16 17", "what the last epoch changed"},
		{NULL, NULL},
};

static const struct wax_exit_status exit_statuses[] = {
		{"0", "It is done."},
		{"1", "diff: there are differences. get: there is no such key."},
		{"2", "Usage: a bad verb, option or argument, a step that is not there."},
		{"4",
				"The recovery directory is missing, damaged, of another version, "
				"without the "
				"epoch, or used by a run."},
		{"5", "The output was not taken."},
		{"71", "Memory is lacking."},
		{NULL, NULL},
};

static const char synopsis[] = ".Ar verb\n"
			       ".Op Ar options\n"
			       ".Ar arguments\n";

static const char description[] =
		".Nm\n"
		"looks into what runs leave.\n"
		"Its verbs about\n"
		".Cm state\n"
		"read a recovery directory, which\n"
		".Xr waxrun 1\n"
		"writes, without running the flow, and while a run uses it, too.\n"
		"Options may stand before or after other arguments,\n"
		"the beginning of a long name will do where no other begins alike,\n"
		"and what begins with a dash and is no option goes after\n"
		".Fl \\- .\n"
		".Pp\n"
		"Results go to standard output, everything else to standard error.\n"
		"In text, what is not printable or begins with 0x is shown in hexadecimal\n"
		"behind 0x.\n";

const struct wax_program wax_tool_program = {
		.name = "wax",
		.about = "look into what runs leave",
		.usage = "VERB [OPTIONS] ARGUMENTS",
		.options = options,
		.groups = groups,
		.examples = examples,
		.exit_statuses = exit_statuses,
		.verbs = verbs,
		.asks = offsetof(struct wax_tool_options, asks),
		.help_end = "TYPE is u64, i64, u32, i32, f64, text or hex; auto: as the directory "
			    "says,\n"
			    "else text where it is printable and hex where it is not.\n",
		.synopsis = synopsis,
		.description = description,
};

int wax_tool_parse(int argc, char **argv, struct wax_tool_options *ret_options, struct wax_err *err)
{
	struct wax_tool_options parsed = {0};
	struct wax_program_words words;
	int r = wax_program_parse(&wax_tool_program, argc, argv, NULL, &parsed, &words, err);

	if (r < 0)
		return r;

	parsed.action = words.verb ? (enum wax_tool_action)words.verb->value : WAX_TOOL_TELL;
	parsed.operands = words.operands;
	if (parsed.action == WAX_TOOL_TELL && words.operands.count > 0)
		parsed.topic = words.operands.texts[0];
	if (parsed.json)
		parsed.format = WAX_TOOL_JSON;
	if (parsed.format == WAX_TOOL_SQLITE && !parsed.out_path)
		return wax_err_set(err, -EINVAL,
				"--format sqlite needs a file: write --out FILE as well");
	*ret_options = parsed;
	return 0;
}
