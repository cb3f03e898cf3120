/* SPDX-License-Identifier: Apache-2.0
 *
 * The conversations of session rooms with policy. Called by main.c. Trusts receive with a client's
 * address; a room with nothing: it may ask what its channel's state allows, and its client pays for it.
 *
 * Invariants: a recipient is in the envelope only if this file has said rcpt_ok for it; the envelope goes
 * to queue once, complete, and is forgotten here; limits are counted here, whatever the room counts; all
 * envelopes together hold at most HELD_RCPTS recipients.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/session_queue.h"
#include "roles/policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	KEPT_FOR_ROOM = 4096,
	ENVELOPE_BASE = 65536,
	ENVELOPE_PER_RCPT = 1024, /* struct rcpt and the longest texts of edge policy_session */
	HELD_RCPTS = 200000,
	ADDRESS_MAX = 320,
};

struct rcpt {
	struct rcpt *next;
	struct text address, orcpt;
	uint8_t notify;
	uint64_t route;
};

struct session {
	struct policy *policy;
	uint64_t number;
	struct client *client;
	struct addr address;
	uint16_t port;
	uint32_t listener;
	struct peer *room;
	struct arena helo_arena, tls_arena;
	struct arena envelope; /* of the transaction */
	struct text helo, tls_version, tls_cipher;
	bool is_extended, is_relay;
	struct policy_session_mail mail; /* texts in the arena */
	struct rcpt *rcpts, **rcpts_end;
	uint32_t n_rcpts;
	uint64_t n_messages, n_refused;
};

static const struct conf_listener *listener_of(const struct session *s)
{
	return &s->policy->role->conf->listener.v[s->listener];
}

static void forget_envelope(struct session *s)
{
	arena_reset(&s->envelope);
	s->policy->n_held -= s->n_rcpts;
	s->mail = (struct policy_session_mail){ 0 };
	s->rcpts = NULL;
	s->rcpts_end = &s->rcpts;
	s->n_rcpts = 0;
}

static void session_free(struct session *s)
{
	table_remove(&s->policy->sessions, s->number);
	if (s->client)
		s->client->n_connections--;
	peer_close(s->room);
	forget_envelope(s);
	arena_reset(&s->helo_arena);
	arena_reset(&s->tls_arena);
	free(s);
}

/* Is it under the rate? Clients that are exempt always are. */
static bool allow(struct session *s, enum counted what, const struct conf_rate *rate)
{
	return conf_is_in(&listener_of(s)->rate_exempt, &s->address) ||
	       counters_allow(s->client, what, rate, clock_mono_ms());
}

static void note_crash(struct session *s)
{
	counters_crashed(s->client, &s->policy->role->conf->policy, clock_mono_ms());
}

/* ---- HELO, TLS, MAIL ---- */

static void take_helo(struct session *s, const struct policy_session_helo *m)
{
	const struct policy_session_helo_answer answer = { POLICY_SESSION_VERDICT_OK };

	forget_envelope(s);
	arena_reset(&s->helo_arena);
	ASSERT(arena_copy(&s->helo_arena, m->name, &s->helo));
	s->is_extended = m->extended;
	peer_send(s->room, POLICY_SESSION_HELO_ANSWER, &answer);
}

static void take_tls(struct session *s, const struct policy_session_tls *m)
{
	forget_envelope(s);
	arena_reset(&s->tls_arena); /* a room may say it again; it gains nothing by it */
	ASSERT(arena_copy(&s->tls_arena, m->version, &s->tls_version) &&
	       arena_copy(&s->tls_arena, m->cipher, &s->tls_cipher));
}

static enum policy_session_verdict check_mail(struct session *s, const struct policy_session_mail *m)
{
	const struct conf_listener *l = listener_of(s);
	const struct policy *p = s->policy;

	if (l->tls == CONF_LISTENER_TLS_REQUIRED && !s->tls_version.n)
		return POLICY_SESSION_VERDICT_TLS_REQUIRED;
	if (m->size > l->max_message_size)
		return POLICY_SESSION_VERDICT_TOO_LARGE;
	if (s->n_messages >= l->max_messages)
		return POLICY_SESSION_VERDICT_TOO_MANY_MESSAGES;
	if (!p->queue)
		return POLICY_SESSION_VERDICT_TRY_LATER;
	if (p->pressure == POLICY_QUEUE_PRESSURE_FULL)
		return POLICY_SESSION_VERDICT_QUEUE_FULL;
	if (!allow(s, COUNTED_MESSAGES, &l->message_rate))
		return POLICY_SESSION_VERDICT_TOO_FAST;
	return POLICY_SESSION_VERDICT_OK;
}

