/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wax/connectors.h>

#include "runtime/connector.h"
#include "tests/support/resume.h"
#include "tests/support/run_flow.h"

/* A directory of one's own, with what the tests put there. Left to the system when a test fails. */
static char directory[] = "/tmp/wax-sources-XXXXXX";
static char path[256];
static const char *glob;

static void make_directory(void)
{
	cr_assert(mkdtemp(directory));
}

static void remove_directory(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(sources, .init = make_directory, .fini = remove_directory);

static void write_file(const char *name, const char *text)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);

	FILE *file = fopen(path, "w");

	cr_assert(file);
	cr_assert(fputs(text, file) >= 0);
	cr_assert_eq(fclose(file), 0);
}

/* What a source says before anything runs. Names of partitions with a space behind each. */
static int list(struct wax_source *source, uint32_t worker_count, char *ret_names,
		size_t names_bytes, struct wax_err *err)
{
	struct wax_parts parts;
	size_t at = 0;
	int rc;

	cr_assert(source);
	wax_parts_init(&parts, worker_count, NULL);
	rc = source->ops.list(source->source, &parts, err);
	ret_names[0] = '\0';
	for (uint32_t i = 0; i < parts.count; i++)
		at += (size_t)snprintf(ret_names + at, names_bytes - at, "%s ", parts.names[i]);
	wax_parts_fini(&parts);
	if (source->ops.free)
		source->ops.free(source->source);
	free((char *)source->label);
	free(source);
	return rc;
}

static void expect_sentence(struct wax_source *source, int code, const char *part)
{
	char names[100];
	struct wax_err err = {0};

	cr_assert_eq(list(source, 2, names, sizeof(names), &err), code, "%s", err.text);
	cr_assert(strstr(err.text, part), "%s", err.text);
}

Test(sources, a_file_has_a_part_for_each_worker)
{
	char names[1000];
	char right[1000];

	write_file("in", "a\nb\n");
	cr_assert_eq(list(wax_file_lines(path), 3, names, sizeof(names), NULL), 0);
	snprintf(right, sizeof(right), "%s:0/3 %s:1/3 %s:2/3 ", path, path, path);
	cr_assert_str_eq(names, right);
}

Test(sources, what_is_not_a_file_is_refused)
{
	expect_sentence(wax_file_lines(NULL), -EINVAL, "has no name");
	expect_sentence(wax_file_lines("/no/such"), -ENOENT,
			"cannot read '/no/such': No such file or directory");
	expect_sentence(wax_file_lines(directory), -EISDIR, "is a directory");
	expect_sentence(wax_file_lines("/dev/null"), -EINVAL, "is not a regular file");
}

Test(sources, a_directory_has_a_part_for_each_file_in_order)
{
	char names[1000];

	write_file("b.txt", "");
	write_file("a.txt", "");
	write_file("c.csv", "");
	write_file(".hidden.txt", "");
	cr_assert_eq(list(wax_dir_lines(directory, "*.txt"), 3, names, sizeof(names), NULL), 0);
	cr_assert_str_eq(names, "a.txt b.txt ");
	cr_assert_eq(list(wax_dir_lines(directory, NULL), 3, names, sizeof(names), NULL), 0);
	cr_assert_str_eq(names, "a.txt b.txt c.csv ");
	cr_assert_eq(list(wax_dir_lines(directory, ".*"), 3, names, sizeof(names), NULL), 0);
	cr_assert_str_eq(names, ".hidden.txt ");
}

Test(sources, what_a_directory_cannot_give_is_refused)
{
	expect_sentence(wax_dir_lines(NULL, NULL), -EINVAL, "has no name");
	expect_sentence(wax_dir_lines("/no/such", NULL), -ENOENT,
			"cannot read directory '/no/such': No such file or directory");
	expect_sentence(wax_dir_lines(directory, "*.txt"), -ENOENT, "matches '*.txt'");

	snprintf(path, sizeof(path), "%s/deep", directory);
	cr_assert_eq(mkdir(path, 0700), 0);
	expect_sentence(wax_dir_lines(directory, NULL), -EISDIR, "/deep' is a directory");
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_sentence(wax_dir_lines(directory, NULL), -EINVAL, "/deep' is not a regular file");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("/no/such", path), 0);
	expect_sentence(wax_dir_lines(directory, NULL), -ENOENT, "/deep': No such file");
	write_file("plain", "");
	expect_sentence(wax_dir_lines(path, NULL), -ENOTDIR, "is not a directory");
}

