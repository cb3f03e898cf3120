/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's half: replies taken apart, commands and messages written. rfc5321 4.2, 4.5.2
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/smtp_client.h"
#include "proto/smtp_data.h"

struct row {
	const char *in;
	enum smtp_client_status status;
	unsigned code;
	const char *enhanced;
	const char *text;
	size_t left;
};

static const struct row rows[] = {
	{ "250 2.1.0 OK\r\n", SMTP_CLIENT_DONE, 250, "2.1.0", "OK" },
	{ "250 OK\r\n", SMTP_CLIENT_DONE, 250, "", "OK" },
	{ "250\r\n", SMTP_CLIENT_DONE, 250, "", "" },
	{ "250 \r\n", SMTP_CLIENT_DONE, 250, "", "" },
	{ "250 OK\n", SMTP_CLIENT_DONE, 250, "", "OK" },
	{ "250 2.1.0\r\n", SMTP_CLIENT_DONE, 250, "2.1.0", "" },
	{ "550-5.1.1 no\r\n550 5.1.1 such user\r\n", SMTP_CLIENT_DONE, 550, "5.1.1", "no\nsuch user" },
	{ "550-first\r\n550 5.1.1 second\r\n", SMTP_CLIENT_DONE, 550, "5.1.1", "first\nsecond" },
	{ "450 4.7.999 later\r\nmore", SMTP_CLIENT_DONE, 450, "4.7.999", "later", 4 },
	{ "250 OK\r\n250 OK\r\n", SMTP_CLIENT_DONE, 250, "", "OK", 8 },
	{ "550 4.1.1 other class\r\n", SMTP_CLIENT_DONE, 550, "", "4.1.1 other class" },
	{ "550 5.1.1000 long\r\n", SMTP_CLIENT_DONE, 550, "", "5.1.1000 long" },
	{ "550 5.1.x no code\r\n", SMTP_CLIENT_DONE, 550, "", "5.1.x no code" },
	{ "550 \x1b[2J\xff\r\n", SMTP_CLIENT_DONE, 550, "", "?[2J?" },
	{ "550 caf\xc3\xa9\r\n", SMTP_CLIENT_DONE, 550, "", "caf\xc3\xa9" },
	{ "250-a\r\n", SMTP_CLIENT_MORE },
	{ "250 OK", SMTP_CLIENT_MORE },
	{ "", SMTP_CLIENT_MORE },
	{ "250-a\r\n251 b\r\n", SMTP_CLIENT_BAD },
	{ "25\r\n", SMTP_CLIENT_BAD },
	{ "2500 OK\r\n", SMTP_CLIENT_BAD },
	{ "150 OK\r\n", SMTP_CLIENT_BAD },
	{ "650 OK\r\n", SMTP_CLIENT_BAD },
	{ "OK\r\n", SMTP_CLIENT_BAD },
	{ "\r\n", SMTP_CLIENT_BAD },
	{ "HTTP/1.1 200 OK\r\n", SMTP_CLIENT_BAD },
};

static void check_row(const struct row *row, size_t piece)
{
	static struct smtp_client_reply r;
	struct text in = text_from_cstr(row->in);
	enum smtp_client_status status = SMTP_CLIENT_MORE;
	size_t at = 0;

	smtp_client_reply_init(&r);
	while (at < in.n && status == SMTP_CLIENT_MORE)
		at += smtp_client_reply_feed(&r, text_slice(in, at, at + piece), &status);
	if (status != row->status)
		fail_msg("%s: status %d", row->in, (int)status);
	if (status != SMTP_CLIENT_DONE)
		return;
	assert_int_equal(r.code, row->code);
	assert_string_equal(r.enhanced, row->enhanced);
	assert_string_equal(r.text, row->text);
	assert_int_equal(in.n - at, row->left);
}

static void replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t piece = 1; piece < 40; piece++)
			check_row(&rows[i], piece);
}

static void replies_are_bounded(void **state)
{
	static struct smtp_client_reply r;
	static char line[SMTP_CLIENT_LINE_MAX + 10];
	enum smtp_client_status status = SMTP_CLIENT_MORE;
	int lines = 0;

	(void)state;
	memset(line, 'x', sizeof line);
	memcpy(line, "250 ", 4);
	smtp_client_reply_init(&r);
	smtp_client_reply_feed(&r, text_from_bytes(line, sizeof line), &status);
	assert_int_equal(status, SMTP_CLIENT_BAD);
	smtp_client_reply_init(&r);
	status = SMTP_CLIENT_MORE;
	for (; status == SMTP_CLIENT_MORE; lines++)
		smtp_client_reply_feed(&r, text_from_cstr("250-more\r\n"), &status);
	assert_int_equal(status, SMTP_CLIENT_BAD);
	assert_int_equal(lines, SMTP_CLIENT_LINES_MAX + 1);
	memcpy(line + 2000, "\r\n", 2);
	smtp_client_reply_init(&r);
	smtp_client_reply_feed(&r, text_from_bytes(line, 2002), &status);
	assert_int_equal(status, SMTP_CLIENT_DONE);
	assert_int_equal(strlen(r.text), SMTP_CLIENT_TEXT_MAX);
}

