/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "tests/launcher/tree.h"
#include "tests/support/log_dump.h"
#include "tests/support/log_maker.h"

/*
 * Any bytes as two segments of a log, as they are and with all hashes set right, so that what is
 * behind these is reached. What holds: a failure has a sentence; epochs ascend, and end with their
 * END; frames lie in their file; what is read of them does too (best under AddressSanitizer).
 *
 * Not for speed: each input is two files.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct tree tree;

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_epochs(const struct wax_log_scan *scan)
{
	for (uint32_t i = 0; i < scan->epoch_count; i++) {
		const struct wax_log_epoch *epoch = &scan->epochs[i];
		check(i == 0 || epoch->epoch > scan->epochs[i - 1].epoch);
		check(epoch->first_frame <= epoch->end_frame);
		check(epoch->end_frame < scan->frame_count);
		check(scan->frames[epoch->end_frame].head.kind == WAX_LOG_END);
		check(wax_log_find_epoch(scan, epoch->epoch) == epoch);
	}
	for (uint32_t i = 0; i < scan->frame_count; i++) {
		const struct wax_log_frame *frame = &scan->frames[i];
		const struct wax_log_segment *segment = &scan->segments[frame->segment];
		check(frame->payload == segment->mapped + frame->offset + 64);
		check(frame->head.payload_bytes <= segment->bytes - frame->offset - 64);
	}
}

static void look(void)
{
	struct wax_log_scan scan;
	struct wax_err err = {0};
	int dir = open(tree.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = wax_log_scan(dir, tree.root, 0, &scan, &err);

	close(dir);
	if (r < 0) {
		check(err.code == r && strstr(err.text, tree.root) != NULL);
		return;
	}
	check((scan.torn_bytes > 0) == (scan.torn.text[0] != '\0'));
	check_epochs(&scan);
	free(log_dump(&scan, UINT64_MAX));
	while (scan.epoch_count > 0)
		wax_log_drop_epoch(&scan);
	check(scan.frame_count == 0);
	wax_log_scan_free(&scan);
}

/* As far as frames follow one another by their own sizes. */
static void seal(char *bytes, size_t count)
{
	struct log_maker maker = {.bytes = bytes};
	struct wax_log_head head;
	uint64_t chain = 0;

	for (size_t at = 0; count - at >= sizeof(head);) {
		memcpy(&head, bytes + at, sizeof(head));
		head.magic = WAX_LOG_MAGIC;
		head.version = WAX_LOG_VERSION;
		/* Any size is tried, but mostly one that there is room for. */
		size_t room = count - at - sizeof(head);
		bool fits = head.payload_bytes <= room;
		if (!fits && head.payload_bytes % 8 != 0) {
			head.payload_bytes = head.payload_bytes % (room + 1);
			fits = true;
		}
		if (fits)
			head.payload_hash =
					XXH3_64bits(bytes + at + sizeof(head), head.payload_bytes);
		uint64_t both[] = {chain, head.payload_hash};
		head.chain_hash = chain = XXH3_64bits(both, sizeof(both));
		memcpy(bytes + at, &head, sizeof(head));
		log_maker_seal(&maker, at);
		if (!fits || head.payload_bytes + 63 > room)
			return;
		at += sizeof(head) + ((head.payload_bytes + 63) & ~(uint64_t)63);
	}
}

static void try_log(const char *bytes, size_t first_bytes, size_t count)
{
	log_maker_write(tree.root, 0, 1, bytes, first_bytes);
	log_maker_write(tree.root, 0, 2, bytes + first_bytes, count - first_bytes);
	look();
}

static void remove_tree(void)
{
	tree_close(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2)
		return 0;
	if (tree.root[0] == '\0') {
		check(tree_open(&tree) == 0);
		atexit(remove_tree);
	}
	size_t count = bytes - 2;
	size_t first_bytes = (size_t)(data[0] | data[1] << 8) * 64;
	if (first_bytes > count)
		first_bytes = count;
	char *copy = malloc(count + 1);
	memcpy(copy, data + 2, count);
	try_log(copy, first_bytes, count);
	seal(copy, first_bytes);
	seal(copy + first_bytes, count - first_bytes);
	try_log(copy, first_bytes, count);
	free(copy);
	return 0;
}
