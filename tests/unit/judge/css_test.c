/* SPDX-License-Identifier: Apache-2.0
 *
 * Style sheets become rules and declarations, values become lengths and colours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "judge/css.h"
#include "judge/css_value.h"

static const struct {
	const char *block, *declarations; /* name:value, each behind a bar; ! for important */
} declaration_cases[] = {
	{ "", "" },
	{ "a:b", "a:b|" },
	{ " a : b ; c:d ", "a:b|c:d|" },
	{ "A:B C\n D !IMPORTANT", "a:b c d!|" },
	{ "a:b ! important;c:d!importantx", "a:b!|c:d!importantx|" },
	{ "a:url(x;y:z);b:c", "a:url(x;y:z)|b:c|" },
	{ "a:';b:c';d:e", "a:';b:c'|d:e|" },
	{ "a:'b\nc:d;e:f", "a:'b c:d|e:f|" },
	{ "a:'\\';b:c'", "a:'';b:c'|" },
	{ "/* x */a/* y */:/* ; */b/* z", "a:b|" },
	{ "\\61 :\\62\\63 x;\\zy:w", "a:bcx|zy:w|" },
	{ ";;a;:b;c:d;", "c:d|" },
	{ "a:b}c:d", "a:b|c:d|" },
};

static void blocks_become_declarations(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof declaration_cases / sizeof *declaration_cases; i++) {
		struct text rest = text_from_cstr(declaration_cases[i].block);
		struct css_declaration d;

		buf_reset(&out);
		while (css_declaration_next(&rest, &d))
			buf_printf(&out, "%.*s:%.*s%s|", TEXT_ARGS(d.name), TEXT_ARGS(d.value),
				   d.is_important ? "!" : "");
		if (!text_is_cstr(buf_text(&out), declaration_cases[i].declarations))
			fail_msg("%s: %s", declaration_cases[i].block, buf_cstr(&out));
	}
	buf_done(&out);
}

static const struct {
	const char *sheet, *rules; /* @name prelude{block}, each behind a bar */
} rule_cases[] = {
	{ "", "" },
	{ "a{b}", "a{b}|" },
	{ " a , b { c } d{e}", "a , b{ c }|d{e}|" },
	{ "<!-- a{b} -->", "a{b}|" },
	{ "@import 'x';a{b}", "@import 'x'{}|a{b}|" },
	{ "@media print{a{b}c{d}}e{f}", "@media print{a{b}c{d}}|e{f}|" },
	{ "a{'}'}b{c}", "a{'}'}|b{c}|" },
	{ "a[x='{']{b}", "a[x='{']{b}|" },
	{ "/*{*/a/*}*/{b/*}*/}", "a/*}*/{b/*}*/}|" },
	{ "a{b", "a{b}|" },
	{ "a", "a{}|" },
	{ "}a{b}", "}a{b}|" },
};

static void sheets_become_rules(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof rule_cases / sizeof *rule_cases; i++) {
		struct text rest = text_from_cstr(rule_cases[i].sheet);
		struct css_rule r;

		buf_reset(&out);
		while (css_rule_next(&rest, &r))
			buf_printf(&out, "%s%.*s%s%.*s{%.*s}|", r.at_name.n ? "@" : "", TEXT_ARGS(r.at_name),
				   r.at_name.n ? " " : "", TEXT_ARGS(r.prelude), TEXT_ARGS(r.block));
		if (!text_is_cstr(buf_text(&out), rule_cases[i].rules))
			fail_msg("%s: %s", rule_cases[i].sheet, buf_cstr(&out));
	}
	buf_done(&out);
}

static const struct {
	const char *text;
	int32_t pixels; /* hundredths, with letters of 10 and 100 percent of 200 */
} length_cases[] = {
	{ "0", 0 },
	{ "1px", 100 },
	{ "1.5px", 150 },
	{ ".5px", 50 },
	{ "-9999px", -999900 },
	{ "12pt", 1596 },
	{ "2em", 2000 },
	{ "50%", 10000 },
	{ "1rem", 1600 },
	{ "1in", 9600 },
	{ "1e2px", 10000 },
	{ "1e-1px", 10 },
	{ "+3px", 300 },
	{ "0.009px", 0 },
	{ "1vw", 800 },
	{ "99999999999999px", 1000000000 },
	{ "1e99px", 1000000000 },
};

