/* SPDX-License-Identifier: Apache-2.0 */
#include "random_graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the graph must give, worked out in one pass over arrays. */

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

void graph_write_model(struct graph *graph, FILE *file)
{
	for (uint32_t i = 0; i < graph->node_count; i++)
		model_node(graph, &graph->nodes[i]);
	for (uint32_t i = 0; i < graph->stream_count; i++) {
		const struct stream *stream = &graph->streams[i];
		for (size_t j = 0; graph_is_last(graph, i) && j < stream->count; j++)
			fprintf(file, "out_%" PRIu32 " %" PRIu64 " %" PRIu64 "\n", i,
					stream->pairs[j].key, stream->pairs[j].value);
	}
	for (uint32_t i = 0; i < graph->stream_count; i++)
		free(graph->streams[i].pairs);
}
