/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_command - one command line of an SMTP client, taken apart. rfc5321 4.1.1.
 *
 * smtp_command.def is the table: verb, states in which it is allowed, parser. A line is given without
 * its CRLF. What is wrong with it comes back as the reply to send; SMTP_REPLY_NONE means that
 * ret_command is complete. Texts of a command live in the arena or in the line.
 *
 * The extensions understood: SIZE (rfc1870), 8BITMIME (rfc6152), SMTPUTF8 (rfc6531), DSN (rfc3461),
 * CHUNKING (rfc3030), STARTTLS (rfc3207), the AUTH parameter of MAIL (rfc4954 5). Which of them a
 * listener offers is the caller's to check.
 */
#ifndef PROTO_SMTP_COMMAND_H
#define PROTO_SMTP_COMMAND_H

#include "proto/smtp_address.h"
#include "proto/smtp_reply.h"

enum smtp_verb {
#define COMMAND(verb, states, flags, parse, apply, syntax) SMTP_VERB_##verb,
#include "proto/smtp_command.def"
#undef COMMAND
	SMTP_VERB_COUNT /* unknown */
};

/* Where the conversation stands; one bit each, so that a set of them is a number. */
enum smtp_state {
	SMTP_STATE_NEW = 1,     /* no HELO yet */
	SMTP_STATE_GREETED = 2, /* no transaction */
	SMTP_STATE_MAIL = 4,    /* a sender, no recipient yet */
	SMTP_STATE_RCPT = 8,    /* a sender and at least one recipient */
	SMTP_STATE_BDAT = 16,   /* some chunks of the message */
};

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_UNSET, SMTP_RET_FULL, SMTP_RET_HDRS };
/* Bits of NOTIFY; 0: not given. rfc3461 4.1 */
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8,
};

#define SMTP_ENVID_MAX 100 /* rfc3461 4.4, as sent */
#define SMTP_ORCPT_MAX 500 /* rfc3461 4.2, as sent */

struct smtp_mail {
	struct smtp_address sender;
	uint64_t size; /* 0: not declared */
	enum smtp_body body;
	bool smtputf8;
	enum smtp_ret ret;
	struct text envid; /* decoded: printable ASCII */
};

struct smtp_rcpt {
	struct smtp_address recipient;
	unsigned notify;
	struct text orcpt; /* "rfc822;" and the decoded address; "utf-8;" and the address as sent */
};

struct smtp_bdat {
	uint64_t size;
	bool is_last;
};

struct smtp_command {
	enum smtp_verb verb; /* SMTP_VERB_COUNT when not known */
	struct text argument;
	union {
		struct smtp_mail mail;
		struct smtp_rcpt rcpt;
		struct smtp_bdat bdat;
	};
};

/* Takes the line apart in this state. Also when a reply comes back the verb is set, so that the caller
 * can tell the unknown command from the wrong one. */
enum smtp_reply_id smtp_command_parse(struct text line, enum smtp_state state, struct arena *a,
				      struct smtp_command *ret_command);

const char *smtp_verb_name(enum smtp_verb verb);
const char *smtp_verb_syntax(enum smtp_verb verb);
/* May nothing be pipelined behind it? A BDAT with LAST neither: see rfc3030 and rfc2920 3.1. */
bool smtp_verb_is_last(enum smtp_verb verb);

#endif
