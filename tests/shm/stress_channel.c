/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers that send each other messages through channels, all to all, as fast as they can: slabs,
 * inline messages of several edges in one ring, of random size, with random pauses. Now and then a
 * worker posts its mark and notes, in memory that is not atomic, how much it had sent; who reads the
 * mark and empties the ring must have got that much.
 * Receivers check the number and the content of each message in place, hold slabs for a while,
 * check them again and send them home out of order. Senders check that what comes home was away.
 * In the end all messages have arrived once and in order, and all credit is home.
 *
 * FAULT plants a fault that the program, or ThreadSanitizer, must find:
 * docs/design/exchange-proofs.md lists them.
 */
#include <sched.h>

#include "shm/channel.h"
#include "shm/mark.h"
#include "tests/shm/stress.h"

#ifndef FAULT
#define FAULT 0
#endif

enum {
	EDGES = 2,
	SLABS = 4,
	INLINES = 4,
	LANE_CREDITS = SLABS + INLINES,
	RING = EDGES * LANE_CREDITS, /* no slot to spare */
	SLAB_BYTES = 1024,
	HELD_MAX = EDGES * LANE_CREDITS,
	MARKS_MAX = 8192, /* of a worker on an edge: notes are written once */
};

static_assert((RING & (RING - 1)) == 0, "the ring is as small as it can be");

/* What a worker knows about the messages that it sends to one peer. */
struct sender {
	struct wax_tx tx;
	bool here[EDGES * SLABS]; /* slabs of these lanes */
	uint32_t inlines[EDGES];
	uint64_t sent[EDGES];
};

/* A slab that was received and is not yet home. */
struct held {
	uint32_t slab;
	uint32_t bytes;
	uint64_t seed;
};

/* What it knows about those that one peer sends. */
struct receiver {
	struct wax_rx rx;
	uint64_t received[EDGES];
	uint64_t marks[EDGES];
	struct held held[HELD_MAX];
	uint32_t held_count;
};

struct tally {
	alignas(128) uint64_t messages;
	uint64_t bytes;
};

struct part {
	struct wax_segment segment;
	uint32_t workers;
	uint64_t seed;
	uint64_t deadline_ns;
	struct tally *tallies;
	uint64_t *notes;
};

struct worker {
	const struct part *part;
	uint32_t me;
	uint64_t random;
	struct sender senders[STRESS_WORKERS_MAX];
	struct receiver receivers[STRESS_WORKERS_MAX];
	uint64_t marks[EDGES];
	struct tally tally;
};

static void push(struct wax_tx *tx)
{
#if FAULT == 1 /* the number may become visible before the message */
	struct wax_slot *slot = wax_tx_slot(tx);
	wax_store_relaxed(&slot->seq, ++tx->sent);
#elif FAULT == 5
	tx->sent++; /* number_first did the rest */
#else
	wax_tx_push(tx);
#endif
}

static void number_first(struct wax_tx *tx)
{
#if FAULT == 5
	wax_store_release(&wax_tx_slot(tx)->seq, tx->sent + 1);
#else
	(void)tx;
#endif
}

static const struct wax_slot *peek(const struct wax_rx *rx)
{
#if FAULT == 3
	const struct wax_slot *slot = &rx->slots[rx->received & rx->slot_mask];
	return wax_load_relaxed(&slot->seq) == rx->received + 1 ? slot : NULL;
#else
	return wax_rx_peek(rx);
#endif
}

static void give_back(struct wax_rx *rx, uint32_t what)
{
#if FAULT == 2
	wax_return_slot *slot = &rx->returns[rx->returned & rx->return_mask];
	wax_store_relaxed(slot, (uint64_t)++rx->returned << 32 | what);
#else
	wax_rx_return(rx, what);
#endif
}

static bool reclaim(struct wax_tx *tx, uint32_t *ret_what)
{
#if FAULT == 4
	uint64_t value = wax_load_relaxed(&tx->returns[tx->reclaimed & tx->return_mask]);
	if ((uint32_t)(value >> 32) != tx->reclaimed + 1)
		return false;
	tx->reclaimed++;
	*ret_what = (uint32_t)value;
	return true;
#else
	return wax_tx_reclaim(tx, ret_what);
#endif
}

