/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-audit: the one writer of the record (store/audit_write.h). Every role has a channel to it;
 * who speaks is known by the channel, time, number and chain are added here. Trusts the roles with
 * what happened, not with how often: what strangers can cause is under a quota per role, beyond which
 * it is counted, not written.
 *
 * Invariants: senders never wait, but for the records they want to be told of (tickets), which are
 * answered after the sync; what could not be written for want of space is counted, and the count is
 * written when there is space again; a ticket's record is never lost, it waits for space.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/role_audit.h"
#include "role/role.h"
#include "store/audit_write.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	N_KINDS = ROLE_AUDIT_KIND_DRILL + 1,
	KEPT_FOR_ROLE = 65536,
	EXPIRE_MS = 3600 * 1000,
	FULL_MS = 1000, /* between tries on a full disk */
};

/* A record whose sender waits for it. */
struct ticket {
	struct ticket *next;
	enum role_id role;
	uint32_t number;
	enum role_audit_kind kind;
	int64_t time;
	char subject[AUDIT_SUBJECT_MAX], detail[AUDIT_DETAIL_MAX];
	size_t n_subject, n_detail;
};

struct sender {
	struct peer *peer;
	int64_t window; /* beginning, monotonic */
	uint64_t n;	/* in the window, of what is under the quota */
	uint64_t suppressed[N_KINDS];
};

static struct {
	struct role *role;
	int dir;
	struct audit_writer *writer;
	struct sender senders[ROLE_COUNT];
	struct ticket *tickets, **tickets_end;
	struct event *flush, *expire;
	bool is_flush_set, is_full;
	uint64_t n_pending, n_written, n_lost, n_suppressed, n_unreported;
} audit;

/* What a stranger can cause as often as it likes. */
static bool is_strangers(enum role_audit_kind kind)
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

static const char *kind_name(enum role_audit_kind kind)
{
	return ipc_find_message(&role_audit_edge, ROLE_AUDIT_EVENT)->fields[0].names[kind];
}

static void set_flush(int64_t ms)
{
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };

	if (audit.is_flush_set && ms > 0)
		return;
	audit.is_flush_set = true;
	evtimer_add(audit.flush, &time);
}

static void add(enum role_id role, enum role_audit_kind kind, int64_t time, struct text subject, struct text detail)
{
	struct audit_record record = { .time = time,
				       .role = text_from_cstr(role_name(role)),
				       .kind = text_from_cstr(kind_name(kind)),
				       .subject = subject,
				       .detail = detail };

	if (audit_writer_add(audit.writer, &record)) {
		audit.n_lost++;
		audit.n_unreported++;
		return;
	}
	audit.n_pending++;
}

static void add_cstr(enum role_audit_kind kind, const char *subject, const char *format, uint64_t number)
{
	char detail[128];
	int n = snprintf(detail, sizeof detail, "%llu %s", (unsigned long long)number, format);

	add(ROLE_AUDIT, kind, clock_wall_ms(), text_from_cstr(subject), text_from_bytes(detail, (size_t)n));
}

/* ---- the quota ---- */

static void report_suppressed(enum role_id role)
{
	struct sender *s = &audit.senders[role];

	for (unsigned kind = 0; kind < N_KINDS; kind++) {
		char detail[64];
		int n;
		if (!s->suppressed[kind])
			continue;
		n = snprintf(detail, sizeof detail, "%llu more of these",
			     (unsigned long long)s->suppressed[kind]);
		add(role, kind, clock_wall_ms(), text_from_cstr("quota"), text_from_bytes(detail, (size_t)n));
		s->suppressed[kind] = 0;
	}
}

static bool is_over_quota(enum role_id role, enum role_audit_kind kind)
{
	const struct conf_audit *conf = &audit.role->conf->audit;
	struct sender *s = &audit.senders[role];
	int64_t now = clock_mono_ms();

	if (!is_strangers(kind))
		return false;
	if (now - s->window >= conf->quota.time) {
		report_suppressed(role);
		s->window = now;
		s->n = 0;
	}
	if (s->n++ < conf->quota.count)
		return false;
	s->suppressed[kind]++;
	audit.n_suppressed++;
	return true;
}

/* ---- to disk ---- */

static void answer_tickets(void)
{
	while (audit.tickets) {
		struct ticket *t = audit.tickets;
		struct role_audit_written written = { t->number };
		audit.tickets = t->next;
		if (audit.senders[t->role].peer)
			peer_send(audit.senders[t->role].peer, ROLE_AUDIT_WRITTEN, &written);
		free(t);
	}
	audit.tickets_end = &audit.tickets;
}

/* Their records went with the failed flush; they must not be lost. */
static void add_tickets_again(void)
{
	for (struct ticket *t = audit.tickets; t; t = t->next)
		add(t->role, t->kind, t->time, text_from_bytes(t->subject, t->n_subject),
		    text_from_bytes(t->detail, t->n_detail));
}

static void flush_failed(enum error e)
{
	uint64_t n_tickets = 0;

	for (struct ticket *t = audit.tickets; t; t = t->next)
		n_tickets++;
	audit.n_lost += audit.n_pending - n_tickets;
	audit.n_unreported += audit.n_pending - n_tickets;
	audit.n_pending = 0;
	if (!audit.is_full)
		log_error("the audit record cannot be written (%s): records are counted until it can", error_text(e));
	audit.is_full = true;
	add_tickets_again();
	set_flush(FULL_MS);
}