static void capabilities(void **state)
{
	static struct smtp_client_reply r;
	enum smtp_client_status status;

	(void)state;
	smtp_client_reply_init(&r);
	smtp_client_reply_feed(
		&r,
		text_from_cstr("250-DSN.example\r\n250-PIPELINING\r\n250-size 1000\r\n250-SMTPUTF8\r\n"
			       "250-XFOO\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-STARTTLS\r\n"
			       "250 ENHANCEDSTATUSCODES\r\n"),
		&status);
	assert_int_equal(status, SMTP_CLIENT_DONE);
	assert_true(r.caps.pipelining && r.caps.size && r.caps.smtputf8 && r.caps.eightbitmime);
	assert_true(r.caps.chunking && r.caps.starttls && r.caps.enhanced);
	assert_false(r.caps.dsn);
	assert_int_equal(r.caps.max_size, 1000);
}

static void commands(void **state)
{
	struct smtp_client_caps all = { .size = true, .eightbitmime = true, .smtputf8 = true, .dsn = true },
				none = { 0 };
	struct smtp_mail mail = { .sender = { TEXT("a b"), TEXT("x.example") },
				  .size = 10,
				  .body = SMTP_BODY_8BITMIME,
				  .smtputf8 = true,
				  .ret = SMTP_RET_HDRS,
				  .envid = TEXT("q=1") };
	struct smtp_rcpt rcpt = { .recipient = { TEXT("u"), TEXT("y.example") },
				  .notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY,
				  .orcpt = TEXT("rfc822;a+b@z") };
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	smtp_client_print_mail(&mail, &none, &out);
	smtp_client_print_mail(&mail, &all, &out);
	smtp_client_print_rcpt(&rcpt, &none, &out);
	smtp_client_print_rcpt(&rcpt, &all, &out);
	smtp_client_print_command("QUIT", text_from_cstr(""), &out);
	smtp_client_print_command("EHLO", text_from_cstr("mx"), &out);
	assert_string_equal(
		buf_cstr(&out),
		"MAIL FROM:<\"a b\"@x.example>\r\n"
		"MAIL FROM:<\"a b\"@x.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+3D1\r\n"
		"RCPT TO:<u@y.example>\r\n"
		"RCPT TO:<u@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@z\r\n"
		"QUIT\r\nEHLO mx\r\n");
	buf_done(&out);
}

static const struct {
	const char *in, *out;
} stuffings[] = {
	{ "", ".\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..a\r\n.b\r\n", "...a\r\n..b\r\n.\r\n" },
	{ "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r\r\n.\r", "a\r\n\r\n..\r\n.\r\n" },
	{ "\r\n\r\n", "\r\n\r\n.\r\n" },
	{ "a\r", "a\r\n.\r\n" },
	{ "\r", "\r\n.\r\n" },
	{ "\n\r.", "\r\n\r\n..\r\n.\r\n" },
};

/* What is written is one message for our own reader too, and none of it is lost or added. */
static void check_read_back(struct text written, struct text in)
{
	struct smtp_data d;
	struct buf back;

	buf_init(&back, 1000);
	smtp_data_init(&d, SMTP_NEWLINES_REJECT, true, 1000, 1000);
	assert_int_equal(smtp_data_feed(&d, written, &back), written.n);
	assert_true(d.is_done);
	assert_int_equal(d.problem, SMTP_DATA_FINE);
	assert_true(back.n >= in.n || in.n == 0);
	buf_done(&back);
}

static void messages_are_stuffed_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof stuffings / sizeof *stuffings; i++) {
		struct text in = text_from_cstr(stuffings[i].in);
		for (size_t cut = 0; cut <= in.n; cut++) {
			struct smtp_stuffer s = { 0 };
			struct buf out;
			buf_init(&out, 1000);
			assert_true(smtp_stuffer_write(&s, text_slice(in, 0, cut), &out));
			assert_true(smtp_stuffer_write(&s, text_skip(in, cut), &out));
			assert_true(smtp_stuffer_end(&s, &out));
			assert_string_equal(buf_cstr(&out), stuffings[i].out);
			check_read_back(buf_text(&out), in);
			buf_done(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies),
		cmocka_unit_test(replies_are_bounded),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(commands),
		cmocka_unit_test(messages_are_stuffed_however_they_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
