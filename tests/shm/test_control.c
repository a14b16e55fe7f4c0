/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/control.h"
#include "shm/pid.h"

static const struct wax_control_plan plan = {
		.flow = "wordcount", .worker_count = 3, .step_count = 5, .edge_count = 2};

static char base[PATH_MAX];
static char directory[PATH_MAX + 8];

static void set_up(void)
{
	snprintf(base, sizeof(base), "%s/wax-control.XXXXXX",
			getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	cr_assert_not_null(mkdtemp(base));
	snprintf(directory, sizeof(directory), "%s/wax", base);
	setenv("XDG_RUNTIME_DIR", base, 1);
}

static int entry_count(void)
{
	DIR *entries = opendir(directory);
	int count = 0;
	if (!entries)
		return -1;
	for (struct dirent *entry; (entry = readdir(entries));)
		count += entry->d_name[0] != '.';
	closedir(entries);
	return count;
}

static void tear_down(void)
{
	DIR *entries = opendir(directory);
	if (entries) {
		for (struct dirent *entry; (entry = readdir(entries));)
			unlinkat(dirfd(entries), entry->d_name, 0);
		closedir(entries);
	}
	rmdir(directory);
	unlink(directory);
	cr_assert_eq(rmdir(base), 0);
}

TestSuite(control, .init = set_up, .fini = tear_down);

static struct wax_control make_or_fail(void)
{
	struct wax_control control;
	struct wax_err err = {0};
	cr_assert_eq(wax_control_make(&plan, &control, &err), 0, "%s", err.text);
	return control;
}

Test(control, page_is_a_file_of_0600_in_a_directory_of_0700)
{
	struct wax_control control = make_or_fail();
	struct stat status;

	cr_assert_eq(stat(directory, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0700);
	cr_assert_eq(stat(control.path, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
	cr_assert_eq((uint64_t)status.st_size, control.bytes);
	cr_assert_eq(strncmp(control.path, directory, strlen(directory)), 0);
	wax_control_free(&control);
}

Test(control, file_is_whole_on_disk_before_it_is_touched)
{
	struct wax_control control = make_or_fail();
	struct stat status;

	cr_assert_eq(stat(control.path, &status), 0);
	cr_assert_geq((uint64_t)status.st_blocks * 512, control.bytes);
	wax_control_free(&control);
}

Test(control, free_leaves_nothing)
{
	struct wax_control control = make_or_fail();

	cr_assert_eq(entry_count(), 1);
	wax_control_free(&control);
	cr_assert_eq(entry_count(), 0);
	wax_control_free(&control);
}

Test(control, header_says_who_and_what)
{
	struct wax_control control = make_or_fail();

	cr_assert_eq(control.header->magic, WAX_CONTROL_MAGIC);
	cr_assert_eq(control.header->launcher_pid, (uint32_t)getpid());
	cr_assert_eq(control.header->launcher_start, wax_pid_start(getpid()));
	cr_assert_eq(control.header->worker_count, 3);
	cr_assert_str_eq(control.header->flow, "wordcount");
	cr_assert_eq(wax_load_relaxed(&control.header->epoch), 1);
	cr_assert_eq(wax_load_relaxed(&control.header->stop), 0);
	for (uint32_t worker = 0; worker < 3; worker++) {
		struct wax_worker_record *record = wax_control_worker(&control, worker);
		cr_assert_eq(wax_load_relaxed(&record->state), WAX_WORKER_STARTING);
		cr_assert_eq(wax_load_relaxed(&record->step_now), WAX_NO_STEP);
		cr_assert_eq(record->fail_step, WAX_NO_STEP);
	}
	wax_control_free(&control);
}

Test(control, long_name_of_a_flow_is_cut)
{
	char name[3 * WAX_CONTROL_NAME_BYTES];
	struct wax_control_plan long_plan = plan;
	struct wax_control control;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	long_plan.flow = name;
	cr_assert_eq(wax_control_make(&long_plan, &control, NULL), 0);
	cr_assert_eq(strlen(control.header->flow), WAX_CONTROL_NAME_BYTES - 1);
	wax_control_free(&control);
}

Test(control, records_of_different_writers_share_no_line_and_lie_inside)
{
	struct wax_control control = make_or_fail();
	char *start = (char *)control.header;

	for (uint32_t worker = 0; worker < 3; worker++) {
		char *record = (char *)wax_control_worker(&control, worker);
		cr_assert_eq((record - start) % WAX_APART, 0);
		cr_assert_geq(record, start + sizeof(struct wax_control_header));
		for (uint32_t step = 0; step < 5; step++) {
			char *at = (char *)wax_control_step(&control, worker, step);
			cr_assert_eq((at - start) % WAX_LINE, 0);
			cr_assert_geq(at, (char *)(wax_control_worker(&control, 2) + 1));
			cr_assert_leq(at + 64, (char *)wax_control_edge(&control, 0, 0));
		}
		for (uint32_t edge = 0; edge < 2; edge++) {
			char *at = (char *)wax_control_edge(&control, worker, edge);
			cr_assert_eq((at - start) % WAX_LINE, 0);
			cr_assert_leq((uint64_t)(at - start) + 64, control.bytes);
		}
	}
	wax_control_free(&control);
}

Test(control, tool_reads_what_a_worker_counts)
{
	struct wax_control control = make_or_fail();
	struct wax_control tool;
	struct wax_err err = {0};
	pid_t child = fork();

	if (child == 0) {
		wax_count(&wax_control_step(&control, 2, 4)->items_in, 40);
		wax_count(&wax_control_step(&control, 2, 4)->items_in, 2);
		wax_count(&wax_control_edge(&control, 1, 1)->messages, 7);
		wax_control_free(&control); /* a child only unmaps */
		_exit(0);
	}
	waitpid(child, NULL, 0);
	cr_assert_eq(wax_control_attach(control.path, &tool, &err), 0, "%s", err.text);
	cr_assert_eq(wax_load_relaxed(&wax_control_step(&tool, 2, 4)->items_in), 42);
	cr_assert_eq(wax_load_relaxed(&wax_control_edge(&tool, 1, 1)->messages), 7);
	cr_assert_eq(wax_load_relaxed(&wax_control_step(&tool, 2, 3)->items_in), 0);

	/* Who attached does not remove, in whatever process. */
	wax_control_free(&tool);
	cr_assert_eq(entry_count(), 1);
	wax_control_free(&control);
	cr_assert_eq(entry_count(), 0);
}

Test(control, attached_page_cannot_be_written)
{
	struct wax_control control = make_or_fail();
	struct wax_control tool;
	pid_t child;
	int status;

	cr_assert_eq(wax_control_attach(control.path, &tool, NULL), 0);
	child = fork();
	if (child == 0) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		wax_store_relaxed(&tool.header->stop, 1);
		_exit(0);
	}
	waitpid(child, &status, 0);
	cr_assert_neq(status, 0);
	cr_assert_eq(wax_load_relaxed(&control.header->stop), 0);
	wax_control_free(&tool);
	wax_control_free(&control);
}

Test(control, page_that_a_killed_launcher_left_is_removed)
{
	pid_t child = fork();
	if (child == 0) {
		struct wax_control left;
		if (wax_control_make(&plan, &left, NULL) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(entry_count(), 1);

	struct wax_control control = make_or_fail();
	cr_assert_eq(entry_count(), 1);
	cr_assert_eq(access(control.path, F_OK), 0);
	wax_control_free(&control);
	cr_assert_eq(entry_count(), 0);
}

static void touch(const char *name)
{
	char path[2 * PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
}

Test(control, page_of_a_reused_pid_is_removed_and_other_files_are_kept)
{
	char name[64];

	cr_assert_eq(mkdir(directory, 0700), 0);
	snprintf(name, sizeof(name), "run-%d-1", (int)getppid());
	touch(name); /* that pid lives, but started at another time */
	snprintf(name, sizeof(name), "run-%d-%llu", (int)getppid(),
			(unsigned long long)wax_pid_start(getppid()));
	touch(name); /* a run that lives */
	touch("notes.txt");
	touch("run-1-2-3");
	touch("run-x-1");
	cr_assert_eq(entry_count(), 5);

	struct wax_control control = make_or_fail();
	cr_assert_eq(entry_count(), 5);
	wax_control_free(&control);
	cr_assert_eq(entry_count(), 4);
}

Test(control, second_run_of_a_process_takes_the_place_of_its_first)
{
	struct wax_control first = make_or_fail();
	struct wax_control second = make_or_fail();

	cr_assert_eq(entry_count(), 1);
	cr_assert_neq(first.header, second.header);
	wax_control_free(&second);
	wax_control_free(&first);
	cr_assert_eq(entry_count(), 0);
}

/* A page without a name does all but show itself. */
static void expect_a_page_without_a_name(void)
{
	struct wax_control control = make_or_fail();
	cr_assert_str_eq(control.path, "");
	cr_assert_eq(control.header->worker_count, 3);
	wax_count(&wax_control_edge(&control, 2, 1)->messages, 1);
	wax_control_free(&control);
}

Test(control, directory_that_others_may_enter_is_refused)
{
	static const mode_t modes[] = {0770, 0720, 0702, 0755, 0701};

	cr_assert_eq(mkdir(directory, 0700), 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		cr_assert_eq(chmod(directory, modes[i]), 0);
		expect_a_page_without_a_name();
		cr_assert_eq(entry_count(), 0);
	}
}

Test(control, directory_of_another_user_is_refused)
{
	if (getuid() != 0)
		cr_skip("only root can give a directory away");
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_eq(chown(directory, 12345, 12345), 0);
	expect_a_page_without_a_name();
	cr_assert_eq(entry_count(), 0);
}

Test(control, link_in_place_of_the_directory_is_refused)
{
	char elsewhere[PATH_MAX + 16];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", base);
	cr_assert_eq(mkdir(elsewhere, 0700), 0);
	cr_assert_eq(symlink(elsewhere, directory), 0);
	expect_a_page_without_a_name();
	cr_assert_eq(rmdir(elsewhere), 0, "something was put there");
}

Test(control, file_in_place_of_the_directory_is_refused)
{
	int fd = open(directory, O_CREAT | O_WRONLY, 0700);
	close(fd);
	expect_a_page_without_a_name();
}

Test(control, a_base_that_is_missing_is_replaced_by_one_in_tmp)
{
	char missing[PATH_MAX + 16], expected[64];

	snprintf(missing, sizeof(missing), "%s/missing", base);
	setenv("XDG_RUNTIME_DIR", missing, 1);
	struct wax_control control = make_or_fail();
	snprintf(expected, sizeof(expected), "/tmp/wax-%u/run-", (unsigned)getuid());
	cr_assert_eq(strncmp(control.path, expected, strlen(expected)), 0, "%s", control.path);
	wax_control_free(&control);
}

Test(control, base_of_an_endless_name_is_refused_and_not_cut)
{
	char endless[PATH_MAX];
	size_t length = strlen(base);

	/* Cut at 256 bytes it would be the name of a directory that can be made. */
	memcpy(endless, base, length);
	endless[length++] = '/';
	memset(endless + length, 'x', 600);
	endless[length + 600] = '\0';
	setenv("XDG_RUNTIME_DIR", endless, 1);
	expect_a_page_without_a_name();
}

Test(control, full_disk_gives_a_page_without_a_name)
{
	/* Only this process sees the disk of one page. */
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("none", base, "tmpfs", 0, "size=4096") < 0)
		cr_skip("only root can mount");
	expect_a_page_without_a_name();
	cr_assert_eq(entry_count(), 0);
	cr_assert_eq(rmdir(directory), 0);
	cr_assert_eq(umount(base), 0);
}

Test(control, limit_of_file_sizes_is_a_sentence_and_leaves_nothing)
{
	struct rlimit limit = {4096, 4096};
	struct wax_control control;
	struct wax_err err = {0};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_lt(wax_control_make(&plan, &control, &err), 0);
	cr_assert_neq(err.text[0], '\0');
	cr_assert_eq(entry_count(), 0);
}

/* Write bytes into a file that is no page of a run, and attach it. */
static int attach_bytes(const void *bytes, size_t count)
{
	char path[2 * PATH_MAX];
	struct wax_control tool;
	struct wax_err err = {0};

	snprintf(path, sizeof(path), "%s/damaged", directory);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, count), (ssize_t)count);
	close(fd);
	int r = wax_control_attach(path, &tool, &err);
	if (r == 0)
		wax_control_free(&tool);
	else
		cr_assert_neq(err.text[0], '\0');
	return r;
}

Test(control, attach_refuses_a_file_that_was_cut)
{
	struct wax_control control = make_or_fail();
	static const size_t left[] = {0, 1, 8, 100, sizeof(struct wax_control_header) - 1,
			sizeof(struct wax_control_header), 4096};

	cr_assert_eq(attach_bytes(control.header, control.bytes), 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		cr_assert_eq(attach_bytes(control.header, left[i]), -EBADMSG, "%zu bytes", left[i]);
	wax_control_free(&control);
}

Test(control, attach_refuses_each_damaged_field)
{
	struct wax_control control = make_or_fail();
	char *copy = malloc(control.bytes);
	static const size_t fields[] = {
			offsetof(struct wax_control_header, magic),
			offsetof(struct wax_control_header, version),
			offsetof(struct wax_control_header, header_bytes),
			offsetof(struct wax_control_header, bytes),
			offsetof(struct wax_control_header, worker_count),
			offsetof(struct wax_control_header, step_count),
			offsetof(struct wax_control_header, edge_count),
			offsetof(struct wax_control_header, workers_offset),
			offsetof(struct wax_control_header, steps_offset),
			offsetof(struct wax_control_header, edges_offset),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (size_t byte = fields[i]; byte < fields[i] + 4; byte++) {
			memcpy(copy, control.header, control.bytes);
			copy[byte] ^= 0x55;
			cr_assert_eq(attach_bytes(copy, control.bytes), -EBADMSG, "byte %zu", byte);
		}
	}
	memcpy(copy, control.header, control.bytes);
	memset(copy + offsetof(struct wax_control_header, flow), 'x', WAX_CONTROL_NAME_BYTES);
	cr_assert_eq(attach_bytes(copy, control.bytes), -EBADMSG);
	free(copy);
	wax_control_free(&control);
}

Test(control, header_that_a_worker_wrote_over_moves_no_record_and_leaves_no_file)
{
	struct wax_control control = make_or_fail();
	struct wax_worker_record *record = wax_control_worker(&control, 2);

	memset(control.header, 0xff, sizeof(*control.header));
	cr_assert_eq(wax_control_worker(&control, 2), record);
	wax_control_free(&control);
	cr_assert_eq(entry_count(), 0);
}

Test(control, attach_of_what_is_no_page_is_a_sentence)
{
	struct wax_control tool;
	struct wax_err err = {0};
	char path[PATH_MAX + 16];

	cr_assert_eq(wax_control_attach("/no/such/page", &tool, &err), -ENOENT);
	cr_assert_lt(wax_control_attach(base, &tool, &err), 0);
	cr_assert_lt(wax_control_attach("/dev/zero", &tool, &err), 0);

	/* A pipe that nobody writes to must not be waited for. */
	snprintf(path, sizeof(path), "%s/pipe", base);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(wax_control_attach(path, &tool, &err), -EBADMSG);
	unlink(path);

	snprintf(path, sizeof(path), "%s/link", base);
	cr_assert_eq(symlink("/dev/null", path), 0);
	cr_assert_eq(wax_control_attach(path, &tool, &err), -ELOOP);
	unlink(path);
}
