/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/units.h"

/*
 * Any text through every parser. What holds: a failure has a sentence and leaves the result alone;
 * a duration that is read, printed exactly and read again is the same.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define UNTOUCHED UINT64_C(0x5aa55aa55aa55aa5)

typedef int parse_unsigned(const char *text, uint64_t *ret_value, struct wax_err *err);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void try_unsigned(parse_unsigned *parse, const char *text)
{
	struct wax_err err = {0};
	uint64_t value = UNTOUCHED;

	if (parse(text, &value, &err) == 0) {
		check(strlen(wax_units_print_bytes(value).text) > 0);
		check(strlen(wax_units_print_count(value).text) > 0);
		check(strlen(wax_units_print_count_short(value).text) > 0);
		return;
	}
	check(value == UNTOUCHED);
	check(err.code < 0 && err.text[0] != '\0');
}

static void try_duration(const char *text)
{
	struct wax_err err = {0};
	int64_t ns = (int64_t)UNTOUCHED;
	int64_t again = -1;

	if (wax_units_parse_duration(text, &ns, &err) < 0) {
		check(ns == (int64_t)UNTOUCHED);
		check(err.code < 0 && err.text[0] != '\0');
		return;
	}
	check(ns >= 0);
	check(strlen(wax_units_print_seconds(ns).text) > 0);
	check(wax_units_parse_duration(wax_units_print_duration(ns).text, &again, NULL) == 0);
	check(again == ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	if (!text)
		return 0;
	if (bytes > 0)
		memcpy(text, data, bytes);
	text[bytes] = '\0';

	try_unsigned(wax_units_parse_bytes, text);
	try_unsigned(wax_units_parse_count, text);
	try_unsigned(wax_units_parse_number, text);
	try_duration(text);
	free(text);
	return 0;
}
