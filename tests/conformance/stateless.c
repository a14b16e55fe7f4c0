/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps without a state. */

static int emit_number(struct wax_out *out, int64_t number)
{
	return wax_emit(out, &number, sizeof(number));
}

static int emit_item(struct wax_out *out, const struct wax_item *item)
{
	return wax_emit(out, item->value.data, item->value.bytes);
}

static int add_one(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return emit_number(out, row_number(item) + 1);
}

static int is_odd(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return row_number(item) % 2 != 0;
}

/* ---- map, flat_map */

static struct wax_stream map_add_one(struct wax_stream up)
{
	return wax_map(up, "add", WAX_I64, add_one, NULL);
}

static int emit_nothing(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)out;
	(void)item;
	(void)ctx;
	return 0;
}

static struct wax_stream map_to_nothing(struct wax_stream up)
{
	return wax_map(up, "nothing", WAX_I64, emit_nothing, NULL);
}

static struct wax_stream map_value_add_one(struct wax_stream up)
{
	return wax_map_value(up, "add", WAX_I64, add_one, NULL);
}

static void emit_words(struct wax_out *out, const char *at, size_t bytes)
{
	const char *end = at + bytes;

	while (at < end) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));
		const char *stop = blank ? blank : end;

		wax_emit(out, at, (size_t)(stop - at));
		at = blank ? blank + 1 : end;
	}
}

static int split(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	emit_words(out, item->value.data, item->value.bytes);
	return 0;
}

static struct wax_stream flat_map_split(struct wax_stream up)
{
	return wax_flat_map(up, "split", WAX_TEXT, split, NULL);
}

static int repeat(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	for (int64_t left = row_number(item); left > 0; left--)
		wax_emit(out, item->key.data, item->key.bytes);
	return 0;
}

static struct wax_stream flat_map_repeat(struct wax_stream up)
{
	return wax_flat_map(up, "repeat", WAX_TEXT, repeat, NULL);
}

static int split_batch(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes value = wax_batch_value(batch, i);

		emit_words(out, value.data, value.bytes);
	}
	return 0;
}

static struct wax_stream flat_map_batch_split(struct wax_stream up)
{
	return wax_flat_map_batch(up, "split", WAX_TEXT, split_batch, NULL);
}

/* ---- flatten */

/* "1 2" becomes an array of two numbers. */
static int numbers_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	int64_t numbers[8];
	char text[32];
	size_t count = 0;

	(void)ctx;
	snprintf(text, sizeof(text), "%.*s", (int)item->value.bytes,
			(const char *)item->value.data);
	for (char *at = text; *at && count < 8;) {
		numbers[count++] = strtoll(at, &at, 10);
		at += *at == ' ';
	}
	return wax_emit(out, numbers, count * sizeof(numbers[0]));
}

static struct wax_stream flatten_arrays(struct wax_stream up)
{
	struct wax_stream arrays = wax_map(up, "arrays", WAX_BYTES, numbers_of, NULL);

	return wax_flatten(arrays, "flatten", WAX_I64);
}

struct three {
	int32_t numbers[3];
};

static int three_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct three three = {{(int32_t)row_number(item)}};

	(void)ctx;
	return wax_emit(out, &three, sizeof(three));
}

/* What is not an array of it. */
static struct wax_stream flatten_no_array(struct wax_stream up)
{
	struct wax_stream threes = wax_map(up, "three", WAX_STRUCT(struct three), three_of, NULL);

	return wax_flatten(threes, "flatten", WAX_I64);
}

static int print_letter(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	(void)item_bytes;
	return snprintf(text, text_bytes, "%c", *(const char *)item);
}

static struct wax_stream flatten_text(struct wax_stream up)
{
	return wax_flatten(up, "flatten", wax_type_struct("letter", 1, 1, print_letter));
}

/* ---- filter, filter_map */

static struct wax_stream filter_odd(struct wax_stream up)
{
	return wax_filter(up, "odd", is_odd, NULL);
}

static int always_one(const struct wax_item *item, void *ctx)
{
	(void)item;
	(void)ctx;
	return 1;
}

static struct wax_stream filter_one(struct wax_stream up)
{
	return wax_filter(up, "one", always_one, NULL);
}

static struct wax_stream filter_value_odd(struct wax_stream up)
{
	return wax_filter_value(up, "odd", is_odd, NULL);
}

static int next_of_even(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return is_odd(item, NULL) ? 0 : emit_number(out, row_number(item) + 1);
}

static struct wax_stream filter_map_even(struct wax_stream up)
{
	return wax_filter_map(up, "even", WAX_I64, next_of_even, NULL);
}

static int unless_none(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	if (item->value.bytes == 4 && memcmp(item->value.data, "None", 4) == 0)
		return 0;
	return emit_item(out, item);
}

