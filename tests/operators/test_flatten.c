/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, seven = 7;

/* ---- arrays */

/* The numbers below this one: none of 0. */
static int below(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t count = number_of(item);
	uint64_t *array = wax_claim(out, NULL, 0, count * sizeof(*array));

	(void)ctx;
	for (uint64_t i = 0; array && i < count; i++)
		memcpy((char *)array + i * sizeof(i), &i, sizeof(i));
	return wax_commit(out, count * sizeof(*array));
}

static void arrays(struct wax_flow *flow)
{
	struct wax_stream up = wax_map(numbers(flow, 4), "below", WAX_BYTES, below, NULL);

	run_flow_output(wax_flatten(up, "f", WAX_U64), "%v");
}

Test(flatten, gives_the_elements_of_arrays_in_order)
{
	expect_output(arrays, "0\n0\n0\n1\n1\n2\n");
	expect_order(arrays, NULL, "0\n0\n1\n0\n1\n2\n");
}

struct three {
	uint32_t numbers[3];
};

static int to_three(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t number = (uint32_t)number_of(item);
	struct three three = {{number, number + 1, number + 2}};

	(void)ctx;
	return wax_emit(out, &three, sizeof(three));
}

static struct wax_stream threes(struct wax_flow *flow, int64_t count)
{
	return wax_map(numbers(flow, count), "three", WAX_STRUCT(struct three), to_three, NULL);
}

static void structs(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(threes(flow, 2), "f", WAX_U32), "%v");
}

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(threes(flow, 30000), "f", WAX_U32), "%v");
}

static int is_29999(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 29999;
}

/* More elements than a batch holds, of an item larger than a slab. */
static void long_array(struct wax_flow *flow)
{
	struct wax_stream up = wax_filter(numbers(flow, 30000), "last", is_29999, NULL);

	up = wax_map(up, "below", WAX_BYTES, below, NULL);
	run_flow_output(wax_flatten(wax_redistribute(up, "deal", WAX_DEAL_ITEMS), "f", WAX_U64),
			"%v");
}

static void of_none(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(threes(flow, 0), "f", WAX_U32), "%v");
}

Test(flatten, takes_structs_of_equal_elements)
{
	expect_output(structs, "0\n1\n1\n2\n2\n3\n");
	expect_sum(many, 90000, 3 * UINT64_C(15000) * 29999 + 3 * 30000);
	expect_output(of_none, "");
}

Test(flatten, takes_long_arrays)
{
	expect_sum(long_array, 29999, UINT64_C(14999) * 29999);
}

static void keyed_arrays(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 4, &two);

	up = wax_map_value(up, "below", WAX_BYTES, below, NULL);
	run_flow_output(wax_flatten(up, "f", WAX_U64), "%k:%v");
}

static void stays_by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 70, &seven), "deal", WAX_DEAL_KEYS);

	up = wax_map_value(up, "three", WAX_STRUCT(struct three), to_three, NULL);
	run_flow_output(wax_count_final(wax_flatten(up, "f", WAX_U32), "count"), "%k:%v");
}

Test(flatten, gives_elements_the_key_of_their_item)
{
	expect_output(keyed_arrays, "0:0\n0:1\n1:0\n1:0\n1:1\n1:2\n");
	expect_output(stays_by_key, "0:30\n1:30\n2:30\n3:30\n4:30\n5:30\n6:30\n");
}

/* ---- elements of any length */

/* Of "ab cd": "ab" and "cd"; of nothing, nothing. */
static int words(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *text = item->value.data, *end = text + item->value.bytes;
	char room[256], *to = room;

	(void)ctx;
	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		size_t bytes = (size_t)((comma ? comma : end) - text);

		to += wax_element_put(to, text, (uint32_t)bytes);
		text += bytes + 1;
	}
	return wax_emit(out, room, (size_t)(to - room));
}

static void texts_of_keys(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "bab,c,,def ax | b");

	up = wax_map_value(up, "words", WAX_BYTES, words, NULL);
	run_flow_output(wax_flatten(up, "f", WAX_TEXT), "%k:%v");
}

static void bare_texts(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "bab,c,,def ax | b");

	up = wax_map_value(up, "words", WAX_BYTES, words, NULL);
	run_flow_output(wax_flatten(wax_key_rm(up, "bare"), "f", WAX_TEXT), "%v");
}

Test(flatten, gives_elements_of_any_length)
{
	expect_output(texts_of_keys, "a:x\nb:\nb:ab\nb:c\nb:def\n");
	expect_output(bare_texts, "\nab\nc\ndef\nx\n");
}

/* ---- what is wrong */

static int bytes_11_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, "\0\0\0\0\0\0\0\0\0\0\0", number_of(item) == 3 ? 11 : 8);
}

static int cut_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char room[64];
	size_t bytes = wax_element_put(room, "abc", 3);

	(void)ctx;
	bytes += wax_element_put(room + bytes, "d", 1);
	return wax_emit(out, room, number_of(item) == 3 ? 7 + 2 : bytes);
}

static int short_at_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	char room[64];
	size_t bytes = wax_element_put(room, "abc", 3);

	(void)ctx;
	return wax_emit(out, room, number_of(item) == 3 ? bytes - 1 : bytes);
}

#define FLOW_OF(name, made, callback, type)                                                        \
	static void name(struct wax_flow *flow)                                                    \
	{                                                                                          \
		struct wax_stream up = wax_map(numbers(flow, 5), "make", made, callback, NULL);    \
                                                                                                   \
		run_flow_output(wax_flatten(up, "f", type), "%v");                                 \
	}

FLOW_OF(no_array, WAX_BYTES, bytes_11_at_3, WAX_U64)
FLOW_OF(cut, WAX_TEXT, cut_at_3, WAX_TEXT)
FLOW_OF(too_short, WAX_TEXT, short_at_3, WAX_TEXT)

Test(flatten, refuses_what_is_no_array)
{
	expect_failure(no_array, "flow.f",
			"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
			"11 bytes are no array of uint64_t: that has 8 each");
	expect_failure(cut, "flow.f", "\\x03\\x00\\x00\\x00abc\\x01\\x00",
			"ends within the length of element 1: write each with wax_element_put");
	expect_failure(too_short, "flow.f", "\\x03\\x00\\x00\\x00ab",
			"element 0 should have 3 bytes, and 2 are left: write each with "
			"wax_element_put");
}

static void of_wrong_size(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(threes(flow, 2), "f", WAX_U64), "%v");
}

static void of_fixed_size(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(numbers(flow, 2), "f", WAX_TEXT), "%v");
}

static void of_no_type(struct wax_flow *flow)
{
	run_flow_output(wax_flatten(numbers(flow, 2), "f", NULL), "%v");
}

static void of_keyed_type(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 2, &two);

	run_flow_output(wax_flatten(up, "f", WAX_KEYED(WAX_U64, WAX_U64)), "%v");
}

Test(flatten, finds_types_that_do_not_fit_when_the_flow_is_built)
{
	expect_mistake(of_wrong_size,
			"step \"flow.f\": struct three (12 bytes) is no array of uint64_t (8 "
			"bytes)");
	expect_mistake(of_fixed_size,
			"step \"flow.f\": makes text, of any length, of uint64_t, which has a "
			"fixed "
			"size: it needs items of any length");
	expect_mistake(of_no_type,
			"step \"flow.f\": no type for what it emits: NULL was given, or a type "
			"that wax_type_struct refused (size 1 to 65536, one size per name)");
	expect_mistake(of_keyed_type,
			"step \"flow.f\": its type (uint64_t, uint64_t) is keyed: give "
			"that of the value alone, the key stays");
}
