/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges of several workers at once, with ends of epochs as fast as they go. In an epoch a
 * worker sends to few others, or to nobody, so that marks race with first messages, with data, and
 * with sleep. Before it ends an epoch it notes, in memory that is not atomic, what it has sent to
 * whom; who has all of the epoch must have got that, and nothing of the next. Who has nothing to do
 * sleeps: worker 0 does not, it plays the launcher.
 *
 * A wake-up that is lost shows as a run that stands still; what comes too early or too late, and
 * what is not ordered, in the notes.
 */
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

#include "runtime/hash.h"
#include "tests/runtime/exchange_net.h"
#include "tests/shm/stress.h"

enum {
	EDGES = 3,
	LOCAL = 2, /* the edge that is a queue within the worker */
	WORKERS_MAX = NET_WORKERS_MAX,
	NOTES = 4, /* epochs: one is written, one is read */
	EPOCHS_MAX = 1 << 30,
};

struct shared {
	alignas(128) _Atomic uint64_t epoch;
	alignas(128) _Atomic uint32_t stop;
	alignas(128) _Atomic uint64_t done[WORKERS_MAX][16];
	/* From, to: the epoch in the upper half, and how many items. */
	uint64_t sent[NOTES][EDGES][WORKERS_MAX][WORKERS_MAX];
	uint64_t items[WORKERS_MAX];
};

struct part {
	struct net *net;
	struct shared *shared;
	uint32_t workers;
	uint64_t seed;
	uint64_t deadline_ns;
	uint64_t keys[WORKERS_MAX]; /* that a worker owns */
};

struct worker {
	const struct part *part;
	struct wax_exchange *exchange;
	struct wax_err err;
	uint32_t me;
	uint64_t random;
	uint64_t ended; /* epochs, of what it sends */
	uint64_t done;  /* epochs, of all */
	bool input_ended;
	bool aligned[EDGES];
	bool over[EDGES];
	uint32_t sent[EDGES][WORKERS_MAX];
	uint32_t received[EDGES][WORKERS_MAX];
	uint64_t items;
};

static uint32_t below(struct worker *worker, uint32_t bound)
{
	return (uint32_t)(next_random(&worker->random) % bound);
}

/* ---- Sending */

static void send_one(struct worker *worker, uint32_t edge, uint32_t to)
{
	uint64_t key = worker->part->keys[to];
	uint64_t value = worker->ended << 8 | worker->me;
	const struct wax_batch batch = {.count = 1,
			.key_bytes = 8,
			.value_bytes = 8,
			.keyed = 1,
			.keys = &key,
			.values = &value};

	if (!wax_exchange_unblock(worker->exchange, edge))
		return;
	if (wax_exchange_send(worker->exchange, edge, &batch, &worker->err) < 0)
		stress_fail("worker %u: %s", worker->me, worker->err.text);
	worker->sent[edge][to]++;
}

static void send_some(struct worker *worker)
{
	uint32_t edge = below(worker, EDGES);
	uint32_t to = edge == LOCAL ? worker->me : below(worker, worker->part->workers);

	for (uint32_t count = below(worker, 5); count > 0; count--)
		send_one(worker, edge, to);
}

/* The next worker to look has to find the notes when it finds the mark. */
static void note_sent(struct worker *worker, uint32_t edge)
{
	uint64_t(*notes)[WORKERS_MAX] = worker->part->shared->sent[worker->ended % NOTES][edge];

	for (uint32_t to = 0; to < worker->part->workers; to++)
		notes[worker->me][to] = worker->ended << 32 | worker->sent[edge][to];
	memset(worker->sent[edge], 0, sizeof(worker->sent[edge]));
}

static bool can_send(struct worker *worker)
{
	bool free = true;

	for (uint32_t edge = 0; edge < EDGES; edge++)
		free &= wax_exchange_unblock(worker->exchange, edge);
	return free && !worker->input_ended;
}

static void end_epoch(struct worker *worker)
{
	for (uint32_t edge = 0; edge < EDGES; edge++) {
		note_sent(worker, edge);
		wax_exchange_end_epoch(worker->exchange, edge, worker->ended + 1);
	}
	worker->ended++;
}

static void end_input(struct worker *worker)
{
	for (uint32_t edge = 0; edge < EDGES; edge++) {
		note_sent(worker, edge);
		wax_exchange_end_input(worker->exchange, edge);
	}
	worker->input_ended = true;
}

/* ---- Receiving */

static void take(struct worker *worker, uint32_t edge, const struct wax_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t value = WAX_VALUES(batch, uint64_t)[i];
		uint32_t from = (uint32_t)(value & 0xff);

		if (from >= worker->part->workers || value >> 8 != worker->done)
			stress_fail("worker %u: an item of epoch %lu in epoch %lu", worker->me,
					(unsigned long)(value >> 8), (unsigned long)worker->done);
		worker->received[edge][from]++;
		worker->items++;
	}
}

