/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_SHARE_H
#define CONNECTORS_SHARE_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <wax/batch.h>
#include <wax/err.h>

/* A worker's share of the items 0 ... count - 1 of a made-up source: contiguous, and every item is
 * in one. */
struct wax_share {
	int64_t next;
	int64_t end;
};

static inline struct wax_share wax_share_of(int64_t count, uint32_t worker, uint32_t worker_count)
{
	return (struct wax_share){(int64_t)((__int128)count * worker / worker_count),
			(int64_t)((__int128)count * (worker + 1) / worker_count)};
}

/**
 * Go on behind what was saved: the 8 bytes of next.
 *
 * @param saved data NULL: begin at the beginning
 * @return 0; -EBADMSG: it is not of this share
 */
static inline int wax_share_restore(
		struct wax_share *share, struct wax_bytes saved, struct wax_err *err)
{
	int64_t next;

	if (!saved.data)
		return 0;
	if (saved.bytes != sizeof(next))
		return wax_err_set(err, -EBADMSG, "the saved position is damaged");
	memcpy(&next, saved.data, sizeof(next));
	if (next < share->next || next > share->end)
		return wax_err_set(err, -EBADMSG,
				"the saved position is not in this worker's share: go on with the "
				"same number of items and workers");
	share->next = next;
	return 0;
}

#endif
