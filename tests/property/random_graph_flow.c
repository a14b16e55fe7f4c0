/* SPDX-License-Identifier: Apache-2.0 */
#include "random_graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The graph as a flow: its callbacks, a source, and the calls that build it. */

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

void graph_build(struct wax_flow *flow, struct graph *graph, const char *folder)
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
		if (graph_is_last(graph, i))
			build_output(flow, graph, i, folder);
	}
}
