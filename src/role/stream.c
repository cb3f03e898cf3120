/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes between a room and its stranger. Called by rooms that hold one connection (session,
 * delivery). Trusts nothing that arrives and gives no meaning to it. Only calls of the rooms' sandbox
 * are made: read, write, poll, recvmsg (to peek), shutdown.
 *
 * Invariants: no wait without deadline; at most STREAM_INPUT_MAX bytes are held of what arrives; bytes
 * that came in clear are never given out as if they had come under TLS.
 */
#include "role/stream.h"

#include "base/clock.h"
#include "base/ensure.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_MAX ((size_t)256 << 10) /* read away at the end */
#define POLL_MAX  3600000

void stream_init(struct stream *s, int fd, size_t output_max)
{
	*s = (struct stream){ .fd = fd, .watched = -1, .input = mem_alloc(STREAM_INPUT_MAX) };
	buf_init(&s->output, output_max);
}

void stream_done(struct stream *s)
{
	if (s->ssl)
		SSL_free(s->ssl);
	s->ssl = NULL;
	free(s->input);
	s->input = NULL;
	s->from = s->to = 0;
	buf_done(&s->output);
}

static int timeout_until(int64_t deadline)
{
	int64_t left = deadline - clock_mono_ms();

	if (left < 0)
		return 0;
	return left > POLL_MAX ? POLL_MAX : (int)left;
}

/* Waits for the stream's socket; ERROR_BUSY when the watched descriptor has something instead. */
static enum error wait_socket(struct stream *s, short events, int watched, int64_t deadline)
{
	struct pollfd fds[] = { { s->fd, events, 0 }, { watched, POLLIN, 0 } };

	for (;;) {
		int n = poll(fds, 2, timeout_until(deadline));
		if (n < 0 && errno != EINTR)
			return ERROR_IO;
		if (n > 0)
			return fds[1].revents ? ERROR_BUSY : ERROR_NONE;
		if (n == 0 && deadline <= clock_mono_ms())
			return ERROR_TIMEOUT;
	}
}

/* What a TLS call that did not succeed wants: events to wait for, 0 with *ret_error set when it is
 * over. */
static short want_of(struct stream *s, int result, enum error *ret_error)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	case SSL_ERROR_ZERO_RETURN:
	case SSL_ERROR_SYSCALL:
		*ret_error = ERROR_CLOSED;
		break;
	default:
		*ret_error = ERROR_TLS;
	}
	ERR_clear_error();
	return 0;
}

enum error stream_start_tls(struct stream *s, SSL *ssl, int64_t deadline)
{
	enum error e = ERROR_NONE;

	ASSERT(!s->ssl && s->from == s->to && s->output.n == 0);
	s->ssl = ssl;
	if (SSL_set_fd(ssl, s->fd) != 1)
		return ERROR_TLS;
	for (;;) {
		int result = SSL_do_handshake(ssl);
		short events = result == 1 ? 0 : want_of(s, result, &e);
		if (!events)
			return e;
		e = wait_socket(s, events, -1, deadline);
		if (e)
			return e;
	}
}

struct text stream_input(const struct stream *s)
{
	return text_from_bytes(s->input + s->from, s->to - s->from);
}

void stream_consume(struct stream *s, size_t n)
{
	ASSERT(n <= s->to - s->from);
	s->from += n;
	if (s->from == s->to)
		s->from = s->to = 0;
}

bool stream_is_full(const struct stream *s)
{
	return s->to - s->from == STREAM_INPUT_MAX;
}

/* One attempt. Returns the bytes read; 0 with the events to wait for, or with an error. */
static size_t read_some(struct stream *s, char *p, size_t n, short *ret_events, enum error *ret_error)
{
	ssize_t got;
	size_t tls_got = 0;

	*ret_events = 0;
	*ret_error = ERROR_NONE;
	if (s->ssl) {
		int result = SSL_read_ex(s->ssl, p, n, &tls_got);
		if (result != 1)
			*ret_events = want_of(s, result, ret_error);
		return tls_got;
	}
	got = read(s->fd, p, n);
	if (got > 0)
		return (size_t)got;
	if (got == 0)
		*ret_error = ERROR_CLOSED;
	else if (errno == EAGAIN || errno == EINTR)
		*ret_events = POLLIN;
	else
		*ret_error = error_of_errno(errno);
	return 0;
}

