/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LETTERS_H
#define RUNTIME_LETTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/batch.h>
#include <wax/err.h>
#include <wax/type.h>

/*
 * Dead letters: items that a step could not process, with all that is known of them, as JSON lines
 * at the end of a file. docs/reference/dead-letters.md is the format. The file is opened in the
 * launcher; the workers share it, each writes whole lines only, so they do not mix.
 */

/** A file for dead letters. */
struct wax_letter_box {
	const char *path;
	int fd; /* -1: not open */
};

/** What one worker has for a box and has not written yet. Zeroed is empty. */
struct wax_letters {
	FILE *stream;
	char *text;
	size_t bytes;
	bool written; /* something is in the file that the disk may not have yet */
};

struct wax_letter {
	const char *flow;
	const char *step; /* full id */
	uint32_t worker;
	uint64_t epoch;
	const char *source; /* "": none was read */
	uint64_t offset;
	const char *error;           /* the sentence */
	const struct wax_type *type; /* of the item */
	struct wax_item item;        /* the key counts where the type is keyed */
};

/** With more than this it is time for wax_letters_flush. */
enum { WAX_LETTERS_BYTES_ENOUGH = 256 * 1024 };

/** Open the file, or make it; what is in it stays. @return 0, or a negative errno with a sentence */
int wax_letter_box_open(struct wax_letter_box *box, struct wax_err *err);
/** Not open is allowed. */
void wax_letter_box_close(struct wax_letter_box *box);

/** Add a letter. @return 0 or -ENOMEM */
int wax_letters_add(struct wax_letters *letters, const struct wax_letter *letter);
/** Write all to the box; blocks. @return 0, or a negative errno with a sentence */
int wax_letters_flush(
		struct wax_letters *letters, const struct wax_letter_box *box, struct wax_err *err);
/** Flush, and wait until the disk has what was written. */
int wax_letters_sync(
		struct wax_letters *letters, const struct wax_letter_box *box, struct wax_err *err);
/** What was not flushed is lost. */
void wax_letters_fini(struct wax_letters *letters);

#endif
