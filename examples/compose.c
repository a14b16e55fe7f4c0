/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator made of others. clean_orders reads, checks and keys orders; it is used twice, under
 * different ids, so that reports, graphs and --on-error can tell "old.parse" from "new.parse".
 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

struct order {
	uint64_t customer;
	uint64_t cents;
};

/* "customer cents" */
static int parse(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	char text[64];
	struct order order;
	unsigned long customer, cents;

	(void)ctx;
	snprintf(text, sizeof(text), "%.*s", (int)line->value.bytes,
			(const char *)line->value.data);
	if (sscanf(text, "%lu %lu", &customer, &cents) != 2)
		return wax_fail(out, "the line is not \"customer cents\"");
	order = (struct order){customer, cents};
	return wax_emit(out, &order, sizeof(order));
}

WAX_FILTER(is_paid, struct order, order)
{
	return order->cents > 0;
}

WAX_KEY(customer, struct order, order, uint64_t, key)
{
	*key = order->customer;
}

WAX_MAP(amount, struct order, order, uint64_t, cents)
{
	*cents = order->cents;
}

/* From lines to the cents of paid orders, by customer. */
static struct wax_stream clean_orders(struct wax_stream lines, const char *id)
{
	struct wax_stream orders, paid, keyed, cents;

	wax_scope_begin(lines.flow, id);
	orders = wax_map(lines, "parse", WAX_STRUCT(struct order), parse, NULL);
	wax_on_error(orders, WAX_SKIP);
	paid = wax_filter_typed(orders, "paid", &is_paid);
	keyed = wax_key_on_typed(paid, "by_customer", &customer);
	cents = wax_map_typed(keyed, "amount", &amount);
	wax_scope_end(lines.flow);
	return cents;
}

static int add(void *acc, const void *value, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)value;
	return 0;
}

WAX_FLOW(compose, "Cents by customer, from old and new orders")
{
	const char *old_path = wax_arg_path(flow, "old", "orders of last year", WAX_REQUIRED);
	const char *new_path = wax_arg_path(flow, "new", "orders of this year", WAX_REQUIRED);

	struct wax_stream old_lines = wax_input(flow, "old_lines", wax_file_lines(old_path));
	struct wax_stream new_lines = wax_input(flow, "new_lines", wax_file_lines(new_path));
	struct wax_stream both[] = {clean_orders(old_lines, "old"), clean_orders(new_lines, "new")};
	struct wax_stream orders = wax_merge("orders", both, 2);

	wax_output(wax_reduce_final(orders, "sum", add, NULL), "out", wax_stdout(NULL));
}
