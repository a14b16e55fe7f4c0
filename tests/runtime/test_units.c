/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runtime/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct amount {
	const char *text;
	uint64_t value;
};

Test(units, sizes_are_multiples_of_1024)
{
	static const struct amount rows[] = {
			{"0", 0},
			{"1", 1},
			{"4096", 4096},
			{"512B", 512},
			{"64K", 65536},
			{"64k", 65536},
			{"512KiB", 524288},
			{"1.5M", 1572864},
			{"4G", UINT64_C(4) << 30},
			{"1TiB", UINT64_C(1) << 40},
			{"007", 7},
			{"18446744073709551615", UINT64_MAX},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bytes = 99;

		cr_assert_eq(wax_units_parse_bytes(rows[i].text, &bytes, NULL), 0, "%s",
				rows[i].text);
		cr_assert_eq(bytes, rows[i].value, "%s: %" PRIu64, rows[i].text, bytes);
	}
}

Test(units, durations_are_nanoseconds)
{
	static const struct amount rows[] = {
			{"0", 0},
			{"0s", 0},
			{"7ns", 7},
			{"100us", 100000},
			{"250ms", 250000000},
			{"10s", UINT64_C(10000000000)},
			{"1.5s", UINT64_C(1500000000)},
			{"0.000000001s", 1},
			{"0.0000000019s", 1},
			{"2m", UINT64_C(120000000000)},
			{"1h", UINT64_C(3600000000000)},
			{"1d", UINT64_C(86400000000000)},
			{"0.3333333333333333333333333s", 333333333},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 99;

		cr_assert_eq(wax_units_parse_duration(rows[i].text, &ns, NULL), 0, "%s",
				rows[i].text);
		cr_assert_eq((uint64_t)ns, rows[i].value, "%s: %" PRId64, rows[i].text, ns);
	}
}

Test(units, counts_are_multiples_of_1000)
{
	static const struct amount rows[] = {
			{"0", 0},
			{"123", 123},
			{"64K", 64000},
			{"1.5M", 1500000},
			{"100M", 100000000},
			{"2G", UINT64_C(2000000000)},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t count = 99;

		cr_assert_eq(wax_units_parse_count(rows[i].text, &count, NULL), 0, "%s",
				rows[i].text);
		cr_assert_eq(count, rows[i].value, "%s", rows[i].text);
	}
}

Test(units, a_bare_number_is_no_duration)
{
	struct wax_err err = {0};
	int64_t ns = 99;

	cr_assert_eq(wax_units_parse_duration("10", &ns, &err), -EINVAL);
	cr_assert_eq(ns, 99, "written on success only");
	cr_assert_str_eq(err.text,
			"'10' has no unit: write a number and its unit (ns, us, ms, s, m, h or d), "
			"such as 250ms, 1.5s or 2m");
}

Test(units, a_sentence_says_what_is_accepted)
{
	struct wax_err err = {0};
	uint64_t bytes = 99;

	cr_assert_eq(wax_units_parse_bytes("64KB", &bytes, &err), -EINVAL);
	cr_assert_eq(err.code, -EINVAL);
	cr_assert_eq(bytes, 99, "written on success only");
	cr_assert_str_eq(err.text,
			"'64KB' is no size: write a number of bytes, or one with K, M, G or T "
			"(multiples of 1024), such as 64K, 512KiB or 4G");
}

Test(units, what_is_no_number_with_a_unit_is_refused)
{
	static const char *const texts[] = {
			"",
			" ",
			"x",
			"K",
			"-1",
			"+1",
			"-1K",
			"1 K",
			" 1K",
			"1K ",
			"1KK",
			"1.K",
			".5K",
			"1.5",
			"1.5B",
			"1..5K",
			"1,5K",
			"0x10",
			"1e6",
			"1KB",
			"1kb",
			"1kib",
			"1P",
			"inf",
			"nan",
			"1\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		uint64_t bytes;

		cr_assert_eq(wax_units_parse_bytes(texts[i], &bytes, NULL), -EINVAL, "'%s'",
				texts[i]);
	}
}

Test(units, what_is_no_duration_is_refused)
{
	static const char *const texts[] = {
			"",
			"s",
			"-1s",
			"+1s",
			"1 s",
			"1S",
			"1sec",
			"1M",
			"1.5ns",
			"1s1ms",
			"1.",
			"0.5",
			"infinity",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		int64_t ns;

		cr_assert_eq(wax_units_parse_duration(texts[i], &ns, NULL), -EINVAL, "'%s'",
				texts[i]);
	}
}

Test(units, whole_numbers_have_digits_only)
{
	uint64_t number = 99;

	cr_assert_eq(wax_units_parse_number("12", &number, NULL), 0);
	cr_assert_eq(number, 12);
	cr_assert_eq(wax_units_parse_number("12K", &number, NULL), -EINVAL);
	cr_assert_eq(wax_units_parse_number("1.0", &number, NULL), -EINVAL);
	cr_assert_eq(wax_units_parse_number("", &number, NULL), -EINVAL);
}

Test(units, what_does_not_fit_is_too_large)
{
	struct wax_err err = {0};
	uint64_t value;
	int64_t ns;

	cr_assert_eq(wax_units_parse_bytes("18446744073709551616", &value, NULL), -ERANGE);
	cr_assert_eq(wax_units_parse_bytes("16777216T", &value, NULL), -ERANGE);
	cr_assert_eq(wax_units_parse_bytes("16777215T", &value, NULL), 0);
	cr_assert_eq(wax_units_parse_bytes("99999999999999999999999999", &value, NULL), -ERANGE);
	cr_assert_eq(wax_units_parse_count("18446744074G", &value, NULL), -ERANGE);
	cr_assert_eq(wax_units_parse_duration("106751d", &ns, NULL), 0);
	cr_assert_eq(wax_units_parse_duration("106752d", &ns, &err), -ERANGE);
	cr_assert(strstr(err.text, "'106752d' is too large for a duration"), "%s", err.text);
	cr_assert_eq(wax_units_parse_duration("9223372036854775807ns", &ns, NULL), 0);
	cr_assert_eq(ns, INT64_MAX);
	cr_assert_eq(wax_units_parse_duration("9223372036854775808ns", &ns, NULL), -ERANGE);
}

