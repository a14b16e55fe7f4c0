/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>

#include <wax/connectors.h>

#include "connectors/pace.h"
#include "connectors/share.h"
#include "tests/support/stage.h"

#define SECOND INT64_C(1000000000)

/* Some time of today. */
static const int64_t start = INT64_C(1700000000) * SECOND;

static struct wax_err err;

Test(pace, without_a_rate_all_is_due)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 0, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 4096), 4096);
	wax_pace_advance(&pace, 4096);
	cr_assert_eq(wax_pace_due(&pace, start, 1), 1);
	cr_assert_eq(wax_pace_due(&pace, start, 0), 0);
}

Test(pace, item_is_due_at_its_time)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 10, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1, "the first at once");
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_next(&pace), start + SECOND / 10);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND / 10 - 1, 100), 0);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND / 10, 100), 1);
}

Test(pace, what_was_missed_is_caught_up)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 10, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1);
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 100), 50);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 20), 20);
	wax_pace_advance(&pace, 50);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 100), 0);
	cr_assert_eq(wax_pace_next(&pace), start + 51 * SECOND / 10);
}

Test(pace, workers_take_turns)
{
	struct wax_pace pace[4];

	for (uint32_t worker = 0; worker < 4; worker++) {
		uint64_t due;

		cr_assert_eq(wax_pace_init(&pace[worker], 4, worker, 4, &err), 0);
		due = wax_pace_due(&pace[worker], start, 100);
		cr_assert_eq(due, worker == 0);
		cr_assert_eq(wax_pace_next(&pace[worker]), start + worker * SECOND / 4);
		wax_pace_advance(&pace[worker], 1);
		cr_assert_eq(wax_pace_next(&pace[worker]), start + SECOND + worker * SECOND / 4);
	}
}

Test(pace, rate_holds_however_the_turns_fall)
{
	struct wax_pace pace;
	uint64_t done = 0;
	int64_t now = start;

	/* A rate whose period is no whole number of ns, and turns that fall anywhere. */
	cr_assert_eq(wax_pace_init(&pace, 3e6 / 7, 1, 3, &err), 0);
	for (uint64_t state = 1; now < start + 10 * SECOND;) {
		uint64_t due = wax_pace_due(&pace, now, 4096);

		done += due;
		wax_pace_advance(&pace, due);
		state = state * 6364136223846793005u + 1442695040888963407u;
		now += due > 0 ? (int64_t)(state >> 45) : wax_pace_next(&pace) - now;
	}
	cr_assert_geq(done, 1428571 - 100);
	cr_assert_leq(done, 1428571 + 1);
}

Test(pace, item_at_its_next_time_is_due_for_any_rate)
{
	static const double rates[] = {1e-3, 0.3, 7, 999, 123456.7, 1e9 / 3, 1e9, 3e9};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct wax_pace pace;

		cr_assert_eq(wax_pace_init(&pace, rates[i], 0, 1, &err), 0);
		wax_pace_due(&pace, start, 1);
		for (int k = 0; k < 10000; k++) {
			cr_assert_geq(wax_pace_due(&pace, wax_pace_next(&pace), 1), 1);
			wax_pace_advance(&pace, 1);
		}
	}
}

Test(pace, so_slow_that_it_is_never)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 1e-300, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1);
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_next(&pace), WAX_NEVER);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND, 100), 0);
}

Test(pace, rate_that_is_none_is_refused)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, -1, 0, 1, &err), -EINVAL);
	cr_assert_eq(wax_pace_init(&pace, (double)NAN, 0, 1, &err), -EINVAL);
	cr_assert_eq(wax_pace_init(&pace, (double)INFINITY, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 100);
}

Test(share, shares_follow_each_other_and_are_even)
{
	static const int64_t counts[] = {0, 1, 5, 1000, INT64_MAX - 1, INT64_MAX};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (uint32_t workers = 1; workers <= 7; workers++) {
			int64_t next = 0;

			for (uint32_t worker = 0; worker < workers; worker++) {
				struct wax_share share = wax_share_of(counts[i], worker, workers);
				int64_t items = share.end - share.next;

				cr_assert_eq(share.next, next);
				cr_assert_geq(items, counts[i] / workers);
				cr_assert_leq(items - counts[i] / workers, 1);
				next = share.end;
			}
			cr_assert_eq(next, counts[i]);
		}
	}
}

Test(share, saved_position_is_gone_on_from)
{
	struct wax_share share = wax_share_of(100, 1, 2);
	int64_t saved = 70;

	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){NULL, 0}, &err), 0);
	cr_assert_eq(share.next, 50);
	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){&saved, 8}, &err), 0);
	cr_assert_eq(share.next, 70);
	cr_assert_eq(share.end, 100);
	saved = 100;
	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){&saved, 8}, &err), 0);
}

Test(share, foreign_position_is_refused)
{
	struct wax_share share = wax_share_of(100, 1, 2);
	int64_t saved = 49;

	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){&saved, 8}, &err), -EBADMSG);
	saved = 101;
	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){&saved, 8}, &err), -EBADMSG);
	saved = 60;
	cr_assert_eq(wax_share_restore(&share, (struct wax_bytes){&saved, 7}, &err), -EBADMSG);
	cr_assert_eq(share.next, 50);
}

