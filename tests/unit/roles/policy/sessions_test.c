/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may connect and ask: connections and rates, penalties, verdicts, rooms that break the rules.
 */
#include "policy_fixture.h"

static const char settings[] =
	"listener in {\n\taddress 127.0.0.1\n\ttls off\n\tmax-connections-per-client 2\n"
	"\tconnection-rate 5/1m\n\tmessage-rate 4/1m\n\trecipient-rate 12/1h\n\tinvalid-recipient-rate 3/1h\n"
	"\trate-exempt 192.0.2.128/25\n\trelay-from 192.0.2.200\n\tmax-message-size 1M\n\tmax-recipients 5\n"
	"\tmax-messages 3\n\tmax-refused-recipients 4\n}\n"
	"listener safe {\n\taddress 127.0.0.1\n\tport 26\n\ttls required\n}\n"
	"domain list.example {\n\tnext-hop 192.0.2.9\n\trecipients anna bob\n}\n"
	"domain file.example {\n\tnext-hop 192.0.2.9\n\trecipients-file /f\n}\n";

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

static void connections_of_one_client_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct link a = fixture_connect(f, 1, CLIENT), b = fixture_connect(f, 2, CLIENT);

	assert_true(a.fd >= 0 && b.fd >= 0);
	assert_int_equal(fixture_connect(f, 3, CLIENT).fd, -1);
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_TOO_MANY_CONNECTIONS);
	assert_int_equal(f->policy.n_refused, 1);
	fixture_close(f, 1, RECEIVE_POLICY_HOW_QUIT, &a);
	a = fixture_connect(f, 4, CLIENT);
	assert_true(a.fd >= 0);
	link_close(&a);
	link_close(&b);
}

static void connections_in_a_time_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct link room;

	for (uint64_t i = 1; i <= 5; i++) {
		room = fixture_connect(f, i, CLIENT);
		assert_true(room.fd >= 0);
		fixture_close(f, i, RECEIVE_POLICY_HOW_QUIT, &room);
	}
	assert_int_equal(fixture_connect(f, 6, CLIENT).fd, -1);
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_TOO_FAST);
	room = fixture_connect(f, 7, "192.0.2.2"); /* somebody else */
	assert_true(room.fd >= 0);
	link_close(&room);
	fixture_pass_time(f, 120000);
	room = fixture_connect(f, 8, CLIENT);
	assert_true(room.fd >= 0);
	link_close(&room);
}

static void exempt_clients_are_not_counted(void **state)
{
	struct fixture *f = *state;
	struct link rooms[20];

	for (uint64_t i = 0; i < 20; i++)
		assert_true((rooms[i] = fixture_connect(f, i, "192.0.2.130")).fd >= 0);
	for (uint64_t i = 0; i < 20; i++)
		fixture_close(f, i, RECEIVE_POLICY_HOW_QUIT, &rooms[i]);
	assert_int_equal(f->policy.sessions.n, 0);
}

static void a_crash_is_paid_for(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, "2001:db8::1");

	fixture_close(f, 1, RECEIVE_POLICY_HOW_CRASHED, &room);
	assert_int_equal(fixture_connect(f, 2, "2001:db8::2").fd, -1); /* the same network */
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_CRASHED_BEFORE);
	fixture_pass_time(f, 59999);
	assert_int_equal(fixture_connect(f, 3, "2001:db8::1").fd, -1);
	fixture_pass_time(f, 1);
	room = fixture_connect(f, 4, "2001:db8::1");
	assert_true(room.fd >= 0);
	fixture_close(f, 4, RECEIVE_POLICY_HOW_CRASHED, &room);
	fixture_pass_time(f, 119999);
	assert_int_equal(fixture_connect(f, 5, "2001:db8::1").fd, -1);
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_CRASHED_BEFORE);
}

