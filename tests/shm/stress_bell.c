/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token goes from worker to worker, each time to one chosen at random. Who does not have it
 * sleeps: soon, late, or just when it comes. A wake-up that is lost leaves all of them asleep, and
 * the token stands still, which the main thread sees.
 *
 * Rounds are short and each has a new segment, so that the first message of a sender is met often.
 * FAULT plants a fault that must be found: docs/design/exchange-proofs.md lists them.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "shm/bell.h"
#include "shm/channel.h"
#include "tests/shm/stress.h"

#ifndef FAULT
#define FAULT 0
#endif

enum { ROUND_MS = 100, STUCK_MS = 6000 };

struct count {
	alignas(128) _Atomic uint64_t hops;
	_Atomic uint64_t sleeps;
	_Atomic uint64_t rings;
};

struct common {
	_Atomic uint32_t stop;
	struct count counts[STRESS_WORKERS_MAX];
};

struct part {
	struct wax_segment segment;
	struct common *common;
	int bells[STRESS_WORKERS_MAX];
	uint32_t workers;
	uint64_t seed;
};

struct worker {
	const struct part *part;
	uint32_t me;
	uint64_t random;
	bool token;
	struct wax_tx to[STRESS_WORKERS_MAX];
	struct wax_rx from[STRESS_WORKERS_MAX];
	bool announced[STRESS_WORKERS_MAX];
};

static void doze(struct wax_bell *bell)
{
#if FAULT == 2
	wax_store_relaxed(&bell->asleep, 1);
#else
	wax_bell_doze(bell, WAX_BELL_ALL);
#endif
}

static void spin(struct worker *worker)
{
	/* From nothing to about a wake-up, every order of magnitude as often. */
	uint64_t dice = next_random(&worker->random);
	for (uint64_t i = (dice >> 32) % (UINT64_C(1) << dice % 13); i > 0; i--)
		wax_cpu_relax();
}

static bool look(struct worker *worker)
{
	const struct part *part = worker->part;
	struct wax_bell *bell = wax_segment_bell(&part->segment, worker->me);

	for (uint64_t bits = wax_bell_senders(bell, 0); bits; bits &= bits - 1) {
		struct wax_rx *rx = &worker->from[__builtin_ctzll(bits)];
		if (!wax_rx_peek(rx))
			continue;
		wax_rx_pop(rx);
		wax_rx_return(rx, WAX_RETURN_INLINE);
		if (worker->token)
			stress_fail("worker %u has two tokens", worker->me);
		worker->token = true;
	}
	return worker->token;
}

static void announce(struct worker *worker, uint32_t to)
{
	if (!worker->announced[to])
		wax_bell_announce(wax_segment_bell(&worker->part->segment, to), worker->me);
	worker->announced[to] = true;
}

static void send_token(struct worker *worker)
{
	const struct part *part = worker->part;
	uint32_t to = (uint32_t)(next_random(&worker->random) % (part->workers - 1));
	to += to >= worker->me;
	struct wax_tx *tx = &worker->to[to];
	struct wax_bell *bell = wax_segment_bell(&part->segment, to);
	uint32_t what;

	while (wax_tx_reclaim(tx, &what)) {
	}
	if (tx->sent - tx->reclaimed >= part->segment.layout.inline_credits)
		stress_fail("worker %u: the token's credit did not come home", worker->me);
	if (FAULT != 4)
		announce(worker, to);
	worker->token = false;
	wax_tx_slot(tx)->kind = WAX_SLOT_INLINE;
	wax_tx_push(tx);
	wax_count(&part->common->counts[worker->me].hops, 1);

	if (FAULT != 1)
		wax_bell_barrier(bell);
	if (wax_bell_wanted(bell, WAX_BELL_ALL)) {
		wax_bell_ring(bell, part->bells[to]);
		wax_count(&part->common->counts[worker->me].rings, 1);
	}
	if (FAULT == 4)
		announce(worker, to);
}

