/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_WATCHDOG_H
#define LAUNCHER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/stack.h"
#include "shm/control.h"

/*
 * Looks from the launcher for callbacks that hold their worker: while one runs, nothing else of that
 * worker does. Workers pay for it with a count of their callbacks, a store each.
 *
 * A look sees which step a worker is in and how many callbacks it has called. The same step and the
 * same count as at an earlier look: it is still in that call. The time that the worker spent waiting
 * for a CPU, or stopped by a debugger, is not the callback's.
 */

struct wax_watchdog;

/** A callback that holds, or held, its worker for longer than the budget. */
struct wax_hold {
	uint32_t worker;
	uint32_t step;
	uint64_t held_ns; /* so far */
	uint64_t busy_ns; /* of these: computing; the rest it waited for something */
	bool is_over;     /* the call has returned; nothing below is set */
	bool is_new;      /* no hold of this step at this place in the code was seen before */
	struct wax_stack stack;
	const char *no_stack; /* why there is none; NULL: there is one */
};

/** All borrowed until wax_watchdog_free. */
struct wax_watchdog_env {
	const struct wax_control *control;
	const pid_t *pids; /* of the workers; 0: gone */
	uint64_t budget_ns;
	/* Called when a hold is found, and when it is over: `hold` is lent during the call. */
	void (*held)(void *context, const struct wax_hold *hold);
	void *context;
};

/** @return NULL: out of memory */
struct wax_watchdog *wax_watchdog_make(const struct wax_watchdog_env *env);
void wax_watchdog_free(struct wax_watchdog *watchdog);

/** How often to look, ns. */
uint64_t wax_watchdog_interval_ns(const struct wax_watchdog *watchdog);

/** Look at all workers. */
void wax_watchdog_look(struct wax_watchdog *watchdog, uint64_t now_ns);

#endif
