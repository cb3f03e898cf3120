/* SPDX-License-Identifier: Apache-2.0
 *
 * policy_fixture - the conversations of policy in the test's own process, with a clock that stands
 * still: the test is receive, the session rooms, queue and audit.
 */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include "unit.h"

#include "base/clock.h"
#include "ipc/session_queue.h"
#include "role/audit_client.h"
#include "roles/policy/policy.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define CLIENT "192.0.2.1"

struct fixture {
	struct role role;
	struct policy policy;
	struct link receive, queue, audit; /* the test's ends */
	struct link_in in;                 /* of every receive */
	int64_t now;
	unsigned refusal; /* the last one */
};

static inline void fixture_pass_time(struct fixture *f, int64_t ms)
{
	f->now += ms;
	clock_set_fake(f->now, f->now);
}

static inline void fixture_turn(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(f->role.loop, EVLOOP_NONBLOCK);
}

static inline void fixture_on_receive(void *owner, struct peer *p, struct link_in *in)
{
	struct fixture *f = owner;

	(void)p;
	if (in->type == RECEIVE_POLICY_CONNECT)
		sessions_connect(&f->policy, link_body(in));
	else
		sessions_closed(&f->policy, link_body(in));
}

static inline void fixture_on_queue(void *owner, struct peer *p, struct link_in *in)
{
	(void)owner;
	(void)p;
	(void)in;
}

static inline void fixture_on_queue_gone(void *owner, struct peer *p, enum error why)
{
	struct fixture *f = owner;

	(void)p;
	(void)why;
	f->policy.queue = NULL;
}

static inline void fixture_on_receive_gone(void *owner, struct peer *p, enum error why)
{
	struct fixture *f = owner;

	(void)p;
	(void)why;
	f->policy.receive = NULL;
}

static inline struct conf *fixture_conf(const char *text)
{
	struct buf errors;
	struct conf *conf;

	buf_init(&errors, 10000);
	conf = conf_parse(text_from_cstr(text), "test", CONF_PART, &errors);
	if (!conf)
		fail_msg("%s", buf_cstr(&errors));
	buf_done(&errors);
	return conf;
}

static inline void fixture_open_links(struct fixture *f)
{
	static const struct peer_events receive = { fixture_on_receive, fixture_on_receive_gone };
	static const struct peer_events queue = { fixture_on_queue, fixture_on_queue_gone };
	int fds[2];

	link_in_init(&f->in, &receive_policy_edge);
	link_in_fit(&f->in, &policy_session_edge);
	link_in_fit(&f->in, &policy_queue_edge);
	link_in_fit(&f->in, &role_audit_edge);
	link_in_fit(&f->in, &session_queue_edge);
	assert_int_equal(link_make_pair(&receive_policy_edge, fds), ERROR_NONE);
	f->receive = link_of(fds[0], &receive_policy_edge, RECEIVE_POLICY_SIDE_RECEIVE);
	f->policy.receive = peer_new(f->role.loop, fds[1], &receive_policy_edge, RECEIVE_POLICY_SIDE_POLICY,
				     &receive, f, 1 << 20);
	assert_int_equal(link_make_pair(&policy_queue_edge, fds), ERROR_NONE);
	f->queue = link_of(fds[0], &policy_queue_edge, POLICY_QUEUE_SIDE_QUEUE);
	f->policy.queue = peer_new(f->role.loop, fds[1], &policy_queue_edge, POLICY_QUEUE_SIDE_POLICY, &queue,
				   f, 64 << 20);
	assert_int_equal(link_make_pair(&role_audit_edge, fds), ERROR_NONE);
	f->audit = link_of(fds[0], &role_audit_edge, ROLE_AUDIT_SIDE_AUDIT);
	audit_client_connect(&f->role, fds[1]);
}

static inline struct fixture *fixture_new(const char *settings)
{
	const struct counters_secret secret = { { 1, 2 } };
	struct fixture *f = calloc(1, sizeof *f);

	f->now = 1000000;
	fixture_pass_time(f, 0);
	f->role.loop = event_base_new();
	f->role.conf = fixture_conf(settings);
	f->policy.role = &f->role;
	table_init(&f->policy.sessions);
	counters_init(&f->policy.counters, f->role.conf->policy.max_clients, secret);
	f->policy.recipients = recipients_new(f->role.conf);
	fixture_open_links(f);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	sessions_close_all(&f->policy);
	assert_int_equal(f->policy.n_held, 0);
	for (const struct client *c = f->policy.counters.oldest; c; c = c->newer)
		assert_int_equal(c->n_connections, 0);
	table_done(&f->policy.sessions);
	counters_done(&f->policy.counters);
	recipients_free(f->policy.recipients);
	peer_close(f->policy.receive);
	peer_close(f->policy.queue);
	peer_close(f->role.audit);
	link_close(&f->receive);
	link_close(&f->queue);
	link_close(&f->audit);
	link_in_done(&f->in);
	event_base_free(f->role.loop);
	conf_free((struct conf *)f->role.conf);
	free(f);
	clock_set_real();
}