static void sleep_until_rung(struct worker *worker)
{
	const struct part *part = worker->part;
	struct wax_bell *bell = wax_segment_bell(&part->segment, worker->me);
	struct pollfd poll_fd = {.fd = part->bells[worker->me], .events = POLLIN};
	uint64_t rings;

	doze(bell);
	if (FAULT == 3 || !look(worker)) {
		wax_count(&part->common->counts[worker->me].sleeps, 1);
		/* No timeout: it would hide a ring that was lost. */
		while (poll(&poll_fd, 1, -1) < 1) {
		}
	}
	wax_bell_rise(bell);
	/* The bell may have been rung for a token that was found by looking. */
	if (read(poll_fd.fd, &rings, sizeof(rings)) < 0)
		rings = 0;
}

static void work(void *argument, uint32_t me)
{
	const struct part *part = argument;
	struct worker *worker = calloc(1, sizeof(*worker));

	*worker = (struct worker){
			.part = part, .me = me, .random = part->seed * 64 + me, .token = me == 0};
	for (uint32_t peer = 0; peer < part->workers; peer++) {
		worker->to[peer] = wax_tx_open(&part->segment, me, peer);
		worker->from[peer] = wax_rx_open(&part->segment, me, peer);
	}
	while (!wax_load_relaxed(&part->common->stop)) {
		spin(worker);
		if (worker->token)
			send_token(worker);
		else if (!look(worker))
			sleep_until_rung(worker);
	}
	free(worker);
}

static struct count total(const struct part *part)
{
	struct count sum = {0};
	for (uint32_t i = 0; i < part->workers; i++) {
		struct count *count = &part->common->counts[i];
		wax_count(&sum.hops, wax_load_relaxed(&count->hops));
		wax_count(&sum.sleeps, wax_load_relaxed(&count->sleeps));
		wax_count(&sum.rings, wax_load_relaxed(&count->rings));
	}
	return sum;
}

/* Let a round run; is the token still going round? */
static void watch(const struct part *part, struct stress_crew *crew)
{
	uint64_t end_ns = stress_ns() + ROUND_MS * UINT64_C(1000000);
	uint64_t last = 0, still_ms = 0;

	while (stress_ns() < end_ns || still_ms > 0) {
		usleep(20000);
		struct count now = total(part);
		still_ms = now.hops == last ? still_ms + 20 : 0;
		last = now.hops;
		if (still_ms > STUCK_MS) {
			stress_kill(crew);
			stress_fail("a wake-up was lost after %lu hops: all %u workers sleep",
					(unsigned long)last, part->workers);
		}
	}
}

static struct count run_round(uint32_t workers, bool forked, uint64_t seed)
{
	struct wax_segment_plan plan = {workers, 1, 512, 2, 4};
	struct part part = {.workers = workers, .seed = seed};
	struct stress_crew crew;
	struct wax_err err;

	if (wax_segment_make(&plan, &part.segment, &err) < 0)
		stress_fail("%s", err.text);
	part.common = stress_share(sizeof(*part.common));
	for (uint32_t i = 0; i < workers; i++)
		part.bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	stress_start(&crew, workers, forked, work, &part);
	watch(&part, &crew);
	wax_store_relaxed(&part.common->stop, 1);
	for (uint32_t i = 0; i < workers; i++)
		wax_bell_ring(wax_segment_bell(&part.segment, i), part.bells[i]);
	stress_join(&crew);

	struct count sum = total(&part);
	for (uint32_t i = 0; i < workers; i++)
		close(part.bells[i]);
	munmap(part.common, sizeof(*part.common));
	wax_segment_free(&part.segment);
	return sum;
}

static void run_part(const struct stress_options *options, uint32_t workers, bool forked)
{
	uint64_t end_ns = stress_ns() + (uint64_t)(options->seconds * 1e9);
	uint64_t hops = 0, sleeps = 0, rings = 0;

	for (uint64_t round = 0; stress_ns() < end_ns; round++) {
		struct count sum = run_round(workers, forked, options->seed + round);
		hops += sum.hops;
		sleeps += sum.sleeps;
		rings += sum.rings;
	}
	printf("%u %s: %lu hops, %lu sleeps, %lu rings\n", workers,
			forked ? "processes" : "threads", (unsigned long)hops,
			(unsigned long)sleeps, (unsigned long)rings);
	if (rings == 0)
		stress_fail("nobody slept: nothing was proved");
}

int main(int argc, char **argv)
{
	stress_run(argc, argv, 2, run_part);
	return 0;
}
