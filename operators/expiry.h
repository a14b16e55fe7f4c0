/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_EXPIRY_H
#define OPERATORS_EXPIRY_H

#include <stdint.h>

#include "runtime/kept.h"
#include "runtime/op.h"
#include "runtime/table.h"
#include "runtime/timers.h"

/*
 * Keys for which nothing comes any more (wax_ttl). Behind the state of each key stands a timer that
 * every item of the key sets anew, which is a store: no key is looked at but those that are due.
 */
struct wax_expiry {
	struct wax_timers timers;
	int64_t ttl_ns; /* 0: keys do not expire */
};

/**
 * Set up the table of a step, with room for what expiry needs, and expiry itself.
 *
 * @param op    says how long its keys live
 * @param table see wax_table_init for it and what follows; borrows until wax_expiry_fini
 */
void wax_expiry_init(struct wax_expiry *expiry, const struct wax_op *op, struct wax_table *table,
		uint32_t key_bytes, uint32_t state_bytes, uint32_t state_align);
/** Keep the states of a step, where the run does, with the times at which their keys expire. For what
 *  is given see wax_op_keep. */
int wax_expiry_keep(struct wax_expiry *expiry, struct wax_op *op, struct wax_table *table,
		uint32_t value_bytes, const struct wax_kept_ops *ops, struct wax_err *err);
/** No key expires any more. Zeroed is allowed. */
void wax_expiry_fini(struct wax_expiry *expiry);

/** An item of this key has come. @return 0 or -ENOMEM */
static inline int wax_expiry_touch(struct wax_expiry *expiry, void *state, int64_t now)
{
	return expiry->ttl_ns ? wax_timers_set(&expiry->timers, state, now + expiry->ttl_ns) : 0;
}

/** To be called before a key is removed. */
static inline void wax_expiry_drop(struct wax_expiry *expiry, void *state)
{
	if (expiry->ttl_ns)
		wax_timers_set(&expiry->timers, state, WAX_NEVER);
}

/** Take a key that has expired, and count it. Its user ends and removes it.
 *  @return lends its state; NULL: none */
void *wax_expiry_pop(struct wax_expiry *expiry, struct wax_op *op, int64_t now);

/** Remove the keys that have expired, where nothing is emitted and states point to nothing, and ask
 *  to be woken for the next. */
void wax_expiry_remove(
		struct wax_expiry *expiry, struct wax_op *op, struct wax_table *table, int64_t now);

/** Ask to be woken when the next key expires. */
void wax_expiry_wake(struct wax_expiry *expiry, struct wax_op *op);

#endif
