/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of one session room: its client and the turns that everybody takes. Called by smtp.c, one
 * world and one connection at a time. Invariants: nothing waits in real time; when world_settle
 * returns, all that could be said without time passing has been said.
 */
#include "world.h"

#include "role/tls.h"
#include "roles/keyring/keys.h"
#include "roles/receive/session.h"
#include "room.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEARD_MAX   ((size_t)4 << 20)
#define MESSAGE_MAX ((size_t)64 << 20)
#define END_WAIT    600000 /* ms: no wait of a room is longer, but for commands */

void world_fail(const struct world *w, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", w->file, w->line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	for (enum other other = 0; other < OTHER_COUNT; other++)
		fprintf(stderr, "%s heard:\n%s", other_name(other),
			buf_cstr((struct buf *)&w->others[other].said));
	exit(1);
}

static void make_conf(struct world *w, struct text settings)
{
	struct buf text, errors;

	buf_init(&text, CONF_MAX_FILE);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	buf_printf(&text, "hostname mx.example.org\nlistener script {\naddress 127.0.0.1\n%.*s}\n",
		   TEXT_ARGS(settings));
	w->conf = conf_parse(buf_text(&text), "settings", CONF_PART, &errors);
	if (!w->conf)
		world_fail(w, "%s", buf_cstr(&errors));
	buf_done(&text);
	buf_done(&errors);
}

/* keyring's own key, made in a directory that is gone afterwards. */
static void make_keys(struct world *w)
{
	char path[] = "/tmp/postern-script-XXXXXX";
	struct buf why;

	buf_init(&why, 1024);
	w->keys = keys_new();
	if (!mkdtemp(path) || chdir(path) < 0 || mkdir("keys", 0700) < 0 ||
	    !keys_load(w->keys, text_from_cstr("smtp"), w->conf->top.hostname, -1, &why))
		world_fail(w, "no key: %s", buf_cstr(&why));
	unlink("keys/smtp.pem");
	unlink("keys/smtp.crt");
	rmdir("keys");
	rmdir(path);
	buf_done(&why);
	w->tls = tls_server_new(&w->conf->tls);
	if (tls_server_set_chain(w->tls, keys_chain(w->keys)))
		world_fail(w, "the certificate cannot be used");
	w->ssl_context = SSL_CTX_new(TLS_client_method());
}

void world_init(struct world *w, struct text settings)
{
	make_conf(w, settings);
	buf_init(&w->heard, HEARD_MAX);
	buf_init(&w->message, MESSAGE_MAX);
	for (enum other other = 0; other < OTHER_COUNT; other++) {
		w->others[other].link.fd = -1;
		buf_init(&w->others[other].said, HEARD_MAX);
	}
	w->client_fd = -1;
	w->is_room_over = true;
	if (w->conf->listener.v[0].tls != CONF_LISTENER_TLS_OFF)
		make_keys(w);
}

void world_done(struct world *w)
{
	world_close(w);
	for (enum other other = 0; other < OTHER_COUNT; other++)
		buf_done(&w->others[other].said);
	buf_done(&w->heard);
	buf_done(&w->message);
	link_in_done(&w->in);
	SSL_CTX_free(w->ssl_context);
	tls_context_free(w->tls);
	keys_free(w->keys);
	conf_free(w->conf);
}

static int run_session(void *arg)
{
	const struct world *w = arg;
	const struct session_setup setup = { .client_fd = w->room_fds[0],
					     .control_fd = w->room_fds[1],
					     .policy_fd = w->room_fds[2],
					     .conf = w->conf,
					     .tls = w->tls };

	return session_run(&setup);
}

void world_connect(struct world *w)
{
	int fds[2];

	world_close(w);
	w->is_deaf = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		world_fail(w, "no socket");
	w->client_fd = fds[0];
	w->room_fds[0] = fds[1];
	w->is_ended = w->is_room_over = false;
	others_connect(w, w->room_fds + 1);
	room_start(run_session, w);
	world_settle(w);
}

/* -1: nothing now, 0: the end. */
static ssize_t read_client(struct world *w, char *p, size_t n)
{
	int got;

	if (!w->ssl)
		return read(w->client_fd, p, n);
	got = SSL_read(w->ssl, p, (int)n);
	if (got > 0)
		return got;
	return SSL_get_error(w->ssl, got) == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* True: something came, or the end. */
static bool hear(struct world *w)
{
	char bytes[16384];
	bool is_busy = false;
	ssize_t n;

	while (w->client_fd >= 0 && !w->is_ended && !w->is_deaf &&
	       (n = read_client(w, bytes, sizeof bytes)) >= 0) {
		is_busy = true;
		w->is_ended = n == 0;
		buf_add(&w->heard, text_from_bytes(bytes, (size_t)n));
	}
	return is_busy;
}

static void turn_room(struct world *w)
{
	int status = 0;

	if (w->is_room_over || room_turn(&status))
		return;
	w->is_room_over = true;
	if (status)
		world_fail(w, "the room ended with status %d", status);
	for (int i = 0; i < 3; i++)
		close(w->room_fds[i]);
}

void world_settle(struct world *w)
{
	bool is_busy = true;

	while (is_busy) {
		turn_room(w);
		is_busy = others_serve(w);
		/* In a handshake what comes is not for us. */
		if (!w->ssl || SSL_is_init_finished(w->ssl))
			is_busy |= hear(w);
	}
}

void world_pass_time(struct world *w, int64_t ms)
{
	world_settle(w);
	room_pass_time(ms);
	world_settle(w);
}

static ssize_t write_client(struct world *w, struct text t)
{
	int put;

	if (!w->ssl)
		return send(w->client_fd, t.p, t.n, MSG_NOSIGNAL);
	put = SSL_write(w->ssl, t.p, (int)t.n);
	return put > 0 ? put : -1;
}

void world_send(struct world *w, struct text bytes)
{
	ssize_t put = 1;

	while (bytes.n && put > 0) {
		size_t n = w->piece && w->piece < bytes.n ? w->piece : bytes.n;
		put = write_client(w, text_slice(bytes, 0, n));
		bytes = text_skip(bytes, put > 0 ? (size_t)put : 0);
		world_settle(w);
	}
}

bool world_start_tls(struct world *w)
{
	int result;

	w->ssl = SSL_new(w->ssl_context);
	SSL_set_fd(w->ssl, w->client_fd);
	SSL_set_mode(w->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	for (;;) {
		result = SSL_connect(w->ssl);
		if (result == 1 || SSL_get_error(w->ssl, result) != SSL_ERROR_WANT_READ)
			break;
		world_settle(w);
		if (w->is_room_over || w->others[OTHER_KEYRING].mood != MOOD_ORDINARY)
			break;
	}
	if (result != 1) {
		SSL_free(w->ssl);
		w->ssl = NULL;
	}
	world_settle(w);
	return result == 1;
}

void world_close_half(struct world *w)
{
	if (w->ssl)
		SSL_shutdown(w->ssl);
	shutdown(w->client_fd, SHUT_WR);
	world_settle(w);
}

void world_close(struct world *w)
{
	SSL_free(w->ssl);
	w->ssl = NULL;
	if (w->client_fd >= 0)
		close(w->client_fd);
	w->client_fd = -1;
	world_settle(w);
	if (!w->is_room_over)
		world_pass_time(w, END_WAIT);
	if (!w->is_room_over)
		world_fail(w, "the room does not end though its client has gone");
	others_serve(w);
	others_close(w);
}
