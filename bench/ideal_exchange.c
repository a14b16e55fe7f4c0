/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ideal_exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/items.h"
#include "bench/meter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	SLAB_BYTES = 64 * 1024,
	SLABS = 64,       /* a process */
	RING_SLOTS = 128, /* more than there can be slabs and ends */
	PROCS_MAX = 16,
	BLOCK = 1024, /* items between looks at what arrived */
	END = 0xffffffffu,
};

#define ALWAYS static inline __attribute__((always_inline))

/* Numbers from one process to another. 0: nothing there yet. */
struct ring {
	_Alignas(128) uint64_t slots[RING_SLOTS];
};

struct shared {
	struct ring forward[PROCS_MAX]
			   [PROCS_MAX]; /* [to][from]: bytes of a slab, and its number + 1 */
	struct ring back[PROCS_MAX][PROCS_MAX]; /* [owner][from] */
	_Alignas(SLAB_BYTES) char slabs[PROCS_MAX][SLABS][SLAB_BYTES];
};

/* What one process knows. */
struct side {
	struct shared *shared;
	uint32_t me, process_count, ends;
	uint32_t sent[PROCS_MAX], received[PROCS_MAX], returned[PROCS_MAX], reclaimed[PROCS_MAX];
	uint32_t free[SLABS], free_count;
	char *open[PROCS_MAX]; /* where the next item for each goes */
	uint64_t sum;
};

ALWAYS void ring_put(struct ring *ring, uint32_t *count, uint64_t what)
{
	__atomic_store_n(&ring->slots[(*count)++ % RING_SLOTS], what, __ATOMIC_RELEASE);
}

ALWAYS bool ring_get(struct ring *ring, uint32_t *count, uint64_t *ret_what)
{
	uint64_t *slot = &ring->slots[*count % RING_SLOTS];
	*ret_what = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	if (*ret_what == 0)
		return false;
	__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
	(*count)++;
	return true;
}

/* ---- Items: make one at `to`, and add up a slab */

ALWAYS char *put_fixed(char *to, uint64_t random, uint32_t item_bytes, uint64_t *sum)
{
	if (item_bytes == 8) {
		uint32_t pair[2] = {(uint32_t)random, (uint32_t)random + 1};
		memcpy(to, pair, 8);
		*sum += (uint64_t)pair[0] + pair[1];
		return to + 8;
	}
	uint64_t *words = (uint64_t *)to;
	words[0] = random;
	items_fill(words + 1, item_bytes / 8 - 1, random);
	*sum += items_sum_of(random, item_bytes / 8 - 1);
	return to + item_bytes;
}

ALWAYS uint64_t sum_fixed(const char *slab, uint64_t bytes, uint32_t item_bytes)
{
	if (item_bytes == 8) {
		uint64_t sum = 0;
		const uint32_t *words = (const uint32_t *)slab;
		for (uint64_t i = 0; i < bytes / 4; i++)
			sum += words[i];
		return sum;
	}
	return items_sum((const uint64_t *)slab, bytes / 8);
}

/* A text item: both lengths, the key, the value, up to a multiple of 8. Copies have a fixed size,
 * because what is too much is written over by the next item. */
struct frame {
	uint32_t key_bytes, value_bytes;
};

enum { FRAME_MAX = sizeof(struct frame) + 24 + 64 + 8 };

ALWAYS uint64_t frame_bytes(const struct frame *frame)
{
	return (sizeof(*frame) + frame->key_bytes + frame->value_bytes + 7) & ~UINT64_C(7);
}

ALWAYS char *put_text(char *to, uint64_t random, uint64_t *sum)
{
	struct frame frame = {items_key_bytes(random), items_value_bytes(random)};
	memcpy(to, &frame, sizeof(frame));
	memcpy(to + 8, &random, 8);
	memcpy(to + 16, items_text, 16);
	memcpy(to + 8 + frame.key_bytes, items_text, 56);
	*sum += items_text_sum(&random, frame.key_bytes, frame.value_bytes);
	return to + frame_bytes(&frame);
}

ALWAYS uint64_t sum_text(const char *slab, uint64_t bytes)
{
	uint64_t sum = 0;
	for (const char *at = slab; at < slab + bytes;) {
		struct frame frame;
		memcpy(&frame, at, sizeof(frame));
		sum += items_text_sum(at + 8, frame.key_bytes, frame.value_bytes);
		at += frame_bytes(&frame);
	}
	return sum;
}

ALWAYS uint64_t sum_slab(const char *slab, uint64_t bytes, uint32_t item_bytes)
{
	return item_bytes ? sum_fixed(slab, bytes, item_bytes) : sum_text(slab, bytes);
}

ALWAYS uint64_t hash_of(uint64_t random, uint32_t item_bytes)
{
	if (item_bytes == 0) {
		char key[24];
		memcpy(key, &random, 8);
		memcpy(key + 8, items_text, 16);
		return XXH3_64bits(key, items_key_bytes(random));
	}
	return item_bytes == 8 ? XXH3_64bits(&random, 4) : XXH3_64bits(&random, 8);
}

/* Is there no room for one more item before `at`? Slabs are aligned to their size. */
ALWAYS bool is_full(const char *at, uint32_t item_bytes)
{
	uintptr_t used = (uintptr_t)at & (SLAB_BYTES - 1);
	return used == 0 || (item_bytes == 0 && used > SLAB_BYTES - FRAME_MAX);
}

