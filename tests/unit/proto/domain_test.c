/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains in other scripts, in the form that DNS knows (rfc5890 2.3.2, rfc5891 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/domain.h"

#include <string.h>

static const struct {
	const char *name, *ascii; /* NULL: refused */
} cases[] = {
	{ "", "" },
	{ "example.com", "example.com" },
	{ "[192.0.2.1]", "[192.0.2.1]" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "b\xc3\xbc"
	  "cher.example",
	  "xn--bcher-kva.example" },
	{ "B\xc3\x9c"
	  "CHER.example",
	  "xn--bcher-kva.example" },
	{ "bu\xcc\x88"
	  "cher.example",
	  "xn--bcher-kva.example" }, /* not in normal form */
	{ "fa\xc3\x9f.example", "xn--fa-hia.example" },
	{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah" },
	{ "b\xc3\xbc"
	  "cher\xe3\x80\x82"
	  "example",
	  "xn--bcher-kva.example" },                  /* ideographic full stop */
	{ "\xc3\xbc_.example", "xn--_-dha.example" }, /* nothing is left out */
	{ "\xc3\xbc..example", NULL },
	{ "\xff.example", NULL },
	{ "\xe2\x80\xae"
	  "a.example",
	  NULL }, /* right-to-left override */
};

static void domains_become_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena;
		struct text ascii;
		bool ok;

		arena_init(&arena, 1024);
		ok = domain_to_ascii(text_from_cstr(cases[i].name), &arena, &ascii);
		if (ok != (cases[i].ascii != NULL) || (ok && !text_is_cstr(ascii, cases[i].ascii)))
			fail_msg("%s: %.*s", cases[i].name, ok ? (int)ascii.n : 7, ok ? ascii.p : "refused");
		arena_reset(&arena);
	}
}

static void a_long_domain_is_refused(void **state)
{
	char name[400] = "\xc3\xbc";
	struct arena arena;
	struct text ascii;

	(void)state;
	memset(name + 2, 'a', 300);
	arena_init(&arena, 1024);
	assert_false(domain_to_ascii(text_from_cstr(name), &arena, &ascii));
	arena_reset(&arena);
}

static void one_domain_has_many_forms(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_equal;
	} pairs[] = {
		{ "example.com", "EXAMPLE.com", true },
		{ "xn--bcher-kva.example",
		  "B\xc3\x9c"
		  "CHER.Example",
		  true },
		{ "B\xc3\x9c"
		  "CHER.example",
		  "b\xc3\xbc"
		  "cher.example",
		  true },
		{ "xn--bcher-kva.example", "bucher.example", false },
		{ "xn--bcher-kva.example",
		  "b\xc3\xbc"
		  "cher.example.org",
		  false },
		{ "\xff.example", "\xff.example", true },
		{ "\xff.example", "\xfe.example", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct text a = text_from_cstr(pairs[i].a), b = text_from_cstr(pairs[i].b);
		assert_int_equal(domain_is_equal(a, b), pairs[i].is_equal);
		assert_int_equal(domain_is_equal(b, a), pairs[i].is_equal);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_domain_has_many_forms),
		cmocka_unit_test(domains_become_ascii),
		cmocka_unit_test(a_long_domain_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
