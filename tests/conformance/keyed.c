/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps with a state for each key. */

/* ---- stateful_map */

struct window {
	int64_t values[4];
	uint32_t count;
};

/* The mean of up to three values; behind the third all but the last three stay. */
static int mean(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	struct window *window = state;
	double sum = 0;

	(void)ctx;
	window->values[window->count++] = row_number(item);
	if (window->count > 3)
		window->count -= 3;
	for (uint32_t i = 0; i < window->count; i++)
		sum += (double)window->values[i];
	sum /= window->count;
	wax_emit(out, &sum, sizeof(sum));
	return WAX_RETAIN;
}

static struct wax_stream means(struct wax_stream up)
{
	return wax_stateful_map(up, "mean", WAX_F64, sizeof(struct window), mean, NULL);
}

static int emit_twice(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)state;
	(void)ctx;
	wax_emit(out, item->value.data, item->value.bytes);
	wax_emit(out, item->value.data, item->value.bytes);
	return WAX_RETAIN;
}

static struct wax_stream map_to_two(struct wax_stream up)
{
	return wax_stateful_map(up, "two", WAX_I64, 0, emit_twice, NULL);
}

static struct wax_stream sums(struct wax_stream up)
{
	return wax_sum_running(up, "sum");
}

/* ---- stateful_flat_map */

struct highest {
	int64_t value; /* the last one */
	bool is_set;
};

static int if_greater(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	struct highest *last = state;
	int64_t value = row_number(item);

	(void)ctx;
	if (!last->is_set || value > last->value)
		wax_emit(out, &value, sizeof(value));
	*last = (struct highest){.value = value, .is_set = true};
	return WAX_RETAIN;
}

static struct wax_stream risen(struct wax_stream up)
{
	return wax_stateful_flat_map(
			up, "risen", WAX_I64, sizeof(struct highest), if_greater, NULL);
}

static int count_once(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	int64_t *seen = state;

	(void)item;
	(void)ctx;
	++*seen;
	wax_emit(out, seen, sizeof(*seen));
	return WAX_DISCARD;
}

static struct wax_stream counted_once(struct wax_stream up)
{
	return wax_stateful_flat_map(up, "once", WAX_I64, sizeof(int64_t), count_once, NULL);
}

/* ---- _final */

static int fold_greater(void *acc, const struct wax_item *item, void *ctx)
{
	int64_t value = row_number(item);

	(void)ctx;
	if (value > *(int64_t *)acc)
		*(int64_t *)acc = value;
	return 0;
}

static struct wax_stream fold_max(struct wax_stream up)
{
	return wax_fold_final(up, "max", WAX_I64, NULL, fold_greater, NULL);
}

static int reduce_greater(void *acc, const void *value, void *ctx)
{
	(void)ctx;
	if (*(const int64_t *)value > *(int64_t *)acc)
		*(int64_t *)acc = *(const int64_t *)value;
	return 0;
}

static struct wax_stream reduce_max(struct wax_stream up)
{
	return wax_reduce_final(up, "max", reduce_greater, NULL);
}

static int leave_alone(void *acc, const void *value, void *ctx)
{
	(void)acc;
	(void)value;
	(void)ctx;
	return 0;
}

static struct wax_stream reduce_nothing(struct wax_stream up)
{
	return wax_reduce_final(up, "nothing", leave_alone, NULL);
}

static struct wax_stream count_items(struct wax_stream up)
{
	return wax_count_final(wax_key_on(up, "key", WAX_TEXT, wax_key_self, NULL), "count");
}

/* Records that are compared by one of their fields. */
struct sale {
	int64_t serial;
	int64_t val;
};

static int print_sale(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct sale *sale = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "{val %" PRId64 "}", sale->val);
}

/* The smaller the value the later its serial number, so that bytes in order are not it. */
WAX_MAP(sale_of, int64_t, in, struct sale, out)
{
	*out = (struct sale){.serial = 100 - *in, .val = *in};
}

static int by_val(const struct wax_bytes *a, const struct wax_bytes *b, void *ctx)
{
	const struct sale *left = a->data, *right = b->data;

	(void)ctx;
	return (left->val > right->val) - (left->val < right->val);
}

static struct wax_stream sales(struct wax_stream up)
{
	wax_type_struct("struct sale", sizeof(struct sale), _Alignof(struct sale), print_sale);
	return wax_map_typed(up, "sale", &sale_of);
}

static struct wax_stream max_sale(struct wax_stream up)
{
	return wax_max_final(sales(up), "max", by_val, NULL);
}

static struct wax_stream min_sale(struct wax_stream up)
{
	return wax_min_final(sales(up), "min", by_val, NULL);
}

/* ---- The life of a state: each call emits what it was and what it is now */

enum moment { NEW = 0, ITEM, NOTIFY, END };

struct life {
	enum moment was;
	int64_t wake_at; /* 0: not */
};

