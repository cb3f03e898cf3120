/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets, bound by posternd and handed over. Called by main.c; hands each accepted client to
 * connection.c. Invariant: a listener that cannot accept (no descriptors) rests for a second instead
 * of turning in the loop.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "roles/receive/receive.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ACCEPTS_PER_TURN 64
#define MAX_LISTENERS    1024

struct listener {
	struct receive *receive;
	unsigned index;
	int fd;
	struct event *readable, *rest;
};

static struct listener *listeners[MAX_LISTENERS];
static size_t n_listeners;

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (!l->receive->stopping)
		event_add(l->readable, NULL);
}

static void rest(struct listener *l)
{
	struct timeval second = { 1, 0 };

	log_warning("cannot accept connections: %s; raise the limit of open files",
		    error_text(error_of_errno(errno)));
	event_del(l->readable);
	event_add(l->rest, &second);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client >= 0) {
			connection_new(l->receive, l->index, client);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			rest(l);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

void listener_add(struct receive *rc, unsigned index, int fd)
{
	struct listener *l = mem_zalloc(1, sizeof *l);

	ASSERT(n_listeners < MAX_LISTENERS);
	*l = (struct listener){ rc, index, fd, NULL, NULL };
	l->readable = event_new(rc->role->loop, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->rest = event_new(rc->role->loop, -1, 0, on_rested, l);
	ASSERT(l->readable && l->rest && event_add(l->readable, NULL) == 0);
	listeners[n_listeners++] = l;
}

void listener_pause_all(void)
{
	for (size_t i = 0; i < n_listeners; i++)
		event_del(listeners[i]->readable);
}
