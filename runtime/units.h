/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_UNITS_H
#define RUNTIME_UNITS_H

#include <stdint.h>

#include <wax/err.h>

/**
 * Sizes, durations, counts: from text and to text. Pure; any thread, no allocation.
 *
 * The parsers are strict: the whole text is one number and at most one unit, without blanks, sign,
 * or exponent. A decimal fraction is allowed in front of a unit that is larger than the smallest
 * one ("1.5s"); what it leaves below the smallest unit is cut off. Each failure is a sentence that
 * shows the text and says what is accepted.
 */

/**
 * Parse a size: "4096", "64K", "512KiB", "1.5G". K, M, G, T (also k, KiB, ...) are multiples of
 * 1024; B may follow a number of bytes. KB and MB mean different things to different people and are
 * refused.
 *
 * @param text      borrows until return
 * @param ret_bytes bytes
 * @return 0, or -EINVAL  text is no size
 *               -ERANGE  more than 2^64 - 1 bytes
 */
int wax_units_parse_bytes(const char *text, uint64_t *ret_bytes, struct wax_err *err);

/**
 * Parse a duration: "250ms", "1.5s", "2m", "100us"; units ns, us, ms, s, m, h, d. A number without
 * a unit is refused, because people mean seconds and milliseconds by it; only "0" needs none.
 *
 * @param text   borrows until return
 * @param ret_ns nanoseconds, never negative
 * @return 0, or -EINVAL  text is no duration
 *               -ERANGE  more than INT64_MAX ns, some 292 years
 */
int wax_units_parse_duration(const char *text, int64_t *ret_ns, struct wax_err *err);

/**
 * Parse a count: "1000000", "64K", "1.5M", "2G". K, M, G are multiples of 1000.
 *
 * @param text      borrows until return
 * @param ret_count a number of things
 * @return 0, or -EINVAL  text is no count
 *               -ERANGE  more than 2^64 - 1
 */
int wax_units_parse_count(const char *text, uint64_t *ret_count, struct wax_err *err);

/**
 * Parse a whole number in decimal digits.
 *
 * @param text       borrows until return
 * @param ret_number the number
 * @return 0, or -EINVAL  text is no whole number
 *               -ERANGE  more than 2^64 - 1
 */
int wax_units_parse_number(const char *text, uint64_t *ret_number, struct wax_err *err);

/** Printed text by value: `printf("%s", wax_units_print_bytes(n).text)` needs no buffer. */
struct wax_units_text {
	char text[32];
};

/** "512B", "64KiB", "1.5MiB": at most one decimal; wax_units_parse_bytes reads it. */
struct wax_units_text wax_units_print_bytes(uint64_t bytes);

/** "4.21M/s", "512/s", "0.3/s": three digits. What is no number or negative prints as "-/s". */
struct wax_units_text wax_units_print_rate(double per_second);

/** "1,234,567": every digit, for summaries. */
struct wax_units_text wax_units_print_count(uint64_t count);

/** "4.21M", "512": three digits, for a progress line. */
struct wax_units_text wax_units_print_count_short(uint64_t count);

/**
 * "12.0s", "1.5ms", "250us", "90ns", "2h46m40s": a duration as people read it.
 *
 * @param ns nanoseconds; negative ones print with a minus
 */
struct wax_units_text wax_units_print_seconds(int64_t ns);

/** "10s", "1500ms", "2m", "0": exact, the largest whole unit; wax_units_parse_duration reads it. */
struct wax_units_text wax_units_print_duration(int64_t ns);

#endif
