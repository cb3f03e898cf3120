/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way to audit. Called by every role. Never blocks: while audit is slow, records are
 * kept up to a bound, above it they are counted and the count is told with the next record.
 */
#include "role/audit_client.h"

#include "base/ensure.h"
#include "base/table.h"
#include "ipc/role_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KEPT_MAX   ((size_t)2 << 20)
#define DETAIL_MAX 1000

struct ticket {
	void (*written)(void *arg, enum error e);
	void *arg;
};

static struct table tickets;
static uint32_t last_ticket;
static uint64_t lost;

static void end_ticket(uint64_t number, enum error e)
{
	struct ticket *t = table_remove(&tickets, number);

	if (!t)
		return;
	t->written(t->arg, e);
	free(t);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	const struct role_audit_written *m = link_body(in);

	(void)owner;
	(void)p;
	end_ticket(m->ticket, ERROR_NONE);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct role *r = owner;

	(void)p;
	(void)why;
	r->audit = NULL;
	for (size_t i = 0; i < tickets.cap;) {
		if (tickets.slots[i].value) {
			end_ticket(tickets.slots[i].key, ERROR_CLOSED);
			i = 0; /* the table moved under us */
		} else {
			i++;
		}
	}
}

void audit_client_connect(struct role *r, int fd)
{
	static const struct peer_events events = { on_message, on_gone };

	peer_close(r->audit);
	r->audit = peer_new(r->loop, fd, &role_audit_edge, ROLE_AUDIT_SIDE_ROLE, &events, r, KEPT_MAX);
}

static bool send_event(struct role *r, unsigned kind, uint32_t ticket, struct text subject,
		       struct text detail)
{
	struct role_audit_event event = { kind, ticket, text_slice(subject, 0, 64),
					  text_slice(detail, 0, DETAIL_MAX) };

	if (!r->audit || peer_kept(r->audit) > KEPT_MAX - 4096) {
		lost++;
		return false;
	}
	event.subject.n = text_find_byte(event.subject, 0);
	event.detail.n = text_find_byte(event.detail, 0);
	peer_send(r->audit, ROLE_AUDIT_EVENT, &event);
	return true;
}

void role_audit(struct role *r, unsigned kind, const char *subject, const char *format, ...)
{
	char detail[DETAIL_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(detail, sizeof detail, format, ap);
	va_end(ap);
	ASSERT(n >= 0);
	if (lost && r->audit) {
		char text[64];
		int length = snprintf(text, sizeof text, "%llu records lost", (unsigned long long)lost);
		if (send_event(r, ROLE_AUDIT_KIND_PEER_MISBEHAVED, 0, text_from_cstr("audit"),
			       text_from_bytes(text, (size_t)length)))
			lost = 0;
	}
	send_event(r, kind, 0, text_from_cstr(subject),
		   text_slice(text_from_bytes(detail, (size_t)n), 0, DETAIL_MAX));
}

void role_audit_sync(struct role *r, unsigned kind, const char *subject, struct text detail,
		     void (*written)(void *arg, enum error e), void *arg)
{
	struct ticket *t;

	if (++last_ticket == 0)
		last_ticket = 1;
	if (!send_event(r, kind, last_ticket, text_from_cstr(subject), detail)) {
		written(arg, ERROR_CLOSED);
		return;
	}
	t = mem_zalloc(1, sizeof *t);
	*t = (struct ticket){ written, arg };
	table_put(&tickets, last_ticket, t);
}
