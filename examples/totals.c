/* SPDX-License-Identifier: Apache-2.0 */
/* Running totals that survive: waxrun --recovery totals.state totals.c -- --in orders.txt --out totals.txt */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

static int parse(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	char text[64], account[32];
	int64_t amount;

	(void)ctx;
	snprintf(text, sizeof(text), "%.*s", (int)line->value.bytes,
			(const char *)line->value.data);
	if (sscanf(text, "%31s %ld", account, &amount) != 2)
		return wax_fail(out, "the line is not \"account amount\"");
	return wax_emit_kv(out, account, strlen(account), &amount, sizeof(amount));
}

/* The state of an account is its total: plain bytes, which are kept as they are. */
static int add(struct wax_out *out, void *state, const struct wax_item *order, void *ctx)
{
	int64_t *total = state;
	const int64_t *amount = order->value.data;

	(void)ctx;
	*total += *amount;
	wax_emit(out, total, sizeof(*total));
	return WAX_RETAIN;
}

WAX_FLOW(totals, "Running total of each account")
{
	const char *in = wax_arg_path(flow, "in", "lines of \"account amount\"", WAX_REQUIRED);
	const char *to = wax_arg_path(flow, "out", "file of \"account total\"", WAX_REQUIRED);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream orders =
			wax_map(lines, "parse", WAX_KEYED(WAX_TEXT, WAX_I64), parse, NULL);
	struct wax_stream totals =
			wax_stateful_map(orders, "total", WAX_I64, sizeof(int64_t), add, NULL);

	wax_output(totals, "out", wax_file(to, "%k %v"));
}
