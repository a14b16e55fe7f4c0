/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/cpulist.h"

#include <errno.h>
#include <sched.h>

#define BITS_PER_WORD ((int32_t)(8 * sizeof(unsigned long)))
#define WORD_COUNT (WAX_PLACEMENT_CPUS_MAX / BITS_PER_WORD)

/* Digits; *text moves behind them. */
static int parse_cpu(const char **text, int32_t *ret_cpu)
{
	int32_t cpu = 0;
	const char *p = *text;

	if (*p < '0' || *p > '9')
		return -EINVAL;

	for (; *p >= '0' && *p <= '9'; p++) {
		cpu = cpu * 10 + (*p - '0');
		if (cpu >= WAX_PLACEMENT_CPUS_MAX)
			return -E2BIG;
	}

	*text = p;
	*ret_cpu = cpu;
	return 0;
}

/* "7" or "0-3"; *text moves behind it. */
static int parse_range(const char **text, struct wax_cpulist *list)
{
	int32_t first;
	int rc = parse_cpu(text, &first);

	if (rc < 0)
		return rc;

	int32_t last = first;

	if (**text == '-') {
		(*text)++;
		rc = parse_cpu(text, &last);
		if (rc < 0)
			return rc;
	}
	if (last < first)
		return -EINVAL;

	for (int32_t cpu = first; cpu <= last; cpu++)
		wax_cpulist_add(list, cpu);
	return 0;
}

int wax_cpulist_parse(const char *text, struct wax_cpulist *ret_list)
{
	struct wax_cpulist list = {0};

	while (*text != '\0') {
		int rc = parse_range(&text, &list);

		if (rc < 0)
			return rc;
		if (*text == ',' && text[1] != '\0')
			text++;
		else if (*text != '\0')
			return -EINVAL;
	}

	*ret_list = list;
	return 0;
}

int wax_cpulist_of_process(struct wax_cpulist *ret_list)
{
	struct wax_cpulist list = {0};

	/* The kernel refuses a set smaller than its own with EINVAL, and gives no other. */
	if (sched_getaffinity(0, sizeof(list.words), (cpu_set_t *)list.words) < 0)
		return errno == EINVAL ? -E2BIG : -errno;

	*ret_list = list;
	return 0;
}

void wax_cpulist_add(struct wax_cpulist *list, int32_t cpu)
{
	list->words[cpu / BITS_PER_WORD] |= 1UL << (cpu % BITS_PER_WORD);
}

bool wax_cpulist_has(const struct wax_cpulist *list, int32_t cpu)
{
	if (cpu < 0 || cpu >= WAX_PLACEMENT_CPUS_MAX)
		return false;
	return (list->words[cpu / BITS_PER_WORD] >> (cpu % BITS_PER_WORD)) & 1;
}

int32_t wax_cpulist_next(const struct wax_cpulist *list, int32_t from)
{
	for (int32_t cpu = from; cpu < WAX_PLACEMENT_CPUS_MAX; cpu++) {
		if (wax_cpulist_has(list, cpu))
			return cpu;
	}
	return -1;
}

uint32_t wax_cpulist_count(const struct wax_cpulist *list)
{
	uint32_t count = 0;

	for (int32_t i = 0; i < WORD_COUNT; i++)
		count += (uint32_t)__builtin_popcountl(list->words[i]);
	return count;
}

void wax_cpulist_intersect(struct wax_cpulist *list, const struct wax_cpulist *other)
{
	for (int32_t i = 0; i < WORD_COUNT; i++)
		list->words[i] &= other->words[i];
}
