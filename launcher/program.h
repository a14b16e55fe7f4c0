/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_PROGRAM_H
#define LAUNCHER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>

/**
 * A program as tables: its options, its verbs if it has some, what it says of itself. Everything
 * that depends on them is here once for all programs: the parser, help, manual page and shell
 * completion. Tables are constant, so any thread may read them; parsing is for main.
 */

/** How the value is written, and the type of the member that holds it. */
enum wax_option_kind {
	WAX_OPTION_FLAG,     /* bool */
	WAX_OPTION_SIZE,     /* uint32_t or uint64_t, bytes */
	WAX_OPTION_DURATION, /* int64_t, ns */
	WAX_OPTION_NUMBER,   /* uint32_t or uint64_t */
	WAX_OPTION_CHOICE,   /* an enum */
	WAX_OPTION_STRING,   /* const char * */
	WAX_OPTION_LIST,     /* struct wax_option_list: each time it is given adds a text */
};

struct wax_choice {
	const char *name;
	int value;
};

struct wax_option {
	const char *name;     /* without the dashes */
	char letter;          /* '\0': none */
	const char *argument; /* as help shows it, "N|auto"; NULL for a flag */
	enum wax_option_kind kind;
	int group;   /* index of its heading */
	bool hidden; /* for packagers: in no help and no completion */

	const char *initial; /* the default as one would type it; NULL: off, none, nothing */
	const char *bare;    /* what the name alone stands for; NULL: a value must be given */
	const char *word;    /* a word allowed beside numbers, "auto"; NULL: none */
	int64_t word_value;  /* what word stands for */
	uint64_t min;        /* of a size or number */
	uint64_t max;        /* of a size or number; 0: no limit */
	bool power_of_two;
	const struct wax_choice *choices; /* ends at a NULL name */
	bool no_variable;                 /* not read from the environment */

	size_t member; /* offset in the values of the program */
	size_t member_bytes;

	const char *help; /* one line, no full stop, 46 letters and the default at most */
	const char *more; /* sentences for the manual; NULL: help says it all */
};

/** Where a row's value goes, in a table of options. */
#define WAX_OPTION_MEMBER(values, name)                                                            \
	.member = offsetof(values, name), .member_bytes = sizeof(((values *)0)->name)

/** Most options a table may have: what readers reserve. */
#define WAX_OPTION_COUNT_MAX 64

/** Most times that an option of a list may be given. */
#define WAX_OPTION_LIST_MAX 64

/** Texts of an option that may be given many times; they are lent as other strings are. */
struct wax_option_list {
	const char *texts[WAX_OPTION_LIST_MAX];
	uint32_t count;
};

enum wax_option_shell {
	WAX_OPTION_SHELL_NONE,
	WAX_OPTION_SHELL_BASH,
	WAX_OPTION_SHELL_ZSH,
	WAX_OPTION_SHELL_FISH,
};

/** What a program is asked about itself: a member `asks` of its values, filled by the rows
 *  WAX_PROGRAM_ROWS of its table. */
struct wax_program_asks {
	bool help;
	bool version;
	bool print_man;
	enum wax_option_shell print_completion;
};

extern const struct wax_choice wax_program_shells[];

/** The rows that every table ends with. @param help_more the manual on --help, or NULL */
#define WAX_PROGRAM_ROWS(values, group_of_users, group_of_packagers, help_more)                    \
	{                                                                                          \
			.name = "help",                                                            \
			.letter = 'h',                                                             \
			.kind = WAX_OPTION_FLAG,                                                   \
			.group = group_of_users,                                                   \
			.no_variable = true,                                                       \
			WAX_OPTION_MEMBER(values, asks.help),                                      \
			.help = "print this",                                                      \
			.more = help_more,                                                         \
	},                                                                                         \
			{                                                                          \
					.name = "version",                                         \
					.kind = WAX_OPTION_FLAG,                                   \
					.group = group_of_users,                                   \
					.no_variable = true,                                       \
					WAX_OPTION_MEMBER(values, asks.version),                   \
					.help = "print the version",                               \
			},                                                                         \
			{                                                                          \
					.name = "print-man",                                       \
					.kind = WAX_OPTION_FLAG,                                   \
					.group = group_of_packagers,                               \
					.hidden = true,                                            \
					.no_variable = true,                                       \
					WAX_OPTION_MEMBER(values, asks.print_man),                 \
					.help = "print this page in mdoc",                         \
			},                                                                         \
			{                                                                          \
					.name = "print-completion",                                \
					.argument = "bash|zsh|fish",                               \
					.kind = WAX_OPTION_CHOICE,                                 \
					.group = group_of_packagers,                               \
					.hidden = true,                                            \
					.choices = wax_program_shells,                             \
					.no_variable = true,                                       \
					WAX_OPTION_MEMBER(values, asks.print_completion),          \
					.help = "print a completion script for a shell",           \
			},                                                                         \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/** What a program is told to do, where it does several things. */
