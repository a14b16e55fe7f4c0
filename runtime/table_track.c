/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/table_track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/table_private.h"

/* A state's cache lines beyond these are few enough to wait for. */
#define PREFETCH_BYTES 256
#define GONE_BYTES_MIN 4096

static inline uint64_t bit_of(uint32_t number)
{
	return UINT64_C(1) << number % 64;
}

/* ---- room */

static void drop_words(struct wax_table *table, struct wax_table_track *track)
{
	size_t bytes = track->words * sizeof(uint64_t);

	wax_table_drop_memory(table, track->changed, bytes);
	wax_table_drop_memory(table, track->marked, bytes);
	wax_table_drop_memory(table, track->logged, bytes);
	track->changed = track->marked = track->logged = NULL;
	track->words = 0;
}

int wax_table_track_reserve(struct wax_table *table, uint64_t end)
{
	struct wax_table_track *track = table->track;
	uint64_t words = (end + 63) / 64;
	size_t bytes = words * sizeof(uint64_t), old_bytes = track->words * sizeof(uint64_t);

	if (words <= track->words)
		return 0;

	struct wax_table_track more = {.words = words,
			.changed = wax_table_take_memory(table, bytes),
			.marked = wax_table_take_memory(table, bytes),
			.logged = wax_table_take_memory(table, bytes)};

	if (!more.changed || !more.marked || !more.logged) {
		drop_words(table, &more);
		return -ENOMEM;
	}
	if (old_bytes > 0) {
		memcpy(more.changed, track->changed, old_bytes);
		memcpy(more.marked, track->marked, old_bytes);
		memcpy(more.logged, track->logged, old_bytes);
	}
	drop_words(table, track);
	track->changed = more.changed;
	track->marked = more.marked;
	track->logged = more.logged;
	track->words = words;
	return 0;
}

/* The bits of 64 numbers: is there a key? The first six chunks share a word. */
static uint64_t alive_word(const struct wax_table *table, uint64_t word)
{
	uint64_t alive = 0;

	if (word > 0) {
		uint32_t bit = wax_table_top_bit(word * 64);

		return table->homes[bit]
				? wax_table_chunk_bits(table, bit)[word - (UINT64_C(1) << bit) / 64]
				: 0;
	}
	for (uint32_t bit = 0; bit < 6; bit++) {
		if (table->homes[bit])
			alive |= wax_table_chunk_bits(table, bit)[0] << ((uint32_t)1 << bit);
	}
	return alive;
}

int wax_table_track_init(struct wax_table_track *track, struct wax_table *table)
{
	WAX_ASSERT(!table->track);
	table->track = track;
	if (wax_table_track_reserve(table, table->end) < 0) {
		table->track = NULL;
		return -ENOMEM;
	}
	for (uint64_t word = 0; word < (table->next + 63) / 64; word++)
		track->logged[word] = alive_word(table, word);
	return 0;
}

void wax_table_track_fini(struct wax_table_track *track, struct wax_table *table)
{
	WAX_ASSERT(table->track == track);
	drop_words(table, track);
	free(track->gone);
	table->track = NULL;
	*track = (struct wax_table_track){.save = track->save, .adds_only = track->adds_only};
}

/* ---- changes */

int wax_table_track_save(struct wax_table *table, uint32_t number)
{
	struct wax_table_track *track = table->track;

	wax_table_track_take(track, number);

	int r = track->save(track, wax_table_state_at(table, number));

	if (r < 0 && track->failed == 0)
		track->failed = r;
	return r < 0 ? r : 0;
}

void wax_table_track_added(struct wax_table *table, uint32_t number)
{
	table->track->changed[number / 64] |= bit_of(number);
}

/* By its address: it is in one of the few chunks, most likely the last, which is the largest. */
static uint32_t number_of(const struct wax_table *table, const void *state)
{
	for (uint32_t bit = wax_table_top_bit(table->end - 1);; bit--) {
		size_t bytes = wax_table_chunk_bytes(table, bit);
		uintptr_t at = (uintptr_t)state - (uintptr_t)table->homes[bit] - bytes;

		if (table->homes[bit] && at < bytes)
			return ((uint32_t)1 << bit) + (uint32_t)(at / table->unit_bytes);
		WAX_ASSERT(bit > 0);
	}
}

int wax_table_touch_tracked(struct wax_table *table, const void *state)
{
	struct wax_table_track *track = table->track;
	uint32_t number = number_of(table, state);

	track->changed[number / 64] |= bit_of(number);
	if (track->marked[number / 64] & bit_of(number))
		return wax_table_track_save(table, number);
	return track->failed;
}

/* ---- keys that go */

static int reserve_gone(struct wax_table_track *track, size_t more)
{
	size_t wanted = track->gone_bytes + more;
	size_t capacity = 2 * track->gone_capacity;

	if (wanted <= track->gone_capacity)
		return 0;
	if (capacity < wanted)
		capacity = wanted;
	if (capacity < GONE_BYTES_MIN)
		capacity = GONE_BYTES_MIN;

	char *gone = realloc(track->gone, capacity);

	if (!gone)
		return -ENOMEM;
	track->gone = gone;
	track->gone_capacity = capacity;
	return 0;
}

