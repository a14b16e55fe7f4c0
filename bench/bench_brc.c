/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/table.h"

/* examples/brc.so with waxrun on cached rows, beside one thread that maps the file and keeps the
 * statistics in a hash table. The whole run, from the call to the end. */

enum { STATIONS_MAX = 1 << 12 };

static const char *waxrun_path, *flow_path;

struct input {
	const char *path;
	uint64_t rows;
	uint32_t procs;
};

struct stats {
	int64_t sum;
	uint64_t count;
	int32_t min, max;
};

static double run_wax(void *context, bool *ret_clean)
{
	const struct input *input = context;
	char procs[32];
	uint64_t preempted;
	snprintf(procs, sizeof(procs), "--procs=%u", input->procs);
	const char *const argv[] = {
			waxrun_path, "--quiet", procs, flow_path, "--", "--in", input->path, NULL};
	double took = fixture_spawn(argv, NULL, &preempted);
	*ret_clean = preempted < took / 10e6;
	return (double)input->rows / took;
}

/* The tenths behind the ';', and where the next row begins. */
static inline const char *read_tenths(const char *at, int32_t *ret_tenths)
{
	int32_t sign = *at == '-' ? -1 : 1, tenths = 0;
	at += *at == '-';
	for (; *at != '.'; at++)
		tenths = 10 * tenths + (*at - '0');
	*ret_tenths = sign * (10 * tenths + (at[1] - '0'));
	return at + 3;
}

static void add_rows(struct table_text *table, struct stats *stats, const char *at, const char *end)
{
	while (at < end) {
		const char *name_end = memchr(at, ';', (size_t)(end - at));
		int32_t tenths;
		uint32_t count = table->count;
		uint32_t index = table_text_at(table, at, (uint32_t)(name_end - at));
		struct stats *station = &stats[index];
		at = read_tenths(name_end + 1, &tenths);
		if (index == count)
			station->min = station->max = tenths;
		station->sum += tenths;
		station->count++;
		station->min = tenths < station->min ? tenths : station->min;
		station->max = tenths > station->max ? tenths : station->max;
	}
}

static void loop_by_hand(uint32_t index, void *context)
{
	const struct input *input = context;
	struct table_text table = table_text_make(STATIONS_MAX);
	struct stats *stats = calloc(STATIONS_MAX, sizeof(*stats));
	uint64_t bytes = fixture_bytes(input->path);
	int fd = open(input->path, O_RDONLY | O_CLOEXEC);
	char *rows = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)index;
	BENCH_CHECK(table.slots && stats && rows != MAP_FAILED);
	add_rows(&table, stats, rows, rows + bytes);
	FILE *out = fopen("/dev/null", "w");
	for (uint32_t i = 0; i < table.count; i++)
		fprintf(out, "%.1f\t%.1f\t%.1f\n", stats[i].min / 10.0,
				(double)stats[i].sum / (10.0 * (double)stats[i].count),
				stats[i].max / 10.0);
	fclose(out);
}

static double run_by_hand(void *context, bool *ret_clean)
{
	const struct input *input = context;
	(void)ret_clean;
	uint64_t from = clock_ns();
	meter_start(0, 1);
	meter_fork(1, loop_by_hand, context);
	return (double)input->rows / (double)(clock_ns() - from);
}

void bench_brc(void)
{
	uint64_t rows = (uint64_t)bench_pick(100000, 5000000, 100000000);
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 3);
	waxrun_path = fixture_built("waxrun", "brc");
	flow_path = fixture_built("examples/brc.so", "brc");
	if (!waxrun_path || !flow_path)
		return;
	struct input input = {fixture_brc(rows), rows, bench.procs}, single = input;
	char params[64];
	single.procs = 1;
	struct race_runner runners[] = {
			{.name = "wax", .run = run_wax, .context = &input},
			{.name = "by hand", .run = run_by_hand, .context = &input},
			{.name = "one worker", .run = run_wax, .context = &single},
	};
	race(runners, 3, rounds);
	snprintf(params, sizeof(params), "%g M rows, %u workers; yardstick: 1 thread",
			(double)rows / 1e6, bench.procs);
	race_report("brc/rows", params, &runners[0], &runners[1], rounds, 1e3, "Mrows/s", true);
	snprintf(params, sizeof(params), "%g M rows, 1 worker; yardstick: 1 thread",
			(double)rows / 1e6);
	race_report("brc/rows_1", params, &runners[2], &runners[1], rounds, 1e3, "Mrows/s", true);
}
