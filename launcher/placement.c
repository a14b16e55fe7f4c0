/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/placement.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/cpulist.h"
#include "launcher/quota.h"
#include "launcher/sysfile.h"
#include <wax/err.h>

/*
 * From files to places, in this order:
 *
 *   1. usable CPUs = affinity mask, less what is offline
 *   2. each usable CPU with its core, L3 and node                       (read_cpu)
 *   3. sorted: one thread of every core first, inside that by node, L3, core   (compare_cpus)
 *   4. worker i gets the i-th CPU of that order, if workers are bound at all   (decide)
 *
 * A file that is missing or says nonsense is not an error: sysfs differs between architectures and
 * containers hide parts of it, and a run without the best placement is better than no run.
 */

/* A usable CPU. Each group goes by its lowest CPU, which sysfs shows alike to all its members. */
struct cpu {
	int32_t cpu;
	int32_t node;
	int32_t l3;     /* lowest CPU that shares the L3 */
	int32_t core;   /* lowest CPU of the core, perhaps one we may not use */
	int32_t thread; /* 0 for the first usable thread of its core, then 1, ... */
};

struct machine {
	uint32_t cpu_count;
	uint32_t core_count;
	uint32_t l3_count;
	uint32_t node_count;
	struct cpu *cpus; /* cpu_count of them, in the order workers take them */
};

static const char *root_of(const struct wax_placement_host *host)
{
	return host && host->root ? host->root : "";
}

/* The list in a file under cpuN, or false. */
static bool read_cpu_file(
		const char *root, int32_t cpu, const char *name, struct wax_cpulist *ret_list)
{
	char text[WAX_CPULIST_TEXT_MAX];

	if (wax_sysfile_read(text, sizeof(text), "%s/sys/devices/system/cpu/cpu%d/%s", root, cpu,
			    name) < 0)
		return false;
	return wax_cpulist_parse(text, ret_list) == 0 && wax_cpulist_has(ret_list, cpu);
}

static int32_t read_core(const char *root, int32_t cpu)
{
	struct wax_cpulist siblings;

	if (!read_cpu_file(root, cpu, "topology/thread_siblings_list", &siblings))
		return cpu;
	return wax_cpulist_next(&siblings, 0);
}

/* Which of cpuN/cache/indexM is the L3 differs between machines: each says its level. */
static int32_t read_l3(const char *root, int32_t cpu)
{
	struct wax_cpulist sharers;

	for (int index = 0; index < 8; index++) {
		char text[WAX_CPULIST_TEXT_MAX];

		if (wax_sysfile_read(text, sizeof(text),
				    "%s/sys/devices/system/cpu/cpu%d/cache/index%d/level", root,
				    cpu, index) < 0)
			break;
		if (strcmp(text, "3") != 0)
			continue;

		snprintf(text, sizeof(text), "cache/index%d/shared_cpu_list", index);
		if (read_cpu_file(root, cpu, text, &sharers))
			return wax_cpulist_next(&sharers, 0);
	}

	/* No L3, or a machine that does not say: the package is the next larger neighbourhood. */
	if (read_cpu_file(root, cpu, "topology/core_siblings_list", &sharers))
		return wax_cpulist_next(&sharers, 0);
	return 0;
}

/* Write the node of each CPU in the list; a CPU that no node claims keeps node 0. */
static void read_nodes(const char *root, struct machine *machine)
{
	char text[WAX_CPULIST_TEXT_MAX];
	struct wax_cpulist nodes;

	if (wax_sysfile_read(text, sizeof(text), "%s/sys/devices/system/node/online", root) < 0 ||
			wax_cpulist_parse(text, &nodes) < 0)
		return;

	for (int32_t node = wax_cpulist_next(&nodes, 0); node >= 0;
			node = wax_cpulist_next(&nodes, node + 1)) {
		struct wax_cpulist cpus;

		if (wax_sysfile_read(text, sizeof(text),
				    "%s/sys/devices/system/node/node%d/cpulist", root, node) < 0 ||
				wax_cpulist_parse(text, &cpus) < 0)
			continue;
		for (uint32_t i = 0; i < machine->cpu_count; i++) {
			if (wax_cpulist_has(&cpus, machine->cpus[i].cpu))
				machine->cpus[i].node = node;
		}
	}
}

static int compare_numbers(int32_t a, int32_t b)
{
	return (a > b) - (a < b);
}

static int compare_cpus(const void *left, const void *right)
{
	const struct cpu *a = left;
	const struct cpu *b = right;
	int order = compare_numbers(a->thread, b->thread);

	if (order == 0)
		order = compare_numbers(a->node, b->node);
	if (order == 0)
		order = compare_numbers(a->l3, b->l3);
	if (order == 0)
		order = compare_numbers(a->core, b->core);
	if (order == 0)
		order = compare_numbers(a->cpu, b->cpu);
	return order;
}

