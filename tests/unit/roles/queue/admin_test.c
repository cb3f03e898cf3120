/* SPDX-License-Identifier: Apache-2.0
 *
 * admin
 */
#include "queue_fixture.h"
int main(void)
{
	return 0;
}
