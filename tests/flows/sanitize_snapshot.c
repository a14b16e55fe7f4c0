/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: the snapshot has the sum, but not the count. */
#include <string.h>

#include <wax/wax.h>

struct mean {
	uint64_t sum;
	uint64_t count;
};

static int key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(*(const uint64_t *)item->value.data % 7);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	(void)keyed;
	(void)ctx;
	if (saved.data)
		memcpy(&((struct mean *)state)->sum, saved.data, saved.bytes);
	return 0;
}

static int add(struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct mean *mean = state;

	(void)keyed;
	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++)
		mean->sum += *(const uint64_t *)wax_values_at(values, i).data;
	mean->count += values->count;
	return WAX_RETAIN;
}

static int emit_mean(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct mean *mean = state;
	uint64_t value = mean->count ? mean->sum / mean->count : 0;

	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &value, sizeof(value));
	return WAX_DISCARD;
}

static int snapshot(struct wax_out *out, const void *state, void *ctx)
{
	const struct mean *mean = state;

	(void)ctx;
	return wax_emit(out, &mean->sum, sizeof(mean->sum));
}

static const struct wax_stateful means = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct mean),
		.build = build,
		.on_batch = add,
		.on_eof = emit_mean,
		.snapshot = snapshot,
};

WAX_FLOW(sanitize_snapshot, "A snapshot that forgets a field")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(100000, 0));
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U32, key, NULL);

	wax_output(wax_stateful_batch(keyed, "mean", WAX_U64, &means, NULL), "out",
			wax_stdout("%k %v"));
}
