/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/pile.h"

#include <errno.h>
#include <stdlib.h>

/* In the state a value costs no memory of its own, but every key has the room. */
#define ROOM_MAX 256
/* Of values whose size or number is not known. */
#define ROOM_GUESS 48
#define BYTES_MAX INT32_MAX

struct wax_pile_kind wax_pile_kind(uint32_t item_bytes, uint64_t count_max)
{
	struct wax_pile_kind kind = {item_bytes, ROOM_GUESS};

	if (item_bytes > 0 && count_max > 0 && count_max <= ROOM_MAX / item_bytes)
		kind.room = (item_bytes * (uint32_t)count_max + 7) & ~UINT32_C(7);
	return kind;
}

static int reserve(struct wax_pile *pile, uint32_t room, size_t bytes)
{
	size_t wanted = pile->bytes + bytes;
	size_t capacity = pile->memory ? pile->memory->capacity : room;

	if (wanted <= capacity)
		return 0;
	if (wanted > BYTES_MAX)
		return -E2BIG;
	capacity = 2 * capacity > wanted ? 2 * capacity : wanted;
	if (capacity > BYTES_MAX)
		capacity = BYTES_MAX;

	struct wax_pile_memory *memory = realloc(pile->memory, sizeof(*memory) + capacity);

	if (!memory)
		return -ENOMEM;
	if (!pile->memory && pile->bytes > 0)
		memcpy(memory->data, pile + 1, pile->bytes);
	memory->capacity = (uint32_t)capacity;
	pile->memory = memory;
	return 0;
}

static void append(struct wax_pile *pile, const void *data, size_t bytes)
{
	if (bytes > 0)
		memcpy(wax_pile_data(pile) + pile->bytes, data, bytes);
	pile->bytes += (uint32_t)bytes;
}

int wax_pile_grow(struct wax_pile *pile, struct wax_pile_kind kind, struct wax_bytes value)
{
	uint32_t bytes = (uint32_t)value.bytes;
	size_t head = kind.item_bytes ? 0 : sizeof(bytes);
	int r = value.bytes > BYTES_MAX ? -E2BIG : reserve(pile, kind.room, head + value.bytes);

	if (r < 0)
		return r;
	append(pile, &bytes, head);
	append(pile, value.data, value.bytes);
	pile->count++;
	return 0;
}

void wax_pile_fini(struct wax_pile *pile)
{
	free(pile->memory);
	*pile = (struct wax_pile){0};
}

int wax_pile_restore(struct wax_pile *pile, struct wax_pile_kind kind, struct wax_bytes list)
{
	struct wax_list all = {list.data, (const char *)list.data + list.bytes, kind.item_bytes};
	struct wax_list left = all;
	struct wax_bytes item;
	size_t read = 0;
	int r = reserve(pile, kind.room, list.bytes);

	if (r < 0)
		return r;
	for (; wax_list_next(&left, &item); pile->count++)
		read += item.bytes + (kind.item_bytes ? 0 : sizeof(uint32_t));
	if (read != list.bytes)
		return -EBADMSG;
	append(pile, list.data, list.bytes);
	return 0;
}
