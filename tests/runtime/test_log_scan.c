/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/log_scan.h"
#include "tests/launcher/tree.h"
#include "tests/support/log_dump.h"
#include "tests/support/log_maker.h"
#include "tests/support/out_of_memory.h"

static struct tree tree;
static int dir;
static struct log_maker maker;
static struct wax_log_scan scan;
static struct wax_err err;
static struct wax_log_open opened = {
		.generation = 3, .segment = 1, .worker = 0, .worker_count = 2, .run = 77};

static void make_dir(void)
{
	cr_assert_eq(tree_open(&tree), 0);
	dir = open(tree.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir, 0);
}

static void remove_dir(void)
{
	wax_log_scan_free(&scan);
	log_maker_fini(&maker);
	close(dir);
	tree_close(&tree);
}

TestSuite(log_scan, .init = make_dir, .fini = remove_dir);

/* ---- Logs to look at */

static void begin_segment(uint64_t number)
{
	opened.segment = number;
	log_maker_open(&maker, &opened);
}

static void put_state(const char *key, const char *value)
{
	struct log_maker_record record = {key, strlen(key), value, strlen(value)};
	log_maker_state(&maker, 4, 0, WAX_LOG_ANY_BYTES, &record, 1);
}

static void put_epoch(uint64_t epoch, const char *key, const char *value)
{
	maker.epoch = epoch;
	put_state(key, value);
	log_maker_end(&maker, (struct wax_log_end){.base = 1}, NULL, 0);
}

static void write_segment(uint64_t number)
{
	log_maker_write(tree.root, 0, number, maker.bytes, maker.used);
}

/* Epochs 1 and 2, of every kind of frame, then 3 in a segment of its own. */
static void put_first(void)
{
	static const struct log_maker_record texts[] = {
			LOG_MAKER_TEXT("b", ""), LOG_MAKER_TEXT("", "xyz")};
	static const struct log_maker_record numbers[] = {
			LOG_MAKER_TEXT("12345678", "once"), LOG_MAKER_TEXT("abcdefgh", "more")};
	static const struct log_maker_position positions[] = {
			{0, 1, "in.csv", "4096"}, {6, 0, "", ""}};

	begin_segment(1);
	maker.epoch = 1;
	log_maker_state(&maker, 4, 0, WAX_LOG_ANY_BYTES, texts, 2);
	log_maker_state(&maker, 1, 8, 4, numbers, 2);
	log_maker_end(&maker, (struct wax_log_end){.live_bytes = 9, .live_keys = 4}, positions, 2);
	maker.epoch = 2;
	log_maker_clear(&maker, 1);
	log_maker_gone(&maker, 4, 0, texts, 1);
	log_maker_gone(&maker, 1, 8, numbers, 1);
	log_maker_end(&maker, (struct wax_log_end){.base = 2, .flags = WAX_LOG_FINISHED}, NULL, 0);
}

static const char first[] = "epoch 1\n"
			    "state 4 b \n"
			    "state 4  xyz\n"
			    "state 1 12345678 once\n"
			    "state 1 abcdefgh more\n"
			    "end base 0 live 4 9 flags 0\n"
			    "position 0 1 in.csv 4096\n"
			    "position 6 0  \n"
			    "epoch 2\n"
			    "clear 1\n"
			    "gone 4 b\n"
			    "gone 1 12345678\n"
			    "end base 2 live 0 0 flags 1\n";
static const char second[] = "epoch 3\n"
			     "state 4 key value\n"
			     "end base 1 live 0 0 flags 0\n";

static void write_log(void)
{
	put_first();
	write_segment(1);
	begin_segment(2);
	put_epoch(3, "key", "value");
	write_segment(2);
}

static int look(void)
{
	wax_log_scan_free(&scan);
	err = (struct wax_err){0};
	return wax_log_scan(dir, tree.root, 0, &scan, &err);
}

static void expect_text(const char *text)
{
	char *found = log_dump(&scan, UINT64_MAX);
	cr_assert_str_eq(found, text);
	free(found);
}

