/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TAGS_H
#define RUNTIME_TAGS_H

#include <stdint.h>

/* Twelve bytes compared with one at a time: what a line of a table is looked up with. */
enum { WAX_TAGS = 12 };

#ifdef __SSE2__
#include <emmintrin.h>

/** Which of the 12 tags are this one: a bit for each. Reads 16 bytes, aligned to 16. */
static inline uint32_t wax_tags_match(const uint8_t *tags, uint8_t tag)
{
	__m128i all = _mm_load_si128((const __m128i *)(const void *)tags);
	__m128i same = _mm_cmpeq_epi8(all, _mm_set1_epi8((char)tag));

	return (uint32_t)_mm_movemask_epi8(same) & ((1u << WAX_TAGS) - 1);
}

#else

static inline uint32_t wax_tags_match(const uint8_t *tags, uint8_t tag)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < WAX_TAGS; i++)
		same |= (uint32_t)(tags[i] == tag) << i;
	return same;
}

#endif

#endif
