/* SPDX-License-Identifier: Apache-2.0
 *
 * role_id - the names of the processes that serve, as numbers.
 */
#ifndef BASE_ROLE_ID_H
#define BASE_ROLE_ID_H

enum role_id {
#define ROLE(name, text) ROLE_##name,
#include "base/roles.def"
#undef ROLE
	ROLE_COUNT
};

const char *role_name(enum role_id id); /* "queue"; "unknown" outside the enum */

#endif
