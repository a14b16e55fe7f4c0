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

/* How much warmer it is than at the reading before. */
WAX_STATEFUL_MAP(change, struct reading, reading, double, last, double, out)
{
	*out = reading->degrees - *last;
	*last = reading->degrees;
}

WAX_FLOW(stateful_map_typed, "Changes from reading to reading")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream readings = wax_map_typed(numbers, "to_reading", &to_reading);
	struct wax_stream by_station = wax_key_on_typed(readings, "by_station", &station_of);
	struct wax_stream changes = wax_stateful_map_typed(by_station, "change", &change);

	wax_output(changes, "out", wax_stdout("%k: %v"));
}
