/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of records and macros, row by row, and what macros become. rfc7208 4.6, 7
 */
#include "proto/spf_macro.h"
#include "proto/spf_record.h"

#include "unit.h"

static void only_the_exact_version_is_a_record(void **state)
{
	static const struct {
		const char *txt;
		bool is_spf;
	} rows[] = { { "v=spf1", true },
		     { "V=SPF1 -all", true },
		     { "v=spf1\t-all", false },
		     { "v=spf10 -all", false },
		     { " v=spf1", false },
		     { "v=spf", false },
		     { "", false } };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		assert_int_equal(spf_record_is_spf(text_from_cstr(rows[i].txt)), rows[i].is_spf);
}

struct term_row {
	const char *term;
	enum spf_problem problem;
};

static void check_terms(const struct term_row *rows, size_t n)
{
	struct spf_limits limits = spf_limits_default();
	struct spf_record record;
	struct arena arena;
	struct text where;
	struct buf txt;

	arena_init(&arena, 65536);
	buf_init(&txt, 1024);
	for (size_t i = 0; i < n; i++) {
		enum spf_problem problem;
		buf_reset(&txt);
		buf_printf(&txt, "v=spf1  %s ", rows[i].term);
		problem = spf_record_parse(buf_text(&txt), &limits, &arena, &record, &where);
		if (problem != rows[i].problem)
			fail_msg("%s: got \"%s\"", rows[i].term, spf_problem_text(problem));
	}
	buf_done(&txt);
	arena_reset(&arena);
}

static void what_the_grammar_allows_is_read(void **state)
{
	static const struct term_row rows[] = {
		{ "all", SPF_PROBLEM_NONE },
		{ "?ALL", SPF_PROBLEM_NONE },
		{ "a", SPF_PROBLEM_NONE },
		{ "a/0//0", SPF_PROBLEM_NONE },
		{ "a//64", SPF_PROBLEM_NONE },
		{ "mx:a.example/24//64", SPF_PROBLEM_NONE },
		{ "a:a/b.example/24", SPF_PROBLEM_NONE },
		{ "ptr", SPF_PROBLEM_NONE },
		{ "exists:%{ir}.%{v}._spf.%{d2}", SPF_PROBLEM_NONE },
		{ "a:%{s}", SPF_PROBLEM_NONE },
		{ "a:example.com.", SPF_PROBLEM_NONE },
		{ "a:x.1-2", SPF_PROBLEM_NONE },
		{ "x-y_z.1=%{l}", SPF_PROBLEM_NONE },
		{ "x=", SPF_PROBLEM_NONE },
		{ "ip6:::1/0", SPF_PROBLEM_NONE },
		{ "ip6:::ffff:192.0.2.1", SPF_PROBLEM_NONE },
		{ "a=x.example;", SPF_PROBLEM_NONE },
	};

	(void)state;
	check_terms(rows, UNIT_COUNT(rows));
}

static void a_wrong_term_has_its_name(void **state)
{
	static const struct term_row rows[] = {
		{ "all:x.example", SPF_PROBLEM_ARGUMENT },
		{ "all/8", SPF_PROBLEM_ARGUMENT },
		{ "ptr/8", SPF_PROBLEM_ARGUMENT },
		{ "a/x", SPF_PROBLEM_ARGUMENT },
		{ "@all", SPF_PROBLEM_MECHANISM },
		{ "+-all", SPF_PROBLEM_MECHANISM },
		{ "-", SPF_PROBLEM_MECHANISM },
		{ "alll", SPF_PROBLEM_MECHANISM },
		{ "-x=y", SPF_PROBLEM_MECHANISM },
		{ "include", SPF_PROBLEM_NO_ARGUMENT },
		{ "include:", SPF_PROBLEM_NO_ARGUMENT },
		{ "ip4", SPF_PROBLEM_NO_ARGUMENT },
		{ "redirect=", SPF_PROBLEM_NO_ARGUMENT },
		{ "redirect=a.example redirect=a.example", SPF_PROBLEM_REPEATED },
		{ "exp=a.example EXP=b.example", SPF_PROBLEM_REPEATED },
		{ "all\t", SPF_PROBLEM_BYTE },
		{ "x=\xc3\xa4", SPF_PROBLEM_BYTE },
	};

	(void)state;
	check_terms(rows, UNIT_COUNT(rows));
}

