/* SPDX-License-Identifier: Apache-2.0
 *
 * The standing part of deliver: which servers are found and tried, in which order, how rooms begin and
 * end, and what happens when others go or the configuration is new.
 */
#include "deliver_fixture.h"

/* ---- MX ---- */

static void the_best_mx_is_connected_first(void **state)
{
	struct deliver_room_begin begin;

	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "b.test", 20, "a.test", 10);
	answer_address("a.test", "127.0.0.1", NULL);
	begin = expect_connection("a.test");
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_SMTP);
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_MAY);
	assert_false(begin.is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void a_domain_that_is_not_configured_goes_by_its_mx(void **state)
{
	(void)state;
	give_job_by(CONF_DOMAIN_NONE, "else.test");
	answer_mx("else.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.1", NULL);
	assert_true(expect_connection("a.test").is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void without_mx_the_domain_itself_is_asked(void **state)
{
	(void)state;
	give_job_by(CONF_DOMAIN_NONE, "else.test");
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_MX, "else.test"), CLIENT_RESOLVER_STATUS_NO_DATA);
	answer_address("else.test", "127.0.0.1", NULL);
	expect_connection("else.test");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void answers_that_end_a_job(void **state)
{
	static const struct {
		enum client_resolver_status status;
		enum queue_deliver_why why;
	} cases[] = {
		{ CLIENT_RESOLVER_STATUS_NO_NAME, QUEUE_DELIVER_WHY_NO_SUCH_DOMAIN },
		{ CLIENT_RESOLVER_STATUS_FAILED, QUEUE_DELIVER_WHY_DNS_FAILED },
		{ CLIENT_RESOLVER_STATUS_BOGUS, QUEUE_DELIVER_WHY_DNS_FAILED },
		{ CLIENT_RESOLVER_STATUS_TIMEOUT, QUEUE_DELIVER_WHY_DNS_FAILED },
		{ CLIENT_RESOLVER_STATUS_REFUSED, QUEUE_DELIVER_WHY_DNS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		give_job_by(CONF_DOMAIN_NONE, "else.test");
		answer_done(expect_query(CLIENT_RESOLVER_TYPE_MX, "else.test"), cases[i].status);
		expect_failed(cases[i].why);
	}
	give_job_by(CONF_DOMAIN_NONE, "else.test");
	answer_mx("else.test", ".", 0, NULL, 0);
	expect_failed(QUEUE_DELIVER_WHY_NULL_MX);
	give_job_by(CONF_DOMAIN_NONE, "else.test");
	answer_mx("else.test", "gw.test", 10, "b.test", 20); /* ourselves */
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void an_mx_that_leads_inside_is_refused(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "10.0.0.1", "::1");
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void a_domain_without_any_address_has_failed(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", NULL, NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_ADDRESS);
	give_job("mx.test");
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test"),
		    CLIENT_RESOLVER_STATUS_NO_DATA); /* the implicit one */
	answer_address("mx.test", NULL, NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_ADDRESS);
	give_job("mx.test"); /* but not while the DNS is in trouble */
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_A, "a.test"), CLIENT_RESOLVER_STATUS_NO_NAME);
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_AAAA, "a.test"), CLIENT_RESOLVER_STATUS_FAILED);
	expect_failed(QUEUE_DELIVER_WHY_DNS_FAILED);
}

