/* SPDX-License-Identifier: Apache-2.0
 *
 * The session room's own channels: questions to policy, words with receive. Called by the other files
 * of the room. Trusts both peers for their answers; the link checks that each is one that may come now.
 * A peer that is silent or gone ends the session with 421: the client tries again later and nothing is
 * lost. Invariant: a question is asked only in the state of smtp_state in which policy may hear it, so
 * the two states never part.
 */
#include "roles/receive/session_state.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/policy_session.h"
#include "ipc/session_queue.h"

#include <unistd.h>

#define ANSWER_WAIT 60000 /* ms: a standing role answers at once or is in trouble */

static const enum smtp_reply_id verdict_replies[] = {
	[POLICY_SESSION_VERDICT_OK] = SMTP_REPLY_TRY_LATER, /* a refusal that says `ok` */
	[POLICY_SESSION_VERDICT_NO_SUCH_USER] = SMTP_REPLY_USER_UNKNOWN,
	[POLICY_SESSION_VERDICT_RELAY_DENIED] = SMTP_REPLY_RELAY_DENIED,
	[POLICY_SESSION_VERDICT_TOO_MANY_RECIPIENTS] = SMTP_REPLY_TOO_MANY_RECIPIENTS,
	[POLICY_SESSION_VERDICT_TOO_MANY_MESSAGES] = SMTP_REPLY_TOO_MANY_MESSAGES,
	[POLICY_SESSION_VERDICT_TOO_FAST] = SMTP_REPLY_TOO_FAST,
	[POLICY_SESSION_VERDICT_SENDER_REFUSED] = SMTP_REPLY_SENDER_REFUSED,
	[POLICY_SESSION_VERDICT_DOMAIN_REFUSED] = SMTP_REPLY_DOMAIN_REFUSED,
	[POLICY_SESSION_VERDICT_BAD_RECIPIENT] = SMTP_REPLY_RECIPIENT_REFUSED,
	[POLICY_SESSION_VERDICT_TRY_LATER] = SMTP_REPLY_TRY_LATER,
	[POLICY_SESSION_VERDICT_QUEUE_FULL] = SMTP_REPLY_QUEUE_FULL,
	[POLICY_SESSION_VERDICT_TLS_REQUIRED] = SMTP_REPLY_TLS_FIRST,
	[POLICY_SESSION_VERDICT_TOO_LARGE] = SMTP_REPLY_TOO_LARGE,
	[POLICY_SESSION_VERDICT_AUTH_REQUIRED] = SMTP_REPLY_AUTH_FIRST,
};

static enum smtp_reply_id reply_of_verdict(enum policy_session_verdict verdict)
{
	return verdict < sizeof verdict_replies / sizeof *verdict_replies ? verdict_replies[verdict]
									  : SMTP_REPLY_TRY_LATER;
}

static void tell_policy(struct session *s, unsigned type, const void *body)
{
	if (s->is_over || link_send(&s->policy, type, body, NULL, 0, clock_mono_ms() + ANSWER_WAIT))
		session_end(s, SMTP_REPLY_INTERNAL, RECEIVE_SESSION_HOW_STOPPED);
}

/* Asks, and waits for the answer in s->in. Returns its type, 0 when the session is over. */
static unsigned ask_policy(struct session *s, unsigned type, const void *body)
{
	tell_policy(s, type, body);
	if (s->is_over)
		return 0;
	if (link_receive(&s->policy, &s->in, clock_mono_ms() + ANSWER_WAIT)) {
		session_end(s, SMTP_REPLY_INTERNAL, RECEIVE_SESSION_HOW_STOPPED);
		return 0;
	}
	return s->in.type;
}

enum smtp_reply_id session_ask_hello(struct session *s, struct text name, bool is_extended)
{
	struct policy_session_helo helo = { name, is_extended };
	const struct policy_session_helo_answer *answer = link_body(&s->in);

	if (!ask_policy(s, POLICY_SESSION_HELO, &helo) || answer->verdict == POLICY_SESSION_VERDICT_OK)
		return SMTP_REPLY_NONE;
	return reply_of_verdict(answer->verdict);
}

enum smtp_reply_id session_ask_mail(struct session *s, const struct smtp_mail *mail)
{
	const struct policy_session_mail_refused *answer = link_body(&s->in);
	struct policy_session_mail ask = { .size = mail->size,
					   .smtputf8 = mail->smtputf8,
					   .envid = mail->envid };
	unsigned type;
	struct buf sender;

