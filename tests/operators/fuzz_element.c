/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "operators/element.h"

/* For libFuzzer: any bytes are taken apart without reading beyond them, and what was found, with
 * what was left, is all of them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct wax_bytes rest = {data, bytes}, element;
	size_t taken = 0;
	enum wax_element found;
	unsigned char sum = 0;

	while ((found = wax_element_next(&rest, &element)) == WAX_ELEMENT_FOUND) {
		for (size_t i = 0; i < element.bytes; i++)
			sum ^= ((const unsigned char *)element.data)[i];
		taken += 4 + element.bytes;
		if (taken + rest.bytes != bytes)
			abort();
	}
	__asm__ volatile("" : : "r"(sum));
	switch (found) {
	case WAX_ELEMENT_NONE:
		return taken == bytes ? 0 : (abort(), 0);
	case WAX_ELEMENT_CUT:
		return rest.bytes < 4 ? 0 : (abort(), 0);
	default:
		return element.bytes > rest.bytes ? 0 : (abort(), 0);
	}
}
