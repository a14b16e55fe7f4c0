/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/assert.h"
#include "runtime/hash.h"
#include "runtime/short_key.h"
#include "runtime/table_private.h"
#include "runtime/table_track.h"
#include "runtime/tags.h"

/*
 * A batch is resolved in three passes, each some items behind the one before: hash each key and ask
 * for its line of the index; look the hash up there and ask for the entry; compare the keys, and
 * add those that are missing. In a table larger than the cache a pass then waits once for the
 * memory and not once for each key. The passes guess no branch wrong in the usual case: a line is
 * compared at once, and in it is nearly every key whose home it is.
 *
 * Nothing points into the index, so it may grow at any time; it does so at once and not by and by: a
 * pause (some 10 ms for a million keys) against a second lookup in every call.
 *
 * A key that finds its line full goes to the next, and each line that it passes counts it. A lookup
 * ends where nobody passed. So a removed key leaves nothing behind: it is taken off those counts.
 */

#define ALIGN 64
#define HUGE_BYTES ((size_t)2 << 20)
/* Smaller pieces come from malloc. */
#define MAP_BYTES_MIN ((size_t)512 << 10)
#define CHUNK_BYTES_MIN ((size_t)4 << 10)
#define LINES_MIN 8
/* Keys to a line: with more, too many do not find room in their own. */
#define LINE_KEYS_MAX 9
/* What a pass does at a time. */
#define STAGE_ITEMS 32
#define LINES_MAX ((uint64_t)1 << 32)
/* A place in the index comes from 32 bits of the hash, the tag from those above. More stand above
 * the number in a slot, in as many bits as numbers leave: this much shifted to the right. */
#define TAG_SHIFT 32
#define REST_SHIFT 20
#define NUMBER_BITS 32

_Static_assert(sizeof(struct wax_table_line) == ALIGN, "one look at the memory");

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) & ~(unit - 1);
}

/* Zeroed by the kernel; from 2 MiB on in huge pages where it has some: their one entry in the
 * processor's page table stands for 512. */
static void *map_pages(size_t bytes)
{
	size_t slack = bytes >= HUGE_BYTES ? HUGE_BYTES : 0;
	char *mapped = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapped == MAP_FAILED)
		return NULL;
	if (!slack)
		return mapped;

	size_t before = round_up((uintptr_t)mapped, HUGE_BYTES) - (uintptr_t)mapped;

	if (before > 0)
		munmap(mapped, before);
	if (slack > before)
		munmap(mapped + before + bytes, slack - before);
	madvise(mapped + before, bytes, MADV_HUGEPAGE);
	return mapped + before;
}

static void *default_alloc(size_t bytes)
{
	if (bytes >= MAP_BYTES_MIN)
		return map_pages(round_up(bytes, 4096));

	void *memory = aligned_alloc(ALIGN, round_up(bytes, ALIGN));

	return memory ? memset(memory, 0, bytes) : NULL;
}

static void default_release(void *memory, size_t bytes)
{
	if (bytes >= MAP_BYTES_MIN)
		munmap(memory, round_up(bytes, 4096));
	else
		free(memory);
}

/* A type's alignment divides its size, so a small state needs no more than 8. */
static uint32_t align_for(uint32_t state_bytes)
{
	return state_bytes >= 16 ? 16 : 8;
}

static bool has_heads(const struct wax_table *table)
{
	return table->key_bytes == 0 || table->key_bytes > WAX_TABLE_INLINE_MAX;
}

