/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/scan.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What differs between the variants: which of 64 bytes are newlines, first is lowest bit. */
enum { BLOCK_BYTES = 64 };
typedef uint64_t newlines_of(const char *block);

/* Eight bytes at a time, in plain C. */
static uint64_t newlines_swar(const char *block)
{
	const uint64_t newlines = UINT64_C(0x0a0a0a0a0a0a0a0a);
	const uint64_t low_bits = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t mask = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t word;

		memcpy(&word, block + 8 * i, 8);
		word = le64toh(word) ^ newlines;
		/* The top bit of each byte that was a newline; exact, no carry between bytes. */
		word = ~(((word & low_bits) + low_bits) | word | low_bits);
		/* Gather the eight top bits in the top byte. */
		word = (word >> 7) * UINT64_C(0x0102040810204080) >> 56;
		mask |= word << (8 * i);
	}
	return mask;
}

#if defined(__x86_64__)
static uint64_t newlines_sse2(const char *block)
{
	const __m128i newline = _mm_set1_epi8('\n');
	uint64_t mask = 0;

	for (unsigned i = 0; i < 4; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
		unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, newline));

		mask |= (uint64_t)bits << (16 * i);
	}
	return mask;
}

__attribute__((target("avx2,bmi,bmi2,lzcnt"))) static inline uint64_t newlines_avx2(
		const char *block)
{
	const __m256i newline = _mm256_set1_epi8('\n');
	__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
	__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
	uint32_t low_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, newline));
	uint32_t high_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, newline));

	return low_bits | (uint64_t)high_bits << 32;
}
#endif

/* The last bytes of the text, without reading behind them. */
static inline uint64_t newlines_of_tail(const char *tail, uint32_t bytes, newlines_of *newlines)
{
	char block[BLOCK_BYTES] = {0};

	memcpy(block, tail, bytes);
	return newlines(block);
}

static inline __attribute__((always_inline)) uint32_t scan_with(newlines_of *newlines,
		struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max)
{
	const char *heap = scan->heap;
	uint32_t line = scan->line;
	uint32_t end = scan->end;
	uint32_t count = 0;

	if (span_count_max == 0)
		return 0;

	for (uint32_t at = scan->at; at < end; at += BLOCK_BYTES) {
		uint64_t mask;

		if (__builtin_expect(end - at >= BLOCK_BYTES, 1))
			mask = newlines(heap + at);
		else
			mask = newlines_of_tail(heap + at, end - at, newlines);

		while (mask) {
			uint32_t newline = at + (uint32_t)__builtin_ctzll(mask);
			uint32_t bytes = newline - line;

			/* The byte before the newline may be of the block before, or of the text
			 * that was scanned in an earlier call. */
			if (bytes > 0 && heap[newline - 1] == '\r')
				bytes--;
			spans[count++] = (struct wax_span){.at = line, .bytes = bytes};
			line = newline + 1;
			if (__builtin_expect(count == span_count_max, 0)) {
				scan->line = line;
				scan->at = line;
				return count;
			}
			mask &= mask - 1;
		}
		/* Near the top of the range `at` must not wrap around. */
		if (end - at <= BLOCK_BYTES)
			break;
	}
	scan->line = line;
	scan->at = end;
	return count;
}

static uint32_t lines_swar(struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max)
{
	return scan_with(newlines_swar, scan, spans, span_count_max);
}

#if defined(__x86_64__)
static uint32_t lines_sse2(struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max)
{
	return scan_with(newlines_sse2, scan, spans, span_count_max);
}

__attribute__((target("avx2,bmi,bmi2,lzcnt"))) static uint32_t lines_avx2(
		struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max)
{
	return scan_with(newlines_avx2, scan, spans, span_count_max);
}

static const struct wax_scan_variant variants[] = {
		{"avx2", lines_avx2},
		{"sse2", lines_sse2},
		{"swar", lines_swar},
		{NULL, NULL},
};

const struct wax_scan_variant *wax_scan_variants(void)
{
	bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
			__builtin_cpu_supports("bmi2");

	return has_avx2 ? variants : variants + 1;
}
#else
static const struct wax_scan_variant variants[] = {
		{"swar", lines_swar},
		{NULL, NULL},
};

const struct wax_scan_variant *wax_scan_variants(void)
{
	return variants;
}
#endif

uint32_t wax_scan_lines(struct wax_scan *scan, struct wax_span *spans, uint32_t span_count_max)
{
	static const struct wax_scan_variant *best;

	if (__builtin_expect(!best, 0))
		best = wax_scan_variants();
	return best->lines(scan, spans, span_count_max);
}
