/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test of a flow, without a framework: prints what is wrong and says so in its exit status.
 *
 *     cc -o test_wordcount test_wordcount.c $(pkg-config --cflags --libs wax) && ./test_wordcount
 *
 * Explained in docs/how-to/test-a-flow.md.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <wax/test.h>
#include <wax/wax.h>

/* ---- What is tested: the part of a flow between its source and its sink */

static int split(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const char *text = line->value.data;
	size_t bytes = line->value.bytes;

	(void)ctx;
	for (size_t at = 0; at < bytes;) {
		size_t from = at;

		while (at < bytes && !isspace((unsigned char)text[at]))
			at++;
		if (at > from)
			wax_emit(out, text + from, at - from);
		at++;
	}
	return 0;
}

static struct wax_stream count_words(struct wax_stream lines)
{
	struct wax_stream words = wax_flat_map(lines, "split", WAX_TEXT, split, NULL);
	struct wax_stream by_word = wax_key_on(words, "by_word", WAX_TEXT, wax_key_self, NULL);

	return wax_count_final(by_word, "count");
}

/* ---- The test */

static struct wax_test_list *counted;

static void build(struct wax_flow *flow)
{
	static const char *const lines[] = {"to be or not", "", " to  be", NULL};
	struct wax_stream stream = wax_input(flow, "lines", wax_test_texts(lines, 1));

	wax_output(count_words(stream), "out", wax_test_sink(counted));
}

static int counts_words(uint32_t workers)
{
	const struct wax_type *type = WAX_KEYED(WAX_TEXT, WAX_U64);
	const char *expected = "be\t2\nnot\t1\nor\t1\nto\t2\n";
	struct wax_test_options options = {.size_bytes = sizeof(options), .workers = workers};
	struct wax_test_result *result = wax_test_run(build, &options);
	int good = result && result->status == 0;

	if (result && !good)
		printf("%u workers: %s: %s\n", workers, result->step, result->sentence);
	wax_test_list_sort(counted, type);
	if (good && strcmp(wax_test_list_text(counted, type), expected) != 0) {
		printf("%u workers:\n%s", workers, wax_test_list_text(counted, type));
		good = 0;
	}
	wax_test_list_clear(counted);
	wax_test_result_free(result);
	return good;
}

int main(void)
{
	int failed = 0;

	counted = wax_test_list_make();
	for (uint32_t workers = 0; workers <= 3; workers++)
		failed += !counts_words(workers);
	wax_test_list_free(counted);
	puts(failed ? "failed" : "passed");
	return failed;
}
