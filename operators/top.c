/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/copy.h"

enum { N_MAX = 65536, CAPACITY_MIN = 4, ALIGN = 64 };

/* A slot that points to a copy: the value, and behind it the key, each aligned for any type. */
struct held {
	char *data;
	size_t value_bytes;
	size_t key_bytes;
	size_t capacity;
};

void wax_top_check(struct wax_flow *flow, struct wax_step *step, uint32_t n)
{
	if (n < 1 || n > N_MAX)
		wax_step_fail(flow, step, "keeps the %u greatest, must be 1 to %d", n, N_MAX);
}

static size_t round_up(size_t bytes)
{
	return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* ---- slots */

static bool holds(const struct wax_top_rules *rules)
{
	return rules->keeps_keys || rules->value_bytes == 0;
}

static uint32_t slot_bytes(const struct wax_top_rules *rules)
{
	return holds(rules) ? (uint32_t)sizeof(struct held) : rules->value_bytes;
}

static char *slot_at(const struct wax_top_rules *rules, const struct wax_top *top, uint32_t index)
{
	return top->slots + (size_t)index * slot_bytes(rules);
}

struct wax_item wax_top_at(
		const struct wax_top_rules *rules, const struct wax_top *top, uint32_t index)
{
	const char *slot = slot_at(rules, top, index);
	const struct held *held = (const struct held *)slot;
	struct wax_item item = {{NULL, 0}, {slot, rules->value_bytes}};

	if (!holds(rules))
		return item;
	item.value = (struct wax_bytes){held->data, held->value_bytes};
	item.key = (struct wax_bytes){held->data + round_up(held->value_bytes), held->key_bytes};
	return item;
}

/* Copy an item; the room of what was there before is used again. */
static int hold(const struct wax_top_rules *rules, struct held *held, const struct wax_item *item,
		size_t *apart)
{
	size_t key_bytes = rules->keeps_keys ? item->key.bytes : 0;
	size_t key_at = round_up(item->value.bytes);
	size_t bytes = rules->keeps_keys ? key_at + key_bytes : item->value.bytes;

	if (bytes > held->capacity || !held->data) {
		char *data = rules->keeps_keys ? aligned_alloc(ALIGN, round_up(bytes + 1))
					       : malloc(bytes + 1);

		if (!data)
			return -ENOMEM;
		free(held->data);
		*apart += bytes - held->capacity;
		held->data = data;
		held->capacity = bytes;
	}
	if (item->value.bytes > 0)
		memcpy(held->data, item->value.data, item->value.bytes);
	if (key_bytes > 0)
		memcpy(held->data + key_at, item->key.data, key_bytes);
	held->value_bytes = item->value.bytes;
	held->key_bytes = key_bytes;
	return 0;
}

static int put(const struct wax_top_rules *rules, struct wax_top *top, uint32_t index,
		const struct wax_item *item, size_t *apart)
{
	char *slot = slot_at(rules, top, index);

	if (holds(rules))
		return hold(rules, (struct held *)slot, item, apart);
	wax_copy_item(slot, item->value.data, rules->value_bytes);
	return 0;
}

/* Twice as many slots, n at most. */
static int grow(const struct wax_top_rules *rules, struct wax_top *top, size_t *apart)
{
	uint32_t capacity = top->capacity ? 2 * top->capacity : CAPACITY_MIN;
	size_t bytes = slot_bytes(rules);

	if (capacity > rules->n)
		capacity = rules->n;

	char *slots = aligned_alloc(ALIGN, round_up((capacity + 1) * bytes));

	if (!slots)
		return -ENOMEM;
	memset(slots, 0, (capacity + 1) * bytes);
	if (top->count > 0)
		memcpy(slots, top->slots, top->count * bytes);
	free(top->slots);
	top->slots = slots;
	*apart += (capacity - top->capacity) * bytes;
	top->capacity = capacity;
	return 0;
}

/* ---- the heap */

static int order(const struct wax_top_rules *rules, const struct wax_item *a,
		const struct wax_item *b)
{
	if (rules->compare_items)
		return rules->compare_items(a, b, rules->ctx);
	return rules->compare_values(&a->value, &b->value, rules->ctx);
}

static bool is_less(const struct wax_top_rules *rules, const struct wax_top *top, uint32_t a,
		uint32_t b)
{
	struct wax_item left = wax_top_at(rules, top, a), right = wax_top_at(rules, top, b);

	return order(rules, &left, &right) < 0;
}

static void swap(const struct wax_top_rules *rules, struct wax_top *top, uint32_t a, uint32_t b)
{
	uint32_t bytes = slot_bytes(rules);
	char *spare = slot_at(rules, top, top->capacity);

	wax_copy_item(spare, slot_at(rules, top, a), bytes);
	wax_copy_item(slot_at(rules, top, a), slot_at(rules, top, b), bytes);
	wax_copy_item(slot_at(rules, top, b), spare, bytes);
}

static void rise(const struct wax_top_rules *rules, struct wax_top *top, uint32_t at)
{
	while (at > 0) {
		uint32_t above = (at - 1) / 2;

		if (!is_less(rules, top, at, above))
			return;
		swap(rules, top, at, above);
		at = above;
	}
}

static void sink(const struct wax_top_rules *rules, struct wax_top *top, uint32_t count)
{
	for (uint32_t at = 0, below; (below = 2 * at + 1) < count; at = below) {
		if (below + 1 < count && is_less(rules, top, below + 1, below))
			below++;
		if (!is_less(rules, top, below, at))
			return;
		swap(rules, top, below, at);
	}
}

int wax_top_add(const struct wax_top_rules *rules, struct wax_top *top, const struct wax_item *item,
		size_t *apart)
{
	if (top->count < rules->n) {
		if (top->count == top->capacity && grow(rules, top, apart) < 0)
			return -ENOMEM;
		if (put(rules, top, top->count, item, apart) < 0)
			return -ENOMEM;
		rise(rules, top, top->count++);
		return 0;
	}

	struct wax_item least = wax_top_at(rules, top, 0);

	if (order(rules, item, &least) <= 0)
		return 0;
	if (put(rules, top, 0, item, apart) < 0)
		return -ENOMEM;
	sink(rules, top, top->count);
	return 0;
}

/* The least goes to the end, of what is left the least before it, and so on. */
void wax_top_sort(const struct wax_top_rules *rules, struct wax_top *top)
{
	for (uint32_t count = top->count; count > 1; count--) {
		swap(rules, top, 0, count - 1);
		sink(rules, top, count - 1);
	}
}

/* ---- as bytes: of each item the lengths of key and value, and these */

static char *put_bytes(char *to, struct wax_bytes bytes)
{
	if (bytes.bytes > 0)
		memcpy(to, bytes.data, bytes.bytes);
	return to + bytes.bytes;
}

int wax_top_print(const struct wax_top_rules *rules, const struct wax_top *top,
		struct wax_room *room, struct wax_bytes *ret_bytes)
{
	size_t bytes = 0;
	char *at;

	for (uint32_t i = 0; i < top->count; i++) {
		struct wax_item item = wax_top_at(rules, top, i);

		bytes += 2 * sizeof(uint32_t) + item.key.bytes + item.value.bytes;
	}
	/* A byte at least: data is not NULL. */
	if (wax_room_reserve(room, bytes + 1) < 0)
		return -ENOMEM;
	at = room->data;
	for (uint32_t i = 0; i < top->count; i++) {
		struct wax_item item = wax_top_at(rules, top, i);
		uint32_t lengths[2] = {(uint32_t)item.key.bytes, (uint32_t)item.value.bytes};

		at = put_bytes(at, (struct wax_bytes){lengths, sizeof(lengths)});
		at = put_bytes(put_bytes(at, item.key), item.value);
	}
	*ret_bytes = (struct wax_bytes){room->data, bytes};
	return 0;
}

/* Where bytes lie may be of any alignment, which a comparison need not expect. */
static int restore_item(const struct wax_top_rules *rules, struct wax_top *top,
		const struct wax_item *item, size_t *apart)
{
	size_t key_at = round_up(item->value.bytes);
	char *room = aligned_alloc(ALIGN, round_up(key_at + item->key.bytes + 1));
	int r;

	if (!room)
		return -ENOMEM;
	put_bytes(room, item->value);
	put_bytes(room + key_at, item->key);
	r = wax_top_add(rules, top,
			&(struct wax_item){{room + key_at, item->key.bytes},
					{room, item->value.bytes}},
			apart);
	free(room);
	return r;
}

int wax_top_restore(const struct wax_top_rules *rules, struct wax_top *top, struct wax_bytes bytes,
		size_t *apart)
{
	const char *at = bytes.data, *end = at + bytes.bytes;
	int r = 0;

	while (r == 0 && at < end) {
		uint32_t lengths[2];

		if ((size_t)(end - at) < sizeof(lengths))
			return -EBADMSG;
		memcpy(lengths, at, sizeof(lengths));
		at += sizeof(lengths);
		if ((size_t)(end - at) < (uint64_t)lengths[0] + lengths[1] ||
				(rules->value_bytes && lengths[1] != rules->value_bytes))
			return -EBADMSG;
		r = restore_item(rules, top,
				&(struct wax_item){{at, lengths[0]}, {at + lengths[0], lengths[1]}},
				apart);
		at += (size_t)lengths[0] + lengths[1];
	}
	return r;
}

void wax_top_fini(const struct wax_top_rules *rules, struct wax_top *top, size_t *apart)
{
	for (uint32_t i = 0; holds(rules) && i < top->count; i++) {
		struct held *held = (struct held *)slot_at(rules, top, i);

		*apart -= held->capacity;
		free(held->data);
	}
	*apart -= (size_t)top->capacity * slot_bytes(rules);
	free(top->slots);
	*top = (struct wax_top){NULL, 0, 0};
}
