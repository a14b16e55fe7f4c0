/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"
#include "tests/support/drive.h"

static uint64_t many_keys = 3000;

/* ---- the life of a key: each callback emits (old, new) */

struct life {
	char name[8];
	int64_t wake_at;
};

static struct {
	bool notifies;
	int after_item, after_notify, after_eof;
	int frees, restores;
} is;

static int become(struct wax_keyed *keyed, struct life *life, const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%s>%s", life->name, name);
	snprintf(life->name, sizeof(life->name), "%s", name);
	wax_emit(wax_keyed_out(keyed), text, strlen(text));
	return 0;
}

static int life_build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	struct life *life = state;

	(void)keyed, (void)ctx;
	if (life->name[0])
		return wax_fail(wax_keyed_out(keyed), "a new state is not zero");
	is.restores += saved.data != NULL;
	if (saved.data)
		memcpy(life, saved.data, saved.bytes);
	else
		*life = (struct life){"NEW", WAX_NEVER};
	return 0;
}

static int life_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	struct life *life = state;

	(void)ctx;
	become(keyed, life, "ITEM");
	if (is.notifies)
		life->wake_at = wax_keyed_now(keyed);
	return item->value.bytes > 0 && *(const char *)item->value.data == '!' ? WAX_DISCARD
									       : is.after_item;
}

static int life_notify(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct life *life = state;

	(void)ctx;
	life->wake_at = WAX_NEVER;
	become(keyed, life, "NOTIFY");
	return is.after_notify;
}

static int life_eof(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)ctx;
	become(keyed, state, "EOF");
	return is.after_eof;
}

static int64_t life_notify_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct life *)state)->wake_at;
}

static int life_snapshot(struct wax_out *out, const void *state, void *ctx)
{
	(void)ctx;
	return wax_emit(out, state, sizeof(struct life));
}

static void life_free(void *state, void *ctx)
{
	(void)ctx;
	is.frees++;
	((struct life *)state)->name[0] = '?';
}

static const struct wax_stateful_item living = {
		.size_bytes = sizeof(living),
		.state_bytes = sizeof(struct life),
		.build = life_build,
		.on_item = life_item,
		.on_notify = life_notify,
		.on_eof = life_eof,
		.notify_at = life_notify_at,
		.snapshot = life_snapshot,
		.free = life_free,
};

static void lives(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_items(script(flow, "a"), "s", WAX_TEXT, &living, NULL), "%v");
}

/* Two items that come one after the other, with the time between them that a timer needs. */
static void expect_life(const char *output)
{
	struct drive drive;

	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "a1");
	drive_clock(&drive, 1);
	drive_push(&drive, 0, "a2");
	drive_clock(&drive, 2);
	drive_expect(&drive, output);
	drive_close(&drive);
}

Test(stateful_items, discards_after_an_item)
{
	is.after_item = WAX_DISCARD;
	expect_life("a:NEW>ITEM\na:NEW>ITEM\n");
	cr_assert_eq(is.frees, 2);
}

Test(stateful_items, retains_after_an_item)
{
	expect_life("a:NEW>ITEM\na:ITEM>ITEM\n");
}

Test(stateful_items, discards_after_a_notification)
{
	is.notifies = true;
	is.after_notify = WAX_DISCARD;
	expect_life("a:NEW>ITEM\na:ITEM>NOTIFY\na:NEW>ITEM\na:ITEM>NOTIFY\n");
}

Test(stateful_items, retains_after_a_notification)
{
	is.notifies = true;
	expect_life("a:NEW>ITEM\na:ITEM>NOTIFY\na:NOTIFY>ITEM\na:ITEM>NOTIFY\n");
}

Test(stateful_items, ends_each_key_once)
{
	struct drive drive;

	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "a1 b1 b!");
	drive_end(&drive);
	drive_expect(&drive, "a:NEW>ITEM\nb:NEW>ITEM\nb:ITEM>ITEM\na:ITEM>EOF\n");
	drive_close(&drive);
}

