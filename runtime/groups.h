/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_GROUPS_H
#define RUNTIME_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Key groups: a key is of one of 4096 groups by the upper bits of its hash (runtime/hash.h), and a
 * worker owns a range of groups. So what concerns a worker of another run, with another number of
 * workers, is said by groups. Plain values.
 */
enum { WAX_GROUPS = 4096 };

struct wax_groups {
	uint64_t words[WAX_GROUPS / 64];
};

/** Is the group of a key in it? @param hash of the key */
static inline bool wax_groups_have(const struct wax_groups *groups, uint64_t hash)
{
	uint64_t group = hash >> 52;

	return groups->words[group / 64] >> (group % 64) & 1;
}

static inline void wax_groups_add(struct wax_groups *groups, uint64_t hash)
{
	uint64_t group = hash >> 52;

	groups->words[group / 64] |= UINT64_C(1) << (group % 64);
}

/** The first group of a worker; of worker_count: behind the last. */
static inline uint32_t wax_groups_first(uint32_t worker, uint32_t worker_count)
{
	return (uint32_t)(((uint64_t)worker * WAX_GROUPS + worker_count - 1) / worker_count);
}

/** Put all groups of a worker in, or take them out. */
void wax_groups_set(struct wax_groups *groups, uint32_t worker, uint32_t worker_count, bool in);

/** Is any group of a worker in it? */
bool wax_groups_any(const struct wax_groups *groups, uint32_t worker, uint32_t worker_count);

#endif
