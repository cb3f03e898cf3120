/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-policy as a whole, in its sandbox: one client from `connect` to the envelope at queue, a file
 * of recipients, a reload, queue coming and going.
 */
#include "../role_fixture.h"

#include "ipc/policy_queue.h"
#include "ipc/policy_session.h"
#include "ipc/receive_policy.h"
#include "ipc/session_queue.h"

struct fixture {
	struct role_fixture role;
	struct link receive, queue;
};

static const char settings[] = "listener in {\n\taddress 127.0.0.1\n\ttls off\n\tmax-connections 100\n}\n"
			       "domain example.org {\n\tnext-hop 192.0.2.9\n\trecipients-file /f\n}\n";

static void give_file(struct fixture *f, const char *content)
{
	struct posternd_role_resource recipients = { POSTERND_ROLE_THING_RECIPIENTS,
						     role_fixture_domain("example.org") };

	role_fixture_tell(&f->role, POSTERND_ROLE_RESOURCE, &recipients,
			  role_fixture_file(text_from_cstr(content)));
}

static void new_queue(struct fixture *f)
{
	f->queue = role_fixture_peer(&f->role, ROLE_QUEUE, &policy_queue_edge, POLICY_QUEUE_SIDE_QUEUE);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	role_fixture_start(&f->role, "policy", settings);
	give_file(f, "anna\n");
	f->receive =
		role_fixture_peer(&f->role, ROLE_RECEIVE, &receive_policy_edge, RECEIVE_POLICY_SIDE_RECEIVE);
	new_queue(f);
	link_in_fit(&f->role.in, &policy_session_edge);
	role_fixture_go(&f->role);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(role_fixture_stop(&f->role), 0); /* no system call was missed */
	link_close(&f->receive);
	link_close(&f->queue);
	role_fixture_end(&f->role);
	free(f);
	return 0;
}

static void tell(struct link *l, unsigned type, const void *body)
{
	assert_int_equal(link_send(l, type, body, NULL, 0, role_fixture_deadline()), ERROR_NONE);
}

static struct link connect_client(struct fixture *f, uint64_t session)
{
	struct receive_policy_connect ask = { .session = session, .port = 4321 };

	assert_true(addr_parse(text_from_cstr("192.0.2.1"), &ask.client));
	tell(&f->receive, RECEIVE_POLICY_CONNECT, &ask);
	role_fixture_receive(&f->role, &f->receive, RECEIVE_POLICY_ADMITTED);
	return link_of(f->role.in.fds[0], &policy_session_edge, POLICY_SESSION_SIDE_SESSION);
}

static unsigned ask(struct fixture *f, struct link *room, unsigned type, const void *body)
{
	tell(room, type, body);
	assert_int_equal(link_receive(room, &f->role.in, role_fixture_deadline()), ERROR_NONE);
	return f->role.in.type;
}

static unsigned ask_mail(struct fixture *f, struct link *room)
{
	struct policy_session_helo helo = { text_from_cstr("client.example"), true };
	struct policy_session_mail mail = { .sender = text_from_cstr("") };

	assert_int_equal(ask(f, room, POLICY_SESSION_HELO, &helo), POLICY_SESSION_HELO_ANSWER);
	return ask(f, room, POLICY_SESSION_MAIL, &mail);
}

static unsigned ask_rcpt(struct fixture *f, struct link *room, const char *address)
{
	struct policy_session_rcpt rcpt = { .address = text_from_cstr(address) };

	return ask(f, room, POLICY_SESSION_RCPT, &rcpt);
}

