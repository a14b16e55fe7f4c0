/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/log.h"
#include "tests/support/disk.h"
#include "tests/support/log_parse.h"
#include "tests/support/loops.h"
#include "tests/support/out_of_memory.h"

enum { MS = 1000000, SEGMENTS_MAX = 16 };

/* A log in a directory of its own. */
struct rig {
	struct wax_loop *loop;
	struct wax_log *log;
	struct wax_log_env env;
	char path[64];
	unsigned wakes;
};

static void wake(void *waker)
{
	((struct rig *)waker)->wakes++;
}

static void rig_open_in(struct rig *rig, struct wax_loop *loop, const char *parent)
{
	struct wax_err err = {0};

	*rig = (struct rig){.loop = loop};
	snprintf(rig->path, sizeof(rig->path), "%s/log-of-test-XXXXXX", parent);
	cr_assert_not_null(mkdtemp(rig->path));
	rig->env = (struct wax_log_env){
			.loop = loop,
			.dir = open(rig->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			.dir_path = rig->path,
			.generation = 1,
			.run = 7,
			.worker = 3,
			.worker_count = 4,
			.wake = wake,
			.waker = rig,
	};
	cr_assert_geq(rig->env.dir, 0);
	cr_assert_eq(wax_log_open(&rig->env, &rig->log, &err), 0, "%s", err.text);
	cr_assert_eq(wax_log_segment(rig->log), 1);
	cr_assert_eq(wax_log_durable(rig->log), 0);
}

static void rig_open(struct rig *rig, struct wax_loop *loop)
{
	rig_open_in(rig, loop, "/tmp");
}

static void rig_close_log(struct rig *rig)
{
	wax_log_close(rig->log);
	rig->log = NULL;
}

static void segment_path(const struct rig *rig, unsigned number, char path[128])
{
	snprintf(path, 128, "%s/worker-00003.%06u", rig->path, number);
}

static void rig_close(struct rig *rig)
{
	char path[128];

	rig_close_log(rig);
	wax_loop_close(rig->loop);
	close(rig->env.dir);
	for (unsigned i = 1; i <= SEGMENTS_MAX; i++) {
		segment_path(rig, i, path);
		unlink(path);
	}
	cr_assert_eq(rmdir(rig->path), 0);
}

/* ---- writing */

static struct wax_bytes number_bytes(const uint64_t *number)
{
	return (struct wax_bytes){number, sizeof(*number)};
}

/* Records of 8 and 40 bytes. */
static void append(struct rig *rig, uint64_t count)
{
	static const char value[40] = "0123456789";
	const struct wax_frames_step sizes = {8, sizeof(value)};
	const struct wax_bytes bytes = {value, sizeof(value)};

	for (uint64_t i = 0; i < count; i++)
		cr_assert_eq(wax_frames_state(wax_log_frames(rig->log), 1, sizes, number_bytes(&i),
					     bytes),
				0);
}

static int end_epoch(struct rig *rig, struct wax_err *err)
{
	const struct wax_log_end end = {.base = 1};

	return wax_log_end(rig->log, &end, NULL, 0, err);
}

static void write_epoch(struct rig *rig, uint64_t epoch, uint64_t count)
{
	struct wax_err err = {0};

	wax_frames_epoch(wax_log_frames(rig->log), epoch);
	append(rig, count);
	cr_assert_eq(end_epoch(rig, &err), 0, "%s", err.text);
}

static void wait_durable(struct rig *rig, uint64_t epoch)
{
	struct wax_err err = {0};

	for (int i = 0; i < 3000 && wax_log_durable(rig->log) < epoch; i++) {
		cr_assert_eq(wax_log_failure(rig->log, &err), 0, "%s", err.text);
		wax_loop_wait(rig->loop, 10 * MS);
	}
	cr_assert_eq(wax_log_durable(rig->log), epoch);
}

/* ---- reading */

static char *read_segment(const struct rig *rig, unsigned number, size_t *ret_bytes)
{
	struct stat info;
	char path[128];
	char *data;
	int fd;

	segment_path(rig, number, path);
	fd = open(path, O_RDONLY);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(fstat(fd, &info), 0);
	cr_assert_eq(info.st_mode & 0777, 0600);
	data = malloc((size_t)info.st_size + 1);
	cr_assert_eq(read(fd, data, (size_t)info.st_size), info.st_size);
	close(fd);
	*ret_bytes = (size_t)info.st_size;
	return data;
}

static struct log_parse parse_segment(const struct rig *rig, unsigned number)
{
	struct log_parse parse;
	char *data;
	size_t bytes;

	data = read_segment(rig, number, &bytes);
	parse = log_parse(data, bytes, NULL);
	free(data);
	parse.data = NULL;
	return parse;
}

/* Nothing is allocated but what is in the file, give or take the file system's own. */
static void expect_no_slack(const struct rig *rig, unsigned number)
{
	struct stat info;
	char path[128];

	segment_path(rig, number, path);
	cr_assert_eq(stat(path, &info), 0);
	cr_assert_leq(info.st_blocks * 512, info.st_size + 65536, "%lld of %lld",
			(long long)info.st_blocks * 512, (long long)info.st_size);
}

BOTH(log, epochs_are_read_back)
{
	struct rig rig;
	struct log_parse parse;

	rig_open(&rig, loop);
	for (uint64_t epoch = 1; epoch <= 3; epoch++) {
		write_epoch(&rig, epoch, 1000);
		cr_assert_lt(wax_log_durable(rig.log), epoch, "never in the call");
		wait_durable(&rig, epoch);
		cr_assert_geq(rig.wakes, epoch);
	}
	cr_assert_eq(wax_log_failure(rig.log, NULL), 0);
	cr_assert_eq(wax_log_bytes(rig.log), 3 * 49152);
	rig_close_log(&rig);
	parse = parse_segment(&rig, 1);
	cr_assert_eq(parse.records, 3000);
	cr_assert_eq(parse.last_epoch, 3);
	cr_assert_eq(parse.bytes, 3 * 49152);
	cr_assert_eq(parse.at, parse.bytes);
	expect_no_slack(&rig, 1);
	rig_close(&rig);
}

BOTH(log, epochs_may_end_before_those_before_are_durable)
{
	enum { EPOCHS = 40 };
	struct rig rig;
	struct log_parse parse;

	rig_open(&rig, loop);
	for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++)
		write_epoch(&rig, epoch, 3 * epoch);
	wait_durable(&rig, EPOCHS);
	rig_close_log(&rig);
	parse = parse_segment(&rig, 1);
	cr_assert_eq(parse.records, 3 * EPOCHS * (EPOCHS + 1) / 2);
	cr_assert_eq(parse.last_epoch, EPOCHS);
	rig_close(&rig);
}

