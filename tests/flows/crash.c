/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of every kind that keep state, and results that do not depend on what comes first: a run that
 * was killed again and again must end with the same lines as one that was not. One output is a file or
 * directory below --out, which is there:
 *
 *     tally     a state of fixed size for each key, and what it is at the end
 *     packs     a state of any size: numbers are gathered, eight make a pack and their key goes
 *     pairs     two sides of a join, one number each, far apart
 *     flat      lists, handed on by a timer, and taken apart again
 *     once      dedup
 *     top, all  the greatest of each key, and of all
 *     running   counts
 *     own       a key for each number, which never goes
 *     sums      of counts of keys that expire and come again
 *     words     of the second source: counts, and joined with what is said of each word once
 *     txn       a sink that prepares and commits
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

#include "transact.h"

struct crash {
	uint64_t items;
	uint64_t packs;
	const char *out;
};

#define MS INT64_C(1000000)

static uint64_t number_of(struct wax_bytes value)
{
	uint64_t number;

	memcpy(&number, value.data, sizeof(number));
	return number;
}

/* ---- Which numbers, under which key */

struct rule {
	uint64_t every; /* numbers whose rest by this is `rest` */
	uint64_t rest;
	uint64_t keys; /* rest by this is the key; 0: the number is */
};

static int is_of_rule(const struct wax_item *item, void *ctx)
{
	const struct rule *rule = ctx;

	return number_of(item->value) % rule->every == rule->rest;
}

static int key_of_rule(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct rule *rule = ctx;
	uint64_t number = number_of(item->value), key = rule->keys ? number % rule->keys : number;

	return wax_emit(out, &key, sizeof(key));
}

/* Numbers by a rule, keyed: `id` and `id`_by. */
static struct wax_stream choose(struct wax_stream numbers, const char *id, uint64_t every,
		uint64_t rest, uint64_t keys)
{
	struct rule *rule = wax_flow_alloc(numbers.flow, sizeof(*rule));
	struct wax_stream some;

	*rule = (struct rule){every, rest, keys};
	wax_scope_begin(numbers.flow, id);
	some = wax_key_on(wax_filter(numbers, "of", is_of_rule, rule), "by", WAX_U64, key_of_rule,
			rule);
	wax_scope_end(numbers.flow);
	return some;
}

static const char *below(const struct crash *crash, struct wax_flow *flow, const char *name)
{
	size_t bytes = strlen(crash->out) + strlen(name) + 2;
	char *path = wax_flow_alloc(flow, bytes);

	snprintf(path, bytes, "%s/%s", crash->out, name);
	return path;
}

/* ---- tally */

struct tally {
	uint64_t count, sum, mixed, least, greatest;
};

static int tally_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct tally *tally = state;

	(void)keyed;
	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		uint64_t number = number_of(wax_values_at(values, i));

		tally->least = tally->count == 0 || number < tally->least ? number : tally->least;
		tally->greatest = number > tally->greatest ? number : tally->greatest;
		tally->count++;
		tally->sum += number;
		tally->mixed ^= number * UINT64_C(0x9e3779b97f4a7c15);
	}
	return WAX_RETAIN;
}

static int tally_end(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct tally *tally = state;
	char text[128];
	int bytes = snprintf(text, sizeof(text),
			"%" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIu64 " %" PRIu64, tally->count,
			tally->sum, tally->mixed, tally->least, tally->greatest);

	(void)ctx;
	wax_emit(wax_keyed_out(keyed), text, (size_t)bytes);
	return WAX_DISCARD;
}

static const struct wax_stateful tally_ops = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct tally),
		.on_batch = tally_batch,
		.on_eof = tally_end,
};

/* ---- packs */

enum { PACK = 8 };

struct pack {
	uint64_t *numbers; /* PACK of them */
	uint64_t count;
};

static int pack_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	struct pack *pack = state;

	(void)ctx;
	pack->numbers = calloc(PACK, sizeof(*pack->numbers));
	if (!pack->numbers)
		return wax_fail(wax_keyed_out(keyed), "no memory");
	if (saved.bytes % sizeof(*pack->numbers) != 0 ||
			saved.bytes >= PACK * sizeof(*pack->numbers))
		return wax_fail(wax_keyed_out(keyed), "a pack of %zu bytes", saved.bytes);
	if (saved.bytes > 0)
		memcpy(pack->numbers, saved.data, saved.bytes);
	pack->count = saved.bytes / sizeof(*pack->numbers);
	return WAX_RETAIN;
}

