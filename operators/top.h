/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_TOP_H
#define OPERATORS_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/aggregates.h>
#include <wax/type.h>

#include "runtime/room.h"
#include "runtime/step.h"

/*
 * The n greatest of many items: a heap with the least of them on top, which is what a new one has
 * to beat. Values of fixed size lie in it; of values of any length, or with keys, copies do that
 * it points to.
 */
struct wax_top {
	char *slots; /* and one more, to swap */
	uint32_t count;
	uint32_t capacity;
};

/** How; the same for all heaps of a step. */
struct wax_top_rules {
	uint32_t n;
	uint32_t value_bytes; /* 0: any length */
	bool keeps_keys;
	/* One of them. */
	wax_compare_fn compare_values;
	int (*compare_items)(const struct wax_item *a, const struct wax_item *b, void *ctx);
	void *ctx;
};

/** Report an n that is out of range. */
void wax_top_check(struct wax_flow *flow, struct wax_step *step, uint32_t n);

/**
 * Keep an item, if it is among the greatest.
 *
 * @param apart counts memory that is taken, and given back, in bytes
 * @return 0 or -ENOMEM
 */
int wax_top_add(const struct wax_top_rules *rules, struct wax_top *top, const struct wax_item *item,
		size_t *apart);

/** Put the greatest first. Nothing may be added afterwards. */
void wax_top_sort(const struct wax_top_rules *rules, struct wax_top *top);

/** An item; its key is empty where keys are not kept. Lends until the next call. */
struct wax_item wax_top_at(
		const struct wax_top_rules *rules, const struct wax_top *top, uint32_t index);

/**
 * All of its items as bytes. Lends until the next call with this room.
 *
 * @param room holds them
 * @return 0 or -ENOMEM
 */
int wax_top_print(const struct wax_top_rules *rules, const struct wax_top *top,
		struct wax_room *room, struct wax_bytes *ret_bytes);

/** Add what was printed. @return 0, -ENOMEM, -EBADMSG it is not that */
int wax_top_restore(const struct wax_top_rules *rules, struct wax_top *top, struct wax_bytes bytes,
		size_t *apart);

/** Zeroes it. */
void wax_top_fini(const struct wax_top_rules *rules, struct wax_top *top, size_t *apart);

#endif
