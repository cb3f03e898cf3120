/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP connections outward. Called by job.c with an address that was checked there; decides nothing.
 * Sends and reads no byte: the connected socket goes to a room. Invariant: a socket belongs to the
 * attempt until `done`, then to the owner.
 */
#include "roles/deliver/connect.h"

#include "base/ensure.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct connect {
	int fd;
	struct event *event;
	connect_done_function *done;
	void *owner;
};

static void forget(struct connect *c)
{
	event_free(c->event);
	free(c);
}

void connect_cancel(struct connect *c)
{
	int fd;

	if (!c)
		return;
	fd = c->fd;
	forget(c); /* first: the loop still watches the descriptor */
	close(fd);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct connect *c = arg;
	connect_done_function *done = c->done;
	void *owner = c->owner;
	int number = ETIMEDOUT;
	socklen_t n = sizeof number;

	if (!(what & EV_TIMEOUT) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &n) < 0)
		number = errno;
	if (number)
		close(fd);
	forget(c);
	done(owner, number ? -1 : fd, number);
}

static int bind_to(int fd, const struct addr *source)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(source, 0, &ss);

	return bind(fd, (const struct sockaddr *)&ss, n);
}

static int open_socket(const struct addr *addr, const struct addr *source)
{
	int fd = socket(addr_is_v4(addr) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, number;

	if (fd < 0)
		return -1;
	/* A room writes whole groups of commands: waiting for more to send would only delay them. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (!source || bind_to(fd, source) == 0)
		return fd;
	number = errno;
	close(fd);
	errno = number;
	return -1;
}

struct connect *connect_start(struct event_base *loop, const struct addr *addr, uint16_t port,
			      const struct addr *source, int64_t timeout, connect_done_function *done,
			      void *owner, int *ret_number)
{
	struct timeval tv = { timeout / 1000, timeout % 1000 * 1000 };
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(addr, port, &ss);
	int fd = open_socket(addr, source);
	struct connect *c;

	*ret_number = 0;
	if (fd < 0) {
		*ret_number = errno;
		return NULL;
	}
	if (connect(fd, (const struct sockaddr *)&ss, n) < 0 && errno != EINPROGRESS) {
		*ret_number = errno;
		close(fd);
		return NULL;
	}
	c = mem_zalloc(1, sizeof *c);
	*c = (struct connect){ .fd = fd, .done = done, .owner = owner };
	c->event = event_new(loop, fd, EV_WRITE, on_event, c);
	ASSERT(c->event != NULL && event_add(c->event, &tv) == 0);
	return c;
}
