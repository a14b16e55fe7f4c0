/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOG_PARSE_H
#define TESTS_SUPPORT_LOG_PARSE_H

#include <criterion/criterion.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/log_format.h"

/*
 * A log as text, read by what runtime/log_format.h says and by nothing else. A line each frame:
 *
 *     open 1.1 worker 0/2 run 7
 *     1 state 3: apple=1 pear=2
 *     1 gone 3: plum
 *     1 clear 3
 *     1 end base 1 keys 2 bytes 12 flags 0: 0.0 words@17
 *
 * "1" is the epoch, "3" the step, PAD frames are left out, and so is, of a long key or value, all
 * but its length and its first letter. What is wrong fails the test, but for a torn end.
 */
struct log_parse {
	const char *data;
	size_t bytes;
	size_t at;
	uint64_t chain;
	FILE *out;
	uint64_t records;    /* of STATE */
	uint64_t last_epoch; /* that is whole; 0: none */
	size_t whole_bytes;  /* up to and with the padding behind the last END */
	size_t largest_frame;
};

static inline __attribute__((format(printf, 2, 3))) void log_say(FILE *out, const char *format, ...)
{
	va_list args;

	if (!out)
		return;
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
}

static inline void log_print_bytes(FILE *out, const char *data, size_t bytes)
{
	if (bytes > 32)
		log_say(out, "<%zu %c>", bytes, data[0]);
	else
		log_say(out, "%.*s", (int)bytes, data);
}

static inline const char *log_take(const char **at, const char *end, size_t bytes)
{
	const char *taken = *at;

	cr_assert_leq(bytes, (size_t)(end - *at));
	*at += bytes;
	return taken;
}

static inline uint32_t log_take_u32(const char **at, const char *end)
{
	uint32_t value;

	memcpy(&value, log_take(at, end, sizeof(value)), sizeof(value));
	return value;
}

static inline void log_parse_records(
		struct log_parse *parse, const struct wax_log_head *head, const char *at)
{
	const char *end = at + head->payload_bytes;
	bool state = head->kind == WAX_LOG_STATE;

	log_say(parse->out, "%llu %s %u:", (unsigned long long)head->epoch,
			state ? "state" : "gone", head->step);
	if (!state)
		cr_assert_eq(head->value_bytes, 0);
	for (uint32_t i = 0; i < head->count; i++) {
		size_t key_bytes = head->key_bytes ? head->key_bytes : log_take_u32(&at, end);
		size_t value_bytes = head->value_bytes;

		if (state && head->value_bytes == WAX_LOG_ANY_BYTES)
			value_bytes = log_take_u32(&at, end);
		log_say(parse->out, " ");
		log_print_bytes(parse->out, log_take(&at, end, key_bytes), key_bytes);
		if (!state)
			continue;
		log_say(parse->out, "=");
		log_print_bytes(parse->out, log_take(&at, end, value_bytes), value_bytes);
		parse->records++;
	}
	cr_assert_eq(at, end);
	log_say(parse->out, "\n");
}

static inline void log_parse_end(
		struct log_parse *parse, const struct wax_log_head *head, const char *at)
{
	const char *end = at + head->payload_bytes;
	struct wax_log_end fixed;

	memcpy(&fixed, log_take(&at, end, sizeof(fixed)), sizeof(fixed));
	log_say(parse->out, "%llu end base %llu keys %llu bytes %llu flags %u:",
			(unsigned long long)head->epoch, (unsigned long long)fixed.base,
			(unsigned long long)fixed.live_keys, (unsigned long long)fixed.live_bytes,
			fixed.flags);
	for (uint32_t i = 0; i < fixed.positions; i++) {
		struct wax_log_position position;

		memcpy(&position, log_take(&at, end, sizeof(position)), sizeof(position));
		log_say(parse->out, " %u.%u ", position.step, position.instance);
		log_print_bytes(parse->out, log_take(&at, end, position.name_bytes),
				position.name_bytes);
		log_say(parse->out, "@");
		log_print_bytes(parse->out, log_take(&at, end, position.position_bytes),
				position.position_bytes);
	}
	cr_assert_eq(at, end);
	log_say(parse->out, "\n");
	parse->last_epoch = head->epoch;
}

