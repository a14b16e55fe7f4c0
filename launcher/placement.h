/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_PLACEMENT_H
#define LAUNCHER_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>

/**
 * Which worker runs on which CPU.
 *
 * The truth about what this run may use is the affinity mask of the launcher and the CPU quotas of
 * its control groups. Batch systems speak through these two: SLURM_CPUS_PER_TASK and its relatives
 * are only advice, at times wrong (srun without -c, mpirun inside an allocation), and are not read.
 *
 * The machine is described by files under /sys and /proc. Three of them per CPU are all that is
 * needed (siblings, L3, node), so there is no dependency on hwloc.
 */

enum wax_bind {
	WAX_BIND_AUTO, /* one worker per core: bind; any other number: do not */
	WAX_BIND_CORE, /* bind, unless there are more workers than CPUs */
	WAX_BIND_NONE,
};

/** Where the machine is described. All zero is this machine. */
struct wax_placement_host {
	const char *root;    /* put before "/sys" and "/proc"; NULL: the real ones; borrows */
	const char *allowed; /* affinity mask as a list, "0-3,8"; NULL: this process's; borrows */
};

/** One worker's place. Bound to nothing: all four are -1. */
struct wax_placement_worker {
	int32_t cpu;  /* as the kernel numbers it */
	int32_t core; /* index among the usable cores, nearest neighbours adjacent */
	int32_t l3;   /* index among the L3 caches of usable CPUs */
	int32_t node; /* NUMA node as the kernel numbers it */
};

/** What wax_placement_make decided, and from what. Read it freely, change nothing. */
struct wax_placement {
	uint32_t cpu_count;  /* usable CPUs (hardware threads), at least 1 */
	uint32_t core_count; /* physical cores that they belong to */
	uint32_t l3_count;
	uint32_t node_count;
	uint32_t quota_millicpus; /* CPU time a control group grants, 1000 = one CPU; 0: no quota */
	uint32_t capacity;        /* workers that can run at once: cores, or fewer by the quota */

	bool bound;
	bool overcommitted; /* more workers than CPUs or quota: an idle worker must not spin */
	const char *reason; /* lends a constant: why bound or not, half a sentence */

	uint32_t worker_count;
	struct wax_placement_worker workers[];
};

/** A machine with more CPUs is refused: the sets below are of fixed size. */
#define WAX_PLACEMENT_CPUS_MAX 8192

/**
 * Look at the machine and give each worker a CPU. Workers get one hardware thread of each core
 * first, and neighbours in number share an L3 and a NUMA node.
 *
 * Called once by the launcher before it forks. Reads some four files per CPU: about 20 us each.
 * What the machine does not tell is taken as the simplest case: each CPU a core of its own, one L3
 * per package, one node, no quota.
 *
 * @param host          borrows until return; NULL is this machine
 * @param worker_count  1 and more; 0 stands for `capacity`
 * @param ret_placement gives; release with wax_placement_free
 * @return 0, or -EINVAL  host->allowed is no CPU list or names no CPU that is online
 *               -E2BIG   the machine has more than WAX_PLACEMENT_CPUS_MAX CPUs
 *               -ENOMEM
 */
int wax_placement_make(const struct wax_placement_host *host, uint32_t worker_count,
		enum wax_bind bind, struct wax_placement **ret_placement, struct wax_err *err);

/** Release. NULL is allowed. */
void wax_placement_free(struct wax_placement *placement);

/**
 * Bind the calling thread to its worker's CPU; do nothing where that is -1. Each worker calls it
 * first after the fork, so that the memory it touches comes from its own node.
 *
 * @param worker_index below worker_count
 * @return 0, or -ERANGE   there is no such worker
 *               negative errno of sched_setaffinity: a CPU went offline meanwhile; running on
 *               unbound is safe
 */
int wax_placement_bind(
		const struct wax_placement *placement, uint32_t worker_index, struct wax_err *err);

/**
 * Print the map for --report-bindings: a line that says what there is and why workers are bound
 * or not, then a line per bound worker.
 *
 * @param out borrows until return
 * @return 0, or -EIO  out did not take it
 */
int wax_placement_print(const struct wax_placement *placement, FILE *out);

#endif
