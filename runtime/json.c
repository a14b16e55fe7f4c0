/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"

void wax_json_init(struct wax_json *json, FILE *out)
{
	*json = (struct wax_json){.out = out};
}

/* Length of the UTF-8 letter at `at`, at most `bytes`; 0: it is none. */
static size_t letter_bytes(const unsigned char *at, size_t bytes)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = 0;

	if (at[0] < 0x80)
		length = 1;
	else if (at[0] >> 5 == 0x06)
		length = 2;
	else if (at[0] >> 4 == 0x0e)
		length = 3;
	else if (at[0] >> 3 == 0x1e)
		length = 4;
	if (length > bytes)
		return 0;
	if (length <= 1)
		return length;

	uint32_t code = at[0] & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

static void write_letter(FILE *out, const unsigned char *at, size_t length)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	if (length == 0) {
		fputs("\\ufffd", out);
		return;
	}
	for (const char *pair = named; length == 1 && *pair; pair += 2) {
		if (*at == (unsigned char)*pair) {
			fprintf(out, "\\%c", pair[1]);
			return;
		}
	}
	if (*at < 0x20 || *at == 0x7f)
		fprintf(out, "\\u%04x", *at);
	else
		fwrite(at, 1, length, out);
}

static void write_text(FILE *out, const void *text, size_t bytes)
{
	const unsigned char *at = text;

	fputc('"', out);
	while (bytes > 0) {
		size_t length = letter_bytes(at, bytes);
		size_t step = length ? length : 1;

		write_letter(out, at, length);
		at += step;
		bytes -= step;
	}
	fputc('"', out);
}

/* What stands in front of a value. */
static void begin(struct wax_json *json, const char *name)
{
	bool in_object = json->depth > 0 && !(json->is_array >> json->depth & 1);

	WAX_ASSERT(in_object == (name != NULL));
	if (json->follows)
		fputc(',', json->out);
	json->follows = true;
	if (name) {
		write_text(json->out, name, strlen(name));
		fputc(':', json->out);
	}
}

static void descend(struct wax_json *json, const char *name, bool is_array)
{
	begin(json, name);
	WAX_ASSERT(json->depth < WAX_JSON_DEPTH_MAX);
	json->depth++;
	json->is_array &= ~(UINT64_C(1) << json->depth);
	json->is_array |= (uint64_t)is_array << json->depth;
	json->follows = false;
	fputc(is_array ? '[' : '{', json->out);
}

void wax_json_object(struct wax_json *json, const char *name)
{
	descend(json, name, false);
}

void wax_json_array(struct wax_json *json, const char *name)
{
	descend(json, name, true);
}

void wax_json_end(struct wax_json *json)
{
	WAX_ASSERT(json->depth > 0);
	fputc(json->is_array >> json->depth & 1 ? ']' : '}', json->out);
	json->depth--;
	json->follows = true;
}

void wax_json_u64(struct wax_json *json, const char *name, uint64_t value)
{
	begin(json, name);
	fprintf(json->out, "%" PRIu64, value);
}

void wax_json_i64(struct wax_json *json, const char *name, int64_t value)
{
	begin(json, name);
	fprintf(json->out, "%" PRId64, value);
}

void wax_json_double(struct wax_json *json, const char *name, double value)
{
	char text[32];

	begin(json, name);
	if (!isfinite(value)) {
		fputs("null", json->out);
		return;
	}
	/* The shorter form, where it is the same number. */
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	fputs(text, json->out);
}

void wax_json_bool(struct wax_json *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->out);
}

void wax_json_text(struct wax_json *json, const char *name, const char *text)
{
	begin(json, name);
	if (text)
		write_text(json->out, text, strlen(text));
	else
		fputs("null", json->out);
}

bool wax_json_is_text(struct wax_bytes bytes)
{
	const unsigned char *at = bytes.data;

	for (size_t left = bytes.bytes, length; left > 0; left -= length, at += length) {
		length = letter_bytes(at, left);
		if (length == 0)
			return false;
	}
	return true;
}

void wax_json_bytes(struct wax_json *json, const char *name, struct wax_bytes bytes)
{
	begin(json, name);
	write_text(json->out, bytes.data, bytes.bytes);
}

void wax_json_hex(struct wax_json *json, const char *name, struct wax_bytes bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes.data;

	begin(json, name);
	fputc('"', json->out);
	for (size_t i = 0; i < bytes.bytes; i++) {
		fputc(digits[at[i] >> 4], json->out);
		fputc(digits[at[i] & 15], json->out);
	}
	fputc('"', json->out);
}

int wax_json_finish(struct wax_json *json)
{
	WAX_ASSERT(json->depth == 0);
	json->follows = false;
	fputc('\n', json->out);
	fflush(json->out);
	return ferror(json->out) ? -EIO : 0;
}
