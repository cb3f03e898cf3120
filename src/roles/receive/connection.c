/* SPDX-License-Identifier: Apache-2.0
 *
 * One client, from accept to the end of its room (the states are drawn in receive.h). Called by
 * listener.c and main.c. Reads no byte of the client: whoever speaks too early is told from the socket
 * being readable. Trusts policy's answer and, for counters only, the room's outcome.
 *
 * Invariants: a connection is in `connections` from new to free; policy hears `closed` once for each
 * `admitted`; after connection_open receive holds neither the client's socket nor policy's channel.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/receive_keyring.h"
#include "ipc/role_audit.h"
#include "ipc/session_keyring.h"
#include "roles/receive/receive.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define KEPT_FOR_ROOM  4096
#define TLS_FIRST_WAIT 30000 /* ms: implicit TLS, until the client speaks */

static const struct conf_listener *listener_of(const struct connection *c)
{
	return &c->receive->role->conf->listener.v[c->listener];
}

static void tell_policy(struct connection *c, enum receive_policy_how how)
{
	struct receive_policy_closed closed = { c->session, how };

	if (c->admitted && c->receive->policy)
		peer_send(c->receive->policy, RECEIVE_POLICY_CLOSED, &closed);
	c->admitted = false;
}

static void connection_free(struct connection *c)
{
	struct receive *rc = c->receive;

	table_remove(&rc->connections, c->session);
	rc->per_listener[c->listener]--;
	if (c->quiet)
		event_free(c->quiet);
	if (c->fd >= 0)
		close(c->fd);
	if (c->policy_fd >= 0)
		close(c->policy_fd);
	peer_close(c->control);
	free(c);
	if (rc->stopping && rc->connections.n == 0)
		role_stopped(rc->role);
}

/* One try, which an empty socket buffer takes whole. sendmsg, since the sandbox has no other. */
static void say(int fd, struct text line)
{
	struct iovec part = { (void *)(uintptr_t)line.p, line.n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("a client left before it was refused");
}

void connection_refuse(struct connection *c, enum smtp_reply_id why)
{
	struct smtp_reply reply = smtp_reply_of(why);
	struct buf out;
	char address[ADDR_TEXT_SIZE];

	buf_init(&out, 1024);
	if (smtp_reply_print(&reply, &out) && listener_of(c)->tls != CONF_LISTENER_TLS_IMPLICIT)
		say(c->fd, buf_text(&out));
	buf_done(&out);
	addr_print(&c->client, address);
	c->receive->n_refused++;
	role_audit(c->receive->role, ROLE_AUDIT_KIND_CLIENT_REFUSED, address, "session=%llu reply=%u %s",
		   (unsigned long long)c->session, reply.code, reply.text);
	tell_policy(c, RECEIVE_POLICY_HOW_REFUSED);
	connection_free(c);
}

static bool read_addresses(struct connection *c)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;

	if (getpeername(c->fd, (struct sockaddr *)&ss, &n) < 0 ||
	    !addr_of_sockaddr(&ss, &c->client, &c->port))
		return false;
	n = sizeof ss;
	return getsockname(c->fd, (struct sockaddr *)&ss, &n) == 0 &&
	       addr_of_sockaddr(&ss, &c->local, &c->local_port);
}

void connection_new(struct receive *rc, unsigned listener, int fd)
{
	struct connection *c = mem_zalloc(1, sizeof *c);
	struct receive_policy_connect ask;
	int on = 1;

	*c = (struct connection){
		.receive = rc, .session = ++rc->last_session, .listener = listener, .fd = fd
	};
	c->policy_fd = -1;
	table_put(&rc->connections, c->session, c);
	rc->per_listener[listener]++;
	rc->n_accepted++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!read_addresses(c)) {
		connection_free(c); /* it is gone already */
		return;
	}
	if (rc->per_listener[listener] > listener_of(c)->max_connections) {
		connection_refuse(c, SMTP_REPLY_SERVER_BUSY);
		return;
	}
	if (!rc->policy || rc->stopping) {
		connection_refuse(c, SMTP_REPLY_STOPPING);
		return;
	}
	ask = (struct receive_policy_connect){ c->session, c->client, c->port, listener };
	peer_send(rc->policy, RECEIVE_POLICY_CONNECT, &ask);
}

static void give_key(struct connection *c)
{
	struct receive_keyring_room room = { c->session };
	int fds[2];

	if (!c->receive->keyring || link_make_pair(&session_keyring_edge, fds)) {
		peer_send(c->control, RECEIVE_SESSION_NO_KEY, NULL);
		return;
	}
	peer_send_fds(c->receive->keyring, RECEIVE_KEYRING_ROOM, &room, &fds[1], 1);
	peer_send_fds(c->control, RECEIVE_SESSION_KEY, NULL, &fds[0], 1);
	close(fds[0]);
	close(fds[1]);
}

static void on_control(void *owner, struct peer *p, struct link_in *in)
{
	struct connection *c = owner;

	(void)p;
	if (in->type == RECEIVE_SESSION_WANT_KEY) {
		give_key(c);
		return;
	}
	c->outcome = *(const struct receive_session_outcome *)link_body(in);
	c->told = true;
}

