/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on their way in: the envelope from policy, the bytes from a session room, the verdict from
 * the judge, the commit, the answer.
 *
 *	policy: envelope + channel, rcpt * n      room: chunk*, end      -> judge -> commit -> result
 *
 * Trusts policy with who may send to whom, and nothing of the rest: a room sends bytes for exactly the
 * envelope that came with its channel, and hears one result.
 *
 * Invariants: `accepted` is sent only after the spool said ERROR_NONE, or when every recipient's mail
 * is dropped by disposition. A room that goes away before the insert is submitted takes its message
 * with it. The answer comes only after `end`, so that nothing unread is in the channel when it closes.
 */
#include "roles/queue/intake.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/policy_queue.h"
#include "ipc/session_queue.h"
#include "roles/queue/origin.h"
#include "roles/queue/received.h"

#include <stdlib.h>
#include <unistd.h>

enum { SESSION_KEPT = 4096 };

static void list(struct queue *q, struct intake *in)
{
	in->next = q->intakes;
	if (in->next)
		in->next->previous = in;
	q->intakes = in;
}

static void forget(struct intake *in)
{
	struct queue *q = in->q;

	if (q->envelope == in)
		q->envelope = NULL;
	if (in->judgement)
		judge_forget(q, in->judgement);
	if (in->session_fd >= 0)
		close(in->session_fd);
	peer_close(in->session);
	if (in->previous)
		in->previous->next = in->next;
	else
		q->intakes = in->next;
	if (in->next)
		in->next->previous = in->previous;
	ASSERT(q->files_used >= in->file_bytes);
	q->files_used -= in->file_bytes;
	mail_free(q, in->mail);
	free(in);
}

/* Nothing was promised: the message goes. */
static void discard(struct intake *in)
{
	if (in->mail && in->mail->m.has_file)
		spool_body_discard(in->q->spool, in->mail->m.id);
	forget(in);
}

static void answer_with(struct intake *in, enum session_queue_outcome outcome, struct text text)
{
	struct session_queue_result result = { .outcome = outcome, .text = text };
	char id[SPOOL_ID_SIZE] = "";

	if (!in->session)
		return;
	spool_print_id(in->mail->m.id, id);
	result.id = text_from_cstr(id);
	peer_send(in->session, SESSION_QUEUE_RESULT, &result);
	peer_finish(in->session);
	in->session = NULL;
}

static void answer(struct intake *in, enum session_queue_outcome outcome)
{
	answer_with(in, outcome, (struct text){ NULL, 0 });
}

static void refuse_with(struct intake *in, enum session_queue_outcome outcome, struct text text)
{
	char id[SPOOL_ID_SIZE], client[ADDR_TEXT_SIZE];

	spool_print_id(in->mail->m.id, id);
	addr_print(&in->mail->m.client, client);
	role_audit(in->q->role, ROLE_AUDIT_KIND_MESSAGE_REFUSED, id, "client=%s outcome=%s", client,
		   intake_outcome_name(outcome));
	in->q->n_refused++;
	answer_with(in, outcome, text);
	discard(in);
}

static void refuse(struct intake *in, enum session_queue_outcome outcome)
{
	refuse_with(in, outcome, (struct text){ NULL, 0 });
}

const char *intake_outcome_name(enum session_queue_outcome outcome)
{
	static const char *const names[] = {
		[SESSION_QUEUE_OUTCOME_ACCEPTED] = "accepted",
		[SESSION_QUEUE_OUTCOME_SPAM] = "spam",
		[SESSION_QUEUE_OUTCOME_VIRUS] = "virus",
		[SESSION_QUEUE_OUTCOME_POLICY_REFUSED] = "policy",
		[SESSION_QUEUE_OUTCOME_UNSCANNABLE] = "unscannable",
		[SESSION_QUEUE_OUTCOME_TOO_LARGE] = "too-large",
		[SESSION_QUEUE_OUTCOME_TOO_MANY_HOPS] = "too-many-hops",
		[SESSION_QUEUE_OUTCOME_QUEUE_FULL] = "queue-full",
		[SESSION_QUEUE_OUTCOME_DISK_FULL] = "disk-full",
		[SESSION_QUEUE_OUTCOME_SCAN_BUSY] = "scan-busy",
		[SESSION_QUEUE_OUTCOME_BREAKER] = "breaker",
		[SESSION_QUEUE_OUTCOME_TRY_LATER] = "try-later",
		[SESSION_QUEUE_OUTCOME_SPF_REFUSED] = "spf",
		[SESSION_QUEUE_OUTCOME_SPF_LATER] = "spf-later",
		[SESSION_QUEUE_OUTCOME_DKIM_REFUSED] = "dkim",
		[SESSION_QUEUE_OUTCOME_DKIM_LATER] = "dkim-later",
		[SESSION_QUEUE_OUTCOME_DMARC_REFUSED] = "dmarc",
		[SESSION_QUEUE_OUTCOME_DMARC_LATER] = "dmarc-later",
	};

	return (unsigned)outcome < sizeof names / sizeof *names ? names[outcome] : "unknown";
}

