/* SPDX-License-Identifier: Apache-2.0
 *
 * check_host() beside what the public suite asks (tests/suites/spf.py): limits at their edges, what an
 * identity is, explanations, internationalised addresses, memory.
 */
#include "proto/spf.h"

#include "base/buf.h"
#include "zone_fixture.h"

struct row {
	const char *what;
	const char *mail_from;
	enum auth_result result;
	const char *mechanism; /* or NULL */
};

static struct spf_result check_from(struct zone_fixture *f, const char *client, const char *mail_from)
{
	struct spf_limits limits = spf_limits_default();
	struct spf_query query = { .identity = SPF_MAILFROM,
				   .helo = text_from_cstr("mx.helo.example"),
				   .mail_from = text_from_cstr(mail_from),
				   .receiver = text_from_cstr("mx.example.net"),
				   .now = 1700000000 };
	struct spf_result result;

	assert_true(addr_parse(text_from_cstr(client), &query.client));
	spf_check(&query, &limits, &f->source, &f->arena, &result);
	return result;
}

static void check_rows(struct zone_fixture *f, const char *client, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct spf_result r = check_from(f, client, rows[i].mail_from);
		if (r.result != rows[i].result)
			fail_msg("%s: got %s (%s)", rows[i].what, auth_result_word(r.result),
				 spf_problem_text(r.problem));
		if (rows[i].mechanism)
			unit_text_is(r.mechanism, rows[i].mechanism);
	}
}