static void on_control_gone(void *owner, struct peer *p, enum error why)
{
	struct connection *c = owner;

	(void)p;
	c->control = NULL;
	if (why == ERROR_CLOSED)
		return; /* its zygote will tell how it ended */
	log_warning("session %llu broke the rules of its control channel: %s", (unsigned long long)c->session,
		    error_text(why));
	role_audit(c->receive->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "session",
		   "session=%llu edge=receive_session: %s", (unsigned long long)c->session, error_text(why));
	rooms_kill(c->receive->rooms, c->session);
}

static bool make_control(struct connection *c, int *ret_room_fd)
{
	static const struct peer_events events = { on_control, on_control_gone };
	struct receive_session_begin begin = { .session = c->session,
					       .client = c->client,
					       .port = c->port,
					       .local = c->local,
					       .local_port = c->local_port,
					       .listener = c->listener };
	int fds[2];

	if (link_make_pair(&receive_session_edge, fds))
		return false;
	c->control = peer_new(c->receive->role->loop, fds[0], &receive_session_edge,
			      RECEIVE_SESSION_SIDE_RECEIVE, &events, c, KEPT_FOR_ROOM);
	peer_send(c->control, RECEIVE_SESSION_BEGIN, &begin);
	*ret_room_fd = fds[1];
	return true;
}

static void connection_open(struct connection *c)
{
	int fds[3] = { c->fd, -1, c->policy_fd };

	if (c->receive->stopping) {
		connection_refuse(c, SMTP_REPLY_STOPPING);
		return;
	}
	if (!make_control(c, &fds[1])) {
		connection_refuse(c, SMTP_REPLY_SERVER_BUSY);
		return;
	}
	if (rooms_spawn(c->receive->rooms, c->session, fds, 3)) {
		close(fds[1]);
		connection_refuse(c, SMTP_REPLY_SERVER_BUSY);
		return;
	}
	close(fds[1]);
	close(c->fd);
	close(c->policy_fd);
	c->fd = c->policy_fd = -1;
	c->state = CONNECTION_ROOM;
}

/* The pause is over, or the client spoke or went. */
static void on_quiet_over(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	bool client_first = listener_of(c)->tls == CONF_LISTENER_TLS_IMPLICIT;

	(void)fd;
	event_free(c->quiet);
	c->quiet = NULL;
	if ((what & EV_READ) && !client_first) {
		c->receive->n_early++;
		connection_refuse(c, SMTP_REPLY_CLIENT_EARLY);
		return;
	}
	if (client_first && !(what & EV_READ)) {
		connection_refuse(c, SMTP_REPLY_TIMEOUT);
		return;
	}
	connection_open(c);
}

void connection_admit(struct connection *c, int policy_fd)
{
	const struct conf_listener *l = listener_of(c);
	int64_t wait = l->tls == CONF_LISTENER_TLS_IMPLICIT ? TLS_FIRST_WAIT : l->pregreet_wait;
	struct timeval tv = { wait / 1000, wait % 1000 * 1000 };

	c->admitted = true;
	c->policy_fd = policy_fd;
	if (wait == 0) {
		connection_open(c);
		return;
	}
	c->state = CONNECTION_QUIET;
	c->quiet = event_new(c->receive->role->loop, c->fd, EV_READ, on_quiet_over, c);
	ASSERT(c->quiet && event_add(c->quiet, &tv) == 0);
}

static enum receive_policy_how how_of(const struct connection *c, enum rooms_end end)
{
	if (end == ROOMS_CRASHED)
		return RECEIVE_POLICY_HOW_CRASHED;
	if (!c->told || c->outcome.how == RECEIVE_SESSION_HOW_LOST)
		return RECEIVE_POLICY_HOW_LOST;
	if (c->outcome.how == RECEIVE_SESSION_HOW_TIMEOUT)
		return RECEIVE_POLICY_HOW_TIMEOUT;
	return c->outcome.how == RECEIVE_SESSION_HOW_STOPPED ? RECEIVE_POLICY_HOW_STOPPED
							     : RECEIVE_POLICY_HOW_QUIT;
}

void connection_close(struct connection *c, enum rooms_end end, int status)
{
	struct receive *rc = c->receive;
	char address[ADDR_TEXT_SIZE];

	addr_print(&c->client, address);
	if (end == ROOMS_CRASHED) {
		rc->n_crashed++;
		role_audit(rc->role, ROLE_AUDIT_KIND_ROOM_CRASHED, "session",
			   "session=%llu client=%s status=%d", (unsigned long long)c->session, address,
			   status);
	}
	if (c->told) {
		rc->n_messages += c->outcome.accepted;
		role_audit(rc->role, ROLE_AUDIT_KIND_SESSION_ENDED, address,
			   "session=%llu accepted=%u refused=%u commands=%u errors=%u how=%u",
			   (unsigned long long)c->session, c->outcome.accepted, c->outcome.refused,
			   c->outcome.commands, c->outcome.errors, (unsigned)c->outcome.how);
	}
	tell_policy(c, how_of(c, end));
	connection_free(c);
}

void connection_stop_all(struct receive *rc)
{
	struct connection *c;
	size_t at = 0;

	while ((c = table_next(&rc->connections, &at)))
		if (c->control)
			peer_send(c->control, RECEIVE_SESSION_STOP, NULL);
}