/* ---- the bytes ---- */

static enum session_queue_outcome outcome_of(enum error e)
{
	return e == ERROR_DISK_FULL ? SESSION_QUEUE_OUTCOME_DISK_FULL : SESSION_QUEUE_OUTCOME_TRY_LATER;
}

/* Remembers why there will be a refusal; told at the end. The first reason stays. */
static void doom(struct intake *in, enum session_queue_outcome outcome)
{
	if (in->doom == SESSION_QUEUE_OUTCOME_ACCEPTED)
		in->doom = outcome;
	buf_reset(&in->mail->body);
}

static enum error move_to_file(struct intake *in)
{
	struct mail *mail = in->mail;
	enum error e = spool_body_create(in->q->spool, mail->m.id, &mail->body_fd);

	if (e)
		return e;
	mail->m.has_file = true;
	e = spool_body_append(mail->body_fd, buf_text(&mail->body));
	in->file_bytes = mail->body.n;
	in->q->files_used += mail->body.n;
	buf_done(&mail->body);
	return e;
}

static enum error store_in_file(struct intake *in, struct text data)
{
	enum error e = in->mail->m.has_file ? ERROR_NONE : move_to_file(in);

	if (!e)
		e = spool_body_append(in->mail->body_fd, data);
	in->file_bytes += data.n;
	in->q->files_used += data.n;
	return e;
}

static void take_chunk(struct intake *in, struct text data)
{
	struct mail *mail = in->mail;
	struct queue *q = in->q;
	enum error e = ERROR_NONE;

	in->n_bytes += data.n;
	if (in->doom != SESSION_QUEUE_OUTCOME_ACCEPTED)
		return;
	if (in->n_bytes > in->max_size) {
		doom(in, SESSION_QUEUE_OUTCOME_TOO_LARGE);
		return;
	}
	if (mail->m.has_file || in->n_bytes > SPOOL_INLINE_MAX ||
	    q->memory_used > queue_conf(q)->queue.memory)
		e = store_in_file(in, data);
	else
		ASSERT(buf_add(&mail->body, data));
	mail_charge(q, mail);
	if (e) {
		pressure_tell_store(q, e);
		doom(in, outcome_of(e));
	}
	if (q->files_used > queue_conf(q)->queue.waiting_files)
		doom(in, SESSION_QUEUE_OUTCOME_QUEUE_FULL);
}

/* ---- the commit ---- */

static void inserted(struct spool_op *op, enum error e)
{
	struct intake *in = op->owner;
	struct queue *q = in->q;
	struct mail *mail = in->mail;

	pressure_tell_store(q, e);
	if (e) {
		refuse(in, outcome_of(e));
		return;
	}
	q->n_accepted++;
	answer(in, SESSION_QUEUE_OUTCOME_ACCEPTED);
	if (mail->body_fd >= 0)
		close(mail->body_fd);
	mail->body_fd = -1;
	in->mail = NULL;
	forget(in);
	item_new(q, mail);
}

static void audit_accepted(struct intake *in, const char *how)
{
	const struct spool_message *m = &in->mail->m;
	char id[SPOOL_ID_SIZE], client[ADDR_TEXT_SIZE];

	spool_print_id(m->id, id);
	addr_print(&m->client, client);
	role_audit(in->q->role, ROLE_AUDIT_KIND_MESSAGE_ACCEPTED, id,
		   "client=%s from=<%.*s> rcpts=%u size=%llu state=%s", client, TEXT_ARGS(m->sender),
		   m->n_rcpts, (unsigned long long)m->body_size, how);
}

