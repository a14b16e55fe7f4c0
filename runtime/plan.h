/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "runtime/flow.h"

/*
 * How a graph is run by a number of workers. The plan cuts it at its exchange edges into stages:
 * within a stage a step hands its batches to the next by a call.
 *
 * A step's level is the greatest number of exchange edges on a way to it. A stage is a set of steps
 * of one level that hang together; an edge that goes up a level without an exchange is cut as well
 * and becomes a queue within the worker. So the stages form a DAG, a blocked stage blocks only
 * those upstream of it, and the marks that end an epoch meet at the entrance of a stage.
 */

enum { WAX_NO_EDGE = 0xffffffffu };

/** An edge that is cut: an exchange, or a queue within each worker. */
struct wax_plan_edge {
	uint32_t stream;
	uint32_t step; /* that it leads to */
	uint32_t input; /* of the step */
	enum wax_route route; /* WAX_ROUTE_LOCAL: a queue */
	uint32_t part_count;  /* of WAX_ROUTE_PART */
	struct wax_part_choice part_choice;
	const struct wax_type *type;
	bool forced; /* nothing needs it: see struct wax_perturb */
	bool steady; /* of those, to another worker: all that one worker sends goes to one other, so
		      * that items keep their order */
};

/** Who takes the batches of a stream. */
struct wax_plan_consumer {
	uint32_t step;
	uint32_t input;
	uint32_t edge; /* WAX_NO_EDGE: in the same stage */
};

struct wax_plan_stream {
	uint32_t first_consumer; /* in plan->consumers */
	uint32_t consumer_count;
};

struct wax_plan_stage {
	uint32_t level;
	uint32_t first_step; /* in plan->stage_steps; in topological order */
	uint32_t step_count;
};

struct wax_plan {
	const struct wax_flow *flow;
	const struct wax_perturb *perturb; /* the flow's */
	uint32_t worker_count;
	uint32_t edge_count;
	struct wax_plan_edge *edges;
	struct wax_plan_stream *streams;
	struct wax_plan_consumer *consumers;
	uint32_t stage_count;
	struct wax_plan_stage *stages; /* furthest downstream first */
	uint32_t *stage_steps;
	uint32_t *step_stage; /* index of the stage of each step */
};

/**
 * @param flow     borrows until wax_plan_free; without mistakes
 * @param ret_plan gives; release with wax_plan_free
 * @return 0; -ENOMEM; -E2BIG more than WAX_LANES_MAX exchanges
 */
int wax_plan_make(const struct wax_flow *flow, uint32_t worker_count, struct wax_plan **ret_plan,
		struct wax_err *err);
void wax_plan_free(struct wax_plan *plan);

#endif
