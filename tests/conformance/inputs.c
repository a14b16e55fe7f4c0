/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Sources. */

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static void no_input(struct wax_flow *flow)
{
	(void)flow;
}

/* ---- Sources of one's own, which one thread reads */

struct counter {
	struct wax_env *env;
	int64_t n;
	int64_t awake_at;
	int64_t interval_ns;
};

static int list_one(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	return wax_parts_add(parts, "one");
}

static int open_counter(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct counter *counter = source;

	(void)saved;
	(void)err;
	counter->env = env;
	*ret_part = counter;
	return 0;
}

/* Each call of next gives its number as often as twice. */
static int next_pair(void *part, struct wax_out *out, struct wax_err *err)
{
	struct counter *counter = part;

	(void)err;
	wax_emit(out, &counter->n, sizeof(counter->n));
	wax_emit(out, &counter->n, sizeof(counter->n));
	return ++counter->n < 5 ? WAX_MORE : WAX_END;
}

static struct wax_stream count(struct wax_flow *flow, const struct wax_source_ops *ops,
		const char *id, int64_t interval_ns)
{
	struct counter *counter = wax_flow_alloc(flow, sizeof(*counter));

	counter->interval_ns = interval_ns;
	return wax_input(flow, id, wax_source_make(ops, WAX_I64, counter, NULL));
}

static void pairs_per_worker(struct wax_flow *flow)
{
	static const struct wax_source_ops ops = {.size_bytes = sizeof(ops),
			.kind = "pairs",
			.open = open_counter,
			.next = next_pair};

	row_output(count(flow, &ops, "in", 0));
}

static void pairs_of_a_part(struct wax_flow *flow)
{
	static const struct wax_source_ops ops = {.size_bytes = sizeof(ops),
			.kind = "pairs",
			.list = list_one,
			.open = open_counter,
			.next = next_pair};

	row_output(count(flow, &ops, "in", 0));
}

/* ---- A metronome: five times, and how long after the one before each came */

static int next_beat(void *part, struct wax_out *out, struct wax_err *err)
{
	struct counter *counter = part;
	int64_t now = wax_env_now(counter->env), early = 0;

	(void)err;
	if (now < counter->awake_at)
		return WAX_IDLE;
	if (counter->n > 0)
		early = now - (counter->awake_at - counter->interval_ns) < counter->interval_ns;
	wax_emit(out, &early, sizeof(early));
	counter->awake_at = now + counter->interval_ns;
	return ++counter->n < 5 ? WAX_IDLE : WAX_END;
}

static int64_t beat_awake(void *part)
{
	return ((struct counter *)part)->awake_at;
}

static const struct wax_source_ops metronome_per_worker = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "metronome",
		.open = open_counter,
		.next = next_beat,
		.next_awake = beat_awake,
};

static const struct wax_source_ops metronome_of_a_part = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "metronome",
		.list = list_one,
		.open = open_counter,
		.next = next_beat,
		.next_awake = beat_awake,
};

static void beat_per_worker(struct wax_flow *flow)
{
	row_output(count(flow, &metronome_per_worker, "in", 100 * MS));
}

static void beat_of_a_part(struct wax_flow *flow)
{
	row_output(count(flow, &metronome_of_a_part, "in", 100 * MS));
}

/* A tenth of the times of the catalogue: these pass on a real clock, as epochs need. */
static void fast_and_slow(struct wax_flow *flow, const struct wax_source_ops *ops)
{
	row_output(count(flow, ops, "fast", 10 * MS));
	row_output(count(flow, ops, "slow", 50 * MS));
}

static void fast_and_slow_per_worker(struct wax_flow *flow)
{
	fast_and_slow(flow, &metronome_per_worker);
}

static void fast_and_slow_of_a_part(struct wax_flow *flow)
{
	fast_and_slow(flow, &metronome_of_a_part);
}

/* ---- Polling */

