/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/race.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/report.h"
#include "bench/stats.h"

/* A run that was disturbed is repeated so often. */
enum { TRIES = 4, GIVE_WAY_US = 5000 };

static void run_once(struct race_runner *runner, uint32_t round)
{
	for (uint32_t i = 0; i < TRIES; i++) {
		bool clean = true;
		double value = runner->run(runner->context, &clean);
		if (isnan(value) && i + 1 < TRIES)
			continue;
		runner->values[round] = value;
		for (uint32_t j = 0; runner->also && j < RACE_ALSO_MAX; j++)
			runner->also_values[j][round] = runner->also[j];
		runner->clean[round] = clean;
		if (clean || bench.size == BENCH_SMOKE)
			break;
		usleep(GIVE_WAY_US << i); /* others are at work: come back a little later */
	}
}

static double median(const struct race_runner *runner, uint32_t round_count)
{
	double copy[RACE_ROUNDS_MAX];
	memcpy(copy, runner->values, sizeof(copy));
	return stats_median(copy, round_count);
}

void race(struct race_runner *runners, uint32_t runner_count, uint32_t round_count)
{
	for (uint32_t round = 0; round < round_count; round++) {
		/* Each second round backwards: nobody always comes after the same neighbour. */
		for (uint32_t i = 0; i < runner_count; i++)
			run_once(&runners[round % 2 ? runner_count - 1 - i : i], round);
	}
	for (uint32_t i = 0; i < runner_count; i++)
		runners[i].median = median(&runners[i], round_count);
}

struct race_runner race_also(const struct race_runner *runner, uint32_t also, uint32_t round_count)
{
	struct race_runner other = *runner;
	memcpy(other.values, runner->also_values[also], sizeof(other.values));
	other.median = median(&other, round_count);
	return other;
}

void race_report(const char *name, const char *params, const struct race_runner *runner,
		const struct race_runner *yardstick, uint32_t round_count, double scale,
		const char *unit, bool higher)
{
	double ratios[RACE_ROUNDS_MAX];
	uint32_t noisy = 0;
	for (uint32_t i = 0; i < round_count; i++) {
		ratios[i] = higher ? runner->values[i] / yardstick->values[i]
				   : yardstick->values[i] / runner->values[i];
		noisy += !runner->clean[i] || !yardstick->clean[i];
	}
	struct figure figure = {
			.unit = unit,
			.value = runner->median * scale,
			.yardstick = yardstick->median * scale,
			.higher = higher,
			.noisy = noisy > round_count / 2,
	};
	figure.ratio = stats_median(ratios, round_count);
	figure.spread = (stats_quantile(ratios, round_count, 0.75) -
					stats_quantile(ratios, round_count, 0.25)) /
			figure.ratio;
	report(&figure, name, params);
}

void race_report_difference(const char *name, const char *params, const struct race_runner *more,
		const struct race_runner *less, uint32_t round_count, const char *unit)
{
	double differences[RACE_ROUNDS_MAX];
	uint32_t noisy = 0;
	for (uint32_t i = 0; i < round_count; i++) {
		differences[i] = more->values[i] - less->values[i];
		noisy += !more->clean[i] || !less->clean[i];
	}
	struct figure figure = {
			.unit = unit,
			.value = stats_median(differences, round_count),
			.yardstick = NAN,
			.ratio = NAN,
			.noisy = noisy > round_count / 2,
	};
	figure.spread = (stats_quantile(differences, round_count, 0.75) -
					stats_quantile(differences, round_count, 0.25)) /
			fabs(figure.value);
	report(&figure, name, params);
}
