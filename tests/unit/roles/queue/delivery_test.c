/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on their way out: one part per next hop, connections reused, answers believed as far as they
 * go, failures of each kind, and nothing lost when rooms, deliver or the queue die.
 */
#include "queue_fixture.h"

#define IDLE_CONF QUEUE_CONF "deliver {\n\tidle-time 200ms\n}\n"

static const struct queue_envelope one = { .sender = "a@far.test", .rcpts = { "b@here.test" } };
static const struct queue_envelope null_sender = { .sender = "", .rcpts = { "b@here.test" } };

static struct queue_fixture fixture;

static int set_up(void **state)
{
	queue_start(&fixture, QUEUE_CONF);
	*state = &fixture;
	return 0;
}

static int set_up_idle(void **state)
{
	queue_start(&fixture, IDLE_CONF);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	queue_end(*state);
	return 0;
}

static void accept_one(struct queue_fixture *f)
{
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
}

static void recipients_are_grouped_by_next_hop(void **state)
{
	static const struct queue_envelope many = { .sender = "a@far.test",
						    .rcpts = { "b@here.test", "c@there.test", "d@HERE.test",
							       "e@far.test" } };
	static const uint32_t wanted[3][2] = { { 0, 2 }, { 1 }, { 3 } }; /* by route: here, there, by MX */
	const uint64_t routes[] = { role_fixture_domain("here.test"), role_fixture_domain("there.test") };
	struct queue_fixture *f = *state;

	queue_accept(f, &many, text_from_cstr(MESSAGE), NULL);
	for (int i = 0; i < 3; i++) {
		const struct queue_deliver_job *job = queue_receive(f, &f->deliver, QUEUE_DELIVER_JOB);
		const uint32_t *indexes = wanted[job->route == routes[0]   ? 0
						 : job->route == routes[1] ? 1
									   : 2];
		const struct queue_taken *taken;
		struct link room = link_of(f->role.in.fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM);
		if (indexes == wanted[2]) {
			assert_int_equal(job->route, CONF_DOMAIN_NONE);
			unit_text_is(job->domain, "far.test");
		}
		f->last_delivery = job->job;
		taken = queue_take_message(f, &room);
		for (uint32_t k = 0; k < taken->n_rcpts; k++) {
			assert_int_equal(taken->indexes[k], indexes[k]);
			queue_say_result(&room, indexes[k], QUEUE_DELIVERY_OUTCOME_DELIVERED);
		}
		queue_say_done(&room);
		queue_end_delivery(f, &room);
	}
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(role_fixture_counter(&f->role, "recipients_delivered"), 4);
}

static void one_connection_takes_message_after_message_and_then_hears_no_more(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	for (int i = 0; i < 3; i++) {
		queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
		queue_say_done(&room);
		queue_send(&room, QUEUE_DELIVERY_NEXT, NULL);
		queue_wait_counter(f, "messages", 0);
		accept_one(f); /* the room idles, gets it, and no second connection is made */
		queue_read_message(f, &room);
	}
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_send(&room, QUEUE_DELIVERY_NEXT, NULL);
	queue_receive(f, &room, QUEUE_DELIVERY_NO_MORE);
	assert_int_equal(role_fixture_counter(&f->role, "connections"), 1);
	queue_end_delivery(f, &room);
	queue_wait_counter(f, "connections", 0);
}

/* The room is gone, and deliver has not said so yet, when the next message becomes ready. */
static void a_room_that_ends_while_it_idles_is_given_nothing(void **state)
{
	struct queue_fixture *f = *state;
	struct link room, second;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_send(&room, QUEUE_DELIVERY_NEXT, NULL);
	queue_wait_counter(f, "messages", 0);
	link_close(&room);
	usleep(20000);
	accept_one(f);
	second = queue_take_delivery(f, "here.test");
	queue_take_message(f, &second);
	usleep(300000); /* beyond the idle time */
	queue_say_result(&second, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&second);
	queue_wait_counter(f, "messages", 0);
	link_close(&second);
}

static void a_deferred_recipient_comes_back_at_its_time_and_alone(void **state)
{
	static const struct queue_envelope two = { .sender = "a@far.test",
						   .rcpts = { "b@here.test", "c@here.test" } };
	struct queue_fixture *f = *state;
	const struct queue_taken *taken;
	struct link room;

	queue_accept(f, &two, text_from_cstr(MESSAGE), NULL);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 1, QUEUE_DELIVERY_OUTCOME_DEFERRED);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
	queue_wait_counter(f, "recipients_deferred", 1);
	assert_false(queue_has_message(&f->deliver, 500)); /* a second */
	room = queue_take_delivery(f, "here.test");
	taken = queue_take_message(f, &room);
	assert_int_equal(taken->n_rcpts, 1);
	assert_string_equal(taken->rcpts[0], "c@here.test");
	queue_say_result(&room, 1, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

/* What was answered stays answered; only the rest is tried again. */
static void answers_before_a_rooms_death_count(void **state)
{
	static const struct queue_envelope two = { .sender = "a@far.test",
						   .rcpts = { "b@here.test", "c@here.test" } };
	struct queue_fixture *f = *state;
	const struct queue_taken *taken;
	struct link room;

	queue_accept(f, &two, text_from_cstr(MESSAGE), NULL);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_end_delivery(f, &room);
	queue_wait_counter(f, "recipients_delivered", 1);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_DEFERRED, NULL);
	usleep(200000); /* longer than a lazy change waits for company */
	queue_kill_and_restart(f, QUEUE_CONF);
	room = queue_take_delivery(f, "here.test");
	taken = queue_take_message(f, &room);
	assert_int_equal(taken->n_rcpts, 1);
	assert_string_equal(taken->rcpts[0], "c@here.test");
	queue_end_delivery(f, &room);
}

