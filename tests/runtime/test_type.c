/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/type.h>

#include "runtime/step.h"

struct reading {
	int64_t at;
	double degrees;
};

static int print_reading(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct reading *reading = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%lld", (long long)reading->at);
}

static int print_reading_short(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	(void)item;
	(void)item_bytes;
	return snprintf(text, text_bytes, "r");
}

static const char *printed(const struct wax_type *type, const void *item, size_t item_bytes)
{
	static char text[512];
	int length = type->print(text, sizeof(text), item, item_bytes);

	cr_assert_eq((size_t)length, strlen(text));
	return text;
}

#define PRINTED(type, T, ...)                                                                      \
	({                                                                                         \
		T value = __VA_ARGS__;                                                             \
		printed(type, &value, sizeof(value));                                              \
	})

Test(type, built_in_types_have_their_names_and_sizes)
{
	cr_assert_str_eq(WAX_BYTES->name, "bytes");
	cr_assert_str_eq(WAX_TEXT->name, "text");
	cr_assert_str_eq(WAX_I32->name, "int32_t");
	cr_assert_str_eq(WAX_U32->name, "uint32_t");
	cr_assert_str_eq(WAX_I64->name, "int64_t");
	cr_assert_str_eq(WAX_U64->name, "uint64_t");
	cr_assert_str_eq(WAX_F64->name, "double");
	cr_assert_eq(WAX_BYTES->item_bytes, 0);
	cr_assert_eq(WAX_TEXT->item_bytes, 0);
	cr_assert_eq(WAX_U32->item_bytes, 4);
	cr_assert_eq(WAX_U64->align, 8);
}

Test(type, same_question_has_the_same_answer)
{
	const struct wax_type *type = WAX_STRUCT(struct reading);

	cr_assert_not_null(type);
	cr_assert_eq(type->item_bytes, sizeof(struct reading));
	cr_assert_eq(type->align, 8);
	cr_assert_str_eq(type->name, "struct reading");
	cr_assert_eq(WAX_STRUCT(struct reading), type);
	cr_assert_eq(wax_type_struct("struct reading", 16, 8, NULL), type);
}

Test(type, name_is_copied)
{
	char name[] = "struct a";
	const struct wax_type *type = wax_type_struct(name, 4, 4, NULL);

	name[7] = 'b';
	cr_assert_str_eq(type->name, "struct a");
}

Test(type, known_name_with_another_size_is_refused)
{
	cr_assert_not_null(WAX_STRUCT(struct reading));
	cr_assert_null(wax_type_struct("struct reading", 24, 8, NULL));
	cr_assert_null(wax_type_struct("uint64_t", 4, 4, NULL));
	cr_assert_null(wax_type_struct("text", 4, 4, NULL));
	/* An alignment that its arrays do not have. */
	cr_assert_null(wax_type_struct("struct reading", 16, 16, NULL));
}

Test(type, name_of_a_number_gives_the_built_in_type)
{
	cr_assert_eq(wax_type_struct("uint64_t", 8, 8, NULL), WAX_U64);
	cr_assert_eq(WAX_STRUCT(uint64_t), WAX_U64);
	cr_assert_eq(WAX_STRUCT(int32_t), WAX_I32);
	cr_assert_eq(WAX_STRUCT(double), WAX_F64);
}

Test(type, printer_is_found_by_those_who_know_none)
{
	const struct wax_type *plain = WAX_STRUCT(struct reading);
	const struct wax_type *printing = WAX_STRUCT_PRINT(struct reading, print_reading);

	cr_assert_eq(printing, plain, "the printer is added to the type that had none");
	cr_assert_eq(printing->print, print_reading);
	cr_assert_eq(WAX_STRUCT(struct reading), printing);
	cr_assert_eq(WAX_STRUCT_PRINT(struct reading, print_reading), printing);
}

