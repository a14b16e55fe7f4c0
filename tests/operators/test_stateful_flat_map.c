/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t one = 1, many_keys = 3000;

/* State: the last. Emits what is greater. */
static int rises(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	char *last = state, value = *(const char *)item->value.data;

	(void)ctx;
	if (value > *last)
		wax_emit(out, &value, 1);
	*last = value;
	return WAX_RETAIN;
}

static void rising(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a2 a5 a8 | a1 a3");

	run_flow_output(wax_stateful_flat_map(up, "s", WAX_TEXT, 1, rises, NULL), "%v");
}

Test(stateful_flat_map, emits_if_greater_than_the_last)
{
	for (uint32_t workers = 1; workers <= 3; workers++)
		expect_output_of(rising, workers, NULL, "2\n3\n5\n8\n");
}

/* Emits each number as often as it has come, in twos; then forgets the key. */
static int in_twos(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *held = state, number = number_of(item);

	(void)ctx;
	if (*held == 0) {
		*held = number + 1;
		return WAX_RETAIN;
	}
	--*held;
	wax_emit(out, held, sizeof(*held));
	wax_emit(out, &number, sizeof(number));
	return WAX_DISCARD;
}

static void twos(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 60000, &many_keys);

	up = wax_stateful_flat_map(up, "s", WAX_U64, sizeof(uint64_t), in_twos, NULL);
	run_flow_output(up, "%v");
}

Test(stateful_flat_map, forgets_and_finds_anew)
{
	const struct run_flow_options saved = {.interval = "1ms", .rehearse = true};

	expect_sum(twos, 60000, UINT64_C(59999) * 30000);
	expect_sum_of(twos, 2, &saved, 60000, UINT64_C(59999) * 30000);
}

static int fail_3(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state;
	return fail_at_3(out, item, ctx);
}

static void fails(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_flat_map(keyed_numbers(flow, 9, &one), "s", WAX_U64, 0, fail_3,
					NULL),
			"%v");
}

Test(stateful_flat_map, blames_the_item)
{
	expect_failure(fails, "flow.s", "0 => 3", "3 is not liked");
}

static void of_null(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_flat_map(script(flow, "a"), "s", WAX_TEXT, 0, NULL, NULL),
			"%v");
}

static void too_large(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_flat_map(
					script(flow, "a"), "s", WAX_TEXT, 100000, rises, NULL),
			"%v");
}

static void unkeyed(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_flat_map(numbers(flow, 1), "s", WAX_TEXT, 1, rises, NULL),
			"%v");
}

Test(stateful_flat_map, checks_what_it_is_given)
{
	expect_mistake(of_null, "step \"flow.s\": its callback is NULL");
	expect_mistake(too_large,
			"step \"flow.s\": its state has 100000 bytes, 65536 are the most: "
			"let it point to what is larger");
	expect_mistake(unkeyed,
			"step \"flow.s\": needs a keyed stream, gets one of uint64_t: put "
			"key_on before it");
}
