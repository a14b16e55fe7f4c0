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

/* 1 keeps the order, 0 drops it. */
static int is_large(const struct wax_item *order, void *ctx)
{
	const double *price = order->value.data, *least = ctx;

	return *price >= *least;
}

/* One total out for each price in; the key goes along by itself. */
static int add(struct wax_out *out, void *state, const struct wax_item *order, void *ctx)
{
	double *total = state;
	const double *price = order->value.data;

	(void)ctx;
	*total += *price;
	wax_emit(out, total, sizeof(*total));
	return WAX_RETAIN;
}

WAX_FLOW(orders, "Running total of each category")
{
	double *least = wax_flow_alloc(flow, sizeof(*least));
	*least = wax_arg_float(flow, "least", "leave out orders below this price", "0");

	struct wax_stream lines = wax_input(flow, "lines", wax_stdin_lines());
	struct wax_stream orders = wax_map(lines, "parse", WAX_KEYED(WAX_TEXT, WAX_F64), parse, NULL);
	struct wax_stream large = wax_filter(orders, "large", is_large, least);
	struct wax_stream totals =
			wax_stateful_map(large, "total", WAX_F64, sizeof(double), add, NULL);

	wax_output(totals, "out", wax_stdout("%k %v"));
}
