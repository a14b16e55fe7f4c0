/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/copy.h"

const int32_t wax_copy_masks[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
