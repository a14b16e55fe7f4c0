/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FLOW(inspect, "Print numbers on their way")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(3, 0));

	wax_inspect(numbers, "look", NULL, NULL);
}