static void commit(struct intake *in, enum spool_state state, const char *reason)
{
	struct mail *mail = in->mail;

	mail->m.state = state;
	mail->m.reason = text_from_cstr(reason);
	audit_accepted(in, state == SPOOL_WAITING ? "waiting" : state == SPOOL_HELD ? "held" : "active");
	in->is_committing = true;
	in->op = (struct spool_op){
		.verb = SPOOL_INSERT,
		.id = mail->m.id,
		.message = &mail->m,
		.rcpts = mail->rcpts,
		.n_rcpts = mail->m.n_rcpts,
		.body = buf_text(&mail->body),
		.body_fd = mail->body_fd,
		.done = inserted,
		.owner = in,
	};
	spool_submit(in->q->spool, &in->op);
}

static const char *reason_of(const struct finding *findings, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (findings[i].finding == QUEUE_JUDGE_FINDING_VIRUS)
			return "virus";
		if (findings[i].finding == QUEUE_JUDGE_FINDING_SPAM)
			return "spam";
		if (findings[i].finding == QUEUE_JUDGE_FINDING_UNSCANNABLE)
			return "unscannable";
	}
	return "";
}

void intake_authenticated(struct queue *q, struct intake *in, struct origin *origin, int64_t ms)
{
	const struct conf_authentication *conf;

	in->judgement = NULL;
	mail_authenticate(q, in->mail, origin, ms);
	if (origin_outcome(origin->verdict) != SESSION_QUEUE_OUTCOME_ACCEPTED) {
		conf = conf_authentication_of(queue_conf(q), in->mail->m.listener);
		refuse_with(in, origin_outcome(origin->verdict), origin_explanation(origin, conf));
		return;
	}
	judge_intake(q, in, in->mail, in->deadline);
}

void intake_signed(struct queue *q, struct intake *in, struct text signature)
{
	in->judgement = NULL;
	mail_sign(q, in->mail, signature);
	judge_intake(q, in, in->mail, in->deadline);
}

void intake_judged(struct queue *q, struct intake *in, const struct finding *findings, uint32_t scans)
{
	struct spool_message *m = &in->mail->m;
	enum origin_verdict origin = origin_verdict_of(m->origin);
	bool is_quarantined = origin != ORIGIN_ACCEPTED;
	const char *reason = reason_of(findings, m->n_rcpts);
	struct disposition d;

	if (!*reason)
		reason = origin_reason(origin);
	in->judgement = NULL;
	d = dispose_waiting(&queue_conf(q)->scan, findings, is_quarantined, in->mail->rcpts, m->n_rcpts);
	m->scans = scans;
	m->flags |= SPOOL_JUDGED | (d.is_bad ? SPOOL_BAD : 0);
	if (d.answer != SESSION_QUEUE_OUTCOME_ACCEPTED) {
		refuse(in, d.answer);
		return;
	}
	if (d.n_deliver == 0 && d.n_hold == 0) { /* all dropped: said to be accepted, kept nowhere */
		char id[SPOOL_ID_SIZE];
		spool_print_id(m->id, id);
		role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_DISCARDED, id, "why=%s", reason);
		q->n_discarded++;
		answer(in, SESSION_QUEUE_OUTCOME_ACCEPTED);
		discard(in);
		return;
	}
	commit(in, d.n_deliver > 0 ? SPOOL_ACTIVE : SPOOL_HELD, reason);
}

void intake_unjudged(struct queue *q, struct intake *in, enum unjudged why, uint32_t scans)
{
	uint32_t n = in->mail->m.n_rcpts;
	struct finding *findings;

	in->judgement = NULL;
	in->mail->m.scans = scans;
	if (why == UNJUDGED_LATE) {
		commit(in, SPOOL_WAITING, "");
		return;
	}
	if (why == UNJUDGED_BREAKER) {
		refuse(in, SESSION_QUEUE_OUTCOME_BREAKER);
		return;
	}
	findings = mem_zalloc(n, sizeof *findings);
	for (uint32_t i = 0; i < n; i++)
		findings[i].finding = QUEUE_JUDGE_FINDING_UNSCANNABLE;
	intake_judged(q, in, findings, scans);
	free(findings);
}

/* ---- the session room ---- */