BOTH(log, epoch_of_many_blocks_is_written_while_it_is_made)
{
	enum { COUNT = 500000 };
	struct rig rig;
	struct log_parse parse;
	unsigned wakes;

	rig_open(&rig, loop);
	wax_frames_epoch(wax_log_frames(rig.log), 1);
	append(&rig, COUNT);
	cr_assert(wax_log_is_full(rig.log));
	cr_assert_eq(wax_log_push(rig.log, NULL), 0);
	wakes = rig.wakes;
	for (int i = 0; i < 1000 && wax_log_is_full(rig.log); i++)
		wax_loop_wait(loop, 10 * MS);
	cr_assert_not(wax_log_is_full(rig.log));
	cr_assert_gt(rig.wakes, wakes, "there is room again");
	cr_assert_eq(end_epoch(&rig, NULL), 0);
	wait_durable(&rig, 1);
	cr_assert_eq(wax_frames_pending(wax_log_frames(rig.log)), 0);
	rig_close_log(&rig);
	parse = parse_segment(&rig, 1);
	cr_assert_eq(parse.records, COUNT);
	cr_assert_eq(parse.last_epoch, 1);
	expect_no_slack(&rig, 1);
	rig_close(&rig);
}

BOTH(log, cut_begins_a_segment)
{
	struct rig rig;
	struct log_parse parse;
	char path[128];

	rig_open(&rig, loop);
	for (uint64_t epoch = 1; epoch <= 6; epoch++) {
		write_epoch(&rig, epoch, 20000);
		cr_assert_eq(wax_log_cut(rig.log, NULL), 0);
		cr_assert_eq(wax_log_segment(rig.log), epoch + 1);
		if (epoch % 2 == 0)
			wait_durable(&rig, epoch);
		if (epoch == 4) { /* one that nobody needs any more */
			segment_path(&rig, 2, path);
			cr_assert_eq(unlink(path), 0);
		}
	}
	rig_close_log(&rig);
	for (unsigned i = 1; i <= 6; i++) {
		if (i == 2)
			continue;
		parse = parse_segment(&rig, i);
		cr_assert_eq(parse.records, 20000);
		cr_assert_eq(parse.last_epoch, i);
		cr_assert_eq(parse.at, parse.bytes);
		expect_no_slack(&rig, i);
	}
	segment_path(&rig, 2, path);
	cr_assert_lt(access(path, F_OK), 0);
	cr_assert_eq(parse_segment(&rig, 7).bytes, 0, "nothing was written into it");
	rig_close(&rig);
}

