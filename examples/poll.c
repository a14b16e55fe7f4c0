/* SPDX-License-Identifier: Apache-2.0 */
/* A source that looks at something now and then: the load of this machine, at regular times. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

struct meter {
	const char *path;
	int64_t left; /* looks to take */
};

static int look(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *err)
{
	struct meter *meter = source;
	FILE *file = fopen(meter->path, "re");
	char line[128];

	if (!file && errno == ENOENT) {
		*retry_ns = 100 * 1000 * 1000; /* it is not there yet: look again soon */
		return WAX_IDLE;
	}
	if (!file)
		return wax_err_set(err, -errno, "open '%s': %m", meter->path);
	if (fgets(line, sizeof(line), file))
		wax_emit(out, line, strcspn(line, "\n"));
	fclose(file);
	return --meter->left > 0 ? WAX_IDLE : WAX_END;
}

static struct wax_source *meter(const char *path, int64_t every_ns, int64_t looks)
{
	struct wax_polling_ops polling = {
			.size_bytes = sizeof(polling),
			.interval_ns = every_ns,
			.align_to_ns = every_ns, /* at full seconds, minutes, ... */
			.poll = look,
			.free = free,
	};
	struct meter *meter = malloc(sizeof(*meter));

	if (!meter)
		return NULL;
	*meter = (struct meter){path, looks};
	return wax_polling(&polling, WAX_TEXT, meter, path);
}

WAX_FLOW(poll, "The load of this machine, now and then")
{
	const char *path = wax_arg_path(flow, "path", "file to look at", "/proc/loadavg");
	int64_t every_ns = wax_arg_duration(flow, "every", "time between two looks", "1s");
	int64_t looks = wax_arg_int(flow, "looks", "how many", "5");

	struct wax_stream loads = wax_input(flow, "loads", meter(path, every_ns, looks));

	wax_output(loads, "out", wax_stdout(NULL));
}
