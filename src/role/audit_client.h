/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_client - a role's channel to audit; behind role_audit of role.h. For standing.c only.
 */
#ifndef ROLE_AUDIT_CLIENT_H
#define ROLE_AUDIT_CLIENT_H

#include "role/role.h"

/* Takes the descriptor; replaces an earlier channel, whose unanswered tickets end with ERROR_CLOSED. */
void audit_client_connect(struct role *r, int fd);

#endif
