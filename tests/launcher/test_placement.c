/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdbool.h>

#include "launcher/placement.h"
#include "tests/launcher/tree.h"

/* A machine; CPUs are numbered as Linux does on x86: first threads of all cores, then second. */
struct machine {
	int cores;
	int threads; /* of a core */
	int cores_per_l3;
	int cores_per_node;
};

static struct tree tree;

static void set_up(void)
{
	cr_assert_eq(tree_open(&tree), 0);
}

static void tear_down(void)
{
	tree_close(&tree);
}

TestSuite(placement, .init = set_up, .fini = tear_down);

/* "4-7,12-15": cores first to first + count - 1 with all their threads. */
static void list_cores(const struct machine *machine, int first, int count, char text[128])
{
	int at = 0;

	for (int thread = 0; thread < machine->threads; thread++) {
		int cpu = first + thread * machine->cores;

		at += snprintf(text + at, 128 - (size_t)at, "%s%d-%d", thread == 0 ? "" : ",", cpu,
				cpu + count - 1);
	}
}

static void write_cpu_file(int cpu, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/%s", cpu, name);
	cr_assert_eq(tree_write(&tree, path, "%s", text), 0);
}

static void write_cpu(const struct machine *machine, int cpu)
{
	int core = cpu % machine->cores;
	char text[128];

	list_cores(machine, core, 1, text);
	write_cpu_file(cpu, "topology/thread_siblings_list", text);
	list_cores(machine, core / machine->cores_per_l3 * machine->cores_per_l3,
			machine->cores_per_l3, text);
	write_cpu_file(cpu, "cache/index0/level", "1");
	write_cpu_file(cpu, "cache/index1/level", "3");
	write_cpu_file(cpu, "cache/index1/shared_cpu_list", text);
}

static void write_machine(const struct machine *machine)
{
	int nodes = machine->cores / machine->cores_per_node;
	int cpus = machine->cores * machine->threads;
	char path[128];
	char text[128];

	tree_write(&tree, "sys/devices/system/cpu/online", "0-%d", cpus - 1);
	tree_write(&tree, "sys/devices/system/node/online", "0-%d", nodes - 1);
	for (int cpu = 0; cpu < cpus; cpu++)
		write_cpu(machine, cpu);
	for (int node = 0; node < nodes; node++) {
		list_cores(machine, node * machine->cores_per_node, machine->cores_per_node, text);
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/cpulist", node);
		tree_write(&tree, path, "%s", text);
	}
}

/* Eight cores with two threads each, two L3 and two nodes. */
static const struct machine two_nodes = {8, 2, 4, 4};

static struct wax_placement *place(const char *allowed, uint32_t workers, enum wax_bind bind)
{
	struct wax_placement_host host = {.root = tree.root, .allowed = allowed};
	struct wax_placement *placement = NULL;
	struct wax_err err = {0};

	cr_assert_eq(wax_placement_make(&host, workers, bind, &placement, &err), 0, "%s", err.text);
	return placement;
}

Test(placement, auto_takes_one_worker_per_core)
{
	write_machine(&two_nodes);

	struct wax_placement *placement = place("0-15", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->cpu_count, 16);
	cr_assert_eq(placement->core_count, 8);
	cr_assert_eq(placement->l3_count, 2);
	cr_assert_eq(placement->node_count, 2);
	cr_assert_eq(placement->capacity, 8);
	cr_assert_eq(placement->worker_count, 8);
	cr_assert(placement->bound);
	cr_assert_not(placement->overcommitted);
	for (uint32_t i = 0; i < 8; i++) {
		cr_assert_eq(placement->workers[i].cpu, (int32_t)i);
		cr_assert_eq(placement->workers[i].core, (int32_t)i);
		cr_assert_eq(placement->workers[i].l3, (int32_t)i / 4);
		cr_assert_eq(placement->workers[i].node, (int32_t)i / 4);
	}
	wax_placement_free(placement);
}

Test(placement, auto_binds_no_other_number_than_that_of_cores)
{
	write_machine(&two_nodes);
	for (uint32_t workers = 1; workers <= 16; workers++) {
		struct wax_placement *placement = place("0-15", workers, WAX_BIND_AUTO);

		cr_assert_eq(placement->bound, workers == 8, "%u workers", workers);
		cr_assert_eq(placement->workers[0].cpu, workers == 8 ? 0 : -1);
		cr_assert_not(placement->overcommitted);
		wax_placement_free(placement);
	}
}

Test(placement, every_core_gets_a_worker_before_any_gets_two)
{
	write_machine(&two_nodes);

	struct wax_placement *placement = place("0-15", 10, WAX_BIND_CORE);

	cr_assert(placement->bound);
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(placement->workers[i].cpu, (int32_t)i);
	cr_assert_eq(placement->workers[8].core, 0, "second thread of the first core");
	cr_assert_eq(placement->workers[9].core, 1);
	wax_placement_free(placement);
}

