/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_KEPT_H
#define RUNTIME_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/frames.h"
#include "runtime/groups.h"
#include "runtime/log_scan.h"
#include "runtime/table.h"
#include "runtime/timers.h"

/*
 * State that outlives the run: which keys of a table have changed in an epoch, and how they get
 * into the log while the worker goes on.
 *
 * At the end of an epoch nothing is copied. The keys that changed are marked to be saved, and are
 * saved some at a time, between the turns of the worker; one that is about to change before its turn
 * has come is saved just then, by the lookup that finds it. So a snapshot holds all states as they
 * were at the end of the epoch, and costs no pause that grows with their number.
 *
 * Now and then a pass goes over the whole table, some keys each epoch, that are saved although they
 * did not change: what was written before the pass began is of no use any more when it is over. That
 * is all there is of compaction.
 */
struct wax_kept;
struct wax_op;

struct wax_kept_ops {
	/** A state as bytes, lent until the next call. May be called by any lookup in the table, and
	 *  must do nothing to it. NULL: as it lies there, value_bytes of it.
	 *  @return 0; negative after wax_op_fail */
	int (*print)(struct wax_op *op, void *state, struct wax_bytes *ret_bytes);
	/** The other way round: state is zeroed. NULL: copied back.
	 *  @return 0; negative, after wax_op_fail where there is more to say */
	int (*make)(struct wax_op *op, void *state, struct wax_bytes bytes);
	/** All that was saved has been made. May be NULL. @return 0; negative after wax_op_fail */
	int (*made)(struct wax_op *op);
	/** By what of a key of the table its worker was chosen. NULL: by all of it. The key may be any
	 *  bytes, where they were damaged. */
	struct wax_bytes (*routed_by)(const struct wax_op *op, struct wax_bytes key);
	/** A lookup changes no state but that of a key which it adds. */
	bool adds_only;
};

/** Of states that are plain bytes, which any lookup may change. */
extern const struct wax_kept_ops wax_kept_plain;

/**
 * In open of an operator: its table is to outlive the run. Does nothing, and gives 0, where the run
 * keeps no state.
 *
 * @param table       empty; its lookups count as changes from now on; borrows until wax_kept_free
 * @param value_bytes of the state that are saved; with print WAX_LOG_ANY_BYTES, or what it always gives
 * @param expiry      NULL, or the timers by which its keys expire: when is saved with them; borrows
 *                    until wax_kept_free
 * @param ops         borrows until wax_kept_free
 * @return 0 or -ENOMEM, with a sentence
 */
int wax_op_keep(struct wax_op *op, struct wax_table *table, uint32_t value_bytes,
		struct wax_timers *expiry, const struct wax_kept_ops *ops, struct wax_err *err);

/* What changes a state without having looked its key up (a timer, the end of the input) calls
 * wax_table_touch before; removing a key does so by itself. */

/* ---- for the worker */

struct wax_kept_stats {
	uint64_t live_keys;
	uint64_t live_bytes; /* of keys and states as they are saved; of those not saved yet, estimated */
};

/**
 * The epoch has ended for this step: what it has changed is to be saved as it is now. All that was
 * marked before has been saved. What is gone is appended to frames.
 *
 * @param frames    to append to; borrows until all is saved
 * @param pass_keys so many of the keys that did not change are to be saved as well, from where the
 *                  pass stands; UINT64_MAX: all that are left
 * @return 1: the pass has come to the end of the table, and begins anew with the next call; 0: it
 *         has not; negative errno
 */
int wax_kept_mark(struct wax_kept *kept, struct wax_frames *frames, uint64_t pass_keys);

/** Save some of what is marked, until about bytes_max were appended.
 *  @return 1: there is more; 0: all is saved; negative errno, after wax_op_fail */
int wax_kept_save(struct wax_kept *kept, size_t bytes_max);

/** How many keys the next wax_kept_mark would mark without a pass. */
uint64_t wax_kept_changed(const struct wax_kept *kept);
struct wax_kept_stats wax_kept_stats(const struct wax_kept *kept);

/**
 * Take the records of a STATE or GONE frame, the newest frame first (runtime/store_walk.h): keys that
 * are known already, or known to be gone, are left as they are. Before the first item; the outputs of
 * the op are ready.
 *
 * @param frame  of this step; its payload was checked
 * @param groups keys of other groups are not taken; NULL: all are
 * @return 0; -EPROTO: what was saved does not fit the step; -EBADMSG; -ENOMEM; what make gave. With a
 *         sentence
 */
int wax_kept_load(struct wax_kept *kept, const struct wax_log_frame *frame,
		const struct wax_groups *groups, struct wax_err *err);
/** That was all. @return 0 or negative, with a sentence */
int wax_kept_loaded(struct wax_kept *kept, struct wax_err *err);

/** The table is as it would be without. To be called before the op is closed, since that frees what
 *  states point to. NULL is allowed. */
void wax_kept_free(struct wax_kept *kept);

#endif
