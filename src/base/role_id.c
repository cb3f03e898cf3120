/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of roles.def.
 */
#include "base/role_id.h"

static const char *const names[] = {
#define ROLE(name, text) text,
#include "base/roles.def"
#undef ROLE
};

const char *role_name(enum role_id id)
{
	return (unsigned)id < ROLE_COUNT ? names[id] : "unknown";
}
