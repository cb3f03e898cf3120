/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - who may connect, send, and to whom; and how often. One question at a time, and it counts.
 *
 * receive asks about a client's address; a session room asks about HELO, MAIL and RCPT over a channel of
 * its own that is bound to that client. The envelope that was accepted is kept here and goes from here
 * to queue: what a room says afterwards cannot change it.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "ipc/policy_queue.h"
#include "ipc/policy_session.h"
#include "ipc/receive_policy.h"
#include "ipc/role_audit.h"
#include "role/role.h"
#include "roles/policy/counters.h"
#include "roles/policy/recipients.h"

struct policy {
	struct role *role;
	struct peer *receive, *queue;
	struct counters counters;
	struct recipients *recipients;
	struct table sessions; /* by number */
	unsigned pressure;     /* of queue */
	uint64_t n_held;       /* recipients in all envelopes */
	uint64_t n_admitted, n_refused, n_mails, n_rcpts, n_rcpts_refused, n_handed_over;
};

/* receive asks. */
void sessions_connect(struct policy *p, const struct receive_policy_connect *ask);
void sessions_closed(struct policy *p, const struct receive_policy_closed *closed);
/* receive is gone: all of them. */
void sessions_close_all(struct policy *p);

#endif