enum error stream_fill(struct stream *s, int64_t deadline)
{
	short events;
	enum error e;

	ASSERT(!stream_is_full(s));
	if (s->from) {
		memmove(s->input, s->input + s->from, s->to - s->from);
		s->to -= s->from;
		s->from = 0;
	}
	for (;;) {
		size_t n = read_some(s, s->input + s->to, STREAM_INPUT_MAX - s->to, &events, &e);
		s->to += n;
		if (n || e)
			return e;
		e = wait_socket(s, events, s->watched, deadline);
		if (e)
			return e;
	}
}

/* Bytes waiting in the socket: -1 none yet, 0 the end, 1 some. */
static int peek(struct stream *s)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return (int)recvmsg(s->fd, &msg, MSG_PEEK | MSG_DONTWAIT);
}

bool stream_has_more(struct stream *s)
{
	char byte;
	size_t n = 0;

	if (s->from < s->to)
		return true;
	if (!s->ssl)
		return peek(s) > 0;
	if (SSL_peek_ex(s->ssl, &byte, 1, &n) != 1)
		ERR_clear_error();
	return n > 0;
}

void stream_put(struct stream *s, struct text t)
{
	buf_add(&s->output, t);
}

/* One attempt, as read_some. */
static size_t write_some(struct stream *s, struct text t, short *ret_events, enum error *ret_error)
{
	ssize_t put;
	size_t tls_put = 0;

	*ret_events = 0;
	*ret_error = ERROR_NONE;
	if (s->ssl) {
		int result = SSL_write_ex(s->ssl, t.p, t.n, &tls_put);
		if (result != 1)
			*ret_events = want_of(s, result, ret_error);
		return tls_put;
	}
	put = write(s->fd, t.p, t.n);
	if (put >= 0)
		return (size_t)put;
	if (errno == EAGAIN || errno == EINTR)
		*ret_events = POLLOUT;
	else
		*ret_error = errno == EPIPE || errno == ECONNRESET ? ERROR_CLOSED : error_of_errno(errno);
	return 0;
}

static enum error write_all(struct stream *s, struct text t, int64_t deadline)
{
	short events;
	enum error e;

	while (t.n) {
		t = text_skip(t, write_some(s, t, &events, &e));
		if (!e && events)
			e = wait_socket(s, events, -1, deadline);
		if (e)
			return e;
	}
	return ERROR_NONE;
}

enum error stream_flush(struct stream *s, int64_t deadline)
{
	enum error e = s->output.overflow ? ERROR_TOO_LARGE : write_all(s, buf_text(&s->output), deadline);

	buf_reset(&s->output);
	return e;
}

enum error stream_write(struct stream *s, struct text t, int64_t deadline)
{
	enum error e = stream_flush(s, deadline);

	return e ? e : write_all(s, t, deadline);
}

void stream_end(struct stream *s, int64_t deadline)
{
	char away[4096];
	size_t total = 0;

	stream_flush(s, deadline);
	if (s->ssl && SSL_is_init_finished(s->ssl)) {
		SSL_shutdown(s->ssl);
		ERR_clear_error();
	}
	if (shutdown(s->fd, SHUT_WR) < 0)
		return;
	while (total < DRAIN_MAX && wait_socket(s, POLLIN, -1, deadline) == ERROR_NONE) {
		ssize_t n = read(s->fd, away, sizeof away);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return;
		total += n > 0 ? (size_t)n : 0;
	}
}

/* Has the other side ended the connection without having sent more? Under TLS its good-bye is itself
 * some bytes, so there the end of the connection alone decides. */
static bool is_peer_gone(struct stream *s, short revents)
{
	if (revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return revents & POLLRDHUP && s->from == s->to && (s->ssl || peek(s) == 0);
}

enum error stream_wait_for(struct stream *s, int fd, int64_t deadline)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { s->fd, POLLRDHUP, 0 } };

	for (;;) {
		int n = poll(fds, 2, timeout_until(deadline));
		if (n < 0 && errno != EINTR)
			return ERROR_IO;
		if (n > 0 && fds[0].revents)
			return ERROR_NONE;
		if (n > 0 && is_peer_gone(s, fds[1].revents))
			return ERROR_CLOSED;
		if (n > 0)
			fds[1].fd = -1; /* half closed, with bytes to come: wait for the other alone */
		if (deadline <= clock_mono_ms())
			return ERROR_TIMEOUT;
	}
}