static void a_message_finds_its_way(void **state)
{
	struct receive_policy_closed closed = { 1, RECEIVE_POLICY_HOW_QUIT };
	struct fixture *f = *state;
	struct link room = connect_client(f, 1);

	assert_int_equal(role_fixture_counter(&f->role, "sessions"), 1);
	assert_int_equal(ask_mail(f, &room), POLICY_SESSION_MAIL_OK);
	assert_int_equal(ask_rcpt(f, &room, "nobody@example.org"), POLICY_SESSION_RCPT_REFUSED_FIRST);
	assert_int_equal(ask_rcpt(f, &room, "anna@example.org"), POLICY_SESSION_RCPT_OK);
	assert_int_equal(ask(f, &room, POLICY_SESSION_DATA, NULL), POLICY_SESSION_GO);
	close(f->role.in.fds[0]);
	role_fixture_receive(&f->role, &f->queue, POLICY_QUEUE_ENVELOPE);
	close(f->role.in.fds[0]);
	role_fixture_receive(&f->role, &f->queue, POLICY_QUEUE_RCPT);
	tell(&f->receive, RECEIVE_POLICY_CLOSED, &closed);
	assert_int_equal(link_receive(&room, &f->role.in, role_fixture_deadline()), ERROR_CLOSED);
	assert_int_equal(role_fixture_counter(&f->role, "sessions"), 0);
	assert_int_equal(role_fixture_counter(&f->role, "handed_over"), 1);
	link_close(&room);
}

static void lists_change_by_reload(void **state)
{
	struct fixture *f = *state;
	struct link room = connect_client(f, 1);

	assert_int_equal(ask_mail(f, &room), POLICY_SESSION_MAIL_OK);
	give_file(f, "bob\n");
	role_fixture_tell(&f->role, POSTERND_ROLE_RELOAD, NULL, role_fixture_file(text_from_cstr(settings)));
	assert_true(role_fixture_counter(&f->role, "sessions") == 1); /* it is read */
	assert_int_equal(ask_rcpt(f, &room, "anna@example.org"), POLICY_SESSION_RCPT_REFUSED_FIRST);
	assert_int_equal(ask_rcpt(f, &room, "bob@example.org"), POLICY_SESSION_RCPT_OK);
	link_close(&room);
}

static void queue_is_heeded(void **state)
{
	struct policy_queue_admission full = { POLICY_QUEUE_PRESSURE_FULL };
	struct fixture *f = *state;
	struct link room = connect_client(f, 1);

	tell(&f->queue, POLICY_QUEUE_ADMISSION, &full);
	assert_true(role_fixture_counter(&f->role, "sessions") == 1);
	assert_int_equal(ask_mail(f, &room), POLICY_SESSION_MAIL_REFUSED);
	link_close(&f->queue);
	new_queue(f); /* it starts anew, and is open until it says otherwise */
	assert_true(role_fixture_counter(&f->role, "sessions") == 1);
	assert_int_equal(ask_mail(f, &room), POLICY_SESSION_MAIL_OK);
	link_close(&room);
}

static void a_new_receive_begins_with_nobody(void **state)
{
	struct fixture *f = *state;
	struct link room = connect_client(f, 1);

	link_close(&f->receive);
	assert_int_equal(link_receive(&room, &f->role.in, role_fixture_deadline()), ERROR_CLOSED);
	link_close(&room);
	f->receive =
		role_fixture_peer(&f->role, ROLE_RECEIVE, &receive_policy_edge, RECEIVE_POLICY_SIDE_RECEIVE);
	link_in_fit(&f->role.in, &policy_session_edge);
	room = connect_client(f, 1);
	assert_int_equal(role_fixture_counter(&f->role, "sessions"), 1);
	link_close(&room);
}

static void every_connection_has_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct link rooms[100];

	for (uint64_t i = 0; i < 50; i++)
		rooms[i] = connect_client(f, i);
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(ask_mail(f, &rooms[i]), POLICY_SESSION_MAIL_OK);
	for (uint64_t i = 0; i < 50; i++)
		link_close(&rooms[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_finds_its_way),
		TEST(lists_change_by_reload),
		TEST(queue_is_heeded),
		TEST(a_new_receive_begins_with_nobody),
		TEST(every_connection_has_a_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
