/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "connectors/pace.h"
#include "connectors/share.h"

/* In one call of next: a full batch. */
enum { NUMBERS_MAX = 4096 };

struct numbers {
	int64_t count;
	double rate;
	bool single;
};

struct numbers_part {
	struct wax_env *env;
	struct wax_share share;
	struct wax_pace pace;
};

/* One partition, which is the first worker's. */
static int numbers_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	return wax_parts_add(parts, "numbers");
}

static int numbers_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct numbers *numbers = source;
	uint32_t worker = numbers->single ? 0 : wax_env_worker(env);
	uint32_t worker_count = numbers->single ? 1 : wax_env_worker_count(env);
	struct numbers_part *part;
	int result = 0;

	if (numbers->count < 0)
		return wax_err_set(err, -EINVAL, "%" PRId64 " numbers: give 0 or more",
				numbers->count);
	part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");

	part->env = env;
	part->share = wax_share_of(numbers->count, worker, worker_count);
	result = wax_share_restore(&part->share, saved, err);
	if (result == 0)
		result = wax_pace_init(&part->pace, numbers->rate, worker, worker_count, err);
	if (result < 0) {
		free(part);
		return result;
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
	struct wax_share *share = &part->share;
	uint64_t left = (uint64_t)(share->end - share->next);
	uint32_t most = wax_env_batch_size(part->env);
	uint32_t count = left < NUMBERS_MAX ? (uint32_t)left : NUMBERS_MAX;

	(void)err;
	count = count < most ? count : most;
	count = (uint32_t)wax_pace_due(&part->pace, wax_env_now(part->env), count);
	if (count == 0)
		return left > 0 ? WAX_IDLE : WAX_END;

	wax_pace_advance(&part->pace, count);
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);

		count_up(WAX_OUT_VALUES(out, uint64_t), (uint64_t)share->next, room);
		wax_out_advance(out, room);
		share->next += room;
		count -= room;
	}
	wax_env_at(part->env, (uint64_t)share->next);
	return share->next < share->end ? WAX_MORE : WAX_END;
}

static int64_t numbers_next_awake(void *numbers_part)
{
	return wax_pace_next(&((struct numbers_part *)numbers_part)->pace);
}

static struct wax_bytes numbers_position(void *numbers_part)
{
	struct numbers_part *part = numbers_part;

	return (struct wax_bytes){&part->share.next, sizeof(part->share.next)};
}

#define NUMBERS_OPS                                                                                \
	.size_bytes = sizeof(struct wax_source_ops), .kind = "numbers", .open = numbers_open,      \
	.next = numbers_next, .next_awake = numbers_next_awake, .position = numbers_position,      \
	.close = free, .free = free

static const struct wax_source_ops shared_ops = {NUMBERS_OPS};
static const struct wax_source_ops single_ops = {NUMBERS_OPS, .list = numbers_list};

static struct wax_source *make(int64_t count, double rate, bool single)
{
	struct numbers *numbers = malloc(sizeof(*numbers));
	struct wax_source *source;

	if (!numbers)
		return NULL;

	*numbers = (struct numbers){.count = count, .rate = rate, .single = single};
	source = wax_source_make(single ? &single_ops : &shared_ops, WAX_U64, numbers, NULL);
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
