/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

/* Turn each line into its length; the length is the key. */
static int length(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	uint64_t bytes = line->value.bytes;

	(void)ctx;
	return wax_emit(out, &bytes, sizeof(bytes));
}

WAX_FLOW(hello, "How many lines of a text have which length")
{
	const char *in = wax_arg_path(flow, "in", "text to read", WAX_REQUIRED);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream by_length = wax_key_on(lines, "by_length", WAX_U64, length, NULL);
	struct wax_stream counts = wax_count_final(by_length, "count");

	wax_output(counts, "out", wax_stdout("%v lines of %k bytes"));
}