/* Number the threads of each core. CPUs come in ascending order, so thread 0 is the lowest. */
static void number_threads(struct machine *machine)
{
	uint16_t seen[WAX_PLACEMENT_CPUS_MAX] = {0}; /* usable threads so far, by core */

	machine->core_count = 0;
	for (uint32_t i = 0; i < machine->cpu_count; i++) {
		struct cpu *cpu = &machine->cpus[i];

		cpu->thread = seen[cpu->core]++;
		machine->core_count += cpu->thread == 0;
	}
}

/* Groups are adjacent among the first threads of the sorted order, so each change is a new one. */
static void count_groups(struct machine *machine)
{
	const struct cpu *cpus = machine->cpus;

	machine->l3_count = 1;
	machine->node_count = 1;
	for (uint32_t i = 1; i < machine->core_count; i++) {
		bool node_is_new = cpus[i].node != cpus[i - 1].node;

		machine->node_count += node_is_new;
		machine->l3_count += node_is_new || cpus[i].l3 != cpus[i - 1].l3;
	}
}

static int usable_cpus(const struct wax_placement_host *host, struct wax_cpulist *ret_cpus,
		struct wax_err *err)
{
	char text[WAX_CPULIST_TEXT_MAX];
	struct wax_cpulist online;
	int rc;

	if (host && host->allowed) {
		rc = wax_cpulist_parse(host->allowed, ret_cpus);
		if (rc < 0)
			return wax_err_set(err, rc, "'%s' is no list of CPUs", host->allowed);
	} else {
		rc = wax_cpulist_of_process(ret_cpus);
		if (rc < 0)
			return wax_err_set(err, rc, "cannot read the affinity mask: %s",
					strerror(-rc));
	}

	if (wax_sysfile_read(text, sizeof(text), "%s/sys/devices/system/cpu/online",
			    root_of(host)) == 0 &&
			wax_cpulist_parse(text, &online) == 0)
		wax_cpulist_intersect(ret_cpus, &online);
	if (wax_cpulist_count(ret_cpus) == 0)
		return wax_err_set(err, -EINVAL, "no CPU of the affinity mask is online");
	return 0;
}

/* Gives machine->cpus; free() it. */
static int read_machine(const struct wax_placement_host *host, struct machine *ret_machine,
		struct wax_err *err)
{
	struct machine machine = {0};
	struct wax_cpulist usable;
	int rc = usable_cpus(host, &usable, err);

	if (rc < 0)
		return rc;

	machine.cpus = calloc(wax_cpulist_count(&usable), sizeof(*machine.cpus));
	if (!machine.cpus)
		return wax_err_set(err, -ENOMEM, "no memory to describe the CPUs");

	for (int32_t cpu = wax_cpulist_next(&usable, 0); cpu >= 0;
			cpu = wax_cpulist_next(&usable, cpu + 1)) {
		machine.cpus[machine.cpu_count++] = (struct cpu){
				.cpu = cpu,
				.core = read_core(root_of(host), cpu),
				.l3 = read_l3(root_of(host), cpu),
		};
	}
	read_nodes(root_of(host), &machine);
	number_threads(&machine);
	qsort(machine.cpus, machine.cpu_count, sizeof(*machine.cpus), compare_cpus);
	count_groups(&machine);

	*ret_machine = machine;
	return 0;
}

/* Workers that can run at once. Part of a CPU granted beyond the last whole one carries none. */
static uint32_t capacity_of(const struct machine *machine, uint32_t quota_millicpus)
{
	uint32_t granted = quota_millicpus / 1000;

	if (quota_millicpus == 0 || granted >= machine->core_count)
		return machine->core_count;
	return granted > 0 ? granted : 1;
}

static bool is_overcommitted(const struct wax_placement *placement)
{
	return placement->worker_count > placement->cpu_count ||
			(placement->quota_millicpus != 0 &&
					(uint64_t)placement->worker_count * 1000 >
							placement->quota_millicpus);
}

/* To bind or not, and half a sentence why. */
static bool decide(
		const struct wax_placement *placement, enum wax_bind bind, const char **ret_reason)
{
	if (bind == WAX_BIND_NONE) {
		*ret_reason = "not bound: as asked";
		return false;
	}
	if (placement->worker_count > placement->cpu_count) {
		*ret_reason = "not bound: more workers than CPUs";
		return false;
	}
	if (bind == WAX_BIND_CORE) {
		*ret_reason = "bound: as asked";
		return true;
	}
	if (placement->worker_count == placement->core_count) {
		*ret_reason = "bound: one worker per core";
		return true;
	}

	/* Two runs that both began at the first core would share it and leave others idle. */
	*ret_reason = "not bound: not one worker per core";
	return false;
}

