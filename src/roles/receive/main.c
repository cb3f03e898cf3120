/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-receive: accepts clients, asks policy about each address, and gives each client that may
 * speak a room of its own. Standing role, with the zygote of session rooms in the same program.
 *
 * Reads nothing that a client sent. Trusts policy and keyring. Invariant: see connection.c.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/receive_keyring.h"
#include "roles/receive/receive.h"
#include "roles/receive/session.h"

#include <event2/event.h>
#include <sys/time.h>
#include <unistd.h>

#define FILES_OF_ITS_OWN     256
#define KEPT_FOR_PEERS       ((size_t)8 << 20)
#define MATERIAL_CERTIFICATE 0

static struct receive receive;

static uint64_t max_connections(const struct conf *conf)
{
	uint64_t n = 0;

	for (size_t i = 0; i < conf->listener.n; i++)
		n += conf->listener.v[i].max_connections;
	return n;
}

static unsigned count_files(const struct conf *conf)
{
	return (unsigned)max_connections(conf) + FILES_OF_ITS_OWN;
}

static void on_policy(void *owner, struct peer *p, struct link_in *in)
{
	static const enum smtp_reply_id replies[] = {
		[RECEIVE_POLICY_REFUSAL_BLOCKED] = SMTP_REPLY_CLIENT_BLOCKED,
		[RECEIVE_POLICY_REFUSAL_TOO_MANY_CONNECTIONS] = SMTP_REPLY_CLIENT_TOO_MANY,
		[RECEIVE_POLICY_REFUSAL_TOO_FAST] = SMTP_REPLY_CLIENT_TOO_FAST,
		[RECEIVE_POLICY_REFUSAL_CRASHED_BEFORE] = SMTP_REPLY_CLIENT_SUSPENDED,
		[RECEIVE_POLICY_REFUSAL_BUSY] = SMTP_REPLY_SERVER_BUSY,
	};
	const struct receive_policy_admitted *admitted = link_body(in);
	const struct receive_policy_refused *refused = link_body(in);
	struct connection *c = table_get(&receive.connections, admitted->session);

	(void)owner;
	(void)p;
	if (!c || c->state != CONNECTION_ASKING)
		return;
	if (in->type == RECEIVE_POLICY_ADMITTED)
		connection_admit(c, peer_take_fd(in, 0));
	else
		connection_refuse(c, replies[refused->why]);
}

static void on_policy_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_POLICY, why);
	receive.policy = NULL;
}

static void on_keyring(void *owner, struct peer *p, struct link_in *in)
{
	const struct receive_keyring_certificate *m = link_body(in);

	(void)owner;
	(void)p;
	rooms_set_material(receive.rooms, MATERIAL_CERTIFICATE, m->chain_pem);
}

static void on_keyring_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_KEYRING, why);
	receive.keyring = NULL;
}

static void on_room_ended(void *owner, uint64_t ticket, enum rooms_end end, int status)
{
	struct connection *c = table_get(&receive.connections, ticket);

	(void)owner;
	if (c)
		connection_close(c, end, status);
}

static void add_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	(void)kind;
	receive.role = r;
	ASSERT(index < r->conf->listener.n);
	listener_add(&receive, (unsigned)index, fd);
}

static void open_receive(struct role *r)
{
	receive.role = r;
	receive.per_listener = mem_zalloc(r->conf->listener.n, sizeof *receive.per_listener);
	receive.rooms = rooms_new(r, PROCESS_SESSION, max_connections(r->conf), on_room_ended, NULL);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events policy = { on_policy, on_policy_gone };
	static const struct peer_events keyring = { on_keyring, on_keyring_gone };

	if (peer == ROLE_POLICY)
		receive.policy = peer_new(r->loop, fd, &receive_policy_edge, RECEIVE_POLICY_SIDE_RECEIVE,
					  &policy, NULL, KEPT_FOR_PEERS);
	else
		receive.keyring = peer_new(r->loop, fd, &receive_keyring_edge, RECEIVE_KEYRING_SIDE_RECEIVE,
					   &keyring, NULL, KEPT_FOR_PEERS);
}

static void add_zygote(struct role *r, enum process_id kind, int fd)
{
	(void)r;
	(void)kind;
	rooms_add_zygote(receive.rooms, fd);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "connections", receive.connections.n);
	role_counter(r, "connections_accepted", receive.n_accepted);
	role_counter(r, "connections_refused", receive.n_refused);
	role_counter(r, "spoken_too_early", receive.n_early);
	role_counter(r, "rooms_crashed", receive.n_crashed);
	role_counter(r, "messages_accepted", receive.n_messages);
}

static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	role_stopped(arg);
}

static void stop(struct role *r)
{
	struct timeval patience = { r->conf->top.stop_time / 1000, r->conf->top.stop_time % 1000 * 1000 };

	receive.stopping = true;
	listener_pause_all();
	connection_stop_all(&receive);
	if (receive.connections.n == 0)
		role_stopped(r);
	else
		event_base_once(r->loop, -1, EV_TIMEOUT, on_patience_over, r, &patience);
}

static const struct role_definition definition = {
	.id = ROLE_RECEIVE,
	.count_files = count_files,
	.resource = add_resource,
	.open = open_receive,
	.peer = add_peer,
	.zygote = add_zygote,
	.counters = tell_counters,
	.stop = stop,
};

static const struct zygote_definition *const zygotes[] = { &session_zygote, NULL };

int main(int argc, char **argv)
{
	return role_main(&definition, zygotes, argc, argv);
}
