/* SPDX-License-Identifier: Apache-2.0
 *
 * The delivery room: one connection to one server, and the messages that queue has for it. Forked by
 * the delivery zygote; the socket is connected already. Reads top to bottom. The server is a stranger;
 * queue and deliver are trusted. rfc5321 3.1 to 3.3, rfc3207, rfc2033
 *
 * Invariants: a server that turns us away before the first message ends the room with DELIVER_TRY_NEXT
 * when there is another address, and is reported for the first message otherwise; nothing said before
 * TLS counts after it; with `must` no message leaves without TLS.
 */
#include "roles/deliver/smtp_room.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "role/tls.h"
#include "roles/deliver/deliver.h"

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)256 << 10) /* a pipelined group of as many recipients as queue puts together */
#define LAST_WORDS 2000                /* ms */

int64_t smtp_room_deadline(const struct smtp_room *r, int64_t timeout)
{
	int64_t deadline = clock_mono_ms() + timeout;

	return deadline < r->ends_at ? deadline : r->ends_at;
}

enum error smtp_room_read_reply(struct smtp_room *r, int64_t timeout)
{
	int64_t deadline = smtp_room_deadline(r, timeout);
	enum smtp_client_status status = SMTP_CLIENT_MORE;
	enum error e = ERROR_NONE;

	smtp_client_reply_init(&r->reply);
	for (;;) {
		stream_consume(&r->stream,
			       smtp_client_reply_feed(&r->reply, stream_input(&r->stream), &status));
		if (status == SMTP_CLIENT_BAD)
			return ERROR_MALFORMED;
		if (r->reply.read_n > r->conf->deliver.max_reply_size)
			return ERROR_TOO_LARGE;
		if (status == SMTP_CLIENT_DONE)
			return ERROR_NONE;
		e = stream_fill(&r->stream, deadline);
		if (e)
			return e;
	}
}

static enum error command(struct smtp_room *r, const char *verb, struct text argument, int64_t timeout)
{
	enum error e;

	smtp_client_print_command(verb, argument, &r->stream.output);
	e = stream_flush(&r->stream, smtp_room_deadline(r, timeout));
	return e ? e : smtp_room_read_reply(r, timeout);
}

/* EHLO, HELO for servers that do not know it, LHLO. rfc5321 4.1.1.1, rfc2033 4.1 */
static enum error say_hello(struct smtp_room *r)
{
	bool is_lmtp = r->begin.protocol == DELIVER_ROOM_PROTOCOL_LMTP;
	int64_t timeout = r->conf->deliver.command_timeout;
	enum error e = command(r, is_lmtp ? "LHLO" : "EHLO", r->begin.ehlo_name, timeout);

	r->caps = (struct smtp_client_caps){ 0 };
	if (e)
		return e;
	if (smtp_room_is_positive(r)) {
		r->caps = r->reply.caps;
		return ERROR_NONE;
	}
	if (is_lmtp || r->reply.code < 500)
		return ERROR_DENIED;
	e = command(r, "HELO", r->begin.ehlo_name, timeout);
	if (!e && !smtp_room_is_positive(r))
		e = ERROR_DENIED;
	return e;
}

/* ERROR_TLS: the handshake failed. ERROR_DENIED: the reply says why not. */
static enum error start_tls(struct smtp_room *r)
{
	int64_t timeout = r->conf->deliver.command_timeout;
	enum error e = command(r, "STARTTLS", text_from_cstr(""), timeout);

	if (e)
		return e;
	if (!smtp_room_is_positive(r))
		return ERROR_DENIED;
	if (stream_input(&r->stream).n) /* sent ahead of the handshake, in clear: not from the server */
		return ERROR_TLS;
	if (tls_connect(r->tls, &r->stream, r->begin.host, smtp_room_deadline(r, timeout)))
		return ERROR_TLS;
	return say_hello(r);
}

/* From the greeting to the point where MAIL may come. */
static enum error open_conversation(struct smtp_room *r)
{
	enum error e = smtp_room_read_reply(r, r->conf->deliver.greeting_timeout);

	if (!e && !smtp_room_is_positive(r))
		e = ERROR_DENIED;
	if (!e)
		e = say_hello(r);
	if (!e && r->caps.starttls && r->begin.tls != DELIVER_ROOM_TLS_NONE) {
		e = start_tls(r);
		if (e == ERROR_DENIED && r->begin.tls == DELIVER_ROOM_TLS_MAY && !r->stream.ssl)
			return ERROR_NONE; /* it changed its mind; we go on in clear */
	}
	return e;
}