/* Numbers of some pairs begin shortly before they wrap around. */
static uint32_t first_number(uint32_t from, uint32_t to)
{
	return from == 0 ? 0 : UINT32_MAX - 50000 * to;
}

/* As if that many messages had gone through: slots and returns hold the numbers of the last lap. */
static void age(const struct wax_segment *segment, uint32_t from, uint32_t to)
{
	struct wax_tx tx = wax_tx_open(segment, from, to);
	uint32_t number = first_number(from, to);
	if (number == 0)
		return;
	for (uint32_t i = 0; i <= tx.slot_mask; i++) {
		uint32_t last = number - tx.slot_mask + i;
		wax_store_relaxed(&tx.slots[(last - 1) & tx.slot_mask].seq, last);
	}
	for (uint32_t i = 0; i <= tx.return_mask; i++) {
		uint32_t last = number - tx.return_mask + i;
		wax_store_relaxed(&tx.returns[(last - 1) & tx.return_mask], (uint64_t)last << 32);
	}
}

static uint64_t seed_of(uint32_t from, uint32_t to, uint32_t edge, uint64_t number)
{
	uint64_t state = number * 4096 + from * 256 + to * 16 + edge;
	return next_random(&state);
}

static void fill(uint64_t *words, uint32_t bytes, uint64_t seed)
{
	for (uint32_t i = 0; i < bytes / 8; i++)
		words[i] = seed + i * UINT64_C(0x9e3779b97f4a7c15);
}

static bool filled(const uint64_t *words, uint32_t bytes, uint64_t seed)
{
	for (uint32_t i = 0; i < bytes / 8; i++)
		if (words[i] != seed + i * UINT64_C(0x9e3779b97f4a7c15))
			return false;
	return true;
}

static void pause_at_random(struct worker *worker)
{
	uint64_t dice = next_random(&worker->random);
	if (dice % 2048 == 0)
		usleep(50);
	else if (dice % 64 == 0)
		sched_yield();
	else if (dice % 8 == 0)
		for (uint64_t i = 0; i < (dice >> 32) % 256; i++)
			wax_cpu_relax();
}

/* A slab of this edge that is here, or -1. */
static int find_slab(const struct sender *sender, uint32_t edge)
{
	for (uint32_t i = edge * SLABS; i < (edge + 1) * SLABS; i++)
		if (sender->here[i])
			return (int)i;
	return -1;
}

static void reclaim_all(struct worker *worker, uint32_t to)
{
	struct sender *sender = &worker->senders[to];
	const struct wax_segment_header *layout = &worker->part->segment.layout;
	uint32_t what;

	while (reclaim(&sender->tx, &what)) {
		if (what & WAX_RETURN_INLINE) {
			uint32_t edge = what & ~WAX_RETURN_INLINE;
			if (edge >= EDGES || ++sender->inlines[edge] > INLINES)
				stress_fail("worker %u: an inline credit came home twice",
						worker->me);
			continue;
		}
		uint32_t edge = 0;
		while (edge < EDGES && what - wax_segment_lane_slab(layout, edge, to) >= SLABS)
			edge++;
		if (edge == EDGES)
			stress_fail("worker %u: slab %u is not of this lane", worker->me, what);
		uint32_t i = edge * SLABS + what - wax_segment_lane_slab(layout, edge, to);
		if (sender->here[i])
			stress_fail("worker %u: slab %u came home twice", worker->me, what);
		sender->here[i] = true;
	}
}

/* How many messages a worker had sent to another on an edge when it posted this mark. */
static uint64_t *note_of(
		const struct part *part, uint32_t from, uint32_t edge, uint64_t mark, uint32_t to)
{
	uint64_t number = wax_mark_epoch(mark) + wax_mark_ended(mark);
	return &part->notes[((from * EDGES + edge) * (uint64_t)MARKS_MAX + number) * part->workers +
			to];
}

static void post_mark(struct worker *worker, uint32_t edge, bool ended)
{
	const struct part *part = worker->part;
	uint64_t mark = wax_mark_of(wax_mark_epoch(worker->marks[edge]) + !ended, ended);
	wax_mark *word = wax_segment_mark(&part->segment, worker->me, edge);

	worker->marks[edge] = mark;
	for (uint32_t to = 0; to < part->workers; to++)
		*note_of(part, worker->me, edge, mark, to) = worker->senders[to].sent[edge];
#if FAULT == 6
	wax_store_relaxed(word, mark);
#else
	wax_mark_post(word, mark);
#endif
}

