/* SPDX-License-Identifier: Apache-2.0
 *
 * One message to a server, by SMTP and LMTP: what is said, and what each recipient's result is, with
 * refusals and losses at every stage.
 */
#include "dialogue.h"

#define HELLO              "S: 220 hi", "C: EHLO gw.test", "S: 250 hi"
#define PIPELINES          "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 PIPELINING"
#define OFFERS(x)          "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 " x
#define LMTP               "S: 220 hi", "C: LHLO gw.test", "S: 250-hi", "S: 250 PIPELINING"
#define MAIL               "C: MAIL FROM:<a@far.test>"
#define RCPTS              "C: RCPT TO:<b@here.test>", "C: RCPT TO:<c@here.test>", "C: RCPT TO:<d@here.test>"
#define TEXT_SENT          "C: Subject: x", "C: ", "C: Hello.", "C: ."
#define BYE                "no more", "C: QUIT", "S: 221 bye", "close"
#define FAILED_ALL(answer) "R: 10 " answer, "R: 11 " answer, "R: 12 " answer

static const struct dialogue smtp[] = {
	{ .name = "pipelined: each recipient has its own answer",
	  .messages = { THREE_RCPTS },
	  .steps = { PIPELINES, "give", MAIL, RCPTS, "C: DATA", "S: 250 ok", "S: 250 ok",
		     "S: 550 5.1.1 unknown", "S: 452 4.2.2 full", "S: 354 go", TEXT_SENT, "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken", "R: 11 failed 550 5.1.1 unknown",
		     "R: 12 deferred 452 4.2.2 full", "R: done, reusable", BYE } },
	{ .name = "not pipelined: one command at a time",
	  .messages = { THREE_RCPTS },
	  .steps = { HELLO,
		     "give",
		     MAIL,
		     "silence",
		     "S: 250 ok",
		     "C: RCPT TO:<b@here.test>",
		     "silence",
		     "S: 251 ok",
		     "C: RCPT TO:<c@here.test>",
		     "S: 550 unknown",
		     "C: RCPT TO:<d@here.test>",
		     "S: 250 ok",
		     "C: DATA",
		     "S: 354 go",
		     TEXT_SENT,
		     "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken",
		     "R: 11 failed 550 5.0.0 unknown",
		     "R: 12 delivered 250 2.0.0 taken",
		     "R: done, reusable",
		     BYE } },
	{ .name = "552 after RCPT means too many recipients",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 552 too many",
		     "C: RSET", "S: 250 ok", "R: 10 deferred 552 4.5.3 too many", "R: done, reusable",
		     BYE } },
	{ .name = "MAIL refused, pipelined",
	  .messages = { THREE_RCPTS },
	  .steps = { PIPELINES, "give", MAIL, RCPTS, "C: DATA", "S: 550 5.7.1 not you", "S: 503 first MAIL",
		     "S: 503 first MAIL", "S: 503 first MAIL", "S: 503 first MAIL",
		     FAILED_ALL("failed 550 5.7.1 not you"), "R: done, reusable", BYE } },
	{ .name = "MAIL deferred, not pipelined",
	  .messages = { THREE_RCPTS },
	  .steps = { HELLO, "give", MAIL, "S: 451 4.7.1 greylisted",
		     FAILED_ALL("deferred 451 4.7.1 greylisted"), "R: done, reusable", BYE } },
	{ .name = "nobody accepted, and DATA refused: RSET, and the connection goes on",
	  .messages = { PLAIN_MESSAGE, PLAIN_MESSAGE },
	  .steps = { PIPELINES,
		     "give",
		     MAIL,
		     "C: RCPT TO:<b@here.test>",
		     "C: DATA",
		     "S: 250 ok",
		     "S: 550 no",
		     "S: 554 no valid recipients",
		     "C: RSET",
		     "S: 250 ok",
		     "R: 10 failed 550 5.0.0 no",
		     "R: done, reusable",
		     "give",
		     MAIL,
		     "C: RCPT TO:<b@here.test>",
		     "C: DATA",
		     "S: 250 ok",
		     "S: 250 ok",
		     "S: 354 go",
		     TEXT_SENT,
		     "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken",
		     "R: done, reusable",
		     BYE } },
	{ .name = "nobody accepted, but DATA is: an empty message ends it",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { PIPELINES, "give", MAIL, "C: RCPT TO:<b@here.test>", "C: DATA", "S: 250 ok", "S: 550 no",
		     "S: 354 go", "C: .", "S: 554 nobody", "C: RSET", "S: 250 ok",
		     "R: 10 failed 550 5.0.0 no", "R: done, reusable", BYE } },
	{ .name = "DATA refused",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "S: 451 4.3.0 disk", "C: RSET", "S: 250 ok", "R: 10 deferred 451 4.3.0 disk",
		     "R: done, reusable", BYE } },
	{ .name = "refused at the end, for a while",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "S: 354 go", TEXT_SENT, "S: 451 4.3.0 disk", "R: 10 deferred 451 4.3.0 disk",
		     "R: done, reusable", BYE } },
	{ .name = "refused at the end, for good",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "S: 354 go", TEXT_SENT, "S: 552-5.3.4 too", "S: 552 5.3.4 large",
		     "R: 10 failed 552 5.3.4 too", "R: large", "R: done, reusable", BYE } },
	{ .name = "an enhanced code of another class is not believed",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 450 5.1.1 odd",
		     "C: RSET", "S: 250 ok", "R: 10 deferred 450 4.0.0 5.1.1 odd", "R: done, reusable",
		     BYE } },
	{ .name = "a recipient's 421: those before it are sent, and the connection is not used again",
	  .messages = { THREE_RCPTS },
	  .steps = { PIPELINES, "give", MAIL, RCPTS, "C: DATA", "S: 250 ok", "S: 250 ok",
		     "S: 421 4.3.2 enough", "S: 250 ok", "S: 354 go", TEXT_SENT, "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken", "R: 11 deferred 421 4.3.2 enough",
		     "R: 12 delivered 250 2.0.0 taken", "R: done" } },
	{ .name = "RSET refused: the connection is not used again",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 550 no", "C: RSET",
		     "S: 500 what", "R: 10 failed 550 5.0.0 no", "R: done" } },
	{ .name = "what the server says is escaped and cut",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 550 \x1b[2Jboo\x80",
		     "C: RSET", "S: 250 ok", "R: 10 failed 550 5.0.0 ?[2Jboo?", "R: done, reusable", BYE } },
};

