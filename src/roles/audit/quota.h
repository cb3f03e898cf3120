/* SPDX-License-Identifier: Apache-2.0
 *
 * quota - how much of what strangers cause is written as records of its own.
 *
 * One struct quota per role. In each window of conf_rate.time the first conf_rate.count events of the
 * kinds that a stranger can cause at will are written; the others are counted by kind, and the counts
 * are written when the window has ended. What administrators and the gateway itself do has no quota.
 *
 *	if (quota_is_due(q, rate, now))
 *		while (quota_take(q, &kind, &n)) ...write "n more"...; quota_begin(q, now);
 *	if (quota_is_over(q, kind, rate)) ...counted, done...
 */
#ifndef ROLES_AUDIT_QUOTA_H
#define ROLES_AUDIT_QUOTA_H

#include "conf/conf.h"
#include "ipc/role_audit.h"

#define QUOTA_KINDS (ROLE_AUDIT_KIND_DRILL + 1)

struct quota {
	int64_t window; /* its beginning, monotonic ms */
	uint64_t n;     /* events in the window that are under the quota */
	uint64_t suppressed[QUOTA_KINDS];
	uint64_t n_suppressed; /* their sum */
};

bool quota_is_for(enum role_audit_kind kind); /* may a stranger cause it at will? */
bool quota_is_due(const struct quota *q, const struct conf_rate *rate, int64_t now);
/* Gives one kind that was suppressed and how often, and forgets it; false when there is none. */
bool quota_take(struct quota *q, enum role_audit_kind *ret_kind, uint64_t *ret_n);
void quota_begin(struct quota *q, int64_t now);
/* Counts an event; true when it is to be left out of the record. */
bool quota_is_over(struct quota *q, enum role_audit_kind kind, const struct conf_rate *rate);

#endif
