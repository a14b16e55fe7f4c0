/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LAUNCHER_FLOWS_H
#define TESTS_LAUNCHER_FLOWS_H

#include <criterion/criterion.h>

#include <wax/wax.h>

#include "runtime/flow.h"
#include "runtime/plan.h"
#include "runtime/worker.h"

/* A flow and its plan, made from a build function. */
struct planned {
	struct wax_flow *flow;
	struct wax_plan *plan;
};

static inline void planned_make(struct planned *planned, void (*build)(struct wax_flow *flow),
		uint32_t worker_count)
{
	/* The flow borrows it. */
	static struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"test", "A flow to test with", NULL};
	struct wax_err err = {0};

	entry.build = build;
	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &planned->flow, &err), 0, "%s", err.text);
	cr_assert_eq(planned->flow->mistake_count, 0, "%s",
			planned->flow->mistake_count ? planned->flow->mistakes[0] : "");
	cr_assert_eq(wax_flow_prepare(planned->flow, worker_count, &err), 0, "%s", err.text);
	cr_assert_eq(wax_plan_make(planned->flow, worker_count, &planned->plan, &err), 0, "%s",
			err.text);
}

static inline void planned_free(struct planned *planned)
{
	wax_plan_free(planned->plan);
	wax_flow_free(planned->flow);
}

/* Numbers, counted by key, to standard output: has an exchange and two parts of steps. */
static inline void build_counting(struct wax_flow *flow)
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(1000, 0));
	struct wax_stream keyed = wax_key_on(numbers, "by_number", WAX_U64, wax_key_self, NULL);
	struct wax_stream counts = wax_count_final(keyed, "count");

	wax_output(counts, "out", wax_stdout(NULL));
}

#endif
