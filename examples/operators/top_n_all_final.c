/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

static int category(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const char *text = line->value.data;
	const char *space = memchr(text, ' ', line->value.bytes);

	(void)ctx;
	if (!space)
		return wax_fail(out, "the line has one word only");
	return wax_emit(out, text, (size_t)(space - text));
}

WAX_FLOW(top_n_all_final, "The two categories with the most orders")
{
	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines("orders.txt"));
	struct wax_stream keyed = wax_key_on(lines, "category", WAX_TEXT, category, NULL);
	struct wax_stream counts = wax_count_final(keyed, "count");
	struct wax_stream top = wax_top_n_all_final(counts, "top", 2, NULL, NULL);

	wax_output(top, "out", wax_stdout("%k: %v"));
}