static void flush(void)
{
	enum error e;

	if (audit.n_unreported && !audit.is_full) {
		add_cstr(ROLE_AUDIT_KIND_QUEUE_ALARM, "audit", "records could not be written", audit.n_unreported);
		audit.n_unreported = 0;
	}
	if (!audit.n_pending)
		return;
	e = audit_writer_flush(audit.writer);
	if (e) {
		flush_failed(e);
		return;
	}
	audit.n_written += audit.n_pending;
	audit.n_pending = 0;
	if (audit.is_full)
		log_info("the audit record is written again");
	if (audit.is_full && audit.n_unreported)
		set_flush(1);
	audit.is_full = false;
	answer_tickets();
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	audit.is_flush_set = false;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (clock_mono_ms() - audit.senders[role].window >= audit.role->conf->audit.quota.time)
			report_suppressed(role);
	flush();
}

static void on_expire(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = { EXPIRE_MS / 1000, 0 };
	int64_t now = clock_wall_ms();
	unsigned n = 0;
	enum error e = audit_writer_expire(audit.writer, now, now - audit.role->conf->audit.retention, &n);

	(void)fd;
	(void)what;
	(void)arg;
	if (e)
		log_error("old audit segments cannot be deleted: %s", error_text(e));
	else if (n)
		log_info("%u audit segments were older than audit retention and are deleted", n);
	evtimer_add(audit.expire, &pause);
}

/* ---- the roles ---- */

static void keep_ticket(enum role_id role, const struct role_audit_event *m, int64_t time)
{
	struct ticket *t = mem_zalloc(1, sizeof *t);

	t->role = role;
	t->number = m->ticket;
	t->kind = m->kind;
	t->time = time;
	t->n_subject = m->subject.n;
	t->n_detail = m->detail.n;
	if (m->subject.n)
		memcpy(t->subject, m->subject.p, m->subject.n);
	if (m->detail.n)
		memcpy(t->detail, m->detail.p, m->detail.n);
	*audit.tickets_end = t;
	audit.tickets_end = &t->next;
}

static void on_event(void *owner, struct peer *p, struct link_in *in)
{
	struct sender *s = owner;
	enum role_id role = (enum role_id)(s - audit.senders);
	const struct role_audit_event *m = link_body(in);
	int64_t now = clock_wall_ms();

	(void)p;
	if (!m->ticket && is_over_quota(role, m->kind)) {
		set_flush(audit.role->conf->audit.quota.time);
		return;
	}
	add(role, m->kind, now, m->subject, m->detail);
	if (m->ticket)
		keep_ticket(role, m, now);
	set_flush(m->ticket ? 0 : audit.role->conf->audit.flush);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct sender *s = owner;

	(void)p;
	s->peer = NULL;
	if (why == ERROR_CLOSED)
		return;
	log_error("%s broke the rules of its channel: %s", role_name((enum role_id)(s - audit.senders)), error_text(why));
	add(ROLE_AUDIT, ROLE_AUDIT_KIND_PEER_MISBEHAVED, clock_wall_ms(),
	    text_from_cstr(role_name((enum role_id)(s - audit.senders))), text_from_cstr(error_text(why)));
	set_flush(audit.role->conf->audit.flush);
}

/* ---- life ---- */

static unsigned count_files(const struct conf *conf)
{
	(void)conf;
	return 64;
}

static void open_audit(struct role *r)
{
	struct audit_opened opened;
	enum error e;

	audit.role = r;
	audit.tickets_end = &audit.tickets;
	audit.dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = audit.dir < 0 ? ERROR_IO : audit_writer_open(audit.dir, r->conf->audit.segment_size, &audit.writer, &opened);
	if (e)
		log_fatal(EX_IOERR, "the audit record cannot be opened: %s; look at its directory", error_text(e));
	if (opened.torn_bytes)
		log_info("the last audit record was torn by a crash; %llu bytes were cut off",
			 (unsigned long long)opened.torn_bytes);
	if (opened.is_tampered)
		log_error("the audit record was tampered with: look at 'postern audit verify'");
}

static void serve(struct role *r)
{
	static const struct timeval soon = { 1, 0 };

	audit.flush = evtimer_new(r->loop, on_flush, NULL);
	audit.expire = evtimer_new(r->loop, on_expire, NULL);
	ASSERT(audit.flush && audit.expire);
	evtimer_add(audit.expire, &soon);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_event, on_gone };

	ASSERT(peer < ROLE_COUNT);
	peer_close(audit.senders[peer].peer);
	audit.senders[peer].peer = peer_new(r->loop, fd, &role_audit_edge, ROLE_AUDIT_SIDE_AUDIT, &events,
					    &audit.senders[peer], KEPT_FOR_ROLE);
}

static void reload(struct role *r, const struct conf *old)
{
	(void)old;
	audit_writer_set_segment_size(audit.writer, r->conf->audit.segment_size);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "records", audit.n_written);
	role_counter(r, "suppressed", audit.n_suppressed);
	role_counter(r, "lost", audit.n_lost);
	role_counter(r, "head", audit_writer_head(audit.writer).seq);
}

static void stop(struct role *r)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		report_suppressed(role);
	flush();
	role_stopped(r);
}

static const struct role_definition definition = {
	.id = ROLE_AUDIT,
	.count_files = count_files,
	.open = open_audit,
	.serve = serve,
	.peer = add_peer,
	.reload = reload,
	.counters = tell_counters,
	.stop = stop,
};

int main(int argc, char **argv)
{
	return role_main(&definition, NULL, argc, argv);
}
