/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding.h"

/*
 * A graph that a seed decides, of all operators whose result does not depend on the order of items.
 * With --model FILE it is not run by workers but worked out here, in one pass over arrays, and what
 * it must give is written to FILE.
 *
 * An item is two numbers, key and value. On its way it is written as various types, with bytes that
 * follow from the number and are checked when it is read.
 */

enum {
	NODES_MAX = 48,
	STREAMS_MAX = 96,
	UPS_MAX = 3,
	TOP_N = 3,
	FACTOR_MAX = 8, /* items of a stream for each one of a source, about */
};

#define HOUR (INT64_C(3600) * 1000 * 1000 * 1000)

/* ---- The graph */

enum kind {
	NUMBERS,
	NUMBERS_SINGLE,
	LINES,
	SPREAD,
	FIRST_STEP,
	MAP = FIRST_STEP,
	FLAT_MAP,
	FLAT_MAP_BATCH,
	FILTER,
	FILTER_MAP,
	KEY_ON,
	KEY_SELF,
	KEY_RM,
	MAP_VALUE,
	FLAT_MAP_VALUE,
	FILTER_VALUE,
	FILTER_MAP_VALUE,
	BRANCH,
	MERGE,
	DEAL_BATCHES,
	DEAL_ITEMS,
	BROADCAST,
	INSPECT,
	STATEFUL_BATCH,
	STATEFUL_MAP,
	STATEFUL_FLAT_MAP,
	COLLECT,
	COUNT_RUNNING,
	DEDUP,
	FOLD_FINAL,
	REDUCE_FINAL,
	COUNT_FINAL,
	MIN_FINAL,
	MAX_FINAL,
	TOP_N_FINAL,
	JOIN,
	KIND_COUNT,
};

static const char *const kind_names[KIND_COUNT] = {"numbers", "single", "lines", "spread", "map",
		"flat_map", "flat_map_batch", "filter", "filter_map", "key_on", "key_self",
		"key_rm", "map_value", "flat_map_value", "filter_value", "filter_map_value",
		"branch", "merge", "deal_batches", "deal_items", "broadcast", "inspect",
		"stateful_batch", "stateful_map", "stateful_flat_map", "collect", "count_running",
		"dedup", "fold_final", "reduce_final", "count_final", "min_final", "max_final",
		"top_n_final", "join"};

/* What the model knows of an item. */
struct pair {
	uint64_t key;
	uint64_t value;
};

struct stream {
	int keyed;
	enum coding key;
	enum coding value;
	uint32_t uses;
	double factor;
	struct wax_stream wax;
	struct pair *pairs; /* of the model */
	size_t count;
	size_t capacity;
};

struct node {
	enum kind kind;
	uint32_t ups[UPS_MAX];
	uint32_t up_count;
	uint32_t out; /* its stream; of a branch the next one too */
	uint64_t salt;
	uint64_t keys;    /* how many different ones */
	struct stream in; /* copies, for the callbacks: they see only their node */
	struct stream to;
	char id[32];
	uint64_t epoch;   /* the last that inspect has seen */
	uint32_t worker;  /* where that was */
	uint32_t workers; /* of so many */
};

struct graph {
	uint64_t random;
	int64_t items;
	int placeless; /* no step that gives something else in another worker */
	struct node nodes[NODES_MAX];
	uint32_t node_count;
	struct stream streams[STREAMS_MAX];
	uint32_t stream_count;
};

static uint32_t below(struct graph *graph, uint32_t bound)
{
	graph->random = graph->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((graph->random >> 33) % bound);
}

static struct node *add_node(struct graph *graph, enum kind kind)
{
	struct node *node = &graph->nodes[graph->node_count++];
	node->kind = kind;
	node->salt = below(graph, 1u << 30);
	node->keys = (uint64_t[]){1, 3, 64, 1000, 100000}[below(graph, 5)];
	snprintf(node->id, sizeof(node->id), "%s_%" PRIu32, kind_names[kind], graph->node_count);
	return node;
}

static void add_stream(struct graph *graph, struct node *node, struct stream stream)
{
	stream.uses = 0;
	node->to = stream;
	node->out = graph->stream_count;
	graph->streams[graph->stream_count++] = stream;
}

static void add_source(struct graph *graph)
{
	struct node *node = add_node(graph, (enum kind)below(graph, FIRST_STEP));
	struct stream stream = {.value = AS_U64, .factor = 1};
	if (node->kind == SPREAD)
		stream.value = below(graph, 2) ? AS_TEXT : AS_RECORD;
	if (node->kind == LINES)
		stream.value = AS_TEXT;
	add_stream(graph, node, stream);
}

