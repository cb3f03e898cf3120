/* SPDX-License-Identifier: Apache-2.0
 *
 * dsn - writes a delivery status notification from typed facts. rfc3464, rfc3461 6, rfc6533, rfc3834
 *
 * The result is a whole message with CRLF line ends: multipart/report of a text for people, the
 * machine's part, and the original or its header. It goes out with the null sender (the caller's
 * business) and says Auto-Submitted. Pure: the same facts give the same bytes, so a notice can be
 * written again after a crash. Everything in the facts may come from a stranger: line ends and control
 * characters become "?", long values are cut, the boundary does not occur in the original.
 */
#ifndef PROTO_DSN_H
#define PROTO_DSN_H

#include "base/buf.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_recipient {
	struct text address; /* as we tried it */
	struct text orcpt;   /* "type;address" of RCPT's ORCPT, xtext undone; may be empty */
	enum dsn_action action;
	struct text status;     /* "5.1.1"; anything else becomes x.0.0 after the action */
	struct text diagnostic; /* the next hop's reply, or ours; may be empty */
	struct text remote_mta; /* who said it; empty: we did */
	int64_t last_attempt;   /* wall ms; 0: none */
};

struct dsn_facts {
	struct text reporting_mta; /* our host name */
	struct text postmaster;    /* address of From:; empty: postmaster@reporting_mta */
	struct text sender;        /* to whom: the envelope sender of the original */
	struct text envid;         /* of MAIL's ENVID, xtext undone; may be empty */
	struct text id;            /* of the original in our queue */
	int64_t arrival, now;      /* wall ms */
	int64_t expires;           /* until when a delayed one is tried; 0: no word about it */
	bool smtputf8;             /* the original came with SMTPUTF8: its sender can take rfc6533 */
	bool full;                 /* RET=FULL and nothing bad about the original */
	const struct dsn_recipient *rcpts;
	size_t n_rcpts;
	struct text original; /* as received */
};

struct dsn_limits {
	size_t original; /* a larger one is returned as its header only */
	size_t header;   /* of the original, cut there at a line end */
};

struct dsn_limits dsn_limits_default(void);

/* False when out is full: its maximum must allow for 2 KB a recipient and the original. */
bool dsn_compose(const struct dsn_facts *facts, const struct dsn_limits *limits, struct buf *out);

/* The message that this notice would be needs SMTPUTF8 to be sent. */
bool dsn_needs_smtputf8(const struct dsn_facts *facts, const struct dsn_limits *limits);

#endif
