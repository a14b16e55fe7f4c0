/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/epochs.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/units.h"
#include "runtime/worker.h"

enum { LOOP_ENTRIES = 64 };

struct supervisor;

struct child {
	struct wax_completion gone;
	struct supervisor *supervisor;
	uint32_t worker;
	pid_t pid; /* 0: gone, or never forked */
	int pidfd;
};

struct supervisor {
	const struct wax_supervision *run;
	struct wax_loop *loop;
	struct child *children;
	pid_t *pids; /* of the children, 0: gone; for the watchdog and the epochs */
	struct wax_watchdog *watchdog; /* NULL: none wanted */
	uint32_t child_count;
	uint32_t alive;
	struct wax_completion signalled;
	struct wax_completion rung; /* by workers: an epoch is durable, the input has ended */
	int signal_fd;
	sigset_t old_mask;

	bool ending_known; /* the first reason counts */
	struct wax_ended ended;
	int stop_signal; /* the first one; 0: none */
	struct wax_epochs epochs;

	uint64_t sample_at;    /* these are of CLOCK_MONOTONIC; UINT64_MAX: never */
	uint32_t sample_phase; /* how much of sample_ns the next one is later; a fraction of 2^32 */
	uint64_t look_at;      /* of the watchdog */
	uint64_t progress_at;
	uint64_t drain_until;
	uint64_t timeout_at;
};

/* ---- Workers */

static void run_worker(const struct supervisor *supervisor, uint32_t worker, pid_t launcher)
{
	const struct wax_supervision *run = supervisor->run;
	/* Workers die with the launcher. It may have died before this call: look. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(70);
	char name[16];
	snprintf(name, sizeof(name), "wax-%u", worker);
	prctl(PR_SET_NAME, name);

	/* A terminal, or a batch system, signals all processes: the launcher alone answers. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);

	/* What is bound can run elsewhere too: slower, but right. */
	wax_placement_bind(run->placement, worker, NULL);
	struct wax_worker_record *record = wax_control_worker(run->control, worker);
	wax_store_relaxed(&record->pid, (uint32_t)getpid());
	struct wax_worker_env env = {
			.plan = run->plan,
			.segment = run->segment,
			.control = run->control,
			.bells = run->bells,
			.me = worker,
			.io = run->options->io,
			.spin_ns = run->options->spin_ns,
			.overcommitted = run->placement->overcommitted,
			.rehearse = run->options->rehearse,
			.recovery = run->recovery ? wax_recovery_env(run->recovery) : NULL,
			.keeps = run->recovery != NULL,
			.quarantine = run->recovery && run->recovery->quarantine.items
					? &run->recovery->quarantine
					: NULL,
			.clock = run->clock,
	};
	int status = wax_worker_run(&env);
	/* What callbacks have printed: _exit would throw it away. */
	fflush(NULL);
	_exit(status);
}

static void child_gone(struct wax_completion *completion, int result);

static int fork_worker(struct supervisor *supervisor, uint32_t worker, struct wax_err *err)
{
	pid_t launcher = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return wax_err_set(err, -errno,
				"fork worker %u: %m: fewer --procs, or a higher "
				"limit of processes (ulimit -u)",
				worker);
	if (pid == 0)
		run_worker(supervisor, worker, launcher);

	struct child *child = &supervisor->children[worker];
	*child = (struct child){.gone = {.done = child_gone},
			.supervisor = supervisor,
			.worker = worker,
			.pid = pid,
			.pidfd = -1};
	supervisor->pids[worker] = pid;
	supervisor->child_count = worker + 1;
	supervisor->alive++;
	child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (child->pidfd < 0)
		return wax_err_set(err, -errno,
				"watch worker %u (pidfd_open): %m: raise the limit "
				"of open files (ulimit -n)",
				worker);
	wax_loop_poll(supervisor->loop, &child->gone, child->pidfd, POLLIN);
	return 0;
}

/* Whatever shared memory holds is of no use any more: the others end at once. */
static void kill_all(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			kill(supervisor->children[i].pid, SIGKILL);
	}
}