Test(placement, neighbours_share_an_l3_though_cpus_alternate_between_nodes)
{
	/* Even CPUs on node 0, odd ones on node 1, as some firmware numbers them. */
	tree_write(&tree, "sys/devices/system/node/online", "0-1");
	tree_write(&tree, "sys/devices/system/node/node0/cpulist", "0,2,4,6");
	tree_write(&tree, "sys/devices/system/node/node1/cpulist", "1,3,5,7");
	for (int cpu = 0; cpu < 8; cpu++) {
		write_cpu_file(cpu, "cache/index3/level", "3");
		write_cpu_file(cpu, "cache/index3/shared_cpu_list",
				cpu % 2 ? "1,3,5,7" : "0,2,4,6");
	}
	for (int index = 0; index < 3; index++) {
		char name[64];

		snprintf(name, sizeof(name), "cache/index%d/level", index);
		for (int cpu = 0; cpu < 8; cpu++)
			write_cpu_file(cpu, name, "1");
	}

	static const int32_t cpus[] = {0, 2, 4, 6, 1, 3, 5, 7};
	struct wax_placement *placement = place("0-7", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->l3_count, 2);
	for (size_t i = 0; i < 8; i++) {
		cr_assert_eq(placement->workers[i].cpu, cpus[i]);
		cr_assert_eq(placement->workers[i].l3, (int32_t)i / 4);
	}
	wax_placement_free(placement);
}

Test(placement, the_affinity_mask_bounds_everything)
{
	write_machine(&two_nodes);

	struct wax_placement *placement = place("2-3,11-13", 0, WAX_BIND_AUTO);

	/* Cores 2, 3 (also as 11), 4 (as 12), 5 (as 13). */
	static const int32_t cpus[] = {2, 3, 12, 13};

	cr_assert_eq(placement->cpu_count, 5);
	cr_assert_eq(placement->core_count, 4);
	cr_assert_eq(placement->worker_count, 4);
	cr_assert_eq(placement->l3_count, 2);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(placement->workers[i].cpu, cpus[i]);
	wax_placement_free(placement);
}

Test(placement, offline_cpus_do_not_count)
{
	write_machine(&two_nodes);
	tree_write(&tree, "sys/devices/system/cpu/online", "0-3");

	struct wax_placement *placement = place("0-15", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->cpu_count, 4);
	cr_assert_eq(placement->worker_count, 4);
	wax_placement_free(placement);
}

Test(placement, more_workers_than_cpus_are_overcommitted_and_never_bound)
{
	write_machine(&two_nodes);

	struct wax_placement *placement = place("0-15", 17, WAX_BIND_CORE);

	cr_assert(placement->overcommitted);
	cr_assert_not(placement->bound);
	for (uint32_t i = 0; i < 17; i++) {
		cr_assert_eq(placement->workers[i].cpu, -1);
		cr_assert_eq(placement->workers[i].core, -1);
		cr_assert_eq(placement->workers[i].l3, -1);
		cr_assert_eq(placement->workers[i].node, -1);
	}
	wax_placement_free(placement);
}

Test(placement, none_binds_nothing)
{
	write_machine(&two_nodes);

	struct wax_placement *placement = place("0-15", 8, WAX_BIND_NONE);

	cr_assert_not(placement->bound);
	cr_assert_not(placement->overcommitted);
	cr_assert_eq(placement->workers[7].cpu, -1);
	wax_placement_free(placement);
}

