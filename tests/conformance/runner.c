/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/connector.h"
#include "runtime/flow.h"

#define SECOND INT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { OUTPUTS_MAX = 4, WORKERS_MAX = 3, SHARED_BYTES = 4096, TEXT_BYTES = 4096 };

static const struct row *const tables[] = {stateless_rows, keyed_rows, collect_rows, join_rows,
		enrich_rows, input_rows, output_rows, execution_rows, recovery_rows};

/* The row that runs. */
static const struct row *row;
static uint32_t run_index;
static struct wax_test_list *lists[OUTPUTS_MAX];
static const struct wax_type *types[OUTPUTS_MAX];
static uint32_t output_count;
static struct wax_test_clock *hand_clock;
static void *shared;
static char directory[] = "/tmp/wax-conformance-XXXXXX";

static void die(const char *why)
{
	printf("Bail out! %s: %s\n", row ? row->id : "conformance", why);
	exit(1);
}

const void *row_ctx(void)
{
	return row->ctx;
}

uint32_t row_run(void)
{
	return run_index;
}

struct wax_test_clock *row_clock(void)
{
	return hand_clock;
}

void *row_shared(void)
{
	return shared;
}

/* ---- Files */

const char *row_path(const char *name)
{
	static char *paths[64];
	static size_t count;
	char *path;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		die("no memory");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(paths[i], path) == 0) {
			free(path);
			return paths[i];
		}
	}
	if (count == COUNT(paths))
		die("too many paths");
	return paths[count++] = path;
}

static void put(const char *name, const char *mode, const char *text)
{
	FILE *file = fopen(row_path(name), mode);

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		die("cannot write a file");
}

void row_write(const char *name, const char *text)
{
	put(name, "w", text);
}

void row_append(const char *name, const char *text)
{
	put(name, "a", text);
}

const char *row_read(const char *name)
{
	static char text[TEXT_BYTES];
	FILE *file = fopen(row_path(name), "r");
	size_t bytes;

	if (!file)
		return "(no file)";
	bytes = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[bytes] = '\0';
	return text;
}

static void empty_directory(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'/*", directory);
	if (system(command) != 0)
		die("cannot empty the directory");
}

/* ---- Input */

static const struct wax_type *type_of(enum items items)
{
	const struct wax_type *const types_of[] = {
			[NUMBERS] = WAX_I64,
			[TEXTS] = WAX_TEXT,
			[PAIRS] = WAX_KEYED(WAX_TEXT, WAX_I64),
			[TEXT_PAIRS] = WAX_KEYED(WAX_TEXT, WAX_TEXT),
	};
	return types_of[items];
}

static enum wax_test_mark mark_of(const char *item)
{
	if (strcmp(item, "!") == 0)
		return WAX_TEST_MARK_ABORT;
	if (strcmp(item, "|") == 0)
		return WAX_TEST_MARK_EOF;
	return item[0] == '~' ? WAX_TEST_MARK_PAUSE : WAX_TEST_MARK_ITEM;
}

/* Reads "key=value", "value" or a mark. What it lends lies in `item` and *number. */
static struct wax_test_entry read_entry(enum items items, char *item, int64_t *number)
{
	struct wax_test_entry entry = {.mark = mark_of(item)};
	char *equals = strchr(item, '=');

	if (entry.mark == WAX_TEST_MARK_PAUSE)
		entry.duration_ns = (int64_t)(strtod(item + 1, NULL) * (double)SECOND);
	if (entry.mark == WAX_TEST_MARK_ABORT && row->runs > 1)
		entry.fired = shared;
	if (entry.mark != WAX_TEST_MARK_ITEM)
		return entry;
	if (items == PAIRS || items == TEXT_PAIRS) {
		if (!equals)
			die("an item of a keyed input has no '='");
		entry.key = (struct wax_bytes){item, (size_t)(equals - item)};
		item = equals + 1;
	}
	if (items == TEXTS || items == TEXT_PAIRS) {
		entry.value = (struct wax_bytes){item, strlen(item)};
		return entry;
	}
	*number = strtoll(item, NULL, 10);
	entry.value = (struct wax_bytes){number, sizeof(*number)};
	return entry;
}

