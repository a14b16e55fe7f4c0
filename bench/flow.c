/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "launcher/recover.h"
#include "launcher/setup.h"
#include "runtime/flow.h"

/* ---- Running */

static void parse_options(const struct flow_run *run, struct wax_options *options)
{
	char procs[32], slab[64], memory[64], interval[64];
	const char *argv[12] = {"waxrun", "--interval=0", "--watchdog=0", procs, interval};
	uint64_t slab_bytes = bench.slab_bytes ? bench.slab_bytes : run->slab_bytes;
	int argc = 5;
	snprintf(procs, sizeof(procs), "--procs=%u", run->procs);
	snprintf(interval, sizeof(interval), "--snapshot-interval=%s",
			run->interval ? run->interval : "0");
	snprintf(slab, sizeof(slab), "--slab=%" PRIu64, slab_bytes);
	snprintf(memory, sizeof(memory), "--exchange-mem=%" PRIu64, bench.exchange_mem_bytes);
	if (slab_bytes)
		argv[argc++] = slab;
	if (bench.exchange_mem_bytes)
		argv[argc++] = memory;
	if (meter_has_cpus(run->procs))
		argv[argc++] = "--bind=core";
	else
		argv[argc++] = "--bind=none";
	argv[argc++] = "flow.so";
	/* Strings of the options are of no use here, so they may point to this frame. */
	BENCH_CHECK(wax_options_parse(argc, (char **)argv, NULL, options, NULL) == 0);
	options->recovery_path = run->recovery;
}

static void die_of(const struct wax_control *control, const struct wax_ended *ended)
{
	if (ended->ending == WAX_ENDING_FAILED)
		bench_die("worker %u: %s", ended->worker,
				wax_control_worker(control, ended->worker)->fail_sentence);
	if (ended->status != 0)
		bench_die("worker %u was lost, status %d", ended->worker, ended->status);
}

static struct wax_setup setup;

struct wax_control *flow_control(void)
{
	return &setup.control;
}

/* Bytes of the segment that some process has touched: what is in the page cache. */
static uint64_t touched_bytes(const struct wax_segment *segment)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), count = (segment->bytes + page - 1) / page;
	uint64_t touched = 0;
	unsigned char *resident = malloc(count);
	if (!resident || mincore(segment->header, segment->bytes, resident) < 0)
		bench_die("cannot tell how much shared memory was used: %s", strerror(errno));
	for (uint64_t i = 0; i < count; i++)
		touched += resident[i] & 1;
	free(resident);
	return touched * page;
}

static uint64_t ns_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

static void run_workers(const struct wax_options *options, struct wax_flow *flow,
		struct flow_result *result)
{
	struct wax_err err = {0};
	struct wax_ended ended;

	if (wax_setup_plan(&setup, flow, options, &err) != 0 ||
			wax_setup_share(&setup, options, &err) != 0)
		bench_die("%s", err.text);
	struct wax_supervision supervision = wax_setup_supervision(&setup, options);
	if (wax_supervise(&supervision, &ended, &err) < 0)
		bench_die("%s", err.text);
	result->ended_ns = clock_ns();
	result->cpu_ns = ns_of(ended.usage.ru_utime) + ns_of(ended.usage.ru_stime);
	die_of(&setup.control, &ended);
	result->shared_bytes = touched_bytes(&setup.segment);
	result->shared_bytes_max = setup.segment.bytes;
	for (uint32_t i = 0; i < setup.plan->worker_count; i++) {
		const struct wax_worker_record *record = wax_control_worker(&setup.control, i);
		uint64_t pause_ns = wax_load_relaxed(&record->save_ns_max);
		uint64_t load_ns = wax_load_relaxed(&record->load_ns);
		result->save_ns_max =
				pause_ns > result->save_ns_max ? pause_ns : result->save_ns_max;
		result->load_ns_max = load_ns > result->load_ns_max ? load_ns : result->load_ns_max;
		result->keys_loaded += wax_load_relaxed(&record->keys_loaded);
		result->log_bytes += wax_load_relaxed(&record->log_bytes);
		result->live_bytes += wax_load_relaxed(&record->live_bytes);
	}
	result->committed = ended.committed;
}

struct flow_result flow_run(const struct flow_run *run)
{
	struct flow_result result = {.called_ns = clock_ns()};
	const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"bench", "a flow that is measured", run->build};
	struct wax_options options;
	struct wax_err err = {0};
	struct wax_flow *flow;
	struct wax_recovery recovery;

	parse_options(run, &options);
	if (wax_flow_make(&entry, 0, NULL, &flow, &err) < 0)
		bench_die("%s", err.text);
	if (flow->mistake_count > 0)
		bench_die("%s", flow->mistakes[0]);
	if (wax_recovery_open(&recovery, &options, &err) != 0)
		bench_die("%s", err.text);
	setup = (struct wax_setup){.recovery = run->recovery ? &recovery : NULL};
	run_workers(&options, flow, &result);
	wax_setup_free(&setup);
	wax_recovery_close(&recovery, flow);
	wax_flow_free(flow);
	return result;
}

