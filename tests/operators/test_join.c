/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"
#include "tests/support/drive.h"

/* ---- the modes, item by item */

static enum wax_join_insert insert;
static enum wax_join_emit emit;

static struct wax_stream text_side(struct wax_flow *flow, const char *in, const char *id)
{
	return wax_flat_map(wax_input(flow, in, wax_numbers_single(1, 0)), id,
			WAX_KEYED(WAX_TEXT, WAX_TEXT), emit_part, (void *)"");
}

static void two_sides(struct wax_flow *flow)
{
	struct wax_stream sides[] = {text_side(flow, "i0", "left"), text_side(flow, "i1", "right")};

	run_flow_output(wax_join("j", sides, 2, insert, emit), "%v");
}

/* L = [1, 2], R = [3, 4] or nothing, in turns; saved and built again between all items. */
static void expect_modes(const char *both, const char *left_only)
{
	struct drive drive;

	for (int saves = 0; saves < 2; saves++) {
		drive_saves = saves;
		drive_open(&drive, two_sides, "j");
		drive_push(&drive, 0, "a1");
		if (saves)
			drive_epoch(&drive);
		drive_push(&drive, 1, "a3");
		if (saves)
			drive_epoch(&drive);
		drive_push(&drive, 0, "a2");
		if (saves)
			drive_epoch(&drive);
		drive_push(&drive, 1, "a4");
		drive_end(&drive);
		drive_expect(&drive, both);
		drive_close(&drive);
	}
	drive_open(&drive, two_sides, "j");
	drive_push(&drive, 0, "a1 a2");
	drive_end(&drive);
	drive_expect(&drive, left_only);
	drive_close(&drive);
}

Test(join, first)
{
	insert = WAX_JOIN_FIRST;
	emit = WAX_JOIN_COMPLETE;
	expect_modes("a:(1, 3)\na:(2, 4)\n", "");
	emit = WAX_JOIN_FINAL;
	expect_modes("a:(1, 3)\n", "a:(1, -)\n");
	emit = WAX_JOIN_RUNNING;
	expect_modes("a:(1, -)\na:(1, 3)\na:(1, 3)\na:(1, 3)\n", "a:(1, -)\na:(1, -)\n");
}

Test(join, last)
{
	insert = WAX_JOIN_LAST;
	emit = WAX_JOIN_COMPLETE;
	expect_modes("a:(1, 3)\na:(2, 4)\n", "");
	emit = WAX_JOIN_FINAL;
	expect_modes("a:(2, 4)\n", "a:(2, -)\n");
	emit = WAX_JOIN_RUNNING;
	expect_modes("a:(1, -)\na:(1, 3)\na:(2, 3)\na:(2, 4)\n", "a:(1, -)\na:(2, -)\n");
}

Test(join, product)
{
	insert = WAX_JOIN_PRODUCT;
	emit = WAX_JOIN_COMPLETE;
	expect_modes("a:(1, 3)\na:(2, 4)\n", "");
	emit = WAX_JOIN_FINAL;
	expect_modes("a:(1, 3)\na:(1, 4)\na:(2, 3)\na:(2, 4)\n", "a:(1, -)\na:(2, -)\n");
	emit = WAX_JOIN_RUNNING;
	expect_modes("a:(1, -)\na:(1, 3)\na:(1, 3)\na:(2, 3)\na:(1, 3)\na:(1, 4)\na:(2, 3)\n"
		     "a:(2, 4)\n",
			"a:(1, -)\na:(1, -)\na:(2, -)\n");
}

Test(join, catalogue)
{
	struct drive drive;

	insert = WAX_JOIN_FIRST;
	emit = WAX_JOIN_FINAL;
	drive_open(&drive, two_sides, "j");
	drive_push(&drive, 0, "a1");
	drive_push(&drive, 1, "a2 a3");
	drive_end(&drive);
	drive_expect(&drive, "a:(1, 2)\n");
	drive_close(&drive);

	insert = WAX_JOIN_LAST;
	drive_open(&drive, two_sides, "j");
	drive_push(&drive, 0, "a1");
	drive_push(&drive, 1, "a2 a3");
	drive_end(&drive);
	drive_expect(&drive, "a:(1, 3)\n");
	drive_close(&drive);

	emit = WAX_JOIN_RUNNING;
	drive_open(&drive, two_sides, "j");
	drive_push(&drive, 0, "a1");
	drive_push(&drive, 1, "a2 a3 b4");
	drive_end(&drive);
	drive_expect(&drive, "a:(1, -)\na:(1, 2)\na:(1, 3)\nb:(-, 4)\n");
	drive_close(&drive);
}

static void three_sides(struct wax_flow *flow)
{
	struct wax_stream sides[] = {text_side(flow, "i0", "s0"), text_side(flow, "i1", "s1"),
			text_side(flow, "i2", "s2")};

	run_flow_output(wax_join("j", sides, 3, insert, emit), "%v");
}

