/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/flow.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"
#include "runtime/log.h"

/*
 * What it costs to keep state, and how long it takes to go on from it.
 *
 *     throughput   a million keys whose states of 32 bytes change all the time, saved once a second;
 *                  beside the same without
 *     pause        the longest that saving held a worker in these runs
 *     append       records into the log, durable every 10,000; by hand: write, fdatasync
 *     restore      a million keys of 256 bytes into memory; by hand: as many bytes read
 *     kill         from the kill -9 of a worker at full load to the first new line of output
 */

enum {
	STATE_WORDS = 4,
	RECORD_BYTES = 40, /* a key of 8 and a state of 32 */
	RECORDS = 10000,   /* of an epoch of the log */
	VALUE_BYTES = 256,
};

static uint64_t key_count;

/* ---- Directories */

static char folder[512];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_folder(void)
{
	if (nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		bench_die("remove '%s': %s", folder, strerror(errno));
}

static uint64_t folder_bytes;

static int add_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)path;
	(void)at;
	if (kind == FTW_F)
		folder_bytes += (uint64_t)status->st_size;
	return 0;
}

static uint64_t measure_folder(void)
{
	folder_bytes = 0;
	nftw(folder, add_entry, 16, FTW_PHYS);
	return folder_bytes;
}

static void use_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/waxbench-recovery-%d", bench.scratch, (int)getpid());
	remove_folder();
}

/* ---- Throughput */

struct narrow {
	uint64_t words[STATE_WORDS];
};

WAX_STATEFUL_MAP(gather, uint64_t, value, struct narrow, state, uint64_t, sum)
{
	state->words[0] += *value;
	state->words[1]++;
	state->words[2] ^= *value;
	state->words[3] = *value > state->words[3] ? *value : state->words[3];
	*sum = state->words[0];
}

static void make_pairs(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	uint64_t random = *seed;
	*sum += count;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *to = WAX_OUT_KEYS(out, uint64_t), *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			uint64_t bits = items_random(&random);
			to[i] = ((bits >> 32) * key_count) >> 32;
			values[i] = bits & 0xffff;
		}
		wax_out_advance(out, room);
		count -= room;
	}
	*seed = random;
}

static uint64_t count_items(const struct wax_batch *batch)
{
	return batch->count;
}

static struct flow_items items = {.make = make_pairs, .silent = true};

static void build_gather(struct wax_flow *flow)
{
	items.type = WAX_KEYED(WAX_U64, WAX_U64);
	struct wax_stream stream = wax_input(flow, "make", flow_source(&items));
	stream = wax_stateful_map_typed(stream, "gather", &gather);
	wax_output(stream, "out", flow_sink(count_items, true));
}

struct keeping {
	const char *interval; /* NULL: no state is kept */
	uint32_t ms;
	double also[RACE_ALSO_MAX]; /* longest pause, ns; log by live bytes; epochs */
};

/* Items a ns over the whole of the run: windows would leave out those in which it saves. */
static double run_gather(void *context, bool *ret_clean)
{
	struct keeping *keeping = context;
	uint64_t first = UINT64_MAX, last = 0, count = 0;

	use_folder();
	meter_start(keeping->ms, 2000);
	struct flow_result result = flow_run(&(struct flow_run){.build = build_gather,
			.procs = bench.procs,
			.recovery = keeping->interval ? folder : NULL,
			.interval = keeping->interval});
	meter_check_sums(bench.procs, "recovery");
	for (uint32_t i = 0; i < bench.procs; i++) {
		const struct meter_log *log = &meter()->logs[i];
		const struct meter_mark *from = &log->marks[0], *to = &log->marks[log->count - 1];
		if (log->count < 2)
			return NAN;
		first = from->ns < first ? from->ns : first;
		last = to->ns > last ? to->ns : last;
		count += to->items - from->items;
	}
	*ret_clean = true;
	if (keeping->interval) {
		keeping->also[0] = (double)result.save_ns_max;
		keeping->also[1] = (double)measure_folder() / (double)result.live_bytes;
		keeping->also[2] = (double)result.committed;
		remove_folder();
	}
	return (double)count / (double)(last - first);
}

