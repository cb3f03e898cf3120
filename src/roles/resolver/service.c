/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed questions in, typed answers out (ipc/client_resolver.def), with libunbound in between. Called by the
 * main files of the two resolvers. Both restart alone when they crash; those who ask then ask again. Trusts
 * nobody: names are chosen by strangers, answers are given by strangers.
 *
 * Invariants: at most max-queries questions are with the library at one time, more are refused; each
 * question gets exactly one `done`, after its records, within the configured timeout; a question whose
 * time is over still counts until the library lets it go; nobody has more answers than the budget allows,
 * and who goes on asking behind it loses the channel.
 */
#include "roles/resolver/service.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "roles/resolver/answer.h"
#include "roles/resolver/context.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#define CLASS_IN 1

enum {
	OWN_FILES = 64,
	KEPT_FOR_CLIENT = 8 << 20,
	KEPT_PAUSE = 1 << 20, /* above it no more is asked */
	KEPT_LAST = 4 << 20,  /* above it answers are without records, as failed */
	PATIENCE = 2,         /* so many times its budget may a room ask in vain */
};

/* Whoever asks; lives as long as its questions. */
struct client {
	struct peer *peer; /* NULL: away */
	unsigned n_questions;
	bool has_budget;
	struct service_budget budget;
	uint64_t n_asked, n_bytes;
	int64_t until;         /* mono ms; 0: has not asked yet */
	struct client **place; /* set to NULL when the channel is over */
};

struct question {
	struct client *client;
	uint32_t id;
	enum client_resolver_type type;
	struct event *timer;
	bool is_answered; /* in time or not */
};

static struct {
	struct role *role;
	struct conf conf; /* as the library sees it */
	struct ub_ctx *unbound;
	struct buf anchors;
	uint64_t n_clients, n_in_flight, n_questions, n_over_budget;
	uint64_t n_answers[CLIENT_RESOLVER_STATUS_REFUSED + 1];
} resolver;

struct ub_ctx *service_library(void)
{
	return resolver.unbound;
}

static void client_release(struct client *c)
{
	if (c->peer || c->n_questions > 0)
		return;
	free(c);
	resolver.n_clients--;
}

/* ---- answers ---- */

static void send_done(struct client *c, uint32_t id, enum client_resolver_status status, bool secure,
		      uint32_t n)
{
	struct client_resolver_done done = { id, status, secure, n };

	resolver.n_answers[status]++;
	if (c->peer)
		peer_send(c->peer, CLIENT_RESOLVER_DONE, &done);
}

static void send_record(void *arg, const struct dns_record *record)
{
	const struct question *q = arg;
	struct client_resolver_address address = { q->id, record->address, record->ttl };
	struct client_resolver_name name = { q->id, record->name, record->preference, record->ttl };
	struct client_resolver_text text = { q->id, record->data, record->ttl };
	struct peer *peer = q->client->peer;

	switch (q->type) {
	case CLIENT_RESOLVER_TYPE_A:
	case CLIENT_RESOLVER_TYPE_AAAA:
		peer_send(peer, CLIENT_RESOLVER_ADDRESS, &address);
		return;
	case CLIENT_RESOLVER_TYPE_MX:
	case CLIENT_RESOLVER_TYPE_PTR:
		peer_send(peer, CLIENT_RESOLVER_NAME, &name);
		return;
	default:
		peer_send(peer, CLIENT_RESOLVER_TEXT, &text);
	}
}

static void on_drained(void *owner, struct peer *p)
{
	(void)owner;
	peer_resume(p);
}

static void slow_down(struct peer *p)
{
	if (!p || peer_kept(p) < KEPT_PAUSE)
		return;
	peer_pause(p);
	peer_on_drained(p, on_drained);
}

/* Has it used up what it may use? */
static bool is_over(const struct client *c)
{
	return c->has_budget && (c->n_asked > c->budget.queries || c->n_bytes > c->budget.bytes ||
				 (c->until && clock_mono_ms() >= c->until));
}