void wax_table_init(struct wax_table *table, uint32_t key_bytes, uint32_t state_bytes,
		uint32_t state_align)
{
	uint32_t align = state_align == 0 ? align_for(state_bytes)
			: state_align > 8 ? state_align
					  : 8;

	*table = (struct wax_table){
			.key_bytes = key_bytes,
			.state_bytes = state_bytes,
			.unit_bytes = align > 16 ? align : 16,
			.alloc = default_alloc,
			.release = default_release,
	};
	/* In front of the state there is room for the number of a free entry at least. */
	if (has_heads(table)) {
		table->state_offset = align;
	} else {
		table->state_offset = (uint32_t)round_up(key_bytes, align);
		table->unit_bytes = (uint32_t)round_up(
				table->state_offset + state_bytes, table->unit_bytes);
	}
	if (table->unit_bytes < CHUNK_BYTES_MIN)
		table->first_bit = wax_table_top_bit(CHUNK_BYTES_MIN / table->unit_bytes);
}

/* ---- entries: their numbers, and which of them are alive */

static inline void *entry_of(const struct wax_table *table, void *state)
{
	return (char *)state - table->state_offset;
}

static size_t chunk_bits_bytes(uint32_t bit)
{
	return bit < 6 ? sizeof(uint64_t) : ((size_t)1 << bit) / 8;
}

static void mark(struct wax_table *table, uint32_t number, bool alive)
{
	uint32_t bit = wax_table_top_bit(number);
	uint32_t at = number - ((uint32_t)1 << bit);
	uint64_t *word = &wax_table_chunk_bits(table, bit)[at / 64];

	*word = (*word & ~(UINT64_C(1) << at % 64)) | (uint64_t)alive << at % 64;
}

/* Numbers need more bits of a slot: in those that stand there already they are 0. */
static void widen_numbers(struct wax_table *table, uint32_t number_mask)
{
	if (number_mask <= table->number_mask)
		return;
	for (uint64_t i = 0; table->lines && i <= table->mask; i++) {
		for (uint32_t slot = 0; slot < WAX_TAGS; slot++)
			table->lines[i].slots[slot] &= table->number_mask | ~number_mask;
	}
	table->number_mask = number_mask;
}

/* Room for so many units behind each other: in the next chunk that has it. After a clear it may
 * be there already. */
static int reserve_units(struct wax_table *table, uint64_t units)
{
	uint32_t bit = table->end ? wax_table_top_bit(table->end - 1) + 1 : table->first_bit;

	while (bit < NUMBER_BITS && UINT64_C(1) << bit < units)
		bit++;
	if (bit >= NUMBER_BITS)
		return -ENOMEM;
	if (table->track && wax_table_track_reserve(table, UINT64_C(2) << bit) < 0)
		return -ENOMEM;
	if (!table->homes[bit]) {
		size_t units_bytes = wax_table_chunk_bytes(table, bit);
		char *memory = wax_table_take_memory(table, units_bytes + chunk_bits_bytes(bit));

		if (!memory)
			return -ENOMEM;
		table->homes[bit] = (char *)((uintptr_t)memory - units_bytes + table->state_offset);
	}
	widen_numbers(table, (uint32_t)((UINT64_C(2) << bit) - 1));
	table->next = UINT64_C(1) << bit;
	table->end = UINT64_C(2) << bit;
	return 0;
}

static void drop_chunks(struct wax_table *table)
{
	for (uint32_t bit = 0; bit < NUMBER_BITS; bit++) {
		if (table->homes[bit])
			wax_table_drop_memory(table, wax_table_chunk(table, bit),
					wax_table_chunk_bytes(table, bit) + chunk_bits_bytes(bit));
		table->homes[bit] = NULL;
	}
}

/* Units of an entry with a key of this length. */
static inline uint32_t units_for(const struct wax_table *table, uint32_t key_bytes)
{
	if (!has_heads(table))
		return 1;

	size_t inlined = key_bytes > WAX_TABLE_INLINE_MAX ? sizeof(void *) : key_bytes;

	if (inlined < WAX_SHORT_KEY_MAX)
		inlined = WAX_SHORT_KEY_MAX;

	size_t bytes = table->state_offset + table->state_bytes + inlined;

	return (uint32_t)((bytes + table->unit_bytes - 1) / table->unit_bytes);
}

static uint32_t *frees_of(struct wax_table *table, uint32_t units)
{
	return &table->frees[units - units_for(table, 0)];
}

