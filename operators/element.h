/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_ELEMENT_H
#define OPERATORS_ELEMENT_H

#include <stdint.h>
#include <string.h>

#include <wax/batch.h>

/*
 * Elements of any length in one item, as wax_element_put writes them: the length as 4 bytes, then
 * the bytes. What is in an item is the user's, so a length is looked at before it is believed.
 */

enum wax_element {
	WAX_ELEMENT_NONE, /* that was all */
	WAX_ELEMENT_FOUND,
	WAX_ELEMENT_CUT,      /* the item ends within a length */
	WAX_ELEMENT_TOO_LONG, /* ... or before the bytes that it says */
};

/**
 * Take the next element.
 *
 * @param rest    of the item; what is taken is cut off
 * @param element written when FOUND; lies in the item. Its length alone when TOO_LONG.
 */
static inline enum wax_element wax_element_next(struct wax_bytes *rest, struct wax_bytes *element)
{
	const char *at = rest->data;
	uint32_t bytes;

	if (rest->bytes == 0)
		return WAX_ELEMENT_NONE;
	if (rest->bytes < sizeof(bytes))
		return WAX_ELEMENT_CUT;
	memcpy(&bytes, at, sizeof(bytes));
	at += sizeof(bytes);
	rest->bytes -= sizeof(bytes);
	element->bytes = bytes;
	if (bytes > rest->bytes)
		return WAX_ELEMENT_TOO_LONG;
	element->data = at;
	rest->data = at + bytes;
	rest->bytes -= bytes;
	return WAX_ELEMENT_FOUND;
}

#endif
