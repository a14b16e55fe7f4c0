/* SPDX-License-Identifier: Apache-2.0 */
/* No step at all. */
#include <wax/wax.h>

WAX_FLOW(empty, "Nothing")
{
	(void)flow;
}
