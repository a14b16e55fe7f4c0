/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOG_DUMP_H
#define TESTS_SUPPORT_LOG_DUMP_H

#include <stdio.h>
#include <stdlib.h>

#include "runtime/log_scan.h"

/*
 * What a log says, as text to compare with: a line each for a frame, a record, a position.
 *
 *     epoch 2
 *     state 4 key value
 *     gone 4 key
 *     clear 1
 *     end base 1 live 1 3 flags 0
 *     position 0 1 name value
 */

static inline void log_dump_bytes(FILE *out, struct wax_bytes bytes)
{
	const unsigned char *data = bytes.data;
	fputc(' ', out);
	for (size_t i = 0; i < bytes.bytes; i++)
		fprintf(out, data[i] > ' ' && data[i] < 127 ? "%c" : "\\%02x", data[i]);
}

static inline int log_dump_records(FILE *out, const struct wax_log_frame *frame)
{
	struct wax_log_records records;
	struct wax_bytes key, value;
	int r = wax_log_records(frame, &records);

	while (r == 0 && (r = wax_log_next_record(&records, &key, &value)) == 1) {
		r = 0;
		fprintf(out, "%s %u", frame->head.kind == WAX_LOG_GONE ? "gone" : "state",
				frame->head.step);
		log_dump_bytes(out, key);
		if (frame->head.kind == WAX_LOG_STATE)
			log_dump_bytes(out, value);
		fputc('\n', out);
	}
	return r;
}

static inline int log_dump_end(FILE *out, const struct wax_log_frame *frame)
{
	struct wax_log_end end;
	struct wax_log_positions positions;
	struct wax_log_position position;
	struct wax_bytes name, bytes;
	int r = wax_log_read_end(frame, &end);

	if (r == 0)
		r = wax_log_positions(frame, &positions);
	if (r < 0)
		return r;
	fprintf(out, "end base %llu live %llu %llu flags %u\n", (unsigned long long)end.base,
			(unsigned long long)end.live_keys, (unsigned long long)end.live_bytes,
			end.flags);
	while ((r = wax_log_next_position(&positions, &position, &name, &bytes)) == 1) {
		fprintf(out, "position %u %u", position.step, position.instance);
		log_dump_bytes(out, name);
		log_dump_bytes(out, bytes);
		fputc('\n', out);
	}
	return r;
}

static inline int log_dump_frame(FILE *out, const struct wax_log_frame *frame)
{
	switch (frame->head.kind) {
	case WAX_LOG_STATE:
	case WAX_LOG_GONE:
		return log_dump_records(out, frame);
	case WAX_LOG_CLEAR:
		fprintf(out, "clear %u\n", frame->head.step);
		return 0;
	case WAX_LOG_END:
		return log_dump_end(out, frame);
	default:
		return 0;
	}
}

/** One epoch of a log, whose payloads are checked. @return 0, or why it cannot be read */
static inline int log_dump_epoch(FILE *out, const struct wax_log_scan *scan,
		const struct wax_log_epoch *epoch, struct wax_err *err)
{
	int r = 0;

	fprintf(out, "epoch %llu\n", (unsigned long long)epoch->epoch);
	for (uint32_t i = epoch->first_frame; r == 0 && i <= epoch->end_frame; i++) {
		r = wax_log_check_frame(scan, &scan->frames[i], err);
		if (r == 0)
			r = log_dump_frame(out, &scan->frames[i]);
	}
	return r;
}

/** All whole epochs up to one. @return what is there as text, to be freed; NULL: it cannot be read */
static inline char *log_dump(const struct wax_log_scan *scan, uint64_t last)
{
	char *text = NULL;
	size_t bytes;
	int r = 0;
	FILE *out = open_memstream(&text, &bytes);

	for (uint32_t i = 0; r == 0 && i < scan->epoch_count; i++) {
		if (scan->epochs[i].epoch <= last)
			r = log_dump_epoch(out, scan, &scan->epochs[i], NULL);
	}
	fclose(out);
	if (r == 0)
		return text;
	free(text);
	return NULL;
}

#endif
