/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How epochs are committed and a run that keeps state ends (launcher/epochs.c, runtime/snapshot.c), with
 * real workers and a real directory: numbers that are counted by key, numbers that stay in their worker,
 * and a sink that prepares and commits. The main thread is the launcher. It ends epochs as fast as they
 * go, and asks for a stop at any time; then the flow goes on from the directory with another number of
 * workers, until the input has ended.
 *
 * Notes stand in memory that is not atomic:
 *
 *     prepared    a worker, before it says that the epoch is done; the launcher has committed it
 *     ended       the launcher, before it ends the epoch; a sink that is to prepare it
 *     farewell    the launcher, before it tells the workers to go; a sink that is closed
 *
 * Of each there are two, for this epoch and the one before: that neither writes the next one while the
 * other still reads is part of the hand-shake.
 *
 * A sink prepares no epoch while it has another to show, and is told of each once, in order. In the end it
 * has shown all that it was given, and all sinks together what a run without stops had shown.
 *
 * A wake-up that is lost shows as a run that stands still; what comes too early or too late, and what
 * is not ordered, in the notes.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <wax/wax.h>

#include "launcher/epochs.h"
#include "launcher/setup.h"
#include "runtime/clock.h"
#include "runtime/worker.h"
#include "tests/shm/stress.h"

enum {
	WORKERS_MAX = 4,
	NOTES = 2, /* epochs: one is written, one is read */
	KEYS = 61,
	PATH_BYTES = 512,
	US = 1000,
};

/* Of a worker, that nobody else writes. */
struct worker_notes {
	alignas(128) uint64_t prepared[NOTES]; /* epochs */
	uint64_t items[NOTES];                 /* in them */
	/* For when it is over. */
	uint64_t told; /* epoch */
	uint64_t shown, sum;
	bool closed;
};

struct notes {
	uint64_t ended[NOTES];
	alignas(128) uint64_t farewell;
	struct worker_notes workers[WORKERS_MAX];
};

/* A directory, from nothing to the end of the input. */
struct round {
	const char *dir;
	uint64_t seed;
	uint64_t random;      /* of the launcher */
	int64_t counted, own; /* items of the two sources */
	bool forked;
	uint64_t shown, sum; /* by all sinks */
	uint64_t epochs, runs, stops;
};

/* From a start to the next stop, or the end. */
struct run {
	struct round *round;
	struct notes *notes;
	char procs[16], io[16], recovery_path[PATH_BYTES];
	struct wax_options options;
	struct wax_flow *flow;
	struct wax_recovery recovery;
	struct wax_setup setup;
	struct wax_epochs epochs;
	uint32_t workers;
	double rates[2]; /* of the sources */
	uint32_t batch_size;
	int64_t spin_ns;
	bool overcommitted;
	uint64_t stop_at;        /* UINT64_MAX: never */
	uint64_t committed;      /* that was looked at */
	uint64_t prepared_items; /* of the epochs that were committed */
	struct wax_err err;
};

static uint64_t below(uint64_t *random, uint64_t bound)
{
	return next_random(random) % bound;
}

/* ---- The sink: an instance in each worker */

struct part {
	struct run *run;
	struct wax_env *env;
	struct worker_notes *notes; /* NULL: of an instance that is left over */
	uint64_t random;
	uint64_t prepared, told; /* epochs; the first is the position */
	uint64_t items, sum;     /* written since the last epoch ended */
	uint64_t held, held_sum; /* of the epoch that is prepared and not told of */
	uint32_t asks;           /* how often it is to be asked again before it is ready */
	bool preparing, committing;
	int fd; /* ready at any time */
};

static int part_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct run *run = sink;
	struct part *part = calloc(1, sizeof(*part));
	uint32_t me = wax_env_worker(env);
	uint64_t position = 0;

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	if (saved.data && saved.bytes == sizeof(position))
		memcpy(&position, saved.data, sizeof(position));
	if (position > run->recovery.resumed_epoch)
		stress_fail("worker %u: a position of epoch %" PRIu64 " in a run from %" PRIu64, me,
				position, run->recovery.resumed_epoch);
	*part = (struct part){.run = run,
			.env = env,
			.random = run->round->seed * 64 + me,
			.prepared = run->recovery.resumed_epoch,
			.told = run->recovery.resumed_epoch,
			.fd = eventfd(0, EFD_CLOEXEC)};
	if (wax_env_instance(env) == me)
		part->notes = &run->notes->workers[me];
	*ret_part = part;
	return 0;
}

