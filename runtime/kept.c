/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/kept_private.h"
#include "runtime/worker_private.h"

/*
 * The table notes which keys change (table_track.h); here they become records. Whether a key is saved
 * in its turn or by a lookup that is about to change it makes no difference but for the order.
 */

/* What is asked for before it is saved: as many as the processor can wait for at once, and some. */
#define AHEAD 32
/* So many records are enough for an average of their size; older ones count half. */
#define AVERAGE_COUNT_MAX ((uint64_t)1 << 20)

const struct wax_kept_ops wax_kept_plain = {NULL};

/* ---- records */

static int reserve_room(struct wax_kept *kept, size_t bytes)
{
	if (bytes <= kept->room_bytes)
		return 0;

	char *room = realloc(kept->room, 2 * bytes);

	if (!room)
		return -ENOMEM;
	kept->room = room;
	kept->room_bytes = 2 * bytes;
	return 0;
}

/* Put the time at which a key expires behind its value. */
static int add_time(struct wax_kept *kept, const void *state, struct wax_bytes *value)
{
	int64_t at = wax_timers_last(kept->expiry, state);

	if (reserve_room(kept, value->bytes + sizeof(at)) < 0)
		return -ENOMEM;
	if (value->bytes > 0)
		memcpy(kept->room, value->data, value->bytes);
	memcpy(kept->room + value->bytes, &at, sizeof(at));
	*value = (struct wax_bytes){kept->room, value->bytes + sizeof(at)};
	return 0;
}

static size_t record_bytes(struct wax_frames_step sizes, size_t key_bytes, size_t value_bytes)
{
	bool any_value = sizes.value_bytes == WAX_LOG_ANY_BYTES;

	return key_bytes + value_bytes +
			sizeof(uint32_t) * ((size_t)(sizes.key_bytes == 0) + any_value);
}

static void count_record(struct wax_kept *kept, size_t bytes)
{
	if (kept->saved_count >= AVERAGE_COUNT_MAX) {
		kept->saved_count /= 2;
		kept->saved_bytes /= 2;
	}
	kept->saved_count++;
	kept->saved_bytes += bytes;
}

/* @return bytes of its record; negative after wax_op_fail */
static int64_t save_state(struct wax_kept *kept, void *state)
{
	struct wax_op *op = kept->op;
	struct wax_bytes key = wax_table_key(kept->table, state);
	struct wax_bytes value = {state, kept->table->state_bytes};
	size_t time_bytes = kept->expiry ? sizeof(int64_t) : 0;
	int r = 0;

	if (kept->ops->print)
		r = kept->ops->print(op, state, &value);
	else
		value.bytes = kept->sizes.value_bytes - time_bytes;
	if (r < 0)
		return r;
	if (kept->expiry)
		r = add_time(kept, state, &value);
	if (r == 0)
		r = wax_frames_state(kept->frames, op->index, kept->sizes, key, value);
	if (r < 0)
		return wax_op_fail(op, NULL, 0, r, "no memory to save the state of a key");

	size_t bytes = record_bytes(kept->sizes, key.bytes, value.bytes);

	count_record(kept, bytes);
	return (int64_t)bytes;
}

/* A lookup is about to change a key that is marked. */
static int save_first(struct wax_table_track *track, void *state)
{
	struct wax_kept *kept = (struct wax_kept *)track; /* its first member */
	int64_t r = save_state(kept, state);

	return r < 0 ? (int)r : 0;
}

int wax_kept_save(struct wax_kept *kept, size_t bytes_max)
{
	struct wax_table_track *track = &kept->track;
	struct wax_table_marked marked[AHEAD];
	size_t bytes = 0;

	if (track->failed < 0)
		return track->failed;
	while (track->marked_count > 0) {
		uint32_t count = wax_table_track_next(kept->table, &kept->save_at, marked, AHEAD);

		WAX_ASSERT(count > 0);
		for (uint32_t i = 0; i < count; i++) {
			if (bytes >= bytes_max) {
				kept->save_at = marked[i].number;
				return 1;
			}
			wax_table_track_take(track, marked[i].number);

			int64_t saved = save_state(kept, marked[i].state);

			if (saved < 0)
				return (int)saved;
			bytes += (size_t)saved;
		}
	}
	return 0;
}

/* ---- the end of an epoch */

/* What is gone, in front of the states of the epoch. */
static int append_gone(struct wax_kept *kept, struct wax_frames *frames)
{
	uint32_t step = kept->op->index;
	struct wax_bytes key;
	size_t at = 0;
	int r = kept->track.cleared ? wax_frames_clear(frames, step) : 0;

	while (r == 0 && wax_table_track_gone(kept->table, &at, &key))
		r = wax_frames_gone(frames, step, kept->sizes, key);
	wax_table_track_told(&kept->track);
	return r < 0 ? wax_op_fail(kept->op, NULL, 0, r, "no memory to save which keys are gone")
		     : 0;
}

int wax_kept_mark(struct wax_kept *kept, struct wax_frames *frames, uint64_t pass_keys)
{
	WAX_ASSERT(!kept->loading);
	if (kept->track.failed < 0)
		return kept->track.failed;
	kept->frames = frames;
	kept->save_at = 0;

	int r = append_gone(kept, frames);

	if (r < 0)
		return r;
	return wax_table_track_mark(kept->table, &kept->pass_at, pass_keys);
}

uint64_t wax_kept_changed(const struct wax_kept *kept)
{
	return wax_table_track_changed(kept->table);
}

struct wax_kept_stats wax_kept_stats(const struct wax_kept *kept)
{
	struct wax_frames_step sizes = kept->sizes;
	struct wax_kept_stats stats = {.live_keys = kept->table->count};

	if (sizes.key_bytes > 0 && sizes.value_bytes != WAX_LOG_ANY_BYTES)
		stats.live_bytes =
				stats.live_keys * ((uint64_t)sizes.key_bytes + sizes.value_bytes);
	else if (kept->saved_count > 0)
		stats.live_bytes = stats.live_keys * kept->saved_bytes / kept->saved_count;
	return stats;
}

/* ---- */

int wax_op_keep(struct wax_op *op, struct wax_table *table, uint32_t value_bytes,
		struct wax_timers *expiry, const struct wax_kept_ops *ops, struct wax_err *err)
{
	struct wax_kept *kept;

	WAX_ASSERT(!op->kept);
	WAX_ASSERT(table->count == 0);
	if (!op->worker->env.keeps)
		return 0;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return wax_err_set(err, -ENOMEM, "no memory to keep the state of its keys");

	*kept = (struct wax_kept){.track = {.save = save_first, .adds_only = ops->adds_only},
			.op = op,
			.table = table,
			.expiry = expiry,
			.ops = ops,
			.sizes = {table->key_bytes, value_bytes}};
	if (expiry && value_bytes != WAX_LOG_ANY_BYTES)
		kept->sizes.value_bytes += (uint32_t)sizeof(int64_t);
	op->kept = kept;
	if (wax_table_track_init(&kept->track, table) < 0)
		return wax_err_set(err, -ENOMEM, "no memory to keep the state of its keys");
	return 0;
}

void wax_kept_free(struct wax_kept *kept)
{
	if (!kept)
		return;
	if (kept->table->track)
		wax_table_track_fini(&kept->track, kept->table);
	wax_kept_loading_free(kept->loading);
	kept->op->kept = NULL;
	free(kept->room);
	free(kept);
}
