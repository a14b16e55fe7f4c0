/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "runtime/store_walk.h"
#include "tests/launcher/tree.h"
#include "tests/support/log_maker.h"
#include "tests/support/out_of_memory.h"

static struct tree tree;
static struct wax_store *store;
static struct wax_resume *resume;
static struct log_maker maker;
static struct wax_err err;
static struct wax_manifest begun;
static char path[512];
/* What take was given: "+1:key" for a state, "-1:key" for what is gone, the newest first. */
static char taken[1024];
static int take_gives; /* when it was given the key "stop" */

static void make_dir(void)
{
	cr_assert_eq(tree_open(&tree), 0);
}

static void remove_dir(void)
{
	wax_resume_free(resume);
	wax_store_close(store);
	log_maker_fini(&maker);
	tree_close(&tree);
}

TestSuite(store_walk, .init = make_dir, .fini = remove_dir);

/* ---- A directory */

static void begin(uint32_t worker_count)
{
	int dir;

	wax_resume_free(resume);
	wax_store_close(store);
	resume = NULL;
	store = NULL;
	cr_assert_eq(wax_store_open(tree.root, true, true, &store, &err), 0, "%s", err.text);
	cr_assert_eq(wax_store_resume(store, 0, &resume, &err), 0, "%s", err.text);
	begun = (struct wax_manifest){
			.flow = "f", .run = 1000 + worker_count, .worker_count = worker_count};
	cr_assert_eq(wax_store_begin(store, resume, &begun, &dir, path, &err), 0, "%s", err.text);
	close(dir);
}

static void open_log(uint32_t worker, uint64_t epoch)
{
	struct wax_log_open open = {.generation = begun.generation,
			.segment = 1,
			.worker = worker,
			.worker_count = begun.worker_count,
			.run = begun.run};

	log_maker_open(&maker, &open);
	maker.epoch = epoch;
}

static void put(uint32_t step, const char *key)
{
	struct log_maker_record record = {key, strlen(key), "v", 1};

	log_maker_state(&maker, step, 0, WAX_LOG_ANY_BYTES, &record, 1);
}

static void put_gone(uint32_t step, const char *key)
{
	struct log_maker_record record = {key, strlen(key), NULL, 0};

	log_maker_gone(&maker, step, 0, &record, 1);
}

/* And the next one begins. */
static void end(uint64_t base)
{
	log_maker_end(&maker, (struct wax_log_end){.base = base}, NULL, 0);
	maker.epoch++;
}

static void close_log(uint32_t worker)
{
	log_maker_write(path, worker, 1, maker.bytes, maker.used);
}

/* A key that a worker of so many owns: a letter, and digits. */
static const char *key_of(char letter, uint32_t worker, uint32_t worker_count)
{
	static char keys[16][16];
	static int next;
	char *key = keys[next++ % 16];

	for (int i = 0;; i++) {
		snprintf(key, sizeof(keys[0]), "%c%d", letter, i);
		if (((wax_hash(key, strlen(key)) >> 52) * worker_count) >> 12 == worker)
			return key;
	}
}

/* Change a byte of a payload where a key stands. */
static void damage(const char *key)
{
	char *found = memmem(maker.bytes, maker.used, key, strlen(key));

	cr_assert_not_null(found);
	*found ^= 1;
}

/* ---- A walk */

/* Steps 1 and 2 are 0 and 1 of the walk, others are none. */
static uint32_t step_of(void *context, uint32_t generation, uint32_t index)
{
	(void)context;
	(void)generation;
	return index == 1 || index == 2 ? index - 1 : WAX_STORE_NO_STEP;
}

