/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

#include "runtime/plan.h"
#include "runtime/worker.h"
#include "shm/layout.h"

/* Where a graph is cut, and into which stages. */

static struct wax_flow *flow;
static struct wax_plan *plan;

static void tear_down(void)
{
	wax_plan_free(plan);
	wax_flow_free(flow);
}

TestSuite(plan, .fini = tear_down);

static void make(void (*describe)(struct wax_flow *), uint32_t workers)
{
	struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "t",
			"A test", describe};
	struct wax_err err = {0};

	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, &err), 0);
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistake_count ? flow->mistakes[0] : "");
	cr_assert_eq(wax_flow_prepare(flow, workers, &err), 0, "%s", err.text);
	cr_assert_eq(wax_plan_make(flow, workers, &plan, &err), 0, "%s", err.text);
}

static uint32_t step(const char *id)
{
	char full[64];

	snprintf(full, sizeof(full), "t.%s", id);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (strcmp(flow->steps[i]->id, full) == 0)
			return i;
	}
	cr_assert_fail("no step %s", id);
	return 0;
}

static uint32_t level(const char *id)
{
	return plan->stages[plan->step_stage[step(id)]].level;
}

static bool together(const char *a, const char *b)
{
	return plan->step_stage[step(a)] == plan->step_stage[step(b)];
}

/* The cut edge that leads to a step's input; NULL: it is not cut. */
static const struct wax_plan_edge *edge_to(const char *id, uint32_t input)
{
	for (uint32_t i = 0; i < plan->edge_count; i++) {
		if (plan->edges[i].step == step(id) && plan->edges[i].input == input)
			return &plan->edges[i];
	}
	return NULL;
}

/* What holds of every plan. */
static void check(void)
{
	uint32_t consumers = 0, placed = 0;

	for (uint32_t i = 0; i < plan->stage_count; i++) {
		const struct wax_plan_stage *stage = &plan->stages[i];

		cr_assert_gt(stage->step_count, 0);
		cr_assert_eq(stage->first_step, placed);
		placed += stage->step_count;
		if (i > 0)
			cr_assert_leq(stage->level, stage[-1].level, "downstream comes first");
		for (uint32_t j = 0; j < stage->step_count; j++) {
			uint32_t index = plan->stage_steps[stage->first_step + j];

			cr_assert_eq(plan->step_stage[index], i);
			if (j > 0)
				cr_assert_lt(plan->stage_steps[stage->first_step + j - 1], index);
		}
	}
	cr_assert_eq(placed, flow->step_count);

	for (uint32_t stream = 0; stream < flow->stream_count; stream++) {
		const struct wax_plan_stream *planned = &plan->streams[stream];
		uint32_t from = wax_flow_stream(flow, stream)->step;

		for (uint32_t i = 0; i < planned->consumer_count; i++, consumers++) {
			const struct wax_plan_consumer *consumer =
					&plan->consumers[planned->first_consumer + i];
			const struct wax_step *to = flow->steps[consumer->step];

			cr_assert_eq(to->inputs[consumer->input], stream);
			if (consumer->edge == WAX_NO_EDGE) {
				cr_assert_eq(plan->step_stage[from], plan->step_stage[to->index]);
				continue;
			}
			/* A cut edge leads downstream: the stages are a DAG. */
			cr_assert_lt(plan->step_stage[to->index], plan->step_stage[from]);
			cr_assert_gt(plan->stages[plan->step_stage[to->index]].level,
					plan->stages[plan->step_stage[from]].level);
			cr_assert_eq(plan->edges[consumer->edge].step, to->index);
			cr_assert_eq(plan->edges[consumer->edge].stream, stream);
		}
	}
	uint32_t inputs = 0;

	for (uint32_t i = 0; i < flow->step_count; i++)
		inputs += flow->steps[i]->input_count;
	cr_assert_eq(consumers, inputs);
}

static int key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static int test(const struct wax_item *item, void *ctx)
{
	(void)item;
	(void)ctx;
	return 1;
}

static struct wax_stream numbers(struct wax_flow *to, const char *id)
{
	return wax_input(to, id, wax_numbers(10, 0));
}

static int stateful(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state;
	return key(out, item, ctx);
}

static struct wax_stream keyed_step(struct wax_stream up, const char *id)
{
	return wax_stateful_map(up, id, WAX_U64, 8, stateful, NULL);
}

/* ---- Chains */

static void straight(struct wax_flow *to)
{
	struct wax_stream s = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	wax_output(keyed_step(s, "state"), "out", wax_null());
}

Test(plan, of_one_worker_has_one_stage_and_no_exchange)
{
	make(straight, 1);
	check();
	cr_assert_eq(plan->edge_count, 0);
	cr_assert_eq(plan->stage_count, 1);
}

