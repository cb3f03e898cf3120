/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a bounce, all of whose facts come from a stranger: pieces of the input, divided by NUL.
 * Checked beside memory safety: the same facts give the same bytes; only CRLF line ends, no other
 * control character in our own header, no line above 998 bytes there; the header says Auto-Submitted.
 */
#include "base/ensure.h"
#include "proto/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct text take(struct text *rest)
{
	struct text piece;

	text_cut(*rest, '\0', &piece, rest);
	return piece;
}

static void check_header(struct text message)
{
	size_t end = text_find(message, text_from_cstr("\r\n\r\n"));
	struct text line, rest = text_slice(message, 0, end);
	bool more, is_automatic = false;

	ASSERT(end != SIZE_MAX);
	do {
		more = text_cut(rest, '\n', &line, &rest);
		ASSERT(line.n <= 998 && (!more || (line.n && line.p[line.n - 1] == '\r')));
		for (size_t i = 0; i + more < line.n; i++)
			ASSERT((unsigned char)line.p[i] >= ' ' || line.p[i] == '\t');
		is_automatic |= text_has_prefix(line, text_from_cstr("Auto-Submitted: auto-"));
	} while (more);
	ASSERT(is_automatic);
}

static void take_rcpt(struct text *rest, unsigned kind, struct dsn_recipient *ret_rcpt)
{
	*ret_rcpt = (struct dsn_recipient){ .action = kind % 5, .last_attempt = kind };
	ret_rcpt->address = take(rest);
	ret_rcpt->orcpt = take(rest);
	ret_rcpt->status = take(rest);
	ret_rcpt->diagnostic = take(rest);
	ret_rcpt->remote_mta = take(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text rest = text_from_bytes(data, n);
	struct dsn_limits limits = dsn_limits_default();
	struct dsn_facts facts = { .arrival = 1, .now = 1764000000000 };
	struct dsn_recipient rcpts[2];
	struct buf a, b;

	if (n == 0)
		return 0;
	facts.smtputf8 = data[0] & 1;
	facts.full = data[0] & 2;
	rest = text_skip(rest, 1);
	facts.reporting_mta = text_from_cstr("mx.test.example");
	facts.sender = take(&rest);
	facts.envid = take(&rest);
	facts.id = take(&rest);
	take_rcpt(&rest, data[0] >> 2, &rcpts[0]);
	take_rcpt(&rest, data[0] >> 4, &rcpts[1]);
	facts.rcpts = rcpts;
	facts.n_rcpts = 2;
	facts.original = rest;
	buf_init(&a, (size_t)1 << 20);
	buf_init(&b, (size_t)1 << 20);
	if (dsn_compose(&facts, &limits, &a)) {
		check_header(buf_text(&a));
		ASSERT(dsn_compose(&facts, &limits, &b) && text_is_equal(buf_text(&a), buf_text(&b)));
		(void)dsn_needs_smtputf8(&facts, &limits);
	}
	buf_done(&a);
	buf_done(&b);
	return 0;
}
