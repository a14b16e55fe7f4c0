/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/flow.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/*
 * A cached file, split in lines: wax_file_lines -> output that counts them, one worker, beside
 * read(2) and a search for newlines 64 bytes at a time that stores where each line ends.
 */

enum { CHUNK = 256 * 1024 };

static const char *path;
static uint64_t bytes, line_count;

static void build(struct wax_flow *flow)
{
	wax_output(wax_input(flow, "lines", wax_file_lines(path)), "count", flow_sink(NULL, true));
}

static double bytes_per_ns(double ns_per_line)
{
	return (double)bytes / (double)line_count / ns_per_line;
}

static double run_wax(void *context, bool *ret_clean)
{
	uint32_t procs = *(const uint32_t *)context;
	meter_start(0, 4096);
	flow_run(&(struct flow_run){.build = build, .procs = procs});
	uint64_t lines = 0;
	for (uint32_t i = 0; i < procs; i++)
		lines += meter()->logs[i].taken;
	if (lines != line_count)
		bench_die("%llu lines instead of %llu", (unsigned long long)lines,
				(unsigned long long)line_count);
	return bytes_per_ns(meter_ns_per_item(procs, ret_clean));
}

static uint32_t find_ends_from(const char *chunk, uint32_t at, uint32_t length, uint32_t *ends)
{
	uint32_t count = 0;
	for (; at < length; at++) {
		if (chunk[at] == '\n')
			ends[count++] = at;
	}
	return count;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static __attribute__((target("avx2"))) uint32_t find_ends_avx2(
		const char *chunk, uint32_t length, uint32_t *ends)
{
	const __m256i newline = _mm256_set1_epi8('\n');
	uint32_t count = 0, at = 0;
	for (; at + 64 <= length; at += 64) {
		__m256i low = _mm256_loadu_si256((const __m256i *)(chunk + at));
		__m256i high = _mm256_loadu_si256((const __m256i *)(chunk + at + 32));
		uint64_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, newline)) |
				(uint64_t)(uint32_t)_mm256_movemask_epi8(
						_mm256_cmpeq_epi8(high, newline))
						<< 32;
		for (; hits; hits &= hits - 1)
			ends[count++] = at + (uint32_t)__builtin_ctzll(hits);
	}
	return count + find_ends_from(chunk, at, length, ends + count);
}
#else
static bool has_avx2(void)
{
	return false;
}

static uint32_t find_ends_avx2(const char *chunk, uint32_t length, uint32_t *ends)
{
	return find_ends_from(chunk, 0, length, ends);
}
#endif

static void loop_by_hand(uint32_t index, void *context)
{
	struct meter_log *log = &meter()->logs[index];
	char *chunk = aligned_alloc(4096, CHUNK);
	uint32_t *ends = malloc(CHUNK * sizeof(*ends));
	bool wide = has_avx2();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)context;
	BENCH_CHECK(chunk && ends && fd >= 0);
	for (ssize_t got; (got = read(fd, chunk, CHUNK)) > 0;) {
		uint32_t lines = wide ? find_ends_avx2(chunk, (uint32_t)got, ends)
				      : find_ends_from(chunk, 0, (uint32_t)got, ends);
		__asm__ volatile("" : : "r"(ends) : "memory");
		meter_add(log, lines);
	}
	log->taken = log->items;
}

static double run_by_hand(void *context, bool *ret_clean)
{
	meter_start(0, 4096);
	meter_fork(1, loop_by_hand, context);
	line_count = meter()->logs[0].taken;
	return bytes_per_ns(meter_ns_per_item(1, ret_clean));
}

void bench_lines(void)
{
	static uint32_t one = 1;
	char params[64];
	bool clean;
	path = fixture_text((uint64_t)bench_pick(4, 256, 512) << 20);
	bytes = fixture_bytes(path);
	run_by_hand(NULL, &clean); /* counts the lines */
	struct race_runner runners[] = {
			{.name = "one", .run = run_wax, .context = &one},
			{.name = "by hand", .run = run_by_hand},
			{.name = "all", .run = run_wax, .context = &bench.procs},
	};
	race(runners, 3, bench_rounds());
	snprintf(params, sizeof(params), "1 worker, lines of %.0f bytes",
			(double)bytes / (double)line_count);
	race_report("lines/file", params, &runners[0], &runners[1], bench_rounds(), 1, "GB/s",
			true);
	snprintf(params, sizeof(params), "%u workers; yardstick: 1 thread", bench.procs);
	race_report("lines/file_shared", params, &runners[2], &runners[1], bench_rounds(), 1,
			"GB/s", true);
}