static int take(void *context, const struct wax_store_frame *frame, struct wax_err *error)
{
	struct wax_log_records records;
	struct wax_bytes key, value;
	(void)context;

	cr_assert_eq(wax_log_records(frame->frame, &records), 0);
	while (wax_log_next_record(&records, &key, &value) == 1) {
		size_t used = strlen(taken);

		if (!wax_groups_have(frame->wanted, wax_hash(key.data, key.bytes)))
			continue;
		snprintf(taken + used, sizeof(taken) - used, "%s%c%u:%.*s", used > 0 ? " " : "",
				frame->frame->head.kind == WAX_LOG_GONE ? '-' : '+',
				frame->step + 1, (int)key.bytes, (const char *)key.data);
		if (key.bytes == 4 && memcmp(key.data, "stop", 4) == 0)
			return take_gives < 0 ? wax_err_set(error, take_gives, "stopped")
					      : take_gives;
	}
	return 0;
}

static int walk_of(uint32_t worker, uint32_t worker_count)
{
	struct wax_store_walk walk = {.step_count = 2, .step_of = step_of, .take = take};

	wax_resume_free(resume);
	resume = NULL;
	cr_assert_eq(wax_store_resume(store, 0, &resume, &err), 0, "%s", err.text);
	wax_groups_set(&walk.own, worker, worker_count, true);
	walk.resume = resume;
	taken[0] = '\0';
	return wax_store_walk(&walk, &err);
}

static void expect(const char *expected)
{
	cr_assert_eq(walk_of(0, 1), 0, "%s", err.text);
	cr_assert_str_eq(taken, expected);
}

/* ---- */

Test(store_walk, of_nothing_takes_nothing)
{
	begin(1);
	expect("");
}

Test(store_walk, newest_frames_come_first)
{
	begin(1);
	open_log(0, 1);
	put(1, "a");
	put(2, "b");
	end(0);
	put_gone(1, "a");
	put(1, "c");
	end(0);
	close_log(0);
	expect("+1:c -1:a +2:b +1:a");
}

Test(store_walk, older_generations_follow)
{
	begin(1);
	open_log(0, 1);
	put(1, "a");
	end(0);
	close_log(0);
	begin(1);
	open_log(0, 2);
	put(1, "b");
	end(0);
	close_log(0);
	expect("+1:b +1:a");
}

Test(store_walk, a_base_hides_what_is_older_in_the_same_log)
{
	begin(1);
	open_log(0, 1);
	put(1, "a");
	end(0);
	put(1, "b");
	end(0);
	put(1, "c");
	end(2);
	close_log(0);
	expect("+1:c +1:b");
}

Test(store_walk, a_base_hides_what_is_older_of_its_worker_only)
{
	const char *mine = key_of('a', 0, 2), *others = key_of('b', 1, 2);
	char expected[64];

	begin(1);
	open_log(0, 1);
	put(1, mine);
	put(2, others);
	end(0);
	close_log(0);
	begin(2);
	open_log(0, 2);
	end(2);
	close_log(0);
	open_log(1, 2);
	end(0);
	close_log(1);
	snprintf(expected, sizeof(expected), "+2:%s", others);
	expect(expected);
}

Test(store_walk, a_clear_hides_what_is_older_of_its_step_and_worker_only)
{
	const char *mine = key_of('a', 0, 2), *others = key_of('b', 1, 2);
	char expected[128];

	begin(1);
	open_log(0, 1);
	put(1, mine);
	put(2, mine);
	put(1, others);
	end(0);
	close_log(0);
	begin(2);
	open_log(0, 2);
	log_maker_clear(&maker, 1);
	put(1, "new");
	end(0);
	close_log(0);
	open_log(1, 2);
	end(0);
	close_log(1);
	snprintf(expected, sizeof(expected), "+1:new +1:%s +2:%s", others, mine);
	expect(expected);
}

Test(store_walk, steps_that_are_none_are_not_looked_at)
{
	begin(1);
	open_log(0, 1);
	put(3, "precious");
	put(1, "a");
	end(0);
	end(0);
	damage("precious");
	close_log(0);
	expect("+1:a");
}

