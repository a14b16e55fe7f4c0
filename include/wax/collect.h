/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_COLLECT_H
#define WAX_COLLECT_H

#include <wax/list.h>
#include <wax/stateful.h>

#ifdef __cplusplus
extern "C" {
#endif

/** When a list is handed on; what comes first counts. All 0: at the end of the input only. */
struct wax_collect_options {
	size_t size_bytes; /* sizeof(struct wax_collect_options) */
	uint64_t count_max; /* it has so many items; 0: no bound, so that memory is not bounded */
	int64_t idle_ns;    /* no item came for its key for so long; 0: never */
	int64_t age_ns;     /* its first item came so long ago; 0: never */
};

/**
 * Gather the values of each key in lists, in the order of arrival. The values of the stream are
 * lists of the values of `up` (see wax_list_of). Beside the bounds a list is handed on at the end of
 * the input, and when its key expires (wax_ttl). A key holds nothing once its list was handed on.
 *
 * Cost: a copy of each value when it comes and one when the list goes. Error: a list of more than
 * 2 GiB.
 *
 * @param options borrows during the call
 */
WAX_API struct wax_stream wax_collect(
		struct wax_stream up, const char *id, const struct wax_collect_options *options);

#ifdef __cplusplus
}
#endif

#endif