static int part_write(void *sink_part, const struct wax_batch *batch, struct wax_err *err)
{
	struct part *part = sink_part;

	(void)err;
	part->items += batch->count;
	for (uint32_t i = 0; i < batch->count; i++)
		part->sum += WAX_VALUES(batch, uint64_t)[i];
	return WAX_READY;
}

/* Not yet: ask again soon. */
static bool is_slow(struct part *part)
{
	if (part->asks == 0)
		return false;
	part->asks--;

	int r = wax_env_wake_on(part->env, part->fd, POLLOUT);

	if (r < 0 && r != -EBUSY)
		stress_fail("worker %u: not woken: %s", wax_env_worker(part->env), strerror(-r));
	return true;
}

/* Mostly few, now and then some: one is a turn of the worker. */
static uint32_t choose_asks(struct part *part)
{
	return (uint32_t)below(&part->random, below(&part->random, 4) ? 3 : 100);
}

static void begin_preparing(struct part *part, uint64_t epoch)
{
	if (epoch != part->prepared + 1)
		stress_fail("worker %u: prepare epoch %" PRIu64 " behind %" PRIu64,
				wax_env_worker(part->env), epoch, part->prepared);
	if (part->told != part->prepared)
		stress_fail("worker %u: prepare epoch %" PRIu64 ", told of %" PRIu64 " so far",
				wax_env_worker(part->env), epoch, part->told);
	/* By epoch:A. */
	if (part->run->notes->ended[epoch % NOTES] != epoch)
		stress_fail("worker %u: prepare epoch %" PRIu64 ", which has not ended",
				wax_env_worker(part->env), epoch);
	part->preparing = true;
	part->held = part->items;
	part->held_sum = part->sum;
	part->items = part->sum = 0;
	part->prepared = epoch;
	part->asks = choose_asks(part);
}

static int part_prepare(void *sink_part, uint64_t epoch, struct wax_err *err)
{
	struct part *part = sink_part;

	(void)err;
	if (!part->preparing)
		begin_preparing(part, epoch);
	if (is_slow(part))
		return below(&part->random, 2) ? WAX_PENDING : WAX_BUSY;
	part->preparing = false;
	part->notes->prepared[epoch % NOTES] = epoch;
	part->notes->items[epoch % NOTES] = part->held;
	return WAX_READY;
}

static struct wax_bytes part_position(void *sink_part)
{
	struct part *part = sink_part;

	return (struct wax_bytes){&part->prepared, sizeof(part->prepared)};
}

static int part_commit(void *sink_part, uint64_t epoch, struct wax_err *err)
{
	struct part *part = sink_part;

	(void)err;
	if (epoch != part->told + 1 || epoch != part->prepared || part->preparing)
		stress_fail("worker %u: told of epoch %" PRIu64 " behind %" PRIu64
			    ", prepared %" PRIu64,
				wax_env_worker(part->env), epoch, part->told, part->prepared);
	if (!part->committing)
		part->asks = choose_asks(part);
	part->committing = is_slow(part);
	if (part->committing)
		return WAX_BUSY;
	part->told = epoch;
	part->notes->shown += part->held;
	part->notes->sum += part->held_sum;
	return WAX_READY;
}

static void check_end(const struct part *part)
{
	uint32_t me = wax_env_worker(part->env);

	if (part->items > 0)
		stress_fail("worker %u: %" PRIu64 " items behind the last epoch", me, part->items);
	if (part->told != part->prepared)
		stress_fail("worker %u: goes after epoch %" PRIu64 ", told of %" PRIu64 " so far",
				me, part->prepared, part->told);
	/* By stop:A. */
	if (part->run->notes->farewell != part->prepared + 1)
		stress_fail("worker %u: goes after epoch %" PRIu64 ", which was not the last", me,
				part->prepared);
	if (part->notes->closed)
		stress_fail("worker %u: closed twice", me);
	part->notes->told = part->told;
	part->notes->closed = true;
}

static int part_close(void *sink_part, int ok, struct wax_err *err)
{
	struct part *part = sink_part;

	(void)err;
	if (ok && part->notes)
		check_end(part);
	close(part->fd);
	free(part);
	return 0;
}