Test(type, second_printer_makes_a_type_that_is_the_same)
{
	const struct wax_type *one = WAX_STRUCT_PRINT(struct reading, print_reading);
	const struct wax_type *other = WAX_STRUCT_PRINT(struct reading, print_reading_short);

	cr_assert_not_null(other);
	cr_assert_neq(one, other);
	cr_assert_eq(one->print, print_reading);
	cr_assert_eq(other->print, print_reading_short);
	cr_assert(wax_type_same(one, other));
	cr_assert_eq(WAX_STRUCT_PRINT(struct reading, print_reading_short), other);
	cr_assert_eq(WAX_STRUCT(struct reading), one);
}

Test(type, broken_bounds_are_refused)
{
	cr_assert_null(wax_type_struct(NULL, 8, 8, NULL));
	cr_assert_null(wax_type_struct("", 8, 8, NULL));
	cr_assert_null(wax_type_struct("a", 0, 1, NULL));
	cr_assert_null(wax_type_struct("a", 65537, 1, NULL));
	cr_assert_null(wax_type_struct("a", 8, 0, NULL));
	cr_assert_null(wax_type_struct("a", 24, 3, NULL));
	cr_assert_null(wax_type_struct("a", 128, 128, NULL));
	cr_assert_null(wax_type_struct("a", 12, 8, NULL), "items of an array would be misaligned");
	cr_assert_not_null(wax_type_struct("a", 65536, 64, NULL));
}

Test(type, keyed_types_are_remembered_by_pair)
{
	const struct wax_type *type = WAX_KEYED(WAX_TEXT, WAX_U64);

	cr_assert_not_null(type);
	cr_assert_eq(type->key, WAX_TEXT);
	cr_assert_eq(type->value, WAX_U64);
	cr_assert_eq(WAX_KEYED(WAX_TEXT, WAX_U64), type);
	cr_assert_neq(WAX_KEYED(WAX_U64, WAX_TEXT), type);
	cr_assert_str_eq(type->name, "(text, uint64_t)");
}

Test(type, keyed_types_have_plain_columns)
{
	const struct wax_type *keyed = WAX_KEYED(WAX_TEXT, WAX_U64);

	cr_assert_null(WAX_KEYED(NULL, WAX_U64));
	cr_assert_null(WAX_KEYED(WAX_U64, NULL));
	cr_assert_null(WAX_KEYED(keyed, WAX_U64));
	cr_assert_null(WAX_KEYED(WAX_U64, keyed));
	/* The name of a keyed type is no name of a struct. */
	cr_assert_neq(wax_type_struct("(text, uint64_t)", 8, 8, NULL), keyed);
}

Test(type, same_compares_names_sizes_and_columns)
{
	static const struct wax_type own_u64 = {.size_bytes = sizeof(own_u64),
			.name = "uint64_t",
			.item_bytes = 8,
			.align = 8};

	cr_assert(wax_type_same(WAX_U64, &own_u64));
	cr_assert(wax_type_same(WAX_KEYED(WAX_TEXT, WAX_U64), WAX_KEYED(WAX_TEXT, &own_u64)));
	cr_assert_not(wax_type_same(WAX_U64, WAX_I64));
	cr_assert_not(wax_type_same(WAX_TEXT, WAX_BYTES));
	cr_assert_not(wax_type_same(WAX_KEYED(WAX_TEXT, WAX_U64), WAX_U64));
	cr_assert_not(wax_type_same(WAX_KEYED(WAX_TEXT, WAX_U64), WAX_KEYED(WAX_BYTES, WAX_U64)));
	cr_assert_not(wax_type_same(NULL, WAX_U64));
}

Test(type, many_types_are_remembered)
{
	const struct wax_type *types[100];
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "struct s%d", i);
		types[i] = wax_type_struct(name, (size_t)i + 1, 1, NULL);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "struct s%d", i);
		cr_assert_eq(wax_type_struct(name, (size_t)i + 1, 1, NULL), types[i]);
		cr_assert_str_eq(types[i]->name, name);
	}
}