static int pack_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	const struct pack *pack = state;

	(void)ctx;
	return wax_emit(out, pack->numbers, pack->count * sizeof(*pack->numbers));
}

static void pack_free(void *state, void *ctx)
{
	(void)ctx;
	free(((struct pack *)state)->numbers);
}

static int ascending(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static int pack_end(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct pack *pack = state;
	char text[PACK * 24];
	int bytes = 0;

	(void)ctx;
	qsort(pack->numbers, pack->count, sizeof(*pack->numbers), ascending);
	for (uint64_t i = 0; i < pack->count; i++)
		bytes += snprintf(text + bytes, sizeof(text) - (size_t)bytes, " %" PRIu64,
				pack->numbers[i]);
	if (bytes > 0)
		wax_emit(wax_keyed_out(keyed), text, (size_t)bytes);
	return WAX_DISCARD;
}

static int pack_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct pack *pack = state;

	for (uint32_t i = 0; i < values->count; i++) {
		if (pack->count == PACK)
			return wax_fail(wax_keyed_out(keyed), "a pack of more than %d", PACK);
		pack->numbers[pack->count++] = number_of(wax_values_at(values, i));
	}
	return pack->count == PACK ? pack_end(keyed, state, ctx) : WAX_RETAIN;
}

static const struct wax_stateful pack_ops = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct pack),
		.build = pack_build,
		.on_batch = pack_batch,
		.on_eof = pack_end,
		.snapshot = pack_snapshot,
		.free = pack_free,
};

static void pack_numbers(struct crash *crash, struct wax_stream numbers)
{
	struct wax_stream by = choose(numbers, "packs", 1, 0, crash->packs);
	struct wax_stream packs = wax_stateful_batch(by, "pack", WAX_TEXT, &pack_ops, crash);

	wax_output(packs, "out_packs", wax_file(below(crash, numbers.flow, "packs"), "%k:%v"));
}

/* ---- pairs */

/* Where the other one of a pair is: every number once. */
static int key_of_other(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct crash *crash = ctx;
	uint64_t key = crash->items - 1 - number_of(item->value);

	return wax_emit(out, &key, sizeof(key));
}

static int has_other(const struct wax_item *item, void *ctx)
{
	const struct crash *crash = ctx;

	return (crash->items - 1 - number_of(item->value)) % 4 == 0;
}

static void pair_numbers(struct crash *crash, struct wax_stream numbers)
{
	struct wax_stream others = wax_filter(numbers, "others", has_other, crash);
	struct wax_stream sides[] = {
			choose(numbers, "ones", 4, 0, 0),
			wax_key_on(others, "by_other", WAX_U64, key_of_other, crash),
	};
	struct wax_stream pairs = wax_join("pair", sides, 2, WAX_JOIN_PRODUCT, WAX_JOIN_COMPLETE);

	wax_output(pairs, "out_pairs", wax_dir(below(crash, numbers.flow, "pairs"), 0, "%k: %v"));
}

/* ---- sums */

static int add_up(void *acc, const void *value, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)value;
	return 0;
}

/* Keys that expire are told of in parts, of which only the sum does not depend on when. */
static void sum_parts(struct crash *crash, struct wax_stream numbers)
{
	struct wax_stream by = choose(numbers, "parts", 8, 5, 1021);
	struct wax_stream counts = wax_ttl(wax_count_final(by, "expire"), 30 * MS);
	struct wax_stream sums = wax_reduce_final(counts, "sum", add_up, NULL);

	wax_output(sums, "out_sums", wax_file(below(crash, numbers.flow, "sums"), NULL));
}

/* ---- Those that come with the library */

