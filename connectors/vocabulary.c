/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/vocabulary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/hash.h"

/* The first words are short, as in any language; the others are as long as in a dictionary. */
enum { COMMON_WORDS = 100, WEIGHTS_SUM = 100, CAPITAL_ONE_IN = 16 };
enum { TRIES_MAX = 4, GIVEN_UP_MAX = 32 };
#define LENGTHS (WAX_WORD_LENGTH_MAX + 1)
static const uint8_t common_weights[LENGTHS] = {[2] = 25, 35, 25, 15};
static const uint8_t weights[LENGTHS] = {[2] = 1, 4, 10, 13, 15, 16, 14, 11, 8, 5, 3};

/* Each letter as often as it is met in English, about. */
static const char consonants[] =
		"ttttttttnnnnnnnsssssshhhhhhrrrrrrddddllllcccmmmwwffggyyppbbvkjxqz";
static const char vowels[] = "eeeeeeeeeeeeaaaaaaaaooooooooiiiiiiiuuu";

/* A word is copied with one store of constant size; the next one overwrites what is too much. */
struct word {
	char letters[15]; /* and spaces */
	uint8_t length;
};
static_assert(sizeof(struct word) == 16, "one store");
static_assert(WAX_WORD_LENGTH_MAX < sizeof(((struct word *)0)->letters), "a space behind");

/* A column of the alias table: below the threshold it is the word of its index, else the other. */
struct chance {
	uint32_t threshold; /* of 2^32 */
	uint32_t other;
};

struct wax_vocabulary {
	uint32_t count;
	uint64_t seed;
	struct word *words;
	struct chance *chances;
};

/* splitmix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014.
 * Its states are far apart even where seeds are neighbours, as those of lines are. */
static uint64_t mix(uint64_t bits)
{
	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
	return bits ^ (bits >> 31);
}

static uint64_t draw(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return mix(*state);
}

static uint32_t draw_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((draw(state) >> 32) * bound >> 32);
}

static unsigned draw_length(uint64_t *state, const uint8_t *weight_of)
{
	uint32_t left = draw_below(state, WEIGHTS_SUM);
	unsigned length = WAX_WORD_LENGTH_MIN;

	while (left >= weight_of[length]) {
		left -= weight_of[length];
		length++;
	}
	return length;
}

/* Vowels and consonants in turn, now and then two of a kind. */
static void draw_word(uint64_t *state, unsigned length, struct word *word)
{
	bool vowel = draw_below(state, 10) < 3;

	memset(word->letters, ' ', sizeof(word->letters));
	word->length = (uint8_t)length;
	for (unsigned i = 0; i < length; i++) {
		word->letters[i] = vowel ? vowels[draw_below(state, sizeof(vowels) - 1)]
					 : consonants[draw_below(state, sizeof(consonants) - 1)];
		if (draw_below(state, 6) > 0)
			vowel = !vowel;
	}
}

/* A table that is read all over: with large pages most of the misses of the TLB are spared. */
static void *make_table(size_t count, size_t item_bytes)
{
	enum { HUGE_PAGE_BYTES = 2 * 1024 * 1024 };
	size_t bytes = count * item_bytes;
	void *table;

	if (bytes < HUGE_PAGE_BYTES)
		return malloc(bytes);
	if (posix_memalign(&table, HUGE_PAGE_BYTES, bytes) != 0)
		return NULL;
	/* Only a wish. */
	madvise(table, bytes, MADV_HUGEPAGE);
	return table;
}

/* The words that there are already, by their hash: the index from 1, below some bits of the hash
 * that spare most looks at other words. 0 is a free slot. */
enum { SLOT_INDEX_BITS = 25 };
static_assert(WAX_VOCABULARY_WORDS_MAX < 1 << SLOT_INDEX_BITS, "an index fits");

struct known {
	uint32_t *slots;
	uint32_t mask;
};

/* @return was it new? */
static bool add(struct known *known, const struct word *words, uint32_t index)
{
	uint64_t hash = wax_hash(words[index].letters, sizeof(words[index].letters));
	uint32_t tag = (uint32_t)(hash >> 32) >> SLOT_INDEX_BITS << SLOT_INDEX_BITS;
	uint32_t index_mask = (1u << SLOT_INDEX_BITS) - 1;
	uint32_t at = (uint32_t)hash & known->mask;

	for (; known->slots[at]; at = (at + 1) & known->mask) {
		uint32_t slot = known->slots[at];

		if (((slot ^ tag) & ~index_mask) == 0 &&
				memcmp(&words[(slot & index_mask) - 1], &words[index],
						sizeof(*words)) == 0)
			return false;
	}
	known->slots[at] = tag | (index + 1);
	return true;
}

/* Draw words that all differ. There are few short ones: after some tries a word gets longer, and
 * after some of those nobody tries that length any more. */
static void draw_words(struct wax_vocabulary *vocabulary, struct known *known, uint64_t *state)
{
	unsigned given_up[LENGTHS] = {0};
	struct word *words = vocabulary->words;

	for (uint32_t i = 0; i < vocabulary->count; i++) {
		unsigned length = draw_length(state, i < COMMON_WORDS ? common_weights : weights);
		unsigned tries = 0;

		do {
			bool full = given_up[length] == GIVEN_UP_MAX || tries == TRIES_MAX;

			if (full && length < WAX_WORD_LENGTH_MAX) {
				given_up[length] += given_up[length] < GIVEN_UP_MAX;
				length++;
				tries = 0;
			}
			draw_word(state, length, &words[i]);
			tries++;
		} while (!add(known, words, i));
	}
}

