/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/letters.h"
#include "tests/support/random.h"

static char path[64];

static void set_up(void)
{
	snprintf(path, sizeof(path), "/tmp/wax-letters.%d", (int)getpid());
}

static void tear_down(void)
{
	unlink(path);
}

TestSuite(letters, .init = set_up, .fini = tear_down);

static struct wax_bytes bytes_of(const char *text)
{
	return (struct wax_bytes){text, strlen(text)};
}

static struct wax_letter letter_of(const struct wax_type *type, struct wax_bytes value)
{
	return (struct wax_letter){.flow = "f",
			.step = "f.s",
			.worker = 2,
			.epoch = 7,
			.source = "in.csv:0/2",
			.offset = 91,
			.error = "no ';'",
			.type = type,
			.item = {.value = value}};
}

#define FRONT                                                                                      \
	"{\"type\":\"dead_letter\",\"schema\":1,\"flow\":\"f\",\"step\":\"f.s\",\"worker\":2,"     \
	"\"epoch\":7,"
#define SOURCE "\"source\":\"in.csv:0/2\",\"offset\":91,"

static void expect_line(const struct wax_letter *letter, const char *line)
{
	struct wax_letters letters = {0};

	cr_assert_eq(wax_letters_add(&letters, letter), 0);
	cr_assert_str_eq(letters.text, line);
	wax_letters_fini(&letters);
}

Test(letters, text_is_shown_as_it_is)
{
	struct wax_letter letter = letter_of(WAX_TEXT, bytes_of("a \"b\"\n\xc3\xa4"));

	expect_line(&letter,
			FRONT SOURCE "\"error\":\"no ';'\",\"item_type\":\"text\","
				     "\"value\":\"a \\\"b\\\"\\n\xc3\xa4\"}\n");
	letter.source = "";
	letter.item.value = (struct wax_bytes){"a\0b", 3};
	expect_line(&letter,
			FRONT "\"error\":\"no ';'\",\"item_type\":\"text\","
			      "\"value\":\"a\\u0000b\"}\n");
}

Test(letters, bytes_that_are_no_text_are_digits)
{
	struct wax_letter letter = letter_of(WAX_TEXT, bytes_of("a\xff"));

	expect_line(&letter,
			FRONT SOURCE "\"error\":\"no ';'\",\"item_type\":\"text\","
				     "\"value_hex\":\"61ff\"}\n");
}

Test(letters, numbers_are_exact_and_readable)
{
	uint64_t key = 258;
	double value = 0.5;
	struct wax_letter letter = letter_of(wax_type_keyed(WAX_U64, WAX_F64),
			(struct wax_bytes){&value, sizeof(value)});

	letter.item.key = (struct wax_bytes){&key, sizeof(key)};
	expect_line(&letter,
			FRONT SOURCE
			"\"error\":\"no ';'\",\"item_type\":\"(uint64_t, double)\","
			"\"key_hex\":\"0201000000000000\",\"key_text\":\"258\","
			"\"value_hex\":\"000000000000e03f\",\"value_text\":\"0.5\"}\n");
}

/* ---- Whatever bytes come, the line gives them back. */

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static size_t read_hex(const char *at, unsigned char *to)
{
	size_t count = 0;

	for (; *at != '"'; at += 2)
		to[count++] = (unsigned char)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
	return count;
}

static size_t read_text(const char *at, unsigned char *to)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	size_t count = 0;

	for (; *at != '"'; at++) {
		if (*at != '\\') {
			to[count++] = (unsigned char)*at;
			continue;
		}
		at++;
		if (*at == 'u') {
			unsigned code = 0;

			for (int i = 1; i <= 4; i++)
				code = code << 4 | hex_digit(at[i]);
			cr_assert_lt(code, 0x80, "only control characters are escaped so");
			to[count++] = (unsigned char)code;
			at += 4;
			continue;
		}
		for (const char *pair = named; *pair; pair += 2) {
			if (pair[1] == *at)
				to[count++] = (unsigned char)pair[0];
		}
	}
	return count;
}

Test(letters, any_bytes_are_read_back)
{
	uint64_t seed = 7;

	for (int round = 0; round < 20000; round++) {
		unsigned char value[24], back[256];
		size_t bytes = next_random(&seed) % (sizeof(value) + 1), count;

		/* Many letters, control characters and beginnings of longer ones. */
		for (size_t i = 0; i < bytes; i++) {
			uint64_t number = next_random(&seed);

			value[i] = (unsigned char)(number % 3 == 0 ? number >> 8
							: number % 3 == 1
							? (number >> 8) % 128
							: 0xc2 + (number >> 8) % 4);
		}

		struct wax_letter letter = letter_of(WAX_BYTES, (struct wax_bytes){value, bytes});
		struct wax_letters letters = {0};

		cr_assert_eq(wax_letters_add(&letters, &letter), 0);
		cr_assert_eq(strlen(letters.text), letters.bytes, "no NUL in the line");
		cr_assert_eq(strchr(letters.text, '\n'), letters.text + letters.bytes - 1);

		const char *text = strstr(letters.text, "\"value\":\"");
		const char *hex = strstr(letters.text, "\"value_hex\":\"");

		cr_assert((text != NULL) != (hex != NULL));
		count = text ? read_text(text + 9, back) : read_hex(hex + 13, back);
		cr_assert_eq(count, bytes);
		cr_assert_eq(memcmp(value, back, bytes), 0);
		wax_letters_fini(&letters);
	}
}

