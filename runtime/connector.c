/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/worker_private.h"

/* Sources and sinks as the flow gives them, their partitions, and what these see of the worker. */

/* Copy an options struct that may be older, and so shorter, than ours. */
static void copy_ops(void *to, size_t to_bytes, const void *from, size_t from_bytes)
{
	memset(to, 0, to_bytes);
	memcpy(to, from, from_bytes < to_bytes ? from_bytes : to_bytes);
}

struct wax_source *wax_source_make(const struct wax_source_ops *ops, const struct wax_type *type,
		void *source, const char *label)
{
	struct wax_source *made = calloc(1, sizeof(*made));
	if (!made || !ops || !type) {
		free(made);
		return NULL;
	}
	copy_ops(&made->ops, sizeof(made->ops), ops, ops->size_bytes);
	made->type = type;
	made->source = source;
	made->label = label ? strdup(label) : NULL;
	return made;
}

struct wax_source *wax_batch_size(struct wax_source *source, uint32_t items)
{
	if (source)
		source->batch_size = items;
	return source;
}

struct wax_source *wax_rate(struct wax_source *source, double items_per_s)
{
	if (source)
		source->rate = items_per_s;
	return source;
}

struct wax_sink *wax_sink_make(const struct wax_sink_ops *ops, const struct wax_type *type,
		void *sink, const char *label)
{
	struct wax_sink *made = calloc(1, sizeof(*made));
	if (!made || !ops) {
		free(made);
		return NULL;
	}
	copy_ops(&made->ops, sizeof(made->ops), ops, ops->size_bytes);
	made->type = type;
	made->sink = sink;
	made->label = label ? strdup(label) : NULL;
	return made;
}

void wax_sink_format(struct wax_sink *sink, const char *format)
{
	if (!sink)
		return;
	free((char *)sink->format);
	sink->format = format ? strdup(format) : NULL;
	sink->formats = true;
	sink->type = WAX_TEXT;
}

void wax_source_free(struct wax_source *source)
{
	if (!source)
		return;
	if (source->ops.free)
		source->ops.free(source->source);
	free((char *)source->label);
	free(source);
}

void wax_sink_free(struct wax_sink *sink)
{
	if (!sink)
		return;
	if (sink->ops.free)
		sink->ops.free(sink->sink);
	free((char *)sink->label);
	free((char *)sink->format);
	free(sink);
}

void wax_parts_init(
		struct wax_parts *parts, uint32_t worker_count, const struct wax_saved_parts *saved)
{
	*parts = (struct wax_parts){.worker_count = worker_count, .saved = saved};
}

void wax_parts_fini(struct wax_parts *parts)
{
	for (uint32_t i = 0; i < parts->count; i++) {
		free(parts->names[i]);
		free((void *)(uintptr_t)parts->positions[i].data);
	}
	free(parts->names);
	free(parts->positions);
	free(parts->index);
	free(parts->saved_name);
	*parts = (struct wax_parts){0};
}

/* Where a name stands in the index, or would. A directory may have a hundred thousand files. */
static uint32_t *find_part(const struct wax_parts *parts, const char *name)
{
	uint32_t mask = parts->capacity * 2 - 1;
	uint32_t at = (uint32_t)wax_hash(name, strlen(name)) & mask;
	while (parts->index[at] && strcmp(parts->names[parts->index[at] - 1], name) != 0)
		at = (at + 1) & mask;
	return &parts->index[at];
}