static void lengths_are_hundredths_of_pixels(void **state)
{
	static const char *const none[] = { "", "px", "-", ".", "auto", "1 px", "1pxx", "calc(1px)" };
	struct css_length length;

	(void)state;
	for (size_t i = 0; i < sizeof length_cases / sizeof *length_cases; i++) {
		assert_true(css_length_parse(text_from_cstr(length_cases[i].text), &length));
		if (css_length_pixels(length, 1000, 20000) != length_cases[i].pixels)
			fail_msg("%s: %d", length_cases[i].text, css_length_pixels(length, 1000, 20000));
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(css_length_parse(text_from_cstr(none[i]), &length));
}

static const struct {
	const char *text;
	uint32_t argb;
} color_cases[] = {
	{ "#fff", 0xffffffff },
	{ "#1234", 0x44112233 },
	{ "#123456", 0xff123456 },
	{ "#12345678", 0x78123456 },
	{ "white", 0xffffffff },
	{ "rebeccapurple", 0xff663399 },
	{ "transparent", 0 },
	{ "rgb(1,2,3)", 0xff010203 },
	{ "rgb(1 2 3 / 50%)", 0x7f010203 },
	{ "rgba(100%, 0%, 50%, 0.5)", 0x7fff007f },
	{ "rgb(300,-1,0)", 0xffff0000 },
	{ "hsl(120,100%,50%)", 0xff00ff00 },
	{ "hsl(0 0% 100%)", 0xffffffff },
	{ "hsl(240, 100%, 25%)", 0xff00007f },
};

static const struct {
	const char *text;
	uint32_t argb;
} legacy_cases[] = {
	{ "ffffff", 0xffffffff }, { "#fff", 0xffffffff },     { "fff", 0xff0f0f0f },
	{ " Red ", 0xffff0000 },  { "x", 0xff000000 },        { "chucknorris", 0xffc00000 },
	{ "#f", 0xff0f0000 },     { "0x123456", 0xff002356 },
};

static void colors_are_read_as_browsers_do(void **state)
{
	static const char *const none[] = { "",        "#",     "#12",      "#12345", "#ggg",
					    "nocolor", "rgb()", "rgb(1,2)", "rgb" };
	uint32_t argb;

	(void)state;
	for (size_t i = 0; i < sizeof color_cases / sizeof *color_cases; i++) {
		assert_true(css_color_parse(text_from_cstr(color_cases[i].text), &argb));
		if (argb != color_cases[i].argb)
			fail_msg("%s: %08x", color_cases[i].text, argb);
	}
	for (size_t i = 0; i < sizeof legacy_cases / sizeof *legacy_cases; i++) {
		assert_true(css_legacy_color_parse(text_from_cstr(legacy_cases[i].text), &argb));
		if (argb != legacy_cases[i].argb)
			fail_msg("%s: %08x", legacy_cases[i].text, argb);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (css_color_parse(text_from_cstr(none[i]), &argb))
			fail_msg("%s: %08x", none[i], argb);
	assert_false(css_legacy_color_parse(text_from_cstr(""), &argb));
}

static void colors_have_a_distance(void **state)
{
	(void)state;
	assert_int_equal(css_color_distance(0xffffffff, 0xffffffff), 0);
	assert_true(css_color_distance(0xff000000, 0xffffffff) > 700);
	assert_true(css_color_distance(0xfffefefe, 0xffffffff) < 5);
	assert_int_equal(css_color_distance(0xff112233, 0xff998877),
			 css_color_distance(0xff998877, 0xff112233));
	assert_int_equal(css_color_blend(0x80000000, 0xffffffff), 0xff7f7f7f);
	assert_int_equal(css_color_blend(0xff123456, 0xffffffff), 0xff123456);
}

static void addresses_are_found_in_values(void **state)
{
	struct text rest = text_from_cstr("a url( 'x y' ),'url(no)' URL(z) url("), url;

	(void)state;
	assert_true(css_url_next(&rest, &url) && text_is_cstr(url, "x y"));
	assert_true(css_url_next(&rest, &url) && text_is_cstr(url, "z"));
	assert_true(css_url_next(&rest, &url) && url.n == 0);
	assert_false(css_url_next(&rest, &url));
	assert_true(css_import_url(text_from_cstr("\"a\" screen"), &url) && text_is_cstr(url, "a"));
	assert_true(css_import_url(text_from_cstr(" url(b)"), &url) && text_is_cstr(url, "b"));
	assert_false(css_import_url(text_from_cstr("c"), &url));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_become_declarations),
		cmocka_unit_test(sheets_become_rules),
		cmocka_unit_test(lengths_are_hundredths_of_pixels),
		cmocka_unit_test(colors_are_read_as_browsers_do),
		cmocka_unit_test(colors_have_a_distance),
		cmocka_unit_test(addresses_are_found_in_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
