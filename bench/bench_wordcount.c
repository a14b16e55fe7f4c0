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

/* examples/wordcount.so with waxrun on a cached text, beside one thread that reads it a piece at a
 * time and counts in a hash table. The whole run, from the call to the end. */

enum { WORDS_MAX = 1 << 16, CHUNK = 1 << 20, WORD_MAX = 56 };

static const char *waxrun_path, *flow_path;

struct input {
	const char *path;
	uint64_t bytes;
	uint32_t procs;
	uint64_t rss_kib; /* written */
};

static double run_wax(void *context, bool *ret_clean)
{
	struct input *input = context;
	char procs[32];
	uint64_t preempted;
	snprintf(procs, sizeof(procs), "--procs=%u", input->procs);
	const char *const argv[] = {
			waxrun_path, "--quiet", procs, flow_path, "--", "--in", input->path, NULL};
	double took = fixture_spawn(argv, &input->rss_kib, &preempted);
	/* A preemption or two do not matter in a run of this length. */
	*ret_clean = preempted < took / 10e6;
	return (double)input->bytes / took;
}

static inline int is_letter(char c)
{
	return (unsigned)((c | 0x20) - 'a') < 26;
}

/* Count the words of a piece. @return bytes of a word at its end that may go on */
static size_t count_words(
		struct table_text *table, uint64_t *counts, const char *at, const char *end)
{
	for (;;) {
		while (at < end && !is_letter(*at))
			at++;
		const char *word = at;
		while (at < end && is_letter(*at))
			at++;
		if (at == end)
			return (size_t)(at - word);
		uint32_t letters = at - word < WORD_MAX ? (uint32_t)(at - word) : WORD_MAX;
		counts[table_text_at(table, word, letters)]++;
	}
}

static void loop_by_hand(uint32_t index, void *context)
{
	const struct input *input = context;
	struct table_text table = table_text_make(WORDS_MAX);
	uint64_t *counts = calloc(WORDS_MAX, sizeof(*counts));
	char *chunk = malloc(2 * CHUNK);
	size_t kept = 0;
	int fd = open(input->path, O_RDONLY | O_CLOEXEC);
	(void)index;
	BENCH_CHECK(table.slots && counts && chunk && fd >= 0);
	for (ssize_t got; (got = read(fd, chunk + kept, CHUNK)) > 0;) {
		const char *end = chunk + kept + got;
		kept = count_words(&table, counts, chunk, end);
		memmove(chunk, end - kept, kept);
	}
	FILE *out = fopen("/dev/null", "w");
	for (uint64_t i = 0; i <= table.mask; i++) {
		const struct table_text_slot *slot = &table.slots[i];
		if (slot->bytes)
			fprintf(out, "%.*s\t%llu\n", (int)slot->bytes, slot->key,
					(unsigned long long)counts[slot->index]);
	}
	fclose(out);
}

static double run_by_hand(void *context, bool *ret_clean)
{
	struct input *input = context;
	(void)ret_clean;
	uint64_t from = clock_ns();
	meter_start(0, 1);
	meter_fork(1, loop_by_hand, input);
	return (double)input->bytes / (double)(clock_ns() - from);
}

static struct input input_of(uint64_t bytes, uint32_t procs)
{
	struct input input = {.path = fixture_text(bytes), .procs = procs};
	input.bytes = fixture_bytes(input.path);
	return input;
}

void bench_wordcount(void)
{
	uint64_t mib = (uint64_t)bench_pick(4, 64, 512);
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 3);
	waxrun_path = fixture_built("waxrun", "wordcount");
	flow_path = fixture_built("examples/wordcount.so", "wordcount");
	if (!waxrun_path || !flow_path)
		return;
	struct input input = input_of(mib << 20, bench.procs), single = input;
	struct input small = input_of((mib << 20) / 4, bench.procs);
	bool clean;
	char params[64];
	single.procs = 1;
	struct race_runner runners[] = {
			{.name = "wax", .run = run_wax, .context = &input},
			{.name = "by hand", .run = run_by_hand, .context = &input},
			{.name = "one worker", .run = run_wax, .context = &single},
	};
	race(runners, 3, rounds);
	snprintf(params, sizeof(params), "%llu MiB, %u workers; yardstick: 1 thread",
			(unsigned long long)mib, bench.procs);
	race_report("wordcount/text", params, &runners[0], &runners[1], rounds, 1e3, "MB/s", true);
	snprintf(params, sizeof(params), "%llu MiB, 1 worker; yardstick: 1 thread",
			(unsigned long long)mib);
	race_report("wordcount/text_1", params, &runners[2], &runners[1], rounds, 1e3, "MB/s",
			true);
	run_wax(&small, &clean);
	report_value("wordcount/memory_quarter", "of the largest worker, a quarter of the text",
			(double)small.rss_kib / 1024, "MiB", false);
	report_value("wordcount/memory", "of the largest worker", (double)input.rss_kib / 1024,
			"MiB", false);
}
