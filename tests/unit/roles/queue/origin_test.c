/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages whose origin is checked: what queue does with what an authentication room says, whoever took it
 * over.
 */
#include "queue_fixture.h"

#include "ipc/queue_authenticate.h"
#include "store/spool.h"

#define CONF                                                                                                 \
	QUEUE_CONF_TOP "queue {\n\treserve 0\n\tmin-free 0\n\tretry 1s 1h\n\tscan-wait 2s\n}\n"              \
		       "scan {\n\tslots 2\n\tauthentication-slots 2\n\tcrash-limit 2\n}\n"
#define FORGED      "Authentication-Results: mx.test; dmarc=pass\r\n"
#define WITH_FORGED FORGED HEADER "Good day.\r\n"

static const struct queue_envelope one = { .sender = "a@far.test",
					   .rcpts = { "b@here.test" },
					   .listener = QUEUE_CHECKED };

static int set_up(void **state)
{
	struct queue_fixture *f = calloc(1, sizeof *f);

	queue_start(f, CONF);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	queue_end(*state);
	free(*state);
	return 0;
}

static void say_message(struct link *session, struct text body)
{
	struct session_queue_end end = { .size = body.n, .header_size = sizeof FORGED HEADER - 1 };

	queue_say_body(session, body);
	queue_send(session, SESSION_QUEUE_END, &end);
}

/* A room that has read the message. */
static struct link take_room(struct queue_fixture *f)
{
	struct link room = queue_take_job(f, QUEUE_SCAN_KIND_AUTHENTICATE);

	do
		assert_int_equal(link_receive(&room, &f->role.in, role_fixture_deadline()), ERROR_NONE);
	while (f->role.in.type != QUEUE_AUTHENTICATE_END && f->role.in.type != QUEUE_AUTHENTICATE_FILE);
	link_in_close_fds(&f->role.in);
	return room;
}

static void say_spf(struct link *room, enum queue_authenticate_result result)
{
	struct queue_authenticate_spf m = { .identity = QUEUE_AUTHENTICATE_IDENTITY_MAIL_FROM,
					    .result = result,
					    .domain = TEXT("far.test"),
					    .sender = TEXT("a@far.test"),
					    .mechanism = TEXT("-all") };

	queue_send(room, QUEUE_AUTHENTICATE_SPF, &m);
}

static void say_dmarc(struct link *room, enum queue_authenticate_policy applied)
{
	struct queue_authenticate_dmarc m = { .result = QUEUE_AUTHENTICATE_RESULT_FAIL,
					      .from = TEXT("far.test"),
					      .policy_domain = TEXT("far.test"),
					      .published = QUEUE_AUTHENTICATE_POLICY_REJECT,
					      .applied = applied };

	queue_send(room, QUEUE_AUTHENTICATE_DMARC, &m);
}

static void say_cut(struct link *room, uint32_t offset, uint32_t size)
{
	struct queue_authenticate_cut m = { offset, size };

	queue_send(room, QUEUE_AUTHENTICATE_CUT, &m);
}

static void finish(struct queue_fixture *f, struct link *room)
{
	queue_send(room, QUEUE_AUTHENTICATE_DONE, NULL);
	link_close(room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
}

/* An honest room: the forged field is not to be delivered. */
static void authenticate(struct queue_fixture *f)
{
	struct link room = take_room(f);

	say_spf(&room, QUEUE_AUTHENTICATE_RESULT_PASS);
	say_cut(&room, 0, sizeof FORGED - 1);
	finish(f, &room);
}

static bool has(struct text body, const char *what)
{
	return text_find(body, text_from_cstr(what)) != SIZE_MAX;
}

static void deliver_and_check(struct queue_fixture *f, size_t filling)
{
	struct link room = queue_take_delivery(f, "here.test");
	struct text body = queue_take_message(f, &room)->body;

	assert_true(text_has_prefix(body, text_from_cstr("Authentication-Results: mx.test;\r\n spf=pass "
							 "smtp.mailfrom=a@far.test;\r\n dkim=none\r\n"
							 "Received-SPF: pass ")));
	assert_true(has(body, "Received: from far.test"));
	assert_false(has(body, "dmarc=pass"));
	assert_true(has(body, "\r\n" HEADER));
	assert_int_equal(body.p[body.n - 1], '\n');
	assert_in_range(body.n, filling, filling + 1000);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
}

static void results_go_before_the_message_and_forged_ones_are_left_out(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);

	say_message(&session, text_from_cstr(WITH_FORGED));
	authenticate(f);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	deliver_and_check(f, 0);
}

static void of_a_large_message_too(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one);
	struct buf body;

	buf_init(&body, 1 << 20);
	buf_add_cstr(&body, WITH_FORGED);
	while (body.n < 200000)
		buf_add_cstr(&body, "A line of a long letter.\r\n");
	say_message(&session, buf_text(&body));
	authenticate(f);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	deliver_and_check(f, 200000 - sizeof FORGED);
	buf_done(&body);
}

static void what_is_refused_is_not_judged(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;
	char detail[1001];

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f);
	say_spf(&room, QUEUE_AUTHENTICATE_RESULT_FAIL);
	say_dmarc(&room, QUEUE_AUTHENTICATE_POLICY_REJECT);
	finish(f, &room);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_DMARC_REFUSED);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_AUTHENTICATED, detail);
	assert_non_null(
		strstr(detail, "spf=fail(far.test) dmarc=fail(far.test) policy=reject applied=reject"));
	assert_false(queue_has_message(&f->scan, 50));
}

