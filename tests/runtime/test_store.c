/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/store.h"
#include "tests/launcher/tree.h"
#include "tests/support/log_dump.h"
#include "tests/support/log_maker.h"
#include "tests/support/out_of_memory.h"

static struct tree tree;
static struct wax_store *store;
static struct wax_resume *resume;
static struct log_maker maker;
static struct wax_err err;
/* What wax_store_begin has said of the generation that was begun last. */
static struct wax_manifest begun;
static char path[512];

static void make_dir(void)
{
	cr_assert_eq(tree_open(&tree), 0);
}

static void remove_dir(void)
{
	wax_resume_free(resume);
	wax_store_close(store);
	log_maker_fini(&maker);
	tree_close(&tree);
}

TestSuite(store, .init = make_dir, .fini = remove_dir);

static void open_store(void)
{
	wax_store_close(store);
	store = NULL;
	cr_assert_eq(wax_store_open(tree.root, true, true, &store, &err), 0, "%s", err.text);
}

static int look(uint64_t epoch)
{
	if (!store)
		open_store();
	wax_resume_free(resume);
	resume = NULL;
	err = (struct wax_err){0};
	return wax_store_resume(store, epoch, &resume, &err);
}

static void expect_resume(uint64_t epoch, uint64_t found)
{
	cr_assert_eq(look(epoch), 0, "%s", err.text);
	cr_assert_eq(resume->epoch, found, "epoch %llu, expected %llu",
			(unsigned long long)resume->epoch, (unsigned long long)found);
}

static void expect_failure(uint64_t epoch, int code, const char *word)
{
	cr_assert_eq(look(epoch), code, "%s", err.text);
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
}

/* Generations of the resume, as "3/7 2/5": numbers and their last epochs. */
static void expect_chain(uint64_t epoch, const char *chain)
{
	char text[256] = "";
	cr_assert_eq(look(epoch), 0, "%s", err.text);
	for (uint32_t i = 0; i < resume->generation_count; i++) {
		const struct wax_store_generation *generation = &resume->generations[i];
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s%llu/%llu", used > 0 ? " " : "",
				(unsigned long long)generation->number,
				(unsigned long long)generation->epoch_last);
	}
	cr_assert_str_eq(text, chain);
}

/* A run that goes on from what `resume` says, and saves nothing yet. */
static void begin(uint32_t worker_count)
{
	int dir;
	open_store();
	begun = (struct wax_manifest){
			.flow = "f", .run = 1000 + worker_count, .worker_count = worker_count};
	cr_assert_eq(wax_store_begin(store, resume, &begun, &dir, path, &err), 0, "%s", err.text);
	cr_assert_eq(faccessat(dir, "manifest", R_OK, 0), 0);
	close(dir);
}

static void begin_from(uint64_t epoch, uint32_t worker_count)
{
	cr_assert_eq(look(epoch), 0, "%s", err.text);
	begin(worker_count);
}

static void begin_segment(uint32_t worker, uint64_t number)
{
	struct wax_log_open open = {.generation = begun.generation,
			.segment = number,
			.worker = worker,
			.worker_count = begun.worker_count,
			.run = begun.run};
	log_maker_open(&maker, &open);
}

static void put_epoch(uint64_t epoch, uint64_t base)
{
	char text[32];
	maker.epoch = epoch;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)epoch);
	struct log_maker_record record = {text, strlen(text), "state", 5};
	log_maker_state(&maker, 1, 0, WAX_LOG_ANY_BYTES, &record, 1);
	log_maker_end(&maker, (struct wax_log_end){.base = base}, NULL, 0);
}

static void write_segment(uint32_t worker, uint64_t number)
{
	log_maker_write(path, worker, number, maker.bytes, maker.used);
}

/* Save epochs up to one, from the first of the generation that was begun. */
static void save(uint32_t worker, uint64_t last, uint64_t base)
{
	begin_segment(worker, 1);
	for (uint64_t epoch = begun.from_epoch + 1; epoch <= last; epoch++)
		put_epoch(epoch, base);
	write_segment(worker, 1);
}

static void save_all(uint64_t last, uint64_t base)
{
	for (uint32_t worker = 0; worker < begun.worker_count; worker++)
		save(worker, last, base);
}

