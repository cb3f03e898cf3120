/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets: each converter of the table opens within a sandbox that ends whoever opens a file;
 * labels are found however they are written; texts come out in UTF-8, broken ones with U+FFFD.
 */
#include "proto/charset.h"

#include "unit.h"

#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#define LITERAL(s) text_from_bytes(s, sizeof(s) - 1)
#define FFFD       "\xef\xbf\xbd"

static const struct {
	const char *label;
	struct text in;
	const char *out;
	unsigned defects;
} rows[] = {
	{ "utf-8", TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", 0 },
	{ "UTF8", TEXT("\xef\xbb\xbfx"), "x", 0 },
	{ "utf-8", TEXT("a\xff\xc3(\xe2\x82z"), "a" FFFD FFFD "(" FFFD "z", CHARSET_DEFECT_BROKEN },
	{ "utf-8", TEXT("\xed\xa0\x80"), FFFD FFFD FFFD, CHARSET_DEFECT_BROKEN },
	{ "utf-8", TEXT("cut\xf0\x9f\x98"), "cut" FFFD, CHARSET_DEFECT_BROKEN },
	{ "us-ascii", TEXT("plain\r\n"), "plain\r\n", 0 },
	{ "us-ascii", TEXT("\xe4\xf6"), "\xc3\xa4\xc3\xb6", 0 },
	{ "ANSI_X3.4-1968", TEXT("\xc3\xa4"), "\xc3\xa4", 0 },
	{ "", TEXT("\x93q\x94"), "\xe2\x80\x9cq\xe2\x80\x9d", 0 },
	{ "iso-8859-1", TEXT("\x80\xe9"), "\xe2\x82\xac\xc3\xa9", 0 },
	{ "ISO_8859-1:1987", TEXT("\xe9"), "\xc3\xa9", 0 },
	{ " latin1 ", TEXT("\xe9"), "\xc3\xa9", 0 },
	{ "windows-1252", TEXT("\x81"), "\xc2\x81", 0 },
	{ "iso-8859-15", TEXT("\xa4"), "\xe2\x82\xac", 0 },
	{ "iso-8859-8-i", TEXT("\xf9"), "\xd7\xa9", 0 },
	{ "koi8-r", TEXT("\xf0\xd2\xc9"), "\xd0\x9f\xd1\x80\xd0\xb8", 0 },
	{ "windows-1251", TEXT("\xcf"), "\xd0\x9f", 0 },
	{ "x-mac-cyrillic", TEXT("\x8f"), "\xd0\x9f", 0 },
	{ "macintosh", TEXT("\x8e"), "\xc3\xa9", 0 },
	{ "gb2312", TEXT("\xc4\xe3\xba\xc3"), "\xe4\xbd\xa0\xe5\xa5\xbd", 0 },
	{ "gb18030", TEXT("\x81\x30\x81\x30"), "\xc2\x80", 0 },
	{ "gbk", TEXT("\x81"), FFFD, CHARSET_DEFECT_BROKEN },
	{ "big5", TEXT("\xa7\x41"), "\xe4\xbd\xa0", 0 },
	{ "shift_jis", TEXT("\x83\x65\\~"), "\xe3\x83\x86\\~", 0 },
	{ "windows-31j", TEXT("\x87\x40"), "\xe2\x91\xa0", 0 },
	{ "x-sjis", TEXT("\x83"), FFFD, CHARSET_DEFECT_BROKEN },
	{ "euc-jp", TEXT("\xa5\xc6"), "\xe3\x83\x86", 0 },
	{ "iso-2022-jp", TEXT("\x1b$B%F\x1b(B a"), "\xe3\x83\x86 a", 0 },
	{ "iso-2022-jp", TEXT("\x1b(I\x46"), "\xef\xbe\x86", 0 },
	{ "iso-2022-kr", TEXT("\x1b$)C\x0e\x30\x21\x0f"), "\xea\xb0\x80", 0 },
	{ "ks_c_5601-1987", TEXT("\xb0\xa1"), "\xea\xb0\x80", 0 },
	{ "hz-gb-2312", TEXT("~{Dc~}a"),
	  "\xe4\xbd\xa0"
	  "a",
	  0 },
	{ "tis-620", TEXT("\xa1"), "\xe0\xb8\x81", 0 },
	{ "utf-7", TEXT("Hi +2D3eAA-!"), "Hi \xf0\x9f\x98\x80!", 0 },
	{ "utf-16",
	  TEXT("\xff\xfe"
	       "a\0"),
	  "a", 0 },
	{ "utf-16", TEXT("\xfe\xff\0a"), "a", 0 },
	{ "utf-16", TEXT("a\0b\0"), "ab", 0 },
	{ "utf-16", TEXT("\0a\0b"), "ab", 0 },
	{ "utf-16le", TEXT("\x3d\xd8\x00\xde\x3d\xd8"), "\xf0\x9f\x98\x80" FFFD, CHARSET_DEFECT_BROKEN },
	{ "utf-32", TEXT("\0\0\0a"), "a", 0 },
	{ "cp037", TEXT("\xc8\x89"), "Hi", 0 },
	{ "klingon", TEXT("\xc3\xa4"), "\xc3\xa4", CHARSET_DEFECT_UNKNOWN },
	{ "klingon", TEXT("\xe4"), "\xc3\xa4", CHARSET_DEFECT_UNKNOWN },
	{ "a-label-that-is-longer-than-any-of-the-whole-table", TEXT("a"), "a", CHARSET_DEFECT_UNKNOWN },
};

static void texts_become_utf8(void **state)
{
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct buf out;
		unsigned defects = 0;

		buf_init(&out, 100);
		assert_true(charset_decode(cache, text_from_cstr(rows[i].label), rows[i].in, &out, &defects));
		if (!text_is_cstr(buf_text(&out), rows[i].out) || defects != rows[i].defects)
			fail_msg("row %zu, %s: \"%s\", defects %#x", i, rows[i].label, buf_cstr(&out),
				 defects);
		buf_done(&out);
	}
	charset_cache_free(cache);
}

