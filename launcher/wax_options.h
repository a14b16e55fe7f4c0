/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_WAX_OPTIONS_H
#define LAUNCHER_WAX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "launcher/program.h"
#include "launcher/state_text.h"

/**
 * The command line of wax: its verbs and options (launcher/wax_options.c) and what it said.
 */

enum wax_tool_action {
	WAX_TOOL_TELL, /* about itself */
	WAX_TOOL_STATE_LS,
	WAX_TOOL_STATE_GET,
	WAX_TOOL_STATE_EXPORT,
	WAX_TOOL_STATE_DIFF,
	WAX_TOOL_STATE_REPAIR,
};

enum wax_tool_format {
	WAX_TOOL_TEXT,
	WAX_TOOL_JSON,
	WAX_TOOL_SQLITE,
};

/** What the command line and the defaults say together. A plain value; strings are lent from argv. */
struct wax_tool_options {
	enum wax_tool_action action;
	uint64_t epoch; /* 0: the newest */
	enum wax_state_type key_type;
	enum wax_state_type value_type;
	enum wax_tool_format format;
	bool json;            /* format is JSON */
	const char *out_path; /* NULL: standard output */
	bool dry_run;
	struct wax_program_asks asks;
	struct wax_option_list operands;
	const char *topic; /* of help: the first word that was typed, or NULL */
};

extern const struct wax_program wax_tool_program;

/**
 * Parse a command line of wax: see wax_program_parse, which says what is borrowed.
 *
 * @return 0, or -EINVAL  with a sentence about the first thing wrong: exit status 2
 */
int wax_tool_parse(
		int argc, char **argv, struct wax_tool_options *ret_options, struct wax_err *err);

#endif
