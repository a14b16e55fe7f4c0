/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lists of values. */

#define SECOND INT64_C(1000000000)

static struct wax_stream in_threes(struct wax_stream up)
{
	const struct wax_collect_options options = {
			.size_bytes = sizeof(options), .count_max = 3, .idle_ns = 10 * SECOND};

	return wax_collect(up, "collect", &options);
}

static struct wax_stream in_twos(struct wax_stream up)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options), .count_max = 2};

	return wax_collect(up, "collect", &options);
}

/* "[1, 2] at 18": seconds since the row began. */
static int tell_time(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wax_list list = wax_list_of(item->value, WAX_I64);
	struct wax_item each = {0};
	char text[128] = "[";
	size_t at = 1;

	while (wax_list_next(&list, &each.value))
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%" PRId64,
				at > 1 ? ", " : "", row_number(&each));
	at += (size_t)snprintf(text + at, sizeof(text) - at, "] at %" PRId64,
			wax_test_clock_now(row_clock()) / SECOND - *(const int64_t *)ctx);
	return wax_emit(out, text, at);
}

static struct wax_stream in_threes_timed(struct wax_stream up)
{
	int64_t *began = wax_flow_alloc(up.flow, sizeof(*began));

	*began = wax_test_clock_now(row_clock()) / SECOND;
	return wax_map_value(in_threes(up), "time", WAX_TEXT, tell_time, began);
}

const struct row collect_rows[] = {
		{.id = "col-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=0;ALL=1;ALL=2;ALL=3;ALL=4;ALL=5;ALL=6;ALL=7;ALL=8;"
					 "ALL=9",
				.steps = in_threes,
				.expected = "ALL=[0, 1, 2];ALL=[3, 4, 5];ALL=[6, 7, 8];ALL=[9]"},
		{.id = "col-2",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;~20",
				.clock = true,
				.steps = in_threes_timed,
				.expected = "ALL=[1] at 10"},
		{.id = "col-3",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;~8;ALL=2;~20",
				.clock = true,
				.steps = in_threes_timed,
				.expected = "ALL=[1, 2] at 18"},
		{.id = "col-4",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=0;ALL=1;ALL=2;ALL=3;ALL=4",
				.batch = 5,
				.steps = in_twos,
				.expected = "ALL=[0, 1];ALL=[2, 3];ALL=[4]"},
		{0},
};
