/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets with descriptors over SOCK_SEQPACKET. Called on both ends of every channel. Trusts nothing
 * that it receives: length, descriptor count and control data are checked before the decoder runs,
 * and descriptors that came with a refused message are closed. Invariant: after an error no
 * descriptor is left open and the state is unchanged.
 */
#include "ipc/link.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_STACK 4096 /* packets up to here are encoded on the stack */

struct link link_of(int fd, const struct ipc_edge *edge, unsigned side)
{
	return (struct link){ fd, edge, (uint8_t)side, 0 };
}

void link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void link_in_init(struct link_in *in, const struct ipc_edge *edge)
{
	*in = (struct link_in){ .fds = { -1, -1, -1, -1 } };
	link_in_fit(in, edge);
}

void link_in_fit(struct link_in *in, const struct ipc_edge *edge)
{
	if (edge->packet_max + 1 <= in->packet_size)
		return;
	in->packet_size = edge->packet_max + 1; /* one more, so that a longer packet shows */
	in->packet = mem_realloc(in->packet, in->packet_size);
}

void link_in_done(struct link_in *in)
{
	link_in_close_fds(in);
	free(in->packet);
	in->packet = NULL;
	in->packet_size = 0;
}

void link_in_close_fds(struct link_in *in)
{
	for (int i = 0; i < IPC_MAX_FDS; i++) {
		if (in->fds[i] >= 0)
			close(in->fds[i]);
		in->fds[i] = -1;
	}
}

/* Waits until the descriptor is ready or the deadline is over. */
static enum error wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	if (deadline == LINK_NO_WAIT)
		return ERROR_BUSY;
	for (;;) {
		left = deadline == LINK_FOREVER ? -1 : deadline - clock_mono_ms();
		if (deadline != LINK_FOREVER && left <= 0)
			return ERROR_TIMEOUT;
		n = poll(&p, 1, left > 3600000 ? 3600000 : (int)left);
		if (n > 0)
			return ERROR_NONE;
		if (n < 0 && errno != EINTR)
			return ERROR_IO;
	}
}

static enum error send_packet(int fd, struct text packet, const int *fds, size_t n_fds, int64_t deadline)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)packet.p, packet.n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ASSERT(n_fds <= IPC_MAX_FDS);
	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		enum error e;
		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return ERROR_NONE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != ENOBUFS)
			return error_of_errno(errno);
		e = wait_for(fd, POLLOUT, deadline);
		if (e)
			return e;
	}
}

enum error link_send(struct link *l, unsigned type, const void *body, const int *fds, size_t n_fds,
		     int64_t deadline)
{
	static const char nothing[IPC_BODY_SIZE];
	const struct ipc_message *m = ipc_find_message(l->edge, type);
	char small[SEND_STACK], *p = small;
	struct wire_writer w;
	size_t size;
	enum error e;

	ASSERT(m != NULL && m->from == l->side && m->n_fds == n_fds);
	ASSERT(m->in_states >> l->state & 1);
	if (l->fd < 0)
		return ERROR_CLOSED;
	if (!body)
		body = nothing;
	size = ipc_size(l->edge, type, body);
	if (size > sizeof small)
		p = mem_alloc(size);
	w = wire_writer_of(p, size);
	ipc_encode(l->edge, type, body, &w);
	e = send_packet(l->fd, text_from_bytes(p, wire_written(&w)), fds, n_fds, deadline);
	if (p != small)
		free(p);
	if (!e)
		link_advance(l, type);
	return e;
}

void link_advance(struct link *l, unsigned type)
{
	const struct ipc_message *m = ipc_find_message(l->edge, type);

	ASSERT(m != NULL && (m->in_states >> l->state & 1));
	if (m->to_state >= 0)
		l->state = (uint8_t)m->to_state;
}

enum error link_send_packet(struct link *l, struct text packet, const int *fds, size_t n_fds,
			    int64_t deadline)
{
	return l->fd < 0 ? ERROR_CLOSED : send_packet(l->fd, packet, fds, n_fds, deadline);
}

/* Takes the descriptors of a packet. False when there were more than we can hold. */
static bool take_fds(struct msghdr *msg, struct link_in *in, size_t *ret_n)
{
	size_t n = 0;
	bool fits = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
			if (n < IPC_MAX_FDS)
				in->fds[n++] = fd;
			else
				fits = close(fd) < 0 && false;
		}
	}
	*ret_n = n;
	return fits && !(msg->msg_flags & MSG_CTRUNC);
}

static enum error receive_packet(int fd, struct link_in *in, size_t *ret_n, size_t *ret_n_fds,
				 int64_t deadline)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
	} control;
	struct iovec iov = { in->packet, in->packet_size };
	struct msghdr msg;
	ssize_t n;

	for (;;) {
		enum error e;
		msg = (struct msghdr){ .msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof control };
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return error_of_errno(errno);
		e = wait_for(fd, POLLIN, deadline);
		if (e)
			return e;
	}
	if (!take_fds(&msg, in, ret_n_fds) || (msg.msg_flags & MSG_TRUNC))
		return ERROR_MALFORMED;
	*ret_n = (size_t)n;
	return n == 0 ? ERROR_CLOSED : ERROR_NONE;
}

enum error link_receive(struct link *l, struct link_in *in, int64_t deadline)
{
	const struct ipc_message *m;
	size_t n = 0, n_fds = 0;
	enum error e;

	if (l->fd < 0)
		return ERROR_CLOSED;
	for (int i = 0; i < IPC_MAX_FDS; i++)
		in->fds[i] = -1;
	ASSERT(in->packet_size > l->edge->packet_max);
	e = receive_packet(l->fd, in, &n, &n_fds, deadline);
	if (!e && n > l->edge->packet_max)
		e = ERROR_MALFORMED;
	if (!e)
		e = ipc_decode(l->edge, text_from_bytes(in->packet, n), !l->side, l->state, &in->type,
			       in->body);
	m = e ? NULL : ipc_find_message(l->edge, in->type);
	if (m && m->n_fds != n_fds)
		e = ERROR_MALFORMED;
	if (e) {
		link_in_close_fds(in);
		return e;
	}
	if (m->to_state >= 0)
		l->state = (uint8_t)m->to_state;
	return ERROR_NONE;
}

enum error link_make_pair(const struct ipc_edge *edge, int ret_fds[2])
{
	int size = (int)edge->packet_max + 4096;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return errno == EMFILE || errno == ENFILE ? ERROR_TOO_MANY : error_of_errno(errno);
	if (size > 65536)
		for (int i = 0; i < 2; i++)
			if (setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0)
				return error_of_errno(errno);
	return ERROR_NONE;
}
