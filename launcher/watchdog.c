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
	FRAMES_OF_PLACE = 3,
};

/* What the kernel says of a worker. */
struct times {
	uint64_t at_ns;
	uint64_t ran_ns;    /* on a CPU, since it began; 0 where that is not counted */
	uint64_t waited_ns; /* ready, but without a CPU; likewise */
	char state;         /* as in proc(5); '?': it is gone */
};

/* What was seen of a worker at the look before. */
struct sight {
	uint32_t step; /* WAX_NO_STEP: in no callback */
	uint64_t calls;
	bool seen_again;
	bool reported;
	/* From the second look on: most calls are over before, and cost no more than a look. */
	struct times times;
	uint64_t held_ns; /* at work, or waiting for something; not for a CPU */
	uint64_t busy_ns; /* at work */
};

struct step {
	uint32_t stack_count;
	uint64_t places[STACKS_PER_STEP]; /* hashes of the places that were reported */
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

static bool read_times(pid_t pid, uint64_t now_ns, struct times *times)
{
	char path[64];
	unsigned long long ran = 0, waited = 0;
	*times = (struct times){.at_ns = now_ns, .state = '?'};
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%llu %llu", &ran, &waited) == 2) {
			times->ran_ns = ran;
			times->waited_ns = waited;
		}
		fclose(file);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file) {
		/* The name, in brackets, may hold anything but is short. */
		if (fscanf(file, "%*d (%*[^)]) %c", &times->state) != 1)
			times->state = '?';
		fclose(file);
	}
	return times->state != 'T' && times->state != 't' && times->state != 'Z' &&
			times->state != '?';
}

/* What the time since the look before was spent on. One that could run is not waiting for anything
 * but a CPU, and how long it does the kernel counts only when it gets one. */
static void add_time(struct sight *sight, const struct times *now)
{
	uint64_t ran = now->ran_ns - sight->times.ran_ns;
	uint64_t passed = now->at_ns - sight->times.at_ns;
	uint64_t without_cpu = now->waited_ns - sight->times.waited_ns;
	sight->busy_ns += ran;
	if (now->state == 'R')
		sight->held_ns += ran < passed ? ran : passed;
	else if (without_cpu < passed)
		sight->held_ns += passed - without_cpu;
	sight->times = *now;
}

/* The frame at which the runtime calls a step: what lies inside of it is the step's. */
static uint32_t frames_of_step(const struct wax_stack *stack)
{
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		if (strncmp(stack->frames[i], "wax_op_", 7) == 0)
			return i;
	}
	return stack->frame_count;
}

/* Which place in the code this is: the operator's loop, the callback and what that called, by their
 * names. Further inside, a callback that computes is somewhere else at each look. */
static uint64_t place_of(const struct wax_stack *stack)
{
	uint32_t count = frames_of_step(stack);
	uint32_t first = count > FRAMES_OF_PLACE ? count - FRAMES_OF_PLACE : 0;
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (uint32_t i = first; i < count; i++) {
		for (const char *at = stack->frames[i]; *at && *at != ' '; at++)
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
		hold->is_new = is_new_place(step, place_of(&hold->stack));
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
	struct times now;
	if (!read_times(watchdog->env.pids[worker], now_ns, &now)) {
		/* Stopped: begin anew when it goes on. */
		if (!sight->reported)
			sight->step = WAX_NO_STEP;
		return;
	}
	if (!sight->seen_again) {
		sight->seen_again = true;
		sight->times = now;
		return;
	}
	add_time(sight, &now);
	if (sight->reported || sight->held_ns < watchdog->env.budget_ns)
		return;
	struct wax_hold hold = {
			.worker = worker,
			.step = sight->step,
			.held_ns = sight->held_ns,
			.busy_ns = sight->busy_ns,
	};
	sight->reported = true;
	report_found(watchdog, &hold);
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
