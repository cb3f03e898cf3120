/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts and their absence: refusals while the client waits, quarantine after the promise, rooms that
 * die, rooms that lie, no rooms at all, the circuit breaker.
 */
#include "queue_fixture.h"

#define CONF                                                                                                 \
	QUEUE_CONF_TOP "queue {\n\treserve 0\n\tmin-free 0\n\tscan-wait 1s\n}\n"                             \
		       "scan {\n\tslots 2\n\tbreaker 3/1m\n\tbreaker-time 1s\n}\n"

static const struct queue_envelope one = { .sender = "a@far.test", .rcpts = { "b@here.test" } };
static const struct queue_envelope two = { .sender = "a@far.test",
					   .rcpts = { "b@here.test", "c@here.test" } };

static struct queue_fixture fixture;

static int set_up(void **state)
{
	queue_start(&fixture, CONF);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	queue_end(*state);
	return 0;
}

static void a_room_gets_the_message_as_it_came(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	queue_say_message(&session, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
	unit_text_is(queue_read_judged(f, &room), MESSAGE);
	link_close(&session);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
}

static void what_all_refuse_is_refused(void **state)
{
	static const enum queue_judge_finding findings[] = { QUEUE_JUDGE_FINDING_SPAM,
							     QUEUE_JUDGE_FINDING_SPAM };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &two);

	queue_say_message(&session, text_from_cstr(MESSAGE));
	queue_judge(f, findings, 2);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_SPAM);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 0);
}

static void a_minoritys_refusal_is_held_and_the_others_are_served(void **state)
{
	static const enum queue_judge_finding findings[] = { QUEUE_JUDGE_FINDING_SPAM,
							     QUEUE_JUDGE_FINDING_CLEAN };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &two), room;
	const struct queue_taken *taken;

	queue_say_message(&session, text_from_cstr(MESSAGE));
	queue_judge(f, findings, 2);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	room = queue_take_delivery(f, "here.test");
	taken = queue_take_message(f, &room);
	assert_int_equal(taken->n_rcpts, 1);
	assert_string_equal(taken->rcpts[0], "c@here.test");
	queue_say_result(&room, 1, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "recipients_delivered", 1);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	queue_end_delivery(f, &room);
}

static void a_message_whose_room_dies_twice_is_held(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);

	queue_say_message(&session, text_from_cstr(MESSAGE));
	queue_crash_room(f);
	queue_crash_room(f);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_int_equal(role_fixture_counter(&f->role, "messages_held"), 1);
	assert_int_equal(role_fixture_counter(&f->role, "room_deaths"), 2);
}

static void a_second_room_may_judge_what_the_first_died_of(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);

	queue_say_message(&session, text_from_cstr(MESSAGE));
	queue_crash_room(f);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_int_equal(role_fixture_counter(&f->role, "messages_held"), 0);
}

static void a_message_that_takes_too_long_is_unscannable(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	queue_say_message(&session, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_OUT_OF_TIME);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_int_equal(role_fixture_counter(&f->role, "messages_held"), 1);
}

static void above_a_rate_of_deaths_the_breaker_opens(void **state)
{
	struct queue_fixture *f = *state;
	struct link session;
	char detail[1001];

	for (int i = 0; i < 2; i++) {
		session = queue_announce(f, &one);
		queue_say_message(&session, text_from_cstr(MESSAGE));
		queue_crash_room(f);
		if (i == 0)
			queue_crash_room(f);
		else
			break;
		assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	}
	queue_crash_room(f); /* the fourth */
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_BREAKER);
	queue_wait_record(f, ROLE_AUDIT_KIND_QUEUE_ALARM, detail);
	assert_non_null(strstr(detail, "deaths=4"));
	session = queue_announce(f, &one);
	queue_say_message(&session, text_from_cstr(MESSAGE));
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_BREAKER);
	usleep(1100000);
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
}

static void a_room_that_names_others_recipients_is_not_believed(void **state)
{
	static const struct {
		uint32_t rcpts[2];
		unsigned n;
	} lies[] = { { { 2 }, 1 }, { { 0, 0 }, 2 }, { { 1 }, 1 } }; /* a stranger's; one twice; one missing */
	struct queue_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(lies); i++) {
		struct link session = queue_announce(f, &two), room;
		queue_say_message(&session, text_from_cstr(MESSAGE));
		room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		queue_read_judged(f, &room);
		for (unsigned k = 0; k < lies[i].n; k++)
			queue_say_verdict(&room, lies[i].rcpts[k], QUEUE_JUDGE_FINDING_CLEAN);
		link_send(&room, QUEUE_JUDGE_DONE, NULL, NULL, 0, role_fixture_deadline());
		queue_is_closed(f, &room);
		link_close(&room);
		queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
		queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
		queue_judge_clean(f, 2);
		assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	}
}

static void when_the_verdict_is_late_the_message_is_accepted_and_scanned_from_disk(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	queue_say_message(&session, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE); /* which says nothing */
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_false(queue_has_message(&f->deliver, 50));
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
	queue_judge_clean(f, 1);
	room = queue_take_delivery(f, "here.test");
	queue_end_delivery(f, &room);
}

static void without_scan_messages_wait_on_disk_even_through_a_restart(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	link_close(&f->scan);
	queue_say_message(&session, text_from_cstr(MESSAGE));
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	queue_kill_and_restart(f, CONF);
	assert_false(queue_has_message(&f->deliver, 50));
	queue_judge_clean(f, 1);
	room = queue_take_delivery(f, "here.test");
	queue_end_delivery(f, &room);
}

