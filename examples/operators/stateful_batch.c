/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

/* Packs of two values, as text; at the end of the input what is left. */
struct pack {
	uint32_t count;
	uint64_t numbers[2];
};

static void emit_pack(struct wax_keyed *keyed, struct pack *pack)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%d", (int)pack->numbers[0]);

	if (pack->count == 2)
		length = snprintf(text, sizeof(text), "%d and %d", (int)pack->numbers[0],
				(int)pack->numbers[1]);
	wax_emit(wax_keyed_out(keyed), text, (size_t)length);
	pack->count = 0;
}

static int pack_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct pack *pack = state;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);

		memcpy(&pack->numbers[pack->count++], value.data, value.bytes);
		if (pack->count == 2)
			emit_pack(keyed, pack);
	}
	return WAX_RETAIN;
}

static int pack_rest(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct pack *pack = state;

	(void)ctx;
	if (pack->count > 0)
		emit_pack(keyed, pack);
	return WAX_DISCARD;
}

static const struct wax_stateful packs_of_two = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct pack),
		.on_batch = pack_batch,
		.on_eof = pack_rest,
};

WAX_FLOW(stateful_batch, "Numbers in packs of two")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream packs =
			wax_stateful_batch(by_rest, "pack", WAX_TEXT, &packs_of_two, NULL);

	wax_output(packs, "out", wax_stdout("%k: %v"));
}