static int grow_parts(struct wax_parts *parts)
{
	uint32_t capacity = parts->capacity ? parts->capacity * 2 : 16;
	char **names = realloc(parts->names, capacity * sizeof(*names));
	if (!names)
		return -ENOMEM;
	parts->names = names;
	struct wax_bytes *positions = realloc(parts->positions, capacity * sizeof(*positions));
	if (!positions)
		return -ENOMEM;
	parts->positions = positions;
	uint32_t *index = calloc((size_t)capacity * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(parts->index);
	parts->index = index;
	parts->capacity = capacity;
	for (uint32_t i = 0; i < parts->count; i++)
		*find_part(parts, parts->names[i]) = i + 1;
	return 0;
}

static int compare_bytes(struct wax_bytes a, struct wax_bytes b)
{
	size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = bytes > 0 ? memcmp(a.data, b.data, bytes) : 0;
	return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static const struct wax_saved_part *find_saved(const struct wax_parts *parts, const char *name)
{
	uint32_t first = 0, end = parts->saved ? parts->saved->count : 0;
	struct wax_bytes wanted = {name, strlen(name)};
	while (first < end) {
		uint32_t middle = first + (end - first) / 2;
		int order = compare_bytes(parts->saved->parts[middle].name, wanted);
		if (order == 0)
			return &parts->saved->parts[middle];
		if (order < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

int wax_parts_add_at(struct wax_parts *parts, const char *name, struct wax_bytes position)
{
	if (!name || !name[0])
		return -EINVAL;
	if (parts->count == parts->capacity && grow_parts(parts) < 0)
		return -ENOMEM;
	uint32_t *place = find_part(parts, name);
	if (*place)
		return -EEXIST;
	char *copy = strdup(name);
	struct wax_room begins = {0};
	if (!copy || wax_position_set(&begins, position) < 0) {
		free(copy);
		return -ENOMEM;
	}
	parts->names[parts->count] = copy;
	parts->positions[parts->count] = (struct wax_bytes){begins.data, begins.bytes};
	*place = ++parts->count;
	return 0;
}

int wax_parts_add(struct wax_parts *parts, const char *name)
{
	const struct wax_saved_part *saved = name ? find_saved(parts, name) : NULL;
	return wax_parts_add_at(parts, name, saved ? saved->position : (struct wax_bytes){NULL, 0});
}

uint32_t wax_parts_saved_count(const struct wax_parts *parts)
{
	return parts->saved ? parts->saved->count : 0;
}

const char *wax_parts_saved_name(struct wax_parts *parts, uint32_t index)
{
	struct wax_bytes name = parts->saved->parts[index].name;
	parts->looked = true;
	free(parts->saved_name);
	parts->saved_name = strndup(name.data, name.bytes);
	return parts->saved_name ? parts->saved_name : "";
}

struct wax_bytes wax_parts_saved_position(struct wax_parts *parts, uint32_t index)
{
	parts->looked = true;
	return parts->saved->parts[index].position;
}

int wax_parts_check_saved(const struct wax_parts *parts, struct wax_err *err)
{
	int r = 0;
	for (uint32_t i = 0; !parts->looked && i < wax_parts_saved_count(parts) && r == 0; i++) {
		struct wax_bytes bytes = parts->saved->parts[i].name;
		char *name = strndup(bytes.data, bytes.bytes);
		if (!name)
			return wax_err_set(err, -ENOMEM, "no memory for the name of a partition");
		if (parts->count == 0 || !*find_part(parts, name))
			r = wax_err_set(err, -ESTALE,
					"the saved run had a partition '%s', which is not there "
					"any "
					"more: bring it back, or begin anew with --from none",
					name);
		free(name);
	}
	return r;
}

struct wax_bytes wax_parts_saved_instance(const struct wax_parts *parts, uint32_t instance)
{
	for (uint32_t i = 0; parts->saved && i < parts->saved->count; i++) {
		if (parts->saved->parts[i].instance == instance)
			return parts->saved->parts[i].position;
	}
	return (struct wax_bytes){NULL, 0};
}

uint32_t wax_parts_worker_count(const struct wax_parts *parts)
{
	return parts->worker_count;
}

/* ---- Positions */

int wax_position_set(struct wax_room *position, struct wax_bytes bytes)
{
	if (!bytes.data) {
		wax_room_fini(position);
		return 0;
	}
	return wax_room_set(position, bytes);
}

int wax_env_add_position(const struct wax_env *env, const struct wax_room *position,
		struct wax_positions *to)
{
	if (!position->data)
		return 0;
	return wax_positions_add(to,
			&(struct wax_frames_position){
					.step = env->op->index,
					.instance = env->instance,
					.name = {env->part, strlen(env->part)},
					.position = {position->data, position->bytes},
			});
}

/* ---- What a partition sees of its worker */

uint32_t wax_env_worker(const struct wax_env *env)
{
	return env->op->worker->env.me;
}

uint32_t wax_env_instance(const struct wax_env *env)
{
	return env->instance;
}

uint32_t wax_env_worker_count(const struct wax_env *env)
{
	return env->op->worker->env.plan->worker_count;
}

const char *wax_env_part(const struct wax_env *env)
{
	return env->part;
}

uint32_t wax_env_batch_size(const struct wax_env *env)
{
	return env->batch_size ? env->batch_size : UINT32_MAX;
}

int64_t wax_env_now(const struct wax_env *env)
{
	return env->op->worker->wall_ns;
}

struct wax_test_clock *wax_env_clock(const struct wax_env *env)
{
	return env->op->worker->env.clock;
}

bool wax_env_is_saved(const struct wax_env *env, uint32_t instance)
{
	const struct wax_saved_parts *saved = env->op->step->saved;
	for (uint32_t i = 0; saved && i < saved->count; i++) {
		if (saved->parts[i].instance == instance)
			return true;
	}
	return false;
}

struct wax_loop *wax_env_loop(struct wax_env *env)
{
	return env->op->worker->loop;
}

void wax_env_wake(struct wax_env *env)
{
	env->woken = true;
	env->op->woken = true;
	env->op->busy = false;
	env->op->worker->woken = true;
}

static void env_ready(struct wax_completion *completion, int result)
{
	(void)result; /* a failing descriptor shows when it is used */
	wax_env_wake((struct wax_env *)((char *)completion - offsetof(struct wax_env, readiness)));
}

void wax_env_fini(struct wax_env *env)
{
	if (env->readiness.busy)
		wax_loop_cancel(env->op->worker->loop, &env->readiness);
}

int wax_env_wake_on(struct wax_env *env, int fd, short events)
{
	if (env->readiness.busy)
		return -EBUSY;
	env->readiness.done = env_ready;
	wax_loop_poll(env->op->worker->loop, &env->readiness, fd, events);
	return 0;
}

void wax_env_at(struct wax_env *env, uint64_t offset)
{
	struct wax_worker_record *record = env->op->worker->record;
	/* A source per worker has no name for its part: that of its step will do. */
	const char *name = env->part[0] ? env->part : env->op->step->id;
	/* Relaxed, and the name is copied without care for readers: it is for reports. */
	if (strncmp(record->source, name, sizeof(record->source) - 1) != 0) {
		size_t bytes = strlen(name);
		if (bytes > sizeof(record->source) - 1)
			bytes = sizeof(record->source) - 1;
		memcpy(record->source, name, bytes);
		record->source[bytes] = '\0';
	}
	wax_store_relaxed(&record->source_offset, offset);
}
