/* SPDX-License-Identifier: Apache-2.0
 *
 * One message to a server: MAIL, RCPT, DATA, in one group where the server pipelines, and what its
 * replies mean for each recipient. Called by smtp_room.c. The server is a stranger; the message came by
 * queue. rfc5321 4.1, 4.2, rfc2920, rfc2033
 *
 * Invariants: every recipient is settled at the end, by what was said about it or by the failure of the
 * connection; nobody is DELIVERED without a 2xx to the end of the data. When the connection is lost
 * after that end, the server may have the message: it is deferred, and may arrive twice, which rfc5321
 * 6.1 prefers to losing it.
 */
#include "roles/deliver/smtp_room.h"

#include "base/ensure.h"

#include <stdlib.h>

#define STUFFED_MAX (2 * DELIVERY_PIECE + 16)

struct transaction {
	struct smtp_room *r;
	struct delivery *d;
	bool is_eight_bit, is_utf8;
	bool is_lost;  /* the connection */
	bool is_begun; /* the server has answered MAIL */
	bool is_open;  /* MAIL was accepted, and nothing has ended the transaction yet */
	uint32_t n_accepted;
};

static enum queue_delivery_outcome outcome_of(unsigned code)
{
	if (code >= 200 && code < 300)
		return QUEUE_DELIVERY_OUTCOME_DELIVERED;
	return code >= 500 ? QUEUE_DELIVERY_OUTCOME_FAILED : QUEUE_DELIVERY_OUTCOME_DEFERRED;
}

/* Where the server gave no enhanced code, the general one of its class. rfc3463 2 */
static struct text enhanced_of(const struct smtp_client_reply *reply)
{
	if (reply->enhanced[0])
		return text_from_cstr(reply->enhanced);
	if (reply->code < 300)
		return text_from_cstr("2.0.0");
	return text_from_cstr(reply->code >= 500 ? "5.0.0" : "4.0.0");
}

static void settle_by_reply(struct transaction *t, struct delivery_rcpt *rcpt,
			    enum queue_delivery_outcome outcome)
{
	const struct smtp_client_reply *reply = &t->r->reply;

	delivery_settle(t->d, rcpt, outcome, reply->code, enhanced_of(reply),
			text_from_bytes(reply->text, reply->text_n));
}

static void settle_all_by_reply(struct transaction *t)
{
	enum queue_delivery_outcome outcome = outcome_of(t->r->reply.code);

	if (outcome == QUEUE_DELIVERY_OUTCOME_DELIVERED)
		outcome = QUEUE_DELIVERY_OUTCOME_DEFERRED; /* a 2xx where none belongs */
	for (uint32_t i = 0; i < t->d->n_rcpts; i++)
		settle_by_reply(t, &t->d->rcpts[i], outcome);
}

/* A server may end a connection between two messages: after so many, or when it has waited too long.
 * That says nothing about this message, which is tried again at once; not so a connection's first one,
 * since that could go on for ever. */
static bool is_between_messages(const struct transaction *t)
{
	return t->r->n_sent > 0 && !t->is_begun;
}

static void lose(struct transaction *t, enum error e, const char *when)
{
	bool is_untried = e == ERROR_CLOSED && is_between_messages(t);
	char why[160];

	snprintf(why, sizeof why, "%s %s", error_text(e), when);
	t->is_lost = true;
	delivery_settle_all(t->d,
			    is_untried ? QUEUE_DELIVERY_OUTCOME_UNTRIED : QUEUE_DELIVERY_OUTCOME_DEFERRED, 0,
			    "4.4.2", why);
}

/* The next reply; false when the connection is lost, and then everybody is settled. */
static bool await(struct transaction *t, int64_t timeout, const char *when)
{
	enum error e = smtp_room_read_reply(t->r, timeout);

	if (!e && t->r->reply.code == 421 && is_between_messages(t))
		e = ERROR_CLOSED;
	if (e)
		lose(t, e, when);
	else if (t->r->reply.code == 421) /* rfc5321 3.8: it will close */
		t->is_lost = true;
	t->is_begun = true;
	return !e;
}

