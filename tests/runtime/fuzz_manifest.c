/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/manifest.h"

/*
 * Any text as a manifest, as it is and with the right sum behind it. What holds: a failure has a
 * sentence and leaves the result alone; what is read fits itself, and is printed as it was.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void try_text(const char *text, size_t bytes)
{
	struct wax_manifest manifest = {.generation = 7};
	struct wax_err err = {0};
	char *again;

	if (wax_manifest_parse(text, bytes, "manifest", &manifest, &err) < 0) {
		check(manifest.generation == 7 && manifest.text == NULL);
		check(err.code < 0 && strstr(err.text, "manifest") != NULL);
		return;
	}
	check(wax_manifest_print(&manifest, &again, &err) == (int)bytes);
	check(memcmp(again, text, bytes) == 0);
	free(again);
	check(wax_manifest_compare(&manifest, &manifest, &err) == 0);

	struct wax_manifest other = manifest;
	other.step_count = 0;
	other.hash_seed++;
	check(wax_manifest_compare(&manifest, &other, &err) < 0);
	check(strstr(err.text, "--from none") != NULL);
	wax_manifest_free(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 32);

	if (!text)
		return 0;
	if (bytes > 0)
		memcpy(text, data, bytes);
	try_text(text, bytes);
	bytes += (size_t)sprintf(text + bytes, "sum %016llx\n",
			(unsigned long long)XXH3_64bits(text, bytes));
	try_text(text, bytes);
	free(text);
	return 0;
}