struct variant {
	int after_item, after_notify, after_eof;
	bool notify;
};

static void become(struct wax_keyed *keyed, struct life *life, enum moment now)
{
	static const char *const names[] = {"NEW", "ITEM", "NOTIFY", "EOF"};
	char text[32];
	int bytes = snprintf(text, sizeof(text), "(%s,%s)", names[life->was], names[now]);

	wax_emit(wax_keyed_out(keyed), text, (size_t)bytes);
	life->was = now;
}

static int on_items(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	const struct variant *variant = ctx;
	struct life *life = state;

	for (uint32_t i = 0; i < values->count; i++)
		become(keyed, life, ITEM);
	life->wake_at = variant->notify ? wax_keyed_now(keyed) : 0;
	return variant->after_item;
}

static int on_notify(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct variant *variant = ctx;
	struct life *life = state;

	become(keyed, life, NOTIFY);
	life->wake_at = 0;
	return variant->after_notify;
}

static int on_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct variant *variant = ctx;

	become(keyed, state, END);
	return variant->after_eof;
}

static int64_t wake_at(const void *state, void *ctx)
{
	const struct life *life = state;

	(void)ctx;
	return life->wake_at > 0 ? life->wake_at : WAX_NEVER;
}

static const struct wax_stateful lives = {
		.size_bytes = sizeof(struct wax_stateful),
		.state_bytes = sizeof(struct life),
		.on_batch = on_items,
		.on_notify = on_notify,
		.on_eof = on_eof,
		.notify_at = wake_at,
};

static struct wax_stream live(struct wax_stream up, const struct variant *variant)
{
	return wax_stateful_batch(up, "live", WAX_TEXT, &lives, (void *)variant);
}

static struct wax_stream discarded(struct wax_stream up)
{
	static const struct variant variant = {.after_item = WAX_DISCARD};

	return live(up, &variant);
}

static struct wax_stream retained(struct wax_stream up)
{
	static const struct variant variant = {.after_item = WAX_RETAIN};

	return live(up, &variant);
}

static struct wax_stream discarded_at_eof(struct wax_stream up)
{
	static const struct variant variant = {.after_eof = WAX_DISCARD};

	return live(up, &variant);
}

static struct wax_stream notified_and_discarded(struct wax_stream up)
{
	static const struct variant variant = {.notify = true, .after_notify = WAX_DISCARD};

	return live(up, &variant);
}

static struct wax_stream notified(struct wax_stream up)
{
	static const struct variant variant = {.notify = true};

	return live(up, &variant);
}

/* ---- What was last, and what is now */

struct last {
	char text[16];
};

static int keep_last(
		struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct last *last = state;
	char text[64];

	(void)ctx;
	for (uint32_t i = 0; i < values->count; i++) {
		struct wax_bytes value = wax_values_at(values, i);
		int bytes = snprintf(text, sizeof(text), "(%s,%.*s)",
				last->text[0] ? last->text : "-", (int)value.bytes,
				(const char *)value.data);

		snprintf(last->text, sizeof(last->text), "%.*s", (int)value.bytes,
				(const char *)value.data);
		wax_emit(wax_keyed_out(keyed), text, (size_t)bytes);
	}
	return strcmp(last->text, "DISCARD") == 0 ? WAX_DISCARD : WAX_RETAIN;
}

/* The same as a mapper: what was kept is what it had become. */
static int map_last(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	struct last *last = state;

	(void)ctx;
	wax_emit(out, last->text, strlen(last->text));
	snprintf(last->text, sizeof(last->text), "%.*s", (int)item->value.bytes,
			(const char *)item->value.data);
	return WAX_RETAIN;
}

static struct wax_stream what_was(struct wax_stream up)
{
	return wax_stateful_flat_map(up, "was", WAX_TEXT, sizeof(struct last), map_last, NULL);
}

static struct wax_stream last_and_now(struct wax_stream up)
{
	static const struct wax_stateful ops = {
			.size_bytes = sizeof(ops),
			.state_bytes = sizeof(struct last),
			.on_batch = keep_last,
	};

	return wax_stateful_batch(up, "last", WAX_TEXT, &ops, NULL);
}

#define SIX_VALUES "ALL=1;ALL=4;ALL=2;ALL=9;ALL=4;ALL=3"

