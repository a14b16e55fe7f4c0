/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_LIST_H
#define WAX_LIST_H

#include <string.h>

#include <wax/batch.h>
#include <wax/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A list of items of one type as one value, of any length: what wax_collect gives. Items of fixed
 * size lie one behind the other; in front of each of variable size stands its length, in 4 bytes.
 * Nothing in a list is aligned: copy an item out with memcpy.
 *
 *     struct wax_list list = wax_list_of(item->value, WAX_U64);
 *     struct wax_bytes next;
 *     uint64_t number;
 *
 *     while (wax_list_next(&list, &next))
 *             memcpy(&number, next.data, sizeof(number));
 */
struct wax_list {
	const char *at;
	const char *end;
	uint32_t item_bytes; /* 0: of any length */
};

/** The type of a list, which prints as "[1, 2, 3]". Lends until the process ends; NULL if `item` is
 *  NULL or keyed. */
WAX_API const struct wax_type *wax_type_list(const struct wax_type *item);
#define WAX_LIST(item) wax_type_list(item)

/** Stand at the beginning of a list. @param value borrows while the list is read
 *  @param item type of its items */
static inline struct wax_list wax_list_of(struct wax_bytes value, const struct wax_type *item)
{
	struct wax_list list;
	list.at = (const char *)value.data;
	list.end = list.at + value.bytes;
	list.item_bytes = item->item_bytes;
	return list;
}

/** The next item, which lends as long as the list. @return 1; 0: there is none */
static inline int wax_list_next(struct wax_list *list, struct wax_bytes *ret_item)
{
	size_t left = (size_t)(list->end - list->at);
	uint32_t bytes = list->item_bytes;
	if (!bytes) {
		if (left < sizeof(bytes))
			return 0;
		memcpy(&bytes, list->at, sizeof(bytes));
		list->at += sizeof(bytes);
		left -= sizeof(bytes);
	}
	if (left == 0 && list->item_bytes)
		return 0;
	/* What does not lie in the list ends it. */
	if (bytes > left) {
		list->at = list->end;
		return 0;
	}
	ret_item->data = list->at;
	ret_item->bytes = bytes;
	list->at += bytes;
	return 1;
}

/** How many items are left. Takes no time where their size is fixed. */
static inline uint64_t wax_list_count(struct wax_list list)
{
	struct wax_bytes item;
	uint64_t count = 0;
	if (list.item_bytes)
		return (uint64_t)(list.end - list.at) / list.item_bytes;
	while (wax_list_next(&list, &item))
		count++;
	return count;
}

#ifdef __cplusplus
}
#endif

#endif