static struct stage stage;

/* What came, which is next, next + 1, ... */
static uint64_t next;

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	(void)port;
	for (uint32_t i = 0; i < batch->count; i++)
		cr_assert_eq(WAX_VALUES(batch, uint64_t)[i], next++);
	return 0;
}

static void *open_part(const struct wax_source *source, uint32_t worker, uint32_t worker_count,
		struct wax_bytes saved)
{
	void *part;

	stage_init(&stage, worker, worker_count, "");
	stage_collect(&stage, WAX_U64, take, NULL);
	cr_assert_eq(source->ops.open(source->source, &stage.env, saved, &part, &err), 0, "%s",
			err.text);
	return part;
}

static int ask(const struct wax_source *source, void *part)
{
	int result = source->ops.next(part, &stage.port.out, &stage.err);

	wax_port_flush(&stage.port);
	return result;
}

Test(numbers, workers_count_their_shares)
{
	struct wax_source *source = wax_numbers(100001, 0);

	cr_assert_null(source->ops.list);
	for (uint32_t worker = 0; worker < 3; worker++) {
		void *part = open_part(source, worker, 3, (struct wax_bytes){NULL, 0});

		while (ask(source, part) == WAX_MORE)
			;
		cr_assert_eq(ask(source, part), WAX_END);
		cr_assert_eq(stage.record.source_offset, next);
		source->ops.close(part);
		stage_fini(&stage);
		cr_assert_eq(next, 100001 * (worker + 1) / 3);
	}
	wax_source_free(source);
}

Test(numbers, single_counts_all_in_one_partition)
{
	struct wax_source *source = wax_numbers_single(10, 0);
	struct wax_parts parts;
	void *part;

	wax_parts_init(&parts, 4, NULL);
	cr_assert_eq(source->ops.list(source->source, &parts, &err), 0);
	cr_assert_eq(parts.count, 1);
	wax_parts_fini(&parts);

	part = open_part(source, 3, 4, (struct wax_bytes){NULL, 0});
	cr_assert_eq(ask(source, part), WAX_END);
	cr_assert_eq(next, 10);
	source->ops.close(part);
	stage_fini(&stage);
	wax_source_free(source);
}

Test(numbers, source_goes_on_behind_the_saved_position)
{
	struct wax_source *source = wax_numbers(10000, 0);
	void *part = open_part(source, 0, 1, (struct wax_bytes){NULL, 0});
	struct wax_bytes position;
	int64_t saved;

	cr_assert_eq(ask(source, part), WAX_MORE);
	position = source->ops.position(part);
	cr_assert_eq(position.bytes, 8);
	memcpy(&saved, position.data, 8);
	cr_assert_eq((uint64_t)saved, next);
	source->ops.close(part);
	stage_fini(&stage);

	part = open_part(source, 0, 1, (struct wax_bytes){&saved, 8});
	while (ask(source, part) == WAX_MORE)
		;
	cr_assert_eq(next, 10000);
	source->ops.close(part);
	stage_fini(&stage);
	wax_source_free(source);
}

Test(numbers, rate_is_kept_by_waiting)
{
	struct wax_source *source = wax_numbers(100, 10);
	void *part = open_part(source, 0, 1, (struct wax_bytes){NULL, 0});
	int64_t began = stage.worker.wall_ns;
	int result;

	while ((result = ask(source, part)) != WAX_END) {
		if (result == WAX_MORE)
			continue;
		cr_assert_gt(source->ops.next_awake(part), stage.worker.wall_ns);
		stage.worker.wall_ns = source->ops.next_awake(part);
	}
	cr_assert_eq(next, 100);
	cr_assert_eq(stage.worker.wall_ns - began, 99 * SECOND / 10);
	source->ops.close(part);
	stage_fini(&stage);
	wax_source_free(source);
}

Test(numbers, none_and_endless_are_numbers_too)
{
	struct wax_source *source = wax_numbers(0, 0);
	void *part = open_part(source, 0, 1, (struct wax_bytes){NULL, 0});

	cr_assert_eq(ask(source, part), WAX_END);
	source->ops.close(part);
	stage_fini(&stage);
	wax_source_free(source);

	source = wax_numbers(INT64_MAX, 0);
	part = open_part(source, 0, 1, (struct wax_bytes){NULL, 0});
	for (int i = 0; i < 100; i++)
		cr_assert_eq(ask(source, part), WAX_MORE);
	source->ops.close(part);
	stage_fini(&stage);
	wax_source_free(source);
}

Test(numbers, wrong_count_and_rate_are_refused)
{
	struct wax_source *source = wax_numbers(-1, 0);
	void *part;

	stage_init(&stage, 0, 1, "");
	cr_assert_eq(source->ops.open(source->source, &stage.env, (struct wax_bytes){NULL, 0},
				     &part, &err),
			-EINVAL);
	wax_source_free(source);
	source = wax_numbers(1, -1);
	cr_assert_eq(source->ops.open(source->source, &stage.env, (struct wax_bytes){NULL, 0},
				     &part, &err),
			-EINVAL);
	wax_source_free(source);
	stage_fini(&stage);
}
