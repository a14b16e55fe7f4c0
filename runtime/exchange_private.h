/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_EXCHANGE_PRIVATE_H
#define RUNTIME_EXCHANGE_PRIVATE_H

/* Shared by exchange.c, exchange_send.c and exchange_receive.c; for nobody else. */

#include "runtime/assert.h"
#include "runtime/columns.h"
#include "runtime/exchange.h"
#include "runtime/perturb.h"
#include "shm/bell.h"
#include "shm/mark.h"

enum { NO_SLAB = -1 };

/** A batch that waits for credit, or behind one that does. */
struct parcel {
	struct parcel *next;
	uint32_t count;
	uint32_t capacity;
	uint64_t heap_bytes;
	uint64_t bytes; /* of data */
	uint64_t sent;  /* of these */
	_Alignas(64) char data[];
};

/**
 * The open slab of a lane: what scattering touches, a cache line. Places are counted from the end of
 * a column, in negative numbers, so that one number says where to write and whether there is room.
 */
struct lane_head {
	_Alignas(64) char *keys_end;
	char *values_end;
	int64_t left; /* minus the items that fit in; 0: it is full, or none is open */
	char *heap;
	uint32_t heap_used;
	uint32_t heap_room;
};

/** An edge to one worker. */
struct lane {
	struct lane_head *head;
	uint32_t capacity; /* items of the open slab; 0: none is open */
	uint32_t to;
	int32_t slab; /* open; NO_SLAB: none, or the batch is built in `building` */
	struct parcel *building;
	uint64_t opened_ns;

	struct parcel *outbox;
	struct parcel **outbox_end;
	uint32_t free_first; /* where in `free` the next one to be taken is */
	uint32_t free_count;
	uint32_t inline_free;
	uint32_t heap_per_item; /* of the last slabs: how to divide the next */
	bool dirty;
	uint32_t *free; /* a circle of slabs_per_lane places */
	uint64_t away;  /* which of the lane's slabs were sent and are not back, a bit each */
};

/** Items in the open slab. */
static inline uint32_t lane_count(const struct lane *lane)
{
	return (uint32_t)((int64_t)lane->capacity + lane->head->left);
}

/*
 * The free slabs of a lane. Those that come home from another worker go to the back: a slab that was
 * read just now is still in that worker's cache, from where writing it again must fetch it line by
 * line. One that never left goes to the front: it is in our own.
 */

static inline uint32_t lane_take_slab(struct lane *lane, uint32_t slabs_per_lane)
{
	uint32_t slab = lane->free[lane->free_first];
	if (++lane->free_first == slabs_per_lane)
		lane->free_first = 0;
	lane->free_count--;
	return slab;
}

static inline void lane_free_front(struct lane *lane, uint32_t slabs_per_lane, uint32_t slab)
{
	lane->free_first = (lane->free_first ? lane->free_first : slabs_per_lane) - 1;
	lane->free[lane->free_first] = slab;
	lane->free_count++;
}

static inline void lane_free_back(struct lane *lane, uint32_t slabs_per_lane, uint32_t slab)
{
	uint32_t at = lane->free_first + lane->free_count++;
	lane->free[at < slabs_per_lane ? at : at - slabs_per_lane] = slab;
}

/** Sending end of an edge. */
struct edge_out {
	const struct wax_plan_edge *plan;
	struct wax_columns columns;
	struct wax_edge_counters *counters;
	struct lane_head *heads;
	struct lane *lanes;
	uint32_t lane_count;     /* worker_count; 1 of a queue within the worker, to itself */
	uint32_t next_lane;      /* whose turn it is to be dealt to */
	uint32_t dirty_count;    /* lanes with items in open slabs */
	uint32_t outbox_count;   /* lanes with an outbox */
	uint64_t blocked_since;  /* ns; 0: not blocked */
	wax_mark *mark;
	uint64_t posted; /* what it says: messages lie behind the end of that epoch */
	uint64_t due;    /* what it will say when the outbox is empty */
};

/** What arrived from one worker on an edge. */
struct inbox {
	struct wax_slot *messages; /* NULL until the first */
	uint32_t mask;
	uint32_t head;
	uint32_t tail;
	uint64_t epoch; /* behind whose end its last message lies */
	char *pieces; /* a batch that is larger than a slab, as far as it has come */
	uint64_t pieces_bytes;
	uint64_t pieces_have;
};

