/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

#include "runtime/flow.h"
#include "runtime/hash.h"
#include "runtime/kept.h"
#include "tests/support/kept_log.h"
#include "tests/support/stage.h"

/*
 * Each step with state, cut in two: some batches go into one op, an epoch ends and is saved while more
 * batches come, and from what was saved one or more new ops are made, which get the batches that came
 * behind the end of the epoch. What both emit must be what one op emits that gets all.
 *
 * A batch comes each second, and timers are called as a worker does.
 */

enum { BATCHES = 24, ITEMS_MAX = 30, KEYS = 40, OPS_MAX = 3, STEPS_MAX = 16, TEXT_MAX = 100 };
#define SECOND INT64_C(1000000000)

/* ---- Flows */

struct chain {
	const char *name;
	struct wax_stream (*build)(struct wax_stream numbers, struct wax_stream texts);
	bool takes_texts;
	uint32_t inputs;    /* 0: one */
	bool emits_by_turn; /* a timer, or the end, emits: all is forgotten at the end */
};

WAX_KEY(key_of_number, uint64_t, number, uint32_t, key)
{
	*key = (uint32_t)*number;
}

static int to_text(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static struct wax_stream count_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_count_final(numbers, "step");
}

static struct wax_stream count_final_ttl(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_ttl(wax_count_final(numbers, "step"), 3 * SECOND);
}

static int fold(void *acc, const struct wax_item *item, void *ctx)
{
	uint64_t *hash = acc, value;

	(void)ctx;
	memcpy(&value, item->value.data, sizeof(value));
	*hash = *hash * 31 + value;
	return 0;
}

static struct wax_stream fold_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_fold_final(numbers, "step", WAX_U64, NULL, fold, NULL);
}

static int reduce(void *acc, const void *value, void *ctx)
{
	uint64_t sum, more;

	(void)ctx;
	memcpy(&sum, acc, sizeof(sum));
	memcpy(&more, value, sizeof(more));
	sum += more;
	memcpy(acc, &sum, sizeof(sum));
	return 0;
}

static struct wax_stream reduce_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_reduce_final(numbers, "step", reduce, NULL);
}

static struct wax_stream min_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_min_final(numbers, "step", NULL, NULL);
}

static struct wax_stream max_final_text(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return wax_ttl(wax_max_final(texts, "step", NULL, NULL), 4 * SECOND);
}

static struct wax_stream top_n_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_top_n_final(numbers, "step", 5, NULL, NULL);
}

static struct wax_stream top_n_final_text(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return wax_ttl(wax_top_n_final(texts, "step", 5, NULL, NULL), 3 * SECOND);
}

static struct wax_stream sum_running(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_sum_running(numbers, "step");
}

static struct wax_stream min_running_ttl(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_ttl(wax_min_running(numbers, "step"), 2 * SECOND);
}

static struct wax_stream count_running(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return wax_count_running(texts, "step");
}

/* A count that begins anew after 7. */
static int count_to_7(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state;

	(void)item;
	(void)ctx;
	++*count;
	return wax_emit(out, count, sizeof(*count)) < 0 ? -ENOMEM
			: *count == 7                   ? WAX_DISCARD
							: WAX_RETAIN;
}

static struct wax_stream stateful_map(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_stateful_map(numbers, "step", WAX_U64, 8, count_to_7, NULL);
}

static struct wax_stream stateful_map_ttl(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_ttl(wax_stateful_map(numbers, "step", WAX_U64, 8, count_to_7, NULL), 2 * SECOND);
}

static struct wax_stream stateful_flat_map(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_stateful_flat_map(numbers, "step", WAX_U64, 8, count_to_7, NULL);
}

/* Values gathered in memory of their own, emitted two seconds after the first. */
struct gathered {
	char *text;
	size_t bytes;
	int64_t at;
};

static int gather(struct gathered *gathered, struct wax_bytes value)
{
	char *text = realloc(gathered->text, gathered->bytes + value.bytes + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text + gathered->bytes, value.data, value.bytes);
	gathered->text = text;
	gathered->bytes += value.bytes;
	return 0;
}