static void check_epoch(struct worker *worker, uint32_t edge)
{
	const struct shared *shared = worker->part->shared;

	for (uint32_t from = 0; from < worker->part->workers; from++) {
		if (edge == LOCAL && from != worker->me)
			continue;
		uint64_t note = shared->sent[worker->done % NOTES][edge][from][worker->me];
		/* Who ended its input earlier has sent nothing since. */
		uint32_t sent = note >> 32 == worker->done ? (uint32_t)note : 0;

		if (worker->received[edge][from] != sent)
			stress_fail("worker %u: %u of %u items from %u on edge %u in epoch %lu",
					worker->me, worker->received[edge][from], sent, from, edge,
					(unsigned long)worker->done);
	}
	memset(worker->received[edge], 0, sizeof(worker->received[edge]));
}

static bool read_edge(struct worker *worker, uint32_t edge)
{
	struct wax_batch batch;
	bool busy = false;

	while (!worker->aligned[edge] && !worker->over[edge]) {
		int arrival = wax_exchange_next(worker->exchange, edge, &batch, &worker->err);

		switch (arrival) {
		case WAX_ARRIVAL_NONE:
			return busy;
		case WAX_ARRIVAL_BATCH:
			take(worker, edge, &batch);
			wax_exchange_release(worker->exchange, edge);
			break;
		case WAX_ARRIVAL_EPOCH:
			check_epoch(worker, edge);
			worker->aligned[edge] = true;
			break;
		case WAX_ARRIVAL_END:
			check_epoch(worker, edge);
			worker->over[edge] = true;
			break;
		default:
			stress_fail("worker %u: %s", worker->me, worker->err.text);
		}
		busy = true;
	}
	return busy;
}

/* All edges at the end of the epoch: tell, and go on. */
static void finish_epoch(struct worker *worker)
{
	bool some = false;

	for (uint32_t edge = 0; edge < EDGES; edge++) {
		if (!worker->aligned[edge] && !worker->over[edge])
			return;
		some |= worker->aligned[edge];
	}
	if (!some)
		return;
	for (uint32_t edge = 0; edge < EDGES; edge++) {
		if (worker->aligned[edge])
			wax_exchange_resume(worker->exchange, edge);
		worker->aligned[edge] = false;
	}
	worker->done++;
	/* done:A. Pairs with the acquire in play_launcher. */
	wax_store_release(&worker->part->shared->done[worker->me][0], worker->done);
}

/* ---- A worker */

static void play_launcher(struct worker *worker)
{
	const struct part *part = worker->part;
	uint64_t epoch = wax_load_relaxed(&part->shared->epoch); /* written here alone */

	if (wax_load_relaxed(&part->shared->stop))
		return;
	for (uint32_t i = 0; i < part->workers; i++) {
		/* done:A. Pairs with the release in finish_epoch. */
		if (wax_load_acquire(&part->shared->done[i][0]) < epoch - 1)
			return;
	}
	if (stress_ns() >= part->deadline_ns || epoch == EPOCHS_MAX)
		wax_store_relaxed(&part->shared->stop, 1);
	/* epoch:A. Pairs with the acquire in epoch_now. */
	wax_store_release(&part->shared->epoch, epoch + 1);
	for (uint32_t i = 1; i < part->workers; i++) {
		struct wax_bell *bell = wax_segment_bell(&part->net->segment, i);

		wax_bell_barrier(bell);
		if (wax_bell_wanted(bell, WAX_BELL_NOW))
			wax_bell_ring(bell, part->net->bells[i]);
	}
}

static uint64_t epoch_now(const struct worker *worker)
{
	/* epoch:A. Pairs with the release in play_launcher: what was noted in the epochs before. */
	return wax_load_acquire(&worker->part->shared->epoch);
}

static bool epoch_is_over(const struct worker *worker)
{
	return !worker->input_ended && epoch_now(worker) > worker->ended + 1;
}

static void sleep_a_while(struct worker *worker)
{
	const struct part *part = worker->part;
	struct wax_bell *bell = wax_segment_bell(&part->net->segment, worker->me);
	struct pollfd wait = {.fd = part->net->bells[worker->me], .events = POLLIN};
	uint64_t rings;

	uint32_t what_for = WAX_BELL_NOW | WAX_BELL_SOON;
	if (wax_exchange_blocked_any(worker->exchange))
		what_for |= WAX_BELL_CREDIT;
	wax_bell_doze(bell, what_for);
	if (!wax_exchange_pending(worker->exchange) && !epoch_is_over(worker) &&
			poll(&wait, 1, -1) > 0 && read(wait.fd, &rings, sizeof(rings)) < 0)
		stress_fail("worker %u: read its bell", worker->me);
	wax_bell_rise(bell);
}

