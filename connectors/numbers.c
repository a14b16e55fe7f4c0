/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "connectors/pace.h"
#include "connectors/ranges.h"

/* In one call of next: a full batch. */
enum { NUMBERS_MAX = 4096 };

struct numbers {
	int64_t count;
	double rate;
	bool single;
};

struct numbers_part {
	struct wax_env *env;
	struct wax_ranges ranges;
	struct wax_pace pace;
};

static int numbers_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct numbers *numbers = source;
	if (numbers->count < 0)
		return wax_err_set(err, -EINVAL, "%" PRId64 " numbers: give 0 or more",
				numbers->count);
	int r = wax_pace_init(&(struct wax_pace){0}, numbers->rate, 0, 1, err);
	if (r < 0)
		return r;
	return wax_ranges_list(parts, "numbers", "numbers", (uint64_t)numbers->count,
			numbers->single ? 1 : wax_parts_worker_count(parts), err);
}

static void numbers_close(void *numbers_part)
{
	struct numbers_part *part = numbers_part;
	wax_ranges_fini(&part->ranges);
	free(part);
}

static int numbers_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct numbers *numbers = source;
	struct numbers_part *part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");

	part->env = env;
	int r = wax_ranges_init(&part->ranges, saved, err);
	if (r == 0)
		r = wax_pace_init(&part->pace, numbers->rate,
				numbers->single ? 0 : wax_env_worker(env),
				numbers->single ? 1 : wax_env_worker_count(env), err);
	if (r < 0) {
		numbers_close(part);
		return r;
	}
	*ret_part = part;
	return 0;
}

static void count_up(uint64_t *to, uint64_t from, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		to[i] = from + i;
}

static int numbers_next(void *numbers_part, struct wax_out *out, struct wax_err *err)
{
	struct numbers_part *part = numbers_part;
	const struct wax_range *range = wax_ranges_now(&part->ranges);
	(void)err;
	if (!range)
		return WAX_END;
	uint64_t next = range->next, left = range->end - next;
	uint32_t most = wax_env_batch_size(part->env);
	uint32_t count = left < NUMBERS_MAX ? (uint32_t)left : NUMBERS_MAX;
	count = count < most ? count : most;
	count = (uint32_t)wax_pace_due(&part->pace, wax_env_now(part->env), count);
	if (count == 0)
		return WAX_IDLE;

	wax_pace_advance(&part->pace, count);
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		count_up(WAX_OUT_VALUES(out, uint64_t), next, room);
		wax_out_advance(out, room);
		next += room;
		count -= room;
	}
	wax_env_at(part->env, next);
	wax_ranges_advance(&part->ranges, next, false);
	return wax_ranges_now(&part->ranges) ? WAX_MORE : WAX_END;
}

static int64_t numbers_next_awake(void *numbers_part)
{
	return wax_pace_next(&((struct numbers_part *)numbers_part)->pace);
}

static struct wax_bytes numbers_position(void *numbers_part)
{
	return wax_ranges_position(&((const struct numbers_part *)numbers_part)->ranges);
}

static const struct wax_source_ops numbers_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "numbers",
		.list = numbers_list,
		.open = numbers_open,
		.next = numbers_next,
		.next_awake = numbers_next_awake,
		.position = numbers_position,
		.close = numbers_close,
		.free = free,
};

static struct wax_source *make(int64_t count, double rate, bool single)
{
	struct numbers *numbers = malloc(sizeof(*numbers));
	struct wax_source *source;

	if (!numbers)
		return NULL;

	*numbers = (struct numbers){.count = count, .rate = rate, .single = single};
	source = wax_source_make(&numbers_ops, WAX_U64, numbers, NULL);
	if (!source)
		free(numbers);
	return source;
}

struct wax_source *wax_numbers(int64_t count, double rate)
{
	return make(count, rate, false);
}

struct wax_source *wax_numbers_single(int64_t count, double rate)
{
	return make(count, rate, true);
}