/* ---- may it go there at all? ---- */

static bool has_eight_bit(struct smtp_room *r)
{
	struct delivery_reader reader = { 0, r->piece };
	struct text piece;

	while (delivery_read(&r->delivery, &reader, &piece) == ERROR_NONE)
		if (!text_is_ascii(piece))
			return true;
	return false;
}

/* In the header, which is in the first piece or near enough: SMTPUTF8 is about headers. rfc6531 3.1 */
static bool has_utf8_header(struct smtp_room *r)
{
	struct delivery_reader reader = { 0, r->piece };
	struct text piece, end = TEXT("\r\n\r\n");
	size_t at;

	while (delivery_read(&r->delivery, &reader, &piece) == ERROR_NONE) {
		at = text_find(piece, end);
		if (!text_is_ascii(text_slice(piece, 0, at)))
			return true;
		if (at != SIZE_MAX)
			return false;
	}
	return false;
}

static void settle_all_failed(struct transaction *t, const char *enhanced, const char *why)
{
	delivery_settle_all(t->d, QUEUE_DELIVERY_OUTCOME_FAILED, 0, enhanced, why);
}

/* What this server does not do, so that the message cannot be given to it. */
static void check_needs(struct transaction *t)
{
	const struct smtp_client_caps *caps = &t->r->caps;
	struct delivery *d = t->d;

	if (caps->size && caps->max_size && d->size > caps->max_size)
		settle_all_failed(t, "5.3.4", "larger than the next server takes");
	t->is_eight_bit = has_eight_bit(t->r); /* whatever was declared: many clients declare nothing */
	if (t->is_eight_bit &&
	    !caps->eightbitmime) /* rfc6152 3: converted or returned, and we do not convert */
		settle_all_failed(t, "5.6.3", "the next server does not take 8-bit text (8BITMIME)");
	if (!d->smtputf8)
		return;
	t->is_utf8 = caps->smtputf8;
	if (t->is_utf8)
		return;
	if (!text_is_ascii(d->sender) || has_utf8_header(t->r)) {
		settle_all_failed(t, "5.6.7",
				  "the next server does not take internationalized mail (SMTPUTF8)");
		return;
	}
	for (uint32_t i = 0; i < d->n_rcpts; i++)
		if (!text_is_ascii(d->rcpts[i].address))
			delivery_settle(
				d, &d->rcpts[i], QUEUE_DELIVERY_OUTCOME_FAILED, 0, text_from_cstr("5.6.7"),
				text_from_cstr("the next server does not take internationalized addresses"));
}

static uint32_t count_open(const struct transaction *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->d->n_rcpts; i++)
		n += !t->d->rcpts[i].is_settled;
	return n;
}

/* ---- commands ---- */

static bool put_mail(struct transaction *t)
{
	const struct delivery *d = t->d;
	struct smtp_mail mail = { .size = d->size,
				  .body = t->is_eight_bit ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT,
				  .smtputf8 = t->is_utf8,
				  .envid = d->envid };
	struct arena scratch;
	bool is_good;

	if (d->ret != QUEUE_DELIVERY_RET_UNSET)
		mail.ret = d->ret == QUEUE_DELIVERY_RET_FULL ? SMTP_RET_FULL : SMTP_RET_HDRS;
	arena_init(&scratch, 8192);
	is_good = d->sender.n == 0 || smtp_address_parse(d->sender, &scratch, &mail.sender) == ERROR_NONE;
	is_good = is_good && smtp_client_print_mail(&mail, &t->r->caps, &t->r->stream.output);
	arena_reset(&scratch);
	if (!is_good)
		settle_all_failed(t, "5.1.7", "the sender cannot be written in SMTP");
	return is_good;
}

