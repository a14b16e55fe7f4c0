/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "connectors/pace.h"
#include "connectors/ranges.h"
#include "connectors/vocabulary.h"

/* In one call of next: about a full batch. */
enum { LINES_MAX = 1024 };

struct text {
	int64_t lines;
	uint32_t words;
	uint64_t seed;
	double rate;
};

struct text_part {
	struct wax_env *env;
	struct wax_ranges ranges;
	struct wax_pace pace;
	struct wax_vocabulary *vocabulary;
};

static void text_close(void *text_part)
{
	struct text_part *part = text_part;

	wax_ranges_fini(&part->ranges);
	wax_vocabulary_free(part->vocabulary);
	free(part);
}

static int text_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct text *text = source;
	if (text->lines < 0)
		return wax_err_set(err, -EINVAL, "%" PRId64 " lines: give 0 or more", text->lines);
	int r = wax_pace_init(&(struct wax_pace){0}, text->rate, 0, 1, err);
	if (r < 0)
		return r;
	return wax_ranges_list(parts, "text", "lines", (uint64_t)text->lines,
			wax_parts_worker_count(parts), err);
}

/* A line follows from its number alone, so it matters not which worker makes it up. */
static int text_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct text *text = source;
	struct text_part *part = calloc(1, sizeof(*part));
	int result;

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");

	part->env = env;
	result = wax_ranges_init(&part->ranges, saved, err);
	if (result == 0)
		result = wax_pace_init(&part->pace, text->rate, wax_env_worker(env),
				wax_env_worker_count(env), err);
	if (result == 0)
		result = wax_vocabulary_make(text->words, text->seed, &part->vocabulary, err);
	if (result < 0) {
		text_close(part);
		return result;
	}
	*ret_part = part;
	return 0;
}

static int text_next(void *text_part, struct wax_out *out, struct wax_err *err)
{
	struct text_part *part = text_part;
	const struct wax_range *range = wax_ranges_now(&part->ranges);
	(void)err;
	if (!range)
		return WAX_END;
	uint64_t next = range->next, left = range->end - next;
	uint64_t most = wax_env_batch_size(part->env);
	most = most < LINES_MAX ? most : LINES_MAX;
	uint64_t count = wax_pace_due(
			&part->pace, wax_env_now(part->env), left < most ? left : most);
	if (count == 0)
		return WAX_IDLE;

	for (uint64_t i = 0; i < count; i++) {
		char *line = wax_claim(out, NULL, 0, WAX_LINE_ROOM_BYTES);

		/* Why is known to out, which stops the run. */
		if (!line)
			return -ECANCELED;
		wax_commit(out, wax_vocabulary_line(part->vocabulary, next++, line));
	}
	wax_pace_advance(&part->pace, count);
	wax_env_at(part->env, next);
	wax_ranges_advance(&part->ranges, next, false);
	return wax_ranges_now(&part->ranges) ? WAX_MORE : WAX_END;
}

static int64_t text_next_awake(void *text_part)
{
	return wax_pace_next(&((struct text_part *)text_part)->pace);
}

static struct wax_bytes text_position(void *text_part)
{
	return wax_ranges_position(&((const struct text_part *)text_part)->ranges);
}

static const struct wax_source_ops text_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "text",
		.list = text_list,
		.open = text_open,
		.next = text_next,
		.next_awake = text_next_awake,
		.position = text_position,
		.close = text_close,
		.free = free,
};

struct wax_source *wax_text(int64_t lines, uint32_t words, uint64_t seed, double rate)
{
	struct text *text = malloc(sizeof(*text));
	struct wax_source *source;

	if (!text)
		return NULL;

	*text = (struct text){.lines = lines, .words = words, .seed = seed, .rate = rate};
	source = wax_source_make(&text_ops, WAX_TEXT, text, NULL);
	if (!source)
		free(text);
	return source;
}