/* Can this step read this stream? Sets what it gives. */
static int fits(struct graph *graph, enum kind kind, struct stream *stream)
{
	switch (kind) {
	case FLAT_MAP:
	case FLAT_MAP_BATCH:
		if (stream->factor > FACTOR_MAX)
			return 0;
		stream->factor *= 1.5;
		/* fall through */
	case MAP:
	case FILTER_MAP:
		stream->keyed = (int)below(graph, 2);
		stream->key = (enum coding)below(graph, AS_BIG);
		stream->value = (enum coding)below(graph, CODING_COUNT);
		return 1;
	case KEY_ON:
		stream->keyed = 1;
		stream->key = (enum coding)below(graph, AS_BIG);
		return 1;
	case KEY_SELF:
		stream->keyed = 1;
		stream->key = stream->value;
		return stream->value != AS_BIG;
	case KEY_RM:
		if (!stream->keyed)
			return 0;
		stream->keyed = 0;
		return 1;
	case MAP_VALUE:
	case FLAT_MAP_VALUE:
	case FILTER_MAP_VALUE:
	case STATEFUL_MAP:
	case STATEFUL_BATCH:
	case STATEFUL_FLAT_MAP:
		stream->value = (enum coding)below(graph, CODING_COUNT);
		stream->factor *= kind == STATEFUL_BATCH || kind == STATEFUL_FLAT_MAP ||
						kind == FLAT_MAP_VALUE
				? 1.5
				: 1;
		return stream->keyed && stream->factor < FACTOR_MAX;
	case FOLD_FINAL:
		stream->value = below(graph, 2) ? AS_U64 : AS_RECORD;
		return stream->keyed;
	case REDUCE_FINAL:
		return stream->keyed && (stream->value == AS_U64 || stream->value == AS_RECORD);
	case COUNT_RUNNING:
	case COUNT_FINAL:
		stream->value = AS_U64;
		return stream->keyed;
	case FILTER_VALUE:
	case DEDUP:
	case MIN_FINAL:
	case MAX_FINAL:
	case TOP_N_FINAL:
	case COLLECT:
		return stream->keyed;
	case JOIN:
		stream->value = (enum coding)below(graph, CODING_COUNT);
		return stream->keyed;
	case FILTER:
	case BRANCH:
	case MERGE:
	case DEAL_BATCHES:
	case DEAL_ITEMS:
	case INSPECT:
		return 1;
	case BROADCAST:
		return !graph->placeless;
	default:
		return 0;
	}
}

static int same_type(const struct stream *a, const struct stream *b)
{
	return a->keyed == b->keyed && a->value == b->value && (!a->keyed || a->key == b->key);
}

/* Others of the same type to merge with; one of them may be the same once more. */
static void add_ups(struct graph *graph, struct node *node, struct stream *stream)
{
	for (uint32_t tries = 0; tries < 8 && node->up_count < UPS_MAX; tries++) {
		uint32_t up = below(graph, graph->stream_count);
		double factor = stream->factor + graph->streams[up].factor;
		if (!same_type(&graph->streams[up], stream) || factor > FACTOR_MAX)
			continue;
		stream->factor = factor;
		node->ups[node->up_count++] = up;
	}
}

static void add_step(struct graph *graph)
{
	uint32_t up = below(graph, graph->stream_count);
	/* Long chains find more than wide ones: rather what nobody reads yet. */
	for (uint32_t tries = 0; tries < 3 && graph->streams[up].uses > 0; tries++)
		up = below(graph, graph->stream_count);
	enum kind kind = (enum kind)(FIRST_STEP + below(graph, KIND_COUNT - FIRST_STEP));
	struct stream stream = graph->streams[up];
	if (!fits(graph, kind, &stream))
		return;

	struct node *node = add_node(graph, kind);
	node->ups[node->up_count++] = up;
	node->in = graph->streams[up];
	if (kind == MERGE)
		add_ups(graph, node, &stream);
	for (uint32_t i = 0; i < node->up_count; i++)
		graph->streams[node->ups[i]].uses++;
	add_stream(graph, node, stream);
	if (kind == BRANCH) {
		uint32_t first = node->out;
		add_stream(graph, node, stream);
		node->out = first;
	}
}