static void terms_that_ask_are_counted_over_all_records(void **state)
{
	static const struct row rows[] = {
		{ "ten lookups are allowed", "x@ten.example", AUTH_PASS, "ip4:192.0.2.1" },
		{ "the eleventh is an error", "x@eleven.example", AUTH_PERMERROR, "" },
		{ "those of an included record count", "x@inner.example", AUTH_PERMERROR, NULL },
		{ "the macro p counts as one", "x@macro.example", AUTH_PERMERROR, NULL },
		{ "records that include each other end", "x@loop.example", AUTH_PERMERROR, NULL },
		{ "a record that redirects to itself ends", "x@redirect.example", AUTH_PERMERROR, NULL },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(
		&f,
		"a.example. A 192.0.2.9\n"
		"ten.example. TXT \"v=spf1 a:a.example a:a.example a:a.example a:a.example a:a.example "
		"a:a.example a:a.example a:a.example a:a.example a:a.example ip4:192.0.2.1 -all\"\n"
		"eleven.example. TXT \"v=spf1 a:a.example a:a.example a:a.example a:a.example a:a.example "
		"a:a.example a:a.example a:a.example a:a.example a:a.example a:a.example +all\"\n"
		"inner.example. TXT \"v=spf1 include:ten.example -all\"\n"
		"macro.example. TXT \"v=spf1 a:a.example a:a.example a:a.example a:a.example a:a.example "
		"a:a.example a:a.example a:a.example a:a.example exists:%{p}.a.example +all\"\n"
		"loop.example. TXT \"v=spf1 include:loop.example +all\"\n"
		"redirect.example. TXT \"v=spf1 redirect=redirect.example\"\n");
	check_rows(&f, "192.0.2.1", rows, UNIT_COUNT(rows));
	zone_fixture_done(&f);
}

static void questions_in_vain_are_counted_once_for_each_term(void **state)
{
	static const struct row rows[] = {
		{ "two are allowed", "x@two.example", AUTH_PASS, "+all" },
		{ "the third is an error", "x@three.example", AUTH_PERMERROR, NULL },
		{ "servers without an address of the client's kind are none", "x@servers.example", AUTH_FAIL,
		  "-all" },
		{ "a name that cannot be is not asked for", "x@bad.example", AUTH_FAIL, "-all" },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f,
			  "two.example. TXT \"v=spf1 a:n1.example exists:n2.example +all\"\n"
			  "three.example. TXT \"v=spf1 a:n1.example exists:n2.example mx:n3.example +all\"\n"
			  "servers.example. TXT \"v=spf1 mx -all\"\n"
			  "servers.example. MX 1 m1.example.\nservers.example. MX 2 m2.example.\n"
			  "servers.example. MX 3 m3.example.\nservers.example. MX 4 m4.example.\n"
			  "bad.example. TXT \"v=spf1 a:x..a.example a:y..a.example a:z..a.example -all\"\n");
	check_rows(&f, "192.0.2.1", rows, UNIT_COUNT(rows));
	zone_fixture_done(&f);
}

static void servers_of_mx_are_limited_and_names_of_a_client_cut(void **state)
{
	static const struct row rows[] = {
		{ "eleven servers are an error", "x@mx11.example", AUTH_PERMERROR, NULL },
		{ "of eleven names the last is not looked at", "x@ptr.example", AUTH_FAIL, "-all" },
	};
	struct zone_fixture f;
	struct buf zone;

	(void)state;
	buf_init(&zone, 65536);
	buf_add_cstr(&zone, "mx11.example. TXT \"v=spf1 mx -all\"\nptr.example. TXT \"v=spf1 ptr -all\"\n");
	for (unsigned i = 0; i < 11; i++)
		buf_printf(&zone,
			   "mx11.example. MX 1 m%u.example.\n1.2.0.192.in-addr.arpa. PTR n%u.%s.example.\n",
			   i, i, i == 10 ? "ptr" : "other");
	buf_add_cstr(&zone, "n10.ptr.example. A 192.0.2.1\n");
	zone_fixture_init(&f, buf_cstr(&zone));
	check_rows(&f, "192.0.2.1", rows, UNIT_COUNT(rows));
	zone_fixture_done(&f);
	buf_done(&zone);
}

static void limits_are_those_that_were_given(void **state)
{
	struct spf_limits limits = spf_limits_default();
	struct spf_query query = { .identity = SPF_MAILFROM, .mail_from = text_from_cstr("x@a.example") };
	struct spf_result result;
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "a.example. TXT \"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 a:b.example -all\"\n");
	limits.terms = 3;
	spf_check(&query, &limits, &f.source, &f.arena, &result);
	assert_int_equal(result.problem, SPF_PROBLEM_TERMS);
	limits.terms = 4;
	limits.record = 20;
	spf_check(&query, &limits, &f.source, &f.arena, &result);
	assert_int_equal(result.problem, SPF_PROBLEM_RECORD_SIZE);
	limits.record = 4096;
	limits.lookups = 0;
	spf_check(&query, &limits, &f.source, &f.arena, &result);
	assert_int_equal(result.problem, SPF_PROBLEM_LOOKUPS);
	unit_text_is(result.problem_at, "a:b.example");
	limits.lookups = 1;
	limits.void_lookups = 0;
	spf_check(&query, &limits, &f.source, &f.arena, &result);
	assert_int_equal(result.problem, SPF_PROBLEM_VOID_LOOKUPS);
	zone_fixture_done(&f);
}

static void a_mistake_anywhere_ends_before_the_first_question(void **state)
{
	struct spf_result result;
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "a.example. TXT \"v=spf1 a mx +all ip4:192.0.2.300\"\n");
	result = check_from(&f, "192.0.2.1", "x@a.example");
	assert_int_equal(result.result, AUTH_PERMERROR);
	assert_int_equal(result.problem, SPF_PROBLEM_ADDRESS);
	unit_text_is(result.problem_at, "ip4:192.0.2.300");
	assert_int_equal(f.n_questions, 1);
	zone_fixture_done(&f);
}

static void the_identity_without_a_local_part_is_postmaster(void **state)
{
	static const struct {
		const char *mail_from, *domain, *sender;
	} rows[] = {
		{ "", "mx.helo.example", "postmaster@mx.helo.example" },
		{ "@A.example", "a.example", "postmaster@A.example" },
		{ "a.example", "a.example", "postmaster@a.example" },
		{ "\"x@y\"@a.example", "a.example", "\"x@y\"@a.example" },
		{ "x@a.example.", "a.example", "x@a.example" },
		{ "x@b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example", "x@xn--bcher-kva.example" },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "*.example. TXT \"v=spf1 -all\"\n");
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct spf_result result = check_from(&f, "192.0.2.1", rows[i].mail_from);
		unit_text_is(result.domain, rows[i].domain);
		unit_text_is(result.sender, rows[i].sender);
		assert_int_equal(result.result, AUTH_FAIL);
	}
	zone_fixture_done(&f);
}