/** Receiving end of an edge. */
struct edge_in {
	struct inbox *inboxes; /* one for each sender; of a queue within the worker, one */
	uint32_t inbox_count;
	uint32_t ready; /* messages in all inboxes that may be read */
	uint32_t later; /* those behind the end of the epoch */
	uint32_t next_inbox;
	uint64_t epoch; /* the last that has ended here */
	/* Senders in the order of their number: who has ended the epoch that is read. */
	uint32_t marks_read;
	uint32_t marks_taken; /* of these, those whose ring was emptied after that */
	uint32_t marked_count; /* of those read, that have ended the epoch and not the input before */
	bool stands;           /* at the end of the epoch, until it is resumed */
	bool ended;
	/* The batch that was lent and not yet given back. */
	bool lent;
	uint32_t lent_from;
	struct wax_slot lent_message;
};

/** 64 workers, a bit each: what there is for them since they were last looked at. */
struct wax_touched {
	uint64_t now;
	uint64_t soon;
	uint64_t credit;
};

struct wax_exchange {
	struct wax_exchange_env env;
	struct wax_worker_record *record; /* of this worker */
	const struct wax_segment_header *header; /* the copy that no other worker can write over */
	const struct wax_perturb *perturb; /* NULL: the run is not perturbed */
	uint64_t dealt; /* how often something was dealt at random */
	uint32_t worker_count;
	uint32_t edge_count;
	struct edge_out *out;
	struct edge_in *in;
	struct wax_tx *tx; /* to each worker */
	struct wax_rx *rx; /* from each worker */
	uint64_t now_ns;
	uint32_t dirty_edges;
	uint32_t blocked_edges;
	/* Workers, a bit each: announced to them; what for they may be rung after this turn. */
	uint64_t announced[WAX_WORKERS_MAX / 64];
	struct wax_touched touched[WAX_WORKERS_MAX / 64];
	uint64_t others[WAX_WORKERS_MAX / 64]; /* all but this one */
	bool sent_own; /* something was put into an inbox of this worker itself in this turn */
};

/** There is something for a worker, of this kind. */
static inline void touch(struct wax_exchange *exchange, uint32_t worker, enum wax_bell_for what_for)
{
	struct wax_touched *touched = &exchange->touched[worker / 64];
	uint64_t bit = UINT64_C(1) << (worker % 64);
	touched->now |= what_for == WAX_BELL_NOW ? bit : 0;
	touched->soon |= what_for == WAX_BELL_SOON ? bit : 0;
	touched->credit |= what_for == WAX_BELL_CREDIT ? bit : 0;
}

/** Which inbox holds what worker `from` sends on an edge, and whose an inbox is. A queue within the
 *  worker has one. */
static inline uint32_t inbox_index(const struct edge_in *in, uint32_t from)
{
	return in->inbox_count == 1 ? 0 : from;
}

static inline uint32_t inbox_sender(
		const struct wax_exchange *exchange, const struct edge_in *in, uint32_t index)
{
	return in->inbox_count == 1 ? exchange->env.me : index;
}

/** Make room for the messages of an inbox. @return 0 or -ENOMEM */
int wax_inbox_open(const struct wax_exchange *exchange, struct inbox *inbox);

/** Put a message into the inbox. @return 0, -EBADMSG too many, -ENOMEM */
int wax_inbox_add(struct wax_exchange *exchange, uint32_t from, const struct wax_slot *message,
		struct wax_err *err);

/** A slab has come home from a worker; one that it did not have is ignored. */
void wax_lane_credit(struct wax_exchange *exchange, uint32_t slab, uint32_t from);

/** Has a lane a free slab? Takes what came home first. */
bool wax_lane_has_credit(struct wax_exchange *exchange, struct lane *lane);

/** Make room in a lane for an item of `need` bytes in the heap; called when there is none. What is in
 *  the open slab is sent. @return 0 or -ENOMEM with a sentence */
int wax_lane_turn(struct wax_exchange *exchange, uint32_t edge, struct lane *lane, uint64_t need,
		struct wax_err *err);

/** Take what came home from all workers. Lanes look by themselves when they need credit; this is for
 *  those who count it. */
void wax_exchange_reclaim(struct wax_exchange *exchange);

static inline bool slab_is_of_lane(const struct wax_segment_header *header, uint32_t slab,
		uint32_t edge, uint32_t to)
{
	uint32_t first = wax_segment_lane_slab(header, edge, to);
	return slab >= first && slab < first + header->slabs_per_lane;
}

#endif