Test(join, three_sides_of_which_one_is_missing)
{
	struct drive drive;

	insert = WAX_JOIN_PRODUCT;
	emit = WAX_JOIN_FINAL;
	drive_open(&drive, three_sides, "j");
	drive_push(&drive, 0, "a1 a2");
	drive_push(&drive, 2, "a3 a4");
	drive_epoch(&drive);
	drive_end(&drive);
	drive_expect(&drive, "a:(1, -, 3)\na:(1, -, 4)\na:(2, -, 3)\na:(2, -, 4)\n");
	drive_close(&drive);
}

Test(join, an_empty_value_is_a_value)
{
	struct drive drive;

	emit = WAX_JOIN_COMPLETE;
	drive_open(&drive, two_sides, "j");
	drive_push(&drive, 0, "a");
	drive_push(&drive, 1, "a");
	drive_expect(&drive, "a:(, )\n");
	drive_close(&drive);
}

static void drive_forgets_a_key_that_it_has_emitted(void)
{
	struct drive drive;
	char script[3] = "a1";

	insert = WAX_JOIN_LAST;
	emit = WAX_JOIN_COMPLETE;
	drive_open(&drive, two_sides, "j");
	for (int i = 0; i < 26; i++) {
		script[0] = (char)('a' + i);
		drive_push(&drive, 0, script);
		drive_push(&drive, 1, script);
		drive.output[0] = '\0';
		drive.output_bytes = 0;
	}
	size_t bytes = drive.op.class->state_bytes(&drive.op);

	for (int i = 0; i < 100000; i++) {
		script[0] = (char)('a' + i % 26);
		drive_push(&drive, 0, script);
		drive_push(&drive, 1, script);
		drive.output_bytes = 0;
	}
	cr_assert_eq(drive.op.class->state_bytes(&drive.op), bytes);
	drive_close(&drive);
}

Test(join, forgets_a_key_that_it_has_emitted)
{
	drive_both_ways(drive_forgets_a_key_that_it_has_emitted);
}

/* ---- as flows */

static uint64_t many_keys = 3000;

struct reading {
	double degrees;
	uint32_t station;
};

static int to_reading(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct reading reading = {(double)number_of(item) / 2, (uint32_t)number_of(item)};

	(void)ctx;
	return wax_emit(out, &reading, sizeof(reading));
}

static uint64_t value_of(struct wax_bytes value, uint32_t index)
{
	char text[32] = "";
	uint64_t number;
	struct reading reading;

	switch (index % 3) {
	case 0:
		memcpy(&number, value.data, sizeof(number));
		return number;
	case 1:
		memcpy(text, value.data, value.bytes);
		return strtoull(text, NULL, 10);
	default:
		memcpy(&reading, value.data, sizeof(reading));
		return reading.station;
	}
}

static uint32_t side_count;

/* Each side has the number that is the key. */
static int check_row(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t key, sum = 0;

	(void)ctx;
	memcpy(&key, item->key.data, sizeof(key));
	for (uint32_t i = 0; i < side_count; i++) {
		struct wax_bytes value = wax_join_side(item->value, i);

		if (!value.data)
			return wax_fail(out, "side %u is not there", i);
		if (value_of(value, i) != key)
			return wax_fail(out, "side %u has %" PRIu64, i, value_of(value, i));
		sum += value_of(value, i);
	}
	if (wax_join_side(item->value, side_count).data)
		return wax_fail(out, "a side too many");
	return wax_emit(out, &sum, sizeof(sum));
}

static void typed_sides(struct wax_flow *flow)
{
	static char ids[64][16];
	struct wax_stream sides[64], up = keyed_numbers(flow, 3000, &many_keys);

	for (uint32_t i = 0; i < side_count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "side%u", i);
		if (i % 3 == 0)
			sides[i] = wax_map_value(up, ids[i], WAX_U64, emit_same, NULL);
		else if (i % 3 == 1)
			sides[i] = wax_map_value(up, ids[i], WAX_TEXT, to_text, NULL);
		else
			sides[i] = wax_map_value(
					up, ids[i], WAX_STRUCT(struct reading), to_reading, NULL);
	}
	up = wax_join("j", sides, side_count, WAX_JOIN_LAST, WAX_JOIN_COMPLETE);
	run_flow_output(wax_map(up, "check", WAX_U64, check_row, NULL), "%v");
}

Test(join, sides_of_different_types)
{
	for (side_count = 1; side_count <= 4; side_count++)
		expect_sum(typed_sides, 3000, side_count * UINT64_C(2999) * 1500);
}

Test(join, of_as_many_sides_as_there_may_be)
{
	side_count = 64;
	expect_sum(typed_sides, 3000, side_count * UINT64_C(2999) * 1500);
}

