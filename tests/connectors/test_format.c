/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/format.h"
#include "runtime/port.h"

/* What was emitted: each text with a newline, the key before it where there is one. */
struct sheet {
	char text[1 << 16];
	size_t used;
	const char *last; /* where the last text lay */
};

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	struct sheet *sheet = port->taker;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);
		int length = snprintf(sheet->text + sheet->used, sizeof(sheet->text) - sheet->used,
				"%.*s%s%.*s\n", (int)item.key.bytes, (const char *)item.key.data,
				batch->keyed ? ": " : "", (int)item.value.bytes,
				(const char *)item.value.data);

		sheet->last = item.value.data;
		sheet->used += (size_t)length;
		cr_assert_lt(sheet->used, sizeof(sheet->text));
	}
	return 0;
}

static struct sheet sheet;
static struct wax_err err;

/* Format a batch, into a stream of text that is keyed by key_type unless that is NULL. */
static int format_onto_sheet(const char *text, const struct wax_type *type, bool keep_key,
		const struct wax_batch *batch)
{
	const struct wax_type *text_type = keep_key ? WAX_KEYED(type->key, WAX_TEXT) : WAX_TEXT;
	struct wax_format *format;
	struct wax_port port;
	int result;

	sheet.used = 0;
	sheet.text[0] = '\0';
	cr_assert_eq(wax_format_make(text, type, keep_key, &format, &err), 0, "%s", err.text);
	cr_assert_eq(wax_port_init(&port, text_type, take, &sheet, &err), 0);
	wax_port_read(&port, batch);
	result = wax_format_batch(format, &port.out, batch);
	wax_port_flush(&port);
	wax_port_fini(&port);
	wax_format_free(format);
	return result;
}

/* A batch of one column of numbers. */
#define NUMBERS(T, ...)                                                                            \
	((struct wax_batch){.count = sizeof((T[]){__VA_ARGS__}) / sizeof(T),                       \
			.value_bytes = sizeof(T),                                                  \
			.values = (T[]){__VA_ARGS__}})

static const char heap[] = "oneapplesixty";
static const struct wax_span words[] = {{0, 3}, {3, 5}, {8, 5}, {13, 0}};
static const uint64_t counts[] = {1, 22, 333, 4444};

static const struct wax_batch texts = {
		.count = 4, .values = words, .value_heap = heap, .value_heap_bytes = 13};
static const struct wax_batch counted = {.count = 4,
		.keyed = 1,
		.keys = words,
		.key_heap = heap,
		.key_heap_bytes = 13,
		.value_bytes = 8,
		.values = counts};

static const struct wax_type *counted_type(void)
{
	return WAX_KEYED(WAX_TEXT, WAX_U64);
}

static void expect(const char *format, const struct wax_type *type, const struct wax_batch *batch,
		const char *lines)
{
	cr_assert_eq(format_onto_sheet(format, type, false, batch), 0, "%s", err.text);
	cr_assert_str_eq(sheet.text, lines);
}

Test(format, default_is_the_value_or_key_tab_value)
{
	expect(NULL, WAX_TEXT, &texts, "one\napple\nsixty\n\n");
	expect(NULL, counted_type(), &counted, "one\t1\napple\t22\nsixty\t333\n\t4444\n");
}

Test(format, directives_may_stand_anywhere_and_repeat)
{
	expect("<%v=%k,%k>", counted_type(), &counted,
			"<1=one,one>\n<22=apple,apple>\n<333=sixty,sixty>\n<4444=,>\n");
	expect("%v%v", WAX_TEXT, &texts, "oneone\nappleapple\nsixtysixty\n\n");
}

Test(format, doubled_percent_is_one)
{
	expect("%%%v%%", WAX_TEXT, &texts, "%one%\n%apple%\n%sixty%\n%%\n");
	expect("100%%", WAX_TEXT, &texts, "100%\n100%\n100%\n100%\n");
	expect("%%v", WAX_TEXT, &texts, "%v\n%v\n%v\n%v\n");
}

