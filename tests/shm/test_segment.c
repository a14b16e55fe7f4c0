/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/segment.h"

/* The segment closes its file; this stands in front of libc's and keeps a copy for the tests. */
static int last_memfd = -1;

int memfd_create(const char *name, unsigned flags)
{
	int fd = (int)syscall(SYS_memfd_create, name, flags);
	last_memfd = dup(fd);
	return fd;
}

static const struct wax_segment_plan small_plan = {
		.worker_count = 3,
		.edge_count = 2,
		.slab_bytes = 1024,
		.slabs_per_lane = 2,
		.inline_credits = 4,
};

static struct wax_segment make_or_fail(const struct wax_segment_plan *plan)
{
	struct wax_segment segment;
	struct wax_err err = {0};
	cr_assert_eq(wax_segment_make(plan, &segment, &err), 0, "%s", err.text);
	return segment;
}

/* The number behind `words` in a sentence. */
static uint64_t number_after(const char *sentence, const char *words)
{
	const char *at = strstr(sentence, words);
	cr_assert_not_null(at, "'%s' lacks '%s'", sentence, words);
	return strtoull(at + strlen(words), NULL, 10);
}

Test(segment, fit_keeps_the_budget_at_every_number_of_workers)
{
	static const uint32_t workers[] = {2, 8, 64, 256};
	static const uint64_t mib_a_worker[] = {1, 8, 32, 100};

	for (size_t w = 0; w < 4; w++) {
		for (size_t m = 0; m < 4; m++) {
			struct wax_segment_plan plan = {
					.worker_count = workers[w], .edge_count = 4};
			uint64_t budget = mib_a_worker[m] << 20, bytes = 0;

			budget *= workers[w];
			int r = wax_segment_fit(budget, 0, &plan, &bytes, NULL);
			if (r == -ENOMEM)
				continue; /* 256 workers in 1 MiB each */
			cr_assert_eq(r, 0);
			cr_assert_leq(bytes, budget);
			cr_assert_geq(plan.slabs_per_lane, 2);
			cr_assert_geq(plan.slab_bytes, WAX_SLAB_BYTES_MIN);
		}
	}
}

Test(segment, fit_says_exactly_what_make_takes)
{
	struct wax_segment_plan plan = {.worker_count = 8, .edge_count = 3};
	uint64_t bytes = 0;

	cr_assert_eq(wax_segment_fit(64 << 20, 0, &plan, &bytes, NULL), 0);
	struct wax_segment segment = make_or_fail(&plan);
	cr_assert_eq(segment.bytes, bytes);
	cr_assert_eq(segment.header->bytes, bytes);
	wax_segment_free(&segment);
}

Test(segment, fit_prefers_large_slabs_where_there_is_room)
{
	struct wax_segment_plan plan = {.worker_count = 2, .edge_count = 1};
	uint64_t bytes;

	cr_assert_eq(wax_segment_fit(64 << 20, 0, &plan, &bytes, NULL), 0);
	cr_assert_eq(plan.slab_bytes, 65536);
	cr_assert_eq(plan.slabs_per_lane, 32);
}

Test(segment, least_budget_that_the_sentence_names_suffices_and_one_byte_less_does_not)
{
	static const uint32_t workers[] = {1, 2, 8, 64, 256, 1024};
	static const uint64_t slabs[] = {0, 512, 16384, 1 << 20};

	for (size_t w = 0; w < 6; w++) {
		for (size_t s = 0; s < 4; s++) {
			struct wax_segment_plan plan = {
					.worker_count = workers[w], .edge_count = 4};
			struct wax_err err = {0};
			uint64_t bytes;

			cr_assert_eq(wax_segment_fit(1, slabs[s], &plan, &bytes, &err), -ENOMEM);
			uint64_t least = number_after(err.text, "at least ");
			cr_assert_eq(wax_segment_fit(least, slabs[s], &plan, &bytes, &err), 0);
			cr_assert_leq(bytes, least);
			cr_assert_eq(wax_segment_fit(least - 1, slabs[s], &plan, &bytes, &err),
					-ENOMEM);
		}
	}
}

Test(segment, default_budget_never_fails)
{
	for (uint32_t workers = 1; workers <= WAX_WORKERS_MAX; workers *= 2) {
		struct wax_segment_plan plan = {.worker_count = workers, .edge_count = 16};
		uint64_t bytes;
		cr_assert_eq(wax_segment_fit(0, 0, &plan, &bytes, NULL), 0);
		cr_assert_geq(plan.slabs_per_lane, 2);
	}
}

Test(segment, asked_slab_size_is_kept)
{
	for (uint64_t slab = WAX_SLAB_BYTES_MIN; slab <= WAX_SLAB_BYTES_MAX; slab *= 2) {
		struct wax_segment_plan plan = {.worker_count = 2, .edge_count = 1};
		uint64_t bytes;
		cr_assert_eq(wax_segment_fit(256 << 20, slab, &plan, &bytes, NULL), 0);
		cr_assert_eq(plan.slab_bytes, slab);
	}
}