static void expect_epochs(uint32_t count)
{
	cr_assert_eq(look(), 0, "%s", err.text);
	cr_assert_eq(scan.epoch_count, count, "%u epochs, expected %u", scan.epoch_count, count);
}

static void expect_failure(int code, const char *word)
{
	int r = look();
	cr_assert_eq(r, code, "%d, expected %d: %s", r, code, err.text);
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
	cr_assert(strstr(err.text, tree.root), "%s", err.text);
}

/* ---- What is in order */

Test(log_scan, without_segments_is_empty)
{
	tree_write(&tree, "manifest", "x");
	tree_write(&tree, "worker-00001.000001", "x");
	tree_write(&tree, "worker-00000.1", "x");
	tree_write(&tree, "worker-00000.000001.old", "x");
	expect_epochs(0);
	cr_assert_eq(scan.segment_count, 0);
	cr_assert_eq(scan.frame_count, 0);
	cr_assert_eq(scan.torn_bytes, 0);
	cr_assert_eq(scan.generation, 0);
}

Test(log_scan, gives_back_what_was_saved)
{
	char all[sizeof(first) + sizeof(second)];

	write_log();
	expect_epochs(3);
	snprintf(all, sizeof(all), "%s%s", first, second);
	expect_text(all);
	cr_assert_eq(scan.generation, 3);
	cr_assert_eq(scan.run, 77);
	cr_assert_eq(scan.worker_count, 2);
	cr_assert_eq(scan.segment_count, 2);
	cr_assert_str_eq(scan.segments[1].name, "worker-00000.000002");
	cr_assert_eq(scan.torn_bytes, 0);
	cr_assert_str_empty(scan.torn.text);
}

Test(log_scan, finds_epochs)
{
	write_log();
	expect_epochs(3);
	cr_assert_null(wax_log_find_epoch(&scan, 0));
	cr_assert_null(wax_log_find_epoch(&scan, 4));
	for (uint64_t epoch = 1; epoch <= 3; epoch++) {
		const struct wax_log_epoch *found = wax_log_find_epoch(&scan, epoch);
		cr_assert_not_null(found);
		cr_assert_eq(found->epoch, epoch);
		cr_assert_eq(scan.frames[found->first_frame].head.epoch, epoch);
		cr_assert_neq(scan.frames[found->first_frame].head.kind, WAX_LOG_OPEN);
		cr_assert_eq(scan.frames[found->end_frame].head.kind, WAX_LOG_END);
	}
	cr_assert_eq(wax_log_find_epoch(&scan, 2)->base, 2);
}

Test(log_scan, zeros_behind_the_end_are_the_end)
{
	enum { ROOM = 3 * 4096 + 17 };

	begin_segment(1);
	put_epoch(1, "key", "value");
	char *bytes = calloc(1, maker.used + ROOM);
	memcpy(bytes, maker.bytes, maker.used);
	log_maker_write(tree.root, 0, 1, bytes, maker.used + ROOM);
	free(bytes);
	begin_segment(2);
	put_epoch(2, "key", "value");
	write_segment(2);
	expect_epochs(2);
	cr_assert_eq(scan.torn_bytes, 0);
}

Test(log_scan, what_lies_before_a_gap_is_gone)
{
	for (uint64_t number = 1; number <= 6; number++) {
		begin_segment(number);
		put_epoch(number, "key", "value");
		if (number != 2 && number != 4)
			write_segment(number);
	}
	expect_epochs(2);
	cr_assert_eq(scan.epochs[0].epoch, 5);
	cr_assert_eq(scan.segments[0].number, 5);
}

/* ---- How runs end */

