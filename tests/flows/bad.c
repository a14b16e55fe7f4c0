/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, a line each, summed by their last digit: one step cannot read all of them, one does not
 * like all of them. Both stand in a scope. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

static int parse(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	char text[24] = "", *end;
	uint64_t number;

	(void)ctx;
	if (line->value.bytes == 0 || line->value.bytes >= sizeof(text))
		return wax_fail(out, "%zu letters are no number", line->value.bytes);
	memcpy(text, line->value.data, line->value.bytes);
	number = strtoull(text, &end, 10);
	if (*end)
		return wax_fail(out, "no number");
	return wax_emit(out, &number, sizeof(number));
}

static int like(const struct wax_item *item, void *ctx)
{
	uint64_t number;

	(void)ctx;
	memcpy(&number, item->value.data, sizeof(number));
	return number == 13 ? -1 : 1;
}

static int last_digit(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number;

	(void)ctx;
	memcpy(&number, item->value.data, sizeof(number));
	number %= 10;
	return wax_emit(out, &number, sizeof(number));
}

static int add(void *acc, const void *value, void *ctx)
{
	uint64_t sum, number;

	(void)ctx;
	memcpy(&sum, acc, sizeof(sum));
	memcpy(&number, value, sizeof(number));
	sum += number;
	memcpy(acc, &sum, sizeof(sum));
	return 0;
}

static struct wax_stream read_numbers(struct wax_stream lines, const char *id)
{
	struct wax_stream numbers;

	wax_scope_begin(lines.flow, id);
	numbers = wax_map(lines, "parse", WAX_U64, parse, NULL);
	numbers = wax_filter(numbers, "like", like, NULL);
	wax_scope_end(lines.flow);
	return numbers;
}

WAX_FLOW(bad, "Sum numbers by their last digit")
{
	const char *in = wax_arg_path(flow, "in", "numbers, a line each", WAX_REQUIRED);
	const char *letters = wax_arg_path(flow, "letters", "file for lines that are none", NULL);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream numbers = read_numbers(lines, "read");

	if (letters)
		wax_on_error_dlq(numbers, letters);

	struct wax_stream keyed = wax_key_on(numbers, "digit", WAX_U64, last_digit, NULL);
	struct wax_stream sums = wax_reduce_final(keyed, "sum", add, NULL);

	wax_output(sums, "out", wax_stdout(NULL));
}
