/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report.h"

/* A bar a ratio, as long as it is high; a line at 1. Below, the curves. */

enum { WIDTH = 760, LABEL = 250, ROW = 18, TOP = 40, CURVE_HEIGHT = 260, MARGIN = 50 };

static const double ratio_shown = 1.5;

static void text(FILE *out, double x, double y, const char *anchor, const char *what)
{
	fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
			what);
}

static void line(FILE *out, double x1, double y1, double x2, double y2, const char *class)
{
	fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			class, x1, y1, x2, y2);
}

static double bar_x(double ratio)
{
	double shown = ratio < ratio_shown ? ratio : ratio_shown;
	return LABEL + shown / ratio_shown * (WIDTH - LABEL - 60);
}

static double draw_bars(FILE *out)
{
	uint32_t count;
	const struct figure *figures = report_figures(&count);
	double y = TOP;
	for (uint32_t i = 0; i < count; i++) {
		if (isnan(figures[i].ratio))
			continue;
		char value[16];
		snprintf(value, sizeof(value), "%.2f", figures[i].ratio);
		text(out, LABEL - 8, y + 12, "end", figures[i].name);
		fprintf(out, "<rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"/>\n", LABEL, y,
				bar_x(figures[i].ratio) - LABEL, ROW - 4);
		text(out, bar_x(figures[i].ratio) + 4, y + 12, "start", value);
		y += ROW;
	}
	line(out, bar_x(1), TOP - 6, bar_x(1), y, "one");
	text(out, bar_x(1), TOP - 10, "middle", "as fast as by hand");
	return y + ROW;
}

/* x is logarithmic. */
static void draw_curve(FILE *out, const struct report_curve *curve, double top)
{
	double left = log10(curve->x[0]), right = log10(curve->x[curve->count - 1]), high = 1;
	for (uint32_t i = 0; i < curve->count; i++)
		high = curve->y[i] > high ? curve->y[i] : high;
	high *= 1.1;
	double wide = WIDTH - 2 * MARGIN, tall = CURVE_HEIGHT - 2 * MARGIN;
	double bottom = top + MARGIN + tall;

	text(out, MARGIN, top + MARGIN - 14, "start", curve->name);
	line(out, MARGIN, bottom, MARGIN + wide, bottom, "axis");
	line(out, MARGIN, bottom - tall / high, MARGIN + wide, bottom - tall / high, "one");
	fprintf(out, "<polyline points=\"");
	for (uint32_t i = 0; i < curve->count; i++)
		fprintf(out, "%.1f,%.1f ",
				MARGIN + (log10(curve->x[i]) - left) / (right - left) * wide,
				bottom - curve->y[i] / high * tall);
	fprintf(out, "\"/>\n");
	for (uint32_t i = 0; i < curve->count; i++) {
		char label[32];
		double x = MARGIN + (log10(curve->x[i]) - left) / (right - left) * wide;
		snprintf(label, sizeof(label), "%g", curve->x[i]);
		text(out, x, bottom + 16, "middle", label);
		snprintf(label, sizeof(label), "%.2f", curve->y[i]);
		text(out, x, bottom - curve->y[i] / high * tall - 6, "middle", label);
	}
}

static double height(void)
{
	uint32_t figure_count, curve_count, rows = 0;
	const struct figure *figures = report_figures(&figure_count);
	report_curves(&curve_count);
	for (uint32_t i = 0; i < figure_count; i++)
		rows += !isnan(figures[i].ratio);
	return TOP + ROW * (rows + 1) + CURVE_HEIGHT * curve_count;
}

int plot_write(const char *path)
{
	FILE *out = fopen(path, "w");
	if (!out)
		return -errno;
	fprintf(out,
			"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
			"font-family=\"sans-serif\" font-size=\"12\">\n"
			"<style>svg{background:#fff}rect{fill:#4878a8}.one{stroke:#b03030;stroke-"
			"dasharray:"
			"4 "
			"3}.axis{stroke:#444}polyline{fill:none;stroke:#4878a8;stroke-width:2}</"
			"style>\n",
			WIDTH, height());
	double y = draw_bars(out);
	uint32_t count;
	const struct report_curve *curves = report_curves(&count);
	for (uint32_t i = 0; i < count; i++, y += CURVE_HEIGHT) {
		if (curves[i].count > 1)
			draw_curve(out, &curves[i], y);
	}
	fprintf(out, "</svg>\n");
	return fclose(out) == 0 ? 0 : -errno;
}
