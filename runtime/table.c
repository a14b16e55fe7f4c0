/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/assert.h"
#include "runtime/hash.h"

/*
 * A batch is resolved by blocks in three passes: hash each key and ask for its slot; read the
 * slots and ask for the entries; compare the keys and add those that are missing. In a table
 * larger than the cache each pass then waits once for the memory and not once for each key.
 *
 * Nothing points into the index, so it may grow at any time between two blocks; it does so at once
 * and not by and by: a pause (some 10 ms for a million keys) against a second lookup in every call.
 */

#define ALIGN 64
#define HUGE_BYTES ((size_t)2 << 20)
/* Smaller pieces come from malloc. */
#define MAP_BYTES_MIN ((size_t)512 << 10)
#define CHUNK_BYTES_MIN ((size_t)4 << 10)
#define SLOTS_MIN 64
#define LINE_SLOTS (ALIGN / sizeof(uint64_t))
/* What is resolved with one look at the room in the index, and what a stage does at a time. */
#define RUN_ITEMS 512
#define STAGE_ITEMS 32
/* The place in the index stands in 32 bits of the hash, the tag in the 16 above. */
#define SLOTS_MAX ((uint64_t)1 << 32)
#define ADDRESS_BITS 48
#define ADDRESS_MASK (((uint64_t)1 << ADDRESS_BITS) - 1)

struct wax_table_chunk {
	struct wax_table_chunk *next;
	size_t bytes; /* all of it */
	size_t used;  /* this head included */
	char pad[ALIGN - 3 * sizeof(size_t)];
};

_Static_assert(sizeof(struct wax_table_entry) == 16, "two entries of 8-byte key and state a line");
_Static_assert(sizeof(struct wax_table_chunk) == ALIGN, "entries begin aligned");

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

static void *take_memory(struct wax_table *table, size_t bytes)
{
	void *memory = table->alloc(bytes);

	if (memory)
		table->bytes += bytes;
	return memory;
}

static void drop_memory(struct wax_table *table, void *memory, size_t bytes)
{
	if (!memory)
		return;
	table->release(memory, bytes);
	table->bytes -= bytes;
}

/* A type's alignment divides its size, so a small state needs no more than 8. */
static uint32_t align_for(uint32_t state_bytes)
{
	return state_bytes >= 16 ? 16 : 8;
}

void wax_table_init(struct wax_table *table, uint32_t key_bytes, uint32_t state_bytes,
		uint32_t state_align)
{
	*table = (struct wax_table){
			.key_bytes = key_bytes,
			.state_bytes = state_bytes,
			.state_align = state_align > 8 ? state_align : 8,
			.alloc = default_alloc,
			.release = default_release,
	};
	if (state_align == 0)
		table->state_align = align_for(state_bytes);
	if (key_bytes)
		table->state_offset = wax_table_offset(table, key_bytes);
}

/* Long keys stand apart; find them only where there can be any. */
static void drop_long_keys(struct wax_table *table)
{
	struct wax_table_walk walk = {NULL, 0, false};
	struct wax_table_entry *entry;

	if (table->key_bytes && table->key_bytes <= WAX_TABLE_INLINE_MAX)
		return;
	while ((entry = wax_table_next(table, &walk))) {
		if (entry->key_bytes > WAX_TABLE_INLINE_MAX)
			drop_memory(table, (void *)(uintptr_t)wax_table_key(entry).data,
					entry->key_bytes);
	}
}

void wax_table_fini(struct wax_table *table)
{
	struct wax_table_chunk *next;

	drop_long_keys(table);
	for (struct wax_table_chunk *chunk = table->first; chunk; chunk = next) {
		next = chunk->next;
		drop_memory(table, chunk, chunk->bytes);
	}
	if (table->slots)
		drop_memory(table, table->slots, (table->mask + 1) * sizeof(uint64_t));
	table->slots = NULL;
	table->mask = table->count = table->limit = 0;
	table->first = table->last = NULL;
	memset(table->frees, 0, sizeof(table->frees));
}

