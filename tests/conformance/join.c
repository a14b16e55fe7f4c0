/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

/*
 * Joins. The input is one stream, so that the order of arrival is that of the row: the first letter
 * of a key says which side an item is of, what stands behind it is the key.
 */

struct modes {
	enum wax_join_insert insert;
	enum wax_join_emit emit;
};

#define MODES(insert, emit)                                                                        \
	&(const struct modes)                                                                      \
	{                                                                                          \
		WAX_JOIN_##insert, WAX_JOIN_##emit                                                 \
	}

static int is_of_side(const struct wax_item *item, void *side)
{
	return *(const char *)item->key.data == *(const char *)side;
}

static int key_behind_side(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, (const char *)item->key.data + 1, item->key.bytes - 1);
}

static struct wax_stream side(
		struct wax_stream up, const char *letter, const char *filter, const char *key)
{
	struct wax_stream of_side = wax_filter(up, filter, is_of_side, (void *)letter);

	return wax_key_on(of_side, key, WAX_TEXT, key_behind_side, NULL);
}

static struct wax_stream join_keyed(struct wax_stream up)
{
	const struct modes *modes = row_ctx();
	struct wax_stream sides[] = {
			side(up, "L", "left", "left_key"), side(up, "R", "right", "right_key")};

	return wax_join("join", sides, 2, modes->insert, modes->emit);
}

static struct wax_stream join(struct wax_stream up)
{
	return wax_key_rm(join_keyed(up), "key_rm");
}

/* No mode is named. */
static struct wax_stream join_by_default(struct wax_stream up)
{
	struct wax_stream sides[] = {
			side(up, "L", "left", "left_key"), side(up, "R", "right", "right_key")};

	return wax_key_rm(wax_join("join", sides, 2, 0, 0), "key_rm");
}

static struct wax_stream join_three(struct wax_stream up)
{
	struct wax_stream sides[] = {side(up, "A", "a", "a_key"), side(up, "B", "b", "b_key"),
			side(up, "C", "c", "c_key")};

	return wax_key_rm(wax_join("join", sides, 3, WAX_JOIN_PRODUCT, WAX_JOIN_FINAL), "key_rm");
}

#define NAMES "L123=Bee;R123=bee;L456=Hive;R456=hive;R123=queen"

const struct row join_rows[] = {
		{.id = "j-1",
				.items = PAIRS,
				.input = "L=1;R=2",
				.steps = join,
				.ctx = MODES(LAST, COMPLETE),
				.expected = "(1, 2)"},
		{.id = "j-2",
				.items = PAIRS,
				.input = "L=1;R=2",
				.steps = join_by_default,
				.expected = "(1, 2)"},
		{.id = "j-3",
				.items = PAIRS,
				.input = "L=1;R=2;R=3",
				.steps = join,
				.ctx = MODES(FIRST, FINAL),
				.expected = "(1, 2)"},
		{.id = "j-4",
				.items = PAIRS,
				.input = "L=1;R=2;R=3",
				.steps = join,
				.ctx = MODES(LAST, FINAL),
				.expected = "(1, 3)"},
		{.id = "j-5",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=2;R=3",
				.steps = join,
				.ctx = MODES(LAST, RUNNING),
				.expected = "(1, -);(1, 2);(1, 3)"},
		{.id = "j-6",
				.order = ORDERED,
				.items = PAIRS,
				.input = "L=1;L=2;R=3;R=4",
				.steps = join,
				.ctx = MODES(PRODUCT, FINAL),
				.expected = "(1, 3);(1, 4);(2, 3);(2, 4)"},
		{.id = "j-7",
				.order = ORDERED,
				.items = PAIRS,
				.input = "A=1;A=2;C=3;C=4",
				.steps = join_three,
				.expected = "(1, -, 3);(1, -, 4);(2, -, 3);(2, -, 4)"},
		{.id = "j-8-first-complete",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(FIRST, COMPLETE),
				.expected = "(1, 3);(2, 4)"},
		{.id = "j-8-first-final",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(FIRST, FINAL),
				.expected = "(1, 3)"},
		{.id = "j-8-first-running",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(FIRST, RUNNING),
				.expected = "(1, -);(1, 3);(1, 3);(1, 3)"},
		{.id = "j-8-last-complete",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(LAST, COMPLETE),
				.expected = "(1, 3);(2, 4)"},
		{.id = "j-8-last-final",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(LAST, FINAL),
				.expected = "(2, 4)"},
		{.id = "j-8-last-running",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(LAST, RUNNING),
				.expected = "(1, -);(1, 3);(2, 3);(2, 4)"},
		{.id = "j-8-product-complete",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(PRODUCT, COMPLETE),
				.expected = "(1, 3);(2, 4)"},
		{.id = "j-8-product-final",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(PRODUCT, FINAL),
				.expected = "(1, 3);(1, 4);(2, 3);(2, 4)"},
		{.id = "j-8-product-running",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;R=3;L=2;R=4",
				.steps = join,
				.ctx = MODES(PRODUCT, RUNNING),
				.expected = "(1, -);(1, 3);(1, 3);(2, 3);(1, 3);(1, 4);(2, 3);(2, "
					    "4)"},
		{.id = "j-8-first-complete-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(FIRST, COMPLETE),
				.expected = ""},
		{.id = "j-8-first-final-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(FIRST, FINAL),
				.expected = "(1, -)"},
		{.id = "j-8-first-running-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(FIRST, RUNNING),
				.expected = "(1, -);(1, -)"},
		{.id = "j-8-last-complete-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(LAST, COMPLETE),
				.expected = ""},
		{.id = "j-8-last-final-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(LAST, FINAL),
				.expected = "(2, -)"},
		{.id = "j-8-last-running-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(LAST, RUNNING),
				.expected = "(1, -);(2, -)"},
		{.id = "j-8-product-complete-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(PRODUCT, COMPLETE),
				.expected = ""},
		{.id = "j-8-product-final-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(PRODUCT, FINAL),
				.expected = "(1, -);(2, -)"},
		{.id = "j-8-product-running-empty",
				.order = ALONE,
				.items = PAIRS,
				.input = "L=1;L=2",
				.steps = join,
				.ctx = MODES(PRODUCT, RUNNING),
				.expected = "(1, -);(1, -);(2, -)"},
		{.id = "j-docs-complete",
				.order = ALONE,
				.items = TEXT_PAIRS,
				.input = NAMES,
				.steps = join_keyed,
				.ctx = MODES(LAST, COMPLETE),
				.expected = "123=(Bee, bee);456=(Hive, hive)"},
		{.id = "j-docs-running",
				.order = ALONE,
				.items = TEXT_PAIRS,
				.input = NAMES,
				.steps = join_keyed,
				.ctx = MODES(LAST, RUNNING),
				.expected = "123=(Bee, -);123=(Bee, bee);456=(Hive, -);456=(Hive, "
					    "hive);123=(Bee, queen)"},
		{0},
};
