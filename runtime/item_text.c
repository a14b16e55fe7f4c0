/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/item_text.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/step.h"

static int write_column(FILE *to, const struct wax_type *type, struct wax_bytes bytes)
{
	int length = wax_type_print(type, NULL, 0, bytes.data, bytes.bytes);
	if (length < 0)
		return -EIO;
	char *text = malloc((size_t)length + 1);
	if (!text)
		return -ENOMEM;
	wax_type_print(type, text, (size_t)length + 1, bytes.data, bytes.bytes);
	size_t written = fwrite(text, 1, (size_t)length, to);
	free(text);
	return written == (size_t)length ? 0 : -EIO;
}

int wax_item_write(FILE *to, const struct wax_type *type, const struct wax_item *item)
{
	int r = 0;
	if (type->key) {
		r = write_column(to, type->key, item->key);
		if (r == 0 && fputc('\t', to) == EOF)
			r = -EIO;
	}
	return r < 0 ? r : write_column(to, wax_type_value(type), item->value);
}