void wax_table_clear(struct wax_table *table)
{
	drop_long_keys(table);
	for (struct wax_table_chunk *chunk = table->first; chunk; chunk = chunk->next)
		chunk->used = sizeof(*chunk);
	if (table->slots)
		memset(table->slots, 0, (table->mask + 1) * sizeof(uint64_t));
	table->count = 0;
	table->last = table->first;
	memset(table->frees, 0, sizeof(table->frees));
}

/* ---- entries ---- */

static size_t block_bytes(const struct wax_table *table, uint32_t key_bytes)
{
	size_t unit = table->state_align > 16 ? table->state_align : 16;

	return round_up(wax_table_offset(table, key_bytes) + table->state_bytes, unit);
}

static struct wax_table_entry **frees_of(struct wax_table *table, uint32_t key_bytes)
{
	return &table->frees[wax_table_offset(table, key_bytes) / 8];
}

/* Room for a block of these bytes in the last chunk; a new one twice as large behind it, if need
 * be. After a clear the next chunk is already there. */
static int reserve_chunk(struct wax_table *table, size_t bytes)
{
	struct wax_table_chunk *last = table->last;
	size_t next_bytes = CHUNK_BYTES_MIN;

	while (last && last->bytes - last->used < bytes && last->next)
		last = table->last = last->next;
	if (last && last->bytes - last->used >= bytes)
		return 0;

	if (last)
		next_bytes = last->bytes < HUGE_BYTES ? 2 * last->bytes : HUGE_BYTES;
	if (next_bytes > HUGE_BYTES)
		next_bytes = HUGE_BYTES;
	if (next_bytes < bytes + sizeof(struct wax_table_chunk))
		next_bytes = round_up(bytes + sizeof(struct wax_table_chunk), CHUNK_BYTES_MIN);

	struct wax_table_chunk *chunk = take_memory(table, next_bytes);

	if (!chunk)
		return -ENOMEM;
	chunk->next = NULL;
	chunk->bytes = next_bytes;
	chunk->used = sizeof(*chunk);
	if (last)
		last->next = chunk;
	else
		table->first = chunk;
	table->last = chunk;
	return 0;
}

static struct wax_table_entry *take_block(struct wax_table *table, uint32_t key_bytes)
{
	struct wax_table_entry **frees = frees_of(table, key_bytes);
	struct wax_table_entry *entry = *frees;

	if (entry) {
		*frees = entry->next_free;
		return entry;
	}

	size_t bytes = block_bytes(table, key_bytes);
	struct wax_table_chunk *chunk = table->last;

	if (!chunk || chunk->bytes - chunk->used < bytes) {
		if (reserve_chunk(table, bytes) < 0)
			return NULL;
		chunk = table->last;
	}
	entry = (struct wax_table_entry *)((char *)chunk + chunk->used);
	chunk->used += bytes;
	entry->generation = 0;
	return entry;
}

static void drop_block(struct wax_table *table, struct wax_table_entry *entry)
{
	struct wax_table_entry **frees = frees_of(table, entry->key_bytes);

	entry->next_free = *frees;
	*frees = entry;
}

/* A key of constant size is two moves. */
static inline void copy_key(void *to, struct wax_bytes key)
{
	if (key.bytes == 8)
		memcpy(to, key.data, 8);
	else if (key.bytes)
		memcpy(to, key.data, key.bytes);
}

static inline void clear_state(const struct wax_table *table, struct wax_table_entry *entry)
{
	void *state = wax_table_state(table, entry);

	if (table->state_bytes == 8)
		memset(state, 0, 8);
	else
		memset(state, 0, table->state_bytes);
}

static struct wax_table_entry *make_entry(
		struct wax_table *table, struct wax_bytes key, uint64_t hash)
{
	struct wax_table_entry *entry;
	void *apart = NULL;

	if (key.bytes > WAX_TABLE_INLINE_MAX) {
		if (key.bytes > UINT32_MAX)
			return NULL;
		apart = take_memory(table, key.bytes);
		if (!apart)
			return NULL;
	}

