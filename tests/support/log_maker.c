/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/log_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static void check(int holds)
{
	if (!holds)
		abort();
}

static void append(struct log_maker *maker, const void *bytes, size_t count)
{
	if (maker->used + count > maker->room) {
		maker->room = 2 * (maker->used + count);
		maker->bytes = realloc(maker->bytes, maker->room);
		check(maker->bytes != NULL);
	}
	if (count > 0)
		memcpy(maker->bytes + maker->used, bytes, count);
	maker->used += count;
}

void log_maker_open(struct log_maker *maker, const struct wax_log_open *open)
{
	maker->used = 0;
	maker->chain = 0;
	log_maker_frame(maker, (struct wax_log_head){.kind = WAX_LOG_OPEN}, open, sizeof(*open));
}

void log_maker_fini(struct log_maker *maker)
{
	free(maker->bytes);
	*maker = (struct log_maker){0};
}

void log_maker_seal(struct log_maker *maker, size_t offset)
{
	uint64_t hash = XXH3_64bits(maker->bytes + offset, 56);
	memcpy(maker->bytes + offset + 56, &hash, sizeof(hash));
}

void log_maker_frame(struct log_maker *maker, struct wax_log_head head, const void *payload,
		size_t payload_bytes)
{
	static const char zeros[64];
	size_t offset = maker->used;

	head.magic = 0x4c786177;
	head.version = 1;
	head.payload_bytes = payload_bytes;
	head.epoch = maker->epoch;
	head.payload_hash = XXH3_64bits(payload, payload_bytes);
	uint64_t both[] = {maker->chain, head.payload_hash};
	head.chain_hash = maker->chain = XXH3_64bits(both, sizeof(both));
	append(maker, &head, sizeof(head));
	log_maker_seal(maker, offset);
	append(maker, payload, payload_bytes);
	append(maker, zeros, (64 - payload_bytes % 64) % 64);
}

static void append_number(struct log_maker *payload, size_t number)
{
	uint32_t narrow = (uint32_t)number;
	append(payload, &narrow, sizeof(narrow));
}

static void put_records(struct log_maker *maker, struct wax_log_head head,
		const struct log_maker_record *records)
{
	int has_value = head.kind == WAX_LOG_STATE;
	struct log_maker payload = {0};

	for (uint32_t i = 0; i < head.count; i++) {
		if (head.key_bytes == 0)
			append_number(&payload, records[i].key_bytes);
		if (has_value && head.value_bytes == UINT32_MAX)
			append_number(&payload, records[i].value_bytes);
		append(&payload, records[i].key, records[i].key_bytes);
		if (has_value)
			append(&payload, records[i].value, records[i].value_bytes);
	}
	log_maker_frame(maker, head, payload.bytes, payload.used);
	log_maker_fini(&payload);
}

void log_maker_state(struct log_maker *maker, uint32_t step, uint32_t key_bytes,
		uint32_t value_bytes, const struct log_maker_record *records, uint32_t count)
{
	put_records(maker,
			(struct wax_log_head){.kind = WAX_LOG_STATE,
					.step = step,
					.count = count,
					.key_bytes = key_bytes,
					.value_bytes = value_bytes},
			records);
}

void log_maker_gone(struct log_maker *maker, uint32_t step, uint32_t key_bytes,
		const struct log_maker_record *records, uint32_t count)
{
	put_records(maker,
			(struct wax_log_head){.kind = WAX_LOG_GONE,
					.step = step,
					.count = count,
					.key_bytes = key_bytes},
			records);
}

void log_maker_clear(struct log_maker *maker, uint32_t step)
{
	log_maker_frame(maker, (struct wax_log_head){.kind = WAX_LOG_CLEAR, .step = step}, NULL, 0);
}

static void pad(struct log_maker *maker)
{
	static const char zeros[4096];
	size_t room = (4096 - maker->used % 4096) % 4096;
	if (room > 0)
		log_maker_frame(maker, (struct wax_log_head){.kind = WAX_LOG_PAD}, zeros,
				room - 64);
}

void log_maker_end(struct log_maker *maker, struct wax_log_end end,
		const struct log_maker_position *positions, uint32_t count)
{
	struct log_maker payload = {0};

	end.positions = count;
	append(&payload, &end, sizeof(end));
	for (uint32_t i = 0; i < count; i++) {
		append_number(&payload, positions[i].step);
		append_number(&payload, positions[i].instance);
		append_number(&payload, strlen(positions[i].name));
		append_number(&payload, strlen(positions[i].position));
		append(&payload, positions[i].name, strlen(positions[i].name));
		append(&payload, positions[i].position, strlen(positions[i].position));
	}
	log_maker_frame(maker, (struct wax_log_head){.kind = WAX_LOG_END}, payload.bytes,
			payload.used);
	log_maker_fini(&payload);
	pad(maker);
}

void log_maker_write(
		const char *dir, uint32_t worker, uint64_t number, const void *bytes, size_t count)
{
	char path[512];
	int length = snprintf(path, sizeof(path), "%s/worker-%05u.%06llu", dir, worker,
			(unsigned long long)number);
	check(length > 0 && (size_t)length < sizeof(path));
	/* A file that is cut and written again is forced to the disk by some file systems. */
	remove(path);
	FILE *file = fopen(path, "we");
	check(file != NULL);
	check(fwrite(bytes, 1, count, file) == count);
	check(fclose(file) == 0);
}