static void measure_throughput(void)
{
	/* As many bytes a second as a million keys a second are. */
	uint32_t ms = (uint32_t)bench_pick(60, 1200, 3300);
	struct keeping with = {bench_pick(0, 0, 1)            ? "1s"
					: bench_pick(0, 1, 0) ? "250ms"
							      : "20ms",
			ms, {0}};
	struct keeping without = {NULL, ms, {0}};
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 5);
	struct race_runner runners[] = {
			{.name = "kept", .run = run_gather, .context = &with, .also = with.also},
			{.name = "not kept", .run = run_gather, .context = &without},
	};
	char params[80];

	key_count = bench.keys ? bench.keys : (uint64_t)bench_pick(10000, 250000, 1000000);
	race(runners, 2, rounds);
	snprintf(params, sizeof(params),
			"%u workers, %g keys of 32 B, every %s; yardstick: without", bench.procs,
			(double)key_count, with.interval);
	race_report("recovery/throughput", params, &runners[0], &runners[1], rounds, 1e3,
			"Mitems/s", true);

	struct race_runner pause = race_also(&runners[0], 0, rounds);
	struct race_runner size = race_also(&runners[0], 1, rounds);
	report_value("recovery/pause", "the longest that saving held a worker", pause.median * 1e-6,
			"ms", false);
	report_value("recovery/size", "of the directory at the end, times the live state",
			size.median, "x", false);
}

/* ---- The log */

static void wake_nobody(void *waker)
{
	(void)waker;
}

static void fill_record(char *record, uint64_t index)
{
	memset(record, (int)(index & 0xff), RECORD_BYTES);
	memcpy(record, &index, sizeof(index));
}

/* Bytes a ns. */
static double append_by_log(void *context, bool *ret_clean)
{
	uint64_t epochs = *(const uint64_t *)context;
	struct wax_err err = {0};
	struct wax_loop *loop;
	struct wax_log *log;
	char record[RECORD_BYTES];

	use_folder();
	BENCH_CHECK(mkdir(folder, 0700) == 0);
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	BENCH_CHECK(dir >= 0);
	const struct wax_frames_step sizes = {8, RECORD_BYTES - 8};
	struct wax_log_env env = {.dir = dir,
			.dir_path = folder,
			.generation = 1,
			.run = 1,
			.worker_count = 1,
			.wake = wake_nobody};
	if (wax_loop_open(WAX_IO_AUTO, 64, &loop, &err) < 0)
		bench_die("%s", err.text);
	env.loop = loop;
	if (wax_log_open(&env, &log, &err) < 0)
		bench_die("%s", err.text);
	uint64_t from = clock_ns();
	for (uint64_t epoch = 1; epoch <= epochs; epoch++) {
		struct wax_frames *frames = wax_log_frames(log);
		wax_frames_epoch(frames, epoch);
		for (uint64_t i = 0; i < RECORDS; i++) {
			fill_record(record, i);
			if (wax_frames_state(frames, 0, sizes, (struct wax_bytes){record, 8},
					    (struct wax_bytes){record + 8, RECORD_BYTES - 8}) < 0)
				bench_die("no memory");
		}
		if (wax_log_end(log, &(struct wax_log_end){.base = 1}, NULL, 0, &err) < 0)
			bench_die("%s", err.text);
		while (wax_log_durable(log) < epoch) {
			wax_loop_wait(loop, 1000 * 1000);
			if (wax_log_failure(log, &err) < 0)
				bench_die("%s", err.text);
		}
	}
	double took = (double)(clock_ns() - from);
	wax_log_close(log);
	wax_loop_close(loop);
	close(dir);
	remove_folder();
	*ret_clean = true;
	return (double)(epochs * RECORDS * RECORD_BYTES) / took;
}