/* Puts one message on disk, not judged. */
static void accept_unjudged(struct queue_fixture *f, const struct queue_envelope *e)
{
	struct link session = queue_announce(f, e);

	link_close(&f->scan);
	queue_say_message(&session, text_from_cstr(MESSAGE));
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	f->scan = role_fixture_peer(&f->role, ROLE_SCAN, &queue_scan_edge, QUEUE_SCAN_SIDE_SCAN);
}

static void after_250_spam_is_held_not_bounced(void **state)
{
	static const enum queue_judge_finding spam[] = { QUEUE_JUDGE_FINDING_SPAM };
	struct queue_fixture *f = *state;

	accept_unjudged(f, &one);
	queue_judge(f, spam, 1);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_HELD, NULL);
	queue_wait_counter(f, "messages_held", 1);
	assert_false(queue_has_message(&f->scan, 50)); /* no notice is written */
}

static void after_250_an_authenticated_senders_spam_is_bounced(void **state)
{
	static const struct queue_envelope own = { .sender = "a@here.test",
						   .rcpts = { "b@far.test" },
						   .authenticated = true };
	static const enum queue_judge_finding spam[] = { QUEUE_JUDGE_FINDING_SPAM };
	struct queue_fixture *f = *state;
	const struct queue_compose_rcpt *rcpt;
	struct link room;

	accept_unjudged(f, &own);
	queue_judge(f, spam, 1);
	room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE);
	queue_receive(f, &room, QUEUE_COMPOSE_BOUNCE);
	rcpt = queue_receive(f, &room, QUEUE_COMPOSE_RCPT);
	unit_text_is(rcpt->status, "5.7.1");
	link_close(&room);
}

/* Killed while it is scanned, twice: the message is what it dies of, as far as anybody can tell. */
static void attempts_are_counted_through_kills(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_unjudged(f, &one);
	for (int i = 0; i < 2; i++) {
		room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		link_close(&room);
		queue_kill_and_restart(f, CONF);
	}
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_HELD, NULL);
	assert_int_equal(role_fixture_counter(&f->role, "messages_held"), 1);
	assert_false(queue_has_message(&f->scan, 50));
}

static void a_stop_in_order_is_no_attempt(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_unjudged(f, &one);
	for (int i = 0; i < 3; i++) {
		room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		assert_int_equal(role_fixture_stop(&f->role), 0);
		link_close(&room);
		queue_disconnect(f);
		role_fixture_boot(&f->role, "queue", CONF);
		queue_connect(f);
	}
	queue_judge_clean(f, 1);
	room = queue_take_delivery(f, "here.test");
	queue_end_delivery(f, &room);
}

static void no_room_and_a_lost_scan_cost_no_attempt(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_unjudged(f, &one);
	for (int i = 0; i < 3; i++) {
		room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		link_close(&room);
		queue_end_job(f, QUEUE_SCAN_HOW_NO_ROOM);
		room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		link_close(&f->scan);
		link_close(&room);
		f->scan = role_fixture_peer(&f->role, ROLE_SCAN, &queue_scan_edge, QUEUE_SCAN_SIDE_SCAN);
	}
	queue_judge_clean(f, 1);
	room = queue_take_delivery(f, "here.test");
	queue_end_delivery(f, &room);
}

static void no_more_rooms_are_asked_for_than_there_are_slots(void **state)
{
	struct queue_fixture *f = *state;
	struct link sessions[4], rooms[2];
	uint64_t jobs[2];

	for (size_t i = 0; i < 4; i++) {
		sessions[i] = queue_announce(f, &one);
		queue_say_message(&sessions[i], text_from_cstr(MESSAGE));
	}
	for (size_t i = 0; i < 2; i++) {
		rooms[i] = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
		jobs[i] = f->last_job;
	}
	assert_false(queue_has_message(&f->scan, 50));
	link_close(&rooms[0]);
	assert_false(queue_has_message(&f->scan, 50)); /* its slot is free when scan says so */
	f->last_job = jobs[0];
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
	assert_true(queue_has_message(&f->scan, 5000));
	link_close(&rooms[1]);
	for (size_t i = 0; i < 4; i++)
		link_close(&sessions[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_room_gets_the_message_as_it_came),
		TEST(what_all_refuse_is_refused),
		TEST(a_minoritys_refusal_is_held_and_the_others_are_served),
		TEST(a_message_whose_room_dies_twice_is_held),
		TEST(a_second_room_may_judge_what_the_first_died_of),
		TEST(a_message_that_takes_too_long_is_unscannable),
		TEST(above_a_rate_of_deaths_the_breaker_opens),
		TEST(a_room_that_names_others_recipients_is_not_believed),
		TEST(when_the_verdict_is_late_the_message_is_accepted_and_scanned_from_disk),
		TEST(without_scan_messages_wait_on_disk_even_through_a_restart),
		TEST(after_250_spam_is_held_not_bounced),
		TEST(after_250_an_authenticated_senders_spam_is_bounced),
		TEST(attempts_are_counted_through_kills),
		TEST(a_stop_in_order_is_no_attempt),
		TEST(no_room_and_a_lost_scan_cost_no_attempt),
		TEST(no_more_rooms_are_asked_for_than_there_are_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
