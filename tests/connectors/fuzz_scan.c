/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/scan.h"

/*
 * For libFuzzer. The first byte is the most lines of a call, the second the size of the pieces in
 * which the text comes; the rest is the text. All variants must agree with a byte loop.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void expect(const char *heap, uint32_t bytes, const struct wax_scan_variant *variant,
		uint32_t most, uint32_t step)
{
	struct wax_span spans[256];
	struct wax_scan scan = {.heap = heap};
	uint32_t line = 0;

	while (scan.end < bytes) {
		uint32_t found;

		scan.end = bytes - scan.end > step ? scan.end + step : bytes;
		do {
			found = variant->lines(&scan, spans, most);
			for (uint32_t i = 0; i < found; i++) {
				const char *newline = memchr(heap + line, '\n', bytes - line);
				uint32_t end = newline ? (uint32_t)(newline - heap) : UINT32_MAX;
				uint32_t returns = newline && end > line && newline[-1] == '\r';

				if (!newline || spans[i].at != line ||
						spans[i].bytes != end - line - returns)
					abort();
				line = end + 1;
			}
		} while (found == most);
		if (scan.line != line || scan.at != scan.end)
			abort();
	}
	if (memchr(heap + line, '\n', bytes - line))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2)
		return 0;
	for (const struct wax_scan_variant *at = wax_scan_variants(); at->name; at++)
		expect((const char *)data + 2, (uint32_t)bytes - 2, at, 1 + data[0], 1 + data[1]);
	return 0;
}
