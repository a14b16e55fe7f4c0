/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_SCAN_H
#define CONNECTORS_SCAN_H

#include <stdint.h>

#include <wax/batch.h>

/*
 * Find the lines of a text in memory, as spans. Several times faster than a memchr(3) for each
 * line where lines are short, because 64 bytes are compared at once and a bit stands for each.
 */

/** A text that is being scanned. A plain value. */
struct wax_scan {
	const char *heap; /* borrows during calls; spans count from here */
	uint32_t line;    /* where the line begins whose end was not found yet */
	uint32_t at;      /* all before was looked at; line <= at <= end */
	uint32_t end;     /* of the text */
};

/**
 * Find the next lines that end with a newline. Moves scan->line and scan->at on; where it gives
 * less than span_count_max, scan->at is scan->end, and what is left behind scan->line has no
 * newline. More text may then be appended (and scan->end raised): nothing is scanned twice.
 *
 * @param spans written; without the "\n" or "\r\n"
 * @return how many lines were found, at most span_count_max
 */
uint32_t wax_scan_lines(struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max);

/** One way to do it; for tests and benches. */
struct wax_scan_variant {
	const char *name; /* NULL: the end of the table */
	uint32_t (*lines)(struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max);
};

/** All that this processor can do, the best first. Lends until the process ends. */
const struct wax_scan_variant *wax_scan_variants(void);

#endif