	entry = take_block(table, (uint32_t)key.bytes);
	if (!entry) {
		drop_memory(table, apart, key.bytes);
		return NULL;
	}

	entry->hash = (uint32_t)hash;
	entry->tag = (uint16_t)(hash >> 32);
	entry->flags = WAX_TABLE_NEW;
	entry->generation++;
	entry->key_bytes = (uint32_t)key.bytes;
	if (apart)
		memcpy(entry + 1, &apart, sizeof(apart));
	copy_key(apart ? apart : entry + 1, key);
	clear_state(table, entry);
	return entry;
}

/* ---- the index ---- */

static inline struct wax_table_entry *slot_entry(uint64_t slot)
{
	return (struct wax_table_entry *)(uintptr_t)(slot & ADDRESS_MASK);
}

static inline uint64_t make_slot(const struct wax_table_entry *entry)
{
	return ((uint64_t)entry->tag << ADDRESS_BITS) | (uint64_t)(uintptr_t)entry;
}

/* Into the first empty slot on the way. */
static inline void enter(uint64_t *slots, uint64_t mask, const struct wax_table_entry *entry)
{
	uint64_t at = entry->hash & mask;

	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = make_slot(entry);
}

/* All entries into new slots, some ahead of the one that is entered being fetched. */
static void enter_all(const struct wax_table *table, uint64_t *slots, uint64_t mask)
{
	struct wax_table_entry *ahead[32];
	struct wax_table_walk walk = {NULL, 0, false};
	uint32_t count;

	do {
		for (count = 0; count < 32; count++) {
			ahead[count] = wax_table_next(table, &walk);
			if (!ahead[count])
				break;
			__builtin_prefetch(&slots[ahead[count]->hash & mask], 1);
		}
		for (uint32_t i = 0; i < count; i++)
			enter(slots, mask, ahead[i]);
	} while (count == 32);
}

static int grow(struct wax_table *table, uint64_t count)
{
	uint64_t slot_count = table->slots ? table->mask + 1 : SLOTS_MIN;

	/* At most three of five are full: beyond that runs of full slots get long. */
	while (slot_count / 5 * 3 < count)
		slot_count *= 2;
	if (slot_count > SLOTS_MAX)
		return -ENOMEM;

	uint64_t *slots = take_memory(table, slot_count * sizeof(*slots));

	if (!slots)
		return -ENOMEM;

	enter_all(table, slots, slot_count - 1);
	if (table->slots)
		drop_memory(table, table->slots, (table->mask + 1) * sizeof(*slots));
	table->slots = slots;
	table->mask = slot_count - 1;
	table->limit = slot_count / 5 * 3;
	return 0;
}

static inline int reserve(struct wax_table *table, uint64_t more)
{
	if (wax_likely(table->count + more <= table->limit))
		return 0;
	return grow(table, table->count + more);
}

/* How keys are compared: a constant in each copy of the functions below. */
enum key_kind {
	KEY_8,
	KEY_4,
	KEY_ANY,
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

/* Does an entry with the right tag have this key? */
static inline bool matches(const struct wax_table_entry *entry, struct wax_bytes key, uint64_t hash,
		enum key_kind kind)
{
	if (kind == KEY_8)
		return load_8(entry + 1) == load_8(key.data);
	if (kind == KEY_4)
		return load_4(entry + 1) == load_4(key.data);
	return entry->hash == (uint32_t)hash && entry->key_bytes == key.bytes &&
			same_bytes(wax_table_key(entry).data, key.data, key.bytes);
}

/* The next slot from *at on that has the tag of hash, and is left in *at; 0: none has. */
static inline uint64_t probe(const uint64_t *slots, uint64_t mask, uint64_t hash, uint64_t *at)
{
	uint64_t tag = hash << 16 >> ADDRESS_BITS;
	uint64_t slot;

	while ((slot = slots[*at]) && slot >> ADDRESS_BITS != tag)
		*at = (*at + 1) & mask;
	return slot;
}

static inline struct wax_table_entry *find(const struct wax_table *table, struct wax_bytes key,
		uint64_t hash, enum key_kind kind, uint64_t *ret_at)
{
	uint64_t at = (uint32_t)hash & table->mask;
	uint64_t slot;

	while ((slot = probe(table->slots, table->mask, hash, &at))) {
		if (matches(slot_entry(slot), key, hash, kind))
			return slot_entry(slot);
		at = (at + 1) & table->mask;
	}
	*ret_at = at;
	return NULL;
}

/* The index has room. */
static inline struct wax_table_entry *find_or_add(
		struct wax_table *table, struct wax_bytes key, uint64_t hash, enum key_kind kind)
{
	uint64_t at;
	struct wax_table_entry *entry = find(table, key, hash, kind, &at);

