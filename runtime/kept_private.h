/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_KEPT_PRIVATE_H
#define RUNTIME_KEPT_PRIVATE_H

#include "runtime/kept.h"
#include "runtime/table_track.h"

/* Shared by kept.c, which saves, and kept_load.c; for nobody else. */

struct wax_kept_loading;

struct wax_kept {
	struct wax_table_track track;
	struct wax_op *op;
	struct wax_table *table;
	struct wax_timers *expiry; /* NULL: its keys do not expire */
	const struct wax_kept_ops *ops;
	struct wax_frames_step sizes; /* as they are in frames: with the time of expiry */

	struct wax_frames *frames; /* of the epoch that is being saved */
	uint64_t save_at;          /* number of the first entry that may be marked */
	uint64_t pass_at;
	uint64_t saved_count; /* records that were saved, ... */
	uint64_t saved_bytes; /* ... and their bytes: for an average; both are halved now and then */
	char *room;           /* for a value with its time */
	size_t room_bytes;

	struct wax_kept_loading *loading; /* NULL, but while it is loaded */
};

void wax_kept_loading_free(struct wax_kept_loading *loading);

#endif
