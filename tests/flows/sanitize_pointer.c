/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: keeps a pointer to an item for the next call. */
#include <wax/wax.h>

static int previous(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static const uint64_t zero = 0;
	const void **last = ctx;
	const void *given = *last ? *last : &zero;

	*last = item->value.data;
	return wax_emit(out, given, sizeof(zero));
}

WAX_FLOW(sanitize_pointer, "A pointer that is kept across calls")
{
	const void **last = wax_flow_alloc(flow, sizeof(*last));
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(10000, 0));

	wax_output(wax_map(numbers, "previous", WAX_U64, previous, last), "out", wax_stdout("%v"));
}