static void make_graph(struct graph *graph, uint64_t seed, int64_t items)
{
	graph->random = seed * 2 + 1;
	graph->items = items;
	for (uint32_t i = 0; i < 16; i++)
		below(graph, 2);
	for (uint32_t count = 1 + below(graph, 3); count > 0; count--)
		add_source(graph);
	for (uint32_t count = 4 + below(graph, 24); count > 0; count--)
		add_step(graph);
}

/* ---- What the steps do with numbers: model and callbacks share nothing else */

static uint64_t mixed(const struct node *node, uint64_t number, uint64_t nth)
{
	uint64_t x = (number + nth * 77 + node->salt) * UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	return node->salt % 3 == 0 ? x % 500 : x % 1000003;
}

static uint64_t key_for(const struct node *node, uint64_t number)
{
	return mixed(node, number, 3) % node->keys;
}

static int is_kept(const struct node *node, uint64_t number)
{
	return mixed(node, number, 5) % 3 != 0;
}

static uint64_t copies_of(const struct node *node, uint64_t number)
{
	return mixed(node, number, 9) % 4;
}

/* ---- Callbacks */

static uint64_t value_of(const struct node *node, const struct wax_item *item)
{
	/* The key is read to see that it is whole. */
	if (node->in.keyed)
		read_number(item->key, node->in.key);
	return read_number(item->value, node->in.value);
}

/* Emit as the node's stream wants it; in place now and then. */
static int emit(struct wax_out *out, const struct node *node, uint64_t key, uint64_t value)
{
	union written key_text, value_text;
	size_t value_bytes = write_number(&value_text, node->to.value, value);
	size_t key_bytes = node->to.keyed ? write_number(&key_text, node->to.key, key) : 0;
	if (value % 4 == 1) {
		void *room = wax_claim(out, node->to.keyed ? &key_text : NULL, key_bytes,
				value_bytes + value % 3);
		if (!room)
			return -1;
		memcpy(room, &value_text, value_bytes);
		return wax_commit(out, value_bytes);
	}
	if (node->to.keyed)
		return wax_emit_kv(out, &key_text, key_bytes, &value_text, value_bytes);
	return wax_emit(out, &value_text, value_bytes);
}

/* Of a keyed step: the key is added by the runtime. */
static int emit_value(struct wax_out *out, const struct node *node, uint64_t value)
{
	union written text;
	return wax_emit(out, &text, write_number(&text, node->to.value, value));
}

static int do_map(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t value = value_of(node, item);
	return emit(out, node, key_for(node, value), mixed(node, value, 0));
}

static int do_filter_map(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	return is_kept(node, value_of(node, item)) ? do_map(out, item, ctx) : 0;
}

static int do_flat_map(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t value = value_of(node, item);
	for (uint64_t i = 0; i < copies_of(node, value); i++)
		emit(out, node, key_for(node, value), mixed(node, value, i));
	return 0;
}

static int do_flat_map_batch(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);
		do_flat_map(out, &item, ctx);
	}
	return 0;
}

static int do_filter(const struct wax_item *item, void *ctx)
{
	return is_kept(ctx, value_of(ctx, item));
}

static int do_key_on(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	union written key;
	return wax_emit(out, &key,
			write_number(&key, node->to.key, key_for(node, value_of(node, item))));
}

static int do_map_value(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return emit_value(out, ctx, mixed(ctx, value_of(ctx, item), 0));
}

static int do_flat_map_value(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t value = value_of(node, item);
	for (uint64_t i = 0; i < copies_of(node, value); i++)
		emit_value(out, node, mixed(node, value, i));
	return 0;
}

static int do_filter_map_value(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	return is_kept(ctx, value_of(ctx, item)) ? do_map_value(out, item, ctx) : 0;
}

static int do_inspect(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	struct node *node = ctx;
	value_of(node, item);
	if (place->epoch < node->epoch)
		die("an epoch that goes back");
	node->epoch = place->epoch;
	node->worker = place->worker;
	node->workers = place->worker_count;
	return 0;
}

/* Of the copies of a broadcast one is kept, in a worker that the value says. */
static int do_keep_one(const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	return mixed(node, value_of(node, item), 11) % node->workers == node->worker;
}

struct sum {
	uint64_t sum;
	uint64_t count;
};

static int do_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	const struct node *node = ctx;
	struct sum *sum = state;
	read_number(wax_keyed_key(keyed), node->in.key);
	for (uint32_t i = 0; i < values->count; i++) {
		uint64_t value = read_number(wax_values_at(values, i), node->in.value);
		sum->sum += value;
		sum->count++;
		if (is_kept(node, value))
			emit_value(wax_keyed_out(keyed), node, mixed(node, value, 0));
	}
	return WAX_RETAIN;
}

