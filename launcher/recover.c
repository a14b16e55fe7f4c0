/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "launcher/setup.h"
#include "runtime/hash.h"
#include "runtime/step.h"

/* From which segment on the log of each worker is needed to restore an epoch. */
struct wax_recovery_bases {
	uint64_t *segments;
	bool own; /* and nothing of an earlier generation */
};

enum { MINUTE_S = 60 };

int wax_recovery_open(struct wax_recovery *recovery, const struct wax_options *options,
		struct wax_err *err)
{
	*recovery = (struct wax_recovery)WAX_RECOVERY_NONE;
	if (!options->recovery_path)
		return 0;
	if (wax_store_open(options->recovery_path, true, true, &recovery->store, err) < 0)
		return WAX_EXIT_RECOVERY;
	recovery->base_capacity = options->keep_epochs;
	recovery->bases = calloc(options->keep_epochs, sizeof(*recovery->bases));
	recovery->restarted_ns =
			calloc(options->restart_limit + 1, sizeof(*recovery->restarted_ns));
	recovery->env.launcher_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!recovery->bases || !recovery->restarted_ns || recovery->env.launcher_bell < 0) {
		wax_err_set(err, -ENOMEM, "no memory, or no descriptor, to keep state");
		return WAX_EXIT_RESOURCES;
	}
	return 0;
}

/* ---- what the flow is */

/* A name in one word. */
static const char *one_word(struct wax_flow *flow, const char *name)
{
	char *word = wax_flow_alloc(flow, strlen(name) + 1);

	strcpy(word, name);
	for (char *at = word; *at; at++) {
		if (*at == ' ' || *at == '\n')
			*at = '_';
	}
	return word;
}

static bool describe_step(struct wax_flow *flow, const struct wax_step *step,
		struct wax_manifest_step *described)
{
	const struct wax_type *type =
			step->input_count > 0 ? wax_flow_stream(flow, step->inputs[0])->type : NULL;
	bool connector = step->class->positions != NULL;

	if (!connector && !step->class->keeps)
		return false;
	*described = (struct wax_manifest_step){
			.index = step->index,
			.role = !connector                  ? WAX_MANIFEST_STATE
					: step->input_count ? WAX_MANIFEST_SINK
							    : WAX_MANIFEST_SOURCE,
			.version = step->state_version,
			.kind = connector ? (step->connector ? step->connector : "-")
					  : step->class->kind,
			.key = "-",
			.id = step->id,
	};
	if (!connector && type && type->key) {
		described->key = one_word(flow, type->key->name);
		described->key_bytes = type->key->item_bytes;
	}
	return true;
}

static int describe_flow(struct wax_recovery *recovery, struct wax_flow *flow, struct wax_err *err)
{
	struct wax_manifest *manifest = &recovery->manifest;

	free(manifest->steps);
	*manifest = (struct wax_manifest){
			.flow = flow->name,
			.hash_version = WAX_HASH_VERSION,
			.hash_seed = WAX_HASH_SEED,
			.steps = calloc(flow->step_count + 1, sizeof(*manifest->steps)),
	};
	if (!manifest->steps)
		return wax_err_set(err, -ENOMEM, "no memory for the manifest");
	for (uint32_t i = 0; i < flow->step_count; i++)
		manifest->step_count += describe_step(
				flow, flow->steps[i], &manifest->steps[manifest->step_count]);
	return 0;
}

/* ---- what it goes on from */

int wax_recovery_resume(struct wax_recovery *recovery, struct wax_flow *flow,
		const struct wax_options *options, struct wax_err *err)
{
	uint64_t from = recovery->attempts == 0 ? options->from_epoch : 0;

	if (!recovery->store)
		return 0;
	if (describe_flow(recovery, flow, err) < 0)
		return WAX_EXIT_RESOURCES;
	if (wax_store_resume(recovery->store, from, &recovery->resume, err) < 0)
		return WAX_EXIT_RECOVERY;
	for (uint32_t i = 0; i < recovery->resume->generation_count; i++) {
		const struct wax_manifest *saved = &recovery->resume->generations[i].manifest;

		if (wax_manifest_compare(saved, &recovery->manifest, err) < 0) {
			wax_err_wrap(err, "what '%s' has does not fit the flow",
					options->recovery_path);
			return WAX_EXIT_RECOVERY;
		}
	}
	if (wax_restore_plan_make(flow, recovery->resume, &recovery->restore, err) < 0)
		return WAX_EXIT_RECOVERY;
	recovery->resumed_epoch = recovery->resume->epoch;
	return 0;
}

