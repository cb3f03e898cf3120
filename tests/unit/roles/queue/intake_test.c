/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on their way in: the promise and what it covers, who is forgotten, what the bounds are.
 */
#include "queue_fixture.h"

#define SMALL_CONF                                                                                           \
	QUEUE_CONF_TOP                                                                                       \
	"queue {\n\treserve 0\n\tmin-free 0\n\twaiting-files 1M\n\tmemory 1M\n\tscan-wait 1s\n}\n"

static const struct queue_envelope one = { .sender = "a@far.test", .rcpts = { "b@here.test" } };

static struct queue_fixture fixture;

static int set_up(void **state)
{
	queue_start(&fixture, QUEUE_CONF);
	*state = &fixture;
	return 0;
}

static int set_up_small(void **state)
{
	queue_start(&fixture, SMALL_CONF);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	queue_end(*state);
	return 0;
}

static struct text large_body(size_t n)
{
	static char body[2 << 20];

	memset(body, 'x', sizeof body);
	memcpy(body, HEADER, sizeof HEADER - 1);
	return text_from_bytes(body, n);
}

static void what_is_accepted_survives_a_kill_and_is_delivered(void **state)
{
	struct queue_fixture *f = *state;
	const struct queue_taken *taken;
	struct link room;
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	queue_kill_and_restart(f, QUEUE_CONF);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	room = queue_take_delivery(f, "here.test");
	taken = queue_take_message(f, &room);
	assert_string_equal(taken->sender, "a@far.test");
	assert_int_equal(taken->n_rcpts, 1);
	assert_string_equal(taken->rcpts[0], "b@here.test");
	assert_true(
		text_has_prefix(taken->body, text_from_cstr("Received: from far.test ([198.51.100.7])\r\n")));
	assert_non_null(memmem(taken->body.p, taken->body.n, id, strlen(id)));
	assert_true(text_has_suffix_nocase(taken->body, text_from_cstr(MESSAGE)));
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
	/* It is gone for good. */
	queue_kill_and_restart(f, QUEUE_CONF);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 0);
}

static void a_large_message_is_a_file_that_rooms_can_only_read(void **state)
{
	struct queue_fixture *f = *state;
	const struct queue_taken *taken;
	struct text body = large_body(300000);
	struct link room;

	queue_accept(f, &one, body, NULL);
	assert_int_equal(queue_count_bodies(f, false), 1);
	queue_kill_and_restart(f, QUEUE_CONF);
	room = queue_take_delivery(f, "here.test");
	taken = queue_take_message(f, &room);
	assert_int_equal(taken->body.n - body.n, (size_t)((const char *)memmem(taken->body.p, taken->body.n,
									       HEADER, sizeof HEADER - 1) -
							  taken->body.p));
	assert_memory_equal(taken->body.p + taken->body.n - body.n, body.p, body.n);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(queue_count_bodies(f, false), 0);
	queue_end_delivery(f, &room);
}

static void a_client_that_goes_before_the_end_leaves_nothing(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);

	queue_say_body(&session, large_body(200000));
	link_close(&session);
	/* The next one is served; nothing of the first is there. */
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	assert_int_equal(queue_count_bodies(f, false), 0);
}

static void a_client_that_goes_before_the_verdict_leaves_nothing(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	queue_say_message(&session, large_body(200000));
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
	link_close(&session);
	while (queue_count_bodies(f, false) > 0)
		usleep(1000);
	queue_read_judged(f, &room); /* the room reads on, undisturbed */
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_CRASHED);
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
}

static void a_room_that_lies_about_the_size_is_cut_off(void **state)
{
	struct queue_fixture *f = *state;
	static const struct session_queue_end ends[] = {
		{ .size = sizeof MESSAGE, .header_size = 1 },                  /* one too many */
		{ .size = sizeof MESSAGE - 1, .header_size = sizeof MESSAGE }, /* more header than message */
	};

	for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
		struct link session = queue_announce(f, &one);
		queue_say_body(&session, text_from_cstr(MESSAGE));
		queue_send(&session, SESSION_QUEUE_END, &ends[i]);
		queue_is_closed(f, &session);
		link_close(&session);
		queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
	}
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 0);
}

static void a_malformed_packet_ends_only_its_sender(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);

	assert_int_equal(write(session.fd, "\xff\xff", 2), 2);
	queue_is_closed(f, &session);
	link_close(&session);
	queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
}

static void too_large_and_too_many_hops_are_refused_after_the_end(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);
	struct session_queue_end looping = { .size = sizeof MESSAGE - 1, .header_size = 10, .hops = 21 };

	queue_say_message(&session, large_body((1 << 20) + 1));
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_TOO_LARGE);
	assert_int_equal(queue_count_bodies(f, false), 0);
	session = queue_announce(f, &one);
	queue_say_body(&session, text_from_cstr(MESSAGE));
	queue_send(&session, SESSION_QUEUE_END, &looping);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_TOO_MANY_HOPS);
	assert_int_equal(role_fixture_counter(&f->role, "refused"), 2);
}

