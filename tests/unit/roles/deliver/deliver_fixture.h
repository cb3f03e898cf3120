/* SPDX-License-Identifier: Apache-2.0
 *
 * deliver_fixture - postern-deliver as a whole, in its sandbox, with the test as queue, resolver and
 * zygotes, and with a listening socket on loopback as every server. Rooms are not forked: the test looks
 * at what a room would be given and says how it ended.
 */
#ifndef TESTS_DELIVER_FIXTURE_H
#define TESTS_DELIVER_FIXTURE_H

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

static inline void listen_on_loopback(void)
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

static inline struct link give_zygote(enum process_id kind)
{
	struct posternd_role_zygote m = { (uint8_t)kind };
	int fds[2];

	assert_int_equal(link_make_pair(&role_zygote_edge, fds), ERROR_NONE);
	role_fixture_tell(&w.role, POSTERND_ROLE_ZYGOTE, &m, fds[1]);
	return link_of(fds[0], &role_zygote_edge, ROLE_ZYGOTE_SIDE_ZYGOTE);
}

/* `port` is that of deliver and of the last next hop. */
static inline void print_conf(uint16_t port, char text[1024])
{
	snprintf(text, 1024, conf_text, w.port, w.port, w.port, port, port);
}

static inline int start(void **state)
{
	struct posternd_role_resource directory = { POSTERND_ROLE_THING_DIRECTORY,
						    role_fixture_domain("maildir.test") };
	char text[1024];

	(void)state;
	memset(&w, 0, sizeof w);
	listen_on_loopback();
	print_conf(w.port, text);
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

static inline void disconnect(void)
{
	link_close(&w.queue);
	link_close(&w.resolver);
	link_close(&w.delivery);
	link_close(&w.maildir);
	close(w.listener);
	role_fixture_end(&w.role);
}

static inline int stop(void **state)
{
	(void)state;
	for (int64_t until = role_fixture_deadline(); role_fixture_counter(&w.role, "jobs");)
		assert_true(clock_mono_ms() < until);
	assert_int_equal(role_fixture_stop(&w.role), 0);
	disconnect();
	return 0;
}

static inline void give_job_by(uint64_t route, const char *domain)
{
	struct queue_deliver_job job = { ++w.last_job, route, text_from_cstr(domain) };
	int fds[2];

	assert_int_equal(link_make_pair(&queue_delivery_edge, fds), ERROR_NONE);
	assert_int_equal(link_send(&w.queue, QUEUE_DELIVER_JOB, &job, &fds[1], 1, role_fixture_deadline()),
			 ERROR_NONE);
	close(fds[0]);
	close(fds[1]);
}

/* By the block of that name. */
static inline void give_job(const char *domain)
{
	give_job_by(role_fixture_domain(domain), domain);
}

static inline void expect_failed(enum queue_deliver_why why)
{
	const struct queue_deliver_failed *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_FAILED);
	assert_int_equal(m->job, w.last_job);
	assert_int_equal(m->why, why);
}

static inline void expect_connected(const char *host)
{
	const struct queue_deliver_connected *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_CONNECTED);
	assert_int_equal(m->job, w.last_job);
	unit_text_is(m->host, host);
}

static inline void expect_ended(bool crashed)
{
	const struct queue_deliver_ended *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.queue, QUEUE_DELIVER_ENDED);
	assert_int_equal(m->job, w.last_job);
	assert_int_equal(m->crashed, crashed);
}

static inline uint32_t expect_query(enum client_resolver_type type, const char *name)
{
	const struct client_resolver_query *m = link_body(&w.role.in);

	role_fixture_receive(&w.role, &w.resolver, CLIENT_RESOLVER_QUERY);
	assert_int_equal(m->type, type);
	unit_text_is(m->name, name);
	return m->id;
}

static inline void answer(unsigned type, const void *body)
{
	assert_int_equal(link_send(&w.resolver, type, body, NULL, 0, role_fixture_deadline()), ERROR_NONE);
}

static inline void answer_done(uint32_t id, enum client_resolver_status status)
{
	struct client_resolver_done done = { .id = id, .status = status };

	answer(CLIENT_RESOLVER_DONE, &done);
}

/* Up to two MX records. */
static inline void answer_mx(const char *domain, const char *first, uint16_t preference, const char *second,
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
static inline void answer_address(const char *name, const char *v4, const char *v6)
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
static inline void expect_room(struct link *zygote, struct deliver_room_begin *ret_begin, char *ret_host)
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
static inline struct deliver_room_begin expect_connection(const char *host)
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

static inline void end_room(struct link *zygote, int64_t status)
{
	struct role_zygote_ended ended = { w.ticket, 1, status };

	assert_int_equal(link_send(zygote, ROLE_ZYGOTE_ENDED, &ended, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
}

#define EXITED(code) ((int64_t)(code) << 8)

#endif
