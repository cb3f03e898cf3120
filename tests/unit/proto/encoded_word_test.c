/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of header fields with encoded words: those of rfc2047 8, those that mail programs send against
 * it, and those made to cost.
 */
#include "proto/encoded_word.h"

#include "unit.h"

#include <sys/resource.h>

#define GLUED   ENCODED_WORD_DEFECT_GLUED
#define BLANKS  ENCODED_WORD_DEFECT_BLANKS
#define CODE    ENCODED_WORD_DEFECT_CODE
#define CONTROL ENCODED_WORD_DEFECT_CONTROL

static const struct {
	const char *name, *in, *out;
	unsigned defects;
} rows[] = {
	{ "no word", " Saying Hello\r\n", "Saying Hello", 0 },
	{ "nothing", "", "", 0 },
	{ "a fold is one blank", " Fwd: \n\tSaying \r\n Hello\r\n", "Fwd: Saying Hello", 0 },
	{ "Q", "=?ISO-8859-1?Q?a_b=20c=e9?=", "a b c\xc3\xa9", 0 },
	{ "B", "=?iso-8859-1?b?SWYgeW91?=", "If you", 0 },
	{ "one word", "(=?ISO-8859-1?Q?a?=)", "(a)", GLUED },
	{ "word and text", "=?ISO-8859-1?Q?a?= b", "a b", 0 },
	{ "blank between words", "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab", 0 },
	{ "blanks between words", "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab", 0 },
	{ "fold between words", "=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab", 0 },
	{ "blank that is encoded", "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b", 0 },
	{ "words and text", "this =?utf-8?q?is?= some =?utf-8?q?t?=\n =?utf-8?q?ext?= x",
	  "this is some text x", 0 },
	{ "language", "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore", 0 },
	{ "character in two words", "=?utf-8?Q?=e2=82?= =?UTF8?B?rA==?=", "\xe2\x82\xac", 0 },
	{ "character in two words of two sets", "=?utf-8?Q?=e2=82?= =?latin1?Q?=ac?=", "\xef\xbf\xbd\xc2\xac",
	  CHARSET_DEFECT_BROKEN },
	{ "state over two words",
	  "=?iso-2022-jp?Q?=1b$B%F?= =?iso-2022-jp?Q?%F=1b(B?=", "\xe3\x83\x86\xe3\x83\x86", 0 },
	{ "unknown charset", "=?klingon?Q?=e4?=", "\xc3\xa4", CHARSET_DEFECT_UNKNOWN },
	{ "raw UTF-8", "\xe3\x83\x8f =?utf-8?q?a?=", "\xe3\x83\x8f a", 0 },
	{ "raw windows-1252", "gr\xfc\xdf", "gr\xc3\xbc\xc3\x9f", 0 },
	{ "empty word", "Some text =?utf-8?Q?\?= here", "Some text  here", 0 },
	{ "glued to text", "[SPAM]=?utf-8?B?VGhpcw==?=", "[SPAM]This", GLUED },
	{ "glued to words", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab", GLUED },
	{ "blanks within", "=?iso-8859-1?q?this is text?=", "this is text", BLANKS },
	{ "fold within Q", "=?utf-8?Q?Hello\r\n   \t  _there!?=", "Hello there!", BLANKS },
	{ "fold within B", "=?utf-8?B?VGhp\r\n cw==?=", "This", BLANKS },
	{ "no padding", "=?utf-8?B?VGhpcw?=", "This", CODE },
	{ "padding within", "=?utf-8?B?VGhpcw==VGhpcw==?=", "ThisThis", CODE },
	{ "junk in base64", "=?utf-8?B?VG*hpcw==?=", "This", CODE },
	{ "= that is no code", "=?utf-8?Q?a=zb=?=", "a=zb=", CODE },
	{ "? within", "=?utf-8?Q?why?\?=", "why?", 0 },
	{ "unknown encoding", "=?utf-8?X?a?=", "=?utf-8?X?a?=", 0 },
	{ "no end", "=?utf-8?Q?abc", "=?utf-8?Q?abc", 0 },
	{ "no charset", "=??Q?abc?=", "=??Q?abc?=", 0 },
	{ "beginnings", "let's = try =?iso-8859-1? to break\n =? the \n parser\n",
	  "let's = try =?iso-8859-1? to break =? the parser", 0 },
	{ "beginning before a word", "=?ISO-8859-1?Q =?ISO-8859-1?Q?a?= =", "=?ISO-8859-1?Q a =", 0 },
	{ "line end in a word", "=?utf-8?Q?a=0d=0aBcc:?=", "a\r\nBcc:", CONTROL },
	{ "word in a word", "=?utf-8?Q?=3d=3futf-8=3fQ=3fa=3f=3d?=", "=?utf-8?Q?a?=", 0 },
};

static void texts_are_decoded_as_mail_readers_do(void **state)
{
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct buf out;
		unsigned defects = 0;

		buf_init(&out, 1000);
		assert_true(encoded_word_decode_text(cache, text_trim(text_from_cstr(rows[i].in)), &out,
						     &defects));
		if (!text_is_cstr(buf_text(&out), rows[i].out) || defects != rows[i].defects)
			fail_msg("%s: \"%s\", defects %#x", rows[i].name, buf_cstr(&out), defects);
		buf_done(&out);
	}
	charset_cache_free(cache);
}

