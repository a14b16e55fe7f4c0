/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/test.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/capture.h"
#include "runtime/connector.h"
#include "runtime/item_text.h"

struct wax_test_list {
	struct wax_capture capture;
	struct wax_capture_view view; /* what was looked at last */
	uint64_t sinks;               /* made since then: a run may have added more */
	char *text;
};

/* ---- The sink, in a worker */

struct part {
	struct wax_test_list *list;
	const struct wax_env *env;
};

static int open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct part *part = malloc(sizeof(*part));
	(void)saved;
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory for a list");
	*part = (struct part){sink, env};
	*ret_part = part;
	return 0;
}

static int add(void *sink_part, const struct wax_batch *batch, struct wax_err *err)
{
	const struct part *part = sink_part;
	return wax_capture_add(&part->list->capture, 0, wax_env_worker(part->env), batch, err);
}

static int close(void *part, int ok, struct wax_err *err)
{
	(void)ok;
	(void)err;
	free(part);
	return 0;
}

static const struct wax_sink_ops ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "test_sink",
		.open = open,
		.write = add,
		.close = close,
};

/* ---- The list, in the test */

struct wax_test_list *wax_test_list_make(void)
{
	struct wax_test_list *list = calloc(1, sizeof(*list));
	if (list && wax_capture_open(&list->capture, NULL) < 0) {
		free(list);
		return NULL;
	}
	return list;
}

void wax_test_list_free(struct wax_test_list *list)
{
	if (!list)
		return;
	wax_capture_view_fini(&list->view);
	wax_capture_close(&list->capture);
	free(list->text);
	free(list);
}

struct wax_sink *wax_test_sink(struct wax_test_list *list)
{
	if (!list)
		return NULL;
	list->sinks++;
	return wax_sink_make(&ops, NULL, list, NULL);
}

/* See what was added since the last look. */
static const struct wax_capture_view *look(struct wax_test_list *list)
{
	struct wax_capture_view view;
	if (list->sinks == 0)
		return &list->view;
	if (wax_capture_view_init(&list->capture, &view, NULL) == 0) {
		wax_capture_view_fini(&list->view);
		list->view = view;
		list->sinks = 0;
	}
	return &list->view;
}

size_t wax_test_list_count(struct wax_test_list *list)
{
	return look(list)->count;
}

struct wax_item wax_test_list_at(struct wax_test_list *list, size_t index)
{
	const struct wax_captured *item = &look(list)->items[index];
	return (struct wax_item){item->key, item->value};
}

uint32_t wax_test_list_worker(struct wax_test_list *list, size_t index)
{
	return look(list)->items[index].worker;
}

void wax_test_list_clear(struct wax_test_list *list)
{
	wax_capture_clear(&list->capture);
	wax_capture_view_fini(&list->view);
	list->sinks = 0;
}

static int write_item(FILE *to, const struct wax_type *type, const struct wax_captured *captured)
{
	struct wax_item item = {captured->key, captured->value};
	return wax_item_write(to, type, &item);
}

/* An item and its text, while they are sorted. */
struct line {
	char *text;
	struct wax_captured item;
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text);
}

static char *line_of(const struct wax_type *type, const struct wax_captured *item)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	int r = to ? write_item(to, type, item) : -ENOMEM;
	if (to && fclose(to) == EOF)
		r = -ENOMEM;
	if (r == 0)
		return text;
	free(text);
	return strdup("");
}

void wax_test_list_sort(struct wax_test_list *list, const struct wax_type *type)
{
	const struct wax_capture_view *view = look(list);
	struct line *lines = calloc(view->count + 1, sizeof(*lines));
	if (!lines)
		return;
	for (size_t i = 0; i < view->count; i++)
		lines[i] = (struct line){line_of(type, &view->items[i]), view->items[i]};
	qsort(lines, view->count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < view->count; i++) {
		view->items[i] = lines[i].item;
		free(lines[i].text);
	}
	free(lines);
}

const char *wax_test_list_text(struct wax_test_list *list, const struct wax_type *type)
{
	const struct wax_capture_view *view = look(list);
	size_t bytes = 0;
	free(list->text);
	list->text = NULL;
	FILE *to = open_memstream(&list->text, &bytes);
	int r = to ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < view->count; i++) {
		r = write_item(to, type, &view->items[i]);
		if (r == 0 && fputc('\n', to) == EOF)
			r = -ENOMEM;
	}
	if (to && fclose(to) == EOF)
		r = -ENOMEM;
	return r == 0 ? list->text : NULL;
}
