/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/columns.h"

/* How a batch lies in memory. */

static const struct wax_type *structs(const char *name, uint32_t bytes, uint32_t align)
{
	const struct wax_type *type = wax_type_struct(name, bytes, align, NULL);

	cr_assert_not_null(type);
	return type;
}

/* All pairs of these, and each alone. */
static const struct wax_type *types[16];
static uint32_t type_count;

static void set_up(void)
{
	const struct wax_type *singles[] = {WAX_TEXT, WAX_U64, WAX_U32, structs("c1", 1, 1),
			structs("c3", 3, 1), structs("c6", 6, 2), structs("c24", 24, 8),
			structs("c16", 16, 16), structs("c96", 96, 32), structs("c64", 64, 64),
			structs("c65536", 65536, 64)};

	type_count = sizeof(singles) / sizeof(singles[0]);
	memcpy(types, singles, sizeof(singles));
}

TestSuite(columns, .init = set_up);

static bool is_aligned(const void *at, uint32_t align)
{
	return (uintptr_t)at % align == 0;
}

/* A batch of as many items as fit: columns apart, in order, aligned, inside. */
static void check_layout(const struct wax_type *type, uint64_t bytes, uint64_t heap_per_item)
{
	static alignas(64) char memory[1 << 20];
	struct wax_columns columns = wax_columns_of(type);
	uint32_t capacity = wax_columns_capacity(&columns, bytes, heap_per_item);
	uint64_t heap = capacity * heap_per_item;

	cr_assert_leq(wax_columns_heap_at(&columns, capacity) + heap, bytes,
			"%u of %s leave %zu bytes", capacity, type->name, (size_t)bytes);
	if (capacity == 0)
		return;
	struct wax_batch batch = wax_columns_batch(&columns, memory, capacity, capacity, heap);
	const char *keys_end = memory + (size_t)capacity * columns.key_stride;
	const char *values_end =
			(const char *)batch.values + (size_t)capacity * columns.value_stride;

	cr_assert(is_aligned(batch.values, wax_type_value(type)->align));
	cr_assert(is_aligned(batch.value_heap, 8));
	cr_assert((const char *)batch.values >= keys_end);
	cr_assert(batch.value_heap >= values_end);
	cr_assert(batch.value_heap + heap <= memory + bytes);
	cr_assert_eq(batch.keyed, type->key != NULL);
	if (type->key) {
		cr_assert_eq((const char *)batch.keys, memory);
		cr_assert(is_aligned(batch.keys, type->key->align));
	} else {
		cr_assert_null(batch.keys);
	}
	if (columns.value_bytes == 0)
		cr_assert(is_aligned(batch.values, alignof(struct wax_span)));
}

Test(columns, of_all_types_lie_apart_and_aligned_in_any_room)
{
	static const uint64_t rooms[] = {
			0, 1, 24, 64, 511, 512, 513, 1000, 4096, 16384, 65536, 1 << 20};
	static const uint64_t heaps[] = {0, 1, 7, 16, 100, 4096};

	for (size_t room = 0; room < sizeof(rooms) / sizeof(rooms[0]); room++) {
		for (size_t heap = 0; heap < sizeof(heaps) / sizeof(heaps[0]); heap++) {
			for (uint32_t i = 0; i < type_count; i++) {
				check_layout(types[i], rooms[room], heaps[heap]);
				for (uint32_t j = 0; j < type_count; j++)
					check_layout(wax_type_keyed(types[i], types[j]),
							rooms[room], heaps[heap]);
			}
		}
	}
}

Test(columns, of_fixed_size_waste_no_more_than_rounding)
{
	struct wax_columns columns = wax_columns_of(wax_type_keyed(WAX_U64, WAX_U64));

	cr_assert_eq(wax_columns_capacity(&columns, 65536, 0), 4096);
	cr_assert_not(columns.variable);
	columns = wax_columns_of(WAX_U32);
	cr_assert_eq(wax_columns_capacity(&columns, 512, 0), 128);
}

Test(columns, know_which_are_variable)
{
	cr_assert(wax_columns_of(WAX_TEXT).variable);
	cr_assert(wax_columns_of(wax_type_keyed(WAX_TEXT, WAX_U64)).variable);
	cr_assert(wax_columns_of(wax_type_keyed(WAX_U64, WAX_TEXT)).variable);
	cr_assert_not(wax_columns_of(WAX_U64).variable);
}

Test(columns, are_aligned_as_the_stricter_of_both)
{
	cr_assert_eq(wax_columns_of(WAX_U32).align, 8);
	cr_assert_eq(wax_columns_of(wax_type_keyed(structs("c64", 64, 64), WAX_U32)).align, 64);
	cr_assert_eq(wax_columns_of(wax_type_keyed(WAX_U32, structs("c96", 96, 32))).align, 32);
}

/* ---- Spans */

static struct wax_batch batch_of(const struct wax_span *spans, uint32_t count, size_t heap_bytes)
{
	return (struct wax_batch){.count = count,
			.values = spans,
			.value_heap = "",
			.value_heap_bytes = heap_bytes};
}

Test(columns, accept_spans_up_to_the_end_of_the_heap)
{
	struct wax_span spans[] = {{0, 100}, {100, 0}, {99, 1}, {50, 50}};
	struct wax_batch batch = batch_of(spans, 4, 100);

	cr_assert(wax_columns_check_spans(&batch));
}

Test(columns, refuse_a_span_that_leaves_the_heap)
{
	static const struct wax_span bad[] = {{0, 101}, {101, 0}, {100, 1}, {UINT32_MAX, 1},
			{1, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wax_span spans[] = {{0, 1}, bad[i], {0, 1}};
		struct wax_batch batch = batch_of(spans, 3, 100);

		cr_assert_not(wax_columns_check_spans(&batch), "%zu", i);
	}
}

Test(columns, check_the_spans_of_keys_too)
{
	struct wax_span good[] = {{0, 4}}, bad[] = {{0, 5}};
	uint64_t value = 1;
	struct wax_batch batch = {.count = 1,
			.keyed = 1,
			.keys = good,
			.key_heap = "abcd",
			.key_heap_bytes = 4,
			.value_bytes = 8,
			.values = &value};

	cr_assert(wax_columns_check_spans(&batch));
	batch.keys = bad;
	cr_assert_not(wax_columns_check_spans(&batch));
}

Test(columns, have_the_bytes_of_keys_and_values)
{
	struct wax_span keys[] = {{0, 4}, {1, 2}};
	uint64_t values[] = {1, 2};
	struct wax_batch batch = {.count = 2,
			.keyed = 1,
			.keys = keys,
			.key_heap = "abcd",
			.key_heap_bytes = 4,
			.value_bytes = 8,
			.values = values};

	cr_assert_eq(wax_batch_bytes(&batch), 4 + 2 + 16);
}
