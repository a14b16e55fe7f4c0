/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no flow. */
#include <wax/base.h>

WAX_API int no_flow(void);

int no_flow(void)
{
	return 0;
}
