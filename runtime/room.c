/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void wax_room_fini(struct wax_room *room)
{
	free(room->data);
	*room = (struct wax_room){NULL, 0, 0};
}

/* More than is asked for: what comes next is often a little longer. */
int wax_room_grow(struct wax_room *room, size_t capacity)
{
	char *data = realloc(room->data, 2 * capacity + 16);

	if (!data)
		return -ENOMEM;
	room->data = data;
	room->capacity = 2 * capacity + 16;
	return 0;
}

int wax_room_set(struct wax_room *room, struct wax_bytes bytes)
{
	if (wax_room_reserve(room, bytes.bytes + 1) < 0)
		return -ENOMEM;
	if (bytes.bytes > 0)
		memcpy(room->data, bytes.data, bytes.bytes);
	room->bytes = bytes.bytes;
	return 0;
}
