/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

enum { FIGURES_MAX = 256, DIAGRAMS_MAX = 8, SENTENCES_MAX = 32 };

static struct figure figures[FIGURES_MAX];
static uint32_t figure_count;
static struct report_diagram diagrams[DIAGRAMS_MAX];
static uint32_t diagram_count;
static char *sentences[SENTENCES_MAX];
static uint32_t sentence_count;

const struct figure *report_figures(uint32_t *ret_count)
{
	*ret_count = figure_count;
	return figures;
}

const struct report_diagram *report_diagrams(uint32_t *ret_count)
{
	*ret_count = diagram_count;
	return diagrams;
}

bool report_is_empty(void)
{
	return figure_count == 0 && sentence_count == 0;
}

/* ---- One row */

struct number {
	char text[24];
};

/* Three digits that mean something. */
static struct number number(double value)
{
	struct number n;
	if (isnan(value))
		snprintf(n.text, sizeof(n.text), "-");
	else
		snprintf(n.text, sizeof(n.text),
				fabs(value) >= 100                  ? "%.0f"
						: fabs(value) >= 10 ? "%.1f"
								    : "%.2f",
				value);
	return n;
}

static const char *json_number(double value, char text[32])
{
	if (isnan(value) || isinf(value))
		return "null";
	snprintf(text, 32, "%.6g", value);
	return text;
}

static void print_json(const struct figure *figure)
{
	char a[32], b[32], c[32], d[32];
	printf("{\"bench\":\"%s\",\"params\":\"%s\",\"value\":%s,\"unit\":\"%s\",\"yardstick\":%s,"
	       "\"ratio\":%s,\"spread\":%s,\"higher\":%s,\"noisy\":%s}\n",
			figure->name, figure->params, json_number(figure->value, a), figure->unit,
			json_number(figure->yardstick, b), json_number(figure->ratio, c),
			json_number(figure->spread, d), figure->higher ? "true" : "false",
			figure->noisy ? "true" : "false");
}

static void print_row(const struct figure *figure)
{
	static bool headed;
	if (!headed)
		printf("%-32s %9s %9s %-8s %6s %6s  %s\n", "", "wax", "by hand", "", "ratio", "+-",
				"with");
	headed = true;
	char spread[16] = "";
	if (!isnan(figure->spread))
		snprintf(spread, sizeof(spread), "%.0f%%", figure->spread * 50);
	printf("%-32s %9s %9s %-8s %6s %6s%s %s\n", figure->name, number(figure->value).text,
			number(figure->yardstick).text, figure->unit, number(figure->ratio).text,
			spread, figure->noisy ? "?" : " ", figure->params);
}

void report(const struct figure *figure, const char *name, const char *params)
{
	if (figure_count == FIGURES_MAX || !bench_wants(name))
		return;
	struct figure *kept = &figures[figure_count++];
	*kept = *figure;
	snprintf(kept->name, sizeof(kept->name), "%s", name);
	snprintf(kept->params, sizeof(kept->params), "%s", params);
	if (bench.json)
		print_json(kept);
	else
		print_row(kept);
	fflush(stdout);
}

void report_value(const char *name, const char *params, double value, const char *unit, bool higher)
{
	struct figure figure = {.unit = unit,
			.value = value,
			.yardstick = NAN,
			.ratio = NAN,
			.spread = NAN,
			.higher = higher};
	report(&figure, name, params);
}

static void keep_sentence(char *text)
{
	if (sentence_count < SENTENCES_MAX)
		sentences[sentence_count++] = text;
	else
		free(text);
}

void report_say(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return;
	if (!bench.json) {
		printf("    %s\n", text);
		fflush(stdout);
	}
	keep_sentence(text);
}

void report_skip(const char *what, const char *fmt, ...)
{
	va_list args;
	char *why = NULL, *text = NULL;
	va_start(args, fmt);
	if (vasprintf(&why, fmt, args) < 0)
		why = NULL;
	va_end(args);
	if (!why || asprintf(&text, "Skipped: %s, because %s.", what, why) < 0)
		bench_die("no memory");
	free(why);
	fprintf(stderr, "waxbench: %s\n", text);
	keep_sentence(text);
}