struct wax_source *row_source(enum items items, const char *input, uint32_t batch)
{
	struct wax_test_entry entries[64];
	int64_t numbers[COUNT(entries)];
	char *line = strdup(input), *rest = line;
	size_t count = 0;
	struct wax_source *source;

	for (char *item; *input && (item = strsep(&rest, ";")); count++) {
		if (count == COUNT(entries))
			die("an input is too long");
		entries[count] = read_entry(items, item, &numbers[count]);
	}
	source = wax_test_source(type_of(items), entries, count, batch > 0 ? batch : 1);
	free(line);
	return source;
}

struct wax_stream row_input(
		struct wax_flow *flow, const char *id, enum items items, const char *input)
{
	return wax_input(flow, id, row_source(items, input, row->batch));
}

/* ---- Output */

void row_output(struct wax_stream stream)
{
	static const char *const ids[OUTPUTS_MAX] = {"out", "out_2", "out_3", "out_4"};

	if (output_count == OUTPUTS_MAX)
		die("too many outputs");
	if (stream.flow->mistake_count == 0)
		types[output_count] = wax_flow_stream(stream.flow, stream.id)->type;
	wax_output(stream, ids[output_count], wax_test_sink(lists[output_count]));
	output_count++;
}

static int tell_batch(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	char text[256] = "[";
	size_t at = 1;

	(void)ctx;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld", i > 0 ? ", " : "",
				(long long)row_number(&item));
	}
	at += (size_t)snprintf(text + at, sizeof(text) - at, "]");
	return wax_emit(out, text, at);
}

struct wax_stream row_batches(struct wax_stream up)
{
	return wax_flat_map_batch(up, "batches", WAX_TEXT, tell_batch, NULL);
}

/* ---- Positions, from one run to the next */

struct kept {
	char bytes[64];
	size_t count; /* 0: none */
};

static struct kept source_kept, sink_kept;
static struct wax_source_ops source_ops;
static struct wax_sink_ops sink_ops;
static uint32_t source_calls;

static void keep(struct kept *kept, struct wax_bytes position)
{
	if (position.bytes > sizeof(kept->bytes))
		die("a position is too long");
	memcpy(kept->bytes, position.data, position.bytes);
	kept->count = position.bytes;
}

static struct wax_bytes kept_bytes(const struct kept *kept)
{
	return (struct wax_bytes){kept->count > 0 ? kept->bytes : NULL, kept->count};
}

static int open_source(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)saved;
	source_calls = 0;
	return source_ops.open(source, env, kept_bytes(&source_kept), ret_part, err);
}

static int next_of_source(void *part, struct wax_out *out, struct wax_err *err)
{
	int next = source_ops.next(part, out, err);

	if (next == WAX_MORE)
		source_calls++;
	if (next >= 0 && (run_index > 0 || row->keep_until == 0 || source_calls <= row->keep_until))
		keep(&source_kept, source_ops.position(part));
	return next;
}

static struct wax_source *keep_source(struct wax_source *source)
{
	source_ops = source->ops;
	source->ops.open = open_source;
	source->ops.next = next_of_source;
	return source;
}

static int open_sink(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)saved;
	return sink_ops.open(sink, env, kept_bytes(&sink_kept), ret_part, err);
}

static int flush_sink(void *part, struct wax_err *err)
{
	int flushed = sink_ops.flush(part, err);

	if (flushed == WAX_READY && run_index == 0)
		keep(&sink_kept, sink_ops.position(part));
	return flushed;
}

struct wax_sink *row_keep_sink(struct wax_sink *sink)
{
	sink_ops = sink->ops;
	sink->ops.open = open_sink;
	sink->ops.flush = flush_sink;
	return sink;
}

