/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-audit: the one writer of the record (store/audit_write.h). Every role has a channel to it;
 * who speaks is known by the channel, time, number and chain are added here. Trusts the roles with
 * what happened, not with how often: what strangers can cause is under a quota per role, beyond which
 * it is counted, not written.
 *
 * Invariants: senders never wait, but for the records they want to be told of (tickets), which are
 * answered after the sync; what could not be written for want of space is counted, and the count is
 * written when there is space again; while anything waits, the flush event is pending.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "role/role.h"
#include "roles/audit/journal.h"
#include "roles/audit/quota.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	KEPT_FOR_ROLE = 65536,
	EXPIRE_MS = 3600 * 1000,
	FULL_MS = 1000,       /* between tries on a full disk */
	LAST_WORDS_MS = 1000, /* for what the other roles said before they ended */
};

struct sender {
	struct peer *peer;
	struct quota quota;
};

static struct {
	struct role *role;
	struct journal *journal;
	struct sender senders[ROLE_COUNT];
	struct event *flush, *expire, *end;
	int64_t flush_at; /* 0: not set */
	bool is_full, is_stopping;
	uint64_t n_suppressed;
} audit;

static const struct conf_audit *settings(void)
{
	return &audit.role->conf->audit;
}

static void arm(struct event *event, int64_t ms)
{
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(event, &time);
}

static void flush_within(int64_t ms)
{
	int64_t at;

	if (audit.is_full)
		ms = FULL_MS;
	at = clock_mono_ms() + ms;
	if (audit.flush_at && audit.flush_at <= at)
		return;
	audit.flush_at = at;
	arm(audit.flush, ms);
}

/* ---- the quota ---- */

static void report_suppressed(enum role_id role)
{
	struct quota *q = &audit.senders[role].quota;
	enum role_audit_kind kind;
	uint64_t n;

	while (quota_take(q, &kind, &n)) {
		char detail[64];
		struct journal_event event = { role, kind, clock_wall_ms(), TEXT("quota"), { NULL, 0 } };
		snprintf(detail, sizeof detail, "%llu more of these", (unsigned long long)n);
		event.detail = text_from_cstr(detail);
		journal_add(audit.journal, &event);
	}
}

static void begin_windows(void)
{
	int64_t now = clock_mono_ms();

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		struct quota *q = &audit.senders[role].quota;
		if (quota_is_due(q, &settings()->quota, now)) {
			report_suppressed(role);
			quota_begin(q, now);
		} else if (q->n_suppressed) {
			flush_within(q->window + settings()->quota.time - now);
		}
	}
}

/* ---- to disk ---- */

static void flush(void)
{
	enum error e = journal_flush(audit.journal);

	if (e && !audit.is_full)
		log_error("the audit record cannot be written (%s): records are counted until it can",
			  error_text(e));
	if (!e && audit.is_full)
		log_info("the audit record is written again");
	audit.is_full = e != ERROR_NONE;
	if (journal_is_waiting(audit.journal))
		flush_within(settings()->flush);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	audit.flush_at = 0;
	begin_windows();
	flush();
}

static void on_expire(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = clock_wall_ms();
	unsigned n = 0;
	enum error e = ERROR_NONE;

	(void)fd;
	(void)what;
	(void)arg;
	flush(); /* deleting flushes too, and must not answer for what others wait for */
	if (!audit.is_full)
		e = audit_writer_expire(journal_writer(audit.journal), now, now - settings()->retention, &n);
	if (e)
		log_error("old audit segments cannot be deleted: %s", error_text(e));
	if (n)
		log_info("%u audit segments were older than audit retention and are deleted", n);
	arm(audit.expire, EXPIRE_MS);
}

/* ---- the roles ---- */

static enum role_id role_of(const struct sender *s)
{
	return (enum role_id)(s - audit.senders);
}

