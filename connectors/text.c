/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "connectors/pace.h"
#include "connectors/share.h"
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
	struct wax_share share;
	struct wax_pace pace;
	struct wax_vocabulary *vocabulary;
};

static void text_close(void *text_part)
{
	struct text_part *part = text_part;

	wax_vocabulary_free(part->vocabulary);
	free(part);
}

/* A line follows from its number alone, so it matters not which worker makes it up. */
static int text_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct text *text = source;
	uint32_t worker = wax_env_worker(env);
	uint32_t worker_count = wax_env_worker_count(env);
	struct text_part *part;
	int result;

	if (text->lines < 0)
		return wax_err_set(err, -EINVAL, "%" PRId64 " lines: give 0 or more", text->lines);
	part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");

	part->env = env;
	part->share = wax_share_of(text->lines, worker, worker_count);
	result = wax_share_restore(&part->share, saved, err);
	if (result == 0)
		result = wax_pace_init(&part->pace, text->rate, worker, worker_count, err);
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
	struct wax_share *share = &part->share;
	uint64_t left = (uint64_t)(share->end - share->next);
	uint64_t most = wax_env_batch_size(part->env);
	uint64_t count;

	(void)err;
	most = most < LINES_MAX ? most : LINES_MAX;
	count = wax_pace_due(&part->pace, wax_env_now(part->env), left < most ? left : most);
	if (count == 0)
		return left > 0 ? WAX_IDLE : WAX_END;

	for (uint64_t i = 0; i < count; i++) {
		char *line = wax_claim(out, NULL, 0, WAX_LINE_ROOM_BYTES);

		/* Why is known to out, which stops the run. */
		if (!line)
			return -ECANCELED;
		wax_commit(out,
				wax_vocabulary_line(
						part->vocabulary, (uint64_t)share->next++, line));
	}
	wax_pace_advance(&part->pace, count);
	wax_env_at(part->env, (uint64_t)share->next);
	return share->next < share->end ? WAX_MORE : WAX_END;
}

static int64_t text_next_awake(void *text_part)
{
	return wax_pace_next(&((struct text_part *)text_part)->pace);
}

static struct wax_bytes text_position(void *text_part)
{
	struct text_part *part = text_part;

	return (struct wax_bytes){&part->share.next, sizeof(part->share.next)};
}

static const struct wax_source_ops text_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "text",
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