static void what_is_quarantined_is_judged_and_held_also_through_a_restart(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;
	char detail[1001];

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f);
	say_dmarc(&room, QUEUE_AUTHENTICATE_POLICY_QUARANTINE);
	finish(f, &room);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_ACCEPTED, detail);
	assert_non_null(strstr(detail, "state=held"));
	queue_kill_and_restart(f, CONF);
	queue_wait_counter(f, "messages_held", 1);
	assert_false(queue_has_message(&f->deliver, 50));
}

/* Nothing of this may be said by a room: outside of the header, overlapping, backwards, or twice. */
static void a_room_that_lies_is_not_believed(void **state)
{
	static const struct {
		uint32_t cuts[2][2];
		unsigned n_cuts, n_spf;
	} lies[] = {
		{ { { sizeof FORGED HEADER - 2, 2 } }, 1, 0 },
		{ { { UINT32_MAX, 1 } }, 1, 0 },
		{ { { 10, UINT32_MAX } }, 1, 0 },
		{ { { 0, 0 } }, 1, 0 },
		{ { { 0, 10 }, { 9, 10 } }, 2, 0 },
		{ { { 20, 10 }, { 0, 10 } }, 2, 0 },
		{ { { 0, 0 } }, 0, 2 },
	};
	struct queue_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(lies); i++) {
		struct link session = queue_announce(f, &one), room;
		say_message(&session, text_from_cstr(WITH_FORGED));
		room = take_room(f);
		for (unsigned k = 0; k < lies[i].n_spf; k++)
			say_spf(&room, QUEUE_AUTHENTICATE_RESULT_PASS);
		for (unsigned k = 0; k < lies[i].n_cuts; k++)
			say_cut(&room, lies[i].cuts[k][0], lies[i].cuts[k][1]);
		queue_is_closed(f, &room);
		link_close(&room);
		queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
		queue_wait_record(f, ROLE_AUDIT_KIND_PEER_MISBEHAVED, NULL);
		authenticate(f);
		queue_judge_clean(f, 1);
		assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
		queue_wait_counter(f, "accepted", i + 1);
	}
}

static void too_many_signatures_are_a_lie(void **state)
{
	struct queue_authenticate_dkim m = { .result = QUEUE_AUTHENTICATE_RESULT_PASS };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f);
	for (int i = 0; i < 17; i++)
		queue_send(&room, QUEUE_AUTHENTICATE_DKIM, &m);
	queue_is_closed(f, &room);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
	authenticate(f);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
}

static void a_message_whose_authentication_dies_twice_is_held(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	say_message(&session, text_from_cstr(WITH_FORGED));
	for (int i = 0; i < 2; i++) {
		room = take_room(f);
		link_close(&room);
		queue_end_job(f, QUEUE_SCAN_HOW_CRASHED);
	}
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	queue_wait_counter(f, "messages_held", 1);
	assert_false(queue_has_message(&f->scan, 50));
}

static void deaths_of_one_room_do_not_count_for_the_other(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_CRASHED);
	authenticate(f);
	queue_crash_room(f);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	deliver_and_check(f, 0);
}

/* A policy that somebody vouched away is not said to have been applied; what is not there has no properties.
 */
static void the_field_says_what_was_applied_and_no_more(void **state)
{
	struct queue_authenticate_arc no_chain = { .result = QUEUE_AUTHENTICATE_RESULT_NONE };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;
	struct text body;

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f);
	queue_send(&room, QUEUE_AUTHENTICATE_ARC, &no_chain);
	say_dmarc(&room, QUEUE_AUTHENTICATE_POLICY_NONE);
	finish(f, &room);
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	room = queue_take_delivery(f, "here.test");
	body = queue_take_message(f, &room)->body;
	assert_true(has(body, " arc=none;\r\n dmarc=fail header.from=far.test policy.dmarc=none\r\n"));
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
}

/* After 250 a refusal is a quarantine. */
static void late_results_hold_what_they_would_have_refused(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	say_message(&session, text_from_cstr(WITH_FORGED));
	room = take_room(f); /* which says nothing */
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
	room = take_room(f);
	say_dmarc(&room, QUEUE_AUTHENTICATE_POLICY_REJECT);
	finish(f, &room);
	queue_judge_clean(f, 1);
	queue_wait_counter(f, "messages_held", 1);
	assert_false(queue_has_message(&f->deliver, 50));
}

/* The results of before are kept: only the judging is done again. */
static void a_kill_behind_the_results_does_not_lose_them(void **state)
{
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;

	say_message(&session, text_from_cstr(WITH_FORGED));
	authenticate(f);
	room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE); /* which says nothing */
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
	link_close(&room);
	queue_kill_and_restart(f, CONF);
	queue_judge_clean(f, 1);
	deliver_and_check(f, 0);
}

static void who_has_authenticated_is_not_checked(void **state)
{
	static const struct queue_envelope own = { .sender = "a@here.test",
						   .rcpts = { "b@here.test" },
						   .authenticated = true,
						   .listener = QUEUE_CHECKED };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &own);

	say_message(&session, text_from_cstr(WITH_FORGED));
	queue_judge_clean(f, 1);
	assert_int_equal(queue_hear(f, &session, NULL), SESSION_QUEUE_OUTCOME_ACCEPTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(results_go_before_the_message_and_forged_ones_are_left_out),
		TEST(of_a_large_message_too),
		TEST(what_is_refused_is_not_judged),
		TEST(what_is_quarantined_is_judged_and_held_also_through_a_restart),
		TEST(a_room_that_lies_is_not_believed),
		TEST(too_many_signatures_are_a_lie),
		TEST(a_message_whose_authentication_dies_twice_is_held),
		TEST(deaths_of_one_room_do_not_count_for_the_other),
		TEST(the_field_says_what_was_applied_and_no_more),
		TEST(late_results_hold_what_they_would_have_refused),
		TEST(a_kill_behind_the_results_does_not_lose_them),
		TEST(who_has_authenticated_is_not_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
