/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least, mean and greatest temperature of each weather station, from rows such as
 * "Hamburg;12.3": the one billion row challenge.
 *
 *     waxrun brc.so -- --in measurements.txt | sort
 *
 * Prints "Hamburg<TAB>-3.1<TAB>9.7<TAB>31.0". Sums are of whole tenths, so they are exact; a mean
 * is rounded to one decimal as printf("%.1f") does it, in C as in awk.
 */
#include <inttypes.h>
#include <stdio.h>

#include <wax/wax.h>

/* Temperatures are in tenths of a degree. */
struct stats {
	int64_t sum;
	uint64_t count;
	int32_t min;
	int32_t max;
};

static int print_stats(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct stats *stats = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%.1f\t%.1f\t%.1f", stats->min / 10.0,
			(double)stats->sum / (10.0 * (double)stats->count), stats->max / 10.0);
}

/*
 * Read a row from its end, where everything has its place: "9.9", "-9.9", "99.9" or "-99.9". What
 * kind it is goes into the arithmetic: a branch on it would be guessed wrong every other time.
 *
 * @return bytes of the name; 0: it is no such row
 */
static inline size_t parse_row(const char *row, size_t bytes, int32_t *tenths)
{
	const char *end = row + bytes;

	if (bytes < 5) /* "a;9.9" */
		return 0;

	unsigned last = (unsigned char)end[-1] - '0', ones = (unsigned char)end[-3] - '0';
	unsigned tens = (unsigned char)end[-4] - '0';
	size_t has_tens = tens < 10;
	size_t negative = end[-4 - (ptrdiff_t)has_tens] == '-';
	size_t number_bytes = 3 + has_tens + negative;

	if (bytes < number_bytes + 2)
		return 0;
	if (last > 9 || ones > 9 || end[-2] != '.' || end[-1 - (ptrdiff_t)number_bytes] != ';')
		return 0;

	int32_t value = (int32_t)(last + 10 * ones + 100 * (has_tens ? tens : 0));

	*tenths = negative ? -value : value;
	return bytes - number_bytes - 1;
}

/* A row is (station, statistics of one measurement): all that follows is adding them up. */
static int parse(struct wax_out *out, const struct wax_batch *rows, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < rows->count; i++) {
		struct wax_bytes row = wax_batch_value(rows, i);
		int32_t tenths;
		size_t name_bytes = parse_row(row.data, row.bytes, &tenths);

		if (name_bytes == 0)
			return wax_fail(out, "the row \"%.*s\" is not \"station;12.3\"",
					row.bytes < 128 ? (int)row.bytes : 128,
					(const char *)row.data);

		struct stats stats = {tenths, 1, tenths, tenths};

		wax_emit_kv(out, row.data, name_bytes, &stats, sizeof(stats));
	}
	return 0;
}

static int add(void *acc, const void *value, void *ctx)
{
	struct stats *sum = acc;
	const struct stats *more = value;

	(void)ctx;
	sum->sum += more->sum;
	sum->count += more->count;
	sum->min = more->min < sum->min ? more->min : sum->min;
	sum->max = more->max > sum->max ? more->max : sum->max;
	return 0;
}

WAX_FLOW(brc, "Least, mean and greatest temperature of each weather station")
{
	const char *in = wax_arg_path(flow, "in", "rows to read: station;12.3", WAX_REQUIRED);
	const struct wax_type *row =
			WAX_KEYED(WAX_TEXT, WAX_STRUCT_PRINT(struct stats, print_stats));

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream rows = wax_flat_map_batch(lines, "parse", row, parse, NULL);
	struct wax_stream stats = wax_reduce_final(rows, "add", add, NULL);

	wax_output(stats, "out", wax_stdout("%k\t%v"));
}
