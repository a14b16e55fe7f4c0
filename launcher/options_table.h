/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_OPTIONS_TABLE_H
#define LAUNCHER_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The table of options: the only place where an option is described. Parser, help, manual and
 * completion read it; constant, so any thread may.
 */

/** How the value is written, and the type of the member of struct wax_options that holds it. */
enum wax_option_kind {
	WAX_OPTION_FLAG,     /* bool */
	WAX_OPTION_SIZE,     /* uint32_t or uint64_t, bytes */
	WAX_OPTION_DURATION, /* int64_t, ns */
	WAX_OPTION_NUMBER,   /* uint32_t or uint64_t */
	WAX_OPTION_CHOICE,   /* an enum */
	WAX_OPTION_STRING,   /* const char * */
	WAX_OPTION_LIST,     /* struct wax_option_list: each time it is given adds a text */
};

enum wax_option_group {
	WAX_OPTION_GROUP_WORKERS,
	WAX_OPTION_GROUP_MEMORY,
	WAX_OPTION_GROUP_EPOCHS,
	WAX_OPTION_GROUP_REPORTS,
	WAX_OPTION_GROUP_OTHER,
	WAX_OPTION_GROUP_HIDDEN, /* for packagers: in no help and no completion */
	WAX_OPTION_GROUP_COUNT,
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
	enum wax_option_group group;

	const char *initial; /* the default as one would type it; NULL: off, none, nothing */
	const char *bare;    /* what the name alone stands for; NULL: a value must be given */
	const char *word;    /* a word allowed beside numbers, "auto"; NULL: none */
	int64_t word_value;  /* what word stands for */
	uint64_t min;        /* of a size or number */
	uint64_t max;        /* of a size or number; 0: no limit */
	bool power_of_two;
	const struct wax_choice *choices; /* ends at a NULL name */
	bool no_variable;                 /* not read from the environment */

	size_t member; /* offset in struct wax_options */
	size_t member_bytes;

	const char *help; /* one line, no full stop, 46 letters and the default at most */
	const char *more; /* sentences for the manual; NULL: help says it all */
};

/** An example of use: of help and manual. */
struct wax_option_example {
	const char *command;
	const char *help;
};

/** Most options the table may have: what readers reserve. */
#define WAX_OPTION_COUNT_MAX 64

/** Ends at a NULL name. Options of one group are adjacent. */
extern const struct wax_option wax_option_table[];

/** By enum wax_option_group. */
extern const char *const wax_option_group_names[];

/** Ends at a NULL command. */
extern const struct wax_option_example wax_option_examples[];

/** "WAX_SNAPSHOT_INTERVAL". Longer names than any in the table would be cut. */
struct wax_option_variable {
	char name[48];
};

/** The environment variable of an option; by value: `wax_option_variable(option).name`. */
struct wax_option_variable wax_option_variable(const struct wax_option *option);

/** Is it for users, and so in help and completion? */
bool wax_option_is_visible(const struct wax_option *option);

#endif
