/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are copied by one step, and from there by another: each dies at a number of its own, which to the
 * other is one like the rest. */
#include <stdlib.h>

#include <wax/wax.h>

static int copy(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const int64_t *deadly = ctx;
	uint64_t number = *(const uint64_t *)item->value.data;

	if ((int64_t)number == *deadly)
		abort();
	return wax_emit(out, &number, sizeof(number));
}

static struct wax_stream copies(
		struct wax_flow *flow, struct wax_stream numbers, const char *id, int64_t deadly)
{
	int64_t *number = wax_flow_alloc(flow, sizeof(*number));

	*number = deadly;
	return wax_map(numbers, id, WAX_U64, copy, number);
}

WAX_FLOW(deadly, "Numbers to two files, but for those that are deadly")
{
	const char *first_to = wax_arg_path(flow, "first", "file of the first step", WAX_REQUIRED);
	const char *second_to = wax_arg_path(flow, "second", "file of the second", WAX_REQUIRED);
	struct wax_stream numbers =
			wax_input(flow, "numbers", wax_batch_size(wax_numbers_single(1000, 0), 10));
	struct wax_stream first = copies(flow, numbers, "first", 700);
	struct wax_stream second = copies(flow, first, "second", 300);

	wax_output(first, "to_first", wax_file(first_to, "%v"));
	wax_output(second, "to_second", wax_file(second_to, "%v"));
}
