/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: takes a batch for a unit. */
#include <wax/wax.h>

static int add(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	uint64_t sum = 0;

	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++)
		sum += WAX_VALUES(batch, uint64_t)[i];
	return wax_emit(out, &sum, sizeof(sum));
}

WAX_FLOW(sanitize_batch, "A sum of each batch")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(100, 0));

	wax_output(wax_flat_map_batch(numbers, "add", WAX_U64, add, NULL), "out", wax_stdout("%v"));
}
