/* SPDX-License-Identifier: Apache-2.0
 *
 * Links in the event loop. Used by every standing role and by posternd for all of its channels. Trusts
 * nothing that arrives; link.c checks, this file acts: a peer that breaks the rules is gone.
 *
 * Invariants: `kept` is empty or the write event is pending; a peer is freed only from the loop or by
 * peer_close, and inside a callback its freeing waits for the callback's end (`busy`).
 */
#include "role/peer.h"

#include "base/ensure.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGES_PER_TURN 32 /* then the others have their turn */

struct kept {
	struct kept *next;
	unsigned type;
	size_t n_fds, size;
	int fds[IPC_MAX_FDS];
	uint8_t packet[];
};

struct peer {
	struct link link;
	struct event *readable, *writable;
	const struct peer_events *events;
	void *owner;
	struct kept *kept, **kept_end;
	size_t kept_bytes, max_kept;
	void (*drained)(void *owner, struct peer *p);
	enum error failed; /* told to the owner at the next turn of the loop */
	bool busy, dead, finishing;
};

/* One buffer for all: a message is handled before the next is read. */
static struct link_in *shared_in(const struct ipc_edge *edge)
{
	static struct link_in in;

	if (!in.packet)
		link_in_init(&in, edge);
	link_in_fit(&in, edge);
	return &in;
}

static void drop_kept(struct peer *p)
{
	while (p->kept) {
		struct kept *next = p->kept->next;
		for (size_t i = 0; i < p->kept->n_fds; i++)
			close(p->kept->fds[i]);
		free(p->kept);
		p->kept = next;
	}
	p->kept_end = &p->kept;
	p->kept_bytes = 0;
}

static void peer_free(struct peer *p)
{
	event_free(p->readable);
	event_free(p->writable);
	link_close(&p->link);
	drop_kept(p);
	free(p);
}

void peer_close(struct peer *p)
{
	if (!p)
		return;
	p->dead = true;
	event_del(p->readable);
	event_del(p->writable);
	if (!p->busy)
		peer_free(p);
}

static void tell_gone(struct peer *p, enum error why)
{
	bool tell = !p->dead && !p->finishing;

	p->dead = true;
	p->busy = true;
	if (tell)
		p->events->gone(p->owner, p, why);
	p->busy = false;
	peer_free(p);
}

