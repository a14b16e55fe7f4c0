/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/test.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/connector.h"

/* What a flow is tested with: entries that are items, or marks that make something happen. */

struct entries {
	struct wax_test_entry *entries; /* their bytes lie behind them */
	size_t count;
	size_t batch_size;
	bool keyed;
};

struct part {
	const struct entries *source;
	struct wax_env *env;
	size_t index;      /* of the next entry */
	uint64_t position; /* entries consumed, as far as they count */
	int64_t awake_at;
	bool ends; /* by a mark: at the next call */
	bool aborts;
};

static int list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	int r = wax_parts_add(parts, "entries");
	return r < 0 ? wax_err_set(err, r, "no memory for its partition") : 0;
}

static bool turns_clock(const struct entries *source)
{
	for (size_t i = 0; i < source->count; i++) {
		if (source->entries[i].mark == WAX_TEST_MARK_TURN)
			return true;
	}
	return false;
}

static int open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct entries *entries = source;
	if (turns_clock(entries) && !wax_env_clock(env))
		return wax_err_set(err, -EINVAL,
				"an entry turns the clock, and the run was given none");
	struct part *part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory for its partition");
	*part = (struct part){.source = entries, .env = env, .awake_at = WAX_NEVER};
	if (saved.data && saved.bytes != sizeof(part->position)) {
		free(part);
		return wax_err_set(err, -EBADMSG, "the saved position of its entries is damaged");
	}
	if (saved.data) {
		memcpy(&part->position, saved.data, sizeof(part->position));
		part->index = part->position < entries->count ? (size_t)part->position
							      : entries->count;
	}
	*ret_part = part;
	return 0;
}

/* Do what a mark says. @return true: the batch ends here */
static bool obey(struct part *part, const struct wax_test_entry *entry)
{
	switch (entry->mark) {
	case WAX_TEST_MARK_ITEM:
		return false;
	case WAX_TEST_MARK_EOF:
		part->position++;
		part->ends = true;
		return true;
	case WAX_TEST_MARK_ABORT:
		if (entry->fired && *entry->fired) {
			part->position++;
			return false;
		}
		if (entry->fired)
			*entry->fired = 1;
		part->aborts = true;
		return true;
	case WAX_TEST_MARK_PAUSE:
		part->awake_at = wax_env_now(part->env) + entry->duration_ns;
		return true;
	case WAX_TEST_MARK_TURN:
		part->position++;
		wax_test_clock_advance(wax_env_clock(part->env), entry->duration_ns);
		/* The worker sees it in its next turn. */
		if (entry->duration_ns > 0)
			part->awake_at = wax_env_now(part->env) + 1;
		return true;
	}
	return false;
}

static int emit(struct part *part, struct wax_out *out, const struct wax_test_entry *entry)
{
	part->position++;
	if (part->source->keyed)
		return wax_emit_kv(out, entry->key.data, entry->key.bytes, entry->value.data,
				entry->value.bytes);
	return wax_emit(out, entry->value.data, entry->value.bytes);
}

static int next(void *source_part, struct wax_out *out, struct wax_err *err)
{
	struct part *part = source_part;
	const struct entries *source = part->source;
	if (part->aborts)
		return wax_err_set(err, -ECANCELED, "aborted by a mark among its entries");
	if (part->ends)
		return WAX_END;
	if (wax_env_now(part->env) < part->awake_at && part->awake_at != WAX_NEVER)
		return WAX_IDLE;

	part->awake_at = WAX_NEVER;
	size_t emitted = 0;
	while (part->index < source->count && emitted < source->batch_size) {
		const struct wax_test_entry *entry = &source->entries[part->index++];
		if (obey(part, entry)) {
			wax_env_at(part->env, part->position);
			return part->awake_at == WAX_NEVER ? WAX_MORE : WAX_IDLE;
		}
		if (entry->mark != WAX_TEST_MARK_ITEM)
			continue;
		emitted++;
		int r = emit(part, out, entry);
		if (r < 0)
			return r;
	}
	wax_env_at(part->env, part->position);
	return emitted > 0 ? WAX_MORE : WAX_END;
}

static int64_t next_awake(void *source_part)
{
	return ((const struct part *)source_part)->awake_at;
}

static struct wax_bytes position(void *source_part)
{
	const struct part *part = source_part;
	return (struct wax_bytes){&part->position, sizeof(part->position)};
}

static void free_entries(void *source)
{
	struct entries *entries = source;
	free(entries->entries);
	free(entries);
}

static const struct wax_source_ops ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "test_source",
		.list = list,
		.open = open,
		.next = next,
		.next_awake = next_awake,
		.position = position,
		.close = free,
		.free = free_entries,
};

/* ---- Copying what the caller has */

static struct wax_bytes copy_bytes(char **to, struct wax_bytes from)
{
	struct wax_bytes copy = {*to, from.bytes};
	if (from.bytes > 0)
		memcpy(*to, from.data, from.bytes);
	*to += from.bytes;
	return copy;
}

static struct wax_test_entry *copy_entries(const struct wax_test_entry *entries, size_t count)
{
	size_t bytes = count * sizeof(*entries);
	for (size_t i = 0; i < count; i++)
		bytes += entries[i].key.bytes + entries[i].value.bytes;
	struct wax_test_entry *copies = malloc(bytes + 1);
	if (!copies)
		return NULL;
	char *to = (char *)(copies + count);
	for (size_t i = 0; i < count; i++) {
		copies[i] = entries[i];
		copies[i].key = copy_bytes(&to, entries[i].key);
		copies[i].value = copy_bytes(&to, entries[i].value);
	}
	return copies;
}

struct wax_source *wax_test_source(const struct wax_type *type,
		const struct wax_test_entry *entries, size_t count, size_t batch_size)
{
	struct entries *source = calloc(1, sizeof(*source));
	if (!source || !type) {
		free(source);
		return NULL;
	}
	*source = (struct entries){copy_entries(entries, count), count,
			batch_size > 0 ? batch_size : 1, type->key != NULL};
	struct wax_source *made =
			source->entries ? wax_source_make(&ops, type, source, NULL) : NULL;
	if (!made)
		free_entries(source);
	return made;
}

struct wax_source *wax_test_values(
		const struct wax_type *type, const void *values, size_t count, size_t batch_size)
{
	if (!type || type->item_bytes == 0)
		return NULL;
	struct wax_test_entry *entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return NULL;
	for (size_t i = 0; i < count; i++)
		entries[i].value = (struct wax_bytes){
				(const char *)values + i * type->item_bytes, type->item_bytes};
	struct wax_source *source = wax_test_source(type, entries, count, batch_size);
	free(entries);
	return source;
}

struct wax_source *wax_test_texts(const char *const *texts, size_t batch_size)
{
	size_t count = 0;
	while (texts[count])
		count++;
	struct wax_test_entry *entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return NULL;
	for (size_t i = 0; i < count; i++)
		entries[i].value = (struct wax_bytes){texts[i], strlen(texts[i])};
	struct wax_source *source = wax_test_source(WAX_TEXT, entries, count, batch_size);
	free(entries);
	return source;
}