static void an_mx_that_leads_to_us_ends_the_walk(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, "b.test", 20);
	answer_address("a.test", "8.8.4.4", NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void a_literal_is_used_only_when_allowed(void **state)
{
	(void)state;
	give_job_by(CONF_DOMAIN_NONE, "[8.8.8.8]");
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
	give_job_by(CONF_DOMAIN_NONE, "[127.0.0.1]");
	expect_connection("");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void a_block_that_is_not_known_yet_is_not_delivered_by_mx(void **state)
{
	(void)state;
	give_job_by(role_fixture_domain("new.test"), "new.test");
	expect_failed(QUEUE_DELIVER_WHY_BUSY);
}

/* ---- one after another ---- */

static void the_next_server_is_tried_when_one_refuses_to_connect(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, "b.test", 20);
	answer_address("a.test", "127.0.0.2", NULL);
	answer_address("b.test", "127.0.0.1", NULL);
	assert_true(expect_connection("b.test").is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void nobody_listens(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.2", NULL);
	expect_failed(QUEUE_DELIVER_WHY_CONNECT_REFUSED);
}

static void the_next_server_is_tried_when_one_turns_us_away(void **state)
{
	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, "b.test", 20);
	answer_address("a.test", "127.0.0.1", NULL);
	assert_false(expect_connection("a.test").is_last);
	end_room(&w.delivery, EXITED(DELIVER_TRY_NEXT));
	answer_address("b.test", "127.0.0.1", NULL);
	assert_true(expect_connection("b.test").is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void after_a_failed_handshake_the_same_server_is_tried_in_clear(void **state)
{
	struct deliver_room_begin begin;

	(void)state;
	give_job("mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.1", NULL);
	assert_int_equal(expect_connection("a.test").tls, DELIVER_ROOM_TLS_MAY);
	end_room(&w.delivery, EXITED(DELIVER_NO_TLS));
	begin = expect_connection("a.test");
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_NONE);
	assert_true(begin.is_last);
	end_room(&w.delivery, EXITED(DELIVER_NO_TLS)); /* a room that lies is not believed twice */
	expect_ended(false);
}

static void a_crashed_room_is_told(void **state)
{
	(void)state;
	give_job("lmtp.test");
	expect_connection("");
	end_room(&w.delivery, SIGSEGV);
	expect_ended(true);
	assert_int_equal(role_fixture_counter(&w.role, "rooms_crashed"), 1);
}

/* ---- configured servers ---- */

static void configured_servers_are_tried_in_their_order(void **state)
{
	struct deliver_room_begin begin;

	(void)state;
	give_job("hop.test");
	begin = expect_connection("");
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_SMTP);
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_MUST);
	assert_true(begin.is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
	give_job("lmtp.test");
	begin = expect_connection("");
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_LMTP);
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_NONE);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void the_name_of_a_configured_server_is_looked_up(void **state)
{
	(void)state;
	give_job("name.test");
	answer_address("server.test", "127.0.0.1", NULL);
	expect_connection("server.test");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void a_maildir_room_gets_the_directory(void **state)
{
	struct deliver_room_begin begin;
	char host[256];

	(void)state;
	give_job("maildir.test");
	expect_room(&w.maildir, &begin, host);
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_MAILDIR);
	expect_connected("");
	end_room(&w.maildir, EXITED(0));
	expect_ended(false);
	give_job("none.test");
	expect_failed(QUEUE_DELIVER_WHY_DIRECTORY_FAILED);
}

/* ---- others go ---- */

static void a_fresh_resolver_is_asked_again(void **state)
{
	(void)state;
	give_job("mx.test");
	expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test");
	link_close(&w.resolver);
	w.resolver = role_fixture_peer(&w.role, ROLE_RESOLVER, &client_resolver_edge,
				       CLIENT_RESOLVER_SIDE_RESOLVER);
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.1", NULL);
	expect_connection("a.test");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void a_cancelled_job_is_forgotten(void **state)
{
	struct queue_deliver_cancel cancel;
	uint32_t id;

	(void)state;
	give_job("mx.test");
	id = expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test");
	cancel.job = w.last_job;
	assert_int_equal(link_send(&w.queue, QUEUE_DELIVER_CANCEL, &cancel, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
	give_job("none.test");
	expect_failed(QUEUE_DELIVER_WHY_DIRECTORY_FAILED); /* nothing was said of the first */
	answer_done(id, CLIENT_RESOLVER_STATUS_NO_NAME);   /* too late */
}

static void a_cancelled_room_is_killed(void **state)
{
	struct queue_deliver_cancel cancel;

	(void)state;
	give_job("lmtp.test");
	expect_connection("");
	cancel.job = w.last_job;
	assert_int_equal(link_send(&w.queue, QUEUE_DELIVER_CANCEL, &cancel, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
	role_fixture_receive(&w.role, &w.delivery, ROLE_ZYGOTE_KILL);
	end_room(&w.delivery, SIGKILL);
	expect_ended(false);
}

static void a_queue_that_is_gone_takes_its_jobs_along(void **state)
{
	uint64_t old_ticket;

	(void)state;
	give_job("mx.test");
	expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test");
	give_job("lmtp.test");
	expect_connection("");
	old_ticket = w.ticket;
	link_close(&w.queue);
	role_fixture_receive(&w.role, &w.delivery, ROLE_ZYGOTE_KILL);
	/* A fresh queue counts from the start, while a room of the old one is still there. */
	w.last_job = 0;
	w.queue = role_fixture_peer(&w.role, ROLE_QUEUE, &queue_deliver_edge, QUEUE_DELIVER_SIDE_QUEUE);
	for (int i = 0; i < 2; i++) {
		give_job("lmtp.test");
		expect_connection("");
		end_room(&w.delivery, EXITED(0));
		expect_ended(false);
	}
	w.ticket = old_ticket;
	end_room(&w.delivery, SIGKILL);
}

/* ---- a new configuration ---- */

static void reload(uint16_t port)
{
	char text[1024];

	print_conf(port, text);
	role_fixture_tell(&w.role, POSTERND_ROLE_RELOAD, NULL, role_fixture_file(text_from_cstr(text)));
}

static void the_same_ports_are_in_force_at_once(void **state)
{
	(void)state;
	reload(w.port);
	role_fixture_tell(&w.role, POSTERND_ROLE_SYNC, NULL, -1);
	role_fixture_receive(&w.role, &w.role.posternd, POSTERND_ROLE_SYNCED);
	give_job("lmtp.test");
	expect_connection("");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

/* Landlock holds the ports, so another process must come; the server's answer to this one counts first. */
static void other_ports_come_when_deliveries_under_way_have_ended(void **state)
{
	(void)state;
	give_job("lmtp.test");
	expect_connection("");
	reload((uint16_t)(w.port ^ 1));
	role_fixture_tell(&w.role, POSTERND_ROLE_SYNC, NULL, -1);
	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_LEAVING);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
	assert_int_equal(role_fixture_wait(&w.role), 0);
	/* It has not said that the new ones are in force. */
	assert_int_equal(link_receive(&w.role.posternd, &w.role.in, role_fixture_deadline()), ERROR_CLOSED);
	disconnect();
}

static void other_ports_come_at_once_when_nothing_is_under_way(void **state)
{
	(void)state;
	reload((uint16_t)(w.port ^ 1));
	assert_int_equal(role_fixture_wait(&w.role), 0);
	disconnect();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_mx_is_connected_first),
		TEST(a_domain_that_is_not_configured_goes_by_its_mx),
		TEST(without_mx_the_domain_itself_is_asked),
		TEST(answers_that_end_a_job),
		TEST(an_mx_that_leads_inside_is_refused),
		TEST(a_domain_without_any_address_has_failed),
		TEST(an_mx_that_leads_to_us_ends_the_walk),
		TEST(a_literal_is_used_only_when_allowed),
		TEST(a_block_that_is_not_known_yet_is_not_delivered_by_mx),
		TEST(the_next_server_is_tried_when_one_refuses_to_connect),
		TEST(nobody_listens),
		TEST(the_next_server_is_tried_when_one_turns_us_away),
		TEST(after_a_failed_handshake_the_same_server_is_tried_in_clear),
		TEST(a_crashed_room_is_told),
		TEST(configured_servers_are_tried_in_their_order),
		TEST(the_name_of_a_configured_server_is_looked_up),
		TEST(a_maildir_room_gets_the_directory),
		TEST(a_fresh_resolver_is_asked_again),
		TEST(a_cancelled_job_is_forgotten),
		TEST(a_cancelled_room_is_killed),
		TEST(a_queue_that_is_gone_takes_its_jobs_along),
		TEST(the_same_ports_are_in_force_at_once),
		cmocka_unit_test_setup(other_ports_come_when_deliveries_under_way_have_ended, start),
		cmocka_unit_test_setup(other_ports_come_at_once_when_nothing_is_under_way, start),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
