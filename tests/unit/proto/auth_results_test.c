/* SPDX-License-Identifier: Apache-2.0
 *
 * Authentication-Results: written so that no value breaks out, read as others write them, and recognised
 * under any disguise.
 */
#include "base/buf.h"
#include "proto/auth_results.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIELD "Authentication-Results"

static void a_field_has_one_line_for_each_method(void **state)
{
	struct auth_results_writer w;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	auth_results_begin(&w, &out, FIELD, 0, text_from_cstr("mx.example.org"));
	auth_results_add_method(&w, "spf", AUTH_PASS);
	auth_results_add_comment(&w, text_from_cstr("sender is (really) allowed"));
	auth_results_add_property(&w, "smtp", "mailfrom", text_from_cstr("a@example.com"));
	auth_results_add_method(&w, "dkim", AUTH_FAIL);
	auth_results_add_reason(&w, text_from_cstr("body hash"));
	auth_results_add_property(&w, "header", "d", text_from_cstr("example.com"));
	auth_results_add_property(&w, "header", "s", (struct text){ 0 });
	auth_results_add_property(&w, "header", "b", text_from_cstr("ab/cd+=="));
	auth_results_add_method(&w, "dmarc", AUTH_PASS);
	auth_results_add_property(&w, "header", "from", text_from_cstr("example.com"));
	auth_results_add_property(&w, "policy", "dmarc", text_from_cstr("reject"));
	auth_results_end(&w);
	assert_string_equal(buf_cstr(&out),
			    "Authentication-Results: mx.example.org;\r\n"
			    " spf=pass (sender is \\(really\\) allowed) smtp.mailfrom=a@example.com;\r\n"
			    " dkim=fail reason=\"body hash\" header.d=example.com header.b=\"ab/cd+==\";\r\n"
			    " dmarc=pass header.from=example.com policy.dmarc=reject\r\n");
	buf_done(&out);
}

static void without_a_method_it_says_none(void **state)
{
	struct auth_results_writer w;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	auth_results_begin(&w, &out, "ARC-" FIELD, 3, text_from_cstr("mx.example.org"));
	auth_results_end(&w);
	assert_string_equal(buf_cstr(&out), "ARC-Authentication-Results: i=3; mx.example.org; none\r\n");
	buf_done(&out);
}

/* No value ends the field, is read as another property, or makes a line too long; and it reads back. */
static void whatever_a_value_is_the_field_stays_one_field(void **state)
{
	static const struct {
		struct text value;
		const char *read; /* NULL: as written */
	} values[] = {
		{ TEXT("a@example.com"), NULL },
		{ TEXT("a b@example.com"), NULL },
		{ TEXT("\"a b\"@example.com"), NULL },
		{ TEXT("@example.com"), NULL },
		{ TEXT("a@[192.0.2.1]"), NULL },
		{ TEXT("a@b@example.com"), NULL },
		{ TEXT("2001:db8::1"), NULL },
		{ TEXT("x; dkim=pass header.d=bank.example"), NULL },
		{ TEXT("x\" ; dkim=pass"), NULL },
		{ TEXT("back\\slash\\"), NULL },
		{ TEXT("x)("), NULL },
		{ TEXT("\xc3\xbc@b\xc3\xbc.example"), NULL },
		{ TEXT("x\r\nSubject: y"), "x??Subject: y" },
		{ TEXT("x\0y"), "x?y" },
		{ TEXT("x\0y@example.com"), "x?y@example.com" },
		{ TEXT("\xff\xfe"), "??" },
	};
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&out, 10000);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct auth_results results;
		struct auth_results_writer w;
		struct text expected = values[i].read ? text_from_cstr(values[i].read) : values[i].value;
		struct text body;
		buf_reset(&out);
		auth_results_begin(&w, &out, FIELD, 0, text_from_cstr("mx"));
		auth_results_add_method(&w, "spf", AUTH_FAIL);
		auth_results_add_comment(&w, values[i].value);
		auth_results_add_reason(&w, values[i].value);
		auth_results_add_property(&w, "smtp", "mailfrom", values[i].value);
		auth_results_end(&w);
		body = text_skip(buf_text(&out), strlen(FIELD ":"));
		body.n -= 2;
		assert_true(auth_results_parse(body, &arena, &results));
		assert_int_equal(results.n_methods, 1);
		assert_int_equal(results.methods[0].n_properties, 1);
		assert_true(text_is_equal(results.methods[0].properties[0].value, expected));
		assert_true(text_is_equal(results.methods[0].reason, expected));
		for (size_t at = 0; at + 2 < body.n; at++)
			if (body.p[at] == '\n')
				assert_true(body.p[at - 1] == '\r' && body.p[at + 1] == ' ');
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void long_values_are_cut_and_lines_stay_below_998(void **state)
{
	static char value[5000];
	struct auth_results_writer w;
	struct text rest, line;
	struct buf out;
	bool more = true;

	(void)state;
	memset(value, '"', sizeof value);
	buf_init(&out, 10000);
	auth_results_begin(&w, &out, FIELD, 0, text_from_bytes(value, sizeof value));
	auth_results_add_method(&w, "spf", AUTH_FAIL);
	auth_results_add_property(&w, "smtp", "mailfrom", text_from_bytes(value, sizeof value));
	auth_results_add_property(&w, "smtp", "helo", text_from_bytes(value, sizeof value));
	auth_results_end(&w);
	assert_false(out.overflow);
	for (rest = buf_text(&out); more;) {
		more = text_cut(rest, '\n', &line, &rest);
		assert_true(line.n <= 998);
	}
	buf_done(&out);
}

