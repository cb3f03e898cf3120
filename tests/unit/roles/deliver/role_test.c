/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-deliver as a whole, in its sandbox, with the test as queue, resolver and zygotes, and with a
 * listening socket on loopback as every server. Rooms are not forked: the test looks at what a room would
 * be given and says how it ended.
 */
#include "../role_fixture.h"

#include "ipc/client_resolver.h"
#include "ipc/deliver_room.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_delivery.h"
#include "ipc/role_zygote.h"
#include "roles/deliver/deliver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

enum { BY_MX, BY_NEXT_HOP, BY_LMTP, BY_NAME, BY_MAILDIR, NO_MAILDIR }; /* the domains below, in order */

static const char conf_text[] = "hostname gw.test\n"
				"listener public {\n\taddress 8.8.4.4\n}\n"
				"domain mx.test {\n\tmx yes\n}\n"
				"domain hop.test {\n\tnext-hop 127.0.0.2:%u 127.0.0.1:%u\n\ttls required\n}\n"
				"domain lmtp.test {\n\tlmtp 127.0.0.1:%u\n\ttls none\n}\n"
				"domain name.test {\n\tnext-hop server.test:%u\n}\n"
				"domain maildir.test {\n\tmaildir /var/mail\n}\n"
				"domain none.test {\n\tmaildir /var/none\n}\n"
				"deliver {\n\tport %u\n\tallow 127.0.0.0/8\n}\n";

struct world {
	struct role_fixture role;
	struct link queue, resolver, delivery, maildir;
	int listener; /* 127.0.0.1; nobody listens at 127.0.0.2 */
	uint16_t port;
	uint64_t last_job;
	uint64_t ticket; /* of the last spawn */
};

static struct world w;

/* ---- the others ---- */

static void listen_on_loopback(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof in;

	w.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(w.listener, (struct sockaddr *)&in, n), 0);
	assert_int_equal(listen(w.listener, 16), 0);
	assert_int_equal(getsockname(w.listener, (struct sockaddr *)&in, &n), 0);
	w.port = ntohs(in.sin_port);
}

static struct link give_zygote(enum process_id kind)
{
	struct posternd_role_zygote m = { (uint8_t)kind };
	int fds[2];

	assert_int_equal(link_make_pair(&role_zygote_edge, fds), ERROR_NONE);
	role_fixture_tell(&w.role, POSTERND_ROLE_ZYGOTE, &m, fds[1]);
	return link_of(fds[0], &role_zygote_edge, ROLE_ZYGOTE_SIDE_ZYGOTE);
}

static int start(void **state)
{
	struct posternd_role_resource directory = { POSTERND_ROLE_THING_DIRECTORY, BY_MAILDIR };
	char text[1024];

	(void)state;
	memset(&w, 0, sizeof w);
	listen_on_loopback();
	snprintf(text, sizeof text, conf_text, w.port, w.port, w.port, w.port, w.port);
	role_fixture_start(&w.role, "deliver", text);
	role_fixture_tell(&w.role, POSTERND_ROLE_RESOURCE, &directory,
			  open(w.role.state, O_RDONLY | O_DIRECTORY));
	role_fixture_go(&w.role);
	link_in_fit(&w.role.in, &role_zygote_edge);
	link_in_fit(&w.role.in, &deliver_room_edge);
	w.queue = role_fixture_peer(&w.role, ROLE_QUEUE, &queue_deliver_edge, QUEUE_DELIVER_SIDE_QUEUE);
	w.resolver = role_fixture_peer(&w.role, ROLE_RESOLVER, &client_resolver_edge,
				       CLIENT_RESOLVER_SIDE_RESOLVER);
	w.delivery = give_zygote(PROCESS_DELIVERY);
	w.maildir = give_zygote(PROCESS_MAILDIR);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (int64_t until = role_fixture_deadline(); role_fixture_counter(&w.role, "jobs");)
		assert_true(clock_mono_ms() < until);
	assert_int_equal(role_fixture_stop(&w.role), 0);
	link_close(&w.queue);
	link_close(&w.resolver);
	link_close(&w.delivery);
	link_close(&w.maildir);
	close(w.listener);
	role_fixture_end(&w.role);
	return 0;
}

static void give_job(uint32_t route, const char *domain)
{
	struct queue_deliver_job job = { ++w.last_job, route, text_from_cstr(domain) };
	int fds[2];

	assert_int_equal(link_make_pair(&queue_delivery_edge, fds), ERROR_NONE);
	assert_int_equal(link_send(&w.queue, QUEUE_DELIVER_JOB, &job, &fds[1], 1, role_fixture_deadline()),
			 ERROR_NONE);
	close(fds[0]);
	close(fds[1]);
}

static void expect_failed(enum queue_deliver_why why)
{
	const struct queue_deliver_failed *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_FAILED);
	assert_int_equal(m->job, w.last_job);
	assert_int_equal(m->why, why);
}

