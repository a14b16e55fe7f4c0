/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>

#include <wax/connectors.h>

#include "tests/support/run_flow.h"
#include "tests/support/stage.h"

#define SECOND INT64_C(1000000000)

/* Time moves only where a test moves it. */

static struct stage stage;
static struct wax_err err;
static char called[64]; /* a letter for each callback */
static size_t called_count;
static int64_t wanted_retry;
static int answer;
static uint64_t emitted;

static void note(char letter)
{
	if (called_count + 1 < sizeof(called))
		called[called_count++] = letter;
}

static int poll_now(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *to)
{
	note('p');
	cr_assert_eq(source, called);
	cr_assert_eq(*retry_ns, 0);
	*retry_ns = wanted_retry;
	if (answer < 0)
		return wax_err_set(to, answer, "the meter is gone");
	if (wanted_retry == 0) {
		wax_emit(out, &emitted, sizeof(emitted));
		emitted++;
	}
	return answer;
}

static int open_it(void *source, struct wax_bytes saved, struct wax_err *to)
{
	(void)source;
	note('o');
	if (saved.data && saved.bytes != sizeof(emitted))
		return wax_err_set(to, -EBADMSG, "damaged");
	if (saved.data)
		memcpy(&emitted, saved.data, sizeof(emitted));
	return 0;
}

static struct wax_bytes position(void *source)
{
	(void)source;
	return (struct wax_bytes){&emitted, sizeof(emitted)};
}

static void close_it(void *source)
{
	(void)source;
	note('c');
}

static void free_it(void *source)
{
	(void)source;
	note('f');
}

static struct wax_polling_ops polling(int64_t interval_ns, int64_t align_to_ns)
{
	return (struct wax_polling_ops){.size_bytes = sizeof(struct wax_polling_ops),
			.interval_ns = interval_ns,
			.align_to_ns = align_to_ns,
			.poll = poll_now,
			.open = open_it,
			.position = position,
			.close = close_it,
			.free = free_it};
}

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	(void)port, (void)batch;
	return 0;
}

static struct wax_source *make(const struct wax_polling_ops *how)
{
	struct wax_source *source = wax_polling(how, WAX_U64, called, "meter");

	cr_assert_not_null(source);
	stage_init(&stage, 0, 1, "polled");
	stage_collect(&stage, WAX_U64, take, NULL);
	return source;
}

static void *open_part(struct wax_source *source, struct wax_bytes saved)
{
	void *part = NULL;

	cr_assert_eq(source->ops.open(source->source, &stage.env, saved, &part, &err), 0);
	return part;
}

static int ask(struct wax_source *source, void *part)
{
	int rc = source->ops.next(part, &stage.port.out, &err);

	wax_port_flush(&stage.port);
	return rc;
}

static void done(struct wax_source *source, void *part)
{
	source->ops.close(part);
	wax_source_free(source);
	stage_fini(&stage);
}

static const struct wax_bytes nothing = {NULL, 0};

Test(polling, looks_at_once_and_then_at_every_interval)
{
	struct wax_polling_ops how = polling(10 * SECOND, 0);
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);
	int64_t began = stage.worker.wall_ns;

	for (uint64_t i = 0; i < 5; i++) {
		cr_assert_eq(source->ops.next_awake(part), began + (int64_t)i * 10 * SECOND);
		stage.worker.wall_ns = source->ops.next_awake(part) - (i > 0);
		if (i > 0)
			cr_assert_eq(ask(source, part), WAX_IDLE);
		cr_assert_eq(emitted, i, "not before its time");
		stage.worker.wall_ns = source->ops.next_awake(part);
		cr_assert_eq(ask(source, part), WAX_IDLE);
		cr_assert_eq(emitted, i + 1);
	}
	done(source, part);
	cr_assert_str_eq(called, "opppppcf");
}

Test(polling, late_ones_keep_the_schedule_and_missed_ones_are_left_out)
{
	struct wax_polling_ops how = polling(10 * SECOND, 0);
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);
	int64_t began = stage.worker.wall_ns;

	cr_assert_eq(ask(source, part), WAX_IDLE);
	stage.worker.wall_ns = began + 13 * SECOND;
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(source->ops.next_awake(part), began + 20 * SECOND);
	stage.worker.wall_ns = began + 57 * SECOND;
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(emitted, 3);
	cr_assert_eq(source->ops.next_awake(part), began + 60 * SECOND);
	done(source, part);
}

Test(polling, may_be_aligned)
{
	/* The time of the stage is a full second; 7 behind a full minute is 13 away. */
	int64_t minute = 60 * SECOND;
	struct wax_polling_ops how = polling(minute, minute + 7 * SECOND);
	struct wax_source *source = make(&how);

	stage.worker.wall_ns = 28333333 * minute + 20 * SECOND;
	void *part = open_part(source, nothing);

	cr_assert_eq(source->ops.next_awake(part), 28333334 * minute + 7 * SECOND);
	source->ops.close(part);
	/* Exactly at the time is in time. */
	stage.worker.wall_ns = 28333333 * minute + 7 * SECOND;
	part = open_part(source, nothing);
	cr_assert_eq(source->ops.next_awake(part), stage.worker.wall_ns);
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(emitted, 1);
	cr_assert_eq(source->ops.next_awake(part), stage.worker.wall_ns + minute);
	done(source, part);
}

