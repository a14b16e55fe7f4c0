/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROPERTY_RANDOM_GRAPH_H
#define TESTS_PROPERTY_RANDOM_GRAPH_H

#include <wax/wax.h>

#include <stdint.h>
#include <stdio.h>

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

/** Draw a graph from a seed; graph->placeless is set. @param items of each source */
void graph_draw(struct graph *graph, uint64_t seed, int64_t items);

/** Have workers run it. @param folder for what comes out: see graph_is_last */
void graph_build(struct wax_flow *flow, struct graph *graph, const char *folder);

/** Work out what must come out, a line for each item: "out_STREAM KEY VALUE". */
void graph_write_model(struct graph *graph, FILE *file);

/** Does this stream go to an output? Those that nothing reads, and some others. */
static inline int graph_is_last(const struct graph *graph, uint32_t stream)
{
	return graph->streams[stream].uses == 0 || stream % 7 == 3;
}

/* ---- What the steps do with numbers: model and callbacks share nothing else */

static inline uint64_t mixed(const struct node *node, uint64_t number, uint64_t nth)
{
	uint64_t x = (number + nth * 77 + node->salt) * UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	return node->salt % 3 == 0 ? x % 500 : x % 1000003;
}

static inline uint64_t key_for(const struct node *node, uint64_t number)
{
	return mixed(node, number, 3) % node->keys;
}

static inline int is_kept(const struct node *node, uint64_t number)
{
	return mixed(node, number, 5) % 3 != 0;
}

static inline uint64_t copies_of(const struct node *node, uint64_t number)
{
	return mixed(node, number, 9) % 4;
}

#endif
