/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/kept.h"
#include "tests/support/kept_log.h"
#include "tests/support/stage.h"

/*
 * Some workers with a table each, in which random things happen, and a model, which is an array of
 * values. At the end of each epoch the model is copied; what was saved by then is saved little by
 * little while more happens, and when all is, it is sometimes loaded by any number of workers and
 * compared with the copy. Sometimes the run goes on with what was loaded.
 */

enum { KEYS = 300, WORKERS_MAX = 3, STEP = 5, LOGS_MAX = 64 };

/* How keys and states look. */
struct shape {
	uint32_t key_bytes;
	bool prints;  /* a state is a text of its own */
	bool expires; /* and has a timer */
};

/* Where states lie: a number or its text, and room for a timer. */
struct state {
	union {
		uint64_t number;
		char *text;
	};
	struct wax_timer timer;
};

struct log;

struct worker {
	struct stage stage;
	struct wax_table table;
	struct wax_timers timers;
	struct log *log;
	uint64_t pass_epoch; /* in which the pass has begun; 0: it begins with the next */
};

struct log {
	struct kept_log log;
	uint64_t base; /* first epoch that is needed; 0: and older generations */
};

struct value {
	uint64_t number; /* 0: the key is not there */
	int64_t expires_at;
};

static struct shape shape;
static struct worker workers[WORKERS_MAX];
static uint32_t worker_count;
/* Of all generations that are needed, the newest last. */
static struct log logs[LOGS_MAX];
static uint32_t log_count;
static struct value model[KEYS], marked_model[KEYS];
static uint64_t epoch; /* that goes on */
static uint64_t random_state;
static int64_t now;

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* ---- Keys and states */

static struct wax_bytes key_of(uint64_t number, char *room)
{
	if (shape.key_bytes) {
		memset(room, 0x5a, shape.key_bytes);
		memcpy(room, &number, sizeof(number));
		return (struct wax_bytes){room, shape.key_bytes};
	}
	/* Some are long, and the number can be read back. */
	int bytes = snprintf(room, 64, "%lu:", (unsigned long)number);
	size_t more = number % 40 == 3 ? 1500 : number % 20;

	memset(room + bytes, 'x', more);
	return (struct wax_bytes){room, (size_t)bytes + more};
}

static uint64_t number_of(struct wax_bytes key)
{
	uint64_t number;

	if (!shape.key_bytes)
		return strtoull(key.data, NULL, 10);
	memcpy(&number, key.data, sizeof(number));
	return number;
}

static uint32_t owner_of(uint64_t number, uint32_t count)
{
	char room[2000];
	struct wax_bytes key = key_of(number, room);

	return (uint32_t)((wax_hash(key.data, key.bytes) >> 52) * count >> 12);
}

static uint64_t number_in(const struct state *state)
{
	return !shape.prints ? state->number : state->text ? strtoull(state->text, NULL, 10) : 0;
}

static void free_text(struct state *state)
{
	if (!shape.prints)
		return;
	if (state->text)
		memset(state->text, '#', strlen(state->text));
	free(state->text);
	state->text = NULL;
}

static void set_number(struct state *state, uint64_t number)
{
	if (!shape.prints) {
		state->number = number;
		return;
	}
	free_text(state);
	cr_assert_gt(asprintf(&state->text, "%lu%*s", (unsigned long)number, (int)(number % 30),
				     ""),
			0);
}

static int print(struct wax_op *op, void *state, struct wax_bytes *ret_bytes)
{
	const char *text = ((const struct state *)state)->text;

	(void)op;
	*ret_bytes = (struct wax_bytes){text, strlen(text)};
	return 0;
}

static int make(struct wax_op *op, void *state, struct wax_bytes bytes)
{
	struct state *made = state;

	(void)op;
	cr_assert_null(made->text);
	made->text = strndup(bytes.data, bytes.bytes);
	cr_assert_not_null(made->text);
	return 0;
}

static const struct wax_kept_ops plain_ops = {NULL};
static const struct wax_kept_ops print_ops = {.print = print, .make = make};

/* ---- Workers */

