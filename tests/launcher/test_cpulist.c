/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>

#include "launcher/cpulist.h"

Test(cpulist, ranges_and_single_cpus_are_read)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_parse("0-2,8,10-11", &list), 0);
	cr_assert_eq(wax_cpulist_count(&list), 6);
	cr_assert(wax_cpulist_has(&list, 0));
	cr_assert(wax_cpulist_has(&list, 11));
	cr_assert_not(wax_cpulist_has(&list, 3));
}

Test(cpulist, empty_text_is_the_empty_set)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_parse("", &list), 0);
	cr_assert_eq(wax_cpulist_count(&list), 0);
	cr_assert_eq(wax_cpulist_next(&list, 0), -1);
}

Test(cpulist, text_that_is_no_list_is_refused)
{
	static const char *const texts[] = {
			"a",
			"-",
			"1-",
			"-1",
			"3-1",
			"1,,2",
			",1",
			"1,",
			"1 2",
			"0x1",
			"1-2-3",
	};
	struct wax_cpulist list;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(wax_cpulist_parse(texts[i], &list), -EINVAL, "%s", texts[i]);
}

Test(cpulist, the_last_cpu_fits_and_the_next_does_not)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_parse("8191", &list), 0);
	cr_assert(wax_cpulist_has(&list, 8191));
	cr_assert_eq(wax_cpulist_parse("8192", &list), -E2BIG);
	cr_assert_eq(wax_cpulist_parse("0-99999999999999999999", &list), -E2BIG);
}

Test(cpulist, next_goes_through_all)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_parse("3,64,8191", &list), 0);
	cr_assert_eq(wax_cpulist_next(&list, 0), 3);
	cr_assert_eq(wax_cpulist_next(&list, 4), 64);
	cr_assert_eq(wax_cpulist_next(&list, 65), 8191);
	cr_assert_eq(wax_cpulist_next(&list, 8192), -1);
}

Test(cpulist, any_number_may_be_asked_for)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_parse("0-3", &list), 0);
	cr_assert_not(wax_cpulist_has(&list, -1));
	cr_assert_not(wax_cpulist_has(&list, 8192));
}

Test(cpulist, intersection_keeps_what_both_have)
{
	struct wax_cpulist list;
	struct wax_cpulist other;

	cr_assert_eq(wax_cpulist_parse("0-7", &list), 0);
	cr_assert_eq(wax_cpulist_parse("6-9", &other), 0);
	wax_cpulist_intersect(&list, &other);
	cr_assert_eq(wax_cpulist_count(&list), 2);
	cr_assert_eq(wax_cpulist_next(&list, 0), 6);
}

Test(cpulist, this_process_may_run_somewhere)
{
	struct wax_cpulist list;

	cr_assert_eq(wax_cpulist_of_process(&list), 0);
	cr_assert_gt(wax_cpulist_count(&list), 0);
}
