/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_MAP(mix, uint64_t, number, uint64_t, mixed)
{
	*mixed = *number * 3 % 10;
}

WAX_KEY(parity, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 2);
}

/* What is greater than everything before it. */
static int records(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *highest = state;
	const uint64_t *number = item->value.data;

	(void)ctx;
	if (*number > *highest) {
		*highest = *number;
		wax_emit(out, highest, sizeof(*highest));
	}
	return WAX_RETAIN;
}

WAX_FLOW(stateful_flat_map, "Records of mixed numbers, 0 3 6 9 2 5 8 1 4 7, odd and even apart")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(10, 0));
	struct wax_stream mixed = wax_map_typed(numbers, "mix", &mix);
	struct wax_stream keyed = wax_key_on_typed(mixed, "parity", &parity);
	struct wax_stream highest = wax_stateful_flat_map(
			keyed, "records", WAX_U64, sizeof(uint64_t), records, NULL);

	wax_output(highest, "out", wax_stdout("%k: %v"));
}
