/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <wax/join.h>
#include <wax/list.h>

#include "runtime/step.h"

/*
 * Any bytes as a row of wax_join, and as what is in a row whose head is right but for where its values
 * end. What holds: every value lies in the row, from a multiple of 8 bytes
 * on, behind the head; a text is as long as was said without room for it, whatever the types.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void try_side(struct wax_bytes row, uint32_t side)
{
	struct wax_bytes value = wax_join_side(row, side);
	const char *begin = row.data, *at = value.data;
	unsigned char sum = 0;

	if (!value.data) {
		check(value.bytes == 0);
		return;
	}
	check(side < WAX_JOIN_SIDES_MAX);
	check(at >= begin && value.bytes <= row.bytes);
	check((size_t)(at - begin) <= row.bytes - value.bytes);
	check((at - begin) % 8 == 0);
	for (size_t i = 0; i < value.bytes; i++)
		sum ^= ((const unsigned char *)value.data)[i];
	__asm__ volatile("" : : "r"(sum));
}

static void try_print(struct wax_bytes row, const struct wax_type *type, size_t room)
{
	int length = wax_type_print(type, NULL, 0, row.data, row.bytes);
	char *text = malloc(room + !room);

	check(length >= 3);
	if (!text)
		return;
	check(wax_type_print(type, text, room, row.data, row.bytes) == length);
	/* There may be zeros in it too. */
	check(room == 0 || text[(size_t)length < room ? (size_t)length : room - 1] == '\0');
	free(text);
}

static void try_row(struct wax_bytes row, size_t room)
{
	const struct wax_type *const mixed[] = {WAX_U64, WAX_BYTES, WAX_LIST(WAX_U32), WAX_F64};
	const struct wax_type *const fixed[] = {WAX_U32, WAX_I64, WAX_F64};

	for (uint32_t side = 0; side <= WAX_JOIN_SIDES_MAX; side++)
		try_side(row, side);
	try_side(row, UINT32_MAX);
	try_print(row, wax_type_row(mixed, 4), room);
	try_print(row, wax_type_row(fixed, 3), room);
}

/* The first bytes say which sides are there and where their values end. */
static void try_headed(const uint8_t *data, size_t bytes, size_t room)
{
	uint64_t present = data[0];
	uint32_t side_count = 1 + data[1] % 4, ends[4];
	size_t head = WAX_JOIN_HEAD_BYTES(side_count), rest = bytes - 6;
	char *row = malloc(head + rest);

	if (!row)
		return;
	for (uint32_t i = 0; i < side_count; i++)
		ends[i] = data[2 + i];
	memcpy(row, &present, sizeof(present));
	memcpy(row + 8, &side_count, sizeof(side_count));
	memcpy(row + 12, ends, side_count * sizeof(*ends));
	memcpy(row + head, data + 6, rest);
	try_row((struct wax_bytes){row, head + rest}, room);
	free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 1)
		return 0;
	try_row((struct wax_bytes){data + 1, bytes - 1}, data[0]);
	if (bytes >= 7)
		try_headed(data + 1, bytes - 1, data[0]);
	return 0;
}