/* While queue has nothing for us: does the server still hold the line? */
static enum error watch_server(void *arg, int queue_fd)
{
	struct smtp_room *r = arg;

	return stream_wait_for(&r->stream, queue_fd, r->ends_at);
}

static bool has_tls_it_needs(const struct smtp_room *r)
{
	return r->begin.tls != DELIVER_ROOM_TLS_MUST || r->stream.ssl;
}

static int serve(struct smtp_room *r)
{
	enum error e;

	while (!(e = delivery_next(&r->delivery, watch_server, r))) {
		bool is_usable = transaction_run(r);
		r->n_sent++;
		if (delivery_report(&r->delivery, is_usable))
			return EX_IOERR;
		if (!is_usable)
			return EX_OK;
	}
	if (e == ERROR_NOT_FOUND && !command(r, "QUIT", text_from_cstr(""), LAST_WORDS))
		stream_end(&r->stream, clock_mono_ms() + LAST_WORDS);
	return EX_OK;
}

/* A server that turns us away before it has heard of a message says nothing about this one, so that it is
 * tried again whatever the class of the reply, unless the server never takes mail: 521. rfc7504 */
static enum queue_delivery_outcome outcome_of_refusal(unsigned code)
{
	return code == 521 ? QUEUE_DELIVERY_OUTCOME_FAILED : QUEUE_DELIVERY_OUTCOME_DEFERRED;
}

/* The server turned us away, and there is no other: the first message hears why. */
static int report_refusal(struct smtp_room *r, enum error why)
{
	struct delivery *d = &r->delivery;
	const struct smtp_client_reply *reply = &r->reply;
	const char *enhanced = reply->code == 521 ? "5.3.2" : "4.3.2";
	char text[160];

	if (delivery_next(d, NULL, NULL))
		return EX_OK;
	if (why == ERROR_DENIED) {
		enum queue_delivery_outcome outcome = outcome_of_refusal(reply->code);
		for (uint32_t i = 0; i < d->n_rcpts; i++)
			delivery_settle(d, &d->rcpts[i], outcome, reply->code, text_from_cstr(enhanced),
					text_from_bytes(reply->text, reply->text_n));
	} else if (why == ERROR_NONE) {
		delivery_settle_all(d, QUEUE_DELIVERY_OUTCOME_DEFERRED, 0, "4.7.4",
				    "TLS is required for this domain, and the server does not offer it");
	} else {
		snprintf(text, sizeof text, "%s, before the first message", error_text(why));
		delivery_settle_all(d, QUEUE_DELIVERY_OUTCOME_DEFERRED, 0,
				    why == ERROR_TLS ? "4.7.5" : "4.4.2", text);
	}
	return delivery_report(d, false) ? EX_IOERR : EX_OK;
}

static int run(struct zygote *z)
{
	static struct smtp_room r;
	enum error e;

	r.conf = z->conf;
	r.tls = z->self;
	r.ends_at = clock_mono_ms() + z->conf->deliver.session_time;
	arena_init(&r.arena, 4096);
	if (delivery_begin(DELIVER_ROOM_CONTROL, &r.arena, &r.begin))
		return EX_SOFTWARE;
	close(DELIVER_ROOM_CONTROL);
	stream_init(&r.stream, ROOM_FD, OUTPUT_MAX);
	delivery_open(&r.delivery, DELIVER_ROOM_QUEUE);
	e = open_conversation(&r);
	if (e == ERROR_TLS && r.begin.tls == DELIVER_ROOM_TLS_MAY)
		return DELIVER_NO_TLS;
	if (!e && has_tls_it_needs(&r))
		return serve(&r);
	if (!r.begin.is_last)
		return DELIVER_TRY_NEXT;
	return report_refusal(&r, e);
}

/* OpenSSL and its files, before the sandbox. */
static void open_zygote(struct zygote *z)
{
	z->self = tls_client_new(&z->conf->tls);
}

static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	(void)ret_cpu_seconds;
	*ret_memory =
		conf->rooms.memory + ((uint64_t)256 << 20); /* address space of the program before its work */
}

const struct zygote_definition delivery_zygote = {
	.kind = PROCESS_DELIVERY,
	.n_fds = 3,
	.open = open_zygote,
	.limits = limit,
	.room = run,
};
