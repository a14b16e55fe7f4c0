/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/join.h>
#include <wax/list.h>

#include "runtime/step.h"

/* Where the next piece of a text goes, as snprintf counts. */
struct text {
	char *at;
	size_t room;
	size_t length;
};

static void put(struct text *text, const char *piece)
{
	for (; *piece; piece++, text->length++) {
		if (text->length + 1 < text->room)
			text->at[text->length] = *piece;
	}
}

static int put_item(struct text *text, const struct wax_type *type, struct wax_bytes item)
{
	size_t used = text->length < text->room ? text->length : text->room;
	int length = wax_type_print(type, text->at ? text->at + used : NULL, text->room - used,
			item.data, item.bytes);

	if (length > 0)
		text->length += (size_t)length;
	return length < 0 ? length : 0;
}

static int put_list(struct text *text, const struct wax_type *type, struct wax_bytes value)
{
	struct wax_list list = wax_list_of(value, type->parts[0]);
	const char *before = "[";
	struct wax_bytes item;
	int r = 0;

	while (r == 0 && wax_list_next(&list, &item)) {
		put(text, before);
		r = put_item(text, type->parts[0], item);
		before = ", ";
	}
	put(text, *before == '[' ? "[]" : "]");
	return r;
}

static int put_row(struct text *text, const struct wax_type *type, struct wax_bytes row)
{
	int r = 0;

	for (uint32_t side = 0; side < type->part_count && r == 0; side++) {
		struct wax_bytes value = wax_join_side(row, side);

		const struct wax_type *part = type->parts[side];

		put(text, side ? ", " : "(");
		if (!value.data)
			put(text, "-");
		else if (part->item_bytes > 0 && value.bytes != part->item_bytes)
			/* The row is damaged: nobody may take this for what it should be. */
			r = put_item(text, WAX_BYTES, value);
		else
			r = put_item(text, part, value);
	}
	put(text, ")");
	return r;
}

int wax_type_print(const struct wax_type *type, char *to, size_t to_bytes, const void *item,
		size_t item_bytes)
{
	struct text text = {to, to_bytes, 0};
	struct wax_bytes value = {item, item_bytes};
	int r;

	if (type->shape == WAX_SHAPE_PLAIN)
		return (type->print ? type->print : WAX_BYTES->print)(
				to, to_bytes, item, item_bytes);

	r = type->shape == WAX_SHAPE_LIST ? put_list(&text, type, value)
					  : put_row(&text, type, value);
	if (to_bytes > 0)
		to[text.length < to_bytes ? text.length : to_bytes - 1] = '\0';
	if (r < 0)
		return r;
	return text.length < INT32_MAX ? (int)text.length : INT32_MAX;
}