static int double_number(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = 2 * number_of(item);

	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

/* Rows of fixed size: their values are where a struct of C would have them aligned. */
static int check_aligned(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *left = wax_join_side(item->value, 0).data;
	const uint64_t *right = wax_join_side(item->value, 1).data;

	(void)ctx;
	if ((uintptr_t)left % 8 || (uintptr_t)right % 8)
		return wax_fail(out, "not aligned");
	return *right == 2 * *left ? wax_emit(out, left, sizeof(*left)) : wax_fail(out, "wrong");
}

static void fixed_rows(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 3000, &many_keys);
	struct wax_stream sides[] = {up, wax_map_value(up, "double", WAX_U64, double_number, NULL)};

	up = wax_join("j", sides, 2, WAX_JOIN_LAST, WAX_JOIN_COMPLETE);
	up = wax_map_value(up, "check", WAX_U64, check_aligned, NULL);
	run_flow_output(wax_redistribute(up, "deal", WAX_DEAL_ITEMS), "%v");
}

Test(join, rows_of_fixed_size_are_aligned)
{
	expect_sum(fixed_rows, 3000, UINT64_C(2999) * 1500);
	expect_sum_of(fixed_rows, 2,
			&(struct run_flow_options){.interval = "1ms", .rehearse = true}, 3000,
			UINT64_C(2999) * 1500);
}

/* ---- mistakes */

static void of_nothing(struct wax_flow *flow)
{
	wax_join("j", NULL, 0, WAX_JOIN_LAST, WAX_JOIN_COMPLETE);
	run_flow_output(numbers(flow, 1), "%v");
}

static void of_65(struct wax_flow *flow)
{
	struct wax_stream sides[65], up = keyed_numbers(flow, 1, &many_keys);

	for (int i = 0; i < 65; i++)
		sides[i] = up;
	run_flow_output(wax_join("j", sides, 65, WAX_JOIN_LAST, WAX_JOIN_COMPLETE), "%v");
}

static void of_other_keys(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 1);
	struct wax_stream sides[] = {wax_key_on(up, "k", WAX_U64, emit_same, NULL),
			wax_key_on(up, "l", WAX_TEXT, to_text, NULL)};

	run_flow_output(wax_join("j", sides, 2, WAX_JOIN_LAST, WAX_JOIN_COMPLETE), "%v");
}

static void of_unknown_modes(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 1, &many_keys);

	run_flow_output(wax_join("j", &up, 1, (enum wax_join_insert)7, (enum wax_join_emit)8),
			"%v");
}

Test(join, checks_its_sides_and_modes)
{
	expect_mistake(of_nothing, "step \"flow.j\": joins no streams: it needs at least one");
	expect_mistake(of_65, "step \"flow.j\": joins 65 streams, 64 are the most");
	expect_mistake(of_other_keys,
			"step \"flow.j\": joins a stream with the key uint64_t and one with the "
			"key text: the keys of all sides must have one type");
	expect_mistake(of_unknown_modes,
			"step \"flow.j\": its insert mode is 7: it must be WAX_JOIN_LAST, _FIRST "
			"or _PRODUCT\nstep \"flow.j\": its emit mode is 8: it must be "
			"WAX_JOIN_COMPLETE, _FINAL or _RUNNING");
}

Test(join, a_row_that_is_damaged_has_no_values)
{
	struct {
		uint64_t present;
		uint32_t side_count, ends[2], gap;
		uint64_t value;
	} row = {3, 2, {24, 32}, 0, 7};
	struct wax_bytes bytes = {&row, sizeof(row)};

	cr_assert_eq(sizeof(row), 32);
	cr_assert_eq(wax_join_side(bytes, 0).bytes, 0);
	cr_assert_not_null(wax_join_side(bytes, 0).data);
	cr_assert_eq(*(const uint64_t *)wax_join_side(bytes, 1).data, 7);
	cr_assert_null(wax_join_side(bytes, 2).data);

	/* A value that is not as long as its type is printed as bytes. */
	const struct wax_type *const sides[] = {WAX_U64, WAX_U64};
	char text[32];

	cr_assert_gt(wax_type_print(wax_type_row(sides, 2), text, sizeof(text), &row, 32), 0);
	cr_assert_str_eq(text, "(, 7)");
	bytes.bytes = 31;
	cr_assert_null(wax_join_side(bytes, 1).data);
	bytes.bytes = 15;
	cr_assert_null(wax_join_side(bytes, 0).data);
	bytes.bytes = 7;
	cr_assert_null(wax_join_side(bytes, 0).data);
	bytes.bytes = sizeof(row);
	row.ends[1] = 16;
	cr_assert_null(wax_join_side(bytes, 1).data);
	row.side_count = UINT32_MAX;
	cr_assert_null(wax_join_side(bytes, 0).data);
}
