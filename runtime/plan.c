/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/assert.h"
#include "shm/layout.h"

/* What the plan is made with; gone afterwards. */
struct making {
	struct wax_plan *plan;
	uint32_t *level; /* of each step */
	uint32_t *group; /* union-find over steps: the root of its stage */
	bool *ordered;   /* see find_ordered */
};

/* How the items of a stream get to a step, as far as that needs it. */
static enum wax_route needed_route(const struct wax_plan *plan, const struct wax_step *step,
		const struct wax_stream_info *info)
{
	if (plan->worker_count == 1)
		return WAX_ROUTE_LOCAL;
	if (step->route == WAX_ROUTE_KEY && info->by_key)
		return WAX_ROUTE_LOCAL;
	return step->route;
}

/* Is an edge to be cut that needs not be? */
static bool is_forced(const struct wax_plan *plan, const struct wax_step *step, uint32_t input)
{
	const struct wax_perturb *perturb = plan->perturb;
	/* Most of them; where none is left alone, no step calls the next. */
	return perturb && perturb->exchange &&
			wax_perturb_hash(perturb->seed, (uint64_t)step->index << 32 | input) % 4 != 0;
}

static enum wax_route route_of(const struct wax_plan *plan, const struct wax_step *step,
		uint32_t input, const struct wax_stream_info *info)
{
	enum wax_route route = needed_route(plan, step, info);
	if (route != WAX_ROUTE_LOCAL || plan->worker_count == 1 || !is_forced(plan, step, input))
		return route;
	/* Keys that are together stay so. */
	return info->by_key ? WAX_ROUTE_KEY : WAX_ROUTE_ITEMS;
}

/* Which steps' results, or those of a step behind them, depend on the order of what they are given. */
static void find_ordered(struct making *making)
{
	const struct wax_flow *flow = making->plan->flow;
	for (uint32_t i = flow->step_count; i-- > 0;) {
		const struct wax_step *step = flow->steps[i];
		making->ordered[i] |= step->class->state_bytes && !step->class->any_order;
		for (uint32_t input = 0; input < step->input_count; input++)
			making->ordered[wax_flow_stream(flow, step->inputs[input])->step] |=
					making->ordered[i];
	}
}

static void find_levels(struct making *making)
{
	const struct wax_flow *flow = making->plan->flow;
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];
		for (uint32_t input = 0; input < step->input_count; input++) {
			const struct wax_stream_info *info =
					wax_flow_stream(flow, step->inputs[input]);
			bool exchange = is_forced(making->plan, step, input) ||
					route_of(making->plan, step, input, info) != WAX_ROUTE_LOCAL;
			uint32_t level = making->level[info->step] + exchange;
			if (level > making->level[i])
				making->level[i] = level;
		}
	}
}

static uint32_t group_root(struct making *making, uint32_t step)
{
	while (making->group[step] != step) {
		making->group[step] = making->group[making->group[step]];
		step = making->group[step];
	}
	return step;
}

/* The smaller root wins, so that a stage is named by its first step. */
static void join_groups(struct making *making, uint32_t a, uint32_t b)
{
	a = group_root(making, a);
	b = group_root(making, b);
	if (a < b)
		making->group[b] = a;
	else
		making->group[a] = b;
}

static int add_edge(struct making *making, const struct wax_step *step, uint32_t input,
		enum wax_route route, struct wax_err *err)
{
	struct wax_plan *plan = making->plan;
	if (plan->edge_count == WAX_LANES_MAX)
		return wax_err_set(err, -E2BIG, "the flow has more than %d exchanges", WAX_LANES_MAX);
	uint32_t stream = step->inputs[input];
	const struct wax_stream_info *info = wax_flow_stream(plan->flow, stream);
	bool forced = is_forced(plan, step, input) &&
			needed_route(plan, step, info) == WAX_ROUTE_LOCAL;
	plan->edges[plan->edge_count++] = (struct wax_plan_edge){
			.stream = stream,
			.step = step->index,
			.input = input,
			.route = route,
			.part_count = step->part_count,
			.part_choice = step->part_choice,
			.type = info->type,
			.forced = forced,
			.steady = forced && route == WAX_ROUTE_ITEMS && making->ordered[step->index],
	};
	return 0;
}

