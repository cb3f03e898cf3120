/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical forms of fields and bodies: rows by rule, the pairs of another project, and a comparison with
 * a plain second writing of the rules over random bodies, cut into pieces at random.
 */
#include "unit/unit.h"

#include "base/buf.h"
#include "proto/dkim_canon.h"
#include "proto/mime_header.h"

#include <stdio.h>
#include <stdlib.h>

static void put(void *context, struct text bytes)
{
	assert_true(bytes.n > 0);
	assert_true(buf_add(context, bytes));
}

static void canonicalize(enum dkim_canon canon, struct text body, size_t cut, struct buf *out)
{
	struct dkim_body b;

	buf_reset(out);
	dkim_body_init(&b, canon, put, out);
	for (size_t at = 0; at < body.n; at += cut)
		dkim_body_add(&b, text_slice(body, at, at + cut));
	dkim_body_end(&b);
}

static const struct {
	const char *name, *body, *simple, *relaxed;
} bodies[] = {
	{ "an empty body is CRLF, or nothing", "", "\r\n", "" },
	{ "a body of empty lines is as an empty body", "\r\n\r\n", "\r\n", "" },
	{ "a body of white space is empty when relaxed", " \t", " \t\r\n", "" },
	{ "lines of white space are empty lines when relaxed", "a\r\n \r\n\t \r\n", "a\r\n \r\n\t \r\n",
	  "a\r\n" },
	{ "a last line without CRLF gets one", "a", "a\r\n", "a\r\n" },
	{ "empty lines at the end go", "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
	{ "empty lines within stay", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n" },
	{ "empty lines at the start stay", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "white space becomes one SP", "a \t b\tc  d\r\n", "a \t b\tc  d\r\n", "a b c d\r\n" },
	{ "white space at the end of a line goes", "a \r\nb\t\r\nc", "a \r\nb\t\r\nc\r\n",
	  "a\r\nb\r\nc\r\n" },
	{ "white space at the start of a line is one SP", "  a\r\n\tb\r\n", "  a\r\n\tb\r\n",
	  " a\r\n b\r\n" },
	{ "white space at the end of the body goes", "a  ", "a  \r\n", "a\r\n" },
	{ "a bare LF is a byte like others", "a \n\n", "a \n\n\r\n", "a \n\n\r\n" },
	{ "a bare CR is a byte like others", "a \rb\r", "a \rb\r\r\n", "a \rb\r\r\n" },
	{ "a CR before CRLF is a byte like others", "a\r\r\n\r\n", "a\r\r\n", "a\r\r\n" },
	{ "white space before a CR that ends no line stays", "a  \r", "a  \r\r\n", "a \r\r\n" },
	{ "LF CR is no line end", "a\n\r\n\r", "a\n\r\n\r\r\n", "a\n\r\n\r\r\n" },
	{ "the examples of rfc6376 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
	  " C\r\nD E\r\n" },
};

static void bodies_have_the_form_of_the_rules_wherever_they_are_cut(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < UNIT_COUNT(bodies); i++) {
		for (size_t cut = 1; cut <= strlen(bodies[i].body) + 1; cut++) {
			canonicalize(DKIM_CANON_SIMPLE, text_from_cstr(bodies[i].body), cut, &out);
			unit_text_is(buf_text(&out), bodies[i].simple);
			canonicalize(DKIM_CANON_RELAXED, text_from_cstr(bodies[i].body), cut, &out);
			unit_text_is(buf_text(&out), bodies[i].relaxed);
		}
	}
	buf_done(&out);
}

static const struct {
	const char *name, *field, *relaxed;
} fields[] = {
	{ "the example of rfc6376 3.4.5, A", "A: X\r\n", "a:X\r\n" },
	{ "the example of rfc6376 3.4.5, B", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
	{ "an empty value", "Subject:\r\n", "subject:\r\n" },
	{ "a value of white space", "Subject: \r\n \r\n", "subject:\r\n" },
	{ "a field without its CRLF gets one", "To: a", "to:a\r\n" },
	{ "a colon in the value", "X: a : b\r\n", "x:a : b\r\n" },
	{ "a bare LF is a byte like others", "X: a\n b\r\n", "x:a\n b\r\n" },
	{ "bytes above ASCII stay", "X: \xc3\xa9\r\n", "x:\xc3\xa9\r\n" },
};

static void fields_have_the_form_of_the_rules(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < UNIT_COUNT(fields); i++) {
		struct text field = text_from_cstr(fields[i].field);
		buf_reset(&out);
		assert_true(dkim_canon_field(DKIM_CANON_RELAXED, field, &out));
		unit_text_is(buf_text(&out), fields[i].relaxed);
		buf_reset(&out);
		assert_true(dkim_canon_field(DKIM_CANON_SIMPLE, field, &out));
		assert_true(text_has_prefix(buf_text(&out), field));
		assert_true(text_has_suffix_nocase(buf_text(&out), text_from_cstr("\r\n")));
	}
	buf_done(&out);
}

static void a_signature_is_covered_without_its_value_and_its_line_end(void **state)
{
	struct text field = text_from_cstr("DKIM-Signature: a=1; b= x y \r\n z ; c=2\r\n");
	struct text value = text_slice(field, 23, 33);
	struct buf out;

	(void)state;
	unit_text_is(value, " x y \r\n z ");
	buf_init(&out, 4096);
	assert_true(dkim_canon_field_without(DKIM_CANON_SIMPLE, field, value, &out));
	unit_text_is(buf_text(&out), "DKIM-Signature: a=1; b=; c=2");
	buf_reset(&out);
	assert_true(dkim_canon_field_without(DKIM_CANON_RELAXED, field, value, &out));
	unit_text_is(buf_text(&out), "dkim-signature:a=1; b=; c=2");
	buf_done(&out);
}

static void what_does_not_fit_is_told(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 8);
	assert_false(dkim_canon_field(DKIM_CANON_RELAXED, text_from_cstr("Subject: long\r\n"), &out));
	assert_false(dkim_canon_field(DKIM_CANON_SIMPLE, text_from_cstr("Subject: long\r\n"), &out));
	buf_done(&out);
}

