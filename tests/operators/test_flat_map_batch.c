/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static int doubles(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	const uint64_t *values = WAX_VALUES(batch, uint64_t);

	(void)ctx;
	for (uint32_t done = 0; done < batch->count;) {
		uint32_t room = wax_out_room(out, batch->count - done);
		uint64_t *to = WAX_OUT_VALUES(out, uint64_t);

		for (uint32_t i = 0; i < room; i++)
			to[i] = 2 * values[done + i];
		wax_out_advance(out, room);
		done += room;
	}
	return 0;
}

static void few(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(numbers(flow, 3), "f", WAX_U64, doubles, NULL), "%v");
}

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(numbers(flow, 100000), "f", WAX_U64, doubles, NULL),
			"%v");
}

Test(flat_map_batch, writes_columns)
{
	expect_output(few, "0\n2\n4\n");
	expect_sum(many, 100000, UINT64_C(99999) * 100000);
	expect_sum_of(many, 8, NULL, 100000, UINT64_C(99999) * 100000);
}

static int joins(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	char text[64];
	size_t bytes = 0;

	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i), value = wax_batch_value(batch, i);

		memcpy(text + bytes, key.data, key.bytes);
		bytes += key.bytes;
		memcpy(text + bytes, value.data, value.bytes);
		bytes += value.bytes;
	}
	return wax_emit(out, text, bytes);
}

static void of_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(script(flow, "b1 a2 | c3"), "f", WAX_TEXT, joins, NULL),
			"%v");
}

Test(flat_map_batch, sees_what_lies_together)
{
	expect_output(of_keyed, "b1a2\nc3\n");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(numbers(flow, 0), "f", WAX_U64, doubles, NULL), "%v");
}

Test(flat_map_batch, is_not_called_without_items)
{
	expect_output(of_none, "");
}

static int fails(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	(void)ctx;
	return wax_fail(out, "a batch of %u", batch->count);
}

static int emits_3_bytes(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	(void)batch, (void)ctx;
	wax_emit(out, "abc", 3);
	return 0;
}

static void failing(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(5, 0));

	run_flow_output(wax_flat_map_batch(up, "f", WAX_U64, fails, NULL), "%v");
}

static void wrong_size(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(numbers(flow, 5), "f", WAX_U64, emits_3_bytes, NULL),
			"%v");
}

Test(flat_map_batch, tells_why_a_callback_failed)
{
	expect_failure(failing, "flow.f", "", "a batch of 5");
	expect_failure(wrong_size, "flow.f", "", "emitted a value of 3 bytes where the type has 8");
}

static void without_callback(struct wax_flow *flow)
{
	run_flow_output(wax_flat_map_batch(numbers(flow, 5), "f", WAX_U64, NULL, NULL), "%v");
}

Test(flat_map_batch, needs_a_callback)
{
	expect_mistake(without_callback, "step \"flow.f\": its callback is NULL");
}