/* ---- Diagrams */

static struct report_diagram *find_diagram(const char *name)
{
	struct report_diagram *diagram = diagrams;
	while (diagram < diagrams + diagram_count && strcmp(diagram->name, name) != 0)
		diagram++;
	BENCH_CHECK(diagram < diagrams + DIAGRAMS_MAX);
	if (diagram == diagrams + diagram_count) {
		diagram_count++;
		diagram->name = name;
	}
	return diagram;
}

void report_point(const char *name, const char *curve_name, double x, double y)
{
	struct report_diagram *diagram = find_diagram(name);
	struct report_curve *curve = diagram->curves;
	while (curve < diagram->curves + diagram->curve_count &&
			strcmp(curve->name, curve_name) != 0)
		curve++;
	BENCH_CHECK(curve < diagram->curves + REPORT_CURVES_MAX);
	if (curve == diagram->curves + diagram->curve_count) {
		diagram->curve_count++;
		curve->name = curve_name;
	}
	BENCH_CHECK(curve->count < REPORT_POINTS_MAX);
	curve->x[curve->count] = x;
	curve->y[curve->count++] = y;
}

void report_line(const char *name, const char *label, double x)
{
	struct report_diagram *diagram = find_diagram(name);
	diagram->line = label;
	diagram->line_x = x;
}

/* ---- Markdown */

static void print_machine(FILE *out)
{
	char line[256], model[200] = "unknown CPU";
	struct utsname name;
	FILE *file = fopen("/proc/cpuinfo", "r");
	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');
		if (colon && strncmp(line, "model name", 10) == 0) {
			snprintf(model, sizeof(model), "%s", colon + 2);
			model[strcspn(model, "\n")] = '\0';
			break;
		}
	}
	if (file)
		fclose(file);
	uname(&name);
	fprintf(out, "%s, %ld cores, %ld MiB, %s %s.", model, sysconf(_SC_NPROCESSORS_ONLN),
			sysconf(_SC_PHYS_PAGES) / 256 * (sysconf(_SC_PAGESIZE) / 4096),
			name.sysname, name.release);
}

static void print_heading(FILE *out, const char *commit)
{
	char date[32];
	time_t now = time(NULL);
	strftime(date, sizeof(date), "%Y-%m-%d", localtime(&now));
	fprintf(out,
			"<!-- SPDX-License-Identifier: Apache-2.0 -->\n# Results\n\n"
			"Made by `make bench%s` on %s, at %s. ",
			bench.size == BENCH_FULL                    ? ""
					: bench.size == BENCH_QUICK ? " BENCH=--quick"
								    : " BENCH=--smoke",
			date, commit ? commit : "a commit that nobody named");
	print_machine(out);
	fprintf(out,
			"\n\n\"By hand\" is the loop that one would write for the same work, run "
			"in turns "
			"with the\nfigure; the ratio is greater than 1 where wax is faster. A "
			"question "
			"mark: the machine was\nbusy with other things.\n");
}

void report_markdown(FILE *out, const char *commit)
{
	print_heading(out, commit);
	fprintf(out,
			"\n| bench | with | wax | by hand | | ratio | +- |\n"
			"|---|---|--:|--:|---|--:|--:|\n");
	for (uint32_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figures[i];
		char spread[16] = "";
		if (!isnan(figure->spread))
			snprintf(spread, sizeof(spread), "%.0f %%%s", figure->spread * 50,
					figure->noisy ? " ?" : "");
		fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", figure->name, figure->params,
				number(figure->value).text, number(figure->yardstick).text,
				figure->unit, number(figure->ratio).text, spread);
	}
	for (uint32_t i = 0; i < sentence_count; i++)
		fprintf(out, "%s%s\n", i == 0 ? "\n" : "", sentences[i]);
}
