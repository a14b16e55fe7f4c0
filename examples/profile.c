/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow to be measured with --profile: how large its batches are, how much work there is, how
 * uneven its keys are, all that can be chosen.
 *
 *     waxrun --profile profile.so -- --items 20M
 *     waxrun --profile profile.so -- --items 2M --batch 4
 *     waxrun --profile profile.so -- --items 100K --work 20us --hot 70
 *
 * Prints the sum of the numbers of each key.
 */
#include <stdlib.h>
#include <time.h>

#include <wax/wax.h>

/* ---- A source in every worker */

struct numbers {
	uint64_t items;
	uint64_t batch;
	uint64_t keys;
	uint64_t hot; /* percent */
};

struct part {
	const struct numbers *numbers;
	uint64_t left;
	uint64_t seed;
};

static int numbers_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct numbers *numbers = source;
	uint64_t worker = wax_env_worker(env), workers = wax_env_worker_count(env);
	struct part *part = calloc(1, sizeof(*part));

	(void)saved; /* nothing is saved: a run begins at the beginning */
	if (!part)
		return wax_err_set(err, -1, "no memory");
	part->numbers = numbers;
	part->left = numbers->items * (worker + 1) / workers - numbers->items * worker / workers;
	part->seed = UINT64_C(0x9e3779b97f4a7c15) * (worker + 1);
	*ret_part = part;
	return 0;
}

static uint64_t draw(struct part *part)
{
	const struct numbers *numbers = part->numbers;
	uint64_t random;

	part->seed ^= part->seed << 13;
	part->seed ^= part->seed >> 7;
	part->seed ^= part->seed << 17;
	random = part->seed >> 16;
	return random % 100 < numbers->hot ? 0 : random / 128 % numbers->keys;
}

static int numbers_next(void *source_part, struct wax_out *out, struct wax_err *err)
{
	struct part *part = source_part;
	uint64_t count = part->left < part->numbers->batch ? part->left : part->numbers->batch;

	(void)err;
	part->left -= count;
	while (count-- > 0) {
		uint64_t number = draw(part);

		wax_emit(out, &number, sizeof(number));
	}
	return part->left > 0 ? WAX_MORE : WAX_END;
}

static const struct wax_source_ops numbers_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "numbers",
		.open = numbers_open,
		.next = numbers_next,
		.close = free,
};

/* ---- What is done with the numbers */

static int work(struct wax_out *out, const struct wax_item *number, void *ctx)
{
	const int64_t *work_ns = ctx;
	struct timespec now;
	int64_t ns, until = 0;

	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
		until = until ? until : ns + *work_ns;
	} while (ns < until);
	return wax_emit(out, number->value.data, number->value.bytes);
}

WAX_KEY(by_number, uint64_t, number, uint64_t, key)
{
	*key = *number;
}

WAX_FOLD(add, uint64_t, number, uint64_t, sum)
{
	*sum += *number;
}

WAX_FLOW(profile, "Where does the time go?")
{
	struct numbers *numbers = wax_flow_alloc(flow, sizeof(*numbers));
	int64_t *work_ns = wax_flow_alloc(flow, sizeof(*work_ns));

	numbers->items = (uint64_t)wax_arg_int(flow, "items", "how many", "1M");
	numbers->batch = (uint64_t)wax_arg_int(flow, "batch", "items made at a time", "4096");
	numbers->keys = (uint64_t)wax_arg_int(flow, "keys", "different keys", "1000");
	numbers->hot = (uint64_t)wax_arg_int(flow, "hot", "percent that have the first key", "0");
	*work_ns = wax_arg_duration(flow, "work", "time to spend on an item", "0");

	struct wax_stream stream = wax_input(
			flow, "numbers", wax_source_make(&numbers_ops, WAX_U64, numbers, NULL));
	if (*work_ns > 0)
		stream = wax_map(stream, "work", WAX_U64, work, work_ns);
	struct wax_stream keyed = wax_key_on_typed(stream, "by_number", &by_number);

	wax_output(wax_fold_final_typed(keyed, "sum", &add), "out", wax_stdout("%k\t%v"));
}