int wax_recovery_begin(struct wax_recovery *recovery, const struct wax_control *control,
		const struct wax_options *options, struct wax_err *err)
{
	struct wax_control_header *header = control->header;

	if (!recovery->store)
		return 0;
	recovery->worker_count = control->worker_count;
	recovery->manifest.worker_count = control->worker_count;
	if (getrandom(&recovery->manifest.run, sizeof(recovery->manifest.run), 0) < 0) {
		wax_err_set(err, -errno, "no random number to know the run by: %m");
		return WAX_EXIT_RESOURCES;
	}
	if (wax_store_begin(recovery->store, recovery->resume, &recovery->manifest,
			    &recovery->env.dir, recovery->path, err) < 0) {
		wax_err_wrap(err, "cannot keep state in '%s'", options->recovery_path);
		return WAX_EXIT_RECOVERY;
	}
	free(recovery->items_last);
	free(recovery->items_before);
	recovery->items_last = calloc(control->step_count + 1, sizeof(*recovery->items_last));
	recovery->items_before = calloc(control->step_count + 1, sizeof(*recovery->items_before));
	if (!recovery->items_last || !recovery->items_before) {
		wax_err_set(err, -ENOMEM, "no memory to keep state");
		return WAX_EXIT_RESOURCES;
	}
	recovery->begun = true;
	recovery->attempts++;
	recovery->trimmed_others = false;
	recovery->env.resume = recovery->resume;
	recovery->env.maps = recovery->restore.maps;
	recovery->env.path = recovery->path;
	recovery->env.generation = recovery->manifest.generation;
	recovery->env.run = recovery->manifest.run;
	/* Relaxed: there are no workers yet. */
	wax_store_relaxed(&header->epoch, recovery->resumed_epoch + 1);
	wax_store_relaxed(&header->committed, recovery->resumed_epoch);
	return 0;
}

const struct wax_recovery_env *wax_recovery_env(const struct wax_recovery *recovery)
{
	return recovery->begun ? &recovery->env : NULL;
}

/* ---- what is of no use any more */

static bool note_bases(struct wax_recovery *recovery, const struct wax_control *control)
{
	struct wax_recovery_bases bases = {
			.segments = calloc(control->worker_count, sizeof(*bases.segments)),
			.own = true,
	};

	if (!bases.segments)
		return false; /* then something stays that need not */
	for (uint32_t i = 0; i < control->worker_count; i++) {
		const struct wax_worker_record *record = wax_control_worker(control, i);

		/* Relaxed: behind the acquire of epoch_done. */
		bases.segments[i] = wax_load_relaxed(&record->base_segment);
		bases.own &= wax_load_relaxed(&record->own_base) != 0;
	}
	if (recovery->base_count == recovery->base_capacity) {
		free(recovery->bases[0].segments);
		memmove(recovery->bases, recovery->bases + 1,
				(recovery->base_count - 1) * sizeof(*recovery->bases));
		recovery->base_count--;
	}
	recovery->bases[recovery->base_count++] = bases;
	return recovery->base_count == recovery->base_capacity;
}

/* Items that a step was given in this attempt, by all workers. */
static uint64_t items_of(const struct wax_control *control, uint32_t step)
{
	uint64_t items = 0;

	for (uint32_t i = 0; i < control->worker_count; i++)
		items += wax_load_relaxed(&wax_control_step(control, i, step)->items_in);
	return items;
}

static void note_items(struct wax_recovery *recovery, const struct wax_control *control)
{
	uint64_t *last = recovery->items_before;

	recovery->items_before = recovery->items_last;
	recovery->items_last = last;
	for (uint32_t i = 0; i < control->step_count; i++)
		last[i] = items_of(control, i);
}

void wax_recovery_committed(struct wax_recovery *recovery, const struct wax_control *control)
{
	note_items(recovery, control);
	if (!note_bases(recovery, control))
		return;

	const struct wax_recovery_bases *oldest = &recovery->bases[0];

	for (uint32_t i = 0; i < control->worker_count; i++)
		wax_store_drop_segments(recovery->store, i, oldest->segments[i]);
	if (oldest->own && !recovery->trimmed_others) {
		recovery->trimmed_others = true;
		wax_store_drop_others(recovery->store);
	}
}

/* ---- items that kill their workers */

/* Did the worker do it to itself? */
static bool is_own_doing(int signal)
{
	return signal == 0 || signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
			signal == SIGILL || signal == SIGABRT || signal == SIGSYS ||
			signal == SIGTRAP;
}

