/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/state_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/store_walk.h"
#include "runtime/suggest.h"

int wax_state_view_open(const char *path, uint64_t epoch, struct wax_state_view *ret_view,
		struct wax_err *err)
{
	struct wax_state_view view = {0};
	int r = wax_store_open(path, false, false, &view.store, err);

	if (r == 0)
		r = wax_store_resume(view.store, epoch, &view.resume, err);
	if (r == 0 && view.resume->generation_count == 0)
		r = wax_err_set(err, -ENOENT,
				"no run has committed an epoch in '%s' yet: is it the directory "
				"that "
				"waxrun --recovery was given?",
				path);
	if (r == 0) {
		view.manifest = &view.resume->generations[0].manifest;
		if (view.manifest->hash_version != WAX_HASH_VERSION ||
				view.manifest->hash_seed != WAX_HASH_SEED)
			r = wax_err_set(err, -EPROTO,
					"'%s' was written with another hash of keys: use the wax "
					"that "
					"belongs to the waxrun which wrote it",
					path);
	}
	if (r < 0) {
		wax_state_view_close(&view);
		return r;
	}
	*ret_view = view;
	return 0;
}

void wax_state_view_close(struct wax_state_view *view)
{
	wax_resume_free(view->resume);
	wax_store_close(view->store);
	*view = (struct wax_state_view){0};
}

const struct wax_manifest_step *wax_state_view_step(
		const struct wax_state_view *view, const char *id, struct wax_err *err)
{
	const struct wax_manifest *manifest = view->manifest;
	const struct wax_manifest_step *step = wax_manifest_find(manifest, id, WAX_MANIFEST_STATE);
	struct wax_suggest suggest;

	if (step)
		return step;
	wax_suggest_init(&suggest, id);
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		if (manifest->steps[i].role == WAX_MANIFEST_STATE)
			wax_suggest_offer(&suggest, manifest->steps[i].id);
	}

	const char *meant = wax_suggest_nearest(&suggest);

	if (meant)
		wax_err_set(err, -EINVAL, "no step '%s' has state: did you mean %s?", id, meant);
	else
		wax_err_set(err, -EINVAL,
				"no step '%s' has state: wax state ls lists those that have", id);
	return NULL;
}

enum wax_state_type wax_state_key_type(
		enum wax_state_type asked, const struct wax_manifest_step *step)
{
	return asked != WAX_STATE_AUTO ? asked : wax_state_type_named(step->key);
}

/* ---- Records */

/* What the table holds of a key. */
struct entry {
	const char *value; /* NULL: it is gone */
	uint32_t value_bytes;
};

struct reading {
	const struct wax_state_view *view;
	const char *id; /* of the step */
	struct wax_table *table;
	const struct wax_bytes *only; /* NULL: all keys */
	struct wax_bytes found;       /* the state of it; no address: it is gone, or not there */
};

/* A step has an index of its own in each generation. */
static uint32_t step_of(void *context, uint32_t generation, uint32_t index)
{
	const struct reading *reading = context;
	const struct wax_manifest_step *step =
			wax_manifest_find(&reading->view->resume->generations[generation].manifest,
					reading->id, WAX_MANIFEST_STATE);

	return step && step->index == index ? 0 : WAX_STORE_NO_STEP;
}

static bool is_only(const struct reading *reading, struct wax_bytes key)
{
	return key.bytes == reading->only->bytes &&
			(key.bytes == 0 || memcmp(key.data, reading->only->data, key.bytes) == 0);
}

/* The address of an empty state is that of a text, so that it is one. */
static const char *address_of(struct wax_bytes value)
{
	return value.data ? value.data : "";
}

/* @return 1: it was the one that is looked for */
static int take_record(
		struct reading *reading, bool gone, struct wax_bytes key, struct wax_bytes value)
{
	bool added;

	if (reading->only) {
		if (!is_only(reading, key))
			return 0;
		if (!gone)
			reading->found = (struct wax_bytes){address_of(value), value.bytes};
		return 1;
	}

	struct entry *entry = wax_table_get(reading->table, key, &added);

	if (!entry)
		return -ENOMEM;
	if (added && !gone)
		*entry = (struct entry){address_of(value), (uint32_t)value.bytes};
	return 0;
}

static int take_frame(void *context, const struct wax_store_frame *taken, struct wax_err *err)
{
	const struct wax_log_frame *frame = taken->frame;
	bool gone = frame->head.kind == WAX_LOG_GONE;
	struct wax_log_records records;
	struct wax_bytes key, value = {0};
	int r = wax_log_records(frame, &records), more = 0;

	while (r == 0 && (more = wax_log_next_record(&records, &key, &value)) == 1) {
		if (wax_groups_have(taken->wanted, wax_hash(key.data, key.bytes)))
			r = take_record(context, gone, key, value);
	}
	if (r == -ENOMEM)
		return wax_err_set(err, r, "no memory for the keys of a step");
	if (r < 0 || more < 0)
		return wax_err_set(err, -EBADMSG,
				"frame at byte %llu of '%s/%s': its records are damaged",
				(unsigned long long)frame->offset, taken->scan->path,
				taken->scan->segments[frame->segment].name);
	return r;
}

static int read_records(struct reading *reading, struct wax_err *err)
{
	struct wax_store_walk walk = {.resume = reading->view->resume,
			.step_count = 1,
			.step_of = step_of,
			.take = take_frame,
			.context = reading};

	if (reading->only)
		wax_groups_add(&walk.own, wax_hash(reading->only->data, reading->only->bytes));
	else
		wax_groups_set(&walk.own, 0, 1, true);
	return wax_store_walk(&walk, err);
}