Test(log_scan, an_epoch_without_end_is_torn)
{
	put_first();
	size_t whole = maker.used;
	maker.epoch = 3;
	put_state("key", "value");
	write_segment(1);
	expect_epochs(2);
	expect_text(first);
	cr_assert_eq(scan.torn_segment, 0);
	cr_assert_eq(scan.torn_offset, whole);
	cr_assert_gt(scan.torn_bytes, 64);
	cr_assert_leq(scan.torn_bytes, maker.used - whole);
	cr_assert_eq(scan.torn_epoch, 3);
	cr_assert(strstr(scan.torn.text, "worker-00000.000001"), "%s", scan.torn.text);
	cr_assert_eq(scan.frames[scan.frame_count - 1].head.kind, WAX_LOG_END);
}

Test(log_scan, a_segment_that_has_just_begun_is_torn)
{
	put_first();
	write_segment(1);
	begin_segment(2);
	for (size_t bytes = 0; bytes <= maker.used; bytes++) {
		log_maker_write(tree.root, 0, 2, maker.bytes, bytes);
		expect_epochs(2);
		expect_text(first);
		cr_assert_eq(scan.torn_bytes > 0, bytes > 0);
		cr_assert_eq(scan.torn.text[0] != '\0', bytes > 0);
		cr_assert_eq(scan.torn_epoch, 0);
	}
}

Test(log_scan, cut_anywhere_leaves_whole_epochs)
{
	size_t ends[4];

	begin_segment(1);
	ends[0] = 0;
	for (uint64_t epoch = 1; epoch <= 3; epoch++) {
		put_epoch(epoch, "key", "value");
		/* END itself: 64 and 32 bytes, and one record of 4 + 4 + 8 before it. */
		ends[epoch] = (epoch - 1) * 4096 + (epoch == 1 ? 128 : 0) + 128 + 128;
	}
	for (size_t bytes = 0; bytes <= maker.used; bytes++) {
		uint32_t whole = 0;
		while (whole < 3 && bytes >= ends[whole + 1])
			whole++;
		log_maker_write(tree.root, 0, 1, maker.bytes, bytes);
		expect_epochs(whole);
		char *text = log_dump(&scan, UINT64_MAX);
		cr_assert_not_null(text);
		free(text);
	}
}

Test(log_scan, an_epoch_is_dropped)
{
	write_log();
	expect_epochs(3);
	wax_log_drop_epoch(&scan);
	cr_assert_eq(scan.epoch_count, 2);
	expect_text(first);
	cr_assert_eq(scan.torn_segment, 1);
	cr_assert_eq(scan.torn_offset, 128);
	cr_assert_gt(scan.torn_bytes, 0);
	cr_assert_eq(scan.torn_epoch, 3);
	cr_assert_str_not_empty(scan.torn.text);
	wax_log_drop_epoch(&scan);
	wax_log_drop_epoch(&scan);
	cr_assert_eq(scan.epoch_count, 0);
	cr_assert_eq(scan.frame_count, 0);
	cr_assert_eq(scan.torn_segment, 0);
}

/* ---- Damage */

Test(log_scan, damage_before_a_later_epoch_is_an_error)
{
	begin_segment(1);
	put_epoch(1, "key", "value");
	size_t second_at = maker.used;
	put_epoch(2, "key", "value");
	put_epoch(3, "key", "value");
	maker.bytes[second_at + 9] ^= 1;
	write_segment(1);
	expect_failure(-EBADMSG, "byte 4096 of");
	cr_assert(strstr(err.text, "worker-00000.000001"), "%s", err.text);
	cr_assert(strstr(err.text, "--from none"), "%s", err.text);
	memset(maker.bytes + second_at, 0, 4096);
	write_segment(1);
	expect_failure(-EBADMSG, "byte 4096 of");
}

Test(log_scan, damage_before_a_later_segment_is_an_error)
{
	put_first();
	maker.bytes[4096] ^= 1; /* where epoch 2 begins */
	write_segment(1);
	expect_epochs(1);
	begin_segment(2);
	put_epoch(3, "key", "value");
	write_segment(2);
	expect_failure(-EBADMSG, "worker-00000.000001");
	log_maker_write(tree.root, 0, 1, "", 0);
	/* Of a log without a beginning nobody knows what it lacks, but what it has is told. */
	expect_epochs(0);
	cr_assert_eq(scan.torn_epoch, 3);
}