BOTH(log, close_in_the_middle_of_an_epoch_leaves_a_torn_end)
{
	bool posix = strcmp(wax_loop_backend(loop), "posix") == 0;

	wax_loop_close(loop);
	for (int waits = 0; waits < 6; waits++) {
		struct rig rig;
		struct log_parse parse;

		rig_open(&rig, open_loop(posix ? WAX_IO_POSIX : WAX_IO_URING));
		write_epoch(&rig, 1, 1000);
		wait_durable(&rig, 1);
		wax_frames_epoch(wax_log_frames(rig.log), 2);
		append(&rig, 200000);
		cr_assert_eq(wax_log_push(rig.log, NULL), 0);
		for (int i = 0; i < waits; i++)
			wax_loop_wait(rig.loop, 10 * MS);
		rig_close_log(&rig);
		parse = parse_segment(&rig, 1);
		cr_assert_eq(parse.last_epoch, 1);
		cr_assert_geq(parse.bytes, 49152);
		expect_no_slack(&rig, 1);
		rig_close(&rig);
	}
}

BOTH(log, reap_alone_makes_epochs_durable)
{
	struct rig rig;

	rig_open(&rig, loop);
	write_epoch(&rig, 1, 100000);
	while (wax_log_durable(rig.log) < 1)
		wax_loop_reap(loop);
	rig_close(&rig);
}

/* ---- what goes wrong in truth */

static int write_until_failure(struct rig *rig, struct wax_err *err)
{
	for (uint64_t epoch = 1; epoch < 1000; epoch++) {
		wax_frames_epoch(wax_log_frames(rig->log), epoch);
		append(rig, 10000);
		if (end_epoch(rig, err) < 0)
			return err->code;
		for (int i = 0; i < 10 && wax_log_durable(rig->log) < epoch; i++)
			wax_loop_wait(rig->loop, 10 * MS);
	}
	return 0;
}

static void expect_failure(struct rig *rig, int code, const char *words)
{
	struct wax_err err = {0}, again = {0};
	uint64_t durable;

	cr_assert_eq(write_until_failure(rig, &err), code, "%s", err.text);
	cr_assert_not_null(strstr(err.text, words), "%s", err.text);
	cr_assert_not_null(strstr(err.text, "worker-00003.000001"), "%s", err.text);
	cr_assert_eq(wax_log_push(rig->log, &again), code);
	cr_assert_str_eq(err.text, again.text);
	cr_assert_eq(wax_log_cut(rig->log, &again), code);
	cr_assert_eq(wax_log_failure(rig->log, NULL), code);
	durable = wax_log_durable(rig->log);
	cr_assert_gt(durable, 0);
	rig_close_log(rig);
	cr_assert_geq(parse_segment(rig, 1).last_epoch, durable);
}

BOTH(log, file_size_limit_is_said)
{
	struct rlimit limit;
	struct rig rig;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 3000000;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rig_open(&rig, loop);
	expect_failure(&rig, -EFBIG, "ulimit -f");
	rig_close(&rig);
}

BOTH(log, full_device_is_said)
{
	char parent[] = "/tmp/wax-log-XXXXXX";
	struct rig rig;

	cr_assert_not_null(mkdtemp(parent));
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tmpfs", parent, "tmpfs", 0, "size=3m") < 0) {
		rmdir(parent);
		cr_skip_test("a file system cannot be mounted here");
	}
	rig_open_in(&rig, loop, parent);
	expect_failure(&rig, -ENOSPC, "free some");
	rig_close(&rig);
	umount(parent);
	rmdir(parent);
}

BOTH(log, open_says_what_is_in_its_way)
{
	struct rig rig;
	struct wax_log *second;
	struct wax_err err = {0};

	rig_open(&rig, loop);
	cr_assert_eq(wax_log_open(&rig.env, &second, &err), -EEXIST);
	cr_assert_not_null(strstr(err.text, "worker-00003.000001"), "%s", err.text);
	rig_close(&rig);
	wax_log_close(NULL);
}

/* ---- without memory */

static struct rig *opening;

static int open_and_close(struct wax_err *err)
{
	struct wax_log *log;
	int r = wax_log_open(&opening->env, &log, err);

	if (r < 0)
		return r;
	wax_log_close(log);
	return unlinkat(opening->env.dir, "worker-00004.000001", 0);
}

