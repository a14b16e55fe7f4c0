/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/report_private.h"
#include "runtime/json.h"
#include "shm/atomic.h"

/* The JSON lines of a report. Nothing changes its meaning within a schema number; names carry their
 * unit. */

enum { SCHEMA = 1 };

static void begin(struct wax_json *json, struct wax_report *report, const char *type)
{
	wax_json_init(json, report->json);
	wax_json_object(json, NULL);
	wax_json_text(json, "type", type);
	wax_json_u64(json, "schema", SCHEMA);
	wax_json_text(json, "flow", report->env.flow->name);
}

static void write_worst(struct wax_json *json, const struct wax_report *report,
		const struct wax_report_interval *interval)
{
	const char *step = wax_report_step_name(report, interval->busiest_step);

	wax_json_object(json, "worst");
	wax_json_u64(json, "worker", interval->busiest);
	wax_json_text(json, "step", *step ? step : NULL);
	wax_json_double(json, "busy", report->looks[interval->busiest].busy);
	wax_json_end(json);
}

void wax_report_write_interval(
		struct wax_report *report, const struct wax_report_interval *interval)
{
	struct wax_json json;

	begin(&json, report, "interval");
	wax_json_u64(&json, "elapsed_ns", interval->elapsed_ns);
	wax_json_u64(&json, "interval_ns", interval->length_ns);
	wax_json_u64(&json, "epoch", interval->epoch);
	wax_json_u64(&json, "items_in", interval->items_in);
	wax_json_u64(&json, "items_out", interval->items_out);
	wax_json_double(&json, "items_in_per_s", interval->in_per_s);
	wax_json_double(&json, "items_out_per_s", interval->out_per_s);
	wax_json_double(&json, "busy", interval->busy);
	write_worst(&json, report, interval);

	wax_json_array(&json, "worker_busy");
	for (uint32_t i = 0; i < report->env.control->worker_count; i++)
		wax_json_double(&json, NULL, report->looks[i].busy);
	wax_json_end(&json);
	wax_json_end(&json);
	wax_json_finish(&json);
}

/* "items_in", "slept_ns", "state_bytes_max": counters are named as they are declared. */
#define WRITE_FIGURE(name, unit, help) wax_json_u64(json, #name, figures.name);
#define WRITE_COUNTER(name, unit, help) wax_json_u64(json, #name, wax_load_relaxed(&record->name));

static void write_step_time(struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	struct wax_profile_time all = wax_profile_all(report->profile);
	uint64_t total_ns = wax_profile_total_ns(&all), ns = wax_report_step_ns(report, index);

	wax_json_u64(json, "time_ns", ns);
	wax_json_double(json, "time_share", total_ns ? (double)ns / (double)total_ns : 0);
}

static void write_step(struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	const struct wax_step *step = report->env.flow->steps[index];
	struct wax_step_figures figures = wax_report_step(report, index);

	wax_json_object(json, NULL);
	wax_json_text(json, "id", step->id);
	wax_json_text(json, "kind", step->class->kind);
	wax_json_bool(json, "internal", step->internal);
	WAX_STEP_COUNTERS(WRITE_FIGURE)
	if (step->input_count > 0) {
		wax_json_double(json, "skew_in", wax_report_share_in(report, index).skew);
	}
	if (step->output_count > 0)
		wax_json_double(json, "skew_out", wax_report_share_out(report, index).skew);
	wax_json_u64(json, "holds", report->holds[index].count);
	wax_json_u64(json, "hold_longest_ns", report->holds[index].longest_ns);
	if (report->profile)
		write_step_time(json, report, index);
	wax_json_end(json);
}

static void write_busiest(struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	struct wax_report_share share = wax_report_share_edge(report, index);

	if (share.total == 0)
		return;
	wax_json_u64(json, "busiest_worker", share.busiest);
	wax_json_double(json, "busiest_share", share.busiest_share);
}

static double per_item(uint64_t ns, uint64_t items)
{
	return items ? (double)ns / (double)items : 0;
}

static void write_edge_time(struct wax_json *json, const struct wax_report *report, uint32_t index,
		const struct wax_edge_figures *figures)
{
	struct wax_profile_edge time = wax_profile_edge(report->profile, index);

	wax_json_u64(json, "sending_ns", time.sending_ns);
	wax_json_u64(json, "receiving_ns", time.receiving_ns);
	wax_json_double(json, "sending_ns_per_item", per_item(time.sending_ns, figures->items_out));
	wax_json_double(json, "receiving_ns_per_item",
			per_item(time.receiving_ns, figures->items_in));
}

static void write_edge(struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	const struct wax_flow *flow = report->env.flow;
	const struct wax_plan_edge *edge = &report->env.plan->edges[index];
	struct wax_edge_figures figures = wax_report_edge(report, index);

	wax_json_object(json, NULL);
	wax_json_text(json, "from", flow->steps[wax_report_edge_from(report, index)]->id);
	wax_json_text(json, "to", flow->steps[edge->step]->id);
	wax_json_text(json, "route", wax_route_name(edge->route));
	WAX_EDGE_COUNTERS(WRITE_FIGURE)
	write_busiest(json, report, index);
	if (report->profile)
		write_edge_time(json, report, index, &figures);
	wax_json_end(json);
}

