/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_CPULIST_H
#define LAUNCHER_CPULIST_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/placement.h"

/**
 * A set of CPUs, as the kernel writes it in sysfs ("0-3,8,10-11") and as sched_getaffinity fills
 * it. Plain value of fixed size; any thread.
 */
struct wax_cpulist {
	unsigned long words[WAX_PLACEMENT_CPUS_MAX / (8 * sizeof(unsigned long))];
};

/** Long enough for the text of any list that a machine of today writes. */
#define WAX_CPULIST_TEXT_MAX 4096

/**
 * Parse a list. Empty text is the empty set.
 *
 * @param ret_list the set; written on success only
 * @return 0, or -EINVAL  no list: "3-1", "a", "1,,2"
 *               -E2BIG   a number of WAX_PLACEMENT_CPUS_MAX or more
 */
int wax_cpulist_parse(const char *text, struct wax_cpulist *ret_list);

/**
 * The affinity mask of the calling thread.
 *
 * @return 0, -E2BIG with more CPUs than WAX_PLACEMENT_CPUS_MAX, or negative errno
 */
int wax_cpulist_of_process(struct wax_cpulist *ret_list);

/** Put one CPU in. @param cpu below WAX_PLACEMENT_CPUS_MAX */
void wax_cpulist_add(struct wax_cpulist *list, int32_t cpu);

/** Is cpu in the set? Any number may be asked. */
bool wax_cpulist_has(const struct wax_cpulist *list, int32_t cpu);

/** The lowest CPU in the set that is at least `from`; -1 when there is none. */
int32_t wax_cpulist_next(const struct wax_cpulist *list, int32_t from);

/** How many CPUs are in the set. */
uint32_t wax_cpulist_count(const struct wax_cpulist *list);

/** Keep in list only what is in other too. */
void wax_cpulist_intersect(struct wax_cpulist *list, const struct wax_cpulist *other);

#endif