/* @return its number; 0: out of memory */
static uint32_t take_entry(struct wax_table *table, uint32_t units)
{
	uint32_t *frees = frees_of(table, units);
	uint32_t number = *frees;

	if (number) {
		memcpy(frees, entry_of(table, wax_table_state_at(table, number)), sizeof(*frees));
		return number;
	}
	if (table->next + units > table->end && reserve_units(table, units) < 0)
		return 0;
	number = (uint32_t)table->next;
	table->next += units;
	return number;
}

static void drop_entry(struct wax_table *table, uint32_t number, uint32_t units)
{
	uint32_t *frees = frees_of(table, units);

	memcpy(entry_of(table, wax_table_state_at(table, number)), frees, sizeof(*frees));
	*frees = number;
}

/* A key of constant size is two moves. */
static inline void copy_key(void *to, struct wax_bytes key)
{
	if (key.bytes == 8)
		memcpy(to, key.data, 8);
	else if (key.bytes)
		memcpy(to, key.data, key.bytes);
}

/* Where a key lies, or its address. */
static void *key_room(const struct wax_table *table, void *state)
{
	return has_heads(table) ? (char *)state + table->state_bytes : entry_of(table, state);
}

/* @return the number; 0: out of memory */
static uint32_t make_entry(struct wax_table *table, struct wax_bytes key)
{
	void *apart = NULL;
	uint32_t number;

	if (key.bytes > UINT32_MAX)
		return 0;
	if (key.bytes > WAX_TABLE_INLINE_MAX) {
		apart = wax_table_take_memory(table, key.bytes);
		if (!apart)
			return 0;
	}

	number = take_entry(table, units_for(table, (uint32_t)key.bytes));
	if (!number) {
		wax_table_drop_memory(table, apart, key.bytes);
		return 0;
	}

	void *state = wax_table_state_at(table, number);

	if (has_heads(table)) {
		*(struct wax_table_head *)entry_of(table, state) =
				(struct wax_table_head){(uint32_t)key.bytes};
		memset(key_room(table, state), 0, WAX_SHORT_KEY_MAX);
	}
	if (apart)
		memcpy(key_room(table, state), &apart, sizeof(apart));
	copy_key(apart ? apart : key_room(table, state), key);
	memset(state, 0, table->state_bytes);
	mark(table, number, true);
	return number;
}

void *wax_table_next(const struct wax_table *table, struct wax_table_walk *walk)
{
	uint64_t number = walk->number ? walk->number : UINT64_C(1) << table->first_bit;

	while (number < table->next) {
		uint32_t bit = wax_table_top_bit(number);
		uint64_t first = UINT64_C(1) << bit, at = number - first;

		if (table->homes[bit]) {
			uint64_t word = wax_table_chunk_bits(table, bit)[at / 64] >> at % 64;

			if (word) {
				number += (uint32_t)__builtin_ctzll(word);
				walk->number = number + 1;
				return wax_table_state_at(table, (uint32_t)number);
			}
			at |= 63;
		} else {
			at = first;
		}
		number = first + (at + 1 < first ? at + 1 : first);
	}
	walk->number = number;
	return NULL;
}

/* Long keys stand apart; find them only where there can be any. */
static void drop_long_keys(struct wax_table *table)
{
	struct wax_table_walk walk = {0};
	void *state;

	while (has_heads(table) && (state = wax_table_next(table, &walk))) {
		struct wax_bytes key = wax_table_key(table, state);

		if (key.bytes > WAX_TABLE_INLINE_MAX)
			wax_table_drop_memory(table, (void *)(uintptr_t)key.data, key.bytes);
	}
}

/* ---- hashes */

/* How keys are hashed and compared: a constant in each copy of the functions below. */
enum key_kind {
	KEY_8,
	KEY_4,
	KEY_TEXT, /* any length, most of them short */
	KEY_ANY,  /* of another size */
};