/* Expected: id, version, then each method with its properties; the examples of rfc8601 B among them. */
static const struct {
	const char *body;
	const char *expected; /* NULL: not well-formed */
} fields[] = {
	{ " example.org 1; none", "example.org 1" },
	{ "example.org;none;", "example.org 1" },
	{ " example.com;\r\n\tspf=pass smtp.mailfrom=example.net",
	  "example.com 1 spf/1=pass smtp.mailfrom=example.net" },
	{ "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass "
	  "smtp.mailfrom=example.net",
	  "example.com 1 auth/1=pass smtp.auth=sender@example.net spf/1=pass smtp.mailfrom=example.net" },
	{ "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;"
	  " dkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
	  "example.com 1 dkim/1=pass [good signature] header.i=@mail-router.example.net"
	  " dkim/1=fail [bad signature] header.i=@newyork.example.com" },
	{ "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail"
	  " policy (A dot can go here) . (like that) expired (this surprised me)"
	  " = (as I wasn't expecting it) 1362471462",
	  "foo.example.net 1 dkim/1=fail policy.expired=1362471462" },
	{ "\"mx (1)\"; spf=pass", "mx (1) 1 spf/1=pass" },
	{ "mx; dkim=pass header.b=ab/cd+== header.a=rsa-sha256", "mx 1 dkim/1=pass header.b=ab/cd+=="
								 " header.a=rsa-sha256" },
	{ "mx; iprev=pass policy.iprev=2001:db8::1", "mx 1 iprev/1=pass policy.iprev=2001:db8::1" },
	{ "mx; none; spf=pass", "mx 1 spf/1=pass" },
	{ "mx", "mx 1" },
	{ "", NULL },
	{ "(only a comment)", NULL },
	{ "mx; spf", NULL },
	{ "mx; spf=", NULL },
	{ "mx; spf=pass smtp.mailfrom", NULL },
	{ "mx; spf=pass (open", NULL },
	{ "mx; spf=pass reason=\"open", NULL },
	{ "mx 1 2; spf=pass", NULL },
	{ "mx spf=pass", NULL },
};