Test(plan, cuts_in_front_of_a_keyed_step)
{
	make(straight, 4);
	check();
	cr_assert_eq(plan->edge_count, 1);
	cr_assert_eq(plan->edges[0].route, WAX_ROUTE_KEY);
	cr_assert_not_null(plan->edges[0].type->key);
	cr_assert_eq(plan->stage_count, 2);
	cr_assert(together("in", "key"));
	cr_assert(together("state", "out"));
	cr_assert_eq(level("in"), 0);
	cr_assert_eq(level("state"), 1);
}

static void twice(struct wax_flow *to)
{
	struct wax_stream s = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	s = wax_filter(keyed_step(s, "first"), "filter", test, NULL);
	s = wax_map_value(s, "value", WAX_U64, key, NULL);
	wax_output(keyed_step(s, "second"), "out", wax_null());
}

Test(plan, leaves_out_the_exchange_where_the_key_is_the_same)
{
	make(twice, 4);
	check();
	cr_assert_eq(plan->edge_count, 1);
	cr_assert(together("first", "second"));
}

static void rekeyed(struct wax_flow *to)
{
	struct wax_stream s = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	s = wax_key_on(keyed_step(s, "first"), "other", WAX_U64, key, NULL);
	wax_output(keyed_step(s, "second"), "out", wax_null());
}

Test(plan, cuts_again_behind_a_new_key)
{
	make(rekeyed, 4);
	check();
	cr_assert_eq(plan->edge_count, 2);
	cr_assert_eq(level("second"), 2);
}

static void dealt(struct wax_flow *to)
{
	struct wax_stream s = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	s = wax_redistribute(keyed_step(s, "first"), "batches", WAX_DEAL_BATCHES);
	s = wax_redistribute(s, "items", WAX_DEAL_ITEMS);
	wax_output(keyed_step(s, "second"), "out", wax_null());
}

Test(plan, cuts_at_redistribute_which_loses_the_partition)
{
	make(dealt, 4);
	check();
	cr_assert_eq(plan->edge_count, 4);
	cr_assert_eq(edge_to("batches", 0)->route, WAX_ROUTE_BATCHES);
	cr_assert_eq(edge_to("items", 0)->route, WAX_ROUTE_ITEMS);
	cr_assert_eq(edge_to("second", 0)->route, WAX_ROUTE_KEY);
	cr_assert_eq(level("out"), 4);
}

Test(plan, of_one_worker_does_not_redistribute)
{
	make(dealt, 1);
	check();
	cr_assert_eq(plan->edge_count, 0);
	cr_assert_eq(plan->stage_count, 1);
}

/* ---- Diamonds and merges */

static void diamond(struct wax_flow *to)
{
	struct wax_stream in = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);
	struct wax_branches sides = wax_branch(in, "branch", test, NULL);
	struct wax_stream ups[] = {wax_filter(sides.trues, "left", test, NULL), sides.falses};

	wax_output(wax_merge("merge", ups, 2), "out", wax_null());
}

Test(plan, keeps_a_diamond_without_exchange_in_one_stage)
{
	make(diamond, 4);
	check();
	cr_assert_eq(plan->edge_count, 0);
	cr_assert_eq(plan->stage_count, 1);
}

static void uneven(struct wax_flow *to)
{
	struct wax_stream in = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);
	struct wax_stream ups[] = {keyed_step(in, "state"), in};

	wax_output(wax_merge("merge", ups, 2), "out", wax_null());
}

Test(plan, makes_a_queue_of_an_edge_that_skips_a_level)
{
	make(uneven, 4);
	check();
	cr_assert_eq(plan->edge_count, 2);
	cr_assert(together("state", "merge"));
	cr_assert_null(edge_to("merge", 0));
	cr_assert_not_null(edge_to("merge", 1));
	cr_assert_eq(edge_to("merge", 1)->route, WAX_ROUTE_LOCAL);
}

Test(plan, of_one_worker_needs_no_queue)
{
	make(uneven, 1);
	check();
	cr_assert_eq(plan->edge_count, 0);
}

static void same_twice(struct wax_flow *to)
{
	struct wax_stream in = numbers(to, "in");
	struct wax_stream ups[] = {in, in, in};

	wax_output(wax_merge("merge", ups, 3), "out", wax_null());
}

Test(plan, gives_a_stream_that_is_merged_with_itself_as_often)
{
	make(same_twice, 2);
	check();
	cr_assert_eq(plan->streams[0].consumer_count, 3);
}

static void two_parts(struct wax_flow *to)
{
	wax_output(numbers(to, "a"), "out_a", wax_null());
	wax_output(numbers(to, "b"), "out_b", wax_null());
}

