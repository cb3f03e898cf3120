/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-policy: answers receive and session rooms, hands accepted envelopes to queue. This file holds
 * start, peers, reload and counters; sessions.c the conversations, counters.c and recipients.c what
 * they decide by. Parses no stranger's bytes: addresses arrive checked.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "roles/policy/policy.h"

#include <sys/random.h>
#include <unistd.h>

/* queue may lag behind by one envelope, which may have 50,000 recipients. */
enum { FILES_OF_ITS_OWN = 64, KEPT_FOR_RECEIVE = 16 << 20, KEPT_FOR_QUEUE = 64 << 20 };

static struct policy policy;

/* A channel for each session. */
static unsigned count_files(const struct conf *conf)
{
	uint64_t n = FILES_OF_ITS_OWN;

	for (size_t i = 0; i < conf->listener.n; i++)
		n += conf->listener.v[i].max_connections;
	return (unsigned)n;
}

static void need_recipients(struct role *r)
{
	if (!policy.recipients)
		policy.recipients = recipients_new(r->conf);
}

static void add_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	const struct conf_domain *d = conf_domain_by_id(r->conf, index);

	need_recipients(r);
	if (kind == POSTERND_ROLE_THING_RECIPIENTS && d && !recipients_load_file(policy.recipients, d, fd))
		log_error("the recipients-file of domain %.*s cannot be read or is too large: the one before "
			  "stays, without one mail has to wait",
			  TEXT_ARGS(d->name));
	close(fd);
}

static void open_policy(struct role *r)
{
	struct counters_secret secret;

	ASSERT(getrandom(&secret, sizeof secret, 0) == sizeof secret);
	policy.role = r;
	table_init(&policy.sessions);
	counters_init(&policy.counters, r->conf->policy.max_clients, secret);
	need_recipients(r);
}

static void on_receive(void *owner, struct peer *p, struct link_in *in)
{
	(void)owner;
	(void)p;
	if (in->type == RECEIVE_POLICY_CONNECT)
		sessions_connect(&policy, link_body(in));
	else
		sessions_closed(&policy, link_body(in));
}

static void on_receive_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_RECEIVE, why);
	policy.receive = NULL;
	sessions_close_all(&policy);
}

static void on_queue(void *owner, struct peer *p, struct link_in *in)
{
	const struct policy_queue_admission *m = link_body(in);

	(void)owner;
	(void)p;
	policy.pressure = m->pressure;
}

static void on_queue_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_QUEUE, why);
	policy.queue = NULL;
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events receive = { on_receive, on_receive_gone };
	static const struct peer_events queue = { on_queue, on_queue_gone };

	if (peer == ROLE_RECEIVE) {
		peer_close(policy.receive);
		sessions_close_all(&policy);
		policy.receive = peer_new(r->loop, fd, &receive_policy_edge, RECEIVE_POLICY_SIDE_POLICY,
					  &receive, NULL, KEPT_FOR_RECEIVE);
		return;
	}
	peer_close(policy.queue);
	policy.pressure = POLICY_QUEUE_PRESSURE_OPEN;
	policy.queue = peer_new(r->loop, fd, &policy_queue_edge, POLICY_QUEUE_SIDE_POLICY, &queue, NULL,
				KEPT_FOR_QUEUE);
}

static void reload(struct role *r, const struct conf *old)
{
	(void)old;
	recipients_reload(policy.recipients, r->conf);
	policy.counters.max = r->conf->policy.max_clients;
}

static void tell_counters(struct role *r)
{
	role_counter(r, "sessions", policy.sessions.n);
	role_counter(r, "clients", policy.counters.clients.n);
	role_counter(r, "admitted", policy.n_admitted);
	role_counter(r, "refused", policy.n_refused);
	role_counter(r, "mails", policy.n_mails);
	role_counter(r, "recipients", policy.n_rcpts);
	role_counter(r, "recipients_refused", policy.n_rcpts_refused);
	role_counter(r, "handed_over", policy.n_handed_over);
}

static const struct role_definition definition = {
	.id = ROLE_POLICY,
	.count_files = count_files,
	.resource = add_resource,
	.open = open_policy,
	.peer = add_peer,
	.reload = reload,
	.counters = tell_counters,
};

int main(int argc, char **argv)
{
	return role_main(&definition, NULL, argc, argv);
}
