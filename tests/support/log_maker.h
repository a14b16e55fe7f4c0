/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOG_MAKER_H
#define TESTS_SUPPORT_LOG_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/log_format.h"

/*
 * Segments of a log, written byte by byte after runtime/log_format.h, without runtime/frames.c: what
 * reads logs is held against the format, and not against what writes them. Right is what the test
 * says, so that it can be wrong too. Aborts where memory runs out.
 */
struct log_maker {
	char *bytes;
	size_t used;
	size_t room;
	uint64_t chain;
	uint64_t epoch; /* of the frames that follow */
};

struct log_maker_record {
	const char *key;
	size_t key_bytes;
	const char *value;
	size_t value_bytes;
};

/** A key and a value as text. */
#define LOG_MAKER_TEXT(key, value)                                                                 \
	{                                                                                          \
		key, sizeof(key) - 1, value, sizeof(value) - 1                                     \
	}

struct log_maker_position {
	uint32_t step;
	uint32_t instance;
	const char *name;
	const char *position;
};

/** Begin a segment anew; what was made before is forgotten. */
void log_maker_open(struct log_maker *maker, const struct wax_log_open *open);
void log_maker_fini(struct log_maker *maker);

/** Any frame. @param head kind, step, count, key_bytes, value_bytes; the others are filled in */
void log_maker_frame(struct log_maker *maker, struct wax_log_head head, const void *payload,
		size_t payload_bytes);

/** @param key_bytes, value_bytes as in the head of the frame */
void log_maker_state(struct log_maker *maker, uint32_t step, uint32_t key_bytes,
		uint32_t value_bytes, const struct log_maker_record *records, uint32_t count);
void log_maker_gone(struct log_maker *maker, uint32_t step, uint32_t key_bytes,
		const struct log_maker_record *records, uint32_t count);
void log_maker_clear(struct log_maker *maker, uint32_t step);
/** END, and PAD behind it. @param end its field positions is filled in */
void log_maker_end(struct log_maker *maker, struct wax_log_end end,
		const struct log_maker_position *positions, uint32_t count);

/** Hash the head of the frame at `offset` again, which the test has changed. */
void log_maker_seal(struct log_maker *maker, size_t offset);

/** Write `bytes` of a segment, in one piece, over what was there. @param dir of the generation */
void log_maker_write(
		const char *dir, uint32_t worker, uint64_t number, const void *bytes, size_t count);

#endif
