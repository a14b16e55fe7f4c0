/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_RESTORE_H
#define RUNTIME_RESTORE_H

#include <stdint.h>

#include <wax/err.h>

/*
 * From the logs of an earlier run into the steps of this one: before the fork which step is which,
 * and what the positions of sources and sinks were; in each worker, at the same time, the states of
 * the keys that it owns.
 */
struct wax_flow;
struct wax_resume;
struct wax_saved_parts;
struct wax_worker;

/** Which step of the flow a frame's step is: what a generation calls by a number it names in its
 *  manifest. */
struct wax_step_map {
	uint32_t *steps; /* index in the flow, or WAX_STORE_NO_STEP */
	uint32_t count;
};

/** What is found out before the fork. */
struct wax_restore_plan {
	struct wax_step_map *maps; /* one for each generation of the resume */
	uint32_t map_count;
	struct wax_saved_parts *parts; /* one for each step of the flow */
	uint32_t step_count;
};

/**
 * Find out, and have the steps of the flow know what was saved of them (step->saved).
 *
 * @param flow, resume borrowed until wax_restore_plan_free
 * @return 0; -EBADMSG, -ENOMEM with a sentence
 */
int wax_restore_plan_make(struct wax_flow *flow, const struct wax_resume *resume,
		struct wax_restore_plan *ret_plan, struct wax_err *err);
void wax_restore_plan_free(struct wax_flow *flow, struct wax_restore_plan *plan);

/** In a worker whose steps are open: load. @return 0; negative after wax_worker_fail */
int wax_restore(struct wax_worker *worker);

#endif
