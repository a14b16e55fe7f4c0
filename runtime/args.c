/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/flow.h"
#include "runtime/suggest.h"
#include "runtime/units.h"

/* The flow's own arguments: `--name value`, `--name=value`, `--flag`. The flow declares them one by
 * one while it is built, and each declaration takes what was given for it. */

const char wax_required[] = "";

static const char *kind_name(enum wax_arg_kind kind)
{
	static const char *const names[] = {
			[WAX_ARG_TEXT] = "TEXT",
			[WAX_ARG_PATH] = "PATH",
			[WAX_ARG_INT] = "N",
			[WAX_ARG_FLOAT] = "X",
			[WAX_ARG_SIZE] = "SIZE",
			[WAX_ARG_DURATION] = "DURATION",
			[WAX_ARG_FLAG] = "",
	};
	return names[kind];
}

/* Does `text` give the option `name`? ret_value: behind a '=', or NULL. */
static bool names_arg(const char *text, const char *name, const char **ret_value)
{
	size_t bytes = strlen(name);
	if (strncmp(text, "--", 2) != 0 || strncmp(text + 2, name, bytes) != 0)
		return false;
	char next = text[2 + bytes];
	*ret_value = next == '=' ? text + 2 + bytes + 1 : NULL;
	return next == '\0' || next == '=';
}

/* What was given for an argument, or NULL. The last of several counts. */
static const char *take_given(struct wax_flow *flow, const struct wax_arg *arg)
{
	const char *found = NULL;
	for (int i = 0; i < flow->given_count; i++) {
		const char *value;
		if (flow->given_used[i] || !names_arg(flow->given[i], arg->name, &value))
			continue;
		flow->given_used[i] = true;
		if (arg->kind == WAX_ARG_FLAG) {
			if (value)
				wax_flow_fail_usage(flow, "--%s takes no value", arg->name);
			found = "1";
			continue;
		}
		if (!value) {
			if (i + 1 == flow->given_count) {
				wax_flow_fail_usage(flow, "--%s needs a value (%s)", arg->name,
						kind_name(arg->kind));
				return NULL;
			}
			flow->given_used[++i] = true;
			value = flow->given[i];
		}
		found = value;
	}
	return found;
}

/* Declare an argument and find its text; NULL when there is none. */
static const char *declare(struct wax_flow *flow, enum wax_arg_kind kind, const char *name,
		const char *help, const char *fallback)
{
	WAX_ASSERT(flow);
	WAX_ASSERT(name && name[0]);
	if (flow->arg_count == flow->arg_capacity) {
		flow->arg_capacity = flow->arg_capacity ? flow->arg_capacity * 2 : 8;
		struct wax_arg *grown =
				realloc(flow->args, flow->arg_capacity * sizeof(*flow->args));
		WAX_ASSERT(grown);
		flow->args = grown;
	}
	struct wax_arg *arg = &flow->args[flow->arg_count++];
	*arg = (struct wax_arg){name, help ? help : "", fallback, kind};

	const char *text = take_given(flow, arg);
	if (text)
		return text;
	if (fallback == wax_required) {
		wax_flow_fail_usage(flow, "the flow needs --%s %s (%s)", name, kind_name(kind),
				arg->help);
		return NULL;
	}
	return fallback;
}

const char *wax_arg_text(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	return declare(flow, WAX_ARG_TEXT, name, help, fallback);
}

const char *wax_arg_path(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	const char *path = declare(flow, WAX_ARG_PATH, name, help, fallback);
	if (path && path[0] == '\0') {
		wax_flow_fail_usage(flow, "--%s is an empty path", name);
		return NULL;
	}
	return path;
}

static void fail_value(struct wax_flow *flow, const char *name, const struct wax_err *err)
{
	wax_flow_fail_usage(flow, "--%s: %s", name, err->text);
}

