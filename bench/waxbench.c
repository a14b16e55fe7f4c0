/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/meter.h"
#include "bench/priority.h"
#include "bench/report.h"

struct bench bench = {.size = BENCH_FULL};

static const struct {
	const char *name;
	void (*run)(void);
	const char *about;
} groups[] = {
		{"exchange", bench_exchange, "keyed all-to-all exchange, by size of the items"},
		{"redistribute", bench_redistribute,
				"one busy source: when sharing its items pays"},
		{"operators", bench_operators, "each operator, ns an item"},
		{"lines", bench_lines, "lines of a cached file"},
		{"wake", bench_wake, "waking a worker that sleeps"},
		{"latency", bench_latency, "one item there and back"},
		{"wordcount", bench_wordcount, "words of a text"},
		{"brc", bench_brc, "the one billion row challenge"},
		{"start", bench_start, "from the call to the first item, and to the end"},
		{"profile", bench_profile, "what waxrun --profile costs"},
};

enum { GROUP_COUNT = sizeof(groups) / sizeof(*groups) };

void bench_die(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fflush(stdout);
	fputs("waxbench: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	priority_restore();
	_exit(1);
}

bool bench_wants(const char *name)
{
	/* The shorter one is the beginning of the other: a figure, or several at once. */
	size_t length = bench.only ? strlen(bench.only) : 0;
	return strncmp(name, bench.only ? bench.only : "",
			       strlen(name) < length ? strlen(name) : length) == 0;
}

static void print_help(void)
{
	puts("usage: waxbench [OPTION]... GROUP...|GROUP/FIGURE|all\n"
	     "Measure wax beside loops written by hand.\n");
	for (size_t i = 0; i < GROUP_COUNT; i++)
		printf("  %-14s %s\n", groups[i].name, groups[i].about);
	puts("\n"
	     "  --quick            less of everything: under a minute for all\n"
	     "  --smoke            once and tiny: does it work?\n"
	     "  --procs N          workers (2)\n"
	     "  --json             an object a line\n"
	     "  --plot FILE        bars of the ratios, as SVG\n"
	     "  --markdown FILE    a table\n"
	     "  --commit NAME      for the table\n"
	     "  --slab SIZE, --exchange-mem SIZE   as for waxrun\n"
	     "  --build FOLDER     where waxrun and examples/ are\n"
	     "Generated files go to TMPDIR. As root it runs with high priority.");
}

/* The folder above that of this program, where meson puts waxrun. */
static const char *guess_build(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("BUILD");
	if (given)
		return given;
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
	for (int up = 0; up < 2 && bytes > 0; up++) {
		path[bytes] = '\0';
		char *slash = strrchr(path, '/');
		if (!slash)
			break;
		*slash = '\0';
		bytes = slash - path;
		char file[PATH_MAX + 8];
		snprintf(file, sizeof(file), "%s/waxrun", path);
		if (access(file, X_OK) == 0)
			return path;
	}
	return ".";
}

enum choice {
	QUICK = 1,
	SMOKE,
	PROCS,
	JSON,
	PLOT,
	MARKDOWN,
	COMMIT,
	BUILD,
	SLAB,
	EXCHANGE_MEM,
	HELP
};

static const struct option options[] = {
		{"quick", no_argument, NULL, QUICK},
		{"smoke", no_argument, NULL, SMOKE},
		{"procs", required_argument, NULL, PROCS},
		{"json", no_argument, NULL, JSON},
		{"plot", required_argument, NULL, PLOT},
		{"markdown", required_argument, NULL, MARKDOWN},
		{"commit", required_argument, NULL, COMMIT},
		{"build", required_argument, NULL, BUILD},
		{"slab", required_argument, NULL, SLAB},
		{"exchange-mem", required_argument, NULL, EXCHANGE_MEM},
		{"help", no_argument, NULL, HELP},
		{0},
};

struct outputs {
	const char *plot;
	const char *markdown;
	const char *commit;
};

static void parse(int argc, char **argv, struct outputs *outputs)
{
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case QUICK:
			bench.size = BENCH_QUICK;
			break;
		case SMOKE:
			bench.size = BENCH_SMOKE;
			break;
		case PROCS:
			bench.procs = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case JSON:
			bench.json = true;
			break;
		case PLOT:
			outputs->plot = optarg;
			break;
		case MARKDOWN:
			outputs->markdown = optarg;
			break;
		case COMMIT:
			outputs->commit = optarg;
			break;
		case BUILD:
			bench.build = optarg;
			break;
		case SLAB:
			bench.slab = optarg;
			break;
		case EXCHANGE_MEM:
			bench.exchange_mem = optarg;
			break;
		case HELP:
			print_help();
			exit(0);
		default:
			exit(2);
		}
	}
	if (bench.procs < 1 || bench.procs > METER_PROCS_MAX)
		bench_die("--procs wants a number from 1 to %d", METER_PROCS_MAX);
}

static int find_group(const char *name, size_t length)
{
	for (int i = 0; i < GROUP_COUNT; i++) {
		if (strlen(groups[i].name) == length && strncmp(groups[i].name, name, length) == 0)
			return i;
	}
	return -1;
}

static void run_groups(int argc, char **argv)
{
	bool wanted[GROUP_COUNT] = {false};
	for (int i = 0; i < argc; i++) {
		int group = find_group(argv[i], strcspn(argv[i], "/"));
		if (group >= 0)
			wanted[group] = true;
		if (group >= 0 && strchr(argv[i], '/'))
			bench.only = argv[i];
		else if (strcmp(argv[i], "all") == 0)
			memset(wanted, true, sizeof(wanted));
		else if (group < 0)
			bench_die("there is no group '%s'; see --help", argv[i]);
	}
	for (int i = 0; i < GROUP_COUNT; i++) {
		if (wanted[i])
			groups[i].run();
	}
}

static void write_outputs(const struct outputs *outputs)
{
	if (outputs->plot && plot_write(outputs->plot) < 0)
		bench_die("cannot write '%s'", outputs->plot);
	if (!outputs->markdown)
		return;
	FILE *file = fopen(outputs->markdown, "w");
	if (!file)
		bench_die("cannot write '%s': %s", outputs->markdown, strerror(errno));
	report_markdown(file, outputs->commit);
	if (fclose(file) != 0)
		bench_die("cannot write '%s': %s", outputs->markdown, strerror(errno));
}

int main(int argc, char **argv)
{
	struct outputs outputs = {NULL, NULL, NULL};
	bench.procs = 2;
	bench.build = guess_build();
	bench.scratch = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	parse(argc, argv, &outputs);
	if (optind == argc) {
		print_help();
		return 2;
	}
	if (bench.size != BENCH_SMOKE)
		priority_raise(); /* of a test others may run beside it */
	run_groups(argc - optind, argv + optind);
	priority_restore();
	write_outputs(&outputs);
	return 0;
}