	buf_init(&sender, SMTP_ADDRESS_MAX);
	ASSERT(smtp_address_print(&mail->sender, &sender));
	ask.sender = buf_text(&sender);
	ask.body = mail->body == SMTP_BODY_8BITMIME ? POLICY_SESSION_BODY_EIGHT_BIT
						    : POLICY_SESSION_BODY_SEVEN_BIT;
	if (mail->ret)
		ask.ret = mail->ret == SMTP_RET_FULL ? POLICY_SESSION_RET_FULL : POLICY_SESSION_RET_HEADERS;
	type = ask_policy(s, POLICY_SESSION_MAIL, &ask);
	buf_done(&sender);
	return type == POLICY_SESSION_MAIL_REFUSED ? reply_of_verdict(answer->verdict) : SMTP_REPLY_NONE;
}

enum smtp_reply_id session_ask_rcpt(struct session *s, const struct smtp_rcpt *rcpt)
{
	const struct policy_session_rcpt_refused *answer = link_body(&s->in); /* ..._first is the same */
	struct policy_session_rcpt ask = { .orcpt = rcpt->orcpt, .notify = (uint8_t)rcpt->notify };
	unsigned type;
	struct buf address;

	buf_init(&address, SMTP_ADDRESS_MAX);
	ASSERT(smtp_address_print(&rcpt->recipient, &address));
	ask.address = buf_text(&address);
	type = ask_policy(s, POLICY_SESSION_RCPT, &ask);
	buf_done(&address);
	if (type == 0 || type == POLICY_SESSION_RCPT_OK)
		return SMTP_REPLY_NONE;
	return reply_of_verdict(answer->verdict);
}

enum smtp_reply_id session_ask_data(struct session *s)
{
	const struct policy_session_no_go *answer = link_body(&s->in);
	unsigned type = ask_policy(s, POLICY_SESSION_DATA, NULL);

	if (type == POLICY_SESSION_GO) {
		s->queue = link_of(s->in.fds[0], &session_queue_edge, SESSION_QUEUE_SIDE_SESSION);
		s->in.fds[0] = -1;
	}
	return type == POLICY_SESSION_NO_GO ? reply_of_verdict(answer->verdict) : SMTP_REPLY_NONE;
}

void session_tell_reset(struct session *s)
{
	tell_policy(s, POLICY_SESSION_RESET, NULL);
}

void session_tell_tls(struct session *s, struct text version, struct text cipher)
{
	struct policy_session_tls tls = { version, cipher };

	tell_policy(s, POLICY_SESSION_TLS, &tls);
}

bool session_begin(struct session *s)
{
	const struct receive_session_begin *begin = link_body(&s->in);
	const struct conf_listener *l;

	if (link_receive(&s->control, &s->in, clock_mono_ms() + ANSWER_WAIT))
		return false;
	if (s->in.type != RECEIVE_SESSION_BEGIN || begin->listener >= s->conf->listener.n)
		return false;
	l = s->listener = &s->conf->listener.v[begin->listener];
	if (l->bare_newline == CONF_BARE_NEWLINE_REJECT &&
	    !conf_is_in(&l->bare_newline_exempt, &begin->client))
		s->newlines = SMTP_NEWLINES_REJECT;
	return true;
}

void session_hear_control(struct session *s)
{
	enum error e = link_receive(&s->control, &s->in, LINK_NO_WAIT);

	if (e == ERROR_BUSY)
		return;
	link_in_close_fds(&s->in);
	session_end(s, SMTP_REPLY_STOPPING, RECEIVE_SESSION_HOW_STOPPED);
}

int session_want_key(struct session *s)
{
	int fd;

	if (link_send(&s->control, RECEIVE_SESSION_WANT_KEY, NULL, NULL, 0, clock_mono_ms() + ANSWER_WAIT) ||
	    link_receive(&s->control, &s->in, clock_mono_ms() + ANSWER_WAIT)) {
		session_end(s, SMTP_REPLY_INTERNAL, RECEIVE_SESSION_HOW_STOPPED);
		return -1;
	}
	if (s->in.type == RECEIVE_SESSION_STOP)
		session_end(s, SMTP_REPLY_STOPPING, RECEIVE_SESSION_HOW_STOPPED);
	fd = s->in.type == RECEIVE_SESSION_KEY ? s->in.fds[0] : -1;
	if (fd >= 0)
		s->in.fds[0] = -1;
	return fd;
}

static uint32_t clamp(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void session_tell_outcome(struct session *s)
{
	struct receive_session_outcome outcome = { s->how, clamp(s->n_accepted), clamp(s->n_refused),
						   clamp(s->n_commands), clamp(s->n_errors) };

	/* receive may be gone; then nobody counts. */
	(void)!link_send(&s->control, RECEIVE_SESSION_OUTCOME, &outcome, NULL, 0, clock_mono_ms() + 1000);
}
