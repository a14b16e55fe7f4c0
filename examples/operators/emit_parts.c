/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

static int colour_and_parity(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static const char *const colours[] = {"red", "green"};
	const uint64_t *number = item->value.data;
	const char *colour = colours[*number / 2 % 2];
	const struct wax_part parts[] = {
			wax_part_text(colour, strlen(colour)), wax_part_u64(*number % 2)};

	(void)ctx;
	return wax_emit_parts(out, parts, 2);
}

struct bucket {
	uint32_t tens;
	uint32_t odd;
};
WAX_KEY_FIELDS(struct bucket, tens, odd);

WAX_KEY(bucket_of, uint64_t, number, struct bucket, bucket)
{
	bucket->tens = (uint32_t)(*number / 10);
	bucket->odd = (uint32_t)(*number % 2);
}

WAX_FLOW(emit_parts, "Counts by text and number, and by struct")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(22, 0));
	struct wax_stream by_both =
			wax_key_on(numbers, "by_both", WAX_PARTS, colour_and_parity, NULL);
	struct wax_stream by_bucket = wax_key_on_typed(numbers, "by_bucket", &bucket_of);

	wax_output(wax_count_final(by_both, "count"), "out", wax_stdout("%k: %v"));
	wax_output(wax_count_final(by_bucket, "bucket_count"), "out_buckets",
			wax_stdout("a bucket of %v"));
}
