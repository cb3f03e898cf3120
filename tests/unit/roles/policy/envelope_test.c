/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of an envelope: what a room was granted reaches queue, whole and once, and nothing else does.
 */
#include "policy_fixture.h"

static const char settings[] =
	"listener in {\n\taddress 127.0.0.1\n\tmax-messages 2\n\trelay-from 192.0.2.200\n"
	"\tmax-recipients 50000\n\trate-exempt 0.0.0.0/0\n}\n"
	"domain * {\n\tnext-hop 192.0.2.9\n}\n"
	"domain example.org {\n\tnext-hop 192.0.2.9\n}\n"
	"domain list.example {\n\tnext-hop 192.0.2.9\n\trecipients anna\n}\n";

static int set_up(void **state)
{
	*state = fixture_new(settings);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

/* The next message of queue's channel, as a line; of a recipient, with the id of its domain block behind. */
static void queue_hears(struct fixture *f, const char *text, const char *domain)
{
	char wanted[1000];
	struct buf line;

	assert_true(fixture_hear(f, &f->queue) != 0);
	buf_init(&line, 10000);
	snprintf(wanted, sizeof wanted, domain ? "%s route=%llu" : "%s", text,
		 domain ? (unsigned long long)text_hash(text_from_cstr(domain)) : 0);
	ipc_print(&policy_queue_edge, f->in.type, link_body(&f->in), &line);
	if (strcmp(buf_cstr(&line), wanted) != 0)
		fail_msg("got    %s\nwanted %s", buf_cstr(&line), wanted);
	buf_done(&line);
}

static void everything_that_was_granted_is_handed_over(void **state)
{
	const struct policy_session_tls tls = { text_from_cstr("TLSv1.3"),
						text_from_cstr("TLS_AES_128_GCM_SHA256") };
	const struct policy_session_helo helo = { text_from_cstr("mail.client.example"), true };
	const struct policy_session_mail mail = { .sender = text_from_cstr("s@client.example"),
						  .size = 1234,
						  .body = POLICY_SESSION_BODY_EIGHT_BIT,
						  .smtputf8 = true,
						  .ret = POLICY_SESSION_RET_HEADERS,
						  .envid = text_from_cstr("QQ314159") };
	const struct policy_session_rcpt rcpts[] = {
		{ text_from_cstr("Anna@list.example"), text_from_cstr("rfc822;a@x"), 6 },
		{ text_from_cstr("nobody@list.example"), text_from_cstr(""), 0 },
		{ text_from_cstr("b@example.org"), text_from_cstr(""), 1 },
	};
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 7, CLIENT);

	fixture_helo(f, &room);
	fixture_tell(f, &room, POLICY_SESSION_TLS, &tls);
	fixture_tell(f, &room, POLICY_SESSION_HELO, &helo);
	assert_int_equal(fixture_hear(f, &room), POLICY_SESSION_HELO_ANSWER);
	fixture_tell(f, &room, POLICY_SESSION_MAIL, &mail);
	assert_int_equal(fixture_hear(f, &room), POLICY_SESSION_MAIL_OK);
	for (size_t i = 0; i < UNIT_COUNT(rcpts); i++) {
		fixture_tell(f, &room, POLICY_SESSION_RCPT, &rcpts[i]);
		assert_int_equal(fixture_hear(f, &room),
				 i == 1 ? POLICY_SESSION_RCPT_REFUSED : POLICY_SESSION_RCPT_OK);
	}
	close(fixture_data(f, &room));
	queue_hears(f,
		    "envelope session=7 client=192.0.2.1 port=4321 listener=0 extended=1 "
		    "helo=mail.client.example sender=s@client.example tls_version=TLSv1.3 "
		    "tls_cipher=TLS_AES_128_GCM_SHA256 size=1234 body=eight_bit smtputf8=1 ret=headers "
		    "envid=QQ314159 authenticated=0 relay=0 n_rcpts=2",
		    NULL);
	close(f->in.fds[0]);
	queue_hears(f, "rcpt address=Anna@list.example orcpt=rfc822;a@x notify=6", "list.example");
	queue_hears(f, "rcpt address=b@example.org orcpt= notify=1", "example.org");
	assert_true(fixture_is_quiet(f, &f->queue));
	link_close(&room);
}

static void relayed_mail_takes_the_way_of_the_others(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, "192.0.2.200");

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "x@elsewhere.example"), POLICY_SESSION_VERDICT_OK);
	close(fixture_data(f, &room));
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	assert_true(((const struct policy_queue_envelope *)link_body(&f->in))->relay);
	close(f->in.fds[0]);
	queue_hears(f, "rcpt address=x@elsewhere.example orcpt= notify=0", "*");
	link_close(&room);
}

static void postmaster_is_given_a_domain(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "PostMaster"), POLICY_SESSION_VERDICT_OK);
	close(fixture_data(f, &room));
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	close(f->in.fds[0]);
	queue_hears(f, "rcpt address=postmaster@example.org orcpt= notify=0", "example.org");
	link_close(&room);
}

