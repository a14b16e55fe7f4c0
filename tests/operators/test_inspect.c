/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <sys/mman.h>

/* Seen by all workers. */
static struct {
	uint64_t count, sum, workers, bad;
} * seen;

static void share(void)
{
	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)seen, MAP_FAILED);
}

static int look(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	__atomic_add_fetch(&seen->count, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&seen->sum, number_of(item), __ATOMIC_RELAXED);
	__atomic_or_fetch(&seen->workers, UINT64_C(1) << place->worker, __ATOMIC_RELAXED);
	if (strcmp(place->step, "flow.look") != 0 || place->epoch != 1 ||
			place->worker >= place->worker_count)
		__atomic_add_fetch(&seen->bad, 1, __ATOMIC_RELAXED);
	return 0;
}

static void looks(struct wax_flow *flow)
{
	run_flow_output(wax_inspect(numbers(flow, 30000), "look", look, NULL), "%v");
}

/* It is the only output. */
static void looks_only(struct wax_flow *flow)
{
	wax_inspect(numbers(flow, 30000), "look", look, NULL);
}

Test(inspect, sees_all_items_and_passes_them_on, .init = share)
{
	expect_sum_of(looks, 3, NULL, 30000, UINT64_C(449985000));
	cr_assert_eq(seen->count, 30000);
	cr_assert_eq(seen->sum, UINT64_C(449985000));
	cr_assert_eq(seen->workers, 7);
	cr_assert_eq(seen->bad, 0);
}

Test(inspect, counts_as_an_output, .init = share)
{
	expect_output_of(looks_only, 2, NULL, "");
	cr_assert_eq(seen->count, 30000);
	cr_assert_eq(seen->workers, 3);
	cr_assert_eq(seen->bad, 0);
}

static int dislike(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)place, (void)ctx;
	return number_of(item) == 3 ? -5 : 0;
}

static void dislikes(struct wax_flow *flow)
{
	wax_inspect(numbers(flow, 5), "look", dislike, NULL);
}

Test(inspect, may_fail)
{
	expect_failure(dislikes, "flow.look", "3", "the callback failed: Input/output error");
}

static uint64_t two = 2;

static void prints(struct wax_flow *flow)
{
	wax_inspect(text_keyed_numbers(flow, 2, &two), "keyed", NULL, NULL);
}

static int raw(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char bytes[40] = {0x1f, (char)0xa0};

	(void)item, (void)ctx;
	return wax_emit(out, bytes, sizeof(bytes));
}

struct blob {
	char bytes[40];
};

static void prints_blobs(struct wax_flow *flow)
{
	wax_inspect(wax_map(numbers(flow, 1), "raw", WAX_STRUCT(struct blob), raw, NULL), "blob",
			NULL, NULL);
}

Test(inspect, prints_where_no_callback_is_given)
{
	expect_printed(prints, "flow.keyed W0 @1: 0\t0\nflow.keyed W0 @1: 1\t1\n");
}

Test(inspect, prints_hexadecimal_digits_of_what_has_no_printer)
{
	expect_printed(prints_blobs,
			"flow.blob W0 @1: 1fa0000000000000000000000000000000000000"
			"0000000000000000000000000000000000000000\n");
}
