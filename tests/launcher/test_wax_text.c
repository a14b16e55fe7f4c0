/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/state_text.h"

#define BYTES(text) ((struct wax_bytes){(text), sizeof(text) - 1})

static char *written(enum wax_state_type type, struct wax_bytes bytes)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	wax_state_write(out, type, bytes);
	fclose(out);
	return text;
}

static char *written_json(enum wax_state_type type, struct wax_bytes bytes)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	struct wax_json json;

	wax_json_init(&json, out);
	wax_json_object(&json, NULL);
	wax_state_write_json(&json, "key", type, bytes);
	wax_json_end(&json);
	fclose(out);
	return text;
}

struct row {
	enum wax_state_type type;
	struct wax_bytes bytes;
	const char *text;
	const char *json;
};

Test(wax_text, bytes_are_shown_as_what_they_are)
{
	const struct row rows[] = {
			{WAX_STATE_AUTO, BYTES("pear"), "pear", "{\"key\":\"pear\"}"},
			{WAX_STATE_AUTO, BYTES(""), "", "{\"key\":\"\"}"},
			{WAX_STATE_AUTO,
					BYTES("p\xc3\xa9"
					      "ar"),
					"p\xc3\xa9"
					"ar",
					"{\"key\":\"p\xc3\xa9"
					"ar\"}"},
			{WAX_STATE_AUTO, BYTES("a\tb"), "0x610962", "{\"key_hex\":\"610962\"}"},
			{WAX_STATE_AUTO, BYTES("\x7f"), "0x7f", "{\"key_hex\":\"7f\"}"},
			{WAX_STATE_AUTO, BYTES("\xff"), "0xff", "{\"key_hex\":\"ff\"}"},
			{WAX_STATE_AUTO, BYTES("0x1"), "0x307831", "{\"key\":\"0x1\"}"},
			{WAX_STATE_TEXT, BYTES("a\tb"), "0x610962", "{\"key\":\"a\\tb\"}"},
			{WAX_STATE_TEXT, BYTES("\xff"), "0xff", "{\"key_hex\":\"ff\"}"},
			{WAX_STATE_HEX, BYTES("pear"), "0x70656172", "{\"key_hex\":\"70656172\"}"},
			{WAX_STATE_U64, BYTES("\x01\0\0\0\0\0\0\0"), "1", "{\"key\":1}"},
			{WAX_STATE_U64, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"),
					"18446744073709551615", "{\"key\":18446744073709551615}"},
			{WAX_STATE_I64, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "-1",
					"{\"key\":-1}"},
			{WAX_STATE_U32, BYTES("\xff\xff\xff\xff"), "4294967295",
					"{\"key\":4294967295}"},
			{WAX_STATE_I32, BYTES("\xfe\xff\xff\xff"), "-2", "{\"key\":-2}"},
			{WAX_STATE_F64, BYTES("\0\0\0\0\0\0\xf8\x3f"), "1.5", "{\"key\":1.5}"},
			/* Not of the size of the type. */
			{WAX_STATE_U64, BYTES("pear"), "pear", "{\"key\":\"pear\"}"},
			{WAX_STATE_U32, BYTES("\x01\0\0\0\0\0\0\0"), "0x0100000000000000",
					"{\"key_hex\":\"0100000000000000\"}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = written(rows[i].type, rows[i].bytes);
		char *json = written_json(rows[i].type, rows[i].bytes);

		cr_assert_str_eq(text, rows[i].text, "row %zu: %s", i, text);
		cr_assert_str_eq(json, rows[i].json, "row %zu: %s", i, json);
		free(json);
		free(text);
	}
}

/* What is written of a key is read as that key, whatever it is. */
Test(wax_text, a_key_is_read_as_it_is_written)
{
	const struct row rows[] = {
			{WAX_STATE_AUTO, BYTES("pear"), NULL, NULL},
			{WAX_STATE_AUTO, BYTES("0x1"), NULL, NULL},
			{WAX_STATE_AUTO, BYTES("\0\xff"), NULL, NULL},
			{WAX_STATE_TEXT, BYTES("0xff"), NULL, NULL},
			{WAX_STATE_TEXT, BYTES("a\nb"), NULL, NULL},
			{WAX_STATE_TEXT, BYTES(""), NULL, NULL},
			{WAX_STATE_HEX, BYTES("pear"), NULL, NULL},
			{WAX_STATE_U64, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), NULL, NULL},
			{WAX_STATE_I64, BYTES("\0\0\0\0\0\0\0\x80"), NULL, NULL},
			{WAX_STATE_U32, BYTES("\xff\xff\xff\xff"), NULL, NULL},
			{WAX_STATE_I32, BYTES("\0\0\0\x80"), NULL, NULL},
			{WAX_STATE_F64, BYTES("\x9a\x99\x99\x99\x99\x99\xb9\x3f"), NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = written(rows[i].type, rows[i].bytes);
		struct wax_state_key key;
		struct wax_err err = {0};

		cr_assert_eq(wax_state_parse_key(rows[i].type, text, &key, &err), 0, "%s",
				err.text);
		cr_assert_eq(key.bytes.bytes, rows[i].bytes.bytes, "row %zu: %s", i, text);
		cr_assert_eq(memcmp(key.bytes.data, rows[i].bytes.data, key.bytes.bytes), 0,
				"row %zu: %s", i, text);
		free(key.made);
		free(text);
	}
}

Test(wax_text, what_is_no_key_of_the_type_is_refused)
{
	static const struct {
		enum wax_state_type type;
		const char *text;
	} rows[] = {
			{WAX_STATE_U64, "-1"},
			{WAX_STATE_U64, "18446744073709551616"},
			{WAX_STATE_U64, "+1"},
			{WAX_STATE_U64, " 1"},
			{WAX_STATE_U64, ""},
			{WAX_STATE_U64, "1x"},
			{WAX_STATE_I64, "9223372036854775808"},
			{WAX_STATE_U32, "4294967296"},
			{WAX_STATE_I32, "2147483648"},
			{WAX_STATE_I32, "-2147483649"},
			{WAX_STATE_F64, "x"},
			{WAX_STATE_HEX, "0x1"},
			{WAX_STATE_HEX, "zz"},
			{WAX_STATE_AUTO, "0xz0"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wax_state_key key;
		struct wax_err err = {0};

		cr_assert_eq(wax_state_parse_key(rows[i].type, rows[i].text, &key, &err), -EINVAL,
				"row %zu: %s", i, rows[i].text);
		cr_assert(strstr(err.text, ": write "), "%s", err.text);
		cr_assert_null(key.made);
	}
}

Test(wax_text, types_are_known_by_the_names_of_c_and_of_the_options)
{
	cr_assert_eq(wax_state_type_named("uint64_t"), WAX_STATE_U64);
	cr_assert_eq(wax_state_type_named("u64"), WAX_STATE_U64);
	cr_assert_eq(wax_state_type_named("int32_t"), WAX_STATE_I32);
	cr_assert_eq(wax_state_type_named("double"), WAX_STATE_F64);
	cr_assert_eq(wax_state_type_named("text"), WAX_STATE_TEXT);
	cr_assert_eq(wax_state_type_named("bytes"), WAX_STATE_HEX);
	cr_assert_eq(wax_state_type_named("struct_order"), WAX_STATE_AUTO);
	cr_assert_eq(wax_state_type_named("-"), WAX_STATE_AUTO);
}

static int compare(enum wax_state_type type, const char *a, const char *b)
{
	struct wax_state_key one, other;

	cr_assert_eq(wax_state_parse_key(type, a, &one, NULL), 0);
	cr_assert_eq(wax_state_parse_key(type, b, &other, NULL), 0);

	int order = wax_state_compare(type, one.bytes, other.bytes);

	cr_assert_eq((order > 0) - (order < 0),
			-((wax_state_compare(type, other.bytes, one.bytes) > 0) -
					(wax_state_compare(type, other.bytes, one.bytes) < 0)));
	free(one.made);
	free(other.made);
	return (order > 0) - (order < 0);
}

Test(wax_text, keys_are_ordered_by_value_or_by_bytes)
{
	cr_assert_eq(compare(WAX_STATE_U64, "9", "10"), -1);
	cr_assert_eq(compare(WAX_STATE_U64, "18446744073709551615", "1"), 1);
	cr_assert_eq(compare(WAX_STATE_I64, "-2", "1"), -1);
	cr_assert_eq(compare(WAX_STATE_I32, "-2", "-3"), 1);
	cr_assert_eq(compare(WAX_STATE_F64, "-0.5", "0.25"), -1);
	cr_assert_eq(compare(WAX_STATE_TEXT, "9", "10"), 1);
	cr_assert_eq(compare(WAX_STATE_TEXT, "a", "ab"), -1);
	cr_assert_eq(compare(WAX_STATE_TEXT, "a", "a"), 0);
	cr_assert_eq(compare(WAX_STATE_AUTO, "0xff", "0x00ff"), 1);
}