static const struct wax_sink_ops part_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "notes",
		.open = part_open,
		.write = part_write,
		.position = part_position,
		.close = part_close,
		.prepare = part_prepare,
		.commit = part_commit,
};

/* ---- The flow */

static int key_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number, key;

	(void)ctx;
	memcpy(&number, item->value.data, sizeof(number));
	key = number % KEYS;
	return wax_emit(out, &key, sizeof(key));
}

static int count_up(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state;

	(void)item;
	(void)ctx;
	++*count;
	wax_emit(out, count, sizeof(*count));
	return WAX_RETAIN;
}

static uint64_t expected_items(const struct round *round)
{
	return (uint64_t)(round->counted + round->own);
}

/* What all counts make together, and all numbers of the other source. */
static uint64_t expected_sum(const struct round *round)
{
	uint64_t items = (uint64_t)round->counted, own = (uint64_t)round->own;
	uint64_t sum = own * (own - 1) / 2;

	for (uint64_t key = 0; key < KEYS; key++) {
		uint64_t count = items / KEYS + (key < items % KEYS);

		sum += count * (count + 1) / 2;
	}
	return sum;
}

static struct run *run_to_build; /* a build function is given the flow alone */

static void build(struct wax_flow *flow)
{
	struct run *run = run_to_build;
	struct wax_source *sources[2] = {wax_numbers(run->round->counted, run->rates[0]),
			wax_numbers(run->round->own, run->rates[1])};
	struct wax_stream numbers =
			wax_input(flow, "numbers", wax_batch_size(sources[0], run->batch_size));
	struct wax_stream keyed = wax_key_on(numbers, "by_rest", WAX_U64, key_of, NULL);
	struct wax_stream counts =
			wax_stateful_map(keyed, "count", WAX_U64, sizeof(uint64_t), count_up, NULL);
	struct wax_stream both[2] = {wax_key_rm(counts, "counts"),
			wax_input(flow, "own", wax_batch_size(sources[1], run->batch_size))};

	wax_output(wax_merge("both", both, 2), "out", wax_sink_make(&part_ops, WAX_U64, run, NULL));
}

/* ---- The workers */

static void work(void *argument, uint32_t me)
{
	const struct run *run = argument;
	const struct wax_worker_env env = {
			.plan = run->setup.plan,
			.segment = &run->setup.segment,
			.control = &run->setup.control,
			.bells = run->setup.bells,
			.me = me,
			.io = run->options.io,
			.spin_ns = run->spin_ns,
			.overcommitted = run->overcommitted,
			.recovery = wax_recovery_env(&run->recovery),
			.keeps = true,
	};
	int status = wax_worker_run(&env);

	if (status != 0)
		stress_fail("worker %u: status %d: %s", me, status,
				wax_control_worker(env.control, me)->fail_sentence);
}

/* ---- The launcher */

/* Before each call that may end an epoch, or the run. */
static void note(const struct run *run)
{
	uint64_t epoch =
			wax_load_relaxed(&run->setup.control.header->epoch); /* we alone write it */

	run->notes->ended[epoch % NOTES] = epoch;
	run->notes->farewell = epoch;
}

/* Behind each such call. */
static void check(struct run *run)
{
	const struct wax_control *control = &run->setup.control;
	uint64_t committed = wax_load_relaxed(&control->header->committed); /* we alone write it */

	if (committed != run->committed) {
		if (committed != run->committed + 1)
			stress_fail("epoch %" PRIu64 " was committed behind %" PRIu64, committed,
					run->committed);
		run->committed = committed;
		for (uint32_t i = 0; i < run->workers; i++) {
			const struct worker_notes *notes = &run->notes->workers[i];

			/* By done:A. */
			if (notes->prepared[committed % NOTES] != committed)
				stress_fail("epoch %" PRIu64
					    " was committed, and worker %u has not "
					    "prepared it",
						committed, i);
			run->prepared_items += notes->items[committed % NOTES];
		}
		run->round->epochs++;
	}
	for (uint32_t i = 0; i < run->workers; i++) {
		/* Relaxed: no sink can know more than we have said, whatever the order. */
		uint64_t told = wax_load_relaxed(&wax_control_worker(control, i)->commit_told);

		if (told > committed)
			stress_fail("worker %u was told of epoch %" PRIu64
				    ", committed is %" PRIu64,
					i, told, committed);
	}
}

