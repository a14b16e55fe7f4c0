/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "runtime/op.h"

/*
 * What --profile costs, and the watchdog: the same run with and without it, in turns. The whole run,
 * wall time: what the launcher takes from the workers by looking at them is to be seen.
 *
 * For the watchdog a worker counts its callbacks, whether it looks or not. What that costs is to be
 * seen in a loop that does nothing but call back, beside one that does not count.
 */

enum { ARGS_MAX = 5 };

struct kind {
	const char *name;
	const char *params;
	const char *flow;
	const char *args[ARGS_MAX];
};

struct runs {
	const struct kind *kind;
	const char *option; /* NULL: none */
};

static double run(void *context, bool *ret_clean)
{
	const struct runs *runs = context;
	char waxrun[512], flow[512], procs[32];
	const char *argv[8 + ARGS_MAX] = {waxrun, "--quiet", procs};
	int argc = 3;

	snprintf(waxrun, sizeof(waxrun), "%s/waxrun", bench.build);
	snprintf(flow, sizeof(flow), "%s/examples/%s.so", bench.build, runs->kind->flow);
	snprintf(procs, sizeof(procs), "--procs=%u", bench.procs);
	if (runs->option)
		argv[argc++] = runs->option;
	argv[argc++] = flow;
	argv[argc++] = "--";
	for (int i = 0; i < ARGS_MAX && runs->kind->args[i]; i++)
		argv[argc++] = runs->kind->args[i];
	*ret_clean = true; /* what preempts the workers may be what is measured */
	return fixture_spawn(argv, NULL, NULL);
}

static void measure(const struct kind *kind, const char *prefix, const char *option,
		const char *option_without)
{
	uint32_t rounds = (uint32_t)bench_pick(1, 5, RACE_ROUNDS_MAX);
	struct runs with = {kind, option}, without = {kind, option_without};
	struct race_runner runners[] = {
			{.name = "with", .run = run, .context = &with},
			{.name = "without", .run = run, .context = &without},
	};
	char params[64], name[64];

	snprintf(name, sizeof(name), "profile/%s%s", prefix, kind->name);
	if (!bench_wants(name))
		return;
	snprintf(params, sizeof(params), "%s, %u workers", kind->params, bench.procs);
	race(runners, 2, rounds);
	race_report(name, params, &runners[0], &runners[1], rounds, 1e-6, "ms", false);
}

/* ---- A loop that calls back */

enum { BATCH = 4096 };

static __attribute__((noinline)) void add_one(const uint64_t *in, uint64_t *out)
{
	*out = *in + 1;
}

static void (*volatile callback)(const uint64_t *in, uint64_t *out) = add_one;

/* @param counts a constant: it is compiled in */
static inline __attribute__((always_inline)) void loop(
		const struct wax_op *op, struct meter_log *log, bool counts)
{
	static uint64_t in[BATCH], out[BATCH];
	void (*call)(const uint64_t *, uint64_t *) = callback;
	uint64_t seed = 1;

	for (uint32_t i = 0; i < BATCH; i++)
		in[i] = items_random(&seed);
	do {
		for (uint32_t i = 0; i < BATCH; i++) {
			if (counts)
				wax_op_called(op);
			call(&in[i], &out[i]);
		}
	} while (!meter_add(log, BATCH));
}

static void loop_in_process(uint32_t index, void *context)
{
	static _Atomic uint64_t calls;
	const struct wax_op op = {.calls = &calls};

	if (context)
		loop(&op, &meter()->logs[index], true);
	else
		loop(&op, &meter()->logs[index], false);
}

static double run_loop(void *context, bool *ret_clean)
{
	meter_start((uint32_t)bench_pick(10, 100, 400), 65536);
	meter_fork(1, loop_in_process, context);
	return meter_ns_per_item(1, ret_clean);
}

static void measure_count(void)
{
	struct race_runner runners[] = {
			{.name = "counts", .run = run_loop, .context = &bench},
			{.name = "does not", .run = run_loop, .context = NULL},
	};
	uint32_t rounds = bench_rounds();

	if (!bench_wants("profile/watchdog_count"))
		return;
	race(runners, 2, rounds);
	race_report("profile/watchdog_count", "callbacks that add 1; yardstick: not counted",
			&runners[0], &runners[1], rounds, 1, "ns/item", false);
}

/* ---- */

static void measure_both(const struct kind *kind)
{
	measure(kind, "", "--profile", NULL);
	measure(kind, "watchdog_", NULL, "--watchdog=0");
}

void bench_profile(void)
{
	char items[32], few[32];
	snprintf(items, sizeof(items), "--items=%lldM", (long long)bench_pick(1, 20, 40));
	snprintf(few, sizeof(few), "--items=%lldK", (long long)bench_pick(100, 5000, 10000));

	measure_both(&(const struct kind){"keyed_16b", "batches of 4096", "profile", {items}});
	measure_both(&(const struct kind){
			"small_batches", "batches of 4", "profile", {few, "--batch=4"}});
	if (bench_wants("profile/wordcount") || bench_wants("profile/watchdog_wordcount"))
		measure_both(&(const struct kind){"wordcount", "a text", "wordcount",
				{"--in", fixture_text((uint64_t)bench_pick(2, 64, 128) << 20)}});
	measure_count();
}
