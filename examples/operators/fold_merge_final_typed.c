/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

struct reading {
	uint32_t station;
	double degrees;
};

WAX_MAP(to_reading, uint64_t, number, struct reading, reading)
{
	reading->station = (uint32_t)(*number % 2);
	reading->degrees = (double)*number / 2;
}

WAX_KEY(station_of, struct reading, reading, uint32_t, station)
{
	*station = reading->station;
}

WAX_FOLD(add_degrees, struct reading, reading, double, sum)
{
	*sum += reading->degrees;
}

WAX_FOLD(merge_degrees, double, other, double, sum)
{
	*sum += *other;
}

WAX_FLOW(fold_merge_final_typed, "Degrees of each station, added up where they arise")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream readings = wax_map_typed(numbers, "to_reading", &to_reading);
	struct wax_stream by_station = wax_key_on_typed(readings, "by_station", &station_of);
	struct wax_stream sums =
			wax_fold_merge_final_typed(by_station, "sum", &add_degrees, &merge_degrees);

	wax_output(sums, "out", wax_stdout("%k: %v"));
}
