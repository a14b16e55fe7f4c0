/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: numbers what comes. All comes from one worker, so it shows only when steps are torn apart. */
#include <wax/wax.h>

static int number(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static uint64_t seen;

	(void)item;
	(void)ctx;
	seen++;
	return wax_emit(out, &seen, sizeof(seen));
}

WAX_FLOW(sanitize_single, "State in a global variable, behind a single source")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(100, 0));

	wax_output(wax_map(numbers, "number", WAX_U64, number, NULL), "out", wax_stdout("%v"));
}
