/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/worker.h"

/* Was it the user who named something that is not there? */
static bool is_usage(int code)
{
	return code == -ENOENT || code == -EACCES || code == -ENOTDIR || code == -EISDIR ||
			code == -EINVAL || code == -EPERM || code == -ENAMETOOLONG ||
			code == -ELOOP || code == -ENXIO;
}

int wax_setup_plan(struct wax_setup *setup, struct wax_flow *flow,
		const struct wax_options *options, struct wax_err *err)
{
	if (wax_placement_make(NULL, options->procs, options->bind, &setup->placement, err) < 0)
		return WAX_EXIT_RESOURCES;
	uint32_t worker_count = setup->placement->worker_count;
	if (setup->recovery) {
		int status = wax_recovery_resume(setup->recovery, flow, options, err);
		if (status != 0)
			return status;
	}
	int r = wax_flow_prepare(flow, worker_count, err);
	/* What was saved and what is there do not fit. */
	if (r == -ESTALE)
		return WAX_EXIT_RECOVERY;
	if (r < 0)
		return is_usage(r) ? WAX_EXIT_USAGE : WAX_EXIT_CONNECTOR;
	if (wax_plan_make(flow, worker_count, &setup->plan, err) < 0)
		return WAX_EXIT_RESOURCES;
	return 0;
}

/* Share --exchange-mem out. */
static int fit_exchange(
		struct wax_setup *setup, const struct wax_options *options, struct wax_err *err)
{
	setup->exchange.worker_count = setup->plan->worker_count;
	setup->exchange.edge_count = setup->plan->edge_count;
	return wax_segment_fit(options->exchange_mem_bytes, options->slab_bytes, &setup->exchange,
			&setup->exchange_bytes, err);
}

static int make_bells(struct wax_setup *setup, struct wax_err *err)
{
	uint32_t count = setup->plan->worker_count;
	setup->bells = calloc(count, sizeof(*setup->bells));
	if (!setup->bells)
		return wax_err_set(err, -ENOMEM, "no memory for %u workers", count);
	for (uint32_t i = 0; i < count; i++)
		setup->bells[i] = -1;
	for (uint32_t i = 0; i < count; i++) {
		setup->bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (setup->bells[i] < 0)
			return wax_err_set(err, -errno,
					"doorbell of worker %u (eventfd): %m: raise the limit of "
					"open files (ulimit -n) to %u or more",
					i, count * 2 + 32);
	}
	return 0;
}

static int make_shared(struct wax_setup *setup, struct wax_err *err)
{
	int r = wax_segment_make(&setup->exchange, &setup->segment, err);
	/* It has a size as a file has. */
	if (r == -EFBIG)
		wax_err_wrap(err, "the limit of file sizes is too low (raise ulimit -f)");
	if (r < 0)
		return r;
	const struct wax_plan *plan = setup->plan;
	struct wax_control_plan control = {plan->flow->name, plan->worker_count,
			plan->flow->step_count, plan->edge_count};
	r = wax_control_make(&control, &setup->control, err);
	return r < 0 ? r : make_bells(setup, err);
}

int wax_setup_share(struct wax_setup *setup, const struct wax_options *options, struct wax_err *err)
{
	if (fit_exchange(setup, options, err) < 0)
		return WAX_EXIT_USAGE;
	if (make_shared(setup, err) < 0)
		return WAX_EXIT_RESOURCES;
	return setup->recovery ? wax_recovery_begin(setup->recovery, &setup->control, options, err)
			       : 0;
}

struct wax_supervision wax_setup_supervision(
		const struct wax_setup *setup, const struct wax_options *options)
{
	return (struct wax_supervision){
			.plan = setup->plan,
			.segment = &setup->segment,
			.control = &setup->control,
			.options = options,
			.placement = setup->placement,
			.bells = setup->bells,
			.recovery = setup->recovery,
	};
}

void wax_setup_free(struct wax_setup *setup)
{
	for (uint32_t i = 0; setup->bells && i < setup->plan->worker_count; i++) {
		if (setup->bells[i] >= 0)
			close(setup->bells[i]);
	}
	free(setup->bells);
	wax_control_free(&setup->control);
	wax_segment_free(&setup->segment);
	wax_plan_free(setup->plan);
	wax_placement_free(setup->placement);
	*setup = (struct wax_setup){0};
}