struct wax_verb {
	const char *words;    /* "state get": one or two */
	const char *operands; /* what follows, as help shows it: "DIR STEP KEY" */
	uint32_t operand_min;
	uint32_t operand_max;
	const char *options; /* names of those it takes, between blanks; and what all take */
	int value;           /* what it is to the program */
	const char *help;    /* as that of an option */
	const char *more;    /* sentences for the manual */
};

/** An example of use: of help and manual. */
struct wax_option_example {
	const char *command;
	const char *help;
};

struct wax_exit_status {
	const char *status;
	const char *meaning; /* sentences */
};

struct wax_program {
	const char *name;                 /* "waxrun" */
	const char *about;                /* "run a dataflow on the cores of this host" */
	const char *usage;                /* what may follow the name */
	const struct wax_option *options; /* ends at a NULL name; those of one group are adjacent */
	const char *const *groups;        /* headings; ends at NULL */
	const struct wax_option_example *examples;   /* ends at a NULL command */
	const struct wax_exit_status *exit_statuses; /* ends at a NULL status */
	const struct wax_verb *verbs; /* ends at NULL words; NULL: it has one thing to do */
	size_t asks;                  /* offset of struct wax_program_asks in its values */

	/* Without verbs there is one operand, and what follows "--" is not the program's. */
	const char *operand;        /* "flow" */
	const char *rest;           /* "arguments of the flow" */
	const char *operand_suffix; /* of files that it may be, as shells write it: "(so|c)" */

	const char *help_end;    /* of --help */
	const char *synopsis;    /* mdoc, behind the name */
	const char *description; /* mdoc */
	const char *environment; /* mdoc, behind the variables; NULL: there are none */
	const char *signals;     /* mdoc, a section; or NULL */
};

/** A command line, taken apart. Strings are lent from argv. */
struct wax_program_words {
	const struct wax_verb *verb;     /* NULL: the program has none, or is asked about itself */
	struct wax_option_list operands; /* behind the verb */
	char **rest;                     /* what follows "--" where that is not the program's */
	int rest_count;
};

/**
 * Parse a command line. An option counts as the command line gives it, else as WAX_<NAME> does in
 * the environment (--snapshot-interval: WAX_SNAPSHOT_INTERVAL; set but empty is not set), else as
 * its default. Given twice, the last one counts. A program that is asked about itself (help,
 * version, what the packager asks for) needs no verb and does not look at the environment.
 *
 * Options may follow operands; "--" ends them. A unique beginning of a long name will do. A flag
 * can be taken back: --quiet=no.
 *
 * Called once, by main: getopt_long(3) has state of its own.
 *
 * @param argc        at least 1
 * @param argv        the program's name first, NULL last; nothing in it is changed or moved;
 *                    borrows until the last use of values and words
 * @param environment as environ(7); NULL is an empty one; borrows likewise
 * @param values      zeroed; written, on failure too
 * @param ret_words   written on success
 * @return 0, or -EINVAL  with a sentence about the first thing wrong: exit status 2
 */
int wax_program_parse(const struct wax_program *program, int argc, char **argv,
		char *const *environment, void *values, struct wax_program_words *ret_words,
		struct wax_err *err);

/** Is a program asked about itself? @param values that were parsed */
bool wax_program_is_asked(const struct wax_program *program, const void *values);

/**
 * Print what it is asked.
 *
 * @param values of which wax_program_is_asked
 * @param topic  first word of the verbs that help is about; NULL, or one that no verb begins with:
 *               all of them
 * @param out    borrows until return
 * @return 0, or -EIO  out did not take it
 */
int wax_program_answer(const struct wax_program *program, const void *values, const char *topic,
		FILE *out);

/** Print --help: one screen of 80 columns. Parameters and return value as wax_program_answer. */
int wax_program_print_help(const struct wax_program *program, const char *topic, FILE *out);

/** Print the manual page in mdoc(7). @return 0 or -EIO */
int wax_program_print_man(const struct wax_program *program, FILE *out);

/** Print a script that completes its command line. @return 0; -EINVAL: no such shell; -EIO */
int wax_program_print_completion(
		const struct wax_program *program, enum wax_option_shell shell, FILE *out);

/** Value of a variable that is set and not empty, else NULL. @param environment may be NULL */
const char *wax_program_look_up(char *const *environment, const char *name);

/** "WAX_SNAPSHOT_INTERVAL". Longer names than any in a table would be cut. */
struct wax_option_variable {
	char name[48];
};

/** The environment variable of an option; by value: `wax_option_variable(option).name`. */
struct wax_option_variable wax_option_variable(const struct wax_option *option);

/** Does the first word of the verb begin its words? @param topic NULL: of any */
bool wax_verb_is_of(const struct wax_verb *verb, const char *topic);

#endif