/* ---- Slabs */

ALWAYS void take_arrivals(struct side *side, uint32_t item_bytes)
{
	for (uint32_t from = 0; from < side->process_count; from++) {
		uint64_t what;
		while (from != side->me &&
				ring_get(&side->shared->forward[side->me][from],
						&side->received[from], &what)) {
			uint32_t slab = (uint32_t)what - 1;
			if ((uint32_t)what == END) {
				side->ends++;
				continue;
			}
			side->sum += sum_slab(
					side->shared->slabs[from][slab], what >> 32, item_bytes);
			ring_put(&side->shared->back[from][side->me], &side->returned[from],
					slab + 1);
		}
	}
}

static void reclaim(struct side *side)
{
	for (uint32_t from = 0; from < side->process_count; from++) {
		uint64_t what;
		while (ring_get(&side->shared->back[side->me][from], &side->reclaimed[from], &what))
			side->free[side->free_count++] = (uint32_t)what - 1;
	}
}

ALWAYS char *open_slab(struct side *side, uint32_t item_bytes)
{
	while (side->free_count == 0) {
		reclaim(side);
		if (side->free_count == 0)
			take_arrivals(side, item_bytes);
	}
	return side->shared->slabs[side->me][side->free[--side->free_count]];
}

static __attribute__((noinline)) char *close_slab(
		struct side *side, uint32_t to, char *end, uint32_t item_bytes)
{
	char *start = (char *)((uintptr_t)(end - 1) & ~(uintptr_t)(SLAB_BYTES - 1));
	uint32_t slab = (uint32_t)((start - side->shared->slabs[side->me][0]) / SLAB_BYTES);
	uint64_t bytes = (uint64_t)(end - start);
	if (to != side->me) {
		ring_put(&side->shared->forward[to][side->me], &side->sent[to],
				bytes << 32 | (slab + 1));
	} else {
		side->sum += sum_slab(start, bytes, item_bytes);
		side->free[side->free_count++] = slab;
	}
	return open_slab(side, item_bytes);
}

/* ---- The loop */

ALWAYS uint64_t make_items(struct side *side, struct meter_log *log, uint32_t item_bytes)
{
	uint64_t random = 0x1234567 + side->me * UINT64_C(7919), sum = 0;
	uint32_t process_count = side->process_count;
	for (bool over = false; !over;) {
		for (uint32_t i = 0; i < BLOCK; i++) {
			uint64_t next = items_random(&random);
			uint64_t hash = hash_of(next, item_bytes);
			uint32_t to = (uint32_t)(((hash >> 52) * process_count) >> 12);
			char *end = item_bytes ? put_fixed(side->open[to], next, item_bytes, &sum)
					       : put_text(side->open[to], next, &sum);
			if (__builtin_expect(is_full(end, item_bytes), 0))
				end = close_slab(side, to, end, item_bytes);
			side->open[to] = end;
		}
		take_arrivals(side, item_bytes);
		over = meter_add(log, BLOCK);
	}
	return sum;
}

ALWAYS void run(struct side *side, uint32_t item_bytes)
{
	struct meter_log *log = &meter()->logs[side->me];
	for (uint32_t i = 0; i < side->process_count; i++)
		side->open[i] = open_slab(side, item_bytes);
	meter_meet(side->process_count);
	log->made_sum = make_items(side, log, item_bytes);
	for (uint32_t to = 0; to < side->process_count; to++) {
		if ((uintptr_t)side->open[to] & (SLAB_BYTES - 1))
			close_slab(side, to, side->open[to], item_bytes);
		if (to != side->me)
			ring_put(&side->shared->forward[to][side->me], &side->sent[to], END);
	}
	while (side->ends + 1 < side->process_count)
		take_arrivals(side, item_bytes);
	log->taken_sum = side->sum;
}

struct arguments {
	struct shared *shared;
	enum ideal_items items;
	uint32_t process_count;
};

static void one_process(uint32_t index, void *context)
{
	const struct arguments *arguments = context;
	static struct side side;
	side = (struct side){.shared = arguments->shared,
			.me = index,
			.process_count = arguments->process_count};
	for (uint32_t i = 0; i < SLABS; i++)
		side.free[side.free_count++] = SLABS - 1 - i;
	switch (arguments->items) {
	case IDEAL_8:
		run(&side, 8);
		break;
	case IDEAL_16:
		run(&side, 16);
		break;
	case IDEAL_64:
		run(&side, 64);
		break;
	case IDEAL_256:
		run(&side, 256);
		break;
	case IDEAL_TEXT:
		run(&side, 0);
		break;
	}
}

void ideal_exchange(enum ideal_items items, uint32_t process_count)
{
	BENCH_CHECK(process_count <= PROCS_MAX);
	/* Room to align it; pages are taken as they are used. */
	size_t bytes = sizeof(struct shared) + SLAB_BYTES;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_CHECK(memory != MAP_FAILED);
	uintptr_t aligned = ((uintptr_t)memory + SLAB_BYTES - 1) & ~(uintptr_t)(SLAB_BYTES - 1);
	struct arguments arguments = {(struct shared *)aligned, items, process_count};
	meter_fork(process_count, one_process, &arguments);
	munmap(memory, bytes);
}
