/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "runtime/store.h"
#include "tests/support/log_dump.h"
#include "tests/support/log_maker.h"

/*
 * A recovery directory of version 1 lies in tests/data/log-v1, and is never written again: what wax
 * reads today it reads from then on. This says what is in it, and how it was made.
 */

static char kept[512];

static void find_kept(void)
{
	const char *source = getenv("SOURCE");
	snprintf(kept, sizeof(kept), "%s/tests/data/log-v1", source ? source : ".");
}

TestSuite(log_v1, .init = find_kept);

static const char *const expected[] = {
		"epoch 1\n"
		"state 4 apple pie\n"
		"state 4  \n"
		"state 1 \\01\\00\\00\\00\\00\\00\\00\\00 one1\n"
		"state 1 \\02\\00\\00\\00\\00\\00\\00\\00 two2\n"
		"end base 0 live 4 40 flags 0\n"
		"position 0 0 in.csv 100\n"
		"position 7 0 out.csv 17\n"
		"epoch 2\n"
		"gone 4 apple\n"
		"gone 1 \\02\\00\\00\\00\\00\\00\\00\\00\n"
		"state 4 pear tart\n"
		"end base 0 live 3 33 flags 0\n"
		"position 0 0 in.csv 200\n"
		"position 7 0 out.csv 34\n"
		"epoch 3\n"
		"state 1 \\01\\00\\00\\00\\00\\00\\00\\00 ONE1\n"
		"end base 0 live 3 33 flags 1\n"
		"position 0 0 in.csv 300\n"
		"position 7 0 out.csv 51\n",
		"epoch 1\n"
		"state 4 plum \\00\\ff\n"
		"end base 0 live 1 6 flags 0\n"
		"position 0 1 in.csv 100\n"
		"epoch 2\n"
		"end base 0 live 1 6 flags 0\n"
		"position 0 1 in.csv 200\n"
		"epoch 3\n"
		"clear 4\n"
		"gone 1 \\03\\00\\00\\00\\00\\00\\00\\00\n"
		"end base 3 live 0 0 flags 1\n",
};

static const char manifest[] = "wax-recovery 1\n"
			       "flow orchard\n"
			       "run 5f0c3a9d2b71e804\n"
			       "workers 2\n"
			       "hash 1 0\n"
			       "generation 1\n"
			       "from 0 0\n"
			       "step 4 state 1 0 4294967295 fold_final text orchard.fruit\n"
			       "step 1 state 3 8 4 stateful_map u64 orchard.numbers\n"
			       "step 0 source 1 0 0 file_lines - orchard.lines\n"
			       "step 7 sink 1 0 0 file_sink - orchard.out\n"
			       "sum 52d035c67bfaaf56\n";

Test(log_v1, is_read_as_it_was_written)
{
	struct wax_store *store;
	struct wax_resume *resume;
	struct wax_err err;
	char *text;

	cr_assert_eq(wax_store_open(kept, false, false, &store, &err), 0, "%s", err.text);
	cr_assert_eq(wax_store_resume(store, 0, &resume, &err), 0, "%s", err.text);
	cr_assert_eq(resume->epoch, 3);
	cr_assert_eq(resume->generation_count, 1);
	const struct wax_store_generation *generation = &resume->generations[0];
	cr_assert_eq(wax_manifest_print(&generation->manifest, &text, &err), sizeof(manifest) - 1);
	cr_assert_str_eq(text, manifest);
	free(text);
	for (uint32_t worker = 0; worker < 2; worker++) {
		text = log_dump(&generation->scans[worker], UINT64_MAX);
		cr_assert_str_eq(text, expected[worker]);
		free(text);
	}
	cr_assert_eq(generation->scans[0].segment_count, 2);
	cr_assert_eq(generation->bases[1], 3);
	wax_resume_free(resume);
	wax_store_close(store);
}

/* ---- How it was made */

static struct log_maker maker;

static void begin_segment(uint32_t worker, uint64_t number)
{
	struct wax_log_open open = {.generation = 1,
			.segment = number,
			.worker = worker,
			.worker_count = 2,
			.run = UINT64_C(0x5f0c3a9d2b71e804)};
	log_maker_open(&maker, &open);
}

