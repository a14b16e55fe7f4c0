/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include "operators/running.h"

#define DEFINE_BEST(name, T, is_better)                                                            \
	struct name {                                                                              \
		T kept;                                                                            \
		uint32_t begun;                                                                    \
	};                                                                                         \
	WAX_STATEFUL_MAP(name, T, in, struct name, best, T, out)                                   \
	{                                                                                          \
		T value = *in, kept = best->kept;                                                  \
                                                                                                   \
		if (!best->begun || (is_better))                                                   \
			best->kept = kept = value;                                                 \
		best->begun = 1;                                                                   \
		*out = kept;                                                                       \
	}

DEFINE_BEST(min_i32, int32_t, value < kept)
DEFINE_BEST(max_i32, int32_t, value > kept)
DEFINE_BEST(min_u32, uint32_t, value < kept)
DEFINE_BEST(max_u32, uint32_t, value > kept)
DEFINE_BEST(min_i64, int64_t, value < kept)
DEFINE_BEST(max_i64, int64_t, value > kept)
DEFINE_BEST(min_u64, uint64_t, value < kept)
DEFINE_BEST(max_u64, uint64_t, value > kept)
/* What is not a number gives way to any that is, as in min_final. */
DEFINE_BEST(min_f64, double, value < kept || kept != kept)
DEFINE_BEST(max_f64, double, value > kept || kept != kept)

static const struct wax_op_class min_running_class = WAX_RUNNING_CLASS("min_running");
static const struct wax_op_class max_running_class = WAX_RUNNING_CLASS("max_running");

struct wax_stream wax_min_running(struct wax_stream up, const char *id)
{
	static const struct wax_kernel *const kernels[] = {
			&min_i32, &min_u32, &min_i64, &min_u64, &min_f64, NULL};

	return wax_running_of_numbers(up, id, &min_running_class, kernels);
}

struct wax_stream wax_max_running(struct wax_stream up, const char *id)
{
	static const struct wax_kernel *const kernels[] = {
			&max_i32, &max_u32, &max_i64, &max_u64, &max_f64, NULL};

	return wax_running_of_numbers(up, id, &max_running_class, kernels);
}
