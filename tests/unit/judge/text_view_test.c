/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts in normal form, flowed texts, quotes and signatures; and that no file is needed for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/text_view.h"

#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *text, *normal;
} normal_cases[] = {
	{ "", "" },
	{ "Hello  World", "hello world" },
	{ " a \t b \r\n\r\n  c ", "a b\nc" },
	{ "\xc3\x84PFEL", "\xc3\xa4pfel" },
	{ "A\xcc\x88pfel", "\xc3\xa4pfel" },
	{ "stra\xc3\x9f"
	  "e STRASSE",
	  "strasse strasse" },
	{ "\xef\xbc\xa6\xef\xbd\x92\xef\xbd\x85\xef\xbd\x85", "free" }, /* full-width */
	{ "\xf0\x9d\x90\x85ree \xf0\x9d\x93\x95ree", "free free" },     /* mathematical letters */
	{ "\xe2\x91\xa0\xe2\x82\xac", "1\xe2\x82\xac" },
	{ "vi\xe2\x80\x8b"
	  "ag\xc2\xad"
	  "ra",
	  "viagra" }, /* zero width, soft hyphen */
	{ "a\xe2\x80\xae"
	  "b\xe2\x80\xac"
	  "c",
	  "abc" }, /* bidi */
	{ "a\xc2\xa0"
	  "b\xe3\x80\x80"
	  "c\xe2\x80\x83 d",
	  "a b c d" }, /* blanks of other kinds */
	{ "a\xe2\x80\xa8"
	  "b",
	  "a\nb" },
	{ "\xff\xfe"
	  "a",
	  "\xef\xbf\xbd\xef\xbf\xbd"
	  "a" },
	{ "a\x01"
	  "b",
	  "a b" },
	{ "\xd0\x9f\xd0\xa0\xd0\x98", "\xd0\xbf\xd1\x80\xd0\xb8" },
	{ "\xef\xb7\xba",
	  "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 \xd8\xb9\xd9\x84\xd9\x8a\xd9\x87 "
	  "\xd9\x88\xd8\xb3\xd9\x84\xd9\x85" },
};

static void texts_have_one_normal_form(void **state)
{
	struct text_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < sizeof normal_cases / sizeof *normal_cases; i++) {
		buf_reset(&out);
		assert_true(text_normal_add(text_from_cstr(normal_cases[i].text), &out, &counts));
		if (!text_is_cstr(buf_text(&out), normal_cases[i].normal))
			fail_msg("%s: \"%s\"", normal_cases[i].text, buf_cstr(&out));
	}
	buf_done(&out);
}

static void a_long_word_is_cut_between_characters(void **state)
{
	struct text_counts counts = { 0 };
	char word[6000];
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < sizeof word; i += 3) {
		word[i] = 'A';
		word[i + 1] = '\xcc';
		word[i + 2] = '\x88';
	}
	assert_true(text_normal_add(text_from_bytes(word, sizeof word), &out, &counts));
	assert_int_equal(out.n, 4000);
	for (size_t i = 0; i < out.n; i += 2)
		assert_memory_equal(out.p + i, "\xc3\xa4", 2);
	assert_int_equal(counts.characters, 4000);
	buf_reset(&out);
	for (size_t i = 0; i < sizeof word; i += 2) { /* nothing but marks */
		word[i] = '\xcc';
		word[i + 1] = '\x88';
	}
	assert_true(text_normal_add(text_from_bytes(word, sizeof word), &out, &counts));
	assert_int_equal(out.n, sizeof word);
	buf_done(&out);
}

static void what_nobody_sees_is_counted(void **state)
{
	struct text_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	text_normal_add(text_from_cstr("a\xe2\x80\x8b\xe2\x80\x8b\xc2\xad b\xe2\x80\xae\xd0\xb6 \x01\xff"),
			&out, &counts);
	assert_int_equal(counts.zero_width, 3);
	assert_int_equal(counts.bidi, 1);
	assert_int_equal(counts.controls, 1);
	assert_int_equal(counts.replaced, 1);
	assert_int_equal(counts.non_ascii, 6);
	buf_done(&out);
}

