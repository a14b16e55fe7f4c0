/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ideal_exchange.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/meter.h"
#include "bench/table.h"

enum {
	SLAB_BYTES = 64 * 1024,
	PROCS_MAX = METER_PROCS_MAX,
	SLABS_MAX = 2 * PROCS_MAX, /* a process; one open and one under way for each */
	SLABS_MIN = 64,
	RING_SLOTS = 2 * SLABS_MAX, /* more than there can be slabs and ends */
	BLOCK = 1024,               /* items between looks at what arrived, at most */
	PROBES = 64,                /* keys whose places are fetched before they are looked at */
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
	_Alignas(SLAB_BYTES) char slabs[PROCS_MAX][SLABS_MAX][SLAB_BYTES];
};

/* What one process knows. */
struct side {
	struct shared *shared;
	struct meter_log *log;
	struct items_keys keys;
	uint32_t me, process_count, ends;
	uint32_t sent[PROCS_MAX], received[PROCS_MAX], returned[PROCS_MAX], reclaimed[PROCS_MAX];
	uint32_t free[SLABS_MAX], free_count;
	char *open[PROCS_MAX]; /* where the next item for each goes */
	uint64_t sum;
	uint64_t *counts;   /* IDEAL_DENSE */
	struct table table; /* IDEAL_HASH, IDEAL_STATEFUL */
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

/* ---- Items: make one at `to`. What they are is a constant where this is inlined. */

/* An item of any length: both lengths, the key, the value, up to a multiple of 8. */
struct frame {
	uint32_t key_bytes, value_bytes;
};

ALWAYS uint64_t frame_bytes(const struct frame *frame)
{
	return (sizeof(*frame) + frame->key_bytes + frame->value_bytes + 7) & ~UINT64_C(7);
}

/* Bytes that an item needs at most, with what a copy of fixed size writes beyond it. */
ALWAYS uint32_t frame_max(struct items_shape shape)
{
	return (uint32_t)sizeof(struct frame) + (shape.form == ITEMS_TEXT ? 96 : shape.bytes + 64);
}

ALWAYS char *put_fixed(char *to, uint64_t key, uint32_t bytes, uint64_t *sum)
{
	if (bytes == 8) {
		uint32_t pair[2] = {(uint32_t)key, (uint32_t)key + 1};
		memcpy(to, pair, 8);
		*sum += (uint64_t)pair[0] + pair[1];
		return to + 8;
	}
	uint64_t *words = (uint64_t *)to;
	words[0] = key;
	items_fill(words + 1, bytes / 8 - 1, key);
	*sum += items_sum_of(key, bytes / 8 - 1);
	return to + bytes;
}

ALWAYS char *put_frame(char *to, uint64_t key, struct items_shape shape, uint64_t *sum)
{
	bool text = shape.form == ITEMS_TEXT;
	uint32_t value_max = text ? ITEMS_VALUE_MAX : shape.bytes - 8;
	struct frame frame = {text ? items_key_bytes(key) : 8, items_value_bytes(key, value_max)};
	memcpy(to, &frame, sizeof(frame));
	memcpy(to + 8, &key, 8);
	if (text)
		memcpy(to + 16, items_filler, 16);
	/* Short ones whole: what is too much is written over by the next item. */
	memcpy(to + 8 + frame.key_bytes, items_filler, value_max <= 56 ? 56 : frame.value_bytes);
	*sum += items_text_sum(&key, text ? frame.key_bytes : 0, frame.value_bytes);
	return to + frame_bytes(&frame);
}

ALWAYS char *put(
		char *to, uint64_t key, struct items_shape shape, enum ideal_use use, uint64_t *sum)
{
	uint64_t pair[2] = {key, 1};
	switch (shape.form) {
	case ITEMS_NUMBER:
		memcpy(to, &key, 8);
		*sum += key;
		return to + 8;
	case ITEMS_FIXED:
		if (use == IDEAL_SUM)
			return put_fixed(to, key, shape.bytes, sum);
		memcpy(to, pair, 16);
		*sum += 1;
		return to + 16;
	default:
		return put_frame(to, key, shape, sum);
	}
}

ALWAYS uint32_t destination(
		struct side *side, uint64_t key, struct items_shape shape, uint32_t before)
{
	char text[24];
	uint64_t hash;
	switch (shape.form) {
	case ITEMS_NUMBER:
		return before + 1 == side->process_count ? 0 : before + 1;
	case ITEMS_TEXT:
		memcpy(text, &key, 8);
		memcpy(text + 8, items_filler, 16);
		hash = XXH3_64bits(text, items_key_bytes(key));
		break;
	default:
		hash = shape.form == ITEMS_FIXED && shape.bytes == 8 ? XXH3_64bits(&key, 4)
								     : XXH3_64bits(&key, 8);
		break;
	}
	return (uint32_t)(((hash >> 52) * side->process_count) >> 12);
}

/* Is there no room for one more item before `at`? Slabs are aligned to their size. */
ALWAYS bool is_full(const char *at, struct items_shape shape)
{
	uint32_t used = (uintptr_t)at & (SLAB_BYTES - 1);
	if (shape.form == ITEMS_FRAMED || shape.form == ITEMS_TEXT)
		return used == 0 || used > SLAB_BYTES - frame_max(shape);
	return used - 1 >= SLAB_BYTES - shape.bytes; /* none used: a number beyond all */
}

/* ---- Use a slab */

ALWAYS uint64_t sum_frames(const char *slab, uint64_t bytes, struct items_shape shape)
{
	uint64_t sum = 0;
	for (const char *at = slab; at < slab + bytes;) {
		struct frame frame;
		memcpy(&frame, at, sizeof(frame));
		sum += items_text_sum(at + 8, shape.form == ITEMS_TEXT ? frame.key_bytes : 0,
				frame.value_bytes);
		at += frame_bytes(&frame);
	}
	return sum;
}

ALWAYS uint64_t sum_halves(const uint32_t *words, uint64_t count)
{
	uint64_t sum = 0;
	for (uint64_t i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

ALWAYS uint64_t sum_slab(const char *slab, uint64_t bytes, struct items_shape shape)
{
	if (shape.form == ITEMS_FRAMED || shape.form == ITEMS_TEXT)
		return sum_frames(slab, bytes, shape);
	if (shape.form == ITEMS_FIXED && shape.bytes == 8)
		return sum_halves((const uint32_t *)slab, bytes / 4);
	return items_sum((const uint64_t *)slab, bytes / 8);
}

struct pair {
	uint64_t key, value;
};

/* Hash a block of keys and fetch their places, then add: misses overlap. */
ALWAYS void add_block(
		struct side *side, const struct pair *pairs, uint32_t count, enum ideal_use use)
{
	uint64_t hashes[PROBES], sums[PROBES];
	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = table_hash(pairs[i].key);
		table_fetch(&side->table, hashes[i]);
	}
	for (uint32_t i = 0; i < count; i++)
		sums[i] = *table_at(&side->table, pairs[i].key, hashes[i]) += pairs[i].value;
	if (use == IDEAL_STATEFUL) {
		uint64_t sum = items_sum(sums, count);
		__asm__ volatile("" : : "r"(sum));
	}
}

ALWAYS void use_slab(struct side *side, const char *slab, uint64_t bytes, struct items_shape shape,
		enum ideal_use use)
{
	const struct pair *pairs = (const struct pair *)slab;
	bool any_length = shape.form == ITEMS_FRAMED || shape.form == ITEMS_TEXT;
	/* Nobody asks how many items of any length have come: there are no rounds of them. */
	uint64_t count = any_length ? 0 : bytes / shape.bytes;
	side->sum += use == IDEAL_SUM ? sum_slab(slab, bytes, shape) : count;
	if (use == IDEAL_DENSE) {
		for (uint64_t i = 0; i < count; i++)
			side->counts[pairs[i].key] += pairs[i].value;
	}
	if (use == IDEAL_HASH || use == IDEAL_STATEFUL) {
		for (uint64_t i = 0; i < count; i += PROBES)
			add_block(side, pairs + i,
					(uint32_t)(count - i < PROBES ? count - i : PROBES), use);
	}
	meter_take(side->log, count);
}

/* ---- Slabs */

ALWAYS void take_arrivals(struct side *side, struct items_shape shape, enum ideal_use use)
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
			use_slab(side, side->shared->slabs[from][slab], what >> 32, shape, use);
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

ALWAYS char *open_slab(struct side *side, struct items_shape shape, enum ideal_use use)
{
	while (side->free_count == 0) {
		reclaim(side);
		if (side->free_count == 0)
			take_arrivals(side, shape, use);
	}
	return side->shared->slabs[side->me][side->free[--side->free_count]];
}

static __attribute__((noinline)) char *close_slab(struct side *side, uint32_t to, char *end,
		struct items_shape shape, enum ideal_use use)
{
	char *start = (char *)((uintptr_t)(end - 1) & ~(uintptr_t)(SLAB_BYTES - 1));
	uint32_t slab = (uint32_t)((start - side->shared->slabs[side->me][0]) / SLAB_BYTES);
	uint64_t bytes = (uint64_t)(end - start);
	if (to != side->me) {
		ring_put(&side->shared->forward[to][side->me], &side->sent[to],
				bytes << 32 | (slab + 1));
	} else {
		use_slab(side, start, bytes, shape, use);
		side->free[side->free_count++] = slab;
	}
	return open_slab(side, shape, use);
}

ALWAYS void flush(struct side *side, struct items_shape shape, enum ideal_use use)
{
	for (uint32_t to = 0; to < side->process_count; to++) {
		if ((uintptr_t)side->open[to] & (SLAB_BYTES - 1))
			side->open[to] = close_slab(side, to, side->open[to], shape, use);
	}
}

/* ---- The loop */

/* Wait until another round may begin. @return false when the time is over */
ALWAYS bool await_round(struct side *side, const struct ideal *ideal, uint64_t made)
{
	uint64_t wanted = made / ideal->round + 1 - ideal->ahead;
	if (made / ideal->round + 1 < ideal->ahead)
		return true;
	while (meter_taken(side->process_count) < wanted * ideal->round * side->process_count) {
		take_arrivals(side, ideal->shape, ideal->use);
		if (clock_ns() >= meter()->until_ns)
			return false;
	}
	return true;
}

ALWAYS void make_block(struct side *side, uint32_t count, uint64_t *seed, uint32_t *last,
		struct items_shape shape, enum ideal_use use, uint64_t *sum)
{
	uint64_t random = *seed;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = shape.form == ITEMS_NUMBER ? random++
							  : items_key(&random, &side->keys);
		uint32_t to = destination(side, key, shape, *last);
		char *end = put(side->open[to], key, shape, use, sum);
		if (__builtin_expect(is_full(end, shape), 0))
			end = close_slab(side, to, end, shape, use);
		side->open[to] = end;
		*last = to;
	}
	*seed = random;
}

ALWAYS void run(struct side *side, const struct ideal *ideal, struct items_shape shape,
		enum ideal_use use)
{
	struct meter_log *log = side->log;
	uint64_t random = 0x1234567 + side->me * UINT64_C(7919), sum = 0, made = 0;
	uint32_t last = 0, block = ideal->round && ideal->round < BLOCK ? ideal->round : BLOCK;
	for (uint32_t to = 0; to < side->process_count; to++)
		side->open[to] = open_slab(side, shape, use);
	meter_meet(side->process_count);
	for (bool over = false; !over;) {
		if (ideal->round && made % ideal->round == 0 && !await_round(side, ideal, made))
			break;
		uint64_t left = ideal->round ? ideal->round - made % ideal->round : block;
		uint32_t count = left < block ? (uint32_t)left : block;
		make_block(side, count, &random, &last, shape, use, &sum);
		made += count;
		if (ideal->round && made % ideal->round == 0)
			flush(side, shape, use);
		take_arrivals(side, shape, use);
		over = meter_add(log, count);
	}
	log->made_sum = sum;
	flush(side, shape, use);
	for (uint32_t to = 0; to < side->process_count; to++) {
		if (to != side->me)
			ring_put(&side->shared->forward[to][side->me], &side->sent[to], END);
	}
	while (side->ends + 1 < side->process_count)
		take_arrivals(side, shape, use);
	log->taken_sum = side->sum;
}

/* ---- One function for each shape, so that it is a constant in the loop */

#define RUN(name, form, bytes, use)                                                                \
	static void run_##name(struct side *side, const struct ideal *ideal)                       \
	{                                                                                          \
		run(side, ideal, (struct items_shape){form, bytes}, use);                          \
	}

RUN(fixed_8, ITEMS_FIXED, 8, IDEAL_SUM)
RUN(fixed_16, ITEMS_FIXED, 16, IDEAL_SUM)
RUN(fixed_64, ITEMS_FIXED, 64, IDEAL_SUM)
RUN(fixed_256, ITEMS_FIXED, 256, IDEAL_SUM)
RUN(fixed_1024, ITEMS_FIXED, 1024, IDEAL_SUM)
RUN(fixed_4096, ITEMS_FIXED, 4096, IDEAL_SUM)
RUN(fixed, ITEMS_FIXED, ideal->shape.bytes, IDEAL_SUM)
RUN(framed_64, ITEMS_FRAMED, 64, IDEAL_SUM)
RUN(framed, ITEMS_FRAMED, ideal->shape.bytes, IDEAL_SUM)
RUN(text, ITEMS_TEXT, 0, IDEAL_SUM)
RUN(number, ITEMS_NUMBER, 8, IDEAL_SUM)
RUN(dense, ITEMS_FIXED, 16, IDEAL_DENSE)
RUN(hash, ITEMS_FIXED, 16, IDEAL_HASH)
RUN(stateful, ITEMS_FIXED, 16, IDEAL_STATEFUL)

typedef void (*run_fn)(struct side *side, const struct ideal *ideal);

static run_fn run_of_fixed(uint32_t bytes)
{
	switch (bytes) {
	case 8:
		return run_fixed_8;
	case 16:
		return run_fixed_16;
	case 64:
		return run_fixed_64;
	case 256:
		return run_fixed_256;
	case 1024:
		return run_fixed_1024;
	case 4096:
		return run_fixed_4096;
	default:
		return run_fixed;
	}
}

static run_fn run_of(const struct ideal *ideal)
{
	static const run_fn by_use[] = {[IDEAL_DENSE] = run_dense,
			[IDEAL_HASH] = run_hash,
			[IDEAL_STATEFUL] = run_stateful};
	if (ideal->use != IDEAL_SUM)
		return by_use[ideal->use];
	switch (ideal->shape.form) {
	case ITEMS_FRAMED:
		return ideal->shape.bytes == 64 ? run_framed_64 : run_framed;
	case ITEMS_TEXT:
		return run_text;
	case ITEMS_NUMBER:
		return run_number;
	default:
		return run_of_fixed(ideal->shape.bytes);
	}
}

struct arguments {
	struct shared *shared;
	const struct ideal *ideal;
	uint32_t process_count;
};

static void one_process(uint32_t index, void *context)
{
	const struct arguments *arguments = context;
	const struct ideal *ideal = arguments->ideal;
	static struct side side;
	side = (struct side){.shared = arguments->shared,
			.log = &meter()->logs[index],
			.keys = ideal->keys,
			.me = index,
			.process_count = arguments->process_count};
	for (uint32_t i = 2 * side.process_count < SLABS_MIN ? SLABS_MIN : 2 * side.process_count;
			i > 0; i--)
		side.free[side.free_count++] = i - 1;
	if (ideal->use == IDEAL_DENSE)
		side.counts = calloc(ideal->keys.count, sizeof(*side.counts));
	else if (ideal->use != IDEAL_SUM)
		side.table = table_make(ideal->keys.count);
	BENCH_CHECK(side.counts || side.table.slots || ideal->use == IDEAL_SUM);
	run_of(ideal)(&side, ideal);
}

void ideal_exchange(const struct ideal *ideal, uint32_t process_count)
{
	/* Room to align it; pages are taken as they are used. */
	size_t bytes = sizeof(struct shared) + SLAB_BYTES;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_CHECK(memory != MAP_FAILED);
	uintptr_t aligned = ((uintptr_t)memory + SLAB_BYTES - 1) & ~(uintptr_t)(SLAB_BYTES - 1);
	struct arguments arguments = {(struct shared *)aligned, ideal, process_count};
	meter_fork(process_count, one_process, &arguments);
	munmap(memory, bytes);
}
