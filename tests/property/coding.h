/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROPERTY_CODING_H
#define TESTS_PROPERTY_CODING_H

#include <wax/wax.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number written as various types, with bytes that follow from it and are checked when it is
 * read: for random_graph. */

enum {
	TEXT_BYTES_MAX = 2048,
	BIG_BYTES = 700,
};

enum coding {
	AS_U64,
	AS_TEXT,
	AS_RECORD,
	AS_BIG,
	CODING_COUNT,
};

struct record {
	uint32_t check;
	uint32_t reserved;
	uint64_t number;
};

struct big {
	uint64_t number;
	uint8_t fill[BIG_BYTES - 4];
};

union written {
	uint64_t number;
	struct record record;
	struct big big;
	char text[TEXT_BYTES_MAX];
};

static inline uint32_t check_of(uint64_t number)
{
	return (uint32_t)(number * 2654435761u >> 7);
}

/* Most are short; 0 has no bytes at all; some are larger than a small slab. */
static inline size_t pad_of(uint64_t number)
{
	return number % 211 == 1 ? 1700 : number % 13;
}

static inline size_t write_text(char *text, uint64_t number)
{
	if (number == 0)
		return 0;
	size_t bytes = (size_t)sprintf(text, "%" PRIu64, number);
	memset(text + bytes, '.', pad_of(number));
	return bytes + pad_of(number);
}

static inline size_t write_number(union written *to, enum coding coding, uint64_t number)
{
	switch (coding) {
	case AS_U64:
		to->number = number;
		return sizeof(to->number);
	case AS_TEXT:
		return write_text(to->text, number);
	case AS_RECORD:
		to->record = (struct record){check_of(number), 7, number};
		return sizeof(to->record);
	default:
		to->big.number = number;
		memset(to->big.fill, (int)(check_of(number) & 0xff), sizeof(to->big.fill));
		return sizeof(to->big);
	}
}

static inline _Noreturn void die(const char *why)
{
	fprintf(stderr, "random_graph: %s\n", why);
	abort();
}

static inline uint64_t read_text(struct wax_bytes from)
{
	const char *text = from.data;
	uint64_t number = 0;
	size_t at = 0;
	for (; at < from.bytes && text[at] >= '0' && text[at] <= '9'; at++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	if (from.bytes == 0)
		return 0;
	if (from.bytes - at != pad_of(number))
		die("a text of the wrong length");
	for (; at < from.bytes; at++) {
		if (text[at] != '.')
			die("a text with wrong bytes");
	}
	return number;
}

static inline uint64_t read_number(struct wax_bytes from, enum coding coding)
{
	const struct record *record = from.data;
	const struct big *big = from.data;
	switch (coding) {
	case AS_U64:
		if (from.bytes != sizeof(uint64_t) || (uintptr_t)from.data % 8)
			die("a number of the wrong size or place");
		return *(const uint64_t *)from.data;
	case AS_TEXT:
		return read_text(from);
	case AS_RECORD:
		if (from.bytes != sizeof(*record) || record->check != check_of(record->number) ||
				record->reserved != 7)
			die("a damaged record");
		return record->number;
	default:
		if (from.bytes != sizeof(*big))
			die("a large record of the wrong size");
		for (size_t i = 0; i < sizeof(big->fill); i++) {
			if (big->fill[i] != (uint8_t)check_of(big->number))
				die("a damaged large record");
		}
		return big->number;
	}
}

static inline const struct wax_type *type_of(enum coding coding)
{
	switch (coding) {
	case AS_U64:
		return WAX_U64;
	case AS_TEXT:
		return WAX_TEXT;
	case AS_RECORD:
		return WAX_STRUCT(struct record);
	default:
		return WAX_STRUCT(struct big);
	}
}

#endif