static int do_batch_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct sum *sum = state;
	emit_value(wax_keyed_out(keyed), ctx, sum->sum * 3 + sum->count);
	return WAX_DISCARD;
}

static const struct wax_stateful sums = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct sum),
		.on_batch = do_batch,
		.on_eof = do_batch_eof,
};

static int do_stateful_map(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t *seen = state;
	uint64_t value = value_of(node, item);
	if (*seen != 0 && *seen != node->salt + 1)
		die("a state that is not its own");
	*seen = node->salt + 1;
	emit_value(out, node, mixed(node, value, 0));
	return value % 5 == 0 ? WAX_DISCARD : WAX_RETAIN;
}

static int do_stateful_flat_map(
		struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t *seen = state;
	uint64_t value = value_of(node, item);
	if (*seen != 0 && *seen != node->salt + 1)
		die("a state that is not its own");
	*seen = node->salt + 1;
	for (uint64_t i = 0; i < copies_of(node, value); i++)
		emit_value(out, node, mixed(node, value, i));
	return value % 5 == 0 ? WAX_DISCARD : WAX_RETAIN;
}

/* What collect has gathered goes on one by one. */
static int do_spread(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	struct wax_list list = wax_list_of(item->value, type_of(node->in.value));
	struct wax_bytes next;
	uint64_t count = 0, bound = 1 + node->salt % 7;
	for (; wax_list_next(&list, &next); count++) {
		union written aligned;
		if (next.bytes > sizeof(aligned))
			die("a list with too large an item");
		memcpy(&aligned, next.data, next.bytes);
		uint64_t value = read_number(
				(struct wax_bytes){&aligned, next.bytes}, node->in.value);
		emit(out, node, read_number(item->key, node->in.key), value);
	}
	if (count == 0 || count > bound)
		die("a list of the wrong length");
	return 0;
}

/* A row of the least and the greatest value of a key. */
static int do_row(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	uint64_t numbers[2];
	for (uint32_t side = 0; side < 2; side++) {
		struct wax_bytes value = wax_join_side(item->value, side);
		union written aligned;
		if (!value.data || value.bytes > sizeof(aligned))
			die("a row without a value");
		memcpy(&aligned, value.data, value.bytes);
		numbers[side] = read_number(
				(struct wax_bytes){&aligned, value.bytes}, node->in.value);
	}
	return emit_value(out, node, numbers[0] * 3 + numbers[1]);
}

/* An accumulator is written as its stream's type at all times. */
static uint64_t acc_read(const struct node *node, const void *acc)
{
	if (node->to.value == AS_U64)
		return *(const uint64_t *)acc;
	return read_number((struct wax_bytes){acc, sizeof(struct record)}, AS_RECORD);
}

static void acc_write(const struct node *node, void *acc, uint64_t number)
{
	union written written;
	memcpy(acc, &written, write_number(&written, node->to.value, number));
}

static void do_fold_init(void *acc, void *ctx)
{
	acc_write(ctx, acc, 11);
}

static int do_fold(void *acc, const struct wax_item *item, void *ctx)
{
	acc_write(ctx, acc, acc_read(ctx, acc) + mixed(ctx, value_of(ctx, item), 0));
	return 0;
}

/* Each began with 11. */
static int do_merge(void *acc, const void *other, void *ctx)
{
	acc_write(ctx, acc, acc_read(ctx, acc) + acc_read(ctx, other) - 11);
	return 0;
}

static int do_reduce(void *acc, const void *value, void *ctx)
{
	acc_write(ctx, acc, acc_read(ctx, acc) + acc_read(ctx, value));
	return 0;
}

static int do_compare(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	const struct node *node = ctx;
	uint64_t x = read_number(*a, node->in.value), y = read_number(*b, node->in.value);
	return (x > y) - (x < y);
}

/* ---- A source of its own: partitions that are idle now and then */

enum { SPREAD_PARTS = 7, SPREAD_BATCH = 50 };

struct spread {
	const struct node *node;
	int64_t items;
};

struct spread_part {
	const struct spread *spread;
	struct wax_env *env;
	int64_t next;
	uint32_t calls;
};

static int spread_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	for (int i = 0; i < SPREAD_PARTS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", i);
		wax_parts_add(parts, name);
	}
	return 0;
}

static int spread_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct spread_part *part = malloc(sizeof(*part));
	(void)saved;
	if (!part)
		return wax_err_set(err, -12, "no memory");
	*part = (struct spread_part){source, env, atoi(wax_env_part(env)), 0};
	*ret_part = part;
	return 0;
}