static void expect_epochs(const char *expected)
{
	uint64_t *epochs;
	uint32_t count;
	char text[256] = "";
	cr_assert_eq(wax_store_epochs(store, &epochs, &count, &err), 0, "%s", err.text);
	for (uint32_t i = 0; i < count; i++)
		sprintf(text + strlen(text), "%s%llu", i > 0 ? " " : "",
				(unsigned long long)epochs[i]);
	free(epochs);
	cr_assert_str_eq(text, expected);
}

static bool is_there(const char *name)
{
	char file[600];
	snprintf(file, sizeof(file), "%s/%s", tree.root, name);
	return access(file, F_OK) == 0;
}

static void flip(const char *name, size_t at)
{
	char file[600], byte;
	snprintf(file, sizeof(file), "%s/%s", tree.root, name);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	cr_assert_eq(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 4;
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* ---- Opening */

Test(store, is_made_for_its_owner_alone)
{
	char file[600];
	struct stat status;
	snprintf(file, sizeof(file), "%s/new", tree.root);
	cr_assert_eq(wax_store_open(file, false, false, &store, &err), -ENOENT);
	cr_assert(strstr(err.text, file), "%s", err.text);
	cr_assert_eq(wax_store_open(file, true, true, &store, &err), 0, "%s", err.text);
	cr_assert_eq(stat(file, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
	cr_assert(is_there("new/lock"));
}

Test(store, only_a_directory_will_do)
{
	char file[1024];
	snprintf(file, sizeof(file), "%s/file", tree.root);
	tree_write(&tree, "file", "x");
	cr_assert_eq(wax_store_open(file, true, true, &store, &err), -ENOTDIR);
	cr_assert(strstr(err.text, file), "%s", err.text);
	memset(file, 'x', sizeof(file));
	file[sizeof(file) - 1] = '\0';
	cr_assert_eq(wax_store_open(file, true, true, &store, &err), -ENAMETOOLONG);
	wax_store_close(NULL);
}

/* A process that holds the lock until it is killed. */
static pid_t hold(void)
{
	char byte;
	int ready[2];
	cr_assert_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct wax_store *held;
		if (wax_store_open(tree.root, false, true, &held, NULL) < 0)
			_exit(1);
		cr_assert_eq(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "the child has the lock");
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(store, a_run_that_uses_it_is_named)
{
	char who[64];
	struct wax_store *looking;
	pid_t pid = hold();
	cr_assert_eq(wax_store_open(tree.root, true, true, &store, &err), -EBUSY);
	snprintf(who, sizeof(who), "is used by %s, pid %d: wait", program_invocation_short_name,
			pid);
	cr_assert(strstr(err.text, who), "\"%s\" lacks \"%s\"", err.text, who);
	cr_assert(strstr(err.text, tree.root), "%s", err.text);
	cr_assert_eq(wax_store_open(tree.root, false, false, &looking, &err), 0);
	wax_store_close(looking);
	end(pid);
	open_store();
}

Test(store, the_lock_stays_while_a_child_lives)
{
	open_store();
	pid_t pid = fork();
	if (pid == 0) {
		wax_store_close(store);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	struct wax_store *other;
	cr_assert_eq(wax_store_open(tree.root, false, true, &other, &err), -EBUSY,
			"a child that closes it has not unlocked it");

	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	wax_store_close(store);
	store = NULL;
	cr_assert_eq(wax_store_open(tree.root, false, true, &other, &err), -EBUSY);
	tree_write(&tree, "lock", "waxrun 1 17");
	cr_assert_eq(wax_store_open(tree.root, false, true, &other, &err), -EBUSY);
	cr_assert(strstr(err.text, "waxrun, pid 1, has left behind"), "%s", err.text);
	end(pid);
	open_store();
}

/* ---- The newest epoch */

Test(store, an_empty_directory_begins_from_nothing)
{
	expect_resume(0, 0);
	cr_assert_eq(resume->generation_count, 0);
	expect_epochs("");
	begin(2);
	cr_assert_eq(begun.generation, 1);
	cr_assert_eq(begun.from_generation, 0);
	cr_assert_eq(begun.from_epoch, 0);
	cr_assert(strstr(path, "/gen-00000001"), "%s", path);
	expect_resume(0, 0);
	cr_assert_eq(resume->generation_count, 0);
}

Test(store, an_epoch_is_committed_when_all_workers_have_it)
{
	begin_from(0, 3);
	save(0, 1, 0);
	save(1, 1, 0);
	expect_resume(0, 0);
	save_all(3, 0);
	save(0, 4, 0);
	expect_chain(0, "1/3");
	cr_assert_eq(resume->generations[0].epoch_first, 1);
	cr_assert_eq(resume->generations[0].scans[2].epoch_count, 3);
	cr_assert_eq(resume->generations[0].manifest.worker_count, 3);
	expect_epochs("1 2 3");
}

Test(store, of_a_torn_epoch_the_one_before_is_taken)
{
	begin_from(0, 2);
	save_all(3, 0);
	flip("gen-00000001/worker-00001.000001", 2 * 4096 + 64 + 9); /* the state in it */
	expect_chain(0, "1/2");
	cr_assert_eq(resume->generations[0].scans[0].epoch_count, 2);
	cr_assert_eq(resume->generations[0].scans[1].epoch_count, 2);
}

Test(store, the_first_epoch_can_be_torn_too)
{
	begin_from(0, 1);
	save(0, 1, 0);
	flip("gen-00000001/worker-00000.000001", 128 + 64 + 9);
	expect_resume(0, 0);
	cr_assert_eq(resume->generation_count, 0);
}

Test(store, a_committed_epoch_is_not_torn_but_damaged)
{
	begin_from(0, 2);
	save(0, 3, 0);
	save(1, 4, 0);
	flip("gen-00000001/worker-00000.000001", 2 * 4096 + 64 + 9);
	/* Whoever reads it finds the damage. */
	expect_chain(0, "1/3");
	const struct wax_log_scan *scan = &resume->generations[0].scans[0];
	const struct wax_log_frame *frame = &scan->frames[wax_log_find_epoch(scan, 3)->first_frame];
	cr_assert_eq(wax_log_check_frame(scan, frame, &err), -EBADMSG);
	cr_assert(strstr(err.text, "byte 8192 of"), "%s", err.text);
	cr_assert(strstr(err.text, "worker-00000.000001"), "%s", err.text);
	save(0, 2, 0);
	expect_failure(0, -EBADMSG, "worker-00000.000001");
	cr_assert(strstr(err.text, "epoch 2, but 3 was"), "%s", err.text);
	unlinkat(AT_FDCWD, strcat(path, "/worker-00000.000001"), 0);
	expect_failure(0, -EBADMSG, "worker-00000.*");
}

Test(store, torn_frames_say_what_was_committed)
{
	begin_from(0, 2);
	save(0, 1, 0);
	begin_segment(1, 1);
	put_epoch(1, 0);
	put_epoch(2, 0);
	size_t whole = maker.used;
	put_epoch(3, 0);
	log_maker_write(path, 1, 1, maker.bytes, whole + 128);
	expect_failure(0, -EBADMSG, "worker-00000.000001");
	save(0, 2, 0);
	expect_chain(0, "1/2");
}

Test(store, other_things_in_it_are_left_alone)
{
	begin_from(0, 1);
	save(0, 2, 0);
	tree_write(&tree, "gen-9/manifest", "x");
	tree_write(&tree, "gen-00000009.old/manifest", "x");
	tree_write(&tree, "notes", "x");
	tree_write(&tree, "gen-00000001/worker-00007.000001", "x");
	expect_chain(0, "1/2");
	begin(1);
	cr_assert_eq(begun.generation, 2);
	save(0, 3, 3);
	wax_store_drop_others(store);
	cr_assert(is_there("gen-9/manifest"));
	cr_assert(is_there("gen-00000009.old/manifest"));
	cr_assert(is_there("notes"));
	cr_assert(!is_there("gen-00000001"));
	expect_chain(0, "2/3");
}

/* ---- Chains */

/* Three runs, of 2, 3 and 1 workers: epochs 1 to 3, 4 to 5, 6 to 7. */
static void save_three(void)
{
	begin_from(0, 2);
	save_all(3, 0);
	begin_from(0, 3);
	save_all(5, 0);
	begin_from(0, 1);
	save_all(7, 0);
}

Test(store, generations_are_followed_while_they_are_needed)
{
	save_three();
	cr_assert_eq(begun.generation, 3);
	cr_assert_eq(begun.from_generation, 2);
	cr_assert_eq(begun.from_epoch, 5);
	expect_chain(0, "3/7 2/5 1/3");
	cr_assert_eq(resume->generations[1].epoch_first, 4);
	cr_assert_eq(resume->generations[1].manifest.worker_count, 3);
	save(0, 7, 6);
	expect_chain(0, "3/7");
	cr_assert_eq(resume->generations[0].bases[0], 6);
}

Test(store, one_worker_that_needs_it_is_enough)
{
	begin_from(0, 1);
	save(0, 1, 0);
	begin_from(0, 2);
	save(0, 2, 2);
	save(1, 2, 0);
	expect_chain(0, "2/2 1/1");
}

Test(store, a_run_that_saved_nothing_is_passed_over)
{
	save_three();
	begin_from(0, 4);
	begin_segment(2, 1);
	write_segment(2, 1);
	expect_chain(0, "3/7 2/5 1/3");
	begin(2);
	cr_assert_eq(begun.generation, 5);
	cr_assert_eq(begun.from_generation, 3);
	cr_assert_eq(begun.from_epoch, 7);
	cr_assert(!is_there("gen-00000004"), "nobody needs it");
	cr_assert(is_there("gen-00000003"));
	cr_assert(is_there("gen-00000001"));
	save_all(8, 0);
	expect_chain(0, "5/8 3/7 2/5 1/3");
}

Test(store, a_generation_that_is_needed_and_missing_is_damage)
{
	char file[600];
	save_three();
	snprintf(file, sizeof(file), "%s/gen-00000002", tree.root);
	snprintf(path, sizeof(path), "%s/away", tree.root);
	cr_assert_eq(rename(file, path), 0);
	expect_failure(0, -EBADMSG, "gen-00000002");
	/* That of before is whole by itself. */
	expect_epochs("1 2 3");
	expect_chain(2, "1/2");
	cr_assert_eq(rename(path, file), 0);
	expect_chain(0, "3/7 2/5 1/3");
}

Test(store, a_generation_lacks_what_the_next_began_from)
{
	save_three();
	cr_assert_eq(truncate(strcat(strcpy(path, tree.root), "/gen-00000002/worker-00002.000001"),
				     4096),
			0);
	expect_failure(0, -EBADMSG, "worker-00002.000001");
	expect_epochs("1 2 3 4");
}

Test(store, a_run_that_died_while_it_began_is_passed_over)
{
	char file[600];
	save_three();
	snprintf(file, sizeof(file), "%s/gen-00000004", tree.root);
	mkdir(file, 0700);
	expect_resume(0, 7);
	tree_write(&tree, "gen-00000004/manifest.new", "half");
	expect_resume(0, 7);
	tree_write(&tree, "gen-00000004/manifest", "wax-recovery 1");
	expect_resume(0, 7);
	tree_write(&tree, "gen-00000004/worker-00000.000001", "x");
	expect_failure(0, -EBADMSG, "gen-00000004/manifest");
	expect_resume(7, 7);
	remove(strcat(file, "/worker-00000.000001"));
	begin_from(0, 1);
	cr_assert_eq(begun.generation, 5);
	cr_assert(!is_there("gen-00000004"));
}

Test(store, a_missing_manifest_is_damage)
{
	save_three();
	remove(strcat(path, "/manifest"));
	expect_failure(0, -EBADMSG, "gen-00000003/manifest");
	cr_assert(strstr(err.text, "--from none"), "%s", err.text);
	expect_chain(UINT64_MAX, "");
}

Test(store, another_version_is_refused)
{
	save_three();
	tree_write(&tree, "gen-00000003/manifest", "wax-recovery 2");
	expect_failure(0, -EPROTO, "gen-00000003/manifest");
}

Test(store, logs_belong_to_their_manifest)
{
	begin_from(0, 1);
	begun.run++;
	save(0, 2, 0);
	expect_failure(0, -EPROTO, "worker-00000.000001");
	begun.run--;
	begun.worker_count++;
	save(0, 2, 0);
	expect_failure(0, -EPROTO, "worker-00000.000001");
	begun.worker_count--;
	save(0, 2, 0);
	expect_resume(0, 2);
	begin(1);
	begun.from_epoch--;
	save(0, 4, 0);
	expect_failure(0, -EBADMSG, "begins with 3");
}

Test(store, missing_segments_are_seen)
{
	begin_from(0, 1);
	for (uint64_t number = 1; number <= 3; number++) {
		begin_segment(0, number);
		put_epoch(number, number == 3 ? 2 : 0);
		write_segment(0, number);
	}
	expect_chain(0, "1/3");
	wax_store_drop_segments(store, 0, 2);
	expect_chain(0, "1/3");
	expect_epochs("3");
	wax_store_drop_segments(store, 0, 3);
	wax_store_drop_segments(store, 0, 3);
	expect_failure(0, -EBADMSG, "segments are missing");
	begin_segment(0, 3);
	put_epoch(3, 0);
	write_segment(0, 3);
	expect_failure(0, -EBADMSG, "segments are missing");
}

/* ---- An earlier epoch */

Test(store, goes_back_to_an_earlier_epoch)
{
	save_three();
	expect_epochs("1 2 3 4 5 6 7");
	expect_chain(7, "3/7 2/5 1/3");
	expect_chain(6, "3/6 2/5 1/3");
	expect_chain(5, "2/5 1/3");
	expect_chain(4, "2/4 1/3");
	expect_chain(1, "1/1");
	expect_failure(8, -ENOENT, "there are 1 to 7");
	cr_assert(strstr(err.text, "no epoch 8"), "%s", err.text);
}

Test(store, going_back_stays)
{
	save_three();
	begin_from(4, 2);
	cr_assert_eq(begun.from_generation, 2);
	cr_assert_eq(begun.from_epoch, 4);
	expect_chain(0, "2/4 1/3");
	cr_assert(is_there("gen-00000003"), "what it has committed is not thrown away yet");
	save_all(5, 0);
	expect_chain(0, "4/5 2/4 1/3");
	expect_chain(5, "4/5 2/4 1/3");
	expect_chain(7, "3/7 2/5 1/3");
	expect_epochs("1 2 3 4 5 6 7");
}

Test(store, says_which_epochs_there_are)
{
	expect_failure(3, -ENOENT, "no epoch 3");
	cr_assert(strstr(err.text, "--from none"), "%s", err.text);
	begin_from(0, 1);
	save(0, 2, 0);
	begin_from(0, 1);
	begun.from_epoch += 2;
	begin_segment(0, 1);
	put_epoch(3, 0);
	put_epoch(4, 0);
	write_segment(0, 1);
	begin_from(0, 1);
	begin_segment(0, 2);
	put_epoch(5, 0);
	write_segment(0, 2);
	begin_segment(0, 3);
	put_epoch(6, 6);
	write_segment(0, 3);
	expect_failure(9, -ENOENT, "there are 1 to 4, 6");
	expect_epochs("1 2 3 4 6");
}

Test(store, begins_from_nothing_when_told_so)
{
	save_three();
	begin_from(UINT64_MAX, 2);
	cr_assert_eq(begun.generation, 4);
	cr_assert_eq(begun.from_generation, 0);
	cr_assert_eq(begun.from_epoch, 0);
	cr_assert(!is_there("gen-00000001"));
	cr_assert(!is_there("gen-00000003"));
	expect_resume(0, 0);
	save_all(1, 0);
	expect_chain(0, "4/1");
}

/* ---- What is dropped */

Test(store, segments_of_a_worker_are_dropped)
{
	begin_from(0, 2);
	for (uint64_t number = 1; number <= 3; number++) {
		begin_segment(0, number);
		put_epoch(number, number);
		write_segment(0, number);
		begin_segment(1, number);
		put_epoch(number, number);
		write_segment(1, number);
	}
	wax_store_drop_segments(store, 1, 3);
	cr_assert(is_there("gen-00000001/worker-00000.000001"));
	cr_assert(!is_there("gen-00000001/worker-00001.000001"));
	cr_assert(!is_there("gen-00000001/worker-00001.000002"));
	cr_assert(is_there("gen-00000001/worker-00001.000003"));
	wax_store_drop_segments(store, 1, 3);
	wax_store_drop_segments(store, 0, 2);
	cr_assert(!is_there("gen-00000001/worker-00000.000001"));
	expect_chain(0, "1/3");
}

Test(store, counts_its_bytes)
{
	begin_from(0, 1);
	uint64_t before = wax_store_bytes(store);
	save(0, 3, 0);
	cr_assert_eq(wax_store_bytes(store), before + 3 * 4096);
	tree_write(&tree, "gen-00000001/x", "123");
	cr_assert_eq(wax_store_bytes(store), before + 3 * 4096 + 4);
	cr_assert_gt(before, 100);
}

/* ---- Any damage */

/* Either it is refused, or what is read is what was saved up to that epoch. */
static void expect_refused_or_right(uint32_t *refused, uint32_t *earlier)
{
	if (look(0) < 0) {
		cr_assert_eq(err.code, -EBADMSG);
		cr_assert(strstr(err.text, tree.root), "%s", err.text);
		++*refused;
		return;
	}
	*earlier += resume->epoch < 3;
	/* What all logs have lost nobody knows; one that has lost what another proves is refused. */
	cr_assert(resume->epoch >= 2, "epoch %llu", (unsigned long long)resume->epoch);
	for (uint32_t worker = 0; worker < 2; worker++) {
		char *text = log_dump(&resume->generations[0].scans[worker], resume->epoch);
		if (!text) {
			++*refused;
			continue;
		}
		char expected[256] = "";
		for (uint64_t epoch = 1; epoch <= resume->epoch; epoch++)
			sprintf(expected + strlen(expected),
					"epoch %d\nstate 1 %d state\nend base 0 live 0 0 flags 0\n",
					(int)epoch, (int)epoch);
		cr_assert_str_eq(text, expected);
		free(text);
	}
}

Test(store, a_log_that_is_cut_anywhere_is_never_taken_for_another, .timeout = 240)
{
	uint32_t refused = 0, earlier = 0;
	begin_from(0, 2);
	save_all(3, 0);
	char file[600];
	snprintf(file, sizeof(file), "%s/worker-00001.000001", path);
	for (size_t bytes = maker.used; bytes-- > 0;) {
		/* The room that is filled up: a few of it. */
		if (bytes % 4096 > 600 && bytes % 101 != 0)
			continue;
		cr_assert_eq(truncate(file, (off_t)bytes), 0);
		expect_refused_or_right(&refused, &earlier);
	}
	cr_assert_gt(refused, 600, "%u", refused);
	cr_assert_gt(earlier, 100, "%u", earlier);
}

Test(store, a_bit_that_flips_anywhere_is_never_taken_for_another, .timeout = 240)
{
	uint32_t refused = 0, earlier = 0;
	begin_from(0, 2);
	save_all(3, 0);
	for (size_t at = 0; at < maker.used; at++) {
		if (maker.bytes[at] == 0 && at % 4096 > 600 && at % 101 != 0)
			continue;
		flip("gen-00000001/worker-00001.000001", at);
		expect_refused_or_right(&refused, &earlier);
		flip("gen-00000001/worker-00001.000001", at);
	}
	cr_assert_gt(refused, 400, "%u", refused);
	cr_assert_gt(earlier, 100, "%u", earlier);
}

/* ---- Without memory */

/* Two runs of two workers, of 30 and of 2 epochs, and one that died while it began. */
static void save_two(void)
{
	char file[600];

	begin_from(0, 2);
	save_all(30, 0);
	begin_from(0, 2);
	save_all(32, 0);
	snprintf(file, sizeof(file), "%s/gen-00000003", tree.root);
	cr_assert_eq(mkdir(file, 0700), 0);
	expect_chain(0, "2/32 1/30");
}

static int open_and_close(struct wax_err *error)
{
	struct wax_store *opened;
	int r = wax_store_open(tree.root, true, true, &opened, error);

	if (r == 0)
		wax_store_close(opened);
	return r;
}

Test(store, open_out_of_memory_is_reported)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	cr_assert_gt(out_of_memory(open_and_close, tree.root), 0);
}

static uint64_t asked; /* an epoch or a generation */

/* @return how many generations it needs */
static int resume_and_free(struct wax_err *error)
{
	struct wax_resume *found;
	int r = wax_store_resume(store, asked, &found, error);

	if (r < 0)
		return r;
	r = (int)found->generation_count;
	wax_resume_free(found);
	return r;
}

Test(store, resume_out_of_memory_is_reported)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	save_two();
	asked = 0;
	cr_assert_eq(resume_and_free(&err), 2);
	cr_assert_gt(out_of_memory(resume_and_free, tree.root), 20);
	asked = UINT64_MAX;
	cr_assert_gt(out_of_memory(resume_and_free, tree.root), 0);
}

Test(store, resume_of_an_epoch_out_of_memory_is_not_taken_for_one_without_it)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	save_two();
	asked = 31;
	cr_assert_eq(resume_and_free(&err), 2);
	cr_assert_gt(out_of_memory(resume_and_free, tree.root), 20);
	asked = 7;
	cr_assert_eq(resume_and_free(&err), 1);
	cr_assert_gt(out_of_memory(resume_and_free, tree.root), 20);
	asked = 33;
	cr_assert_eq(resume_and_free(&err), -ENOENT);
	cr_assert_gt(out_of_memory(resume_and_free, tree.root), 20);
}

static int count_epochs(struct wax_err *error)
{
	uint64_t *epochs;
	uint32_t count;
	int r = wax_store_epochs(store, &epochs, &count, error);

	if (r < 0)
		return r;
	free(epochs);
	return (int)count;
}

Test(store, epochs_out_of_memory_are_not_fewer)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	save_two();
	cr_assert_eq(count_epochs(&err), 32);
	cr_assert_gt(out_of_memory(count_epochs, tree.root), 20);
}

static int count_generations(struct wax_err *error)
{
	uint64_t *numbers;
	uint32_t count;
	int r = wax_store_list(store, &numbers, &count, error);

	if (r < 0)
		return r;
	free(numbers);
	return (int)count;
}

Test(store, list_out_of_memory_is_not_shorter)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	open_store();
	for (int i = 1; i <= 30; i++) {
		snprintf(path, sizeof(path), "%s/gen-%08d", tree.root, i);
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	cr_assert_eq(count_generations(&err), 30);
	cr_assert_gt(out_of_memory(count_generations, tree.root), 2);
}

static int look_and_forget(struct wax_err *error)
{
	struct wax_store_generation generation;
	int r = wax_store_look(store, asked, &generation, error);

	if (r == 0)
		wax_store_generation_fini(&generation);
	return r;
}

Test(store, look_out_of_memory_is_reported)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	save_two();
	asked = 1;
	cr_assert_gt(out_of_memory(look_and_forget, tree.root), 10);
	asked = 3;
	cr_assert_eq(look_and_forget(&err), 1);
	cr_assert_gt(out_of_memory(look_and_forget, tree.root), 0);
}

/* All that is left can be looked at: what is removed in part would be taken for damage. */
static void expect_no_damage(void)
{
	uint64_t *numbers;
	uint32_t count;

	cr_assert_eq(wax_store_list(store, &numbers, &count, &err), 0, "%s", err.text);
	for (uint32_t i = 0; i < count; i++) {
		asked = numbers[i];
		cr_assert_geq(look_and_forget(&err), 0, "%s", err.text);
	}
	free(numbers);
}

/* @return how many allocations have failed */
static unsigned begin_out_of_memory(int n, bool stays)
{
	struct wax_manifest wanted = {.flow = "f", .run = 1002, .worker_count = 2};
	const struct traces before = traces_find(tree.root);
	unsigned failures;
	int r, dir;

	memory_fail(n, stays);
	r = wax_store_begin(store, resume, &wanted, &dir, path, &err);
	failures = memory_give();
	if (r < 0) {
		expect_no_memory(r, &err);
		cr_assert_eq(traces_find(tree.root).sum, before.sum);
		r = wax_store_begin(store, resume, &wanted, &dir, path, &err);
	}
	cr_assert_eq(r, 0, "%s", err.text);
	close(dir);
	expect_no_damage();
	return failures;
}

Test(store, begin_out_of_memory_begins_nothing)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	save_two();
	open_store();
	const struct traces before = traces_find(NULL);
	for (int way = 0; begin_out_of_memory(way / 2, way & 1) > 0; way++)
		expect_chain(0, "2/32 1/30");
	cr_assert(!is_there("gen-00000003"), "nobody needs it");
	expect_chain(0, "2/32 1/30");
	open_store();
	cr_assert_eq(traces_find(NULL).descriptors, before.descriptors);
}

/* @return how many allocations have failed */
static unsigned drop_out_of_memory(int n, bool stays)
{
	unsigned failures;

	begin_from(0, 2);
	save_all(1, 0);
	begin_from(0, 2);
	save_all(2, 2);
	memory_fail(n, stays);
	wax_store_drop_others(store);
	failures = memory_give();
	cr_assert_eq(memory_held(), 0);
	expect_no_damage();
	wax_store_drop_others(store);
	expect_chain(0, "2/2");
	cr_assert_eq(count_generations(&err), 1);
	remove_dir();
	store = NULL;
	resume = NULL;
	make_dir();
	return failures;
}

Test(store, drop_out_of_memory_leaves_what_is_whole)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	for (int way = 0; drop_out_of_memory(way / 2, way & 1) > 0; way++)
		continue;
}
