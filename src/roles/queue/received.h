/* SPDX-License-Identifier: Apache-2.0
 *
 * received - the Received: field of what we take in, made from typed facts. rfc5321 4.4
 *
 * Every text in the facts came from a stranger or from a room; bytes that could end the field or
 * change its meaning become '?'.
 */
#ifndef QUEUE_RECEIVED_H
#define QUEUE_RECEIVED_H

#include "base/addr.h"
#include "base/buf.h"

struct received_facts {
	struct text helo;
	struct addr client;
	struct text hostname; /* ours */
	struct text id;
	struct text only_rcpt;               /* empty: several, then none is named */
	struct text tls_version, tls_cipher; /* empty: no TLS */
	bool extended, smtputf8, authenticated;
	int64_t now; /* wall clock, ms */
};

#define RECEIVED_MAX 2048

/* The whole field with CRLF at the end. */
void received_compose(const struct received_facts *f, struct buf *out);

#endif