static void c_has_two_words_or_one(void **state)
{
	enum dkim_canon header, body;

	(void)state;
	assert_true(dkim_canon_parse(text_from_cstr("relaxed/simple"), &header, &body));
	assert_true(header == DKIM_CANON_RELAXED && body == DKIM_CANON_SIMPLE);
	assert_true(dkim_canon_parse(text_from_cstr("relaxed"), &header, &body));
	assert_true(header == DKIM_CANON_RELAXED && body == DKIM_CANON_SIMPLE);
	assert_false(dkim_canon_parse(text_from_cstr(""), &header, &body));
	assert_false(dkim_canon_parse(text_from_cstr("relaxed/"), &header, &body));
	assert_false(dkim_canon_parse(text_from_cstr("Relaxed"), &header, &body));
	assert_false(dkim_canon_parse(text_from_cstr("nowsp/simple"), &header, &body));
}

/* ---- the pairs of another project ---- */

static void read_case(const char *kind, unsigned number, struct buf *out)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/tests/cases/dkim/flanker/%s.%02u", getenv("POSTERN_SOURCE"), kind,
		 number);
	f = fopen(path, "rb");
	buf_reset(out);
	assert_non_null(f);
	n = fread(buf_reserve(out, 8192), 1, 8192, f);
	out->n += n;
	fclose(f);
}

static void to_crlf(const struct buf *in, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < in->n; i++) {
		if (in->p[i] == '\n')
			buf_add_byte(out, '\r');
		buf_add_byte(out, in->p[i]);
	}
}

static void print_form(enum dkim_canon canon, struct text message, struct buf *out)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_header_reader r = mime_header_reader_of(message, &limits);
	struct mime_field field;
	struct dkim_body b;

	buf_reset(out);
	while (mime_header_next(&r, &field))
		dkim_canon_field(canon, field.raw, out);
	if (message.n > 0)
		buf_add_cstr(out, "\r\n");
	dkim_body_init(&b, canon, put, out);
	dkim_body_add(&b, text_skip(message, r.at));
	dkim_body_end(&b);
}

