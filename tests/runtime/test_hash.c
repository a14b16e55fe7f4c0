/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "runtime/hash.h"

/* A call that is not inlined does not know the size. */
static __attribute__((noinline)) uint64_t general(const void *key, size_t bytes)
{
	return XXH3_64bits(key, bytes);
}

Test(hash, short_paths_give_the_value_of_the_general_one)
{
	unsigned char key[64];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)(i * 37 + 1);
	for (size_t bytes = 0; bytes <= sizeof(key); bytes++)
		cr_assert_eq(wax_hash(key, bytes), general(key, bytes), "%zu bytes", bytes);
	cr_assert_eq(wax_hash(key + 1, 8), general(key + 1, 8), "unaligned");
}

Test(hash, keys_in_a_row_get_the_value_of_each)
{
	char keys[40 * 16];
	uint64_t hashes[38];

	for (size_t i = 0; i < sizeof(keys); i++)
		keys[i] = (char)(i * i * 31 + i / 3);
	for (uint32_t key_bytes = 1; key_bytes <= 16; key_bytes++) {
		for (uint32_t count = 0; count <= 36; count++) {
			const char *some = keys + count % 5;

			hashes[count] = 7;
			wax_hash_fixed(some, key_bytes, count, hashes);
			for (uint32_t i = 0; i < count; i++)
				cr_assert_eq(hashes[i], general(some + key_bytes * i, key_bytes));
			cr_assert_eq(hashes[count], 7);
		}
	}
}

/* What is saved in a snapshot is found again by these values. */
Test(hash, values_are_those_of_version_1)
{
	uint64_t number = 42;

	cr_assert_eq(WAX_HASH_VERSION, 1);
	cr_assert_eq(wax_hash(NULL, 0), 0x2d06800538d394c2);
	cr_assert_eq(wax_hash("wax", 3), XXH3_64bits("wax", 3));
	cr_assert_eq(wax_hash(&number, 8), XXH3_64bits_withSeed(&number, 8, WAX_HASH_SEED));
}
