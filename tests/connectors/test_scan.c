/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/scan.h"
#include "tests/support/random.h"

enum { SPANS_MAX = 1024 };

/* The text in memory of just its size, so that AddressSanitizer sees a read behind it. */
struct text {
	char *memory;
	char *bytes;
	uint32_t count;
};

static struct text text_make(uint32_t bytes, uint32_t alignment, uint64_t *random)
{
	/* 0x8a, 0x0b, 0x09: near misses of a newline in word-wise arithmetic. */
	static const char letters[] = "\n\n\n\r\rab\x0b\x09\x8a\x80\xff";
	struct text text = {.memory = malloc(alignment + bytes), .count = bytes};
	uint32_t sparse = (uint32_t)(next_random(random) % 40);

	cr_assert(text.memory);
	text.bytes = text.memory + alignment;
	for (uint32_t i = 0; i < bytes; i++) {
		char letter = letters[next_random(random) % (sizeof(letters) - 1)];

		text.bytes[i] = sparse && next_random(random) % sparse ? 'x' : letter;
	}
	return text;
}

/* What is right: byte by byte. */
static uint32_t model(const char *heap, uint32_t bytes, struct wax_span *spans, uint32_t *ret_line)
{
	uint32_t count = 0;
	uint32_t line = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		if (heap[i] != '\n')
			continue;
		spans[count].at = line;
		spans[count].bytes = i - line;
		if (i > line && heap[i - 1] == '\r')
			spans[count].bytes--;
		count++;
		line = i + 1;
	}
	*ret_line = line;
	return count;
}

static void expect(const struct wax_scan_variant *variant, const struct text *text,
		uint32_t span_count_max, uint32_t step)
{
	struct wax_span spans[SPANS_MAX];
	struct wax_span right[SPANS_MAX];
	uint32_t line;
	uint32_t right_count = model(text->bytes, text->count, right, &line);
	uint32_t count = 0;
	struct wax_scan scan = {.heap = text->bytes};

	while (scan.end < text->count) {
		uint32_t found;

		scan.end = scan.end + step < text->count ? scan.end + step : text->count;
		do {
			found = variant->lines(&scan, spans + count, span_count_max);
			cr_assert(found <= span_count_max);
			count += found;
		} while (found == span_count_max);
		cr_assert_eq(scan.at, scan.end);
	}
	cr_assert_eq(count, right_count, "%s: %u of %u lines", variant->name, count, right_count);
	cr_assert_eq(scan.line, line, "%s", variant->name);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(spans[i].at, right[i].at, "%s: line %u", variant->name, i);
		cr_assert_eq(spans[i].bytes, right[i].bytes, "%s: line %u", variant->name, i);
	}
}

Test(scan, every_size_and_alignment_is_as_the_byte_loop_says)
{
	uint64_t random = 1;

	for (uint32_t bytes = 0; bytes <= 300; bytes++) {
		for (uint32_t alignment = 0; alignment < 64; alignment++) {
			struct text text = text_make(bytes, alignment, &random);

			for (const struct wax_scan_variant *at = wax_scan_variants(); at->name;
					at++)
				expect(at, &text, SPANS_MAX, UINT32_MAX / 2);
			free(text.memory);
		}
	}
}

Test(scan, a_limit_of_lines_stops_and_goes_on)
{
	uint64_t random = 2;

	for (uint32_t i = 0; i < 2000; i++) {
		struct text text =
				text_make((uint32_t)(next_random(&random) % 500), i % 64, &random);
		uint32_t limit = 1 + (uint32_t)(next_random(&random) % 9);

		for (const struct wax_scan_variant *at = wax_scan_variants(); at->name; at++)
			expect(at, &text, limit, UINT32_MAX / 2);
		free(text.memory);
	}
}

Test(scan, text_may_come_in_pieces_of_any_size)
{
	uint64_t random = 3;

	for (uint32_t i = 0; i < 2000; i++) {
		struct text text =
				text_make((uint32_t)(next_random(&random) % 500), i % 64, &random);
		uint32_t step = 1 + (uint32_t)(next_random(&random) % 70);

		for (const struct wax_scan_variant *at = wax_scan_variants(); at->name; at++)
			expect(at, &text, 1 + i % 5, step);
		free(text.memory);
	}
}

Test(scan, carriage_return_is_stripped_only_before_a_newline)
{
	static const char heap[] = "a\r\n\r\n\n\r\r\nb\rc\n\r";
	static const char *const right[] = {"a", "", "", "\r", "b\rc"};
	struct wax_span spans[8];
	struct wax_scan scan = {.heap = heap, .end = sizeof(heap) - 1};

	cr_assert_eq(wax_scan_lines(&scan, spans, 8), 5);
	for (unsigned i = 0; i < 5; i++) {
		cr_assert_eq(spans[i].bytes, strlen(right[i]));
		cr_assert_eq(memcmp(heap + spans[i].at, right[i], spans[i].bytes), 0);
	}
	cr_assert_eq(scan.line, sizeof(heap) - 2);
}

Test(scan, a_return_before_the_line_is_not_of_the_line)
{
	static const char heap[] = "a\r\n";
	struct wax_span spans[2];
	struct wax_scan scan = {.heap = heap, .line = 2, .at = 2, .end = 3};

	cr_assert_eq(wax_scan_lines(&scan, spans, 2), 1);
	cr_assert_eq(spans[0].at, 2);
	cr_assert_eq(spans[0].bytes, 0);
}

Test(scan, no_room_for_lines_finds_none)
{
	struct wax_scan scan = {.heap = "a\n", .end = 2};

	for (const struct wax_scan_variant *at = wax_scan_variants(); at->name; at++)
		cr_assert_eq(at->lines(&scan, NULL, 0), 0);
	cr_assert_eq(scan.at, 0);
}