Test(placement, a_quota_lowers_the_capacity)
{
	write_machine(&two_nodes);
	tree_write(&tree, "proc/self/cgroup", "0::/");
	tree_write(&tree, "proc/self/mountinfo",
			"31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
	tree_write(&tree, "sys/fs/cgroup/cpu.max", "350000 100000");

	struct wax_placement *placement = place("0-15", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->quota_millicpus, 3500);
	cr_assert_eq(placement->capacity, 3);
	cr_assert_eq(placement->worker_count, 3);
	cr_assert_not(placement->bound);
	cr_assert_not(placement->overcommitted);
	wax_placement_free(placement);

	placement = place("0-15", 4, WAX_BIND_AUTO);
	cr_assert(placement->overcommitted, "four workers would spin away three and a half CPUs");
	wax_placement_free(placement);
}

Test(placement, less_than_one_cpu_of_quota_still_runs_one_worker)
{
	write_machine(&two_nodes);
	tree_write(&tree, "proc/self/cgroup", "0::/");
	tree_write(&tree, "proc/self/mountinfo",
			"31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
	tree_write(&tree, "sys/fs/cgroup/cpu.max", "50000 100000");

	struct wax_placement *placement = place("0-15", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->worker_count, 1);
	cr_assert(placement->overcommitted);
	wax_placement_free(placement);
}

Test(placement, a_machine_of_256_cores_is_placed)
{
	static const struct machine large = {256, 2, 8, 128};

	write_machine(&large);

	struct wax_placement *placement = place("0-511", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->cpu_count, 512);
	cr_assert_eq(placement->worker_count, 256);
	cr_assert_eq(placement->l3_count, 32);
	cr_assert_eq(placement->node_count, 2);
	cr_assert(placement->bound);
	for (uint32_t i = 0; i < 256; i++) {
		cr_assert_eq(placement->workers[i].cpu, (int32_t)i);
		cr_assert_eq(placement->workers[i].l3, (int32_t)i / 8);
	}
	wax_placement_free(placement);
}

Test(placement, cpus_beyond_1023_are_known)
{
	struct wax_placement *placement = place("1500-1503", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->worker_count, 4);
	cr_assert_eq(placement->workers[3].cpu, 1503);
	wax_placement_free(placement);
}

Test(placement, a_machine_that_tells_nothing_has_a_core_per_cpu)
{
	struct wax_placement *placement = place("0-3", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->core_count, 4);
	cr_assert_eq(placement->l3_count, 1);
	cr_assert_eq(placement->node_count, 1);
	cr_assert_eq(placement->quota_millicpus, 0);
	wax_placement_free(placement);
}

Test(placement, files_of_nonsense_are_passed_over)
{
	write_cpu_file(0, "topology/thread_siblings_list", "what?");
	write_cpu_file(1, "topology/thread_siblings_list", "7"); /* does not name CPU 1 */
	write_cpu_file(0, "cache/index0/level", "3");
	write_cpu_file(0, "cache/index0/shared_cpu_list", "99999999");
	tree_write(&tree, "sys/devices/system/node/online", "x");
	tree_write(&tree, "sys/devices/system/cpu/online", "y");

	struct wax_placement *placement = place("0-1", 0, WAX_BIND_AUTO);

	cr_assert_eq(placement->core_count, 2);
	cr_assert_eq(placement->node_count, 1);
	wax_placement_free(placement);
}

Test(placement, a_mask_that_is_no_list_is_refused)
{
	struct wax_placement_host host = {.root = tree.root, .allowed = "all"};
	struct wax_placement *placement = NULL;
	struct wax_err err = {0};

	cr_assert_eq(wax_placement_make(&host, 1, WAX_BIND_AUTO, &placement, &err), -EINVAL);
	cr_assert_str_eq(err.text, "'all' is no list of CPUs");
	cr_assert_null(placement);
}

Test(placement, a_mask_without_an_online_cpu_is_refused)
{
	struct wax_placement_host host = {.root = tree.root, .allowed = "8"};
	struct wax_placement *placement = NULL;

	tree_write(&tree, "sys/devices/system/cpu/online", "0-3");
	cr_assert_eq(wax_placement_make(&host, 1, WAX_BIND_AUTO, &placement, NULL), -EINVAL);
}

static void assert_prints(const struct wax_placement *placement, const char *expected)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_eq(wax_placement_print(placement, out), 0);
	fclose(out);
	cr_assert_str_eq(text, expected);
	free(text);
}

Test(placement, the_map_names_each_bound_worker)
{
	static const struct machine small = {2, 2, 2, 1};

	write_machine(&small);

	struct wax_placement *placement = place("0-3", 2, WAX_BIND_AUTO);

	assert_prints(placement,
			"2 workers on 2 cores (4 CPUs, 2 L3, 2 NUMA nodes), bound: one worker per "
			"core\n"
			"worker   0 -> cpu   0  core   0  L3  0  node 0\n"
			"worker   1 -> cpu   1  core   1  L3  1  node 1\n");
	wax_placement_free(placement);
}

Test(placement, the_map_says_why_nobody_is_bound)
{
	struct wax_placement *placement = place("0", 3, WAX_BIND_AUTO);

	assert_prints(placement,
			"3 workers on 1 core (1 CPU, 1 L3, 1 NUMA node), not bound: more workers "
			"than "
			"CPUs, overcommitted\n");
	wax_placement_free(placement);
}

Test(placement, this_machine_can_be_placed_and_bound_to)
{
	struct wax_placement *placement = NULL;
	struct wax_err err = {0};

	cr_assert_eq(wax_placement_make(NULL, 1, WAX_BIND_CORE, &placement, &err), 0, "%s",
			err.text);
	cr_assert_eq(wax_placement_bind(placement, 0, &err), 0, "%s", err.text);
	cr_assert_eq(sched_getcpu(), placement->workers[0].cpu);
	cr_assert_eq(wax_placement_bind(placement, 1, &err), -ERANGE);
	wax_placement_free(placement);
}

Test(placement, nothing_may_be_freed)
{
	wax_placement_free(NULL);
}
