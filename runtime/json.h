/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_JSON_H
#define RUNTIME_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/batch.h>

/**
 * Write JSON to a stream, a value at a time. For a buffer that grows, write to one of
 * open_memstream(3). What is written is valid JSON whatever the texts hold: bytes that are no UTF-8
 * become U+FFFD, and a number that JSON has no word for becomes null.
 *
 * `name` is the name of the value in an object, and NULL in an array and at the top.
 */
struct wax_json {
	FILE *out;
	uint64_t is_array; /* a bit for each level */
	uint32_t depth;
	bool follows; /* something stands before in this object or array */
};

enum { WAX_JSON_DEPTH_MAX = 63 };

/** @param out borrows until wax_json_finish */
void wax_json_init(struct wax_json *json, FILE *out);

/** Begin an object, or an array; what follows is in it, until wax_json_end. */
void wax_json_object(struct wax_json *json, const char *name);
void wax_json_array(struct wax_json *json, const char *name);
void wax_json_end(struct wax_json *json);

void wax_json_u64(struct wax_json *json, const char *name, uint64_t value);
void wax_json_i64(struct wax_json *json, const char *name, int64_t value);
void wax_json_double(struct wax_json *json, const char *name, double value);
void wax_json_bool(struct wax_json *json, const char *name, bool value);
/** @param text NULL: null */
void wax_json_text(struct wax_json *json, const char *name, const char *text);

/** Can these bytes be written as a text that reads back as them: are they valid UTF-8? */
bool wax_json_is_text(struct wax_bytes bytes);
/** A text with a length of its own, which may have NUL bytes. */
void wax_json_bytes(struct wax_json *json, const char *name, struct wax_bytes bytes);
/** A text of two hexadecimal digits a byte. */
void wax_json_hex(struct wax_json *json, const char *name, struct wax_bytes bytes);

/**
 * End the line, and flush it, so that whoever reads a stream of objects gets it whole. All objects
 * and arrays must be ended; another value may follow on the next line.
 *
 * @return 0, or -EIO  out did not take it
 */
int wax_json_finish(struct wax_json *json);

#endif
