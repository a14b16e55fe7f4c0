/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_KEPT_LOG_H
#define TESTS_SUPPORT_KEPT_LOG_H

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/frames.h"
#include "runtime/kept.h"
#include "runtime/log_scan.h"
#include "runtime/op.h"

/* The log of one worker, in memory: what wax_kept_mark and wax_kept_save append, and back. */
struct kept_log {
	struct wax_frames *made;
	struct wax_log_scan scan; /* the worker, and its frames: of any kind, but for PAD */
	uint32_t capacity;
};

static inline void kept_log_init(struct kept_log *log, uint32_t worker, uint32_t worker_count)
{
	*log = (struct kept_log){.scan = {.worker = worker, .worker_count = worker_count}};
	cr_assert_eq(wax_frames_make(&log->made, NULL), 0);
}

static inline void kept_log_fini(struct kept_log *log)
{
	for (uint32_t i = 0; i < log->scan.frame_count; i++)
		free((char *)(uintptr_t)log->scan.frames[i].payload);
	free(log->scan.frames);
	wax_frames_free(log->made);
	*log = (struct kept_log){NULL};
}

static inline void kept_log_add(struct kept_log *log, const struct wax_log_head *head)
{
	struct wax_log_scan *scan = &log->scan;
	char *payload;

	if (head->kind == WAX_LOG_PAD)
		return;
	if (scan->frame_count == log->capacity) {
		log->capacity = log->capacity ? 2 * log->capacity : 16;
		scan->frames = reallocarray(scan->frames, log->capacity, sizeof(*scan->frames));
		cr_assert_not_null(scan->frames);
	}
	payload = malloc(head->payload_bytes + 1);
	cr_assert_not_null(payload);
	memcpy(payload, head + 1, head->payload_bytes);
	scan->frames[scan->frame_count++] =
			(struct wax_log_frame){.head = *head, .payload = payload};
}

/* End the epoch that was begun with wax_frames_epoch, all of which is saved. */
static inline void kept_log_end(struct kept_log *log)
{
	struct wax_frames_block block;

	cr_assert_eq(wax_frames_end(log->made, &(struct wax_log_end){0}, NULL, 0), 0);
	while (wax_frames_take(log->made, &block)) {
		for (size_t at = 0; at < block.bytes;) {
			const struct wax_log_head *head = (const void *)(block.data + at);

			kept_log_add(log, head);
			at += sizeof(*head) +
					((head->payload_bytes + WAX_LOG_FRAME_ALIGN - 1) &
							~(size_t)(WAX_LOG_FRAME_ALIGN - 1));
		}
		wax_frames_written(log->made);
	}
}

/* Load what epochs first ... last say of the op; all there is, unless first is 0. What is older of
 * these keys is wanted no more. */
static inline void kept_log_load(const struct kept_log *log, const struct wax_op *op,
		uint64_t first, uint64_t last, struct wax_groups *wanted)
{
	const struct wax_log_scan *scan = &log->scan;
	struct wax_err err = {0};

	for (uint32_t i = scan->frame_count; i-- > 0;) {
		const struct wax_log_frame *frame = &scan->frames[i];
		uint32_t kind = frame->head.kind;

		if (frame->head.step != op->index || frame->head.epoch < first ||
				frame->head.epoch > last)
			continue;
		if (kind == WAX_LOG_CLEAR)
			wax_groups_set(wanted, scan->worker, scan->worker_count, false);
		else if (kind == WAX_LOG_STATE || kind == WAX_LOG_GONE)
			cr_assert_eq(wax_kept_load(op->kept, frame, wanted, &err), 0, "%s",
					err.text);
	}
	if (first > 0)
		wax_groups_set(wanted, scan->worker, scan->worker_count, false);
}

/* What a worker wants, before the first log. */
static inline struct wax_groups kept_log_wanted(uint32_t worker, uint32_t worker_count)
{
	struct wax_groups wanted = {{0}};

	wax_groups_set(&wanted, worker, worker_count, true);
	return wanted;
}

#endif