static void place_nowhere(struct wax_placement *placement)
{
	for (uint32_t i = 0; i < placement->worker_count; i++)
		placement->workers[i] = (struct wax_placement_worker){-1, -1, -1, -1};
}

/* The core's index is its position among first threads: second threads come in the same order,
 * but a core may have lost its second thread to the mask, so it is looked up.
 */
static int32_t core_index(const struct machine *machine, const struct cpu *cpu)
{
	for (uint32_t i = 0; i < machine->core_count; i++) {
		if (machine->cpus[i].core == cpu->core)
			return (int32_t)i;
	}
	return -1;
}

static int32_t l3_index(const struct machine *machine, int32_t core)
{
	const struct cpu *cpus = machine->cpus;
	int32_t index = 0;

	for (int32_t i = 1; i <= core; i++)
		index += cpus[i].node != cpus[i - 1].node || cpus[i].l3 != cpus[i - 1].l3;
	return index;
}

static void place_on_cpus(struct wax_placement *placement, const struct machine *machine)
{
	for (uint32_t i = 0; i < placement->worker_count; i++) {
		const struct cpu *cpu = &machine->cpus[i];
		int32_t core = core_index(machine, cpu);

		placement->workers[i] = (struct wax_placement_worker){
				.cpu = cpu->cpu,
				.core = core,
				.l3 = l3_index(machine, core),
				.node = cpu->node,
		};
	}
}

int wax_placement_make(const struct wax_placement_host *host, uint32_t worker_count,
		enum wax_bind bind, struct wax_placement **ret_placement, struct wax_err *err)
{
	struct machine machine;
	int rc = read_machine(host, &machine, err);

	if (rc < 0)
		return rc;

	uint32_t quota_millicpus = wax_quota_read(root_of(host));
	uint32_t capacity = capacity_of(&machine, quota_millicpus);

	if (worker_count == 0)
		worker_count = capacity;

	struct wax_placement *placement = calloc(
			1, sizeof(*placement) + worker_count * sizeof(placement->workers[0]));

	if (!placement) {
		free(machine.cpus);
		return wax_err_set(err, -ENOMEM, "no memory to place %u workers", worker_count);
	}

	placement->cpu_count = machine.cpu_count;
	placement->core_count = machine.core_count;
	placement->l3_count = machine.l3_count;
	placement->node_count = machine.node_count;
	placement->quota_millicpus = quota_millicpus;
	placement->capacity = capacity;
	placement->worker_count = worker_count;
	placement->overcommitted = is_overcommitted(placement);
	placement->bound = decide(placement, bind, &placement->reason);
	if (placement->bound)
		place_on_cpus(placement, &machine);
	else
		place_nowhere(placement);

	free(machine.cpus);
	*ret_placement = placement;
	return 0;
}

void wax_placement_free(struct wax_placement *placement)
{
	free(placement);
}

int wax_placement_bind(
		const struct wax_placement *placement, uint32_t worker_index, struct wax_err *err)
{
	if (worker_index >= placement->worker_count)
		return wax_err_set(err, -ERANGE, "no worker %u among %u", worker_index,
				placement->worker_count);

	int32_t cpu = placement->workers[worker_index].cpu;

	if (cpu < 0)
		return 0;

	/* A cpu_set_t ends at 1024 CPUs; the list does not. */
	struct wax_cpulist only = {0};

	wax_cpulist_add(&only, cpu);
	if (sched_setaffinity(0, sizeof(only.words), (const cpu_set_t *)only.words) < 0)
		return wax_err_set(err, -errno, "cannot bind worker %u to CPU %d: %m", worker_index,
				cpu);
	return 0;
}

/* "1 core", "2 cores". */
static void print_number(FILE *out, uint32_t number, const char *noun)
{
	fprintf(out, "%u %s%s", number, noun, number == 1 ? "" : "s");
}

int wax_placement_print(const struct wax_placement *placement, FILE *out)
{
	print_number(out, placement->worker_count, "worker");
	fprintf(out, " on ");
	print_number(out, placement->core_count, "core");
	fprintf(out, " (");
	print_number(out, placement->cpu_count, "CPU");
	fprintf(out, ", %u L3, ", placement->l3_count);
	print_number(out, placement->node_count, "NUMA node");
	if (placement->quota_millicpus != 0)
		fprintf(out, ", quota %u.%02u CPUs", placement->quota_millicpus / 1000,
				placement->quota_millicpus % 1000 / 10);
	fprintf(out, "), %s%s\n", placement->reason,
			placement->overcommitted ? ", overcommitted" : "");

	for (uint32_t i = 0; placement->bound && i < placement->worker_count; i++) {
		const struct wax_placement_worker *worker = &placement->workers[i];

		fprintf(out, "worker %3u -> cpu %3d  core %3d  L3 %2d  node %d\n", i, worker->cpu,
				worker->core, worker->l3, worker->node);
	}
	return ferror(out) ? -EIO : 0;
}