/* Where it was discarded in a batch before, and again by something else than an item. */
Test(stateful_items, discards_a_key_that_lives_again)
{
	struct drive drive;

	is.notifies = true;
	is.after_notify = WAX_DISCARD;
	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "a!");
	drive_push(&drive, 0, "a1 b!");
	drive_clock(&drive, 1);
	drive_expect(&drive, "a:NEW>ITEM\na:NEW>ITEM\nb:NEW>ITEM\na:ITEM>NOTIFY\n");
	drive_push(&drive, 0, "a2");
	drive_epoch(&drive);
	drive_end(&drive);
	drive_expect(&drive, "a:NEW>ITEM\na:ITEM>EOF\n");
	drive_close(&drive);
	/* Two of a that were discarded, one of b, and the last of a when it was saved and at the end. */
	cr_assert_eq(is.frees, 5);
}

/* So many keys that were not there before, an item each. */
static void push_new_keys(struct drive *drive, uint32_t first, uint32_t count)
{
	char heap[64 * 9];
	struct wax_span keys[64], values[64];
	struct wax_batch batch = {.count = 64,
			.keyed = 1,
			.keys = keys,
			.values = values,
			.key_heap = heap,
			.value_heap = "!",
			.key_heap_bytes = sizeof(heap),
			.value_heap_bytes = 1};

	for (uint32_t done = 0; done < count; done += batch.count) {
		for (uint32_t i = 0; i < batch.count; i++) {
			snprintf(heap + (size_t)i * 9, 9, "%08u", first + done + i);
			keys[i] = (struct wax_span){i * 9, 8};
			values[i] = (struct wax_span){0, 1};
		}
		wax_port_read(drive->op.ports, &batch);
		drive_check(drive, drive->op.class->push(&drive->op, &batch, 0));
		wax_port_read(drive->op.ports, NULL);
		drive->output_bytes = 0;
	}
}

Test(stateful_items, keys_that_never_come_back_leave_nothing)
{
	struct drive drive;
	size_t bytes;

	drive_open(&drive, lives, "s");
	push_new_keys(&drive, 0, 20000);
	bytes = drive.op.class->state_bytes(&drive.op);
	push_new_keys(&drive, 20000, 60000);
	cr_assert_eq(drive.op.class->state_bytes(&drive.op), bytes);
	cr_assert_leq(bytes, 1024 * 1024);
	cr_assert_eq(is.frees, 313 * 64 + 938 * 64);
	drive.output[0] = '\0';
	drive_epoch(&drive);
	drive_end(&drive);
	drive_expect(&drive, "");
	drive_close(&drive);
}

Test(stateful_items, serves_items_in_the_order_of_arrival)
{
	struct drive drive;

	/* In one batch too, a key that was discarded is new for its next item. */
	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "b1 a2 b! a3 b4 a! a5 a!");
	drive_expect(&drive,
			"b:NEW>ITEM\na:NEW>ITEM\nb:ITEM>ITEM\na:ITEM>ITEM\nb:NEW>ITEM\n"
			"a:ITEM>ITEM\na:NEW>ITEM\na:ITEM>ITEM\n");
	cr_assert_eq(is.frees, 3);
	drive_close(&drive);
	cr_assert_eq(is.frees, 4);
}

Test(stateful_items, keeps_state_and_timer_when_they_are_saved)
{
	struct drive drive;

	is.notifies = true;
	drive_open(&drive, lives, "s");
	drive_push(&drive, 0, "a1");
	drive_epoch(&drive);
	cr_assert_eq(is.restores, 1);
	drive_epoch(&drive);
	cr_assert_eq(is.restores, 1, "a key that was not awake is not saved");
	drive_clock(&drive, 1);
	drive_expect(&drive, "a:NEW>ITEM\na:ITEM>NOTIFY\n");
	drive_close(&drive);
}

/* ---- as flows */

struct last {
	char text[8];
};

