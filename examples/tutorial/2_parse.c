/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

/* "books 12.50" becomes the key "books" and the value 12.5. */
static int parse(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	char text[64], category[32];
	double price;

	(void)ctx;
	/* An item is bytes and a length, without a NUL at its end. */
	snprintf(text, sizeof(text), "%.*s", (int)line->value.bytes, (const char *)line->value.data);
	if (sscanf(text, "%31s %lf", category, &price) != 2)
		return wax_fail(out, "the line is not \"category price\"");
	return wax_emit_kv(out, category, strlen(category), &price, sizeof(price));
}

WAX_FLOW(orders, "Parse the lines of a file")
{
	const char *in = wax_arg_path(flow, "in", "orders: category price", "orders.txt");

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream orders = wax_map(lines, "parse", WAX_KEYED(WAX_TEXT, WAX_F64), parse, NULL);

	wax_output(orders, "out", wax_stdout("%k costs %v"));
}
