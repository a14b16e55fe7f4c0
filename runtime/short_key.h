/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SHORT_KEY_H
#define RUNTIME_SHORT_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A key of up to 16 bytes as two numbers, with zeros behind it. Whatever its length, making it and
 * comparing it takes the same few instructions: lengths of texts vary from item to item, and a
 * branch on them is often guessed wrong.
 */
enum { WAX_SHORT_KEY_MAX = 16 };

struct wax_short_key {
	uint64_t words[2];
};

struct wax_short_key_loose {
	uint64_t words[2];
} __attribute__((packed, may_alias));

/* The sixteen bytes from a key on. Those behind it are its neighbour's and are not looked at; they
 * are in the same page, so that they can be read. */
static inline __attribute__((no_sanitize("address"))) struct wax_short_key wax_short_key_around(
		const void *key)
{
	const struct wax_short_key_loose *loose = key;

	return (struct wax_short_key){{loose->words[0], loose->words[1]}};
}

/** @param bytes in [0, WAX_SHORT_KEY_MAX]  @param key may be NULL when bytes is 0 */
static inline struct wax_short_key wax_short_key(const void *key, size_t bytes)
{
	static const uint8_t keep[2 * WAX_SHORT_KEY_MAX] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct wax_short_key made = {{0, 0}}, mask;

	/* An empty one may point to the end of memory. */
	if (__builtin_expect(((uintptr_t)key & 4095) > 4096 - WAX_SHORT_KEY_MAX || !bytes, 0)) {
		if (bytes)
			memcpy(&made, key, bytes);
		return made;
	}
	made = wax_short_key_around(key);
	memcpy(&mask, keep + WAX_SHORT_KEY_MAX - bytes, sizeof(mask));
	made.words[0] &= mask.words[0];
	made.words[1] &= mask.words[1];
	return made;
}

#endif
