/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoders of MIME bodies: base64, quoted-printable, uuencode. Each row is an input that mail
 * readers take and what they make of it. Rows with junk show that nothing is refused. Also that a full
 * buffer is told, and that base64 both ways gives the same bytes for every short length.
 */
#include "proto/base64.h"
#include "proto/quoted_printable.h"
#include "proto/uuencode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
	const char *name;
	struct text in, out;
};

static const struct row base64_rows[] = {
	{ "plain", TEXT("SGVsbG8="), TEXT("Hello") },
	{ "line ends within", TEXT("SG\r\nVs\nbG8=\r\n"), TEXT("Hello") },
	{ "no padding", TEXT("SGVsbG8"), TEXT("Hello") },
	{ "one digit left", TEXT("SGVsbG8=S"), TEXT("Hello") },
	{ "junk within", TEXT("S*G.V s!bG8="), TEXT("Hello") },
	{ "NUL within", TEXT("SGVs\0bG8="), TEXT("Hello") },
	{ "joined pieces", TEXT("SGVsbG8=SGVsbG8="), TEXT("HelloHello") },
	{ "URL alphabet is junk", TEXT("S-G_VsbG8="), TEXT("Hello") },
	{ "padding only", TEXT("===="), TEXT("") },
	{ "empty", TEXT(""), TEXT("") },
};

static const struct row quoted_rows[] = {
	{ "codes", TEXT("a=3Db=c3=A9"), TEXT("a=b\xc3\xa9") },
	{ "soft line break", TEXT("ab=\r\ncd"), TEXT("abcd") },
	{ "soft break with blanks", TEXT("ab= \t\r\ncd"), TEXT("abcd") },
	{ "soft break, bare LF", TEXT("ab=\ncd"), TEXT("abcd") },
	{ "blanks at the end of a line", TEXT("ab \t\r\ncd "), TEXT("ab\r\ncd") },
	{ "no code", TEXT("a=zz=4=\r\n"), TEXT("a=zz=4") },
	{ "cut short", TEXT("a=4"), TEXT("a=4") },
	{ "ends with =", TEXT("a="), TEXT("a") },
	{ "NUL kept", TEXT("a\0b"), TEXT("a\0b") },
	{ "empty lines kept", TEXT("\r\n\r\na"), TEXT("\r\n\r\na") },
};

static const struct row uuencode_rows[] = {
	{ "plain", TEXT("text\r\nbegin 644 a.txt\r\n%2&5L;&\\`\r\n`\r\nend\r\n"), TEXT("Hello") },
	{ "bare LF", TEXT("begin 644 a.txt\n%2&5L;&\\`\n`\nend\n"), TEXT("Hello") },
	{ "no end", TEXT("begin 644 a.txt\n%2&5L;&\\"), TEXT("Hello") },
	{ "blanks cut off", TEXT("begin 644 a\n#2&5\nend\n"), TEXT("He@") },
	{ "checksum behind", TEXT("begin 644 a\n#2&5LX\nend\n"), TEXT("Hel") },
	{ "base64 kind", TEXT("begin-base64 644 a\nSGVsbG8=\n====\n"), TEXT("Hello") },
	{ "two files", TEXT("begin 644 a\n#2&5L\nend\nbegin 644 b\n#2&5L\nend\n"), TEXT("HelHel") },
	{ "begin within", TEXT("begin 644 a\n#2&5L\nbegin 644 b\n#2&5L\nend\n"), TEXT("HelHel") },
	{ "words that begin", TEXT("begin the day\nend\n"), TEXT("") },
	{ "junk lines", TEXT("begin 644 a\n\x01\x02\n\n#2&5L\nend\n"), TEXT("Hel") },
};

static bool uuencode_all(struct text in, struct buf *out)
{
	struct uuencode_file file;
	size_t at = 0;
	bool ok = true;

	while (ok && uuencode_find(in, &at, &file))
		ok = uuencode_decode(&file, out);
	return ok;
}

static void check_rows(const struct row *rows, size_t n, bool (*decode)(struct text, struct buf *))
{
	for (size_t i = 0; i < n; i++) {
		struct buf out;
		buf_init(&out, 1000);
		assert_true(decode(rows[i].in, &out));
		if (!text_is_equal(buf_text(&out), rows[i].out))
			fail_msg("%s: gave %zu bytes: %.*s", rows[i].name, out.n, TEXT_ARGS(buf_text(&out)));
		buf_done(&out);
	}
}

static void base64_is_read_tolerantly(void **state)
{
	(void)state;
	check_rows(base64_rows, sizeof base64_rows / sizeof *base64_rows, base64_decode);
}

static void quoted_printable_is_read_tolerantly(void **state)
{
	(void)state;
	check_rows(quoted_rows, sizeof quoted_rows / sizeof *quoted_rows, quoted_printable_decode);
}

static void uuencoded_files_are_found_and_read(void **state)
{
	(void)state;
	check_rows(uuencode_rows, sizeof uuencode_rows / sizeof *uuencode_rows, uuencode_all);
}

