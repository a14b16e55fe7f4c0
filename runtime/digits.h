/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_DIGITS_H
#define RUNTIME_DIGITS_H

#include <stdint.h>
#include <string.h>

/* Whole numbers as decimal digits, without printf and without a NUL. Pure; a few ns. */

/** Longest texts: "18446744073709551615", "-9223372036854775808". */
enum { WAX_DIGITS_MAX = 20 };

/** @param at room for the digits, at most WAX_DIGITS_MAX
 *  @return behind the last digit */
static inline char *wax_digits_u64(char *at, uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	static const uint64_t powers[] = {0, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u,
			100000000u, 1000000000u, 10000000000u, 100000000000u, 1000000000000u,
			10000000000000u, 100000000000000u, 1000000000000000u, 10000000000000000u,
			100000000000000000u, 1000000000000000000u, 10000000000000000000u};
	/* 1233 / 4096 is log10(2): digits from bits, one too few where a power of 10 is reached. */
	unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
	unsigned length = bits * 1233 >> 12;
	char *end;

	length += value >= powers[length];
	end = at + length;
	for (at = end; value >= 100; value /= 100) {
		at -= 2;
		memcpy(at, pairs + 2 * (value % 100), 2);
	}
	if (value >= 10)
		memcpy(at - 2, pairs + 2 * value, 2);
	else
		at[-1] = (char)('0' + value);
	return end;
}

static inline char *wax_digits_i64(char *at, int64_t value)
{
	uint64_t size = (uint64_t)value;

	if (value < 0) {
		*at++ = '-';
		size = 0 - size;
	}
	return wax_digits_u64(at, size);
}

#endif
