/* SPDX-License-Identifier: Apache-2.0
 *
 * The Received: field, and that no stranger writes a line of it.
 */
#include "../../unit.h"

#include "roles/queue/received.h"

static const struct received_facts plain = {
	.helo = TEXT("far.test"),
	.hostname = TEXT("mx.test"),
	.id = TEXT("0123456789abc"),
	.extended = true,
	.now = 1795500000000,
};

static void the_field_says_who_how_and_when(void **state)
{
	struct received_facts facts[4] = { plain, plain, plain, plain };
	static const char *const wanted[] = {
		"Received: from far.test ([198.51.100.7])\r\n\tby mx.test with ESMTP\r\n\tid 0123456789abc"
		"; Tue, 24 Nov 2026 06:00:00 +0000\r\n",
		"Received: from far.test ([198.51.100.7])\r\n\tby mx.test with ESMTPSA (TLSv1.3 "
		"TLS_AES_256_GCM_SHA384)\r\n"
		"\tid 0123456789abc\r\n\tfor <b@here.test>; Tue, 24 Nov 2026 06:00:00 +0000\r\n",
		"Received: from unknown ([198.51.100.7])\r\n\tby mx.test with SMTP\r\n\tid 0123456789abc"
		"; Tue, 24 Nov 2026 06:00:00 +0000\r\n",
		"Received: from far.test ([198.51.100.7])\r\n\tby mx.test with UTF8SMTP\r\n\tid 0123456789abc"
		"\r\n\tfor <j\xc3\xbcrgen@here.test>; Tue, 24 Nov 2026 06:00:00 +0000\r\n",
	};

	(void)state;
	facts[1].tls_version = text_from_cstr("TLSv1.3");
	facts[1].tls_cipher = text_from_cstr("TLS_AES_256_GCM_SHA384");
	facts[1].authenticated = true;
	facts[1].only_rcpt = text_from_cstr("b@here.test");
	facts[2].helo = text_from_cstr("");
	facts[2].extended = false;
	facts[3].smtputf8 = true;
	facts[3].only_rcpt = text_from_cstr("j\xc3\xbcrgen@here.test");
	for (size_t i = 0; i < UNIT_COUNT(facts); i++) {
		struct buf out;
		buf_init(&out, RECEIVED_MAX);
		assert_true(addr_parse(text_from_cstr("198.51.100.7"), &facts[i].client));
		received_compose(&facts[i], &out);
		unit_text_is(buf_text(&out), wanted[i]);
		buf_done(&out);
	}
}

static void bytes_that_could_end_the_field_become_question_marks(void **state)
{
	static const char *const nasty[] = {
		"x\r\nSubject: got you", "x (y) z", "x;y", "x\ny", "<x>", "x\x01y"
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(nasty); i++) {
		struct received_facts facts = plain;
		struct buf out;
		size_t n_lines = 0;
		buf_init(&out, RECEIVED_MAX);
		facts.helo = facts.tls_version = facts.tls_cipher = facts.only_rcpt =
			text_from_cstr(nasty[i]);
		received_compose(&facts, &out);
		for (size_t k = 0; k < out.n; k++)
			n_lines += out.p[k] == '\n';
		assert_int_equal(n_lines, 4);
		assert_null(strstr(buf_cstr(&out), "\nSubject"));
		assert_null(strstr(buf_cstr(&out), "y) z"));
		buf_done(&out);
	}
}

static void the_longest_facts_fit(void **state)
{
	struct received_facts facts = plain;
	char longest[320];
	struct buf out;

	(void)state;
	memset(longest, 'x', sizeof longest);
	buf_init(&out, RECEIVED_MAX);
	facts.helo = facts.hostname = text_from_bytes(longest, 255);
	facts.only_rcpt = text_from_bytes(longest, 320);
	facts.tls_version = facts.tls_cipher = text_from_bytes(longest, 64);
	received_compose(&facts, &out);
	assert_false(out.overflow);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_says_who_how_and_when),
		cmocka_unit_test(bytes_that_could_end_the_field_become_question_marks),
		cmocka_unit_test(the_longest_facts_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
