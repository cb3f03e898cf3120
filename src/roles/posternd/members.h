/* SPDX-License-Identifier: Apache-2.0
 *
 * members - between members.c and handover.c: one instance of a process, and what it is given.
 */
#ifndef ROLES_POSTERND_MEMBERS_H
#define ROLES_POSTERND_MEMBERS_H

#include "roles/posternd/posternd.h"
#include "sandbox/sandbox.h"

/* The layers that minimum-layers counts: each alone holds most steps of the drill. */
#define MEMBERS_COUNTED_LAYERS                                                                               \
	(SANDBOX_USER | SANDBOX_NETWORK | SANDBOX_ROOT | SANDBOX_LANDLOCK | SANDBOX_SECCOMP)

struct instance *members_start(struct gateway *g, struct member *m);
void members_check_ready(struct gateway *g);
void members_stop_next(struct gateway *g);
void members_end(struct gateway *g, int status); /* leaves the loop */

/* main.c: posternd's own channel to audit. Takes the descriptor. */
void posternd_join_audit(struct gateway *g, int fd);

/* begin, resources, peers, go. */
void handover_all(struct gateway *g, struct instance *i);
void handover_conf(struct gateway *g, struct instance *i, unsigned type);
void handover_recipients(struct gateway *g, struct instance *i);
void handover_certificate(struct gateway *g, struct instance *i);

#endif
