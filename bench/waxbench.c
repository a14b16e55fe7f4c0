/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/options.h"
#include "bench/priority.h"
#include "bench/report.h"
#include "launcher/mdoc.h"

struct bench bench = {.procs = 2};

static const struct {
	const char *name;
	void (*run)(void);
	const char *about;
} groups[] = {
		{"exchange", bench_exchange, "all-to-all exchange, by size of the items"},
		{"redistribute", bench_redistribute,
				"one busy source: when sharing its items pays"},
		{"epoch", bench_epoch, "an epoch, from its end to the end of all workers"},
		{"latency", bench_latency, "one item there and back; items at a rate"},
		{"wake", bench_wake, "waking a worker that sleeps"},
		{"operators", bench_operators, "each operator, ns an item"},
		{"keyed", bench_keyed, "keyed operators that hold items, ns an item"},
		{"state", bench_state, "counting by key behind an exchange"},
		{"lines", bench_lines, "lines of a cached file"},
		{"overcommit", bench_overcommit, "more workers than CPUs; workers that idle"},
		{"memory", bench_memory, "shared memory by number of workers"},
		{"wordcount", bench_wordcount, "words of a text"},
		{"brc", bench_brc, "the one billion row challenge"},
		{"start", bench_start, "from the call to the first item, and to the end"},
		{"profile", bench_profile, "what waxrun --profile costs"},
		{"recovery", bench_recovery, "keeping state, and going on from it"},
};

enum { GROUP_COUNT = sizeof(groups) / sizeof(*groups) };

static void complain(const char *fmt, va_list args)
{
	fflush(stdout);
	fputs("waxbench: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void bench_die(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	priority_restore();
	_exit(1);
}

void bench_refuse(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	priority_restore();
	_exit(2);
}

static bool begins_alike(const char *a, const char *b)
{
	size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
	return strncmp(a, b, length) == 0;
}

bool bench_wants(const char *name)
{
	for (int i = 0; i < bench.wanted_count; i++) {
		const char *wanted = bench.wanted[i];
		size_t group = strcspn(wanted, "/");
		if (strcmp(wanted, "all") == 0)
			return true;
		/* A figure, or several at once: the shorter is the beginning of the other. */
		if (strcspn(name, "/") == group && strncmp(name, wanted, group) == 0 &&
				begins_alike(wanted, name))
			return true;
	}
	return false;
}

static void print_help(void)
{
	puts("usage: waxbench [OPTION]... GROUP...|GROUP/FIGURE...|all\n"
	     "Measure wax beside loops written by hand.\n");
	for (size_t i = 0; i < GROUP_COUNT; i++)
		printf("  %-14s %s\n", groups[i].name, groups[i].about);
	puts("");
	options_print_help();
	puts("Generated files go to TMPDIR. As root it runs with high priority.");
}

static void print_man(FILE *out)
{
	wax_mdoc_begin("WAXBENCH", out);
	fputs(".Sh NAME\n"
	      ".Nm waxbench\n"
	      ".Nd measure wax beside loops written by hand\n"
	      ".Sh SYNOPSIS\n"
	      ".Nm\n"
	      ".Op Ar options\n"
	      ".Ar GROUP ...\n"
	      ".Sh DESCRIPTION\n"
	      ".Nm\n"
	      "measures what wax costs on this machine.\n"
	      "Each figure stands beside the loop that one would write by hand for the same\n"
	      "work; both run in turns, and the ratio, higher is better, is the median of\n"
	      "neighbours.\n"
	      "A question mark behind a ratio: others used the machine.\n"
	      ".Pp\n"
	      ".Ar GROUP\n"
	      "is one of these, the beginning of the name of figures, such as\n"
	      ".Ql exchange/keyed ,\n"
	      "or\n"
	      ".Ql all .\n"
	      ".Bl -tag -width Ds -compact\n",
			out);
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		fprintf(out, ".It %s\n", groups[i].name);
		wax_mdoc_phrase(groups[i].about, out);
	}
	fputs(".El\n.Sh OPTIONS\n.Bl -tag -width Ds\n", out);
	options_print_man(out);
	fputs(".El\n"
	      ".Sh ENVIRONMENT\n"
	      ".Bl -tag -width Ds -compact\n"
	      ".It Ev TMPDIR\n"
	      "Where generated files go, and stay for the next run.\n"
	      ".It Ev BUILD\n"
	      "Stands for\n"
	      ".Fl \\-build .\n"
	      ".El\n"
	      ".Sh EXIT STATUS\n"
	      "0 when all was measured or skipped, 1 when a measurement failed, 2 for a bad\n"
	      "option, group or figure.\n"
	      ".Sh SEE ALSO\n"
	      ".Xr waxrun 1\n",
			out);
}

/* The folder of this program, where meson puts waxrun too, built or installed. */
static const char *guess_build(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("BUILD");
	if (given)
		return given;
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash = bytes > 0 ? strrchr(path, '/') : NULL;
	if (!slash)
		return ".";
	*slash = '\0';
	return path;
}

static bool is_group(const char *name)
{
	size_t length = strcspn(name, "/");
	for (int i = 0; i < GROUP_COUNT; i++) {
		if (strlen(groups[i].name) == length && strncmp(groups[i].name, name, length) == 0)
			return true;
	}
	return strcmp(name, "all") == 0;
}

static void run_groups(void)
{
	for (int i = 0; i < bench.wanted_count; i++) {
		if (!is_group(bench.wanted[i]))
			bench_refuse("there is no group '%s'; --help lists them", bench.wanted[i]);
	}
	if (bench.size != BENCH_SMOKE)
		priority_raise(); /* of a test others may run beside it */
	for (int i = 0; i < GROUP_COUNT; i++) {
		if (bench_wants(groups[i].name))
			groups[i].run();
	}
	priority_restore();
}

static void write_outputs(void)
{
	if (bench.plot && plot_write(bench.plot) < 0)
		bench_die("cannot write '%s'", bench.plot);
	if (!bench.markdown)
		return;
	FILE *file = fopen(bench.markdown, "w");
	if (!file)
		bench_die("cannot write '%s': %s", bench.markdown, strerror(errno));
	report_markdown(file, bench.commit);
	if (fclose(file) != 0)
		bench_die("cannot write '%s': %s", bench.markdown, strerror(errno));
}

int main(int argc, char **argv)
{
	bench.build = guess_build();
	bench.scratch = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	int first = options_parse(argc, argv);
	bench.wanted = argv + first;
	bench.wanted_count = argc - first;
	if (bench.print_man) {
		print_man(stdout);
		return 0;
	}
	if (bench.help || bench.wanted_count == 0) {
		print_help();
		return bench.help ? 0 : 2;
	}
	run_groups();
	write_outputs();
	if (report_is_empty())
		bench_refuse("no figure has a name that begins like '%s'", bench.wanted[0]);
	return 0;
}