/* False: it has no address that SMTP could say, and is settled. */
static bool put_rcpt(struct transaction *t, struct delivery_rcpt *r)
{
	struct smtp_rcpt rcpt = { .notify = r->notify, .orcpt = r->orcpt };
	struct arena scratch;
	bool is_good;

	arena_init(&scratch, 8192);
	is_good = smtp_address_parse(r->address, &scratch, &rcpt.recipient) == ERROR_NONE &&
		  smtp_client_print_rcpt(&rcpt, &t->r->caps, &t->r->stream.output);
	arena_reset(&scratch);
	if (!is_good)
		delivery_settle(t->d, r, QUEUE_DELIVERY_OUTCOME_FAILED, 0, text_from_cstr("5.1.3"),
				text_from_cstr("the address cannot be written in SMTP"));
	return is_good;
}

static bool flush(struct transaction *t, const char *when)
{
	enum error e =
		stream_flush(&t->r->stream, smtp_room_deadline(t->r, t->r->conf->deliver.block_timeout));

	if (e)
		lose(t, e, when);
	return !e;
}

static bool read_mail_reply(struct transaction *t)
{
	if (!await(t, t->r->conf->deliver.command_timeout, "after MAIL"))
		return false;
	t->is_open = smtp_room_is_positive(t->r);
	if (!t->is_open)
		settle_all_by_reply(t);
	return true;
}

static bool read_rcpt_reply(struct transaction *t, struct delivery_rcpt *r)
{
	const struct smtp_client_reply *reply = &t->r->reply;

	if (!await(t, t->r->conf->deliver.command_timeout, "after RCPT"))
		return false;
	if (r->is_settled) /* MAIL was refused */
		return true;
	if (smtp_room_is_positive(t->r))
		t->n_accepted++;
	else if (reply->code == 552) /* an old way to say "too many recipients". rfc5321 4.5.3.1.10 */
		delivery_settle(t->d, r, QUEUE_DELIVERY_OUTCOME_DEFERRED, reply->code,
				text_from_cstr("4.5.3"), text_from_bytes(reply->text, reply->text_n));
	else
		settle_by_reply(t, r, outcome_of(reply->code));
	return true;
}

/* Which recipients are offered: those not settled before MAIL. */
static bool *mark_offered(const struct transaction *t)
{
	bool *is_offered = mem_zalloc(t->d->n_rcpts, sizeof *is_offered);

	for (uint32_t i = 0; i < t->d->n_rcpts; i++)
		is_offered[i] = !t->d->rcpts[i].is_settled;
	return is_offered;
}

/* MAIL, all RCPT and DATA at once. rfc2920 3.1 */
static bool send_group(struct transaction *t, bool *is_offered)
{
	if (!put_mail(t))
		return false;
	for (uint32_t i = 0; i < t->d->n_rcpts; i++)
		is_offered[i] = is_offered[i] && put_rcpt(t, &t->d->rcpts[i]);
	smtp_client_print_command("DATA", text_from_cstr(""), &t->r->stream.output);
	if (!flush(t, "while sending the envelope") || !read_mail_reply(t))
		return false;
	for (uint32_t i = 0; i < t->d->n_rcpts; i++)
		if (is_offered[i] && !read_rcpt_reply(t, &t->d->rcpts[i]))
			return false;
	return await(t, t->r->conf->deliver.data_timeout, "after DATA");
}

static bool send_one_by_one(struct transaction *t, const bool *is_offered)
{
	if (!put_mail(t) || !flush(t, "while sending MAIL") || !read_mail_reply(t) || !t->is_open)
		return false;
	for (uint32_t i = 0; i < t->d->n_rcpts && !t->is_lost; i++)
		if (is_offered[i] && put_rcpt(t, &t->d->rcpts[i]) && flush(t, "while sending RCPT"))
			read_rcpt_reply(t, &t->d->rcpts[i]);
	if (t->is_lost || t->n_accepted == 0)
		return false;
	smtp_client_print_command("DATA", text_from_cstr(""), &t->r->stream.output);
	return flush(t, "while sending DATA") && await(t, t->r->conf->deliver.data_timeout, "after DATA");
}

/* ---- the message ---- */

static enum error send_text(struct transaction *t)
{
	struct delivery_reader reader = { 0, t->r->piece };
	struct smtp_stuffer stuffer = { 0 };
	int64_t timeout = t->r->conf->deliver.block_timeout;
	struct text piece;
	struct buf out;
	enum error e = ERROR_NONE, end;

