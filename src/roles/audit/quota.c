/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts strangers' events per role and window. Called by main.c for every event. Pure: no clock, no
 * files. Invariant: an event is written, or counted in `suppressed` until somebody takes the count.
 */
#include "roles/audit/quota.h"

bool quota_is_for(enum role_audit_kind kind)
{
	switch (kind) {
	case ROLE_AUDIT_KIND_SESSION_ENDED:
	case ROLE_AUDIT_KIND_CLIENT_REFUSED:
	case ROLE_AUDIT_KIND_CLIENT_BLOCKED:
	case ROLE_AUDIT_KIND_ROOM_CRASHED:
	case ROLE_AUDIT_KIND_ROOM_KILLED:
	case ROLE_AUDIT_KIND_MESSAGE_REFUSED:
	case ROLE_AUDIT_KIND_MESSAGE_SCANNED:
	case ROLE_AUDIT_KIND_SIGNATURE_REFUSED:
	case ROLE_AUDIT_KIND_PEER_MISBEHAVED:
		return true;
	default:
		return false;
	}
}

bool quota_is_due(const struct quota *q, const struct conf_rate *rate, int64_t now)
{
	return now - q->window >= rate->time;
}

bool quota_take(struct quota *q, enum role_audit_kind *ret_kind, uint64_t *ret_n)
{
	for (unsigned kind = 0; q->n_suppressed && kind < QUOTA_KINDS; kind++) {
		if (!q->suppressed[kind])
			continue;
		*ret_kind = kind;
		*ret_n = q->suppressed[kind];
		q->n_suppressed -= q->suppressed[kind];
		q->suppressed[kind] = 0;
		return true;
	}
	return false;
}

void quota_begin(struct quota *q, int64_t now)
{
	q->window = now;
	q->n = 0;
}

bool quota_is_over(struct quota *q, enum role_audit_kind kind, const struct conf_rate *rate)
{
	if (!quota_is_for(kind) || q->n++ < rate->count)
		return false;
	q->suppressed[kind]++;
	q->n_suppressed++;
	return true;
}
