/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** One result. */
struct figure {
	char name[48];   /* "exchange/keyed_16b": group/what */
	char params[64]; /* "2 workers, 10 M items"; may be empty */
	const char *unit;
	double value;
	double yardstick; /* of the loop by hand, in the same unit; NAN: there is none */
	double ratio;     /* higher is better; NAN without a yardstick */
	double spread;    /* of the ratio, or of the value: what half of the rounds lay within */
	bool higher;      /* is a greater value better? */
	bool noisy;       /* in most rounds the machine was taken away from us */
};

/** Print a figure, as a row or as JSON, and keep it. */
void report(const struct figure *figure, const char *name, const char *params);

/** A figure without a yardstick. */
void report_value(
		const char *name, const char *params, double value, const char *unit, bool higher);

/** A sentence below the table; not in JSON. */
void report_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** One point of a curve, for the plot. */
void report_point(const char *curve, double x, double y);

/** All that was reported, to a Markdown file. */
void report_markdown(FILE *out, const char *commit);

/* For the plot. */
struct report_curve {
	const char *name;
	uint32_t count;
	double x[32], y[32];
};
const struct figure *report_figures(uint32_t *ret_count);
const struct report_curve *report_curves(uint32_t *ret_count);

/** The plot: bars of all ratios, and the curves. @return 0 or a negative errno */
int plot_write(const char *path);

#endif
