/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-report: counts what DMARC found of each message (from queue), and once a day makes the reports of
 * the days before and hands them to queue as mail, one after the other. No stranger's byte is parsed here:
 * queue sends typed facts, and what leaves is written anew.
 *
 * Invariants: counts are committed within COMMIT_MS, and before anything is sent; a report is forgotten only
 * after queue has committed its mail to every destination, so that a crash sends it again rather than never,
 * with the same Report-ID; one mail is on its way at a time.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/role_audit.h"
#include "role/role.h"
#include "roles/report/report.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	COMMIT_MS = 1000,
	LOOK_MS = 60 * 1000,   /* between looks at the clock */
	PAUSE_MS = 300 * 1000, /* after queue could not take a mail */
	KEPT_MAX = 128 << 20,  /* of a mail on its way to queue */
	CHUNK = 65536,
	REPORTS_MAX = 10000, /* of one day's sending; the rest goes with the next look */
};

struct pending {
	int64_t day;
	char *domain, *policy; /* both with their length */
	size_t n_domain, n_policy;
};

static struct {
	struct role *role;
	struct report_store *store;
	struct peer *queue;
	struct evaluation evaluation;
	struct event *commit, *look;
	bool is_commit_due;
	int64_t full_day;

	struct pending *pending; /* reports to be sent */
	size_t n_pending, next_pending;
	struct report_mail mail; /* of pending[next_pending] */
	bool has_mail, is_waiting;
	size_t next_destination;
	uint64_t n_evaluations, n_sent, n_dropped, number;
} report;

static const struct conf_dmarc_report *settings(void)
{
	return &report.role->conf->dmarc_report;
}

static void arm(struct event *event, int64_t ms)
{
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(event, &time);
}

static void check(enum error e, const char *what)
{
	if (e == ERROR_IO || e == ERROR_CORRUPT)
		log_fatal(EX_IOERR, "the store of DMARC reports: %s: %s", what, error_text(e));
	if (e)
		log_warning("the store of DMARC reports: %s: %s", what, error_text(e));
}

static void commit(void)
{
	report.is_commit_due = false;
	check(report_store_commit(report.store), "what was counted could not be committed");
}

static void on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	commit();
}

static void commit_soon(void)
{
	if (report.is_commit_due)
		return;
	report.is_commit_due = true;
	arm(report.commit, COMMIT_MS);
}

/* ---- counting ---- */

static void count_evaluation(void)
{
	int64_t day = clock_wall_ms() / 1000 / REPORT_DAY;
	enum error e = evaluation_store(&report.evaluation, report.store, day);

	evaluation_reset(&report.evaluation);
	report.n_evaluations++;
	if (e == ERROR_TOO_MANY && report.full_day != day) {
		log_warning("more different results of DMARC than a day may have: the rest is not reported");
		report.full_day = day;
	}
	if (e == ERROR_TOO_MANY)
		report.n_dropped++;
	else if (e)
		check(e, "a result could not be counted");
	commit_soon();
}

/* ---- sending ---- */

static void forget_pending(void)
{
	for (size_t i = 0; i < report.n_pending; i++) {
		free(report.pending[i].domain);
		free(report.pending[i].policy);
	}
	free(report.pending);
	report.pending = NULL;
	report.n_pending = report.next_pending = 0;
}

static char *keep(struct text t)
{
	char *p = mem_alloc(t.n + 1);

	memcpy(p, t.p, t.n);
	return p;
}

static enum error add_pending(void *arg, const struct report_store_row *row)
{
	(void)arg;
	if (report.n_pending == REPORTS_MAX)
		return ERROR_NONE;
	report.pending = mem_realloc(report.pending, (report.n_pending + 1) * sizeof *report.pending);
	report.pending[report.n_pending++] = (struct pending){ .day = row->day,
							       .domain = keep(row->domain),
							       .policy = keep(row->policy),
							       .n_domain = row->domain.n,
							       .n_policy = row->policy.n };
	return ERROR_NONE;
}

static struct report_store_row row_of(const struct pending *p)
{
	return (struct report_store_row){ .day = p->day,
					  .domain = text_from_bytes(p->domain, p->n_domain),
					  .policy = text_from_bytes(p->policy, p->n_policy) };
}

/* The report at hand is done, sent or not. */
static void finish_report(const char *why_not)
{
	struct report_store_row row = row_of(&report.pending[report.next_pending++]);
	char domain[256];

	snprintf(domain, sizeof domain, "%.*s", TEXT_ARGS(row.domain));
	if (why_not) {
		report.n_dropped++;
		log_warning("no DMARC report about %s: %s", domain, why_not);
		role_audit(report.role, ROLE_AUDIT_KIND_REPORT_DROPPED, domain, "day=%lld why=%s",
			   (long long)row.day, why_not);
	} else {
		report.n_sent++;
		role_audit(report.role, ROLE_AUDIT_KIND_REPORT_SENT, domain,
			   "day=%lld records=%zu messages=%llu destinations=%zu", (long long)row.day,
			   report.mail.n_records, (unsigned long long)report.mail.n_messages,
			   report.mail.n_destinations);
	}
	check(report_store_forget(report.store, &row), "a report could not be forgotten");
	commit();
	if (report.has_mail)
		report_mail_done(&report.mail);
	report.has_mail = false;
}

