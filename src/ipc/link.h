/* SPDX-License-Identifier: Apache-2.0
 *
 * link - one end of a channel between two processes: a SOCK_SEQPACKET socket, the edge it speaks, our
 * side and the state of the conversation.
 *
 * Both ends advance the state by the same table, so a message that is not allowed now is refused by
 * the receiver whoever sent it. Identity is the descriptor: a link is made for one peer, handed over,
 * and closed after use. Nothing here blocks unless a deadline is given.
 *
 *	struct link l = link_of(fd, &policy_session_edge, POLICY_SESSION_SIDE_SESSION);
 *	struct policy_session_helo helo = { .name = name };
 *	error = link_send(&l, POLICY_SESSION_HELO, &helo, NULL, 0, deadline);
 *	error = link_receive(&l, &in, deadline);
 *	if (in.type == POLICY_SESSION_ANSWER) ... link_body(&in) ...
 *
 * A malformed, unknown or untimely message, a wrong number of descriptors or a truncated packet gives
 * ERROR_MALFORMED or ERROR_UNEXPECTED: the caller ends that peer, never itself.
 */
#ifndef IPC_LINK_H
#define IPC_LINK_H

#include "ipc/codec.h"

#define LINK_NO_WAIT 0 /* as deadline: give ERROR_BUSY instead of waiting */
#define LINK_FOREVER INT64_MAX

struct link {
	int fd;
	const struct ipc_edge *edge;
	uint8_t side; /* ours */
	uint8_t state;
};

/* One received message. Texts in the body point into packet: valid until the next receive into it. */
struct link_in {
	unsigned type;
	int fds[IPC_MAX_FDS]; /* the caller's to close; -1 when not there */
	_Alignas(16) char body[IPC_BODY_SIZE];
	char *packet;
	size_t packet_size;
};

void link_in_init(struct link_in *in, const struct ipc_edge *edge);
void link_in_done(struct link_in *in);
/* Room for the largest packet of this edge too; a standing role uses one link_in for all its edges. */
void link_in_fit(struct link_in *in, const struct ipc_edge *edge);
void link_in_close_fds(struct link_in *in);

struct link link_of(int fd, const struct ipc_edge *edge, unsigned side);
void link_close(struct link *l); /* fd becomes -1 */

/* body may be NULL for a message without fields. The descriptors stay the caller's. Deadline: on
 * clock_mono_ms. ERROR_BUSY (would block), ERROR_TIMEOUT, ERROR_CLOSED, ERROR_IO. */
enum error link_send(struct link *l, unsigned type, const void *body, const int *fds, size_t n_fds,
		     int64_t deadline);
enum error link_receive(struct link *l, struct link_in *in, int64_t deadline);

/* For role/peer.c, which keeps encoded messages: advance the state as if `type` had been sent, and send
 * a packet that was encoded before. */
void link_advance(struct link *l, unsigned type);
enum error link_send_packet(struct link *l, struct text packet, const int *fds, size_t n_fds,
			    int64_t deadline);

/* A pair of connected ends for a new channel, close-on-exec, with send buffers of at least
 * edge->packet_max. ERROR_TOO_MANY when out of descriptors. */
enum error link_make_pair(const struct ipc_edge *edge, int ret_fds[2]);

static inline const void *link_body(const struct link_in *in)
{
	return in->body;
}

#endif