static inline void fixture_tell(struct fixture *f, struct link *l, unsigned type, const void *body)
{
	assert_int_equal(link_send(l, type, body, NULL, 0, LINK_NO_WAIT), ERROR_NONE);
	fixture_turn(f);
}

/* The type of what came, into f->in; 0: the channel is closed. */
static inline unsigned fixture_hear(struct fixture *f, struct link *l)
{
	enum error e;

	fixture_turn(f);
	e = link_receive(l, &f->in, LINK_NO_WAIT);
	if (e == ERROR_CLOSED)
		return 0;
	assert_int_equal(e, ERROR_NONE);
	return f->in.type;
}

/* Is nothing to be heard? */
static inline bool fixture_is_quiet(struct fixture *f, struct link *l)
{
	fixture_turn(f);
	return link_receive(l, &f->in, LINK_NO_WAIT) == ERROR_BUSY;
}

/* The room's end, or one with fd -1: then f->refusal says why. */
static inline struct link fixture_connect_to(struct fixture *f, uint64_t session, const char *client,
					     uint32_t listener)
{
	struct receive_policy_connect ask = { .session = session, .port = 4321, .listener = listener };
	struct link none = { .fd = -1 };

	assert_true(addr_parse(text_from_cstr(client), &ask.client));
	fixture_tell(f, &f->receive, RECEIVE_POLICY_CONNECT, &ask);
	if (fixture_hear(f, &f->receive) == RECEIVE_POLICY_ADMITTED) {
		const struct receive_policy_admitted *m = link_body(&f->in);
		assert_int_equal(m->session, session);
		return link_of(f->in.fds[0], &policy_session_edge, POLICY_SESSION_SIDE_SESSION);
	}
	assert_int_equal(f->in.type, RECEIVE_POLICY_REFUSED);
	f->refusal = ((const struct receive_policy_refused *)link_body(&f->in))->why;
	return none;
}

static inline struct link fixture_connect(struct fixture *f, uint64_t session, const char *client)
{
	return fixture_connect_to(f, session, client, 0);
}

static inline void fixture_close(struct fixture *f, uint64_t session, enum receive_policy_how how,
				 struct link *room)
{
	struct receive_policy_closed closed = { session, how };

	if (room->fd >= 0)
		link_close(room);
	fixture_tell(f, &f->receive, RECEIVE_POLICY_CLOSED, &closed);
}

static inline void fixture_helo(struct fixture *f, struct link *room)
{
	struct policy_session_helo helo = { text_from_cstr("client.example"), true };

	fixture_tell(f, room, POLICY_SESSION_HELO, &helo);
	assert_int_equal(fixture_hear(f, room), POLICY_SESSION_HELO_ANSWER);
}

/* Verdict of every refusal: they all begin with it. */
static inline enum policy_session_verdict fixture_verdict(struct fixture *f)
{
	return ((const struct policy_session_mail_refused *)link_body(&f->in))->verdict;
}

static inline enum policy_session_verdict fixture_mail(struct fixture *f, struct link *room, uint64_t size)
{
	struct policy_session_mail mail = { .sender = text_from_cstr("sender@client.example"), .size = size };

	fixture_tell(f, room, POLICY_SESSION_MAIL, &mail);
	return fixture_hear(f, room) == POLICY_SESSION_MAIL_OK ? POLICY_SESSION_VERDICT_OK
							       : fixture_verdict(f);
}

static inline enum policy_session_verdict fixture_rcpt(struct fixture *f, struct link *room,
						       const char *address)
{
	struct policy_session_rcpt rcpt = { .address = text_from_cstr(address) };

	fixture_tell(f, room, POLICY_SESSION_RCPT, &rcpt);
	return fixture_hear(f, room) == POLICY_SESSION_RCPT_OK ? POLICY_SESSION_VERDICT_OK
							       : fixture_verdict(f);
}

/* The room's end of the channel to queue, or -1 when it is refused. */
static inline int fixture_data(struct fixture *f, struct link *room)
{
	fixture_tell(f, room, POLICY_SESSION_DATA, NULL);
	return fixture_hear(f, room) == POLICY_SESSION_GO ? f->in.fds[0] : -1;
}

#endif