/* Cut the graph; join what is not cut; list the consumers of each stream. */
static int cut(struct making *making, struct wax_err *err)
{
	struct wax_plan *plan = making->plan;
	const struct wax_flow *flow = plan->flow;
	uint32_t consumer_count = 0;

	for (uint32_t stream = 0; stream < flow->stream_count; stream++) {
		plan->streams[stream].first_consumer = consumer_count;
		const struct wax_stream_info *info = wax_flow_stream(flow, stream);
		for (uint32_t i = info->step + 1; i < flow->step_count; i++) {
			const struct wax_step *step = flow->steps[i];
			for (uint32_t input = 0; input < step->input_count; input++) {
				if (step->inputs[input] != stream)
					continue;
				enum wax_route route = route_of(plan, step, input, info);
				uint32_t edge = WAX_NO_EDGE;
				if (route != WAX_ROUTE_LOCAL ||
						making->level[i] > making->level[info->step]) {
					edge = plan->edge_count;
					int r = add_edge(making, step, input, route, err);
					if (r < 0)
						return r;
				} else {
					join_groups(making, info->step, i);
				}
				plan->consumers[consumer_count++] =
						(struct wax_plan_consumer){i, input, edge};
			}
		}
		plan->streams[stream].consumer_count =
				consumer_count - plan->streams[stream].first_consumer;
	}
	return 0;
}

/* Stages in the order of falling level: what is furthest downstream runs first. */
static void collect_stages(struct making *making)
{
	struct wax_plan *plan = making->plan;
	uint32_t step_count = plan->flow->step_count, placed = 0, level_max = 0;
	for (uint32_t i = 0; i < step_count; i++) {
		if (making->level[i] > level_max)
			level_max = making->level[i];
	}

	for (uint32_t level = level_max + 1; level-- > 0;) {
		for (uint32_t root = step_count; root-- > 0;) {
			if (making->level[root] != level || group_root(making, root) != root)
				continue;
			struct wax_plan_stage *stage = &plan->stages[plan->stage_count];
			stage->level = level;
			stage->first_step = placed;
			for (uint32_t i = root; i < step_count; i++) {
				if (group_root(making, i) != root)
					continue;
				plan->stage_steps[placed++] = i;
				plan->step_stage[i] = plan->stage_count;
			}
			stage->step_count = placed - stage->first_step;
			plan->stage_count++;
		}
	}
	WAX_ASSERT(placed == step_count);
}

static int make_plan(struct making *making, struct wax_err *err)
{
	struct wax_plan *plan = making->plan;
	const struct wax_flow *flow = plan->flow;
	uint32_t input_count = 0;
	for (uint32_t i = 0; i < flow->step_count; i++) {
		making->group[i] = i;
		input_count += flow->steps[i]->input_count;
	}
	plan->edges = calloc(input_count + 1, sizeof(*plan->edges));
	plan->consumers = calloc(input_count + 1, sizeof(*plan->consumers));
	plan->streams = calloc(flow->stream_count + 1, sizeof(*plan->streams));
	plan->stages = calloc(flow->step_count + 1, sizeof(*plan->stages));
	plan->stage_steps = calloc(flow->step_count + 1, sizeof(*plan->stage_steps));
	plan->step_stage = calloc(flow->step_count + 1, sizeof(*plan->step_stage));
	if (!plan->edges || !plan->consumers || !plan->streams || !plan->stages ||
			!plan->stage_steps || !plan->step_stage)
		return wax_err_set(err, -ENOMEM, "no memory to plan the flow");

	find_ordered(making);
	find_levels(making);
	int r = cut(making, err);
	if (r == 0)
		collect_stages(making);
	return r;
}

int wax_plan_make(const struct wax_flow *flow, uint32_t worker_count, struct wax_plan **ret_plan,
		struct wax_err *err)
{
	struct wax_plan *plan = calloc(1, sizeof(*plan));
	struct making making = {
			.plan = plan,
			.level = calloc(flow->step_count + 1, sizeof(*making.level)),
			.group = calloc(flow->step_count + 1, sizeof(*making.group)),
			.ordered = calloc(flow->step_count + 1, sizeof(*making.ordered)),
	};
	int r;
	if (!plan || !making.level || !making.group || !making.ordered) {
		r = wax_err_set(err, -ENOMEM, "no memory to plan the flow");
	} else {
		plan->flow = flow;
		plan->perturb = flow->perturb;
		plan->worker_count = worker_count;
		r = make_plan(&making, err);
	}
	free(making.level);
	free(making.group);
	free(making.ordered);
	if (r < 0) {
		wax_plan_free(plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

void wax_plan_free(struct wax_plan *plan)
{
	if (!plan)
		return;
	free(plan->edges);
	free(plan->consumers);
	free(plan->streams);
	free(plan->stages);
	free(plan->stage_steps);
	free(plan->step_stage);
	free(plan);
}