static double append_by_hand(void *context, bool *ret_clean)
{
	uint64_t epochs = *(const uint64_t *)context;
	size_t bytes = (size_t)RECORDS * RECORD_BYTES;
	char *buffer = malloc(bytes);
	char path[600];

	use_folder();
	BENCH_CHECK(buffer && mkdir(folder, 0700) == 0);
	snprintf(path, sizeof(path), "%s/log", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	BENCH_CHECK(fd >= 0);
	uint64_t from = clock_ns();
	for (uint64_t epoch = 0; epoch < epochs; epoch++) {
		for (uint64_t i = 0; i < RECORDS; i++)
			fill_record(buffer + i * RECORD_BYTES, i);
		if (pwrite(fd, buffer, bytes, (off_t)(epoch * bytes)) != (ssize_t)bytes ||
				fdatasync(fd) < 0)
			bench_die("write '%s': %s", path, strerror(errno));
	}
	double took = (double)(clock_ns() - from);
	close(fd);
	free(buffer);
	remove_folder();
	*ret_clean = true;
	return (double)(epochs * bytes) / took;
}

static void measure_append(void)
{
	uint64_t epochs = (uint64_t)bench_pick(2, 50, 200);
	struct race_runner runners[] = {
			{.name = "log", .run = append_by_log, .context = &epochs},
			{.name = "by hand", .run = append_by_hand, .context = &epochs},
	};
	race(runners, 2, bench_rounds());
	race_report("recovery/append",
			"durable each 10000 records of 40 B; yardstick: write, fdatasync",
			&runners[0], &runners[1], bench_rounds(), 1e3, "MB/s", true);
}

/* ---- Loading */

struct wide {
	char bytes[VALUE_BYTES];
};

WAX_STATEFUL_MAP(remember, uint64_t, value, struct wide, state, uint64_t, same)
{
	memcpy(state->bytes, value, sizeof(*value));
	*same = *value;
}

/* Each key once: the first seeds of workers differ by less than what they go on by. */
static void make_each(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	*sum += count;
	for (; count > 0; count--) {
		uint64_t pair[2] = {*seed, *seed};
		*seed += UINT64_C(1) << 32;
		wax_emit_kv(out, &pair[0], 8, &pair[1], 8);
	}
}

static struct flow_items each = {.make = make_each};

static void build_remember(struct wax_flow *flow)
{
	each.type = WAX_KEYED(WAX_U64, WAX_U64);
	struct wax_stream stream = wax_input(flow, "make", flow_source(&each));
	stream = wax_stateful_map_typed(stream, "remember", &remember);
	wax_output(stream, "out", flow_sink(count_items, false));
}

static struct flow_result run_remember(uint64_t keys)
{
	each.count_max = keys / bench.procs;
	meter_start(0, 2000);
	return flow_run(&(struct flow_run){
			.build = build_remember, .procs = bench.procs, .recovery = folder});
}

/* Time for all workers to load, ns. */
static double load_by_wax(void *context, bool *ret_clean)
{
	uint64_t keys = *(const uint64_t *)context;
	struct flow_result result = run_remember(bench.procs);
	if (result.keys_loaded < keys)
		bench_die("%llu keys were loaded, not %llu", (unsigned long long)result.keys_loaded,
				(unsigned long long)keys);
	*ret_clean = true;
	return (double)result.load_ns_max;
}

static uint64_t bytes_each;

static void read_bytes(uint32_t index, void *context)
{
	const char *path = context;
	size_t step = 1 << 20;
	char *memory = malloc(bytes_each + step);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct meter_log *log = &meter()->logs[index];
	BENCH_CHECK(memory && fd >= 0);
	meter_meet(bench.procs);
	log->first_ns = clock_ns();
	for (uint64_t at = 0; at < bytes_each; at += step) {
		if (pread(fd, memory + at, step, (off_t)(index * bytes_each + at)) <= 0)
			break;
	}
	log->last_ns = clock_ns();
	close(fd);
	free(memory);
}

static double load_by_hand(void *context, bool *ret_clean)
{
	uint64_t keys = *(const uint64_t *)context, longest = 0;
	bytes_each = keys * (VALUE_BYTES + 8) / bench.procs;
	const char *path = fixture_text(bytes_each * bench.procs);
	meter_start(0, 1);
	meter_fork(bench.procs, read_bytes, (void *)path);
	for (uint32_t i = 0; i < bench.procs; i++) {
		const struct meter_log *log = &meter()->logs[i];
		uint64_t took = log->last_ns - log->first_ns;
		longest = took > longest ? took : longest;
	}
	*ret_clean = true;
	return (double)longest;
}

static void measure_restore(void)
{
	uint64_t keys = bench.keys ? bench.keys : (uint64_t)bench_pick(10000, 250000, 1000000);
	struct race_runner runners[] = {
			{.name = "wax", .run = load_by_wax, .context = &keys},
			{.name = "by hand", .run = load_by_hand, .context = &keys},
	};
	char params[80];

	use_folder();
	keys -= keys % bench.procs;
	run_remember(keys);
	race(runners, 2, bench_rounds());
	remove_folder();
	snprintf(params, sizeof(params),
			"%u workers, %g keys of 256 B; yardstick: as many bytes read", bench.procs,
			(double)keys);
	race_report("recovery/restore", params, &runners[0], &runners[1], bench_rounds(), 1e-6,
			"ms", false);
}

/* ---- A worker is killed */

static pid_t start_totals(const char *waxrun, const char *flow, const char *in, const char *out)
{
	char procs[32];
	snprintf(procs, sizeof(procs), "--procs=%u", bench.procs);
	const char *const argv[] = {waxrun, "--quiet", procs, "--recovery", folder, "-s1s", flow,
			"--", "--in", in, "--out", out, NULL};
	pid_t pid = fork();
	BENCH_CHECK(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO);
		execv(waxrun, (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static pid_t first_child(pid_t parent)
{
	char path[64];
	int child = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%d", &child) != 1)
		child = 0;
	if (file)
		fclose(file);
	return child;
}

static int64_t size_of(const char *path)
{
	struct stat status;
	return stat(path, &status) < 0 ? -1 : (int64_t)status.st_size;
}

/* The file is cut back to what was committed, then grows. */
static double wait_for_growth(const char *path, int64_t before)
{
	uint64_t from = clock_ns();
	int64_t cut = -1;
	while (clock_ns() - from < UINT64_C(20000000000)) {
		int64_t now = size_of(path);
		if (cut < 0 && now < before)
			cut = now;
		if (cut >= 0 && now > cut)
			return (double)(clock_ns() - from);
		usleep(200);
	}
	return NAN;
}

static void write_orders(FILE *file, uint64_t lines)
{
	uint64_t random = 5;
	for (uint64_t i = 0; i < lines; i++)
		fprintf(file, "a%07u %u\n",
				(unsigned)(i < key_count ? i : items_random(&random) % key_count),
				(unsigned)(i & 1023));
}

static void measure_kill(void)
{
	const char *waxrun = fixture_built("waxrun", "recovery/kill");
	const char *flow = fixture_built("examples/totals.so", "recovery/kill");
	char in[600], out[600];
	uint32_t rounds = (uint32_t)bench_pick(1, 1, 3);
	double took[8];
	uint32_t count = 0;

	if (!waxrun || !flow)
		return;
	key_count = bench.keys ? bench.keys : (uint64_t)bench_pick(10000, 250000, 1000000);
	use_folder();
	snprintf(in, sizeof(in), "%s.orders", folder);
	snprintf(out, sizeof(out), "%s.totals", folder);
	FILE *file = fopen(in, "we");
	BENCH_CHECK(file);
	write_orders(file, key_count * (uint64_t)bench_pick(20, 40, 40));
	BENCH_CHECK(fclose(file) == 0);
	for (uint32_t i = 0; i < rounds; i++) {
		remove_folder();
		unlink(out);
		pid_t launcher = start_totals(waxrun, flow, in, out);
		/* Lines are longer than keys: all of them have come, and one epoch is committed. */
		for (int tries = 0; tries < 20000 && size_of(out) < (int64_t)key_count * 10;
				tries++)
			usleep(1000);
		usleep(1300 * 1000);
		pid_t worker = first_child(launcher);
		int64_t before = size_of(out);
		if (worker > 0 && kill(worker, SIGKILL) == 0) {
			double ns = wait_for_growth(out, before);
			if (!isnan(ns))
				took[count++] = ns;
		}
		kill(launcher, SIGKILL);
		while (waitpid(launcher, NULL, 0) < 0 && errno == EINTR)
			;
		usleep(100 * 1000);
	}
	remove_folder();
	unlink(in);
	unlink(out);
	if (count == 0) {
		report_skip("recovery/kill", "the run was over before a worker could be killed");
		return;
	}
	for (uint32_t i = 1; i < count; i++) {
		for (uint32_t j = i; j > 0 && took[j] < took[j - 1]; j--) {
			double other = took[j];
			took[j] = took[j - 1];
			took[j - 1] = other;
		}
	}
	char params[80];
	snprintf(params, sizeof(params), "%u workers, %g keys: to the first new line", bench.procs,
			(double)key_count);
	report_value("recovery/kill", params, took[count / 2] * 1e-6, "ms", false);
}

void bench_recovery(void)
{
	if (bench_wants("recovery/throughput") || bench_wants("recovery/pause") ||
			bench_wants("recovery/size"))
		measure_throughput();
	if (bench_wants("recovery/append"))
		measure_append();
	if (bench_wants("recovery/restore"))
		measure_restore();
	if (bench_wants("recovery/kill"))
		measure_kill();
}
