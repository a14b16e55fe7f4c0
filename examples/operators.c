/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operator once, on a few numbers. What is printed does not depend on the number of workers. For one operator by itself
 * see operators/.
 *
 *     waxrun operators.c | sort
 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

static uint64_t number_of(const struct wax_item *item)
{
	uint64_t number;

	memcpy(&number, item->value.data, sizeof(number));
	return number;
}

/* ---- Stateless operators */

static int square(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item), squared = number * number;

	(void)ctx;
	return wax_emit(out, &squared, sizeof(squared));
}

static int divisors(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item);

	(void)ctx;
	for (uint64_t i = 1; i <= number; i++) {
		if (number % i == 0)
			wax_emit(out, &i, sizeof(i));
	}
	return 0;
}

static int add_batch(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	const uint64_t *numbers = WAX_VALUES(batch, uint64_t);
	const uint32_t all = 0; /* the one key */
	uint64_t sum = 0;

	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++)
		sum += numbers[i];
	return wax_emit_kv(out, &all, sizeof(all), &sum, sizeof(sum));
}

static int is_even(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) % 2 == 0;
}

static int half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item), halved = number / 2;

	(void)ctx;
	return number % 2 ? 0 : wax_emit(out, &halved, sizeof(halved));
}

static int rest_of_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(number_of(item) % 3);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int look(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (number_of(item) > 1000)
		fprintf(stderr, "%s: a large number in worker %u\n", place->step, place->worker);
	return 0;
}

struct pair {
	uint64_t numbers[2];
};

static int with_next(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct pair pair = {{number_of(item), number_of(item) + 1}};

	(void)ctx;
	return wax_emit(out, &pair, sizeof(pair));
}

static int as_words(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char *room = wax_claim(out, NULL, 0, 64), *to = room;

	(void)ctx;
	if (!room)
		return -1;
	to += wax_element_put(to, "number", 6);
	to += number_of(item) % 2 ? wax_element_put(to, "odd", 3) : wax_element_put(to, "even", 4);
	return wax_commit(out, (size_t)(to - room));
}

static void flat(struct wax_stream numbers)
{
	struct wax_stream pairs =
			wax_map(numbers, "with_next", WAX_STRUCT(struct pair), with_next, NULL);
	struct wax_stream flat = wax_flatten(pairs, "flat", WAX_U64);
	struct wax_stream phrases = wax_map(numbers, "as_words", WAX_BYTES, as_words, NULL);
	struct wax_stream words = wax_flatten(phrases, "words", WAX_TEXT);

	wax_output(flat, "out_flat", wax_stdout("flat %v"));
	wax_output(words, "out_words", wax_stdout("word %v"));
}

static int is_huge(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) > 1000000;
}

static int on_epoch(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	if (moment == WAX_MOMENT_EPOCH_END)
		fprintf(stderr, "%s: epoch %d has passed worker %u\n", place->step,
				(int)place->epoch, place->worker);
	return 0;
}

static void checked(struct wax_stream numbers)
{
	struct wax_stream huge = wax_filter(numbers, "huge", is_huge, NULL);
	struct wax_stream traced = wax_inspect_debug(numbers, "trace", on_epoch, NULL);

	wax_raises(huge, "no_huge", "larger than a million: is the input damaged?");
	wax_output(traced, "out_traced", wax_stdout("traced %v"));
}

static void stateless(struct wax_stream numbers)
{
	struct wax_stream squares = wax_map(numbers, "square", WAX_U64, square, NULL);
	struct wax_stream divided = wax_flat_map(numbers, "divisors", WAX_U64, divisors, NULL);
	struct wax_stream evens = wax_filter(numbers, "evens", is_even, NULL);
	struct wax_stream halves = wax_filter_map(numbers, "half", WAX_U64, half, NULL);
	struct wax_branches sides = wax_branch(numbers, "sides", is_even, NULL);
	struct wax_stream both[] = {sides.trues, sides.falses};
	struct wax_stream merged = wax_merge("both", both, 2);
	struct wax_stream dealt = wax_redistribute(numbers, "deal", WAX_DEAL_BATCHES);
	struct wax_stream seen = wax_inspect(numbers, "look", look, NULL);

	wax_output(squares, "out_square", wax_stdout("square %v"));
	wax_output(divided, "out_divisors", wax_stdout("divisor %v"));
	wax_output(evens, "out_evens", wax_stdout("even %v"));
	wax_output(halves, "out_half", wax_stdout("half %v"));
	wax_output(merged, "out_both", wax_stdout("merged %v"));
	wax_output(dealt, "out_deal", wax_stdout("dealt %v"));
	wax_output(seen, "out_look", wax_stdout("seen %v"));
}

/* ---- Keyed operators */

static int add(void *acc, const void *value, void *ctx)
{
	uint64_t *sum = acc;
	const uint64_t *number = value;

	(void)ctx;
	*sum += *number;
	return 0;
}