static int gather_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	struct gathered *gathered = state;

	(void)ctx;
	gathered->at = wax_keyed_now(keyed) + 2 * SECOND;
	if (!saved.data)
		return gather(gathered, (struct wax_bytes){"<", 1});
	cr_assert_eq((uintptr_t)saved.data % 16, 0, "what was saved is aligned");
	memcpy(&gathered->at, saved.data, sizeof(gathered->at));
	return gather(gathered,
			(struct wax_bytes){(const char *)saved.data + sizeof(gathered->at),
					saved.bytes - sizeof(gathered->at)});
}

static int gather_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	(void)keyed;
	(void)ctx;
	return gather(state, item->value);
}

static int gather_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	int r = 0;

	(void)keyed;
	(void)ctx;
	for (uint32_t i = 0; i < values->count && r == 0; i++)
		r = gather(state, wax_values_at(values, i));
	return r;
}

static int gather_emit(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct gathered *gathered = state;

	(void)ctx;
	wax_emit(wax_keyed_out(keyed), gathered->text, gathered->bytes);
	return WAX_DISCARD;
}

/* Emits, and goes on. */
static int gather_tell(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct gathered *gathered = state;

	gathered->at += SECOND;
	return gather(gathered, (struct wax_bytes){"+", 1}) < 0 ? -ENOMEM
			: gather_emit(keyed, state, ctx) < 0    ? -ENOMEM
								: WAX_RETAIN;
}

static int64_t gather_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct gathered *)state)->at;
}

static int gather_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	const struct gathered *gathered = state;
	char *room = wax_claim(out, NULL, 0, sizeof(gathered->at) + gathered->bytes);

	(void)ctx;
	memcpy(room, &gathered->at, sizeof(gathered->at));
	memcpy(room + sizeof(gathered->at), gathered->text, gathered->bytes);
	return wax_commit(out, sizeof(gathered->at) + gathered->bytes);
}

static void gather_free(void *state, void *ctx)
{
	struct gathered *gathered = state;

	(void)ctx;
	memset(gathered->text, '#', gathered->bytes);
	free(gathered->text);
}

static struct wax_stream stateful_items(struct wax_stream numbers, struct wax_stream texts)
{
	static const struct wax_stateful_item ops = {.size_bytes = sizeof(ops),
			.state_bytes = sizeof(struct gathered),
			.build = gather_build,
			.on_item = gather_item,
			.on_notify = gather_emit,
			.on_eof = gather_emit,
			.notify_at = gather_at,
			.snapshot = gather_snapshot,
			.free = gather_free};

	(void)numbers;
	return wax_stateful_items(texts, "step", WAX_TEXT, &ops, NULL);
}

static struct wax_stream stateful_batch(struct wax_stream numbers, struct wax_stream texts)
{
	static const struct wax_stateful ops = {.size_bytes = sizeof(ops),
			.state_bytes = sizeof(struct gathered),
			.build = gather_build,
			.on_batch = gather_batch,
			.on_notify = gather_tell,
			.on_eof = gather_emit,
			.notify_at = gather_at,
			.snapshot = gather_snapshot,
			.free = gather_free};

	(void)numbers;
	return wax_ttl(wax_stateful_batch(texts, "step", WAX_TEXT, &ops, NULL), 5 * SECOND);
}

static int add_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	uint64_t *sum = state;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++)
		*sum += *(const uint64_t *)wax_values_at(values, i).data;
	wax_emit(wax_keyed_out(keyed), sum, sizeof(*sum));
	return WAX_RETAIN;
}

static struct wax_stream stateful_batch_plain(struct wax_stream numbers, struct wax_stream texts)
{
	static const struct wax_stateful ops = {
			.size_bytes = sizeof(ops), .state_bytes = 8, .on_batch = add_batch};

	(void)texts;
	return wax_stateful_batch(numbers, "step", WAX_U64, &ops, NULL);
}

static struct wax_stream collect(struct wax_stream numbers, struct wax_stream texts)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options),
			.count_max = 9,
			.idle_ns = 3 * SECOND,
			.age_ns = 5 * SECOND};

	(void)numbers;
	return wax_collect(texts, "step", &options);
}

