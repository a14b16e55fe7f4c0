/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/quota.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/sysfile.h"

/*
 * /proc/self/cgroup names our group in each hierarchy ("0::/user/a" for version 2, "4:cpu:/b" for
 * version 1), and /proc/self/mountinfo says where a hierarchy is mounted and which of its groups is
 * shown there (a container often sees its own group as the root). Both kinds may be mounted at
 * once, and a quota may stand in either.
 */

/* Both tables grow with mounts and controllers; one that is larger is no reason to stop. */
#define TABLE_BYTES_MAX (256 * 1024)

#define NO_QUOTA UINT32_MAX

/* One kind of hierarchy. */
struct hierarchy {
	const char *fs_type;
	const char *controller; /* in the list of /proc/self/cgroup; "" is version 2 */
	uint32_t (*read_group)(const char *dir);
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t millicpus(int64_t quota_us, int64_t period_us)
{
	if (quota_us <= 0 || period_us <= 0 || quota_us > INT64_MAX / 1000)
		return NO_QUOTA;

	int64_t value = quota_us * 1000 / period_us;

	if (value >= NO_QUOTA)
		return NO_QUOTA;
	return value > 0 ? (uint32_t)value : 1;
}

/* "150000 100000", or "max 100000" without a limit. */
static uint32_t read_group_v2(const char *dir)
{
	char text[64];
	int64_t quota_us;
	int64_t period_us;

	if (wax_sysfile_read(text, sizeof(text), "%s/cpu.max", dir) < 0 ||
			sscanf(text, "%" SCNd64 " %" SCNd64, &quota_us, &period_us) != 2)
		return NO_QUOTA;
	return millicpus(quota_us, period_us);
}

/* Two files; a quota of -1 is no limit. */
static uint32_t read_group_v1(const char *dir)
{
	char quota[32];
	char period[32];

	if (wax_sysfile_read(quota, sizeof(quota), "%s/cpu.cfs_quota_us", dir) < 0 ||
			wax_sysfile_read(period, sizeof(period), "%s/cpu.cfs_period_us", dir) < 0)
		return NO_QUOTA;
	return millicpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static const struct hierarchy hierarchies[] = {
		{"cgroup2", "", read_group_v2},
		{"cgroup", "cpu", read_group_v1},
};

/* Is word one of the comma-separated words of list? "" is the one word of the empty list. */
static bool list_has(const char *list, const char *word)
{
	size_t word_bytes = strlen(word);

	for (const char *p = list;; p++) {
		size_t bytes = strcspn(p, ",");

		if (bytes == word_bytes && strncmp(p, word, bytes) == 0)
			return true;
		p += bytes;
		if (*p == '\0')
			return false;
	}
}

/* Our group in a hierarchy, from the text of /proc/self/cgroup, which is cut up. NULL: none. */
static const char *find_group(char *table, const char *controller)
{
	char *rest = NULL;

	for (char *line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *list = strchr(line, ':');
		char *group = list ? strchr(list + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		if (list_has(list + 1, controller))
			return group;
	}
	return NULL;
}

/* Where a hierarchy is mounted, and the group shown there. */
struct mount {
	char point[PATH_MAX];
	char group[PATH_MAX];
};

/* A line of mountinfo: "36 35 0:31 /group /mount/point rw shared:9 - type source super,options" */
static bool parse_mount(
		const char *line, const struct hierarchy *hierarchy, struct mount *ret_mount)
{
	char type[64];
	char options[1024];
	const char *tail = strstr(line, " - ");

	if (!tail || sscanf(tail, " - %63s %*s %1023s", type, options) != 2 ||
			strcmp(type, hierarchy->fs_type) != 0)
		return false;
	if (hierarchy->controller[0] != '\0' && !list_has(options, hierarchy->controller))
		return false;
	return sscanf(line, "%*s %*s %*s %4095s %4095s", ret_mount->group, ret_mount->point) == 2;
}

/* table is cut up. */
static bool find_mount(char *table, const struct hierarchy *hierarchy, struct mount *ret_mount)
{
	char *rest = NULL;

	for (char *line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (parse_mount(line, hierarchy, ret_mount))
			return true;
	}
	return false;
}

/* The group's path below the mount point: "" when the mount shows the group itself or another. */
static const char *below_mount(const char *group, const struct mount *mount)
{
	size_t shown_bytes = strlen(mount->group);

	if (strcmp(mount->group, "/") == 0)
		return strcmp(group, "/") == 0 ? "" : group;
	if (strncmp(group, mount->group, shown_bytes) != 0)
		return "";
	return group[shown_bytes] == '/' ? group + shown_bytes : "";
}

static uint32_t read_up_to_root(const char *root, const struct hierarchy *hierarchy,
		const struct mount *mount, const char *group)
{
	char dir[3 * PATH_MAX];
	uint32_t quota = NO_QUOTA;
	size_t top_bytes = strlen(root) + strlen(mount->point);

	snprintf(dir, sizeof(dir), "%s%s%s", root, mount->point, below_mount(group, mount));
	for (;;) {
		quota = least(quota, hierarchy->read_group(dir));

		char *slash = strrchr(dir, '/');

		if (!slash || (size_t)(slash - dir) < top_bytes)
			return quota;
		*slash = '\0';
	}
}

/* cgroup and mounts have TABLE_BYTES_MAX room each. */
static uint32_t read_hierarchy(
		const char *root, const struct hierarchy *hierarchy, char *cgroup, char *mounts)
{
	struct mount mount;

	if (wax_sysfile_read(cgroup, TABLE_BYTES_MAX, "%s/proc/self/cgroup", root) < 0 ||
			wax_sysfile_read(mounts, TABLE_BYTES_MAX, "%s/proc/self/mountinfo", root) <
					0)
		return NO_QUOTA;

	const char *group = find_group(cgroup, hierarchy->controller);

	if (!group || !find_mount(mounts, hierarchy, &mount))
		return NO_QUOTA;
	return read_up_to_root(root, hierarchy, &mount, group);
}

uint32_t wax_quota_read(const char *root)
{
	char *tables = malloc(2 * TABLE_BYTES_MAX);
	uint32_t quota = NO_QUOTA;

	if (!tables)
		return 0;

	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++)
		quota = least(quota,
				read_hierarchy(root, &hierarchies[i], tables,
						tables + TABLE_BYTES_MAX));
	free(tables);
	return quota == NO_QUOTA ? 0 : quota;
}
