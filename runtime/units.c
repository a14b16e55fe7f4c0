/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/units.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <wax/err.h>

struct unit {
	const char *name;
	uint64_t factor; /* of the smallest unit */
};

/* How one kind of quantity is written: what parse() reads, and the sentence when it cannot. */
struct grammar {
	const char *what;
	const char *accepted;
	const struct unit *units; /* ends at a NULL name */
	uint64_t value_max;
	bool needs_unit;
};

#define KIBI (UINT64_C(1) << 10)
#define MEBI (UINT64_C(1) << 20)
#define GIBI (UINT64_C(1) << 30)
#define TEBI (UINT64_C(1) << 40)

#define THOUSAND UINT64_C(1000)
#define MILLION UINT64_C(1000000)
#define BILLION UINT64_C(1000000000)

static const struct unit byte_units[] = {
		{"B", 1},
		{"K", KIBI},
		{"k", KIBI},
		{"KiB", KIBI},
		{"M", MEBI},
		{"m", MEBI},
		{"MiB", MEBI},
		{"G", GIBI},
		{"g", GIBI},
		{"GiB", GIBI},
		{"T", TEBI},
		{"t", TEBI},
		{"TiB", TEBI},
		{NULL, 0},
};

/* Largest last: printing takes the last one that divides. */
static const struct unit duration_units[] = {
		{"ns", 1},
		{"us", THOUSAND},
		{"ms", MILLION},
		{"s", BILLION},
		{"m", UINT64_C(60000000000)},
		{"h", UINT64_C(3600000000000)},
		{"d", UINT64_C(86400000000000)},
		{NULL, 0},
};

static const struct unit count_units[] = {
		{"K", THOUSAND},
		{"k", THOUSAND},
		{"M", MILLION},
		{"G", BILLION},
		{NULL, 0},
};

static const struct unit no_units[] = {{NULL, 0}};

static const struct grammar byte_grammar = {
		.what = "size",
		.accepted = "a number of bytes, or one with K, M, G or T (multiples of 1024), "
			    "such as 64K, 512KiB or 4G",
		.units = byte_units,
		.value_max = UINT64_MAX,
};

static const struct grammar duration_grammar = {
		.what = "duration",
		.accepted = "a number and its unit (ns, us, ms, s, m, h or d), "
			    "such as 250ms, 1.5s or 2m",
		.units = duration_units,
		.value_max = INT64_MAX,
		.needs_unit = true,
};

static const struct grammar count_grammar = {
		.what = "count",
		.accepted = "a whole number, or one with K, M or G (multiples of 1000), "
			    "such as 64K or 1.5M",
		.units = count_units,
		.value_max = UINT64_MAX,
};

static const struct grammar number_grammar = {
		.what = "whole number",
		.accepted = "decimal digits, such as 4",
		.units = no_units,
		.value_max = UINT64_MAX,
};

/* A decimal as written: whole + fraction / scale. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale; /* a power of ten; 1 without a fraction */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int refuse(const struct grammar *grammar, const char *text, struct wax_err *err)
{
	return wax_err_set(err, -EINVAL, "'%s' is no %s: write %s", text, grammar->what,
			grammar->accepted);
}

static int refuse_too_large(const struct grammar *grammar, const char *text, struct wax_err *err)
{
	return wax_err_set(err, -ERANGE, "'%s' is too large for a %s: write %s", text,
			grammar->what, grammar->accepted);
}

/* Digits and perhaps a point and digits; *ret_rest is what follows. */
static int parse_decimal(const char *text, struct decimal *ret_decimal, const char **ret_rest)
{
	struct decimal decimal = {.scale = 1};
	const char *p = text;

	if (!is_digit(*p))
		return -EINVAL;

	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(decimal.whole, 10, &decimal.whole) ||
				__builtin_add_overflow(decimal.whole, (uint64_t)(*p - '0'),
						&decimal.whole))
			return -ERANGE;
	}

	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		/* Digits beyond the 18th weigh less than one nanosecond of a day. */
		for (; is_digit(*p); p++) {
			if (decimal.scale >= UINT64_C(1000000000000000000))
				continue;
			decimal.fraction = decimal.fraction * 10 + (uint64_t)(*p - '0');
			decimal.scale *= 10;
		}
	}

	*ret_decimal = decimal;
	*ret_rest = p;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++) {
		if (strcmp(units->name, name) == 0)
			return units;
	}
	return NULL;
}

/* decimal * factor, cut off below 1; -ERANGE above value_max. */
static int scale_decimal(const struct decimal *decimal, uint64_t factor, uint64_t value_max,
		uint64_t *ret_value)
{
	/* 128 bits: the fraction is below 10^18, a factor below 2^47. */
	unsigned __int128 value = (unsigned __int128)decimal->whole * factor +
			(unsigned __int128)decimal->fraction * factor / decimal->scale;

	if (value > value_max)
		return -ERANGE;

	*ret_value = (uint64_t)value;
	return 0;
}

static int parse(const struct grammar *grammar, const char *text, uint64_t *ret_value,
		struct wax_err *err)
{
	struct decimal decimal;
	const char *rest;
	int rc = parse_decimal(text, &decimal, &rest);

	if (rc == -ERANGE)
		return refuse_too_large(grammar, text, err);
	if (rc < 0)
		return refuse(grammar, text, err);

	uint64_t factor = 1;

