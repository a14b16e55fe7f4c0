/* SPDX-License-Identifier: Apache-2.0 */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/pid.h"

enum {
	SLABS_PER_LANE_MAX = 32, /* more gain nothing and leave the cache */
	SLABS_PER_LANE_MIN = 2,
	INLINE_CREDITS = 4,
	SLABS_MOST = 64,    /* a lane: its sender keeps a bit for each */
	CREDITS_MAX = 1024, /* inline, a lane */
	RETURNS_MIN = WAX_APART / sizeof(wax_return_slot),
	PAGE = 4096,
	HUGE_PAGE = 2 << 20,
};

static_assert((int)HUGE_PAGE >= (int)WAX_SLAB_BYTES_MAX, "a segment's place aligns its slabs");

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint32_t power_of_two_at_least(uint32_t value)
{
	uint32_t power = 1;
	while (power < value)
		power *= 2;
	return power;
}

/* Can it be laid out? Slab indexes then leave the top bit to WAX_RETURN_INLINE. */
static bool possible(const struct wax_segment_plan *plan)
{
	return plan->worker_count >= 1 && plan->worker_count <= WAX_WORKERS_MAX &&
			plan->edge_count <= WAX_LANES_MAX &&
			plan->slab_bytes >= WAX_SLAB_BYTES_MIN &&
			plan->slab_bytes <= WAX_SLAB_BYTES_MAX &&
			(plan->slab_bytes & (plan->slab_bytes - 1)) == 0 &&
			plan->slabs_per_lane >= SLABS_PER_LANE_MIN &&
			plan->slabs_per_lane <= SLABS_MOST && plan->inline_credits <= CREDITS_MAX;
}

/* Lay out a segment: all of the header but who made it. */
static void lay_out(const struct wax_segment_plan *plan, struct wax_segment_header *header)
{
	uint64_t pairs = (uint64_t)plan->worker_count * plan->worker_count;
	uint32_t credits = plan->edge_count * (plan->slabs_per_lane + plan->inline_credits);

	*header = (struct wax_segment_header){
			.magic = WAX_SEGMENT_MAGIC,
			.version = WAX_LAYOUT_VERSION,
			.header_bytes = sizeof(*header),
			.worker_count = plan->worker_count,
			.edge_count = plan->edge_count,
			.slabs_per_lane = plan->slabs_per_lane,
			.slab_bytes = plan->slab_bytes,
			.inline_credits = plan->inline_credits,
	};
	header->ring_slots = power_of_two_at_least(credits);
	header->return_slots = power_of_two_at_least(
			credits < RETURNS_MIN ? RETURNS_MIN : credits);
	header->bells_offset = PAGE;
	header->marks_offset = header->bells_offset + plan->worker_count * sizeof(struct wax_bell);
	header->mark_bytes = round_up(plan->edge_count * sizeof(wax_mark), WAX_APART);
	header->rings_offset = round_up(
			header->marks_offset + plan->worker_count * header->mark_bytes, PAGE);
	header->returns_offset = round_up(
			header->rings_offset + pairs * header->ring_slots * sizeof(struct wax_slot),
			PAGE);
	/* A slab is aligned to its size. */
	uint64_t align = plan->slab_bytes > PAGE ? plan->slab_bytes : PAGE;
	header->arenas_offset = round_up(header->returns_offset +
					pairs * header->return_slots * sizeof(wax_return_slot),
			align);
	header->arena_bytes = round_up(
			(uint64_t)wax_segment_slab_count(header) * plan->slab_bytes, align);
	header->bytes = header->arenas_offset + plan->worker_count * header->arena_bytes;
}

static uint64_t plan_bytes(const struct wax_segment_plan *plan)
{
	struct wax_segment_header header;
	lay_out(plan, &header);
	return header.bytes;
}

static uint64_t default_budget(uint32_t worker_count)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t wanted = (uint64_t)worker_count * (8 << 20);
	return wanted < memory / 8 ? wanted : memory / 8;
}

int wax_segment_fit(uint64_t budget_bytes, uint64_t slab_bytes, struct wax_segment_plan *plan,
		uint64_t *ret_bytes, struct wax_err *err)
{
	/* Larger slabs first, and of each size as many as there is room for: below 16 KiB a slab
	 * loses more than a lane gains from a third one. */
	static const uint32_t sizes[] = {65536, 32768, 16384, 8192, 4096, 2048, 1024, 512};
	bool chosen = budget_bytes == 0;
	if (chosen)
		budget_bytes = default_budget(plan->worker_count);
	plan->inline_credits = INLINE_CREDITS;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (slab_bytes != 0 && i > 0)
			break;
		plan->slab_bytes = slab_bytes ? (uint32_t)slab_bytes : sizes[i];
		for (uint32_t slabs = SLABS_PER_LANE_MAX; slabs >= SLABS_PER_LANE_MIN; slabs /= 2) {
			plan->slabs_per_lane = slabs;
			*ret_bytes = plan_bytes(plan);
			/* Four slabs of half the size serve a lane better than two. */
			bool rather_smaller = slabs == 2 && slab_bytes == 0 && sizes[i] > 16384;
			if (*ret_bytes <= budget_bytes && !rather_smaller)
				return 0;
		}
	}

	/* A default that is too small for very many workers is no one's mistake. */
	if (chosen)
		return 0;
	return wax_err_set(err, -ENOMEM,
			"--exchange-mem %" PRIu64 " bytes is too little for %u workers and %u exchanges: "
			"give at least %" PRIu64 " bytes, or fewer workers",
			budget_bytes, plan->worker_count, plan->edge_count, *ret_bytes);
}

