/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "launcher/quota.h"
#include "tests/launcher/tree.h"

#define MOUNT_V2 "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw"

static struct tree tree;

static void set_up(void)
{
	cr_assert_eq(tree_open(&tree), 0);
}

static void tear_down(void)
{
	tree_close(&tree);
}

TestSuite(quota, .init = set_up, .fini = tear_down);

Test(quota, a_machine_without_control_groups_has_none)
{
	cr_assert_eq(wax_quota_read(tree.root), 0);
}

Test(quota, max_is_no_quota)
{
	tree_write(&tree, "proc/self/cgroup", "0::/job");
	tree_write(&tree, "proc/self/mountinfo", MOUNT_V2);
	tree_write(&tree, "sys/fs/cgroup/job/cpu.max", "max 100000");
	cr_assert_eq(wax_quota_read(tree.root), 0);
}

Test(quota, version_2_counts_in_thousandths)
{
	tree_write(&tree, "proc/self/cgroup", "0::/job");
	tree_write(&tree, "proc/self/mountinfo", MOUNT_V2);
	tree_write(&tree, "sys/fs/cgroup/job/cpu.max", "150000 100000");
	cr_assert_eq(wax_quota_read(tree.root), 1500);
}

Test(quota, a_parent_binds_its_children)
{
	tree_write(&tree, "proc/self/cgroup", "0::/slice/job/step");
	tree_write(&tree, "proc/self/mountinfo", MOUNT_V2);
	tree_write(&tree, "sys/fs/cgroup/slice/job/step/cpu.max", "800000 100000");
	tree_write(&tree, "sys/fs/cgroup/slice/job/cpu.max", "max 100000");
	tree_write(&tree, "sys/fs/cgroup/slice/cpu.max", "200000 100000");
	cr_assert_eq(wax_quota_read(tree.root), 2000);
}

Test(quota, a_container_sees_its_own_group_at_the_mount_point)
{
	tree_write(&tree, "proc/self/cgroup", "0::/");
	tree_write(&tree, "proc/self/mountinfo", MOUNT_V2);
	tree_write(&tree, "sys/fs/cgroup/cpu.max", "400000 100000");
	cr_assert_eq(wax_quota_read(tree.root), 4000);
}

Test(quota, version_1_is_found_beside_version_2)
{
	tree_write(&tree, "proc/self/cgroup",
			"5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/");
	tree_write(&tree, "proc/self/mountinfo",
			"24 1 0:20 / /sys rw - sysfs sysfs rw\n"
			"40 24 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup "
			"rw,memory\n"
			"41 24 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime master:11 - "
			"cgroup cgroup rw,cpu,cpuacct\n"
			"42 24 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
	tree_write(&tree, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000");
	tree_write(&tree, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
	cr_assert_eq(wax_quota_read(tree.root), 2500);
}

Test(quota, minus_one_of_version_1_is_no_quota)
{
	tree_write(&tree, "proc/self/cgroup", "1:cpu:/");
	tree_write(&tree, "proc/self/mountinfo",
			"41 24 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu");
	tree_write(&tree, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
	tree_write(&tree, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
	cr_assert_eq(wax_quota_read(tree.root), 0);
}

Test(quota, nonsense_is_no_quota)
{
	static const char *const texts[] = {"", "abc", "1", "0 100000", "-5 100000", "100000 0"};

	tree_write(&tree, "proc/self/cgroup", "rubbish\n0::/job");
	tree_write(&tree, "proc/self/mountinfo", "rubbish\n - \n" MOUNT_V2);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_write(&tree, "sys/fs/cgroup/job/cpu.max", "%s", texts[i]);
		cr_assert_eq(wax_quota_read(tree.root), 0, "'%s'", texts[i]);
	}
}

Test(quota, the_smallest_quota_is_not_taken_for_none)
{
	tree_write(&tree, "proc/self/cgroup", "0::/");
	tree_write(&tree, "proc/self/mountinfo", MOUNT_V2);
	tree_write(&tree, "sys/fs/cgroup/cpu.max", "1 1000000");
	cr_assert_eq(wax_quota_read(tree.root), 1);
}
