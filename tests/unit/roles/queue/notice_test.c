/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices to senders: what a compose room is told, what becomes of its text, when it fails, and that a
 * kill makes neither two notices nor none.
 */
#include "queue_fixture.h"

#define LATE_CONF                                                                                            \
	QUEUE_CONF_TOP "queue {\n\treserve 0\n\tmin-free 0\n\tretry 1s\n\twarn-after 1s\n\texpire 3s\n}\n"
#define NOTICE "From: <>\r\nSubject: not delivered\r\n\r\nSorry.\r\n"

static const struct queue_envelope one = { .sender = "a@far.test", .rcpts = { "b@here.test" } };

static struct queue_fixture fixture;

static int set_up(void **state)
{
	queue_start(&fixture, QUEUE_CONF);
	*state = &fixture;
	return 0;
}

static int set_up_late(void **state)
{
	queue_start(&fixture, LATE_CONF);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	queue_end(*state);
	return 0;
}

/* The message's only delivery ends like this, for its first recipients in order. */
static void deliver_with(struct queue_fixture *f, const char *domain,
			 const enum queue_delivery_outcome *outcomes)
{
	struct link room = queue_take_delivery(f, domain);
	const struct queue_taken *taken = queue_take_message(f, &room);

	for (uint32_t i = 0; i < taken->n_rcpts; i++)
		queue_say_result(&room, i, outcomes[i]);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
}

static void accept_and_fail(struct queue_fixture *f, struct text body)
{
	static const enum queue_delivery_outcome failed[] = { QUEUE_DELIVERY_OUTCOME_FAILED };

	queue_accept(f, &one, body, NULL);
	deliver_with(f, "here.test", failed);
}

struct told {
	char sender[64], rcpts[4][64], diagnostic[200], mta[64];
	enum queue_compose_action actions[4];
	uint32_t n_rcpts;
	bool is_full;
	size_t n_original;
};

/* As a compose room: all it is told. */
static void read_facts(struct queue_fixture *f, struct link *room, struct told *ret)
{
	const void *m = link_body(&f->role.in);

	memset(ret, 0, sizeof *ret);
	for (f->role.in.type = 0; f->role.in.type != QUEUE_COMPOSE_END;) {
		assert_int_equal(link_receive(room, &f->role.in, role_fixture_deadline()), ERROR_NONE);
		if (f->role.in.type == QUEUE_COMPOSE_BOUNCE) {
			const struct queue_compose_bounce *b = m;
			snprintf(ret->sender, 64, "%.*s", TEXT_ARGS(b->sender));
			ret->is_full = b->full;
		} else if (f->role.in.type == QUEUE_COMPOSE_RCPT) {
			const struct queue_compose_rcpt *r = m;
			ret->actions[ret->n_rcpts] = r->action;
			snprintf(ret->diagnostic, 200, "%.*s", TEXT_ARGS(r->diagnostic));
			snprintf(ret->mta, 64, "%.*s", TEXT_ARGS(r->remote_mta));
			snprintf(ret->rcpts[ret->n_rcpts++], 64, "%.*s", TEXT_ARGS(r->address));
		} else if (f->role.in.type == QUEUE_COMPOSE_CHUNK) {
			ret->n_original += ((const struct queue_compose_chunk *)m)->data.n;
		}
	}
}

static void say_text(struct link *room, struct text t)
{
	struct queue_compose_done done = { false };

	while (t.n) {
		struct queue_compose_text m = { text_slice(t, 0, 65536) };
		queue_send(room, QUEUE_COMPOSE_TEXT, &m);
		t = text_skip(t, 65536);
	}
	queue_send(room, QUEUE_COMPOSE_DONE, &done);
	link_close(room);
}

static void compose(struct queue_fixture *f, struct told *ret_told)
{
	struct link room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE);

	read_facts(f, &room, ret_told);
	say_text(&room, text_from_cstr(NOTICE));
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
}

/* A notice to the sender of `one` arrives, by MX. */
static void take_notice(struct queue_fixture *f)
{
	struct link room = queue_take_delivery(f, NULL);
	const struct queue_taken *taken = queue_take_message(f, &room);

	assert_string_equal(taken->sender, "");
	assert_int_equal(taken->n_rcpts, 1);
	assert_string_equal(taken->rcpts[0], "a@far.test");
	unit_text_is(taken->body, NOTICE);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_end_delivery(f, &room);
}

static void a_failure_is_told_to_the_sender(void **state)
{
	struct queue_fixture *f = *state;
	struct told told;

	accept_and_fail(f, text_from_cstr(MESSAGE));
	compose(f, &told);
	assert_string_equal(told.sender, "a@far.test");
	assert_int_equal(told.n_rcpts, 1);
	assert_string_equal(told.rcpts[0], "b@here.test");
	assert_int_equal(told.actions[0], QUEUE_COMPOSE_ACTION_FAILED);
	assert_string_equal(told.diagnostic, "550 5.1.1 nobody");
	assert_true(told.is_full);
	assert_int_equal(told.n_original, sizeof MESSAGE - 1);
	take_notice(f);
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(role_fixture_counter(&f->role, "notices"), 1);
}

static void of_a_large_message_only_the_header_is_returned(void **state)
{
	static char body[200000];
	struct queue_fixture *f = *state;
	struct told told;

	memset(body, 'x', sizeof body);
	memcpy(body, HEADER, sizeof HEADER - 1);
	accept_and_fail(f, text_from_bytes(body, sizeof body));
	compose(f, &told);
	assert_false(told.is_full);
	assert_int_equal(told.n_original, sizeof HEADER - 1);
	take_notice(f);
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(queue_count_bodies(f, false), 0);
}