/* Headers that are ours go before the body from now on. */
static void add_head(struct intake *in)
{
	struct mail *mail = in->mail;
	struct spool_message *m = &mail->m;
	char id[SPOOL_ID_SIZE];
	struct received_facts facts = {
		.helo = m->helo,
		.client = m->client,
		.hostname = queue_conf(in->q)->top.hostname,
		.tls_version = in->tls_version,
		.tls_cipher = in->tls_cipher,
		.extended = in->is_extended,
		.smtputf8 = m->flags & SPOOL_SMTPUTF8,
		.authenticated = m->flags & SPOOL_AUTHENTICATED,
		.now = m->arrival,
	};
	struct buf head;

	spool_print_id(m->id, id);
	facts.id = text_from_cstr(id);
	if (m->n_rcpts == 1)
		facts.only_rcpt = mail->rcpts[0].address;
	buf_init(&head, RECEIVED_MAX);
	received_compose(&facts, &head);
	ASSERT(!head.overflow && arena_copy(&mail->arena, buf_text(&head), &m->head));
	buf_done(&head);
}

/* False: the room does not keep to the rules. */
static bool take_end(struct intake *in, const struct session_queue_end *end)
{
	struct spool_message *m = &in->mail->m;
	struct queue *q = in->q;

	if (end->size != in->n_bytes || end->header_size > end->size)
		return false;
	m->body_size = in->n_bytes;
	m->header_size = end->header_size;
	if (end->hops > in->max_hops)
		doom(in, SESSION_QUEUE_OUTCOME_TOO_MANY_HOPS);
	if (breaker_is_open(&q->breaker, clock_mono_ms()))
		doom(in, SESSION_QUEUE_OUTCOME_BREAKER);
	if (in->doom != SESSION_QUEUE_OUTCOME_ACCEPTED) {
		refuse(in, in->doom);
		return true;
	}
	add_head(in);
	in->is_complete = true;
	in->deadline = clock_mono_ms() + queue_conf(q)->queue.scan_wait;
	judge_intake(q, in, in->mail, in->deadline);
	return true;
}

static void misbehave(struct intake *in)
{
	char client[ADDR_TEXT_SIZE];

	addr_print(&in->mail->m.client, client);
	role_audit(in->q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "session", "client=%s", client);
	discard(in);
}

static void session_message(void *owner, struct peer *p, struct link_in *link)
{
	struct intake *in = owner;
	const struct session_queue_chunk *chunk = link_body(link);

	(void)p;
	if (link->type == SESSION_QUEUE_CHUNK)
		take_chunk(in, chunk->data);
	else if (!take_end(in, link_body(link)))
		misbehave(in);
}

static void session_gone(void *owner, struct peer *p, enum error why)
{
	struct intake *in = owner;

	(void)p;
	in->session = NULL;
	if (in->is_committing) /* too late: it may be on disk */
		return;
	if (why != ERROR_CLOSED)
		misbehave(in);
	else
		discard(in);
}

void intake_set_judgement(struct intake *in, struct judgement *j)
{
	in->judgement = j;
}

/* ---- policy ---- */

/* Without these no address can become a line of its own in a protocol or a header. */
static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
			return true;
	return false;
}

static void take_envelope(struct queue *q, const struct policy_queue_envelope *e, struct link_in *link)
{
	static const uint32_t bits[] = { SPOOL_SMTPUTF8, SPOOL_AUTHENTICATED, SPOOL_RELAY, SPOOL_TLS };
	const bool are_set[] = { e->smtputf8, e->authenticated, e->relay, e->tls_version.n > 0 };
	const struct conf *conf = queue_conf(q);
	struct intake *in = mem_zalloc(1, sizeof *in);
	struct spool_message *m;

	in->q = q;
	in->mail = mail_new(e->n_rcpts);
	in->session_fd = peer_take_fd(link, 0);
	list(q, in);
	q->envelope = in;
	in->is_extended = e->extended;
	in->max_size = conf->listener.v[e->listener].max_message_size;
	in->max_hops = conf->listener.v[e->listener].max_hops;
	m = &in->mail->m;
	*m = (struct spool_message){ .id = spool_next_id(q->spool),
				     .arrival = clock_wall_ms(),
				     .session = e->session,
				     .client = e->client,
				     .port = e->port,
				     .listener = e->listener,
				     .body_type = (enum spool_body)e->body,
				     .ret = (enum spool_ret)e->ret,
				     .n_rcpts = e->n_rcpts };
	for (size_t i = 0; i < 4; i++)
		m->flags |= are_set[i] ? bits[i] : 0;
	ASSERT(arena_copy(&in->mail->arena, e->helo, &m->helo) &&
	       arena_copy(&in->mail->arena, e->sender, &m->sender) &&
	       arena_copy(&in->mail->arena, e->envid, &m->envid) &&
	       arena_copy(&in->mail->arena, e->tls_version, &in->tls_version) &&
	       arena_copy(&in->mail->arena, e->tls_cipher, &in->tls_cipher));
	in->mail->rcpts = arena_alloc(&in->mail->arena, e->n_rcpts * sizeof *in->mail->rcpts);
	ASSERT(in->mail->rcpts);
	if (q->pressure == POLICY_QUEUE_PRESSURE_FULL)
		in->doom = SESSION_QUEUE_OUTCOME_QUEUE_FULL;
}