/* ---- Comparing */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "b;a" becomes "a;b". */
static void sort_items(char *text)
{
	char *items[256], *copy = strdup(text), *rest = copy, *item;
	size_t count = 0;

	while ((item = strsep(&rest, ";")) && count < COUNT(items))
		items[count++] = item;
	qsort(items, count, sizeof(*items), by_text);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*text++ = ';';
		text = stpcpy(text, items[i]);
	}
	free(copy);
}

/* The same in each part of "b;a | d;c / f;e". */
static void sort_parts(char *text)
{
	char sorted[TEXT_BYTES];

	while (*text) {
		size_t bytes = 0;

		while (text[bytes] && strncmp(text + bytes, " | ", 3) != 0 &&
				strncmp(text + bytes, " / ", 3) != 0)
			bytes++;
		snprintf(sorted, sizeof(sorted), "%.*s", (int)bytes, text);
		sort_items(sorted);
		memcpy(text, sorted, bytes);
		text += bytes + (text[bytes] ? 3 : 0);
	}
}

static void append_outputs(char *text, size_t text_bytes)
{
	for (uint32_t i = 0; i < output_count; i++) {
		char *at = text + strlen(text), *start;

		snprintf(at, text_bytes - (size_t)(at - text), "%s", i > 0 ? " | " : "");
		start = at += strlen(at);
		if (wax_test_list_count(lists[i]) > 0)
			snprintf(at, text_bytes - (size_t)(at - text), "%s",
					wax_test_list_text(lists[i], types[i]));
		for (; *at; at++)
			*at = *at == '\t' ? '=' : *at == '\n' ? ';' : *at;
		if (at > start)
			at[-1] = '\0';
	}
}

static bool differs(const char *what, const char *got, const char *expected)
{
	printf("# %s: %s is \"%s\", expected \"%s\"\n", row->id, what, got, expected);
	return false;
}

static bool compare_output(const char *got, uint32_t workers)
{
	char left[TEXT_BYTES], right[TEXT_BYTES];

	if (!row->expected)
		return true;
	snprintf(left, sizeof(left), "%s", got);
	snprintf(right, sizeof(right), "%s", row->expected);
	if (row->order == FREE || (row->order == ORDERED && workers > 1)) {
		sort_parts(left);
		sort_parts(right);
	}
	return strcmp(left, right) == 0 || differs("output", left, right);
}

static bool compare_result(const struct wax_test_result *result)
{
	int right = run_index == 0                   ? row->status
			: run_index + 1 == row->runs ? row->next_status
						     : 0;
	char status[200], expected[16];

	snprintf(status, sizeof(status), "%d (%s)", result->status, result->sentence);
	snprintf(expected, sizeof(expected), "%d", right);
	if (result->status != right)
		return differs("status", status, expected);
	if (run_index > 0)
		return true;
	if (row->sentence && !strstr(result->sentence, row->sentence))
		return differs("sentence", result->sentence, row->sentence);
	return !row->failed_step || strcmp(result->step, row->failed_step) == 0 ||
			differs("step", result->step, row->failed_step);
}

/* ---- Running */

static void build(struct wax_flow *flow)
{
	struct wax_source *source;
	struct wax_stream stream;

	output_count = 0;
	if (row->build) {
		row->build(flow);
		return;
	}
	source = row_source(row->items, row->input, row->batch);
	stream = wax_input(
			flow, "in", row->runs > 1 && !row->recovery ? keep_source(source) : source);
	row_output(row->steps ? row->steps(stream) : stream);
}