static void send_to(struct text to)
{
	struct queue_report_mail m = { .sender = report.mail.facts.from, .recipient = to };
	struct buf out;

	buf_init(&out, (size_t)settings()->max_size);
	if (!report_mail_write(&report.mail, to, &out)) {
		buf_done(&out);
		finish_report("it is larger than max-size");
		return;
	}
	m.size = (uint32_t)out.n;
	peer_send(report.queue, QUEUE_REPORT_MAIL, &m);
	for (struct text rest = buf_text(&out); rest.n; rest = text_skip(rest, CHUNK)) {
		struct queue_report_chunk chunk = { text_slice(rest, 0, CHUNK) };
		peer_send(report.queue, QUEUE_REPORT_CHUNK, &chunk);
	}
	peer_send(report.queue, QUEUE_REPORT_END, NULL);
	report.is_waiting = true;
	buf_done(&out);
}

/* False: it goes no further, and the next one is at hand. */
static bool begin_report(void)
{
	struct report_store_row row = row_of(&report.pending[report.next_pending]);
	enum error e;

	report_mail_init(&report.mail);
	report.has_mail = true;
	report.next_destination = 0;
	e = report_mail_make(&report.mail, report.store, &row, report.role->conf, ++report.number,
			     clock_wall_ms() / 1000);
	if (e == ERROR_IO)
		check(e, "a report could not be read");
	if (e)
		finish_report(e == ERROR_TOO_LARGE ? "it is larger than max-size" : error_text(e));
	return !e;
}

/* Goes on with what is pending, until a mail is on its way or nothing is left. */
static void go_on(void)
{
	while (!report.is_waiting && report.queue && report.next_pending < report.n_pending) {
		if (!report.has_mail && !begin_report())
			continue;
		if (report.next_destination < report.mail.n_destinations)
			send_to(report.mail.destinations[report.next_destination]);
		else
			finish_report(report.mail.n_destinations ? NULL : "nobody wants it any more");
	}
	if (report.next_pending == report.n_pending)
		forget_pending();
}

/* Not now: everything that is not done stays in the store, for the next look. */
static void give_way(void)
{
	if (report.has_mail)
		report_mail_done(&report.mail);
	report.has_mail = report.is_waiting = false;
	forget_pending();
}

/* After the time of day, the days before are due; a day that was missed is due at once. */
static void look(void)
{
	int64_t now = clock_wall_ms(), day = now / 1000 / REPORT_DAY;

	if (!settings()->send || !report.queue || report.n_pending > 0)
		return;
	if (now - day * REPORT_DAY * 1000 < settings()->time)
		day--;
	commit();
	check(report_store_list(report.store, day, add_pending, NULL), "what is due could not be read");
	go_on();
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	look();
	arm(report.look, LOOK_MS);
}

/* ---- queue ---- */

static void on_taken(const struct queue_report_taken *m)
{
	report.is_waiting = false;
	if (m->ok) {
		report.next_destination++;
		go_on();
		return;
	}
	log_info("queue takes no reports now: they are sent later");
	give_way();
	arm(report.look, PAUSE_MS);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	(void)owner;
	(void)p;
	if (in->type == QUEUE_REPORT_TAKEN) {
		if (report.is_waiting)
			on_taken(link_body(in));
	} else if (in->type == QUEUE_REPORT_EVALUATED) {
		if (report.evaluation.has_head)
			count_evaluation();
	} else if (!evaluation_take(&report.evaluation, in->type, link_body(in))) {
		evaluation_reset(&report.evaluation);
	}
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_QUEUE, why);
	report.queue = NULL;
	evaluation_reset(&report.evaluation);
	give_way();
}

/* ---- life ---- */

static unsigned count_files(const struct conf *conf)
{
	(void)conf;
	return 32;
}

static void open_report(struct role *r)
{
	report.role = r;
	report.full_day = -1;
	report.commit = evtimer_new(r->loop, on_commit, NULL);
	report.look = evtimer_new(r->loop, on_look, NULL);
	ASSERT(report.commit && report.look);
}

static void open_store(struct role *r)
{
	enum error e = report_store_open(&report.store);

	(void)r;
	if (e == ERROR_CORRUPT && report_store_set_aside() == ERROR_NONE) {
		log_warning("the store of DMARC reports is damaged: it is kept as "
			    "state/report/report.db.damaged, and "
			    "counting begins anew");
		e = report_store_open(&report.store);
	}
	if (e)
		log_fatal(EX_IOERR,
			  "the store of DMARC reports, state/report/report.db, cannot be opened: %s",
			  error_text(e));
}

static void serve(struct role *r)
{
	(void)r;
	arm(report.look, 1000);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_message, on_gone };

	(void)peer;
	peer_close(report.queue);
	evaluation_reset(&report.evaluation);
	give_way();
	report.queue =
		peer_new(r->loop, fd, &queue_report_edge, QUEUE_REPORT_SIDE_REPORT, &events, NULL, KEPT_MAX);
}

static void reload(struct role *r, const struct conf *old)
{
	(void)r;
	(void)old;
	arm(report.look, 0);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "evaluations", report.n_evaluations);
	role_counter(r, "reports_sent", report.n_sent);
	role_counter(r, "dropped", report.n_dropped);
}

static void stop(struct role *r)
{
	report_store_close(report.store);
	report.store = NULL;
	role_stopped(r);
}

static const struct role_definition definition = {
	.id = ROLE_REPORT,
	.count_files = count_files,
	.open = open_report,
	.threads = open_store,
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
