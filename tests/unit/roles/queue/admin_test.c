/* SPDX-License-Identifier: Apache-2.0
 *
 * Administrators: what they see, and that every act is on record before it is done.
 */
#include "queue_fixture.h"

static const struct queue_envelope one = { .sender = "a@far.test", .rcpts = { "b@here.test" } };

static struct queue_fixture fixture;
static struct link admin;

static void open_admin(struct queue_fixture *f)
{
	struct posternd_role_admin m = { .uid = 1000 };
	int fds[2];

	assert_int_equal(link_make_pair(&admin_queue_edge, fds), ERROR_NONE);
	role_fixture_tell(&f->role, POSTERND_ROLE_ADMIN, &m, fds[1]);
	admin = link_of(fds[0], &admin_queue_edge, ADMIN_QUEUE_SIDE_ADMIN);
}

static int set_up(void **state)
{
	queue_start(&fixture, QUEUE_CONF);
	open_admin(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	link_close(&admin);
	queue_end(*state);
	return 0;
}

struct shown {
	char ids[8][21], senders[8][64], reasons[8][64], rcpt_state[16];
	enum admin_queue_state states[8];
	uint32_t n_rows, n_rcpts, attempts, count;
	size_t n_bytes;
	char body[300000];
	bool ok;
	char text[200];
};

/* Everything up to `done`. */
static const struct shown *hear(struct queue_fixture *f)
{
	static struct shown s;
	const void *m = link_body(&f->role.in);

	memset(&s, 0, sizeof s);
	for (f->role.in.type = 0; f->role.in.type != ADMIN_QUEUE_DONE;) {
		assert_int_equal(link_receive(&admin, &f->role.in, role_fixture_deadline()), ERROR_NONE);
		if (f->role.in.type == ADMIN_QUEUE_ROW) {
			const struct admin_queue_row *row = m;
			snprintf(s.ids[s.n_rows], 21, "%.*s", TEXT_ARGS(row->id));
			snprintf(s.senders[s.n_rows], 64, "%.*s", TEXT_ARGS(row->sender));
			snprintf(s.reasons[s.n_rows], 64, "%.*s", TEXT_ARGS(row->reason));
			s.attempts = row->attempts;
			s.states[s.n_rows++] = row->state;
		} else if (f->role.in.type == ADMIN_QUEUE_RCPT) {
			snprintf(s.rcpt_state, 16, "%.*s",
				 TEXT_ARGS(((const struct admin_queue_rcpt *)m)->state));
			s.n_rcpts++;
		} else if (f->role.in.type == ADMIN_QUEUE_CHUNK) {
			struct text data = ((const struct admin_queue_chunk *)m)->data;
			memcpy(s.body + s.n_bytes, data.p, data.n);
			s.n_bytes += data.n;
		}
	}
	s.ok = ((const struct admin_queue_done *)m)->ok;
	s.count = ((const struct admin_queue_done *)m)->count;
	snprintf(s.text, sizeof s.text, "%.*s", TEXT_ARGS(((const struct admin_queue_done *)m)->text));
	return &s;
}

static const struct shown *list(struct queue_fixture *f, const char *recipient, uint32_t limit)
{
	struct admin_queue_list m = { limit, text_from_cstr(recipient) };

	queue_send(&admin, ADMIN_QUEUE_LIST, &m);
	return hear(f);
}

static const struct shown *ask_to_show(struct queue_fixture *f, const char *id)
{
	struct admin_queue_show m = { text_from_cstr(id) };

	queue_send(&admin, ADMIN_QUEUE_SHOW, &m);
	return hear(f);
}

/* With the record that must come before. */
static const struct shown *show(struct queue_fixture *f, const char *id)
{
	struct admin_queue_show m = { text_from_cstr(id) };
	char detail[1001];

	queue_send(&admin, ADMIN_QUEUE_SHOW, &m);
	queue_wait_record(f, ROLE_AUDIT_KIND_ADMIN_QUEUE_SHOW, detail);
	assert_string_equal(detail, "uid=1000");
	return hear(f);
}

/* With the record that must come before the deed. */
static const struct shown *act(struct queue_fixture *f, enum admin_queue_action action, const char *id)
{
	static const enum role_audit_kind kinds[] = {
		[ADMIN_QUEUE_ACTION_RETRY] = ROLE_AUDIT_KIND_ADMIN_QUEUE_RETRY,
		[ADMIN_QUEUE_ACTION_HOLD] = ROLE_AUDIT_KIND_ADMIN_QUEUE_HOLD,
		[ADMIN_QUEUE_ACTION_RELEASE] = ROLE_AUDIT_KIND_ADMIN_QUEUE_RELEASE,
		[ADMIN_QUEUE_ACTION_DELETE] = ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE,
	};
	struct admin_queue_act m = { action, text_from_cstr(id) };
	char detail[1001];

	queue_send(&admin, ADMIN_QUEUE_ACT, &m);
	queue_wait_record(f, kinds[action], detail);
	assert_string_equal(detail, "uid=1000");
	return hear(f);
}

static void a_list_shows_what_is_there_in_order_and_up_to_the_limit(void **state)
{
	static const struct queue_envelope other = { .sender = "x@far.test", .rcpts = { "y@there.test" } };
	struct queue_fixture *f = *state;
	const struct shown *s = list(f, "", 100);
	char ids[2][21];

	assert_true(s->ok);
	assert_int_equal(s->n_rows, 0);
	queue_accept(f, &one, text_from_cstr(MESSAGE), ids[0]);
	queue_accept(f, &other, text_from_cstr(MESSAGE), ids[1]);
	s = list(f, "", 100);
	assert_int_equal(s->n_rows, 2);
	assert_int_equal(s->count, 2);
	for (int i = 0; i < 2; i++)
		assert_string_equal(s->ids[i], ids[i]);
	assert_string_equal(s->senders[0], "a@far.test");
	assert_int_equal(s->states[0], ADMIN_QUEUE_STATE_ACTIVE);
	assert_int_equal(list(f, "", 1)->n_rows, 1);
	s = list(f, "Y@there.test", 100);
	assert_int_equal(s->n_rows, 1);
	assert_string_equal(s->ids[0], ids[1]);
	assert_int_equal(list(f, "nobody@there.test", 100)->n_rows, 0);
}

static void a_message_is_shown_whole_from_memory_and_from_its_file(void **state)
{
	static char large[250000];
	struct queue_fixture *f = *state;
	const struct shown *s;
	char id[21];

	memset(large, 'x', sizeof large);
	memcpy(large, HEADER, sizeof HEADER - 1);
	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	s = show(f, id);
	assert_true(s->ok);
	assert_int_equal(s->n_rcpts, 1);
	assert_string_equal(s->rcpt_state, "pending");
	assert_true(text_has_prefix(text_from_bytes(s->body, s->n_bytes), text_from_cstr("Received: ")));
	assert_true(text_has_suffix_nocase(text_from_bytes(s->body, s->n_bytes), text_from_cstr(MESSAGE)));
	queue_accept(f, &one, text_from_bytes(large, sizeof large), id);
	s = show(f, id);
	assert_true(s->ok);
	assert_memory_equal(s->body + s->n_bytes - sizeof large, large, sizeof large);
}

static void ids_that_are_none_are_told_so(void **state)
{
	static const char *const ids[] = { "", "x", "0000000000000", "'; drop table --", "zzzzzzzzzzzzz" };
	struct queue_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(ids); i++) {
		struct admin_queue_act m = { ADMIN_QUEUE_ACTION_DELETE, text_from_cstr(ids[i]) };
		assert_false(ask_to_show(f, ids[i])->ok);
		queue_send(&admin, ADMIN_QUEUE_ACT, &m); /* an empty one is "all", which nobody deletes */
		assert_false(hear(f)->ok);
	}
}

