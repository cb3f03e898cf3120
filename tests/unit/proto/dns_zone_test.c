/* SPDX-License-Identifier: Apache-2.0
 *
 * Zones: what each question gets, what master files may say, and where their mistakes are.
 */
#include "zone_fixture.h"

static struct dns_answer ask(struct zone_fixture *f, enum dns_type type, const char *name)
{
	struct dns_answer answer;

	dns_ask(&f->source, type, text_from_cstr(name), &f->arena, &answer);
	return answer;
}

static void names_exist_have_data_or_fail(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
	} rows[] = {
		{ "a.example", DNS_A, DNS_FOUND },           { "A.EXAMPLE.", DNS_A, DNS_FOUND },
		{ "a.example", DNS_MX, DNS_NO_DATA },        { "no.example", DNS_A, DNS_NO_NAME },
		{ "deep.example", DNS_A, DNS_NO_DATA }, /* only names below it */
		{ "example", DNS_A, DNS_NO_DATA },           { "alias.example", DNS_A, DNS_FOUND },
		{ "alias.example", DNS_MX, DNS_NO_DATA },    { "dangling.example", DNS_A, DNS_NO_NAME },
		{ "loop.example", DNS_A, DNS_FAILED },       { "slow.example", DNS_A, DNS_FAILED },
		{ "slow.example", DNS_TXT, DNS_FOUND }, /* what is there is given */
		{ "halfslow.example", DNS_TXT, DNS_FAILED }, { "halfslow.example", DNS_A, DNS_FOUND },
		{ "x.wild.example", DNS_A, DNS_FOUND },      { "y.x.wild.example", DNS_A, DNS_FOUND },
		{ "is.wild.example", DNS_A, DNS_NO_DATA }, /* a name that is there hides the wildcard */
		{ "x.is.wild.example", DNS_A, DNS_NO_NAME }, { "wild.example", DNS_A, DNS_NO_DATA },
		{ "a..example", DNS_A, DNS_NO_NAME },        { "", DNS_A, DNS_NO_NAME },
		{ "unread.example", DNS_A, DNS_NO_DATA },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "$ORIGIN example.\n"
			      "a A 192.0.2.1\n"
			      "b.deep A 192.0.2.2\n"
			      "alias CNAME A\n"
			      "dangling CNAME nowhere\n"
			      "loop CNAME loop\n"
			      "$TIMEOUT slow\nslow TXT here\n"
			      "$TIMEOUT halfslow TXT\nhalfslow TXT here\nhalfslow A 192.0.2.3\n"
			      "*.wild A 192.0.2.4\nis.wild TXT x\n"
			      "unread TYPE731 \\# 3 abcdef\n");
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct dns_answer answer = ask(&f, rows[i].type, rows[i].name);
		if (answer.status != rows[i].status)
			fail_msg("%s: got %s", rows[i].name, dns_status_word(answer.status));
		assert_int_equal(answer.n > 0, answer.status == DNS_FOUND);
		assert_int_equal(answer.why != NULL, answer.status == DNS_FAILED);
	}
	zone_fixture_done(&f);
}

