/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_STACK_H
#define LAUNCHER_STACK_H

#include <stdint.h>
#include <sys/types.h>

#include <wax/err.h>

/*
 * The stack of another process, read from outside: the process is stopped for a few milliseconds and
 * goes on as if nothing had been. No signal handler runs in it, and nothing is asked of it.
 */

enum { WAX_STACK_FRAMES_MAX = 24, WAX_STACK_FRAME_BYTES = 160 };

struct wax_stack {
	uint32_t frame_count;
	/* Innermost first: "slow_lookup (flow.c:41)", "nanosleep (libc.so.6)". */
	char frames[WAX_STACK_FRAMES_MAX][WAX_STACK_FRAME_BYTES];
};

/**
 * Read the stack of the main thread of a child of this process.
 *
 * @return 0; with a sentence and an empty stack: -EPERM it may not be traced (a container, or a debugger
 *         has it), -ENOSYS without elfutils, another negative errno
 */
int wax_stack_read(pid_t pid, struct wax_stack *stack, struct wax_err *err);

#endif
