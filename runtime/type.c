/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/join.h>
#include <wax/list.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/digits.h"
#include "runtime/step.h"

/*
 * Types are made while the flow is built: in the launcher, by its one thread. Nothing here is
 * locked. The workers inherit what was made.
 */

enum { ITEM_BYTES_MAX = 65536, ALIGN_MAX = 64 };

/* Items may lie anywhere: a caller of print need not have aligned them. */
#define READ_ITEM(T, item)                                                                         \
	({                                                                                         \
		T read_value;                                                                      \
		memcpy(&read_value, item, sizeof(T));                                              \
		read_value;                                                                        \
	})

/* As snprintf gives back what was written elsewhere. */
static int give(char *text, size_t text_bytes, const char *written, size_t length)
{
	if (text_bytes > 0) {
		size_t kept = length < text_bytes ? length : text_bytes - 1;

		/* An empty item may have no address. */
		if (kept > 0)
			memcpy(text, written, kept);
		text[kept] = '\0';
	}
	return length < INT32_MAX ? (int)length : INT32_MAX;
}

#define PRINT_NUMBER(name, T, write)                                                               \
	static int name(char *text, size_t text_bytes, const void *item, size_t item_bytes)        \
	{                                                                                          \
		char digits[WAX_DIGITS_MAX];                                                       \
                                                                                                   \
		(void)item_bytes;                                                                  \
		return give(text, text_bytes, digits,                                              \
				(size_t)(write(digits, READ_ITEM(T, item)) - digits));             \
	}

PRINT_NUMBER(print_i32, int32_t, wax_digits_i64)
PRINT_NUMBER(print_u32, uint32_t, wax_digits_u64)
PRINT_NUMBER(print_i64, int64_t, wax_digits_i64)
PRINT_NUMBER(print_u64, uint64_t, wax_digits_u64)

enum { F64_DIGITS_MAX = 32, DECIMALS_MAX = 6 };

/*
 * Most numbers that people measure have few decimals: a whole number over a power of ten. Both are
 * exact, so their quotient is what the text reads back as; and of at most 15 digits only one text
 * does, so it is the one that %.15g would find at many times the cost.
 *
 * @return the length; 0: not such a number
 */
static size_t write_decimals(char *digits, double value)
{
	double size = fabs(value);
	uint64_t power = 1;

	if (size < 1e-4 || size >= 1e15 || !isfinite(value))
		return 0;
	for (int decimals = 0; decimals <= DECIMALS_MAX; decimals++, power *= 10) {
		double scaled = size * (double)power;
		char *at = digits;
		uint64_t whole;

		if (scaled >= 1e15)
			break;
		whole = (uint64_t)(scaled + 0.5);
		if ((double)whole / (double)power != size)
			continue;
		if (value < 0)
			*at++ = '-';
		at = wax_digits_u64(at, whole / power);
		if (decimals > 0) {
			/* The leading 1 keeps the zeros behind the point; the point replaces it. */
			char *point = at;

			at = wax_digits_u64(at, whole % power + power);
			*point = '.';
		}
		return (size_t)(at - digits);
	}
	return 0;
}

/* The shortest of 15, 16 and 17 digits that reads back as the same number; 17 always do. */
static int print_f64(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	double value = READ_ITEM(double, item);
	char digits[F64_DIGITS_MAX];
	size_t length = write_decimals(digits, value);

	(void)item_bytes;
	for (int precision = 15; precision <= 17 && length == 0; precision++) {
		int most = snprintf(digits, sizeof(digits), "%.*g", precision, value);

		if (precision == 17 || !isfinite(value) || strtod(digits, NULL) == value)
			length = (size_t)most;
	}
	return give(text, text_bytes, digits, length);
}

static int print_text(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	return give(text, text_bytes, item, item_bytes);
}

