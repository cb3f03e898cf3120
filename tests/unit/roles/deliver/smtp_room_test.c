/* SPDX-License-Identifier: Apache-2.0
 *
 * How a delivery room opens, keeps and ends a conversation with a server.
 */
#include "dialogue.h"

#define LAST .is_last = true
#define BYE  "no more", "C: QUIT", "S: 221 bye", "close"
#define SENT                                                                                                 \
	"C: MAIL FROM:<a@far.test>", "S: 250 ok", "C: RCPT TO:<b@here.test>", "S: 250 ok", "C: DATA",        \
		"S: 354 go", "C: Subject: x", "C: ", "C: Hello.", "C: .", "S: 250 2.0.0 taken"

static const struct dialogue dialogues[] = {
	{ .name = "EHLO, a message, QUIT",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 next.test ESMTP", "C: EHLO gw.test", "S: 250 next.test", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", BYE } },
	{ .name = "a greeting and an EHLO reply of several lines",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220-next.test", "S: 220 welcome", "C: EHLO gw.test", "S: 250-next.test",
		     "S: 250 HELP", "give", SENT, "R: 10 delivered 250 2.0.0 taken", "R: done, reusable",
		     BYE } },
	{ .name = "HELO for a server that does not know EHLO",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 502 what?", "C: HELO gw.test", "S: 250 hi", "give",
		     SENT, "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", BYE } },
	{ .name = "two messages over one connection, without RSET between",
	  .messages = { PLAIN_MESSAGE, PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", BYE } },
	{ .name = "the server closes while there is no message",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", "next", "close", "R: gone" } },
	{ .name = "the server ends the connection by 421 between two messages: the second is untried",
	  .messages = { PLAIN_MESSAGE, PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", "give",
		     "C: MAIL FROM:<a@far.test>", "S: 421 enough", "close",
		     "R: 10 untried 0 4.4.2 the other side closed the channel after MAIL", "R: done" } },
	{ .name = "the same by closing, pipelined",
	  .messages = { PLAIN_MESSAGE, PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 PIPELINING", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", "give",
		     "C: MAIL FROM:<a@far.test>", "C: RCPT TO:<b@here.test>", "C: DATA", "close",
		     "R: 10 untried 0 4.4.2 the other side closed the channel after MAIL", "R: done" } },
	{ .name = "421 to the first MAIL counts as an attempt",
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi", "give", "C: MAIL FROM:<a@far.test>",
		     "S: 421 4.3.2 not now", "R: 10 deferred 421 4.3.2 not now", "R: done" } },

	{ .name = "a refusing greeting, and there is another server",
	  .steps = { "S: 554 no" },
	  .status = DELIVER_TRY_NEXT },
	{ .name = "a refusing greeting of the last server defers",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 554 5.7.1 no", "give", "R: 10 deferred 554 4.3.2 no", "R: done" } },
	{ .name = "521: it never takes mail",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 521 never", "give", "R: 10 failed 521 5.3.2 never", "R: done" } },
	{ .name = "421 in the greeting",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 421 busy", "give", "R: 10 deferred 421 4.3.2 busy", "R: done" } },
	{ .name = "closed before the greeting, and there is another server",
	  .steps = { "close" },
	  .status = DELIVER_TRY_NEXT },
	{ .name = "closed before the greeting by the last server",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "close", "give",
		     "R: 10 deferred 0 4.4.2 the other side closed the channel, before the first message",
		     "R: done" } },
	{ .name = "no greeting in time",
	  .conf = "deliver {\n\tgreeting-timeout 1s\n}\n",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "give", "R: 10 deferred 0 4.4.2 time ran out, before the first message", "R: done" } },
	{ .name = "a greeting that is not SMTP",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: SSH-2.0-OpenSSH", "give",
		     "R: 10 deferred 0 4.4.2 malformed, before the first message", "R: done" } },
	{ .name = "a reply above max-reply-size",
	  .conf = "deliver {\n\tmax-reply-size 1K\n}\n",
	  .steps = { "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789",
		     "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789",
		     "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789",
		     "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789",
		     "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789",
		     "S: "
		     "220-"
		     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
		     "7890123456789" },
	  .status = DELIVER_TRY_NEXT },
	{ .name = "EHLO is deferred: HELO is not tried",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 451 later", "give", "R: 10 deferred 451 4.3.2 later",
		     "R: done" } },
	{ .name = "EHLO and HELO refused",
	  .begin = { LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 550 no", "C: HELO gw.test", "S: 550 your name",
		     "give", "R: 10 deferred 550 4.3.2 your name", "R: done" } },

	{ .name = "STARTTLS when it is offered, and only the second EHLO counts",
	  .begin = { .tls = DELIVER_ROOM_TLS_MAY },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250-PIPELINING", "S: 250 STARTTLS",
		     "C: STARTTLS", "S: 220 go", "tls", "C: EHLO gw.test", "S: 250 hi", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", "no more", "C: QUIT",
		     "S: 221 bye" } },
	{ .name = "STARTTLS is not used when the configuration says never",
	  .begin = { .tls = DELIVER_ROOM_TLS_NONE },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "give", SENT,
		     "R: 10 delivered 250 2.0.0 taken", "R: done, reusable", BYE } },
	{ .name = "STARTTLS refused, but not required: in clear",
	  .begin = { .tls = DELIVER_ROOM_TLS_MAY },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "C: STARTTLS",
		     "S: 454 not now", "give", SENT, "R: 10 delivered 250 2.0.0 taken", "R: done, reusable",
		     BYE } },
	{ .name = "STARTTLS refused, and required",
	  .begin = { .tls = DELIVER_ROOM_TLS_MUST, LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "C: STARTTLS",
		     "S: 454 not now", "give", "R: 10 deferred 454 4.3.2 not now", "R: done" } },
	{ .name = "required, and not offered",
	  .begin = { .tls = DELIVER_ROOM_TLS_MUST, LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi", "give",
		     "R: 10 deferred 0 4.7.4 TLS is required for this domain, and the server does not offer "
		     "it",
		     "R: done" } },
	{ .name = "required, not offered, and there is another server",
	  .begin = { .tls = DELIVER_ROOM_TLS_MUST },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250 hi" },
	  .status = DELIVER_TRY_NEXT },
	{ .name = "the handshake fails, and clear is allowed",
	  .begin = { .tls = DELIVER_ROOM_TLS_MAY, LAST },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "C: STARTTLS",
		     "S: 220 go", "close" },
	  .status = DELIVER_NO_TLS },
	{ .name = "the handshake fails, and clear is not allowed",
	  .begin = { .tls = DELIVER_ROOM_TLS_MUST, LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "C: STARTTLS",
		     "S: 220 go", "close", "give",
		     "R: 10 deferred 0 4.7.5 the TLS handshake failed, before the first message",
		     "R: done" } },
	{ .name = "a reply ahead of the handshake is no reply",
	  .begin = { .tls = DELIVER_ROOM_TLS_MUST, LAST },
	  .messages = { PLAIN_MESSAGE },
	  .steps = { "S: 220 hi", "C: EHLO gw.test", "S: 250-hi", "S: 250 STARTTLS", "C: STARTTLS",
		     "S: 220 go\r\n250 injected", "give",
		     "R: 10 deferred 0 4.7.5 the TLS handshake failed, before the first message",
		     "R: done" } },
};

static void conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(dialogues); i++)
		play_dialogue(&dialogues[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(conversations) };

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
