/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report.h"

/* A bar a ratio, as long as it is high; a line at 1. Below, the diagrams. */

enum { WIDTH = 760, LABEL = 250, ROW = 18, TOP = 40, CURVE_HEIGHT = 340, MARGIN = 60 };

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

/* ---- Diagrams: x is logarithmic, and so is y unless its numbers lie close together */

static const char *const colors[REPORT_CURVES_MAX] = {"#4878a8", "#c07028", "#508050", "#805080"};

/* What part of the diagram shows what numbers. */
struct frame {
	double left, top, wide, tall;
	double x_min, x_max; /* logarithms */
	double y_min, y_max; /* logarithms, unless it is linear */
	bool linear;
};

static double frame_x(const struct frame *frame, double x)
{
	return frame->left +
			(log10(x) - frame->x_min) / (frame->x_max - frame->x_min) * frame->wide;
}

static double frame_y(const struct frame *frame, double y)
{
	double at = frame->linear ? y : log10(y);
	double share = (at - frame->y_min) / (frame->y_max - frame->y_min);
	return frame->top + (1 - share) * frame->tall;
}

static struct frame frame_of(const struct report_diagram *diagram, double top)
{
	struct frame frame = {MARGIN, top + MARGIN, WIDTH - 2 * MARGIN, CURVE_HEIGHT - 2 * MARGIN,
			INFINITY, -INFINITY, INFINITY, -INFINITY, false};
	for (uint32_t i = 0; i < diagram->curve_count; i++) {
		const struct report_curve *curve = &diagram->curves[i];
		for (uint32_t j = 0; j < curve->count; j++) {
			frame.x_min = fmin(frame.x_min, log10(curve->x[j]));
			frame.x_max = fmax(frame.x_max, log10(curve->x[j]));
			frame.y_min = fmin(frame.y_min, log10(curve->y[j]));
			frame.y_max = fmax(frame.y_max, log10(curve->y[j]));
		}
	}
	/* A curve of one point, or one that is level, still needs room. */
	frame.x_max = fmax(frame.x_max, frame.x_min + 0.1);
	frame.linear = frame.y_max - frame.y_min < 2 && frame.y_max < 2;
	if (frame.linear) {
		frame.y_max = ceil(pow(10, frame.y_max) * 1.05);
		frame.y_min = 0;
	} else {
		frame.y_min = floor(frame.y_min);
		frame.y_max = fmax(ceil(frame.y_max), frame.y_min + 1);
	}
	return frame;
}

static void draw_grid(FILE *out, const struct frame *frame)
{
	char label[32];
	double step = frame->linear ? ceil(frame->y_max / 8 * 2) / 2 : 1;
	for (double at = frame->y_min; at <= frame->y_max; at += step) {
		double value = frame->linear ? at : pow(10, at), y = frame_y(frame, value);
		line(out, frame->left, y, frame->left + frame->wide, y, "grid");
		snprintf(label, sizeof(label), "%g", value);
		text(out, frame->left - 4, y + 4, "end", label);
	}
	for (double power = ceil(frame->x_min); power <= frame->x_max; power++) {
		double x = frame_x(frame, pow(10, power));
		line(out, x, frame->top, x, frame->top + frame->tall, "grid");
		snprintf(label, sizeof(label), "%g", pow(10, power));
		text(out, x, frame->top + frame->tall + 16, "middle", label);
	}
}

static void draw_curve(FILE *out, const struct frame *frame, const struct report_curve *curve,
		uint32_t index)
{
	fprintf(out, "<polyline style=\"stroke:%s\" points=\"", colors[index]);
	for (uint32_t i = 0; i < curve->count; i++)
		fprintf(out, "%.1f,%.1f ", frame_x(frame, curve->x[i]),
				frame_y(frame, curve->y[i]));
	fprintf(out, "\"/>\n");
	for (uint32_t i = 0; i < curve->count; i++)
		fprintf(out, "<circle style=\"fill:%s\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"/>\n",
				colors[index], frame_x(frame, curve->x[i]),
				frame_y(frame, curve->y[i]));
	fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" fill=\"%s\">%s</text>\n", frame->left + 8,
			frame->top + frame->tall - 8 - 16 * index, colors[index], curve->name);
}

static void draw_diagram(FILE *out, const struct report_diagram *diagram, double top)
{
	struct frame frame = frame_of(diagram, top);
	text(out, frame.left, frame.top - 24, "start", diagram->name);
	draw_grid(out, &frame);
	for (uint32_t i = 0; i < diagram->curve_count; i++)
		draw_curve(out, &frame, &diagram->curves[i], i);
	if (!diagram->line)
		return;
	double x = frame_x(&frame, diagram->line_x);
	x = fmin(fmax(x, frame.left), frame.left + frame.wide);
	line(out, x, frame.top - 4, x, frame.top + frame.tall, "one");
	text(out, x, frame.top - 8, "start", diagram->line);
}

static double height(void)
{
	uint32_t figure_count, diagram_count, rows = 0;
	const struct figure *figures = report_figures(&figure_count);
	report_diagrams(&diagram_count);
	for (uint32_t i = 0; i < figure_count; i++)
		rows += !isnan(figures[i].ratio);
	return TOP + ROW * (rows + 1) + CURVE_HEIGHT * diagram_count;
}

int plot_write(const char *path)
{
	FILE *out = fopen(path, "w");
	if (!out)
		return -errno;
	fprintf(out,
			"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
			"font-family=\"sans-serif\" font-size=\"12\">\n"
			"<style>svg{background:#fff}rect{fill:#4878a8}"
			".one{stroke:#b03030;stroke-dasharray:4 3}.grid{stroke:#ddd}"
			"polyline{fill:none;stroke-width:2}</style>\n",
			WIDTH, height());
	double y = draw_bars(out);
	uint32_t count;
	const struct report_diagram *diagrams = report_diagrams(&count);
	for (uint32_t i = 0; i < count; i++, y += CURVE_HEIGHT)
		draw_diagram(out, &diagrams[i], y);
	fprintf(out, "</svg>\n");
	return fclose(out) == 0 ? 0 : -errno;
}
