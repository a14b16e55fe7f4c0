/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include "runtime/flow.h"
#include "runtime/plan.h"

/* How often the items of a flow change workers. */
static uint32_t exchange_count(build_fn build, uint32_t worker_count)
{
	const struct wax_flow_entry entry = {
			sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "flow", "", build};
	struct wax_flow *flow;
	struct wax_plan *plan;
	uint32_t count = 0;

	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, NULL), 0);
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistakes[0]);
	cr_assert_eq(wax_plan_make(flow, worker_count, &plan, NULL), 0);
	for (uint32_t i = 0; i < plan->edge_count; i++)
		count += plan->edges[i].route != WAX_ROUTE_LOCAL;
	wax_plan_free(plan);
	wax_flow_free(flow);
	return count;
}

static uint64_t three = 3;

static int same(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state, (void)ctx;
	wax_emit(out, item->value.data, item->value.bytes);
	return WAX_RETAIN;
}

static int add(void *acc, const struct wax_item *item, void *ctx)
{
	(void)acc, (void)item, (void)ctx;
	return 0;
}

static int reduce(void *acc, const void *value, void *ctx)
{
	(void)acc, (void)value, (void)ctx;
	return 0;
}

static int merge_accs(void *acc, const void *other, void *ctx)
{
	(void)acc, (void)other, (void)ctx;
	return 0;
}

static int gather(struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	(void)keyed, (void)state, (void)values, (void)ctx;
	return WAX_RETAIN;
}

static const struct wax_stateful gathering = {.size_bytes = sizeof(gathering), .on_batch = gather};

WAX_MAP(twice, uint64_t, in, uint64_t, out)
{
	*out = 2 * *in;
}

WAX_FILTER(odd, uint64_t, in)
{
	return *in % 2;
}

WAX_STATEFUL_MAP(change, uint64_t, in, uint64_t, last, uint64_t, out)
{
	*out = *in - *last;
	*last = *in;
}

WAX_FOLD(sum, uint64_t, in, uint64_t, acc)
{
	*acc += *in;
}

static struct wax_stream keyed_step(struct wax_stream up)
{
	return wax_stateful_map(up, "first", WAX_U64, 8, same, NULL);
}

#define FLOW(name, expression)                                                                     \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = keyed_numbers(flow, 9, &three);                             \
                                                                                                   \
		wax_output(expression, "out", wax_null());                                         \
	}

FLOW(none, up)
FLOW(one, keyed_step(up))

Test(exchanges, stand_in_front_of_keyed_steps)
{
	cr_assert_eq(exchange_count(none, 2), 0);
	cr_assert_eq(exchange_count(one, 2), 1);
	cr_assert_eq(exchange_count(one, 1), 0);
}

FLOW(then_map, wax_stateful_map(keyed_step(up), "s", WAX_U64, 8, same, NULL))
FLOW(then_batch, wax_stateful_batch(keyed_step(up), "s", WAX_U64, &gathering, NULL))
FLOW(then_fold, wax_fold_final(keyed_step(up), "s", WAX_U64, NULL, add, NULL))
FLOW(then_typed_fold, wax_fold_final_typed(keyed_step(up), "s", &sum))
FLOW(then_reduce, wax_reduce_final(keyed_step(up), "s", reduce, NULL))
FLOW(then_count, wax_count_final(keyed_step(up), "s"))
FLOW(then_min, wax_min_final(keyed_step(up), "s", NULL, NULL))
FLOW(then_max, wax_max_final(keyed_step(up), "s", NULL, NULL))
FLOW(then_merging_fold,
		wax_fold_merge_final(keyed_step(up), "s", WAX_U64, NULL, add, merge_accs, NULL))
FLOW(then_top, wax_top_n_final(keyed_step(up), "s", 3, NULL, NULL))
FLOW(then_typed_map, wax_stateful_map_typed(keyed_step(up), "s", &change))
FLOW(then_running, wax_count_running(keyed_step(up), "s"))
FLOW(then_dedup, wax_dedup(keyed_step(up), "s", WAX_SAME_ITEM, WAX_NEVER))
FLOW(then_deal, wax_redistribute(keyed_step(up), "s", WAX_DEAL_KEYS))