static void one_notice_tells_of_all_and_of_nobody_who_did_not_want_it(void **state)
{
	static const enum queue_delivery_outcome outcomes[] = { QUEUE_DELIVERY_OUTCOME_FAILED,
								QUEUE_DELIVERY_OUTCOME_DELIVERED,
								QUEUE_DELIVERY_OUTCOME_FAILED };
	static const struct {
		uint8_t notify;
		uint32_t n_told;
	} rows[] = { { 0, 2 }, { 1, 0 }, { 2, 1 }, { 4, 2 }, { 6, 3 } }; /* rfc3461 4.1 */
	struct queue_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct queue_envelope e = { .sender = "a@far.test",
					    .notify = rows[i].notify,
					    .rcpts = { "b@here.test", "c@here.test", "d@here.test" } };
		struct told told;
		queue_accept(f, &e, text_from_cstr(MESSAGE), NULL);
		deliver_with(f, "here.test", outcomes);
		if (rows[i].n_told > 0) {
			compose(f, &told);
			assert_int_equal(told.n_rcpts, rows[i].n_told);
			take_notice(f);
		}
		queue_wait_counter(f, "messages", 0);
	}
}

static void a_notice_survives_a_kill_and_is_not_made_twice(void **state)
{
	struct queue_fixture *f = *state;
	struct told told;

	accept_and_fail(f, text_from_cstr(MESSAGE));
	compose(f, &told);
	queue_wait_record(f, ROLE_AUDIT_KIND_MESSAGE_BOUNCED, NULL);
	queue_kill_and_restart(f, QUEUE_CONF);
	take_notice(f);
	queue_wait_counter(f, "messages", 0);
	assert_false(queue_has_message(&f->scan, 50));
}

static void a_kill_before_the_notice_is_stored_makes_it_anew(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;

	accept_and_fail(f, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE);
	queue_wait_counter(f, "messages", 1);
	queue_kill_and_restart(f, QUEUE_CONF);
	link_close(&room);
	room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE); /* after a pause */
	link_close(&room);
}

static void a_room_that_dies_over_a_notice_is_followed_by_another(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;
	struct told told;

	accept_and_fail(f, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_CRASHED);
	compose(f, &told);
	take_notice(f);
	queue_wait_counter(f, "messages", 0);
}

static void a_large_notice_is_a_file(void **state)
{
	static char text[120000];
	struct queue_fixture *f = *state;
	const struct queue_taken *taken;
	struct link room;
	struct told told;

	memset(text, 'y', sizeof text);
	memcpy(text, NOTICE, sizeof NOTICE - 1);
	accept_and_fail(f, text_from_cstr(MESSAGE));
	room = queue_take_job(f, QUEUE_SCAN_KIND_COMPOSE);
	read_facts(f, &room, &told);
	say_text(&room, text_from_bytes(text, sizeof text));
	room = queue_take_delivery(f, NULL);
	taken = queue_take_message(f, &room);
	assert_int_equal(taken->body.n, sizeof text);
	assert_memory_equal(taken->body.p, text, sizeof text);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(queue_count_bodies(f, false), 0);
	queue_end_delivery(f, &room);
}

static void put_off_again(struct queue_fixture *f)
{
	static const enum queue_delivery_outcome deferred[] = { QUEUE_DELIVERY_OUTCOME_DEFERRED };

	deliver_with(f, "here.test", deferred);
}

static void a_late_message_is_told_once_and_then_expires(void **state)
{
	struct queue_fixture *f = *state;
	struct told told;

	queue_accept(f, &one, text_from_cstr(MESSAGE), NULL);
	put_off_again(f); /* at 0 s: not late */
	assert_false(queue_has_message(&f->scan, 50));
	put_off_again(f); /* at 1 s */
	compose(f, &told);
	assert_int_equal(told.actions[0], QUEUE_COMPOSE_ACTION_DELAYED);
	take_notice(f);
	put_off_again(f);
	assert_false(queue_has_message(&f->scan, 50)); /* not again */
	put_off_again(f);                              /* its age was reached */
	compose(f, &told);
	assert_int_equal(told.actions[0], QUEUE_COMPOSE_ACTION_FAILED);
	take_notice(f);
	queue_wait_counter(f, "messages", 0);
}

/* A room can put any bytes into a sender's address; the notice must not be the end of the queue. */
static void a_senders_domain_of_any_length_is_only_a_destination(void **state)
{
	static const enum queue_delivery_outcome failed[] = { QUEUE_DELIVERY_OUTCOME_FAILED };
	struct queue_fixture *f = *state;
	struct queue_envelope e = { .rcpts = { "b@here.test" } };
	char sender[321];
	struct link room;
	struct told told;

	memset(sender, 'x', sizeof sender);
	sender[1] = '@';
	sender[320] = 0;
	e.sender = sender;
	queue_accept(f, &e, text_from_cstr(MESSAGE), NULL);
	deliver_with(f, "here.test", failed);
	compose(f, &told);
	room = queue_take_delivery(f, NULL);
	queue_end_delivery(f, &room);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define LATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_late, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_failure_is_told_to_the_sender),
		TEST(of_a_large_message_only_the_header_is_returned),
		TEST(one_notice_tells_of_all_and_of_nobody_who_did_not_want_it),
		TEST(a_notice_survives_a_kill_and_is_not_made_twice),
		TEST(a_kill_before_the_notice_is_stored_makes_it_anew),
		TEST(a_room_that_dies_over_a_notice_is_followed_by_another),
		TEST(a_large_notice_is_a_file),
		LATE_TEST(a_late_message_is_told_once_and_then_expires),
		TEST(a_senders_domain_of_any_length_is_only_a_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
