/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hash.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512dq")))
#define AVX2 __attribute__((target("avx2")))
#define SECRET UINT64_C(0xc73ab174c5ecd5a2)
#define PRIME UINT64_C(0x9fb21c651e98df25)

/*
 * XXH3 of eight keys of 4 or 8 bytes, without a seed: the key as a number of 64 bits, two words of the
 * secret, then rotations, shifts and multiplications (XXH3_len_4to8_64b and XXH3_rrmxmx of xxHash
 * 0.8). The test compares it with the library.
 */
AVX512 static inline __m512i hash_eight(__m512i input, long long key_bytes)
{
	const __m512i secret = _mm512_set1_epi64((long long)SECRET);
	const __m512i prime = _mm512_set1_epi64((long long)PRIME);
	__m512i hash = _mm512_xor_si512(input, secret);
	hash = _mm512_ternarylogic_epi64(
			hash, _mm512_rol_epi64(hash, 49), _mm512_rol_epi64(hash, 24), 0x96);
	hash = _mm512_mullo_epi64(hash, prime);
	hash = _mm512_xor_si512(hash,
			_mm512_add_epi64(
					_mm512_srli_epi64(hash, 35), _mm512_set1_epi64(key_bytes)));
	hash = _mm512_mullo_epi64(hash, prime);
	return _mm512_xor_si512(hash, _mm512_srli_epi64(hash, 28));
}

/* The key with its halves swapped. */
AVX512 static inline __m512i load_8(const char *keys)
{
	return _mm512_rol_epi64(_mm512_loadu_si512(keys), 32);
}

/* The key in both halves. */
AVX512 static inline __m512i load_4(const char *keys)
{
	__m512i wide = _mm512_cvtepu32_epi64(
			_mm256_loadu_si256((const __m256i *)(const void *)keys));
	return _mm512_or_si512(wide, _mm512_slli_epi64(wide, 32));
}

AVX512 static uint32_t hash_eights(
		const char *keys, uint32_t key_bytes, uint32_t count, uint64_t *hashes)
{
	uint32_t i = 0;
	for (; key_bytes == 8 && i + 8 <= count; i += 8)
		_mm512_storeu_si512(hashes + i, hash_eight(load_8(keys + (size_t)i * 8), 8));
	for (; key_bytes == 4 && i + 8 <= count; i += 8)
		_mm512_storeu_si512(hashes + i, hash_eight(load_4(keys + (size_t)i * 4), 4));
	return i;
}

/* The same of four keys, where products of 64 bits are put together from three of 32. */
AVX2 static inline __m256i times_prime(__m256i a)
{
	const __m256i prime = _mm256_set1_epi64x((long long)PRIME);
	const __m256i prime_high = _mm256_set1_epi64x((long long)(PRIME >> 32));
	__m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a, prime_high),
			_mm256_mul_epu32(_mm256_srli_epi64(a, 32), prime));
	return _mm256_add_epi64(_mm256_mul_epu32(a, prime), _mm256_slli_epi64(cross, 32));
}

AVX2 static inline __m256i hash_four(__m256i input, long long key_bytes)
{
	const __m256i by_24 = _mm256_setr_epi8(5, 6, 7, 0, 1, 2, 3, 4, 13, 14, 15, 8, 9, 10, 11, 12,
			5, 6, 7, 0, 1, 2, 3, 4, 13, 14, 15, 8, 9, 10, 11, 12);
	__m256i hash = _mm256_xor_si256(input, _mm256_set1_epi64x((long long)SECRET));
	__m256i by_49 = _mm256_or_si256(_mm256_slli_epi64(hash, 49), _mm256_srli_epi64(hash, 15));
	hash = _mm256_xor_si256(_mm256_xor_si256(hash, by_49), _mm256_shuffle_epi8(hash, by_24));
	hash = times_prime(hash);
	hash = _mm256_xor_si256(hash,
			_mm256_add_epi64(_mm256_srli_epi64(hash, 35),
					_mm256_set1_epi64x(key_bytes)));
	hash = times_prime(hash);
	return _mm256_xor_si256(hash, _mm256_srli_epi64(hash, 28));
}

AVX2 static uint32_t hash_fours(
		const char *keys, uint32_t key_bytes, uint32_t count, uint64_t *hashes)
{
	uint32_t i = 0;
	for (; key_bytes == 8 && i + 4 <= count; i += 4) {
		const void *from = keys + (size_t)i * 8;
		__m256i swapped = _mm256_shuffle_epi32(_mm256_loadu_si256(from), 0xb1);
		_mm256_storeu_si256((__m256i *)(void *)(hashes + i), hash_four(swapped, 8));
	}
	for (; key_bytes == 4 && i + 4 <= count; i += 4) {
		const void *from = keys + (size_t)i * 4;
		__m256i wide = _mm256_cvtepu32_epi64(_mm_loadu_si128(from));
		__m256i twice = _mm256_shuffle_epi32(wide, 0xa0);
		_mm256_storeu_si256((__m256i *)(void *)(hashes + i), hash_four(twice, 4));
	}
	return i;
}

static uint32_t hash_several(const char *keys, uint32_t key_bytes, uint32_t count, uint64_t *hashes)
{
	if (__builtin_cpu_supports("avx512dq"))
		return hash_eights(keys, key_bytes, count, hashes);
	if (__builtin_cpu_supports("avx2"))
		return hash_fours(keys, key_bytes, count, hashes);
	return 0;
}
#else
static uint32_t hash_several(const char *keys, uint32_t key_bytes, uint32_t count, uint64_t *hashes)
{
	(void)keys, (void)key_bytes, (void)count, (void)hashes;
	return 0;
}
#endif

void wax_hash_fixed(const void *keys, uint32_t key_bytes, uint32_t count, uint64_t *ret_hashes)
{
	uint32_t done = hash_several(keys, key_bytes, count, ret_hashes);
	for (uint32_t i = done; i < count; i++)
		ret_hashes[i] = wax_hash((const char *)keys + (size_t)i * key_bytes, key_bytes);
}
