/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOOPS_H
#define TESTS_SUPPORT_LOOPS_H

#include <criterion/criterion.h>

#include <errno.h>

#include "runtime/loop.h"

enum { ENTRIES = 8 };

/* Skips the test where this machine lacks the backend. */
static inline struct wax_loop *open_loop(enum wax_io io)
{
	struct wax_loop *loop = NULL;
	struct wax_err err = {0};

	if (wax_loop_open(io, ENTRIES, &loop, &err) < 0) {
		if (io == WAX_IO_URING && (err.code == -EPERM || err.code == -ENOSYS))
			cr_skip_test("%s", err.text);
		cr_assert_fail("%s", err.text);
	}
	return loop;
}

/* Each behaviour is one of both backends. */
#define BOTH(suite, name)                                                                          \
	static void name(struct wax_loop *loop);                                                   \
	Test(suite##_uring, name)                                                                  \
	{                                                                                          \
		name(open_loop(WAX_IO_URING));                                                     \
	}                                                                                          \
	Test(suite##_posix, name)                                                                  \
	{                                                                                          \
		name(open_loop(WAX_IO_POSIX));                                                     \
	}                                                                                          \
	static void name(struct wax_loop *loop)

#endif