static inline uint64_t load_8(const void *from)
{
	uint64_t value;

	memcpy(&value, from, 8);
	return value;
}

static inline uint32_t load_4(const void *from)
{
	uint32_t value;

	memcpy(&value, from, 4);
	return value;
}

static inline enum key_kind kind_of(const struct wax_table *table)
{
	switch (table->key_bytes) {
	case 8:
		return KEY_8;
	case 4:
		return KEY_4;
	case 0:
		return KEY_TEXT;
	}
	return KEY_ANY;
}

/* A number, mixed: no two give the same, and every bit of it moves the lower 52 of the result. */
static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

static inline uint64_t hash_text(struct wax_bytes key)
{
	if (wax_unlikely(key.bytes > WAX_SHORT_KEY_MAX))
		return wax_hash(key.data, key.bytes);

	struct wax_short_key made = wax_short_key(key.data, key.bytes);
	uint64_t second = (made.words[1] + (key.bytes << 56)) * UINT64_C(0xbf58476d1ce4e5b9);

	return mix(made.words[0] + (second ^ second >> 32));
}

/* Not the hash that routes: where a key is found here is nobody else's business. */
static inline __attribute__((always_inline)) uint64_t hash_key(
		struct wax_bytes key, enum key_kind kind)
{
	if (kind == KEY_8)
		return mix(load_8(key.data));
	if (kind == KEY_4)
		return mix(load_4(key.data));
	if (kind == KEY_TEXT)
		return hash_text(key);
	return wax_hash(key.data, key.bytes);
}

static uint64_t hash_of(const struct wax_table *table, const void *state)
{
	return hash_key(wax_table_key(table, state), kind_of(table));
}

/* ---- the index */

static size_t lines_bytes(const struct wax_table *table)
{
	return table->lines ? (table->mask + 1) * sizeof(*table->lines) : 0;
}

/* What a line knows of a hash; not 0. */
static inline uint8_t tag_of(uint64_t hash)
{
	return (uint8_t)(hash >> TAG_SHIFT) | 1;
}

/* What a slot knows of a hash, in the bits that the number does not need. */
static inline uint32_t rest_of(uint64_t hash)
{
	return (uint32_t)(hash >> REST_SHIFT);
}

static inline struct wax_table_line *home_of(const struct wax_table *table, uint64_t hash)
{
	return &table->lines[(uint32_t)hash & table->mask];
}

static inline struct wax_table_line *line_after(
		const struct wax_table *table, struct wax_table_line *line)
{
	return &table->lines[(uint64_t)(line - table->lines + 1) & table->mask];
}

/* Into the first empty slot on the way. */
static void enter(struct wax_table *table, uint64_t hash, uint32_t number)
{
	struct wax_table_line *line = home_of(table, hash);
	uint32_t empty;

	while (!(empty = wax_tags_match(line->tags, 0))) {
		line->passed++;
		line = line_after(table, line);
	}

	uint32_t slot = (uint32_t)__builtin_ctz(empty);

	line->tags[slot] = tag_of(hash);
	line->slots[slot] = number | (rest_of(hash) & ~table->number_mask);
}

/* All keys into empty lines, which some ahead of the one that is entered are being fetched. */
static void enter_all(struct wax_table *table)
{
	struct wax_table_walk walk = {0};
	uint64_t hashes[STAGE_ITEMS];
	uint32_t numbers[STAGE_ITEMS];
	uint32_t count;

	do {
		for (count = 0; count < STAGE_ITEMS; count++) {
			void *state = wax_table_next(table, &walk);

			if (!state)
				break;
			hashes[count] = hash_of(table, state);
			numbers[count] = (uint32_t)(walk.number - 1);
			__builtin_prefetch(home_of(table, hashes[count]), 1);
		}
		for (uint32_t i = 0; i < count; i++)
			enter(table, hashes[i], numbers[i]);
	} while (count == STAGE_ITEMS);
}

