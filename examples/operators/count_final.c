/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

static int words(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const char *at = line->value.data, *end = at + line->value.bytes;

	(void)ctx;
	while (at < end) {
		const char *space = memchr(at, ' ', (size_t)(end - at));
		const char *word_end = space ? space : end;

		if (word_end > at)
			wax_emit(out, at, (size_t)(word_end - at));
		at = word_end + 1;
	}
	return 0;
}

WAX_FLOW(count_final, "How often each word is there")
{
	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines("text.txt"));
	struct wax_stream split = wax_flat_map(lines, "words", WAX_TEXT, words, NULL);
	struct wax_stream by_word = wax_key_on(split, "by_word", WAX_TEXT, wax_key_self, NULL);

	wax_output(wax_count_final(by_word, "count"), "out", wax_stdout("%v %k"));
}