static uint64_t read_mark(const struct part *part, uint32_t from, uint32_t edge)
{
	const wax_mark *word = wax_segment_mark(&part->segment, from, edge);
#if FAULT == 8
	return wax_load_relaxed(word);
#else
	return wax_mark_read(word);
#endif
}

static void send_slab(struct worker *worker, uint32_t to, uint32_t edge, uint32_t i)
{
	struct sender *sender = &worker->senders[to];
	const struct wax_segment *segment = &worker->part->segment;
	uint32_t slab = wax_segment_lane_slab(&segment->layout, edge, to) + i - edge * SLABS;
	uint64_t seed = seed_of(worker->me, to, edge, sender->sent[edge]);
	uint32_t bytes = (uint32_t)(next_random(&worker->random) % (SLAB_BYTES / 8) + 1) * 8;
	struct wax_slot *slot = wax_tx_slot(&sender->tx);

	number_first(&sender->tx);
	fill((uint64_t *)wax_segment_slab(segment, worker->me, slab), bytes, seed);
	slot->kind = WAX_SLOT_SLAB;
	slot->edge = (uint16_t)edge;
	slot->slab = slab;
	slot->bytes = bytes;
	slot->heap_bytes = seed;
	slot->epoch = sender->sent[edge]++;
	sender->here[i] = false;
	worker->tally.bytes += bytes;
	push(&sender->tx);
}

static void send_inline(struct worker *worker, uint32_t to, uint32_t edge)
{
	struct sender *sender = &worker->senders[to];
	uint64_t seed = seed_of(worker->me, to, edge, sender->sent[edge]);
	struct wax_slot *slot = wax_tx_slot(&sender->tx);

	number_first(&sender->tx);
	sender->inlines[edge]--;
	slot->kind = WAX_SLOT_INLINE;
	slot->edge = (uint16_t)edge;
	slot->heap_bytes = seed;
	slot->epoch = sender->sent[edge]++;
	fill((uint64_t *)slot->payload, WAX_INLINE_BYTES, seed);
	push(&sender->tx);
}

/* One message of a random kind, if there is credit for it. */
static bool send_one(struct worker *worker, uint32_t to)
{
	struct sender *sender = &worker->senders[to];
	uint64_t dice = next_random(&worker->random);
	uint32_t edge = (uint32_t)(dice >> 32) % EDGES;
	int slab = find_slab(sender, edge);

	if (dice % 16 < 10 && slab >= 0)
		send_slab(worker, to, edge, (uint32_t)slab);
	else if (sender->inlines[edge] > 0)
		send_inline(worker, to, edge);
	else
		return false;
	worker->tally.messages++;
	return true;
}

static void return_held(struct worker *worker, uint32_t from, uint32_t index)
{
	struct receiver *receiver = &worker->receivers[from];
	struct held held = receiver->held[index];
	const char *slab = wax_segment_slab(&worker->part->segment, from, held.slab);

	/* Nobody may have written there meanwhile. */
	if (!filled((const uint64_t *)slab, held.bytes, held.seed))
		stress_fail("worker %u: slab %u of %u changed while it was read", worker->me,
				held.slab, from);
	receiver->held[index] = receiver->held[--receiver->held_count];
#if FAULT != 7
	give_back(&receiver->rx, held.slab);
#endif
}

static void receive_slab(struct worker *worker, uint32_t from, const struct wax_slot *slot)
{
	struct receiver *receiver = &worker->receivers[from];
	struct held held = {slot->slab, slot->bytes, slot->heap_bytes};
	const struct wax_segment *segment = &worker->part->segment;
	uint32_t first = wax_segment_lane_slab(&segment->layout, slot->edge, worker->me);

	if (held.slab - first >= SLABS || held.bytes > SLAB_BYTES ||
			receiver->held_count == HELD_MAX)
		stress_fail("worker %u: message with slab %u, %u bytes", worker->me, held.slab,
				held.bytes);
	const char *slab = wax_segment_slab(segment, from, held.slab);
	if (!filled((const uint64_t *)slab, held.bytes, held.seed))
		stress_fail("worker %u: slab %u of %u came with other content", worker->me,
				held.slab, from);
	receiver->held[receiver->held_count++] = held;
#if FAULT == 7 /* home before it was read to the end */
	give_back(&receiver->rx, held.slab);
#endif
}

