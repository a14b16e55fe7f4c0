/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_OUTLINE_H
#define LAUNCHER_OUTLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/flow.h"

/*
 * The graph as its author sees it: internal steps ("wordcount.count.final") are parts of the step
 * that the flow names. A step and its parts are a group, named by the step's index.
 */
struct wax_outline {
	const struct wax_flow *flow;
	uint32_t *owner; /* of each step; of one that the flow names: itself */
};

/**
 * @param flow borrows until wax_outline_fini
 * @return 0 or -ENOMEM
 */
int wax_outline_init(struct wax_outline *outline, const struct wax_flow *flow);
void wax_outline_fini(struct wax_outline *outline);

/** Id without the name of the flow: "count", "count.final". */
const char *wax_outline_name(const struct wax_outline *outline, uint32_t step);

/** Does a stream come from a step of this group? */
bool wax_outline_owns(const struct wax_outline *outline, uint32_t group, uint32_t stream);

/** Do the items of the group come in at this step? */
bool wax_outline_is_entry(const struct wax_outline *outline, uint32_t step);

/** Do the items of the group go out from this step? */
bool wax_outline_is_exit(const struct wax_outline *outline, uint32_t step);

/** "local", "key", "batches", "items", "partition", "broadcast". */
const char *wax_route_name(enum wax_route route);

#endif
