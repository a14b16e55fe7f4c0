/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_RANGES_H
#define CONNECTORS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/connector.h>
#include <wax/err.h>

/*
 * A source that is an interval of bytes or items, [0, size), cut into as many partitions as it is to
 * have. A run that goes on cuts what the earlier one has left: the partitions are as many as this run
 * has workers, and of one size, however many there were and however far each had come. What the
 * interval has grown by is left too.
 *
 * So a partition is a row of ranges, in order and apart: one in a run that begins anew, more where
 * ranges that were read in part have been cut again. Its name, "in.txt:0/2", only says which it is;
 * what it has to read is said by its position, from the beginning on.
 *
 * A range may be of lines: those whose first byte lies in it. It then matters whether a line is known
 * to begin where the range does. Where it is not (the range was cut off another), the reader looks for
 * the first newline; where it is, although no newline is before it, the end of the interval was there
 * once, and what was appended is a line of its own.
 */
struct wax_range {
	uint64_t next;   /* the first that was not read; behind the end, or at it: all were */
	uint64_t end;    /* of the range */
	uint64_t begins; /* 1: a line is known to begin at next */
};

struct wax_ranges {
	struct wax_range *
			ranges; /* what is not read yet, and at least one; the first is being read */
	uint32_t count;
	struct wax_range *memory; /* in which they lie */
};

/**
 * In list of a source: add its partitions.
 *
 * @param name       of the whole: partitions are "NAME:0/2", "NAME:1/2"
 * @param unit       for sentences: "bytes"
 * @param part_count how many partitions, at least 1
 * @return 0; -ESTALE   what was saved is of something else, or of something larger
 *            -EBADMSG  it is damaged
 *            -ENOMEM
 */
int wax_ranges_list(struct wax_parts *parts, const char *name, const char *unit, uint64_t size,
		uint32_t part_count, struct wax_err *err);

/**
 * In open of a source.
 *
 * @param position   what open was given
 * @param ret_ranges release with wax_ranges_fini
 * @return 0, -EBADMSG, -ENOMEM
 */
int wax_ranges_init(struct wax_ranges *ret_ranges, struct wax_bytes position, struct wax_err *err);
/** All zeros are allowed. */
void wax_ranges_fini(struct wax_ranges *ranges);

/** The range to be read. @return NULL: all were; lends until wax_ranges_advance or wax_ranges_fini */
const struct wax_range *wax_ranges_now(const struct wax_ranges *ranges);

/**
 * The range has been read so far.
 *
 * @param next   at least the range's
 * @param begins does a line begin there? Of a source that is not of lines: false
 * @return whether it was the last of the range, so that wax_ranges_now gives another, or NULL
 */
bool wax_ranges_advance(struct wax_ranges *ranges, uint64_t next, bool begins);

/** What position gives back. Lends until wax_ranges_advance or wax_ranges_fini. */
struct wax_bytes wax_ranges_position(const struct wax_ranges *ranges);

#endif
