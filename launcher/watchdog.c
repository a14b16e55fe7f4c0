/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/watchdog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOKS_PER_BUDGET = 4,
	/* Reading a stack takes the launcher some tens of ms: of each step the first few. */
	STACKS_PER_STEP = 3,
};

/* What was seen of a worker at the look before. */
struct sight {
	uint32_t step; /* WAX_NO_STEP: in no callback */
	uint64_t calls;
	bool seen_again;
	bool reported;
	/* When it was seen for the second time, and what the kernel had counted then: most calls
	 * are over before, and cost no more than a look. */
	uint64_t since_ns;
	uint64_t ran_ns;
	uint64_t waited_ns;
	uint64_t held_ns; /* at the last look */
};

struct step {
	uint32_t stack_count;
	uint64_t places[STACKS_PER_STEP]; /* hashes of the stacks that were reported */
};

struct wax_watchdog {
	struct wax_watchdog_env env;
	struct sight *sights;
	struct step *steps;
};

struct wax_watchdog *wax_watchdog_make(const struct wax_watchdog_env *env)
{
	struct wax_watchdog *watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return NULL;
	watchdog->env = *env;
	watchdog->sights = calloc(env->control->worker_count, sizeof(*watchdog->sights));
	watchdog->steps = calloc(env->control->step_count + 1, sizeof(*watchdog->steps));
	if (!watchdog->sights || !watchdog->steps) {
		wax_watchdog_free(watchdog);
		return NULL;
	}
	for (uint32_t i = 0; i < env->control->worker_count; i++)
		watchdog->sights[i].step = WAX_NO_STEP;
	return watchdog;
}

void wax_watchdog_free(struct wax_watchdog *watchdog)
{
	if (!watchdog)
		return;
	free(watchdog->sights);
	free(watchdog->steps);
	free(watchdog);
}

uint64_t wax_watchdog_interval_ns(const struct wax_watchdog *watchdog)
{
	return watchdog->env.budget_ns / LOOKS_PER_BUDGET;
}

/* Time on a CPU, and ready but without one, since the process began; zeros where the kernel does not
 * count them. @return false: it is stopped, or gone */
static bool read_times(pid_t pid, uint64_t *ret_ran, uint64_t *ret_waited)
{
	char path[64], state = '?';
	unsigned long long ran = 0, waited = 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
			ran = waited = 0;
		fclose(file);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file) {
		/* The name, in brackets, may hold anything but is short. */
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = '?';
		fclose(file);
	}
	*ret_ran = ran;
	*ret_waited = waited;
	return state != 'T' && state != 't' && state != 'Z' && state != '?';
}

static uint64_t hash_of_stack(const struct wax_stack *stack)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		for (const char *at = stack->frames[i]; *at; at++)
			hash = (hash ^ (unsigned char)*at) * 1099511628211u;
	}
	return hash;
}

/* Notes the place. @return false: it was known */
static bool is_new_place(struct step *step, uint64_t place)
{
	for (uint32_t i = 0; i < step->stack_count; i++) {
		if (step->places[i] == place)
			return false;
	}
	step->places[step->stack_count++] = place;
	return true;
}

static void report_found(struct wax_watchdog *watchdog, struct wax_hold *hold)
{
	struct wax_err err = {0};
	struct step *step = &watchdog->steps[hold->step];
	if (step->stack_count < STACKS_PER_STEP) {
		if (wax_stack_read(watchdog->env.pids[hold->worker], &hold->stack, &err) < 0)
			hold->no_stack = err.text;
		hold->is_new = is_new_place(step, hash_of_stack(&hold->stack));
	}
	watchdog->env.held(watchdog->env.context, hold);
}

static void report_over(struct wax_watchdog *watchdog, uint32_t worker)
{
	struct sight *sight = &watchdog->sights[worker];
	struct wax_hold hold = {.worker = worker,
			.step = sight->step,
			.held_ns = sight->held_ns,
			.is_over = true};
	watchdog->env.held(watchdog->env.context, &hold);
}

/* It is in the same call as at the look before. */
static void look_again(struct wax_watchdog *watchdog, uint32_t worker, uint64_t now_ns)
{
	struct sight *sight = &watchdog->sights[worker];
	uint64_t ran, waited;
	if (sight->seen_again && now_ns - sight->since_ns < watchdog->env.budget_ns)
		return;
	if (!read_times(watchdog->env.pids[worker], &ran, &waited)) {
		sight->step = WAX_NO_STEP; /* stopped: begin anew when it goes on */
		return;
	}
	if (!sight->seen_again) {
		sight->seen_again = true;
		sight->since_ns = now_ns;
		sight->ran_ns = ran;
		sight->waited_ns = waited;
		return;
	}
	struct wax_hold hold = {
			.worker = worker,
			.step = sight->step,
			.held_ns = now_ns - sight->since_ns,
			.busy_ns = ran - sight->ran_ns,
	};
	uint64_t without_cpu = waited - sight->waited_ns;
	hold.held_ns -= without_cpu < hold.held_ns ? without_cpu : hold.held_ns;
	if (hold.held_ns < watchdog->env.budget_ns)
		return;

	sight->held_ns = hold.held_ns;
	if (!sight->reported)
		report_found(watchdog, &hold);
	sight->reported = true;
}

void wax_watchdog_look(struct wax_watchdog *watchdog, uint64_t now_ns)
{
	const struct wax_control *control = watchdog->env.control;
	for (uint32_t worker = 0; worker < control->worker_count; worker++) {
		const struct wax_worker_record *record = wax_control_worker(control, worker);
		struct sight *sight = &watchdog->sights[worker];
		/* Relaxed: a look that mixes two calls sees another count at the next. */
		uint32_t step = wax_load_relaxed(&record->step_now);
		uint64_t calls = wax_load_relaxed(&record->calls);
		bool gone = watchdog->env.pids[worker] == 0;
		if (!gone && step == sight->step && calls == sight->calls &&
				step < control->step_count) {
			look_again(watchdog, worker, now_ns);
			continue;
		}
		if (sight->reported)
			report_over(watchdog, worker);
		*sight = (struct sight){.step = gone ? WAX_NO_STEP : step, .calls = calls};
	}
}
