/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A source that looks at something now and then. The times are a grid: a poll that comes late does
 * not move those behind it, and those that were missed are left out.
 */

struct polled {
	struct wax_polling_ops polling; /* a copy: fields that the flow does not know are zero */
	void *source;
};

struct polled_part {
	struct polled *polled;
	struct wax_env *env;
	int64_t base; /* a time of the grid */
	int64_t next;
};

static int polled_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct polled *polled = source;

	if (!polled->polling.poll)
		return wax_err_set(err, -EINVAL, "the polling source lacks poll");
	if (polled->polling.interval_ns <= 0)
		return wax_err_set(err, -EINVAL,
				"an interval of %lld ns between polls: give at least 1",
				(long long)polled->polling.interval_ns);
	return wax_parts_add(parts, "polled");
}

/* The first time of the grid that is `at` or later. */
static int64_t on_grid(const struct polled_part *part, int64_t at)
{
	int64_t interval = part->polled->polling.interval_ns;
	int64_t past = (at - part->base) % interval;

	if (past == 0)
		return at;
	if (past < 0)
		past += interval;
	return at > WAX_NEVER - interval ? WAX_NEVER : at + (interval - past);
}

static int polled_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct polled *polled = source;
	struct polled_part *part = calloc(1, sizeof(*part));
	int64_t now = wax_env_now(env);
	int rc = 0;

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	part->polled = polled;
	part->env = env;
	part->base = polled->polling.align_to_ns ? polled->polling.align_to_ns : now;
	part->next = on_grid(part, now);
	if (polled->polling.open)
		rc = polled->polling.open(polled->source, saved, err);
	if (rc < 0) {
		free(part);
		return rc;
	}
	*ret_part = part;
	return 0;
}

static int polled_next(void *polled_part, struct wax_out *out, struct wax_err *err)
{
	struct polled_part *part = polled_part;
	int64_t now = wax_env_now(part->env), retry_ns = 0;
	int rc;

	if (now < part->next)
		return WAX_IDLE;
	rc = part->polled->polling.poll(part->polled->source, out, &retry_ns, err);
	if (rc < 0 || rc == WAX_END)
		return rc;
	if (retry_ns > 0)
		part->next = now > WAX_NEVER - retry_ns ? WAX_NEVER : now + retry_ns;
	else
		part->next = on_grid(part, now + 1);
	return rc;
}

static int64_t polled_next_awake(void *polled_part)
{
	return ((const struct polled_part *)polled_part)->next;
}

static struct wax_bytes polled_position(void *polled_part)
{
	const struct polled *polled = ((const struct polled_part *)polled_part)->polled;

	if (!polled->polling.position)
		return (struct wax_bytes){NULL, 0};
	return polled->polling.position(polled->source);
}

static void polled_close(void *polled_part)
{
	const struct polled *polled = ((const struct polled_part *)polled_part)->polled;

	if (polled->polling.close)
		polled->polling.close(polled->source);
	free(polled_part);
}

static void polled_free(void *source)
{
	struct polled *polled = source;

	if (polled->polling.free)
		polled->polling.free(polled->source);
	free(polled);
}

static const struct wax_source_ops polled_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "polling",
		.list = polled_list,
		.open = polled_open,
		.next = polled_next,
		.next_awake = polled_next_awake,
		.position = polled_position,
		.close = polled_close,
		.free = polled_free,
};

struct wax_source *wax_polling(const struct wax_polling_ops *polling, const struct wax_type *type,
		void *source, const char *label)
{
	struct polled *polled = calloc(1, sizeof(*polled));
	struct wax_source *made;

	if (!polled || !polling) {
		free(polled);
		return NULL;
	}
	memcpy(&polled->polling, polling,
			polling->size_bytes < sizeof(*polling) ? polling->size_bytes
							       : sizeof(*polling));
	polled->source = source;
	made = wax_source_make(&polled_ops, type, polled, label);
	if (!made)
		free(polled);
	return made;
}
