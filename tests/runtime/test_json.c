/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/json.h"

static struct wax_json json;
static char *written;
static size_t written_bytes;
static FILE *out;

static void set_up(void)
{
	out = open_memstream(&written, &written_bytes);
	cr_assert_not_null(out);
	wax_json_init(&json, out);
}

static void tear_down(void)
{
	fclose(out);
	free(written);
}

TestSuite(json, .init = set_up, .fini = tear_down);

static void expect(const char *text)
{
	cr_assert_eq(wax_json_finish(&json), 0);
	cr_assert_str_eq(written, text);
}

/* What a text becomes between the quotes. */
static void expect_text(const char *text, const char *between)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "\"%s\"\n", between);
	wax_json_text(&json, NULL, text);
	expect(whole);
	rewind(out);
}

Test(json, objects_and_arrays_nest)
{
	wax_json_object(&json, NULL);
	wax_json_u64(&json, "a", 1);
	wax_json_array(&json, "b");
	wax_json_object(&json, NULL);
	wax_json_end(&json);
	wax_json_i64(&json, NULL, -2);
	wax_json_array(&json, NULL);
	wax_json_end(&json);
	wax_json_end(&json);
	wax_json_bool(&json, "c", true);
	wax_json_text(&json, "d", NULL);
	wax_json_end(&json);
	expect("{\"a\":1,\"b\":[{},-2,[]],\"c\":true,\"d\":null}\n");
}

Test(json, each_line_is_a_value_of_its_own)
{
	for (int i = 0; i < 2; i++) {
		wax_json_object(&json, NULL);
		wax_json_end(&json);
		cr_assert_eq(wax_json_finish(&json), 0);
	}
	cr_assert_str_eq(written, "{}\n{}\n");
}

Test(json, whole_numbers_keep_all_digits)
{
	wax_json_array(&json, NULL);
	wax_json_u64(&json, NULL, UINT64_MAX);
	wax_json_i64(&json, NULL, INT64_MIN);
	wax_json_end(&json);
	expect("[18446744073709551615,-9223372036854775808]\n");
}

Test(json, a_double_is_as_short_as_it_can_be)
{
	wax_json_array(&json, NULL);
	wax_json_double(&json, NULL, 0.1);
	wax_json_double(&json, NULL, 1.0 / 3);
	wax_json_double(&json, NULL, 0.1 + 0.2);
	wax_json_double(&json, NULL, 1e300);
	wax_json_end(&json);
	expect("[0.1,0.33333333333333331,0.30000000000000004,1e+300]\n");
}

Test(json, what_is_no_number_is_null)
{
	wax_json_array(&json, NULL);
	wax_json_double(&json, NULL, NAN);
	wax_json_double(&json, NULL, INFINITY);
	wax_json_end(&json);
	expect("[null,null]\n");
}

Test(json, quotes_and_control_bytes_are_escaped)
{
	expect_text("a\"b\\c/\b\f\n\r\t\x01\x7f", "a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u007f");
}

Test(json, letters_of_any_length_pass)
{
	expect_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

Test(json, bytes_that_are_no_letter_are_replaced)
{
	expect_text("a\xff", "a\\ufffd");                     /* no first byte */
	expect_text("\x80z", "\\ufffdz");                     /* a later byte alone */
	expect_text("\xe2\x82", "\\ufffd\\ufffd");            /* cut off */
	expect_text("\xc0\x80", "\\ufffd\\ufffd");            /* longer than it need be */
	expect_text("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"); /* half of a pair */
	expect_text("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"); /* beyond the last */
}

Test(json, a_full_disk_is_reported)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert_not_null(full);
	wax_json_init(&json, full);
	wax_json_u64(&json, NULL, 1);
	cr_assert_eq(wax_json_finish(&json), -EIO);
	fclose(full);
}

Test(json, bytes_that_are_text_are_told_from_others)
{
	static const struct {
		const char *bytes;
		size_t count;
		bool is_text;
	} cases[] = {
			{"", 0, true}, {"a\0b", 3, true}, {"\xc3\xa4", 2, true},
			{"\xf0\x9f\x8c\x8a", 4, true}, {"\xc3", 1, false}, {"a\xff", 2, false},
			{"\xed\xa0\x80", 3, false}, /* half of a pair */
			{"\xc0\x80", 2, false},     /* longer than need be */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(wax_json_is_text((struct wax_bytes){cases[i].bytes, cases[i].count}),
				cases[i].is_text, "case %zu", i);
}

Test(json, bytes_have_a_length_of_their_own)
{
	wax_json_array(&json, NULL);
	wax_json_bytes(&json, NULL, (struct wax_bytes){"a\0\"", 3});
	wax_json_hex(&json, NULL, (struct wax_bytes){"a\0\xff", 3});
	wax_json_hex(&json, NULL, (struct wax_bytes){NULL, 0});
	wax_json_end(&json);
	cr_assert_eq(wax_json_finish(&json), 0);
	cr_assert_str_eq(written, "[\"a\\u0000\\\"\",\"6100ff\",\"\"]\n");
}
