/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PORT_H
#define RUNTIME_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>
#include <wax/type.h>

/*
 * The output port of an operator: the open batch that is being built (struct wax_out is its public
 * face) and whoever takes the batches. A port may also stand alone, with a taker of one's own:
 * that is how sub-batches such as a column of keys are built.
 *
 * A column of variable items is lent or owned. Lent: all its spans point into a heap of the batch
 * that is being read, so passing on a part of an item costs no copy. Owned: the bytes were copied
 * to the port's own heap. The first emit of a batch decides; one that does not fit turns the
 * column into an owned one until the batch that is read changes.
 *
 * A guarded port keeps what is emitted for one item together, however much it is, until the next
 * item begins: so that it can be withdrawn when the callback fails in the end.
 */
struct wax_port_column {
	uint32_t item_bytes; /* 0: spans */
	uint32_t align;
	void *items; /* capacity of them */
	char *heap;  /* owned bytes; shared by no one */
	uint32_t heap_used;
	uint32_t heap_capacity;
	const char *lent; /* not NULL: spans point here */
	size_t lent_bytes;
	bool lends; /* lending is still allowed while this batch is read */
};

typedef int wax_emit_fn(struct wax_out *out, const void *value, size_t bytes);
typedef int wax_emit_kv_fn(struct wax_out *out, const void *key, size_t key_bytes,
		const void *value, size_t value_bytes);

struct wax_port {
	struct wax_out out; /* first: a struct wax_out of the runtime is always in a port */
	wax_emit_fn *emit;  /* wax_emit and wax_emit_kv, for its type and this processor */
	wax_emit_kv_fn *emit_kv;
	struct wax_port_column key;
	struct wax_port_column value;
	bool keyed;
	bool failed;
	uint64_t delivered;              /* items handed on */
	const struct wax_batch *reading; /* heaps that may be lent from; NULL: none */
	uint32_t claim_bytes;            /* room of the open claim */
	bool claimed;
	struct wax_err *err; /* where wax_fail and a failing emit write; not NULL */

	/* Takes a batch, lent during the call; negative: a step downstream failed. */
	int (*take)(struct wax_port *port, const struct wax_batch *batch);
	void *taker;
	/* After items were withdrawn: the item that they were emitted for has none. May be NULL. */
	int (*gap)(struct wax_port *port);
	/* Fills in the key of wax_emit in a keyed stream; NULL data: none. */
	struct wax_bytes fixed_key;

	/* Seldom looked at. */
	bool refused; /* failed because the callback said so: wax_fail */
	bool guarded;
	uint32_t begin; /* guarded: where the items of this call begin */
	uint32_t room;  /* items that there is memory for; more than usual after much was kept */
	uint32_t usual; /* capacity of an empty batch */
	uint32_t limit; /* items of a batch at most; 0: as many as fit */
};

/** How many items, and how many bytes in a heap, a batch is handed on at. */
enum {
	WAX_PORT_ITEMS_MAX = 4096,
	WAX_PORT_COLUMN_BYTES = 32 * 1024,
	WAX_PORT_HEAP_BYTES = 64 * 1024
};

/**
 * @param type  of the items; outlives the port
 * @param err   borrows until wax_port_fini
 * @return 0 or -ENOMEM
 */
int wax_port_init(struct wax_port *port, const struct wax_type *type,
		int (*take)(struct wax_port *, const struct wax_batch *), void *taker,
		struct wax_err *err);
void wax_port_fini(struct wax_port *port);

/** From now on items may be lent from the heaps of this batch; NULL: from none. The open batch
 *  must be empty. */
void wax_port_read(struct wax_port *port, const struct wax_batch *batch);

/** Hand on the open batch. @return 0, or negative when a step downstream failed. */
int wax_port_flush(struct wax_port *port);

/** Hand on a batch that lies elsewhere, behind the open batch; borrows it until return. */
int wax_port_lend(struct wax_port *port, const struct wax_batch *batch);

/** The open batch as a batch; valid until something is emitted. */
struct wax_batch wax_port_batch(const struct wax_port *port);

/** Forget the open batch. */
void wax_port_clear(struct wax_port *port);

/** Where wax_fail writes, in this thread, for a callback that has no out. @param err borrows until
 *  the next call; NULL: nowhere */
void wax_port_fail_to(struct wax_err *err);

/** An item begins: keep what is emitted from here on together. */
static inline void wax_port_guard(struct wax_port *port)
{
	port->guarded = true;
	port->begin = port->out.count;
}

/** The last item of the batch that is read is done. */
static inline void wax_port_unguard(struct wax_port *port)
{
	port->guarded = false;
}

/** Did something fail here other than that a callback called wax_fail? That is no matter of the
 *  item. */
static inline bool wax_port_broke(const struct wax_port *port)
{
	return port->failed && !port->refused;
}

/** Forget what was emitted since wax_port_guard, and that the callback called wax_fail.
 *  @return 0; negative when a step downstream failed */
int wax_port_withdraw(struct wax_port *port);

/** Some of the items of a batch, which lie next to each other; lends from it. */
struct wax_batch wax_batch_slice(const struct wax_batch *batch, uint32_t first, uint32_t count);

/** Hand on at most so many items in one batch. @param items at least 1 */
void wax_port_limit(struct wax_port *port, uint32_t items);

/** From now on wax_emit adds this key. @param key borrows until another one, or none, is fixed */
static inline void wax_port_fix_key(struct wax_port *port, struct wax_bytes key)
{
	/* An empty key is a key too. */
	port->fixed_key.data = key.data ? key.data : "";
	port->fixed_key.bytes = key.bytes;
}

static inline void wax_port_unfix_key(struct wax_port *port)
{
	port->fixed_key = (struct wax_bytes){NULL, 0};
}

static inline uint64_t wax_port_emitted(const struct wax_port *port)
{
	return port->delivered + port->out.count;
}

static inline struct wax_port *wax_port_of(struct wax_out *out)
{
	return (struct wax_port *)out;
}

#endif
