/* SPDX-License-Identifier: Apache-2.0 */
/* Lines from --in, --dir or standard input, handed about, to --to, --into or standard output. */
#include <stddef.h>
#include <string.h>

#include <wax/wax.h>

/* The length of a line: some key that differs. */
static int by_length(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t bytes = item->value.bytes;

	(void)ctx;
	return wax_emit(out, &bytes, sizeof(bytes));
}

WAX_FLOW(lines, "Copy lines")
{
	const char *in = wax_arg_path(flow, "in", "file to read", NULL);
	const char *from = wax_arg_path(flow, "from", "directory to read", NULL);
	const char *to = wax_arg_path(flow, "to", "file to write", NULL);
	const char *into = wax_arg_path(flow, "into", "directory to write", NULL);
	int64_t parts = wax_arg_int(flow, "parts", "files in it; 0: one a worker", "0");
	struct wax_source *source = in ? wax_file_lines(in)
			: from         ? wax_dir_lines(from, NULL)
				       : wax_stdin_lines();
	struct wax_stream lines = wax_redistribute(
			wax_input(flow, "in", source), "deal", WAX_DEAL_ITEMS);

	if (to)
		wax_output(lines, "to", wax_file(to, NULL));
	else if (into && parts > 0)
		wax_output(wax_key_on(lines, "by_length", WAX_U64, by_length, NULL), "into",
				wax_dir(into, (uint32_t)parts, "%v"));
	else if (into)
		wax_output(lines, "into", wax_dir(into, 0, NULL));
	else
		wax_output(lines, "out", wax_stdout(NULL));
}