/* The same text through ICU's pieces: a pair of surrogates falls on each place of their border. */
static void a_long_text_is_the_same_as_its_pieces(void **state)
{
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t before = 1020; before < 1030; before++) {
		struct buf in, out, wanted;
		unsigned defects = 0;

		buf_init(&in, 10000);
		buf_init(&out, 10000);
		buf_init(&wanted, 10000);
		for (size_t i = 0; i < before; i++) {
			buf_add(&in, LITERAL("x\0"));
			buf_add_byte(&wanted, 'x');
		}
		for (size_t i = 0; i < 600; i++) {
			buf_add(&in, LITERAL("\x3d\xd8\x00\xde"));
			buf_add_cstr(&wanted, "\xf0\x9f\x98\x80");
		}
		assert_true(charset_decode(cache, LITERAL("utf-16le"), buf_text(&in), &out, &defects));
		assert_true(text_is_equal(buf_text(&out), buf_text(&wanted)) && defects == 0);
		buf_done(&in);
		buf_done(&out);
		buf_done(&wanted);
	}
	charset_cache_free(cache);
}

static void the_output_is_bounded(void **state)
{
	struct charset_cache *cache = charset_cache_new();
	struct buf out;
	unsigned defects = 0;

	(void)state;
	buf_init(&out, 3);
	assert_false(charset_decode(cache, LITERAL("iso-8859-1"), LITERAL("\xe4\xe4"), &out, &defects));
	assert_true(out.overflow && out.n <= 3);
	buf_done(&out);
	charset_cache_free(cache);
}

static void labels_of_one_set_are_the_same(void **state)
{
	(void)state;
	assert_true(charset_is_same(LITERAL("utf-8"), LITERAL("UTF8")));
	assert_true(charset_is_same(LITERAL("gb2312"), LITERAL("GBK")));
	assert_true(charset_is_same(LITERAL("klingon"), LITERAL("Klingon")));
	assert_false(charset_is_same(LITERAL("klingon"), LITERAL("vulcan")));
	assert_false(charset_is_same(LITERAL("utf-8"), LITERAL("us-ascii")));
	assert_true(charset_is_known(LITERAL("x-mac-roman")));
	assert_false(charset_is_known(LITERAL("utf-9")));
}

static const char *const all_labels[] = {
#define LABEL(label, name) label,
#include "proto/charset_labels.def"
#undef LABEL
};

static void the_table_is_sorted_and_each_label_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(all_labels); i++) {
		assert_true(charset_is_known(text_from_cstr(all_labels[i])));
		assert_true(i == 0 || strcmp(all_labels[i - 1], all_labels[i]) < 0);
	}
}

/* In a child that may open nothing. A set that its converter cannot be opened for would end it. */
static void decode_every_set(void)
{
	struct charset_cache *cache = charset_cache_new();
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	char bytes[512];

	if (!filter || seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 0) ||
	    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 0) || seccomp_load(filter))
		_exit(3);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 167 >> (i > 255));
	for (size_t i = 0; i < UNIT_COUNT(all_labels); i++) {
		struct buf out;
		unsigned defects = 0;
		buf_init(&out, 10000);
		if (!charset_decode(cache, text_from_cstr(all_labels[i]),
				    text_from_bytes(bytes, sizeof bytes), &out, &defects))
			_exit(1);
		buf_done(&out);
	}
	charset_cache_free(cache);
	_exit(0);
}

static void no_file_is_opened_for_any_set(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		decode_every_set();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_utf8),
		cmocka_unit_test(a_long_text_is_the_same_as_its_pieces),
		cmocka_unit_test(the_output_is_bounded),
		cmocka_unit_test(labels_of_one_set_are_the_same),
		cmocka_unit_test(the_table_is_sorted_and_each_label_is_found),
		cmocka_unit_test(no_file_is_opened_for_any_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
