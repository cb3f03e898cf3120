/* SPDX-License-Identifier: Apache-2.0
 *
 * Envelope addresses: what is taken, in which canonical form, and what is refused. rfc5321 4.1.2
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/smtp_address.h"

struct row {
	const char *given;
	const char *printed; /* NULL: an error is expected */
	const char *rest;
	enum error error;
};

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D63 "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static const struct row forward_rows[] = {
	{ "<user@example.com>", "user@example.com", "" },
	{ "<User@EXAMPLE.com>", "User@example.com", "" },
	{ "<user@example.com> NOTIFY=NEVER", "user@example.com", " NOTIFY=NEVER" },
	{ "user@example.com NOTIFY=NEVER", "user@example.com", " NOTIFY=NEVER" },
	{ "user@example.com", "user@example.com", "" },
	{ "<Postmaster>", "Postmaster", "" },
	{ "<postmaster@x>", "postmaster@x", "" },
	{ "<@a.example,@b.example:user@c.example>", "user@c.example", "" },
	{ "<\"john doe\"@example.com> X", "\"john doe\"@example.com", " X" },
	{ "<\"john\\ doe\"@example.com>", "\"john doe\"@example.com", "" },
	{ "<\"john\"@example.com>", "john@example.com", "" },
	{ "<\"a>b\"@example.com>", "\"a>b\"@example.com", "" },
	{ "\"a b\"@example.com X", "\"a b\"@example.com", " X" },
	{ "<\"a\\\"b\\\\\"@example.com>", "\"a\\\"b\\\\\"@example.com", "" },
	{ "<\"\"@example.com>", "\"\"@example.com", "" },
	{ "<\"a..b\"@example.com>", "\"a..b\"@example.com", "" },
	{ "<user@[192.0.2.1]>", "user@[192.0.2.1]", "" },
	{ "<user@[IPv6:2001:DB8:0:0::1]>", "user@[IPv6:2001:db8::1]", "" },
	{ "<user@[ipv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]", "" },
	{ "<a+b=c!#$%&'*/?^_`{|}~-@x.example>", "a+b=c!#$%&'*/?^_`{|}~-@x.example", "" },
	{ "<us\xc3\xa9r@ex\xc3\xa4mple.com>", "us\xc3\xa9r@ex\xc3\xa4mple.com", "" },
	{ "<user@under_score.example>", "user@under_score.example", "" },
	{ "<user@localhost>", "user@localhost", "" },
	{ "<" A60 "aaaa@x>", A60 "aaaa@x", "" },
	{ "<a@" D63 ".com>", "a@" D63 ".com", "" },
	{ "<" A60 "aaaaa@x>", NULL, NULL, ERROR_TOO_LARGE },
	{ "<a@" D63 "d.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<a@" D63 "." D63 "." D63 "." D63 ">", NULL, NULL, ERROR_TOO_LARGE },
	{ "<" A60 "@" D63 "." D63 "." D63 ".com>", NULL, NULL, ERROR_TOO_LARGE },
	{ "<>", NULL, NULL, ERROR_MALFORMED },
	{ "", NULL, NULL, ERROR_MALFORMED },
	{ "<", NULL, NULL, ERROR_MALFORMED },
	{ "<user>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@>", NULL, NULL, ERROR_MALFORMED },
	{ "<@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@example.com", NULL, NULL, ERROR_MALFORMED },
	{ "<user@example.com>x", NULL, NULL, ERROR_MALFORMED },
	{ "<<user@example.com>>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<us er@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<.user@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<us..er@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user.@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@example..com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@.example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@example.com.>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@-example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<a@xn--->", NULL, NULL, ERROR_MALFORMED },
	{ "<user@exa mple.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@[192.0.2.300]>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@[2001:db8::1]>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@[IPv6:192.0.2.1]>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@[x400:foo]>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@[]>", NULL, NULL, ERROR_MALFORMED },
	{ "<user@example.com\xff>", NULL, NULL, ERROR_MALFORMED },
	{ "<us\x01"
	  "er@example.com>",
	  NULL, NULL, ERROR_MALFORMED },
	{ "<\"us\ter\"@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<\"user@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<\"user\\\"@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<\"a\"b@example.com>", NULL, NULL, ERROR_MALFORMED },
	{ "<@a.example user@c.example>", NULL, NULL, ERROR_MALFORMED },
	{ "<@a.example,b.example:user@c.example>", NULL, NULL, ERROR_MALFORMED },
	{ "<@:user@c.example>", NULL, NULL, ERROR_MALFORMED },
	{ "user @example.com", NULL, NULL, ERROR_MALFORMED },
};