/* "a", "b", a failure, "c", the end; how far it is outlives the run. */
static int poll_letters(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *err)
{
	static const char letters[] = "ab!c";
	uint32_t *at = row_shared();

	(void)source;
	(void)retry_ns;
	(void)err;
	if (letters[*at] == '\0')
		return WAX_END;
	if (letters[(*at)++] == '!')
		return -ECONNABORTED;
	wax_emit(out, &letters[*at - 1], 1);
	return WAX_IDLE;
}

static void letters_polled(struct wax_flow *flow)
{
	static const struct wax_polling_ops polling = {
			.size_bytes = sizeof(polling), .interval_ns = 1, .poll = poll_letters};

	row_output(wax_input(flow, "in", wax_polling(&polling, WAX_TEXT, NULL, NULL)));
}

/* Tells the time at each poll. */
static int poll_time(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *err)
{
	const char *retry = source;
	uint32_t *polls = row_shared();
	int64_t now = wax_test_clock_now(row_clock()) / SECOND;
	char text[32];
	int bytes = snprintf(text, sizeof(text), "%02d:%02d:%02d", (int)(now / 3600),
			(int)(now / 60 % 60), (int)(now % 60));

	(void)err;
	if (retry && *polls == 0)
		*retry_ns = 5 * SECOND;
	else
		wax_emit(out, text, (size_t)bytes);
	return ++*polls == 2 ? WAX_END : WAX_IDLE;
}

static void poll_from(struct wax_flow *flow, int64_t align_to, const char *retry)
{
	struct wax_polling_ops polling = {.size_bytes = sizeof(polling),
			.interval_ns = 30 * MINUTE,
			.align_to_ns = align_to,
			.poll = poll_time};

	row_output(wax_input(flow, "in", wax_polling(&polling, WAX_TEXT, (void *)retry, NULL)));
}

static void at_five(void)
{
	wax_test_clock_set(row_clock(), 5 * HOUR);
}

static void at_quarter_past_five(void)
{
	wax_test_clock_set(row_clock(), 5 * HOUR + 15 * MINUTE);
}

static void polled_from_five(struct wax_flow *flow)
{
	poll_from(flow, 5 * HOUR, NULL);
}

static void polled_again(struct wax_flow *flow)
{
	poll_from(flow, 5 * HOUR, "again");
}

static void polled_from_four(struct wax_flow *flow)
{
	poll_from(flow, 4 * HOUR, NULL);
}

/* ---- Batches */

static void in_threes(struct wax_flow *flow)
{
	row_output(row_batches(wax_input(flow, "in", wax_batch_size(wax_numbers_single(5, 0), 3))));
}

/* What a queue has: numbers 0 to 4, nothing for a while, 5, and then it is closed. */
static int next_of_queue(void *part, struct wax_out *out, struct wax_err *err)
{
	struct counter *queue = part;
	uint32_t room = wax_env_batch_size(queue->env);

	(void)err;
	if (queue->n == 5 && queue->awake_at == 0) {
		queue->awake_at = wax_env_now(queue->env) + SECOND;
		return WAX_IDLE;
	}
	for (int64_t end = queue->n < 5 ? 5 : 6; room > 0 && queue->n < end; room--) {
		wax_emit(out, &queue->n, sizeof(queue->n));
		queue->n++;
	}
	return queue->n < 6 ? WAX_MORE : WAX_END;
}

static void queue_in_threes(struct wax_flow *flow)
{
	static const struct wax_source_ops ops = {.size_bytes = sizeof(ops),
			.kind = "queue",
			.list = list_one,
			.open = open_counter,
			.next = next_of_queue,
			.next_awake = beat_awake};
	struct counter *queue = wax_flow_alloc(flow, sizeof(*queue));
	struct wax_source *source = wax_source_make(&ops, WAX_I64, queue, NULL);

	row_output(row_batches(wax_input(flow, "in", wax_batch_size(source, 3))));
}

