/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ASSERT_H
#define RUNTIME_ASSERT_H

#include <stdio.h>
#include <stdlib.h>

/** Stays in release builds: states what a reader might doubt. Not for what another process wrote
 *  (that is input) and not for what a user's callback did (that is an error). */
#define WAX_ASSERT(condition)                                                                   \
	do {                                                                                    \
		if (__builtin_expect(!(condition), 0)) {                                        \
			fprintf(stderr, "wax: internal error: %s:%d: %s\n", __FILE__, __LINE__, \
					#condition);                                            \
			abort();                                                                \
		}                                                                               \
	} while (0)

#define wax_likely(x) __builtin_expect(!!(x), 1)
#define wax_unlikely(x) __builtin_expect(!!(x), 0)

#endif