Test(type, whole_numbers_are_printed_in_full)
{
	cr_assert_str_eq(PRINTED(WAX_I32, int32_t, INT32_MIN), "-2147483648");
	cr_assert_str_eq(PRINTED(WAX_U32, uint32_t, UINT32_MAX), "4294967295");
	cr_assert_str_eq(PRINTED(WAX_I64, int64_t, INT64_MIN), "-9223372036854775808");
	cr_assert_str_eq(PRINTED(WAX_U64, uint64_t, UINT64_MAX), "18446744073709551615");
}

Test(type, doubles_are_printed_as_short_as_they_can_be_read_back)
{
	cr_assert_str_eq(PRINTED(WAX_F64, double, 0.1), "0.1");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 21.5), "21.5");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 0.1 + 0.2), "0.30000000000000004");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 42.0), "42");
	cr_assert_str_eq(PRINTED(WAX_F64, double, -42.0), "-42");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 0.0), "0");
	cr_assert_str_eq(PRINTED(WAX_F64, double, -0.0), "-0");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 999999999999999.0), "999999999999999");
	cr_assert_str_eq(PRINTED(WAX_F64, double, 1e15), "1e+15");
	cr_assert_str_eq(PRINTED(WAX_F64, double, INFINITY), "inf");
	cr_assert_str_eq(PRINTED(WAX_F64, double, -INFINITY), "-inf");
	cr_assert_str_eq(PRINTED(WAX_F64, double, (double)NAN), "nan");
	cr_assert_eq(strtod(PRINTED(WAX_F64, double, DBL_MIN), NULL), DBL_MIN);
	cr_assert_eq(strtod(PRINTED(WAX_F64, double, DBL_MAX), NULL), DBL_MAX);
	cr_assert_eq(strtod(PRINTED(WAX_F64, double, 5e-324), NULL), 5e-324);
}

Test(type, doubles_of_few_decimals_are_printed_as_printf_does)
{
	char expected[64];
	uint64_t state = 1;

	for (int i = 0; i < 200000; i++) {
		static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
		double value;

		state = state * 6364136223846793005u + 1442695040888963407u;
		value = (double)((int64_t)state >> (state % 60)) / powers[i % 9];
		for (int precision = 15; precision <= 17; precision++) {
			snprintf(expected, sizeof(expected), "%.*g", precision, value);
			if (strtod(expected, NULL) == value)
				break;
		}
		cr_assert_str_eq(printed(WAX_F64, &value, sizeof(value)), expected);
	}
}

Test(type, text_is_printed_as_it_is_and_bytes_in_hexadecimal)
{
	cr_assert_str_eq(printed(WAX_TEXT, "abc", 3), "abc");
	cr_assert_str_eq(printed(WAX_TEXT, NULL, 0), "");
	cr_assert_str_eq(printed(WAX_BYTES, "\x00\x9f\xff", 3), "009fff");
	cr_assert_str_eq(printed(WAX_BYTES, NULL, 0), "");
}

Test(type, print_tells_the_length_of_what_does_not_fit)
{
	char text[5] = "....";
	double third = 1.0 / 3;
	int64_t million = 1000000;

	cr_assert_eq(WAX_TEXT->print(text, sizeof(text), "abcdef", 6), 6);
	cr_assert_str_eq(text, "abcd");
	cr_assert_eq(WAX_BYTES->print(text, sizeof(text), "\x12\x34\x56", 3), 6);
	cr_assert_str_eq(text, "1234");
	cr_assert_eq(WAX_I64->print(text, sizeof(text), &million, sizeof(million)), 7);
	cr_assert_str_eq(text, "1000");
	cr_assert_eq(WAX_F64->print(text, sizeof(text), &third, sizeof(third)), 18);
	cr_assert_str_eq(text, "0.33");

	/* No room at all: nothing is written. */
	cr_assert_eq(WAX_TEXT->print(NULL, 0, "abcdef", 6), 6);
	cr_assert_eq(WAX_BYTES->print(NULL, 0, "abc", 3), 6);
	cr_assert_eq(WAX_F64->print(NULL, 0, &third, sizeof(third)), 18);
}
