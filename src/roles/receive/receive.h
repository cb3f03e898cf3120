/* SPDX-License-Identifier: Apache-2.0
 *
 * receive - the standing part: clients that have no room yet, and the rooms of those that have.
 *
 * A connection goes through these states; every arrow is a function of connection.c:
 *
 *	accept ─connection_new─▶ ASKING ─connection_admit─▶ QUIET ─connection_open─▶ ROOM ─connection_close─▶
 *	                           │ policy refuses          │ speaks too early, or goes
 *	                           └──────connection_refuse──┴──────────────────────────▶ (freed)
 *
 * ASKING: policy was asked about the address. QUIET: admitted, and its pre-greeting pause runs; with
 * implicit TLS, which the client begins, it lasts until the client speaks. ROOM: a session room talks
 * to it, and receive holds only the room's control channel.
 */
#ifndef ROLES_RECEIVE_RECEIVE_H
#define ROLES_RECEIVE_RECEIVE_H

#include "base/table.h"
#include "ipc/receive_policy.h"
#include "ipc/receive_session.h"
#include "proto/smtp_reply.h"
#include "role/role.h"
#include "role/rooms.h"

struct event;

struct receive {
	struct role *role;
	struct rooms *rooms;
	struct peer *policy, *keyring;
	struct table connections; /* struct connection, by session */
	uint64_t last_session;
	size_t *per_listener; /* open connections, by index of the listener */
	bool stopping;
	uint64_t n_accepted, n_refused, n_early, n_crashed, n_messages;
};

enum connection_state { CONNECTION_ASKING, CONNECTION_QUIET, CONNECTION_ROOM };

struct connection {
	struct receive *receive;
	enum connection_state state;
	uint64_t session;
	unsigned listener;
	struct addr client, local;
	uint16_t port, local_port;
	int fd;              /* the client; -1 when the room has it */
	int policy_fd;       /* the room's channel to policy, until the room has it */
	struct event *quiet; /* client readable or pause over */
	struct peer *control;
	bool admitted, told; /* policy knows it; the outcome has come */
	struct receive_session_outcome outcome;
};

/* Takes the descriptor of a client that was just accepted. */
void connection_new(struct receive *rc, unsigned listener, int fd);
void connection_admit(struct connection *c, int policy_fd);
/* One reply, as far as the socket takes it, then the end. */
void connection_refuse(struct connection *c, enum smtp_reply_id why);
/* The room is gone. */
void connection_close(struct connection *c, enum rooms_end end, int status);
/* Tells every room to answer 421 at its next command. */
void connection_stop_all(struct receive *rc);

/* Makes an event of a listening socket. */
void listener_add(struct receive *rc, unsigned index, int fd);
/* Stops and starts accepting. */
void listener_pause_all(void);

#endif
