/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t ten = 10;

static void of_numbers(struct wax_flow *flow)
{
	run_flow_output(wax_broadcast(numbers(flow, 20000), "all"), "%v");
}

static void of_texts(struct wax_flow *flow)
{
	run_flow_output(wax_broadcast(texts(flow, 20000), "all"), "%v");
}

static void keyed(struct wax_flow *flow)
{
	run_flow_output(wax_broadcast(text_keyed_numbers(flow, 20000, &ten), "all"), "%k:%v");
}

static const struct run_flow_options narrow = {.slab = "512", .exchange_mem = "1M"};

Test(broadcast, gives_every_worker_every_item)
{
	static const build_fn builds[] = {of_numbers, of_texts, keyed};
	static const uint32_t counts[] = {1, 2, 3, 8};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			uint64_t n = counts[j];

			expect_sum_of(builds[i], counts[j], j % 2 ? &narrow : NULL, n * 20000,
					n * UINT64_C(10000) * 19999);
		}
	}
}

static void few(struct wax_flow *flow)
{
	run_flow_output(wax_broadcast(keyed_numbers(flow, 3, &ten), "all"), "%k:%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_broadcast(numbers(flow, 0), "all"), "%v");
}

Test(broadcast, keeps_keys_and_takes_no_items)
{
	expect_output_of(few, 1, NULL, "0:0\n1:1\n2:2\n");
	expect_output_of(few, 2, NULL, "0:0\n0:0\n1:1\n1:1\n2:2\n2:2\n");
	expect_output(none, "");
}

/* What each worker has seen: its ctx is its own. */
struct track {
	uint64_t count;
	uint64_t last;
	uint32_t worker;
	int risen;
};

static int follow(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	struct track *track = ctx;
	uint64_t number = number_of(item);

	track->worker = place->worker;
	track->risen = track->count == 0 ? number == 0 : track->risen && number == track->last + 1;
	track->last = number;
	track->count++;
	return 0;
}

static int last_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct track *track = ctx;
	char text[32];

	(void)item;
	if (track->last != 29999)
		return 0;
	return wax_emit(out, text,
			(size_t)sprintf(text, "%u %d %" PRIu64, track->worker, track->risen,
					track->count));
}

static int is_last(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 29999;
}

/* All from one worker: each sees them one after the other. */
static void in_order(struct wax_flow *flow)
{
	static struct track track;
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(30000, 0));

	up = wax_inspect(wax_broadcast(up, "all"), "follow", follow, &track);
	up = wax_filter(up, "last", is_last, NULL);
	run_flow_output(wax_filter_map(up, "track", WAX_TEXT, last_of, &track), "%v");
}

Test(broadcast, keeps_the_order_of_a_sender_in_every_worker)
{
	expect_output_of(in_order, 1, NULL, "0 1 30000\n");
	expect_output_of(in_order, 3, NULL, "0 1 30000\n1 1 30000\n2 1 30000\n");
	expect_output_of(in_order, 3, &narrow, "0 1 30000\n1 1 30000\n2 1 30000\n");
}

/* Behind it a key is everywhere: a keyed step needs its exchange again. */
static void counted(struct wax_flow *flow)
{
	struct wax_stream up = wax_count_final(keyed_numbers(flow, 300, &ten), "first");

	run_flow_output(wax_count_final(wax_broadcast(up, "all"), "second"), "%k:%v");
}

static void twice(struct wax_flow *flow)
{
	struct wax_stream up = wax_broadcast(keyed_numbers(flow, 300, &ten), "one");

	run_flow_output(wax_count_final(wax_broadcast(up, "two"), "count"), "%v");
}

static const struct run_flow_options epochs = {.interval = "1ms"};

Test(broadcast, is_followed_by_keyed_steps_that_see_each_copy)
{
	expect_output_of(counted, 1, NULL, "0:1\n1:1\n2:1\n3:1\n4:1\n5:1\n6:1\n7:1\n8:1\n9:1\n");
	expect_output_of(counted, 3, &epochs, "0:3\n1:3\n2:3\n3:3\n4:3\n5:3\n6:3\n7:3\n8:3\n9:3\n");
	expect_sum_of(twice, 3, &epochs, 10, 9 * 300);
}
