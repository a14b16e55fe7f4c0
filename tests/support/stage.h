/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include <criterion/criterion.h>

#include "runtime/connector.h"
#include "runtime/port.h"
#include "runtime/worker_private.h"

/*
 * As much of a worker as an open partition sees, so that sources and sinks can be called without
 * one. The time stands still until a test moves worker.wall_ns.
 */
struct stage {
	struct wax_plan plan;
	struct wax_worker_record record;
	struct wax_worker worker;
	struct wax_step step;
	struct wax_op op;
	struct wax_env env;
	struct wax_err err;
	struct wax_port port; /* where a source emits; stage_collect */
};

/* Without a loop, which takes a while to open and to close. */
static inline void stage_init_idle(
		struct stage *stage, uint32_t me, uint32_t worker_count, const char *part)
{
	memset(stage, 0, sizeof(*stage));
	stage->plan.worker_count = worker_count;
	stage->worker.env.plan = &stage->plan;
	stage->worker.env.me = me;
	stage->worker.record = &stage->record;
	stage->worker.wall_ns = INT64_C(1700000000000000000);
	stage->step.id = "test.step";
	stage->op.step = &stage->step;
	stage->op.worker = &stage->worker;
	stage->op.calls = &stage->record.calls;
	stage->env = (struct wax_env){.op = &stage->op, .part = part};
}

static inline void stage_init(
		struct stage *stage, uint32_t me, uint32_t worker_count, const char *part)
{
	stage_init_idle(stage, me, worker_count, part);
	cr_assert_eq(wax_loop_open(WAX_IO_AUTO, 8, &stage->worker.loop, &stage->err), 0);
}

static inline void stage_collect(struct stage *stage, const struct wax_type *type,
		int (*take)(struct wax_port *, const struct wax_batch *), void *taker)
{
	cr_assert_eq(wax_port_init(&stage->port, type, take, taker, &stage->err), 0);
}

static inline void stage_fini(struct stage *stage)
{
	if (stage->port.take)
		wax_port_fini(&stage->port);
	wax_loop_close(stage->worker.loop);
}

/* Call flush of a sink until all is written or it failed. */
static inline int stage_flush(struct stage *stage, const struct wax_sink *sink, void *part)
{
	int result;

	while ((result = sink->ops.flush(part, &stage->err)) == WAX_BUSY) {
		for (stage->env.woken = false; !stage->env.woken;)
			wax_loop_wait(stage->worker.loop, WAX_NEVER);
	}
	return result;
}

#endif
