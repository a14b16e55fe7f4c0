/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/hash.h"
#include "runtime/log_format.h"

enum {
	MANIFEST_VERSION = 1,
	SUM_BYTES = 21, /* "sum 0123456789abcdef\n" */
	/* Of what is printed at once and is no text of a flow. */
	WORDS_BYTES = 128,
};

static const char *const roles[] = {
		[WAX_MANIFEST_STATE] = "state",
		[WAX_MANIFEST_SOURCE] = "source",
		[WAX_MANIFEST_SINK] = "sink",
};
enum { ROLES = sizeof(roles) / sizeof(*roles) };

/* ---- To text */

/* A letter of a word, or of a text that ends its line: what could not be read back becomes "_". */
static char letter_of(char letter, bool word)
{
	return (unsigned char)letter < ' ' || letter == 127 || (word && letter == ' ') ? '_'
										       : letter;
}

/* Printed twice: for its length, without any room, and into so much. A stream of open_memstream(3)
 * does not tell that it lacks memory, and what is written into it then is cut short. */
struct printer {
	char *text; /* NULL: only counted */
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void print(struct printer *out, const char *fmt, ...)
{
	char line[WORDS_BYTES];
	va_list args;
	va_start(args, fmt);
	int length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);

	WAX_ASSERT(length >= 0 && (size_t)length < sizeof(line));
	if (out->text)
		memcpy(out->text + out->used, line, (size_t)length);
	out->used += (size_t)length;
}

static void print_text(struct printer *out, const char *text, bool word)
{
	for (; *text; text++, out->used++) {
		if (out->text)
			out->text[out->used] = letter_of(*text, word);
	}
}

static const char *word_or_none(const char *word)
{
	return word && *word ? word : "-";
}

static void print_step(struct printer *out, const struct wax_manifest_step *step)
{
	print(out, "step %" PRIu32 " %s %" PRIu32 " %" PRIu32 " %" PRIu32 " ", step->index,
			roles[step->role], step->version, step->key_bytes, step->value_bytes);
	print_text(out, word_or_none(step->kind), true);
	print(out, " ");
	print_text(out, word_or_none(step->key), true);
	print(out, " ");
	print_text(out, step->id, false);
	print(out, "\n");
}

static void print_lines(struct printer *out, const struct wax_manifest *manifest)
{
	print(out, "wax-recovery %d\nflow ", MANIFEST_VERSION);
	print_text(out, manifest->flow, false);
	print(out, "\nrun %016" PRIx64 "\nworkers %" PRIu32 "\n", manifest->run,
			manifest->worker_count);
	print(out, "hash %" PRIu32 " %" PRIu64 "\n", manifest->hash_version, manifest->hash_seed);
	print(out, "generation %" PRIu64 "\nfrom %" PRIu64 " %" PRIu64 "\n", manifest->generation,
			manifest->from_generation, manifest->from_epoch);
	for (uint32_t i = 0; i < manifest->step_count; i++)
		print_step(out, &manifest->steps[i]);
}

int wax_manifest_print(const struct wax_manifest *manifest, char **ret_text, struct wax_err *err)
{
	struct printer out = {0};

	print_lines(&out, manifest);
	out.text = malloc(out.used + SUM_BYTES + 1);
	if (!out.text)
		return wax_err_set(err, -ENOMEM, "no memory for a manifest");
	out.used = 0;
	print_lines(&out, manifest);
	print(&out, "sum %016" PRIx64 "\n", (uint64_t)XXH3_64bits(out.text, out.used));
	out.text[out.used] = '\0';
	*ret_text = out.text;
	return (int)out.used;
}

/* ---- From text */

/* Lines and words are cut off in place. What they look like exactly is not asked for here: the text
 * is printed again and compared. */
struct reader {
	char *at;
	char *end;
};

/* @return NULL: there is no whole line */
static char *take_line(struct reader *reader)
{
	char *line = reader->at;
	char *end = memchr(line, '\n', (size_t)(reader->end - line));
	if (!end)
		return NULL;
	*end = '\0';
	reader->at = end + 1;
	return line;
}

