/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/meter.h"
#include "launcher/mdoc.h"
#include "runtime/units.h"

enum kind {
	FLAG,     /* bool */
	NUMBER,   /* uint32_t */
	COUNT,    /* uint64_t, with K, M and G */
	SIZE,     /* uint64_t, bytes */
	DURATION, /* uint64_t, ns */
	TEXT,     /* const char * */
	DIST,     /* enum bench_dist */
};

struct option_row {
	const char *name;
	const char *argument; /* NULL: a flag */
	enum kind kind;
	void *member;
	uint64_t min, max; /* max 0: no limit */
	bool power_of_two;
	const char *help; /* in one line */
	const char *more; /* the sentences of the manual; NULL: help */
};

static const struct option_row rows[] = {
		{"quick", NULL, FLAG, &bench.quick,
				.help = "less of everything: all groups in two minutes"},
		{"smoke", NULL, FLAG, &bench.smoke, .help = "once and tiny: does it work?",
				.more = "Once and tiny: does it work? The figures mean nothing."},
		{"procs", "N", NUMBER, &bench.procs, 1, METER_PROCS_MAX, .help = "workers (2)",
				.more = "Workers. Groups that are about a given number of them say "
					"so."},
		{"item", "SIZE", SIZE, &bench.item_bytes, 8, BENCH_ITEM_MAX,
				.help = "exchange: only items of this size, 8 to 4096 bytes",
				.more = "In the group exchange: only items of this size, key and "
					"value "
					"together. A multiple of 8 unless --variable is given."},
		{"variable", NULL, FLAG, &bench.variable,
				.help = "exchange: values of any length up to --item (64)",
				.more = "In the group exchange: only items with a key of 8 bytes "
					"and a "
					"value of any length, at most the size of --item together "
					"(64)."},
		{"keys", "COUNT", COUNT, &bench.keys, 1, UINT64_C(1) << 32,
				.help = "exchange, state: how many different keys",
				.more = "In the groups exchange and state: how many different keys "
					"there are. "
					"By default any number in exchange, one million in state."},
		{"dist", "uniform|zipf", DIST, &bench.dist,
				.help = "exchange, state: how often each key comes (uniform)",
				.more = "In the groups exchange and state: how often each key "
					"comes. With "
					"zipf the n-th is drawn in proportion to 1/n, from a list "
					"of 65536 "
					"that were drawn before."},
		{"work", "DURATION", DURATION, &bench.work_ns, 1, 100000000,
				.help = "redistribute: only this much work per item, such as 250ns",
				.more = "In the group redistribute: only this much work per item, "
					"from 1ns to 100ms."},
		{"rate", "COUNT", COUNT, &bench.rate, 1000, 100000000,
				.help = "latency: only this many items a second, such as 2M",
				.more = "In the group latency: open loop with only this many items "
					"a second, "
					"from 1K to 100M."},
		{"slab", "SIZE", SIZE, &bench.slab_bytes, 512, 1 << 20, .power_of_two = true,
				.help = "as for waxrun",
				.more = "Size of a slab, as for waxrun(1)."},
		{"exchange-mem", "SIZE", SIZE, &bench.exchange_mem_bytes, 4096,
				.help = "as for waxrun",
				.more = "Memory of the exchange, as for waxrun(1)."},
		{"json", NULL, FLAG, &bench.json, .help = "an object a line, instead of the table"},
		{"plot", "FILE", TEXT, &bench.plot,
				.help = "write an SVG: bars of the ratios, and curves"},
		{"markdown", "FILE", TEXT, &bench.markdown, .help = "write a page of results"},
		{"commit", "NAME", TEXT, &bench.commit, .help = "what that page says was measured"},
		{"build", "FOLDER", TEXT, &bench.build,
				.help = "where waxrun and examples/ are (beside this program)",
				.more = "Where waxrun and examples/ are, for the groups that run "
					"whole programs. By default beside this program."},
		{"print-man", NULL, FLAG, &bench.print_man,
				.help = "print the manual page, as mdoc(7)"},
		{"help", NULL, FLAG, &bench.help, .help = "this list"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(*rows) };

/* ---- Reading */

static const char *accepted(const struct option_row *row, char text[96])
{
	static const char *const what[] = {[NUMBER] = "a whole number",
			[COUNT] = "a number",
			[SIZE] = "a size",
			[DURATION] = "a duration"};
	if (row->max == 0)
		snprintf(text, 96, "%s from %" PRIu64 " on", what[row->kind], row->min);
	else
		snprintf(text, 96, "%s from %" PRIu64 " to %" PRIu64 "%s%s", what[row->kind],
				row->min, row->max, row->kind == DURATION ? " ns" : "",
				row->power_of_two ? ", a power of two" : "");
	return text;
}

/* @return 0, or negative: it is no number of this kind */
static int parse_number(const struct option_row *row, const char *value, uint64_t *ret_number)
{
	int64_t ns = 0;
	int r = 0;
	switch (row->kind) {
	case NUMBER:
		return wax_units_parse_number(value, ret_number, NULL);
	case COUNT:
		return wax_units_parse_count(value, ret_number, NULL);
	case SIZE:
		return wax_units_parse_bytes(value, ret_number, NULL);
	default:
		r = wax_units_parse_duration(value, &ns, NULL);
		*ret_number = (uint64_t)ns;
		return r;
	}
}

static void set_number(const struct option_row *row, const char *value)
{
	uint64_t number;
	char text[96];
	if (parse_number(row, value, &number) < 0 || number < row->min ||
			(row->max && number > row->max) ||
			(row->power_of_two && (number & (number - 1))))
		bench_refuse("--%s wants %s, not '%s'", row->name, accepted(row, text), value);
	if (row->kind == NUMBER)
		*(uint32_t *)row->member = (uint32_t)number;
	else
		*(uint64_t *)row->member = number;
}

static void set_dist(const struct option_row *row, const char *value)
{
	if (strcmp(value, "uniform") != 0 && strcmp(value, "zipf") != 0)
		bench_refuse("--%s wants uniform or zipf, not '%s'", row->name, value);
	bench.dist = value[0] == 'z' ? BENCH_ZIPF : BENCH_UNIFORM;
}

static void set(const struct option_row *row, const char *value)
{
	switch (row->kind) {
	case FLAG:
		*(bool *)row->member = true;
		break;
	case TEXT:
		*(const char **)row->member = value;
		break;
	case DIST:
		set_dist(row, value);
		break;
	default:
		set_number(row, value);
		break;
	}
}

static void check_together(void)
{
	if (bench.quick && bench.smoke)
		bench_refuse("--quick and --smoke exclude each other");
	if (bench.variable && bench.item_bytes == 0)
		bench.item_bytes = 64;
	if (!bench.variable && bench.item_bytes % 8)
		bench_refuse("--item wants a multiple of 8, not %" PRIu64
			     "; with --variable any size will do",
				bench.item_bytes);
	bench.size = bench.smoke ? BENCH_SMOKE : bench.quick ? BENCH_QUICK : BENCH_FULL;
}

int options_parse(int argc, char **argv)
{
	struct option names[ROW_COUNT + 1] = {0};
	for (int i = 0; i < ROW_COUNT; i++)
		names[i] = (struct option){rows[i].name,
				rows[i].argument ? required_argument : no_argument, NULL, i + 1};
	for (int code; (code = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (code < 1 || code > ROW_COUNT)
			exit(2); /* getopt has said why */
		set(&rows[code - 1], optarg);
	}
	check_together();
	return optind;
}

/* ---- Telling */

void options_print_help(void)
{
	for (int i = 0; i < ROW_COUNT; i++) {
		char left[40];
		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
				rows[i].argument ? rows[i].argument : "");
		printf("  %-20s %s\n", left, rows[i].help);
	}
}

void options_print_man(FILE *out)
{
	for (int i = 0; i < ROW_COUNT; i++) {
		fputs(".It Fl \\-", out);
		wax_mdoc_name(rows[i].name, out);
		if (rows[i].argument)
			fprintf(out, " Ar %s", rows[i].argument);
		putc('\n', out);
		if (rows[i].more)
			wax_mdoc_text(rows[i].more, out);
		else
			wax_mdoc_phrase(rows[i].help, out);
	}
}
