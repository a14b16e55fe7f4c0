/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/hash.h"
#include "runtime/kept_private.h"
#include "runtime/op.h"
#include "runtime/step.h"

/*
 * What was saved, back into the table: the newest record of a key is the first that is met, and the
 * only one that is looked at. Records are taken a block at a time, so that the table waits for many
 * of them at once.
 *
 * A key that is gone must not be made from an older record: it goes into a table of such keys, for as
 * long as it is loaded.
 */

struct wax_kept_loading {
	struct wax_table gone;

	/* A block of records. */
	uint32_t count;
	char *keys;                             /* of fixed size, in a row ... */
	struct wax_span spans[WAX_TABLE_BLOCK]; /* ... or of any, where they are, behind: */
	const char *first_key;
	struct wax_bytes values[WAX_TABLE_BLOCK];
	void *states[WAX_TABLE_BLOCK];
	struct wax_table_added added;
};

void wax_kept_loading_free(struct wax_kept_loading *loading)
{
	if (!loading)
		return;
	wax_table_fini(&loading->gone);
	free(loading->keys);
	free(loading);
}

/* What is loaded has not changed: the table is not tracked meanwhile. */
static int begin(struct wax_kept *kept)
{
	uint32_t key_bytes = kept->table->key_bytes;
	struct wax_kept_loading *loading = calloc(1, sizeof(*loading));

	if (!loading)
		return -ENOMEM;
	wax_table_init(&loading->gone, key_bytes, 0, 0);
	loading->keys = malloc((size_t)WAX_TABLE_BLOCK * key_bytes + 1);
	if (!loading->keys) {
		wax_kept_loading_free(loading);
		return -ENOMEM;
	}
	wax_table_track_fini(&kept->track, kept->table);
	kept->loading = loading;
	return 0;
}

/* ---- blocks */

static int make_state(struct wax_kept *kept, void *state, struct wax_bytes value)
{
	int64_t expires_at = 0;
	int r = 0;

	if (kept->expiry) {
		if (value.bytes < sizeof(expires_at))
			return -EBADMSG;
		value.bytes -= sizeof(expires_at);
		memcpy(&expires_at, (const char *)value.data + value.bytes, sizeof(expires_at));
	}
	if (kept->ops->make)
		r = kept->ops->make(kept->op, state, value);
	else if (value.bytes > 0)
		memcpy(state, value.data, value.bytes);
	if (r < 0 || expires_at == 0)
		return r;
	return wax_timers_set(kept->expiry, state, expires_at);
}

static struct wax_batch block_keys(const struct wax_kept *kept)
{
	const struct wax_kept_loading *loading = kept->loading;
	uint32_t key_bytes = kept->table->key_bytes;

	return (struct wax_batch){.count = loading->count,
			.keyed = 1,
			.key_bytes = key_bytes,
			.keys = key_bytes ? (const void *)loading->keys : loading->spans,
			.key_heap = loading->first_key,
			.key_heap_bytes = UINT32_MAX};
}

static int take_block(struct wax_kept *kept, bool gone)
{
	struct wax_kept_loading *loading = kept->loading;
	struct wax_batch keys = block_keys(kept);
	int r;

	if (loading->count == 0)
		return 0;
	r = wax_table_get_many(gone ? &loading->gone : kept->table, &keys, 0, keys.count,
			loading->states, &loading->added);
	for (uint32_t i = 0; !gone && r == 0 && i < loading->added.count; i++) {
		uint32_t item = loading->added.items[i];

		r = make_state(kept, loading->states[item], loading->values[item]);
	}
	loading->count = 0;
	return r;
}

/* Does its place fit behind that of the first? */
static bool fits(const struct wax_kept_loading *loading, struct wax_bytes key)
{
	return loading->count == 0 ||
			(size_t)((const char *)key.data - loading->first_key) <= UINT32_MAX;
}

