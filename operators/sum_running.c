/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include "operators/running.h"

/* U is the type that is added in: unsigned numbers wrap around. */
#define DEFINE_SUM(name, T, S, U)                                                                  \
	WAX_STATEFUL_MAP(name, T, in, S, sum, S, out)                                              \
	{                                                                                          \
		*sum = (S)((U)*sum + (U)*in);                                                      \
		*out = *sum;                                                                       \
	}

DEFINE_SUM(sum_i32, int32_t, int64_t, uint64_t)
DEFINE_SUM(sum_u32, uint32_t, uint64_t, uint64_t)
DEFINE_SUM(sum_i64, int64_t, int64_t, uint64_t)
DEFINE_SUM(sum_u64, uint64_t, uint64_t, uint64_t)
DEFINE_SUM(sum_f64, double, double, double)

static const struct wax_op_class sum_running_class = WAX_RUNNING_CLASS("sum_running");

struct wax_stream wax_sum_running(struct wax_stream up, const char *id)
{
	static const struct wax_kernel *const kernels[] = {
			&sum_i32, &sum_u32, &sum_i64, &sum_u64, &sum_f64, NULL};

	return wax_running_of_numbers(up, id, &sum_running_class, kernels);
}
