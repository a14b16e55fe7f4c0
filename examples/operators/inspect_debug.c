/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FLOW(inspect_debug, "Print numbers and what happens between them")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(3, 0));

	wax_inspect_debug(numbers, "trace", NULL, NULL);
}