	buf_init(&out, STUFFED_MAX);
	while (!e && (end = delivery_read(t->d, &reader, &piece)) == ERROR_NONE) {
		buf_reset(&out);
		smtp_stuffer_write(&stuffer, piece, &out);
		e = stream_write(&t->r->stream, buf_text(&out), smtp_room_deadline(t->r, timeout));
	}
	if (!e && end != ERROR_NOT_FOUND)
		e = end;
	buf_reset(&out);
	smtp_stuffer_end(&stuffer, &out);
	if (!e)
		e = stream_write(&t->r->stream, buf_text(&out), smtp_room_deadline(t->r, timeout));
	buf_done(&out);
	return e;
}

static void settle_end(struct transaction *t, struct delivery_rcpt *rcpt)
{
	enum queue_delivery_outcome outcome = outcome_of(t->r->reply.code);

	rcpt->is_relayed = outcome == QUEUE_DELIVERY_OUTCOME_DELIVERED && t->r->caps.dsn &&
			   t->r->begin.protocol == DELIVER_ROOM_PROTOCOL_SMTP;
	settle_by_reply(t, rcpt, outcome);
}

/* LMTP answers for each recipient that it had accepted, in order. rfc2033 4.2 */
static void read_end(struct transaction *t)
{
	static const char when[] = "after the end of the message: it may have arrived";
	bool is_lmtp = t->r->begin.protocol == DELIVER_ROOM_PROTOCOL_LMTP;

	if (!is_lmtp && !await(t, t->r->conf->deliver.final_timeout, when))
		return;
	for (uint32_t i = 0; i < t->d->n_rcpts; i++) {
		struct delivery_rcpt *rcpt = &t->d->rcpts[i];
		if (rcpt->is_settled)
			continue;
		if (is_lmtp && !await(t, t->r->conf->deliver.final_timeout, when))
			return;
		settle_end(t, rcpt);
	}
}

/* DATA was answered by 354. */
static void send_message(struct transaction *t)
{
	enum error e = ERROR_NONE;

	if (t->n_accepted ==
	    0) { /* pipelined, and nobody was accepted: an empty message to nobody. rfc2920 3.1 */
		e = stream_write(&t->r->stream, text_from_cstr(".\r\n"),
				 smtp_room_deadline(t->r, t->r->conf->deliver.block_timeout));
		if (!e && t->r->begin.protocol != DELIVER_ROOM_PROTOCOL_LMTP)
			await(t, t->r->conf->deliver.final_timeout, "after an empty message");
		t->is_lost = t->is_lost || e;
		return;
	}
	e = send_text(t);
	if (e)
		lose(t, e, "while sending the message");
	else
		read_end(t);
	t->is_open = false;
}

/* The transaction was left half done. */
static void reset(struct transaction *t)
{
	smtp_client_print_command("RSET", text_from_cstr(""), &t->r->stream.output);
	if (!flush(t, "while sending RSET") || !await(t, t->r->conf->deliver.command_timeout, "after RSET"))
		return;
	t->is_lost = t->is_lost || !smtp_room_is_positive(t->r);
}

bool transaction_run(struct smtp_room *r)
{
	struct transaction t = { .r = r, .d = &r->delivery };
	bool *is_offered;
	bool is_answered;

	check_needs(&t);
	if (count_open(&t) == 0)
		return true;
	is_offered = mark_offered(&t);
	is_answered = r->caps.pipelining ? send_group(&t, is_offered) : send_one_by_one(&t, is_offered);
	free(is_offered);
	if (is_answered && r->reply.code == 354)
		send_message(&t);
	else if (is_answered)
		settle_all_by_reply(&t);
	delivery_settle_all(&r->delivery, QUEUE_DELIVERY_OUTCOME_DEFERRED, 0, "4.4.2",
			    "the server broke off");
	if (t.is_open && !t.is_lost)
		reset(&t);
	return !t.is_lost;
}