static void open_worker(struct worker *worker, uint32_t me, uint32_t count)
{
	struct wax_err err = {0};

	*worker = (struct worker){.log = NULL};
	stage_init_idle(&worker->stage, me, count, NULL);
	worker->stage.worker.env.keeps = true;
	worker->stage.op.index = STEP;
	wax_table_init(&worker->table, shape.key_bytes, sizeof(struct state), 8);
	wax_timers_init(&worker->timers, offsetof(struct state, timer));
	cr_assert_eq(wax_op_keep(&worker->stage.op, &worker->table,
				     shape.prints ? WAX_LOG_ANY_BYTES : sizeof(uint64_t),
				     shape.expires ? &worker->timers : NULL,
				     shape.prints ? &print_ops : &plain_ops, &err),
			0, "%s", err.text);
	cr_assert_not_null(worker->stage.op.kept);
}

static void close_worker(struct worker *worker)
{
	struct wax_table_walk walk = {0};
	struct state *state;

	wax_kept_free(worker->stage.op.kept);
	while ((state = wax_table_next(&worker->table, &walk)))
		free_text(state);
	wax_timers_fini(&worker->timers);
	wax_table_fini(&worker->table);
	stage_fini(&worker->stage);
}

static void load(struct worker *worker, uint32_t me, uint32_t count, uint64_t last)
{
	struct wax_groups wanted = kept_log_wanted(me, count);
	struct wax_err err = {0};

	for (uint32_t i = log_count; i-- > 0;)
		kept_log_load(&logs[i].log, &worker->stage.op, logs[i].base, last, &wanted);
	cr_assert_eq(wax_kept_loaded(worker->stage.op.kept, &err), 0, "%s", err.text);
	cr_assert_eq(wax_kept_changed(worker->stage.op.kept), 0, "loading is no change");
}

static void begin_generation(uint32_t count)
{
	worker_count = count;
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_lt(log_count, LOGS_MAX);
		workers[i].log = &logs[log_count++];
		workers[i].log->base = 0;
		kept_log_init(&workers[i].log->log, i, count);
	}
}

/* ---- What happens */

static struct state *find(uint64_t number, struct worker **ret_worker)
{
	char room[2000];

	*ret_worker = &workers[owner_of(number, worker_count)];
	return wax_table_find(&(*ret_worker)->table, key_of(number, room));
}

static void change_found(struct worker *worker, uint64_t number, struct state *state)
{
	struct value *value = &model[number];

	value->number = draw(1000000) + 1;
	set_number(state, value->number);
	if (shape.expires) {
		value->expires_at = now + 1 + (int64_t)draw(2000);
		cr_assert_eq(wax_timers_set(&worker->timers, state, value->expires_at), 0);
	}
}

static void change(uint64_t number)
{
	struct worker *worker = &workers[owner_of(number, worker_count)];
	char room[2000];
	bool added;
	struct state *state = wax_table_get(&worker->table, key_of(number, room), &added);

	cr_assert_eq(added, model[number].number == 0);
	change_found(worker, number, state);
}

/* A batch for one worker: any of its keys, some of them more than once. */
static void change_many(void)
{
	enum { COUNT = 100 };
	uint32_t me = (uint32_t)draw(worker_count), count = 0;
	static char rooms[COUNT * 2000];
	struct wax_span spans[COUNT];
	uint64_t numbers[COUNT];
	void *states[COUNT];

	for (size_t at = 0; count < COUNT; count++) {
		do
			numbers[count] = draw(KEYS);
		while (owner_of(numbers[count], worker_count) != me);

		struct wax_bytes key = key_of(numbers[count], rooms + at);

		spans[count] = (struct wax_span){(uint32_t)at, (uint32_t)key.bytes};
		at += key.bytes;
	}

	struct wax_batch batch = {.count = count,
			.keyed = 1,
			.key_bytes = shape.key_bytes,
			.keys = shape.key_bytes ? (const void *)rooms : spans,
			.key_heap = rooms,
			.key_heap_bytes = sizeof(rooms)};

	cr_assert_eq(wax_table_get_many(&workers[me].table, &batch, 0, count, states, NULL), 0);
	for (uint32_t i = 0; i < count; i++)
		change_found(&workers[me], numbers[i], states[i]);
}

