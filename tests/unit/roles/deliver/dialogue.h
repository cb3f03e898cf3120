/* SPDX-License-Identifier: Apache-2.0
 *
 * dialogue - a delivery room's conversations, written down step by step and played:
 *
 *	"S: TEXT"    the server says this line; "S~ TEXT" without an end of line
 *	"C: TEXT"    the server hears exactly this line
 *	"silence"    the server has heard nothing more
 *	"give"       queue gives the message, the next "give" the second one
 *	"no more"    queue says that there is none
 *	"R: TEXT"    queue hears this result (room_fixture.h), or "done", "done, reusable", "gone"
 *	"tls"        the server's handshake; after it all is under TLS
 *	"close"      the server closes; "reset" with what it has not read
 *
 * At the end the room must end by itself with `status`.
 */
#ifndef TESTS_DIALOGUE_H
#define TESTS_DIALOGUE_H

#include "room_fixture.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>

#define PLAIN_MESSAGE                                                                                        \
	{                                                                                                    \
		.sender = "a@far.test", .rcpts = { "b@here.test" }, .text = "Subject: x\r\n\r\nHello.\r\n"   \
	}
#define THREE_RCPTS                                                                                          \
	{                                                                                                    \
		.sender = "a@far.test", .rcpts = { "b@here.test", "c@here.test", "d@here.test" },            \
		.text = "Subject: x\r\n\r\nHello.\r\n"                                                       \
	}

struct dialogue {
	const char *name, *conf;
	struct deliver_room_begin begin;
	struct room_message messages[2];
	const char *steps[60];
	int status;
};

struct play {
	struct room_fixture room;
	const struct dialogue *dialogue;
	size_t n_given;
	SSL *ssl;
};

static inline void play_read(struct play *p)
{
	struct pollfd fd = { p->room.server, POLLIN, 0 };
	char bytes[4096];
	ssize_t n;

	if (p->ssl) {
		n = SSL_read(p->ssl, bytes, sizeof bytes);
	} else {
		if (poll(&fd, 1, ROOM_WITHIN) != 1)
			fail_msg("the server hears nothing");
		n = read(p->room.server, bytes, sizeof bytes);
	}
	if (n <= 0)
		fail_msg("the room closed the connection");
	assert_true(buf_add(&p->room.heard, text_from_bytes(bytes, (size_t)n)));
}

static inline void play_hear(struct play *p, const char *wanted)
{
	struct text line;
	size_t end;

	while ((end = text_find_byte(buf_text(&p->room.heard), '\n')) == p->room.heard.n)
		play_read(p);
	line = text_slice(buf_text(&p->room.heard), 0, end);
	assert_true(line.n > 0 && line.p[line.n - 1] == '\r');
	unit_text_is(text_slice(line, 0, line.n - 1), wanted);
	buf_consume(&p->room.heard, end + 1);
}

static inline void play_say(struct play *p, const char *text, const char *end)
{
	char line[4096];
	int n = snprintf(line, sizeof line, "%s%s", text, end);

	if (p->ssl)
		assert_int_equal(SSL_write(p->ssl, line, n), n);
	else
		assert_int_equal(send(p->room.server, line, (size_t)n, MSG_NOSIGNAL), n);
}

static inline void play_result(struct play *p, const char *wanted)
{
	char *end;

	if (!p->room.results[0])
		room_results(&p->room);
	end = strchr(p->room.results, '\n');
	if (end)
		*end = 0;
	if (strcmp(p->room.results, wanted) != 0)
		fail_msg("queue hears \"%s\", wanted \"%s\"", p->room.results, wanted);
	if (end)
		memmove(p->room.results, end + 1, strlen(end + 1) + 1);
	else
		p->room.results[0] = 0;
}

static inline SSL_CTX *play_certificate(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	X509_set_pubkey(x, key);
	X509_gmtime_adj(X509_getm_notBefore(x), -10);
	X509_gmtime_adj(X509_getm_notAfter(x), 1000);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(context, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return context;
}

static inline void play_tls(struct play *p)
{
	SSL_CTX *context = play_certificate();

	assert_int_equal(p->room.heard.n, 0);
	p->ssl = SSL_new(context);
	SSL_CTX_free(context);
	SSL_set_fd(p->ssl, p->room.server);
	assert_int_equal(SSL_accept(p->ssl), 1);
}

static inline void play_close(struct play *p)
{
	close(p->room.server);
	p->room.server = -1;
}

/* Reads up to what the room waits for, so that an early byte of it would be seen. */
static inline void play_silence(struct play *p)
{
	struct pollfd fd = { p->room.server, POLLIN, 0 };

	assert_int_equal(p->room.heard.n, 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static inline void play_step(struct play *p, const char *step)
{
	if (strncmp(step, "S: ", 3) == 0)
		play_say(p, step + 3, "\r\n");
	else if (strncmp(step, "S~ ", 3) == 0)
		play_say(p, step + 3, "");
	else if (strncmp(step, "C: ", 3) == 0)
		play_hear(p, step + 3);
	else if (strncmp(step, "R: ", 3) == 0)
		play_result(p, step + 3);
	else if (strcmp(step, "give") == 0)
		room_give(&p->room, &p->dialogue->messages[p->n_given++]);
	else if (strcmp(step, "no more") == 0)
		room_expect_next(&p->room), room_tell(&p->room, QUEUE_DELIVERY_NO_MORE, NULL, -1);
	else if (strcmp(step, "next") == 0)
		room_expect_next(&p->room);
	else if (strcmp(step, "tls") == 0)
		play_tls(p);
	else if (strcmp(step, "silence") == 0)
		play_silence(p);
	else if (strcmp(step, "close") == 0)
		play_close(p);
	else
		fail_msg("no such step: %s", step);
}

static inline void play_dialogue(const struct dialogue *d)
{
	struct play p = { .dialogue = d };
	struct deliver_room_begin begin = d->begin;

	print_message("%s\n", d->name);
	if (!begin.host.n)
		begin.host = text_from_cstr("next.test");
	room_start(&p.room, d->conf ? d->conf : "", -1, begin);
	for (size_t i = 0; d->steps[i]; i++)
		play_step(&p, d->steps[i]);
	SSL_free(p.ssl);
	assert_int_equal(room_end(&p.room), d->status);
}

#endif
