/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/run.h>

int main(int argc, char **argv)
{
	return wax_main(argc, argv);
}