static void touch(uint64_t number)
{
	struct worker *worker;
	struct state *state = find(number, &worker);

	if (!state)
		return;
	cr_assert_eq(wax_table_touch(&worker->table, state), 0);
	change_found(worker, number, state);
}

static void remove_found(struct worker *worker, uint64_t number, struct state *state)
{
	cr_assert_eq(wax_table_touch(&worker->table, state), 0);
	free_text(state);
	wax_timers_set(&worker->timers, state, WAX_NEVER);
	wax_table_remove(&worker->table, state);
	model[number].number = 0;
}

static void remove_key(uint64_t number)
{
	struct worker *worker;
	struct state *state = find(number, &worker);

	if (state)
		remove_found(worker, number, state);
}

static void expire(void)
{
	now += (int64_t)draw(20);
	for (uint32_t i = 0; shape.expires && i < worker_count; i++) {
		struct state *state;

		while ((state = wax_timers_pop_due(&workers[i].timers, now)))
			remove_found(&workers[i],
					number_of(wax_table_key(&workers[i].table, state)), state);
	}
}

static void clear(void)
{
	uint32_t me = (uint32_t)draw(worker_count);
	struct wax_table *table = &workers[me].table;
	struct wax_table_walk walk = {0};
	struct state *state;

	while ((state = wax_table_next(table, &walk))) {
		cr_assert_eq(wax_table_touch(table, state), 0);
		free_text(state);
		wax_timers_set(&workers[me].timers, state, WAX_NEVER);
	}
	/* Timers look at memory of keys that are gone, too. */
	wax_timers_fini(&workers[me].timers);
	(draw(2) ? wax_table_clear : wax_table_fini)(table);
	for (uint64_t number = 0; number < KEYS; number++) {
		if (owner_of(number, worker_count) == me)
			model[number].number = 0;
	}
}

static void something(void)
{
	uint64_t choice = draw(1000);

	if (choice < 450)
		change(draw(KEYS));
	else if (choice < 500)
		change_many();
	else if (choice < 650)
		touch(draw(KEYS));
	else if (choice < 800)
		remove_key(draw(KEYS));
	else if (choice < 997)
		expire();
	else
		clear();
}

/* ---- Epochs */

/* Some of what is marked, in small pieces. @return is there more? */
static bool save_some(void)
{
	bool more = false;

	for (uint32_t i = 0; i < worker_count; i++) {
		int r = wax_kept_save(workers[i].stage.op.kept, draw(200));

		cr_assert_geq(r, 0);
		more |= r > 0;
	}
	return more;
}

static void check_stats(void)
{
	uint64_t keys = 0, saved_keys = 0;

	for (uint64_t number = 0; number < KEYS; number++)
		keys += model[number].number != 0;
	for (uint32_t i = 0; i < worker_count; i++) {
		struct wax_kept_stats stats = wax_kept_stats(workers[i].stage.op.kept);
		uint64_t each = shape.key_bytes + 8 + (shape.expires ? 8 : 0);

		saved_keys += stats.live_keys;
		if (shape.key_bytes && !shape.prints)
			cr_assert_eq(stats.live_bytes, stats.live_keys * each);
	}
	cr_assert_eq(keys, saved_keys);
}

static void mark(struct worker *worker)
{
	static const uint64_t passes[] = {0, 10, 50, UINT64_MAX};
	struct wax_kept *kept = worker->stage.op.kept;
	struct wax_frames *frames = worker->log->log.made;

	cr_assert_leq(wax_kept_changed(kept), worker->table.count);
	if (worker->pass_epoch == 0)
		worker->pass_epoch = epoch;
	wax_frames_epoch(frames, epoch);

	int r = wax_kept_mark(kept, frames, passes[draw(4)]);

	cr_assert_geq(r, 0);
	if (r == 0)
		return;
	worker->log->base = worker->pass_epoch;
	worker->pass_epoch = 0;
}

static void end_epoch(void)
{
	for (uint32_t i = 0; i < worker_count; i++)
		mark(&workers[i]);
	check_stats();
	memcpy(marked_model, model, sizeof(model));
	epoch++;
}