const struct row input_rows[] = {
		{.id = "in-1", .build = no_input, .status = 3, .sentence = "no input"},
		{.id = "in-2",
				.order = ALONE,
				.build = pairs_per_worker,
				.expected = "0;0;1;1;2;2;3;3;4;4"},
		{.id = "in-3",
				.order = ORDERED,
				.build = pairs_of_a_part,
				.expected = "0;0;1;1;2;2;3;3;4;4"},
		{.id = "in-4", .clock = true, .build = beat_per_worker, .expected = "0;0;0;0;0"},
		{.id = "in-5", .clock = true, .build = beat_of_a_part, .expected = "0;0;0;0;0"},
		{.id = "in-6",
				.order = ALONE,
				.interval = "25ms",
				.build = fast_and_slow_per_worker,
				.expected = "0;0;0;0;0 | 0;0;0;0;0"},
		{.id = "in-7",
				.interval = "25ms",
				.build = fast_and_slow_of_a_part,
				.expected = "0;0;0;0;0 | 0;0;0;0;0"},
		{.id = "in-8",
				.order = ALONE,
				.runs = 2,
				.clock = true,
				.build = letters_polled,
				.status = 5,
				.expected = "a;b / c"},
		{.id = "in-9",
				.order = ALONE,
				.clock = true,
				.prepare = at_five,
				.build = polled_from_five,
				.expected = "05:00:00;05:30:00"},
		{.id = "in-10",
				.order = ALONE,
				.clock = true,
				.prepare = at_five,
				.build = polled_again,
				.expected = "05:00:05"},
		{.id = "in-11",
				.order = ALONE,
				.clock = true,
				.prepare = at_quarter_past_five,
				.build = polled_from_four,
				.expected = "05:30:00;06:00:00"},
		{.id = "in-12",
				.order = ALONE,
				.clock = true,
				.prepare = at_five,
				.build = polled_from_four,
				.expected = "05:00:00;05:30:00"},
		{.id = "in-13",
				.order = ORDERED,
				.build = in_threes,
				.expected = "[0, 1, 2];[3, 4]"},
		{.id = "in-14",
				.order = ALONE,
				.clock = true,
				.build = queue_in_threes,
				.expected = "[0, 1, 2];[3, 4];[5]"},
		{.id = "in-15", .standing = ABSENT},
		{.id = "in-16", .standing = ABSENT},
		{.id = "ts-1",
				.order = ORDERED,
				.input = "0;1;2",
				.steps = row_batches,
				.expected = "[0];[1];[2]"},
		{.id = "ts-2",
				.order = ALONE,
				.input = "0;1;2",
				.steps = row_batches,
				.runs = 2,
				.keep_until = 2,
				.expected = "[0];[1];[2] / [2]"},
		{.id = "ts-3",
				.order = ORDERED,
				.input = "0;1;2;3;4",
				.batch = 2,
				.steps = row_batches,
				.expected = "[0, 1];[2, 3];[4]"},
		{.id = "ts-4",
				.order = ALONE,
				.input = "0;1;2;|;3;4",
				.batch = 2,
				.steps = row_batches,
				.runs = 2,
				.expected = "[0, 1];[2] / [3, 4]"},
		{.id = "ts-5",
				.order = ALONE,
				.input = "0;1;2;!;3;4",
				.batch = 2,
				.steps = row_batches,
				.runs = 2,
				.keep_until = 1,
				.status = 5,
				.expected = "[0, 1];[2] / [2, 3];[4]"},
		{.id = "ts-6",
				.order = ALONE,
				.input = "0;1;2;|;3;4",
				.batch = 2,
				.steps = row_batches,
				.recovery = true,
				.runs = 2,
				.expected = "[0, 1];[2] / [3, 4]"},
		{.id = "ts-7",
				.order = ALONE,
				.input = "0;1;2;~0.2;!;3;4",
				.batch = 2,
				.steps = row_batches,
				.recovery = true,
				.interval = "10ms",
				.runs = 2,
				.status = 5,
				.expected = "[0, 1];[2] / [3, 4]"},
		{.id = "ts-8",
				.order = ALONE,
				.input = "0;~1;1;2",
				.clock = true,
				.steps = row_batches,
				.runs = 2,
				.keep_until = 2,
				.expected = "[0];[1];[2] / [1];[2]"},
		{.id = "ff-1", .standing = ABSENT},
		{0},
};