static void answer(struct question *q, int rcode, struct text message, int security)
{
	enum client_resolver_status status = CLIENT_RESOLVER_STATUS_FAILED;
	struct peer *peer = q->client->peer;
	uint32_t n = 0;

	q->client->n_bytes += message.n;
	if (is_over(q->client))
		status = CLIENT_RESOLVER_STATUS_REFUSED;
	else if (security == 1)
		status = CLIENT_RESOLVER_STATUS_BOGUS;
	else if (rcode == 3)
		status = CLIENT_RESOLVER_STATUS_NO_NAME;
	else if (rcode == 0 && peer && peer_kept(peer) < KEPT_LAST)
		status = answer_read(message, q->type, send_record, q, &n);
	send_done(q->client, q->id, status, security == 2, n);
	slow_down(peer);
}

static void question_free(struct question *q)
{
	resolver.n_in_flight--;
	q->client->n_questions--;
	client_release(q->client);
	event_free(q->timer);
	free(q);
}

/* security: 0 insecure, 1 bogus, 2 secure, as unbound-event.h says. */
static void on_answer(void *arg, int rcode, void *packet, int packet_n, int security, char *why_bogus,
		      int limited)
{
	struct question *q = arg;

	(void)limited;
	if (security == 1)
		log_debug("bogus answer: %s", why_bogus ? why_bogus : "");
	if (!q->is_answered)
		answer(q, rcode, text_from_bytes(packet, packet && packet_n > 0 ? (size_t)packet_n : 0),
		       security);
	question_free(q);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;

	(void)fd;
	(void)what;
	q->is_answered = true;
	send_done(q->client, q->id, CLIENT_RESOLVER_STATUS_TIMEOUT, false, 0);
}

/* ---- questions ---- */

static int64_t time_for(const struct client *c)
{
	int64_t ms = resolver.conf.resolver.timeout, left;

	if (!c->has_budget)
		return ms;
	left = c->until - clock_mono_ms();
	left = left > 0 ? left : 0;
	return left < ms ? left : ms;
}

static struct question *question_new(struct client *c, const struct client_resolver_query *m)
{
	int64_t ms = time_for(c);
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	struct question *q = mem_zalloc(1, sizeof *q);

	*q = (struct question){ .client = c, .id = m->id, .type = m->type };
	q->timer = evtimer_new(resolver.role->loop, on_timeout, q);
	ASSERT(q->timer != NULL);
	evtimer_add(q->timer, &timeout);
	c->n_questions++;
	resolver.n_in_flight++;
	return q;
}

static void ask(struct client *c, const struct client_resolver_query *m)
{
	struct question *q;
	char name[256];

	if (resolver.n_in_flight >= resolver.conf.resolver.max_queries ||
	    !context_may_ask(&resolver.conf, m->name)) {
		send_done(c, m->id, CLIENT_RESOLVER_STATUS_REFUSED, false, 0);
		return;
	}
	snprintf(name, sizeof name, "%.*s", TEXT_ARGS(m->name));
	q = question_new(c, m);
	/* What is in the cache is answered before this returns. */
	if (ub_resolve_event(resolver.unbound, name, answer_type_number(m->type), CLASS_IN, q, on_answer,
			     NULL)) {
		send_done(c, q->id, CLIENT_RESOLVER_STATUS_REFUSED, false, 0);
		question_free(q);
	}
}

static void on_query(void *owner, struct peer *p, struct link_in *in)
{
	const struct client_resolver_query *m = link_body(in);
	struct client *c = owner;

	(void)p;
	resolver.n_questions++;
	if (c->has_budget && !c->until)
		c->until = clock_mono_ms() + c->budget.time;
	c->n_asked++;
	if (!is_over(c)) {
		ask(c, m);
		return;
	}
	resolver.n_over_budget++;
	if (c->n_asked <= PATIENCE * c->budget.queries)
		send_done(c, m->id, CLIENT_RESOLVER_STATUS_REFUSED, false, 0);
	else
		service_drop_client(c);
}

