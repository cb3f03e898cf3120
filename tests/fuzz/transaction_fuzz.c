/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a hostile server during one message. The first byte holds what it has offered and
 * whether it speaks LMTP, the rest is everything that it says; then it closes. Checked beside memory
 * safety: every recipient is settled, within the bounds of queue_delivery.def; nobody is delivered but
 * by a 2xx, and none is reported as relayed that was not delivered.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "roles/deliver/smtp_room.h"

#include <sys/socket.h>
#include <unistd.h>

#define LONG_ENOUGH 3600000
#define SAID_MAX    65536 /* fits into the socket, so that nobody waits */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct conf *conf_of_room(void)
{
	static struct conf *conf;
	struct buf errors;

	if (conf)
		return conf;
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	conf = conf_parse(text_from_cstr("hostname mx.test.example\n"), "fuzz", CONF_PART, &errors);
	ASSERT(conf != NULL);
	buf_done(&errors);
	return conf;
}

static void put_message(struct delivery *d, struct delivery_rcpt rcpts[3])
{
	static const char message[] = "Subject: x\r\n\r\n.\r\nHello.\r\n";
	static const char *const addresses[] = { "b@here.test", "\"c d\"@here.test", "e@here.test" };

	*d = (struct delivery){ .id = 1, .sender = TEXT("a@far.test"), .file = -1, .n_rcpts = 3 };
	arena_init(&d->arena, 65536);
	buf_init(&d->inline_text, 1024);
	ASSERT(buf_add_cstr(&d->inline_text, message));
	d->size = d->inline_text.n;
	d->rcpts = rcpts;
	for (uint32_t i = 0; i < 3; i++)
		rcpts[i] = (struct delivery_rcpt){ .index = i, .address = text_from_cstr(addresses[i]) };
}

static void check_rcpt(const struct delivery_rcpt *r)
{
	bool is_delivered = r->outcome == QUEUE_DELIVERY_OUTCOME_DELIVERED;

	ASSERT(r->is_settled && r->code <= 599 && r->enhanced.n <= 12 && r->text.n <= 512);
	ASSERT(!is_delivered || (r->code >= 200 && r->code < 300));
	ASSERT(!r->is_relayed || is_delivered);
}

static void open_room(struct smtp_room *r, uint8_t offers, int fd)
{
	r->conf = conf_of_room();
	r->ends_at = clock_mono_ms() + LONG_ENOUGH;
	r->n_sent = offers >> 6 & 1;
	r->begin.protocol = offers >> 7 ? DELIVER_ROOM_PROTOCOL_LMTP : DELIVER_ROOM_PROTOCOL_SMTP;
	r->caps = (struct smtp_client_caps){ .pipelining = offers & 1,
					     .eightbitmime = offers & 2,
					     .smtputf8 = offers & 4,
					     .dsn = offers & 8,
					     .size = offers & 16,
					     .max_size = offers & 32 ? 10 : 0 };
	stream_init(&r->stream, fd, (size_t)256 << 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct smtp_room r;
	struct delivery_rcpt rcpts[3];
	int fds[2];

	if (n == 0 || n > SAID_MAX)
		return 0;
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	ASSERT(send(fds[1], data + 1, n - 1, MSG_NOSIGNAL) == (ssize_t)n - 1);
	shutdown(fds[1], SHUT_WR);
	open_room(&r, data[0], fds[0]);
	put_message(&r.delivery, rcpts);
	(void)transaction_run(&r);
	for (size_t i = 0; i < 3; i++)
		check_rcpt(&rcpts[i]);
	stream_done(&r.stream);
	buf_done(&r.delivery.inline_text);
	arena_reset(&r.delivery.arena);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
