/* SPDX-License-Identifier: Apache-2.0
 *
 * peer - a link in the event loop of a standing role: never blocks, never trusts.
 *
 * Messages arrive by callback, already decoded and checked against edge and state. What a peer sends
 * against the rules ends that peer: the callback `gone` comes with ERROR_MALFORMED or
 * ERROR_UNEXPECTED, as it comes with ERROR_CLOSED for an ordinary end. After `gone` the peer is freed
 * by this module; the owner only forgets its pointer.
 *
 * Sends that would block are kept, in order, up to a bound; above it the peer is ended
 * (ERROR_TOO_MANY): a peer that does not read cannot make us grow.
 */
#ifndef ROLE_PEER_H
#define ROLE_PEER_H

#include "ipc/link.h"

struct event_base;
struct peer;

struct peer_events {
	/* One message. Descriptors: take with peer_take_fd, the rest is closed afterwards. The callback may
	 * close this peer or any other. */
	void (*message)(void *owner, struct peer *p, struct link_in *in);
	/* The channel is over, from the loop (never from inside peer_send). */
	void (*gone)(void *owner, struct peer *p, enum error why);
};

/* Takes the descriptor. `owner` is handed to the callbacks. max_kept: bytes of unsent messages. */
struct peer *peer_new(struct event_base *loop, int fd, const struct ipc_edge *edge, unsigned side,
		      const struct peer_events *events, void *owner, size_t max_kept);
/* Ends it from our side; no callback. NULL is allowed. Messages still kept are lost. */
void peer_close(struct peer *p);
/* Sends what is kept, then closes, without reading any more and without callbacks. */
void peer_finish(struct peer *p);

/* The descriptors stay the caller's (they are duplicated when the message must be kept). */
void peer_send(struct peer *p, unsigned type, const void *body);
void peer_send_fds(struct peer *p, unsigned type, const void *body, const int *fds, size_t n_fds);
/* Is anything unsent? Asked by whoever streams much to a slow peer. */
bool peer_is_backed_up(const struct peer *p);
size_t peer_kept(const struct peer *p);
/* Called once, when nothing is kept any more. */
void peer_on_drained(struct peer *p, void (*drained)(void *owner, struct peer *p));
/* Stop and go on reading: back-pressure. */
void peer_pause(struct peer *p);
void peer_resume(struct peer *p);

int peer_take_fd(struct link_in *in, size_t index);
void *peer_owner(const struct peer *p);
unsigned peer_state(const struct peer *p);
/* For a channel on which the first words were exchanged before it became a peer. */
void peer_set_state(struct peer *p, unsigned state);
int peer_fd(const struct peer *p);

#endif