	if (entry)
		return entry;
	entry = make_entry(table, key, hash);
	if (!entry)
		return NULL;
	table->slots[at] = make_slot(entry);
	table->count++;
	return entry;
}

struct wax_table_entry *wax_table_find(
		const struct wax_table *table, struct wax_bytes key, uint64_t hash)
{
	uint64_t at;

	return table->slots ? find(table, key, hash, KEY_ANY, &at) : NULL;
}

struct wax_table_entry *wax_table_get(
		struct wax_table *table, struct wax_bytes key, uint64_t hash, bool *ret_added)
{
	uint64_t count = table->count;
	struct wax_table_entry *entry;

	if (reserve(table, 1) < 0)
		return NULL;
	entry = find_or_add(table, key, hash, KEY_ANY);
	if (entry && ret_added)
		*ret_added = table->count != count;
	return entry;
}

bool wax_table_holds(const struct wax_table_entry *entry, struct wax_bytes key)
{
	return entry->generation % 2 && entry->key_bytes == key.bytes &&
			same_bytes(wax_table_key(entry).data, key.data, key.bytes);
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

/* Hash some keys and ask for their slots. */
static inline __attribute__((always_inline)) void hash_keys(const struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count, uint64_t *hashes,
		enum key_kind kind)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes key = key_at(batch, first + i, kind);

		hashes[i] = wax_hash(key.data, key.bytes);
		__builtin_prefetch(&table->slots[(uint32_t)hashes[i] & table->mask]);
	}
}

/* Read the slots and ask for the entries. The right tag is looked for in two slots of the cache
 * line that was asked for, without a branch that would often be guessed wrong; the next stage sees
 * to the few that are further on. */
static inline __attribute__((always_inline)) void read_slots(const struct wax_table *table,
		const uint64_t *hashes, uint32_t count, struct wax_table_entry **entries)
{
	const uint64_t *slots = table->slots;
	uint64_t mask = table->mask;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = (uint32_t)hashes[i] & mask;
		uint64_t tag = hashes[i] << 16 >> ADDRESS_BITS;
		uint64_t slot = slots[at];
		uint64_t next = slots[at + ((at + 1) % LINE_SLOTS != 0)];

		slot = slot >> ADDRESS_BITS == tag ? slot : next;
		if (wax_unlikely(slot >> ADDRESS_BITS != tag))
			slot = probe(slots, mask, hashes[i], &at);
		entries[i] = slot_entry(slot);
		__builtin_prefetch(entries[i], 1);
	}
}

/* Compare the keys, and look again for those that are not the right ones. */
static inline __attribute__((always_inline)) int settle(struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count,
		const uint64_t *hashes, struct wax_table_entry **entries, enum key_kind kind)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wax_bytes key = key_at(batch, first + i, kind);

		if (wax_likely(entries[i] && matches(entries[i], key, hashes[i], kind)))
			continue;
		entries[i] = find_or_add(table, key, hashes[i], kind);
		if (!entries[i])
			return -ENOMEM;
	}
	return 0;
}

/* The stages run one behind the other, each a block later than the one before. The index has room
 * for all items and so stays where it is. */