const struct row keyed_rows[] = {
		{.id = "smap-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=2;ALL=5;ALL=8;ALL=1;ALL=3",
				.steps = means,
				.expected = "ALL=2;ALL=3.5;ALL=5;ALL=2;ALL=2.5"},
		{.id = "smap-2",
				.items = PAIRS,
				.input = "ALL=1;ALL=4;ALL=2",
				.steps = map_to_two,
				.status = 1,
				.failed_step = "test.two"},
		{.id = "sfm-1",
				.order = ORDERED,
				.items = PAIRS,
				.input = "ALL=2;ALL=5;ALL=8;ALL=1;ALL=3",
				.steps = risen,
				.expected = "ALL=2;ALL=5;ALL=8;ALL=3"},
		{.id = "sfm-2",
				.items = PAIRS,
				.input = "ALL=7;ALL=7",
				.steps = counted_once,
				.expected = "ALL=1;ALL=1"},
		{.id = "sfm-3",
				.items = TEXT_PAIRS,
				.input = "ALL=new;|;ALL=x",
				.steps = what_was,
				.recovery = true,
				.runs = 2,
				.expected = "ALL= / ALL=new"},
		{.id = "fold-1",
				.items = PAIRS,
				.input = SIX_VALUES,
				.steps = fold_max,
				.expected = "ALL=9"},
		{.id = "fold-2",
				.items = PAIRS,
				.input = "ALL=9;~0.2;!;ALL=2",
				.steps = fold_max,
				.recovery = true,
				.interval = "10ms",
				.runs = 2,
				.status = 5,
				.expected = " / ALL=9"},
		{.id = "red-1",
				.items = PAIRS,
				.input = SIX_VALUES,
				.steps = reduce_max,
				.expected = "ALL=9"},
		{.id = "red-2",
				.standing = DIFFERENT,
				.items = PAIRS,
				.input = "a=1;a=2;a=3",
				.steps = reduce_nothing,
				.expected = "a=1"},
		{.id = "cnt-1",
				.items = TEXTS,
				.input = "a;a;b;c;b;a",
				.steps = count_items,
				.expected = "a=3;b=2;c=1"},
		{.id = "mx-1",
				.items = PAIRS,
				.input = "a=1;a=9;a=3",
				.steps = max_sale,
				.expected = "a={val 9}"},
		{.id = "mn-1",
				.items = PAIRS,
				.input = "a=1;a=9;a=3",
				.steps = min_sale,
				.expected = "a={val 1}"},
		{.id = "ord-1",
				.standing = DIFFERENT,
				.order = ORDERED,
				.items = PAIRS,
				.input = "b=1;a=2;b=3;a=4",
				.batch = 4,
				.steps = sums,
				.expected = "b=1;a=2;b=4;a=6"},
		{.id = "st-1",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;ALL=2;!",
				.steps = discarded,
				.status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(NEW,ITEM)"},
		{.id = "st-2",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;ALL=2;!",
				.steps = retained,
				.status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(ITEM,ITEM)"},
		{.id = "st-3",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;~1;ALL=2;~1;!",
				.clock = true,
				.steps = notified_and_discarded,
				.status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(ITEM,NOTIFY);ALL=(NEW,ITEM);"
					    "ALL=(ITEM,NOTIFY)"},
		{.id = "st-4",
				.order = ALONE,
				.items = PAIRS,
				.input = "ALL=1;~1;ALL=2;~1;!",
				.clock = true,
				.steps = notified,
				.status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(ITEM,NOTIFY);ALL=(NOTIFY,ITEM);"
					    "ALL=(ITEM,NOTIFY)"},
		{.id = "st-5",
				.items = PAIRS,
				.input = "ALL=1;|;ALL=2;~0.2;!;ALL=3",
				.steps = discarded_at_eof,
				.recovery = true,
				.runs = 2,
				.next_status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(ITEM,EOF) / ALL=(NEW,ITEM)"},
		{.id = "st-6",
				.items = PAIRS,
				.input = "ALL=1;|;ALL=2;~0.2;!;ALL=3",
				.steps = retained,
				.recovery = true,
				.runs = 2,
				.next_status = 5,
				.expected = "ALL=(NEW,ITEM);ALL=(ITEM,EOF) / ALL=(EOF,ITEM)"},
		{.id = "st-7",
				.order = ORDERED,
				.items = TEXT_PAIRS,
				.input = "a=a1;b=b1;a=a2;b=b2",
				.steps = last_and_now,
				.expected = "a=(-,a1);b=(-,b1);a=(a1,a2);b=(b1,b2)"},
		{.id = "st-8",
				.items = TEXT_PAIRS,
				.input = "a=a1;b=b1;~0.2;!;a=a2;b=b2",
				.steps = last_and_now,
				.recovery = true,
				.interval = "10ms",
				.runs = 2,
				.status = 5,
				.expected = "a=(-,a1);b=(-,b1) / a=(a1,a2);b=(b1,b2)"},
		{.id = "st-9",
				.items = TEXT_PAIRS,
				.input = "a=a1;b=b1;a=DISCARD;b=b2;~0.2;!;a=a3;b=b3",
				.steps = last_and_now,
				.recovery = true,
				.interval = "10ms",
				.runs = 2,
				.status = 5,
				.expected = "a=(-,a1);b=(-,b1);a=(a1,DISCARD);b=(b1,b2) / "
					    "a=(-,a3);b=(b2,b3)"},
		{0},
};
