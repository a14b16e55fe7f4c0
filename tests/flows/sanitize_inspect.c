/* SPDX-License-Identifier: Apache-2.0 */
/* Right: what two inspects are given is their output, and a trial prints none of it. */
#include <wax/wax.h>

WAX_FLOW(sanitize_inspect, "Outputs that print to standard error")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(50, 0));

	wax_inspect_debug(wax_inspect(numbers, "look", NULL, NULL), "debug", NULL, NULL);
}