static struct wax_stream collect_numbers(struct wax_stream numbers, struct wax_stream texts)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options), .count_max = 4};

	(void)texts;
	return wax_ttl(wax_collect(numbers, "step", &options), 3 * SECOND);
}

static struct wax_stream join_with(
		struct wax_stream side, enum wax_join_insert insert, enum wax_join_emit emit)
{
	const struct wax_stream sides[] = {side, side};

	return wax_join("step", sides, 2, insert, emit);
}

static struct wax_stream join_complete(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return join_with(texts, WAX_JOIN_PRODUCT, WAX_JOIN_COMPLETE);
}

static struct wax_stream join_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_ttl(join_with(numbers, WAX_JOIN_LAST, WAX_JOIN_FINAL), 4 * SECOND);
}

static struct wax_stream join_running(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return join_with(texts, WAX_JOIN_FIRST, WAX_JOIN_RUNNING);
}

static struct wax_stream dedup_key(struct wax_stream numbers, struct wax_stream texts)
{
	(void)texts;
	return wax_dedup(numbers, "step", WAX_SAME_KEY, 4 * SECOND);
}

static struct wax_stream dedup_item(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return wax_dedup(texts, "step", WAX_SAME_ITEM, WAX_NEVER);
}

static struct wax_stream top_n_all_final(struct wax_stream numbers, struct wax_stream texts)
{
	(void)numbers;
	return wax_top_n_all_final(texts, "step", 20, NULL, NULL);
}

static const struct chain chains[] = {
		{"count_final", count_final, .emits_by_turn = true},
		{"count_final with a time to live", count_final_ttl, .emits_by_turn = true},
		{"fold_final", fold_final, .emits_by_turn = true},
		{"reduce_final", reduce_final, .emits_by_turn = true},
		{"min_final", min_final, .emits_by_turn = true},
		{"max_final of texts", max_final_text, .takes_texts = true, .emits_by_turn = true},
		{"top_n_final", top_n_final, .emits_by_turn = true},
		{"top_n_final of texts", top_n_final_text, .takes_texts = true,
				.emits_by_turn = true},
		{"sum_running", sum_running},
		{"min_running with a time to live", min_running_ttl},
		{"count_running", count_running, .takes_texts = true},
		{"stateful_map", stateful_map},
		{"stateful_map with a time to live", stateful_map_ttl},
		{"stateful_flat_map", stateful_flat_map},
		{"stateful_items", stateful_items, .takes_texts = true, .emits_by_turn = true},
		{"stateful_batch", stateful_batch, .takes_texts = true, .emits_by_turn = true},
		{"stateful_batch of plain states", stateful_batch_plain},
		{"collect", collect, .takes_texts = true, .emits_by_turn = true},
		{"collect of numbers", collect_numbers, .emits_by_turn = true},
		{"join, complete", join_complete, .takes_texts = true, .inputs = 2},
		{"join, final", join_final, .inputs = 2, .emits_by_turn = true},
		{"join, running", join_running, .takes_texts = true, .inputs = 2},
		{"dedup of keys", dedup_key},
		{"dedup of items", dedup_item, .takes_texts = true},
		{"top_n_all_final", top_n_all_final, .takes_texts = true, .emits_by_turn = true},
};

static const struct chain *chain; /* that is tested */
static uint32_t built_step;       /* whose output is the chain's */

static void build_flow(struct wax_flow *flow)
{
	struct wax_stream in = wax_input(flow, "in", wax_numbers(1, 0));
	struct wax_stream numbers = wax_key_on_typed(in, "numbers", &key_of_number);
	struct wax_stream texts = wax_map_value(numbers, "texts", WAX_TEXT, to_text, NULL);
	struct wax_stream out = chain->build(numbers, texts);

	built_step = wax_flow_stream(flow, out.id)->step;
	wax_output(numbers, "numbers_out", wax_null());
	wax_output(texts, "texts_out", wax_null());
	wax_output(out, "out", wax_null());
}

static struct wax_flow *make_flow(void)
{
	const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"flow", "a flow under test", build_flow};
	struct wax_flow *flow;
	struct wax_err err = {0};

	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, &err), 0, "%s", err.text);
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistakes[0]);
	return flow;
}

/* ---- Ops */