static bool turn(struct worker *worker)
{
	int received = wax_exchange_receive(worker->exchange, &worker->err);
	bool busy = received > 0;

	if (received < 0)
		stress_fail("worker %u: %s", worker->me, worker->err.text);
	for (uint32_t edge = 0; edge < EDGES; edge++)
		busy |= read_edge(worker, edge);
	finish_epoch(worker);

	if (can_send(worker)) {
		if (below(worker, 3) == 0)
			send_some(worker);
		if (epoch_is_over(worker)) {
			busy = true;
			if (wax_load_relaxed(&worker->part->shared->stop) && below(worker, 2))
				end_input(worker);
			else
				end_epoch(worker);
		} else if (wax_load_relaxed(&worker->part->shared->stop)) {
			end_input(worker);
			busy = true;
		}
	}
	if (!busy || below(worker, 2))
		wax_exchange_flush(worker->exchange, UINT64_MAX);
	else
		busy = true;
	busy |= wax_exchange_dirty(worker->exchange);
	busy |= wax_exchange_sent_own(worker->exchange);
	wax_exchange_ring(worker->exchange);
	return busy;
}

static bool finished(const struct worker *worker)
{
	for (uint32_t edge = 0; edge < EDGES; edge++) {
		if (!worker->over[edge] || wax_exchange_blocked(worker->exchange, edge))
			return false;
	}
	return worker->input_ended;
}

static void work(void *argument, uint32_t me)
{
	struct part *part = argument;
	struct worker *worker = calloc(1, sizeof(*worker));

	*worker = (struct worker){.part = part,
			.exchange = part->net->exchanges[me],
			.me = me,
			.random = part->seed * 64 + me};
	while (!finished(worker)) {
		bool busy = turn(worker);

		if (me == 0)
			play_launcher(worker);
		if (below(worker, 512) == 0)
			usleep(20);
		else if (!busy && me == 0)
			sched_yield();
		else if (!busy)
			sleep_a_while(worker);
	}
	part->shared->items[me] = worker->items;
	free(worker);
}

/* ---- The program */

/* A key that each worker owns, as the exchange routes. */
static void find_keys(struct part *part)
{
	uint32_t found = 0;

	for (uint64_t key = 0; found < (1u << part->workers) - 1; key++) {
		uint64_t to = ((wax_hash(&key, sizeof(key)) >> 52) * part->workers) >> 12;

		part->keys[to] = key;
		found |= 1u << to;
	}
}

static void run_part(const struct stress_options *options, uint32_t workers, bool forked)
{
	static struct net net;
	struct part part = {.net = &net,
			.shared = stress_share(sizeof(struct shared)),
			.workers = workers,
			.seed = options->seed};
	const struct wax_type *type = wax_type_keyed(WAX_U64, WAX_U64);
	struct stress_crew crew;
	uint64_t items = 0;

	net_init(&net, workers, 512, 2, 1);
	net_add_edge(&net, WAX_ROUTE_KEY, type, 0);
	net_add_edge(&net, WAX_ROUTE_KEY, type, 0);
	net_add_edge(&net, WAX_ROUTE_LOCAL, type, 0);
	net_open(&net, false);
	for (uint32_t i = 0; i < workers; i++)
		net.bells[i] = eventfd(0, EFD_CLOEXEC);
	find_keys(&part);
	wax_store_relaxed(&part.shared->epoch, 1);
	part.deadline_ns = stress_ns() + (uint64_t)(options->seconds * 1e9);

	alarm((unsigned)options->seconds + 30); /* a mark, or a wake-up, that never comes */
	stress_start(&crew, workers, forked, work, &part);
	stress_join(&crew);
	alarm(0);
	for (uint32_t i = 0; i < workers; i++) {
		items += part.shared->items[i];
		close(net.bells[i]);
	}
	uint64_t epochs = wax_load_relaxed(&part.shared->epoch) - 1;
	printf("%u %s: %lu epochs, %lu items\n", workers, forked ? "processes" : "threads",
			(unsigned long)epochs, (unsigned long)items);
	if (epochs < 50 || items < 50)
		stress_fail("too few to prove anything");
	if (!forked && !net_is_whole(&net))
		stress_fail("credit was lost");
	net_close(&net);
	munmap(part.shared, sizeof(struct shared));
}

int main(int argc, char **argv)
{
	stress_hung = "FAIL: hung: a mark or a wake-up was lost\n";
	stress_run(argc, argv, 1.0, run_part);
	return 0;
}