/* All of the epoch before is saved. */
static void check_loaded(uint32_t count)
{
	for (uint32_t me = 0; me < count; me++) {
		struct worker worker;
		uint64_t expected = 0;

		open_worker(&worker, me, count);
		load(&worker, me, count, epoch - 1);
		for (uint64_t number = 0; number < KEYS; number++) {
			const struct value *value = &marked_model[number];
			char room[2000];
			struct state *state = wax_table_find(&worker.table, key_of(number, room));
			bool is_its = owner_of(number, count) == me && value->number != 0;

			cr_assert_eq(state != NULL, is_its, "key %lu in worker %u of %u",
					(unsigned long)number, me, count);
			if (!state)
				continue;
			expected++;
			cr_assert_eq(number_in(state), value->number, "key %lu is %lu, not %lu",
					(unsigned long)number, (unsigned long)number_in(state),
					(unsigned long)value->number);
			if (shape.expires)
				cr_assert_eq(state->timer.at, value->expires_at);
		}
		cr_assert_eq(worker.table.count, expected);
		close_worker(&worker);
	}
}

/* The run ends behind the epoch that is saved, and another goes on. */
static void restart(void)
{
	uint32_t count = (uint32_t)draw(WORKERS_MAX) + 1;

	for (uint32_t i = 0; i < worker_count; i++)
		close_worker(&workers[i]);
	for (uint32_t i = 0; i < count; i++) {
		open_worker(&workers[i], i, count);
		load(&workers[i], i, count, epoch - 1);
	}
	memcpy(model, marked_model, sizeof(model));
	begin_generation(count);
}

/* Older generations, when all workers have passed over their tables. */
static void drop_old_logs(void)
{
	uint32_t old = log_count - worker_count;

	for (uint32_t i = old; i < log_count; i++) {
		if (logs[i].base == 0)
			return;
	}
	for (uint32_t i = 0; i < old; i++)
		kept_log_fini(&logs[i].log);
	memmove(logs, logs + old, worker_count * sizeof(*logs));
	log_count = worker_count;
	for (uint32_t i = 0; i < worker_count; i++)
		workers[i].log = &logs[i];
}

static void run_epoch(void)
{
	for (uint64_t left = draw(400); left > 0; left--)
		something();
	end_epoch();
	for (uint64_t left = draw(200); left > 0; left--) {
		something();
		if (draw(3) == 0)
			save_some();
	}
	while (save_some())
		;
	for (uint32_t i = 0; i < worker_count; i++)
		kept_log_end(&workers[i].log->log);
	drop_old_logs();
}

static void run(uint64_t seed, uint32_t epochs)
{
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	memset(model, 0, sizeof(model));
	epoch = 1;
	now = 1;

	uint32_t count = (uint32_t)draw(WORKERS_MAX) + 1;

	for (uint32_t i = 0; i < count; i++)
		open_worker(&workers[i], i, count);
	begin_generation(count);
	for (uint32_t i = 0; i < epochs; i++) {
		run_epoch();
		if (draw(3) == 0)
			check_loaded((uint32_t)draw(WORKERS_MAX) + 1);
		if (draw(6) == 0)
			restart();
	}
	for (uint32_t i = 0; i < worker_count; i++)
		close_worker(&workers[i]);
	while (log_count > 0)
		kept_log_fini(&logs[--log_count].log);
}

static void run_all(struct shape given)
{
	shape = given;
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed, 30);
}

Test(kept, numbers_of_8_byte_keys_come_back)
{
	run_all((struct shape){.key_bytes = 8});
}

Test(kept, numbers_of_texts_come_back)
{
	run_all((struct shape){.key_bytes = 0});
}

Test(kept, numbers_of_large_keys_come_back)
{
	run_all((struct shape){.key_bytes = 1200});
}

Test(kept, printed_states_come_back)
{
	run_all((struct shape){.key_bytes = 8, .prints = true});
}

Test(kept, keys_come_back_with_the_time_at_which_they_expire)
{
	run_all((struct shape){.key_bytes = 8, .expires = true});
}

Test(kept, printed_states_of_texts_come_back_with_the_time_at_which_they_expire)
{
	run_all((struct shape){.prints = true, .expires = true});
}
