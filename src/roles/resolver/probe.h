/* SPDX-License-Identifier: Apache-2.0
 *
 * probe - does the DNS answer at all? Asked soon after the start, and again until it does. Nobody waits for
 * it: it is there so that the log says in one line what an administrator would otherwise conclude from a
 * queue that grows.
 */
#ifndef ROLES_RESOLVER_PROBE_H
#define ROLES_RESOLVER_PROBE_H

struct role;
struct ub_ctx;

/* In the modes recursive and forward; in the mode stub there is nobody to ask. Both must outlive the loop. */
void probe_start(struct role *r, struct ub_ctx *unbound);

#endif