static const struct dialogue losses[] = {
	{ .name = "lost after MAIL",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "close",
		     "R: 10 deferred 0 4.4.2 the other side closed the channel after MAIL", "R: done" } },
	{ .name = "lost after RCPT: answers stand, the rest is deferred",
	  .messages = { THREE_RCPTS },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 550 no",
		     "C: RCPT TO:<c@here.test>", "close", "R: 10 failed 550 5.0.0 no",
		     "R: 11 deferred 0 4.4.2 the other side closed the channel after RCPT",
		     "R: 12 deferred 0 4.4.2 the other side closed the channel after RCPT", "R: done" } },
	{ .name = "lost after DATA",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "close", "R: 10 deferred 0 4.4.2 the other side closed the channel after DATA",
		     "R: done" } },
	{ .name = "lost after the end of the message: deferred, and it may have arrived",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "S: 354 go", TEXT_SENT, "close",
		     "R: 10 deferred 0 4.4.2 the other side closed the channel after the end of the message: "
		     "it may "
		     "have arrived",
		     "R: done" } },
	{ .name = "no answer to MAIL in time",
	  .conf = "deliver {\n\tcommand-timeout 1s\n}\n",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "R: 10 deferred 0 4.4.2 time ran out after MAIL", "R: done" } },
	{ .name = "no answer to the end in time",
	  .conf = "deliver {\n\tfinal-timeout 1s\n}\n",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",
		     "S: 354 go", TEXT_SENT,
		     "R: 10 deferred 0 4.4.2 time ran out after the end of the message: it may have arrived",
		     "R: done" } },
	{ .name = "an answer that is none",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { HELLO, "give", MAIL, "S: \x01\x02\x03", "R: 10 deferred 0 4.4.2 malformed after MAIL",
		     "R: done" } },
};