Test(units, bytes_print_with_one_decimal_at_most)
{
	cr_assert_str_eq(wax_units_print_bytes(0).text, "0B");
	cr_assert_str_eq(wax_units_print_bytes(1023).text, "1023B");
	cr_assert_str_eq(wax_units_print_bytes(1024).text, "1KiB");
	cr_assert_str_eq(wax_units_print_bytes(65536).text, "64KiB");
	cr_assert_str_eq(wax_units_print_bytes(1572864).text, "1.5MiB");
	cr_assert_str_eq(wax_units_print_bytes(1048575).text, "1MiB");
	cr_assert_str_eq(wax_units_print_bytes(UINT64_C(100) << 30).text, "100GiB");
	cr_assert_str_eq(wax_units_print_bytes(UINT64_MAX).text, "16777216TiB");
}

Test(units, printed_powers_of_two_are_read_back)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		uint64_t bytes = UINT64_C(1) << shift;
		uint64_t again = 0;

		cr_assert_eq(wax_units_parse_bytes(wax_units_print_bytes(bytes).text, &again, NULL),
				0);
		cr_assert_eq(again, bytes);
	}
}

Test(units, rates_have_three_digits)
{
	cr_assert_str_eq(wax_units_print_rate(0).text, "0/s");
	cr_assert_str_eq(wax_units_print_rate(0.25).text, "0.25/s");
	cr_assert_str_eq(wax_units_print_rate(512).text, "512/s");
	cr_assert_str_eq(wax_units_print_rate(999.6).text, "1.00K/s");
	cr_assert_str_eq(wax_units_print_rate(42100).text, "42.1K/s");
	cr_assert_str_eq(wax_units_print_rate(4210000).text, "4.21M/s");
	cr_assert_str_eq(wax_units_print_rate(999.9e6).text, "1.00G/s");
}

Test(units, a_rate_that_is_no_number_prints_as_a_dash)
{
	cr_assert_str_eq(wax_units_print_rate(NAN).text, "-/s");
	cr_assert_str_eq(wax_units_print_rate(INFINITY).text, "-/s");
	cr_assert_str_eq(wax_units_print_rate(-1).text, "-/s");
	cr_assert_str_eq(wax_units_print_rate(1e300).text, "-/s");
}

Test(units, counts_print_every_digit_or_three)
{
	cr_assert_str_eq(wax_units_print_count(0).text, "0");
	cr_assert_str_eq(wax_units_print_count(999).text, "999");
	cr_assert_str_eq(wax_units_print_count(1234567).text, "1,234,567");
	cr_assert_str_eq(wax_units_print_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	cr_assert_str_eq(wax_units_print_count_short(0).text, "0");
	cr_assert_str_eq(wax_units_print_count_short(999).text, "999");
	cr_assert_str_eq(wax_units_print_count_short(1000).text, "1.00K");
	cr_assert_str_eq(wax_units_print_count_short(4200000).text, "4.20M");
	cr_assert_str_eq(wax_units_print_count_short(UINT64_MAX).text, "18.4E");
}

Test(units, times_print_in_the_unit_that_fits)
{
	cr_assert_str_eq(wax_units_print_seconds(0).text, "0.0s");
	cr_assert_str_eq(wax_units_print_seconds(90).text, "90ns");
	cr_assert_str_eq(wax_units_print_seconds(250000).text, "250us");
	cr_assert_str_eq(wax_units_print_seconds(1500000).text, "1.5ms");
	cr_assert_str_eq(wax_units_print_seconds(999949999).text, "999.9ms");
	cr_assert_str_eq(wax_units_print_seconds(999950000).text, "1.0s");
	cr_assert_str_eq(wax_units_print_seconds(INT64_C(12000000000)).text, "12.0s");
	cr_assert_str_eq(wax_units_print_seconds(INT64_C(754300000000)).text, "754.3s");
	cr_assert_str_eq(wax_units_print_seconds(INT64_C(3600000000000)).text, "1h00m00s");
	cr_assert_str_eq(wax_units_print_seconds(INT64_C(10000400000000)).text, "2h46m40s");
	cr_assert_str_eq(wax_units_print_seconds(-1500000).text, "-1.5ms");
	cr_assert_str_eq(wax_units_print_seconds(INT64_MIN).text, "-2562047h47m17s");
}

Test(units, printed_durations_are_exact_and_read_back)
{
	static const struct amount rows[] = {
			{"0", 0},
			{"7ns", 7},
			{"1500ms", UINT64_C(1500000000)},
			{"10s", UINT64_C(10000000000)},
			{"2m", UINT64_C(120000000000)},
			{"1d", UINT64_C(86400000000000)},
			{"9223372036854775807ns", INT64_MAX},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wax_units_text text = wax_units_print_duration((int64_t)rows[i].value);
		int64_t ns = -1;

		cr_assert_str_eq(text.text, rows[i].text);
		cr_assert_eq(wax_units_parse_duration(text.text, &ns, NULL), 0);
		cr_assert_eq((uint64_t)ns, rows[i].value);
	}
}
