/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <string.h>

/* Answers that are looked up and remembered. */

#define SECOND INT64_C(1000000000)

/* a is 1, b is 2. */
static int letter_number(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	int64_t number = *(const char *)key.data - 'a' + 1;

	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

/* 1, and nothing from the second time on. */
static int only_once(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	uint32_t *asked = row_shared();

	return (*asked)++ == 0 ? letter_number(out, key, ctx) : 0;
}

/* 1, and 3 from the second time on. */
static int changing(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	uint32_t *asked = row_shared();
	int64_t number = (*asked)++ == 0 ? 1 : 3;

	(void)key;
	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

static int look_up(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx)
{
	struct wax_bytes answer = wax_cache_get(cache, item->value.data, item->value.bytes);

	(void)ctx;
	if (!answer.data)
		return wax_fail(out, "there is no answer");
	return wax_emit(out, answer.data, answer.bytes);
}

static struct wax_stream enriched(struct wax_stream up, int64_t ttl_ns,
		int (*get)(struct wax_out *out, struct wax_bytes key, void *ctx))
{
	const struct wax_enrich_options options = {
			.size_bytes = sizeof(options), .get = get, .ttl_ns = ttl_ns};

	return wax_enrich_cached(up, "enrich", WAX_I64, look_up, &options, NULL);
}

static struct wax_stream letters(struct wax_stream up)
{
	return enriched(up, 0, letter_number);
}

static struct wax_stream letters_for_a_minute(struct wax_stream up)
{
	return enriched(up, 60 * SECOND, letter_number);
}

static struct wax_stream remembered(struct wax_stream up)
{
	return enriched(up, 60 * SECOND, only_once);
}

static struct wax_stream asked_anew(struct wax_stream up)
{
	return enriched(up, 60 * SECOND, changing);
}

const struct row enrich_rows[] = {
		{.id = "enr-1",
				.order = ORDERED,
				.items = TEXTS,
				.input = "a;b;a",
				.steps = letters,
				.expected = "1;2;1"},
		{.id = "ttl-1",
				.items = TEXTS,
				.input = "a",
				.steps = letters_for_a_minute,
				.expected = "1"},
		{.id = "ttl-2",
				.items = TEXTS,
				.input = "a;a",
				.steps = remembered,
				.expected = "1;1"},
		{.id = "ttl-3",
				.order = ALONE,
				.items = TEXTS,
				.input = "a;~120;a",
				.clock = true,
				.steps = asked_anew,
				.expected = "1;3"},
		{0},
};