static int map_memfd(int fd, uint64_t bytes, void **ret_memory, struct wax_err *err)
{
	if (ftruncate(fd, (off_t)bytes) < 0)
		return wax_err_set(err, -errno, "shared memory of %" PRIu64 " bytes: %m", bytes);

	/* Slabs are aligned to their size, and huge pages want theirs; mmap aligns to a page, so
	 * find a place. */
	size_t align = HUGE_PAGE;
	char *place = mmap(NULL, bytes + align, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (place == MAP_FAILED)
		return wax_err_set(err, -errno,
				"no address space for %" PRIu64 " bytes of shared memory: %m", bytes);
	char *aligned = (char *)(((uintptr_t)place + align - 1) & ~(uintptr_t)(align - 1));
	void *memory = mmap(aligned, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (memory == MAP_FAILED) {
		int code = wax_err_set(
				err, -errno, "map %" PRIu64 " bytes of shared memory: %m", bytes);
		munmap(place, bytes + align);
		return code;
	}
	if (aligned > place)
		munmap(place, (size_t)(aligned - place));
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = ((uintptr_t)aligned + bytes + page - 1) & ~(page - 1);
	munmap((void *)end, (uintptr_t)place + bytes + align - end);
	*ret_memory = memory;
	return 0;
}

int wax_segment_make(const struct wax_segment_plan *plan, struct wax_segment *segment,
		struct wax_err *err)
{
	if (!possible(plan))
		return wax_err_set(err, -EINVAL,
				"a segment of %u workers, %u edges, %u slabs of %u bytes is not possible",
				plan->worker_count, plan->edge_count, plan->slabs_per_lane,
				plan->slab_bytes);

	struct wax_segment_header header;
	lay_out(plan, &header);
	header.creator_pid = (uint32_t)getpid();
	header.creator_start = wax_pid_start(getpid());

	int fd = memfd_create("wax-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return wax_err_set(err, -errno, "no shared memory (memfd_create): %m");
	void *memory = NULL;
	int r = map_memfd(fd, header.bytes, &memory, err);
	/* Nobody can shrink it under a running worker. */
	if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		r = wax_err_set(err, -errno, "seal the shared memory: %m");
		munmap(memory, header.bytes);
	}
	close(fd); /* the mapping keeps it */
	if (r < 0)
		return r;

	/* Huge pages where the administrator allows them: a help, not a need. */
	madvise(memory, header.bytes, MADV_HUGEPAGE);
	memcpy(memory, &header, sizeof(header));
	*segment = (struct wax_segment){
			.header = memory, .layout = header, .bytes = header.bytes};
	return 0;
}

void wax_segment_free(struct wax_segment *segment)
{
	if (segment->header)
		munmap(segment->header, segment->bytes);
	*segment = (struct wax_segment){0};
}

int wax_segment_check(const struct wax_segment_header *header, uint64_t bytes, struct wax_err *err)
{
	if (bytes < sizeof(*header) || header->magic != WAX_SEGMENT_MAGIC)
		return wax_err_set(err, -EBADMSG, "not a wax segment");
	if (header->version != WAX_LAYOUT_VERSION)
		return wax_err_set(err, -EBADMSG, "segment layout %u, this is layout %u",
				header->version, WAX_LAYOUT_VERSION);

	struct wax_segment_plan plan = {
			.worker_count = header->worker_count,
			.edge_count = header->edge_count,
			.slab_bytes = header->slab_bytes,
			.slabs_per_lane = header->slabs_per_lane,
			.inline_credits = header->inline_credits,
	};
	struct wax_segment_header expected;
	if (!possible(&plan))
		return wax_err_set(err, -EBADMSG, "the segment's header is damaged");
	lay_out(&plan, &expected);
	expected.creator_pid = header->creator_pid;
	expected.creator_start = header->creator_start;
	if (memcmp(&expected, header, sizeof(expected)) != 0 || header->bytes != bytes)
		return wax_err_set(err, -EBADMSG, "the segment's header is damaged");
	return 0;
}