static void a_wrong_domain_or_address_has_its_name(void **state)
{
	static const struct term_row rows[] = {
		{ "include:x.example/8", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:example", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:x.123", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:x.-y", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:x.y-", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:%{t}.example", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:%{d0}", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:%{z}", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:%{d", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a:%.example", SPF_PROBLEM_DOMAIN_SPEC },
		{ "x=%", SPF_PROBLEM_DOMAIN_SPEC },
		{ "a/33", SPF_PROBLEM_PREFIX },
		{ "a/08", SPF_PROBLEM_PREFIX },
		{ "a//129", SPF_PROBLEM_PREFIX },
		{ "ip4:192.0.2.1/33", SPF_PROBLEM_PREFIX },
		{ "ip4:192.0.2.1/", SPF_PROBLEM_PREFIX },
		{ "ip6:::1/0128", SPF_PROBLEM_PREFIX },
		{ "ip4:192.0.2", SPF_PROBLEM_ADDRESS },
		{ "ip4:192.0.2.01", SPF_PROBLEM_ADDRESS },
		{ "ip4:::1", SPF_PROBLEM_ADDRESS },
		{ "ip6:192.0.2.1", SPF_PROBLEM_ADDRESS },
	};

	(void)state;
	check_terms(rows, UNIT_COUNT(rows));
}

/* The examples of rfc7208 7.4, and the edges of its rules. */
static void macros_become_what_the_standard_shows(void **state)
{
	static const struct {
		const char *macros, *expansion;
	} rows[] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
		{ "%%%_%-", "% %20" },
		{ "%{S}", "strong-bad%40email.example.com" },
		{ "%{h} %{p} %{r} %{c} %{t}", "mx.example.org unknown mx.example.net 192.0.2.3 1700000000" },
		{ "%{d99999999999999999999}", "email.example.com" },
		{ "%{s1-@}", NULL },
		{ "%{s.-+,/_=}", "strong.bad@email.example.com" },
	};
	struct spf_macro_values values = { .sender = text_from_cstr("strong-bad@email.example.com"),
					   .local = text_from_cstr("strong-bad"),
					   .sender_domain = text_from_cstr("email.example.com"),
					   .domain = text_from_cstr("email.example.com"),
					   .client_name = text_from_cstr("unknown"),
					   .helo = text_from_cstr("mx.example.org"),
					   .receiver = text_from_cstr("mx.example.net"),
					   .now = 1700000000 };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_true(addr_parse(text_from_cstr("192.0.2.3"), &values.client));
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct text macros = text_from_cstr(rows[i].macros);
		buf_reset(&out);
		assert_int_equal(spf_macro_is_valid(macros, SPF_MACRO_EXPLANATION),
				 rows[i].expansion != NULL);
		if (!rows[i].expansion)
			continue;
		spf_macro_expand(macros, &values, &out);
		unit_text_is(buf_text(&out), rows[i].expansion);
	}
	buf_reset(&out);
	assert_true(addr_parse(text_from_cstr("2001:db8::cb01"), &values.client));
	spf_macro_expand(text_from_cstr("%{ir}.%{v}"), &values, &out);
	unit_text_is(buf_text(&out), "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6");
	buf_done(&out);
}

static void an_expansion_stops_at_its_maximum(void **state)
{
	struct spf_macro_values values = { .local = text_from_cstr("aaaaaaaaaa") };
	struct buf out;

	(void)state;
	buf_init(&out, 25);
	spf_macro_expand(text_from_cstr("%{l}%{l}%{l}%{l}"), &values, &out);
	assert_true(out.overflow);
	assert_true(out.n <= 25);
	buf_done(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_exact_version_is_a_record),
		cmocka_unit_test(what_the_grammar_allows_is_read),
		cmocka_unit_test(a_wrong_term_has_its_name),
		cmocka_unit_test(a_wrong_domain_or_address_has_its_name),
		cmocka_unit_test(macros_become_what_the_standard_shows),
		cmocka_unit_test(an_expansion_stops_at_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
