/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies: the wire form, and what every row of the table must keep. rfc5321 4.2, rfc2034
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/smtp_reply.h"

static void check_printed(struct smtp_reply r, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_true(smtp_reply_print(&r, &out));
	assert_string_equal(buf_cstr(&out), expected);
	buf_done(&out);
}

static void one_line(void **state)
{
	(void)state;
	check_printed(smtp_reply_of(SMTP_REPLY_SENDER_OK), "250 2.1.0 Sender OK\r\n");
	check_printed(smtp_reply_of(SMTP_REPLY_START_DATA), "354 End data with <CR><LF>.<CR><LF>\r\n");
}

static void argument_in_its_place(void **state)
{
	(void)state;
	check_printed(smtp_reply_of_with(SMTP_REPLY_ACCEPTED, text_from_cstr("4xYz")),
		      "250 2.0.0 Accepted as 4xYz\r\n");
	check_printed(smtp_reply_of_with(SMTP_REPLY_CHUNK_OK, text_from_cstr("12")),
		      "250 2.0.0 12 octets received\r\n");
}

static void several_lines(void **state)
{
	(void)state;
	check_printed(smtp_reply_of_with(SMTP_REPLY_HELLO, text_from_cstr("mx\nPIPELINING\nDSN")),
		      "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n");
	check_printed(smtp_reply_of_with(SMTP_REPLY_HELP, text_from_cstr("a\nb")),
		      "214-2.0.0 a\r\n214 2.0.0 b\r\n");
}

static void control_bytes_become_harmless(void **state)
{
	(void)state;
	check_printed(smtp_reply_of_with(SMTP_REPLY_ACCEPTED, text_from_bytes("a\r\0\x7f", 4)),
		      "250 2.0.0 Accepted as a???\r\n");
}

static void long_lines_are_cut(void **state)
{
	char long_text[2000];
	struct smtp_reply r;
	struct buf out;

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	r = smtp_reply_of_with(SMTP_REPLY_GREETING, text_from_bytes(long_text, sizeof long_text));
	buf_init(&out, 4096);
	assert_true(smtp_reply_print(&r, &out));
	assert_int_equal(out.n, SMTP_REPLY_LINE_MAX);
	assert_memory_equal(out.p + out.n - 2, "\r\n", 2);
	buf_done(&out);
}

static void table_is_well_formed(void **state)
{
	(void)state;
	for (unsigned id = SMTP_REPLY_NONE + 1; id < SMTP_REPLY_COUNT; id++) {
		struct smtp_reply r = smtp_reply_of((enum smtp_reply_id)id);
		assert_in_range(r.code, 200, 599);
		if (r.enhanced[0])
			assert_int_equal(r.enhanced[0], '0' + (char)(r.code / 100));
		else
			assert_true(r.code == 220 || r.code == 250 || r.code == 354);
		assert_true(text_is_printable(text_from_cstr(r.text)));
	}
}

static void what_ends_the_conversation(void **state)
{
	(void)state;
	assert_true(smtp_reply_is_last(SMTP_REPLY_BYE));
	assert_true(smtp_reply_is_last(SMTP_REPLY_TIMEOUT));
	assert_true(smtp_reply_is_last(SMTP_REPLY_NOT_SMTP));
	assert_false(smtp_reply_is_last(SMTP_REPLY_UNKNOWN_COMMAND));
	assert_false(smtp_reply_is_last(SMTP_REPLY_SPAM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(argument_in_its_place),
		cmocka_unit_test(several_lines),
		cmocka_unit_test(control_bytes_become_harmless),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(table_is_well_formed),
		cmocka_unit_test(what_ends_the_conversation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