struct mean {
	uint64_t sum;
	uint64_t count;
};

static int print_mean(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct mean *mean = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%g", (double)mean->sum / (double)mean->count);
}

static int add_to_mean(void *acc, const struct wax_item *item, void *ctx)
{
	struct mean *mean = acc;

	(void)ctx;
	mean->sum += number_of(item);
	mean->count++;
	return 0;
}

static int merge_means(void *acc, const void *other, void *ctx)
{
	struct mean *mean = acc;
	const struct mean *more = other;

	(void)ctx;
	mean->sum += more->sum;
	mean->count += more->count;
	return 0;
}

static int last_digit(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t digit = number_of(item) % 10;

	(void)ctx;
	return wax_emit(out, &digit, sizeof(digit));
}

static int running(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;

	(void)ctx;
	*sum += number_of(item);
	wax_emit(out, sum, sizeof(*sum));
	return WAX_RETAIN;
}

/* Packs of two values, as text; at the end of the input what is left. */
struct pack {
	uint32_t count;
	uint64_t numbers[2];
};

static int emit_pack(struct wax_keyed *keyed, const struct pack *pack)
{
	char text[64];
	int length = pack->count == 2 ? snprintf(text, sizeof(text), "%d+%d", (int)pack->numbers[0],
							(int)pack->numbers[1])
				      : snprintf(text, sizeof(text), "%d", (int)pack->numbers[0]);

	return wax_emit(wax_keyed_out(keyed), text, (size_t)length);
}

static int pack_batch(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct pack *pack = state;

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);

		memcpy(&pack->numbers[pack->count++], value.data, value.bytes);
		if (pack->count == 2) {
			emit_pack(keyed, pack);
			pack->count = 0;
		}
	}
	return WAX_RETAIN;
}

static int pack_rest(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)ctx;
	if (((struct pack *)state)->count > 0)
		emit_pack(keyed, state);
	return WAX_DISCARD;
}

static const struct wax_stateful packs_of_two = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct pack),
		.on_batch = pack_batch,
		.on_eof = pack_rest,
};

static int is_small(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) < 100;
}

static void values(struct wax_stream by_rest)
{
	struct wax_stream divided =
			wax_flat_map_value(by_rest, "divisor_values", WAX_U64, divisors, NULL);
	struct wax_stream halves =
			wax_filter_map_value(by_rest, "half_values", WAX_U64, half, NULL);
	struct wax_stream small = wax_filter_value(by_rest, "small", is_small, NULL);

	wax_output(divided, "out_divisor_values", wax_stdout("divisor of a number of %k: %v"));
	wax_output(halves, "out_half_values", wax_stdout("half of a number of %k: %v"));
	wax_output(small, "out_small", wax_stdout("small in %k: %v"));
}

/* The last of a key is the one over all its items, with any number of workers. */
static void final_of(struct wax_stream running, const char *id, const char *out, const char *format)
{
	wax_output(wax_max_final(running, id, NULL, NULL), out, wax_stdout(format));
}

static void run_along(struct wax_stream by_rest)
{
	struct wax_stream counts = wax_count_running(by_rest, "count_so_far");
	struct wax_stream sums = wax_sum_running(by_rest, "sum_so_far");
	struct wax_stream means = wax_mean_running(by_rest, "mean_so_far");
	struct wax_stream least = wax_min_running(by_rest, "least_so_far");
	struct wax_stream greatest = wax_max_running(by_rest, "greatest_so_far");

	final_of(counts, "last_count", "out_last_count", "%v items of %k");
	final_of(sums, "last_sum", "out_last_sum", "they sum up to %v in %k");
	final_of(greatest, "last_max", "out_last_max", "up to %v in %k");
	wax_output(wax_count_final(means, "mean_count"), "out_means", wax_stdout("%v means of %k"));
	wax_output(wax_min_final(least, "last_min", NULL, NULL), "out_last_min",
			wax_stdout("down to %v in %k"));
}

