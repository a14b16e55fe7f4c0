/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "launcher/sanitize_compare.h"

/* Items are written "STEP KEY VALUE WORKER", a letter each, without blanks: "0ax1". */
struct run {
	struct wax_captured items[32];
	struct wax_capture_view view;
};

static const struct wax_capture_view *run_of(struct run *run, const char *text)
{
	size_t count = 0;

	for (const char *at = text; *at; at += at[4] ? 5 : 4)
		run->items[count++] = (struct wax_captured){.step = (uint32_t)(at[0] - '0'),
				.worker = (uint32_t)(at[3] - '0'),
				.key = {at + 1, 1},
				.value = {at + 2, 1}};
	run->view = (struct wax_capture_view){.items = run->items, .count = count};
	return &run->view;
}

static struct run plain, other;
static struct wax_difference difference;

static void compare(const char *a, const char *b)
{
	cr_assert_eq(wax_compare_items(run_of(&plain, a), run_of(&other, b), &difference), 0);
}

static char value_of(const struct wax_captured *item)
{
	return *(const char *)item->value.data;
}

Test(sanitize_compare, order_of_items_does_not_count)
{
	compare("", "");
	cr_assert_not(difference.found);
	compare("0ax0 0ay0 1bz0", "1bz1 0ay0 0ax1");
	cr_assert_not(difference.found);
}

Test(sanitize_compare, other_items_are_found)
{
	compare("0ax0 0ay0", "0ax0 0az0");
	cr_assert(difference.found);
	cr_assert_eq(difference.step, 0);
	cr_assert_eq(difference.item_count, 2);
	cr_assert_eq(difference.missing_count, 1);
	cr_assert_eq(difference.extra_count, 1);
	cr_assert_eq(value_of(difference.missing[0]), 'y');
	cr_assert_eq(value_of(difference.extra[0]), 'z');
	cr_assert_null(difference.missing[1]);
}

Test(sanitize_compare, other_numbers_of_equal_items_are_found)
{
	compare("0ax0 0ax0", "0ax0");
	cr_assert_eq(difference.missing_count, 1);
	cr_assert_eq(difference.extra_count, 0);
	compare("0ax0", "0ax0 0ax0");
	cr_assert_eq(difference.missing_count, 0);
	cr_assert_eq(difference.extra_count, 1);
}

Test(sanitize_compare, other_key_is_another_item)
{
	compare("0ax0", "0bx0");
	cr_assert(difference.found);
}

Test(sanitize_compare, first_step_and_first_items_are_shown)
{
	compare("2ax0", "1aa0 1ab0 1ac0 1ad0 2ay0");
	cr_assert_eq(difference.step, 1);
	cr_assert_eq(difference.extra_count, 4);
	cr_assert_eq(value_of(difference.extra[WAX_DIFFERENCE_SHOWN - 1]), 'c');
	cr_assert_eq(difference.missing_count, 0);
}

Test(sanitize_compare, order_counts_within_a_key)
{
	const struct wax_capture_view *a = run_of(&plain, "0ax0 0bx0 0ay0");

	cr_assert_eq(wax_compare_order(a, run_of(&other, "0bx1 0ax0 0ay0"), 0, &difference), 0);
	cr_assert_not(difference.found);
	cr_assert_eq(wax_compare_order(a, run_of(&other, "0ay0 0bx0 0ax0"), 0, &difference), 0);
	cr_assert(difference.found);
	cr_assert(difference.order);
	cr_assert_eq(wax_compare_order(a, run_of(&other, "0ay0 0bx0 0ax0"), 1, &difference), 0);
	cr_assert_not(difference.found, "of another step");
}

Test(sanitize_compare, scattered_key_is_found)
{
	cr_assert_null(wax_find_scattered_key(run_of(&plain, "0ax0 0by1 0ay0"), 0));
	cr_assert_null(wax_find_scattered_key(run_of(&plain, "0ax0 1ax1"), 0));
	const struct wax_captured *item = wax_find_scattered_key(run_of(&plain, "0ax0 0ay1"), 0);
	cr_assert_not_null(item);
	cr_assert_eq(value_of(item), 'y');
}