Test(segment, every_slab_is_aligned_to_its_size)
{
	for (uint32_t slab_bytes = WAX_SLAB_BYTES_MIN; slab_bytes <= WAX_SLAB_BYTES_MAX;
			slab_bytes *= 2) {
		struct wax_segment_plan plan = small_plan;
		plan.slab_bytes = slab_bytes;
		struct wax_segment segment = make_or_fail(&plan);
		uint32_t count = wax_segment_slab_count(&segment.layout);

		for (uint32_t owner = 0; owner < plan.worker_count; owner++)
			for (uint32_t slab = 0; slab < count; slab++)
				cr_assert_eq((uintptr_t)wax_segment_slab(&segment, owner, slab) %
								slab_bytes,
						0);
		wax_segment_free(&segment);
	}
}

/* One byte a use: whoever finds its bytes taken overlaps with another. */
static void claim(const struct wax_segment *segment, char *taken, const void *from, size_t bytes)
{
	size_t offset = (size_t)((const char *)from - (const char *)segment->header);
	cr_assert_leq(offset + bytes, segment->bytes);
	for (size_t i = offset; i < offset + bytes; i++)
		cr_assert_eq(taken[i], 0, "byte %zu is used twice", i);
	memset(taken + offset, 1, bytes);
}

static void claim_all(const struct wax_segment *segment, char *taken)
{
	const struct wax_segment_header *layout = &segment->layout;
	uint32_t workers = layout->worker_count;

	claim(segment, taken, segment->header, sizeof(*segment->header));
	for (uint32_t a = 0; a < workers; a++) {
		claim(segment, taken, wax_segment_bell(segment, a), sizeof(struct wax_bell));
		for (uint32_t edge = 0; edge < layout->edge_count; edge++)
			claim(segment, taken, wax_segment_mark(segment, a, edge), sizeof(wax_mark));
		for (uint32_t b = 0; b < workers; b++) {
			claim(segment, taken, wax_segment_ring(segment, a, b),
					layout->ring_slots * sizeof(struct wax_slot));
			claim(segment, taken, wax_segment_returns(segment, a, b),
					layout->return_slots * sizeof(wax_return_slot));
			for (uint32_t edge = 0; edge < layout->edge_count; edge++)
				claim(segment, taken,
						wax_segment_slab(segment, a,
								wax_segment_lane_slab(
										layout, edge, b)),
						(size_t)layout->slabs_per_lane *
								layout->slab_bytes);
		}
	}
}

Test(segment, nothing_in_it_overlaps)
{
	static const struct wax_segment_plan plans[] = {{1, 1, 512, 2, 0}, {3, 2, 1024, 2, 4},
			{2, 5, 4096, 3, 1}, {5, 1, 65536, 2, 4}};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct wax_segment segment = make_or_fail(&plans[i]);
		char *taken = calloc(1, segment.bytes);
		cr_assert_not_null(taken);
		claim_all(&segment, taken);
		free(taken);
		wax_segment_free(&segment);
	}
}

Test(segment, words_of_different_writers_are_two_lines_apart)
{
	struct wax_segment_plan plan = {4, 1, 512, 2, 1};
	struct wax_segment segment = make_or_fail(&plan);

	for (uint32_t a = 0; a < 4; a++) {
		for (uint32_t b = 0; b < 4; b++) {
			cr_assert_eq((uintptr_t)wax_segment_ring(&segment, a, b) % WAX_APART, 0);
			cr_assert_eq((uintptr_t)wax_segment_returns(&segment, a, b) % WAX_APART, 0);
		}
		cr_assert_eq((uintptr_t)wax_segment_bell(&segment, a) % WAX_APART, 0);
		cr_assert_eq((uintptr_t)wax_segment_mark(&segment, a, 0) % WAX_APART, 0);
	}
	wax_segment_free(&segment);
}

Test(segment, rings_have_a_slot_for_each_credit)
{
	for (uint32_t edges = 1; edges <= 9; edges++) {
		struct wax_segment_plan plan = {2, edges, 512, 3, 5};
		struct wax_segment segment = make_or_fail(&plan);
		cr_assert_geq(segment.layout.ring_slots, edges * (3 + 5));
		cr_assert_geq(segment.layout.return_slots, edges * (3 + 5));
		wax_segment_free(&segment);
	}
}

Test(segment, new_one_is_zero_behind_its_header)
{
	struct wax_segment segment = make_or_fail(&small_plan);
	const char *bytes = (const char *)segment.header;

	for (uint64_t i = sizeof(*segment.header); i < segment.bytes; i++)
		cr_assert_eq(bytes[i], 0);
	wax_segment_free(&segment);
}

