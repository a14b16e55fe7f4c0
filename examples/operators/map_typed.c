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

WAX_MAP(fahrenheit, struct reading, reading, double, degrees)
{
	*degrees = reading->degrees * 9 / 5 + 32;
}

WAX_FLOW(map_typed, "Degrees of made-up readings")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream readings = wax_map_typed(numbers, "to_reading", &to_reading);

	wax_output(wax_map_typed(readings, "fahrenheit", &fahrenheit), "out", wax_stdout("%v"));
}
