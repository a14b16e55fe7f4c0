/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_FORMAT_H
#define CONNECTORS_FORMAT_H

#include <stdbool.h>

#include <wax/batch.h>
#include <wax/err.h>
#include <wax/type.h>

/*
 * Items as text: a format such as "%k\t%v" is compiled once, for the types of a stream, into a
 * few operations that run for each item.
 */
struct wax_format;

/**
 * Compile a format. Belongs to the control path: it allocates.
 *
 * @param text     %k is the key, %v the value, each as its type prints it, %% a percent sign, all
 *                 else stands for itself; copied. NULL: "%v", or "%k\t%v" of a keyed type.
 * @param type     of the items, keyed or not; borrows until wax_format_free
 * @param keep_key the text is emitted with the item's key, for a stream that is dealt by it;
 *                 needs a keyed type
 * @param ret_format gives; release with wax_format_free
 * @return 0; -EINVAL and a sentence that says what is wrong in the format; -ENOMEM
 */
int wax_format_make(const char *text, const struct wax_type *type, bool keep_key,
		struct wax_format **ret_format, struct wax_err *err);
/** NULL is allowed. */
void wax_format_free(struct wax_format *format);

/** Is the text of an item its value as it is? Then a batch need not be formatted at all. */
bool wax_format_is_value(const struct wax_format *format);

/**
 * Emit a text for each item of a batch, without a newline. Any number of workers may share a
 * format; the cost is about 20 ns an item and its bytes.
 *
 * @param out   of a stream of WAX_TEXT, keyed when keep_key was given
 * @param batch of the type that the format was made for
 * @return 0, or negative: a printer of the user or an emit failed, which out remembers
 */
int wax_format_batch(const struct wax_format *format, struct wax_out *out,
		const struct wax_batch *batch);

#endif
