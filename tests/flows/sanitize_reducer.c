/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: the reducer depends on the order of its values. */
#include <wax/wax.h>

static int key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(*(const uint64_t *)item->value.data % 7);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int append(void *acc, const void *value, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc = *(const uint64_t *)acc * 31 + *(const uint64_t *)value;
	return 0;
}

WAX_FLOW(sanitize_reducer, "A reducer that does not commute")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(1000, 0));
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U32, key, NULL);

	wax_output(wax_reduce_final(keyed, "append", append, NULL), "out", wax_stdout("%k %v"));
}
