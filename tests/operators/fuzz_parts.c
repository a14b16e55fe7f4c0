/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <wax/key.h>

/*
 * Any bytes as a key of several parts. What holds: its parts lie in it one behind the other; put
 * together again they are the same bytes, but for numbers of which several kinds of bytes mean the
 * same; and two keys compare as their parts do.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { PARTS_MAX = 64, TEXT_MAX = 512 };

static void check(int holds)
{
	if (!holds)
		abort();
}

/* A part that was read, as it was when it was put in. @param text room for TEXT_MAX */
static struct wax_part plain_of(const struct wax_part *part, char *text)
{
	if (part->kind != WAX_PART_TEXT)
		return *part;
	return wax_part_text(text, wax_part_read(part, text, TEXT_MAX));
}

static int is_same_as_others(const struct wax_part *part)
{
	return part->kind == WAX_PART_F64 &&
			(isnan(part->as.f64) || (part->as.f64 == 0 && signbit(part->as.f64)));
}

static void try_parts(struct wax_bytes key)
{
	const unsigned char *at = key.data;
	char text[TEXT_MAX], again[2 * TEXT_MAX + 2];
	struct wax_part part;
	int r;

	while ((r = wax_parts_next(&key, &part)) > 0) {
		struct wax_part plain = plain_of(&part, text);
		size_t taken = (size_t)((const unsigned char *)key.data - at), written;

		check(part.kind == at[0]);
		check(plain.kind != WAX_PART_TEXT || plain.as.text.bytes <= taken - 2);
		written = wax_parts_write(again, sizeof(again), &plain, 1);
		check(written == taken);
		check(is_same_as_others(&part) || memcmp(again, at, taken) == 0);
		at = key.data;
	}
	check(r == 0 ? key.bytes == 0 : key.bytes > 0);
}

static void try_print(struct wax_bytes key, size_t room)
{
	int length = WAX_PARTS->print(NULL, 0, key.data, key.bytes);
	char *text = malloc(room + !room);

	check(length >= 0);
	if (!text)
		return;
	check(WAX_PARTS->print(text, room, key.data, key.bytes) == length);
	/* There may be zeros in it too. */
	check(room == 0 || text[(size_t)length < room ? (size_t)length : room - 1] == '\0');
	free(text);
}

/* ---- the order of keys */

static uint64_t take_number(struct wax_bytes *from)
{
	uint64_t number = 0;
	size_t bytes = from->bytes < sizeof(number) ? from->bytes : sizeof(number);

	memcpy(&number, from->data, bytes);
	from->data = (const char *)from->data + bytes;
	from->bytes -= bytes;
	return number;
}

/* Parts of the kinds that are named. @return how many */
static size_t take_parts(struct wax_bytes from, uint8_t kinds, struct wax_part *parts)
{
	size_t count = 0;

	for (; from.bytes > 0 && count < PARTS_MAX; count++) {
		uint32_t kind = WAX_PART_TEXT + (kinds >> 2 * (count % 4) & 3);
		size_t bytes = *(const unsigned char *)from.data % 5;

		from.data = (const char *)from.data + 1;
		from.bytes--;
		bytes = bytes < from.bytes ? bytes : from.bytes;
		parts[count] = wax_part_text(from.data, bytes);
		parts[count].kind = kind;
		if (kind == WAX_PART_TEXT) {
			from.data = (const char *)from.data + bytes;
			from.bytes -= bytes;
		} else {
			parts[count].as.u64 = take_number(&from);
		}
		if (kind == WAX_PART_F64 && isnan(parts[count].as.f64))
			parts[count].as.f64 = 0;
	}
	return count;
}

static int compare_part(const struct wax_part *a, const struct wax_part *b)
{
	struct wax_bytes x = a->as.text, y = b->as.text;
	int order;

	switch (a->kind) {
	case WAX_PART_I64:
		return (a->as.i64 > b->as.i64) - (a->as.i64 < b->as.i64);
	case WAX_PART_U64:
		return (a->as.u64 > b->as.u64) - (a->as.u64 < b->as.u64);
	case WAX_PART_F64:
		return (a->as.f64 > b->as.f64) - (a->as.f64 < b->as.f64);
	default:
		order = memcmp(x.data, y.data, x.bytes < y.bytes ? x.bytes : y.bytes);
		return order ? order : (x.bytes > y.bytes) - (x.bytes < y.bytes);
	}
}

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

	return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static void try_order(struct wax_bytes both, uint8_t kinds)
{
	static char a[PARTS_MAX * 16], b[PARTS_MAX * 16];
	struct wax_part of_a[PARTS_MAX], of_b[PARTS_MAX];
	struct wax_bytes first = {both.data, both.bytes / 2};
	struct wax_bytes second = {(const char *)both.data + first.bytes, both.bytes - first.bytes};
	size_t a_count = take_parts(first, kinds, of_a), b_count = take_parts(second, kinds, of_b);
	size_t a_bytes = wax_parts_write(a, sizeof(a), of_a, a_count);
	size_t b_bytes = wax_parts_write(b, sizeof(b), of_b, b_count);
	int order = 0;

	check(a_bytes <= sizeof(a) && b_bytes <= sizeof(b));
	for (size_t i = 0; order == 0 && i < a_count && i < b_count; i++)
		order = compare_part(&of_a[i], &of_b[i]);
	if (order == 0)
		order = (a_count > b_count) - (a_count < b_count);
	check(sign(order) == sign(compare_bytes(a, a_bytes, b, b_bytes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct wax_bytes key;

	if (bytes < 2 || bytes > TEXT_MAX)
		return 0;
	key = (struct wax_bytes){data + 2, bytes - 2};
	try_parts(key);
	try_print(key, data[0]);
	try_order(key, data[1]);
	return 0;
}