static void what_is_no_domain_has_no_result_and_asks_nothing(void **state)
{
	static const char *const senders[] = { "x@localhost",   "x@[192.0.2.1]", "x@a..example",
					       "x@.example",    "x@a b.example", "x@",
					       "x@\xff.example" };
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "*. TXT \"v=spf1 -all\"\n");
	for (size_t i = 0; i < UNIT_COUNT(senders); i++) {
		struct spf_result result = check_from(&f, "192.0.2.1", senders[i]);
		assert_int_equal(result.result, AUTH_NONE);
		assert_int_equal(result.problem, SPF_PROBLEM_NO_DOMAIN);
	}
	assert_int_equal(f.n_questions, 0);
	zone_fixture_done(&f);
}

static void a_local_part_beyond_ascii_matches_no_macro(void **state)
{
	static const struct row rows[] = {
		{ "a mechanism that uses it does not match", "j\xc3\xb6rg@a.example", AUTH_FAIL, "-all" },
		{ "another is not touched", "j\xc3\xb6rg@b.example", AUTH_PASS, "exists:%{d}" },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "a.example. TXT \"v=spf1 exists:%{l}.x.example exists:%{s}.x.example -all\"\n"
			      "*.x.example. A 127.0.0.2\n"
			      "b.example. TXT \"v=spf1 exists:%{d} -all\"\nb.example. A 127.0.0.2\n");
	check_rows(&f, "192.0.2.1", rows, UNIT_COUNT(rows));
	zone_fixture_done(&f);
}

static void explanations_are_given_only_when_they_are_proper(void **state)
{
	static const struct {
		const char *mail_from, *explanation;
	} rows[] = {
		{ "x@good.example", "192.0.2.1 at mx.example.net, 1700000000; no mail" },
		{ "x@redirect.example", "192.0.2.1 at mx.example.net, 1700000000; no mail" },
		{ "x@include.example", "" }, /* its own, which it has not */
		{ "x@soft.example", "" },    /* no fail */
		{ "x@eight.example", "" },   /* not ASCII */
		{ "x@two.example", "" },
		{ "x@none.example", "" },
		{ "x@slow.example", "" },
		{ "x@broken.example", "" },
		{ "x@long.example", "" },
		{ "\x01@echo.example", "" },
		{ "x@echo.example", "x" },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(
		&f,
		"good.example. TXT \"v=spf1 -all exp=good.e.example\"\n"
		"good.e.example. TXT \"%{c} at %{r}, %{t}\" \"; no mail\"\n"
		"redirect.example. TXT \"v=spf1 redirect=good.example exp=none.e.example\"\n"
		"include.example. TXT \"v=spf1 include:good.example -all\"\n"
		"soft.example. TXT \"v=spf1 ~all exp=good.e.example\"\n"
		"eight.example. TXT \"v=spf1 -all exp=eight.e.example\"\neight.e.example. TXT \"\\252\"\n"
		"two.example. TXT \"v=spf1 -all exp=two.e.example\"\n"
		"two.e.example. TXT a\ntwo.e.example. TXT b\n"
		"none.example. TXT \"v=spf1 -all exp=none.e.example\"\n"
		"slow.example. TXT \"v=spf1 -all exp=slow.e.example\"\n$TIMEOUT slow.e.example.\n"
		"broken.example. TXT \"v=spf1 -all exp=broken.e.example\"\nbroken.e.example. TXT \"100%\"\n"
		"long.example. TXT \"v=spf1 -all exp=long.e.example\"\n"
		"long.e.example. TXT \"%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}"
		"%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}%{S}\"\n"
		"echo.example. TXT \"v=spf1 -all exp=echo.e.example\"\necho.e.example. TXT \"%{l}\"\n");
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct spf_result result = check_from(&f, "192.0.2.1", rows[i].mail_from);
		unit_text_is(result.explanation, rows[i].explanation);
		assert_int_equal(result.problem, SPF_PROBLEM_NONE);
	}
	zone_fixture_done(&f);
}

