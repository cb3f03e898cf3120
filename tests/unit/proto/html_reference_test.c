/* SPDX-License-Identifier: Apache-2.0
 *
 * Character references of HTML.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/html_reference.h"

#include <string.h>

#define REPLACED "\xef\xbf\xbd"

static const struct {
	const char *text, *as_text, *as_attribute; /* NULL: the same as as_text */
} cases[] = {
	{ "&amp;", "&", NULL },
	{ "&amp", "&", NULL },
	{ "&ampx", "&x", "&ampx" },
	{ "&amp=", "&=", "&amp=" },
	{ "&amp;x", "&x", NULL },
	{ "&amp ", "& ", NULL },
	{ "&AMP;&Lt;&LT;", "&\xe2\x89\xaa<", NULL },
	{ "&notin;", "\xe2\x88\x89", NULL },
	{ "&notit;", "\xc2\xacit;", "&notit;" },
	{ "&notin", "\xc2\xacin", "&notin" },
	{ "&nothing",
	  "\xc2\xac"
	  "hing",
	  "&nothing" },
	{ "&nLt;", "\xe2\x89\xaa\xe2\x83\x92", NULL },
	{ "&fjlig;", "fj", NULL },
	{ "&CounterClockwiseContourIntegral;", "\xe2\x88\xb3", NULL },
	{ "&CounterClockwiseContourIntegral", "&CounterClockwiseContourIntegral", NULL },
	{ "&CounterClockwiseContourIntegralx;", "&CounterClockwiseContourIntegralx;", NULL },
	{ "&;", "&;", NULL },
	{ "&", "&", NULL },
	{ "&&amp;", "&&", NULL },
	{ "& amp;", "& amp;", NULL },
	{ "&nosuch;", "&nosuch;", NULL },
	{ "&nbsp;", "\xc2\xa0", NULL },
	{ "&Aacute&aacute", "\xc3\x81\xc3\xa1", NULL },
	{ "&Aacute&aacute;", "\xc3\x81\xc3\xa1", "\xc3\x81\xc3\xa1" },
	{ "&#65;&#x41;&#X41;&#65 &#x41g", "AAAA Ag", NULL },
	{ "&#;&#x;&#xg;&#", "&#;&#x;&#xg;&#", NULL },
	{ "&#00000000000000000000000000000000000000000065;", "A", NULL },
	{ "&#128;&#x9f;&#x81;", "\xe2\x82\xac\xc5\xb8\xc2\x81", NULL },
	{ "&#0;&#xd800;&#x110000;&#99999999999999999999;", REPLACED REPLACED REPLACED REPLACED, NULL },
	{ "&#x10ffff;", "\xf4\x8f\xbf\xbf", NULL },
	{ "&#8203;", "\xe2\x80\x8b", NULL },
	{ "a\r\nb\r\rc", "a\nb\n\nc", NULL },
};

static void assert_decoded(struct text t, enum html_decode how, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_true(html_decode_add(t, how, &out));
	if (!text_is_cstr(buf_text(&out), want))
		fail_msg("%.*s gives %s, not %s", TEXT_ARGS(t), buf_cstr(&out), want);
	buf_done(&out);
}

static void references_are_undone_as_in_browsers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *attribute = cases[i].as_attribute ? cases[i].as_attribute : cases[i].as_text;
		assert_decoded(text_from_cstr(cases[i].text), HTML_DECODE_TEXT, cases[i].as_text);
		assert_decoded(text_from_cstr(cases[i].text), HTML_DECODE_RCDATA, cases[i].as_text);
		assert_decoded(text_from_cstr(cases[i].text), HTML_DECODE_ATTRIBUTE, attribute);
	}
	assert_decoded(text_from_cstr("&amp;\r\n"), HTML_DECODE_RAW, "&amp;\n");
	assert_decoded(text_from_bytes("a\0b", 3), HTML_DECODE_TEXT, "ab");
	assert_decoded(text_from_bytes("a\0b", 3), HTML_DECODE_RAW, "a" REPLACED "b");
}

static const struct {
	const char *name, *utf8;
	bool is_legacy;
} names[] = {
#define ENTITY(name, utf8) { name, utf8, false },
#define LEGACY(name, utf8) { name, utf8, true },
#include "proto/html_entity.def"
#undef ENTITY
#undef LEGACY
};

static void every_name_is_found(void **state)
{
	size_t n = sizeof names / sizeof *names, n_legacy = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct html_reference reference;
		char text[64];
		int length = snprintf(text, sizeof text, "&%s;", names[i].name);

		assert_true(i == 0 || strcmp(names[i - 1].name, names[i].name) < 0);
		assert_true(html_reference_take(text_from_bytes(text, (size_t)length), true, &reference));
		assert_int_equal(reference.length, length);
		assert_true(text_is_cstr(text_from_bytes(reference.utf8, reference.n), names[i].utf8));
		n_legacy += names[i].is_legacy;
		if (!names[i].is_legacy)
			continue;
		assert_true(html_reference_take(text_from_bytes(text, (size_t)length - 1), true, &reference));
		assert_int_equal(reference.length, length - 1);
	}
	assert_int_equal(n + n_legacy, 2231);
}

static void an_attribute_is_copied_only_when_it_changes(void **state)
{
	struct text plain = text_from_cstr("http://example.com/?a=b"), text;
	struct arena arena;

	(void)state;
	arena_init(&arena, 64);
	assert_true(html_decode_attribute(plain, &arena, &text));
	assert_ptr_equal(text.p, plain.p);
	assert_int_equal(arena.used, 0);
	assert_true(html_decode_attribute(text_from_cstr("a&amp;b"), &arena, &text));
	assert_true(text_is_cstr(text, "a&b"));
	assert_false(html_decode_attribute(
		text_from_cstr("&amp;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		&arena, &text));
	assert_int_equal(text.n, 0);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_undone_as_in_browsers),
		cmocka_unit_test(every_name_is_found),
		cmocka_unit_test(an_attribute_is_copied_only_when_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
