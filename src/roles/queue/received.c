/* SPDX-License-Identifier: Apache-2.0
 *
 * Composes the Received: field. Called by intake.c for every message; pure.
 *
 *   Time-stamp-line = "Received:" FWS From-domain FWS By-domain FWS [ Via ] [ With ] [ ID ] [ For ] ";"
 *                     FWS date-time            rfc5321 4.4; with-protocol types: rfc3848, rfc6531 4.3
 *
 * Trusts nothing but the time, the flags and our own name.
 */
#include "roles/queue/received.h"

#include "base/clock.h"

static void add_clean(struct buf *out, struct text t, const char *also)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				c >= 0x80;
		buf_add_byte(out, is_plain || (c && strchr(also, c)) ? (char)c : '?');
	}
}

/* SMTP, ESMTP[S][A], UTF8SMTP[S][A]. */
static void add_protocol(struct buf *out, const struct received_facts *f)
{
	if (f->smtputf8)
		buf_add_cstr(out, "UTF8SMTP");
	else
		buf_add_cstr(out, f->extended ? "ESMTP" : "SMTP");
	if (f->tls_version.n && (f->smtputf8 || f->extended))
		buf_add_byte(out, 'S');
	if (f->authenticated)
		buf_add_byte(out, 'A');
	if (f->tls_version.n == 0)
		return;
	buf_add_cstr(out, " (");
	add_clean(out, f->tls_version, ".-_");
	if (f->tls_cipher.n)
		buf_add_byte(out, ' ');
	add_clean(out, f->tls_cipher, ".-_");
	buf_add_byte(out, ')');
}

void received_compose(const struct received_facts *f, struct buf *out)
{
	char literal[ADDR_TEXT_SIZE + 8], date[CLOCK_RFC5322_SIZE];

	addr_print_literal(&f->client, literal);
	clock_print_rfc5322(f->now, date);
	buf_add_cstr(out, "Received: from ");
	if (f->helo.n)
		add_clean(out, f->helo, ".-_:[]");
	else
		buf_add_cstr(out, "unknown");
	buf_printf(out, " (%s)\r\n\tby %.*s with ", literal, TEXT_ARGS(f->hostname));
	add_protocol(out, f);
	buf_printf(out, "\r\n\tid %.*s", TEXT_ARGS(f->id));
	if (f->only_rcpt.n) {
		buf_add_cstr(out, "\r\n\tfor <");
		add_clean(out, f->only_rcpt, "!#$%&'*+-/=?^_`{|}~.@[]:\" ");
		buf_add_byte(out, '>');
	}
	buf_printf(out, "; %s\r\n", date);
}
