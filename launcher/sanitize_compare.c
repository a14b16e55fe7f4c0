/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sanitize_compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pointers to items are sorted; equal ones stay in the order in which they came, which is that of
 * their addresses. */

typedef const struct wax_captured *item_ref;

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_bytes(struct wax_bytes a, struct wax_bytes b)
{
	size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
	int r = bytes > 0 ? memcmp(a.data, b.data, bytes) : 0;
	return r ? r : compare_numbers(a.bytes, b.bytes);
}

static int compare_keys(item_ref a, item_ref b)
{
	int r = compare_numbers(a->step, b->step);
	return r ? r : compare_bytes(a->key, b->key);
}

static int compare_items(item_ref a, item_ref b)
{
	int r = compare_keys(a, b);
	return r ? r : compare_bytes(a->value, b->value);
}

static int by_item(const void *a, const void *b)
{
	item_ref one = *(const item_ref *)a, other = *(const item_ref *)b;
	int r = compare_items(one, other);
	return r ? r : compare_numbers((uintptr_t)one, (uintptr_t)other);
}

static int by_key(const void *a, const void *b)
{
	item_ref one = *(const item_ref *)a, other = *(const item_ref *)b;
	int r = compare_keys(one, other);
	return r ? r : compare_numbers((uintptr_t)one, (uintptr_t)other);
}

static item_ref *sorted(
		const struct wax_capture_view *view, int (*compare)(const void *, const void *))
{
	item_ref *items = calloc(view->count + 1, sizeof(item_ref));
	if (!items)
		return NULL;
	for (size_t i = 0; i < view->count; i++)
		items[i] = &view->items[i];
	qsort(items, view->count, sizeof(item_ref), compare);
	return items;
}

static void note(item_ref item, item_ref *shown, size_t *count)
{
	if (*count < WAX_DIFFERENCE_SHOWN)
		shown[*count] = item;
	++*count;
}

static void note_missing(struct wax_difference *difference, item_ref item)
{
	if (!difference->found)
		difference->step = item->step;
	difference->found = true;
	if (difference->step == item->step)
		note(item, difference->missing, &difference->missing_count);
}

static void note_extra(struct wax_difference *difference, item_ref item)
{
	if (!difference->found)
		difference->step = item->step;
	difference->found = true;
	if (difference->step == item->step)
		note(item, difference->extra, &difference->extra_count);
}

static size_t count_of(const struct wax_capture_view *view, uint32_t step)
{
	size_t count = 0;
	for (size_t i = 0; i < view->count; i++)
		count += view->items[i].step == step;
	return count;
}

int wax_compare_items(const struct wax_capture_view *plain, const struct wax_capture_view *other,
		struct wax_difference *ret_difference)
{
	struct wax_difference difference = {0};
	item_ref *a = sorted(plain, by_item), *b = sorted(other, by_item);
	size_t i = 0, j = 0;
	int r = a && b ? 0 : -ENOMEM;
	while (r == 0 && (i < plain->count || j < other->count)) {
		int order = i == plain->count       ? 1
				: j == other->count ? -1
						    : compare_items(a[i], b[j]);
		if (order < 0)
			note_missing(&difference, a[i]);
		if (order > 0)
			note_extra(&difference, b[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (difference.found)
		difference.item_count = count_of(plain, difference.step);
	free(a);
	free(b);
	*ret_difference = difference;
	return r;
}

int wax_compare_order(const struct wax_capture_view *plain, const struct wax_capture_view *other,
		uint32_t step, struct wax_difference *ret_difference)
{
	struct wax_difference difference = {.order = true};
	item_ref *a = sorted(plain, by_key), *b = sorted(other, by_key);
	int r = a && b ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < plain->count && i < other->count; i++) {
		if (a[i]->step != step || !a[i]->key.data || compare_items(a[i], b[i]) == 0)
			continue;
		note_missing(&difference, a[i]);
		note_extra(&difference, b[i]);
	}
	if (difference.found)
		difference.item_count = count_of(plain, step);
	free(a);
	free(b);
	*ret_difference = difference;
	return r;
}

const struct wax_captured *wax_find_scattered_key(
		const struct wax_capture_view *view, uint32_t step)
{
	item_ref *items = sorted(view, by_key);
	item_ref found = NULL;
	for (size_t i = 1; items && !found && i < view->count; i++) {
		item_ref last = items[i - 1], next = items[i];
		if (next->step == step && next->key.data && compare_keys(last, next) == 0 &&
				last->worker != next->worker)
			found = next;
	}
	free(items);
	return found;
}