static inline __attribute__((always_inline)) int get_run(struct wax_table *table,
		const struct wax_batch *batch, uint32_t first, uint32_t count,
		struct wax_table_entry **entries, enum key_kind kind)
{
	uint64_t hashes[RUN_ITEMS];
	int r = 0;

	for (uint32_t at = 0; at < count + 2 * STAGE_ITEMS && r == 0; at += STAGE_ITEMS) {
		uint32_t read = at - STAGE_ITEMS;
		uint32_t last = at - 2 * STAGE_ITEMS;

		if (at < count)
			hash_keys(table, batch, first + at, at_most(count - at), hashes + at, kind);
		if (at >= STAGE_ITEMS && read < count)
			read_slots(table, hashes + read, at_most(count - read), entries + read);
		if (at >= 2 * STAGE_ITEMS)
			r = settle(table, batch, first + last, at_most(count - last), hashes + last,
					entries + last, kind);
	}
	return r;
}

#define DEFINE_GET_MANY(name, kind)                                                                \
	static int name(struct wax_table *table, const struct wax_batch *batch, uint32_t first,    \
			uint32_t count, struct wax_table_entry **entries)                          \
	{                                                                                          \
		int r = 0;                                                                         \
                                                                                                   \
		for (uint32_t done = 0; done < count && r == 0; done += RUN_ITEMS) {               \
			uint32_t left = count - done;                                              \
			uint32_t now = left < RUN_ITEMS ? left : RUN_ITEMS;                        \
                                                                                                   \
			r = reserve(table, now);                                                   \
			if (r == 0)                                                                \
				r = get_run(table, batch, first + done, now, entries + done,       \
						kind);                                             \
		}                                                                                  \
		return r;                                                                          \
	}

DEFINE_GET_MANY(get_many_8, KEY_8)
DEFINE_GET_MANY(get_many_4, KEY_4)
DEFINE_GET_MANY(get_many_any, KEY_ANY)

int wax_table_get_many(struct wax_table *table, const struct wax_batch *batch, uint32_t first,
		uint32_t count, struct wax_table_entry **entries)
{
	if (table->key_bytes == 8)
		return get_many_8(table, batch, first, count, entries);
	if (table->key_bytes == 4)
		return get_many_4(table, batch, first, count, entries);
	return get_many_any(table, batch, first, count, entries);
}

/* Close the gap at `hole`: an entry that could stand there moves up, and leaves a gap itself.
 * So there are no marks of removed keys, and lookups do not get slower with time. */
static void close_gap(struct wax_table *table, uint64_t hole)
{
	uint64_t *slots = table->slots;
	uint64_t mask = table->mask;

	for (uint64_t at = (hole + 1) & mask; slots[at]; at = (at + 1) & mask) {
		uint64_t home = slot_entry(slots[at])->hash & mask;

		/* It may not move to before its home. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		slots[hole] = slots[at];
		hole = at;
	}
	slots[hole] = 0;
}

void wax_table_remove(struct wax_table *table, struct wax_table_entry *entry)
{
	uint64_t at = entry->hash & table->mask;

	while (slot_entry(table->slots[at]) != entry)
		at = (at + 1) & table->mask;
	close_gap(table, at);
	table->count--;

	if (entry->key_bytes > WAX_TABLE_INLINE_MAX)
		drop_memory(table, (void *)(uintptr_t)wax_table_key(entry).data, entry->key_bytes);
	entry->generation++;
	drop_block(table, entry);
}

struct wax_table_entry *wax_table_next(const struct wax_table *table, struct wax_table_walk *walk)
{
	if (!walk->begun)
		*walk = (struct wax_table_walk){table->first, sizeof(struct wax_table_chunk), true};

	while (walk->chunk) {
		while (walk->at < walk->chunk->used) {
			struct wax_table_entry *entry =
					(struct wax_table_entry *)((char *)walk->chunk + walk->at);

			walk->at += block_bytes(table, entry->key_bytes);
			if (entry->generation % 2)
				return entry;
		}
		walk->chunk = walk->chunk->next;
		walk->at = sizeof(struct wax_table_chunk);
	}
	return NULL;
}
