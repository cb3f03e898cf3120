/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing: which fields are chosen, what a prepared form must look like, and how the field is written.
 */
#include "unit/proto/dkim_fixture.h"

static void chosen_are(struct dkim_fixture *f, const struct dkim_sign_choice *choice, const char *message,
		       const char *wanted)
{
	struct text *names;
	struct buf got;
	size_t n;

	assert_true(dkim_message_read(&f->m, text_from_cstr(message), &f->limits, &f->arena));
	assert_true(dkim_sign_choose(&f->m, choice, &f->arena, &names, &n));
	buf_init(&got, 4096);
	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%.*s ", TEXT_ARGS(names[i]));
	unit_text_is(buf_text(&got), wanted);
	buf_done(&got);
}

static void the_standard_fields_are_those_that_are_there(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_choice choice = { 0 };

	chosen_are(f, &choice,
		   "Received: x\r\nX-A: 1\r\nSubject: s\r\nFrom: a\r\nTo: b\r\nSubject: t\r\n\r\n",
		   "from to subject subject ");
}

static void all_fields_are_those_that_do_not_change_on_the_way(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_choice choice = { .is_all = true };

	chosen_are(f, &choice,
		   "Received: x\r\nReturn-Path: <>\r\nX-A: 1\r\nFrom: a\r\nDKIM-Signature: v=1\r\nX-A: "
		   "2\r\n\r\n",
		   "from X-A X-A ");
}

static void a_name_that_could_be_more_than_a_name_is_left_out(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_choice choice = { .is_all = true };

	chosen_are(f, &choice, "From: a\r\nX;d=evil.example: 1\r\nX=Y: 2\r\n\r\n", "from ");
}

static void oversigned_names_are_there_once_more_even_when_absent(void **state)
{
	struct dkim_fixture *f = *state;
	struct text over[] = { TEXT("From"), TEXT("Subject"), TEXT("X-Tag") }, extra = TEXT("x-tag");
	struct dkim_sign_choice choice = {
		.extra = &extra, .n_extra = 1, .oversigned = over, .n_oversigned = 3
	};

	chosen_are(f, &choice, "From: a\r\nTo: b\r\nX-Tag: 1\r\n\r\n", "from from to subject x-tag x-tag ");
}

static void from_is_named_even_in_a_message_without_one(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_choice choice = { 0 };

	chosen_are(f, &choice, "To: b\r\n\r\n", "to from ");
}

static void more_names_than_the_limit_are_not_signed(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_choice choice = { 0 };
	struct text *names;
	size_t n;

	f->limits.names = 1;
	assert_true(
		dkim_message_read(&f->m, text_from_cstr("From: a\r\nTo: b\r\n\r\n"), &f->limits, &f->arena));
	assert_false(dkim_sign_choose(&f->m, &choice, &f->arena, &names, &n));
}

static const struct {
	const char *name, *covered;
	bool is_good;
} covers[] = {
	{ "nothing", "", true },
	{ "all, in order", "from:a\r\nto:b\r\nx-a:1\r\n", true },
	{ "a name of the list without a field", "from:a\r\nx-a:1\r\n", true },
	{ "an empty value", "from:\r\n", true },
	{ "another order", "to:b\r\nfrom:a\r\n", false },
	{ "a name that is not in the list", "from:a\r\nsubject:b\r\n", false },
	{ "a name twice", "from:a\r\nfrom:b\r\n", false },
	{ "no last CRLF", "from:a\r\nto:b", false },
	{ "a bare LF in a value", "from:a\nto:b\r\n", false },
	{ "a folded value", "from:a\r\n b\r\n", false },
	{ "capitals in a name", "From:a\r\n", false },
	{ "white space around the colon", "from: a\r\n", false },
	{ "white space at the end", "from:a \r\n", false },
	{ "two blanks", "from:a  b\r\n", false },
	{ "an HTAB", "from:a\tb\r\n", false },
	{ "no colon", "from\r\n", false },
	{ "an empty line", "\r\n", false },
};

static void a_prepared_form_is_relaxed_fields_of_the_list_in_order(void **state)
{
	const struct text names[] = { TEXT("From"), TEXT("to"), TEXT("x-a") };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(covers); i++)
		if (dkim_sign_check(DKIM_CANON_RELAXED, names, 3, text_from_cstr(covers[i].covered)) !=
		    covers[i].is_good)
			fail_msg("%s", covers[i].name);
}

static void a_list_with_more_than_names_is_no_list(void **state)
{
	const struct text names[] = { TEXT("from"), TEXT("to;d=evil") };

	(void)state;
	assert_false(dkim_sign_check(DKIM_CANON_RELAXED, names, 2, text_from_cstr("from:a\r\n")));
}

static void the_field_is_folded_and_says_what_it_was_told(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();
	struct text line, rest;

	spec.expires = DKIM_NOW + 86400;
	spec.identity = text_from_cstr("jo e;=@example.com");
	dkim_fixture_sign(f, &spec, "from",
			  "From: a\r\nTo: b\r\nCc: c\r\nSubject: s\r\nDate: d\r\nMessage-ID: m\r\nReply-To: "
			  "r\r\nSender: s\r\n"
			  "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: "
			  "8bit\r\n\r\nx\r\n");
	rest = text_slice(buf_text(&f->message), 0,
			  text_find(buf_text(&f->message), text_from_cstr("\r\nFrom:")));
	while (text_cut(rest, '\n', &line, &rest) || line.n > 0)
		assert_true(line.n <= 78);
	assert_true(text_has_prefix(buf_text(&f->message),
				    text_from_cstr("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/")));
	assert_true(text_find(buf_text(&f->message), text_from_cstr("t=1700000000; x=1700086400;")) !=
		    SIZE_MAX);
	assert_true(text_find(buf_text(&f->message), text_from_cstr("i=jo=20e=3B=3D@example.com;")) !=
		    SIZE_MAX);
	assert_int_equal(dkim_fixture_verify(f)->result, AUTH_PASS);
	unit_text_is(f->report.signatures[0].identity, "jo e;=@example.com");
}

static bool refuse(void *context, struct text digest, struct buf *out)
{
	(void)context;
	(void)digest;
	(void)out;
	return false;
}

static void nothing_is_added_when_the_signer_could_not(void **state)
{
	struct dkim_sign_spec spec = dkim_fixture_spec();
	struct dkim_signer signer = { NULL, refuse };
	unsigned char hash[DKIM_DIGEST_BYTES] = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	buf_add_cstr(&out, "before");
	assert_false(dkim_sign_field(&spec, text_from_cstr(""), hash, &signer, &out));
	unit_text_is(buf_text(&out), "before");
	buf_done(&out);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, dkim_fixture_open, dkim_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(the_standard_fields_are_those_that_are_there),
		ROW(all_fields_are_those_that_do_not_change_on_the_way),
		ROW(a_name_that_could_be_more_than_a_name_is_left_out),
		ROW(oversigned_names_are_there_once_more_even_when_absent),
		ROW(from_is_named_even_in_a_message_without_one),
		ROW(more_names_than_the_limit_are_not_signed),
		ROW(a_prepared_form_is_relaxed_fields_of_the_list_in_order),
		ROW(a_list_with_more_than_names_is_no_list),
		ROW(the_field_is_folded_and_says_what_it_was_told),
		ROW(nothing_is_added_when_the_signer_could_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
