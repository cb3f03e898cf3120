/* SPDX-License-Identifier: Apache-2.0
 *
 * SVG Tiny PS: what is good, and each problem on its own.
 */
#include "base/buf.h"
#include "proto/svg_tiny_ps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROOT                                                                                                 \
	"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "                \
	"version='1.2' baseProfile='tiny-ps' viewBox='0 0 100 100'"
#define GOOD(inner) ROOT "><title>Example</title>" inner "</svg>"

static const struct {
	const char *name, *svg, *expected; /* words of the problems */
} rows[] = {
	{ "the smallest", GOOD(""), "" },
	{ "drawn",
	  GOOD("<defs><linearGradient id='a'><stop offset='0'/></linearGradient></defs>"
	       "<g fill='url(#a)'><path d='M0 0'/><use xlink:href='#a'/></g>"),
	  "" },
	{ "metadata of others", GOOD("<metadata><x:y xmlns:x='urn:x'/></metadata>"), "" },
	{ "nothing", "", "not-xml" },
	{ "text", "hello", "not-xml" },
	{ "not closed", ROOT ">", "not-xml" },
	{ "no title", ROOT "></svg>", "no-title" },
	{ "an empty title", ROOT "><title/></svg>", "no-title" },
	{ "a title further within", ROOT "><g><title>x</title></g></svg>", "no-title" },
	{ "a long title",
	  ROOT "><title>0123456789012345678901234567890123456789012345678901234567890123456789</title></svg>",
	  "long-title" },
	{ "another root", "<html/>", "root no-title" },
	{ "no namespace", "<svg version='1.2' baseProfile='tiny-ps'><title>x</title></svg>",
	  "root no-title" },
	{ "another version",
	  "<svg xmlns='http://www.w3.org/2000/svg' version='1.1' "
	  "baseProfile='tiny-ps'><title>x</title></svg>",
	  "version" },
	{ "another profile",
	  "<svg xmlns='http://www.w3.org/2000/svg' version='1.2' baseProfile='tiny'><title>x</title></svg>",
	  "profile" },
	{ "a position", ROOT " x='0'><title>x</title></svg>", "position" },
	{ "not square",
	  "<svg xmlns='http://www.w3.org/2000/svg' version='1.2' baseProfile='tiny-ps' viewBox='0 0 200 100'>"
	  "<title>x</title></svg>",
	  "not-square" },
	{ "not square by width and height",
	  "<svg xmlns='http://www.w3.org/2000/svg' version='1.2' baseProfile='tiny-ps' width='20px' "
	  "height='10px'>"
	  "<title>x</title></svg>",
	  "not-square" },
	{ "a script", GOOD("<script>x</script>"), "script" },
	{ "a handler", GOOD("<g onclick='x'/>"), "script" },
	{ "animation", GOOD("<circle><animate attributeName='r'/></circle>"), "animation" },
	{ "a picture within", GOOD("<image xlink:href='data:image/png;base64,AA'/>"), "external element" },
	{ "a link", GOOD("<a xlink:href='https://example.com'/>"), "external element" },
	{ "something used from elsewhere", GOOD("<use xlink:href='https://example.com/a.svg#b'/>"),
	  "external" },
	{ "a colour from elsewhere", GOOD("<g fill='URL( \"https://example.com/a\")'/>"), "external" },
	{ "style", GOOD("<style>*{}</style>"), "element" },
	{ "what only others draw", GOOD("<foreignObject/>"), "element" },
	{ "a style sheet", "<?xml-stylesheet href='a.css'?>" GOOD(""), "stylesheet" },
	{ "a document type", "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'a.dtd'>" GOOD(""), "doctype" },
	{ "entities", "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaa'>]>" GOOD("&a;"), "doctype" },
};

static void each_problem_has_its_word(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct svg_report report;
		svg_tiny_ps_check(text_from_cstr(rows[i].svg), &report);
		buf_reset(&out);
		for (enum svg_problem_bit bit = 0; bit < SVG_PROBLEM_COUNT; bit++)
			if (report.problems & 1U << bit)
				buf_printf(&out, "%s%s", out.n ? " " : "", svg_problem_word(bit));
		if (!text_is_cstr(buf_text(&out), rows[i].expected))
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
	}
	buf_done(&out);
}

static void a_large_file_is_not_looked_at(void **state)
{
	static char large[SVG_TINY_PS_BYTES_MAX + 1];
	struct svg_report report;

	(void)state;
	svg_tiny_ps_check(text_from_bytes(large, sizeof large), &report);
	assert_int_equal(report.problems, SVG_PROBLEM_TOO_LARGE);
}

static void title_and_size_are_told(void **state)
{
	struct svg_report report;

	(void)state;
	svg_tiny_ps_check(text_from_cstr(GOOD("")), &report);
	assert_string_equal(report.title, "Example");
	assert_true(report.width > 99.9 && report.height < 100.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_problem_has_its_word),
		cmocka_unit_test(a_large_file_is_not_looked_at),
		cmocka_unit_test(title_and_size_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
