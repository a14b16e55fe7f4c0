/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow looks like that was compiled with the headers of the next major version. */
#include <stdio.h>

#include <wax/wax.h>

static void build(struct wax_flow *flow)
{
	(void)flow;
	puts("the flow was built");
}

WAX_API const struct wax_flow_entry *wax_flow_entry(void);

const struct wax_flow_entry *wax_flow_entry(void)
{
	static const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR + 1, 0,
			"other_version", "Of another version", build};

	return &entry;
}