/* 1 is an empty file: no message. The body of 24 ends in white space without a CRLF, which flanker keeps as a
 * line of one SP; "all white space at the end of lines" is ignored, and then the line is empty. rfc6376 3.4.4
 */
static bool is_decided_otherwise(unsigned number, enum dkim_canon canon)
{
	return number == 1 || (number == 24 && canon == DKIM_CANON_RELAXED);
}

static void the_pairs_of_flanker_are_what_they_say(void **state)
{
	static const unsigned numbers[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
					    12, 13, 14, 19, 20, 21, 22, 23, 24, 25 };
	struct buf file, message, form, wanted;

	(void)state;
	if (!getenv("POSTERN_SOURCE"))
		skip();
	buf_init(&file, 65536);
	buf_init(&message, 65536);
	buf_init(&form, 65536);
	buf_init(&wanted, 65536);
	for (size_t i = 0; i < UNIT_COUNT(numbers); i++) {
		read_case("email", numbers[i], &file);
		to_crlf(&file, &message);
		for (unsigned c = 0; c < DKIM_CANON_COUNT; c++) {
			read_case(c ? "relaxed.expected" : "simple.expected", numbers[i], &wanted);
			print_form(c, buf_text(&message), &form);
			if (!is_decided_otherwise(numbers[i], c))
				unit_text_is(buf_text(&form), buf_cstr(&wanted));
		}
	}
	buf_done(&file);
	buf_done(&message);
	buf_done(&form);
	buf_done(&wanted);
}

/* ---- a second writing of the rules ---- */

static bool is_crlf(struct text t, size_t at)
{
	return at + 1 < t.n && t.p[at] == '\r' && t.p[at + 1] == '\n';
}

static void squeeze(struct text body, struct buf *out)
{
	for (size_t i = 0; i < body.n;) {
		size_t end = i;
		while (end < body.n && (body.p[end] == ' ' || body.p[end] == '\t'))
			end++;
		if (end > i && end < body.n && !is_crlf(body, end))
			buf_add_byte(out, ' ');
		else if (end == i)
			buf_add_byte(out, body.p[end++]);
		i = end;
	}
}

static void form_plainly(enum dkim_canon canon, struct text body, struct buf *out)
{
	buf_reset(out);
	if (canon == DKIM_CANON_RELAXED)
		squeeze(body, out);
	else
		buf_add(out, body);
	while (out->n >= 2 && is_crlf(buf_text(out), out->n - 2))
		out->n -= 2;
	if (out->n > 0 || canon == DKIM_CANON_SIMPLE)
		buf_add_cstr(out, "\r\n");
}

static size_t make_body(char *body, size_t max)
{
	static const char *const pieces[] = {
		"\r\n",         "\r",
		"\n",           " ",
		"\t",           "a",
		"  ",           " \r\n",
		"word another", "a line of some length that has no white space twice"
	};
	size_t n = 0, wanted = (size_t)rand() % max;

	while (n + 64 < wanted) {
		const char *piece = pieces[(size_t)rand() % UNIT_COUNT(pieces)];
		memcpy(body + n, piece, strlen(piece));
		n += strlen(piece);
	}
	return n;
}

static void random_bodies_have_the_form_of_a_second_writing(void **state)
{
	struct buf out, wanted;
	char body[8192];

	(void)state;
	srand(1);
	buf_init(&out, 65536);
	buf_init(&wanted, 65536);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = make_body(body, i % 20 ? 300 : sizeof body);
		struct text text = text_from_bytes(body, n);
		form_plainly(i % 2, text, &wanted);
		canonicalize(i % 2, text, 1 + (size_t)rand() % (n + 1), &out);
		assert_true(text_is_equal(buf_text(&out), buf_text(&wanted)));
	}
	buf_done(&out);
	buf_done(&wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_have_the_form_of_the_rules_wherever_they_are_cut),
		cmocka_unit_test(fields_have_the_form_of_the_rules),
		cmocka_unit_test(a_signature_is_covered_without_its_value_and_its_line_end),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(c_has_two_words_or_one),
		cmocka_unit_test(the_pairs_of_flanker_are_what_they_say),
		cmocka_unit_test(random_bodies_have_the_form_of_a_second_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
