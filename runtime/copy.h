/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_COPY_H
#define RUNTIME_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Copy an item of one of the usual fixed sizes. @return false: it is of another, nothing was done */
static inline bool wax_copy_usual(void *to, const void *from, uint32_t bytes)
{
	switch (bytes) {
	case 4:
		memcpy(to, from, 4);
		return true;
	case 8:
		memcpy(to, from, 8);
		return true;
	case 16:
		memcpy(to, from, 16);
		return true;
	case 24:
		memcpy(to, from, 24);
		return true;
	case 32:
		memcpy(to, from, 32);
		return true;
	default:
		return false;
	}
}

/** Copy an item of fixed size; the usual sizes without a call. */
static inline void wax_copy_item(void *to, const void *from, uint32_t bytes)
{
	if (!wax_copy_usual(to, from, bytes))
		memcpy(to, from, bytes);
}

/** What wax_copy_short writes, whatever it copies. */
enum { WAX_SHORT_BYTES = 64 };

/**
 * Copy a variable item, of which most are short. A call of memcpy guesses the length, and is wrong
 * at every other item; this one does not ask. One for each sort of processor: where it is inlined,
 * nothing is called.
 *
 * @param to    has room for WAX_SHORT_BYTES
 * @param bytes at most WAX_SHORT_BYTES; no more than these are read. Where it is 0, from may be NULL
 */
typedef void wax_copy_short_fn(void *to, const void *from, uint32_t bytes);

#if defined(__x86_64__)
#include <immintrin.h>

#define WAX_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,bmi2")))
#define WAX_TARGET_AVX2 __attribute__((target("avx2,bmi2")))

static inline bool wax_has_avx512(void)
{
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2");
}

static inline bool wax_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

WAX_TARGET_AVX512 static inline __attribute__((always_inline)) void wax_copy_short_avx512(
		void *to, const void *from, uint32_t bytes)
{
	/* A load of which nothing is wanted is slow where there is nothing. */
	if (__builtin_expect(bytes == 0, 0))
		return;
	__mmask64 mask = _bzhi_u64(~UINT64_C(0), bytes);
	_mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(mask, from));
}

/** Ones, then zeros: from place 16 - n on, a mask of n words. */
extern const int32_t wax_copy_masks[32];

/* Whole words under a mask; then the last four bytes again, which may not be a word of them. */
WAX_TARGET_AVX2 static inline __attribute__((always_inline)) void wax_copy_short_avx2(
		void *to, const void *from, uint32_t bytes)
{
	char *end = (char *)to + bytes;
	const char *from_end = (const char *)from + bytes;
	if (__builtin_expect(bytes < 4, 0)) {
		for (; bytes > 0; bytes--)
			end[-(int32_t)bytes] = from_end[-(int32_t)bytes];
		return;
	}
	const char *masks = (const char *)(wax_copy_masks + 16) - (bytes & ~3u);
	__m256i first = _mm256_loadu_si256((const __m256i *)(const void *)masks);
	__m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(masks + 32));
	int32_t last;
	memcpy(&last, from_end - 4, 4);
	first = _mm256_maskload_epi32(from, first);
	second = _mm256_maskload_epi32((const int *)from + 8, second);
	_mm256_storeu_si256(to, first);
	_mm256_storeu_si256((__m256i *)to + 1, second);
	memcpy(end - 4, &last, 4);
}
#endif

#endif