static void a_message_under_way_when_the_queue_is_killed_comes_again(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	assert_false(queue_take_message(f, &room)->again);
	queue_kill_and_restart(f, QUEUE_CONF);
	link_close(&room);
	room = queue_take_delivery(f, "here.test");
	assert_true(queue_take_message(f, &room)->again);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

static void a_restart_of_deliver_costs_no_attempt(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	for (int i = 0; i < 2; i++) {
		room = queue_take_delivery(f, "here.test");
		assert_int_equal(queue_take_message(f, &room)->again, i > 0);
		link_close(&f->deliver);
		link_close(&room);
		f->deliver = role_fixture_peer(&f->role, ROLE_DELIVER, &queue_deliver_edge,
					       QUEUE_DELIVER_SIDE_DELIVER);
	}
	room = queue_take_delivery(f, "here.test"); /* with attempts counted it would be an hour by now */
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

/* For a new configuration: a fresh one comes when what is under way has ended. */
static void a_deliver_that_leaves_is_given_no_more(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_send(&f->deliver, QUEUE_DELIVER_LEAVING, NULL);
	usleep(100000);
	accept_one(f);
	assert_false(queue_has_message(&f->deliver, 100));
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_send(&room, QUEUE_DELIVERY_NEXT, NULL);
	queue_receive(f, &room, QUEUE_DELIVERY_NO_MORE);
	queue_end_delivery(f, &room);
	queue_wait_counter(f, "messages", 1);
	link_close(&f->deliver);
	f->deliver =
		role_fixture_peer(&f->role, ROLE_DELIVER, &queue_deliver_edge, QUEUE_DELIVER_SIDE_DELIVER);
	room = queue_take_delivery(f, "here.test");
	assert_false(queue_take_message(f, &room)->again);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

static void say_failed(struct queue_fixture *f, enum queue_deliver_why why)
{
	struct queue_deliver_failed failed = { f->last_delivery, why, TEXT("192.0.2.1:25") };

	queue_send(&f->deliver, QUEUE_DELIVER_FAILED, &failed);
}

static void when_nobody_can_connect_all_that_is_ready_is_put_off(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	for (int i = 0; i < 2; i++)
		accept_one(f);
	for (int i = 0; i < 2; i++) {
		room = queue_take_delivery(f, "here.test");
		say_failed(f, QUEUE_DELIVER_WHY_CONNECT_REFUSED);
		link_close(&room);
		if (!queue_has_message(&f->deliver, 50))
			break;
	}
	queue_wait_counter(f, "connections", 0);
	assert_false(queue_has_message(&f->deliver, 1500)); /* left alone, though due again */
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 2);
}

static void while_one_connection_works_a_second_that_fails_puts_nothing_off(void **state)
{
	struct queue_fixture *f = *state;
	struct link first, second;

	accept_one(f);
	first = queue_take_delivery(f, "here.test");
	queue_take_message(f, &first);
	accept_one(f);
	second = queue_take_delivery(f, "here.test");
	say_failed(f, QUEUE_DELIVER_WHY_CONNECT_REFUSED);
	link_close(&second);
	queue_wait_counter(f, "connections", 1);
	queue_say_result(&first, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&first);
	queue_take_message(f, &first); /* at once, by the one that works */
	queue_say_result(&first, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&first);
	queue_wait_counter(f, "messages", 0);
	link_close(&first);
}

/* rfc5321 5.1, rfc3463 3.2 and 3.5, rfc7505 4.1 */
static void what_the_dns_denies_is_a_failure_at_once(void **state)
{
	static const struct queue_envelope nowhere = { .sender = "", .rcpts = { "b@nowhere.test" } };
	static const struct {
		enum queue_deliver_why why;
		const char *enhanced;
	} cases[] = {
		{ QUEUE_DELIVER_WHY_NO_SUCH_DOMAIN, "5.1.2" },
		{ QUEUE_DELIVER_WHY_NO_ADDRESS, "5.4.4" },
		{ QUEUE_DELIVER_WHY_NULL_MX, "5.1.10" },
	};
	struct queue_fixture *f = *state;
	struct link room;
	char detail[1001];

	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		queue_accept(f, &nowhere, text_from_cstr(MESSAGE), NULL);
		room = queue_take_delivery(f, NULL);
		say_failed(f, cases[i].why);
		link_close(&room);
		queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_FAILED, detail);
		assert_non_null(strstr(detail, cases[i].enhanced));
		queue_wait_counter(f, "messages", 0);
	}
}

