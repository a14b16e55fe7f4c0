/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: makes twelve million items of one. */
#include <wax/wax.h>

static int flood(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = *(const uint64_t *)item->value.data;
	uint64_t times = number == 5 ? 12 * 1000 * 1000 : 1;

	(void)ctx;
	for (uint64_t i = 0; i < times; i++)
		wax_emit(out, &number, sizeof(number));
	return 0;
}

static int is_small(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return *(const uint64_t *)item->value.data < 5;
}

WAX_FLOW(sanitize_flood, "A call that emits without bound")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(10, 0));
	struct wax_stream flooded = wax_flat_map(numbers, "flood", WAX_U64, flood, NULL);

	wax_output(wax_filter(flooded, "small", is_small, NULL), "out", wax_stdout("%v"));
}
