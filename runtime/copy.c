/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/copy.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512bw,bmi2"))) static void copy_masked(
		void *to, const void *from, uint32_t bytes)
{
	__mmask64 mask = _bzhi_u64(~UINT64_C(0), bytes);
	_mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(mask, from));
}
#endif

void wax_copy_short(void *to, const void *from, uint32_t bytes)
{
	/* A load of which nothing is wanted is slow where there is nothing: from may be NULL. */
	if (bytes == 0)
		return;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2")) {
		copy_masked(to, from, bytes);
		return;
	}
#endif
	memcpy(to, from, bytes);
}