Test(format, empty_format_gives_empty_lines)
{
	expect("", WAX_TEXT, &texts, "\n\n\n\n");
}

Test(format, unknown_directive_is_refused)
{
	struct wax_format *format = NULL;

	cr_assert_eq(wax_format_make("%v %x", WAX_TEXT, false, &format, &err), -EINVAL);
	cr_assert_str_eq(err.text,
			"format \"%v %x\" has the unknown directive %x: %k is the key, "
			"%v the value, %% a percent sign");
	cr_assert_null(format);
}

Test(format, directive_cut_off_is_refused)
{
	struct wax_format *format;

	cr_assert_eq(wax_format_make("%v %", WAX_TEXT, false, &format, &err), -EINVAL);
	cr_assert_str_eq(err.text,
			"format \"%v %\" ends within a directive: write %% for a percent "
			"sign");
}

Test(format, key_of_a_stream_without_one_is_refused)
{
	struct wax_format *format;

	cr_assert_eq(wax_format_make("%k %v", WAX_TEXT, false, &format, &err), -EINVAL);
	cr_assert_not_null(strstr(err.text, "wax_key_on"), "%s", err.text);
}

Test(format, numbers_are_written_in_full)
{
	struct wax_batch i32 = NUMBERS(int32_t, 0, 7, -7, INT32_MIN, INT32_MAX);
	struct wax_batch u32 = NUMBERS(uint32_t, 0, UINT32_MAX);
	struct wax_batch i64 = NUMBERS(int64_t, -1, INT64_MIN, INT64_MAX);
	struct wax_batch u64 = NUMBERS(uint64_t, 0, UINT64_MAX);
	struct wax_batch f64 = NUMBERS(double, 0.1, -2, 1.7976931348623157e308, 0.1 + 0.2);

	expect(NULL, WAX_I32, &i32, "0\n7\n-7\n-2147483648\n2147483647\n");
	expect(NULL, WAX_U32, &u32, "0\n4294967295\n");
	expect(NULL, WAX_I64, &i64, "-1\n-9223372036854775808\n9223372036854775807\n");
	expect(NULL, WAX_U64, &u64, "0\n18446744073709551615\n");
	expect(NULL, WAX_F64, &f64, "0.1\n-2\n1.7976931348623157e+308\n0.30000000000000004\n");
}

Test(format, numbers_of_every_length_are_as_printf_writes_them)
{
	uint64_t numbers[200];
	struct wax_batch batch = {.value_bytes = 8, .values = numbers};
	char lines[8192];
	size_t used = 0;
	uint64_t power = 1;

	for (int i = 0; i < 20; i++, power *= 10) {
		numbers[batch.count++] = power - 1;
		numbers[batch.count++] = power;
		numbers[batch.count++] = power + 1;
	}
	for (int i = 0; i < 64; i++) {
		numbers[batch.count++] = (uint64_t)1 << i;
		numbers[batch.count++] = ((uint64_t)1 << i) - 1;
	}
	for (uint32_t i = 0; i < batch.count; i++)
		used += (size_t)snprintf(
				lines + used, sizeof(lines) - used, "%" PRIu64 "\n", numbers[i]);
	expect(NULL, WAX_U64, &batch, lines);
}

Test(format, bytes_and_structs_without_printer_are_hexadecimal)
{
	struct wax_batch bytes = NUMBERS(uint32_t, 0x0a0b0c0du);

	expect(NULL, WAX_BYTES, &texts, "6f6e65\n6170706c65\n7369787479\n\n");
	expect(NULL, wax_type_struct("struct x", 4, 4, NULL), &bytes, "0d0c0b0a\n");
}

static int print_stars(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	uint32_t count;

	(void)item_bytes;
	memcpy(&count, item, sizeof(count));
	for (uint32_t i = 0; i < count && i + 1 < text_bytes; i++)
		text[i] = '*';
	if (text_bytes > 0)
		text[count < text_bytes ? count : text_bytes - 1] = '\0';
	return (int)count;
}