Test(plan, puts_what_does_not_hang_together_in_stages_of_its_own)
{
	make(two_parts, 2);
	check();
	cr_assert_eq(plan->edge_count, 0);
	cr_assert_eq(plan->stage_count, 2);
}

static void fan(struct wax_flow *to)
{
	struct wax_stream in = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	wax_output(keyed_step(in, "a"), "out_a", wax_null());
	wax_output(keyed_step(in, "b"), "out_b", wax_null());
	wax_output(in, "out_in", wax_null());
}

Test(plan, gives_each_reader_behind_an_exchange_its_own_edge)
{
	make(fan, 2);
	check();
	cr_assert_eq(plan->edge_count, 2);
	cr_assert_not(together("a", "b"));
	cr_assert(together("in", "out_in"));
}

/* A merge of what is partitioned by the same key is still partitioned. */
static void merged_keys(struct wax_flow *to)
{
	struct wax_stream a = wax_key_on(numbers(to, "a"), "key_a", WAX_U64, key, NULL);
	struct wax_stream b = wax_key_on(numbers(to, "b"), "key_b", WAX_U64, key, NULL);
	struct wax_stream ups[] = {keyed_step(a, "state_a"), keyed_step(b, "state_b")};

	wax_output(keyed_step(wax_merge("merge", ups, 2), "state"), "out", wax_null());
}

Test(plan, keeps_the_partition_through_a_merge)
{
	make(merged_keys, 3);
	check();
	cr_assert_eq(plan->edge_count, 2);
	cr_assert(together("state_a", "state"));
	cr_assert(together("state_b", "state"));
}

static void half_merged(struct wax_flow *to)
{
	struct wax_stream a = wax_key_on(numbers(to, "a"), "key_a", WAX_U64, key, NULL);
	struct wax_stream ups[] = {keyed_step(a, "state_a"), a};

	wax_output(keyed_step(wax_merge("merge", ups, 2), "state"), "out", wax_null());
}

Test(plan, exchanges_again_where_one_side_of_a_merge_is_not_partitioned)
{
	make(half_merged, 3);
	check();
	cr_assert_eq(edge_to("state", 0)->route, WAX_ROUTE_KEY);
}

/* ---- Sinks */

/* Of this process alone: others may run this test too. */
static const char *out_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/wax-test-plan-%d", (int)getpid());
	return path;
}

static void into_files(struct wax_flow *to)
{
	struct wax_stream in = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	wax_output(in, "out", wax_dir(out_path(), 6, NULL));
}

Test(plan, deals_to_the_partitions_of_a_sink_by_key)
{
	make(into_files, 4);
	check();
	cr_assert_eq(plan->edge_count, 1);
	cr_assert_eq(plan->edges[0].route, WAX_ROUTE_PART);
	cr_assert_eq(plan->edges[0].part_count, 6);
	cr_assert_not_null(plan->edges[0].type->key);
	rmdir(out_path());
}

static void into_one_file(struct wax_flow *to)
{
	struct wax_stream in = wax_key_on(numbers(to, "in"), "key", WAX_U64, key, NULL);

	wax_output(in, "out", wax_file(out_path(), NULL));
}

Test(plan, does_not_send_a_key_to_a_sink_of_one_partition)
{
	make(into_one_file, 4);
	check();
	cr_assert_eq(plan->edge_count, 1);
	cr_assert_eq(plan->edges[0].part_count, 1);
	cr_assert_null(plan->edges[0].type->key);
}

static void into_nothing(struct wax_flow *to)
{
	wax_output(numbers(to, "in"), "out", wax_null());
}

Test(plan, does_not_exchange_before_a_sink_of_each_worker)
{
	make(into_nothing, 4);
	check();
	cr_assert_eq(plan->edge_count, 0);
}

/* ---- Bounds */

static void very_wide(struct wax_flow *to)
{
	static char ids[WAX_LANES_MAX + 1][16];
	struct wax_stream in = numbers(to, "in");

	for (int i = 0; i <= WAX_LANES_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "deal%d", i);
		wax_inspect(wax_redistribute(in, ids[i], WAX_DEAL_ITEMS),
				wax_flow_alloc(to, 1) ? ids[i] + 1 : NULL, NULL, NULL);
	}
}

Test(plan, of_too_many_exchanges_is_refused)
{
	struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "t",
			"A test", very_wide};
	struct wax_err err = {0};

	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, &err), 0);
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistake_count ? flow->mistakes[0] : "");
	cr_assert_eq(wax_plan_make(flow, 2, &plan, &err), -E2BIG);
	cr_assert(strstr(err.text, "the flow has more than 1024 exchanges"), "%s", err.text);
	cr_assert_null(plan);
}

Test(plan, free_of_null_is_allowed)
{
	wax_plan_free(NULL);
}