static void the_channel_leads_from_the_room_to_queue(void **state)
{
	const struct session_queue_chunk chunk = { text_from_cstr("Subject: x\r\n") };
	const struct session_queue_result result = { .outcome = SESSION_QUEUE_OUTCOME_ACCEPTED };
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT), a, b;

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "b@example.org"), POLICY_SESSION_VERDICT_OK);
	a = link_of(fixture_data(f, &room), &session_queue_edge, SESSION_QUEUE_SIDE_SESSION);
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	b = link_of(f->in.fds[0], &session_queue_edge, SESSION_QUEUE_SIDE_QUEUE);
	fixture_tell(f, &a, SESSION_QUEUE_CHUNK, &chunk);
	assert_int_equal(fixture_hear(f, &b), SESSION_QUEUE_CHUNK);
	fixture_tell(f, &b, SESSION_QUEUE_RESULT, &result);
	assert_int_equal(fixture_hear(f, &a), SESSION_QUEUE_RESULT);
	link_close(&a);
	assert_int_equal(fixture_hear(f, &b), 0); /* policy holds no end of it */
	link_close(&b);
	link_close(&room);
}

static void an_envelope_is_handed_over_once(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
		assert_int_equal(fixture_rcpt(f, &room, "b@example.org"), POLICY_SESSION_VERDICT_OK);
		close(fixture_data(f, &room));
		assert_int_equal(f->policy.n_held, 0);
		assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
		assert_int_equal(((const struct policy_queue_envelope *)link_body(&f->in))->n_rcpts, 1);
		close(f->in.fds[0]);
		assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_RCPT);
	}
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_TOO_MANY_MESSAGES);
	link_close(&room);
}

static void what_was_reset_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "old@example.org"), POLICY_SESSION_VERDICT_OK);
	fixture_tell(f, &room, POLICY_SESSION_RESET, NULL);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "older@example.org"), POLICY_SESSION_VERDICT_OK);
	fixture_helo(f, &room); /* as good as a reset */
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "new@example.org"), POLICY_SESSION_VERDICT_OK);
	close(fixture_data(f, &room));
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	close(f->in.fds[0]);
	queue_hears(f, "rcpt address=new@example.org orcpt= notify=0", "example.org");
	assert_true(fixture_is_quiet(f, &f->queue));
	link_close(&room);
}

/* One that could begin while queue was well. */
static void begin(struct fixture *f, struct link *room)
{
	fixture_helo(f, room);
	assert_int_equal(fixture_mail(f, room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, room, "b@example.org"), POLICY_SESSION_VERDICT_OK);
}

static void a_queue_in_trouble_is_given_nothing(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	begin(f, &room);
	f->policy.pressure = POLICY_QUEUE_PRESSURE_FULL;
	assert_int_equal(fixture_data(f, &room), -1);
	assert_int_equal(fixture_verdict(f), POLICY_SESSION_VERDICT_QUEUE_FULL);
	assert_true(fixture_is_quiet(f, &f->queue));
	f->policy.pressure = POLICY_QUEUE_PRESSURE_OPEN;
	begin(f, &room);
	peer_close(f->policy.queue);
	f->policy.queue = NULL;
	assert_int_equal(fixture_data(f, &room), -1);
	assert_int_equal(fixture_verdict(f), POLICY_SESSION_VERDICT_TRY_LATER);
	assert_int_equal(f->policy.n_held, 0);
	link_close(&room);
}

/* The largest envelope passes though queue is slow, and the next one waits. */
static void a_slow_queue_gets_one_envelope_ahead(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT), other = fixture_connect(f, 2, CLIENT);
	char orcpt[501];
	struct policy_session_rcpt rcpt = { .address = text_from_cstr("b@example.org"),
					    .orcpt = { orcpt, 500 } };
	unsigned n = 0;

	memset(orcpt, 'o', sizeof orcpt);
	begin(f, &other);
	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	for (unsigned i = 0; i < 50000; i++) {
		fixture_tell(f, &room, POLICY_SESSION_RCPT, &rcpt);
		assert_int_equal(fixture_hear(f, &room), POLICY_SESSION_RCPT_OK);
	}
	close(fixture_data(f, &room));
	assert_int_equal(fixture_data(f, &other), -1);
	assert_int_equal(fixture_verdict(f), POLICY_SESSION_VERDICT_TRY_LATER);
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	close(f->in.fds[0]);
	while (n < 50000 && fixture_hear(f, &f->queue) == POLICY_QUEUE_RCPT)
		n++;
	assert_int_equal(n, 50000);
	begin(f, &other);
	close(fixture_data(f, &other));
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	close(f->in.fds[0]);
	link_close(&room);
	link_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_that_was_granted_is_handed_over),
		TEST(relayed_mail_takes_the_way_of_the_others),
		TEST(postmaster_is_given_a_domain),
		TEST(the_channel_leads_from_the_room_to_queue),
		TEST(an_envelope_is_handed_over_once),
		TEST(what_was_reset_is_forgotten),
		TEST(a_queue_in_trouble_is_given_nothing),
		TEST(a_slow_queue_gets_one_envelope_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