/* What came out: a line for each item, in hexadecimal digits. */
struct lines {
	char *text;
	size_t bytes;
};

struct host {
	struct stage stage;
	struct wax_op *op;
	struct wax_port ports[2];
	struct lines lines;
	struct host *forwards_to; /* gets what it emits; NULL: lines do */
};

static void add_line(struct lines *lines, struct wax_bytes key, struct wax_bytes value)
{
	size_t bytes = lines->bytes + 2 * (key.bytes + value.bytes) + 2;
	char *text = realloc(lines->text, bytes + 1), *at = text + lines->bytes;

	cr_assert_not_null(text);
	for (size_t i = 0; i < key.bytes; i++)
		at += sprintf(at, "%02x", ((const unsigned char *)key.data)[i]);
	*at++ = ' ';
	for (size_t i = 0; i < value.bytes; i++)
		at += sprintf(at, "%02x", ((const unsigned char *)value.data)[i]);
	memcpy(at, "\n", 2);
	lines->text = text;
	lines->bytes = bytes;
}

static void push(struct host *host, const struct wax_batch *batch, uint32_t input);

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	struct host *host = port->taker;

	if (host->forwards_to) {
		push(host->forwards_to, batch, 0);
		return 0;
	}
	for (uint32_t i = 0; i < batch->count; i++)
		add_line(&host->lines,
				batch->keyed ? wax_batch_key(batch, i) : (struct wax_bytes){"", 0},
				wax_batch_value(batch, i));
	return 0;
}

/* Where ops count; of all of them, since making one takes a while. */
static struct wax_control control;

static void make_control(void)
{
	const struct wax_control_plan plan = {"flow", OPS_MAX, STEPS_MAX, 0};

	cr_assert_eq(wax_control_make(&plan, &control, NULL), 0);
}

static void free_control(void)
{
	wax_control_free(&control);
}

TestSuite(kept_state, .init = make_control, .fini = free_control);

static void open_host(struct host *host, struct wax_flow *flow, uint32_t step, uint32_t me,
		uint32_t worker_count, bool keeps)
{
	struct wax_op *op = &host->stage.op;

	*host = (struct host){.op = op};
	stage_init_idle(&host->stage, me, worker_count, NULL);
	cr_assert_leq(flow->step_count, STEPS_MAX);
	host->stage.plan.flow = flow;
	host->stage.worker.env.control = &control;
	host->stage.worker.env.keeps = keeps;
	op->step = flow->steps[step];
	op->class = op->step->class;
	op->index = step;
	op->params = op->step->params;
	op->data = calloc(1, op->class->data_bytes + 1);
	op->ports = host->ports;
	op->wake_at = WAX_NEVER;
	cr_assert_eq(wax_port_init(&host->ports[0],
				     wax_flow_stream(flow, op->step->first_output)->type, take,
				     host, &host->stage.worker.err),
			0);
	if (op->class->open)
		cr_assert_eq(op->class->open(op, &host->stage.err), 0, "%s", host->stage.err.text);
	cr_assert_eq(op->kept != NULL, keeps);
}

static void close_host(struct host *host)
{
	wax_kept_free(host->op->kept);
	host->op->class->close(host->op);
	free(host->op->data);
	wax_port_fini(&host->ports[0]);
	stage_fini(&host->stage);
	free(host->lines.text);
}

static void check(const struct host *host, int r)
{
	cr_assert_geq(r, 0, "%s: %s", chain->name, host->stage.worker.err.text);
}

static void wake(struct host *host, int64_t now)
{
	struct wax_op *op = host->op;

	host->stage.worker.wall_ns = now;
	while (op->wake_at <= now) {
		op->wake_at = WAX_NEVER;
		check(host, op->class->wake(op, now));
		check(host, wax_port_flush(&host->ports[0]));
	}
}

static void push(struct host *host, const struct wax_batch *batch, uint32_t input)
{
	struct wax_op *op = host->op;

	if (batch->count == 0)
		return;
	wax_port_read(&host->ports[0], batch);
	check(host, op->class->push(op, batch, input));
	check(host, wax_port_flush(&host->ports[0]));
	wax_port_read(&host->ports[0], NULL);
}