static int spread_next(void *spread_part, struct wax_out *out, struct wax_err *err)
{
	struct spread_part *part = spread_part;
	(void)err;
	if (part->calls++ % 3 == 1) {
		if (part->calls % 2)
			wax_env_wake(part->env);
		return WAX_IDLE;
	}
	for (int i = 0; i < SPREAD_BATCH && part->next < part->spread->items; i++) {
		emit(out, part->spread->node, 0, (uint64_t)part->next);
		part->next += SPREAD_PARTS;
	}
	return part->next < part->spread->items ? WAX_MORE : WAX_END;
}

static int64_t spread_awake(void *spread_part)
{
	const struct spread_part *part = spread_part;
	return wax_env_now(part->env) + 200 * 1000;
}

static const struct wax_source_ops spread_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "spread",
		.list = spread_list,
		.open = spread_open,
		.next = spread_next,
		.next_awake = spread_awake,
		.close = free,
		.free = free,
};

static struct wax_source *make_spread(const struct graph *graph, const struct node *node)
{
	struct spread *spread = malloc(sizeof(*spread));
	if (!spread)
		return NULL;
	*spread = (struct spread){node, graph->items};
	return wax_source_make(&spread_ops, type_of(node->to.value), spread, NULL);
}

/* Lines are of the library's making: what stands in them is left to its own tests. */
static int do_line(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	if (item->value.bytes == 0)
		die("an empty line");
	return emit_value(out, ctx, 7);
}

/* ---- Building */

static const char *id_beside(struct wax_flow *flow, const struct node *node, const char *what)
{
	char *id = wax_flow_alloc(flow, sizeof(node->id) + 16);
	snprintf(id, sizeof(node->id) + 16, "%s_%s", what, node->id);
	return id;
}

static struct wax_stream build_collect(struct wax_stream up, struct node *node)
{
	const struct wax_collect_options options = {
			.size_bytes = sizeof(options), .count_max = 1 + node->salt % 7};
	const struct wax_type *type =
			wax_type_keyed(type_of(node->in.key), type_of(node->in.value));
	up = wax_collect(up, id_beside(up.flow, node, "lists"), &options);
	return wax_flat_map(up, node->id, type, do_spread, node);
}

static struct wax_stream build_join(struct wax_stream up, struct node *node)
{
	struct wax_stream sides[] = {
			wax_min_final(up, id_beside(up.flow, node, "least"), do_compare, node),
			wax_max_final(up, id_beside(up.flow, node, "greatest"), do_compare, node)};
	enum wax_join_insert insert = (enum wax_join_insert)(node->salt % 3);
	enum wax_join_emit emit_mode = node->salt % 2 ? WAX_JOIN_COMPLETE : WAX_JOIN_FINAL;
	up = wax_join(id_beside(up.flow, node, "rows"), sides, 2, insert, emit_mode);
	return wax_map_value(up, node->id, type_of(node->to.value), do_row, node);
}

static struct wax_stream build_source(
		struct wax_flow *flow, const struct graph *graph, struct node *node)
{
	switch (node->kind) {
	case NUMBERS:
		return wax_input(flow, node->id, wax_numbers(graph->items, 0));
	case NUMBERS_SINGLE:
		return wax_input(flow, node->id, wax_numbers_single(graph->items, 0));
	case SPREAD:
		return wax_input(flow, node->id, make_spread(graph, node));
	default: {
		struct wax_source *text = wax_text(graph->items, 100, node->salt, 0);
		char *id = wax_flow_alloc(flow, sizeof(node->id));
		snprintf(id, sizeof(node->id), "line_of_%" PRIu32, node->out);
		return wax_map(wax_input(flow, node->id, text), id, WAX_TEXT, do_line, node);
	}
	}
}

