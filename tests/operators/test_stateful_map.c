/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

Test(x, y)
{
}