static void end(struct host *host)
{
	struct wax_op *op = host->op;
	int r;

	do {
		r = op->class->end ? op->class->end(op) : 0;
		check(host, r);
		check(host, wax_port_flush(&host->ports[0]));
	} while (r > 0);
}

/* ---- Batches */

struct items {
	uint32_t count;
	uint32_t keys[ITEMS_MAX];
	uint64_t numbers[ITEMS_MAX];
	struct wax_span spans[ITEMS_MAX];
	char heap[ITEMS_MAX * TEXT_MAX];
};

static struct items all_items[BATCHES];
static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static void make_items(struct items *items)
{
	uint32_t at = 0;

	items->count = (uint32_t)draw(ITEMS_MAX) + 1;
	for (uint32_t i = 0; i < items->count; i++) {
		uint32_t bytes = draw(3) ? (uint32_t)draw(5) : (uint32_t)draw(TEXT_MAX);

		items->keys[i] = (uint32_t)draw(KEYS);
		items->numbers[i] = draw(1000);
		items->spans[i] = (struct wax_span){at, bytes};
		for (uint32_t b = 0; b < bytes; b++)
			items->heap[at++] = (char)('a' + draw(3));
	}
}

static struct wax_batch batch_of(const struct items *items)
{
	return (struct wax_batch){.count = items->count,
			.keyed = 1,
			.key_bytes = sizeof(uint32_t),
			.keys = items->keys,
			.value_bytes = chain->takes_texts ? 0 : sizeof(uint64_t),
			.values = chain->takes_texts ? (const void *)items->spans : items->numbers,
			.value_heap = items->heap,
			.value_heap_bytes = sizeof(items->heap)};
}

/* Those whose keys a worker owns. */
static struct items owned(const struct items *items, uint32_t me, uint32_t worker_count)
{
	struct items some = *items;

	some.count = 0;
	for (uint32_t i = 0; i < items->count; i++) {
		uint64_t hash = wax_hash(&items->keys[i], sizeof(items->keys[i]));

		if ((hash >> 52) * worker_count >> 12 != me)
			continue;
		some.keys[some.count] = items->keys[i];
		some.numbers[some.count] = items->numbers[i];
		some.spans[some.count++] = items->spans[i];
	}
	return some;
}

/* Turn number `index`: what is due, and a batch for each of the workers. */
static void run_turn(struct host *hosts, uint32_t count, uint32_t index)
{
	uint32_t inputs = chain->inputs ? chain->inputs : 1;

	for (uint32_t me = 0; me < count; me++) {
		struct items items = owned(&all_items[index], me, count);
		struct wax_batch batch = batch_of(&items);

		wake(&hosts[me], INT64_C(1700000000) * SECOND + index * SECOND);
		push(&hosts[me], &batch, index % inputs);
	}
}

/* ---- What was saved */

static uint64_t epoch;

static void save_all(struct host *host, struct kept_log *log)
{
	int r;

	while ((r = wax_kept_save(host->op->kept, 50)) > 0)
		;
	check(host, r);
	kept_log_end(log);
}

static void mark(struct host *host, struct kept_log *log, uint64_t pass_keys)
{
	wax_frames_epoch(log->made, ++epoch);
	if (host->op->class->epoch_end)
		check(host, host->op->class->epoch_end(host->op, epoch));
	check(host, wax_kept_mark(host->op->kept, log->made, pass_keys));
}

static void load(struct host *host, const struct kept_log *log, uint32_t me, uint32_t count)
{
	struct wax_groups wanted = kept_log_wanted(me, count);

	kept_log_load(log, host->op, 0, epoch, &wanted);
	check(host, wax_kept_loaded(host->op->kept, &host->stage.err));
}

/* ---- Comparing */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in one order, whatever it was. Frees nothing. */
static char *sorted(const struct lines *lines)
{
	char *copy = strndup(lines->text ? lines->text : "", lines->bytes), *rest = copy, *line;
	char *made = calloc(1, lines->bytes + 1), *at = made;
	char **each = calloc(lines->bytes + 1, sizeof(*each));
	size_t count = 0;

	while ((line = strsep(&rest, "\n")) && *line)
		each[count++] = line;
	qsort(each, count, sizeof(*each), compare_lines);
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%s\n", each[i]);
	free(each);
	free(copy);
	return made;
}