static void print(struct buf *out, const struct auth_results *r)
{
	buf_add(out, r->authserv_id);
	buf_printf(out, " %u", r->version);
	for (size_t i = 0; i < r->n_methods; i++) {
		const struct auth_results_method *m = &r->methods[i];
		buf_printf(out, " %.*s/%u=%.*s", TEXT_ARGS(m->method), m->version, TEXT_ARGS(m->result));
		if (m->reason.n)
			buf_printf(out, " [%.*s]", TEXT_ARGS(m->reason));
		for (size_t p = 0; p < m->n_properties; p++)
			buf_printf(out, " %.*s.%.*s=%.*s", TEXT_ARGS(m->properties[p].ptype),
				   TEXT_ARGS(m->properties[p].property), TEXT_ARGS(m->properties[p].value));
	}
}

static void fields_of_others_are_read(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 10000000);
	buf_init(&out, 10000);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct auth_results results;
		bool is_good = auth_results_parse(text_from_cstr(fields[i].body), &arena, &results);
		if (is_good != (fields[i].expected != NULL))
			fail_msg("%s", fields[i].body);
		buf_reset(&out);
		if (is_good)
			print(&out, &results);
		if (is_good && !text_is_cstr(buf_text(&out), fields[i].expected))
			fail_msg("%s: %s", fields[i].body, buf_cstr(&out));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void methods_and_properties_are_found_by_name(void **state)
{
	struct auth_results results;
	const struct auth_results_method *m;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	assert_true(
		auth_results_parse(text_from_cstr("mx; dkim=fail header.d=a; spf=pass; DKIM=pass header.D=b"),
				   &arena, &results));
	m = auth_results_find(&results, "dkim", NULL);
	assert_true(text_is_cstr(auth_results_property(m, "header", "d"), "a"));
	m = auth_results_find(&results, "dkim", m);
	assert_true(text_is_cstr(auth_results_property(m, "header", "d"), "b"));
	assert_int_equal(auth_results_property(m, "header", "s").n, 0);
	assert_null(auth_results_find(&results, "dkim", m));
	arena_reset(&arena);
}

static void our_name_is_recognised_under_any_disguise(void **state)
{
	static const char *const ours[] = {
		" mx.example.org; spf=pass",
		"mx.example.org 1; spf=pass",
		"MX.Example.ORG;none",
		"\r\n\tmx.example.org\r\n ; spf=pass",
		"(x) mx.example.org (y); spf=pass",
		"\"mx.example.org\"; spf=pass",
		"\"mx.ex\\ample.org\"; spf=pass",
		"mx.(x)example.org; spf=pass",
		"mx . example . org; spf=pass",
		"mx.example.org.; spf=pass",
		"mx.example.org spf=pass",
		"mx.example.org",
		"mx.example.org(1)1; spf=pass",
		"mx.example.org (not closed ; spf=pass",
		"m\x01x.example.org; spf=pass",
	};
	static const char *const others[] = {
		"",
		"; spf=pass",
		"mx.example.com; spf=pass",
		"xmx.example.org; spf=pass",
		"mx.example.org.evil.net; spf=pass",
		"other; x=mx.example.org",
		"(mx.example.org) other; spf=pass",
	};

	(void)state;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (!auth_results_is_of(text_from_cstr(ours[i]), text_from_cstr("mx.example.org")))
			fail_msg("not ours: %s", ours[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (auth_results_is_of(text_from_cstr(others[i]), text_from_cstr("mx.example.org")))
			fail_msg("ours: %s", others[i]);
	assert_true(auth_results_is_of(text_from_cstr("b\xc3\xbc"
						      "cher.example; none"),
				       text_from_cstr("xn--bcher-kva.example")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_has_one_line_for_each_method),
		cmocka_unit_test(without_a_method_it_says_none),
		cmocka_unit_test(whatever_a_value_is_the_field_stays_one_field),
		cmocka_unit_test(long_values_are_cut_and_lines_stay_below_998),
		cmocka_unit_test(fields_of_others_are_read),
		cmocka_unit_test(methods_and_properties_are_found_by_name),
		cmocka_unit_test(our_name_is_recognised_under_any_disguise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
