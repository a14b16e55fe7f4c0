/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hash.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512dq")))

/*
 * XXH3 of eight keys of 4 or 8 bytes, without a seed: the key as a number of 64 bits, two words of the
 * secret, then rotations, shifts and multiplications (XXH3_len_4to8_64b and XXH3_rrmxmx of xxHash
 * 0.8). The test compares it with the library.
 */
AVX512 static inline __m512i hash_eight(__m512i input, long long key_bytes)
{
	const __m512i secret = _mm512_set1_epi64((long long)UINT64_C(0xc73ab174c5ecd5a2));
	const __m512i prime = _mm512_set1_epi64((long long)UINT64_C(0x9fb21c651e98df25));
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
#endif

void wax_hash_fixed(const void *keys, uint32_t key_bytes, uint32_t count, uint64_t *ret_hashes)
{
	uint32_t done = 0;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512dq"))
		done = hash_eights(keys, key_bytes, count, ret_hashes);
#endif
	for (uint32_t i = done; i < count; i++)
		ret_hashes[i] = wax_hash((const char *)keys + (size_t)i * key_bytes, key_bytes);
}
