/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/groups.h"

void wax_groups_set(struct wax_groups *groups, uint32_t worker, uint32_t worker_count, bool in)
{
	uint32_t end = wax_groups_first(worker + 1, worker_count);

	for (uint32_t i = wax_groups_first(worker, worker_count); i < end; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);

		if (in)
			groups->words[i / 64] |= bit;
		else
			groups->words[i / 64] &= ~bit;
	}
}

bool wax_groups_any(const struct wax_groups *groups, uint32_t worker, uint32_t worker_count)
{
	uint32_t end = wax_groups_first(worker + 1, worker_count);

	for (uint32_t i = wax_groups_first(worker, worker_count); i < end; i++) {
		if (groups->words[i / 64] >> (i % 64) & 1)
			return true;
	}
	return false;
}
