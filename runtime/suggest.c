/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/suggest.h"

#include <stdint.h>
#include <string.h>

/* One more column than letters: column 0 stands for the empty prefix. */
#define ROW_COUNT (WAX_SUGGEST_LENGTH_MAX + 1)

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Row i of the distance table from rows i-1 (above) and i-2 (above2, read only when i > 1). */
static void fill_row(const char *a, size_t i, const char *b, size_t b_count, const size_t *above2,
		const size_t *above, size_t *row)
{
	row[0] = i;
	for (size_t j = 1; j <= b_count; j++) {
		size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);

		row[j] = least(replace, least(above[j], row[j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = least(row[j], above2[j - 2] + 1);
	}
}

size_t wax_suggest_distance(const char *a, const char *b)
{
	size_t a_count = strnlen(a, WAX_SUGGEST_LENGTH_MAX + 1);
	size_t b_count = strnlen(b, WAX_SUGGEST_LENGTH_MAX + 1);
	size_t rows[3][ROW_COUNT];

	if (a_count > WAX_SUGGEST_LENGTH_MAX || b_count > WAX_SUGGEST_LENGTH_MAX)
		return SIZE_MAX;

	for (size_t j = 0; j <= b_count; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_count; i++)
		fill_row(a, i, b, b_count, rows[(i + 1) % 3], rows[(i - 1) % 3], rows[i % 3]);
	return rows[a_count % 3][b_count];
}

void wax_suggest_init(struct wax_suggest *suggest, const char *word)
{
	/* Words of one or two letters may have one slip too, but "x" shall not suggest "n". */
	size_t accepted = (strnlen(word, WAX_SUGGEST_LENGTH_MAX) + 2) / 3;

	suggest->word = word;
	suggest->nearest = NULL;
	suggest->distance = accepted + 1;
}

void wax_suggest_offer(struct wax_suggest *suggest, const char *name)
{
	size_t distance = wax_suggest_distance(suggest->word, name);

	/* As many slips as letters would mean that nothing of the name was typed. */
	if (distance >= suggest->distance || distance >= strlen(name))
		return;

	suggest->distance = distance;
	suggest->nearest = name;
}

const char *wax_suggest_nearest(const struct wax_suggest *suggest)
{
	return suggest->nearest;
}

const char *wax_suggest_among(const char *word, const char *const *names, size_t name_count)
{
	struct wax_suggest suggest;

	wax_suggest_init(&suggest, word);
	for (size_t i = 0; i < name_count; i++)
		wax_suggest_offer(&suggest, names[i]);
	return wax_suggest_nearest(&suggest);
}