/* What follows the name of a line. @return NULL: it is another line */
static char *take_field(struct reader *reader, const char *name)
{
	size_t length = strlen(name);
	char *line = take_line(reader);
	return line && strncmp(line, name, length) == 0 && line[length] == ' ' ? line + length + 1
									       : NULL;
}

static char *take_word(char **rest)
{
	char *word = *rest;
	char *blank = word ? strchr(word, ' ') : NULL;
	if (!blank)
		return NULL;
	*blank = '\0';
	*rest = blank + 1;
	return word;
}

static bool read_number(const char *word, int base, uint64_t most, uint64_t *ret_number)
{
	if (!word || !*word)
		return false;
	char *end;
	errno = 0;
	uint64_t number = strtoull(word, &end, base);
	if (*end != '\0' || errno != 0 || number > most)
		return false;
	*ret_number = number;
	return true;
}

static bool read_narrow(const char *word, uint32_t *ret_number)
{
	uint64_t number;
	if (!read_number(word, 10, UINT32_MAX, &number))
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static bool read_role(const char *word, enum wax_manifest_role *ret_role)
{
	for (unsigned role = 0; word && role < ROLES; role++) {
		if (strcmp(word, roles[role]) == 0) {
			*ret_role = (enum wax_manifest_role)role;
			return true;
		}
	}
	return false;
}

static bool read_step(char *rest, struct wax_manifest_step *step)
{
	if (!read_narrow(take_word(&rest), &step->index) ||
			!read_role(take_word(&rest), &step->role) ||
			!read_narrow(take_word(&rest), &step->version) ||
			!read_narrow(take_word(&rest), &step->key_bytes) ||
			!read_narrow(take_word(&rest), &step->value_bytes))
		return false;
	step->kind = take_word(&rest);
	step->key = take_word(&rest);
	step->id = rest;
	return step->kind && step->key;
}

static bool read_fields(struct reader *reader, struct wax_manifest *manifest)
{
	manifest->flow = take_field(reader, "flow");
	char *run = take_field(reader, "run");
	char *workers = take_field(reader, "workers");
	char *hash = take_field(reader, "hash");
	char *hash_version = take_word(&hash);
	char *generation = take_field(reader, "generation");
	char *from = take_field(reader, "from");
	char *from_generation = take_word(&from);

	return manifest->flow && read_number(run, 16, UINT64_MAX, &manifest->run) &&
			read_narrow(workers, &manifest->worker_count) &&
			read_narrow(hash_version, &manifest->hash_version) &&
			read_number(hash, 10, UINT64_MAX, &manifest->hash_seed) &&
			read_number(generation, 10, UINT64_MAX, &manifest->generation) &&
			read_number(from_generation, 10, UINT64_MAX, &manifest->from_generation) &&
			read_number(from, 10, UINT64_MAX, &manifest->from_epoch) &&
			manifest->worker_count > 0 &&
			manifest->from_generation < manifest->generation;
}

static uint32_t count_lines(const struct reader *reader)
{
	uint32_t lines = 0;
	for (const char *at = reader->at; at < reader->end; at++)
		lines += *at == '\n';
	return lines;
}

static bool read_steps(struct reader *reader, struct wax_manifest *manifest)
{
	while (reader->at < reader->end) {
		struct wax_manifest_step *step = &manifest->steps[manifest->step_count];
		char *rest = take_field(reader, "step");
		if (!rest || !read_step(rest, step) ||
				wax_manifest_find(manifest, step->id, step->role))
			return false;
		manifest->step_count++;
	}
	return true;
}

static int check_version(const char *text, size_t text_bytes, const char *name, struct wax_err *err)
{
	static const char front[] = "wax-recovery ";
	const size_t length = sizeof(front) - 1;
	uint64_t version = 0;

	if (text_bytes >= length && memcmp(text, front, length) == 0) {
		for (size_t i = length; i < text_bytes && text[i] >= '0' && text[i] <= '9'; i++)
			version = version * 10 + (uint64_t)(text[i] - '0');
	}
	if (version == 0)
		return wax_err_set(err, -EBADMSG,
				"'%s' is damaged or something else: restore the directory from a "
				"copy, or begin anew with --from none",
				name);
	if (version != MANIFEST_VERSION)
		return wax_err_set(err, -EPROTO,
				"'%s' is of version %" PRIu64 ", and this program reads version "
				"%d: use the one that wrote it, or begin anew with --from none",
				name, version, MANIFEST_VERSION);
	return 0;
}

static int parse_copy(size_t text_bytes, struct wax_manifest *manifest)
{
	struct reader reader = {manifest->text, manifest->text + text_bytes};

	take_line(&reader);
	if (!read_fields(&reader, manifest))
		return -EBADMSG;
	manifest->steps = calloc(count_lines(&reader) + 1, sizeof(*manifest->steps));
	if (!manifest->steps)
		return -ENOMEM;
	return read_steps(&reader, manifest) ? 0 : -EBADMSG;
}

/* Printed again it is the same, with its sum: nothing is there that was not understood. */
static int check_printed(const struct wax_manifest *manifest, const char *text, size_t text_bytes)
{
	char *again;
	int bytes = wax_manifest_print(manifest, &again, NULL);
	if (bytes < 0)
		return bytes;
	bool same = (size_t)bytes == text_bytes && memcmp(again, text, text_bytes) == 0;
	free(again);
	return same ? 0 : -EBADMSG;
}

int wax_manifest_parse(const char *text, size_t text_bytes, const char *name,
		struct wax_manifest *ret_manifest, struct wax_err *err)
{
	struct wax_manifest manifest = {0};
	int r = check_version(text, text_bytes, name, err);
	if (r < 0)
		return r;
	size_t lines_bytes = text_bytes > SUM_BYTES ? text_bytes - SUM_BYTES : 0;
	manifest.text = calloc(1, lines_bytes + 1);
	if (!manifest.text)
		return wax_err_set(err, -ENOMEM, "no memory for '%s'", name);
	memcpy(manifest.text, text, lines_bytes);
	r = parse_copy(lines_bytes, &manifest);
	if (r == 0)
		r = check_printed(&manifest, text, text_bytes);
	if (r == 0) {
		*ret_manifest = manifest;
		return 0;
	}
	wax_manifest_free(&manifest);
	if (r == -ENOMEM)
		return wax_err_set(err, r, "no memory for '%s'", name);
	return wax_err_set(err, r,
			"'%s' is damaged: restore the directory from a copy, or begin anew with "
			"--from none",
			name);
}

void wax_manifest_free(struct wax_manifest *manifest)
{
	if (!manifest || !manifest->text)
		return;
	free(manifest->text);
	free(manifest->steps);
	*manifest = (struct wax_manifest){0};
}

const struct wax_manifest_step *wax_manifest_find(
		const struct wax_manifest *manifest, const char *id, enum wax_manifest_role role)
{
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		const struct wax_manifest_step *step = &manifest->steps[i];
		if (step->role == role && strcmp(step->id, id) == 0)
			return step;
	}
	return NULL;
}

