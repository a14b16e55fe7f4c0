/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run whose workers and launcher are killed at any moment ends with the lines of one that was left
 * alone, byte for byte:
 *
 *     sim_crash [--seed FIRST] [--rounds N | --seconds N] [--items N] [--kills N] [--calm N]
 *
 * A round is tests/flows/crash.c in a recovery directory of its own. While a launcher lives, one of
 * its workers is killed now and then, or it is, or it is told to stop; then it is started again, with
 * another number of workers. After so many kills it is left alone until all has come. The seed decides
 * all but what the machine does.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "tests/recovery/harness.h"

enum { WORKERS_MAX = 4 };

/* What happened in all rounds. */
static struct {
	uint64_t worker_kills, launcher_kills, stops, starts;
} happened;

/* ---- A launcher */

struct life {
	pid_t pid;
	uint32_t workers;
	bool stopped; /* it was told to */
	int status;   /* as wait(2) says, when it is over */
};

static void start(struct harness *harness, struct life *life)
{
	static const char *const intervals[] = {"1ms", "3ms", "10ms", "30ms", "100ms", "300ms"};
	const char *interval = intervals[below(harness, sizeof(intervals) / sizeof(*intervals))];
	bool posix = below(harness, 8) == 0, fast = below(harness, 4) == 0;
	char workers[16], items[32], rate[32], waxrun[HARNESS_PATH_BYTES], flow[HARNESS_PATH_BYTES];

	*life = (struct life){.workers = 1 + (uint32_t)below(harness, WORKERS_MAX)};
	snprintf(workers, sizeof(workers), "%u", life->workers);
	snprintf(items, sizeof(items), "%" PRIu64, harness->items);
	snprintf(rate, sizeof(rate), "%" PRIu64, fast ? 0 : 1 + harness->items / 2);
	snprintf(waxrun, sizeof(waxrun), "%s/waxrun", harness->build);
	snprintf(flow, sizeof(flow), "%s/tests/flows/crash.so", harness->build);
	happened.starts++;
	life->pid = fork();
	if (life->pid != 0)
		return;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(harness->work) == 0 &&
			dup2(open("err", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666),
					STDERR_FILENO) >= 0)
		execl(waxrun, waxrun, "-n", workers, "--recovery", "state", "-s", interval,
				"--bind", "none", "--io", posix ? "posix" : "auto", "--restart",
				"on-crash:1000/min", flow, "--", "--items", items, "--rate", rate,
				"--in", "lines", "--out", "out", (char *)NULL);
	_exit(127);
}

static bool is_over(struct harness *harness, struct life *life, int how)
{
	pid_t gone = waitpid(life->pid, &life->status, how);

	if (gone < 0)
		harness_fail(harness, "waitpid: %m");
	return gone == life->pid;
}

/* A worker of it; 0: there is none now. */
static pid_t pick_worker(struct harness *harness, const struct life *life)
{
	char path[64], text[256];
	pid_t pids[2 * WORKERS_MAX];
	uint32_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", life->pid, life->pid);

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	for (char *at = text, *end; found < 2 * WORKERS_MAX; at = end) {
		pids[found] = (pid_t)strtol(at, &end, 10);
		if (end == at)
			break;
		found++;
	}
	return found > 0 ? pids[below(harness, found)] : 0;
}

/* From 50 us to some tenths of a second, the short ones as often as the long ones. */
static void wait_a_while(struct harness *harness)
{
	uint64_t us = UINT64_C(50) << below(harness, 13 + harness->calm);

	us += below(harness, us);
	nanosleep(&(struct timespec){.tv_sec = (time_t)(us / 1000000),
				  .tv_nsec = (long)(us % 1000000 * 1000)},
			NULL);
}

/* @return did it count as one of the round's kills? */
static bool strike(struct harness *harness, struct life *life)
{
	uint64_t dice = below(harness, 16);
	pid_t worker;

	if (dice == 0) {
		/* The second time it aborts the run. */
		kill(life->pid, SIGTERM);
		happened.stops++;
		life->stopped = true;
		return true;
	}
	if (dice < 5) {
		happened.launcher_kills++;
		return kill(life->pid, SIGKILL) == 0;
	}
	worker = pick_worker(harness, life);
	/* Its pid may have become another's meanwhile: not within this time. */
	if (worker == 0 || kill(worker, SIGKILL) < 0)
		return false;
	happened.worker_kills++;
	return true;
}

/* A run that is told to stop is not begun again: not when it is told twice (143), nor when a worker is
 * killed meanwhile (137). */
static bool is_end_of_a_stop(const struct life *life)
{
	int status = WEXITSTATUS(life->status);

	return life->stopped && (status == 128 + SIGTERM || status == 128 + SIGKILL);
}

/* @return it has ended by itself, and nothing more will come */
static bool live(struct harness *harness, uint64_t *kills)
{
	struct life life;
	bool over;

	start(harness, &life);
	for (;;) {
		wait_a_while(harness);
		over = is_over(harness, &life, WNOHANG);
		if (over || *kills == 0)
			break;
		*kills -= strike(harness, &life);
	}
	if (!over)
		is_over(harness, &life, 0);
	if (WIFSIGNALED(life.status) && WTERMSIG(life.status) == SIGKILL)
		return false;
	if (WEXITSTATUS(life.status) != 0 && !is_end_of_a_stop(&life))
		harness_fail(harness, "exit status %d with %u workers", WEXITSTATUS(life.status),
				life.workers);
	return !life.stopped && WEXITSTATUS(life.status) == 0;
}

/* ---- Rounds */

static void run_round(struct harness *harness)
{
	uint64_t kills = harness->kills;

	harness_do(harness, "rm -rf state out && mkdir -p out/txn");
	while (!live(harness, &kills))
		;
	harness_gather(harness, "out", "sorted");
	if (harness_try(harness, "cmp -s expected sorted") != 0)
		harness_fail(harness, "other lines came than without a crash: expected, sorted");
	if (harness_count(harness, "find state -name 'gen-*' | wc -l") > 20)
		harness_fail(harness, "the directory has more than twenty generations");
}

int main(int argc, char **argv)
{
	struct harness harness;

	harness_init(&harness,
			(struct harness){.first_seed = 1,
					.rounds_max = 3,
					.items = 100000,
					.kills = 12},
			argc, argv);
	harness_make_reference(&harness);
	harness_run(&harness, run_round);

	uint64_t restarts = harness_count(&harness, "grep -c 'waxrun: going on from' err");
	uint64_t resumed = harness_count(
			&harness, "grep -cE 'going on from epoch|; went on from epoch' err");

	printf("%" PRIu64 " rounds, %" PRIu64 " starts; killed: %" PRIu64 " workers, %" PRIu64
	       " launchers; stopped: %" PRIu64 "; %" PRIu64 " restarts, %" PRIu64
	       " times from an epoch\n",
			harness.rounds, happened.starts, happened.worker_kills,
			happened.launcher_kills, happened.stops, restarts, resumed);
	fflush(stdout);
	if (restarts == 0 || resumed == 0)
		harness_fail(&harness, "it was never killed in the middle");
	harness_fini(&harness);
	return 0;
}
