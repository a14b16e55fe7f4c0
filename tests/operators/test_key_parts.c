/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <math.h>

/* ---- structs */

struct place {
	uint64_t country;
	uint32_t town;
	uint16_t street;
	uint16_t house;
};
WAX_KEY_FIELDS(struct place, country, town, street, house);

/* ---- bytes */

enum { ROOM = 256 };

static struct wax_bytes write_parts(char *room, const struct wax_part *parts, size_t count)
{
	size_t bytes = wax_parts_write(room, ROOM, parts, count);

	cr_assert_leq(bytes, ROOM);
	cr_assert_eq(wax_parts_write(NULL, 0, parts, count), bytes);
	return (struct wax_bytes){room, bytes};
}

static int compare_bytes(struct wax_bytes a, struct wax_bytes b)
{
	int order = memcmp(a.data, b.data, a.bytes < b.bytes ? a.bytes : b.bytes);

	order = order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
	return (order > 0) - (order < 0);
}

static int compare_part(const struct wax_part *a, const struct wax_part *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	switch (a->kind) {
	case WAX_PART_I64:
		return (a->as.i64 > b->as.i64) - (a->as.i64 < b->as.i64);
	case WAX_PART_U64:
		return (a->as.u64 > b->as.u64) - (a->as.u64 < b->as.u64);
	case WAX_PART_F64:
		return (a->as.f64 > b->as.f64) - (a->as.f64 < b->as.f64);
	default:
		return compare_bytes(a->as.text, b->as.text);
	}
}

static int compare_parts(
		const struct wax_part *a, size_t a_count, const struct wax_part *b, size_t b_count)
{
	for (size_t i = 0; i < a_count && i < b_count; i++) {
		if (compare_part(&a[i], &b[i]) != 0)
			return compare_part(&a[i], &b[i]);
	}
	return (a_count > b_count) - (a_count < b_count);
}

static const char samples[][4] = {"", "a", "b", "ab", {0}, {0, 0}, {0, 'a'}, {'a', 0},
		{'a', 0, 'b'}, {'\xff'}, {0, '\xff'}, {0, 1}, {'a', 1}, {2}, {3, 0, 0},
		{1, 'a', 0, 1}};
static const size_t sample_bytes[] = {0, 1, 1, 2, 1, 2, 2, 2, 3, 1, 2, 2, 2, 1, 3, 4};
static const int64_t integers[] = {0, 1, -1, 255, 256, -256, INT64_MAX, INT64_MIN, 97, 0x0100};
static const double reals[] = {0, 1, -1, 0.5, 1e300, -1e300, 1e-300, INFINITY, -INFINITY};

static uint64_t random_state = 1;

static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % bound);
}

static struct wax_part random_part(void)
{
	uint32_t text = below(sizeof(samples) / sizeof(samples[0]));
	int64_t number = integers[below(sizeof(integers) / sizeof(integers[0]))];

	switch (below(4)) {
	case 0:
		return wax_part_i64(number);
	case 1:
		return wax_part_u64((uint64_t)number);
	case 2:
		return wax_part_f64(reals[below(sizeof(reals) / sizeof(reals[0]))]);
	default:
		return wax_part_text(samples[text], sample_bytes[text]);
	}
}

Test(key_parts, compare_as_their_bytes_do)
{
	struct wax_part a[3], b[3];
	char a_room[ROOM], b_room[ROOM];
	int equal = 0;

	for (int i = 0; i < 300000; i++) {
		uint32_t a_count = below(4), b_count = below(4);

		for (uint32_t j = 0; j < a_count; j++)
			a[j] = random_part();
		for (uint32_t j = 0; j < b_count; j++)
			b[j] = j < a_count && below(2) ? a[j] : random_part();

		struct wax_bytes a_key = write_parts(a_room, a, a_count);
		struct wax_bytes b_key = write_parts(b_room, b, b_count);
		int wanted = compare_parts(a, a_count, b, b_count);

		/* Equal bytes when, and only when, all parts are equal. */
		cr_assert_eq(compare_bytes(a_key, b_key), wanted);
		equal += wanted == 0;
	}
	cr_assert_gt(equal, 1000);
}

Test(key_parts, read_back_as_they_were)
{
	char room[ROOM], text[8];

	for (int i = 0; i < 100000; i++) {
		struct wax_part parts[3], part;
		uint32_t count = below(4);

		for (uint32_t j = 0; j < count; j++)
			parts[j] = random_part();

		struct wax_bytes key = write_parts(room, parts, count);

		for (uint32_t j = 0; j < count; j++) {
			cr_assert_eq(wax_parts_next(&key, &part), 1);
			if (part.kind == WAX_PART_TEXT)
				part = wax_part_text(
						text, wax_part_read(&part, text, sizeof(text)));
			cr_assert_eq(compare_part(&part, &parts[j]), 0);
		}
		cr_assert_eq(wax_parts_next(&key, &part), 0);
	}
}