static void check_row(const struct row *row)
{
	struct smtp_address address = { 0 };
	struct text rest = { 0 };
	struct arena arena;
	struct buf out;
	enum error e;

	arena_init(&arena, 4096);
	buf_init(&out, SMTP_ADDRESS_MAX);
	e = smtp_address_parse_forward(text_from_cstr(row->given), &arena, &address, &rest);
	if (e != row->error)
		fail_msg("%s: %s", row->given, error_text(e));
	if (row->printed) {
		assert_true(smtp_address_print(&address, &out));
		assert_string_equal(buf_cstr(&out), row->printed);
		assert_true(text_is_cstr(rest, row->rest));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void forward_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forward_rows / sizeof *forward_rows; i++)
		check_row(&forward_rows[i]);
}

static void what_is_printed_parses_to_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forward_rows / sizeof *forward_rows; i++) {
		struct row again = { forward_rows[i].printed, forward_rows[i].printed, "", ERROR_NONE };
		if (again.given)
			check_row(&again);
	}
}

static void reverse_path_may_be_null(void **state)
{
	struct smtp_address address;
	struct text rest;
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	assert_int_equal(smtp_address_parse_reverse(text_from_cstr("<> SIZE=1"), &arena, &address, &rest), 0);
	assert_true(smtp_address_is_null(&address));
	assert_true(text_is_cstr(rest, " SIZE=1"));
	assert_int_equal(smtp_address_parse_reverse(text_from_cstr("<postmaster>"), &arena, &address, &rest),
			 ERROR_MALFORMED);
	assert_int_equal(smtp_address_parse_reverse(text_from_cstr("<>x"), &arena, &address, &rest),
			 ERROR_MALFORMED);
	arena_reset(&arena);
}

static struct smtp_address parsed(const char *s, struct arena *a)
{
	struct smtp_address address;

	assert_int_equal(smtp_address_parse(text_from_cstr(s), a, &address), 0);
	return address;
}

static void equality_folds_the_domain_only(void **state)
{
	struct arena arena;
	struct smtp_address a, b;

	(void)state;
	arena_init(&arena, 4096);
	a = parsed("user@example.com", &arena);
	b = parsed("user@EXAMPLE.com", &arena);
	assert_true(smtp_address_is_equal(&a, &b));
	b = parsed("USER@example.com", &arena);
	assert_false(smtp_address_is_equal(&a, &b));
	a = parsed("\"user\"@example.com", &arena);
	b = parsed("user@example.com", &arena);
	assert_true(smtp_address_is_equal(&a, &b));
	a = parsed("postmaster@example.com", &arena);
	b = parsed("PostMaster@example.com", &arena);
	assert_true(smtp_address_is_equal(&a, &b));
	arena_reset(&arena);
}

static void full_arena_is_an_error(void **state)
{
	struct smtp_address address;
	struct arena arena;

	(void)state;
	arena_init(&arena, 4);
	assert_int_equal(smtp_address_parse(text_from_cstr("somebody@example.com"), &arena, &address),
			 ERROR_TOO_LARGE);
	arena_reset(&arena);
}

static void hello_names(void **state)
{
	static const char *const good[] = { "mx.example.com", "localhost", "[192.0.2.1]",
					    "[IPv6:::1]",     "WIN_BOX-1", "ex\xc3\xa4mple.com",
					    "192.0.2.1" };
	static const char *const bad[] = { "", "a b", "a(b)", "<x>", "x;y", "a\x01", "\xff", "a@b", "\"x\"" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(smtp_hello_is_valid(text_from_cstr(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(smtp_hello_is_valid(text_from_cstr(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_paths),
		cmocka_unit_test(what_is_printed_parses_to_the_same),
		cmocka_unit_test(reverse_path_may_be_null),
		cmocka_unit_test(equality_folds_the_domain_only),
		cmocka_unit_test(full_arena_is_an_error),
		cmocka_unit_test(hello_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