static void ordinary_ends_cost_nothing(void **state)
{
	static const enum receive_policy_how ends[] = { RECEIVE_POLICY_HOW_QUIT, RECEIVE_POLICY_HOW_LOST,
							RECEIVE_POLICY_HOW_TIMEOUT,
							RECEIVE_POLICY_HOW_REFUSED,
							RECEIVE_POLICY_HOW_STOPPED };
	struct fixture *f = *state;

	for (uint64_t i = 0; i < UNIT_COUNT(ends); i++) {
		struct link room = fixture_connect(f, i, CLIENT);
		assert_true(room.fd >= 0);
		fixture_close(f, i, ends[i], &room);
	}
	fixture_pass_time(f, 120000);
	assert_true(fixture_connect(f, 100, CLIENT).fd >= 0);
	close(f->in.fds[0]);
}

static void odd_questions_of_receive_are_refused(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT), none = { .fd = -1 };

	assert_int_equal(fixture_connect(f, 1, CLIENT).fd, -1); /* the number is in use */
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_BUSY);
	assert_int_equal(fixture_connect_to(f, 2, CLIENT, 2).fd, -1); /* no such listener */
	assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_BUSY);
	fixture_close(f, 99, RECEIVE_POLICY_HOW_CRASHED, &none); /* nobody */
	assert_int_equal(f->policy.sessions.n, 1);
	link_close(&room);
}

static void recipients_are_answered(void **state)
{
	static const struct {
		const char *client, *address;
		enum policy_session_verdict verdict;
	} rows[] = {
		{ "192.0.2.1", "anna@list.example", POLICY_SESSION_VERDICT_OK },
		{ "192.0.2.1", "Bob@LIST.example", POLICY_SESSION_VERDICT_OK },
		{ "192.0.2.1", "carl@list.example", POLICY_SESSION_VERDICT_NO_SUCH_USER },
		{ "192.0.2.1", "anna@elsewhere.example", POLICY_SESSION_VERDICT_RELAY_DENIED },
		{ "192.0.2.2", "anna@file.example", POLICY_SESSION_VERDICT_TRY_LATER },
		{ "192.0.2.2", "postmaster@file.example", POLICY_SESSION_VERDICT_OK },
		{ "192.0.2.2", "postmaster", POLICY_SESSION_VERDICT_OK },
		{ "192.0.2.2", "nobody", POLICY_SESSION_VERDICT_BAD_RECIPIENT },
		{ "192.0.2.200", "anna@elsewhere.example", POLICY_SESSION_VERDICT_OK },
		{ "192.0.2.200", "carl@list.example", POLICY_SESSION_VERDICT_NO_SUCH_USER },
		{ "192.0.2.201", "anna@elsewhere.example", POLICY_SESSION_VERDICT_RELAY_DENIED },
	};
	struct fixture *f = *state;

	for (uint64_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct link room = fixture_connect(f, i, rows[i].client);
		enum policy_session_verdict verdict;
		fixture_helo(f, &room);
		assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
		verdict = fixture_rcpt(f, &room, rows[i].address);
		if (verdict != rows[i].verdict)
			fail_msg("%s from %s: %u", rows[i].address, rows[i].client, verdict);
		fixture_close(f, i, RECEIVE_POLICY_HOW_QUIT, &room);
	}
}

static void who_guesses_recipients_learns_no_more(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "a@list.example"), POLICY_SESSION_VERDICT_NO_SUCH_USER);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "b@list.example"), POLICY_SESSION_VERDICT_NO_SUCH_USER);
	assert_int_equal(f->in.type, POLICY_SESSION_RCPT_REFUSED);
	assert_int_equal(fixture_rcpt(f, &room, "c@list.example"), POLICY_SESSION_VERDICT_NO_SUCH_USER);
	assert_int_equal(fixture_rcpt(f, &room, "d@list.example"), POLICY_SESSION_VERDICT_TOO_FAST);
	assert_int_equal(fixture_rcpt(f, &room, "bob@list.example"), POLICY_SESSION_VERDICT_TOO_FAST);
	fixture_close(f, 1, RECEIVE_POLICY_HOW_QUIT, &room);
	fixture_pass_time(f, 7200000);
	room = fixture_connect(f, 2, CLIENT);
	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "bob@list.example"), POLICY_SESSION_VERDICT_OK);
	link_close(&room);
}

