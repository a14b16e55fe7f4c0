/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

/* Work that is worth sharing. */
static int collatz(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	uint64_t steps = 0;

	(void)ctx;
	for (uint64_t i = *number + 1; i != 1; i = i % 2 ? 3 * i + 1 : i / 2)
		steps++;
	return wax_emit(out, &steps, sizeof(steps));
}

WAX_FLOW(redistribute, "Work on numbers of one worker, in all workers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(10000, 0));
	struct wax_stream dealt = wax_redistribute(numbers, "deal", WAX_DEAL_BATCHES);
	struct wax_stream steps = wax_map(dealt, "collatz", WAX_U64, collatz, NULL);
	struct wax_stream most = wax_top_n_all_final(steps, "most", 1, NULL, NULL);

	wax_output(most, "out", wax_stdout("%v steps"));
}
