/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: a callback that waits, as a query to another machine does. */
#include <time.h>

#include <wax/wax.h>

static int ask(const struct wax_item *item, void *ctx)
{
	const struct timespec pause = {.tv_nsec = 60 * 1000 * 1000};

	(void)ctx;
	if (*(const uint64_t *)item->value.data == 5)
		nanosleep(&pause, NULL);
	return 1;
}

WAX_FLOW(sanitize_sleep, "A call that blocks")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(10, 0));
	struct wax_stream plain = wax_filter(numbers, "ask", ask, NULL);

	wax_output(plain, "out", wax_stdout("%v"));
}
