/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/runtime/exchange_damage.h"

/* For libFuzzer: see exchange_damage.h. sim_exchange_damage does the same with random inputs. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	damage_play(data, bytes);
	return 0;
}
