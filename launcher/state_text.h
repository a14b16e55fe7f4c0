/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_STATE_TEXT_H
#define LAUNCHER_STATE_TEXT_H

#include <stdio.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/json.h"

/**
 * Keys and states, which are bytes, as what they probably are. Pure.
 */
enum wax_state_type {
	WAX_STATE_AUTO, /* text where it is printable, else hexadecimal */
	WAX_STATE_U64,
	WAX_STATE_I64,
	WAX_STATE_U32,
	WAX_STATE_I32,
	WAX_STATE_F64,
	WAX_STATE_TEXT,
	WAX_STATE_HEX,
};

/** The type of a name in a manifest: "uint64_t", "text"; WAX_STATE_AUTO: not one of ours. */
enum wax_state_type wax_state_type_named(const char *name);

/** What bytes are shown as. */
enum wax_state_form {
	WAX_STATE_INTEGER,  /* signed */
	WAX_STATE_UNSIGNED, /* beyond the greatest signed one, too */
	WAX_STATE_REAL,
	WAX_STATE_STRING,
	WAX_STATE_BYTES,
};

struct wax_state_shown {
	enum wax_state_form form;
	union {
		int64_t integer;
		uint64_t number;
		double real;
	};
};

/** A number is shown as one if it has the size of the type; text if it is valid UTF-8, and with
 *  WAX_STATE_AUTO without control characters. */
struct wax_state_shown wax_state_show(enum wax_state_type type, struct wax_bytes bytes);

/** Write bytes in a line of text, as one column: see wax_state_show; text that would not be one
 *  column, or could be taken for hexadecimal digits, becomes hexadecimal. */
void wax_state_write(FILE *out, enum wax_state_type type, struct wax_bytes bytes);

/** Write bytes to JSON: `name` is a number or a text, or `name`_hex has hexadecimal digits. */
void wax_state_write_json(struct wax_json *json, const char *name, enum wax_state_type type,
		struct wax_bytes bytes);

/** Bytes of a key as somebody types it. Room for a number; longer ones are in `made`. */
struct wax_state_key {
	struct wax_bytes bytes; /* borrows the text, or points into this */
	char number[8];
	char *made; /* release with free */
};

/** As wax_state_write writes it. @param text borrows until the last use of *key @return 0; -EINVAL, -ENOMEM with a sentence */
int wax_state_parse_key(enum wax_state_type type, const char *text, struct wax_state_key *key,
		struct wax_err *err);

/** Order of keys: numbers by value, others by bytes. @return as memcmp */
int wax_state_compare(enum wax_state_type type, struct wax_bytes a, struct wax_bytes b);

#endif
