/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <wax/list.h>

#include "operators/pile.h"
#include "runtime/step.h"

/*
 * Any bytes as a list, of items whose size the first byte says. What holds: items lie in the list one
 * behind the other; there are as many as are counted; a text is as long as was said without room for
 * it; and a pile takes a list if, and only if, the items are all of it.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(int holds)
{
	if (!holds)
		abort();
}

/* @return bytes that the items take */
static size_t read_list(struct wax_bytes value, uint32_t item_bytes, uint64_t *ret_count)
{
	struct wax_list list = {value.data, (const char *)value.data + value.bytes, item_bytes};
	const char *at = value.data;
	struct wax_bytes item;
	unsigned char sum = 0;
	uint64_t count = 0;

	check(wax_list_count(list) <= value.bytes);
	for (; wax_list_next(&list, &item); count++) {
		at += item_bytes ? 0 : sizeof(uint32_t);
		check(item.data == at);
		check(item_bytes == 0 || item.bytes == item_bytes);
		for (size_t i = 0; i < item.bytes; i++)
			sum ^= ((const unsigned char *)item.data)[i];
		at += item.bytes;
	}
	__asm__ volatile("" : : "r"(sum));
	check(!wax_list_next(&list, &item));
	*ret_count = count;
	return (size_t)(at - (const char *)value.data);
}

static void try_print(struct wax_bytes value, const struct wax_type *type, size_t room)
{
	int length = wax_type_print(type, NULL, 0, value.data, value.bytes);
	char *text = malloc(room + !room);

	check(length >= 2);
	if (!text)
		return;
	check(wax_type_print(type, text, room, value.data, value.bytes) == length);
	/* There may be zeros in it too. */
	check(room == 0 || text[(size_t)length < room ? (size_t)length : room - 1] == '\0');
	free(text);
}

static void try_pile(struct wax_bytes value, uint32_t item_bytes, uint64_t count, size_t read)
{
	const struct wax_pile_kind kind = wax_pile_kind(item_bytes, 3);
	struct wax_pile *pile = calloc(1, wax_pile_size(kind));

	if (!pile)
		return;
	if (wax_pile_restore(pile, kind, value) == 0) {
		struct wax_bytes list = wax_pile_list(pile);

		check(read == value.bytes && pile->count == count);
		check(list.bytes == value.bytes && memcmp(list.data, value.data, list.bytes) == 0);
	} else {
		check(read != value.bytes);
	}
	wax_pile_fini(pile);
	free(pile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct wax_type *const types[] = {
			WAX_TEXT, WAX_U32, WAX_F64, WAX_LIST(WAX_TEXT), WAX_LIST(WAX_I32)};
	const struct wax_type *type;
	struct wax_bytes value;
	uint64_t count;
	size_t read;

	if (bytes < 2)
		return 0;
	value = (struct wax_bytes){data + 2, bytes - 2};
	read = read_list(value, data[0], &count);
	check(read <= value.bytes);
	try_pile(value, data[0], count, read);
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	try_print(value, WAX_LIST(type), data[1]);
	return 0;
}
