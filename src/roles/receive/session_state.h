/* SPDX-License-Identifier: Apache-2.0
 *
 * session_state - what the files of the session room share: the conversation, and what can be said in
 * it.
 *
 *	NEW ──HELO, EHLO──▶ GREETED ──MAIL──▶ MAIL ──RCPT──▶ RCPT ──DATA──▶ GREETED
 *	 ▲                    │  ▲                             │ ──BDAT──▶ BDAT ──BDAT LAST──▶ GREETED
 *	 └──────STARTTLS──────┘  └── RSET, HELO, EHLO: from any state but NEW
 *
 * session.c reads commands and dispatches them, session_command.c acts on them, session_message.c
 * takes the message, session_ask.c talks to policy and receive.
 */
#ifndef ROLES_RECEIVE_SESSION_STATE_H
#define ROLES_RECEIVE_SESSION_STATE_H

#include "ipc/link.h"
#include "ipc/receive_session.h"
#include "proto/smtp_command.h"
#include "proto/smtp_data.h"
#include "role/stream.h"
#include "roles/receive/session.h"

struct session {
	const struct conf *conf;
	const struct conf_listener *listener;
	struct tls_context *tls;
	struct stream client;
	struct link control, policy;
	struct link queue; /* of this message; fd -1: none, or the message is of no use any more */
	struct link_in in;
	int64_t ends_at; /* of the whole session */

	enum smtp_state state;
	bool is_extended; /* EHLO: may pipeline */
	enum smtp_newlines newlines;
	struct arena line; /* of one command */

	/* One transaction. */
	bool is_utf8;
	uint64_t n_rcpts_refused;
	struct smtp_data data;
	struct buf chunk; /* for queue */
	int64_t message_ends_at;

	uint64_t n_commands, n_errors, n_unknown, n_idle, n_messages, n_accepted, n_refused;
	bool is_over;
	enum receive_session_how how;
};

/* A reply, kept until the client has to be waited for. One that ends the conversation (421 and its
 * kind) ends it. */
void session_reply(struct session *s, enum smtp_reply_id id);
void session_reply_with(struct session *s, enum smtp_reply_id id, struct text argument);
/* The same for what is the client's fault: counted, and too many end the conversation. */
void session_refuse(struct session *s, enum smtp_reply_id id, struct text argument);
/* Ends the conversation, with these last words (NONE: without). */
void session_end(struct session *s, enum smtp_reply_id last_words, enum receive_session_how how);
/* Sends what is kept, waits for more from the client until the deadline. False: it is over. */
bool session_wait(struct session *s, int64_t deadline);
/* The handshake, with this channel for its one signature (taken). False: it is over. */
bool session_secure(struct session *s, int key_fd);
/* After `timeout` from now, but not after the session's end. */
int64_t session_deadline(const struct session *s, int64_t timeout);

/* What stands in smtp_command.def as `apply`. */
typedef void session_apply(struct session *s, const struct smtp_command *c);
session_apply session_apply_hello, session_apply_mail, session_apply_rcpt, session_apply_data,
	session_apply_bdat, session_apply_reset, session_apply_noop, session_apply_quit,
	session_apply_starttls, session_apply_verify, session_apply_expand, session_apply_help,
	session_apply_auth;

/* Forgets the transaction, here and in policy. */
void session_forget(struct session *s);
/* Reads away the octets of a BDAT that was refused. rfc3030 2 */
void session_discard(struct session *s, uint64_t size);

/* Questions to policy. NONE: granted. After a failure of the channel the session is over and the reply
 * is NONE too: ask is_over. */
enum smtp_reply_id session_ask_hello(struct session *s, struct text name, bool is_extended);
enum smtp_reply_id session_ask_mail(struct session *s, const struct smtp_mail *mail);
enum smtp_reply_id session_ask_rcpt(struct session *s, const struct smtp_rcpt *rcpt);
/* Opens s->queue when granted. */
enum smtp_reply_id session_ask_data(struct session *s);
void session_tell_reset(struct session *s);
void session_tell_tls(struct session *s, struct text version, struct text cipher);

/* receive: the first message, the key channel (-1: none just now), a message that came by itself, the
 * last word. */
bool session_begin(struct session *s);
int session_want_key(struct session *s);
void session_hear_control(struct session *s);
void session_tell_outcome(struct session *s);

#endif
