/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(parity, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 2);
}

/* The difference to the item of the key before. */
static int change(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *last = state;
	const uint64_t *number = item->value.data;
	uint64_t difference = *number - *last;

	(void)ctx;
	*last = *number;
	wax_emit(out, &difference, sizeof(difference));
	return WAX_RETAIN;
}

WAX_FLOW(stateful_map, "Differences between odd numbers, and between even ones")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream keyed = wax_key_on_typed(numbers, "parity", &parity);
	struct wax_stream changes =
			wax_stateful_map(keyed, "change", WAX_U64, sizeof(uint64_t), change, NULL);

	wax_output(changes, "out", wax_stdout("%k: %v"));
}