/* Sleep until a worker rings, or a moment, or not at all. */
static void wait_a_while(struct run *run)
{
	struct pollfd wait = {.fd = run->recovery.env.launcher_bell, .events = POLLIN};
	uint64_t rings;

	switch (below(&run->round->random, 4)) {
	case 0:
		if (poll(&wait, 1, 1) > 0 && read(wait.fd, &rings, sizeof(rings)) < 0)
			stress_fail("read the bell of the launcher");
		break;
	case 1:
		usleep((useconds_t)below(&run->round->random, 300));
		break;
	default:
		sched_yield();
	}
}

static void play_launcher(struct run *run)
{
	struct wax_epochs *epochs = &run->epochs;

	wax_epochs_begin(epochs, wax_clock_monotonic());
	/* Relaxed: we alone write it. */
	while (wax_load_relaxed(&run->setup.control.header->stop) != WAX_STOP_QUIT) {
		wait_a_while(run);

		uint64_t now = wax_clock_monotonic();

		if (!epochs->stopping && now >= run->stop_at)
			wax_epochs_stop(epochs);
		if (now >= epochs->next_at || below(&run->round->random, 4) == 0) {
			note(run);
			wax_epochs_advance(epochs, now);
			check(run);
		}
		note(run);
		wax_epochs_look(epochs);
		check(run);
	}
}

/* ---- From a start to the next stop */

static void must(int status, const struct run *run)
{
	if (status != 0)
		stress_fail("status %d: %s", status, run->err.text);
}

static bool has_uring(void)
{
	struct wax_loop *loop;
	bool has = wax_loop_open(WAX_IO_URING, 8, &loop, NULL) == 0;

	if (has)
		wax_loop_close(loop);
	return has;
}

static void choose(struct run *run, uint32_t workers)
{
	uint64_t *random = &run->round->random;
	static const char *const ios[] = {"posix", "uring"};
	const char *io = ios[below(random, has_uring() ? 2 : 1)];

	run->workers = workers ? workers : 1 + (uint32_t)below(random, WORKERS_MAX);
	for (int i = 0; i < 2; i++)
		run->rates[i] = below(random, 2) ? 0 : (double)(20000 + below(random, 400000));
	run->batch_size = 1 + (uint32_t)below(random, 64);
	run->spin_ns = below(random, 2) ? WAX_OPTION_SPIN_AUTO : 0;
	run->overcommitted = below(random, 2);
	run->stop_at = below(random, 3) == 0
			? UINT64_MAX
			: wax_clock_monotonic() + below(random, 60) * 1000 * US;
	snprintf(run->procs, sizeof(run->procs), "--procs=%u", run->workers);
	snprintf(run->io, sizeof(run->io), "--io=%s", io);
	snprintf(run->recovery_path, sizeof(run->recovery_path), "--recovery=%s", run->round->dir);

	const char *argv[] = {"stress", run->procs, run->io, run->recovery_path, "--bind=none",
			"--interval=0", "flow", NULL};
	int argc = sizeof(argv) / sizeof(argv[0]) - 1;

	must(wax_options_parse(argc, (char **)argv, NULL, &run->options, &run->err), run);
}

static void set_up(struct run *run)
{
	/* The flow borrows it. */
	static const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR,
			WAX_VERSION_MINOR, "stress", "Counts, with a sink that commits", build};
	static const pid_t there[WORKERS_MAX] = {1, 1, 1, 1};

	run_to_build = run;
	must(wax_flow_make(&entry, 0, NULL, &run->flow, &run->err), run);
	if (run->flow->mistake_count > 0)
		stress_fail("%s", run->flow->mistakes[0]);
	must(wax_recovery_open(&run->recovery, &run->options, &run->err), run);
	run->setup.recovery = &run->recovery;
	must(wax_setup_plan(&run->setup, run->flow, &run->options, &run->err), run);
	must(wax_setup_share(&run->setup, &run->options, &run->err), run);
	run->committed = run->recovery.resumed_epoch;
	run->epochs = (struct wax_epochs){
			.segment = &run->setup.segment,
			.control = &run->setup.control,
			.bells = run->setup.bells,
			.pids = there,
			.recovery = &run->recovery,
			.interval_ns = (int64_t)(1 + below(&run->round->random, 1000)) * US,
	};
}