static const struct dialogue lmtp[] = {
	{ .name = "LMTP: an answer for each recipient that was accepted",
	  .begin = { .protocol = DELIVER_ROOM_PROTOCOL_LMTP },
	  .messages = { THREE_RCPTS },
	  .steps = { LMTP, "give", MAIL, RCPTS, "C: DATA", "S: 250 ok", "S: 250 ok", "S: 550 5.1.1 unknown",
		     "S: 250 ok", "S: 354 go", TEXT_SENT, "S: 250 2.0.0 first", "S: 452 4.2.2 full",
		     "R: 10 delivered 250 2.0.0 first", "R: 11 failed 550 5.1.1 unknown",
		     "R: 12 deferred 452 4.2.2 full", "R: done, reusable", BYE } },
	{ .name = "LMTP: lost between two answers",
	  .begin = { .protocol = DELIVER_ROOM_PROTOCOL_LMTP },
	  .messages = { THREE_RCPTS },
	  .steps = { LMTP, "give", MAIL, RCPTS, "C: DATA", "S: 250 ok", "S: 250 ok", "S: 250 ok", "S: 250 ok",
		     "S: 354 go", TEXT_SENT, "S: 250 2.0.0 first", "S: 550 5.7.1 not for me", "close",
		     "R: 10 delivered 250 2.0.0 first", "R: 11 failed 550 5.7.1 not for me",
		     "R: 12 deferred 0 4.4.2 the other side closed the channel after the end of the message: "
		     "it may "
		     "have arrived",
		     "R: done" } },
	{ .name = "LMTP: nobody accepted, but DATA is: an empty message has no answer",
	  .begin = { .protocol = DELIVER_ROOM_PROTOCOL_LMTP },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { LMTP, "give", MAIL, "C: RCPT TO:<b@here.test>", "C: DATA", "S: 250 ok", "S: 550 no",
		     "S: 354 go", "C: .", "C: RSET", "S: 250 ok", "R: 10 failed 550 5.0.0 no",
		     "R: done, reusable", BYE } },
	{ .name = "LMTP: HELO is not tried, nor EHLO",
	  .begin = { .protocol = DELIVER_ROOM_PROTOCOL_LMTP, .is_last = true },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: LHLO gw.test", "S: 500 what", "give", "R: 10 deferred 500 4.3.2 what",
		     "R: done" } },
};

#define EIGHT_BIT                                                                                            \
	{                                                                                                    \
		.sender = "a@far.test", .rcpts = { "b@here.test" },                                          \
		.text = "Subject: x\r\n\r\n\xc3\xa9\r\n",                                                    \
	}
#define UTF8_RCPT                                                                                            \
	{                                                                                                    \
		.sender = "a@far.test", .rcpts = { "b@here.test", "\xc3\xa9@here.test" },                    \
		.text = "Subject: x\r\n\r\nHello.\r\n", .smtputf8 = true                                     \
	}
#define UTF8_HEADER                                                                                          \
	{                                                                                                    \
		.sender = "a@far.test", .rcpts = { "b@here.test" },                                          \
		.text = "Subject: \xc3\xa9\r\n\r\nHello.\r\n", .smtputf8 = true                              \
	}
#define DELIVERED "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA", "S: 354 go"
#define TAKEN     "C: .", "S: 250 taken", "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", BYE