static void forget_channel(struct client *c)
{
	if (c->place)
		*c->place = NULL;
	c->peer = NULL;
	client_release(c);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct client *c = owner;

	(void)p;
	if (why != ERROR_CLOSED)
		log_warning("a channel of somebody who asks ended: %s", error_text(why));
	forget_channel(c);
}

struct client *service_add_client(int fd, const struct service_budget *budget, struct client **place)
{
	static const struct peer_events events = { on_query, on_gone };
	struct client *c = mem_zalloc(1, sizeof *c);

	c->place = place;
	c->has_budget = budget != NULL;
	if (budget)
		c->budget = *budget;
	resolver.n_clients++;
	c->peer = peer_new(resolver.role->loop, fd, &client_resolver_edge, CLIENT_RESOLVER_SIDE_RESOLVER,
			   &events, c, KEPT_FOR_CLIENT);
	return c;
}

void service_drop_client(struct client *c)
{
	peer_close(c->peer);
	forget_channel(c);
}

uint64_t service_count_clients(void)
{
	return resolver.n_clients;
}

/* ---- life ---- */

struct conf service_conf(const struct conf *conf, const struct service_bounds *bounds)
{
	struct conf c = *conf;

	c.resolver.max_queries = bounds->max_queries;
	c.resolver.cache_size = bounds->cache_size;
	c.resolver.timeout = bounds->timeout;
	return c;
}

void service_take_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	ssize_t n = 0;
	char *p;

	(void)r;
	(void)index;
	if (kind != POSTERND_ROLE_THING_TRUST_ANCHOR || resolver.unbound) {
		close(fd); /* after the start: needs a new process, see service_reload */
		return;
	}
	buf_init(&resolver.anchors, CONTEXT_MAX_ANCHOR);
	while ((p = buf_reserve(&resolver.anchors, 4096)) && (n = read(fd, p, 4096)) > 0)
		resolver.anchors.n += (size_t)n;
	if (n < 0 || !p)
		log_error("cannot read the trust anchor: %s",
			  error_text(n < 0 ? error_of_errno(errno) : ERROR_TOO_LARGE));
	close(fd);
}

void service_open(struct role *r, const struct service_bounds *bounds)
{
	resolver.role = r;
	resolver.conf = service_conf(r->conf, bounds);
	resolver.unbound = context_new(&resolver.conf, buf_text(&resolver.anchors), r->loop);
	buf_done(&resolver.anchors);
}

unsigned service_count_files(const struct conf *conf, const struct service_bounds *bounds)
{
	struct conf c = service_conf(conf, bounds);

	return OWN_FILES + context_sockets(&c);
}

size_t service_list_ports(const struct conf *conf, uint16_t *ret_ports)
{
	return context_ports(conf, ret_ports, SANDBOX_MAX_PORTS);
}

void service_reload(struct role *r, const struct conf *old, unsigned reader)
{
	struct conf was = *old;
	struct buf before, after;

	was.top = r->conf->top; /* the host name and the like are not the library's */
	buf_init(&before, CONF_MAX_PRINT);
	buf_init(&after, CONF_MAX_PRINT);
	ASSERT(conf_print(&was, reader, &before) && conf_print(r->conf, reader, &after));
	if (!text_is_equal(buf_text(&before), buf_text(&after))) {
		log_info("other settings: this resolver starts anew");
		role_stopped(r);
	}
	buf_done(&before);
	buf_done(&after);
}

void service_tell_counters(struct role *r)
{
	static const char *const names[] = { "ok",    "no_data", "no_name", "failed",
					     "bogus", "timeout", "refused" };

	role_counter(r, "questions", resolver.n_questions);
	role_counter(r, "in_flight", resolver.n_in_flight);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		role_counter(r, names[i], resolver.n_answers[i]);
	role_counter(r, "over_budget", resolver.n_over_budget);
}