static void families_of_addresses_do_not_mix(void **state)
{
	static const struct row rows[] = {
		{ "ip6 does not match IPv4", "x@six.example", AUTH_FAIL, "-all" },
		{ "not even the mapped form", "x@mapped.example", AUTH_FAIL, "-all" },
		{ "ip4 of no length matches all", "x@four.example", AUTH_PASS, "ip4:0.0.0.0/0" },
	};
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "six.example. TXT \"v=spf1 ip6:::/0 -all\"\n"
			      "mapped.example. TXT \"v=spf1 ip6:::ffff:192.0.2.1 -all\"\n"
			      "four.example. TXT \"v=spf1 ip4:0.0.0.0/0 -all\"\n");
	check_rows(&f, "192.0.2.1", rows, UNIT_COUNT(rows));
	check_rows(&f, "::ffff:192.0.2.1", rows, UNIT_COUNT(rows));
	zone_fixture_done(&f);
}

static void the_problem_is_told_with_its_record(void **state)
{
	struct spf_result result;
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f, "a.example. TXT \"v=spf1 include:b.example -all\"\n"
			      "b.example. TXT \"v=spf1 mx:slow.example -all\"\n$TIMEOUT slow.example.\n");
	result = check_from(&f, "192.0.2.1", "x@a.example");
	assert_int_equal(result.result, AUTH_TEMPERROR);
	assert_int_equal(result.problem, SPF_PROBLEM_DNS);
	unit_text_is(result.problem_at, "slow.example");
	unit_text_is(result.record_owner, "b.example");
	assert_int_equal(result.lookups, 2);
	zone_fixture_done(&f);
}

static void an_arena_that_is_full_is_an_error_never_a_verdict(void **state)
{
	struct spf_limits limits = spf_limits_default();
	struct spf_query query = { .identity = SPF_MAILFROM, .mail_from = text_from_cstr("x@a.example") };
	struct spf_result result;
	struct zone_fixture f;

	(void)state;
	zone_fixture_init(&f,
			  "a.example. TXT \"v=spf1 a:%{d} mx:%{d} exists:%{d}.x ip4:192.0.2.1 +all\"\n"
			  "a.example. A 192.0.2.9\na.example. MX 1 a.example.\na.example.x. A 127.0.0.1\n");
	for (size_t max = 0; max < 4096; max += 16) {
		struct arena small;
		arena_init(&small, max);
		spf_check(&query, &limits, &f.source, &small, &result);
		assert_true(result.result == AUTH_PASS || result.result == AUTH_PERMERROR ||
			    result.result == AUTH_TEMPERROR);
		arena_reset(&small);
	}
	assert_int_equal(result.result, AUTH_PASS);
	zone_fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_that_ask_are_counted_over_all_records),
		cmocka_unit_test(questions_in_vain_are_counted_once_for_each_term),
		cmocka_unit_test(servers_of_mx_are_limited_and_names_of_a_client_cut),
		cmocka_unit_test(limits_are_those_that_were_given),
		cmocka_unit_test(a_mistake_anywhere_ends_before_the_first_question),
		cmocka_unit_test(the_identity_without_a_local_part_is_postmaster),
		cmocka_unit_test(what_is_no_domain_has_no_result_and_asks_nothing),
		cmocka_unit_test(a_local_part_beyond_ascii_matches_no_macro),
		cmocka_unit_test(explanations_are_given_only_when_they_are_proper),
		cmocka_unit_test(families_of_addresses_do_not_mix),
		cmocka_unit_test(the_problem_is_told_with_its_record),
		cmocka_unit_test(an_arena_that_is_full_is_an_error_never_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