Test(exchanges, are_left_out_where_each_key_is_on_its_worker)
{
	static const build_fn builds[] = {then_map, then_batch, then_fold, then_typed_fold,
			then_reduce, then_count, then_min, then_max, then_merging_fold, then_top,
			then_typed_map, then_running, then_dedup, then_deal};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		cr_assert_eq(exchange_count(builds[i], 3), 1, "flow %zu", i);
}

FLOW(from_batch, wax_count_final(wax_stateful_batch(up, "first", WAX_U64, &gathering, NULL), "s"))
FLOW(from_fold, wax_count_final(wax_fold_final(up, "first", WAX_U64, NULL, add, NULL), "s"))
FLOW(from_typed_fold, wax_count_final(wax_fold_final_typed(up, "first", &sum), "s"))
FLOW(from_reduce, wax_count_final(wax_reduce_final(up, "first", reduce, NULL), "s"))
FLOW(from_count, wax_count_final(wax_count_final(up, "first"), "s"))
FLOW(from_min, wax_count_final(wax_min_final(up, "first", NULL, NULL), "s"))
FLOW(from_merging_fold,
		wax_count_final(wax_fold_merge_final(
						up, "first", WAX_U64, NULL, add, merge_accs, NULL),
				"s"))
FLOW(from_top, wax_count_final(wax_top_n_final(up, "first", 3, NULL, NULL), "s"))
FLOW(from_typed_map, wax_count_final(wax_stateful_map_typed(up, "first", &change), "s"))
FLOW(from_running, wax_count_final(wax_sum_running(up, "first"), "s"))
FLOW(from_dedup, wax_count_final(wax_dedup(up, "first", WAX_SAME_KEY, WAX_NEVER), "s"))
FLOW(from_deal, wax_count_final(wax_redistribute(up, "first", WAX_DEAL_KEYS), "s"))

Test(exchanges, leave_each_key_on_its_worker)
{
	static const build_fn builds[] = {from_batch, from_fold, from_typed_fold, from_reduce,
			from_count, from_min, from_merging_fold, from_top, from_typed_map,
			from_running, from_dedup, from_deal};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		cr_assert_eq(exchange_count(builds[i], 3), 1, "flow %zu", i);
}

static int look(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)place, (void)item, (void)ctx;
	return 0;
}

static struct wax_stream merged(struct wax_stream up)
{
	struct wax_branches sides = wax_branch(up, "branch", is_odd, NULL);
	struct wax_stream both[] = {sides.trues, sides.falses};

	return wax_merge("merge", both, 2);
}

FLOW(past_filter, wax_count_final(wax_filter(keyed_step(up), "s", is_odd, NULL), "c"))
FLOW(past_typed_filter, wax_count_final(wax_filter_typed(keyed_step(up), "s", &odd), "c"))
FLOW(past_map_value,
		wax_count_final(wax_map_value(keyed_step(up), "s", WAX_U64, emit_same, NULL), "c"))
FLOW(past_flat_map_value,
		wax_count_final(wax_flat_map_value(keyed_step(up), "s", WAX_U64, emit_twice, NULL),
				"c"))
FLOW(past_filter_map_value,
		wax_count_final(wax_filter_map_value(keyed_step(up), "s", WAX_U64, emit_none, NULL),
				"c"))
FLOW(past_filter_value, wax_count_final(wax_filter_value(keyed_step(up), "s", is_odd, NULL), "c"))
FLOW(past_flatten, wax_count_final(wax_flatten(keyed_step(up), "s", WAX_U32), "c"))
FLOW(past_inspect_debug, wax_count_final(wax_inspect_debug(keyed_step(up), "s", NULL, NULL), "c"))
FLOW(past_typed_map, wax_count_final(wax_map_typed(keyed_step(up), "s", &twice), "c"))
FLOW(past_inspect, wax_count_final(wax_inspect(keyed_step(up), "s", look, NULL), "c"))
FLOW(past_branch_and_merge, wax_count_final(merged(keyed_step(up)), "c"))

Test(exchanges, are_left_out_behind_steps_that_keep_the_key)
{
	static const build_fn builds[] = {past_filter, past_typed_filter, past_map_value,
			past_flat_map_value, past_filter_map_value, past_filter_value, past_flatten,
			past_inspect_debug, past_typed_map, past_inspect, past_branch_and_merge};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		cr_assert_eq(exchange_count(builds[i], 3), 1, "flow %zu", i);
}