int wax_state_view_get(const struct wax_state_view *view, const struct wax_manifest_step *step,
		struct wax_bytes key, struct wax_bytes *ret_value, struct wax_err *err)
{
	struct reading reading = {.view = view, .id = step->id, .only = &key};
	int r = read_records(&reading, err);

	if (r < 0)
		return r;
	*ret_value = reading.found;
	return reading.found.data != NULL;
}

/* ---- Keys */

static int compare_keys(const void *left, const void *right, void *context)
{
	const struct wax_state_keys *keys = context;

	return wax_state_compare(keys->type, wax_table_key(&keys->table, *(void *const *)left),
			wax_table_key(&keys->table, *(void *const *)right));
}

static int sort_keys(struct wax_state_keys *keys, struct wax_err *err)
{
	struct wax_table_walk walk = {0};

	keys->sorted = calloc(keys->table.count + 1, sizeof(*keys->sorted));
	if (!keys->sorted)
		return wax_err_set(err, -ENOMEM, "no memory to sort keys");
	for (struct entry *entry; (entry = wax_table_next(&keys->table, &walk));) {
		if (!entry->value)
			continue;
		keys->sorted[keys->count++] = entry;
		keys->bytes += wax_table_key(&keys->table, entry).bytes + entry->value_bytes;
	}
	qsort_r(keys->sorted, keys->count, sizeof(*keys->sorted), compare_keys, keys);
	return 0;
}

int wax_state_keys_read(const struct wax_state_view *view, const struct wax_manifest_step *step,
		enum wax_state_type type, struct wax_state_keys *ret_keys, struct wax_err *err)
{
	struct wax_state_keys keys = {.type = type};
	struct reading reading = {.view = view, .id = step->id, .table = &keys.table};

	/* Of any length, whatever the manifest says: records say it for each key. */
	wax_table_init(&keys.table, 0, sizeof(struct entry), 0);
	int r = read_records(&reading, err);

	if (r == 0)
		r = sort_keys(&keys, err);
	if (r < 0) {
		wax_state_keys_fini(&keys);
		return r;
	}
	*ret_keys = keys;
	return 0;
}

void wax_state_keys_fini(struct wax_state_keys *keys)
{
	free(keys->sorted);
	wax_table_fini(&keys->table);
	keys->sorted = NULL;
	keys->count = 0;
}

struct wax_bytes wax_state_keys_key(const struct wax_state_keys *keys, uint64_t index)
{
	return wax_table_key(&keys->table, keys->sorted[index]);
}

struct wax_bytes wax_state_keys_value(const struct wax_state_keys *keys, uint64_t index)
{
	const struct entry *entry = keys->sorted[index];

	return (struct wax_bytes){entry->value, entry->value_bytes};
}

/* ---- Positions */

struct positions {
	struct wax_state_position *positions;
	uint64_t count;
	uint64_t room;
};

static int add_position(struct positions *positions, const struct wax_state_position *position)
{
	if (positions->count == positions->room) {
		uint64_t room = 2 * positions->room + 16;
		struct wax_state_position *grown = reallocarray(
				positions->positions, room, sizeof(*positions->positions));

		if (!grown)
			return -ENOMEM;
		positions->positions = grown;
		positions->room = room;
	}
	positions->positions[positions->count++] = *position;
	return 0;
}

/* NULL: the manifest does not have it. */
static const struct wax_manifest_step *find_index(
		const struct wax_manifest *manifest, uint32_t index)
{
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		if (manifest->steps[i].index == index &&
				manifest->steps[i].role != WAX_MANIFEST_STATE)
			return &manifest->steps[i];
	}
	return NULL;
}

static int read_log(const struct wax_state_view *view, const struct wax_log_scan *scan,
		uint64_t epoch, struct positions *positions, struct wax_err *err)
{
	const struct wax_log_frame *frame =
			&scan->frames[wax_log_find_epoch(scan, epoch)->end_frame];
	struct wax_log_positions walk;
	struct wax_log_position head;
	struct wax_state_position position;
	int r = wax_log_check_frame(scan, frame, err), more = 0;

	if (r < 0)
		return r;
	r = wax_log_positions(frame, &walk);
	while (r == 0 &&
			(more = wax_log_next_position(
					 &walk, &head, &position.name, &position.position)) == 1) {
		position.step = find_index(view->manifest, head.step);
		position.instance = head.instance;
		if (position.step)
			r = add_position(positions, &position);
	}
	if (r == -ENOMEM)
		return wax_err_set(err, r, "no memory for positions");
	if (r < 0 || more < 0)
		return wax_err_set(err, -EBADMSG, "the positions in '%s/%s' are damaged",
				scan->path, scan->segments[frame->segment].name);
	return 0;
}

static int compare_positions(const void *left, const void *right)
{
	const struct wax_state_position *a = left, *b = right;
	int order = (a->step > b->step) - (a->step < b->step);

	if (order == 0)
		order = wax_state_compare(WAX_STATE_HEX, a->name, b->name);
	return order ? order : (a->instance > b->instance) - (a->instance < b->instance);
}

int wax_state_view_positions(const struct wax_state_view *view,
		struct wax_state_position **ret_positions, uint64_t *ret_count, struct wax_err *err)
{
	const struct wax_store_generation *newest = &view->resume->generations[0];
	struct positions positions = {0};
	int r = 0;

	for (uint32_t i = 0; i < newest->manifest.worker_count && r == 0; i++)
		r = read_log(view, &newest->scans[i], newest->epoch_last, &positions, err);
	if (r < 0) {
		free(positions.positions);
		return r;
	}
	if (positions.count > 1)
		qsort(positions.positions, positions.count, sizeof(*positions.positions),
				compare_positions);
	*ret_positions = positions.positions;
	*ret_count = positions.count;
	return 0;
}
