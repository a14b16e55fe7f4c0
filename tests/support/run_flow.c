/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher/options.h"
#include "launcher/setup.h"
#include "runtime/flow.h"
#include "runtime/plan.h"
#include "runtime/worker.h"

static char output_path[64];

void run_flow_output(struct wax_stream stream, const char *format)
{
	wax_output(stream, "run_flow_output", wax_file(output_path, format));
}

static void fail(struct run_flow_result *result, int status, const char *sentence)
{
	result->status = status;
	size_t used = strlen(result->sentence);
	snprintf(result->sentence + used, sizeof(result->sentence) - used, "%s%s", used ? "\n" : "",
			sentence);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_lines(const char *text)
{
	size_t bytes = strlen(text), count = 0;
	char *copy = strdup(text), *sorted = calloc(1, bytes + 2);
	char **lines = calloc(bytes + 1, sizeof(*lines));
	for (char *line = copy, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	char *to = sorted;
	for (size_t i = 0; i < count; i++)
		to += sprintf(to, "%s\n", lines[i]);
	free(lines);
	free(copy);
	return sorted;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t bytes = 0;
	if (!file || getdelim(&text, &bytes, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

static int parse_options(
		const struct run_flow_options *given, uint32_t worker_count, struct wax_options *options)
{
	char procs[32], slab[64], memory[64], interval[64], io[64];
	const char *argv[16] = {"waxrun", "--interval=0", "--bind=none", procs};
	int argc = 4;
	snprintf(procs, sizeof(procs), "--procs=%u", worker_count);
	if (given->slab && snprintf(slab, sizeof(slab), "--slab=%s", given->slab))
		argv[argc++] = slab;
	if (given->exchange_mem &&
			snprintf(memory, sizeof(memory), "--exchange-mem=%s", given->exchange_mem))
		argv[argc++] = memory;
	snprintf(interval, sizeof(interval), "--snapshot-interval=%s",
			given->interval ? given->interval : "0");
	argv[argc++] = interval;
	if (given->io && snprintf(io, sizeof(io), "--io=%s", given->io))
		argv[argc++] = io;
	if (given->rehearse)
		argv[argc++] = "--rehearse";
	argv[argc++] = "flow.so";
	return wax_options_parse(argc, (char **)argv, NULL, options, NULL);
}

static void tell_failure(struct run_flow_result *result, const struct wax_control *control,
		const struct wax_flow *flow, const struct wax_ended *ended)
{
	result->status = ended->status;
	if (ended->ending != WAX_ENDING_FAILED)
		return;
	const struct wax_worker_record *record = wax_control_worker(control, ended->worker);
	snprintf(result->sentence, sizeof(result->sentence), "%s", record->fail_sentence);
	snprintf(result->item, sizeof(result->item), "%s", record->fail_item);
	if (record->fail_step != WAX_NO_STEP)
		snprintf(result->step, sizeof(result->step), "%s",
				flow->steps[record->fail_step]->id);
}

/* What the pages hold that were touched, by whatever process: they are those of a file. */
static uint64_t taken_bytes(const struct wax_segment *segment)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = (segment->bytes + page - 1) / page;
	unsigned char *there = malloc(count);
	uint64_t taken = 0;
	if (there && mincore(segment->header, segment->bytes, there) == 0) {
		for (size_t i = 0; i < count; i++)
			taken += (there[i] & 1) * page;
	}
	free(there);
	return taken;
}

/* The environment may ask for the least memory that an exchange can have. */
static void choose_least(const struct wax_setup *setup, struct wax_options *options)
{
	const char *asked = getenv("WAX_TEST_EXCHANGE");
	struct wax_segment_plan exchange = {.worker_count = setup->plan->worker_count,
			.edge_count = setup->plan->edge_count};
	if (!asked || strcmp(asked, "least") != 0 || options->exchange_mem_bytes > 0 ||
			options->slab_bytes > 0)
		return;
	options->slab_bytes = WAX_SLAB_BYTES_MIN;
	wax_segment_fit(1, options->slab_bytes, &exchange, &options->exchange_mem_bytes, NULL);
}

static void execute(struct run_flow_result *result, struct wax_flow *flow,
		struct wax_options *options, struct wax_test_clock *clock)
{
	struct wax_err err = {0};
	struct wax_setup setup = {0};
	struct wax_ended ended;

	int status = wax_setup_plan(&setup, flow, options, &err);
	if (status == 0) {
		choose_least(&setup, options);
		status = wax_setup_share(&setup, options, &err);
	}
	if (status == 0) {
		result->exchange_bytes = setup.exchange_bytes;
		struct wax_supervision supervision = wax_setup_supervision(&setup, options);
		supervision.clock = clock;
		if (wax_supervise(&supervision, &ended, &err) < 0)
			status = 71;
		else
			tell_failure(result, &setup.control, flow, &ended);
		result->exchange_taken = taken_bytes(&setup.segment);
	}
	if (status != 0)
		fail(result, status, err.text);
	wax_setup_free(&setup);
}

struct run_flow_result run_flow(void (*build)(struct wax_flow *flow), uint32_t worker_count,
		const struct run_flow_options *options)
{
	static const struct run_flow_options defaults;
	options = options ? options : &defaults;
	struct run_flow_result result = {0};
	struct wax_options parsed;
	struct wax_err err = {0};
	struct wax_flow *flow;
	const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"flow", "a flow under test", build};
	int given_count = 0;
	while (options->args && options->args[given_count])
		given_count++;

	snprintf(output_path, sizeof(output_path), "/tmp/wax-run-flow.XXXXXX");
	int fd = mkstemp(output_path);
	if (fd >= 0)
		close(fd);
	if (parse_options(options, worker_count, &parsed) < 0) {
		fail(&result, 2, "options of run_flow");
	} else if (wax_flow_make(&entry, given_count, (char **)options->args, &flow, &err) < 0) {
		fail(&result, 2, err.text);
	} else {
		for (uint32_t i = 0; i < flow->mistake_count; i++)
			fail(&result, 3, flow->mistakes[i]);
		if (flow->mistake_count == 0)
			execute(&result, flow, &parsed, options->clock);
		wax_flow_free(flow);
	}
	result.unsorted = read_all(output_path);
	result.output = sorted_lines(result.unsorted);
	unlink(output_path);
	return result;
}

void run_flow_free(struct run_flow_result *result)
{
	free(result->output);
	free(result->unsorted);
}