static int print_bytes(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = item;
	size_t length = 2 * item_bytes;

	if (text_bytes > 0) {
		size_t kept = length < text_bytes ? length : text_bytes - 1;

		for (size_t i = 0; i < kept; i++)
			text[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
		text[kept] = '\0';
	}
	return length < INT32_MAX ? (int)length : INT32_MAX;
}

#define BUILT_IN(type_name, bytes, alignment, printer)                                             \
	{                                                                                          \
		.size_bytes = sizeof(struct wax_type), .name = type_name, .item_bytes = bytes,     \
		.align = alignment, .print = printer                                               \
	}
#define BUILT_IN_NUMBER(T, printer) BUILT_IN(#T, sizeof(T), _Alignof(T), printer)

const struct wax_type wax_type_bytes = BUILT_IN("bytes", 0, 1, print_bytes);
const struct wax_type wax_type_text = BUILT_IN("text", 0, 1, print_text);
const struct wax_type wax_type_i32 = BUILT_IN_NUMBER(int32_t, print_i32);
const struct wax_type wax_type_u32 = BUILT_IN_NUMBER(uint32_t, print_u32);
const struct wax_type wax_type_i64 = BUILT_IN_NUMBER(int64_t, print_i64);
const struct wax_type wax_type_u64 = BUILT_IN_NUMBER(uint64_t, print_u64);
const struct wax_type wax_type_f64 = BUILT_IN_NUMBER(double, print_f64);

static const struct wax_type *const built_in[] = {
		WAX_BYTES, WAX_TEXT, WAX_I32, WAX_U32, WAX_I64, WAX_U64, WAX_F64};
enum { BUILT_IN_COUNT = sizeof(built_in) / sizeof(built_in[0]) };

/* Types that were asked for, never freed: a flow and its graph point to them until the end. */
static struct wax_type **made;
static size_t made_count;
static size_t made_capacity;

static const struct wax_type *known(size_t index)
{
	return index < BUILT_IN_COUNT ? built_in[index] : made[index - BUILT_IN_COUNT];
}

static struct wax_type *make(const char *name)
{
	struct wax_type *type;

	if (made_count == made_capacity) {
		size_t capacity = made_capacity ? 2 * made_capacity : 16;
		struct wax_type **grown = reallocarray(made, capacity, sizeof(struct wax_type *));

		if (!grown)
			return NULL;

		made = grown;
		made_capacity = capacity;
	}

	/* One allocation holds type and name. */
	type = calloc(1, sizeof(*type) + strlen(name) + 1);
	if (!type)
		return NULL;

	type->size_bytes = sizeof(*type);
	type->name = strcpy((char *)(type + 1), name);
	type->align = 1;
	made[made_count++] = type;
	return type;
}

/*
 * One layout to a name. Printers may differ: a kernel, which knows none, takes the first type of
 * the name, and each printer beyond the first makes a type of its own that is the same to
 * wax_type_same.
 */
const struct wax_type *wax_type_struct(const char *name, size_t bytes, size_t align,
		int (*print)(char *, size_t, const void *, size_t))
{
	struct wax_type *printless = NULL;
	struct wax_type *type;

	if (!name || !*name || bytes < 1 || bytes > ITEM_BYTES_MAX || align < 1 ||
			align > ALIGN_MAX)
		return NULL;
	/* Items lie in arrays: a size that is no multiple would misalign the second. */
	if ((align & (align - 1)) != 0 || bytes % align != 0)
		return NULL;

	for (size_t i = 0; i < BUILT_IN_COUNT + made_count; i++) {
		const struct wax_type *found = known(i);

		if (found->key || strcmp(found->name, name) != 0)
			continue;
		if (found->item_bytes != bytes || found->align < align)
			return NULL;
		if (!print || found->print == print)
			return found;
		if (!found->print)
			printless = made[i - BUILT_IN_COUNT];
	}

	type = printless ? printless : make(name);
	if (!type)
		return NULL;

	type->item_bytes = (uint32_t)bytes;
	if (align > type->align)
		type->align = (uint32_t)align;
	type->print = print;
	return type;
}

const struct wax_type *wax_type_keyed(const struct wax_type *key, const struct wax_type *value)
{
	struct wax_type *type;
	char name[256];

	if (!key || !value || key->key || value->key)
		return NULL;

	for (size_t i = 0; i < made_count; i++) {
		if (made[i]->key == key && made[i]->value == value)
			return made[i];
	}

	/* For error messages only: the columns say what it is, so a long name may be cut. */
	snprintf(name, sizeof(name), "(%s, %s)", key->name, value->name);
	type = make(name);
	if (!type)
		return NULL;

	type->key = key;
	type->value = value;
	return type;
}

/* The type of a name that is made up of its parts; they are the same when their names are. */
static struct wax_type *make_shape(const char *name, enum wax_shape shape,
		const struct wax_type *const *parts, uint32_t count)
{
	const struct wax_type **copy = calloc(count, sizeof(const struct wax_type *));
	struct wax_type *type = copy ? make(name) : NULL;

	if (!type) {
		free(copy);
		return NULL;
	}
	memcpy(copy, parts, count * sizeof(const struct wax_type *));
	type->shape = shape;
	type->parts = copy;
	type->part_count = count;
	return type;
}

static const struct wax_type *find_shape(
		enum wax_shape shape, const struct wax_type *const *parts, uint32_t count)
{
	for (size_t i = 0; i < made_count; i++) {
		if (made[i]->shape == shape && made[i]->part_count == count &&
				memcmp(made[i]->parts, parts,
						count * sizeof(const struct wax_type *)) == 0)
			return made[i];
	}
	return NULL;
}

const struct wax_type *wax_type_list(const struct wax_type *item)
{
	const struct wax_type *known_list;
	char name[512];

	if (!item || item->key)
		return NULL;
	known_list = find_shape(WAX_SHAPE_LIST, &item, 1);
	if (known_list)
		return known_list;
	snprintf(name, sizeof(name), "list of %s", item->name);
	return make_shape(name, WAX_SHAPE_LIST, &item, 1);
}

/* Of rows whose values all have a fixed size; 0: they have none, or are too large for it. */
static uint32_t row_bytes(const struct wax_type *const *sides, uint32_t count)
{
	size_t bytes = WAX_JOIN_HEAD_BYTES(count);

	for (uint32_t i = 0; i < count; i++) {
		if (sides[i]->item_bytes == 0)
			return 0;
		bytes = ((bytes + 7) & ~(size_t)7) + sides[i]->item_bytes;
	}
	bytes = (bytes + 7) & ~(size_t)7;
	return bytes <= ITEM_BYTES_MAX ? (uint32_t)bytes : 0;
}

const struct wax_type *wax_type_row(const struct wax_type *const *sides, uint32_t count)
{
	const struct wax_type *known_row;
	struct wax_type *type;
	char name[512] = "row of ";

	if (!sides || count < 1 || count > WAX_JOIN_SIDES_MAX)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		size_t used = strlen(name);

		if (!sides[i] || sides[i]->key)
			return NULL;
		snprintf(name + used, sizeof(name) - used, "%s%s", i ? ", " : "", sides[i]->name);
	}
	known_row = find_shape(WAX_SHAPE_ROW, sides, count);
	if (known_row)
		return known_row;
	type = make_shape(name, WAX_SHAPE_ROW, sides, count);
	if (!type)
		return NULL;
	type->item_bytes = row_bytes(sides, count);
	type->align = 8;
	return type;
}

static bool parts_same(const struct wax_type *a, const struct wax_type *b)
{
	if (a->shape != b->shape || a->part_count != b->part_count)
		return false;
	for (uint32_t i = 0; i < a->part_count; i++) {
		if (!wax_type_same(a->parts[i], b->parts[i]))
			return false;
	}
	return true;
}

bool wax_type_same(const struct wax_type *a, const struct wax_type *b)
{
	if (a == b)
		return true;
	if (!a || !b || !a->key != !b->key)
		return false;
	if (a->key)
		return wax_type_same(a->key, b->key) && wax_type_same(a->value, b->value);
	/* The name of a list or row is for messages, and may be cut. */
	if (a->shape != WAX_SHAPE_PLAIN || b->shape != WAX_SHAPE_PLAIN)
		return parts_same(a, b);
	return a->item_bytes == b->item_bytes && strcmp(a->name, b->name) == 0;
}