static void append(struct lines *to, const struct lines *from)
{
	to->text = realloc(to->text, to->bytes + from->bytes + 1);
	if (from->bytes > 0)
		memcpy(to->text + to->bytes, from->text, from->bytes);
	to->bytes += from->bytes;
	to->text[to->bytes] = '\0';
}

static struct lines run_whole(struct wax_flow *flow)
{
	struct lines lines = {NULL, 0};
	struct host host;

	open_host(&host, flow, built_step, 0, 1, false);
	for (uint32_t i = 0; i < BATCHES; i++)
		run_turn(&host, 1, i);
	end(&host);
	append(&lines, &host.lines);
	close_host(&host);
	return lines;
}

/* Behind the end of its input: what is left of a step that forgets all is nothing. */
static void check_forgotten(struct host *host, struct wax_flow *flow, struct kept_log *log)
{
	struct host next;

	mark(host, log, UINT64_MAX);
	save_all(host, log);
	open_host(&next, flow, built_step, 0, 1, true);
	load(&next, log, 0, 1);
	end(&next);
	cr_assert_eq(next.lines.bytes, 0, "%s", chain->name);
	close_host(&next);
}

/* One op until a batch, some more while it is saved, and `count` others from there on. */
static struct lines run_cut(struct wax_flow *flow, uint32_t count)
{
	struct lines lines = {NULL, 0};
	struct host host, others[OPS_MAX];
	struct kept_log log, other_logs[OPS_MAX];
	uint32_t cut = (uint32_t)draw(BATCHES - 2) + 1;

	epoch = 0;
	kept_log_init(&log, 0, 1);
	open_host(&host, flow, built_step, 0, 1, true);
	for (uint32_t i = 0; i < cut; i++) {
		run_turn(&host, 1, i);
		if (draw(3) > 0)
			continue;
		mark(&host, &log, draw(20));
		save_all(&host, &log);
	}
	mark(&host, &log, draw(20));
	append(&lines, &host.lines);
	for (uint32_t i = cut; i < BATCHES && draw(4) > 0; i++) {
		check(&host, wax_kept_save(host.op->kept, draw(100)));
		run_turn(&host, 1, i);
	}
	if (draw(3) == 0)
		end(&host);
	save_all(&host, &log);

	for (uint32_t me = 0; me < count; me++) {
		open_host(&others[me], flow, built_step, me, count, true);
		kept_log_init(&other_logs[me], me, count);
		load(&others[me], &log, me, count);
	}
	close_host(&host);
	for (uint32_t i = cut; i < BATCHES; i++)
		run_turn(others, count, i);
	for (uint32_t me = 0; me < count; me++) {
		end(&others[me]);
		append(&lines, &others[me].lines);
		if (chain->emits_by_turn)
			check_forgotten(&others[me], flow, &other_logs[me]);
		close_host(&others[me]);
		kept_log_fini(&other_logs[me]);
	}
	kept_log_fini(&log);
	return lines;
}

static void check_chain(uint32_t count)
{
	struct wax_flow *flow = make_flow();
	struct lines whole = run_whole(flow), cut = run_cut(flow, count);
	char *expected = sorted(&whole), *given = sorted(&cut);

	cr_assert_gt(whole.bytes, 0, "%s emitted nothing", chain->name);
	cr_assert_str_eq(given, expected, "%s, %u workers", chain->name, count);
	free(expected);
	free(given);
	free(whole.text);
	free(cut.text);
	wax_flow_free(flow);
}

Test(kept_state, of_each_step_is_there_in_the_next_run)
{
	random_state = 88172645463325252;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		chain = &chains[i];
		for (uint32_t round = 0; round < 6; round++) {
			for (uint32_t b = 0; b < BATCHES; b++)
				make_items(&all_items[b]);
			check_chain(1);
			/* What has no key is not divided: below. */
			if (chain->build != top_n_all_final)
				check_chain((uint32_t)draw(OPS_MAX) + 1);
		}
	}
}

/* ---- What has no key */

