/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_RACE_H
#define BENCH_RACE_H

#include <stdbool.h>
#include <stdint.h>

enum { RACE_ROUNDS_MAX = 16, RACE_RUNNERS_MAX = 16, RACE_ALSO_MAX = 4 };

/** One of those that take turns. */
struct race_runner {
	const char *name;
	/** One short run. @return what it measured; NAN: it did not work out, try again
	 *  @param ret_clean false when the machine was disturbed; true at the call */
	double (*run)(void *context, bool *ret_clean);
	void *context;
	/** What a run measured beside its value, written by run: of RACE_ALSO_MAX. May be NULL. */
	const double *also;

	/* Filled in. */
	double values[RACE_ROUNDS_MAX];
	double also_values[RACE_ALSO_MAX][RACE_ROUNDS_MAX];
	bool clean[RACE_ROUNDS_MAX];
	double median;
};

/** Run all in turns, several rounds. */
void race(struct race_runner *runners, uint32_t runner_count, uint32_t round_count);

/** A runner after its race as if its value were what it measured beside it. */
struct race_runner race_also(const struct race_runner *runner, uint32_t also, uint32_t round_count);

/**
 * Report a figure out of two runners of a race: the median, and the ratio to the yardstick.
 *
 * @param scale  what the values are multiplied by before they are shown
 * @param higher true: the values are rates, else times
 */
void race_report(const char *name, const char *params, const struct race_runner *runner,
		const struct race_runner *yardstick, uint32_t round_count, double scale,
		const char *unit, bool higher);

/** Report how much more one takes than the other, both times. */
void race_report_difference(const char *name, const char *params, const struct race_runner *more,
		const struct race_runner *less, uint32_t round_count, const char *unit);

#endif
