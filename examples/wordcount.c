/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Count the words of a text. A word is a run of the letters A to Z and a to z, in the case that it
 * has.
 *
 *     waxrun wordcount.so -- --in book.txt | sort
 */
#include <string.h>

#include <wax/wax.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static int is_letter(char c)
{
	return (unsigned)((c | 0x20) - 'a') < 26;
}

/*
 * How many letters stand at `at`, before `end`. Eight bytes are looked at together: in each, the
 * high bit says whether the byte is at least 'a', or greater than 'z', without carrying into the
 * next.
 */
static size_t letters_at(const char *at, const char *end)
{
	const char *start = at;

	for (; end - at >= 8; at += 8) {
		uint64_t bytes, lower, others;

		memcpy(&bytes, at, 8);
		lower = (bytes | EACH_BYTE(0x20)) & EACH_BYTE(0x7f);
		others = ~(lower + EACH_BYTE(0x80 - 'a')) | (lower + EACH_BYTE(0x7f - 'z')) | bytes;
		others &= EACH_BYTE(0x80);
		if (others)
			return (size_t)(at - start) + (size_t)__builtin_ctzll(others) / 8;
	}
	while (at < end && is_letter(*at))
		at++;
	return (size_t)(at - start);
}

/* Emit the words of a line. They lie in it, so they are passed on without a copy. */
static int split(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const char *at = (const char *)line->value.data;
	const char *end = at + line->value.bytes;

	(void)ctx;
	for (;;) {
		while (at < end && !is_letter(*at))
			at++;
		if (at == end)
			return 0;

		size_t letters = letters_at(at, end);

		wax_emit(out, at, letters);
		at += letters;
	}
}

WAX_FLOW(wordcount, "Count the words of a text")
{
	const char *in = wax_arg_path(flow, "in", "text to read", WAX_REQUIRED);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream words = wax_flat_map(lines, "split", WAX_TEXT, split, NULL);
	struct wax_stream by_word = wax_key_on(words, "by_word", WAX_TEXT, wax_key_self, NULL);
	struct wax_stream counts = wax_count_final(by_word, "count");

	wax_output(counts, "out", wax_stdout("%k\t%v"));
}
