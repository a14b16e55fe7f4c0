/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/key.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * A part is its kind, in a byte, and then: of a number 8 bytes, the highest first, so that they
 * compare as the numbers do; of a text its bytes, FF behind each that is zero, and a zero. What
 * stands behind that zero is the next kind, or nothing, and never FF.
 */

enum { ZERO_FOLLOWED = 0xff, NUMBER_BYTES = 8 };

#define SIGN (UINT64_C(1) << 63)

struct writer {
	unsigned char *to;
	size_t room;
	size_t bytes;
};

static void put(struct writer *writer, unsigned char byte)
{
	if (writer->bytes < writer->room)
		writer->to[writer->bytes] = byte;
	writer->bytes++;
}

static void put_number(struct writer *writer, uint64_t number)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		put(writer, (unsigned char)(number >> shift));
}

static void put_text(struct writer *writer, struct wax_bytes text)
{
	const unsigned char *bytes = text.data;

	for (size_t i = 0; i < text.bytes; i++) {
		put(writer, bytes[i]);
		if (bytes[i] == 0)
			put(writer, ZERO_FOLLOWED);
	}
	put(writer, 0);
}

/* The bits of positive numbers rise with them, those of negative ones fall. */
static uint64_t rising_of(double number)
{
	uint64_t bits;

	if (isnan(number))
		return UINT64_MAX;
	if (number == 0)
		number = 0; /* and not -0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits & SIGN ? ~bits : bits | SIGN;
}

static double double_of(uint64_t rising)
{
	uint64_t bits = rising & SIGN ? rising & ~SIGN : ~rising;
	double number;

	if (rising == UINT64_MAX)
		return NAN;
	memcpy(&number, &bits, sizeof(number));
	return number;
}

static void put_part(struct writer *writer, const struct wax_part *part)
{
	put(writer, (unsigned char)part->kind);
	switch (part->kind) {
	case WAX_PART_I64:
		put_number(writer, (uint64_t)part->as.i64 ^ SIGN);
		break;
	case WAX_PART_U64:
		put_number(writer, part->as.u64);
		break;
	case WAX_PART_F64:
		put_number(writer, rising_of(part->as.f64));
		break;
	default:
		put_text(writer, part->as.text);
	}
}

size_t wax_parts_write(void *to, size_t to_bytes, const struct wax_part *parts, size_t count)
{
	struct writer writer = {to, to_bytes, 0};

	for (size_t i = 0; i < count; i++)
		put_part(&writer, &parts[i]);
	return writer.bytes;
}

int wax_emit_parts(struct wax_out *out, const struct wax_part *parts, size_t count)
{
	size_t bytes_max = 1;
	char *room;

	for (size_t i = 0; i < count; i++)
		bytes_max += parts[i].kind == WAX_PART_TEXT ? 2 + 2 * parts[i].as.text.bytes
							    : 1 + NUMBER_BYTES;
	room = wax_claim(out, NULL, 0, bytes_max);
	if (!room)
		return -ENOMEM;
	return wax_commit(out, wax_parts_write(room, bytes_max, parts, count));
}

/* ---- reading */

static uint64_t number_at(const unsigned char *bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < NUMBER_BYTES; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Where the zero stands that ends a text; negative: nowhere. */
static ptrdiff_t end_of_text(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != 0)
			continue;
		if (i + 1 == count || bytes[i + 1] != ZERO_FOLLOWED)
			return (ptrdiff_t)i;
		i++;
	}
	return -1;
}

int wax_parts_next(struct wax_bytes *key, struct wax_part *ret_part)
{
	const unsigned char *bytes = key->data;
	struct wax_part part = {.kind = 0};
	ptrdiff_t end = NUMBER_BYTES;

	if (key->bytes == 0)
		return 0;
	part.kind = *bytes++;
	if (part.kind == WAX_PART_TEXT)
		end = end_of_text(bytes, key->bytes - 1);
	if (part.kind < WAX_PART_TEXT || part.kind > WAX_PART_F64 || end < 0 ||
			(part.kind != WAX_PART_TEXT && key->bytes < 1 + NUMBER_BYTES))
		return -EBADMSG;

	switch (part.kind) {
	case WAX_PART_I64:
		part.as.i64 = (int64_t)(number_at(bytes) ^ SIGN);
		break;
	case WAX_PART_U64:
		part.as.u64 = number_at(bytes);
		break;
	case WAX_PART_F64:
		part.as.f64 = double_of(number_at(bytes));
		break;
	default:
		part.as.text = (struct wax_bytes){bytes, (size_t)end};
		end++;
	}
	key->data = bytes + end;
	key->bytes -= 1 + (size_t)end;
	*ret_part = part;
	return 1;
}

size_t wax_part_read(const struct wax_part *part, void *to, size_t to_bytes)
{
	const unsigned char *from = part->as.text.data;
	unsigned char *text = to;
	size_t count = 0;

	for (size_t i = 0; i < part->as.text.bytes; i++, count++) {
		if (count < to_bytes)
			text[count] = from[i];
		if (from[i] == 0)
			i++;
	}
	return count;
}

/* ---- printing */

static int print_part(char *text, size_t text_bytes, const struct wax_part *part)
{
	size_t length;

	switch (part->kind) {
	case WAX_PART_I64:
		return snprintf(text, text_bytes, "%" PRId64, part->as.i64);
	case WAX_PART_U64:
		return snprintf(text, text_bytes, "%" PRIu64, part->as.u64);
	case WAX_PART_F64:
		return WAX_F64->print(text, text_bytes, &part->as.f64, sizeof(double));
	default:
		length = wax_part_read(part, text, text_bytes > 0 ? text_bytes - 1 : 0);
		if (text_bytes > 0)
			text[length < text_bytes ? length : text_bytes - 1] = '\0';
		return length < INT32_MAX ? (int)length : INT32_MAX;
	}
}

/* What stands in a text so far, as snprintf counts. */
struct text {
	char *at;
	size_t room;
	size_t length;
};

static void put_text_piece(struct text *text, const char *piece)
{
	for (; *piece; piece++, text->length++) {
		if (text->length + 1 < text->room)
			text->at[text->length] = *piece;
	}
}

static void put_text_part(struct text *text, const struct wax_part *part)
{
	size_t used = text->length < text->room ? text->length : text->room;

	text->length += (size_t)print_part(
			text->at ? text->at + used : NULL, text->room - used, part);
}

static int print_parts(char *to, size_t to_bytes, const void *item, size_t item_bytes)
{
	struct text text = {to, to_bytes, 0};
	struct wax_bytes key = {item, item_bytes};
	struct wax_part part;
	const char *before = "(";
	int r;

	while ((r = wax_parts_next(&key, &part)) > 0) {
		put_text_piece(&text, before);
		put_text_part(&text, &part);
		before = ", ";
	}
	put_text_piece(&text, *before == '(' ? "()" : ")");
	/* Bytes that are no parts are shown as they are. */
	if (r < 0)
		return WAX_BYTES->print(to, to_bytes, item, item_bytes);
	if (to_bytes > 0)
		to[text.length < to_bytes ? text.length : to_bytes - 1] = '\0';
	return text.length < INT32_MAX ? (int)text.length : INT32_MAX;
}

const struct wax_type wax_type_parts = {.size_bytes = sizeof(struct wax_type),
		.name = "parts",
		.align = 1,
		.print = print_parts};