	if (*rest != '\0') {
		const struct unit *unit = find_unit(grammar->units, rest);

		if (!unit)
			return refuse(grammar, text, err);
		factor = unit->factor;
	} else if (grammar->needs_unit && (decimal.whole != 0 || decimal.fraction != 0)) {
		return wax_err_set(err, -EINVAL, "'%s' has no unit: write %s", text,
				grammar->accepted);
	}
	if (decimal.scale != 1 && factor == 1)
		return refuse(grammar, text, err);

	rc = scale_decimal(&decimal, factor, grammar->value_max, ret_value);
	if (rc < 0)
		return refuse_too_large(grammar, text, err);
	return 0;
}

int wax_units_parse_bytes(const char *text, uint64_t *ret_bytes, struct wax_err *err)
{
	return parse(&byte_grammar, text, ret_bytes, err);
}

int wax_units_parse_duration(const char *text, int64_t *ret_ns, struct wax_err *err)
{
	uint64_t ns;
	int rc = parse(&duration_grammar, text, &ns, err);

	if (rc < 0)
		return rc;

	*ret_ns = (int64_t)ns;
	return 0;
}

int wax_units_parse_count(const char *text, uint64_t *ret_count, struct wax_err *err)
{
	return parse(&count_grammar, text, ret_count, err);
}

int wax_units_parse_number(const char *text, uint64_t *ret_number, struct wax_err *err)
{
	return parse(&number_grammar, text, ret_number, err);
}

/* One decimal, left out when it is 0. */
static void print_one_decimal(struct wax_units_text *out, double value, const char *unit)
{
	snprintf(out->text, sizeof(out->text), "%.1f", value);

	size_t length = strlen(out->text);

	if (length > 2 && out->text[length - 1] == '0')
		length -= 2;
	snprintf(out->text + length, sizeof(out->text) - length, "%s", unit);
}

struct wax_units_text wax_units_print_bytes(uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	struct wax_units_text out;
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out.text, sizeof(out.text), "%" PRIu64 "B", bytes);
		return out;
	}

	/* 1023.95 would print as 1024.0 of the smaller unit. */
	for (; value >= 1023.95 && i + 1 < sizeof(names) / sizeof(names[0]); i++)
		value /= 1024;
	print_one_decimal(&out, value, names[i]);
	return out;
}

/* Three digits and K, M, G, T; whole numbers below 1000 without a point. */
static void print_three_digits(struct wax_units_text *out, double value, const char *suffix)
{
	static const char *const names[] = {"", "K", "M", "G", "T", "P", "E"};
	size_t i = 0;

	for (; value >= 999.5 && i + 1 < sizeof(names) / sizeof(names[0]); i++)
		value /= 1000;

	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	if (i == 0 && value == (double)(unsigned)value)
		decimals = 0;
	snprintf(out->text, sizeof(out->text), "%.*f%s%s", decimals, value, names[i], suffix);
}

struct wax_units_text wax_units_print_rate(double per_second)
{
	struct wax_units_text out;

	if (isfinite(per_second) && per_second >= 0 && per_second < 1e21)
		print_three_digits(&out, per_second, "/s");
	else
		snprintf(out.text, sizeof(out.text), "-/s");
	return out;
}

struct wax_units_text wax_units_print_count(uint64_t count)
{
	char digits[24];
	struct wax_units_text out;
	size_t digit_count = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t at = 0;

	for (size_t i = 0; i < digit_count; i++) {
		if (i > 0 && (digit_count - i) % 3 == 0)
			out.text[at++] = ',';
		out.text[at++] = digits[i];
	}
	out.text[at] = '\0';
	return out;
}

struct wax_units_text wax_units_print_count_short(uint64_t count)
{
	struct wax_units_text out;

	print_three_digits(&out, (double)count, "");
	return out;
}

/* Below an hour: one decimal of the unit that fits; from a second on the decimal always stands,
 * so that a column of times does not jump.
 */
static void print_below_an_hour(struct wax_units_text *out, uint64_t ns)
{
	if (ns > 0 && ns < 1000)
		snprintf(out->text, sizeof(out->text), "%" PRIu64 "ns", ns);
	else if (ns == 0)
		snprintf(out->text, sizeof(out->text), "0.0s");
	else if (ns < UINT64_C(999950))
		print_one_decimal(out, (double)ns / 1e3, "us");
	else if (ns < UINT64_C(999950000))
		print_one_decimal(out, (double)ns / 1e6, "ms");
	else
		snprintf(out->text, sizeof(out->text), "%.1fs", (double)ns / 1e9);
}

struct wax_units_text wax_units_print_seconds(int64_t ns)
{
	struct wax_units_text out;
	uint64_t amount = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (amount < UINT64_C(3599950000000)) {
		print_below_an_hour(&out, amount);
	} else {
		uint64_t s = amount / BILLION + (amount % BILLION >= BILLION / 2);

		snprintf(out.text, sizeof(out.text), "%" PRIu64 "h%02um%02us", s / 3600,
				(unsigned)(s / 60 % 60), (unsigned)(s % 60));
	}

	if (ns < 0) {
		memmove(out.text + 1, out.text, sizeof(out.text) - 1);
		out.text[0] = '-';
		out.text[sizeof(out.text) - 1] = '\0';
	}
	return out;
}

struct wax_units_text wax_units_print_duration(int64_t ns)
{
	struct wax_units_text out;
	const struct unit *best = &duration_units[0];

	if (ns == 0) {
		snprintf(out.text, sizeof(out.text), "0");
		return out;
	}

	for (const struct unit *unit = duration_units; unit->name; unit++) {
		if (ns % (int64_t)unit->factor == 0)
			best = unit;
	}
	snprintf(out.text, sizeof(out.text), "%" PRId64 "%s", ns / (int64_t)best->factor,
			best->name);
	return out;
}