static void what_is_held_stays_until_it_is_released_also_through_a_kill(void **state)
{
	struct queue_fixture *f = *state;
	const struct shown *s;
	struct link room;
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	room = queue_take_delivery(f, "here.test"); /* it does not ask yet */
	s = act(f, ADMIN_QUEUE_ACTION_HOLD, id);
	assert_true(s->ok);
	assert_false(act(f, ADMIN_QUEUE_ACTION_HOLD, id)->ok);
	assert_false(act(f, ADMIN_QUEUE_ACTION_RETRY, id)->ok);
	s = list(f, "", 10);
	assert_int_equal(s->states[0], ADMIN_QUEUE_STATE_HELD);
	assert_string_equal(s->reasons[0], "held by an administrator");
	link_close(&room);
	queue_wait_counter(f, "messages_held", 1);
	link_close(&admin);
	queue_kill_and_restart(f, QUEUE_CONF);
	open_admin(f);
	assert_int_equal(list(f, "", 10)->states[0], ADMIN_QUEUE_STATE_HELD);
	assert_false(queue_has_message(&f->deliver, 50));
	assert_true(act(f, ADMIN_QUEUE_ACTION_RELEASE, id)->ok);
	assert_false(act(f, ADMIN_QUEUE_ACTION_RELEASE, id)->ok);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DELIVERED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

static void what_was_quarantined_can_be_released_to_its_recipient(void **state)
{
	static const enum queue_judge_finding unscannable[] = { QUEUE_JUDGE_FINDING_UNSCANNABLE };
	struct queue_fixture *f = *state;
	struct link session = queue_announce(f, &one), room;
	char id[21];

	queue_say_message(&session, text_from_cstr(MESSAGE));
	queue_judge(f, unscannable, 1);
	assert_int_equal(queue_hear(f, &session, id), SESSION_QUEUE_OUTCOME_ACCEPTED);
	assert_string_equal(list(f, "", 10)->reasons[0], "unscannable");
	assert_true(act(f, ADMIN_QUEUE_ACTION_RELEASE, id)->ok);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	queue_end_delivery(f, &room);
}

static void retry_makes_what_waits_due(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	for (uint32_t i = 0; i < 3; i++) { /* the second pause is an hour */
		room = queue_take_delivery(f, "here.test");
		queue_take_message(f, &room);
		queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DEFERRED);
		queue_say_done(&room);
		queue_end_delivery(f, &room);
		queue_wait_counter(f, "recipients_deferred", i + 1);
		queue_wait_counter(f, "connections", 0);
		assert_int_equal(list(f, "", 10)->states[0], ADMIN_QUEUE_STATE_DEFERRED);
		assert_int_equal(show(f, id)->attempts, i + 1);
		assert_true(act(f, ADMIN_QUEUE_ACTION_RETRY, i == 1 ? "" : id)->ok);
	}
}

