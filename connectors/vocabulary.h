/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_VOCABULARY_H
#define CONNECTORS_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#include <wax/err.h>

/*
 * Made-up words and lines of them. Everything follows from the seed: two vocabularies of one seed
 * and size give the same lines, each by itself, in any process.
 */
struct wax_vocabulary;

enum {
	WAX_VOCABULARY_WORDS_MAX = 1 << 24,
	WAX_WORD_LENGTH_MIN = 2,
	WAX_WORD_LENGTH_MAX = 12,
	WAX_LINE_WORDS_MIN = 5,
	WAX_LINE_WORDS_MAX = 15,
	/* Room to write a line in: the last word is written with what follows it. */
	WAX_LINE_ROOM_BYTES = WAX_LINE_WORDS_MAX * (WAX_WORD_LENGTH_MAX + 1) + 16,
};

/**
 * Make up the words. Takes 100 to 400 ns and 24 bytes for each, twice that while it is at work.
 *
 * @param words in [1, WAX_VOCABULARY_WORDS_MAX]
 * @param ret_vocabulary gives; release with wax_vocabulary_free
 * @return 0; -EINVAL, -ENOMEM
 */
int wax_vocabulary_make(uint32_t words, uint64_t seed, struct wax_vocabulary **ret_vocabulary,
		struct wax_err *err);
/** NULL is allowed. */
void wax_vocabulary_free(struct wax_vocabulary *vocabulary);

/** A word by its rank: 0 is the most frequent. @return its length; *ret_word lends */
size_t wax_vocabulary_word(
		const struct wax_vocabulary *vocabulary, uint32_t rank, const char **ret_word);

/**
 * Write a line: words with one space between, no newline. About 6 ns a word, 30 ns when the
 * vocabulary is beyond the cache (from about 200000 words).
 *
 * @param room WAX_LINE_ROOM_BYTES of it
 * @return the length of the line
 */
size_t wax_vocabulary_line(const struct wax_vocabulary *vocabulary, uint64_t index, char *room);

#endif
