/* SPDX-License-Identifier: Apache-2.0 */
#include "random_graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Which steps a graph has, and which stream each reads. */

static const char *const kind_names[KIND_COUNT] = {"numbers", "single", "lines", "spread", "map",
		"flat_map", "flat_map_batch", "filter", "filter_map", "key_on", "key_self",
		"key_rm", "map_value", "flat_map_value", "filter_value", "filter_map_value",
		"branch", "merge", "deal_batches", "deal_items", "broadcast", "inspect",
		"stateful_batch", "stateful_map", "stateful_flat_map", "collect", "count_running",
		"dedup", "fold_final", "reduce_final", "count_final", "min_final", "max_final",
		"top_n_final", "join"};

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

void graph_draw(struct graph *graph, uint64_t seed, int64_t items)
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