static void take_mail(struct session *s, const struct policy_session_mail *m)
{
	struct policy_session_mail_refused refused = { check_mail(s, m) };

	if (refused.verdict != POLICY_SESSION_VERDICT_OK) {
		peer_send(s->room, POLICY_SESSION_MAIL_REFUSED, &refused);
		return;
	}
	forget_envelope(s);
	s->mail = *m;
	ASSERT(arena_copy(&s->envelope, m->sender, &s->mail.sender) &&
	       arena_copy(&s->envelope, m->envid, &s->mail.envid));
	s->policy->n_mails++;
	peer_send(s->room, POLICY_SESSION_MAIL_OK, NULL);
}

/* ---- RCPT ---- */

/* The first domain that is a name: "*" stands for others. */
static struct text own_domain(const struct conf *conf)
{
	for (size_t i = 0; i < conf->domain.n; i++)
		if (!text_is_cstr(conf->domain.v[i].name, "*"))
			return conf->domain.v[i].name;
	return text_from_cstr("");
}

/* RCPT TO:<postmaster>, without a domain. rfc5321 4.1.1.3, 4.5.1 */
static struct text whole_address(const struct session *s, struct text address, char space[ADDRESS_MAX + 1])
{
	const struct conf *conf = s->policy->role->conf;
	struct text domain = own_domain(conf);
	int n;

	if (!text_is_cstr_nocase(address, "postmaster"))
		return address;
	if (conf->top.postmaster.n)
		return conf->top.postmaster;
	if (domain.n == 0)
		return address;
	n = snprintf(space, ADDRESS_MAX + 1, "postmaster@%.*s", TEXT_ARGS(domain));
	return text_from_bytes(space, (size_t)n);
}

/* Has the client named too many who do not exist? Then it hears the same for those who do, or it could
 * go on asking. */
static bool is_guessing(struct session *s)
{
	const struct conf_listener *l = listener_of(s);

	return !conf_is_in(&l->rate_exempt, &s->address) &&
	       !counters_may(s->client, COUNTED_INVALID, &l->invalid_recipient_rate, clock_mono_ms());
}

static enum policy_session_verdict check_rcpt(struct session *s, struct text address, uint64_t *ret_route)
{
	const struct conf_listener *l = listener_of(s);
	enum recipients_answer answer = recipients_find(s->policy->recipients, address, ret_route);

	if (s->n_rcpts >= l->max_recipients)
		return POLICY_SESSION_VERDICT_TOO_MANY_RECIPIENTS;
	if (s->policy->n_held >= HELD_RCPTS || answer == RECIPIENTS_NOT_LOADED)
		return POLICY_SESSION_VERDICT_TRY_LATER;
	if (!allow(s, COUNTED_RECIPIENTS, &l->recipient_rate) || is_guessing(s))
		return POLICY_SESSION_VERDICT_TOO_FAST;
	if (answer == RECIPIENTS_MALFORMED)
		return POLICY_SESSION_VERDICT_BAD_RECIPIENT;
	if (answer == RECIPIENTS_NOT_OURS)
		return s->is_relay ? POLICY_SESSION_VERDICT_OK : POLICY_SESSION_VERDICT_RELAY_DENIED;
	if (answer == RECIPIENTS_OK)
		return POLICY_SESSION_VERDICT_OK;
	(void)allow(s, COUNTED_INVALID, &l->invalid_recipient_rate);
	return POLICY_SESSION_VERDICT_NO_SUCH_USER;
}

/* False when the envelope is full: max-recipients may have grown since the session began. */
static bool add_rcpt(struct session *s, const struct policy_session_rcpt *m, struct text address,
		     uint64_t route)
{
	struct rcpt *r = arena_alloc(&s->envelope, sizeof *r);

	if (!r || !arena_copy(&s->envelope, address, &r->address) ||
	    !arena_copy(&s->envelope, m->orcpt, &r->orcpt))
		return false;
	r->notify = m->notify;
	r->route = route;
	*s->rcpts_end = r;
	s->rcpts_end = &r->next;
	s->n_rcpts++;
	s->policy->n_rcpts++;
	s->policy->n_held++;
	return true;
}

