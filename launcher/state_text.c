/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/state_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/step.h"

static const struct {
	const char *short_name; /* as the options have it */
	const struct wax_type *type;
} types[] = {
		[WAX_STATE_U64] = {"u64", WAX_U64},
		[WAX_STATE_I64] = {"i64", WAX_I64},
		[WAX_STATE_U32] = {"u32", WAX_U32},
		[WAX_STATE_I32] = {"i32", WAX_I32},
		[WAX_STATE_F64] = {"f64", WAX_F64},
		[WAX_STATE_TEXT] = {"text", WAX_TEXT},
		[WAX_STATE_HEX] = {"hex", WAX_BYTES},
};
enum { TYPES = sizeof(types) / sizeof(*types) };

enum wax_state_type wax_state_type_named(const char *name)
{
	for (int i = WAX_STATE_AUTO + 1; i < TYPES; i++) {
		if (strcmp(name, types[i].type->name) == 0 ||
				strcmp(name, types[i].short_name) == 0)
			return (enum wax_state_type)i;
	}
	return WAX_STATE_AUTO;
}

static bool has_controls(struct wax_bytes bytes)
{
	const unsigned char *at = bytes.data;

	for (size_t i = 0; i < bytes.bytes; i++) {
		if (at[i] < ' ' || at[i] == 127)
			return true;
	}
	return false;
}

static bool is_text(enum wax_state_type type, struct wax_bytes bytes)
{
	return type != WAX_STATE_HEX && wax_json_is_text(bytes) &&
			(type == WAX_STATE_TEXT || !has_controls(bytes));
}

static bool has_size(enum wax_state_type type, struct wax_bytes bytes)
{
	return type != WAX_STATE_AUTO && types[type].type->item_bytes > 0 &&
			types[type].type->item_bytes == bytes.bytes;
}

static struct wax_state_shown show_number(enum wax_state_type type, const void *data)
{
	struct wax_state_shown shown = {.form = WAX_STATE_INTEGER};
	uint32_t narrow;
	int32_t narrow_signed;

	switch (type) {
	case WAX_STATE_U64:
		shown.form = WAX_STATE_UNSIGNED;
		memcpy(&shown.number, data, sizeof(shown.number));
		break;
	case WAX_STATE_U32:
		memcpy(&narrow, data, sizeof(narrow));
		shown.integer = narrow;
		break;
	case WAX_STATE_I32:
		memcpy(&narrow_signed, data, sizeof(narrow_signed));
		shown.integer = narrow_signed;
		break;
	case WAX_STATE_F64:
		shown.form = WAX_STATE_REAL;
		memcpy(&shown.real, data, sizeof(shown.real));
		break;
	default:
		memcpy(&shown.integer, data, sizeof(shown.integer));
		break;
	}
	return shown;
}

struct wax_state_shown wax_state_show(enum wax_state_type type, struct wax_bytes bytes)
{
	if (has_size(type, bytes))
		return show_number(type, bytes.data);
	return (struct wax_state_shown){
			.form = is_text(type, bytes) ? WAX_STATE_STRING : WAX_STATE_BYTES};
}

/* ---- Out */

static void write_hex(FILE *out, struct wax_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes.data;

	fputs("0x", out);
	for (size_t i = 0; i < bytes.bytes; i++) {
		fputc(digits[at[i] >> 4], out);
		fputc(digits[at[i] & 15], out);
	}
}

static bool looks_like_hex(struct wax_bytes bytes)
{
	return bytes.bytes >= 2 && memcmp(bytes.data, "0x", 2) == 0;
}

void wax_state_write(FILE *out, enum wax_state_type type, struct wax_bytes bytes)
{
	char text[64];

	if (has_size(type, bytes)) {
		wax_type_print(types[type].type, text, sizeof(text), bytes.data, bytes.bytes);
		fputs(text, out);
	} else if (is_text(type, bytes) && !has_controls(bytes) && !looks_like_hex(bytes)) {
		fwrite(bytes.data, 1, bytes.bytes, out);
	} else {
		write_hex(out, bytes);
	}
}

void wax_state_write_json(struct wax_json *json, const char *name, enum wax_state_type type,
		struct wax_bytes bytes)
{
	struct wax_state_shown shown = wax_state_show(type, bytes);
	char hex[64];