static struct wax_stream build_keyed(struct wax_stream up, struct node *node)
{
	const struct wax_type *value = type_of(node->to.value);
	int u64 = node->in.value == AS_U64 && node->salt % 2;
	switch (node->kind) {
	case STATEFUL_BATCH:
		return wax_stateful_batch(up, node->id, value, &sums, node);
	case STATEFUL_MAP:
		return wax_stateful_map(
				up, node->id, value, sizeof(uint64_t), do_stateful_map, node);
	case COUNT_RUNNING:
		return wax_count_running(up, node->id);
	case DEDUP:
		return wax_dedup(up, node->id, WAX_SAME_ITEM, node->salt % 2 ? WAX_NEVER : HOUR);
	case STATEFUL_FLAT_MAP:
		return wax_stateful_flat_map(
				up, node->id, value, sizeof(uint64_t), do_stateful_flat_map, node);
	case COLLECT:
		return build_collect(up, node);
	case JOIN:
		return build_join(up, node);
	case FOLD_FINAL:
		return wax_fold_merge_final(up, node->id, value, do_fold_init, do_fold,
				node->salt % 3 ? do_merge : NULL, node);
	case REDUCE_FINAL:
		return wax_reduce_final(up, node->id, do_reduce, node);
	case COUNT_FINAL:
		return wax_count_final(up, node->id);
	case MIN_FINAL:
		return wax_min_final(up, node->id, u64 ? NULL : do_compare, node);
	case TOP_N_FINAL:
		return wax_top_n_final(up, node->id, TOP_N, u64 ? NULL : do_compare, node);
	default:
		return wax_max_final(up, node->id, u64 ? NULL : do_compare, node);
	}
}

/* What follows it must not depend on the number of workers. */
static struct wax_stream build_broadcast(
		struct wax_flow *flow, struct wax_stream up, struct node *node)
{
	char *place_id = wax_flow_alloc(flow, sizeof(node->id));
	char *one_id = wax_flow_alloc(flow, sizeof(node->id));
	snprintf(place_id, sizeof(node->id), "place_%" PRIu32, node->out);
	snprintf(one_id, sizeof(node->id), "one_%" PRIu32, node->out);
	up = wax_inspect(wax_broadcast(up, node->id), place_id, do_inspect, node);
	return wax_filter(up, one_id, do_keep_one, node);
}

static struct wax_stream build_step(const struct graph *graph, struct node *node)
{
	struct wax_stream up = graph->streams[node->ups[0]].wax, ups[UPS_MAX];
	const struct wax_type *key = type_of(node->to.key), *value = type_of(node->to.value);
	const struct wax_type *type = node->to.keyed ? WAX_KEYED(key, value) : value;
	switch (node->kind) {
	case MAP:
		return wax_map(up, node->id, type, do_map, node);
	case FLAT_MAP:
		return wax_flat_map(up, node->id, type, do_flat_map, node);
	case FLAT_MAP_BATCH:
		return wax_flat_map_batch(up, node->id, type, do_flat_map_batch, node);
	case FILTER:
		return wax_filter(up, node->id, do_filter, node);
	case FILTER_MAP:
		return wax_filter_map(up, node->id, type, do_filter_map, node);
	case KEY_ON:
		return wax_key_on(up, node->id, key, do_key_on, node);
	case KEY_SELF:
		return wax_key_on(up, node->id, key, wax_key_self, NULL);
	case KEY_RM:
		return wax_key_rm(up, node->id);
	case MAP_VALUE:
		return wax_map_value(up, node->id, value, do_map_value, node);
	case FLAT_MAP_VALUE:
		return wax_flat_map_value(up, node->id, value, do_flat_map_value, node);
	case FILTER_VALUE:
		return wax_filter_value(up, node->id, do_filter, node);
	case FILTER_MAP_VALUE:
		return wax_filter_map_value(up, node->id, value, do_filter_map_value, node);
	case BROADCAST:
		return build_broadcast(up.flow, up, node);
	case MERGE:
		for (uint32_t i = 0; i < node->up_count; i++)
			ups[i] = graph->streams[node->ups[i]].wax;
		return wax_merge(node->id, ups, node->up_count);
	case DEAL_BATCHES:
		return wax_redistribute(up, node->id, WAX_DEAL_BATCHES);
	case DEAL_ITEMS:
		return wax_redistribute(up, node->id, WAX_DEAL_ITEMS);
	case INSPECT:
		return wax_inspect(up, node->id, do_inspect, node);
	default:
		return build_keyed(up, node);
	}
}

static int do_print(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct node *node = ctx;
	char line[96];
	uint64_t key = node->in.keyed ? read_number(item->key, node->in.key) : 0;
	int bytes = snprintf(line, sizeof(line), "%s %" PRIu64 " %" PRIu64, node->id, key,
			read_number(item->value, node->in.value));
	return wax_emit(out, line, (size_t)bytes);
}

static int is_last(const struct graph *graph, uint32_t stream)
{
	return graph->streams[stream].uses == 0 || stream % 7 == 3;
}