static void what_the_dns_does_not_know_now_is_asked_again(void **state)
{
	static const struct queue_envelope unsure = { .sender = "", .rcpts = { "b@unsure.test" } };
	struct queue_fixture *f = *state;
	struct link room;

	queue_accept(f, &unsure, text_from_cstr(MESSAGE), NULL);
	room = queue_take_delivery(f, NULL);
	say_failed(f, QUEUE_DELIVER_WHY_DNS_FAILED);
	link_close(&room);
	room = queue_take_delivery(f, NULL);
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

static void a_failed_notice_is_logged_and_never_answered(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	queue_accept(f, &null_sender, text_from_cstr(MESSAGE), NULL);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_FAILED);
	queue_say_done(&room);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_FAILED, NULL);
	queue_wait_counter(f, "messages", 0);
	assert_false(queue_has_message(&f->scan, 50));
	queue_end_delivery(f, &room);
}

static void a_room_answers_only_for_what_it_was_given(void **state)
{
	static const struct queue_envelope two = { .sender = "a@far.test",
						   .rcpts = { "b@here.test", "c@there.test" } };
	struct queue_fixture *f = *state;
	struct link rooms[2];

	queue_accept(f, &two, text_from_cstr(MESSAGE), NULL);
	for (int i = 0; i < 2; i++) {
		const struct queue_taken *taken;
		queue_receive(f, &f->deliver, QUEUE_DELIVER_JOB);
		rooms[i] = link_of(f->role.in.fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM);
		taken = queue_take_message(f, &rooms[i]);
		queue_say_result(&rooms[i], 1 - taken->indexes[0],
				 QUEUE_DELIVERY_OUTCOME_DELIVERED); /* the other's */
		queue_is_closed(f, &rooms[i]);
		queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
	}
	assert_int_equal(role_fixture_counter(&f->role, "recipients_delivered"), 0);
	for (int i = 0; i < 2; i++)
		link_close(&rooms[i]);
}

static void done_before_every_answer_is_not_believed(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_done(&room);
	queue_is_closed(f, &room);
	queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	link_close(&room);
}

static void a_domain_with_a_new_way_takes_what_waits_along(void **state)
{
	static const char conf[] =
		"hostname mx.test\nlistener public {\n\ttls off\n}\n"
		"domain here.test {\n\tmx yes\n}\ndomain there.test {\n\tnext-hop 192.0.2.2\n}\n"
		"queue {\n\treserve 0\n\tmin-free 0\n\tretry 1s 1h\n}\n";
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DEFERRED);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
	queue_wait_counter(f, "recipients_deferred", 1);
	role_fixture_tell(&f->role, POSTERND_ROLE_RELOAD, NULL, role_fixture_file(text_from_cstr(conf)));
	room = queue_take_delivery(f, NULL);
	queue_take_message(f, &room);
	queue_end_delivery(f, &room);
}

static void a_stop_lets_deliveries_under_way_finish(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_one(f);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	role_fixture_tell(&f->role, POSTERND_ROLE_STOP, NULL, -1);
	usleep(100000);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_send(&room, QUEUE_DELIVERY_NEXT, NULL);
	queue_receive(f, &room, QUEUE_DELIVERY_NO_MORE);
	queue_end_delivery(f, &room);
	assert_int_equal(role_fixture_wait(&f->role), 0);
	queue_disconnect(f);
	role_fixture_boot(&f->role, "queue", QUEUE_CONF);
	queue_connect(f);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 0);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define IDLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_idle, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(recipients_are_grouped_by_next_hop),
		IDLE_TEST(one_connection_takes_message_after_message_and_then_hears_no_more),
		IDLE_TEST(a_room_that_ends_while_it_idles_is_given_nothing),
		TEST(a_deferred_recipient_comes_back_at_its_time_and_alone),
		TEST(answers_before_a_rooms_death_count),
		TEST(a_message_under_way_when_the_queue_is_killed_comes_again),
		TEST(a_restart_of_deliver_costs_no_attempt),
		TEST(a_deliver_that_leaves_is_given_no_more),
		TEST(when_nobody_can_connect_all_that_is_ready_is_put_off),
		TEST(while_one_connection_works_a_second_that_fails_puts_nothing_off),
		TEST(what_the_dns_denies_is_a_failure_at_once),
		TEST(what_the_dns_does_not_know_now_is_asked_again),
		TEST(a_failed_notice_is_logged_and_never_answered),
		TEST(a_room_answers_only_for_what_it_was_given),
		TEST(done_before_every_answer_is_not_believed),
		TEST(a_domain_with_a_new_way_takes_what_waits_along),
		TEST(a_stop_lets_deliveries_under_way_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