/* All ends: the heaps of the workers go to the last step, of which the first worker has all. */
static char *end_all(struct host *hosts, uint32_t count, struct wax_flow *flow)
{
	struct host last;
	char *text;

	open_host(&last, flow, built_step, 0, count, false);
	for (uint32_t me = 0; me < count; me++) {
		hosts[me].forwards_to = &last;
		end(&hosts[me]);
	}
	end(&last);
	text = sorted(&last.lines);
	close_host(&last);
	return text;
}

Test(kept_state, of_top_n_all_final_is_there_whatever_the_number_of_workers)
{
	static const struct chain top = {"top_n_all_final", top_n_all_final, .takes_texts = true};
	/* How many workers there are, one run after the other. */
	static const uint32_t counts[] = {3, 2, 1, 3, 2};
	enum { RUNS = sizeof(counts) / sizeof(counts[0]) };
	struct kept_log logs[RUNS][OPS_MAX];
	struct host hosts[OPS_MAX], whole;

	chain = &top;
	random_state = 88172645463325252;
	epoch = 0;

	struct wax_flow *flow = make_flow();
	uint32_t step = flow->steps[built_step]->owner->index;

	open_host(&whole, flow, step, 0, 1, false);
	for (uint32_t run = 0; run < RUNS; run++) {
		for (uint32_t me = 0; me < counts[run]; me++) {
			struct wax_groups wanted = kept_log_wanted(me, counts[run]);

			open_host(&hosts[me], flow, step, me, counts[run], true);
			for (uint32_t from = run; from-- > 0;) {
				for (uint32_t i = 0; i < counts[from]; i++)
					kept_log_load(&logs[from][i], hosts[me].op, 0, epoch,
							&wanted);
			}
			check(&hosts[me],
					wax_kept_loaded(hosts[me].op->kept, &hosts[me].stage.err));
		}
		for (uint32_t me = 0; me < counts[run]; me++) {
			struct items items;

			make_items(&items);

			struct wax_batch batch = batch_of(&items);

			push(&hosts[me], &batch, 0);
			push(&whole, &batch, 0);
		}
		epoch++;
		for (uint32_t me = 0; me < counts[run]; me++) {
			kept_log_init(&logs[run][me], me, counts[run]);
			wax_frames_epoch(logs[run][me].made, epoch);
			check(&hosts[me], wax_kept_mark(hosts[me].op->kept, logs[run][me].made, 0));
			save_all(&hosts[me], &logs[run][me]);
		}
		for (uint32_t me = 0; run + 1 < RUNS && me < counts[run]; me++)
			close_host(&hosts[me]);
	}

	char *given = end_all(hosts, counts[RUNS - 1], flow), *expected = end_all(&whole, 1, flow);

	cr_assert_str_eq(given, expected);
	free(given);
	free(expected);
	for (uint32_t me = 0; me < counts[RUNS - 1]; me++)
		close_host(&hosts[me]);
	close_host(&whole);
	for (uint32_t run = 0; run < RUNS; run++) {
		for (uint32_t me = 0; me < counts[run]; me++)
			kept_log_fini(&logs[run][me]);
	}
	wax_flow_free(flow);
}

Test(kept_state, has_a_version_where_there_is_state)
{
	static const struct chain numbers = {"count_final", count_final};

	chain = &numbers;

	struct wax_flow *flow = make_flow();
	struct wax_step *final = flow->steps[built_step];
	struct wax_stream counts = {flow, final->first_output};
	struct wax_stream in = {flow, flow->steps[0]->first_output};

	cr_assert_eq(final->state_version, 1);
	wax_state_version(counts, 7);
	cr_assert_eq(final->state_version, 7);
	cr_assert_eq(final->owner->state_version, 7);
	cr_assert_eq(flow->mistake_count, 0);
	wax_state_version(counts, 0);
	cr_assert_eq(flow->mistake_count, 1);
	cr_assert_not_null(strstr(flow->mistakes[0], "the first is 1"), "%s", flow->mistakes[0]);
	wax_state_version(in, 2);
	cr_assert_eq(flow->mistake_count, 2);
	cr_assert_not_null(strstr(flow->mistakes[1], "for steps with a state that is kept"), "%s",
			flow->mistakes[1]);
	wax_flow_free(flow);
}
