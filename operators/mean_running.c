/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include "operators/running.h"

struct mean {
	double sum;
	uint64_t count;
};

#define DEFINE_MEAN(name, T)                                                                       \
	WAX_STATEFUL_MAP(name, T, in, struct mean, mean, double, out)                              \
	{                                                                                          \
		mean->sum += (double)*in;                                                          \
		mean->count++;                                                                     \
		*out = mean->sum / (double)mean->count;                                            \
	}

DEFINE_MEAN(mean_i32, int32_t)
DEFINE_MEAN(mean_u32, uint32_t)
DEFINE_MEAN(mean_i64, int64_t)
DEFINE_MEAN(mean_u64, uint64_t)
DEFINE_MEAN(mean_f64, double)

static const struct wax_op_class mean_running_class = WAX_RUNNING_CLASS("mean_running");

struct wax_stream wax_mean_running(struct wax_stream up, const char *id)
{
	static const struct wax_kernel *const kernels[] = {
			&mean_i32, &mean_u32, &mean_i64, &mean_u64, &mean_f64, NULL};

	return wax_running_of_numbers(up, id, &mean_running_class, kernels);
}
