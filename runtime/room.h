/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ROOM_H
#define RUNTIME_ROOM_H

#include <stddef.h>

#include <wax/batch.h>

/** Bytes of any length, in memory that grows with them and serves the next too. Zeroed it is empty. */
struct wax_room {
	char *data; /* NULL: never used */
	size_t bytes;
	size_t capacity;
};

/** Release the memory; empty again. */
void wax_room_fini(struct wax_room *room);

/** What wax_room_reserve calls. */
int wax_room_grow(struct wax_room *room, size_t capacity);

/** Have room for so many bytes in all; those that are there stay. @return 0 or -ENOMEM */
static inline int wax_room_reserve(struct wax_room *room, size_t bytes)
{
	return bytes <= room->capacity ? 0 : wax_room_grow(room, bytes);
}

/** Copy these in place of what was there. Data is not NULL then, even of none. @return 0 or -ENOMEM */
int wax_room_set(struct wax_room *room, struct wax_bytes bytes);

#endif
