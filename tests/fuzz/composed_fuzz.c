/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what we write around a stranger's text: every reply with the input as its argument, and
 * the Received: field with pieces of the input, divided by NUL, as its facts. Checked beside memory
 * safety: a reply is lines of one code within their bound; the field is one field, its lines are folded,
 * end with CRLF and hold no other control character.
 */
#include "base/ensure.h"
#include "proto/smtp_reply.h"
#include "roles/queue/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_clean(struct text line)
{
	for (size_t i = 0; i + 1 < line.n; i++)
		ASSERT(((unsigned char)line.p[i] >= ' ' && line.p[i] != 0x7f) ||
		       (i == 0 && line.p[i] == '\t'));
	ASSERT(line.n > 0 && line.p[line.n - 1] == '\r');
}

static void check_reply(enum smtp_reply_id id, struct text argument)
{
	struct smtp_reply reply = smtp_reply_of_with(id, argument);
	struct text line, rest;
	struct buf out;
	char code[4];

	buf_init(&out, 65536);
	if (reply.code && smtp_reply_print(&reply, &out)) {
		snprintf(code, sizeof code, "%u", reply.code);
		rest = buf_text(&out);
		ASSERT(rest.n > 0);
		while (text_cut(rest, '\n', &line, &rest)) {
			ASSERT(line.n < SMTP_REPLY_LINE_MAX && text_has_prefix(line, text_from_cstr(code)));
			ASSERT(line.p[3] == (rest.n ? '-' : ' '));
			check_clean(line);
		}
		ASSERT(line.n == 0 && rest.n == 0);
	}
	buf_done(&out);
}

static struct text take(struct text *rest)
{
	struct text piece;

	text_cut(*rest, '\0', &piece, rest);
	return text_slice(piece, 0, 255);
}

static void check_received(struct text in)
{
	struct received_facts facts = { .hostname = TEXT("mx.test.example"), .id = TEXT("1"), .now = 1 };
	struct text line, rest;
	bool is_first = true;
	struct buf out;

	facts.extended = in.n & 1;
	facts.smtputf8 = in.n & 2;
	facts.helo = take(&in);
	facts.only_rcpt = take(&in);
	facts.tls_version = take(&in);
	facts.tls_cipher = take(&in);
	buf_init(&out, RECEIVED_MAX);
	received_compose(&facts, &out);
	ASSERT(!out.overflow);
	rest = buf_text(&out);
	ASSERT(text_has_prefix(rest, text_from_cstr("Received: from ")));
	while (rest.n) {
		ASSERT(text_cut(rest, '\n', &line, &rest));
		check_clean(line);
		ASSERT(line.n <= 999 && (is_first || line.p[0] == '\t'));
		is_first = false;
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);

	for (enum smtp_reply_id id = 0; id < SMTP_REPLY_COUNT; id++)
		check_reply(id, in);
	check_received(in);
	return 0;
}