static void expect_kept(uint32_t worker, uint64_t number)
{
	char name[600], *bytes = malloc(maker.used + 1);
	snprintf(name, sizeof(name), "%s/gen-00000001/worker-%05u.%06llu", kept, worker,
			(unsigned long long)number);
	FILE *file = fopen(name, "re");
	cr_assert_not_null(file, "%s", name);
	cr_assert_eq(fread(bytes, 1, maker.used + 1, file), maker.used);
	fclose(file);
	cr_assert_eq(memcmp(bytes, maker.bytes, maker.used), 0, "%s", name);
	free(bytes);
}

static void make_first_worker(void)
{
	static const struct log_maker_record fruit[] = {
			LOG_MAKER_TEXT("apple", "pie"), LOG_MAKER_TEXT("", "")};
	static const struct log_maker_record pear[] = {LOG_MAKER_TEXT("pear", "tart")};
	static const struct log_maker_record numbers[] = {
			LOG_MAKER_TEXT("\1\0\0\0\0\0\0\0", "one1"),
			LOG_MAKER_TEXT("\2\0\0\0\0\0\0\0", "two2")};
	static const struct log_maker_record again[] = {LOG_MAKER_TEXT("\1\0\0\0\0\0\0\0", "ONE1")};
	static const struct log_maker_position positions[][2] = {
			{{0, 0, "in.csv", "100"}, {7, 0, "out.csv", "17"}},
			{{0, 0, "in.csv", "200"}, {7, 0, "out.csv", "34"}},
			{{0, 0, "in.csv", "300"}, {7, 0, "out.csv", "51"}}};

	begin_segment(0, 1);
	maker.epoch = 1;
	log_maker_state(&maker, 4, 0, WAX_LOG_ANY_BYTES, fruit, 2);
	log_maker_state(&maker, 1, 8, 4, numbers, 2);
	log_maker_end(&maker, (struct wax_log_end){.live_keys = 4, .live_bytes = 40}, positions[0],
			2);
	maker.epoch = 2;
	log_maker_gone(&maker, 4, 0, fruit, 1);
	log_maker_gone(&maker, 1, 8, numbers + 1, 1);
	log_maker_state(&maker, 4, 0, WAX_LOG_ANY_BYTES, pear, 1);
	log_maker_end(&maker, (struct wax_log_end){.live_keys = 3, .live_bytes = 33}, positions[1],
			2);
	expect_kept(0, 1);
	begin_segment(0, 2);
	maker.epoch = 3;
	log_maker_state(&maker, 1, 8, 4, again, 1);
	log_maker_end(&maker,
			(struct wax_log_end){.live_keys = 3,
					.live_bytes = 33,
					.flags = WAX_LOG_FINISHED},
			positions[2], 2);
	expect_kept(0, 2);
}

static void make_second_worker(void)
{
	static const struct log_maker_record plum[] = {LOG_MAKER_TEXT("plum", "\0\xff")};
	static const struct log_maker_record third[] = {LOG_MAKER_TEXT("\3\0\0\0\0\0\0\0", "")};
	static const struct log_maker_position positions[] = {
			{0, 1, "in.csv", "100"}, {0, 1, "in.csv", "200"}};

	begin_segment(1, 1);
	maker.epoch = 1;
	log_maker_state(&maker, 4, 0, WAX_LOG_ANY_BYTES, plum, 1);
	log_maker_end(&maker, (struct wax_log_end){.live_keys = 1, .live_bytes = 6}, positions, 1);
	maker.epoch = 2;
	log_maker_end(&maker, (struct wax_log_end){.live_keys = 1, .live_bytes = 6}, positions + 1,
			1);
	expect_kept(1, 1);
	begin_segment(1, 2);
	maker.epoch = 3;
	log_maker_clear(&maker, 4);
	log_maker_gone(&maker, 1, 8, third, 1);
	log_maker_end(&maker, (struct wax_log_end){.base = 3, .flags = WAX_LOG_FINISHED}, NULL, 0);
	expect_kept(1, 2);
}

/* Frame by frame after the format: what lies there is version 1, and not only what reads as such. */
Test(log_v1, is_what_the_format_says)
{
	make_first_worker();
	make_second_worker();
	log_maker_fini(&maker);
}