static bool receive_one(struct worker *worker, uint32_t from)
{
	struct receiver *receiver = &worker->receivers[from];
	const struct wax_slot *slot = peek(&receiver->rx);
	if (!slot)
		return false;

	uint32_t edge = slot->edge, kind = slot->kind;
	if (edge >= EDGES || wax_mark_ended(receiver->marks[edge]))
		stress_fail("worker %u: message on edge %u", worker->me, edge);
	if (slot->epoch != receiver->received[edge])
		stress_fail("worker %u: message %lu of %u on edge %u, expected %lu", worker->me,
				(unsigned long)slot->epoch, from, edge,
				(unsigned long)receiver->received[edge]);
	if (kind <= WAX_SLOT_INLINE &&
			slot->heap_bytes != seed_of(from, worker->me, edge, slot->epoch))
		stress_fail("worker %u: message %lu with another's seed", worker->me,
				(unsigned long)slot->epoch);
	receiver->received[edge]++;

	if (kind == WAX_SLOT_SLAB)
		receive_slab(worker, from, slot);
	else if (kind == WAX_SLOT_INLINE &&
			!filled((const uint64_t *)slot->payload, WAX_INLINE_BYTES,
					slot->heap_bytes))
		stress_fail("worker %u: inline message with other content", worker->me);
	wax_rx_pop(&receiver->rx);
	if (kind == WAX_SLOT_INLINE)
		give_back(&receiver->rx, WAX_RETURN_INLINE | edge);
	return true;
}

/* What was sent before a mark is found behind it. */
static void follow_mark(struct worker *worker, uint32_t from, uint32_t edge)
{
	struct receiver *receiver = &worker->receivers[from];
#if FAULT == 9 /* the ring, then the mark */
	while (receive_one(worker, from))
		;
	sched_yield();
#endif
	uint64_t mark = read_mark(worker->part, from, edge);
	if (mark == receiver->marks[edge])
		return;
	if (mark < receiver->marks[edge])
		stress_fail("worker %u: the mark of %u goes back", worker->me, from);
#if FAULT != 9
	while (receive_one(worker, from))
		;
#endif
	uint64_t sent = *note_of(worker->part, from, edge, mark, worker->me);
	if (receiver->received[edge] < sent)
		stress_fail("worker %u: %lu of %lu messages of %u before its mark", worker->me,
				(unsigned long)receiver->received[edge], (unsigned long)sent, from);
	receiver->marks[edge] = mark;
}

/* All sent, received and home, and said so? Who stops late may have nothing away when it does, and the
 * others still wait for its last mark. */
static bool finished(const struct worker *worker)
{
	for (uint32_t edge = 0; edge < EDGES; edge++)
		if (!wax_mark_ended(worker->marks[edge]))
			return false;
	for (uint32_t peer = 0; peer < worker->part->workers; peer++) {
		const struct sender *sender = &worker->senders[peer];
		const struct receiver *receiver = &worker->receivers[peer];
		if (peer == worker->me)
			continue;
		if (receiver->held_count > 0)
			return false;
		for (uint32_t i = 0; i < EDGES * SLABS; i++)
			if (!sender->here[i])
				return false;
		for (uint32_t edge = 0; edge < EDGES; edge++)
			if (!wax_mark_ended(receiver->marks[edge]) ||
					sender->inlines[edge] != INLINES)
				return false;
	}
	return true;
}

static bool serve_peer(struct worker *worker, uint32_t peer, bool stop)
{
	struct receiver *receiver = &worker->receivers[peer];
	uint64_t dice = next_random(&worker->random);
	bool busy = false;

	for (uint64_t i = dice % 8; i > 0 && receive_one(worker, peer); i--)
		busy = true;
	for (uint32_t edge = 0; edge < EDGES; edge++)
		follow_mark(worker, peer, edge);
	for (uint64_t i = stop ? HELD_MAX : (dice >> 8) % 4; i > 0 && receiver->held_count; i--) {
		return_held(worker, peer, (uint32_t)(dice >> 16) % receiver->held_count);
		busy = true;
	}
	reclaim_all(worker, peer);
	for (uint64_t i = (dice >> 24) % 8; !stop && i > 0 && send_one(worker, peer); i--)
		busy = true;
	return busy;
}