static struct wax_stream filter_map_none(struct wax_stream up)
{
	return wax_filter_map(up, "some", WAX_TEXT, unless_none, NULL);
}

static struct wax_stream filter_map_value_even(struct wax_stream up)
{
	return wax_filter_map_value(up, "even", WAX_I64, next_of_even, NULL);
}

/* ---- key_on */

static int digits(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char text[24];
	int bytes = snprintf(text, sizeof(text), "%" PRId64, row_number(item));

	(void)ctx;
	return wax_emit(out, text, (size_t)bytes);
}

static struct wax_stream key_on_digits(struct wax_stream up)
{
	return wax_key_on(up, "key", WAX_TEXT, digits, NULL);
}

static struct wax_stream key_on_number(struct wax_stream up)
{
	return wax_key_on(up, "key", WAX_I64, wax_key_self, NULL);
}

/* ---- branch, merge */

static void branch(struct wax_stream up, wax_test_fn test)
{
	struct wax_branches branches = wax_branch(up, "branch", test, NULL);

	row_output(branches.trues);
	row_output(branches.falses);
}

static void branch_odd(struct wax_flow *flow)
{
	branch(row_input(flow, "in", NUMBERS, "1;2;3"), is_odd);
}

static int is_digit(const struct wax_item *item, void *ctx)
{
	char first = *(const char *)item->value.data;

	(void)ctx;
	return first >= '0' && first <= '9';
}

static void branch_digits(struct wax_flow *flow)
{
	branch(row_input(flow, "in", TEXTS, "1;a;2;b"), is_digit);
}

static int neither(const struct wax_item *item, void *ctx)
{
	(void)item;
	(void)ctx;
	return 'n';
}

static void branch_neither(struct wax_flow *flow)
{
	branch(row_input(flow, "in", NUMBERS, "1;2;3"), neither);
}

static void merge_three(struct wax_flow *flow)
{
	struct wax_stream ups[] = {row_input(flow, "one", NUMBERS, "1;3;5"),
			row_input(flow, "two", NUMBERS, "2;4;6"),
			row_input(flow, "three", NUMBERS, "100;200;300")};

	row_output(wax_merge("merge", ups, 3));
}

/* ---- inspect, raises */

static int note_place(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	snprintf(row_shared(), 256, "(%s, %.*s, epoch %" PRIu64 ", worker %u)", place->step,
			(int)item->value.bytes, (const char *)item->value.data, place->epoch,
			place->worker);
	return 0;
}

static int note_step(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	snprintf(row_shared(), 256, "(%s, %.*s)", place->step, (int)item->value.bytes,
			(const char *)item->value.data);
	return 0;
}

static int note_moment(const struct wax_place *place, enum wax_moment moment,
		const struct wax_item *item, void *ctx)
{
	return moment == WAX_MOMENT_ITEM ? note_place(place, item, ctx) : 0;
}

static const char *noted(void)
{
	return row_shared();
}

static void inspect_alone(struct wax_flow *flow)
{
	wax_inspect(row_input(flow, "in", TEXTS, "a"), "insp", note_step, NULL);
}

/* What was noted also says that the item went on. */
static struct wax_stream inspect_step(struct wax_stream up)
{
	return wax_inspect(up, "insp", note_step, NULL);
}

static int append_noted(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char text[300];
	int bytes = snprintf(text, sizeof(text), "%.*s %s", (int)item->value.bytes,
			(const char *)item->value.data, (const char *)row_shared());

	(void)ctx;
	return wax_emit(out, text, (size_t)bytes);
}

static struct wax_stream inspect_and_pass(struct wax_stream up)
{
	return wax_map(inspect_step(up), "noted", WAX_TEXT, append_noted, NULL);
}

static void inspect_moments(struct wax_flow *flow)
{
	wax_inspect_debug(row_input(flow, "in", TEXTS, "a"), "insp", note_moment, NULL);
}

static void raises(struct wax_flow *flow)
{
	wax_raises(row_input(flow, "in", NUMBERS, "0;1;2"), "raises", NULL);
}

/* ---- One field of many */

struct record {
	int64_t a, b;
};

static int print_record(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct record *record = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "{a%" PRId64 " b%" PRId64 "}", record->a, record->b);
}

WAX_MAP(record_of, int64_t, in, struct record, out)
{
	*out = (struct record){.a = *in, .b = 0};
}

WAX_MAP(add_to_a, struct record, in, struct record, out)
{
	*out = *in;
	out->a++;
}

static struct wax_stream map_field(struct wax_stream up)
{
	const struct wax_type *type = WAX_STRUCT_PRINT(struct record, print_record);
	struct wax_stream records = wax_map_typed(up, "record", &record_of);