/* A stream that nobody reads goes to standard output, a file, or files dealt by key. */
static void build_output(struct wax_flow *flow, const struct graph *graph, uint32_t index,
		const char *folder)
{
	struct node *node = wax_flow_alloc(flow, sizeof(*node));
	char *id = wax_flow_alloc(flow, 32);
	char path[512];
	node->in = graph->streams[index];
	snprintf(node->id, sizeof(node->id), "out_%" PRIu32, index);
	snprintf(id, 32, "sink_%" PRIu32, index);
	struct wax_stream lines = wax_map(node->in.wax, node->id, WAX_TEXT, do_print, node);
	snprintf(path, sizeof(path), "%s/out-%" PRIu32, folder, index);
	if (index % 3 == 0) {
		wax_output(lines, id, wax_stdout(NULL));
	} else if (index % 3 == 1) {
		wax_output(lines, id, wax_file(path, NULL));
	} else {
		char *key_id = wax_flow_alloc(flow, 32);
		snprintf(key_id, 32, "key_%" PRIu32, index);
		lines = wax_key_on(lines, key_id, WAX_TEXT, wax_key_self, NULL);
		wax_output(lines, id, wax_dir(path, index % 4, "%v"));
	}
}

static void build_graph(struct wax_flow *flow, struct graph *graph, const char *folder)
{
	for (uint32_t i = 0; i < graph->node_count; i++) {
		struct node *node = &graph->nodes[i];
		struct stream *to = &graph->streams[node->out];
		if (node->kind < FIRST_STEP) {
			to->wax = build_source(flow, graph, node);
		} else if (node->kind == BRANCH) {
			struct wax_branches sides = wax_branch(graph->streams[node->ups[0]].wax,
					node->id, do_filter, node);
			to[0].wax = sides.trues;
			to[1].wax = sides.falses;
		} else {
			to->wax = build_step(graph, node);
		}
	}
	for (uint32_t i = 0; i < graph->stream_count; i++) {
		if (is_last(graph, i))
			build_output(flow, graph, i, folder);
	}
}

/* ---- The model */

static void add(struct stream *stream, uint64_t key, uint64_t value)
{
	if (stream->count == stream->capacity) {
		stream->capacity = stream->capacity ? stream->capacity * 2 : 64;
		stream->pairs = realloc(stream->pairs, stream->capacity * sizeof(*stream->pairs));
		if (!stream->pairs)
			die("no memory for the model");
	}
	stream->pairs[stream->count++] = (struct pair){stream->keyed ? key : 0, value};
}