/* ---- The source */

void flow_make_numbers(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			values[i] = *seed + i;
			*sum += values[i];
		}
		*seed += room;
		wax_out_advance(out, room);
		count -= room;
	}
}

uint64_t flow_sum_numbers(const struct wax_batch *batch)
{
	return items_sum(WAX_VALUES(batch, uint64_t), batch->count);
}

struct part {
	struct wax_env *env;
	const struct flow_items *items;
	struct meter_log *log;
	uint64_t seed;
	uint64_t made;
	uint64_t look_at; /* made, at which to look at the clock: the sink has its own in the log */
};

static int source_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	return wax_parts_add(parts, "only");
}

static int source_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct part *part = calloc(1, sizeof(*part));
	uint32_t worker = wax_env_worker(env);
	(void)saved;
	(void)err;
	BENCH_CHECK(part);
	if (meter_has_cpus(wax_env_worker_count(env)))
		meter_settle(worker);
	part->env = env;
	part->items = source;
	part->log = &meter()->logs[worker % METER_PROCS_MAX];
	part->seed = 0x1234567 + worker * UINT64_C(7919);
	*ret_part = part;
	return 0;
}

/* How many items may be made before more rounds are over. */
static uint64_t room_in_rounds(const struct part *part)
{
	const struct flow_items *items = part->items;
	if (items->round == 0)
		return UINT64_MAX;
	uint32_t worker_count = wax_env_worker_count(part->env);
	uint64_t over = meter_taken(worker_count) / worker_count / items->round;
	return (over + items->ahead) * items->round - part->made;
}

static uint32_t next_count(const struct part *part)
{
	const struct flow_items *items = part->items;
	uint32_t count = items->per_call ? items->per_call : 4096;
	uint64_t left = items->count_max ? items->count_max - part->made : UINT64_MAX;
	uint64_t room = room_in_rounds(part);
	room = room < left ? room : left;
	return room < count ? (uint32_t)room : count;
}

static int source_next(void *source_part, struct wax_out *out, struct wax_err *err)
{
	struct part *part = source_part;
	const struct flow_items *items = part->items;
	uint32_t count = next_count(part);
	(void)err;
	if (items->last_only && wax_env_worker(part->env) + 1 < wax_env_worker_count(part->env))
		return WAX_END;
	if (part->made == 0)
		meter_begin(part->log);
	if (count == 0) {
		/* Whether the others are so far, nobody tells: look again at once. */
		wax_env_wake(part->env);
		return clock_ns() >= meter()->until_ns ? WAX_END : WAX_IDLE;
	}
	items->make(out, count, &part->seed, &part->log->made_sum);
	part->made += count;
	if (items->count_max && part->made == items->count_max)
		return WAX_END;
	if (!items->silent)
		return meter_add(part->log, count) ? WAX_END : WAX_MORE;
	/* The clock is a system call on some machines: not too often. */
	if (part->made < part->look_at)
		return WAX_MORE;
	part->look_at = part->made + part->log->stride;
	return clock_ns() >= meter()->until_ns ? WAX_END : WAX_MORE;
}

#define SOURCE_OPS                                                                                 \
	.size_bytes = sizeof(struct wax_source_ops), .kind = "bench", .open = source_open,         \
	.next = source_next, .close = free

static const struct wax_source_ops source_ops = {SOURCE_OPS};
static const struct wax_source_ops single_ops = {SOURCE_OPS, .list = source_list};

struct wax_source *flow_source(const struct flow_items *items)
{
	return wax_source_make(items->single ? &single_ops : &source_ops, items->type,
			(void *)items, NULL);
}

/* ---- The sink */

struct sink {
	flow_sum_fn sum;
	bool notes;
	struct meter_log *log;
};

static int sink_open(void *sink_made, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct sink *sink = sink_made;
	(void)saved;
	(void)err;
	sink->log = &meter()->logs[wax_env_worker(env) % METER_PROCS_MAX];
	*ret_part = sink; /* this worker's copy: it was forked */
	return 0;
}

static int sink_write(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	struct sink *sink = part;
	struct meter_log *log = sink->log;
	(void)err;
	if (sink->sum)
		log->taken_sum += sink->sum(batch);
	meter_take(log, batch->count);
	/* It is the source that looks at the time to stop. */
	if (sink->notes)
		meter_add(log, batch->count);
	return WAX_READY;
}

static int sink_close(void *part, int ok, struct wax_err *err)
{
	struct sink *sink = part;
	(void)ok;
	(void)err;
	meter_end(sink->log);
	return 0;
}

static const struct wax_sink_ops sink_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "bench",
		.open = sink_open,
		.write = sink_write,
		.close = sink_close,
		.free = free,
};

struct wax_sink *flow_sink(flow_sum_fn sum, bool notes)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	BENCH_CHECK(sink);
	*sink = (struct sink){sum, notes, NULL};
	return wax_sink_make(&sink_ops, NULL, sink, NULL);
}
