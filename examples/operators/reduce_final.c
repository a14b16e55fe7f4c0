/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static int add(void *acc, const void *value, void *ctx)
{
	uint64_t *sum = acc;
	const uint64_t *number = value;

	(void)ctx;
	*sum += *number;
	return 0;
}

WAX_FLOW(reduce_final, "Sums of numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream sums = wax_reduce_final(by_rest, "sum", add, NULL);

	wax_output(sums, "out", wax_stdout("%k: %v"));
}