BOTH(log, open_out_of_memory_leaves_nothing)
{
	struct rig rig;

	SKIP_UNLESS_MEMORY_OBEYS();
	rig_open(&rig, loop);
	rig.env.worker = 4;
	opening = &rig;
	cr_assert_gt(out_of_memory(open_and_close, rig.path), 3);
	rig_close(&rig);
}

static int call_end(struct rig *rig, struct wax_err *err)
{
	return end_epoch(rig, err);
}

static int call_cut(struct rig *rig, struct wax_err *err)
{
	return wax_log_cut(rig->log, err);
}

/* How the n-th allocation of a call fails, and what is done then. */
enum { STAYS = 1, TRY_AGAIN = 2, WAYS = 4 };

/* @return has it failed? */
static bool lack_memory(
		struct rig *rig, int (*call)(struct rig *rig, struct wax_err *err), int n, int way)
{
	const struct traces before = traces_find(rig->path);
	struct wax_err err = {0};
	int r;

	memory_fail(n, way & STAYS);
	r = call(rig, &err);
	if (memory_give() == 0) {
		cr_assert_eq(r, 0, "%s", err.text);
		return false;
	}
	expect_no_memory(r, &err);
	cr_assert_eq(memory_held(), 0);
	traces_expect(&before, rig->path);
	if (way & TRY_AGAIN)
		cr_assert_eq(call(rig, &err), 0, "%s", err.text);
	return true;
}

/* The second of three epochs begins a segment, or goes on in the first where that has failed. */
static bool write_out_of_memory(int n, int way)
{
	struct rig rig;
	bool failed, cut;

	rig_open(&rig, open_loop(WAX_IO_POSIX));
	write_epoch(&rig, 1, 100);
	failed = lack_memory(&rig, call_cut, n, way);
	cut = !failed || way & TRY_AGAIN;
	cr_assert_eq(wax_log_segment(rig.log), cut ? 2 : 1);
	write_epoch(&rig, 2, 100);
	wax_frames_epoch(wax_log_frames(rig.log), 3);
	failed |= lack_memory(&rig, call_end, n, way | TRY_AGAIN);
	wait_durable(&rig, 3);
	rig_close_log(&rig);
	cr_assert_eq(parse_segment(&rig, 1).records, cut ? 100 : 200);
	cr_assert_eq(parse_segment(&rig, cut ? 2 : 1).last_epoch, 3);
	rig_close(&rig);
	return failed;
}

Test(log, cut_and_end_out_of_memory_lose_nothing)
{
	int n = 0;

	SKIP_UNLESS_MEMORY_OBEYS();
	for (bool failed = true; failed; n++) {
		failed = false;
		for (int way = 0; way < WAYS; way++)
			failed |= write_out_of_memory(n, way);
	}
	cr_assert_gt(n, 2);
}

/* ---- all orders, and what a crash would leave, on a disk that is made up: see tests/support/disk.h */

enum { EPOCHS = 9 };

/* The last epoch that is sure to be read after a crash. */
static uint64_t safe_epoch(const struct rig *rig, struct disk *disk)
{
	const struct disk_file *listed[SEGMENTS_MAX];
	struct log_parse parse = {0};
	unsigned count = 0;

	while (count < SEGMENTS_MAX) {
		struct stat info;
		char path[128];

		segment_path(rig, count + 1, path);
		if (stat(path, &info) < 0)
			break;
		listed[count] = disk_file(disk, info.st_ino);
		if (!listed[count]->listed)
			break;
		count++;
	}
	while (count > 0 && parse.last_epoch == 0) {
		const struct disk_file *file = listed[--count];

		parse = log_parse(file->image, file->image_bytes, NULL);
	}
	return parse.last_epoch;
}

/* Looked at when it has changed. */
static void check_durable(const struct rig *rig, struct disk *disk, uint64_t *seen)
{
	if (wax_log_durable(rig->log) == *seen)
		return;
	*seen = wax_log_durable(rig->log);
	cr_assert_leq(*seen, safe_epoch(rig, disk));
}

/* While an epoch becomes durable nothing else is written. */
static void check_order(const struct disk *disk)
{
	unsigned syncs = 0, writes = 0;

	for (unsigned i = 0; i < disk->op_count; i++) {
		bool write = (disk->ops[i].completion->kind & WAX_LOOP_KIND) == WAX_LOOP_WRITE;
		bool whole = disk->ops[i].completion->kind & WAX_LOOP_WHOLE;

		writes += write && !disk->ops[i].sync;
		syncs += disk->ops[i].sync || (!write && !whole);
	}
	cr_assert_leq(syncs, 1);
	cr_assert(syncs == 0 || writes == 0);
}

