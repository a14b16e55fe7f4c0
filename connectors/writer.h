/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_WRITER_H
#define CONNECTORS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/loop.h"

/*
 * Lines written to a file, pipe or terminal through the event loop: what stands behind all sinks
 * of text. Lines are gathered in one buffer while another is being written, one write at a time,
 * so they come out in order and without a system call per line. Belongs to the loop's thread.
 */
struct wax_writer;

struct wax_writer_target {
	int fd;           /* taken: closed with the writer */
	const char *name; /* for sentences: "'out.txt'", "standard output"; borrows until close */
	int64_t offset;   /* where to write; -1: at the file's own position */
	const char *path; /* of a file that may be new, for wax_writer_secure; NULL: it is not; borrows
			   * until close */
};

/**
 * @param wake       called from a completion of the loop when there is room after WAX_BUSY, when the
 *                   disk has what was to be secured, and when the writer failed
 * @param ret_writer gives; release with wax_writer_close
 * @return 0; -ENOMEM, and then the descriptor is still yours
 */
int wax_writer_open(struct wax_loop *loop, const struct wax_writer_target *target,
		void (*wake)(void *waker), void *waker, struct wax_writer **ret_writer,
		struct wax_err *err);

/**
 * Write each value of a batch as a line. The values are copied: it is lent during the call.
 *
 * @return WAX_READY; WAX_BUSY: taken too, but give no more before wake was called; or a negative
 *         errno with a sentence, also when an earlier write failed
 */
int wax_writer_write(struct wax_writer *writer, const struct wax_batch *batch, struct wax_err *err);

/** Hand everything to the kernel. @return WAX_READY: done; WAX_BUSY: call again after wake; or as
 *  wax_writer_write */
int wax_writer_flush(struct wax_writer *writer, struct wax_err *err);

/**
 * See to it that the disk has everything up to an offset, and the directory the file.
 *
 * @param end at most wax_writer_end
 * @return WAX_READY: it has; WAX_PENDING: call again after wake, and write meanwhile as you like; or
 *         as wax_writer_write
 */
int wax_writer_secure(struct wax_writer *writer, uint64_t end, struct wax_err *err);

/** Wait until the disk has it. Blocks, so only after the last flush. */
int wax_writer_sync(struct wax_writer *writer, struct wax_err *err);

/** How many bytes the kernel has taken, and the offset behind them: target.offset, or 0 where that
 *  is -1, and all that was written since. */
uint64_t wax_writer_offset(const struct wax_writer *writer);

/** The offset behind all that was given, when it is written. */
uint64_t wax_writer_end(const struct wax_writer *writer);

/** Close the descriptor. What was not flushed is lost: a write under way is cancelled, which may
 *  wait for the disk. NULL is allowed. */
void wax_writer_close(struct wax_writer *writer);

/** Open a file for writing, or make it, for a writer; a pipe without a reader is an error.
 *
 * @param flags as for open(2): O_TRUNC or 0
 * @param ret_regular 1: it has offsets; 0: pipe or device
 * @return the descriptor, or a negative errno with a sentence */
int wax_writer_open_path(const char *path, int flags, bool *ret_regular, struct wax_err *err);

#endif