static void take_rcpt(struct session *s, const struct policy_session_rcpt *m)
{
	char space[ADDRESS_MAX + 1];
	struct text address = whole_address(s, m->address, space);
	uint64_t route = CONF_DOMAIN_NONE;
	struct policy_session_rcpt_refused refused = { check_rcpt(s, address, &route) };

	if (refused.verdict == POLICY_SESSION_VERDICT_OK && !add_rcpt(s, m, address, route))
		refused.verdict = POLICY_SESSION_VERDICT_TOO_MANY_RECIPIENTS;
	if (refused.verdict == POLICY_SESSION_VERDICT_OK) {
		peer_send(s->room, POLICY_SESSION_RCPT_OK, NULL);
		return;
	}
	s->policy->n_rcpts_refused++;
	peer_send(s->room, s->n_rcpts ? POLICY_SESSION_RCPT_REFUSED : POLICY_SESSION_RCPT_REFUSED_FIRST,
		  &refused);
	if (++s->n_refused < 2 * listener_of(s)->max_refused_recipients)
		return;
	peer_close(s->room); /* the room should have ended the session long ago */
	s->room = NULL;
}

/* ---- DATA ---- */

static void send_envelope(struct session *s, int fd)
{
	struct peer *queue = s->policy->queue;
	struct policy_queue_envelope e = { .session = s->number,
					   .client = s->address,
					   .port = s->port,
					   .listener = s->listener,
					   .extended = s->is_extended,
					   .helo = s->helo,
					   .sender = s->mail.sender,
					   .tls_version = s->tls_version,
					   .tls_cipher = s->tls_cipher,
					   .size = s->mail.size,
					   .body = (enum policy_queue_body)s->mail.body,
					   .smtputf8 = s->mail.smtputf8,
					   .ret = (enum policy_queue_ret)s->mail.ret,
					   .envid = s->mail.envid,
					   .relay = s->is_relay,
					   .n_rcpts = s->n_rcpts };

	peer_send_fds(queue, POLICY_QUEUE_ENVELOPE, &e, &fd, 1);
	for (const struct rcpt *r = s->rcpts; r; r = r->next) {
		struct policy_queue_rcpt m = { r->address, r->orcpt, r->notify, r->route };
		peer_send(queue, POLICY_QUEUE_RCPT, &m);
	}
}

static void take_data(struct session *s)
{
	struct policy_session_no_go no = { POLICY_SESSION_VERDICT_TRY_LATER };
	struct policy *p = s->policy;
	int fds[2];

	if (p->pressure == POLICY_QUEUE_PRESSURE_FULL)
		no.verdict = POLICY_SESSION_VERDICT_QUEUE_FULL;
	if (!p->queue || p->pressure == POLICY_QUEUE_PRESSURE_FULL || peer_is_backed_up(p->queue) ||
	    s->n_rcpts == 0 || link_make_pair(&session_queue_edge, fds) != ERROR_NONE) {
		peer_send(s->room, POLICY_SESSION_NO_GO, &no);
		forget_envelope(s);
		return;
	}
	send_envelope(s, fds[1]);
	peer_send_fds(s->room, POLICY_SESSION_GO, NULL, &fds[0], 1);
	close(fds[0]);
	close(fds[1]);
	p->n_handed_over++;
	s->n_messages++;
	forget_envelope(s);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct session *s = owner;

	(void)p;
	switch (in->type) {
	case POLICY_SESSION_HELO:
		take_helo(s, link_body(in));
		return;
	case POLICY_SESSION_TLS:
		take_tls(s, link_body(in));
		return;
	case POLICY_SESSION_MAIL:
		take_mail(s, link_body(in));
		return;
	case POLICY_SESSION_RCPT:
		take_rcpt(s, link_body(in));
		return;
	case POLICY_SESSION_DATA:
		take_data(s);
		return;
	default:
		forget_envelope(s);
	}
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct session *s = owner;
	char address[ADDR_TEXT_SIZE];

	(void)p;
	s->room = NULL;
	forget_envelope(s);
	if (why == ERROR_CLOSED)
		return; /* receive will say that it is closed */
	addr_print(&s->address, address);
	if (why == ERROR_MALFORMED || why == ERROR_UNEXPECTED) /* its client has taken it over */
		note_crash(s);
	log_warning("session %llu broke the rules of its channel to policy: %s",
		    (unsigned long long)s->number, error_text(why));
	role_audit(s->policy->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "session", "session=%llu client=%s: %s",
		   (unsigned long long)s->number, address, error_text(why));
}