static void expect_connected(const char *host)
{
	const struct queue_deliver_connected *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_CONNECTED);
	assert_int_equal(m->job, w.last_job);
	unit_text_is(m->host, host);
}

static void expect_ended(bool crashed)
{
	const struct queue_deliver_ended *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_ENDED);
	assert_int_equal(m->job, w.last_job);
	assert_int_equal(m->crashed, crashed);
}

static uint32_t expect_query(enum client_resolver_type type, const char *name)
{
	const struct client_resolver_query *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.resolver, CLIENT_RESOLVER_QUERY);
	assert_int_equal(m->type, type);
	unit_text_is(m->name, name);
	return m->id;
}

static void answer(unsigned type, const void *body)
{
	assert_int_equal(link_send(&w.resolver, type, body, NULL, 0, role_fixture_deadline()), ERROR_NONE);
}

static void answer_done(uint32_t id, enum client_resolver_status status)
{
	struct client_resolver_done done = { .id = id, .status = status };

	answer(CLIENT_RESOLVER_DONE, &done);
}

/* Up to two MX records. */
static void answer_mx(const char *domain, const char *first, uint16_t preference, const char *second,
		      uint16_t second_preference)
{
	uint32_t id = expect_query(CLIENT_RESOLVER_TYPE_MX, domain);
	struct client_resolver_name a = { id, text_from_cstr(first), preference, 60 };
	struct client_resolver_name b = { id, text_from_cstr(second), second_preference, 60 };

	answer(CLIENT_RESOLVER_NAME, &a);
	if (second)
		answer(CLIENT_RESOLVER_NAME, &b);
	answer_done(id, CLIENT_RESOLVER_STATUS_OK);
}

/* The questions for both kinds of address; NULL: there is none. */
static void answer_address(const char *name, const char *v4, const char *v6)
{
	uint32_t id = expect_query(CLIENT_RESOLVER_TYPE_A, name);
	struct client_resolver_address m = { .id = id, .ttl = 60 };

	if (v4) {
		assert_true(addr_parse(text_from_cstr(v4), &m.address));
		answer(CLIENT_RESOLVER_ADDRESS, &m);
	}
	answer_done(id, v4 ? CLIENT_RESOLVER_STATUS_OK : CLIENT_RESOLVER_STATUS_NO_DATA);
	m.id = id = expect_query(CLIENT_RESOLVER_TYPE_AAAA, name);
	if (v6) {
		assert_true(addr_parse(text_from_cstr(v6), &m.address));
		answer(CLIENT_RESOLVER_ADDRESS, &m);
	}
	answer_done(id, v6 ? CLIENT_RESOLVER_STATUS_OK : CLIENT_RESOLVER_STATUS_NO_DATA);
}

/* A room is asked for; what it would be told. Its descriptors are in w.role.in. */
static void expect_room(struct link *zygote, struct deliver_room_begin *ret_begin, char *ret_host)
{
	const struct role_zygote_spawn_3 *spawn = link_body(&w.role.in);
	struct link control;
	int fds[3];

	role_fixture_receive(&w.role, zygote, ROLE_ZYGOTE_SPAWN_3);
	w.ticket = spawn->ticket;
	memcpy(fds, w.role.in.fds, sizeof fds);
	control = link_of(fds[2], &deliver_room_edge, DELIVER_ROOM_SIDE_ROOM);
	role_fixture_receive(&w.role, &control, DELIVER_ROOM_BEGIN);
	*ret_begin = *(const struct deliver_room_begin *)link_body(&w.role.in);
	unit_text_is(ret_begin->ehlo_name, "gw.test");
	snprintf(ret_host, 256, "%.*s", TEXT_ARGS(ret_begin->host));
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
}

/* The same for a server; it was connected. */
static struct deliver_room_begin expect_connection(const char *host)
{
	struct deliver_room_begin begin;
	char name[256];
	int fd;

