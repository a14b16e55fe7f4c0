/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LOG_H
#define RUNTIME_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "runtime/frames.h"
#include "runtime/loop.h"

/*
 * The log of one worker, while it is written: what wax_frames makes goes to the disk through the
 * event loop, and an epoch is durable when a linked fdatasync says so. One thread, that of the loop.
 */
struct wax_log;

struct wax_log_env {
	struct wax_loop *loop;
	int dir;              /* of the generation; borrowed until wax_log_close */
	const char *dir_path; /* for sentences; borrowed */
	uint64_t generation;
	uint64_t run;
	uint32_t worker;
	uint32_t worker_count;
	/* Called from a completion when an epoch has become durable, when there is room again after
	 * wax_log_is_full, and when the log has failed. */
	void (*wake)(void *waker);
	void *waker;
};

/** @param ret_log gives; release with wax_log_close
 *  @return 0, or a negative errno with a sentence that says what to do */
int wax_log_open(const struct wax_log_env *env, struct wax_log **ret_log, struct wax_err *err);
/** What is not durable may be lost. */
void wax_log_close(struct wax_log *log);

/** Where records go. */
struct wax_frames *wax_log_frames(struct wax_log *log);

/** Start to write what is complete. Called now and then while records are appended, and by
 *  wax_log_end. @return 0, or the negative errno of what failed, with a sentence */
int wax_log_push(struct wax_log *log, struct wax_err *err);

/** So much waits for the disk that who can wait should. */
bool wax_log_is_full(const struct wax_log *log);

/** The next epoch begins a new segment. Called behind wax_log_end, before anything else is appended. */
int wax_log_cut(struct wax_log *log, struct wax_err *err);

/** End the epoch that wax_frames_epoch has begun: write it all, then fdatasync. Parameters as
 *  wax_frames_end. wake is called when it is durable. */
int wax_log_end(struct wax_log *log, const struct wax_log_end *end,
		const struct wax_frames_position *positions, uint32_t count, struct wax_err *err);

/** The last epoch that is durable; 0: none. */
uint64_t wax_log_durable(const struct wax_log *log);

/** The number of the segment that is written, from 1 on. */
uint64_t wax_log_segment(const struct wax_log *log);

/** Bytes of all segments since wax_log_open. */
uint64_t wax_log_bytes(const struct wax_log *log);

/** 0, or why the log cannot be written any more. */
int wax_log_failure(const struct wax_log *log, struct wax_err *err);

#endif
