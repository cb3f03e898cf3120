/* SPDX-License-Identifier: Apache-2.0
 *
 * Views: cutting, searching, comparing and reading numbers, at their edges.
 */
#include "../unit.h"

static struct text of(const char *s)
{
	return text_from_cstr(s);
}

static void slices_are_cut_to_the_length(void **state)
{
	(void)state;
	unit_text_is(text_slice(of("abcdef"), 2, 4), "cd");
	unit_text_is(text_slice(of("abcdef"), 4, 100), "ef");
	unit_text_is(text_slice(of("abcdef"), 9, 100), "");
	unit_text_is(text_slice(of("abcdef"), 4, 2), "");
	unit_text_is(text_skip(of("abc"), 5), "");
	unit_text_is(text_skip(text_from_cstr(NULL), 1), "");
}

static void comparison_folds_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(text_is_equal_nocase(of("EHLO"), of("ehlo")));
	assert_false(text_is_equal_nocase(of("\xc3\x84"), of("\xc3\xa4")));
	assert_false(text_is_equal_nocase(of("@"), of("`")));
	assert_false(text_is_equal(of("a"), of("A")));
	assert_true(text_is_equal(text_from_cstr(NULL), of("")));
	assert_true(text_has_prefix_nocase(of("MAIL FROM:"), of("mail from")));
	assert_false(text_has_prefix(of("MA"), of("MAIL")));
	assert_true(text_has_suffix_nocase(of("a.EXAMPLE"), of(".example")));
}

static void searches_say_where_or_that_it_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(text_find_byte(of("a:b:c"), ':'), 1);
	assert_int_equal(text_find_byte(of("abc"), ':'), 3);
	assert_int_equal(text_find_last_byte(of("a:b:c"), ':'), 3);
	assert_int_equal(text_find_last_byte(of("abc"), ':'), SIZE_MAX);
	assert_int_equal(text_find(of("one two"), of("two")), 4);
	assert_int_equal(text_find(of("one"), of("one two")), SIZE_MAX);
	assert_int_equal(text_find(text_from_cstr(NULL), of("a")), SIZE_MAX);
	assert_int_equal(text_find(of("a"), of("")), 0);
	assert_int_equal(text_find_nocase(of("Content-TYPE: x"), of("type")), 8);
}

static void cut_splits_at_the_first_and_may_alias(void **state)
{
	struct text head, tail, t = of("a=b=c");

	(void)state;
	assert_true(text_cut(t, '=', &head, &tail));
	unit_text_is(head, "a");
	unit_text_is(tail, "b=c");
	assert_true(text_cut(t, '=', &head, &t));
	unit_text_is(t, "b=c");
	assert_false(text_cut(of("abc"), '=', &head, &tail));
	unit_text_is(head, "abc");
	unit_text_is(tail, "");
}

static void trim_takes_blanks_and_line_ends(void **state)
{
	(void)state;
	unit_text_is(text_trim(of(" \t a b\r\n")), "a b");
	unit_text_is(text_trim(of(" \r\n\t")), "");
}

static void numbers_are_digits_within_the_maximum(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, value;
		bool ok;
	} rows[] = {
		{ "0", 0, 0, true },
		{ "007", 7, 7, true },
		{ "65535", 65535, 65535, true },
		{ "65536", 65535, 0, false },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999999", UINT64_MAX, 0, false },
		{ "", 9, 0, false },
		{ "-1", 9, 0, false },
		{ "+1", 9, 0, false },
		{ " 1", 9, 0, false },
		{ "1 ", 9, 0, false },
		{ "0x1", 9, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		uint64_t v = 0;
		bool ok = text_parse_u64(of(rows[i].text), rows[i].max, &v);
		if (ok != rows[i].ok || v != rows[i].value)
			fail_msg("\"%s\" read as %d %lu", rows[i].text, ok, (unsigned long)v);
	}
}

static void utf8_is_well_formed_and_without_controls(void **state)
{
	static const char *const good[] = { "",
					    "abc",
					    "\xc2\xa0",
					    "\xc3\xbc",
					    "\xe2\x82\xac",
					    "\xed\x9f\xbf",
					    "\xf0\x9f\x98\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\t",
					   "\x7f",
					   "\x80",
					   "\xc0\xaf",
					   "\xc2",
					   "\xc2\x9f",
					   "\xe2\x82",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xf0\x9f\x98",
					   "\xff",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(good); i++)
		assert_true(text_is_utf8(of(good[i])));
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		assert_false(text_is_utf8(of(bad[i])));
	assert_false(text_is_utf8(text_from_bytes("a\0b", 3)));
}

static void kinds_of_text(void **state)
{
	(void)state;
	assert_true(text_is_printable(of("a ~")));
	assert_false(text_is_printable(of("a\xc3\xbc")));
	assert_false(text_is_printable(of("a\n")));
	assert_true(text_is_ascii(of("a\n")));
	assert_false(text_is_ascii(of("\x80")));
	assert_int_not_equal(text_hash(of("a")), text_hash(of("b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_cut_to_the_length),
		cmocka_unit_test(comparison_folds_ascii_letters_only),
		cmocka_unit_test(searches_say_where_or_that_it_is_not_there),
		cmocka_unit_test(cut_splits_at_the_first_and_may_alias),
		cmocka_unit_test(trim_takes_blanks_and_line_ends),
		cmocka_unit_test(numbers_are_digits_within_the_maximum),
		cmocka_unit_test(utf8_is_well_formed_and_without_controls),
		cmocka_unit_test(kinds_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
