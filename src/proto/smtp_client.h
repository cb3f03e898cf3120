/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_client - the client's half of SMTP and LMTP: reads replies, writes commands and messages.
 *
 * The server is a stranger too: its replies are bounded in lines and bytes, its text is kept as it
 * came (bytes outside printable ASCII and UTF-8 become '?'). rfc5321 4.2, rfc2034, rfc2033.
 *
 *	smtp_client_reply_init(&r);
 *	n = smtp_client_reply_feed(&r, bytes, &status);      until status is not MORE
 *
 * A message written through struct smtp_stuffer has only CRLF line ends whatever it came with, so
 * that we never hand on a smuggled one.
 */
#ifndef PROTO_SMTP_CLIENT_H
#define PROTO_SMTP_CLIENT_H

#include "proto/smtp_address.h"
#include "proto/smtp_command.h"

#define SMTP_CLIENT_TEXT_MAX  1024  /* kept of a reply's text */
#define SMTP_CLIENT_LINE_MAX  4096  /* of one line; rfc5321 4.5.3.1.5 says 512 */
#define SMTP_CLIENT_REPLY_MAX 65536 /* of all its lines */
#define SMTP_CLIENT_LINES_MAX 128

enum smtp_client_status { SMTP_CLIENT_MORE, SMTP_CLIENT_DONE, SMTP_CLIENT_BAD };

struct smtp_client_caps {
	bool pipelining, starttls, eightbitmime, smtputf8, chunking, dsn, enhanced, size;
	uint64_t max_size; /* 0: not said */
};

struct smtp_client_reply {
	unsigned code;     /* 200..599, once DONE */
	char enhanced[12]; /* "5.1.1", or empty when absent or of another class than the code */
	char text[SMTP_CLIENT_TEXT_MAX + 1]; /* lines joined by '\n', without codes, cut */
	size_t text_n;
	struct smtp_client_caps caps; /* as the lines after the first say; of use after EHLO */

	char line[SMTP_CLIENT_LINE_MAX]; /* the rest is the parser's own */
	size_t line_n, read_n, lines;
};

void smtp_client_reply_init(struct smtp_client_reply *r);
/* Takes bytes up to the end of the reply; returns how many. */
size_t smtp_client_reply_feed(struct smtp_client_reply *r, struct text in,
			      enum smtp_client_status *ret_status);

/* "MAIL FROM:<...> SIZE=... BODY=... SMTPUTF8 RET= ENVID=" with the parameters that caps allow. */
bool smtp_client_print_mail(const struct smtp_mail *mail, const struct smtp_client_caps *caps,
			    struct buf *out);
bool smtp_client_print_rcpt(const struct smtp_rcpt *rcpt, const struct smtp_client_caps *caps,
			    struct buf *out);
/* The same from addresses that are printed already (user@domain, empty for <>). */
bool smtp_client_print_command(const char *verb, struct text argument, struct buf *out);

/* Writes a message for DATA: dots stuffed, every bare CR or LF made CRLF. rfc5321 4.5.2 */
struct smtp_stuffer {
	bool is_in_line; /* the last line written has no end yet */
	bool has_cr;     /* a CR is held back */
};

/* `out` must have room for 2 * in.n + 2 bytes; false (and out->overflow) when it has not. */
bool smtp_stuffer_write(struct smtp_stuffer *s, struct text in, struct buf *out);
/* Ends the last line if need be, then "." CRLF. */
bool smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out);

#endif