static void end_with(struct supervisor *supervisor, enum wax_ending ending, int status)
{
	if (supervisor->ending_known)
		return;
	supervisor->ending_known = true;
	supervisor->ended.ending = ending;
	supervisor->ended.status = status;
}

/* A worker ended other than well: so does the run. */
static void worker_lost(struct supervisor *supervisor, const struct child *child, int wait_status)
{
	if (supervisor->ending_known)
		return;
	struct wax_worker_record *record =
			wax_control_worker(supervisor->run->control, child->worker);
	supervisor->ended.worker = child->worker;
	/* state:A. Pairs with the release in wax_worker_run. */
	if (wax_load_acquire(&record->state) == WAX_WORKER_FAILED) {
		end_with(supervisor, WAX_ENDING_FAILED, record->fail_status);
	} else if (WIFSIGNALED(wait_status)) {
		supervisor->ended.signal = WTERMSIG(wait_status);
		end_with(supervisor, WAX_ENDING_KILLED, 128 + WTERMSIG(wait_status));
	} else {
		end_with(supervisor, WAX_ENDING_VANISHED, 70);
	}
	kill_all(supervisor);
}

static void add_time(struct timeval *sum, const struct timeval *more)
{
	sum->tv_sec += more->tv_sec;
	sum->tv_usec += more->tv_usec;
	if (sum->tv_usec >= 1000000) {
		sum->tv_usec -= 1000000;
		sum->tv_sec++;
	}
}

static void add_usage(struct wax_ended *ended, const struct rusage *usage)
{
	add_time(&ended->usage.ru_utime, &usage->ru_utime);
	add_time(&ended->usage.ru_stime, &usage->ru_stime);
	ended->usage.ru_maxrss += usage->ru_maxrss;
	ended->usage.ru_nivcsw += usage->ru_nivcsw;
	ended->usage.ru_nvcsw += usage->ru_nvcsw;
	if ((uint64_t)usage->ru_maxrss > ended->rss_max_kib)
		ended->rss_max_kib = (uint64_t)usage->ru_maxrss;
}

static void reap(struct child *child)
{
	struct supervisor *supervisor = child->supervisor;
	int status = 0;
	struct rusage usage = {0};
	while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	child->pid = supervisor->pids[child->worker] = 0;
	supervisor->alive--;
	add_usage(&supervisor->ended, &usage);
	if (child->pidfd >= 0)
		close(child->pidfd);
	child->pidfd = -1;
	const struct wax_worker_record *record =
			wax_control_worker(supervisor->run->control, child->worker);
	/* state:A. Pairs with the release in wax_worker_run. A callback may have called exit(0). */
	if (status != 0 || wax_load_acquire(&record->state) != WAX_WORKER_DONE)
		worker_lost(supervisor, child, status);
}

static void child_gone(struct wax_completion *completion, int result)
{
	(void)result;
	reap((struct child *)completion); /* it is the first member */
}

static uint64_t after(uint64_t now, int64_t interval_ns)
{
	return interval_ns > 0 ? now + (uint64_t)interval_ns : UINT64_MAX;
}

/* ---- Epochs, and stops */

static void look_at_epochs(struct supervisor *supervisor)
{
	if (!supervisor->ending_known)
		wax_epochs_look(&supervisor->epochs);
}

static void on_rung(struct wax_completion *completion, int result)
{
	struct supervisor *supervisor = (struct supervisor *)((char *)completion -
			offsetof(struct supervisor, rung));
	(void)result;
	look_at_epochs(supervisor);
}

static void notice(const struct supervisor *supervisor, const char *sentence)
{
	if (supervisor->run->notice)
		supervisor->run->notice(supervisor->run->context, sentence);
}

static void begin_drain(struct supervisor *supervisor, int signal_number)
{
	int64_t patience = supervisor->run->options->drain_timeout_ns;
	char sentence[128];
	snprintf(sentence, sizeof(sentence), "stopping: %s (at most %s; once more to abort)",
			supervisor->run->recovery
					? "what is under way is finished, and all is saved"
					: "what is under way is finished",
			wax_units_print_duration(patience).text);
	notice(supervisor, sentence);
	supervisor->stop_signal = signal_number;
	supervisor->drain_until = wax_clock_monotonic() + (uint64_t)patience;
	wax_epochs_stop(&supervisor->epochs);
	look_at_epochs(supervisor);
}

