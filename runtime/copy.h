/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_COPY_H
#define RUNTIME_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Copy an item of one of the usual fixed sizes. @return false: it is of another, nothing was done */
static inline bool wax_copy_usual(void *to, const void *from, uint32_t bytes)
{
	switch (bytes) {
	case 4:
		memcpy(to, from, 4);
		return true;
	case 8:
		memcpy(to, from, 8);
		return true;
	case 16:
		memcpy(to, from, 16);
		return true;
	case 24:
		memcpy(to, from, 24);
		return true;
	case 32:
		memcpy(to, from, 32);
		return true;
	default:
		return false;
	}
}

/** Copy an item of fixed size; the usual sizes without a call. */
static inline void wax_copy_item(void *to, const void *from, uint32_t bytes)
{
	if (!wax_copy_usual(to, from, bytes))
		memcpy(to, from, bytes);
}

/** What wax_copy_short writes, whatever it copies. */
enum { WAX_SHORT_BYTES = 64 };

/**
 * Copy a variable item, of which most are short. A call of memcpy guesses the length, and is wrong
 * at every other item; this one does not ask.
 *
 * @param to    has room for WAX_SHORT_BYTES
 * @param bytes at most WAX_SHORT_BYTES; no more than these are read
 */
void wax_copy_short(void *to, const void *from, uint32_t bytes);

#endif