Test(log_scan, damage_of_the_last_epoch_is_torn)
{
	put_first();
	maker.bytes[4096 + 64 + 3] ^= 1; /* GONE of epoch 2; its END is whole */
	write_segment(1);
	expect_epochs(1);
	cr_assert_eq(scan.torn_epoch, 2);
	cr_assert_eq(scan.torn_offset, 4096);
}

/* What is taken is what was saved, or it is known to be damaged. */
static void expect_seen_or_harmless(uint32_t *refused, uint32_t *unreadable)
{
	if (look() < 0) {
		cr_assert_eq(err.code, -EBADMSG);
		cr_assert_str_not_empty(err.text);
		++*refused;
		return;
	}
	/* Without OPEN nothing is taken, and it is known what there was. */
	if (scan.epoch_count == 0) {
		cr_assert_geq(scan.torn_epoch, 2);
		return;
	}
	cr_assert_eq(scan.epoch_count, 3);
	char *text = log_dump(&scan, 2);
	if (text)
		cr_assert_str_eq(text, first);
	*unreadable += text == NULL;
	free(text);
}

Test(log_scan, a_bit_that_flips_anywhere_is_seen_or_does_not_matter)
{
	uint32_t refused = 0, unreadable = 0;

	write_log();
	put_first();
	int fd = openat(dir, "worker-00000.000001", O_WRONLY | O_CLOEXEC);
	for (size_t at = 0; at < maker.used; at++) {
		char flipped = (char)(maker.bytes[at] ^ 1 << at % 7);
		/* Zeros that fill up: one of each row of them will do. */
		if (maker.bytes[at] == 0 && at % 4096 > 1024 && at % 512 != 0)
			continue;
		cr_assert_eq(pwrite(fd, &flipped, 1, (off_t)at), 1);
		expect_seen_or_harmless(&refused, &unreadable);
		cr_assert_eq(pwrite(fd, &maker.bytes[at], 1, (off_t)at), 1);
	}
	close(fd);
	cr_assert_gt(refused, 300);
	cr_assert_gt(unreadable, 50);
}

Test(log_scan, frames_do_not_change_places)
{
	begin_segment(1);
	maker.epoch = 1;
	size_t at = maker.used;
	put_state("one", "value");
	put_state("two", "value");
	log_maker_end(&maker, (struct wax_log_end){0}, NULL, 0);
	char frame[128];
	memcpy(frame, maker.bytes + at, 128);
	memmove(maker.bytes + at, maker.bytes + at + 128, 128);
	memcpy(maker.bytes + at + 128, frame, 128);
	write_segment(1);
	expect_epochs(0);
	cr_assert(strstr(scan.torn.text, "byte 128 of"), "%s", scan.torn.text);
}

Test(log_scan, epochs_go_up)
{
	begin_segment(1);
	put_epoch(2, "key", "value");
	put_epoch(2, "key", "value");
	write_segment(1);
	expect_epochs(1);
	cr_assert(strstr(scan.torn.text, "had ended"), "%s", scan.torn.text);

	begin_segment(1);
	maker.epoch = 1;
	put_state("key", "value");
	maker.epoch = 2;
	put_state("key", "value");
	write_segment(1);
	expect_failure(-EBADMSG, "has no end");

	begin_segment(1);
	maker.epoch = 1;
	log_maker_end(&maker, (struct wax_log_end){.base = 2}, NULL, 0);
	write_segment(1);
	expect_epochs(0);
	cr_assert_str_not_empty(scan.torn.text);
}

Test(log_scan, an_epoch_begins_at_a_multiple_of_4096)
{
	begin_segment(1);
	maker.epoch = 1;
	log_maker_frame(&maker, (struct wax_log_head){.kind = WAX_LOG_END},
			&(struct wax_log_end){0}, sizeof(struct wax_log_end));
	maker.epoch = 2;
	put_state("key", "value");
	write_segment(1);
	expect_failure(-EBADMSG, "does not begin there");
}

