/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a message claims to be from: every From field, every domain. Expected: the number of fields, the
 * domains,
 * "!" where it is malformed.
 */
#include "base/buf.h"
#include "proto/dmarc_from.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *header;
	const char *expected;
} rows[] = {
	{ "From: a@example.com\r\n\r\n", "1 example.com" },
	{ "from : A B <a@Example.COM.>\n\n", "1 example.com" },
	{ "From: =?utf-8?q?x?= <a@b\xc3\xbc"
	  "cher.example>\r\n\r\n",
	  "1 xn--bcher-kva.example" },
	{ "From: a@example.com, b@example.com\r\n\r\n", "1 example.com" },
	{ "From: a@example.com, b@example.net\r\n\r\n", "1 example.com example.net" },
	{ "From: team: a@example.com, b@example.net;\r\n\r\n", "1 example.com example.net" },
	{ "From: a@example.com\r\nFrom: b@example.net\r\n\r\n", "2 example.com example.net" },
	{ "From: a@example.com\r\nSubject: x\r\nFROM: a@example.com\r\n\r\n", "2 example.com" },
	{ "From: \"a@bank.example\" <b@evil.net>\r\n\r\n", "1 evil.net" },
	{ "From: a@bank.example <b@evil.net>\r\n\r\n", "1 evil.net" },
	{ "From: <b@evil.net> <a@bank.example>\r\n\r\n", "1! evil.net bank.example" },
	{ "From: a@bank.example b@evil.net\r\n\r\n", "1! bank.example evil.net" },
	{ "From: a@bank.example@evil.net\r\n\r\n", "1! evil.net" },
	{ "From: a@[192.0.2.1]\r\n\r\n", "1!" },
	{ "From: a@exa_mple.com\r\n\r\n", "1 exa_mple.com" },
	{ "From: nobody\r\n\r\n", "1!" },
	{ "From: <>\r\n\r\n", "1!" },
	{ "From: undisclosed:;\r\n\r\n", "1" },
	{ "From:\r\n\r\n", "1" },
	{ "Subject: x\r\n\r\nFrom: a@example.com\r\n", "0" },
	{ "", "0" },
};

static void every_address_of_every_field_counts(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 10000000);
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dmarc_from from;
		assert_true(dmarc_from_read(text_from_cstr(rows[i].header), &limits, &arena, &from));
		buf_reset(&out);
		buf_printf(&out, "%zu%s", from.n_fields, from.is_malformed ? "!" : "");
		for (size_t d = 0; d < from.n_domains; d++)
			buf_printf(&out, " %.*s", TEXT_ARGS(from.domains[d]));
		if (!text_is_cstr(buf_text(&out), rows[i].expected))
			fail_msg("%s: %s", rows[i].header, buf_cstr(&out));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void too_many_domains_are_malformed(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct dmarc_from from;
	struct arena arena;
	struct buf header;

	(void)state;
	arena_init(&arena, 10000000);
	buf_init(&header, 100000);
	buf_add_cstr(&header, "From: a@example.com");
	for (int i = 0; i < 200; i++)
		buf_printf(&header, ",\r\n a@example%d.com", i);
	buf_add_cstr(&header, "\r\n\r\n");
	assert_true(dmarc_from_read(buf_text(&header), &limits, &arena, &from));
	assert_int_equal(from.n_domains, DMARC_FROM_DOMAINS_MAX);
	assert_true(from.is_malformed);
	buf_done(&header);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_every_field_counts),
		cmocka_unit_test(too_many_domains_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
