/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Drives a target of libFuzzer where that is not at hand: inputs that a seed decides, each made of
 * pieces of the one before and of bytes that parsers look for. It knows nothing of what the target
 * has seen; tests/support/sanitize.sh clang fuzzer,address,undefined fuzz does.
 *
 *     fuzz_list [SEED [RUNS]]
 */

enum { BYTES_MAX = 512, RUNS = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((state >> 33) % below);
}

static uint8_t draw_byte(void)
{
	static const uint8_t wanted[] = {0, 1, 2, 3, 4, 8, 16, 0x7f, 0x80, 0xfe, 0xff, '\n', ' '};

	return draw(2) ? wanted[draw(sizeof(wanted))] : (uint8_t)draw(256);
}

/* Change some places of an input, and where it ends. @return its new length */
static size_t change(uint8_t *input, size_t bytes)
{
	size_t end = draw(4) ? bytes : draw(draw(8) ? 48 : BYTES_MAX);

	for (size_t i = bytes; i < end; i++)
		input[i] = draw_byte();
	for (uint32_t changes = draw(6); end > 0 && changes > 0; changes--) {
		size_t at = draw((uint32_t)end), from = draw((uint32_t)end), count = 1 + draw(8);

		if (at + count > end || from + count > end || draw(2))
			input[at] = draw_byte();
		else
			memmove(input + at, input + from, count);
	}
	return end;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t runs = argc > 2 ? strtoull(argv[2], NULL, 0) : RUNS;
	uint8_t input[BYTES_MAX] = {0};
	size_t bytes = 0;

	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	state = seed;
	for (uint64_t run = 0; run < runs; run++) {
		bytes = change(input, bytes);

		/* Of exactly this size: whoever reads beyond is seen by a sanitizer. */
		uint8_t *copy = malloc(bytes + !bytes);

		if (!copy)
			return 1;
		memcpy(copy, input, bytes);
		LLVMFuzzerTestOneInput(copy, bytes);
		free(copy);
	}
	return 0;
}