/* ---- The file */

static char *read_file(void)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t bytes = 0;

	cr_assert_not_null(file);
	if (getdelim(&text, &bytes, '\0', file) < 0)
		text[0] = '\0';
	fclose(file);
	return text;
}

Test(letters, what_is_in_the_file_stays)
{
	struct wax_letter_box box = {path, -1};
	struct wax_letter letter = letter_of(WAX_TEXT, bytes_of("x"));
	struct wax_letters letters = {0};
	struct wax_err err = {0};

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(wax_letter_box_open(&box, &err), 0, "%s", err.text);
		cr_assert_eq(wax_letters_flush(&letters, &box, &err), 0);
		cr_assert_eq(wax_letters_add(&letters, &letter), 0);
		cr_assert_eq(wax_letters_flush(&letters, &box, &err), 0);
		cr_assert_eq(wax_letters_add(&letters, &letter), 0);
		cr_assert_eq(wax_letters_sync(&letters, &box, &err), 0);
		wax_letter_box_close(&box);
		wax_letter_box_close(&box);
	}
	wax_letters_fini(&letters);

	char *text = read_file();
	size_t lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	cr_assert_eq(lines, 4);
	free(text);
}

Test(letters, processes_that_share_a_box_do_not_mix_lines)
{
	enum { PROCESSES = 4, LETTERS = 2000 };
	struct wax_letter_box box = {path, -1};
	struct wax_err err = {0};
	static char long_value[300];
	size_t lines = 0;

	cr_assert_eq(wax_letter_box_open(&box, &err), 0);
	for (int process = 0; process < PROCESSES; process++) {
		if (fork() > 0)
			continue;
		struct wax_letters letters = {0};

		memset(long_value, 'a' + process, sizeof(long_value) - 1);
		struct wax_letter letter = letter_of(WAX_TEXT, bytes_of(long_value));
		int failed = 0;

		for (int i = 0; i < LETTERS; i++) {
			failed |= wax_letters_add(&letters, &letter) < 0;
			if (i % 7 == 0)
				failed |= wax_letters_flush(&letters, &box, &err) < 0;
		}
		failed |= wax_letters_sync(&letters, &box, &err) < 0;
		_exit(failed);
	}
	for (int process = 0; process < PROCESSES; process++) {
		int status;

		cr_assert_gt(wait(&status), 0);
		cr_assert_eq(status, 0);
	}

	char *text = read_file();

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		const char *value = strstr(line, "\"value\":\"");

		cr_assert_not_null(value);
		cr_assert_eq(strspn(value + 9, (char[]){value[9], '\0'}), sizeof(long_value) - 1);
		cr_assert_str_eq(value + 9 + sizeof(long_value) - 1, "\"}");
		lines++;
	}
	cr_assert_eq(lines, PROCESSES * LETTERS);
	free(text);
	wax_letter_box_close(&box);
}

static void expect_refused(const char *name, int code, const char *sentence)
{
	struct wax_letter_box box = {name, -1};
	struct wax_err err = {0};

	cr_assert_eq(wax_letter_box_open(&box, &err), code, "%s", err.text);
	cr_assert_str_eq(err.text, sentence);
	cr_assert_eq(box.fd, -1);
}

Test(letters, a_box_must_be_a_file)
{
	char sentence[256];

	expect_refused("/nowhere/x", -ENOENT,
			"cannot write dead letters to '/nowhere/x': No such file or directory");
	expect_refused("/dev/null", -EINVAL,
			"cannot write dead letters to '/dev/null': it is not a regular file: name "
			"one");
	expect_refused("/tmp", -EISDIR,
			"cannot write dead letters to '/tmp': it is not a regular file: name one");
	cr_assert_eq(mkfifo(path, 0600), 0);
	snprintf(sentence, sizeof(sentence),
			"cannot write dead letters to '%s': it is not a regular file: name one",
			path);
	expect_refused(path, -EINVAL, sentence);
}

Test(letters, a_full_disk_is_reported)
{
	struct wax_letter_box full = {"/dev/full", open("/dev/full", O_WRONLY | O_CLOEXEC)};
	struct wax_letter letter = letter_of(WAX_TEXT, bytes_of("x"));
	struct wax_letters letters = {0};
	struct wax_err err = {0};

	cr_assert_geq(full.fd, 0);
	cr_assert_eq(wax_letters_add(&letters, &letter), 0);
	cr_assert_eq(wax_letters_flush(&letters, &full, &err), -ENOSPC);
	cr_assert_str_eq(err.text,
			"cannot write dead letters to '/dev/full': No space left on device");
	wax_letters_fini(&letters);
	wax_letter_box_close(&full);
}