static int grow(struct wax_table *table)
{
	struct wax_table_line *old = table->lines;
	size_t old_bytes = lines_bytes(table);
	uint64_t line_count = old ? 2 * (table->mask + 1) : LINES_MIN;

	if (line_count > LINES_MAX)
		return -ENOMEM;

	struct wax_table_line *lines = wax_table_take_memory(table, line_count * sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	table->lines = lines;
	table->mask = line_count - 1;
	table->limit = line_count * LINE_KEYS_MAX;
	enter_all(table);
	wax_table_drop_memory(table, old, old_bytes);
	return 0;
}

void wax_table_fini(struct wax_table *table)
{
	if (table->track)
		wax_table_track_cleared(table, true);
	drop_long_keys(table);
	drop_chunks(table);
	wax_table_drop_memory(table, table->lines, lines_bytes(table));
	table->lines = NULL;
	table->mask = table->count = table->limit = 0;
	table->next = table->end = 0;
	table->number_mask = 0;
	memset(table->frees, 0, sizeof(table->frees));
}

void wax_table_clear(struct wax_table *table)
{
	if (table->track)
		wax_table_track_cleared(table, false);
	drop_long_keys(table);
	for (uint32_t bit = 0; bit < NUMBER_BITS; bit++) {
		if (table->homes[bit])
			memset(wax_table_chunk_bits(table, bit), 0, chunk_bits_bytes(bit));
	}
	if (table->lines)
		memset(table->lines, 0, lines_bytes(table));
	table->count = 0;
	table->next = table->end = 0;
	memset(table->frees, 0, sizeof(table->frees));
}

/* ---- lookups */

/* Most keys are short: two loads that overlap beat the call of memcmp. */
static inline bool same_bytes(const char *a, const char *b, size_t bytes)
{
	if (bytes > 16)
		return memcmp(a, b, bytes) == 0;
	if (bytes >= 8)
		return load_8(a) == load_8(b) && load_8(a + bytes - 8) == load_8(b + bytes - 8);
	if (bytes >= 4)
		return load_4(a) == load_4(b) && load_4(a + bytes - 4) == load_4(b + bytes - 4);
	for (size_t i = 0; i < bytes; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

/* Is this the state of that text? */
static inline bool is_text(const struct wax_table *table, const void *state, struct wax_bytes key)
{
	const struct wax_table_head *head =
			(const void *)((const char *)state - table->state_offset);
	const char *known = (const char *)state + table->state_bytes;

	if (wax_unlikely(key.bytes > WAX_SHORT_KEY_MAX)) {
		if (head->key_bytes != key.bytes)
			return false;
		if (wax_unlikely(key.bytes > WAX_TABLE_INLINE_MAX))
			memcpy(&known, (const void *)known, sizeof(known));
		return memcmp(known, key.data, key.bytes) == 0;
	}

	struct wax_short_key made = wax_short_key(key.data, key.bytes), words;

	memcpy(&words, known, sizeof(words));
	return ((made.words[0] ^ words.words[0]) | (made.words[1] ^ words.words[1]) |
			       (key.bytes ^ head->key_bytes)) == 0;
}

/* Is this the state of a key? */
static inline __attribute__((always_inline)) bool matches(const struct wax_table *table,
		void *state, struct wax_bytes key, enum key_kind kind)
{
	if (kind == KEY_8)
		return load_8((char *)state - table->state_offset) == load_8(key.data);
	if (kind == KEY_4)
		return load_4((char *)state - table->state_offset) == load_4(key.data);

	if (kind == KEY_TEXT)
		return is_text(table, state, key);

	struct wax_bytes known = wax_table_key(table, state);

	return known.bytes == key.bytes && same_bytes(known.data, key.data, key.bytes);
}

/* Where a lookup stands: in this line, with these of its slots still to be looked at. */
struct probe {
	struct wax_table_line *line;
	uint32_t same;
};

static inline struct probe probe_begin(const struct wax_table *table, uint64_t hash)
{
	struct wax_table_line *line = home_of(table, hash);

	return (struct probe){line, wax_tags_match(line->tags, tag_of(hash))};
}

/* The next slot that has all that is known of a hash. @return NULL: there is none */
static inline uint32_t *probe_next(
		const struct wax_table *table, uint64_t hash, struct probe *probe)
{
	for (;;) {
		while (probe->same) {
			uint32_t *slot = &probe->line->slots[__builtin_ctz(probe->same)];

			probe->same &= probe->same - 1;
			if (((*slot ^ rest_of(hash)) & ~table->number_mask) == 0)
				return slot;
		}
		if (probe->line->passed == 0)
			return NULL;
		probe->line = line_after(table, probe->line);
		probe->same = wax_tags_match(probe->line->tags, tag_of(hash));
	}
}

static inline void *slot_state(const struct wax_table *table, uint32_t slot)
{
	return wax_table_state_at(table, slot & table->number_mask);
}

/* @return the number of a key; 0: it is not there */
static inline __attribute__((always_inline)) uint32_t find(const struct wax_table *table,
		struct wax_bytes key, uint64_t hash, enum key_kind kind)
{
	struct probe probe = probe_begin(table, hash);
	uint32_t *slot;

	while ((slot = probe_next(table, hash, &probe))) {
		uint32_t number = *slot & table->number_mask;

		if (matches(table, wax_table_state_at(table, number), key, kind))
			return number;
	}
	return 0;
}

/* @return its number; 0: out of memory */
static inline __attribute__((always_inline)) uint32_t find_or_add(struct wax_table *table,
		struct wax_bytes key, uint64_t hash, enum key_kind kind, bool *ret_added)
{
	uint32_t number = table->lines ? find(table, key, hash, kind) : 0;

	*ret_added = number == 0;
	if (number)
		return number;
	if (table->count == table->limit && grow(table) < 0)
		return 0;

	number = make_entry(table, key);
	if (!number)
		return 0;
	enter(table, hash, number);
	table->count++;
	if (table->track)
		wax_table_track_added(table, number);
	return number;
}

void *wax_table_find(const struct wax_table *table, struct wax_bytes key)
{
	uint64_t hash = hash_key(key, kind_of(table));
	uint32_t number = table->lines ? find(table, key, hash, kind_of(table)) : 0;

	return number ? wax_table_state_at(table, number) : NULL;
}

/* ---- lookups in a table that is tracked */

/* Do lookups change the keys that they find? */
static inline bool tracks(const struct wax_table *table)
{
	return table->track && !table->track->adds_only;
}

static inline void note(uint64_t *changed, uint32_t number)
{
	changed[number / 64] |= UINT64_C(1) << number % 64;
}

/* This key changes: if it is still marked, it is saved first. @return 0; negative: it was not */
static inline int save_first(struct wax_table *table, uint32_t number)
{
	if (!(table->track->marked[number / 64] >> number % 64 & 1))
		return 0;
	return wax_table_track_save(table, number);
}

void *wax_table_get(struct wax_table *table, struct wax_bytes key, bool *ret_added)
{
	uint64_t hash = hash_key(key, kind_of(table));
	bool added;
	uint32_t number = find_or_add(table, key, hash, kind_of(table), &added);

	if (!number)
		return NULL;
	if (tracks(table)) {
		if (table->track->failed < 0 || save_first(table, number) < 0)
			return NULL;
		note(table->track->changed, number);
	}
	if (ret_added)
		*ret_added = added;
	return wax_table_state_at(table, number);
}

static inline __attribute__((always_inline)) struct wax_bytes key_at(
		const struct wax_batch *batch, uint32_t index, enum key_kind kind)
{
	if (kind == KEY_8)
		return (struct wax_bytes){(const char *)batch->keys + (size_t)index * 8, 8};
	if (kind == KEY_4)
		return (struct wax_bytes){(const char *)batch->keys + (size_t)index * 4, 4};
	return wax_batch_key(batch, index);
}

static inline uint32_t at_most(uint32_t count)
{
	return count < STAGE_ITEMS ? count : STAGE_ITEMS;
}

/* Hash some keys and ask for their lines. */
static inline __attribute__((always_inline)) void hash_keys(const struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count, uint64_t *hashes,
		enum key_kind kind)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes key = key_at(batch, first + i, kind);

		hashes[i] = hash_key(key, kind);
		__builtin_prefetch(home_of(table, hashes[i]));
	}
}

/* The number that is most likely that of a hash. @return 0: none can be */
static __attribute__((noinline)) uint32_t guess_on(const struct wax_table *table, uint64_t hash)
{
	struct probe probe = probe_begin(table, hash);
	uint32_t *slot = probe_next(table, hash, &probe);

	return slot ? *slot & table->number_mask : 0;
}

/* Look the hashes up in their lines and ask for the entries. What is tracked is noted here, where
 * the number is known: of the few keys that turn out to be others it is noted that they changed,
 * though they did not. */
static inline __attribute__((always_inline)) void read_lines(const struct wax_table *table,
		const uint64_t *hashes, uint32_t count, void **states, uint32_t *numbers,
		bool tracked)
{
	/* In variables of its own: what is stored in states could be any of these. */
	const struct wax_table_line *lines = table->lines;
	uint64_t mask = table->mask;
	uint32_t number_mask = table->number_mask;
	size_t unit_bytes = table->unit_bytes, offset = table->state_offset;
	uint64_t *changed = tracked ? table->track->changed : NULL;
	/* Where an entry can cross the end of a line, the next one too. */
	size_t last = offset + table->state_bytes - 1;
	size_t next = ALIGN % unit_bytes == 0 ? 0 : last < ALIGN ? last : ALIGN;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = hashes[i];
		const struct wax_table_line *line = &lines[(uint32_t)hash & mask];
		uint32_t same = wax_tags_match(line->tags, tag_of(hash));
		/* No slot being the same, any one is looked at. */
		uint32_t slot = line->slots[(uint32_t)__builtin_ctz(same | 1u << (WAX_TAGS - 1))];
		uint32_t number = slot & number_mask;

		if (wax_likely(same && ((slot ^ rest_of(hash)) & ~number_mask) == 0))
			states[i] = table->homes[(uint32_t)__builtin_clz(number) ^ 31] +
					number * unit_bytes;
		else
			states[i] = (number = guess_on(table, hash))
					? wax_table_state_at(table, number)
					: NULL;
		if (tracked) {
			numbers[i] = number;
			if (wax_likely(number))
				note(changed, number);
		}
		__builtin_prefetch((const void *)((uintptr_t)states[i] - offset), 1);
		if (next)
			__builtin_prefetch((const void *)((uintptr_t)states[i] - offset + next), 1);
	}
}

