/* SPDX-License-Identifier: Apache-2.0
 *
 * The session room: one SMTP conversation, read top to bottom. Runs in a process forked for this
 * client, in a sandbox; called by session_zygote.c, and by the scenario tests. Trusts nothing of the
 * client; policy decides, queue keeps, keyring signs: see session_state.h for the states and files.
 *
 * Invariants: every wait has a deadline; replies leave in the order of the commands; a command that
 * must be the last of its group (rfc2920 3.1) with anything behind it ends the session, so what comes
 * after STARTTLS or DATA was sent by someone who had seen the reply; nothing said before TLS counts
 * after it (rfc3207 4.2).
 */
#include "roles/receive/session_state.h"

#include "base/clock.h"
#include "ipc/policy_session.h"
#include "role/tls.h"

#include <unistd.h>

#define OUTPUT_MAX  16384 /* of replies that wait for the end of a pipelined group */
#define OUTPUT_FULL 4096
#define LINE_ARENA  8192
#define CHUNK_MAX   65536
#define LAST_WORDS  2000 /* ms, for them to arrive */
#define SKIPPED_MAX 16   /* times the longest line, of one that is too long */

enum line { LINE_NONE, LINE_READ, LINE_TOO_LONG };

int64_t session_deadline(const struct session *s, int64_t timeout)
{
	int64_t deadline = clock_mono_ms() + timeout;

	return deadline < s->ends_at ? deadline : s->ends_at;
}

void session_end(struct session *s, enum smtp_reply_id last_words, enum receive_session_how how)
{
	if (s->is_over)
		return;
	if (last_words)
		session_reply(s, last_words);
	s->is_over = true;
	s->how = how;
}

static enum receive_session_how how_of_reply(enum smtp_reply_id id)
{
	switch (id) {
	case SMTP_REPLY_BYE:
		return RECEIVE_SESSION_HOW_QUIT;
	case SMTP_REPLY_TIMEOUT:
	case SMTP_REPLY_SESSION_TIMEOUT:
		return RECEIVE_SESSION_HOW_TIMEOUT;
	case SMTP_REPLY_PIPELINING:
		return RECEIVE_SESSION_HOW_INJECTED;
	case SMTP_REPLY_STOPPING:
	case SMTP_REPLY_INTERNAL:
		return RECEIVE_SESSION_HOW_STOPPED;
	default:
		return RECEIVE_SESSION_HOW_TOO_MANY_ERRORS;
	}
}

void session_reply_with(struct session *s, enum smtp_reply_id id, struct text argument)
{
	struct smtp_reply reply = smtp_reply_of_with(id, argument);

	smtp_reply_print(&reply, &s->client.output);
	if (s->client.output.n > OUTPUT_FULL &&
	    stream_flush(&s->client, session_deadline(s, s->listener->command_timeout)))
		session_end(s, SMTP_REPLY_NONE, RECEIVE_SESSION_HOW_LOST);
	if (smtp_reply_is_last(id))
		session_end(s, SMTP_REPLY_NONE, how_of_reply(id));
}

void session_reply(struct session *s, enum smtp_reply_id id)
{
	session_reply_with(s, id, text_from_cstr(""));
}

void session_refuse(struct session *s, enum smtp_reply_id id, struct text argument)
{
	s->n_errors++;
	if (s->n_errors >= s->listener->max_errors || s->n_unknown >= s->listener->max_unknown_commands)
		id = SMTP_REPLY_TOO_MANY_ERRORS;
	session_reply_with(s, id, argument);
}

bool session_wait(struct session *s, int64_t deadline)
{
	enum error e = stream_flush(&s->client, session_deadline(s, s->listener->command_timeout));

	if (!e)
		e = stream_fill(&s->client, deadline);
	if (e == ERROR_TIMEOUT)
		session_end(s, deadline >= s->ends_at ? SMTP_REPLY_SESSION_TIMEOUT : SMTP_REPLY_TIMEOUT,
			    RECEIVE_SESSION_HOW_TIMEOUT);
	else if (e == ERROR_BUSY)
		session_hear_control(s);
	else if (e)
		session_end(s, SMTP_REPLY_NONE, RECEIVE_SESSION_HOW_LOST);
	return !s->is_over;
}

bool session_secure(struct session *s, int key_fd)
{
	enum error e = stream_flush(&s->client, session_deadline(s, s->listener->command_timeout));

	if (e)
		close(key_fd);
	else
		e = tls_accept(s->tls, &s->client, key_fd, session_deadline(s, s->listener->tls_timeout));
	if (e) {
		session_end(s, SMTP_REPLY_NONE, RECEIVE_SESSION_HOW_TLS_FAILED);
		return false;
	}
	session_tell_tls(s, tls_version_name(&s->client), tls_cipher_name(&s->client));
	s->state = SMTP_STATE_NEW;
	s->is_extended = false;
	return !s->is_over;
}

/* The next line, without its LF. It is consumed, and stays readable until the next wait. NONE: the
 * session is over. */
static enum line read_line(struct session *s, struct text *ret_line)
{
	int64_t deadline = session_deadline(s, s->listener->command_timeout);
	size_t max = s->listener->max_command_line, skipped = 0;

	for (;;) {
		struct text input = stream_input(&s->client);
		size_t n = text_find_byte(input, '\n');
		if (n < input.n) {
			*ret_line = text_slice(input, 0, n);
			stream_consume(&s->client, n + 1);
			return skipped || n + 1 > max ? LINE_TOO_LONG : LINE_READ;
		}
		if (input.n >= max) {
			skipped += input.n;
			stream_consume(&s->client, input.n);
		}
		if (skipped > SKIPPED_MAX * max)
			session_end(s, SMTP_REPLY_TOO_MANY_ERRORS, RECEIVE_SESSION_HOW_TOO_MANY_ERRORS);
		if (s->is_over || !session_wait(s, deadline))
			return LINE_NONE;
	}
}

