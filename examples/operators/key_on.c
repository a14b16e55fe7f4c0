/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

/* The first word of a line. It lies in the line, and is not copied. */
static int category(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const char *text = line->value.data;
	const char *space = memchr(text, ' ', line->value.bytes);

	(void)ctx;
	if (!space)
		return wax_fail(out, "the line has one word only");
	return wax_emit(out, text, (size_t)(space - text));
}

WAX_FLOW(key_on, "Orders of each category")
{
	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines("orders.txt"));
	struct wax_stream keyed = wax_key_on(lines, "category", WAX_TEXT, category, NULL);

	wax_output(wax_count_final(keyed, "count"), "out", wax_stdout("%k: %v"));
}