Test(polling, may_be_aligned_to_a_time_to_come)
{
	struct wax_polling_ops how = polling(10 * SECOND, INT64_MAX - 3);
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);
	int64_t next = source->ops.next_awake(part);

	cr_assert_gt(next, stage.worker.wall_ns);
	cr_assert_leq(next, stage.worker.wall_ns + 10 * SECOND);
	cr_assert_eq((INT64_MAX - 3 - next) % (10 * SECOND), 0);
	done(source, part);
}

Test(polling, that_asks_to_is_tried_again)
{
	struct wax_polling_ops how = polling(10 * SECOND, 0);
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);
	int64_t began = stage.worker.wall_ns;

	wanted_retry = 3 * SECOND;
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(source->ops.next_awake(part), began + 3 * SECOND);
	stage.worker.wall_ns = began + 3 * SECOND;
	wanted_retry = 0;
	cr_assert_eq(ask(source, part), WAX_IDLE);
	/* The schedule is still the one that it was. */
	cr_assert_eq(source->ops.next_awake(part), began + 10 * SECOND);
	wanted_retry = INT64_MAX;
	stage.worker.wall_ns = began + 10 * SECOND;
	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_eq(source->ops.next_awake(part), WAX_NEVER);
	done(source, part);
}

Test(polling, ends_and_fails_as_it_says)
{
	struct wax_polling_ops how = polling(SECOND, 0);
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);

	answer = WAX_END;
	cr_assert_eq(ask(source, part), WAX_END);
	answer = -EIO;
	cr_assert_eq(ask(source, part), -EIO);
	cr_assert_str_eq(err.text, "the meter is gone");
	done(source, part);
}

Test(polling, goes_on_behind_the_saved_position)
{
	struct wax_polling_ops how = polling(SECOND, 0);
	struct wax_source *source = make(&how);
	uint64_t saved = 41;
	void *part = open_part(source, (struct wax_bytes){&saved, sizeof(saved)});

	cr_assert_eq(emitted, 41);
	cr_assert_eq(ask(source, part), WAX_IDLE);

	struct wax_bytes at = source->ops.position(part);

	cr_assert_eq(at.bytes, sizeof(emitted));
	cr_assert_eq(*(const uint64_t *)at.data, 42);
	source->ops.close(part);
	cr_assert_eq(source->ops.open(source->source, &stage.env, (struct wax_bytes){&saved, 3},
				     &part, &err),
			-EBADMSG);
	wax_source_free(source);
	stage_fini(&stage);
}

Test(polling, needs_no_callback_but_poll)
{
	struct wax_polling_ops how = {
			.size_bytes = sizeof(how), .interval_ns = SECOND, .poll = poll_now};
	struct wax_source *source = make(&how);
	void *part = open_part(source, nothing);

	cr_assert_eq(ask(source, part), WAX_IDLE);
	cr_assert_null(source->ops.position(part).data);
	done(source, part);
	cr_assert_str_eq(called, "p");
}

static int list(struct wax_polling_ops how)
{
	struct wax_source *source = wax_polling(&how, WAX_U64, called, NULL);
	struct wax_parts parts;

	wax_parts_init(&parts, 3, NULL);
	int rc = source->ops.list(source->source, &parts, &err);

	cr_assert_eq(parts.count, rc == 0);
	wax_parts_fini(&parts);
	wax_source_free(source);
	return rc;
}

Test(polling, wrong_ones_are_refused)
{
	struct wax_polling_ops how = polling(SECOND, 0);

	cr_assert_eq(list(how), 0);
	how.poll = NULL;
	cr_assert_eq(list(how), -EINVAL);
	cr_assert_str_eq(err.text, "the polling source lacks poll");
	cr_assert_eq(list(polling(0, 0)), -EINVAL);
	cr_assert_str_eq(err.text, "an interval of 0 ns between polls: give at least 1");
	cr_assert_null(wax_polling(NULL, WAX_U64, NULL, NULL));
	how = polling(SECOND, 0);
	cr_assert_null(wax_polling(&how, NULL, NULL, NULL));
}

/* ---- In a flow */

static int count_to_5(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *to)
{
	static uint64_t next;

	(void)source, (void)retry_ns, (void)to;
	wax_emit(out, &next, sizeof(next));
	return next++ < 5 ? WAX_IDLE : WAX_END;
}

static void five(struct wax_flow *flow)
{
	static const struct wax_polling_ops how = {
			.size_bytes = sizeof(how), .interval_ns = 1000000, .poll = count_to_5};

	run_flow_output(wax_input(flow, "five", wax_polling(&how, WAX_U64, NULL, NULL)), "%v");
}

Test(polling, works_in_one_worker)
{
	for (uint32_t workers = 1; workers <= 3; workers++) {
		struct run_flow_result result = run_flow(five, workers, NULL);

		cr_assert_eq(result.status, 0, "%s", result.sentence);
		cr_assert_str_eq(result.unsorted, "0\n1\n2\n3\n4\n5\n");
		run_flow_free(&result);
	}
}