Test(store_walk, logs_without_wanted_keys_are_not_read)
{
	const char *mine = key_of('a', 1, 3), *others = key_of('b', 2, 3);
	char expected[64];

	begin(3);
	for (uint32_t worker = 0; worker < 3; worker++) {
		open_log(worker, 1);
		put(1, worker == 2 ? others : mine);
		end(0);
		end(0);
		if (worker != 1)
			damage(worker == 2 ? others : mine);
		close_log(worker);
	}
	cr_assert_eq(walk_of(1, 3), 0, "%s", err.text);
	snprintf(expected, sizeof(expected), "+1:%s", mine);
	cr_assert_str_eq(taken, expected);
	cr_assert_eq(walk_of(0, 1), -EBADMSG);
	cr_assert(strstr(err.text, "worker-00000.000001"), "%s", err.text);
}

/* What a log of other workers has is passed over by its group. */
Test(store_walk, another_number_of_workers_reads_parts_of_logs)
{
	char expected[64];

	begin(2);
	for (uint32_t worker = 0; worker < 2; worker++) {
		open_log(worker, 1);
		for (uint32_t i = 0; i < 6; i++) {
			if (i / 3 == worker)
				put(1, key_of((char)('a' + i), i, 6));
		}
		end(0);
		close_log(worker);
	}
	for (uint32_t i = 0; i < 6; i++) {
		cr_assert_eq(walk_of(i, 6), 0, "%s", err.text);
		snprintf(expected, sizeof(expected), "+1:%s", key_of((char)('a' + i), i, 6));
		cr_assert_str_eq(taken, expected);
	}
}

Test(store_walk, take_ends_the_walk)
{
	begin(1);
	open_log(0, 1);
	put(1, "a");
	put(1, "stop");
	put(1, "b");
	end(0);
	close_log(0);
	take_gives = 1;
	cr_assert_eq(walk_of(0, 1), 1);
	cr_assert_str_eq(taken, "+1:b +1:stop");
	take_gives = -EDOM;
	cr_assert_eq(walk_of(0, 1), -EDOM);
	cr_assert_str_eq(err.text, "stopped");
}

static int count_frame(void *context, const struct wax_store_frame *frame, struct wax_err *error)
{
	(void)frame;
	(void)error;
	++*(int *)context;
	return 0;
}

/* @return how many frames it gives */
static int walk_and_count(struct wax_err *error)
{
	int frames = 0;
	struct wax_store_walk walk = {.resume = resume,
			.step_count = 2,
			.step_of = step_of,
			.take = count_frame,
			.context = &frames};

	wax_groups_set(&walk.own, 0, 1, true);
	int r = wax_store_walk(&walk, error);
	return r < 0 ? r : frames;
}

Test(store_walk, out_of_memory_is_reported)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	for (uint64_t epoch = 1; epoch <= 2; epoch++) {
		begin(2);
		for (uint32_t worker = 0; worker < 2; worker++) {
			open_log(worker, epoch);
			put(1, "a");
			put(2, "b");
			end(0);
			close_log(worker);
		}
	}
	cr_assert_eq(walk_of(0, 1), 0, "%s", err.text);
	cr_assert_eq(walk_and_count(&err), 8);
	cr_assert_gt(out_of_memory(walk_and_count, tree.root), 0);
}

Test(store_walk, groups_are_those_that_hashes_go_to)
{
	for (uint32_t count = 1; count <= 300; count += 7) {
		struct wax_groups all = {{0}};

		for (uint32_t worker = 0; worker < count; worker++) {
			struct wax_groups groups = {{0}};

			wax_groups_set(&groups, worker, count, true);
			cr_assert(wax_groups_any(&groups, worker, count));
			cr_assert_not(wax_groups_any(&all, worker, count));
			wax_groups_set(&all, worker, count, true);
			for (uint64_t group = 0; group < WAX_GROUPS; group++)
				cr_assert_eq(wax_groups_have(&groups, group << 52),
						(group * count) >> 12 == worker);
		}
		for (uint64_t group = 0; group < WAX_GROUPS; group++)
			cr_assert(wax_groups_have(&all, group << 52));
		for (uint32_t worker = 0; worker < count; worker++)
			wax_groups_set(&all, worker, count, false);
		cr_assert_not(wax_groups_any(&all, 0, 1));
	}
}
