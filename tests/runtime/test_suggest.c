/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdint.h>

#include "runtime/suggest.h"

static const char *const names[] = {"procs", "bind", "json", "interval", "snapshot-interval"};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

Test(suggest, equal_words_are_at_distance_nought)
{
	cr_assert_eq(wax_suggest_distance("procs", "procs"), 0);
	cr_assert_eq(wax_suggest_distance("", ""), 0);
}

Test(suggest, each_kind_of_slip_counts_one)
{
	cr_assert_eq(wax_suggest_distance("proks", "procs"), 1, "wrong letter");
	cr_assert_eq(wax_suggest_distance("prcs", "procs"), 1, "missing letter");
	cr_assert_eq(wax_suggest_distance("proccs", "procs"), 1, "doubled letter");
	cr_assert_eq(wax_suggest_distance("porcs", "procs"), 1, "swapped letters");
}

Test(suggest, distance_to_nothing_is_the_length)
{
	cr_assert_eq(wax_suggest_distance("", "procs"), 5);
	cr_assert_eq(wax_suggest_distance("procs", ""), 5);
}

Test(suggest, distance_is_symmetric)
{
	cr_assert_eq(wax_suggest_distance("kitten", "sitting"), 3);
	cr_assert_eq(wax_suggest_distance("sitting", "kitten"), 3);
}

Test(suggest, nearest_name_wins)
{
	cr_assert_str_eq(wax_suggest_among("porcs", names, NAME_COUNT), "procs");
	cr_assert_str_eq(wax_suggest_among("intervall", names, NAME_COUNT), "interval");
	cr_assert_str_eq(wax_suggest_among("snapshot_interval", names, NAME_COUNT),
			"snapshot-interval");
}

Test(suggest, first_of_equals_wins)
{
	const char *const twins[] = {"cat", "hat"};

	cr_assert_str_eq(wax_suggest_among("bat", twins, 2), "cat");
}

Test(suggest, far_words_get_no_suggestion)
{
	cr_assert_null(wax_suggest_among("colour", names, NAME_COUNT));
	cr_assert_null(wax_suggest_among("", names, NAME_COUNT));
	cr_assert_null(wax_suggest_among("procs", names, 0));
}

Test(suggest, one_wrong_letter_of_one_is_no_slip)
{
	const char *const letters[] = {"n"};

	cr_assert_null(wax_suggest_among("x", letters, 1));
}

Test(suggest, words_too_long_to_compare_are_far)
{
	char longest[WAX_SUGGEST_LENGTH_MAX + 1];
	char longer[WAX_SUGGEST_LENGTH_MAX + 2];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';

	cr_assert_eq(wax_suggest_distance(longest, longest), 0);
	cr_assert_eq(wax_suggest_distance(longer, longest), SIZE_MAX);
	cr_assert_eq(wax_suggest_distance(longest, longer), SIZE_MAX);
	cr_assert_null(wax_suggest_among(longer, names, NAME_COUNT));
}