static void put(struct wax_kept *kept, struct wax_bytes key, struct wax_bytes value)
{
	struct wax_kept_loading *loading = kept->loading;
	uint32_t key_bytes = kept->table->key_bytes, at = loading->count++;

	loading->values[at] = value;
	if (at == 0)
		loading->first_key = key.data;
	if (key_bytes)
		memcpy(loading->keys + (size_t)at * key_bytes, key.data, key_bytes);
	else
		loading->spans[at] = (struct wax_span){
				(uint32_t)((const char *)key.data - loading->first_key),
				(uint32_t)key.bytes};
}

/* ---- frames */

/* Is this record of a key that is wanted, and that is not gone? */
static bool is_wanted(
		const struct wax_kept *kept, struct wax_bytes key, const struct wax_groups *groups)
{
	const struct wax_kept_loading *loading = kept->loading;

	if (groups) {
		struct wax_bytes by =
				kept->ops->routed_by ? kept->ops->routed_by(kept->op, key) : key;

		if (!wax_groups_have(groups, wax_hash(by.data, by.bytes)))
			return false;
	}
	return loading->gone.count == 0 || !wax_table_find(&loading->gone, key);
}

static int take_records(struct wax_kept *kept, const struct wax_log_frame *frame,
		const struct wax_groups *groups)
{
	struct wax_kept_loading *loading = kept->loading;
	bool gone = frame->head.kind == WAX_LOG_GONE;
	struct wax_log_records records;
	struct wax_bytes key, value;
	int more, r = wax_log_records(frame, &records);

	if (r < 0)
		return r;
	while ((more = wax_log_next_record(&records, &key, &value)) > 0) {
		if (!is_wanted(kept, key, groups))
			continue;
		if (loading->count == WAX_TABLE_BLOCK || !fits(loading, key)) {
			r = take_block(kept, gone);
			if (r < 0)
				return r;
		}
		put(kept, key, value);
	}
	r = take_block(kept, gone);
	return r < 0 ? r : more;
}

static int check_sizes(
		const struct wax_kept *kept, const struct wax_log_head *head, struct wax_err *err)
{
	struct wax_frames_step sizes = kept->sizes;

	if (head->key_bytes != sizes.key_bytes)
		return wax_err_set(err, -EPROTO,
				"its keys were saved with %u bytes each and now have %u (0: any "
				"number): begin with a new recovery directory",
				head->key_bytes, sizes.key_bytes);
	if (head->kind == WAX_LOG_STATE && head->value_bytes != sizes.value_bytes)
		return wax_err_set(err, -EPROTO,
				"the state of a key was saved with %u bytes and now has %u "
				"(4294967295: any number; wax_ttl adds 8): begin with a new "
				"recovery directory",
				head->value_bytes, sizes.value_bytes);
	return 0;
}

/* A sentence for what has none. What make has to say is with the op. */
static int fail(struct wax_kept *kept, int r, struct wax_err *err)
{
	const struct wax_err *said = wax_op_err(kept->op);

	if (said->code)
		return err == said ? r : wax_err_set(err, r, "%s", said->text);
	if (r == -ENOMEM)
		return wax_err_set(err, r, "no memory for the keys that were saved");
	return wax_err_set(err, r, "a state that was saved is not one of this step");
}

int wax_kept_load(struct wax_kept *kept, const struct wax_log_frame *frame,
		const struct wax_groups *groups, struct wax_err *err)
{
	int r = kept->loading ? 0 : begin(kept);

	if (r < 0)
		return fail(kept, r, err);
	r = check_sizes(kept, &frame->head, err);
	if (r < 0)
		return r;
	r = take_records(kept, frame, groups);
	return r < 0 ? fail(kept, r, err) : 0;
}

int wax_kept_loaded(struct wax_kept *kept, struct wax_err *err)
{
	int r = 0;

	if (!kept->loading)
		return 0;
	wax_kept_loading_free(kept->loading);
	kept->loading = NULL;
	if (wax_table_track_init(&kept->track, kept->table) < 0)
		r = -ENOMEM;
	if (r == 0 && kept->ops->made)
		r = kept->ops->made(kept->op);
	if (r < 0)
		return fail(kept, r, err);
	if (kept->expiry)
		wax_op_wake_by(kept->op, wax_timers_next(kept->expiry));
	return 0;
}