static bool run_once(uint32_t workers, char *text, size_t text_bytes)
{
	char interval[64];
	const char *waxrun[6] = {NULL};
	size_t count = 0;
	struct wax_test_options options = {.size_bytes = sizeof(options),
			.workers = workers,
			.waxrun = waxrun,
			.clock = hand_clock};
	struct wax_test_result *result;
	bool passed;

	if (row->rehearse && workers > 0)
		waxrun[count++] = "--rehearse";
	if (row->interval && workers > 0) {
		snprintf(interval, sizeof(interval), "--snapshot-interval=%s", row->interval);
		waxrun[count++] = interval;
	}
	if (row->recovery) {
		waxrun[count++] = "--recovery";
		waxrun[count++] = row_path("state");
	}
	for (uint32_t i = 0; i < OUTPUTS_MAX; i++)
		wax_test_list_clear(lists[i]);
	if (row->prepare)
		row->prepare();
	fflush(NULL);
	result = wax_test_run(build, &options);
	if (!result)
		die("no memory");
	passed = compare_result(result);
	wax_test_result_free(result);
	if (row->check)
		snprintf(text + strlen(text), text_bytes - strlen(text), "%s", row->check());
	else
		append_outputs(text, text_bytes);
	return passed;
}

static bool run_with(uint32_t workers)
{
	char text[TEXT_BYTES] = "";
	bool passed = true;

	hand_clock = row->clock ? wax_test_clock_make(SECOND) : NULL;
	source_kept.count = sink_kept.count = 0;
	memset(shared, 0, SHARED_BYTES);
	empty_directory();
	for (run_index = 0; passed && (run_index == 0 || run_index < row->runs); run_index++) {
		if (run_index > 0)
			strcat(text, " / ");
		passed = run_once(row->workers ? row->workers[run_index] : workers, text,
				sizeof(text));
	}
	wax_test_clock_free(hand_clock);
	passed = passed && compare_output(text, workers);
	if (!passed)
		printf("# %s: with %u workers%s\n", row->id, workers,
				workers == 0 ? ", in this process" : "");
	return passed;
}

static bool run_row(void)
{
	if (!row->build && !row->input)
		return compare_output(row->check(), 0);

	bool here = row->runs > 1 && !row->recovery;
	bool alone = row->order == ALONE || row->clock || row->workers;
	uint32_t most = here ? 0 : alone ? 1 : WORKERS_MAX;

	for (uint32_t workers = row->interval || row->recovery ? 1 : 0; workers <= most;
			workers++) {
		if (!run_with(workers))
			return false;
	}
	return true;
}

/* ---- All of them */

static const char *const standing_names[] = {"same", "different", "absent"};

static void list_rows(void)
{
	for (size_t i = 0; i < COUNT(tables); i++) {
		for (row = tables[i]; row->id; row++)
			printf("%s %s\n", row->id, standing_names[row->standing]);
	}
}

static void begin_all(void)
{
	shared = wax_test_shared_make(SHARED_BYTES);
	for (uint32_t i = 0; i < OUTPUTS_MAX; i++)
		lists[i] = wax_test_list_make();
	if (!shared || !lists[OUTPUTS_MAX - 1] || !mkdtemp(directory))
		die("no memory, or no directory");
}

static void end_all(void)
{
	empty_directory();
	rmdir(directory);
	for (uint32_t i = 0; i < OUTPUTS_MAX; i++)
		wax_test_list_free(lists[i]);
	wax_test_shared_free(shared);
}

static int run_all(const char *only)
{
	uint32_t ran = 0, passed = 0, different = 0, absent = 0;

	begin_all();
	for (size_t i = 0; i < COUNT(tables); i++) {
		for (row = tables[i]; row->id; row++) {
			bool ok;

			if (only && strcmp(only, row->id) != 0)
				continue;
			if (row->standing == ABSENT) {
				absent++;
				continue;
			}
			ok = run_row();
			printf("%s %u - %s\n", ok ? "ok" : "not ok", ++ran, row->id);
			passed += ok;
			different += row->standing == DIFFERENT;
		}
	}
	end_all();
	printf("1..%u\n# conformance: %u of %u rows passed, %u of them answered differently; "
	       "%u more need what wax does not have: see docs/reference/conformance.md\n",
			ran, passed, ran, different, absent);
	return passed == ran && ran > 0 ? 0 : 1;
}

/* conformance [--list | ROW] */
int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		list_rows();
		return 0;
	}
	return run_all(argc > 1 ? argv[1] : NULL);
}