/* An envelope from policy that makes no sense ends policy's channel, not the queue. */
static void policy_must_make_sense_too(void **state)
{
	struct queue_fixture *f = *state;
	struct policy_queue_envelope m = { .sender = TEXT("a\r\nb@far.test"), .n_rcpts = 1 };
	int fds[2];

	assert_int_equal(link_make_pair(&session_queue_edge, fds), ERROR_NONE);
	assert_int_equal(
		link_send(&f->policy, POLICY_QUEUE_ENVELOPE, &m, &fds[1], 1, role_fixture_deadline()),
		ERROR_NONE);
	queue_is_closed(f, &f->policy);
	close(fds[0]);
	close(fds[1]);
	link_close(&f->policy);
	f->policy = role_fixture_peer(&f->role, ROLE_POLICY, &policy_queue_edge, POLICY_QUEUE_SIDE_POLICY);
	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
}

static void above_the_bound_for_waiting_files_the_answer_is_queue_full(void **state)
{
	struct queue_fixture *f = *state;
	const struct policy_queue_admission *admission;
	struct link waiting = queue_announce(f, &one), late, room;

	/* The first lies in a file while it waits for its verdict. */
	queue_say_message(&waiting, large_body(900000));
	admission = queue_receive(f, &f->policy, POLICY_QUEUE_ADMISSION);
	assert_int_equal(admission->pressure, POLICY_QUEUE_PRESSURE_SLOW);
	late = queue_announce(f, &one);
	queue_say_message(&late, large_body(400000));
	assert_int_equal(queue_hear(f, &late, NULL), SESSION_QUEUE_OUTCOME_QUEUE_FULL);
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);
	queue_read_judged(f, &room);
	queue_say_verdict(&room, 0, QUEUE_JUDGE_FINDING_CLEAN);
	queue_send(&room, QUEUE_JUDGE_DONE, NULL);
	assert_int_equal(queue_hear(f, &waiting, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
	admission = queue_receive(f, &f->policy, POLICY_QUEUE_ADMISSION);
	assert_int_equal(admission->pressure, POLICY_QUEUE_PRESSURE_OPEN);
}

static void above_the_bound_for_memory_small_messages_wait_in_files(void **state)
{
	enum { N = 24 };
	struct queue_fixture *f = *state;
	struct link sessions[N];
	size_t n_files;

	for (size_t i = 0; i < N; i++) {
		sessions[i] = queue_announce(f, &one);
		queue_say_message(&sessions[i], large_body(60000));
	}
	while ((n_files = queue_count_bodies(f, false)) == 0)
		usleep(1000);
	assert_in_range(n_files, 1, N - 10);
	for (size_t i = 0; i < N; i++) /* nobody judges: in a second they are on disk and accepted */
		assert_int_equal(queue_hear(f, &sessions[i], NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), N);
}

static void a_disk_that_is_nearly_full_is_told_once(void **state)
{
	static const char conf[] = QUEUE_CONF_TOP "queue {\n\treserve 0\n\tmin-free 1024G\n}\n";
	const struct policy_queue_admission *admission;
	struct link session;
	char detail[1001];

	(void)state;
	queue_start(&fixture, conf);
	admission = queue_receive(&fixture, &fixture.policy, POLICY_QUEUE_ADMISSION);
	assert_int_equal(admission->pressure, POLICY_QUEUE_PRESSURE_FULL);
	queue_wait_record(&fixture, ROLE_AUDIT_KIND_QUEUE_ALARM, detail);
	assert_non_null(strstr(detail, "why=disk-full"));
	for (int i = 0; i < 3; i++) {
		session = queue_announce(&fixture, &one);
		queue_say_message(&session, text_from_cstr(MESSAGE));
		assert_int_equal(queue_hear(&fixture, &session, NULL), SESSION_QUEUE_OUTCOME_QUEUE_FULL);
		queue_wait_record(&fixture, ROLE_AUDIT_KIND_MESSAGE_REFUSED, NULL);
	}
	assert_false(queue_has_message(&fixture.policy, 0));
	queue_end(&fixture);
}

static void messages_in_a_row_are_answered_in_any_order(void **state)
{
	enum { N = 100 };
	struct queue_fixture *f = *state;
	struct link sessions[N];

	for (size_t i = 0; i < N; i++) {
		sessions[i] = queue_announce(f, &one);
		queue_say_message(&sessions[i], text_from_cstr(MESSAGE));
	}
	for (size_t i = 0; i < N; i++)
		queue_judge_clean(f, 1);
	for (size_t i = N; i > 0; i--)
		assert_int_equal(queue_hear(f, &sessions[i - 1], NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_true(role_fixture_counter(&f->role, "commits") < 2 * N + 10);
	queue_kill_and_restart(f, QUEUE_CONF);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), N);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_accepted_survives_a_kill_and_is_delivered),
		TEST(a_large_message_is_a_file_that_rooms_can_only_read),
		TEST(a_client_that_goes_before_the_end_leaves_nothing),
		TEST(a_client_that_goes_before_the_verdict_leaves_nothing),
		TEST(a_room_that_lies_about_the_size_is_cut_off),
		TEST(a_malformed_packet_ends_only_its_sender),
		TEST(too_large_and_too_many_hops_are_refused_after_the_end),
		TEST(policy_must_make_sense_too),
		SMALL_TEST(above_the_bound_for_waiting_files_the_answer_is_queue_full),
		SMALL_TEST(above_the_bound_for_memory_small_messages_wait_in_files),
		cmocka_unit_test(a_disk_that_is_nearly_full_is_told_once),
		TEST(messages_in_a_row_are_answered_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
