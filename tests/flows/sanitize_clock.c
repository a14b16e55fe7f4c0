/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: a result holds the time, in seconds. */
#include <time.h>

#include <wax/wax.h>

static int stamp(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	int64_t now = (int64_t)time(NULL);

	(void)item;
	(void)ctx;
	return wax_emit(out, &now, sizeof(now));
}

WAX_FLOW(sanitize_clock, "A map that asks for the time")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(100, 0));

	wax_output(wax_map(numbers, "stamp", WAX_I64, stamp, NULL), "out", wax_stdout("%v"));
}