static int by_key_and_value(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

/* One value for each key, of the values [first, last), which are in ascending order. */
static uint64_t model_final(
		const struct node *node, const struct pair *first, const struct pair *last)
{
	uint64_t acc = node->kind == FOLD_FINAL ? 11 : 0;
	if (node->kind == MIN_FINAL)
		return first->value;
	if (node->kind == MAX_FINAL)
		return last[-1].value;
	if (node->kind == JOIN)
		return first->value * 3 + last[-1].value;
	for (const struct pair *at = first; at < last; at++) {
		switch (node->kind) {
		case FOLD_FINAL:
			acc += mixed(node, at->value, 0);
			break;
		case REDUCE_FINAL:
			acc += at->value;
			break;
		case COUNT_FINAL:
			acc++;
			break;
		default:
			acc += at->value * 3 + 1;
		}
	}
	return acc;
}

/* What there is for a key. */
static void model_key(const struct node *node, const struct pair *first, const struct pair *last,
		struct stream *to)
{
	size_t count = (size_t)(last - first);
	switch (node->kind) {
	case COUNT_RUNNING:
		for (size_t i = 1; i <= count; i++)
			add(to, first->key, i);
		return;
	case DEDUP:
		for (const struct pair *at = first; at < last; at++) {
			if (at == first || at[-1].value != at->value)
				add(to, at->key, at->value);
		}
		return;
	case TOP_N_FINAL:
		for (const struct pair *at = count > TOP_N ? last - TOP_N : first; at < last; at++)
			add(to, at->key, at->value);
		return;
	default:
		add(to, first->key, model_final(node, first, last));
	}
}

static void model_finals(const struct node *node, const struct stream *up, struct stream *to)
{
	struct pair *sorted = malloc((up->count + 1) * sizeof(*sorted));
	if (!sorted)
		die("no memory for the model");
	if (up->count > 0)
		memcpy(sorted, up->pairs, up->count * sizeof(*sorted));
	qsort(sorted, up->count, sizeof(*sorted), by_key_and_value);
	for (size_t first = 0, last; first < up->count; first = last) {
		for (last = first; last < up->count && sorted[last].key == sorted[first].key;)
			last++;
		model_key(node, sorted + first, sorted + last, to);
	}
	free(sorted);
}

static void model_pair(const struct node *node, struct pair pair, struct stream *to)
{
	uint64_t key = pair.key, value = pair.value;
	switch (node->kind) {
	case FILTER_MAP:
		if (!is_kept(node, value))
			return;
		/* fall through */
	case MAP:
		add(to, key_for(node, value), mixed(node, value, 0));
		return;
	case FLAT_MAP_VALUE:
		for (uint64_t i = 0; i < copies_of(node, value); i++)
			add(to, key, mixed(node, value, i));
		return;
	case FLAT_MAP:
	case FLAT_MAP_BATCH:
		for (uint64_t i = 0; i < copies_of(node, value); i++)
			add(to, key_for(node, value), mixed(node, value, i));
		return;
	case STATEFUL_FLAT_MAP:
		for (uint64_t i = 0; i < copies_of(node, value); i++)
			add(to, key, mixed(node, value, i));
		return;
	case FILTER:
	case FILTER_VALUE:
		if (is_kept(node, value))
			add(to, key, value);
		return;
	case BRANCH:
		add(is_kept(node, value) ? to : to + 1, key, value);
		return;
	case KEY_ON:
		add(to, key_for(node, value), value);
		return;
	case KEY_SELF:
		add(to, value, value);
		return;
	case FILTER_MAP_VALUE:
	case STATEFUL_BATCH:
		if (is_kept(node, value))
			add(to, key, mixed(node, value, 0));
		return;
	case MAP_VALUE:
	case STATEFUL_MAP:
		add(to, key, mixed(node, value, 0));
		return;
	case COUNT_RUNNING:
	case DEDUP:
	case FOLD_FINAL:
	case REDUCE_FINAL:
	case COUNT_FINAL:
	case MIN_FINAL:
	case MAX_FINAL:
	case TOP_N_FINAL:
	case JOIN:
		return;
	default: /* passes everything on */
		add(to, key, value);
	}
}

static void model_node(struct graph *graph, const struct node *node)
{
	struct stream *to = &graph->streams[node->out];
	for (int64_t i = 0; node->kind < FIRST_STEP && i < graph->items; i++)
		add(to, 0, node->kind == LINES ? 7 : (uint64_t)i);
	for (uint32_t i = 0; i < node->up_count; i++) {
		const struct stream *up = &graph->streams[node->ups[i]];
		for (size_t j = 0; j < up->count; j++)
			model_pair(node, up->pairs[j], to);
	}
	if (node->kind == STATEFUL_BATCH || node->kind >= COUNT_RUNNING)
		model_finals(node, &graph->streams[node->ups[0]], to);
}

static void write_model(struct graph *graph, FILE *file)
{
	for (uint32_t i = 0; i < graph->node_count; i++)
		model_node(graph, &graph->nodes[i]);
	for (uint32_t i = 0; i < graph->stream_count; i++) {
		const struct stream *stream = &graph->streams[i];
		for (size_t j = 0; is_last(graph, i) && j < stream->count; j++)
			fprintf(file, "out_%" PRIu32 " %" PRIu64 " %" PRIu64 "\n", i,
					stream->pairs[j].key, stream->pairs[j].value);
	}
	for (uint32_t i = 0; i < graph->stream_count; i++)
		free(graph->streams[i].pairs);
}

WAX_FLOW(random_graph, "A graph that a seed decides, and what it must give")
{
	uint64_t seed = (uint64_t)wax_arg_int(flow, "seed", "which graph", "1");
	int64_t items = wax_arg_int(flow, "items", "of each source", "1000");
	const char *model =
			wax_arg_path(flow, "model", "write what must come out, run nothing", NULL);
	const char *folder = wax_arg_path(flow, "out", "folder for what comes out", ".");

	struct graph *graph = wax_flow_alloc(flow, sizeof(*graph));
	graph->placeless = wax_arg_flag(flow, "placeless",
			"no step whose result depends on the worker that it is in");
	make_graph(graph, seed, items);
	if (!model) {
		build_graph(flow, graph, folder);
		return;
	}
	FILE *file = fopen(model, "w");
	if (!file) {
		wax_flow_fail(flow, "cannot write %s", model);
		return;
	}
	write_model(graph, file);
	fclose(file);
	wax_output(wax_input(flow, "none", wax_numbers(0, 0)), "nowhere", wax_null());
}
