/* SPDX-License-Identifier: Apache-2.0
 *
 * stream - a room's conversation with its stranger: blocking, buffered, with a deadline on every wait,
 * in clear or under TLS.
 *
 * For rooms only. The descriptor must be non-blocking and stays the caller's; SIGPIPE must be ignored.
 * Deadlines are on clock_mono_ms. Errors: ERROR_CLOSED (the other side ended, properly or not),
 * ERROR_TIMEOUT, ERROR_IO, ERROR_TLS. After any of them but ERROR_BUSY the stream is of no further use.
 *
 *	while (!whole_line(stream_input(&s)))
 *		error = stream_fill(&s, deadline);
 *	stream_consume(&s, n);
 *	stream_put(&s, reply); ... error = stream_flush(&s, deadline);
 */
#ifndef ROLE_STREAM_H
#define ROLE_STREAM_H

#include "base/buf.h"
#include "base/error.h"

struct ssl_st;

#define STREAM_INPUT_MAX 69632 /* the longest command line of the configuration, and some more */

struct stream {
	int fd;
	int watched;        /* another descriptor that interrupts stream_fill (ERROR_BUSY); -1: none */
	struct ssl_st *ssl; /* NULL in clear */
	char *input;
	size_t from, to; /* what was read and not consumed: input[from..to) */
	struct buf output;
};

void stream_init(struct stream *s, int fd, size_t output_max);
void stream_done(struct stream *s); /* frees, the SSL too; the descriptor stays open */

/* The handshake, as server or client by how `ssl` was prepared. Nothing may be buffered (ASSERT).
 * Takes the SSL. */
enum error stream_start_tls(struct stream *s, struct ssl_st *ssl, int64_t deadline);

struct text stream_input(const struct stream *s);
void stream_consume(struct stream *s, size_t n);
/* Waits for at least one byte more. The buffer must not be full (ASSERT): consume, or give up. */
enum error stream_fill(struct stream *s, int64_t deadline);
bool stream_is_full(const struct stream *s);
/* Has the other side sent anything beyond what was consumed? Does not wait. */
bool stream_has_more(struct stream *s);

/* Adds to the output; what does not fit is lost (buf rules) and makes stream_flush fail. */
void stream_put(struct stream *s, struct text t);
enum error stream_flush(struct stream *s, int64_t deadline);
/* The same for bytes that need no copy: flushes what was put, then writes t. */
enum error stream_write(struct stream *s, struct text t, int64_t deadline);

/* Says good-bye under TLS, ends our direction, and reads away what still comes for a moment, so that
 * the last words arrive and are not overtaken by a reset. */
void stream_end(struct stream *s, int64_t deadline);

/* Waits until `fd` can be read. ERROR_CLOSED when the stream's peer is gone meanwhile. */
enum error stream_wait_for(struct stream *s, int fd, int64_t deadline);

#endif
