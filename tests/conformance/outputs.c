/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Sinks, and the connectors of files. */

static void no_output(struct wax_flow *flow)
{
	row_input(flow, "in", NUMBERS, "0");
}

/* ---- Reading directories and files */

static void write_five_files(void)
{
	static const char *const names[] = {"one", "two", "three", "four", "five"};

	for (int i = 0; i < 5; i++) {
		char text[100] = "";

		for (int line = 1; line <= 6; line++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d\n",
					names[i], line);
		row_write(names[i], text);
	}
}

static void read_directory(struct wax_flow *flow)
{
	row_output(wax_input(flow, "in", wax_dir_lines(row_path(""), NULL)));
}

static void read_missing_directory(struct wax_flow *flow)
{
	row_output(wax_input(flow, "in", wax_dir_lines(row_path("missing"), NULL)));
}

static void read_file_as_directory(struct wax_flow *flow)
{
	row_output(wax_input(flow, "in", wax_dir_lines(row_path("one"), NULL)));
}

static void write_one(void)
{
	row_write("in", "one1\none2\none3\none4\none5\none6\n");
}

static void write_blank_lines(void)
{
	row_write("in", "one\n\ntwo\n\n\nthree\nfour\n\nfive\n");
}

static void write_crlf(void)
{
	row_write("in", "x\r\ny\r\n");
}

static void read_file(struct wax_flow *flow)
{
	row_output(wax_input(flow, "in", wax_file_lines(row_path("in"))));
}

static void write_two_then_four(void)
{
	if (row_run() == 0)
		row_write("in", "one1\none2\n");
	else
		row_append("in", "one3\none4\none5\none6\n");
}

static void write_half_a_line(void)
{
	if (row_run() == 0)
		row_write("in", "one\ntw");
	else
		row_append("in", "o\nthree\n");
}

/* ---- Writing files */

static void write_keyed(struct wax_flow *flow)
{
	wax_output(row_input(flow, "in", TEXT_PAIRS, "1=1;2=2;3=3"), "out",
			wax_file(row_path("out"), "%v"));
}

static const char *lines_as_items(char *text)
{
	for (char *at = text; *at; at++)
		*at = *at != '\n' ? *at : at[1] ? ';' : '\0';
	return text;
}

static const char *out_file(void)
{
	return row_read("out");
}

static void write_directory(struct wax_flow *flow)
{
	wax_output(row_input(flow, "in", TEXT_PAIRS, "1=1;2=2;3=3"), "out",
			wax_dir(row_path("parts"), 3, "%v"));
}

/* The lines of all three, as items. */
static const char *three_parts(void)
{
	static const char *const names[] = {
			"parts/part-00000", "parts/part-00001", "parts/part-00002"};
	static char text[256];

	text[0] = '\0';
	for (int i = 0; i < 3; i++)
		strcat(text, row_read(names[i]));
	return lines_as_items(text);
}

/* What the second run wrote behind the position of the first is cut off by the third. */
static void write_on(struct wax_flow *flow)
{
	static const char *const inputs[] = {"one1;one2;one3", "one4", "two4;two5"};

	wax_output(row_input(flow, "in", TEXTS, inputs[row_run()]), "out",
			row_keep_sink(wax_file(row_path("out"), NULL)));
}

static const char *lines_of_out_file(void)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s", row_read("out"));
	return lines_as_items(text);
}

static void write_none(struct wax_flow *flow)
{
	wax_output(row_input(flow, "in", TEXTS, ""), "out", wax_file(row_path("out"), NULL));
}

/* Ten bytes, of which four are there when the second run begins. */
static void cut_file(void)
{
	if (row_run() == 1 && truncate(row_path("out"), 4) < 0)
		row_write("out", "cannot truncate");
}

static void write_behind_end(struct wax_flow *flow)
{
	const char *input = row_run() == 0 ? "123456789" : "z";

	wax_output(row_input(flow, "in", TEXTS, input), "out",
			row_keep_sink(wax_file(row_path("out"), NULL)));
}

/* ---- Standard output */

static int real_stdout = -1;

static void catch_stdout(void)
{
	int fd = open(row_path("stdout"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(stdout);
	real_stdout = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

static const char *caught(void)
{
	fflush(stdout);
	dup2(real_stdout, STDOUT_FILENO);
	close(real_stdout);
	return row_read("stdout");
}

static void write_stdout(struct wax_flow *flow)
{
	wax_output(row_input(flow, "in", TEXTS, "a;b"), "out", wax_stdout(NULL));
}

#define SIX(name) name "1;" name "2;" name "3;" name "4;" name "5;" name "6"

const struct row output_rows[] = {
		{.id = "out-1", .build = no_output, .status = 3, .sentence = "no output"},
		{.id = "f-1",
				.prepare = write_five_files,
				.build = read_directory,
				.expected = SIX("one") ";" SIX("two") ";" SIX("three") ";" SIX(
						"four") ";" SIX("five")},
		{.id = "f-2", .build = read_missing_directory, .status = 2, .sentence = "missing"},
		{.id = "f-3",
				.prepare = write_five_files,
				.build = read_file_as_directory,
				.status = 2,
				.sentence = "one"},
		{.id = "f-4",
				.order = ORDERED,
				.prepare = write_one,
				.build = read_file,
				.expected = SIX("one")},
		{.id = "f-5",
				.order = ORDERED,
				.prepare = write_blank_lines,
				.build = read_file,
				.expected = "one;;two;;;three;four;;five"},
		{.id = "f-6",
				.prepare = write_two_then_four,
				.build = read_file,
				.recovery = true,
				.runs = 2,
				.expected = "one1;one2 / one3;one4;one5;one6"},
		{.id = "f-7", .standing = ABSENT},
		{.id = "f-8",
				.order = ALONE,
				.build = write_keyed,
				.check = out_file,
				.expected = "1\n2\n3\n"},
		{.id = "f-9",
				.standing = DIFFERENT,
				.build = write_directory,
				.check = three_parts,
				.expected = "1;2;3"},
		{.id = "f-10",
				.order = ALONE,
				.build = write_on,
				.runs = 3,
				.check = lines_of_out_file,
				.expected = "one1;one2;one3 / one1;one2;one3;one4 / "
					    "one1;one2;one3;two4;two5"},
		{.id = "f-11",
				.standing = DIFFERENT,
				.build = write_none,
				.check = out_file,
				.expected = ""},
		{.id = "f-12",
				.standing = DIFFERENT,
				.order = ALONE,
				.prepare = cut_file,
				.build = write_behind_end,
				.runs = 2,
				.next_status = 5,
				.check = out_file,
				.expected = "123456789\n / 1234"},
		{.id = "f-13",
				.prepare = write_half_a_line,
				.build = read_file,
				.recovery = true,
				.runs = 2,
				.expected = "one;tw / o;three"},
		{.id = "f-14",
				.order = ORDERED,
				.prepare = write_crlf,
				.build = read_file,
				.expected = "x;y"},
		{.id = "d-1", .standing = ABSENT},
		{.id = "so-1",
				.order = ALONE,
				.prepare = catch_stdout,
				.build = write_stdout,
				.check = caught,
				.expected = "a\nb\n"},
		{.id = "k-1", .standing = ABSENT},
		{.id = "k-2", .standing = ABSENT},
		{.id = "k-3", .standing = ABSENT},
		{.id = "k-4", .standing = ABSENT},
		{.id = "k-5", .standing = ABSENT},
		{.id = "k-6", .standing = ABSENT},
		{0},
};
