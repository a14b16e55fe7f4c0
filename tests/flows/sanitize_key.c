/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: changes the key of an item where it lies, after the items were dealt by it. */
#include <wax/wax.h>

static int key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(*(const uint64_t *)item->value.data % 10);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int merge_keys(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	*(uint32_t *)(uintptr_t)item->key.data &= 1;
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static int count(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)item;
	(void)ctx;
	++*(uint64_t *)state;
	wax_emit(out, state, sizeof(uint64_t));
	return WAX_RETAIN;
}

WAX_FLOW(sanitize_key, "A key that is changed after routing")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(1000, 0));
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U32, key, NULL);
	struct wax_stream dealt = wax_redistribute(keyed, "deal", WAX_DEAL_KEYS);
	struct wax_stream merged = wax_map_value(dealt, "merge_keys", WAX_U64, merge_keys, NULL);

	wax_output(wax_stateful_map(merged, "count", WAX_U64, sizeof(uint64_t), count, NULL), "out",
			wax_stdout("%k %v"));
}