static int note_gone(const struct wax_table *table, struct wax_bytes key)
{
	struct wax_table_track *track = table->track;
	uint32_t key_bytes = (uint32_t)key.bytes;
	size_t head = table->key_bytes ? 0 : sizeof(key_bytes);

	if (reserve_gone(track, head + key.bytes) < 0)
		return -ENOMEM;
	memcpy(track->gone + track->gone_bytes, &key_bytes, head);
	if (key.bytes > 0)
		memcpy(track->gone + track->gone_bytes + head, key.data, key.bytes);
	track->gone_bytes += head + key.bytes;
	track->gone_count++;
	return 0;
}

void wax_table_track_removed(struct wax_table *table, uint32_t number)
{
	struct wax_table_track *track = table->track;
	uint64_t bit = bit_of(number), *logged = &track->logged[number / 64];

	if (track->marked[number / 64] & bit)
		wax_table_track_save(table, number);
	if ((*logged & bit) &&
			note_gone(table, wax_table_key(table, wax_table_state_at(table, number))) <
					0 &&
			track->failed == 0)
		track->failed = -ENOMEM;
	track->changed[number / 64] &= ~bit;
	*logged &= ~bit;
}

bool wax_table_track_gone(const struct wax_table *table, size_t *at, struct wax_bytes *ret_key)
{
	const struct wax_table_track *track = table->track;
	uint32_t key_bytes = table->key_bytes;

	if (*at == track->gone_bytes)
		return false;
	if (!table->key_bytes) {
		memcpy(&key_bytes, track->gone + *at, sizeof(key_bytes));
		*at += sizeof(key_bytes);
	}
	*ret_key = (struct wax_bytes){track->gone + *at, key_bytes};
	*at += key_bytes;
	return true;
}

void wax_table_track_told(struct wax_table_track *track)
{
	track->cleared = false;
	track->gone_bytes = 0;
	track->gone_count = 0;
}

static void save_all(struct wax_table *table)
{
	const struct wax_table_track *track = table->track;

	for (uint64_t word = 0; track->marked_count > 0 && word < track->words; word++) {
		while (track->marked[word])
			wax_table_track_save(table,
					(uint32_t)(word * 64 +
							(uint32_t)__builtin_ctzll(
									track->marked[word])));
	}
}

void wax_table_track_cleared(struct wax_table *table, bool drops)
{
	struct wax_table_track *track = table->track;
	size_t bytes = track->words * sizeof(uint64_t);

	save_all(table);
	wax_table_track_told(track);
	track->cleared = true;
	if (drops) {
		drop_words(table, track);
	} else if (bytes > 0) {
		memset(track->changed, 0, bytes);
		memset(track->logged, 0, bytes);
	}
}

/* ---- the end of an epoch */

static uint64_t count_bits(const uint64_t *bits, uint64_t words)
{
	uint64_t count = 0;

	for (uint64_t word = 0; word < words; word++)
		count += (uint32_t)__builtin_popcountll(bits[word]);
	return count;
}

uint64_t wax_table_track_changed(const struct wax_table *table)
{
	return count_bits(table->track->changed, table->track->words);
}

/* The lowest bits that are set, so many of them. */
static uint64_t lowest_bits(uint64_t bits, uint64_t count)
{
	uint64_t rest = bits;

	while (count-- > 0)
		rest &= rest - 1;
	return bits & ~rest;
}

static bool pass_on(struct wax_table *table, uint64_t *pass, uint64_t pass_keys)
{
	struct wax_table_track *track = table->track;

	while (*pass < table->next) {
		uint64_t word = *pass / 64;
		uint64_t marked = track->marked[word];
		uint64_t more = alive_word(table, word) & ~marked & UINT64_MAX << *pass % 64;
		uint64_t count = (uint32_t)__builtin_popcountll(more);

		if (count > pass_keys) {
			more = lowest_bits(more, pass_keys);
			track->marked[word] = marked | more;
			track->marked_count += pass_keys;
			if (more)
				*pass = word * 64 + wax_table_top_bit(more) + 1;
			return false;
		}
		track->marked[word] = marked | more;
		track->marked_count += count;
		pass_keys -= count;
		*pass = word * 64 + 64;
	}
	*pass = 0;
	return true;
}

bool wax_table_track_mark(struct wax_table *table, uint64_t *pass, uint64_t pass_keys)
{
	struct wax_table_track *track = table->track;
	uint64_t *unmarked = track->marked;

	WAX_ASSERT(track->marked_count == 0);
	track->marked = track->changed;
	track->changed = unmarked;
	track->marked_count = count_bits(track->marked, track->words);
	return pass_keys > 0 && pass_on(table, pass, pass_keys);
}

/* Of what is read of a key and its state. */
static void ask_for(const struct wax_table *table, void *state)
{
	const char *entry = (const char *)state - table->state_offset;
	size_t bytes = table->state_offset + table->state_bytes;

	for (size_t at = 0; at < bytes && at < PREFETCH_BYTES; at += 64)
		__builtin_prefetch(entry + at);
}

uint32_t wax_table_track_next(const struct wax_table *table, uint64_t *from,
		struct wax_table_marked *marked, uint32_t count_max)
{
	const struct wax_table_track *track = table->track;
	uint32_t count = 0;

	for (uint64_t word = *from / 64; word < track->words; word++) {
		uint64_t bits = track->marked[word];

		if (word == *from / 64)
			bits &= UINT64_MAX << *from % 64;
		for (; bits; bits &= bits - 1) {
			uint32_t number = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);

			if (count == count_max)
				return count;
			marked[count] = (struct wax_table_marked){
					number, wax_table_state_at(table, number)};
			ask_for(table, marked[count++].state);
			*from = (uint64_t)number + 1;
		}
	}
	*from = track->words * 64;
	return count;
}