static void write_worker_time(
		struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	struct wax_profile_time time = wax_profile_worker(report->profile, index);

	wax_json_u64(json, "looks", wax_profile_looks(report->profile));
	wax_json_array(json, "step_time_ns");
	for (uint32_t i = 0; i < report->env.flow->step_count; i++)
		wax_json_u64(json, NULL, wax_profile_step_ns(report->profile, index, i));
	wax_json_end(json);
	wax_json_u64(json, "sending_ns", time.sending_ns);
	wax_json_u64(json, "receiving_ns", time.receiving_ns);
	wax_json_u64(json, "runtime_ns", time.runtime_ns);
	wax_json_u64(json, "spinning_ns", time.spinning_ns);
	wax_json_u64(json, "asleep_ns", time.asleep_ns);
}

static void write_worker(struct wax_json *json, const struct wax_report *report, uint32_t index)
{
	const struct wax_worker_record *record = wax_control_worker(report->env.control, index);

	wax_json_object(json, NULL);
	wax_json_u64(json, "worker", index);
	wax_json_i64(json, "cpu", report->env.placement->workers[index].cpu);
	wax_json_u64(json, "epoch_done", wax_load_relaxed(&record->epoch_done));
	WAX_WORKER_COUNTERS(WRITE_COUNTER)
	if (report->profile)
		write_worker_time(json, report, index);
	wax_json_end(json);
}

static void write_error(struct wax_json *json, const struct wax_report *report,
		const struct wax_ended *ended)
{
	struct wax_report_failure failure = wax_report_find_failure(report, ended);

	if (!failure.failed)
		return;
	wax_json_object(json, "error");
	wax_json_text(json, "sentence", failure.sentence);
	if (failure.step != WAX_NO_STEP)
		wax_json_text(json, "step", report->env.flow->steps[failure.step]->id);
	if (failure.worker >= 0) {
		wax_json_u64(json, "worker", (uint32_t)failure.worker);
		wax_json_u64(json, "epoch", failure.epoch);
	}
	if (failure.source[0]) {
		wax_json_text(json, "source", failure.source);
		wax_json_u64(json, "offset", failure.offset);
	}
	if (failure.item[0])
		wax_json_text(json, "item", failure.item);
	if (ended->ending == WAX_ENDING_KILLED)
		wax_json_i64(json, "signal", ended->signal);
	wax_json_end(json);
}

static uint64_t ns_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_usec * 1000;
}

static void write_totals(struct wax_json *json, const struct wax_report *report,
		const struct wax_ended *ended)
{
	wax_json_text(json, "ending", wax_ending_name(ended->ending));
	wax_json_i64(json, "exit_status", ended->status);
	wax_json_u64(json, "worker_count", report->env.control->worker_count);
	wax_json_u64(json, "wall_ns", ended->wall_ns);
	wax_json_u64(json, "cpu_user_ns", ns_of(ended->usage.ru_utime));
	wax_json_u64(json, "cpu_system_ns", ns_of(ended->usage.ru_stime));
	wax_json_u64(json, "memory_bytes_max", (uint64_t)ended->usage.ru_maxrss * 1024);
	wax_json_u64(json, "worker_memory_bytes_max", ended->rss_max_kib * 1024);
	wax_json_i64(json, "preemptions", ended->usage.ru_nivcsw);
	wax_json_u64(json, "exchange_bytes", report->env.exchange ? report->env.exchange_bytes : 0);
	wax_json_u64(json, "items_in", wax_report_items_in(report));
	wax_json_u64(json, "items_out", wax_report_items_out(report));
	wax_json_u64(json, "items_dropped", wax_report_items_dropped(report));
	wax_json_u64(json, "epochs", wax_report_epochs(report));
	wax_json_u64(json, "first_item_ns", wax_report_first_item(report));
	if (report->env.recovery) {
		wax_json_u64(json, "resumed_epoch", report->env.recovery->resumed_epoch);
		wax_json_u64(json, "committed_epoch", ended->committed);
		wax_json_u64(json, "restarts", report->env.recovery->restarts);
	}
}

static void write_line(void *to, const char *line)
{
	wax_json_text(to, NULL, line);
}

int wax_report_write_summary(struct wax_report *report, const struct wax_ended *ended)
{
	const struct wax_report_env *env = &report->env;
	struct wax_json json;

	begin(&json, report, "summary");
	write_totals(&json, report, ended);
	write_error(&json, report, ended);

	wax_json_array(&json, "steps");
	for (uint32_t i = 0; i < env->flow->step_count; i++)
		write_step(&json, report, i);
	wax_json_end(&json);
	wax_json_array(&json, "edges");
	for (uint32_t i = 0; i < env->plan->edge_count; i++)
		write_edge(&json, report, i);
	wax_json_end(&json);
	wax_json_array(&json, "workers");
	for (uint32_t i = 0; i < env->control->worker_count; i++)
		write_worker(&json, report, i);
	wax_json_end(&json);
	wax_json_array(&json, "advice");
	wax_report_advise(report, write_line, &json);
	wax_json_end(&json);

	wax_json_end(&json);
	return wax_json_finish(&json);
}