Test(log_scan, only_a_segment_begins_with_open)
{
	begin_segment(1);
	maker.epoch = 1;
	log_maker_frame(&maker, (struct wax_log_head){.kind = WAX_LOG_OPEN}, &opened,
			sizeof(opened));
	log_maker_end(&maker, (struct wax_log_end){0}, NULL, 0);
	write_segment(1);
	expect_epochs(0);

	maker.used = 0;
	maker.chain = 0;
	put_epoch(1, "key", "value");
	write_segment(1);
	expect_epochs(0);
	cr_assert_str_not_empty(scan.torn.text);
}

/* Sizes that a head claims, which nobody may believe. */
Test(log_scan, sizes_are_checked)
{
	static const struct wax_log_head heads[] = {
			{.kind = 0},
			{.kind = 7},
			{.kind = WAX_LOG_CLEAR},
			{.kind = WAX_LOG_END},
			{.kind = WAX_LOG_STATE, .count = 2, .key_bytes = 8, .value_bytes = 4},
			{.kind = WAX_LOG_STATE, .count = 1, .key_bytes = 8, .value_bytes = 4},
			{.kind = WAX_LOG_STATE,
					.count = 3,
					.key_bytes = 0,
					.value_bytes = WAX_LOG_ANY_BYTES},
			{.kind = WAX_LOG_GONE, .count = 6},
			{.kind = WAX_LOG_STATE,
					.count = UINT32_MAX,
					.key_bytes = UINT32_MAX,
					.value_bytes = UINT32_MAX - 1},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		begin_segment(1);
		maker.epoch = 1;
		log_maker_frame(&maker, heads[i], "twenty bytes, no more", 20);
		log_maker_end(&maker, (struct wax_log_end){0}, NULL, 0);
		write_segment(1);
		expect_epochs(0);
		cr_assert(strstr(scan.torn.text, "byte 128 of"), "%zu: %s", i, scan.torn.text);
	}
	static const uint64_t sizes[] = {4096, 1 << 20, UINT64_MAX, UINT64_MAX - 63, INT64_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		begin_segment(1);
		put_epoch(1, "key", "value");
		memcpy(maker.bytes + 128 + offsetof(struct wax_log_head, payload_bytes), &sizes[i],
				8);
		log_maker_seal(&maker, 128);
		write_segment(1);
		expect_epochs(0);
	}
}

/* ---- Of others */

Test(log_scan, a_segment_of_another_run_is_refused)
{
	struct wax_log_open others[] = {opened, opened, opened, opened, opened};

	others[0].run++;
	others[1].generation++;
	others[2].worker++;
	others[3].worker_count++;
	others[4].segment = 7;
	write_log();
	for (size_t i = 0; i < 5; i++) {
		if (i < 4)
			others[i].segment = 2;
		log_maker_open(&maker, &others[i]);
		put_epoch(3, "key", "value");
		write_segment(2);
		expect_failure(-EPROTO, "worker-00000.000002");
	}
}

Test(log_scan, another_version_is_refused)
{
	uint16_t version = 2;

	write_log();
	memcpy(maker.bytes + offsetof(struct wax_log_head, version), &version, sizeof(version));
	log_maker_seal(&maker, 0);
	write_segment(2);
	expect_failure(-EPROTO, "version 2");
}

/* ---- Without memory */

/* @return how many epochs there are */
static int look_and_free(struct wax_err *error)
{
	struct wax_log_scan found;
	int r = wax_log_scan(dir, tree.root, 0, &found, error);

	if (r < 0)
		return r;
	r = (int)found.epoch_count;
	wax_log_scan_free(&found);
	return r;
}