static void a_full_output_says_so(void **state)
{
	struct text_counts counts = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 4);
	assert_false(text_normal_add(text_from_cstr("ab cde"), &out, &counts));
	buf_done(&out);
}

static const struct {
	const char *text;
	struct text_form form;
	const char *display, *normal, *quoted;
} view_cases[] = {
	{ "a\r\nb\n", { 0 }, "a\nb\n", "a\nb", "" },
	{ "a \r\nb\r\nc\r\n", { .is_flowed = true }, "a b\nc\n", "a b\nc", "" },
	{ "a \r\nb\r\n", { .is_flowed = true, .is_delsp = true }, "ab\n", "ab", "" },
	{ "a \r\nb\r\n", { 0 }, "a \nb\n", "a\nb", "" },
	{ " a\r\n  b\r\n", { .is_flowed = true }, "a\n b\n", "a\nb", "" },
	{ ">a \r\n>b\r\nc\r\n", { .is_flowed = true }, "> a b\nc\n", "c", "a b" },
	{ ">a \r\n>>b\r\n", { .is_flowed = true }, "> a \n>> b\n", "", "a\nb" },
	{ "a \r\n-- \r\nb\r\n", { .is_flowed = true }, "a \n-- \nb\n", "a\n--\nb", "" },
	{ "a\n> b\n> > c\n>d\n", { 0 }, "a\n> b\n>> c\n> d\n", "a", "b\nc\nd" },
};

static void lines_are_joined_and_quotes_told_apart(void **state)
{
	struct view_limits limits = view_limits_default();
	struct text_view view;

	(void)state;
	for (size_t i = 0; i < sizeof view_cases / sizeof *view_cases; i++) {
		text_view_read(text_from_cstr(view_cases[i].text), view_cases[i].form, &limits, &view);
		if (!text_is_cstr(buf_text(&view.display), view_cases[i].display) ||
		    !text_is_cstr(buf_text(&view.normal), view_cases[i].normal) ||
		    !text_is_cstr(buf_text(&view.normal_quoted), view_cases[i].quoted))
			fail_msg("%s: \"%s\" \"%s\" \"%s\"", view_cases[i].text, buf_cstr(&view.display),
				 buf_cstr(&view.normal), buf_cstr(&view.normal_quoted));
		text_view_done(&view);
	}
}

static void the_signature_and_quotes_are_found(void **state)
{
	struct view_limits limits = view_limits_default();
	struct text_view view;

	(void)state;
	text_view_read(text_from_cstr("a\n> b\n-- \nme\n"), (struct text_form){ 0 }, &limits, &view);
	assert_int_equal(view.n_lines, 4);
	assert_int_equal(view.n_quoted_lines, 1);
	assert_int_equal(view.signature_at, 6);
	assert_int_equal(view.limits, 0);
	text_view_done(&view);
	limits.text = 4;
	text_view_read(text_from_cstr("abc\ndef\n"), (struct text_form){ 0 }, &limits, &view);
	assert_int_equal(view.limits, VIEW_LIMIT_TEXT);
	assert_int_equal(view.signature_at, SIZE_MAX);
	text_view_done(&view);
}

static int work_without_files(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct text_counts counts = { 0 };
	struct buf out;

	if (!filter || seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 0) ||
	    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 0) || seccomp_load(filter))
		return 2;
	seccomp_release(filter);
	buf_init(&out, 4096);
	if (!text_normal_add(text_from_cstr("\xc3\x84pfel"), &out, &counts))
		return 3;
	buf_done(&out);
	return 0;
}

static void no_file_is_opened(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0)
		_exit(work_without_files());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_is_opened),
		cmocka_unit_test(texts_have_one_normal_form),
		cmocka_unit_test(a_long_word_is_cut_between_characters),
		cmocka_unit_test(what_nobody_sees_is_counted),
		cmocka_unit_test(a_full_output_says_so),
		cmocka_unit_test(lines_are_joined_and_quotes_told_apart),
		cmocka_unit_test(the_signature_and_quotes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
