/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SUGGEST_H
#define RUNTIME_SUGGEST_H

#include <stddef.h>

/**
 * Find what somebody meant who mistyped a name ("did you mean --procs?"). Names are offered one by
 * one, so that any table can be searched without building an array first:
 *
 *     struct wax_suggest suggest;
 *     wax_suggest_init(&suggest, "porcs");
 *     for (size_t i = 0; i < option_count; i++)
 *             wax_suggest_offer(&suggest, options[i].name);
 *     const char *meant = wax_suggest_nearest(&suggest);
 *
 * Pure: any thread, no allocation, nothing to release. Cost of an offer: the product of both
 * lengths, so this is for error messages.
 */
struct wax_suggest {
	const char *word;    /* borrows until the last offer */
	const char *nearest; /* lends: one of the names offered */
	size_t distance;     /* of nearest; while that is NULL, one above what is accepted */
};

/**
 * Begin a search.
 *
 * @param suggest written
 * @param word    what was typed; borrows until the last wax_suggest_offer
 */
void wax_suggest_init(struct wax_suggest *suggest, const char *word);

/**
 * Offer one name. The nearest wins; among equals the first offered does.
 *
 * @param name borrows until the last use of wax_suggest_nearest
 */
void wax_suggest_offer(struct wax_suggest *suggest, const char *name);

/**
 * The name that was probably meant.
 *
 * @return lends one of the names offered; NULL if none is near enough to be worth a suggestion:
 *         one slip (a letter wrong, missing, doubled, or two swapped) per three letters typed
 */
const char *wax_suggest_nearest(const struct wax_suggest *suggest);

/**
 * The same over an array of names.
 *
 * @param word       borrows until return
 * @param names      borrows until the last use of what is returned
 * @param name_count how many; 0 is allowed
 * @return lends one of names, or NULL as wax_suggest_nearest
 */
const char *wax_suggest_among(const char *word, const char *const *names, size_t name_count);

/**
 * How many slips lie between two words: the Levenshtein distance, in which two neighbouring
 * letters swapped count as one slip. Bytes are compared; upper and lower case differ.
 *
 * @return the distance; SIZE_MAX when a word is longer than WAX_SUGGEST_LENGTH_MAX bytes
 */
size_t wax_suggest_distance(const char *a, const char *b);

/** Longer words are never near to anything: the search keeps its rows on the stack. */
#define WAX_SUGGEST_LENGTH_MAX 64

#endif