static void keyed(struct wax_stream numbers)
{
	const struct wax_type *mean = WAX_STRUCT_PRINT(struct mean, print_mean);

	struct wax_stream by_rest = wax_key_on(numbers, "by_rest", WAX_U32, rest_of_3, NULL);
	struct wax_stream squares = wax_map_value(by_rest, "square_value", WAX_U64, square, NULL);
	struct wax_stream bare = wax_key_rm(squares, "bare");
	values(by_rest);
	run_along(by_rest);
	struct wax_stream counts = wax_count_final(by_rest, "count");
	struct wax_stream sums = wax_reduce_final(by_rest, "sum", add, NULL);
	struct wax_stream means = wax_fold_final(by_rest, "mean", mean, NULL, add_to_mean, NULL);
	struct wax_stream merged = wax_fold_merge_final(
			by_rest, "merged_mean", mean, NULL, add_to_mean, merge_means, NULL);
	struct wax_stream least = wax_min_final(by_rest, "least", NULL, NULL);
	struct wax_stream greatest = wax_max_final(by_rest, "greatest", NULL, NULL);
	struct wax_stream top = wax_top_n_final(by_rest, "top", 2, NULL, NULL);
	struct wax_stream top_of_all = wax_top_n_all_final(counts, "top_of_all", 2, NULL, NULL);
	struct wax_stream totals = wax_stateful_map(
			by_rest, "running", WAX_U64, sizeof(uint64_t), running, NULL);
	struct wax_stream packs =
			wax_stateful_batch(by_rest, "packs", WAX_TEXT, &packs_of_two, NULL);
	struct wax_stream highest = wax_max_final(totals, "highest", NULL, NULL);
	struct wax_stream pack_count = wax_count_final(packs, "pack_count");
	struct wax_stream digit = wax_map_value(by_rest, "digit", WAX_U64, last_digit, NULL);
	struct wax_stream digits = wax_dedup(digit, "digits", WAX_SAME_ITEM, WAX_NEVER);
	struct wax_stream everywhere = wax_broadcast(by_rest, "everywhere");
	struct wax_stream known = wax_max_final(everywhere, "known", NULL, NULL);

	const struct wax_type *batch_sum = WAX_KEYED(WAX_U32, WAX_U64);
	struct wax_stream sum_of_batch =
			wax_flat_map_batch(numbers, "add_batch", batch_sum, add_batch, NULL);
	struct wax_stream sum_of_all = wax_reduce_final(sum_of_batch, "sum_of_all", add, NULL);

	wax_output(bare, "out_square_value", wax_stdout("bare %v"));
	wax_output(counts, "out_count", wax_stdout("count of %k: %v"));
	wax_output(sums, "out_sum", wax_stdout("sum of %k: %v"));
	wax_output(means, "out_mean", wax_stdout("mean of %k: %v"));
	wax_output(merged, "out_merged", wax_stdout("merged mean of %k: %v"));
	wax_output(top, "out_top", wax_stdout("among the greatest of %k: %v"));
	wax_output(wax_key_rm(top_of_all, "top_bare"), "out_top_of_all", wax_stdout("often: %v"));
	wax_output(least, "out_least", wax_stdout("least of %k: %v"));
	wax_output(greatest, "out_greatest", wax_stdout("greatest of %k: %v"));
	wax_output(highest, "out_highest", wax_stdout("highest total of %k: %v"));
	wax_output(digits, "out_digits", wax_stdout("a number of %k ends in %v"));
	wax_output(known, "out_known", wax_stdout("greatest known of %k: %v"));
	wax_output(pack_count, "out_packs", wax_stdout("packs of %k: %v"));
	wax_output(sum_of_all, "out_sum_of_all", wax_stdout("sum of all: %v"));
}

/* ---- Typed steps */

struct reading {
	uint32_t station;
	double degrees;
};

WAX_MAP(to_reading, uint64_t, number, struct reading, reading)
{
	reading->station = (uint32_t)(*number % 2);
	reading->degrees = (double)*number / 2;
}

WAX_FILTER(is_warm, struct reading, reading)
{
	return reading->degrees > 1;
}

WAX_KEY(station_of, struct reading, reading, uint32_t, station)
{
	*station = reading->station;
}

WAX_FOLD(add_degrees, struct reading, reading, double, sum)
{
	*sum += reading->degrees;
}

/* How much warmer it is than at the reading before. */
WAX_STATEFUL_MAP(change, struct reading, reading, double, last, double, out)
{
	*out = reading->degrees - *last;
	*last = reading->degrees;
}

WAX_FOLD(merge_degrees, double, other, double, sum)
{
	*sum += *other;
}

static void typed(struct wax_stream numbers)
{
	struct wax_stream readings = wax_map_typed(numbers, "to_reading", &to_reading);
	struct wax_stream warm = wax_filter_typed(readings, "warm", &is_warm);
	struct wax_stream by_station = wax_key_on_typed(warm, "by_station", &station_of);
	struct wax_stream sums = wax_fold_final_typed(by_station, "degrees", &add_degrees);

	struct wax_stream changes = wax_stateful_map_typed(by_station, "change", &change);
	struct wax_stream change_count = wax_count_final(changes, "change_count");

	struct wax_stream merged = wax_fold_merge_final_typed(
			by_station, "merged", &add_degrees, &merge_degrees);

	wax_output(merged, "out_merged_degrees", wax_stdout("merged degrees of %k: %v"));
	wax_output(change_count, "out_changes", wax_stdout("changes of %k: %v"));
	wax_output(sums, "out_degrees", wax_stdout("degrees of %k: %v"));
}

WAX_FLOW(operators, "Every operator once")
{
	int64_t count = wax_arg_int(flow, "count", "how many numbers", "6");
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(count, 0));

	stateless(numbers);
	flat(numbers);
	checked(numbers);
	keyed(numbers);
	typed(numbers);
}
