/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

enum { AT_ONCE = 100 };

/* Stands for what costs much a call and little an item: a model, a compressor, a library with a lock. */
static void prices_of(const uint64_t *ids, uint64_t *cents, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		cents[i] = 100 + ids[i] * 50;
}

static int price(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	const uint64_t *ids = WAX_VALUES(batch, uint64_t);
	uint64_t cents[AT_ONCE];

	(void)ctx;
	for (uint32_t i = 0, count; i < batch->count; i += count) {
		count = batch->count - i < AT_ONCE ? batch->count - i : AT_ONCE;
		prices_of(&ids[i], cents, count);
		for (uint32_t j = 0; j < count; j++)
			wax_emit_kv(out, &ids[i + j], sizeof(ids[0]), &cents[j], sizeof(cents[0]));
	}
	return 0;
}

WAX_FLOW(flat_map_batch, "Prices of articles, a hundred in a call at most")
{
	struct wax_stream ids = wax_input(flow, "articles", wax_numbers(6, 0));
	struct wax_stream prices =
			wax_flat_map_batch(ids, "price", WAX_KEYED(WAX_U64, WAX_U64), price, NULL);

	wax_output(prices, "out", wax_stdout("article %k: %v cents"));
}
