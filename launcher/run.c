/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/run.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "launcher/load.h"
#include "launcher/options.h"
#include "launcher/placement.h"
#include "launcher/supervise.h"
#include "runtime/assert.h"
#include "runtime/flow.h"
#include "runtime/plan.h"
#include "runtime/worker.h"
#include "shm/control.h"
#include "shm/segment.h"

static void say_error(const char *sentence)
{
	fprintf(stderr, "waxrun: error: %s\n", sentence);
}

int wax_main(int argc, char **argv)
{
	struct wax_options options;
	struct wax_err err = {0};
	if (wax_options_parse(argc, argv, environ, &options, &err) < 0) {
		say_error(err.text);
		return 2;
	}
	const struct wax_flow_entry *entry;
	if (wax_load_flow(options.flow_path, &entry, &err) < 0) {
		say_error(err.text);
		return 2;
	}
	struct wax_flow *flow;
	if (wax_flow_make(entry, options.flow_argc, options.flow_argv, &flow, &err) < 0) {
		say_error(err.text);
		return 2;
	}
	for (uint32_t i = 0; i < flow->mistake_count; i++)
		say_error(flow->mistakes[i]);
	if (flow->mistake_count)
		return 3;
	struct wax_placement *placement;
	if (wax_placement_make(NULL, options.procs, options.bind, &placement, &err) < 0) {
		say_error(err.text);
		return 71;
	}
	uint32_t procs = placement->worker_count;
	if (wax_flow_prepare(flow, procs, &err) < 0) {
		say_error(err.text);
		return 2;
	}
	struct wax_plan *plan;
	WAX_ASSERT(wax_plan_make(flow, procs, &plan, &err) == 0);
	struct wax_segment_plan sp = {.worker_count = procs, .edge_count = plan->edge_count};
	uint64_t bytes;
	if (wax_segment_fit(options.exchange_mem_bytes, options.slab_bytes, &sp, &bytes, &err) < 0) {
		say_error(err.text);
		return 2;
	}
	struct wax_segment segment;
	WAX_ASSERT(wax_segment_make(&sp, &segment, &err) == 0);
	struct wax_control_plan cp = {flow->name, procs, flow->step_count, plan->edge_count};
	struct wax_control control;
	WAX_ASSERT(wax_control_make(&cp, &control, &err) == 0);
	int *bells = calloc(procs, sizeof(int));
	for (uint32_t i = 0; i < procs; i++)
		bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct wax_supervision run = {.plan = plan,
			.segment = &segment,
			.control = &control,
			.options = &options,
			.placement = placement,
			.bells = bells};
	struct wax_ended ended;
	if (wax_supervise(&run, &ended, &err) < 0)
		say_error(err.text);
	fprintf(stderr, "ended %d status %d worker %u signal %d wall %.3f cpu %.3f\n", ended.ending,
			ended.status, ended.worker, ended.signal, (double)ended.wall_ns / 1e9,
			(double)ended.usage.ru_utime.tv_sec + (double)ended.usage.ru_utime.tv_usec / 1e6);
	if (ended.ending == WAX_ENDING_FAILED)
		say_error(wax_control_worker(&control, ended.worker)->fail_sentence);
	for (uint32_t s = 0; s < flow->step_count; s++) {
		uint64_t in = 0, out = 0;
		for (uint32_t w = 0; w < procs; w++) {
			in += wax_load_relaxed(&wax_control_step(&control, w, s)->items_in);
			out += wax_load_relaxed(&wax_control_step(&control, w, s)->items_out);
		}
		fprintf(stderr, "%s in %lu out %lu\n", flow->steps[s]->id, in, out);
	}
	wax_control_free(&control);
	wax_segment_free(&segment);
	return ended.status;
}

const char *wax_version(void)
{
	return "0.1.0";
}