	expect_room(&w.delivery, &begin, name);
	assert_string_equal(name, host);
	assert_int_equal(begin.port, w.port);
	fd = accept(w.listener, NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
	expect_connected(host);
	return begin;
}

static void end_room(struct link *zygote, int64_t status)
{
	struct role_zygote_ended ended = { w.ticket, 1, status };

	assert_int_equal(link_send(zygote, ROLE_ZYGOTE_ENDED, &ended, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
}

#define EXITED(code) ((int64_t)(code) << 8)

/* ---- MX ---- */

static void the_best_mx_is_connected_first(void **state)
{
	struct deliver_room_begin begin;

	(void)state;
	give_job(BY_MX, "mx.test");
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
	give_job(UINT32_MAX, "else.test");
	answer_mx("else.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.1", NULL);
	assert_true(expect_connection("a.test").is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void without_mx_the_domain_itself_is_asked(void **state)
{
	(void)state;
	give_job(UINT32_MAX, "else.test");
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
		give_job(UINT32_MAX, "else.test");
		answer_done(expect_query(CLIENT_RESOLVER_TYPE_MX, "else.test"), cases[i].status);
		expect_failed(cases[i].why);
	}
	give_job(UINT32_MAX, "else.test");
	answer_mx("else.test", ".", 0, NULL, 0);
	expect_failed(QUEUE_DELIVER_WHY_NULL_MX);
	give_job(UINT32_MAX, "else.test");
	answer_mx("else.test", "gw.test", 10, "b.test", 20); /* ourselves */
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void an_mx_that_leads_inside_is_refused(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "10.0.0.1", "::1");
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void a_domain_without_any_address_has_failed(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", NULL, NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_ADDRESS);
	give_job(BY_MX, "mx.test");
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test"),
		    CLIENT_RESOLVER_STATUS_NO_DATA); /* the implicit one */
	answer_address("mx.test", NULL, NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_ADDRESS);
	give_job(BY_MX, "mx.test"); /* but not while the DNS is in trouble */
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_A, "a.test"), CLIENT_RESOLVER_STATUS_NO_NAME);
	answer_done(expect_query(CLIENT_RESOLVER_TYPE_AAAA, "a.test"), CLIENT_RESOLVER_STATUS_FAILED);
	expect_failed(QUEUE_DELIVER_WHY_DNS_FAILED);
}

static void an_mx_that_leads_to_us_ends_the_walk(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
	answer_mx("mx.test", "a.test", 10, "b.test", 20);
	answer_address("a.test", "8.8.4.4", NULL);
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
}

static void a_literal_is_used_only_when_allowed(void **state)
{
	(void)state;
	give_job(UINT32_MAX, "[8.8.8.8]");
	expect_failed(QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
	give_job(UINT32_MAX, "[127.0.0.1]");
	expect_connection("");
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

/* ---- one after another ---- */

static void the_next_server_is_tried_when_one_refuses_to_connect(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
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
	give_job(BY_MX, "mx.test");
	answer_mx("mx.test", "a.test", 10, NULL, 0);
	answer_address("a.test", "127.0.0.2", NULL);
	expect_failed(QUEUE_DELIVER_WHY_CONNECT_REFUSED);
}

static void the_next_server_is_tried_when_one_turns_us_away(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
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
	give_job(BY_MX, "mx.test");
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
	give_job(BY_LMTP, "lmtp.test");
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
	give_job(BY_NEXT_HOP, "hop.test");
	begin = expect_connection("");
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_SMTP);
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_MUST);
	assert_true(begin.is_last);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
	give_job(BY_LMTP, "lmtp.test");
	begin = expect_connection("");
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_LMTP);
	assert_int_equal(begin.tls, DELIVER_ROOM_TLS_NONE);
	end_room(&w.delivery, EXITED(0));
	expect_ended(false);
}

static void the_name_of_a_configured_server_is_looked_up(void **state)
{
	(void)state;
	give_job(BY_NAME, "name.test");
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
	give_job(BY_MAILDIR, "maildir.test");
	expect_room(&w.maildir, &begin, host);
	assert_int_equal(begin.protocol, DELIVER_ROOM_PROTOCOL_MAILDIR);
	expect_connected("");
	end_room(&w.maildir, EXITED(0));
	expect_ended(false);
	give_job(NO_MAILDIR, "none.test");
	expect_failed(QUEUE_DELIVER_WHY_DIRECTORY_FAILED);
}

/* ---- others go ---- */

static void a_fresh_resolver_is_asked_again(void **state)
{
	(void)state;
	give_job(BY_MX, "mx.test");
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
	give_job(BY_MX, "mx.test");
	id = expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test");
	cancel.job = w.last_job;
	assert_int_equal(link_send(&w.queue, QUEUE_DELIVER_CANCEL, &cancel, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
	give_job(NO_MAILDIR, "none.test");
	expect_failed(QUEUE_DELIVER_WHY_DIRECTORY_FAILED); /* nothing was said of the first */
	answer_done(id, CLIENT_RESOLVER_STATUS_NO_NAME);   /* too late */
}

static void a_cancelled_room_is_killed(void **state)
{
	struct queue_deliver_cancel cancel;

	(void)state;
	give_job(BY_LMTP, "lmtp.test");
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
	give_job(BY_MX, "mx.test");
	expect_query(CLIENT_RESOLVER_TYPE_MX, "mx.test");
	give_job(BY_LMTP, "lmtp.test");
	expect_connection("");
	old_ticket = w.ticket;
	link_close(&w.queue);
	role_fixture_receive(&w.role, &w.delivery, ROLE_ZYGOTE_KILL);
	/* A fresh queue counts from the start, while a room of the old one is still there. */
	w.last_job = 0;
	w.queue = role_fixture_peer(&w.role, ROLE_QUEUE, &queue_deliver_edge, QUEUE_DELIVER_SIDE_QUEUE);
	for (int i = 0; i < 2; i++) {
		give_job(BY_LMTP, "lmtp.test");
		expect_connection("");
		end_room(&w.delivery, EXITED(0));
		expect_ended(false);
	}
	w.ticket = old_ticket;
	end_room(&w.delivery, SIGKILL);
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
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