/* Compare the keys, and look again for those that are not the right ones. */
static inline __attribute__((always_inline)) int settle(struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count,
		const uint64_t *hashes, void **states, const uint32_t *numbers,
		struct wax_table_added *added, uint32_t done, enum key_kind kind, bool tracked)
{
	bool saves = tracked && table->track->marked_count > 0;

	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes key = key_at(batch, first + i, kind);
		bool is_new;

		if (wax_likely(states[i] && matches(table, states[i], key, kind))) {
			if (wax_unlikely(saves) && save_first(table, numbers[i]) < 0)
				return table->track->failed;
			continue;
		}

		uint32_t number = find_or_add(table, key, hashes[i], kind, &is_new);

		if (!number)
			return -ENOMEM;
		states[i] = wax_table_state_at(table, number);
		if (is_new && added)
			added->items[added->count++] = done + i;
		if (tracked) {
			note(table->track->changed, number);
			if (saves && save_first(table, number) < 0)
				return table->track->failed;
		}
	}
	return 0;
}

/* The passes run one behind the other, each some items later than the one before. The index may
 * grow in the last one: states stay where they are. */
static inline __attribute__((always_inline)) int get_many(struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count, void **states,
		struct wax_table_added *added, enum key_kind kind, bool tracked)
{
	enum { RING = 4 * STAGE_ITEMS };
	uint64_t hashes[RING];
	uint32_t numbers[RING];
	int r = 0;

