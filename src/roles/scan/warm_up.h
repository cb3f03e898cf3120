/* SPDX-License-Identifier: Apache-2.0
 *
 * warm_up - one authentication before the sandbox, so that rooms find what it needs.
 *
 * The libraries behind the checks (OpenSSL, ICU, libpsl) make tables when they are first used, and some read
 * a file for them: in a room it would be denied, and would cost each room anew. So the zygote authenticates a
 * message of our own, with keys and answers of our own, and forgets it.
 */
#ifndef ROLES_SCAN_WARM_UP_H
#define ROLES_SCAN_WARM_UP_H

void warm_up(void);

#endif
