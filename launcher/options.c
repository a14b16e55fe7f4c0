/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/options.h"

#include <errno.h>
#include <string.h>

#include "launcher/options_table.h"

/* What tells about waxrun itself comes first: it needs no flow. */
static enum wax_option_action action_of(const struct wax_options *options)
{
	if (wax_program_is_asked(&wax_option_program, options))
		return WAX_OPTION_TELL;
	if (options->graph != WAX_OPTION_GRAPH_NONE)
		return WAX_OPTION_GRAPH;
	return options->check ? WAX_OPTION_CHECK : WAX_OPTION_RUN;
}

int wax_options_parse(int argc, char **argv, char *const *environment,
		struct wax_options *ret_options, struct wax_err *err)
{
	struct wax_options options = {0};
	struct wax_program_words words;
	int rc = wax_program_parse(
			&wax_option_program, argc, argv, environment, &options, &words, err);

	if (rc < 0)
		return rc;

	options.action = action_of(&options);
	options.flow_path = words.operands.count > 0 ? words.operands.texts[0] : NULL;
	options.flow_argc = words.rest_count;
	options.flow_argv = words.rest;
	if (options.action != WAX_OPTION_TELL && !options.flow_path)
		return wax_err_set(err, -EINVAL,
				"no flow: write waxrun [OPTIONS] FLOW.so [-- ARGUMENTS], or see "
				"waxrun --help");

	*ret_options = options;
	return 0;
}

bool wax_options_color(
		const struct wax_options *options, char *const *environment, bool is_terminal)
{
	if (options->color != WAX_OPTION_COLOR_AUTO)
		return options->color == WAX_OPTION_COLOR_ALWAYS;
	if (wax_program_look_up(environment, "NO_COLOR"))
		return false;

	const char *force = wax_program_look_up(environment, "CLICOLOR_FORCE");
	const char *term = wax_program_look_up(environment, "TERM");

	if (force && strcmp(force, "0") != 0)
		return true;
	return is_terminal && term && strcmp(term, "dumb") != 0;
}