/* The room should have ended the conversation at half of this. */
static void a_room_that_goes_on_guessing_loses_its_channel(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, "192.0.2.140");
	struct policy_session_rcpt rcpt = { .address = text_from_cstr("x@list.example") };

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	for (int i = 0; i < 7; i++)
		assert_int_equal(fixture_rcpt(f, &room, "x@list.example"),
				 POLICY_SESSION_VERDICT_NO_SUCH_USER);
	assert_int_equal(f->in.type, POLICY_SESSION_RCPT_REFUSED_FIRST);
	fixture_tell(f, &room, POLICY_SESSION_RCPT, &rcpt);
	assert_int_equal(fixture_hear(f, &room), POLICY_SESSION_RCPT_REFUSED_FIRST);
	assert_int_equal(fixture_hear(f, &room), 0);
	fixture_close(f, 1, RECEIVE_POLICY_HOW_QUIT, &room);
}

static void recipients_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	for (int message = 0; message < 2; message++) {
		assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
		for (int i = 0; i < 5; i++)
			assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"),
					 POLICY_SESSION_VERDICT_OK);
		assert_int_equal(f->policy.n_held, 5);
		assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"),
				 POLICY_SESSION_VERDICT_TOO_MANY_RECIPIENTS);
		fixture_tell(f, &room, POLICY_SESSION_RESET, NULL);
		assert_int_equal(f->policy.n_held, 0);
	}
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"),
			 POLICY_SESSION_VERDICT_TOO_FAST); /* the 13th */
	f->policy.n_held += 200000;
	fixture_pass_time(f, 7200000);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_TRY_LATER);
	f->policy.n_held -= 200000;
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_OK);
	link_close(&room);
}

static void senders_are_answered(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, (1 << 20) + 1), POLICY_SESSION_VERDICT_TOO_LARGE);
	f->policy.pressure = POLICY_QUEUE_PRESSURE_FULL;
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_QUEUE_FULL);
	f->policy.pressure = POLICY_QUEUE_PRESSURE_SLOW;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(fixture_mail(f, &room, 1 << 20), POLICY_SESSION_VERDICT_OK);
		fixture_tell(f, &room, POLICY_SESSION_RESET, NULL);
	}
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_TOO_FAST);
	fixture_pass_time(f, 120000);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	fixture_tell(f, &room, POLICY_SESSION_RESET, NULL);
	peer_close(f->policy.queue);
	f->policy.queue = NULL;
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_TRY_LATER);
	link_close(&room);
}

static void tls_may_be_required(void **state)
{
	const struct policy_session_tls tls = { text_from_cstr("TLSv1.3"), text_from_cstr("A") };
	struct fixture *f = *state;
	struct link room = fixture_connect_to(f, 1, CLIENT, 1);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_TLS_REQUIRED);
	fixture_tell(f, &room, POLICY_SESSION_TLS, &tls);
	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	link_close(&room);
}

static void untimely_questions_end_the_room_and_are_recorded(void **state)
{
	static const unsigned types[] = { POLICY_SESSION_MAIL, POLICY_SESSION_RCPT, POLICY_SESSION_RESET,
					  POLICY_SESSION_DATA, POLICY_SESSION_GO,   99 };
	struct fixture *f = *state;

	for (uint64_t i = 0; i < UNIT_COUNT(types); i++) {
		struct link room = fixture_connect(f, i, CLIENT);
		const char packet[] = { (char)types[i], 0, 0, 0, 0 };
		const struct role_audit_event *event = link_body(&f->in);
		assert_true(room.fd >= 0);
		assert_int_equal(write(room.fd, packet, sizeof packet), sizeof packet);
		assert_int_equal(fixture_hear(f, &room), 0);
		assert_int_equal(fixture_hear(f, &f->audit), ROLE_AUDIT_EVENT);
		assert_int_equal(event->kind, ROLE_AUDIT_KIND_PEER_MISBEHAVED);
		assert_true(text_find(event->detail, text_from_cstr("client=" CLIENT)) != SIZE_MAX);
		fixture_close(f, i, RECEIVE_POLICY_HOW_QUIT, &room);
		assert_int_equal(fixture_connect(f, 100, CLIENT).fd, -1);
		assert_int_equal(f->refusal, RECEIVE_POLICY_REFUSAL_CRASHED_BEFORE);
		fixture_pass_time(f, 3600000);
	}
}

