/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/exchange_items.h"

#include <stdio.h>

#include "bench/bench.h"

static const struct items_keys *keys;
static uint32_t value_max; /* bytes of a value, or at most */

/* ---- Items of fixed size: a loop for each of the usual sizes, and one for any */

static inline __attribute__((always_inline)) void make_words(struct wax_out *out, uint32_t count,
		uint64_t *seed, uint64_t *sum, uint32_t word_count)
{
	uint64_t random = *seed, made = *sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *to = WAX_OUT_KEYS(out, uint64_t);
		uint64_t *values = (uint64_t *)out->values + (size_t)out->count * word_count;
		for (uint32_t i = 0; i < room; i++) {
			to[i] = items_key(&random, keys);
			items_fill(values + (size_t)i * word_count, word_count, to[i]);
			made += items_sum_of(to[i], word_count);
		}
		wax_out_advance(out, room);
		count -= room;
	}
	*seed = random;
	*sum = made;
}

static uint64_t sum_words(const struct wax_batch *batch)
{
	uint64_t words = (uint64_t)batch->count * (batch->value_bytes / 8);
	return items_sum(WAX_KEYS(batch, uint64_t), batch->count) +
			items_sum(WAX_VALUES(batch, uint64_t), words);
}

#define MAKE_FIXED(word_count)                                                                     \
	static void make_##word_count(                                                             \
			struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)        \
	{                                                                                          \
		make_words(out, count, seed, sum, word_count);                                     \
	}

MAKE_FIXED(1)
MAKE_FIXED(7)
MAKE_FIXED(31)
MAKE_FIXED(127)
MAKE_FIXED(511)

static void make_any(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	make_words(out, count, seed, sum, value_max / 8);
}

/* ---- A key and a value of 4 bytes */

static void make_halves(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	uint64_t random = *seed, made = *sum;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint32_t *to = WAX_OUT_KEYS(out, uint32_t);
		uint32_t *values = WAX_OUT_VALUES(out, uint32_t);
		for (uint32_t i = 0; i < room; i++) {
			to[i] = (uint32_t)items_key(&random, keys);
			values[i] = to[i] + 1;
			made += (uint64_t)to[i] + values[i];
		}
		wax_out_advance(out, room);
		count -= room;
	}
	*seed = random;
	*sum = made;
}

static uint64_t sum_halves(const struct wax_batch *batch)
{
	const uint32_t *from = WAX_KEYS(batch, uint32_t), *values = WAX_VALUES(batch, uint32_t);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++)
		sum += (uint64_t)from[i] + values[i];
	return sum;
}

/* ---- Items of any length */

static void make_framed(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	const struct items_keys of = *keys;
	uint64_t random = *seed, made = *sum;
	uint32_t value_most = value_max;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = items_key(&random, &of);
		uint32_t value_bytes = items_value_bytes(key, value_most);
		wax_emit_kv(out, &key, sizeof(key), items_filler, value_bytes);
		made += key + value_bytes;
	}
	*seed = random;
	*sum = made;
}

static uint64_t sum_framed(const struct wax_batch *batch)
{
	const uint64_t *from = WAX_KEYS(batch, uint64_t);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++)
		sum += from[i] + wax_batch_value(batch, i).bytes;
	return sum;
}

static void make_text(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	const struct items_keys of = *keys;
	uint64_t random = *seed, made = *sum;
	char text[24];
	memcpy(text + 8, items_filler, 16);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = items_key(&random, &of);
		uint32_t key_bytes = items_key_bytes(key);
		uint32_t value_bytes = items_value_bytes(key, ITEMS_VALUE_MAX);
		memcpy(text, &key, 8);
		wax_emit_kv(out, text, key_bytes, items_filler, value_bytes);
		made += items_text_sum(text, key_bytes, value_bytes);
	}
	*seed = random;
	*sum = made;
}

static uint64_t sum_text(const struct wax_batch *batch)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i), value = wax_batch_value(batch, i);
		sum += items_text_sum(key.data, key.bytes, value.bytes);
	}
	return sum;
}

/* ---- Which */

static flow_make_fn make_of(uint32_t value_bytes)
{
	switch (value_bytes) {
	case 8:
		return make_1;
	case 56:
		return make_7;
	case 248:
		return make_31;
	case 1016:
		return make_127;
	case 4088:
		return make_511;
	default:
		return make_any;
	}
}

struct exchange_items exchange_items(
		const struct items_shape *shape, const struct items_keys *items_keys)
{
	char name[32];
	keys = items_keys;
	value_max = shape->bytes - 8;
	switch (shape->form) {
	case ITEMS_FRAMED:
		return (struct exchange_items){
				WAX_KEYED(WAX_U64, WAX_BYTES), make_framed, sum_framed};
	case ITEMS_TEXT:
		return (struct exchange_items){WAX_KEYED(WAX_TEXT, WAX_TEXT), make_text, sum_text};
	case ITEMS_NUMBER:
		return (struct exchange_items){WAX_U64, flow_make_numbers, flow_sum_numbers};
	case ITEMS_FIXED:
		break;
	}
	if (shape->bytes == 8)
		return (struct exchange_items){
				WAX_KEYED(WAX_U32, WAX_U32), make_halves, sum_halves};
	snprintf(name, sizeof(name), "value_%u", value_max);
	return (struct exchange_items){
			WAX_KEYED(WAX_U64,
					value_max == 8 ? WAX_U64
						       : wax_type_struct(name, value_max, 8, NULL)),
			make_of(value_max), sum_words};
}