static void base64_comes_back_at_every_length_and_cut(void **state)
{
	(void)state;
	for (size_t n = 0; n < 130; n++) {
		char bytes[130];
		struct buf coded, plain;
		struct base64_decoder d = { 0 };

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(i * 37 + n);
		buf_init(&coded, 1000);
		buf_init(&plain, 1000);
		assert_true(base64_encode(text_from_bytes(bytes, n), n % 2, &coded));
		for (size_t i = 0; i < coded.n; i += 7)
			assert_true(base64_decode_piece(&d, text_slice(buf_text(&coded), i, i + 7), &plain));
		assert_true(base64_decode_end(&d, &plain));
		assert_true(text_is_equal(buf_text(&plain), text_from_bytes(bytes, n)));
		buf_done(&coded);
		buf_done(&plain);
	}
}

static void a_full_buffer_is_told(void **state)
{
	static const struct text coded = TEXT("SGVsbG8gSGVsbG8gSGVsbG8gSGVsbG8=");
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_false(base64_decode(coded, &out));
	assert_true(out.overflow);
	buf_reset(&out);
	assert_false(quoted_printable_decode(coded, &out));
	buf_done(&out);
}

/* Bytes that look like base64 with junk here and there, the same each time. */
static void make_noise(struct buf *out, size_t n, unsigned seed)
{
	static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_reset(out);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		if (seed >> 16 & 0x1ff)
			buf_add_byte(out, bytes[seed >> 20 & 63]);
		else
			buf_add_byte(out, (char)(seed >> 24));
	}
}

static void base64_is_the_same_with_and_without_avx2(void **state)
{
	struct buf in, fast, plain;

	(void)state;
	buf_init(&in, 5000);
	buf_init(&fast, 5000);
	buf_init(&plain, 5000);
	for (unsigned i = 0; i < 4000; i++) {
		struct base64_decoder a = { .end = (enum base64_end)(i % 4), .is_url = i % 3 == 0 }, b = a;
		b.is_plain = true;
		make_noise(&in, i % 700, i);
		buf_reset(&fast);
		buf_reset(&plain);
		assert_true(base64_decode_piece(&a, buf_text(&in), &fast) && base64_decode_end(&a, &fast));
		assert_true(base64_decode_piece(&b, buf_text(&in), &plain) && base64_decode_end(&b, &plain));
		assert_true(text_is_equal(buf_text(&fast), buf_text(&plain)));
	}
	buf_done(&in);
	buf_done(&fast);
	buf_done(&plain);
}

static void each_end_of_base64_is_a_reading(void **state)
{
	static const struct {
		enum base64_end end;
		bool is_url;
		const char *in, *out;
	} ends[] = {
		{ BASE64_TO_THE_END, false, "QUI=QUJD", "ABABC" },
		{ BASE64_TO_PADDING, false, "QUI=QUJD", "AB" },
		{ BASE64_RUN_ON, false, "QUJD=REVG", "ABCDEF" },
		{ BASE64_TO_JUNK, false, "QU JD!REVG", "ABC" },
		{ BASE64_TO_THE_END, true, "-_-_", "\xfb\xff\xbf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct base64_decoder d = { .end = ends[i].end, .is_url = ends[i].is_url };
		struct buf out;
		buf_init(&out, 100);
		assert_true(base64_decode_piece(&d, text_from_cstr(ends[i].in), &out) &&
			    base64_decode_end(&d, &out));
		assert_true(text_is_cstr(buf_text(&out), ends[i].out));
		buf_done(&out);
	}
}

static void a_survey_sees_what_readers_disagree_about(void **state)
{
	static const struct {
		const char *in;
		bool has_junk, has_inner_pad, has_url;
		size_t tail_at;
	} surveys[] = {
		{ "QUJD\r\nREVG\r\n", false, false, false, SIZE_MAX },
		{ "QUI=\r\n", false, false, false, SIZE_MAX },
		{ "QUI=\r\nQUJD", false, true, false, 6 },
		{ "QU!JD", true, false, false, 2 },
		{ "QU-JD", true, false, true, 2 },
		{ "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\r\n*QUJD", true, false, false,
		  58 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof surveys / sizeof *surveys; i++) {
		struct base64_survey s = base64_survey(text_from_cstr(surveys[i].in));
		assert_int_equal(s.has_junk, surveys[i].has_junk);
		assert_int_equal(s.has_inner_pad, surveys[i].has_inner_pad);
		assert_int_equal(s.has_url, surveys[i].has_url);
		assert_int_equal(s.tail_at, surveys[i].tail_at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_the_same_with_and_without_avx2),
		cmocka_unit_test(each_end_of_base64_is_a_reading),
		cmocka_unit_test(a_survey_sees_what_readers_disagree_about),
		cmocka_unit_test(base64_is_read_tolerantly),
		cmocka_unit_test(quoted_printable_is_read_tolerantly),
		cmocka_unit_test(uuencoded_files_are_found_and_read),
		cmocka_unit_test(base64_comes_back_at_every_length_and_cut),
		cmocka_unit_test(a_full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