static struct wax_stream collected(struct wax_stream up)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options), .count_max = 2};

	return wax_collect(up, "lists", &options);
}

static int item_same(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	return same(wax_keyed_out(keyed), state, item, ctx);
}

static const struct wax_stateful_item sames = {.size_bytes = sizeof(sames), .on_item = item_same};

static struct wax_stream joined(struct wax_stream left, struct wax_stream right)
{
	struct wax_stream sides[] = {left, right};

	return wax_join("rows", sides, 2, WAX_JOIN_LAST, WAX_JOIN_COMPLETE);
}

FLOW(to_stateful_items, wax_stateful_items(up, "s", WAX_U64, &sames, NULL))
FLOW(to_stateful_flat_map, wax_stateful_flat_map(up, "s", WAX_U64, 8, same, NULL))
FLOW(to_collect, collected(up))
FLOW(past_stateful_items,
		wax_count_final(wax_stateful_items(keyed_step(up), "s", WAX_U64, &sames, NULL),
				"c"))
FLOW(past_stateful_flat_map,
		wax_count_final(wax_stateful_flat_map(keyed_step(up), "s", WAX_U64, 8, same, NULL),
				"c"))
FLOW(past_collect, wax_count_final(collected(keyed_step(up)), "c"))
FLOW(past_ttl, wax_count_final(wax_ttl(wax_count_final(up, "d"), 1000), "c"))

Test(exchanges, one_takes_items_to_the_newer_keyed_steps_and_none_past_them)
{
	static const build_fn builds[] = {to_stateful_items, to_stateful_flat_map, to_collect,
			past_stateful_items, past_stateful_flat_map, past_collect, past_ttl};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++)
		cr_assert_eq(exchange_count(builds[i], 3), 1, "flow %zu", i);
}

FLOW(to_join, joined(up, wax_filter_typed(up, "odd", &odd)))
FLOW(to_join_half, joined(up, keyed_step(up)))
FLOW(to_join_whole, joined(keyed_step(up), wax_count_final(up, "c")))
FLOW(past_join, wax_count_final(joined(up, up), "c"))

Test(exchanges, of_a_join_are_those_of_the_sides_that_are_not_where_their_keys_are)
{
	cr_assert_eq(exchange_count(to_join, 3), 2);
	/* One to the keyed step, one to the side that is not behind it. */
	cr_assert_eq(exchange_count(to_join_half, 3), 2);
	cr_assert_eq(exchange_count(to_join_whole, 3), 2);
	cr_assert_eq(exchange_count(past_join, 3), 2);
}

static int pair(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit_kv(out, item->value.data, 8, item->value.data, 8);
}

static struct wax_stream half_merged(struct wax_stream up)
{
	struct wax_stream both[] = {up, keyed_step(up)};

	return wax_merge("merge", both, 2);
}

FLOW(past_key_on,
		wax_count_final(wax_key_on(keyed_step(up), "s", WAX_U64, wax_key_self, NULL), "c"))
FLOW(past_map,
		wax_count_final(wax_map(keyed_step(up), "s", WAX_KEYED(WAX_U64, WAX_U64), pair,
						NULL),
				"c"))
FLOW(past_deal, wax_count_final(wax_redistribute(keyed_step(up), "s", WAX_DEAL_ITEMS), "c"))
FLOW(past_broadcast, wax_count_final(wax_broadcast(keyed_step(up), "s"), "c"))
FLOW(past_top_of_all, wax_count_final(wax_top_n_all_final(up, "s", 3, NULL, NULL), "c"))
FLOW(past_half_merge, wax_count_final(half_merged(up), "c"))

Test(exchanges, are_needed_again_where_the_key_or_the_worker_may_be_another)
{
	cr_assert_eq(exchange_count(past_key_on, 3), 2);
	cr_assert_eq(exchange_count(past_map, 3), 2);
	cr_assert_eq(exchange_count(past_deal, 3), 3);
	cr_assert_eq(exchange_count(past_broadcast, 3), 3);
	cr_assert_eq(exchange_count(past_top_of_all, 3), 2);
	cr_assert_eq(exchange_count(past_half_merge, 3), 2);
}