static void a_room_that_goes_leaves_its_session_to_receive(void **state)
{
	struct fixture *f = *state;
	struct link room = fixture_connect(f, 1, CLIENT);

	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	assert_int_equal(fixture_rcpt(f, &room, "anna@list.example"), POLICY_SESSION_VERDICT_OK);
	link_close(&room);
	fixture_turn(f);
	assert_int_equal(f->policy.n_held, 0);
	assert_int_equal(f->policy.sessions.n, 1);
	assert_true(fixture_is_quiet(f, &f->audit));
	fixture_close(f, 1, RECEIVE_POLICY_HOW_QUIT, &room);
	assert_int_equal(f->policy.sessions.n, 0);
}

static void more_recipients_after_a_reload_do_no_harm(void **state)
{
	static const char more[] = "listener in {\n\taddress 127.0.0.1\n\tmax-recipients 50000\n"
				   "\trecipient-rate 1000000/1h\n\trate-exempt 192.0.2.0/24\n}\n"
				   "listener safe {\n\taddress 127.0.0.1\n}\n"
				   "domain list.example {\n\tnext-hop 192.0.2.9\n}\n";
	struct fixture *f = *state;
	const struct conf *old = f->role.conf;
	struct link room = fixture_connect(f, 1, CLIENT);
	char address[320];
	enum policy_session_verdict verdict;
	unsigned n = 0;

	memset(address, 'a', sizeof address);
	memcpy(address + 306, "@list.example", 14);
	f->role.conf = fixture_conf(more);
	recipients_reload(f->policy.recipients, f->role.conf);
	conf_free((struct conf *)old);
	fixture_helo(f, &room);
	assert_int_equal(fixture_mail(f, &room, 0), POLICY_SESSION_VERDICT_OK);
	while ((verdict = fixture_rcpt(f, &room, address)) == POLICY_SESSION_VERDICT_OK)
		n++;
	assert_int_equal(verdict, POLICY_SESSION_VERDICT_TOO_MANY_RECIPIENTS);
	assert_in_range(n, 60, 50000);
	assert_int_equal(fixture_data(f, &room) >= 0, true);
	close(f->in.fds[0]);
	assert_int_equal(fixture_hear(f, &f->queue), POLICY_QUEUE_ENVELOPE);
	assert_int_equal(((const struct policy_queue_envelope *)link_body(&f->in))->n_rcpts, n);
	close(f->in.fds[0]);
	link_close(&room);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_of_one_client_are_bounded),
		TEST(connections_in_a_time_are_bounded),
		TEST(exempt_clients_are_not_counted),
		TEST(a_crash_is_paid_for),
		TEST(ordinary_ends_cost_nothing),
		TEST(odd_questions_of_receive_are_refused),
		TEST(recipients_are_answered),
		TEST(who_guesses_recipients_learns_no_more),
		TEST(a_room_that_goes_on_guessing_loses_its_channel),
		TEST(recipients_are_bounded),
		TEST(senders_are_answered),
		TEST(tls_may_be_required),
		TEST(untimely_questions_end_the_room_and_are_recorded),
		TEST(a_room_that_goes_leaves_its_session_to_receive),
		TEST(more_recipients_after_a_reload_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