/* ---- the connection ---- */

static bool is_refused(struct policy *p, const struct receive_policy_connect *ask, struct client *client,
		       enum receive_policy_refusal *ret_why)
{
	const struct conf_listener *l = &p->role->conf->listener.v[ask->listener];
	int64_t now = clock_mono_ms();

	*ret_why = RECEIVE_POLICY_REFUSAL_BUSY;
	if (!client)
		return true;
	*ret_why = RECEIVE_POLICY_REFUSAL_CRASHED_BEFORE;
	if (client->refused_until > now)
		return true;
	if (conf_is_in(&l->rate_exempt, &ask->client))
		return false;
	*ret_why = RECEIVE_POLICY_REFUSAL_TOO_MANY_CONNECTIONS;
	if (client->n_connections >= l->max_connections_per_client)
		return true;
	*ret_why = RECEIVE_POLICY_REFUSAL_TOO_FAST;
	return !counters_allow(client, COUNTED_CONNECTIONS, &l->connection_rate, now);
}

static void admit(struct policy *p, const struct receive_policy_connect *ask, struct client *client, int fd)
{
	static const struct peer_events events = { on_message, on_gone };
	const struct conf_listener *l = &p->role->conf->listener.v[ask->listener];
	struct session *s = mem_zalloc(1, sizeof *s);

	s->policy = p;
	s->number = ask->session;
	s->client = client;
	s->address = ask->client;
	s->port = ask->port;
	s->listener = ask->listener;
	s->is_relay = conf_is_in(&l->relay_from, &ask->client);
	arena_init(&s->helo_arena, 1024);
	arena_init(&s->tls_arena, 1024);
	arena_init(&s->envelope, ENVELOPE_BASE + l->max_recipients * ENVELOPE_PER_RCPT);
	s->rcpts_end = &s->rcpts;
	s->room = peer_new(p->role->loop, fd, &policy_session_edge, POLICY_SESSION_SIDE_POLICY, &events, s,
			   KEPT_FOR_ROOM);
	client->n_connections++;
	table_put(&p->sessions, s->number, s);
}

static void refuse(struct policy *p, const struct receive_policy_refused *refused)
{
	p->n_refused++;
	peer_send(p->receive, RECEIVE_POLICY_REFUSED, refused);
}

void sessions_connect(struct policy *p, const struct receive_policy_connect *ask)
{
	struct receive_policy_admitted admitted = { ask->session };
	struct receive_policy_refused refused = { .session = ask->session };
	const struct conf *conf = p->role->conf;
	struct client *client;
	int fds[2];

	refused.why = RECEIVE_POLICY_REFUSAL_BUSY;
	if (ask->listener >= conf->listener.n || table_get(&p->sessions, ask->session)) {
		refuse(p, &refused);
		return;
	}
	client = counters_find(&p->counters, &ask->client,
			       (unsigned)conf->listener.v[ask->listener].client_prefix, clock_mono_ms());
	if (is_refused(p, ask, client, &refused.why)) {
		refuse(p, &refused);
		return;
	}
	if (link_make_pair(&policy_session_edge, fds) != ERROR_NONE) {
		refused.why = RECEIVE_POLICY_REFUSAL_BUSY;
		refuse(p, &refused);
		return;
	}
	p->n_admitted++;
	admit(p, ask, client, fds[1]);
	peer_send_fds(p->receive, RECEIVE_POLICY_ADMITTED, &admitted, &fds[0], 1);
	close(fds[0]);
}

void sessions_closed(struct policy *p, const struct receive_policy_closed *closed)
{
	struct session *s = table_get(&p->sessions, closed->session);

	if (!s)
		return;
	if (closed->how == RECEIVE_POLICY_HOW_CRASHED)
		note_crash(s);
	session_free(s);
}

void sessions_close_all(struct policy *p)
{
	struct session *s;
	size_t at;

	do {
		at = 0;
		s = table_next(&p->sessions, &at);
		if (s)
			session_free(s);
	} while (s);
}
