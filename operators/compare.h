/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_COMPARE_H
#define OPERATORS_COMPARE_H

#include <wax/aggregates.h>
#include <wax/type.h>

/** How values compare where the user does not say: numbers of the library's types by size, what is
 *  not a number as less than any; all else as memcmp, of two that begin alike the shorter is less. */
wax_compare_fn wax_compare_for(const struct wax_type *type);

#endif
