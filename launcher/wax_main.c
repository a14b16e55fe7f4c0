/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "launcher/setup.h"
#include "launcher/state.h"
#include "launcher/streams.h"
#include "launcher/wax_options.h"

/* wax: what is to be looked at without running a flow. */

static int tell(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	(void)err;
	return wax_program_answer(&wax_tool_program, options, options->topic, out) < 0
			? WAX_EXIT_CONNECTOR
			: 0;
}

static int (*const actions[])(
		const struct wax_tool_options *options, FILE *out, struct wax_err *err) = {
		[WAX_TOOL_TELL] = tell,
		[WAX_TOOL_STATE_LS] = wax_state_ls,
		[WAX_TOOL_STATE_GET] = wax_state_get,
		[WAX_TOOL_STATE_EXPORT] = wax_state_export,
		[WAX_TOOL_STATE_DIFF] = wax_state_diff,
		[WAX_TOOL_STATE_REPAIR] = wax_state_repair,
};

int main(int argc, char **argv)
{
	struct wax_tool_options options;
	struct wax_err err = {0};
	int status = WAX_EXIT_USAGE;

	wax_streams_hold();
	if (wax_tool_parse(argc, argv, &options, &err) == 0)
		status = actions[options.action](&options, stdout, &err);
	if (err.code != 0)
		fprintf(stderr, "wax: error: %s\n", err.text);
	return wax_streams_finish("wax", status);
}