static const struct dialogue extensions[] = {
	{ .name = "SIZE is declared, and the null sender said",
	  .messages = { { .sender = "", .rcpts = { "b@here.test" }, .text = "X: y\r\n\r\n" } },
	  .steps = { OFFERS("SIZE 1000"), "give", "C: MAIL FROM:<> SIZE=8", DELIVERED, "C: X: y",
		     "C: ", TAKEN } },
	{ .name = "larger than the server's SIZE",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { OFFERS("SIZE 10"), "give", "R: 10 failed 0 5.3.4 larger than the next server takes",
		     "R: done, reusable", BYE } },
	{ .name = "8-bit text where it is offered, though it was not declared",
	  .messages = { EIGHT_BIT },
	  .steps = { OFFERS("8BITMIME"), "give", "C: MAIL FROM:<a@far.test> BODY=8BITMIME", DELIVERED,
		     "C: Subject: x", "C: ", "C: \xc3\xa9", TAKEN } },
	{ .name = "8-bit text where it is not offered",
	  .messages = { EIGHT_BIT },
	  .steps = { HELLO, "give",
		     "R: 10 failed 0 5.6.3 the next server does not take 8-bit text (8BITMIME)",
		     "R: done, reusable", BYE } },
	{ .name = "declared as 8-bit, but it is not",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "b@here.test" },
			  .text = "X: y\r\n\r\n",
			  .body = QUEUE_DELIVERY_BODY_EIGHT_BIT } },
	  .steps = { HELLO, "give", MAIL, DELIVERED, "C: X: y", "C: ", TAKEN } },
	{ .name = "SMTPUTF8 is asked for where it is offered",
	  .messages = { UTF8_RCPT },
	  .steps = { OFFERS("SMTPUTF8"), "give", "C: MAIL FROM:<a@far.test> SMTPUTF8", "S: 250 ok",
		     "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: RCPT TO:<\xc3\xa9@here.test>", "S: 250 ok",
		     "C: DATA", "S: 354 go", "C: Subject: x", "C: ", "C: Hello.", "C: .", "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken", "R: 11 delivered 250 2.0.0 taken",
		     "R: done, reusable", BYE } },
	{ .name = "without it the recipient that needs it fails, and no other",
	  .messages = { UTF8_RCPT },
	  .steps = { HELLO, "give", MAIL, DELIVERED, "C: Subject: x", "C: ", "C: Hello.", "C: .",
		     "S: 250 taken", "R: 10 delivered 250 2.0.0 taken",
		     "R: 11 failed 0 5.6.7 the next server does not take internationalized addresses",
		     "R: done, reusable", BYE } },
	{ .name = "without it a header that needs it fails",
	  .messages = { UTF8_HEADER },
	  .steps = { OFFERS("8BITMIME"), "give",
		     "R: 10 failed 0 5.6.7 the next server does not take internationalized mail (SMTPUTF8)",
		     "R: done, reusable", BYE } },
	{ .name = "asked for by the client but not needed: sent without it",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "b@here.test" },
			  .text = "X: y\r\n\r\n",
			  .smtputf8 = true } },
	  .steps = { HELLO, "give", MAIL, DELIVERED, "C: X: y", "C: ", TAKEN } },
	{ .name = "DSN is handed on, and the next server takes over",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "b@here.test" },
			  .text = "X: y\r\n\r\n",
			  .ret = QUEUE_DELIVERY_RET_HEADERS,
			  .envid = "a+b",
			  .orcpt = "rfc822;o=r@here.test",
			  .notify = 6 } },
	  .steps = { OFFERS("DSN"), "give", "C: MAIL FROM:<a@far.test> RET=HDRS ENVID=a+2Bb", "S: 250 ok",
		     "C: RCPT TO:<b@here.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o+3Dr@here.test",
		     "S: 250 ok", "C: DATA", "S: 354 go", "C: X: y", "C: ", "C: .", "S: 250 taken",
		     "R: 10 delivered 250 2.0.0 taken relayed", "R: done, reusable", BYE } },
	{ .name = "DSN is not handed on to a server that does not know it",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "b@here.test" },
			  .text = "X: y\r\n\r\n",
			  .ret = QUEUE_DELIVERY_RET_FULL,
			  .envid = "e",
			  .notify = 1 } },
	  .steps = { HELLO, "give", MAIL, DELIVERED, "C: X: y", "C: ", TAKEN } },
	{ .name = "dots are stuffed, bare line ends are none, and a body may be in a file",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "b@here.test" },
			  .text = "X: y\r\n\r\n",
			  .file = ".\r\n..\r\na\n.\nb\r.\rc" } },
	  .steps = { HELLO, "give", MAIL, DELIVERED, "C: X: y", "C: ", "C: ..", "C: ...", "C: a", "C: ..",
		     "C: b", "C: ..", "C: c", TAKEN } },
	{ .name = "an address that SMTP cannot say fails alone",
	  .messages = { { .sender = "a@far.test",
			  .rcpts = { "nonsense", "c@here.test" },
			  .text = "X: y\r\n\r\n" } },
	  .steps = { HELLO, "give", MAIL, "S: 250 ok", "C: RCPT TO:<c@here.test>", "S: 250 ok", "C: DATA",
		     "S: 354 go", "C: X: y", "C: ", "C: .", "S: 250 taken",
		     "R: 10 failed 0 5.1.3 the address cannot be written in SMTP",
		     "R: 11 delivered 250 2.0.0 taken", "R: done, reusable", BYE } },
};