static void what_is_deleted_is_gone_for_good(void **state)
{
	static char large[100000];
	struct queue_fixture *f = *state;
	char id[21];

	memset(large, 'x', sizeof large);
	queue_accept(f, &one, text_from_bytes(large, sizeof large), id);
	assert_true(act(f, ADMIN_QUEUE_ACTION_DELETE, id)->ok);
	queue_wait_counter(f, "messages", 0);
	assert_int_equal(queue_count_bodies(f, false), 0);
	link_close(&admin);
	queue_kill_and_restart(f, QUEUE_CONF);
	open_admin(f);
	assert_int_equal(list(f, "", 10)->n_rows, 0);
}

/* Deleted while a room has it: the room's answer is heard, then it is gone. */
static void a_message_under_way_is_deleted_when_its_room_is_done(void **state)
{
	struct queue_fixture *f = *state;
	struct link room;
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	room = queue_take_delivery(f, "here.test");
	queue_take_message(f, &room);
	assert_true(act(f, ADMIN_QUEUE_ACTION_DELETE, id)->ok);
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	queue_say_result(&room, 0, QUEUE_DELIVERY_OUTCOME_DEFERRED);
	queue_say_done(&room);
	queue_wait_counter(f, "messages", 0);
	queue_end_delivery(f, &room);
}

static void without_a_record_nothing_is_done(void **state)
{
	struct queue_fixture *f = *state;
	struct admin_queue_act m = { ADMIN_QUEUE_ACTION_DELETE, { 0 } };
	const struct shown *s;
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	link_close(&f->audit);
	m.id = text_from_cstr(id);
	queue_send(&admin, ADMIN_QUEUE_ACT, &m);
	s = hear(f);
	assert_false(s->ok);
	assert_non_null(strstr(s->text, "not done"));
	assert_int_equal(role_fixture_counter(&f->role, "messages"), 1);
	s = ask_to_show(f, id);
	assert_false(s->ok);
	assert_int_equal(s->n_rows + s->n_bytes, 0);
}

/* Gone while the record is written: it was ordered, it is done, and nobody is told. */
static void an_administrator_may_leave_before_the_answer(void **state)
{
	struct queue_fixture *f = *state;
	struct admin_queue_act m = { .action = ADMIN_QUEUE_ACTION_DELETE };
	char id[21];

	queue_accept(f, &one, text_from_cstr(MESSAGE), id);
	m.id = text_from_cstr(id);
	queue_send(&admin, ADMIN_QUEUE_ACT, &m);
	link_close(&admin);
	usleep(20000);
	queue_wait_record(f, ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE, NULL);
	queue_wait_counter(f, "messages", 0);
	open_admin(f);
	assert_int_equal(list(f, "", 10)->n_rows, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_shows_what_is_there_in_order_and_up_to_the_limit),
		TEST(a_message_is_shown_whole_from_memory_and_from_its_file),
		TEST(ids_that_are_none_are_told_so),
		TEST(what_is_held_stays_until_it_is_released_also_through_a_kill),
		TEST(what_was_quarantined_can_be_released_to_its_recipient),
		TEST(retry_makes_what_waits_due),
		TEST(what_is_deleted_is_gone_for_good),
		TEST(a_message_under_way_is_deleted_when_its_room_is_done),
		TEST(without_a_record_nothing_is_done),
		TEST(an_administrator_may_leave_before_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