int64_t wax_arg_int(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	const char *text = declare(flow, WAX_ARG_INT, name, help, fallback);
	if (!text)
		return 0;
	bool negative = text[0] == '-';
	struct wax_err err = {0};
	uint64_t count;
	if (wax_units_parse_count(text + negative, &count, &err) < 0) {
		fail_value(flow, name, &err);
		return 0;
	}
	if (count > INT64_MAX) {
		wax_flow_fail_usage(flow, "--%s: %s is too large", name, text);
		return 0;
	}
	return negative ? -(int64_t)count : (int64_t)count;
}

double wax_arg_float(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	const char *text = declare(flow, WAX_ARG_FLOAT, name, help, fallback);
	if (!text)
		return 0;
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (end == text || *end != '\0' || errno == ERANGE) {
		wax_flow_fail_usage(flow, "--%s: '%s' is no number", name, text);
		return 0;
	}
	return value;
}

uint64_t wax_arg_size(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	const char *text = declare(flow, WAX_ARG_SIZE, name, help, fallback);
	struct wax_err err = {0};
	uint64_t bytes = 0;
	if (text && wax_units_parse_bytes(text, &bytes, &err) < 0) {
		fail_value(flow, name, &err);
		return 0;
	}
	return bytes;
}

int64_t wax_arg_duration(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback)
{
	const char *text = declare(flow, WAX_ARG_DURATION, name, help, fallback);
	struct wax_err err = {0};
	int64_t ns = 0;
	if (text && wax_units_parse_duration(text, &ns, &err) < 0) {
		fail_value(flow, name, &err);
		return 0;
	}
	return ns;
}

int wax_arg_flag(struct wax_flow *flow, const char *name, const char *help)
{
	return declare(flow, WAX_ARG_FLAG, name, help, NULL) != NULL;
}

bool wax_flow_wants_help(const struct wax_flow *flow)
{
	for (int i = 0; i < flow->given_count; i++) {
		if (!flow->given_used[i] && (strcmp(flow->given[i], "--help") == 0 ||
							    strcmp(flow->given[i], "-h") == 0))
			return true;
	}
	return false;
}

void wax_args_check(struct wax_flow *flow)
{
	if (wax_flow_wants_help(flow))
		return;
	for (int i = 0; i < flow->given_count; i++) {
		if (flow->given_used[i])
			continue;
		const char *text = flow->given[i];
		if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
			wax_flow_fail_usage(flow, "the flow takes no argument '%s': its arguments are "
					    "written --name value",
					text);
			continue;
		}

		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
		struct wax_suggest suggest;
		wax_suggest_init(&suggest, name);
		for (uint32_t arg = 0; arg < flow->arg_count; arg++)
			wax_suggest_offer(&suggest, flow->args[arg].name);
		const char *meant = wax_suggest_nearest(&suggest);
		if (meant)
			wax_flow_fail_usage(flow, "the flow has no argument --%s: did you mean --%s?", name,
					meant);
		else
			wax_flow_fail_usage(flow, "the flow has no argument --%s: `-- --help` lists what "
					    "it has",
					name);
		/* Its value, most likely. */
		if (!strchr(text, '=') && i + 1 < flow->given_count &&
				strncmp(flow->given[i + 1], "--", 2) != 0)
			flow->given_used[i + 1] = true;
	}
}

void wax_flow_print_help(const struct wax_flow *flow, FILE *to, const char *path)
{
	fprintf(to, "%s: %s\n\nUsage: waxrun [OPTIONS] %s", flow->name, flow->about, path);
	if (flow->arg_count == 0) {
		fprintf(to, "\n\nIt has no arguments of its own.\n");
		return;
	}
	fprintf(to, " -- [ARGUMENTS]\n\nArguments of the flow:\n");
	for (uint32_t i = 0; i < flow->arg_count; i++) {
		const struct wax_arg *arg = &flow->args[i];
		char left[96];
		snprintf(left, sizeof(left), "--%s %s", arg->name, kind_name(arg->kind));
		fprintf(to, "  %-26s %s", left, arg->help);
		if (arg->fallback == wax_required)
			fputs(" (needed)", to);
		else if (arg->fallback)
			fprintf(to, " [%s]", arg->fallback);
		fputc('\n', to);
	}
}