Test(log_scan, out_of_memory_is_reported)
{
	SKIP_UNLESS_MEMORY_OBEYS();
	cr_assert_eq(look_and_free(&err), 0);
	cr_assert_gt(out_of_memory(look_and_free, tree.root), 1);
	for (uint64_t number = 1; number <= 2; number++) {
		begin_segment(number);
		for (uint64_t i = 1; i <= 70; i++)
			put_epoch((number - 1) * 70 + i, "key", "value");
		write_segment(number);
	}
	cr_assert_eq(look_and_free(&err), 140);
	cr_assert_gt(out_of_memory(look_and_free, tree.root), 8);
	/* One that is torn, and one that is damaged. */
	maker.used -= 4096;
	write_segment(2);
	cr_assert_eq(look_and_free(&err), 139);
	cr_assert_gt(out_of_memory(look_and_free, tree.root), 8);
	maker.bytes[4096] ^= 1;
	write_segment(2);
	cr_assert_eq(look_and_free(&err), -EBADMSG);
	cr_assert_gt(out_of_memory(look_and_free, tree.root), 4);
}

/* ---- Records */

static void expect_bad_records(struct wax_log_head head, const char *payload, size_t bytes)
{
	struct wax_log_frame frame = {.head = head, .payload = payload};
	struct wax_log_records records;
	struct wax_bytes key, value;
	int r;

	frame.head.payload_bytes = bytes;
	cr_assert_eq(wax_log_records(&frame, &records), 0);
	while ((r = wax_log_next_record(&records, &key, &value)) == 1)
		;
	cr_assert_eq(r, -EBADMSG);
}

Test(log_scan, records_do_not_leave_their_frame)
{
	struct wax_log_head any = {
			.kind = WAX_LOG_STATE, .count = 1, .value_bytes = WAX_LOG_ANY_BYTES};
	struct wax_log_head gone = {.kind = WAX_LOG_GONE, .count = 2};

	expect_bad_records(any, "\1\0\0\0\1\0\0\0k", 9);
	expect_bad_records(any, "\1\0\0\0\1\0\0\0kvx", 11);
	expect_bad_records(any, "\xff\xff\xff\xff\0\0\0\0k", 9);
	expect_bad_records(any, "\0\0\0\0\xff\xff\xff\xffk", 9);
	expect_bad_records(any, "\0\0\0\0\0\0\0", 7);
	expect_bad_records(any, "\0\0\0", 3);
	expect_bad_records(gone, "\1\0\0\0k", 5);
	expect_bad_records(gone, "\1\0\0\0k\0\0\0", 8);
}

Test(log_scan, positions_do_not_leave_their_frame)
{
	struct {
		struct wax_log_end end;
		struct wax_log_position position;
		char text[8];
	} payload = {{.positions = 1}, {.name_bytes = 4, .position_bytes = 4}, "nameplac"};
	struct wax_log_frame frame = {.head = {.kind = WAX_LOG_END}, .payload = (char *)&payload};
	struct wax_log_positions positions;
	struct wax_log_position position;
	struct wax_bytes name, bytes;

	for (size_t i = 0; i <= sizeof(payload); i++) {
		frame.head.payload_bytes = i;
		int r = wax_log_positions(&frame, &positions);
		cr_assert_eq(r, i < sizeof(payload.end) ? -EBADMSG : 0);
		if (r < 0)
			continue;
		r = wax_log_next_position(&positions, &position, &name, &bytes);
		cr_assert_eq(r, i < sizeof(payload) ? -EBADMSG : 1);
	}
	cr_assert_eq(wax_log_next_position(&positions, &position, &name, &bytes), 0);
	payload.end.positions = 2;
	cr_assert_eq(wax_log_positions(&frame, &positions), 0);
	cr_assert_eq(wax_log_next_position(&positions, &position, &name, &bytes), 1);
	cr_assert_eq(wax_log_next_position(&positions, &position, &name, &bytes), -EBADMSG);
	frame.head.kind = WAX_LOG_STATE;
	cr_assert_eq(wax_log_positions(&frame, &positions), -EBADMSG);
}