Test(format, printer_of_the_user_gets_the_room_it_needs)
{
	const struct wax_type *type = wax_type_struct("struct stars", 4, 4, print_stars);
	uint32_t lengths[] = {0, 1, 127, 128, 129, 5000, 20000, 3};
	struct wax_batch batch = {.count = 8, .value_bytes = 4, .values = lengths};
	const char *at = sheet.text;

	cr_assert_eq(format_onto_sheet("[%v|%v]", type, false, &batch), 0, "%s", err.text);
	for (uint32_t i = 0; i < batch.count; i++) {
		cr_assert_eq(*at++, '[');
		cr_assert_eq(strspn(at, "*"), lengths[i]);
		at += lengths[i];
		cr_assert_eq(*at++, '|');
		cr_assert_eq(strspn(at, "*"), lengths[i]);
		at += lengths[i];
		cr_assert_eq(*at++, ']');
		cr_assert_eq(*at++, '\n');
	}
	cr_assert_eq(*at, '\0');
}

static int print_never(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	(void)text;
	(void)text_bytes;
	(void)item;
	(void)item_bytes;
	return -1;
}

Test(format, failing_printer_fails_the_batch)
{
	const struct wax_type *type = wax_type_struct("struct odd", 4, 4, print_never);
	struct wax_batch batch = NUMBERS(uint32_t, 1, 2, 3);

	cr_assert_lt(format_onto_sheet(NULL, type, false, &batch), 0);
	cr_assert_str_eq(err.text, "the printer of its type failed");
	cr_assert_str_eq(sheet.text, "");
}

static int print_as_day(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	(void)item;
	(void)item_bytes;
	return snprintf(text, text_bytes, "Monday");
}

Test(format, own_printer_of_a_number_counts)
{
	struct wax_batch batch = NUMBERS(uint64_t, 1);

	expect(NULL, WAX_STRUCT_PRINT(uint64_t, print_as_day), &batch, "Monday\n");
}

Test(format, keys_are_kept_for_a_keyed_sink)
{
	struct wax_batch both = texts;

	cr_assert_eq(format_onto_sheet("%v", counted_type(), true, &counted), 0);
	cr_assert_str_eq(sheet.text, "one: 1\napple: 22\nsixty: 333\n: 4444\n");

	both.keyed = 1;
	both.keys = words;
	both.key_heap = heap;
	both.key_heap_bytes = sizeof(heap) - 1;
	cr_assert_eq(format_onto_sheet("%v", WAX_KEYED(WAX_TEXT, WAX_TEXT), true, &both), 0);
	cr_assert_str_eq(sheet.text, "one: one\napple: apple\nsixty: sixty\n: \n");
}

Test(format, empty_keys_are_keys)
{
	const struct wax_span nothing[] = {{0, 0}};
	struct wax_batch batch = {.count = 1,
			.keyed = 1,
			.keys = nothing,
			.key_heap = "",
			.value_bytes = 8,
			.values = counts};

	cr_assert_eq(format_onto_sheet("%v", counted_type(), true, &batch), 0, "%s", err.text);
	cr_assert_str_eq(sheet.text, ": 1\n");
}

Test(format, value_as_it_is_costs_no_copy)
{
	struct wax_format *format;

	cr_assert_eq(format_onto_sheet("%v", WAX_TEXT, false, &texts), 0);
	cr_assert(sheet.last >= heap && sheet.last <= heap + sizeof(heap));

	cr_assert_eq(wax_format_make("%v", WAX_TEXT, false, &format, &err), 0);
	cr_assert(wax_format_is_value(format));
	wax_format_free(format);
	cr_assert_eq(wax_format_make("%v.", WAX_TEXT, false, &format, &err), 0);
	cr_assert_not(wax_format_is_value(format));
	wax_format_free(format);
	cr_assert_eq(wax_format_make("%v", WAX_U64, false, &format, &err), 0);
	cr_assert_not(wax_format_is_value(format));
	wax_format_free(format);
	wax_format_free(NULL);
}
