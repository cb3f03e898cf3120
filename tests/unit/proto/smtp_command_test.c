/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines: which are taken in which state, what comes out, and the reply to each wrong one.
 * rfc5321 4.1.1
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/smtp_command.h"

enum {
	N = SMTP_STATE_NEW,
	G = SMTP_STATE_GREETED,
	M = SMTP_STATE_MAIL,
	R = SMTP_STATE_RCPT,
	B = SMTP_STATE_BDAT
};

#define X100                                                                                                 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xx"

struct row {
	const char *line;
	unsigned state; /* an enum smtp_state */
	enum smtp_verb verb;
	enum smtp_reply_id reply;
};

static const struct row rows[] = {
	{ "HELO mx.example.com", N, SMTP_VERB_HELO, SMTP_REPLY_NONE },
	{ "ehlo [192.0.2.1]", N, SMTP_VERB_EHLO, SMTP_REPLY_NONE },
	{ "EHLO mx.example.com  ", N, SMTP_VERB_EHLO, SMTP_REPLY_NONE },
	{ "HELO", N, SMTP_VERB_HELO, SMTP_REPLY_BAD_HELLO },
	{ "EHLO a b", N, SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELLO },
	{ "EHLO a\rb", N, SMTP_VERB_EHLO, SMTP_REPLY_LINE_BAD_BYTE },
	{ "EHLO \xff", N, SMTP_VERB_EHLO, SMTP_REPLY_LINE_BAD_BYTE },
	{ "MAIL FROM:<a@b.example>", N, SMTP_VERB_MAIL, SMTP_REPLY_HELLO_FIRST },
	{ "MAIL FROM:<a@b.example>", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "mail from: <a@b.example>", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<>", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example>", M, SMTP_VERB_MAIL, SMTP_REPLY_MAIL_NESTED },
	{ "MAIL FROM:<a@b.example>", R, SMTP_VERB_MAIL, SMTP_REPLY_MAIL_NESTED },
	{ "MAIL FROM:<a@b.example>", B, SMTP_VERB_MAIL, SMTP_REPLY_BDAT_ONLY },
	{ "MAIL <a@b.example>", G, SMTP_VERB_MAIL, SMTP_REPLY_BAD_SYNTAX },
	{ "MAIL", G, SMTP_VERB_MAIL, SMTP_REPLY_BAD_SYNTAX },
	{ "MAIL FROM:", G, SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER },
	{ "MAIL FROM:<a>", G, SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER },
	{ "MAIL FROM:<" X100 "@b.example>", G, SMTP_VERB_MAIL, SMTP_REPLY_SENDER_TOO_LONG },
	{ "MAIL FROM:<\xc3\xa9@b.example>", G, SMTP_VERB_MAIL, SMTP_REPLY_SENDER_NEEDS_UTF8 },
	{ "MAIL FROM:<\xc3\xa9@b.example> SMTPUTF8", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> SMTPUTF8=1", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> SIZE=1000", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> SIZE", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> SIZE=", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> SIZE=-1", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> SIZE=1 SIZE=1", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> SIZE=99999999999999999999", G, SMTP_VERB_MAIL, SMTP_REPLY_TOO_LARGE },
	{ "MAIL FROM:<a@b.example> SIZE=999999999999999999999", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> BODY=8BITMIME", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> body=7bit", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> BODY=9BIT", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> BODY=BINARYMIME", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_UNKNOWN },
	{ "MAIL FROM:<a@b.example> FOO=BAR", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_UNKNOWN },
	{ "MAIL FROM:<a@b.example>FOO=BAR", G, SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER },
	{ "MAIL FROM:<a@b.example> RET=FULL ENVID=abc+20d", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> RET=SOME", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> ENVID=+0A", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> ENVID=x" X100, G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "MAIL FROM:<a@b.example> AUTH=<>", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> AUTH=e+3Dmc2@example.com", G, SMTP_VERB_MAIL, SMTP_REPLY_NONE },
	{ "MAIL FROM:<a@b.example> AUTH=", G, SMTP_VERB_MAIL, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example>", G, SMTP_VERB_RCPT, SMTP_REPLY_MAIL_FIRST },
	{ "RCPT TO:<a@b.example>", M, SMTP_VERB_RCPT, SMTP_REPLY_NONE },
	{ "RCPT TO:<a@b.example>", R, SMTP_VERB_RCPT, SMTP_REPLY_NONE },
	{ "RCPT TO:<Postmaster>", R, SMTP_VERB_RCPT, SMTP_REPLY_NONE },
	{ "RCPT TO:<>", R, SMTP_VERB_RCPT, SMTP_REPLY_BAD_RECIPIENT },
	{ "RCPT LALA:<>", R, SMTP_VERB_RCPT, SMTP_REPLY_BAD_SYNTAX },
	{ "RCPT TO:<" X100 "@b.example>", M, SMTP_VERB_RCPT, SMTP_REPLY_RECIPIENT_TOO_LONG },
	{ "RCPT TO:<a@b.example> NOTIFY=SUCCESS,DELAY", M, SMTP_VERB_RCPT, SMTP_REPLY_NONE },
	{ "RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> NOTIFY=DELAY,DELAY", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> NOTIFY=", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> NOTIFY=SUCCESS,", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> ORCPT=rfc822;a+2Bb@c.example", M, SMTP_VERB_RCPT, SMTP_REPLY_NONE },
	{ "RCPT TO:<a@b.example> ORCPT=rfc822", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> ORCPT=;x", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_BAD },
	{ "RCPT TO:<a@b.example> SIZE=1", M, SMTP_VERB_RCPT, SMTP_REPLY_PARAMETER_UNKNOWN },
	{ "DATA", N, SMTP_VERB_DATA, SMTP_REPLY_HELLO_FIRST },
	{ "DATA", G, SMTP_VERB_DATA, SMTP_REPLY_MAIL_FIRST },
	{ "DATA", M, SMTP_VERB_DATA, SMTP_REPLY_RECIPIENTS_NONE },
	{ "DATA", R, SMTP_VERB_DATA, SMTP_REPLY_NONE },
	{ "DATA now", R, SMTP_VERB_DATA, SMTP_REPLY_BAD_SYNTAX },
	{ "DATA", B, SMTP_VERB_DATA, SMTP_REPLY_BDAT_ONLY },
	{ "BDAT 10", R, SMTP_VERB_BDAT, SMTP_REPLY_NONE },
	{ "bdat 0 last", B, SMTP_VERB_BDAT, SMTP_REPLY_NONE },
	{ "BDAT 10", G, SMTP_VERB_BDAT, SMTP_REPLY_MAIL_FIRST },
	{ "BDAT", R, SMTP_VERB_BDAT, SMTP_REPLY_BAD_CHUNK },
	{ "BDAT x", N, SMTP_VERB_BDAT, SMTP_REPLY_BAD_CHUNK },
	{ "BDAT 1 2", R, SMTP_VERB_BDAT, SMTP_REPLY_BAD_CHUNK },
	{ "BDAT -1", R, SMTP_VERB_BDAT, SMTP_REPLY_BAD_CHUNK },
	{ "BDAT 99999999999", R, SMTP_VERB_BDAT, SMTP_REPLY_BAD_CHUNK },
	{ "RSET", N, SMTP_VERB_RSET, SMTP_REPLY_NONE },
	{ "RSET x", N, SMTP_VERB_RSET, SMTP_REPLY_BAD_SYNTAX },
	{ "NOOP anything at all", B, SMTP_VERB_NOOP, SMTP_REPLY_NONE },
	{ "QUIT", B, SMTP_VERB_QUIT, SMTP_REPLY_NONE },
	{ "STARTTLS", N, SMTP_VERB_STARTTLS, SMTP_REPLY_HELLO_FIRST },
	{ "STARTTLS", G, SMTP_VERB_STARTTLS, SMTP_REPLY_NONE },
	{ "STARTTLS", M, SMTP_VERB_STARTTLS, SMTP_REPLY_IN_TRANSACTION },
	{ "STARTTLS now", G, SMTP_VERB_STARTTLS, SMTP_REPLY_BAD_SYNTAX },
	{ "VRFY someone", G, SMTP_VERB_VRFY, SMTP_REPLY_NONE },
	{ "VRFY", G, SMTP_VERB_VRFY, SMTP_REPLY_BAD_SYNTAX },
	{ "HELP", N, SMTP_VERB_HELP, SMTP_REPLY_NONE },
	{ "AUTH PLAIN", N, SMTP_VERB_AUTH, SMTP_REPLY_NONE },
	{ "", N, SMTP_VERB_COUNT, SMTP_REPLY_UNKNOWN_COMMAND },
	{ "WHATISTHIS", G, SMTP_VERB_COUNT, SMTP_REPLY_UNKNOWN_COMMAND },
	{ "MAILFROM:<a@b.example>", G, SMTP_VERB_COUNT, SMTP_REPLY_UNKNOWN_COMMAND },
	{ "GET /evil HTTP/1.1", N, SMTP_VERB_COUNT, SMTP_REPLY_NOT_SMTP },
	{ "CONNECT www.evil.example:80 HTTP/1.1", N, SMTP_VERB_COUNT, SMTP_REPLY_NOT_SMTP },
};

static void lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct smtp_command c;
		struct arena arena;
		enum smtp_reply_id id;
		arena_init(&arena, 8192);
		id = smtp_command_parse(text_from_cstr(rows[i].line), (enum smtp_state)rows[i].state, &arena,
					&c);
		if (id != rows[i].reply || c.verb != rows[i].verb)
			fail_msg("%s: reply %u, verb %s", rows[i].line, smtp_reply_of(id).code,
				 smtp_verb_name(c.verb));
		arena_reset(&arena);
	}
}

static void a_nul_is_refused(void **state)
{
	struct smtp_command c;
	struct arena arena;

	(void)state;
	arena_init(&arena, 8192);
	assert_int_equal(smtp_command_parse(text_from_bytes("NOOP a\0b", 8), SMTP_STATE_GREETED, &arena, &c),
			 SMTP_REPLY_LINE_BAD_BYTE);
	arena_reset(&arena);
}

static void mail_parameters(void **state)
{
	const char *line = "MAIL FROM:<a@b.example> RET=HDRS SIZE=77 BODY=8BITMIME ENVID=q+2Bx+20y SMTPUTF8";
	struct smtp_command c;
	struct arena arena;

	(void)state;
	arena_init(&arena, 8192);
	assert_int_equal(smtp_command_parse(text_from_cstr(line), SMTP_STATE_GREETED, &arena, &c),
			 SMTP_REPLY_NONE);
	assert_true(text_is_cstr(c.mail.sender.local, "a"));
	assert_true(text_is_cstr(c.mail.sender.domain, "b.example"));
	assert_int_equal(c.mail.size, 77);
	assert_int_equal(c.mail.body, SMTP_BODY_8BITMIME);
	assert_int_equal(c.mail.ret, SMTP_RET_HDRS);
	assert_true(text_is_cstr(c.mail.envid, "q+x y"));
	assert_true(c.mail.smtputf8);
	arena_reset(&arena);
}

static void rcpt_parameters(void **state)
{
	struct smtp_command c;
	struct arena arena;

	(void)state;
	arena_init(&arena, 8192);
	assert_int_equal(
		smtp_command_parse(
			text_from_cstr("RCPT TO:<a@b.example> ORCPT=RFC822;x+3Dy@z NOTIFY=success,failure"),
			SMTP_STATE_MAIL, &arena, &c),
		SMTP_REPLY_NONE);
	assert_int_equal(c.rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE);
	assert_true(text_is_cstr(c.rcpt.orcpt, "RFC822;x=y@z"));
	assert_int_equal(smtp_command_parse(text_from_cstr("RCPT TO:<a@b.example> ORCPT=utf-8;\\x{E9}@z"),
					    SMTP_STATE_MAIL, &arena, &c),
			 SMTP_REPLY_NONE);
	assert_true(text_is_cstr(c.rcpt.orcpt, "utf-8;\\x{E9}@z"));
	arena_reset(&arena);
}

static void chunk_size_is_known_also_when_it_is_refused(void **state)
{
	struct smtp_command c;
	struct arena arena;

	(void)state;
	arena_init(&arena, 8192);
	assert_int_equal(smtp_command_parse(text_from_cstr("BDAT 17 LAST"), SMTP_STATE_NEW, &arena, &c),
			 SMTP_REPLY_HELLO_FIRST);
	assert_int_equal(c.bdat.size, 17);
	assert_true(c.bdat.is_last);
	arena_reset(&arena);
}

static void verbs_that_end_a_pipelined_group(void **state)
{
	(void)state;
	assert_true(smtp_verb_is_last(SMTP_VERB_EHLO));
	assert_true(smtp_verb_is_last(SMTP_VERB_DATA));
	assert_true(smtp_verb_is_last(SMTP_VERB_STARTTLS));
	assert_false(smtp_verb_is_last(SMTP_VERB_MAIL));
	assert_false(smtp_verb_is_last(SMTP_VERB_RCPT));
	assert_false(smtp_verb_is_last(SMTP_VERB_RSET));
	assert_false(smtp_verb_is_last(SMTP_VERB_BDAT));
	assert_false(smtp_verb_is_last(SMTP_VERB_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(mail_parameters),
		cmocka_unit_test(rcpt_parameters),
		cmocka_unit_test(chunk_size_is_known_also_when_it_is_refused),
		cmocka_unit_test(verbs_that_end_a_pipelined_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
