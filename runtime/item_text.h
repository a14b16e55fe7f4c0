/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ITEM_TEXT_H
#define RUNTIME_ITEM_TEXT_H

#include <stdio.h>

#include <wax/batch.h>
#include <wax/type.h>

/**
 * Write an item as its type prints it: the value, in a keyed stream key, tab, value.
 *
 * @return 0, or -ENOMEM, or -EIO when `to` did not take it
 */
int wax_item_write(FILE *to, const struct wax_type *type, const struct wax_item *item);

#endif