Test(key_parts, equal_reals_make_one_key)
{
	const struct wax_part zeros[] = {wax_part_f64(0.0), wax_part_f64(-0.0)};
	const struct wax_part none[] = {wax_part_f64(NAN), wax_part_f64(-NAN)};
	char a[ROOM], b[ROOM];

	cr_assert_eq(compare_bytes(write_parts(a, &zeros[0], 1), write_parts(b, &zeros[1], 1)), 0);
	cr_assert_eq(compare_bytes(write_parts(a, &none[0], 1), write_parts(b, &none[1], 1)), 0);
}

/* Any bytes can be read, and nothing beyond them. */
Test(key_parts, damaged_ones_are_refused)
{
	struct wax_part part;
	struct wax_bytes key;
	size_t read = 0, refused = 0;

	for (int i = 0; i < 200000; i++) {
		size_t bytes = below(20);
		unsigned char *random = malloc(bytes + 1);
		char text[32];
		int r;

		for (size_t j = 0; j < bytes; j++)
			random[j] = (unsigned char)(below(2) ? below(6) : below(256));
		key = (struct wax_bytes){random, bytes};
		while ((r = wax_parts_next(&key, &part)) > 0) {
			cr_assert_leq((const unsigned char *)key.data + key.bytes, random + bytes);
			if (part.kind == WAX_PART_TEXT)
				wax_part_read(&part, text, sizeof(text));
			read++;
		}
		refused += r < 0;
		WAX_PARTS->print(text, sizeof(text), random, bytes);
		free(random);
	}
	cr_assert_gt(read, 1000);
	cr_assert_gt(refused, 1000);
}

static void expect_print(const struct wax_part *parts, size_t count, const char *wanted)
{
	char room[ROOM], text[64];
	struct wax_bytes key = write_parts(room, parts, count);

	for (size_t bytes = 0; bytes < sizeof(text); bytes++) {
		memset(text, '#', sizeof(text));
		cr_assert_eq(WAX_PARTS->print(text, bytes, key.data, key.bytes),
				(int)strlen(wanted));
		cr_assert_eq(text[bytes], '#');
		if (bytes > strlen(wanted))
			cr_assert_str_eq(text, wanted);
	}
}

Test(key_parts, print_themselves)
{
	const struct wax_part parts[] = {wax_part_text("ann", 3), wax_part_u64(7), wax_part_i64(-7),
			wax_part_f64(0.5)};

	expect_print(parts, 4, "(ann, 7, -7, 0.5)");
	expect_print(parts, 1, "(ann)");
	expect_print(parts, 0, "()");
}

/* ---- as keys of a flow: (text, number) */

static int text_and_number(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) % 100;
	const struct wax_part parts[] = {
			wax_part_text("xxxxxxxxxx", number / 10), wax_part_u64(number % 10)};

	(void)ctx;
	return wax_emit_parts(out, parts, 2);
}

static void by_two(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_key_on(numbers(flow, 30000), "key", WAX_PARTS, text_and_number, NULL);

	run_flow_output(wax_count_final(up, "count"), "%v");
}

static void by_two_of_few(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_key_on(numbers(flow, 12), "key", WAX_PARTS, text_and_number, NULL);

	run_flow_output(wax_count_final(up, "count"), "%k %v");
}

Test(key_parts, make_keys)
{
	expect_sum(by_two, 100, 30000);
	expect_output(by_two_of_few,
			"(, 0) 1\n(, 1) 1\n(, 2) 1\n(, 3) 1\n(, 4) 1\n(, 5) 1\n(, 6) 1\n(, 7) 1\n"
			"(, 8) 1\n(, 9) 1\n(x, 0) 1\n(x, 1) 1\n");
}

WAX_KEY(place_of, uint64_t, number, struct place, place)
{
	place->country = *number % 7;
	place->town = (uint32_t)(*number % 5);
	place->street = (uint16_t)(*number % 3);
	place->house = 1;
}

static void by_struct(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on_typed(numbers(flow, 31500), "key", &place_of);

	run_flow_output(wax_count_final(up, "count"), "%v");
}

Test(key_parts, of_a_struct_without_holes)
{
	expect_sum(by_struct, 105, 31500);
}
