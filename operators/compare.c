/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/compare.h"

#include <string.h>

#include "runtime/step.h"

static int compare_bytes(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	size_t bytes = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order = bytes ? memcmp(a->data, b->data, bytes) : 0;

	(void)ctx;
	return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

#define DEFINE_COMPARE(name, T)                                                                    \
	static int name(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)           \
	{                                                                                          \
		T x, y;                                                                            \
                                                                                                   \
		(void)ctx;                                                                         \
		memcpy(&x, a->data, sizeof(x));                                                    \
		memcpy(&y, b->data, sizeof(y));                                                    \
		return (x > y) - (x < y);                                                          \
	}

DEFINE_COMPARE(compare_i32, int32_t)
DEFINE_COMPARE(compare_u32, uint32_t)
DEFINE_COMPARE(compare_i64, int64_t)
DEFINE_COMPARE(compare_u64, uint64_t)

static int compare_f64(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	double x, y;

	(void)ctx;
	memcpy(&x, a->data, sizeof(x));
	memcpy(&y, b->data, sizeof(y));
	if (x != x || y != y)
		return (x == x) - (y == y);
	return (x > y) - (x < y);
}

wax_compare_fn wax_compare_for(const struct wax_type *type)
{
	const struct {
		const struct wax_type *type;
		wax_compare_fn compare;
	} numbers[] = {
			{WAX_I32, compare_i32},
			{WAX_U32, compare_u32},
			{WAX_I64, compare_i64},
			{WAX_U64, compare_u64},
			{WAX_F64, compare_f64},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (wax_type_same(numbers[i].type, type))
			return numbers[i].compare;
	}
	return compare_bytes;
}
