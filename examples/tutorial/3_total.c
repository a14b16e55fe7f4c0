/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

static int parse(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	char text[64], category[32];
	double price;

	(void)ctx;
	snprintf(text, sizeof(text), "%.*s", (int)line->value.bytes, (const char *)line->value.data);
	if (sscanf(text, "%31s %lf", category, &price) != 2)
		return wax_fail(out, "the line is not \"category price\"");
	return wax_emit_kv(out, category, strlen(category), &price, sizeof(price));
}

/* What is kept for each category. It is zero at first. */
struct total {
	int64_t orders;
	double price;
};

static int print_total(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct total *total = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%.2f in %d orders", total->price, (int)total->orders);
}

static int add(void *acc, const struct wax_item *order, void *ctx)
{
	struct total *total = acc;
	const double *price = order->value.data;

	(void)ctx;
	total->orders++;
	total->price += *price;
	return 0;
}

WAX_FLOW(orders, "Total of each category")
{
	const char *in = wax_arg_path(flow, "in", "orders: category price", "orders.txt");
	const struct wax_type *total = WAX_STRUCT_PRINT(struct total, print_total);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream orders = wax_map(lines, "parse", WAX_KEYED(WAX_TEXT, WAX_F64), parse, NULL);
	struct wax_stream totals = wax_fold_final(orders, "total", total, NULL, add, NULL);

	wax_output(totals, "out", wax_stdout("%k: %v"));
}