static void file_flow(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "lines", wax_file_lines(path)), "%v");
}

static void dir_flow(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "lines", wax_dir_lines(directory, glob)), "%v");
}

static void stdin_flow(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "lines", wax_stdin_lines()), "%v");
}

static const char *const ios[] = {"auto", "posix"};

static void expect_output(void (*build)(struct wax_flow *), uint32_t worker_count, const char *io,
		const char *right)
{
	struct run_flow_options options = {.io = io};
	struct run_flow_result result = run_flow(build, worker_count, &options);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	cr_assert_str_eq(result.output, right, "%u workers, %s", worker_count, io);
	run_flow_free(&result);
}

Test(sources, a_file_is_read_once_by_any_number_of_workers, .timeout = 240)
{
	enum { LINES = 3000, LINE_BYTES = 10 };
	char *text = malloc(LINES * (LINE_BYTES + 1) + 1);
	char *right = malloc(LINES * LINE_BYTES + 1);

	for (unsigned i = 0; i < LINES; i++) {
		sprintf(text + i * (LINE_BYTES + 1), "line %04u\r\n", i);
		sprintf(right + i * LINE_BYTES, "line %04u\n", i);
	}
	write_file("in", text);
	for (unsigned io = 0; io < 2; io++) {
		for (uint32_t worker_count = 1; worker_count <= 5; worker_count++)
			expect_output(file_flow, worker_count, ios[io], right);
	}
	free(text);
	free(right);
}

Test(sources, files_of_few_lines_and_of_none_are_read)
{
	write_file("in", "one");
	expect_output(file_flow, 4, NULL, "one\n");
	write_file("in", "");
	expect_output(file_flow, 3, NULL, "");
	write_file("in", "\n");
	expect_output(file_flow, 3, NULL, "\n");
}

/* More files for each worker than it has open at a time. */
Test(sources, all_files_of_a_directory_are_read, .timeout = 240)
{
	enum { FILES = 40, LINE_BYTES = 9 };
	char right[FILES * 2 * LINE_BYTES + 1];

	for (unsigned i = 0; i < FILES; i++) {
		char name[16];
		char text[2 * LINE_BYTES + 1];

		sprintf(name, "%02u.txt", i);
		sprintf(text, "%02u first\n%02u later\n", i, i);
		write_file(name, text);
		strcpy(right + i * 2 * LINE_BYTES, text);
	}
	write_file("99.txt", "");
	write_file("98.csv", "not this");
	glob = "*.txt";
	for (unsigned io = 0; io < 2; io++) {
		for (uint32_t worker_count = 1; worker_count <= 3; worker_count++)
			expect_output(dir_flow, worker_count, ios[io], right);
	}
}

/* Put something else in the place of standard input. */
static void use_stdin(int fd)
{
	cr_assert(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
}

Test(sources, standard_input_may_be_a_pipe, .timeout = 240)
{
	for (unsigned io = 0; io < 2; io++) {
		int fds[2];

		cr_assert_eq(pipe(fds), 0);
		cr_assert_eq(write(fds[1], "b\na\r\nc", 6), 6);
		close(fds[1]);
		use_stdin(fds[0]);
		expect_output(stdin_flow, 2, ios[io], "a\nb\nc\n");
	}
}

Test(sources, standard_input_may_be_a_file_that_was_read_from, .timeout = 240)
{
	for (unsigned io = 0; io < 2; io++) {
		FILE *file;

		write_file("in", "head\na\nb\n");
		file = fopen(path, "r");
		cr_assert(file);
		use_stdin(dup(fileno(file)));
		fclose(file);
		lseek(STDIN_FILENO, 5, SEEK_SET);
		expect_output(stdin_flow, 2, ios[io], "a\nb\n");
	}
}

/* ---- Going on */

static struct resume resume;
static char came[1000]; /* lines, each with "|" behind it */

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	(void)port;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes line = wax_batch_value(batch, i);

		sprintf(came + strlen(came), "%.*s|", (int)line.bytes, (const char *)line.data);
	}
	return 0;
}

static void begin(struct wax_source *source, uint32_t worker_count)
{
	came[0] = '\0';
	resume_begin(&resume, source, worker_count, WAX_TEXT, take, NULL);
}