static int make_words(struct wax_vocabulary *vocabulary)
{
	uint64_t state = mix(vocabulary->seed);
	struct word *words = vocabulary->words;
	struct known known;
	size_t slots = 4;

	while (slots / 2 < vocabulary->count)
		slots *= 2;
	known.mask = (uint32_t)slots - 1;
	known.slots = make_table(slots, sizeof(*known.slots));
	if (!known.slots)
		return -ENOMEM;

	memset(known.slots, 0, slots * sizeof(*known.slots));
	draw_words(vocabulary, &known, &state);
	free(known.slots);

	/* Only now: words shall not differ by this alone. */
	for (uint32_t i = 0; i < vocabulary->count; i++) {
		if (draw_below(&state, CAPITAL_ONE_IN) == 0)
			words[i].letters[0] = (char)(words[i].letters[0] - 'a' + 'A');
	}
	return 0;
}

/*
 * Zipf's law: the word of rank k, from 1, is drawn with a chance in proportion to 1 / k. Alias
 * method: M. D. Vose, "A linear algorithm for generating random numbers with a given distribution",
 * IEEE Transactions on Software Engineering 17 (9), 1991. Columns of equal chance are filled up:
 * what a rare word leaves of its column goes to a frequent one, so a draw looks at one column.
 */
static int make_chances(struct wax_vocabulary *vocabulary)
{
	uint32_t count = vocabulary->count;
	struct chance *chances = vocabulary->chances;
	double *heights = malloc(count * sizeof(*heights));
	uint32_t large = 0;
	double sum = 0;

	if (!heights)
		return -ENOMEM;

	for (uint32_t i = count; i > 0; i--)
		sum += 1.0 / i;
	for (uint32_t i = 0; i < count; i++) {
		heights[i] = count / sum / (i + 1);
		chances[i] = (struct chance){UINT32_MAX, i};
	}

	/* Heights fall with the rank: small ones are met from the end, large ones from the start,
	 * and no lists are needed. A large one that becomes small is the next to be filled up. One
	 * that is met by neither is full, but for rounding. */
	for (uint32_t small = count - 1; large < small && heights[small] < 1; small--) {
		uint32_t index = small;

		do {
			chances[index].threshold = (uint32_t)(heights[index] * 0x1p32);
			chances[index].other = large;
			heights[large] -= 1 - heights[index];
			index = large;
		} while (heights[index] < 1 && ++large < small);
	}
	free(heights);
	return 0;
}

int wax_vocabulary_make(uint32_t words, uint64_t seed, struct wax_vocabulary **ret_vocabulary,
		struct wax_err *err)
{
	struct wax_vocabulary *vocabulary;

	if (words < 1 || words > WAX_VOCABULARY_WORDS_MAX)
		return wax_err_set(err, -EINVAL, "a text of %u different words: give 1 to %u",
				words, WAX_VOCABULARY_WORDS_MAX);

	vocabulary = calloc(1, sizeof(*vocabulary));
	if (!vocabulary)
		return wax_err_set(err, -ENOMEM, "no memory for %u words", words);

	vocabulary->count = words;
	vocabulary->seed = seed;
	vocabulary->words = make_table(words, sizeof(struct word));
	vocabulary->chances = make_table(words, sizeof(struct chance));
	if (!vocabulary->words || !vocabulary->chances || make_words(vocabulary) < 0 ||
			make_chances(vocabulary) < 0) {
		wax_vocabulary_free(vocabulary);
		return wax_err_set(err, -ENOMEM, "no memory for %u words", words);
	}
	*ret_vocabulary = vocabulary;
	return 0;
}

void wax_vocabulary_free(struct wax_vocabulary *vocabulary)
{
	if (!vocabulary)
		return;
	free(vocabulary->words);
	free(vocabulary->chances);
	free(vocabulary);
}

size_t wax_vocabulary_word(
		const struct wax_vocabulary *vocabulary, uint32_t rank, const char **ret_word)
{
	*ret_word = vocabulary->words[rank].letters;
	return vocabulary->words[rank].length;
}

size_t wax_vocabulary_line(const struct wax_vocabulary *vocabulary, uint64_t index, char *room)
{
	/* Mixed twice: else line 1 of seed 2 would be line 2 of seed 1. */
	uint64_t state = mix(mix(vocabulary->seed) + index);
	uint32_t words = WAX_LINE_WORDS_MIN +
			draw_below(&state, WAX_LINE_WORDS_MAX - WAX_LINE_WORDS_MIN + 1);
	const struct word *chosen[WAX_LINE_WORDS_MAX];
	char *at = room;

	/* Apart, so that the misses of a large vocabulary are waited for together. */
	for (uint32_t i = 0; i < words; i++) {
		uint64_t bits = draw(&state);
		uint32_t column = (uint32_t)((bits >> 32) * vocabulary->count >> 32);
		struct chance chance = vocabulary->chances[column];

		/* Which of the two cannot be foretold: no branch. */
		uint32_t own = -(uint32_t)((uint32_t)bits < chance.threshold);

		chosen[i] = &vocabulary->words[chance.other ^ ((chance.other ^ column) & own)];
		__builtin_prefetch(chosen[i]);
	}
	for (uint32_t i = 0; i < words; i++) {
		memcpy(at, chosen[i], sizeof(struct word));
		at += chosen[i]->length + 1;
	}
	/* Without the last space. */
	return (size_t)(at - room) - 1;
}
