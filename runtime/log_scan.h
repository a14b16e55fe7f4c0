/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LOG_SCAN_H
#define RUNTIME_LOG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/log_format.h"

/*
 * The log of one worker, as it lies on disk: its segments mapped, its frames found, none of it
 * trusted. Heads are checked when it is opened; payloads when they are asked for. Read only.
 */

/** A frame. */
struct wax_log_frame {
	struct wax_log_head head; /* a copy, checked: kind, sizes, bounds */
	const char *payload;      /* in the mapping: head.payload_bytes */
	uint32_t segment;         /* index in the scan */
	uint64_t offset;          /* in the segment's file, of the head */
};

/** An epoch that is whole, as far as its heads tell. */
struct wax_log_epoch {
	uint64_t epoch;
	uint64_t base; /* see struct wax_log_end */
	uint32_t first_frame;
	uint32_t end_frame; /* index of its END */
};

struct wax_log_segment {
	char name[WAX_LOG_NAME_BYTES];
	uint64_t number;
	uint64_t bytes;      /* of the file */
	uint64_t data_bytes; /* to the last that is not zero */
	const char *mapped;  /* NULL: it is empty */
};

struct wax_log_scan {
	char *path; /* of the generation, for sentences */
	uint32_t worker;
	uint32_t worker_count;
	uint64_t generation; /* 0: no segment says */
	uint64_t run;
	struct wax_log_segment *segments; /* in order, without gaps; what lies before a gap was about
					   * to be removed and is not here */
	uint32_t segment_count;
	struct wax_log_frame *frames; /* the last is an END; OPEN and PAD are among them */
	uint32_t frame_count;
	struct wax_log_epoch *epochs; /* ascending */
	uint32_t epoch_count;
	/* What lies behind the last whole epoch. */
	uint32_t torn_segment; /* index */
	uint64_t torn_offset;
	uint64_t torn_bytes; /* to the last that is not zero; 0: the log ends with an END */
	uint64_t torn_epoch; /* the last of which there is a frame; 0: none */
	struct wax_err torn; /* why it ends there: "frame at byte 81920 of '...': ..." */
};

/**
 * Look at the log of one worker. A log without any segment is empty, not an error.
 *
 * @param dir  of the generation
 * @param path of it, for sentences
 * @return 0; -EBADMSG: damaged in the middle: a whole frame of a later epoch lies behind one that is
 *         broken; -EPROTO: of a version that this program does not read, or of another run or
 *         worker; or what open(2) and mmap(2) give. With a sentence.
 */
int wax_log_scan(int dir, const char *path, uint32_t worker, struct wax_log_scan *ret_scan,
		struct wax_err *err);
void wax_log_scan_free(struct wax_log_scan *scan);

/** Check the payload of a frame against its hash. @param frame of the scan; the one before it is
 *  read ahead @return 0; -EBADMSG with a sentence that names
 *  file and byte */
int wax_log_check_frame(const struct wax_log_scan *scan, const struct wax_log_frame *frame,
		struct wax_err *err);

/** The epoch, or NULL. */
const struct wax_log_epoch *wax_log_find_epoch(const struct wax_log_scan *scan, uint64_t epoch);

/** Forget the last epoch, which has turned out not to be whole. */
void wax_log_drop_epoch(struct wax_log_scan *scan);

/** A walk over the records of a STATE or GONE frame whose payload was checked. */
struct wax_log_records {
	const char *at, *end;
	uint32_t left;
	uint32_t key_bytes, value_bytes; /* as in the head; value_bytes 0 for GONE */
};

/** @return 0; -EBADMSG: the kind has no records */
int wax_log_records(const struct wax_log_frame *frame, struct wax_log_records *ret_records);
/** @return 1: written; 0: that was the last, and it ended where the payload does; -EBADMSG */
int wax_log_next_record(struct wax_log_records *records, struct wax_bytes *ret_key,
		struct wax_bytes *ret_value);

/** The fixed part of an END frame whose payload was checked. @return 0 or -EBADMSG */
int wax_log_read_end(const struct wax_log_frame *frame, struct wax_log_end *ret_end);

/** A walk over its positions. */
struct wax_log_positions {
	const char *at, *end;
	uint32_t left;
};
int wax_log_positions(const struct wax_log_frame *frame, struct wax_log_positions *ret_positions);
/** @return as wax_log_next_record */
int wax_log_next_position(struct wax_log_positions *positions, struct wax_log_position *ret_position,
		struct wax_bytes *ret_name, struct wax_bytes *ret_bytes);

#endif
