/* SPDX-License-Identifier: Apache-2.0
 *
 * What each SMTP command does, in the order of smtp_command.def. Called by the dispatcher of
 * session.c with commands that were parsed whole and are allowed in this state. Trusts policy's
 * answers. Invariants: each function gives exactly one reply, or ends the session; s->state moves only
 * after policy has agreed.
 */
#include "roles/receive/session_state.h"

#include "proto/domain.h"

#define EHLO_MAX 1024
#define NOTHING  text_from_cstr("")

/* Commands that cost us and bring no message nearer. */
static bool is_idling(struct session *s)
{
	if (++s->n_idle <= s->listener->max_idle_commands)
		return false;
	session_reply(s, SMTP_REPLY_TOO_MANY_COMMANDS);
	return true;
}

static bool offers_starttls(const struct session *s)
{
	return !s->client.ssl && s->tls &&
	       (s->listener->tls == CONF_LISTENER_TLS_STARTTLS ||
		s->listener->tls == CONF_LISTENER_TLS_REQUIRED);
}

/* ehlo-ok-rsp = "250-" Domain CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF
 * rfc5321 4.1.1.1 */
static void reply_ehlo(struct session *s)
{
	const struct conf_listener *l = s->listener;
	struct buf text;

	buf_init(&text, EHLO_MAX);
	buf_add(&text, s->conf->top.hostname);
	buf_add_cstr(&text, "\nPIPELINING\nSIZE ");
	buf_add_number(&text, l->max_message_size);
	buf_add_cstr(&text, "\n8BITMIME\nENHANCEDSTATUSCODES");
	if (l->smtputf8)
		buf_add_cstr(&text, "\nSMTPUTF8");
	if (l->dsn)
		buf_add_cstr(&text, "\nDSN");
	if (l->chunking)
		buf_add_cstr(&text, "\nCHUNKING");
	if (offers_starttls(s))
		buf_add_cstr(&text, "\nSTARTTLS");
	buf_add_cstr(&text, "\nHELP");
	session_reply_with(s, SMTP_REPLY_HELLO, buf_text(&text));
	buf_done(&text);
}

/* HELO and EHLO. rfc5321 4.1.1.1, 4.1.4 */
void session_apply_hello(struct session *s, const struct smtp_command *c)
{
	bool is_extended = c->verb == SMTP_VERB_EHLO;
	enum smtp_reply_id id;

	if (is_idling(s))
		return;
	session_forget(s);
	id = session_ask_hello(s, c->argument, is_extended);
	if (s->is_over)
		return;
	if (id) {
		session_refuse(s, id, NOTHING);
		return;
	}
	s->state = SMTP_STATE_GREETED;
	s->is_extended = is_extended;
	if (is_extended)
		reply_ehlo(s);
	else
		session_reply_with(s, SMTP_REPLY_HELLO, s->conf->top.hostname);
}

/* What this listener does not offer, or not for this message. */
static enum smtp_reply_id check_mail(const struct session *s, const struct smtp_mail *mail)
{
	const struct conf_listener *l = s->listener;

	if ((mail->smtputf8 && !l->smtputf8) || ((mail->ret || mail->envid.n) && !l->dsn))
		return SMTP_REPLY_PARAMETER_UNKNOWN;
	if (mail->size > l->max_message_size)
		return SMTP_REPLY_TOO_LARGE;
	if (s->n_messages >= l->max_messages)
		return SMTP_REPLY_TOO_MANY_MESSAGES;
	return SMTP_REPLY_NONE;
}

/* rfc5321 4.1.1.2 */
void session_apply_mail(struct session *s, const struct smtp_command *c)
{
	struct smtp_mail mail = c->mail;
	enum smtp_reply_id id = check_mail(s, &mail);

	if (!id && !domain_to_ascii(mail.sender.domain, &s->line, &mail.sender.domain))
		id = SMTP_REPLY_SENDER_REFUSED;
	if (!id)
		id = session_ask_mail(s, &mail);
	if (s->is_over)
		return;
	if (id) {
		session_refuse(s, id, NOTHING);
		return;
	}
	s->state = SMTP_STATE_MAIL;
	s->is_utf8 = c->mail.smtputf8;
	session_reply(s, SMTP_REPLY_SENDER_OK);
}

