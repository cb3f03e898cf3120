/* SPDX-License-Identifier: Apache-2.0
 *
 * All letters of a page in their order, for a search that must miss nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/html_text.h"

static const struct {
	const char *page, *text;
} cases[] = {
	{ "plain", "plain" },
	{ "GT<b>U</b>BE", "GTUBE" },
	{ "GT<!-- x -->UBE", "GTUBE" },
	{ "GT<style>x</style>U<script>y</script>BE", "GTUBE" },
	{ "G&#84;&#x55;&Bopf;E", "GTU\xf0\x9d\x94\xb9"
				 "E" },
	{ "X5O&excl;P&percnt;&commat;AP&lsqb;4&bsol;PZX54&lpar;P&Hat;&rpar;7CC&rpar;7&rcub;&dollar;",
	  "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" },
	{ "<p style='display:none'>a</p>b<p hidden>c", "abc" },
	{ "<title>a</title><textarea>b</textarea>", "ab" },
	{ "a<b c", "a<b c" },
	{ "1 < 2 & 3", "1 < 2 & 3" },
};

static void a_word_that_tags_stand_in_is_one_word(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_reset(&out);
		assert_true(html_text_add(text_from_cstr(cases[i].page), &out));
		assert_string_equal(buf_cstr(&out), cases[i].text);
	}
	buf_done(&out);
}

static void a_full_output_says_so(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 3);
	assert_false(html_text_add(text_from_cstr("a<b>bcd"), &out));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_that_tags_stand_in_is_one_word),
		cmocka_unit_test(a_full_output_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