static void fail_later(struct peer *p, enum error why)
{
	p->failed = why;
	event_active(p->writable, EV_WRITE, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	enum error e = ERROR_NONE;

	(void)fd;
	(void)what;
	for (int i = 0; i < MESSAGES_PER_TURN && !e; i++) {
		struct link_in *in = shared_in(p->link.edge);
		e = link_receive(&p->link, in, LINK_NO_WAIT);
		if (e)
			break;
		p->busy = true;
		p->events->message(p->owner, p, in);
		p->busy = false;
		link_in_close_fds(in);
		if (p->dead) {
			peer_free(p);
			return;
		}
		if (!event_pending(p->readable, EV_READ, NULL))
			return; /* paused */
	}
	if (e && e != ERROR_BUSY)
		tell_gone(p, e);
}

/* Sends one kept message; the state was advanced when it was kept. */
static enum error send_kept(struct peer *p, struct kept *k)
{
	return link_send_packet(&p->link, text_from_bytes(k->packet, k->size), k->fds, k->n_fds,
				LINK_NO_WAIT);
}

static enum error flush(struct peer *p)
{
	while (p->kept) {
		struct kept *k = p->kept;
		enum error e = send_kept(p, k);
		if (e)
			return e;
		for (size_t i = 0; i < k->n_fds; i++)
			close(k->fds[i]);
		p->kept = k->next;
		p->kept_bytes -= k->size;
		if (!p->kept)
			p->kept_end = &p->kept;
		free(k);
	}
	return ERROR_NONE;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	enum error e = p->failed ? p->failed : flush(p);
	void (*drained)(void *owner, struct peer *peer) = p->drained;

	(void)fd;
	(void)what;
	if (e == ERROR_BUSY) {
		event_add(p->writable, NULL);
		return;
	}
	if (e || p->finishing) {
		tell_gone(p, e);
		return;
	}
	p->drained = NULL;
	if (!drained)
		return;
	p->busy = true;
	drained(p->owner, p);
	p->busy = false;
	if (p->dead)
		peer_free(p);
}

struct peer *peer_new(struct event_base *loop, int fd, const struct ipc_edge *edge, unsigned side,
		      const struct peer_events *events, void *owner, size_t max_kept)
{
	struct peer *p = mem_zalloc(1, sizeof *p);

	p->link = link_of(fd, edge, side);
	p->events = events;
	p->owner = owner;
	p->max_kept = max_kept;
	p->kept_end = &p->kept;
	p->readable = event_new(loop, fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(loop, fd, EV_WRITE, on_writable, p);
	ASSERT(p->readable && p->writable && event_add(p->readable, NULL) == 0);
	return p;
}

void peer_finish(struct peer *p)
{
	if (!p)
		return;
	if (!p->kept) {
		peer_close(p);
		return;
	}
	p->finishing = true;
	event_del(p->readable);
}

static void keep(struct peer *p, unsigned type, const void *body, const int *fds, size_t n_fds)
{
	size_t size = ipc_size(p->link.edge, type, body);
	struct wire_writer w;
	struct kept *k;

	if (p->kept_bytes + size > p->max_kept) {
		fail_later(p, ERROR_TOO_MANY);
		return;
	}
	k = mem_zalloc(1, sizeof *k + size);
	k->type = type;
	k->size = size;
	w = wire_writer_of(k->packet, size);
	ipc_encode(p->link.edge, type, body, &w);
	for (; k->n_fds < n_fds; k->n_fds++) {
		k->fds[k->n_fds] = fcntl(fds[k->n_fds], F_DUPFD_CLOEXEC, 0);
		if (k->fds[k->n_fds] < 0)
			break;
	}
	if (k->n_fds < n_fds)
		fail_later(p, ERROR_TOO_MANY);
	*p->kept_end = k;
	p->kept_end = &k->next;
	p->kept_bytes += size;
	link_advance(&p->link, type);
	event_add(p->writable, NULL);
}

void peer_send_fds(struct peer *p, unsigned type, const void *body, const int *fds, size_t n_fds)
{
	static const char nothing[IPC_BODY_SIZE];
	enum error e = ERROR_BUSY;

	if (p->dead || p->failed || p->finishing)
		return;
	if (!body)
		body = nothing;
	if (!p->kept)
		e = link_send(&p->link, type, body, fds, n_fds, LINK_NO_WAIT);
	if (e == ERROR_BUSY)
		keep(p, type, body, fds, n_fds);
	else if (e)
		fail_later(p, e);
}

void peer_send(struct peer *p, unsigned type, const void *body)
{
	peer_send_fds(p, type, body, NULL, 0);
}

bool peer_is_backed_up(const struct peer *p)
{
	return p->kept != NULL;
}

size_t peer_kept(const struct peer *p)
{
	return p->kept_bytes;
}

void peer_on_drained(struct peer *p, void (*drained)(void *owner, struct peer *peer))
{
	p->drained = drained;
}

void peer_pause(struct peer *p)
{
	event_del(p->readable);
}

void peer_resume(struct peer *p)
{
	if (!p->dead && !p->finishing)
		event_add(p->readable, NULL);
}

int peer_take_fd(struct link_in *in, size_t index)
{
	int fd = index < IPC_MAX_FDS ? in->fds[index] : -1;

	if (fd >= 0)
		in->fds[index] = -1;
	return fd;
}

void *peer_owner(const struct peer *p)
{
	return p->owner;
}

unsigned peer_state(const struct peer *p)
{
	return p->link.state;
}

void peer_set_state(struct peer *p, unsigned state)
{
	p->link.state = (uint8_t)state;
}

int peer_fd(const struct peer *p)
{
	return p->link.fd;
}
