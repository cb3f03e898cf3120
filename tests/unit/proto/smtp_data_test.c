/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter of message bodies: what ends a message and what does not, what comes out, what is
 * counted, and that none of it depends on how the input was cut. Every row is run whole, cut in two at
 * every place, and byte by byte. rfc5321 4.1.1.4, 4.5.2, 2.3.8
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/smtp_data.h"

#define T(literal)                                                                                           \
	{                                                                                                    \
		literal, sizeof(literal) - 1                                                                 \
	}

struct row {
	const char *name;
	struct text in;
	struct text out;  /* of normalize */
	struct text left; /* bytes behind the end */
	bool is_unended;
	bool is_bad; /* refused by reject */
};

static const struct row rows[] = {
	{ "ordinary", T("A: b\r\n\r\nhi\r\n.\r\n"), T("A: b\r\n\r\nhi\r\n") },
	{ "empty", T(".\r\n"), T("") },
	{ "one empty line", T("\r\n.\r\n"), T("\r\n") },
	{ "what follows is left", T("a\r\n.\r\nQUIT\r\n"), T("a\r\n"), T("QUIT\r\n") },
	{ "dots are unstuffed", T("..\r\n...a\r\n.b\r\n.\r\n"), T(".\r\n..a\r\nb\r\n") },
	{ "dot inside a line stays", T("a.\r\nb.c\r\n.\r\n"), T("a.\r\nb.c\r\n") },
	{ "dot and blank is no end", T(". \r\n.\r\n"), T(" \r\n") },
	{ "LF.LF", T("a\n.\nMAIL FROM:<x>\r\n.\r\n"), T("a\r\n.\r\nMAIL FROM:<x>\r\n"), T(""), false, true },
	{ "LF.CRLF", T("a\n.\r\nMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "CRLF.LF", T("a\r\n.\nMAIL\r\n.\r\n"), T("a\r\n\r\nMAIL\r\n"), T(""), false, true },
	{ "CR.CR", T("a\r.\rMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "CR.CRLF", T("a\r.\r\nMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "CR.LF", T("a\r.\nMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "LF.CR", T("a\n.\rMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "CRLF.CR", T("a\r\n.\rMAIL\r\n.\r\n"), T("a\r\n\r\nMAIL\r\n"), T(""), false, true },
	{ "CRLF.CRCRLF", T("a\r\n.\r\r\nMAIL\r\n.\r\n"), T("a\r\n\r\n\r\nMAIL\r\n"), T(""), false, true },
	{ "CRCRLF.CRLF", T("a\r\r\n.\r\nX"), T("a\r\n\r\n"), T("X"), false, true },
	{ "LFCR.LFCR", T("a\n\r.\n\rMAIL\r\n.\r\n"), T("a\r\n\r\n.\r\n\r\nMAIL\r\n"), T(""), false, true },
	{ "CR NUL LF", T("a\r\0\n.\r\0\nMAIL\r\n.\r\n"), T("a\r\n\r\n.\r\n\r\nMAIL\r\n"), T(""), false,
	  true },
	{ "NUL before the dot", T("a\r\n\0.\r\nMAIL\r\n.\r\n"), T("a\r\n.\r\nMAIL\r\n"), T(""), false, true },
	{ "NUL behind the dot", T("a\r\n.\0\r\nMAIL\r\n.\r\n"), T("a\r\n\r\nMAIL\r\n"), T(""), false, true },
	{ "NUL between dot, CR and LF", T("a\r\n.\r\0\nMAIL\r\n.\r\n"), T("a\r\n\r\n\r\nMAIL\r\n"), T(""),
	  false, true },
	{ "stuffed dot and bare LF", T("..\n.\r\n.\r\n"), T(".\r\n.\r\n"), T(""), false, true },
	{ "NUL is dropped", T("a\0b\0\r\n.\r\n"), T("ab\r\n"), T(""), false, true },
	{ "other control bytes stay", T("a\x01\x7f\t\x1b\r\n.\r\n"), T("a\x01\x7f\t\x1b\r\n") },
	{ "8-bit bytes stay", T("\xff\xfe\x80\r\n.\r\n"), T("\xff\xfe\x80\r\n") },
	{ "bare LF in the header", T("A: b\nC: d\n\nx\r\n.\r\n"), T("A: b\r\nC: d\r\n\r\nx\r\n"), T(""),
	  false, true },
	{ "only bare LF", T("\n\n\n.\n"), T("\r\n\r\n\r\n.\r\n"), T(""), true, true },
	{ "only bare CR", T("\r\r\rx\r\n.\r\n"), T("\r\n\r\n\r\nx\r\n"), T(""), false, true },
	{ "no end", T("abc\r\n."), T("abc\r\n"), T(""), true },
};

struct result {
	struct smtp_data data;
	struct buf out;
	size_t used;
};

static void run(struct result *r, struct text in, const size_t *cuts, size_t n_cuts,
		enum smtp_newlines newlines)
{
	smtp_data_init(&r->data, newlines, true, 1 << 20, 1 << 20);
	buf_init(&r->out, 1 << 20);
	r->used = 0;
	for (size_t i = 0; i <= n_cuts && !r->data.is_done; i++) {
		size_t end = i < n_cuts ? cuts[i] : in.n;
		r->used += smtp_data_feed(&r->data, text_slice(in, r->used, end), &r->out);
	}
}

static void check_row(const struct row *row, const size_t *cuts, size_t n_cuts)
{
	struct result r;

	run(&r, row->in, cuts, n_cuts, SMTP_NEWLINES_NORMALIZE);
	if (!text_is_equal(buf_text(&r.out), row->out))
		fail_msg("%s: out '%.*s'", row->name, TEXT_ARGS(buf_text(&r.out)));
	if (r.data.is_done == row->is_unended)
		fail_msg("%s: done %d", row->name, r.data.is_done);
	assert_int_equal(row->in.n - r.used, row->left.n);
	assert_int_equal(r.data.size, row->out.n);
	assert_int_equal(r.data.problem, SMTP_DATA_FINE);
	buf_done(&r.out);
	run(&r, row->in, cuts, n_cuts, SMTP_NEWLINES_REJECT);
	if ((r.data.problem != SMTP_DATA_FINE) != row->is_bad)
		fail_msg("%s: problem %d", row->name, (int)r.data.problem);
	assert_int_equal(row->in.n - r.used, row->left.n);
	buf_done(&r.out);
}

static void rows_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(&rows[i], NULL, 0);
}

static void rows_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++)
			check_row(&rows[i], &cut, 1);
}

static void rows_byte_by_byte(void **state)
{
	size_t cuts[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		cuts[i] = i + 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(&rows[i], cuts, rows[i].in.n);
}

/* Every input of up to 7 bytes over the alphabet that matters: cut in two anywhere, the same comes
 * out; and the end is found exactly where CRLF "." CRLF stands (with a CRLF before the first byte). */
static void all_short_inputs(void **state)
{
	static const char alphabet[] = { '\r', '\n', '.', 'a', '\0' };
	char bytes[9] = "\r\n";

	(void)state;
	for (unsigned code = 0; code < 78125; code++) {
		struct text in = { bytes + 2, 7 };
		struct result whole, pieces;
		size_t end, cut = code % 8;
		for (unsigned i = 0, rest = code; i < 7; i++, rest /= 5)
			bytes[i + 2] = alphabet[rest % 5];
		run(&whole, in, NULL, 0, SMTP_NEWLINES_NORMALIZE);
		run(&pieces, in, &cut, 1, SMTP_NEWLINES_NORMALIZE);
		end = text_find(text_from_bytes(bytes, 9), text_from_cstr("\r\n.\r\n"));
		assert_int_equal(whole.data.is_done, end != SIZE_MAX);
		assert_int_equal(whole.used, end != SIZE_MAX ? end + 3 : 7);
		assert_int_equal(pieces.used, whole.used);
		assert_true(text_is_equal(buf_text(&whole.out), buf_text(&pieces.out)));
		buf_done(&whole.out);
		buf_done(&pieces.out);
	}
}

static void counts(void **state)
{
	struct text in = T(
		"Received: from a\r\n by b\r\nReceived-SPF: pass\r\nRECEIVED: x\r\nSubject: Received: no\r\n"
		"\r\nReceived: in the body\r\n.\r\n");
	struct result r;

	(void)state;
	run(&r, in, NULL, 0, SMTP_NEWLINES_NORMALIZE);
	assert_true(r.data.is_done);
	assert_int_equal(r.data.hops, 2);
	assert_int_equal(r.data.lines, 7);
	assert_int_equal(r.data.read, in.n);
	assert_int_equal(r.data.size, in.n - 3);
	assert_int_equal(r.data.header_size, (size_t)(text_find(in, text_from_cstr("\r\n\r\n")) + 2));
	buf_done(&r.out);
}

static void header_without_body(void **state)
{
	struct text in = T("A: b\r\nC: d\r\n.\r\n");
	struct result r;

	(void)state;
	run(&r, in, NULL, 0, SMTP_NEWLINES_NORMALIZE);
	assert_int_equal(r.data.header_size, in.n - 3);
	buf_done(&r.out);
}

static void limits_are_problems_and_the_end_is_still_found(void **state)
{
	struct text in = T("0123456789\r\n.\r\nQUIT\r\n");
	struct smtp_data d;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, true, 11, 1000);
	assert_int_equal(smtp_data_feed(&d, in, &out), 15);
	assert_true(d.is_done);
	assert_int_equal(d.problem, SMTP_DATA_TOO_LARGE);
	smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, true, 12, 1000);
	assert_int_equal(smtp_data_feed(&d, in, &out), 15);
	assert_int_equal(d.problem, SMTP_DATA_FINE);
	smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, true, 1000, 11);
	assert_int_equal(smtp_data_feed(&d, in, &out), 15);
	assert_int_equal(d.problem, SMTP_DATA_HEADER_TOO_LARGE);
	buf_done(&out);
}