	for (uint32_t at = 0; at < count + 2 * STAGE_ITEMS && r == 0; at += STAGE_ITEMS) {
		uint32_t read = at - STAGE_ITEMS, last = at - 2 * STAGE_ITEMS;

		if (at < count)
			hash_keys(table, batch, first + at, at_most(count - at), hashes + at % RING,
					kind);
		if (at >= STAGE_ITEMS && read < count)
			read_lines(table, hashes + read % RING, at_most(count - read),
					states + read, numbers + read % RING, tracked);
		if (at >= 2 * STAGE_ITEMS)
			r = settle(table, batch, first + last, at_most(count - last),
					hashes + last % RING, states + last, numbers + last % RING,
					added, last, kind, tracked);
	}
	return r;
}

static inline __attribute__((always_inline)) int get_many_of_kind(struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count, void **states,
		struct wax_table_added *added, bool tracked)
{
	switch (kind_of(table)) {
	case KEY_8:
		return get_many(table, batch, first, count, states, added, KEY_8, tracked);
	case KEY_4:
		return get_many(table, batch, first, count, states, added, KEY_4, tracked);
	case KEY_TEXT:
		return get_many(table, batch, first, count, states, added, KEY_TEXT, tracked);
	default:
		return get_many(table, batch, first, count, states, added, KEY_ANY, tracked);
	}
}