static void a_master_file_is_read_as_the_standard_writes_it(void **state)
{
	struct dns_answer answer;
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "; a comment\n"
			      "$TTL 2h\n"
			      "$ORIGIN example.com.\n"
			      "@\tIN SOA ns admin ( 1 ; serial\n\t\t3h 1h\n\t\t1w 1h )\n"
			      "\tIN NS ns\n"
			      "\t300 IN MX 10 mail\n"
			      "\tIN 1h30m MX 20 mail.example.org.\r\n"
			      "\n"
			      "   \n"
			      "mail A 192.0.2.1 ; the server\n"
			      "     AAAA 2001:db8::1\n"
			      "txt TXT \"two \" \"words; not a comment\" unquoted\n"
			      "txt TXT ( \"a\"\n \"b\" )\n"
			      "esc TXT \"\\\"q\\\" \\\\ \\065\" a\\;b\n"
			      "dot\\.ted TXT x\n"
			      "sp\\032ace TXT y\n"
			      "1 PTR host\n"
			      "last TXT end");
	answer = ask(&f, DNS_MX, "example.com");
	assert_int_equal(answer.n, 2);
	assert_int_equal(answer.records[0].preference, 10);
	assert_int_equal(answer.records[0].ttl, 300);
	unit_text_is(answer.records[0].name, "mail.example.com");
	assert_int_equal(answer.records[1].ttl, 5400);
	unit_text_is(answer.records[1].name, "mail.example.org");
	answer = ask(&f, DNS_A, "mail.example.com");
	assert_int_equal(answer.records[0].ttl, 7200);
	assert_int_equal(ask(&f, DNS_AAAA, "mail.example.com").n, 1);
	answer = ask(&f, DNS_TXT, "txt.example.com");
	assert_int_equal(answer.n, 2);
	unit_text_is(answer.records[0].data, "two words; not a commentunquoted");
	unit_text_is(answer.records[1].data, "ab");
	unit_text_is(ask(&f, DNS_TXT, "esc.example.com").records[0].data, "\"q\" \\ Aa;b");
	unit_text_is(ask(&f, DNS_TXT, "dot\\.ted.example.com").records[0].data, "x");
	assert_int_equal(ask(&f, DNS_TXT, "dot.ted.example.com").status, DNS_NO_NAME);
	unit_text_is(ask(&f, DNS_TXT, "sp ace.example.com").records[0].data, "y");
	unit_text_is(ask(&f, DNS_PTR, "1.example.com").records[0].name, "host.example.com");
	unit_text_is(ask(&f, DNS_TXT, "last.example.com").records[0].data, "end");
	zone_fixture_done(&f);
}

static void a_mistake_has_a_place(void **state)
{
	static const struct {
		const char *file;
		unsigned line, column;
	} rows[] = {
		{ "a.example. A 1.2.3\n", 1, 14 },
		{ "\n  \n\ta.example. A 1.2.3.4\n", 3, 2 },
		{ "a A 1.2.3.4\nb AAAA 1.2.3.4", 2, 8 },
		{ "a MX mail", 1, 3 },
		{ "a MX x mail", 1, 6 },
		{ "a MX 70000 mail", 1, 6 },
		{ "a IN", 1, 3 },
		{ "a CH TXT x", 1, 3 },
		{ "a BOGUS x", 1, 3 },
		{ "a TXT \"open\nb TXT x", 1, 7 },
		{ "a TXT ( x\n", 1, 7 },
		{ "a TXT x )", 1, 9 },
		{ "a TXT \\999", 1, 7 },
		{ "$INCLUDE other", 1, 1 },
		{ "$TTL x", 1, 1 },
		{ "$ORIGIN", 1, 1 },
		{ "a..b A 1.2.3.4", 1, 8 },
		{ "a A 1.2.3.4 1.2.3.5", 1, 3 },
		{ "a TXT", 1, 3 },
	};
	struct dns_zone_mistake mistake;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct dns_zone *zone = dns_zone_new(65536);
		if (dns_zone_read(zone, text_from_cstr(rows[i].file), &mistake))
			fail_msg("%s: no mistake found", rows[i].file);
		if (mistake.line != rows[i].line || mistake.column != rows[i].column)
			fail_msg("%s: %u:%u: %s", rows[i].file, mistake.line, mistake.column, mistake.what);
		dns_zone_free(zone);
	}
}

static void a_zone_is_no_larger_than_its_maximum(void **state)
{
	struct dns_zone *zone = dns_zone_new(65536);
	struct dns_record record = { .data = text_from_cstr("0123456789abcdef0123456789abcdef") };
	enum error e = ERROR_NONE;
	unsigned n = 0;

	(void)state;
	for (; e == ERROR_NONE && n < 10000; n++) {
		char owner[32];
		snprintf(owner, sizeof owner, "n%u.example", n);
		e = dns_zone_add(zone, text_from_cstr(owner), DNS_TXT, &record);
	}
	assert_int_equal(e, ERROR_TOO_LARGE);
	assert_true(n > 100);
	dns_zone_free(zone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_exist_have_data_or_fail),
		cmocka_unit_test(a_master_file_is_read_as_the_standard_writes_it),
		cmocka_unit_test(a_mistake_has_a_place),
		cmocka_unit_test(a_zone_is_no_larger_than_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