static void on_written(void *owner, enum role_id role, uint32_t ticket)
{
	struct role_audit_written written = { ticket };

	(void)owner;
	if (audit.senders[role].peer)
		peer_send(audit.senders[role].peer, ROLE_AUDIT_WRITTEN, &written);
}

static void on_event(void *owner, struct peer *p, struct link_in *in)
{
	struct sender *s = owner;
	const struct role_audit_event *m = link_body(in);
	struct journal_event event = { role_of(s), m->kind, clock_wall_ms(), m->subject, m->detail };
	int64_t now = clock_mono_ms();

	(void)p;
	if (quota_is_due(&s->quota, &settings()->quota, now)) {
		report_suppressed(event.role);
		quota_begin(&s->quota, now);
	}
	if (!m->ticket && quota_is_over(&s->quota, m->kind, &settings()->quota)) {
		audit.n_suppressed++;
		flush_within(s->quota.window + settings()->quota.time - now);
		return;
	}
	if (!m->ticket)
		journal_add(audit.journal, &event);
	else if (!journal_add_ticket(audit.journal, &event, m->ticket))
		log_error("too many wait for the audit record; %s will not be answered",
			  role_name(event.role));
	flush_within(m->ticket ? 0 : settings()->flush);
}

static void end_when_alone(void)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (audit.senders[role].peer)
			return;
	arm(audit.end, 0);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct sender *s = owner;
	struct journal_event event = { ROLE_AUDIT, ROLE_AUDIT_KIND_PEER_MISBEHAVED, clock_wall_ms(),
				       text_from_cstr(role_name(role_of(s))),
				       text_from_cstr(error_text(why)) };

	(void)p;
	s->peer = NULL;
	if (why != ERROR_CLOSED && why != ERROR_IO) {
		log_error("%s broke the rules of its channel: %s", role_name(role_of(s)), error_text(why));
		journal_add(audit.journal, &event);
		flush_within(settings()->flush);
	}
	if (audit.is_stopping)
		end_when_alone();
}

/* ---- life ---- */

static void open_audit(struct role *r)
{
	struct audit_opened opened;
	enum error e = ERROR_IO;
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	audit.role = r;
	if (dir >= 0)
		e = journal_open(dir, settings()->segment_size, on_written, NULL, &audit.journal, &opened);
	if (e)
		log_fatal(EX_IOERR, "the audit record cannot be opened: %s; look at its directory",
			  error_text(e));
	if (opened.torn_bytes)
		log_info("the last audit record was torn by a crash; %llu bytes were cut off",
			 (unsigned long long)opened.torn_bytes);
	if (opened.is_tampered)
		log_error("the audit record was tampered with: look at 'postern audit verify'");
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		report_suppressed(role);
	flush();
	if (audit.is_full)
		log_error("the last audit records could not be written");
	role_stopped(audit.role);
}

static void serve(struct role *r)
{
	audit.flush = evtimer_new(r->loop, on_flush, NULL);
	audit.expire = evtimer_new(r->loop, on_expire, NULL);
	audit.end = evtimer_new(r->loop, on_end, NULL);
	ASSERT(audit.flush && audit.expire && audit.end);
	arm(audit.expire, FULL_MS);
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
	audit_writer_set_segment_size(journal_writer(audit.journal), r->conf->audit.segment_size);
}

static void tell_counters(struct role *r)
{
	struct journal_counts counts = journal_count(audit.journal);

	role_counter(r, "records", counts.n_written);
	role_counter(r, "suppressed", audit.n_suppressed);
	role_counter(r, "lost", counts.n_lost);
	role_counter(r, "head", audit_writer_head(journal_writer(audit.journal)).seq);
}

/* The others have ended by now; what they said last may still lie in their channels. */
static void stop(struct role *r)
{
	(void)r;
	audit.is_stopping = true;
	arm(audit.end, LAST_WORDS_MS);
	end_when_alone();
}

static const struct role_definition definition = {
	.id = ROLE_AUDIT,
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
