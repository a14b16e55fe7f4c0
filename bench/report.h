/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** One result. */
struct figure {
	char name[48];   /* "exchange/keyed_16b": group/what */
	char params[80]; /* "2 workers, 10 M items"; may be empty */
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

/** Say that something is not measured, and why: below the table, and on standard error. */
void report_skip(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Was nothing reported, and nothing skipped? */
bool report_is_empty(void);

/** One point of a curve of a diagram, for the plot. x is on the scale of the logarithm.
 *  @param diagram what it shows, and what x and y are; the same text for all its points
 *  @param curve   what this curve is */
void report_point(const char *diagram, const char *curve, double x, double y);

/** A line across the diagram at x. */
void report_line(const char *diagram, const char *label, double x);

/** All that was reported, to a Markdown file. */
void report_markdown(FILE *out, const char *commit);

/* For the plot. */
enum { REPORT_CURVES_MAX = 4, REPORT_POINTS_MAX = 32 };

struct report_curve {
	const char *name;
	uint32_t count;
	double x[REPORT_POINTS_MAX], y[REPORT_POINTS_MAX];
};

struct report_diagram {
	const char *name;
	uint32_t curve_count;
	struct report_curve curves[REPORT_CURVES_MAX];
	const char *line; /* NULL: none */
	double line_x;
};

const struct figure *report_figures(uint32_t *ret_count);
const struct report_diagram *report_diagrams(uint32_t *ret_count);

/** The plot: bars of all ratios, and the diagrams. @return 0 or a negative errno */
int plot_write(const char *path);

#endif