/* ---- Differences */

/* A line each. Those that find no room are counted. */
struct differences {
	char text[sizeof(((struct wax_err *)0)->text)];
	size_t used;
	uint32_t count;
	uint32_t left_out;
};

/* For what follows the lines. */
enum { ADVICE_BYTES = 160 };

__attribute__((format(printf, 2, 3))) static void differ(
		struct differences *differences, const char *fmt, ...)
{
	char *to = differences->text + differences->used;
	size_t room = sizeof(differences->text) - ADVICE_BYTES - differences->used;
	va_list args;

	va_start(args, fmt);
	int length = vsnprintf(to, room, fmt, args);
	va_end(args);
	differences->count++;
	if (differences->left_out > 0 || length < 0 || (size_t)length + 1 >= room) {
		*to = '\0';
		differences->left_out++;
		return;
	}
	to[length] = '\n';
	differences->used += (size_t)length + 1;
	to[length + 1] = '\0';
}

/* As words in a sentence. */
struct size_text {
	char text[32];
};

static struct size_text print_size(uint32_t bytes, uint32_t any)
{
	struct size_text size = {"any length"};
	if (bytes != any)
		snprintf(size.text, sizeof(size.text), "%" PRIu32 " bytes", bytes);
	return size;
}

/* As they are printed: a flow's name of a type may have blanks. */
static bool same_word(const char *left, const char *right)
{
	left = word_or_none(left);
	right = word_or_none(right);
	while (*left && *right && letter_of(*left, true) == letter_of(*right, true)) {
		left++;
		right++;
	}
	return *left == *right;
}

