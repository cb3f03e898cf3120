/* SPDX-License-Identifier: Apache-2.0
 *
 * The header iterator: which fields it gives, where it sees the body begin, and which of the things
 * that readers disagree about it marks. The expected text is name=body of each field, blanks in the
 * body as they are, then "|" and the body of the message.
 */
#include "base/buf.h"
#include "proto/mime_header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *name;
	const char *in, *out;
	unsigned defects;
} rows[] = {
	{ "two fields", "A: 1\r\nB: 2\r\n\r\nbody", "A= 1;B= 2;|body", 0 },
	{ "bare LF", "A: 1\nB: 2\n\nbody", "A= 1;B= 2;|body", 0 },
	{ "folded", "A: 1\r\n 2\r\n\t3\r\n\r\nx", "A= 1\r\n 2\r\n\t3;|x", 0 },
	{ "blank before the colon", "A \t: 1\r\n\r\nx", "A= 1;|x", 0 },
	{ "empty body of a field", "A:\r\n\r\nx", "A=;|x", 0 },
	{ "no empty line", "A: 1\r\nB: 2", "A= 1;B= 2;|", MIME_DEFECT_NO_HEADER_END },
	{ "nothing", "", "|", MIME_DEFECT_NO_HEADER_END },
	{ "empty header", "\r\nx", "|x", 0 },
	{ "junk first", "From me Mon Jan 1\r\nA: 1\r\n\r\nx", "A= 1;|x", MIME_DEFECT_JUNK_LINE },
	{ "junk between", "A: 1\r\njunk\r\n more\r\nB: 2\r\n\r\nx", "A= 1;B= 2;|x", MIME_DEFECT_JUNK_LINE },
	{ "8-bit name", "A\xe9: 1\r\nB: 2\r\n\r\nx", "B= 2;|x", MIME_DEFECT_JUNK_LINE },
	{ "no name", ": 1\r\nB: 2\r\n\r\nx", "B= 2;|x", MIME_DEFECT_JUNK_LINE },
	{ "line of blanks", "A: 1\r\n \r\nB: 2\r\n\r\nx", "A= 1\r\n ;B= 2;|x", MIME_DEFECT_BLANK_LINE },
};

static void add_field(struct buf *out, const struct mime_field *field)
{
	buf_add(out, field->name);
	buf_add_byte(out, '=');
	buf_add(out, field->body);
	buf_add_byte(out, ';');
}

static void headers_are_read_as_mail_readers_do(void **state)
{
	struct mime_limits limits = mime_limits_default();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text in = text_from_cstr(rows[i].in);
		struct mime_header_reader r = mime_header_reader_of(in, &limits);
		struct mime_field field;
		struct buf out;

		buf_init(&out, 1000);
		while (mime_header_next(&r, &field))
			add_field(&out, &field);
		buf_add_byte(&out, '|');
		buf_add(&out, text_skip(in, r.at));
		if (!text_is_cstr(buf_text(&out), rows[i].out) || r.defects != rows[i].defects)
			fail_msg("%s: %s (defects %#x)", rows[i].name, buf_cstr(&out), r.defects);
		buf_done(&out);
	}
}

static void raw_holds_the_whole_field(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_header_reader r =
		mime_header_reader_of(text_from_cstr("A: 1\r\n 2\r\nB: 3\r\n\r\n"), &limits);
	struct mime_field field;

	(void)state;
	assert_true(mime_header_next(&r, &field));
	assert_true(text_is_cstr(field.raw, "A: 1\r\n 2\r\n"));
	assert_true(mime_header_next(&r, &field));
	assert_true(text_is_cstr(field.raw, "B: 3\r\n"));
	assert_false(mime_header_next(&r, &field));
	assert_false(mime_header_next(&r, &field));
	assert_true(r.has_end);
}

static void limits_are_told(void **state)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_field field;
	struct mime_header_reader r;

	(void)state;
	limits.header_fields = 1;
	r = mime_header_reader_of(text_from_cstr("A: 1\r\nB: 2\r\n\r\n"), &limits);
	assert_true(mime_header_next(&r, &field));
	assert_false(mime_header_next(&r, &field));
	assert_int_equal(r.trouble, MIME_TROUBLE_HEADER_FIELDS);
	limits.header_fields = 9;
	limits.header_bytes = 10;
	r = mime_header_reader_of(text_from_cstr("A: 1\r\nB: 23456\r\n\r\n"), &limits);
	assert_true(mime_header_next(&r, &field));
	assert_false(mime_header_next(&r, &field));
	assert_int_equal(r.trouble, MIME_TROUBLE_HEADER_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_as_mail_readers_do),
		cmocka_unit_test(raw_holds_the_whole_field),
		cmocka_unit_test(limits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