/* Marks of a worker, now and then; the last when it has sent all. */
static void mark_some(struct worker *worker, bool stop)
{
	for (uint32_t edge = 0; edge < EDGES; edge++) {
		uint64_t mark = worker->marks[edge];
		bool more = wax_mark_epoch(mark) < MARKS_MAX - 2;

		if (wax_mark_ended(mark))
			continue;
		if (stop || (more && next_random(&worker->random) % 8 == 0))
			post_mark(worker, edge, stop);
	}
}

static void open_peer(struct worker *worker, uint32_t peer)
{
	struct sender *sender = &worker->senders[peer];
	struct receiver *receiver = &worker->receivers[peer];

	sender->tx = wax_tx_open(&worker->part->segment, worker->me, peer);
	sender->tx.sent = sender->tx.reclaimed = first_number(worker->me, peer);
	memset(sender->here, true, sizeof(sender->here));
	for (uint32_t edge = 0; edge < EDGES; edge++)
		sender->inlines[edge] = INLINES;
	receiver->rx = wax_rx_open(&worker->part->segment, worker->me, peer);
	receiver->rx.received = receiver->rx.returned = first_number(peer, worker->me);
}

static void work(void *argument, uint32_t me)
{
	struct part *part = argument;
	struct worker *worker = calloc(1, sizeof(*worker));
	bool stop = false;

	*worker = (struct worker){.part = part, .me = me, .random = part->seed * 64 + me};
	for (uint32_t peer = 0; peer < part->workers; peer++)
		if (peer != me)
			open_peer(worker, peer);
	for (uint64_t turn = 0; !stop || !finished(worker); turn++) {
		bool busy = false;
		for (uint32_t peer = 0; peer < part->workers; peer++)
			if (peer != me)
				busy |= serve_peer(worker, peer, stop);
		mark_some(worker, stop);
		if (busy)
			pause_at_random(worker);
		else
			sched_yield();
		if (turn % 64 == 0)
			stop = stress_ns() >= part->deadline_ns;
	}
	part->tallies[me] = worker->tally;
	free(worker);
}

static void run_part(const struct stress_options *options, uint32_t workers, bool forked)
{
	struct wax_segment_plan plan = {workers, EDGES, SLAB_BYTES, SLABS, INLINES};
	struct part part = {.workers = workers, .seed = options->seed};
	struct stress_crew crew;
	struct tally sum = {0};
	struct wax_err err;

	if (wax_segment_make(&plan, &part.segment, &err) < 0)
		stress_fail("%s", err.text);
	if (part.segment.layout.ring_slots != RING)
		stress_fail("the ring has slots to spare");
	for (uint32_t from = 0; from < workers; from++)
		for (uint32_t to = 0; to < workers; to++)
			age(&part.segment, from, to);
	size_t note_bytes = (size_t)workers * EDGES * MARKS_MAX * workers * sizeof(*part.notes);
	part.notes = stress_share(note_bytes);
	part.tallies = stress_share(workers * sizeof(struct tally));
	part.deadline_ns = stress_ns() + (uint64_t)(options->seconds * 1e9);

	alarm((unsigned)options->seconds + 30); /* a message that never comes */
	stress_start(&crew, workers, forked, work, &part);
	stress_join(&crew);
	alarm(0);
	for (uint32_t i = 0; i < workers; i++) {
		sum.messages += part.tallies[i].messages;
		sum.bytes += part.tallies[i].bytes;
	}
	printf("%u %s: %lu messages, %lu MB in slabs\n", workers, forked ? "processes" : "threads",
			(unsigned long)sum.messages, (unsigned long)(sum.bytes >> 20));
	if (sum.messages < 1000)
		stress_fail("too few messages to prove anything");
	munmap(part.notes, note_bytes);
	munmap(part.tallies, workers * sizeof(struct tally));
	wax_segment_free(&part.segment);
}

int main(int argc, char **argv)
{
	stress_hung = "FAIL: hung: a message or a credit was lost\n";
	stress_run(argc, argv, 1.5, run_part);
	return 0;
}