static void abort_run(struct supervisor *supervisor, int signal_number, const char *why)
{
	notice(supervisor, why);
	supervisor->ended.signal = signal_number;
	end_with(supervisor, WAX_ENDING_ABORTED, 128 + signal_number);
	kill_all(supervisor);
}

static void handle_signals(struct wax_completion *completion, int result)
{
	struct supervisor *supervisor = (struct supervisor *)((char *)completion -
			offsetof(struct supervisor, signalled));
	(void)result;
	struct signalfd_siginfo info;
	while (read(supervisor->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;
		if (supervisor->stop_signal == 0)
			begin_drain(supervisor, number);
		else
			abort_run(supervisor, number, "aborted: work under way is lost");
	}
	wax_loop_poll(supervisor->loop, &supervisor->signalled, supervisor->signal_fd, POLLIN);
}

/* ---- Time */

/* From half to one and a half times the mean. Steps of the golden section fill that evenly. */
static uint64_t next_sample(struct supervisor *supervisor, uint64_t now)
{
	uint64_t mean_ns = (uint64_t)supervisor->run->sample_ns;
	if (!supervisor->run->sample || mean_ns == 0)
		return UINT64_MAX;
	supervisor->sample_phase += UINT32_C(0x9e3779b9);
	return now + mean_ns / 2 + ((mean_ns * (supervisor->sample_phase >> 16)) >> 16);
}

static void check_time(struct supervisor *supervisor)
{
	uint64_t now = wax_clock_monotonic();
	const struct wax_supervision *run = supervisor->run;
	if (now >= supervisor->timeout_at) {
		supervisor->timeout_at = UINT64_MAX;
		end_with(supervisor, WAX_ENDING_TIMEOUT, 124);
		kill_all(supervisor);
	}
	if (now >= supervisor->drain_until) {
		supervisor->drain_until = UINT64_MAX;
		abort_run(supervisor, supervisor->stop_signal,
				"aborted: the workers did not finish in --drain-timeout");
	}
	if (now >= supervisor->epochs.next_at) {
		wax_epochs_advance(&supervisor->epochs, now);
		look_at_epochs(supervisor);
	}
	if (now >= supervisor->progress_at) {
		supervisor->progress_at = now + (uint64_t)run->options->interval_ns;
		if (!supervisor->ending_known)
			run->progress(run->context);
	}
	if (now >= supervisor->look_at) {
		supervisor->look_at = now + wax_watchdog_interval_ns(supervisor->watchdog);
		wax_watchdog_look(supervisor->watchdog, now);
	}
	if (now >= supervisor->sample_at) {
		supervisor->sample_at = next_sample(supervisor, now);
		run->sample(run->context);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int64_t time_left(const struct supervisor *supervisor)
{
	uint64_t next = least(least(supervisor->epochs.next_at, supervisor->progress_at),
			least(supervisor->drain_until, supervisor->timeout_at));
	next = least(least(next, supervisor->sample_at), supervisor->look_at);
	uint64_t now = wax_clock_monotonic();
	return next == UINT64_MAX ? WAX_NEVER : next > now ? (int64_t)(next - now) : 0;
}

/* ---- The whole of it */

static int watch_signals(struct supervisor *supervisor, struct wax_err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* The terminal has gone; nohup(1) has it ignored, and then it stays so. */
	struct sigaction hangup;
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &supervisor->old_mask);
	supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signal_fd < 0)
		return wax_err_set(err, -errno,
				"watch for signals (signalfd): %m: raise the limit "
				"of open files (ulimit -n)");
	supervisor->signalled.done = handle_signals;
	wax_loop_poll(supervisor->loop, &supervisor->signalled, supervisor->signal_fd, POLLIN);
	return 0;
}

static int start_watchdog(struct supervisor *supervisor)
{
	const struct wax_supervision *run = supervisor->run;
	if (!run->held || run->options->watchdog_ns == 0)
		return 0;
	supervisor->watchdog = wax_watchdog_make(&(const struct wax_watchdog_env){
			.control = run->control,
			.pids = supervisor->pids,
			.budget_ns = (uint64_t)run->options->watchdog_ns,
			.held = run->held,
			.context = run->context,
	});
	if (!supervisor->watchdog)
		return -ENOMEM;
	supervisor->look_at = 0;
	return 0;
}

static int start(struct supervisor *supervisor, struct wax_err *err)
{
	const struct wax_supervision *run = supervisor->run;
	uint32_t worker_count = run->plan->worker_count;
	supervisor->children = calloc(worker_count, sizeof(*supervisor->children));
	supervisor->pids = calloc(worker_count, sizeof(*supervisor->pids));
	if (!supervisor->children || !supervisor->pids || start_watchdog(supervisor) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for %u workers", worker_count);
	supervisor->epochs = (struct wax_epochs){
			.segment = run->segment,
			.control = run->control,
			.bells = run->bells,
			.pids = supervisor->pids,
			.recovery = run->recovery,
			.interval_ns = run->options->snapshot_interval_ns,
	};
	wax_epochs_begin(&supervisor->epochs, wax_clock_monotonic());
	/* What is buffered would be printed by every worker again. */
	fflush(NULL);
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < worker_count; i++)
		r = fork_worker(supervisor, i, err);
	return r;
}

int wax_supervise(const struct wax_supervision *supervision, struct wax_ended *ret_ended,
		struct wax_err *err)
{
	const struct wax_options *options = supervision->options;
	uint64_t now = wax_clock_monotonic();
	struct supervisor supervisor = {
			.run = supervision,
			.signal_fd = -1,
			.progress_at = supervision->progress ? after(now, options->interval_ns)
							     : UINT64_MAX,
			.look_at = UINT64_MAX,
			.drain_until = UINT64_MAX,
			.timeout_at = after(supervision->since_ns ? supervision->since_ns : now,
					options->timeout_ns),
	};
	supervisor.sample_at = next_sample(&supervisor, now);
	/* The launcher needs little: where io_uring is not to be had it polls. The workers say so
	 * when that is not allowed. */
	int r = wax_loop_open(options->io == WAX_IO_POSIX ? WAX_IO_POSIX : WAX_IO_AUTO,
			LOOP_ENTRIES, &supervisor.loop, err);
	if (r < 0)
		return r;
	r = watch_signals(&supervisor, err);
	if (r == 0 && supervision->recovery) {
		supervisor.rung.done = on_rung;
		wax_loop_watch(supervisor.loop, &supervisor.rung,
				supervision->recovery->env.launcher_bell);
	}
	if (r == 0)
		r = start(&supervisor, err);
	if (r < 0)
		kill_all(&supervisor);

	while (r == 0 && supervisor.alive > 0) {
		wax_loop_wait(supervisor.loop, time_left(&supervisor));
		check_time(&supervisor);
	}
	for (uint32_t i = 0; i < supervisor.child_count; i++) {
		if (supervisor.children[i].pid > 0)
			reap(&supervisor.children[i]);
	}
	if (supervision->recovery)
		supervisor.ended.committed =
				wax_load_relaxed(&supervision->control->header->committed);
	supervisor.ended.stopping = supervisor.stop_signal != 0;
	supervisor.ended.wall_ns = wax_clock_monotonic() - supervision->control->header->started_ns;
	end_with(&supervisor, supervisor.stop_signal ? WAX_ENDING_STOPPED : WAX_ENDING_DONE, 0);

	wax_loop_close(supervisor.loop);
	if (supervisor.signal_fd >= 0)
		close(supervisor.signal_fd);
	sigprocmask(SIG_SETMASK, &supervisor.old_mask, NULL);
	wax_watchdog_free(supervisor.watchdog);
	free(supervisor.pids);
	free(supervisor.children);
	if (r == 0)
		*ret_ended = supervisor.ended;
	return r;
}