int wax_table_get_many(struct wax_table *table, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void **states, struct wax_table_added *added)
{
	WAX_ASSERT(!added || count <= WAX_TABLE_BLOCK);
	if (added)
		added->count = 0;
	if (!table->lines && grow(table) < 0)
		return -ENOMEM;
	if (!table->track)
		return get_many_of_kind(table, batch, first, count, states, added, false);
	if (table->track->failed < 0)
		return table->track->failed;
	return tracks(table) ? get_many_of_kind(table, batch, first, count, states, added, true)
			     : get_many_of_kind(table, batch, first, count, states, added, false);
}

/* Take the slot of a state out of the index. @return the number that stood there */
static uint32_t leave(struct wax_table *table, const void *state)
{
	uint64_t hash = hash_of(table, state);
	struct probe probe = probe_begin(table, hash);
	uint32_t *slot;

	do
		slot = probe_next(table, hash, &probe);
	while (slot_state(table, *slot) != state);

	for (struct wax_table_line *line = home_of(table, hash); line != probe.line;
			line = line_after(table, line))
		line->passed--;
	probe.line->tags[slot - probe.line->slots] = 0;
	return *slot & table->number_mask;
}

void wax_table_remove(struct wax_table *table, void *state)
{
	uint32_t number = leave(table, state);

	if (table->track)
		wax_table_track_removed(table, number);

	struct wax_bytes key = wax_table_key(table, state);

	if (key.bytes > WAX_TABLE_INLINE_MAX)
		wax_table_drop_memory(table, (void *)(uintptr_t)key.data, key.bytes);
	mark(table, number, false);
	drop_entry(table, number, units_for(table, (uint32_t)key.bytes));
	table->count--;
}

void wax_table_remove_many(struct wax_table *table, void *const *states, uint32_t count)
{
	for (uint32_t first = 0; first < count; first += STAGE_ITEMS) {
		uint32_t some = at_most(count - first);

		for (uint32_t i = 0; i < some; i++)
			__builtin_prefetch(home_of(table, hash_of(table, states[first + i])), 1);
		for (uint32_t i = 0; i < some; i++)
			wax_table_remove(table, states[first + i]);
	}
}