/* @return how many workers have died at it now; 0: no memory */
static uint32_t count_death(struct wax_recovery *recovery, uint32_t step, uint64_t hash)
{
	uint32_t count = recovery->quarantine.deadly_count;

	for (uint32_t i = 0; i < count; i++) {
		struct wax_deadly_item *deadly = &recovery->deadly[i];

		if (deadly->step == step && deadly->hash == hash)
			return ++deadly->deaths;
	}

	struct wax_deadly_item *grown =
			reallocarray(recovery->deadly, count + 1, sizeof(*recovery->deadly));

	if (!grown)
		return 0;
	grown[count] = (struct wax_deadly_item){hash, step, 1};
	recovery->deadly = grown;
	recovery->quarantine.deadly = grown;
	recovery->quarantine.deadly_count = count + 1;
	return 1;
}

/* Steps that were suspected before stay so: their items come again too, and with them what is known to
 * kill. */
static void suspect_step(
		struct wax_recovery *recovery, const struct wax_control *control, uint32_t step)
{
	if (!recovery->suspect_items)
		recovery->suspect_items =
				calloc(control->step_count, sizeof(*recovery->suspect_items));
	recovery->quarantine.items = recovery->suspect_items;
	for (uint32_t i = 0; recovery->suspect_items && i < control->step_count; i++) {
		uint64_t *items = &recovery->suspect_items[i];

		/* What comes again until it is met: all since the last epoch that was committed, and
		 * to be sure of it the one before. Any worker may be given it this time. */
		if (i == step || *items > 0)
			*items = items_of(control, i) - recovery->items_before[i] + 1;
	}
}

bool wax_recovery_suspect(struct wax_recovery *recovery, const struct wax_control *control,
		uint32_t worker, int signal)
{
	const struct wax_worker_record *record = wax_control_worker(control, worker);
	/* Relaxed: the worker is gone. */
	uint32_t step = wax_load_relaxed(&record->step_now);
	uint64_t item = wax_load_relaxed(&record->item_now);

	if (!is_own_doing(signal) || step >= control->step_count)
		return false;

	/* Else it is the item of a step upstream. */
	bool own = recovery->suspect_items && recovery->suspect_items[step] > 0;

	suspect_step(recovery, control, step);
	/* The second time it is no accident. */
	return own && item != 0 && count_death(recovery, step, item) >= 2;
}

/* ---- again */

bool wax_recovery_may_restart(
		struct wax_recovery *recovery, const struct wax_options *options, uint64_t now_ns)
{
	uint32_t limit = options->restart_limit, recent = 0;
	uint64_t minute_ns = MINUTE_S * UINT64_C(1000000000);

	for (uint32_t i = 0; i < recovery->restarted_count; i++) {
		if (now_ns - recovery->restarted_ns[i] < minute_ns)
			recovery->restarted_ns[recent++] = recovery->restarted_ns[i];
	}
	recovery->restarted_count = recent;
	if (recent == limit)
		return false;
	recovery->restarted_ns[recovery->restarted_count++] = now_ns;
	recovery->restarts++;
	return true;
}

struct wax_recovery_text wax_recovery_epoch_text(uint64_t epoch)
{
	struct wax_recovery_text text = {"from the beginning"};

	if (epoch > 0)
		snprintf(text.text, sizeof(text.text), "from epoch %" PRIu64, epoch);
	return text;
}

void wax_recovery_end(struct wax_recovery *recovery, struct wax_flow *flow)
{
	for (uint32_t i = 0; i < recovery->base_count; i++)
		free(recovery->bases[i].segments);
	recovery->base_count = 0;
	if (recovery->restore.maps)
		wax_restore_plan_free(flow, &recovery->restore);
	wax_resume_free(recovery->resume);
	recovery->resume = NULL;
	if (recovery->env.dir >= 0)
		close(recovery->env.dir);
	recovery->env.dir = -1;
	recovery->begun = false;
}

void wax_recovery_close(struct wax_recovery *recovery, struct wax_flow *flow)
{
	wax_recovery_end(recovery, flow);
	free(recovery->manifest.steps);
	free(recovery->bases);
	free(recovery->restarted_ns);
	free(recovery->suspect_items);
	free(recovery->deadly);
	free(recovery->items_last);
	free(recovery->items_before);
	if (recovery->env.launcher_bell >= 0)
		close(recovery->env.launcher_bell);
	wax_store_close(recovery->store);
	*recovery = (struct wax_recovery)WAX_RECOVERY_NONE;
}