static void compare_state(struct differences *differences, const struct wax_manifest_step *saved,
		const struct wax_manifest_step *now)
{
	if (saved->version != now->version)
		differ(differences,
				"step \"%s\": its state was saved as version %" PRIu32
				", now it has version %" PRIu32,
				saved->id, saved->version, now->version);
	if (!same_word(saved->key, now->key))
		differ(differences,
				"step \"%s\": its state was saved with keys of type %s, now they "
				"are of type %s",
				saved->id, word_or_none(saved->key), word_or_none(now->key));
	if (saved->key_bytes != now->key_bytes)
		differ(differences,
				"step \"%s\": its state was saved with keys of %s, now they have "
				"%s",
				saved->id, print_size(saved->key_bytes, 0).text,
				print_size(now->key_bytes, 0).text);
	if (saved->value_bytes != now->value_bytes)
		differ(differences,
				"step \"%s\": its state was saved with %s for each key, now it has "
				"%s",
				saved->id, print_size(saved->value_bytes, WAX_LOG_ANY_BYTES).text,
				print_size(now->value_bytes, WAX_LOG_ANY_BYTES).text);
}

static void compare_step(struct differences *differences, const struct wax_manifest_step *saved,
		const struct wax_manifest *now)
{
	static const char *const had[] = {
			[WAX_MANIFEST_STATE] = "state",
			[WAX_MANIFEST_SOURCE] = "its position as a source",
			[WAX_MANIFEST_SINK] = "its position as a sink",
	};
	const struct wax_manifest_step *step = wax_manifest_find(now, saved->id, saved->role);

	if (!step) {
		differ(differences, "step \"%s\" has saved %s and is not in the flow any more",
				saved->id, had[saved->role]);
		return;
	}
	if (!same_word(saved->kind, step->kind)) {
		differ(differences, "step \"%s\" was %s when it was saved, and is %s now",
				saved->id, word_or_none(saved->kind), word_or_none(step->kind));
		return;
	}
	compare_state(differences, saved, step);
}

int wax_manifest_compare(const struct wax_manifest *saved, const struct wax_manifest *now,
		struct wax_err *err)
{
	struct differences differences = {0};

	if (saved->hash_version != now->hash_version || saved->hash_seed != now->hash_seed)
		differ(&differences,
				"keys were hashed by version %" PRIu32 " with seed %" PRIu64
				" when they were saved, now by version %" PRIu32
				" with seed %" PRIu64,
				saved->hash_version, saved->hash_seed, now->hash_version,
				now->hash_seed);
	for (uint32_t i = 0; i < saved->step_count; i++)
		compare_step(&differences, &saved->steps[i], now);
	if (differences.count == 0)
		return 0;
	if (differences.left_out > 0)
		snprintf(differences.text + differences.used, ADVICE_BYTES / 2,
				"and %" PRIu32 " more differences\n", differences.left_out);
	return wax_err_set(err, -EPROTO,
			"%schange the flow back to what it was, or begin anew with --from none",
			differences.text);
}