static enum smtp_reply_id check_rcpt(const struct session *s, const struct smtp_rcpt *rcpt)
{
	if ((rcpt->notify || rcpt->orcpt.n) && !s->listener->dsn)
		return SMTP_REPLY_PARAMETER_UNKNOWN;
	if (!s->is_utf8 && !(smtp_address_is_ascii(&rcpt->recipient) && text_is_ascii(rcpt->orcpt)))
		return SMTP_REPLY_RECIPIENT_NEEDS_UTF8;
	return SMTP_REPLY_NONE;
}

/* rfc5321 4.1.1.3 */
void session_apply_rcpt(struct session *s, const struct smtp_command *c)
{
	struct smtp_rcpt rcpt = c->rcpt;
	enum smtp_reply_id id = check_rcpt(s, &rcpt);

	if (!id && !domain_to_ascii(rcpt.recipient.domain, &s->line, &rcpt.recipient.domain))
		id = SMTP_REPLY_RECIPIENT_REFUSED;
	if (!id)
		id = session_ask_rcpt(s, &rcpt);
	if (s->is_over)
		return;
	if (!id) {
		s->state = SMTP_STATE_RCPT;
		session_reply(s, SMTP_REPLY_RECIPIENT_OK);
		return;
	}
	session_reply(s, id);
	if (++s->n_rcpts_refused >= s->listener->max_refused_recipients && !s->is_over)
		session_end(s, SMTP_REPLY_TOO_MANY_ERRORS, RECEIVE_SESSION_HOW_TOO_MANY_ERRORS);
}

/* rfc5321 4.1.1.5 */
void session_apply_reset(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (is_idling(s))
		return;
	session_forget(s);
	if (!s->is_over)
		session_reply(s, SMTP_REPLY_OK);
}

/* rfc5321 4.1.1.9 */
void session_apply_noop(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (!is_idling(s))
		session_reply(s, SMTP_REPLY_OK);
}

/* rfc5321 4.1.1.10 */
void session_apply_quit(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_end(s, SMTP_REPLY_BYE, RECEIVE_SESSION_HOW_QUIT);
}

/* rfc3207 4. Nothing was sent behind the command: the dispatcher looked. */
void session_apply_starttls(struct session *s, const struct smtp_command *c)
{
	int key_fd;

	(void)c;
	if (s->client.ssl || !offers_starttls(s)) {
		session_refuse(s, s->client.ssl ? SMTP_REPLY_TLS_ALREADY : SMTP_REPLY_TLS_NOT, NOTHING);
		return;
	}
	key_fd = session_want_key(s);
	if (s->is_over)
		return;
	if (key_fd < 0) {
		session_reply(s, SMTP_REPLY_TLS_UNAVAILABLE);
		return;
	}
	session_reply(s, SMTP_REPLY_START_TLS);
	session_secure(s, key_fd);
}

/* rfc5321 4.1.1.6, 7.3: whom we know is nobody's business. */
void session_apply_verify(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (!is_idling(s))
		session_reply(s, SMTP_REPLY_VERIFY_NOT);
}

/* rfc5321 4.1.1.7 */
void session_apply_expand(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_refuse(s, SMTP_REPLY_EXPAND_NOT, NOTHING);
}

/* rfc5321 4.1.1.8 */
void session_apply_help(struct session *s, const struct smtp_command *c)
{
	struct buf text;

	(void)c;
	if (is_idling(s))
		return;
	buf_init(&text, EHLO_MAX);
	buf_add_cstr(&text, "Commands:");
	for (unsigned v = 0; v < SMTP_VERB_COUNT; v++)
		if (v != SMTP_VERB_AUTH && v != SMTP_VERB_EXPN)
			buf_printf(&text, "\n  %s", smtp_verb_syntax((enum smtp_verb)v));
	session_reply_with(s, SMTP_REPLY_HELP, buf_text(&text));
	buf_done(&text);
}

/* rfc4954 4: not offered. */
void session_apply_auth(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_refuse(s, SMTP_REPLY_AUTH_NOT, NOTHING);
}
