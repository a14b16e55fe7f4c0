/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

static const char *const colours[] = {"red", "green", "blue"};

static int look_up(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	uint32_t rest;

	(void)ctx;
	memcpy(&rest, key.data, sizeof(rest));
	if (rest >= sizeof(colours) / sizeof(colours[0]))
		return 0; /* there is none */
	return wax_emit(out, colours[rest], strlen(colours[rest]));
}

static int add_colour(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx)
{
	const uint64_t *number = item->value.data;
	uint32_t rest = (uint32_t)(*number % 4);
	struct wax_bytes colour = wax_cache_get(cache, &rest, sizeof(rest));

	(void)ctx;
	return colour.data ? wax_emit(out, colour.data, colour.bytes) : wax_emit(out, "none", 4);
}

WAX_FLOW(enrich_cached, "Colours of numbers")
{
	const struct wax_enrich_options options = {
			.size_bytes = sizeof(options),
			.get = look_up,
	};

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(5, 0));
	struct wax_stream coloured = wax_enrich_cached(
			numbers, "coloured", WAX_TEXT, add_colour, &options, NULL);

	wax_output(coloured, "out", wax_stdout("%v"));
}