static int rest_of_8192(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t rest = number_of(item->value) % 8192;

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int count_up(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state, number = number_of(item->value) + ++*count;

	(void)ctx;
	wax_emit(out, &number, sizeof(number));
	return WAX_RETAIN;
}

static void take_all_kinds(struct crash *crash, struct wax_stream numbers)
{
	struct wax_flow *flow = numbers.flow;
	const struct wax_collect_options soon = {
			.size_bytes = sizeof(soon),
			.count_max = 40,
			.idle_ns = 5 * MS,
			.age_ns = 15 * MS,
	};
	struct wax_stream lists = wax_collect(choose(numbers, "some", 8, 1, 251), "lists", &soon);
	struct wax_stream rests = wax_map_value(
			choose(numbers, "rests", 2, 1, 64), "rest", WAX_U64, rest_of_8192, NULL);
	struct wax_stream by_17 = choose(numbers, "best", 2, 0, 17);
	struct wax_stream by_509 = choose(numbers, "steps", 8, 2, 509);
	struct wax_stream own = choose(numbers, "each", 4, 3, 0);

	wax_output(wax_flatten(lists, "flatten", WAX_U64), "out_flat",
			wax_file(below(crash, flow, "flat"), NULL));
	wax_output(wax_dedup(rests, "dedup", WAX_SAME_ITEM, WAX_NEVER), "out_once",
			wax_dir(below(crash, flow, "once"), 3, NULL));
	wax_output(wax_top_n_final(by_17, "top_n", 5, NULL, NULL), "out_top",
			wax_file(below(crash, flow, "top"), NULL));
	wax_output(wax_top_n_all_final(numbers, "top_n_all", 10, NULL, NULL), "out_all",
			wax_file(below(crash, flow, "all"), NULL));
	wax_output(wax_count_running(by_509, "count_running"), "out_running",
			wax_dir(below(crash, flow, "running"), 0, NULL));
	wax_output(wax_stateful_map(own, "count_up", WAX_U64, sizeof(uint64_t), count_up, NULL),
			"out_own", wax_dir(below(crash, flow, "own"), 2, NULL));
}

/* ---- words */

/* The first word of a line. */
static int first_word(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *space = memchr(item->value.data, ' ', item->value.bytes);

	(void)ctx;
	return wax_emit(out, item->value.data,
			space ? (size_t)(space - (const char *)item->value.data)
			      : item->value.bytes);
}

static int same_text(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->key.data, item->key.bytes);
}

static void count_words(struct crash *crash, struct wax_stream lines)
{
	struct wax_flow *flow = lines.flow;
	struct wax_stream by_word = wax_key_on(lines, "by_word", WAX_TEXT, first_word, NULL);
	struct wax_stream firsts = wax_dedup(by_word, "first", WAX_SAME_KEY, WAX_NEVER);
	struct wax_stream sides[] = {
			wax_count_final(by_word, "count"),
			wax_map_value(firsts, "name", WAX_TEXT, same_text, NULL),
			wax_max_final(by_word, "last", NULL, NULL),
	};

	wax_output(wax_join("rows", sides, 3, WAX_JOIN_LAST, WAX_JOIN_FINAL), "out_words",
			wax_file(below(crash, flow, "words"), NULL));
	wax_output(wax_redistribute(lines, "deal", WAX_DEAL_ITEMS), "out_txn",
			transact_to(below(crash, flow, "txn"), "%v"));
}

WAX_FLOW(crash, "What a run that is killed at any moment must not lose, or have twice")
{
	struct crash *crash = wax_flow_alloc(flow, sizeof(*crash));
	const char *in = wax_arg_path(flow, "in", "lines", WAX_REQUIRED);
	double rate = wax_arg_float(flow, "rate", "numbers a second; 0: as fast as can be", "0");

	crash->out = wax_arg_path(flow, "out", "directory, with one named txn in it", WAX_REQUIRED);
	crash->items = (uint64_t)wax_arg_int(flow, "items", "numbers", "100000");
	crash->packs = crash->items / PACK + 1;
	if (!crash->out)
		return;

	struct wax_stream numbers =
			wax_input(flow, "numbers", wax_numbers((int64_t)crash->items, rate));
	struct wax_stream lines = wax_input(flow, "lines", wax_rate(wax_file_lines(in), rate / 4));
	struct wax_stream tallied = wax_stateful_batch(choose(numbers, "tally", 1, 0, 4093),
			"tally_batch", WAX_TEXT, &tally_ops, NULL);

	wax_output(tallied, "out_tally", wax_dir(below(crash, flow, "tally"), 4, "%k: %v"));
	pack_numbers(crash, numbers);
	pair_numbers(crash, numbers);
	sum_parts(crash, numbers);
	take_all_kinds(crash, numbers);
	count_words(crash, lines);
}