/* The envelope is complete: the room may speak. */
static void open_session(struct queue *q, struct intake *in)
{
	static const struct peer_events events = { session_message, session_gone };

	q->envelope = NULL;
	in->session = peer_new(q->role->loop, in->session_fd, &session_queue_edge, SESSION_QUEUE_SIDE_QUEUE,
			       &events, in, SESSION_KEPT);
	in->session_fd = -1;
}

static void take_rcpt(struct queue *q, const struct policy_queue_rcpt *r)
{
	const struct conf *conf = queue_conf(q);
	const struct conf_domain *d = conf_domain_by_id(conf, r->route);
	struct intake *in = q->envelope;
	struct spool_rcpt *rcpt = &in->mail->rcpts[in->n_named];

	*rcpt = (struct spool_rcpt){ .index = in->n_named,
				     .notify = r->notify,
				     .next_attempt = in->mail->m.arrival };
	ASSERT(arena_copy(&in->mail->arena, r->address, &rcpt->address) &&
	       arena_copy(&in->mail->arena, r->orcpt, &rcpt->orcpt));
	if (d) /* without one: of a configuration that has not come here yet */
		ASSERT(arena_copy(&in->mail->arena, d->name, &rcpt->route));
	if (++in->n_named == in->mail->m.n_rcpts)
		open_session(q, in);
}

/* Does this message of policy make sense now? */
static bool is_sound(const struct queue *q, const struct link_in *link)
{
	const struct policy_queue_envelope *e = link_body(link);
	const struct policy_queue_rcpt *r = link_body(link);

	if (link->type == POLICY_QUEUE_ENVELOPE)
		return !q->envelope && e->n_rcpts > 0 && e->listener < queue_conf(q)->listener.n &&
		       !has_control(e->sender) && !has_control(e->envid);
	return q->envelope && r->address.n > 0 && !has_control(r->address) && !has_control(r->orcpt);
}

static void policy_message(void *owner, struct peer *p, struct link_in *link)
{
	struct queue *q = owner;

	if (!is_sound(q, link)) {
		log_error("policy sent an envelope that makes no sense; its channel is closed");
		role_audit(q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "policy", "envelope");
		if (q->envelope)
			discard(q->envelope);
		peer_close(p);
		q->policy = NULL;
	} else if (link->type == POLICY_QUEUE_ENVELOPE) {
		take_envelope(q, link_body(link), link);
	} else {
		take_rcpt(q, link_body(link));
	}
}

static void policy_gone(void *owner, struct peer *p, enum error why)
{
	struct queue *q = owner;

	(void)p;
	role_log_gone(ROLE_POLICY, why);
	if (q->envelope)
		discard(q->envelope);
	q->policy = NULL;
}

void intake_open_policy(struct queue *q, int fd)
{
	static const struct peer_events events = { policy_message, policy_gone };

	if (q->envelope)
		discard(q->envelope);
	peer_close(q->policy);
	q->policy =
		peer_new(q->role->loop, fd, &policy_queue_edge, POLICY_QUEUE_SIDE_QUEUE, &events, q, 65536);
	pressure_tell_again(q);
}

void intake_close_all(struct queue *q)
{
	struct intake *next;

	for (struct intake *in = q->intakes; in; in = next) {
		next = in->next;
		if (!in->is_committing)
			discard(in);
	}
}