	return type ? wax_map_typed(records, "add", &add_to_a) : records;
}

/* ---- Calls within calls */

static void nested_calls(struct wax_flow *flow)
{
	row_output(map_add_one(row_input(flow, "in", NUMBERS, "0;1;2")));
}

const struct row stateless_rows[] = {
		{.id = "map-1",
				.order = ORDERED,
				.input = "0;1;2",
				.steps = map_add_one,
				.expected = "1;2;3"},
		{.id = "map-2",
				.standing = DIFFERENT,
				.input = "1",
				.steps = map_to_nothing,
				.expected = "",
				.status = 1,
				.failed_step = "test.nothing"},
		{.id = "mapv-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=0;ALL=1;ALL=2",
				.steps = map_value_add_one,
				.expected = "ALL=1;ALL=2;ALL=3"},
		{.id = "fm-1",
				.order = ORDERED,
				.items = TEXTS,
				.input = "split this",
				.steps = flat_map_split,
				.expected = "split;this"},
		{.id = "fm-2",
				.order = ORDERED,
				.items = PAIRS,
				.input = "a=2;b=4",
				.steps = flat_map_repeat,
				.expected = "a;a;b;b;b;b"},
		{.id = "fmb-1",
				.order = ORDERED,
				.items = TEXTS,
				.input = "split this;and this",
				.batch = 10,
				.steps = flat_map_batch_split,
				.expected = "split;this;and;this"},
		{.id = "flat-1",
				.order = ORDERED,
				.items = TEXTS,
				.input = "1 2;;3",
				.steps = flatten_arrays,
				.expected = "1;2;3"},
		{.id = "flat-2",
				.input = "666",
				.steps = flatten_no_array,
				.status = 3,
				.sentence = "test.flatten"},
		{.id = "flat-3",
				.order = ORDERED,
				.items = TEXTS,
				.input = "ab",
				.steps = flatten_text,
				.expected = "a;b"},
		{.id = "filt-1",
				.order = ORDERED,
				.input = "1;2;3",
				.steps = filter_odd,
				.expected = "1;3"},
		{.id = "filt-2",
				.standing = DIFFERENT,
				.input = "1",
				.steps = filter_one,
				.expected = "1"},
		{.id = "filtv-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=1;ALL=2;ALL=3",
				.steps = filter_value_odd,
				.expected = "ALL=1;ALL=3"},
		{.id = "fmap-1",
				.order = ORDERED,
				.input = "0;1;2;3;4;5",
				.steps = filter_map_even,
				.expected = "1;3;5"},
		{.id = "fmap-2",
				.order = ORDERED,
				.items = TEXTS,
				.input = "0;1;None;False",
				.steps = filter_map_none,
				.expected = "0;1;False"},
		{.id = "fmapv-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=0;ALL=1;ALL=2;ALL=3;ALL=4;ALL=5",
				.steps = filter_map_value_even,
				.expected = "ALL=1;ALL=3;ALL=5"},
		{.id = "keyon-1",
				.order = ORDERED,
				.input = "1;2;3",
				.steps = key_on_digits,
				.expected = "1=1;2=2;3=3"},
		{.id = "keyon-2",
				.standing = DIFFERENT,
				.order = ORDERED,
				.input = "1;2;3",
				.steps = key_on_number,
				.expected = "1=1;2=2;3=3"},
		{.id = "br-1", .order = ORDERED, .build = branch_odd, .expected = "1;3 | 2"},
		{.id = "br-2", .order = ORDERED, .build = branch_digits, .expected = "1;2 | a;b"},
		{.id = "br-3",
				.build = branch_neither,
				.status = 1,
				.failed_step = "test.branch",
				.sentence = "must be 1 (yes) or 0 (no)"},
		{.id = "mrg-1",
				.standing = DIFFERENT,
				.build = merge_three,
				.expected = "1;2;100;3;4;200;5;6;300"},
		{.id = "insp-1",
				.build = inspect_alone,
				.check = noted,
				.expected = "(test.insp, a)"},
		{.id = "insp-2",
				.items = TEXTS,
				.input = "a",
				.steps = inspect_and_pass,
				.expected = "a (test.insp, a)"},
		{.id = "insp-3",
				.build = inspect_moments,
				.check = noted,
				.expected = "(test.insp, a, epoch 1, worker 0)"},
		{.id = "rais-1", .build = raises, .status = 1, .failed_step = "test.raises"},
		{.id = "mdv-1",
				.order = ORDERED,
				.input = "0;1;2",
				.steps = map_field,
				.expected = "{a1 b0};{a2 b0};{a3 b0}"},
		{.id = "then-1", .order = ORDERED, .build = nested_calls, .expected = "1;2;3"},
		{0},
};