static void a_word_with_nul_is_told(void **state)
{
	struct charset_cache *cache = charset_cache_new();
	unsigned defects = 0;
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_true(encoded_word_decode_text(cache, text_from_cstr("=?utf-8?Q?a=00b?="), &out, &defects));
	assert_int_equal(out.n, 3);
	assert_int_equal(defects, CONTROL);
	buf_done(&out);
	charset_cache_free(cache);
}

static void words_are_found(void **state)
{
	(void)state;
	assert_true(encoded_word_is_in(text_from_cstr("a =? =?x?q?y?= b")));
	assert_false(encoded_word_is_in(text_from_cstr("a =?x?q?y b")));
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

/* Twice the length may cost about twice the time; quadratic cost would be four times. */
static double cost_of(const char *piece, const char *other, size_t n_bytes)
{
	struct charset_cache *cache = charset_cache_new();
	struct buf in, out;
	unsigned defects = 0;
	double start;

	buf_init(&in, n_bytes + 200);
	while (in.n < n_bytes) {
		buf_add_cstr(&in, piece);
		buf_add_cstr(&in, other);
	}
	buf_init(&out, 4 * in.n);
	start = cpu_seconds();
	assert_true(encoded_word_decode_text(cache, buf_text(&in), &out, &defects));
	start = cpu_seconds() - start;
	buf_done(&in);
	buf_done(&out);
	charset_cache_free(cache);
	return start;
}

static void megabytes_of_words_cost_milliseconds(void **state)
{
	static const char *const pieces[][2] = {
		{ "=?utf-8?Q?a?= ", "" },
		{ "=?utf-8?B?VGhpcw==?=\r\n ", "" },
		{ "=?jis?q?a?= ", "=?utf-8?q?b?= " },
		{ "=?jis?q?a?= ", "=?hz?q?b?= " },
		{ "=?gbk?q?=a1?=", "=?latin1?q?=a1?=" },
		{ "=?x?q?b", "" },
		{ "=?", "" },
		{ "?=", "" },
		{ " ", "" },
		{ "\r\n ", "" },
		{ "\xff", "" },
		{ "=?utf-8?q?", "\r\n \xc3" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(pieces); i++) {
		double seconds = cost_of(pieces[i][0], pieces[i][1], 1 << 20);
		print_message("# pieces %zu: %.1f ms per MB\n", i, seconds * 1e3);
		assert_true(seconds < 5.0); /* quadratic cost would be minutes; the figure is printed */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_decoded_as_mail_readers_do),
		cmocka_unit_test(a_word_with_nul_is_told),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(megabytes_of_words_cost_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