/* Line = *OCTET CRLF       rfc5321 2.3.8; LF alone by the listener's setting */
static bool cut_line_end(struct session *s, struct text *line)
{
	if (line->n && line->p[line->n - 1] == '\r') {
		line->n--;
		return true;
	}
	return s->newlines == SMTP_NEWLINES_NORMALIZE;
}

static session_apply *const appliers[] = {
#define COMMAND(verb, states, flags, parse, apply, syntax) [SMTP_VERB_##verb] = session_apply_##apply,
#include "proto/smtp_command.def"
#undef COMMAND
};

/* Was something sent behind a command that must be the last of its group, or behind any command by a
 * client that may not pipeline? rfc2920 3.1 */
static bool is_ahead(struct session *s, enum smtp_verb verb)
{
	return (smtp_verb_is_last(verb) || !s->is_extended) && stream_has_more(&s->client);
}

/* Where TLS is required: everything but EHLO, STARTTLS, NOOP, RSET, QUIT. rfc3207 4 */
static bool is_held_back(const struct session *s, enum smtp_verb verb)
{
	if (s->listener->tls != CONF_LISTENER_TLS_REQUIRED || s->client.ssl)
		return false;
	return verb == SMTP_VERB_MAIL || verb == SMTP_VERB_VRFY || verb == SMTP_VERB_EXPN;
}

static void serve_line(struct session *s, struct text line)
{
	struct smtp_command c;
	enum smtp_reply_id id;

	arena_reset(&s->line);
	s->n_commands++;
	id = smtp_command_parse(line, s->state, &s->line, &c);
	s->n_unknown += c.verb == SMTP_VERB_COUNT;
	if (is_ahead(s, c.verb) && c.verb != SMTP_VERB_BDAT) {
		session_reply(s, SMTP_REPLY_PIPELINING);
		return;
	}
	if (!id && is_held_back(s, c.verb))
		id = SMTP_REPLY_TLS_FIRST;
	if (!id) {
		appliers[c.verb](s, &c);
		return;
	}
	session_refuse(s, id, text_from_cstr(smtp_verb_syntax(c.verb)));
	if (c.verb == SMTP_VERB_BDAT && !s->is_over)
		session_discard(s, c.bdat.size);
}

static void serve(struct session *s)
{
	enum line kind = LINE_READ;
	struct text line;

	while (!s->is_over && kind != LINE_NONE) {
		s->client.watched = s->control.fd; /* receive may say `stop` while we wait for a command */
		kind = read_line(s, &line);
		s->client.watched = -1;
		if (kind == LINE_TOO_LONG)
			session_refuse(s, SMTP_REPLY_LINE_TOO_LONG, text_from_cstr(""));
		else if (kind == LINE_READ && !cut_line_end(s, &line))
			session_refuse(s, SMTP_REPLY_LINE_BARE_NEWLINE, text_from_cstr(""));
		else if (kind == LINE_READ)
			serve_line(s, line);
	}
}

/* TLS from the first byte, as on port 465. rfc8314 3 */
static bool start_implicit_tls(struct session *s)
{
	int key_fd = s->tls ? session_want_key(s) : -1;

	if (key_fd >= 0)
		return session_secure(s, key_fd);
	session_end(s, SMTP_REPLY_NONE, RECEIVE_SESSION_HOW_TLS_FAILED);
	return false;
}

static void greet(struct session *s)
{
	struct buf text;

	buf_init(&text, SMTP_REPLY_LINE_MAX);
	buf_add(&text, s->conf->top.hostname);
	if (s->listener->banner.n) {
		buf_add_byte(&text, ' ');
		buf_add(&text, s->listener->banner);
	}
	session_reply_with(s, SMTP_REPLY_GREETING, buf_text(&text));
	buf_done(&text);
}

static void open_session(struct session *s, const struct session_setup *setup)
{
	*s = (struct session){
		.conf = setup->conf,
		.tls = setup->tls,
		.control = link_of(setup->control_fd, &receive_session_edge, RECEIVE_SESSION_SIDE_SESSION),
		.policy = link_of(setup->policy_fd, &policy_session_edge, POLICY_SESSION_SIDE_SESSION),
		.queue = { .fd = -1 },
		.state = SMTP_STATE_NEW,
		.how = RECEIVE_SESSION_HOW_LOST,
	};
	stream_init(&s->client, setup->client_fd, OUTPUT_MAX);
	link_in_init(&s->in, &receive_session_edge);
	link_in_fit(&s->in, &policy_session_edge);
	arena_init(&s->line, LINE_ARENA);
	buf_init(&s->chunk, CHUNK_MAX);
}

static void close_session(struct session *s)
{
	int64_t now = clock_mono_ms();
	bool is_quiet = s->how == RECEIVE_SESSION_HOW_QUIT || s->how == RECEIVE_SESSION_HOW_LOST;

	link_close(&s->queue);
	session_tell_outcome(s);
	stream_flush(&s->client, now + LAST_WORDS);
	stream_end(&s->client, is_quiet ? now : now + LAST_WORDS);
	stream_done(&s->client);
	link_in_done(&s->in);
	arena_reset(&s->line);
	buf_done(&s->chunk);
}

int session_run(const struct session_setup *setup)
{
	struct session s;

	open_session(&s, setup);
	if (session_begin(&s)) {
		s.ends_at = clock_mono_ms() + s.listener->session_time;
		if (s.listener->tls != CONF_LISTENER_TLS_IMPLICIT || start_implicit_tls(&s)) {
			greet(&s);
			serve(&s);
		}
	}
	close_session(&s);
	return 0;
}