static inline void log_parse_open(
		struct log_parse *parse, const struct wax_log_head *head, const char *at)
{
	struct wax_log_open open;

	cr_assert_eq(head->payload_bytes, sizeof(open));
	memcpy(&open, at, sizeof(open));
	log_say(parse->out, "open %llu.%llu worker %u/%u run %llu\n",
			(unsigned long long)open.generation, (unsigned long long)open.segment,
			open.worker, open.worker_count, (unsigned long long)open.run);
}

static inline bool log_all_zero(const char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (at[i])
			return false;
	}
	return true;
}

static inline void log_parse_payload(
		struct log_parse *parse, const struct wax_log_head *head, const char *payload)
{
	switch (head->kind) {
	case WAX_LOG_OPEN:
		cr_assert_eq(parse->at, 0);
		log_parse_open(parse, head, payload);
		break;
	case WAX_LOG_STATE:
	case WAX_LOG_GONE:
		cr_assert_gt(head->count, 0);
		log_parse_records(parse, head, payload);
		break;
	case WAX_LOG_CLEAR:
		cr_assert_eq(head->payload_bytes, 0);
		log_say(parse->out, "%llu clear %u\n", (unsigned long long)head->epoch, head->step);
		break;
	case WAX_LOG_END:
		log_parse_end(parse, head, payload);
		break;
	case WAX_LOG_PAD:
		cr_assert(log_all_zero(payload, head->payload_bytes));
		break;
	default:
		cr_assert_fail("kind %u", head->kind);
	}
}

/* @return false: there is no whole frame, which is the torn end */
static inline bool log_parse_frame(struct log_parse *parse)
{
	size_t left = parse->bytes - parse->at;
	struct wax_log_head head;
	const char *at;
	size_t padding;
	uint64_t chain[2];

	if (left < sizeof(head))
		return false;
	at = parse->data + parse->at;
	memcpy(&head, at, sizeof(head));
	if (head.magic != WAX_LOG_MAGIC || head.head_hash != XXH3_64bits(&head, 56))
		return false;
	if (head.payload_bytes > left - sizeof(head) ||
			head.payload_hash != XXH3_64bits(at + 64, head.payload_bytes))
		return false;

	cr_assert_eq(head.version, 1);
	cr_assert((parse->at == 0) == (head.kind == WAX_LOG_OPEN), "OPEN, and only it, is first");
	chain[0] = parse->chain;
	chain[1] = head.payload_hash;
	parse->chain = XXH3_64bits(chain, sizeof(chain));
	cr_assert_eq(head.chain_hash, parse->chain);
	padding = (64 - head.payload_bytes % 64) % 64;
	cr_assert_leq(padding, left - sizeof(head) - head.payload_bytes);
	cr_assert(log_all_zero(at + 64 + head.payload_bytes, padding));
	if (parse->last_epoch && parse->at == parse->whole_bytes)
		cr_assert_eq(parse->at % 4096, 0, "behind END and its padding");

	log_parse_payload(parse, &head, at + 64);
	parse->at += 64 + head.payload_bytes + padding;
	if (parse->largest_frame < 64 + head.payload_bytes + padding)
		parse->largest_frame = 64 + head.payload_bytes + padding;
	if (head.kind == WAX_LOG_END)
		parse->whole_bytes = (parse->at + 4095) / 4096 * 4096;
	return true;
}

/* Up to the end or the first frame that is not whole: parse.at. out may be NULL. */
static inline struct log_parse log_parse(const char *data, size_t bytes, FILE *out)
{
	struct log_parse parse = {.data = data, .bytes = bytes, .out = out};

	while (log_parse_frame(&parse))
		continue;
	return parse;
}

#endif
