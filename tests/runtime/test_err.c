/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <wax/err.h>

Test(err, set_gives_the_code_back_and_keeps_it)
{
	struct wax_err err = {0};

	cr_assert_eq(wax_err_set(&err, -ENOENT, "open '%s'", "in.csv"), -ENOENT);
	cr_assert_eq(err.code, -ENOENT);
	cr_assert_str_eq(err.text, "open 'in.csv'");
}

Test(err, null_gives_only_the_code_back)
{
	cr_assert_eq(wax_err_set(NULL, -ENOENT, "open"), -ENOENT);
	cr_assert_eq(wax_err_wrap(NULL, "step"), -EIO);
}

Test(err, percent_m_is_the_text_of_errno_and_errno_is_kept)
{
	struct wax_err err = {0};

	errno = ENOSPC;
	wax_err_set(&err, -errno, "write: %m");
	cr_assert_eq(errno, ENOSPC);
	cr_assert_str_eq(err.text, "write: No space left on device");

	errno = EPERM;
	wax_err_wrap(&err, "%m");
	cr_assert_eq(errno, EPERM);
	cr_assert_str_eq(err.text, "Operation not permitted: write: No space left on device");
}

Test(err, wrap_puts_words_in_front)
{
	struct wax_err err = {0};

	wax_err_set(&err, -EINVAL, "no such column");
	cr_assert_eq(wax_err_wrap(&err, "step \"%s\"", "flow.parse"), -EINVAL);
	cr_assert_eq(err.code, -EINVAL);
	cr_assert_str_eq(err.text, "step \"flow.parse\": no such column");
}

Test(err, own_text_may_be_an_argument)
{
	struct wax_err err = {0};

	wax_err_set(&err, -EINVAL, "inner");
	wax_err_set(&err, -EIO, "outer (%s)", err.text);
	cr_assert_str_eq(err.text, "outer (inner)");
	wax_err_wrap(&err, "again %s", err.text);
	cr_assert_str_eq(err.text, "again outer (inner): outer (inner)");
}

Test(err, longest_text_that_fits_is_kept_whole)
{
	struct wax_err err = {0};
	char text[sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wax_err_set(&err, -EINVAL, "%s", text);
	cr_assert_str_eq(err.text, text);
}

Test(err, longer_text_is_cut_with_dots)
{
	struct wax_err err = {0};
	char text[4 * sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	for (size_t length = sizeof(err.text); length < sizeof(text); length++) {
		text[length] = '\0';
		wax_err_set(&err, -EINVAL, "%s", text);
		cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
		cr_assert_str_eq(err.text + sizeof(err.text) - 5, "x...");
		text[length] = 'x';
	}
}

Test(err, wrap_of_a_full_text_cuts_its_end)
{
	struct wax_err err = {0};
	char text[sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wax_err_set(&err, -EINVAL, "%s", text);
	wax_err_wrap(&err, "step");
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
	cr_assert_eq(strncmp(err.text, "step: xxx", 9), 0);
	cr_assert_str_eq(err.text + sizeof(err.text) - 5, "x...");

	/* Words that fill it alone. */
	wax_err_wrap(&err, "%s", text);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(err, cut_leaves_no_half_letter)
{
	struct wax_err err = {0};
	char text[4 * sizeof(err.text)] = "";

	/* Three bytes a letter, at each of the three ways to lie across the cut. */
	for (int shift = 0; shift < 3; shift++) {
		size_t kept;

		memset(text, 'x', sizeof(text));
		for (size_t at = (size_t)shift; at + 3 < sizeof(text); at += 3)
			memcpy(text + at, "\xe2\x82\xac", 3);
		text[shift + 3 * 400] = '\0';
		wax_err_set(&err, -EINVAL, "%s", text);
		kept = strlen(err.text) - 3;
		cr_assert_str_eq(err.text + kept, "...");
		cr_assert_eq((kept - (size_t)shift) % 3, 0);
	}
}