static void check_run(struct run *run)
{
	struct round *round = run->round;
	uint64_t shown = 0;

	for (uint32_t i = 0; i < run->workers; i++) {
		const struct worker_notes *notes = &run->notes->workers[i];

		if (!notes->closed || notes->told != run->epochs.last ||
				run->committed != run->epochs.last)
			stress_fail("worker %u: the last epoch is %" PRIu64 ", committed %" PRIu64
				    ", told %" PRIu64,
					i, run->epochs.last, run->committed, notes->told);
		shown += notes->shown;
		round->sum += notes->sum;
	}
	if (shown != run->prepared_items)
		stress_fail("%" PRIu64 " items were shown, %" PRIu64 " were prepared", shown,
				run->prepared_items);
	round->shown += shown;
	round->runs++;
	round->stops += run->epochs.stopping;
	if (!run->epochs.stopping && round->shown != expected_items(round))
		stress_fail("the input of %" PRIu64 " items has ended, %" PRIu64 " were shown",
				expected_items(round), round->shown);
}

static void run_once(struct round *round, uint32_t workers)
{
	struct run run = {.round = round,
			.notes = stress_share(sizeof(*run.notes)),
			.recovery = WAX_RECOVERY_NONE};
	struct stress_crew crew;

	choose(&run, workers);
	set_up(&run);
	alarm(60); /* a wake-up, or an end, that never comes */
	stress_start(&crew, run.workers, round->forked, work, &run);
	play_launcher(&run);
	stress_join(&crew);
	alarm(0);
	check_run(&run);
	wax_setup_free(&run.setup);
	wax_recovery_close(&run.recovery, run.flow);
	wax_flow_free(run.flow);
	munmap(run.notes, sizeof(*run.notes));
}

/* ---- The program */

static char scratch[PATH_BYTES - 64];

static void remove_tree(const char *path)
{
	char command[PATH_BYTES + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (system(command) != 0)
		stress_fail("cannot remove '%s'", path);
}

static void run_round(struct round *round, uint32_t workers)
{
	char dir[PATH_BYTES];

	snprintf(dir, sizeof(dir), "%s/state", scratch);
	round->dir = dir;
	round->random = round->seed;
	round->counted = 1 + (int64_t)below(&round->random, 20000);
	round->own = 1 + (int64_t)below(&round->random, 20000);
	round->shown = round->sum = 0;
	while (round->shown < expected_items(round))
		run_once(round, workers);
	if (round->shown != expected_items(round) || round->sum != expected_sum(round))
		stress_fail("seed %" PRIu64 ": %" PRIu64 " of %" PRIu64
			    " items, their sum is %" PRIu64 " and should be %" PRIu64,
				round->seed, round->shown, expected_items(round), round->sum,
				expected_sum(round));
	remove_tree(dir);
}

static void run_part(const struct stress_options *options, bool forked)
{
	uint64_t end_ns = stress_ns() + (uint64_t)(options->seconds * 1e9);
	struct round round = {.seed = options->seed, .forked = forked};
	uint64_t items = 0;

	do {
		run_round(&round, options->workers);
		items += round.shown;
		round.seed++;
	} while (stress_ns() < end_ns);
	printf("%s: %" PRIu64 " epochs, %" PRIu64 " runs, %" PRIu64 " stops, %" PRIu64 " items\n",
			forked ? "processes" : "threads", round.epochs, round.runs, round.stops,
			items);
	if (round.epochs < 5)
		stress_fail("too few to prove anything");
}

static void hung(int signal)
{
	static const char text[] = "FAIL: hung: a wake-up was lost, or a worker is gone\n";
	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(1);
}

/* An eventfd is written and read: no order is to come from there. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "io_sync=0";
}

int main(int argc, char **argv)
{
	struct stress_options options = stress_parse(argc, argv, 2);
	const char *tmp = getenv("TMPDIR");

	if (options.workers > WORKERS_MAX)
		stress_fail("--workers must be at most %d", WORKERS_MAX);
	snprintf(scratch, sizeof(scratch), "%s/wax-commit.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(scratch))
		stress_fail("make '%s': %m", scratch);
	setenv("XDG_RUNTIME_DIR", scratch, 1);
	printf("seeds from %" PRIu64 "\n", options.seed);
	fflush(stdout);
	signal(SIGALRM, hung);
	for (int forked = 0; forked < 2; forked++)
		if (forked ? options.forks : options.threads)
			run_part(&options, forked);
	remove_tree(scratch);
	return 0;
}