static void save_and_end(void)
{
	resume_save(&resume);
	resume_end(&resume);
}

static void read_on(struct wax_source *source, uint32_t worker_count, const char *right)
{
	begin(source, worker_count);
	resume_drain(&resume, 0);
	cr_assert_str_eq(came, right);
	save_and_end();
}

/* What came of a last line without its newline came: what is appended is another. */
Test(sources, file_that_grows_is_gone_on_with)
{
	write_file("in", "one\ntwo");
	read_on(wax_file_lines(path), 2, "one|two|");
	read_on(wax_file_lines(path), 3, "");
	read_on(wax_file_lines(path), 1, "");
	write_file("in", "one\ntwo and a half\nthree\n");
	read_on(wax_file_lines(path), 1, " and a half|three|");
	read_on(wax_file_lines(path), 2, "");
	write_file("in", "one\ntwo and a half\nthree\nfour\n");
	read_on(wax_file_lines(path), 4, "four|");
	resume_fini(&resume);
}

Test(sources, last_line_that_did_not_come_is_read_with_what_is_appended)
{
	write_file("in", "one\ntwo");
	begin(wax_file_lines(path), 1);
	resume_next(&resume, 0, 1);
	save_and_end();
	write_file("in", "one\ntwo and a half\nthree\n");
	read_on(wax_file_lines(path), 3, "two and a half|three|");
	resume_fini(&resume);
}

static void expect_stale(struct wax_source *source, const char *part)
{
	cr_assert_eq(resume_list(&resume, source, 2), -ESTALE);
	cr_assert(strstr(resume.err.text, part), "%s", resume.err.text);
	resume_end(&resume);
}

Test(sources, file_that_is_another_is_not_gone_on_with)
{
	write_file("in", "one\ntwo\n");
	read_on(wax_file_lines(path), 2, "one|two|");
	write_file("in", "one\n");
	expect_stale(wax_file_lines(path), "has 4 bytes, and the saved run had 8");
	write_file("other", "one\ntwo\n");
	expect_stale(wax_file_lines(path), "which is no part of");
	resume_fini(&resume);
}

Test(sources, files_of_a_directory_are_gone_on_with)
{
	write_file("a", "a1\na2\na3\n");
	write_file("b", "b1\nb2");
	write_file("c", "");
	begin(wax_dir_lines(directory, NULL), 2);
	resume_next(&resume, 0, 2);
	while (resume_next(&resume, 1, 0) != WAX_END)
		;
	cr_assert_str_eq(came, "a1|a2|b1|b2|");
	save_and_end();

	write_file("b", "b1\nb2+\n");
	write_file("d", "d1\n");
	read_on(wax_dir_lines(directory, NULL), 3, "a3|+|d1|");
	read_on(wax_dir_lines(directory, NULL), 1, "");
	resume_fini(&resume);
}

static void remove_file(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	cr_assert_eq(unlink(path), 0);
}

Test(sources, file_that_was_read_may_go)
{
	write_file("a", "a1\na2\n");
	write_file("b", "b1\n");
	begin(wax_dir_lines(directory, NULL), 2);
	resume_next(&resume, 0, 1);
	resume_next(&resume, 1, 1);
	save_and_end();

	remove_file("b");
	read_on(wax_dir_lines(directory, NULL), 2, "a2|");
	remove_file("a");
	read_on(wax_dir_lines(directory, NULL), 2, "");
	resume_fini(&resume);
}

Test(sources, file_that_was_not_read_to_its_end_may_not)
{
	write_file("a", "a1\na2\n");
	write_file("b", "b1\n");
	begin(wax_dir_lines(directory, NULL), 2);
	resume_next(&resume, 0, 1);
	save_and_end();

	write_file("a", "a1");
	expect_stale(wax_dir_lines(directory, NULL),
			"/a' has 2 bytes, and the saved run had read 3");
	remove_file("a");
	expect_stale(wax_dir_lines(directory, NULL), "/a' was not read to its end");
	write_file("a", "a1\na2\n");
	expect_stale(wax_dir_lines(directory, "a"), "/b' was not read to its end");
	read_on(wax_dir_lines(directory, NULL), 2, "a2|b1|");
	resume_fini(&resume);
}

Test(sources, standard_input_has_no_position)
{
	struct wax_source *source = wax_stdin_lines();

	cr_assert_null(source->ops.position);
	wax_source_free(source);
}