static void reap(struct rig *rig, struct disk *disk, uint64_t *seen)
{
	wax_loop_reap(rig->loop);
	check_durable(rig, disk, seen);
	check_order(disk);
}

/* Epochs of none, one and several blocks; cuts between some. @return 0, or how the log has failed */
static int write_scenario(struct rig *rig, struct disk *disk, struct wax_err *err)
{
	uint64_t seen = 0;
	int code = 0;

	for (uint64_t epoch = 1; epoch <= EPOCHS && code == 0; epoch++) {
		wax_frames_epoch(wax_log_frames(rig->log), epoch);
		append(rig, epoch % 3 == 0 ? 45000 : epoch % 3);
		code = end_epoch(rig, err);
		if (code == 0 && epoch % 4 == 2)
			code = wax_log_cut(rig->log, err);
		for (uint64_t i = disk_random(disk) % 8; i > 0; i--)
			reap(rig, disk, &seen);
	}
	for (int i = 0; i < 20000 && code == 0 && wax_log_durable(rig->log) < EPOCHS; i++) {
		reap(rig, disk, &seen);
		code = wax_log_failure(rig->log, err);
	}
	return code;
}

/* In memory where there is a place: nothing of it need be on a true disk. Not under a name of wax:
 * other tests look there for what a run has left behind. */
static void rig_open_on(struct rig *rig, struct disk *disk)
{
	rig_open_in(rig, &disk->loop, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

Test(log, what_is_durable_would_survive_a_crash, .timeout = 240)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct disk *disk = disk_open(seed);
		struct wax_err err = {0};
		struct rig rig;

		rig_open_on(&rig, disk);
		cr_assert_eq(write_scenario(&rig, disk, &err), 0, "seed %llu: %s",
				(unsigned long long)seed, err.text);
		cr_assert_eq(wax_log_durable(rig.log), EPOCHS);
		rig_close(&rig);
	}
}

struct fault {
	enum disk_fault fault;
	int code;
	size_t bytes;
	bool stays;
	const char *words; /* NULL: the log goes on */
};

/* The n-th operation does what the fault says. @return was there an n-th? */
static bool meet_fault(const struct fault *fault, unsigned n)
{
	struct disk *disk = disk_open(n);
	struct wax_err err = {0};
	struct rig rig;
	unsigned faults;
	int code;

	rig_open_on(&rig, disk);
	disk->fault_at = n;
	disk->fault = fault->fault;
	disk->fault_code = fault->code;
	disk->fault_bytes = fault->bytes;
	disk->fault_stays = fault->stays;
	code = write_scenario(&rig, disk, &err);
	faults = disk->faults;
	if (faults > 0 && fault->words) {
		cr_assert_eq(code, fault->code, "%u: %d", n, code);
		cr_assert_not_null(strstr(err.text, fault->words), "%s", err.text);
		cr_assert_not_null(strstr(err.text, rig.path), "%s", err.text);
		cr_assert_gt(rig.wakes, 0);
	} else {
		cr_assert_eq(code, 0, "%u: %s", n, err.text);
		cr_assert_eq(wax_log_durable(rig.log), EPOCHS);
	}
	rig_close(&rig);
	return faults > 0;
}

static void meet_faults(const struct fault *fault)
{
	unsigned met = 0;

	for (unsigned n = 1; n <= 32; n++)
		met += meet_fault(fault, n);
	cr_assert_gt(met, 10, "%u", met);
}

#define FAULT(name, ...)                                                                           \
	Test(log, name, .timeout = 240)                                                            \
	{                                                                                          \
		meet_faults(&(const struct fault){__VA_ARGS__});                                   \
	}

FAULT(device_that_fails_once_ends_it, DISK_FAILS, -EIO, .words = "dmesg")
FAULT(device_that_is_full_ends_it, DISK_FAILS, -ENOSPC, .words = "free some")
FAULT(quota_that_is_used_up_ends_it, DISK_FAILS, -EDQUOT, .words = "quota")
FAULT(what_is_to_be_tried_again_is, DISK_FAILS, -EAGAIN)
FAULT(what_was_interrupted_is_tried_again, DISK_FAILS, -EINTR)
FAULT(what_is_always_to_be_tried_again_ends_it, DISK_FAILS, -EAGAIN, .stays = true,
		.words = "temporarily")
FAULT(write_of_whole_pages_is_continued, DISK_SHORT, .bytes = 8192)
FAULT(write_of_some_bytes_is_continued, DISK_SHORT, .bytes = 1001)
FAULT(writes_that_are_always_short_come_to_an_end, DISK_SHORT, .bytes = 30011, .stays = true)