	switch (shown.form) {
	case WAX_STATE_INTEGER:
		wax_json_i64(json, name, shown.integer);
		break;
	case WAX_STATE_UNSIGNED:
		wax_json_u64(json, name, shown.number);
		break;
	case WAX_STATE_REAL:
		wax_json_double(json, name, shown.real);
		break;
	case WAX_STATE_STRING:
		wax_json_bytes(json, name, bytes);
		break;
	case WAX_STATE_BYTES:
		snprintf(hex, sizeof(hex), "%s_hex", name);
		wax_json_hex(json, hex, bytes);
		break;
	}
}

/* ---- In */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_hex(const char *text, struct wax_state_key *key, struct wax_err *err)
{
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t length = strlen(digits);

	if (length % 2 != 0)
		return wax_err_set(err, -EINVAL,
				"'%s' is no key: write two hexadecimal digits for each byte", text);
	key->made = malloc(length / 2 + 1);
	if (!key->made)
		return wax_err_set(err, -ENOMEM, "no memory for a key");
	for (size_t i = 0; i < length / 2; i++) {
		int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(key->made);
			key->made = NULL;
			return wax_err_set(err, -EINVAL,
					"'%s' is no key: write two hexadecimal digits for each "
					"byte",
					text);
		}
		key->made[i] = (char)(high << 4 | low);
	}
	key->bytes = (struct wax_bytes){key->made, length / 2};
	return 0;
}

/* Digits, and nothing in front that strtoll would pass over. */
static bool is_number(const char *text)
{
	const char *digits = *text == '-' ? text + 1 : text;

	return *digits >= '0' && *digits <= '9';
}

static bool parse_number(enum wax_state_type type, const char *text, char *number)
{
	char *end = NULL;

	if (!is_number(text) || (*text == '-' && (type == WAX_STATE_U64 || type == WAX_STATE_U32)))
		return false;
	errno = 0;
	if (type == WAX_STATE_F64) {
		double real = strtod(text, &end);
		memcpy(number, &real, sizeof(real));
	} else if (type == WAX_STATE_U64) {
		unsigned long long wide = strtoull(text, &end, 10);
		memcpy(number, &wide, sizeof(wide));
	} else {
		long long wide = strtoll(text, &end, 10);
		memcpy(number, &wide, sizeof(wide)); /* little-endian: of the narrow ones, too */
		if (type == WAX_STATE_U32 && wide > UINT32_MAX)
			return false;
		if (type == WAX_STATE_I32 && (wide > INT32_MAX || wide < INT32_MIN))
			return false;
	}
	return *end == '\0' && errno == 0;
}

int wax_state_parse_key(enum wax_state_type type, const char *text, struct wax_state_key *key,
		struct wax_err *err)
{
	*key = (struct wax_state_key){.bytes = {text, strlen(text)}};
	if (type == WAX_STATE_HEX || strncmp(text, "0x", 2) == 0)
		return parse_hex(text, key, err);
	if (type == WAX_STATE_AUTO || type == WAX_STATE_TEXT)
		return 0;
	if (!parse_number(type, text, key->number))
		return wax_err_set(err, -EINVAL, "'%s' is no key of type %s: write such a number",
				text, types[type].short_name);
	key->bytes = (struct wax_bytes){key->number, types[type].type->item_bytes};
	return 0;
}

/* ---- Order */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_bytes(struct wax_bytes a, struct wax_bytes b)
{
	size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = bytes > 0 ? memcmp(a.data, b.data, bytes) : 0;

	return order ? order : ORDER(a.bytes, b.bytes);
}

int wax_state_compare(enum wax_state_type type, struct wax_bytes a, struct wax_bytes b)
{
	int order = 0;

	if (has_size(type, a) && has_size(type, b)) {
		struct wax_state_shown one = show_number(type, a.data);
		struct wax_state_shown other = show_number(type, b.data);

		if (one.form == WAX_STATE_UNSIGNED)
			order = ORDER(one.number, other.number);
		else if (one.form == WAX_STATE_REAL)
			order = ORDER(one.real, other.real);
		else
			order = ORDER(one.integer, other.integer);
	}
	return order ? order : compare_bytes(a, b);
}
