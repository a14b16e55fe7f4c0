/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <sys/mman.h>

enum { WORKERS = 3 };

/* Seen by all workers; each writes its own. */
static struct seen {
	uint64_t count, sum;
	uint64_t epoch; /* the last that ended */
	uint64_t ends;
	uint64_t bad;
} * seen;

static void share(void)
{
	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)seen, MAP_FAILED);
}

static int look(const struct wax_place *place, enum wax_moment moment, const struct wax_item *item,
		void *ctx)
{
	struct seen *mine = &seen[place->worker];

	(void)ctx;
	mine->bad += strcmp(place->step, "flow.look") != 0 || place->worker_count != WORKERS;
	mine->bad += (moment == WAX_MOMENT_ITEM) != (item != NULL) || mine->ends > 0;
	switch (moment) {
	case WAX_MOMENT_ITEM:
		mine->count++;
		mine->sum += number_of(item);
		mine->bad += place->epoch != mine->epoch + 1;
		break;
	case WAX_MOMENT_EPOCH_END:
		mine->bad += place->epoch != mine->epoch + 1;
		mine->epoch = place->epoch;
		break;
	case WAX_MOMENT_END:
		mine->ends++;
	}
	return 0;
}

static const struct run_flow_options epochs = {.interval = "1ms"};

/* Slow enough for some epochs. */
static void looks(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers(3000, 60000));

	run_flow_output(wax_inspect_debug(up, "look", look, NULL), "%v");
}

Test(inspect_debug, sees_items_and_the_ends_of_epochs_and_of_the_input, .init = share)
{
	uint64_t count = 0, sum = 0;

	expect_sum_of(looks, WORKERS, &epochs, 3000, UINT64_C(1500) * 2999);
	for (uint32_t i = 0; i < WORKERS; i++) {
		cr_assert_eq(seen[i].bad, 0);
		cr_assert_eq(seen[i].ends, 1);
		cr_assert_gt(seen[i].epoch, 0);
		count += seen[i].count;
		sum += seen[i].sum;
	}
	cr_assert_eq(count, 3000);
	cr_assert_eq(sum, UINT64_C(1500) * 2999);
}

static void empty(struct wax_flow *flow)
{
	wax_inspect_debug(numbers(flow, 0), "look", look, NULL);
}

Test(inspect_debug, counts_as_an_output_and_sees_the_end_of_no_items, .init = share)
{
	expect_output_of(empty, WORKERS, NULL, "");
	for (uint32_t i = 0; i < WORKERS; i++) {
		cr_assert_eq(seen[i].ends, 1);
		cr_assert_eq(seen[i].count + seen[i].bad, 0);
	}
}

static int dislike(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx)
{
	(void)place;
	return moment == *(enum wax_moment *)ctx && (!item || number_of(item) == 3) ? -5 : 0;
}

static enum wax_moment at_item = WAX_MOMENT_ITEM, at_end = WAX_MOMENT_END;

static void dislikes_an_item(struct wax_flow *flow)
{
	wax_inspect_debug(numbers(flow, 5), "look", dislike, &at_item);
}

static void dislikes_the_end(struct wax_flow *flow)
{
	wax_inspect_debug(numbers(flow, 5), "look", dislike, &at_end);
}

Test(inspect_debug, may_fail)
{
	expect_failure(dislikes_an_item, "flow.look", "3",
			"the callback failed: Input/output error");
	expect_failure(dislikes_the_end, "flow.look", "",
			"the callback failed: Input/output error");
}

static uint64_t two = 2;

static void prints(struct wax_flow *flow)
{
	wax_inspect_debug(text_keyed_numbers(flow, 2, &two), "keyed", NULL, NULL);
}

Test(inspect_debug, prints_where_no_callback_is_given)
{
	expect_printed(prints,
			"flow.keyed W0 @1: 0\t0\nflow.keyed W0 @1: 1\t1\n"
			"flow.keyed W0 @1: end of input\n");
}
