/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RESUME_H
#define TESTS_SUPPORT_RESUME_H

#include <stdlib.h>
#include <string.h>

#include "tests/support/stage.h"

/*
 * A source that is read, saved, and gone on with, by hand: all of its partitions are open in one
 * process, and a test says which is asked when, and when positions are saved.
 *
 *     struct resume resume = {0};
 *
 *     resume_begin(&resume, wax_file_lines(path), 3, WAX_TEXT, take, NULL);
 *     resume_next(&resume, 0, 10);
 *     resume_save(&resume);
 *     resume_end(&resume);
 *     resume_begin(&resume, wax_file_lines(path), 5, WAX_TEXT, take, NULL); goes on
 *     ...
 *     resume_fini(&resume);
 */
struct resume_part {
	struct wax_env env;
	void *handle;        /* NULL: it has ended */
	struct wax_bytes at; /* of one that has ended: its position. Owned */
};

struct resume {
	struct stage stage;
	struct wax_source *source;
	struct wax_parts parts;
	struct resume_part *open;
	struct wax_saved_parts saved;
	struct wax_err err;
};

static inline struct wax_bytes resume_copy(struct wax_bytes bytes)
{
	if (!bytes.data)
		return bytes;
	char *copy = malloc(bytes.bytes + 1);
	memcpy(copy, bytes.data, bytes.bytes);
	return (struct wax_bytes){copy, bytes.bytes};
}

static inline void resume_forget(struct resume *resume)
{
	for (uint32_t i = 0; i < resume->saved.count; i++) {
		free((void *)(uintptr_t)resume->saved.parts[i].name.data);
		free((void *)(uintptr_t)resume->saved.parts[i].position.data);
	}
	free(resume->saved.parts);
	resume->saved = (struct wax_saved_parts){NULL, 0};
}

static inline int resume_compare(const void *a, const void *b)
{
	const struct wax_saved_part *one = a, *other = b;
	size_t bytes = one->name.bytes < other->name.bytes ? one->name.bytes : other->name.bytes;
	int order = memcmp(one->name.data, other->name.data, bytes);
	return order ? order
		     : (one->name.bytes > other->name.bytes) -
					(one->name.bytes < other->name.bytes);
}

/** Save the position of a partition, or what a test makes of it. */
static inline void resume_add(struct resume *resume, const char *name, struct wax_bytes position)
{
	struct wax_saved_parts *saved = &resume->saved;
	saved->parts = realloc(saved->parts, (saved->count + 1) * sizeof(*saved->parts));
	saved->parts[saved->count++] = (struct wax_saved_part){
			.name = resume_copy((struct wax_bytes){name, strlen(name)}),
			.position = resume_copy(position)};
	qsort(saved->parts, saved->count, sizeof(*saved->parts), resume_compare);
}

/** What it lists. @return as list and the check behind it */
static inline int resume_list(
		struct resume *resume, struct wax_source *source, uint32_t worker_count)
{
	wax_parts_init(&resume->parts, worker_count, resume->saved.count ? &resume->saved : NULL);
	resume->source = source;
	int r = source->ops.list(source->source, &resume->parts, &resume->err);
	return r < 0 ? r : wax_parts_check_saved(&resume->parts, &resume->err);
}

/** Go on from what was saved, or begin. @param source taken, until resume_end */
static inline void resume_begin(struct resume *resume, struct wax_source *source,
		uint32_t worker_count, const struct wax_type *type,
		int (*take)(struct wax_port *, const struct wax_batch *), void *taker)
{
	cr_assert_eq(resume_list(resume, source, worker_count), 0, "%s", resume->err.text);
	stage_init(&resume->stage, 0, worker_count, "");
	stage_collect(&resume->stage, type, take, taker);
	resume->open = calloc(resume->parts.count + 1, sizeof(*resume->open));
	for (uint32_t i = 0; i < resume->parts.count; i++) {
		struct resume_part *part = &resume->open[i];
		part->env = (struct wax_env){
				.op = &resume->stage.op, .part = resume->parts.names[i]};
		int r = source->ops.open(source->source, &part->env, resume->parts.positions[i],
				&part->handle, &resume->err);
		cr_assert_eq(r, 0, "%s", resume->err.text);
	}
}

static inline void resume_close_part(struct resume *resume, struct resume_part *part)
{
	if (!part->handle)
		return;
	part->at = resume_copy(resume->source->ops.position(part->handle));
	resume->source->ops.close(part->handle);
	wax_env_fini(&part->env);
	part->handle = NULL;
}

/** Ask a partition for at most so many items; waits until it has some, or ended.
 *  @return what next gave */
static inline int resume_next(struct resume *resume, uint32_t index, uint32_t items)
{
	struct resume_part *part = &resume->open[index];
	int r = part->handle ? WAX_IDLE : WAX_END;
	part->env.batch_size = items;
	while (r == WAX_IDLE) {
		part->env.woken = false;
		r = resume->source->ops.next(
				part->handle, &resume->stage.port.out, &resume->stage.err);
		wax_port_flush(&resume->stage.port);
		if (r != WAX_IDLE)
			break;
		if (resume->source->ops.next_awake)
			resume->stage.worker.wall_ns = resume->source->ops.next_awake(part->handle);
		else
			while (!part->env.woken)
				wax_loop_wait(resume->stage.worker.loop, WAX_NEVER);
	}
	if (r == WAX_END)
		resume_close_part(resume, part);
	return r;
}

/** Read all to the end, the partitions in turn. */
static inline void resume_drain(struct resume *resume, uint32_t items)
{
	for (bool live = true; live;) {
		live = false;
		for (uint32_t i = 0; i < resume->parts.count; i++) {
			int r = resume_next(resume, i, items);
			cr_assert_geq(r, 0, "%s", resume->stage.err.text);
			live |= r != WAX_END;
		}
	}
}

/** Save all positions: what is gone on from. */
static inline void resume_save(struct resume *resume)
{
	resume_forget(resume);
	for (uint32_t i = 0; i < resume->parts.count; i++) {
		struct resume_part *part = &resume->open[i];
		resume_add(resume, resume->parts.names[i],
				part->handle ? resume->source->ops.position(part->handle)
					     : part->at);
	}
}

/** Close all, as a crash would. */
static inline void resume_end(struct resume *resume)
{
	for (uint32_t i = 0; i < resume->parts.count && resume->open; i++) {
		resume_close_part(resume, &resume->open[i]);
		free((void *)(uintptr_t)resume->open[i].at.data);
	}
	if (resume->open)
		stage_fini(&resume->stage);
	free(resume->open);
	resume->open = NULL;
	wax_parts_fini(&resume->parts);
	wax_source_free(resume->source);
	resume->source = NULL;
}

static inline void resume_fini(struct resume *resume)
{
	resume_forget(resume);
}

#endif