static void chunks_keep_their_dots(void **state)
{
	struct text in = T("A: b\r\n\r\n.\r\n..x\r\nend");
	struct smtp_data d;
	struct buf out;

	(void)state;
	for (size_t cut = 0; cut <= in.n; cut++) {
		buf_init(&out, 1000);
		smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, false, 1000, 1000);
		assert_int_equal(smtp_data_feed(&d, text_slice(in, 0, cut), &out), cut);
		assert_int_equal(smtp_data_feed(&d, text_skip(in, cut), &out), in.n - cut);
		assert_false(d.is_done);
		smtp_data_finish(&d, &out);
		assert_true(d.is_done);
		assert_string_equal(buf_cstr(&out), "A: b\r\n\r\n.\r\n..x\r\nend\r\n");
		buf_done(&out);
	}
}

static void last_chunk_ends_with_cr(void **state)
{
	struct smtp_data d;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, false, 1000, 1000);
	smtp_data_feed(&d, text_from_cstr("a\r"), &out);
	smtp_data_finish(&d, &out);
	assert_string_equal(buf_cstr(&out), "a\r\n");
	buf_done(&out);
}

/* A flood of what needs a decision each must not take more than linear time. */
static void floods_are_linear(void **state)
{
	static const char *const patterns[] = { "\n", "\r", "\r\n.", "\r\n", "a\n", ".\r", "\0" };
	char *flood = malloc(1 << 16);
	struct smtp_data d;
	struct buf out;

	(void)state;
	assert_non_null(flood);
	for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
		size_t n = patterns[p][0] ? strlen(patterns[p]) : 1;
		for (size_t i = 0; i < 1 << 16; i++)
			flood[i] = patterns[p][i % n];
		buf_init(&out, 1 << 20);
		smtp_data_init(&d, SMTP_NEWLINES_NORMALIZE, true, 1ULL << 40, 1ULL << 40);
		for (int round = 0; round < 64; round++) {
			buf_reset(&out);
			smtp_data_feed(&d, text_from_bytes(flood, 1 << 16), &out);
		}
		buf_done(&out);
	}
	free(flood);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_whole),
		cmocka_unit_test(rows_cut_anywhere),
		cmocka_unit_test(rows_byte_by_byte),
		cmocka_unit_test(all_short_inputs),
		cmocka_unit_test(counts),
		cmocka_unit_test(header_without_body),
		cmocka_unit_test(limits_are_problems_and_the_end_is_still_found),
		cmocka_unit_test(chunks_keep_their_dots),
		cmocka_unit_test(last_chunk_ends_with_cr),
		cmocka_unit_test(floods_are_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