/* Emits (old, new); "!" discards. */
static int keep_last(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	struct last *last = state;
	char text[32];

	(void)ctx;
	snprintf(text, sizeof(text), "%s>%.*s", last->text[0] ? last->text : "-",
			(int)item->value.bytes, (const char *)item->value.data);
	snprintf(last->text, sizeof(last->text), "%.*s", (int)item->value.bytes,
			(const char *)item->value.data);
	wax_emit(wax_keyed_out(keyed), text, strlen(text));
	return last->text[0] == '!' ? WAX_DISCARD : WAX_RETAIN;
}

static const struct wax_stateful_item lasts = {.size_bytes = sizeof(lasts),
		.state_bytes = sizeof(struct last),
		.on_item = keep_last};

static void keeps_last(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a1 b1 | a2 b2 | b! | a3 b3");

	run_flow_output(wax_stateful_items(up, "s", WAX_TEXT, &lasts, NULL), "%k:%v");
}

Test(stateful_items, keeps_the_last_of_each_key)
{
	const struct run_flow_options saved = {.interval = "1ms", .rehearse = true};
	const char *output = "a:->1\na:1>2\na:2>3\nb:->1\nb:->3\nb:1>2\nb:2>!\n";

	expect_output(keeps_last, output);
	expect_output_of(keeps_last, 2, &saved, output);
}

static int add(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *sum = state;

	(void)keyed, (void)ctx;
	*sum += number_of(item);
	return WAX_RETAIN;
}

static int give_sum(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)ctx;
	wax_emit(wax_keyed_out(keyed), state, sizeof(uint64_t));
	return WAX_DISCARD;
}

static const struct wax_stateful_item adding = {.size_bytes = sizeof(adding),
		.state_bytes = sizeof(uint64_t),
		.on_item = add,
		.on_eof = give_sum};

static void adds(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 100000, &many_keys);

	run_flow_output(wax_stateful_items(up, "s", WAX_U64, &adding, NULL), "%v");
}

Test(stateful_items, has_every_key_once_whatever_the_workers)
{
	expect_sum(adds, 3000, UINT64_C(99999) * 50000);
}

/* ---- mistakes */

static int fail_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	(void)state, (void)ctx;
	return number_of(item) == 3 ? wax_fail(wax_keyed_out(keyed), "3 is not liked") : 0;
}

static const struct wax_stateful_item failing = {
		.size_bytes = sizeof(failing), .on_item = fail_item};

static void fails(struct wax_flow *flow)
{
	static uint64_t one = 1;

	run_flow_output(wax_stateful_items(
					keyed_numbers(flow, 9, &one), "s", WAX_U64, &failing, NULL),
			"%v");
}

static int give_7(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	(void)keyed, (void)state, (void)item, (void)ctx;
	return 7;
}

static const struct wax_stateful_item wrong = {.size_bytes = sizeof(wrong), .on_item = give_7};

static void gives_7(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_items(script(flow, "ax"), "s", WAX_TEXT, &wrong, NULL), "%v");
}

Test(stateful_items, blames_the_item)
{
	expect_failure(fails, "flow.s", "0 => 3", "3 is not liked");
	expect_failure(gives_7, "flow.s", "a => x",
			"a callback gave back 7, must be WAX_RETAIN (0) or WAX_DISCARD (1)");
}

static void of_null(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_items(script(flow, "a"), "s", WAX_TEXT, NULL, NULL), "%v");
}

static void of_no_item(struct wax_flow *flow)
{
	static const struct wax_stateful_item none = {.size_bytes = sizeof(none)};

	run_flow_output(wax_stateful_items(script(flow, "a"), "s", WAX_TEXT, &none, NULL), "%v");
}

static void of_no_size(struct wax_flow *flow)
{
	static const struct wax_stateful_item none = {.on_item = give_7};

	run_flow_output(wax_stateful_items(script(flow, "a"), "s", WAX_TEXT, &none, NULL), "%v");
}

Test(stateful_items, checks_its_callbacks)
{
	expect_mistake(of_null, "step \"flow.s\": its callbacks are NULL");
	expect_mistake(of_no_item, "step \"flow.s\": its callback on_item is NULL");
	expect_mistake(of_no_size,
			"step \"flow.s\": its callbacks are without size_bytes: set it to "
			"sizeof(struct wax_stateful_item)");
}
