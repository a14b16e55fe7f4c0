/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_LINES_H
#define CONNECTORS_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/connector.h>
#include <wax/err.h>

#include "runtime/loop.h"

/*
 * Reads the lines of a byte range of a file, or of a stream, through the event loop, into two
 * buffers in turn: one is read while the lines of the other are processed. Lines are lent where
 * they were read; only those that straddle buffers are moved.
 */
struct wax_lines;

enum { WAX_LINES_BUFFER_BYTES = 256 * 1024 };

struct wax_lines_options {
	struct wax_loop *loop; /* borrows until wax_lines_free */
	const char *name;      /* as sentences show it: "'in.txt'"; borrows until wax_lines_free */
	int fd;                /* borrows until wax_lines_free */
	bool stream;           /* read in order to the end; no offsets, and the next three are 0 */

	/* The lines whose first byte lies in [begin, end) of a file. */
	uint64_t begin;
	uint64_t end;
	uint64_t size; /* of the file; at least end. A byte behind it is never looked at. */
	bool resumes;  /* a line begins at begin: it need not be looked for */

	uint32_t buffer_bytes; /* of one read; 0: WAX_LINES_BUFFER_BYTES */

	/* Called in the loop when there is something to do after WAX_IDLE. */
	void (*wake)(void *context);
	void *context;
};

/**
 * Make a reader. Nothing is read before the first wax_lines_next.
 *
 * @param options   borrows until return
 * @param ret_lines gives; release with wax_lines_free
 * @return 0 or -ENOMEM
 */
int wax_lines_make(const struct wax_lines_options *options, struct wax_lines **ret_lines,
		struct wax_err *err);
/** Cancels what is being read. NULL is allowed. */
void wax_lines_free(struct wax_lines *lines);

/**
 * The next lines, without "\n" or "\r\n"; at most WAX_PORT_ITEMS_MAX. Never waits.
 *
 * @param ret_batch lends until the next call; written, and not empty, with WAX_MORE only
 * @return enum wax_next, or -EIO    or another negative errno of read(2)
 *                           -ESTALE the file became shorter
 *                           -E2BIG  a line is longer than INT32_MAX bytes
 *                           -ENOMEM a long line found no memory
 */
int wax_lines_next(struct wax_lines *lines, struct wax_batch *ret_batch, struct wax_err *err);

/** Where the line begins that follows the last one given: bytes from the start of the file or
 *  stream. A reader that resumes there goes on behind that line. */
uint64_t wax_lines_offset(const struct wax_lines *lines);
/** Does a line begin there? false: the first line of the range was not found yet. A reader that goes on
 *  there looks for it, if it is not told that it resumes. */
bool wax_lines_begins(const struct wax_lines *lines);

/** All of next of a source: lends the batch downstream and notes the offset in env. */
int wax_lines_emit(struct wax_lines *lines, struct wax_env *env, struct wax_out *out,
		struct wax_err *err);

#endif
