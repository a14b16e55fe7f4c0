/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/race.h"

/*
 * What --profile costs: the same run with and without it, in turns. The whole run, wall time: what
 * the launcher takes from the workers by looking at them is to be seen.
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
	bool profiled;
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
	if (runs->profiled)
		argv[argc++] = "--profile";
	argv[argc++] = flow;
	argv[argc++] = "--";
	for (int i = 0; i < ARGS_MAX && runs->kind->args[i]; i++)
		argv[argc++] = runs->kind->args[i];
	*ret_clean = true; /* what preempts the workers may be what is measured */
	return fixture_spawn(argv, NULL, NULL);
}

static void measure(const struct kind *kind)
{
	uint32_t rounds = (uint32_t)bench_pick(1, 5, RACE_ROUNDS_MAX);
	struct runs with = {kind, true}, without = {kind, false};
	struct race_runner runners[] = {
			{.name = "with", .run = run, .context = &with},
			{.name = "without", .run = run, .context = &without},
	};
	char params[64], name[64];

	snprintf(name, sizeof(name), "profile/%s", kind->name);
	if (!bench_wants(name))
		return;
	snprintf(params, sizeof(params), "%s, %u workers", kind->params, bench.procs);
	race(runners, 2, rounds);
	race_report(name, params, &runners[0], &runners[1], rounds, 1e-6, "ms", false);
}

void bench_profile(void)
{
	char items[32], few[32];
	snprintf(items, sizeof(items), "--items=%lldM", (long long)bench_pick(1, 20, 40));
	snprintf(few, sizeof(few), "--items=%lldK", (long long)bench_pick(100, 5000, 10000));

	measure(&(const struct kind){"keyed_16b", "batches of 4096", "profile", {items}});
	measure(&(const struct kind){
			"small_batches", "batches of 4", "profile", {few, "--batch=4"}});
	if (bench_wants("profile/wordcount"))
		measure(&(const struct kind){"wordcount", "a text", "wordcount",
				{"--in", fixture_text((uint64_t)bench_pick(2, 64, 128) << 20)}});
}