static void play_all(const struct dialogue *dialogues, size_t n)
{
	for (size_t i = 0; i < n; i++)
		play_dialogue(&dialogues[i]);
}

static void every_recipient_gets_its_answer(void **state)
{
	(void)state;
	play_all(smtp, UNIT_COUNT(smtp));
}

static void losses_defer(void **state)
{
	(void)state;
	play_all(losses, UNIT_COUNT(losses));
}

static void lmtp_answers_for_each(void **state)
{
	(void)state;
	play_all(lmtp, UNIT_COUNT(lmtp));
}

static void extensions_are_used_when_offered(void **state)
{
	(void)state;
	play_all(extensions, UNIT_COUNT(extensions));
}

/* More than the socket holds, to a server that stops to read. */
static void a_server_that_drops_in_the_middle_of_the_message(void **state)
{
	static char text[60001], file[4 << 20];
	static struct dialogue d = {
		.name = "dropped in the middle of the message",
		.messages = { { .sender = "a@far.test",
				.rcpts = { "b@here.test" },
				.text = text,
				.file = file } },
		.steps = { HELLO, "give", MAIL, DELIVERED, "C: aaaaaaaaaaaaaaa", "close",
			   "R: 10 deferred 0 4.4.2 the other side closed the channel while sending the "
			   "message",
			   "R: done" },
	};

	(void)state;
	for (size_t i = 0; i + 17 < sizeof file; i += 17)
		memcpy(file + i, "aaaaaaaaaaaaaaa\r\n", 17);
	memcpy(text, file, 17 * 3000);
	play_dialogue(&d);
}

static void a_server_that_reads_no_more(void **state)
{
	static char text[60001], file[4 << 20];
	static struct dialogue d = {
		.name = "reads no more",
		.conf = "deliver {\n\tblock-timeout 1s\n}\n",
		.messages = { { .sender = "a@far.test",
				.rcpts = { "b@here.test" },
				.text = text,
				.file = file } },
		.steps = { HELLO, "give", MAIL, DELIVERED,
			   "R: 10 deferred 0 4.4.2 time ran out while sending the message", "R: done" },
	};

	(void)state;
	memset(text, 'a', sizeof text - 1);
	memset(file, 'a', sizeof file - 1);
	play_dialogue(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recipient_gets_its_answer),
		cmocka_unit_test(losses_defer),
		cmocka_unit_test(lmtp_answers_for_each),
		cmocka_unit_test(extensions_are_used_when_offered),
		cmocka_unit_test(a_server_that_drops_in_the_middle_of_the_message),
		cmocka_unit_test(a_server_that_reads_no_more),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