Test(segment, seals_hold)
{
	struct wax_segment segment = make_or_fail(&small_plan);

	cr_assert_geq(last_memfd, 0);
	int seals = fcntl(last_memfd, F_GET_SEALS);
	cr_assert_eq(seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	cr_assert_eq(ftruncate(last_memfd, 0), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(last_memfd, (off_t)segment.bytes * 2), -1);
	cr_assert_eq(fcntl(last_memfd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	wax_segment_free(&segment);
}

Test(segment, free_of_nothing_is_allowed)
{
	struct wax_segment segment = {0};
	wax_segment_free(&segment);
	segment = make_or_fail(&small_plan);
	wax_segment_free(&segment);
	wax_segment_free(&segment);
}

Test(segment, impossible_plans_are_refused)
{
	const struct wax_segment_plan impossible[] = {
			{0, 2, 1024, 2, 4},
			{WAX_WORKERS_MAX + 1, 2, 1024, 2, 4},
			{3, WAX_LANES_MAX + 1, 1024, 2, 4},
			{3, 2, 1000, 2, 4},
			{3, 2, WAX_SLAB_BYTES_MIN / 2, 2, 4},
			{3, 2, WAX_SLAB_BYTES_MAX * 2, 2, 4},
			{3, 2, 0, 2, 4},
			{3, 2, 1024, 1, 4},
			{3, 2, 1024, 1025, 4},
			{3, 2, 1024, UINT32_MAX, 4},
			{3, 2, 1024, 2, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct wax_segment segment = {0};
		struct wax_err err = {0};
		cr_assert_eq(wax_segment_make(&impossible[i], &segment, &err), -EINVAL, "plan %zu",
				i);
		cr_assert_null(segment.header);
	}
}

Test(segment, more_than_the_address_space_is_a_sentence)
{
	struct wax_segment_plan plan = {1024, 1024, WAX_SLAB_BYTES_MAX, 1024, 4};
	struct wax_segment segment = {0};
	struct wax_err err = {0};

	cr_assert_lt(wax_segment_make(&plan, &segment, &err), 0);
	cr_assert_neq(err.text[0], '\0');
}

Test(segment, flow_without_exchange_has_a_segment_too)
{
	struct wax_segment_plan plan = {2, 0, 512, 2, 4};
	struct wax_segment segment = make_or_fail(&plan);

	cr_assert_eq(wax_segment_slab_count(&segment.layout), 0);
	cr_assert_eq(wax_segment_check(segment.header, segment.bytes, NULL), 0);
	wax_segment_free(&segment);
}

Test(segment, check_finds_each_damaged_field)
{
	/* No slot to spare in its rings: one credit more or less is seen. */
	struct wax_segment_plan plan = {3, 2, 1024, 4, 4};
	struct wax_segment segment = make_or_fail(&plan);
	struct wax_segment_header good = *segment.header;
	struct wax_err err = {0};

	cr_assert_eq(wax_segment_check(&good, segment.bytes, &err), 0);
	for (size_t byte = 0; byte < sizeof(good); byte++) {
		/* Who made it is not checked: any pid will do. */
		if (byte >= offsetof(struct wax_segment_header, creator_start) &&
				byte < offsetof(struct wax_segment_header, worker_count))
			continue;
		for (int bit = 0; bit < 8; bit++) {
			struct wax_segment_header damaged = good;
			((unsigned char *)&damaged)[byte] ^= (unsigned char)(1 << bit);
			cr_assert_eq(wax_segment_check(&damaged, segment.bytes, &err), -EBADMSG,
					"bit %d of byte %zu", bit, byte);
		}
	}
	wax_segment_free(&segment);
}

Test(segment, check_finds_a_wrong_size)
{
	struct wax_segment segment = make_or_fail(&small_plan);

	cr_assert_eq(wax_segment_check(segment.header, segment.bytes - 1, NULL), -EBADMSG);
	cr_assert_eq(wax_segment_check(segment.header, segment.bytes + 4096, NULL), -EBADMSG);
	cr_assert_eq(wax_segment_check(segment.header, 8, NULL), -EBADMSG);
	wax_segment_free(&segment);
}

Test(segment, header_that_was_written_over_moves_no_address)
{
	struct wax_segment segment = make_or_fail(&small_plan);
	struct wax_slot *ring = wax_segment_ring(&segment, 1, 2);
	char *slab = wax_segment_slab(&segment, 2, 3);

	memset(segment.header, 0xff, sizeof(*segment.header));
	cr_assert_eq(wax_segment_ring(&segment, 1, 2), ring);
	cr_assert_eq(wax_segment_slab(&segment, 2, 3), slab);
	wax_segment_free(&segment);
}

Test(segment, forked_child_shares_it)
{
	struct wax_segment segment = make_or_fail(&small_plan);
	char *slab = wax_segment_slab(&segment, 2, 1);
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		strcpy(slab, "from the child");
		_exit(0);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_str_eq(slab, "from the child");
	wax_segment_free(&segment);
}
