/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "launcher/options_table.h"
#include "runtime/units.h"

/* What tells about waxrun itself comes first: it needs no flow. */
static enum wax_option_action action_of(const struct wax_options *options)
{
	if (wax_program_is_asked(&wax_option_program, options))
		return WAX_OPTION_TELL;
	if (options->graph != WAX_OPTION_GRAPH_NONE)
		return WAX_OPTION_GRAPH;
	return options->check ? WAX_OPTION_CHECK : WAX_OPTION_RUN;
}

static int read_from(struct wax_options *options, struct wax_err *err)
{
	const char *text = options->from_text;

	if (strcmp(text, "latest") == 0)
		options->from_epoch = 0;
	else if (strcmp(text, "none") == 0)
		options->from_epoch = UINT64_MAX;
	else if (wax_units_parse_number(text, &options->from_epoch, NULL) < 0 ||
			options->from_epoch == 0 || options->from_epoch == UINT64_MAX)
		return wax_err_set(err, -EINVAL,
				"--from '%s': write latest, none, or the number of an epoch", text);
	return 0;
}

/* "never", "on-crash" or "on-crash:5/min" */
static int read_restart(struct wax_options *options, struct wax_err *err)
{
	static const char on_crash[] = "on-crash";
	const char *text = options->restart_text, *rest = text + sizeof(on_crash) - 1;
	char number[24];
	uint64_t count;
	int length = 0;

	if (strcmp(text, "never") == 0) {
		options->restart_limit = 0;
		return 0;
	}
	options->restart_limit = WAX_OPTION_RESTARTS_USUAL;
	if (strcmp(text, on_crash) == 0)
		return 0;
	if (strncmp(text, on_crash, sizeof(on_crash) - 1) != 0 ||
			sscanf(rest, ":%23[0-9]/min%n", number, &length) != 1 || length == 0 ||
			rest[length] != '\0' || wax_units_parse_number(number, &count, NULL) < 0 ||
			count == 0 || count > WAX_OPTION_RESTARTS_MAX)
		return wax_err_set(err, -EINVAL,
				"--restart '%s': write never, on-crash, or on-crash:N/min with N "
				"from 1 to %d",
				text, WAX_OPTION_RESTARTS_MAX);
	options->restart_limit = (uint32_t)count;
	return 0;
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

	rc = read_from(&options, err);
	if (rc == 0)
		rc = read_restart(&options, err);
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
