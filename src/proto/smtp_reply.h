/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_reply - what an SMTP server answers, as a value.
 *
 * Every reply of the product is a row of smtp_reply.def. Between processes its number travels, never
 * its text. A reply points to static text and to its argument, which stays the caller's.
 *
 *	struct smtp_reply r = smtp_reply_of(SMTP_REPLY_SENDER_OK);
 *	smtp_reply_print(&r, &out);                     "250 2.1.0 Sender OK\r\n"
 *
 * On the wire (rfc5321 4.2.1, rfc2034 4): a line feed in the text begins another line; every line
 * carries code and enhanced code; a line is at most 512 bytes with its CRLF (rfc5321 4.5.3.1.5) and is
 * cut there; control bytes become '?'.
 */
#ifndef PROTO_SMTP_REPLY_H
#define PROTO_SMTP_REPLY_H

#include "base/buf.h"

enum smtp_reply_id {
#define REPLY(name, code, enhanced, text) SMTP_REPLY_##name,
#include "proto/smtp_reply.def"
#undef REPLY
	SMTP_REPLY_COUNT
};

#define SMTP_REPLY_LINE_MAX 512

struct smtp_reply {
	unsigned code;        /* 220..599; 0 for SMTP_REPLY_NONE */
	const char *enhanced; /* "2.1.0", or empty */
	const char *text;     /* with {} where the argument goes */
	struct text argument;
};

struct smtp_reply smtp_reply_of(enum smtp_reply_id id); /* an id outside the table: INTERNAL */
struct smtp_reply smtp_reply_of_with(enum smtp_reply_id id, struct text argument);

bool smtp_reply_is_error(const struct smtp_reply *r);     /* 4yz or 5yz */
bool smtp_reply_is_permanent(const struct smtp_reply *r); /* 5yz */
/* Does the server close after it? 421, and what a speaker of another protocol gets. */
bool smtp_reply_is_last(enum smtp_reply_id id);

/* Adds the wire form; false when it does not fit. */
bool smtp_reply_print(const struct smtp_reply *r, struct buf *out);

#endif
