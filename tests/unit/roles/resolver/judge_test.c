/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-judge-resolver as a whole, in its sandbox: the budget of a room's channel, which the resolver
 * counts. A little server of the test gives every name below "odd.test" an address, and none to names that
 * begin with "h".
 */
#include "../role_fixture.h"

#include "ipc/client_resolver.h"
#include "ipc/scan_resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define QUERIES 8 /* of a message */

static unsigned port;
static pid_t server;

static void serve(int fd)
{
	static const char address[] = "\xc0\x0c\0\1\0\1\0\0\1\54\0\4\300\0\2\115";
	struct sockaddr_storage from;
	socklen_t from_n = sizeof from;
	char b[2048];
	ssize_t n = recvfrom(fd, b, 1024, 0, (struct sockaddr *)&from, &from_n);
	size_t end = 12;

	while (n > 12 && end < (size_t)n && b[end])
		end += 1u + (uint8_t)b[end];
	end += 5;
	if (n < 12 || end > (size_t)n || b[13] == 'h')
		return;
	b[2] = (char)0x84;
	b[3] = 0;
	b[7] = 1;
	memset(b + 8, 0, 4);
	memcpy(b + end, address, sizeof address - 1);
	sendto(fd, b, end + sizeof address - 1, 0, (struct sockaddr *)&from, from_n);
}

static int start_server(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof in;

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	port = ntohs(in.sin_port);
	server = fork();
	while (server == 0)
		serve(fd);
	close(fd);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}

struct fixture {
	struct role_fixture role;
	struct link scan, room;
	struct client_resolver_done done;
};

/* What scan does for each room. */
static struct link add_room(struct fixture *f)
{
	int fds[2];

	assert_int_equal(link_make_pair(&client_resolver_edge, fds), ERROR_NONE);
	assert_int_equal(link_send(&f->scan, SCAN_RESOLVER_ASKER, NULL, &fds[1], 1, role_fixture_deadline()),
			 ERROR_NONE);
	close(fds[1]);
	return link_of(fds[0], &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char text[512];

	snprintf(text, sizeof text,
		 "resolver {\n\tmode stub\n}\nstub-zone odd.test {\n\tserver 127.0.0.1:%u\n}\n"
		 "judge-resolver {\n\ttimeout 1s\n\tmessage-queries %u\n\tmessage-bytes 4K\n\tmessage-time "
		 "1s\n}\n",
		 port, QUERIES);
	role_fixture_start(&f->role, "judge-resolver", text);
	f->scan = role_fixture_peer(&f->role, ROLE_SCAN, &scan_resolver_edge, SCAN_RESOLVER_SIDE_SCAN);
	role_fixture_go(&f->role);
	f->room = add_room(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	link_close(&f->scan);
	link_close(&f->room);
	role_fixture_stop(&f->role);
	role_fixture_end(&f->role);
	free(f);
	return 0;
}

static void ask(struct link *room, uint32_t id, const char *name)
{
	struct client_resolver_query query = { id, CLIENT_RESOLVER_TYPE_A, text_from_cstr(name) };

	assert_int_equal(link_send(room, CLIENT_RESOLVER_QUERY, &query, NULL, 0, role_fixture_deadline()),
			 ERROR_NONE);
}

/* The next `done`; its records are passed over. */
static enum client_resolver_status await(struct fixture *f, struct link *room)
{
	struct link_in in;

	link_in_init(&in, &client_resolver_edge);
	do
		assert_int_equal(link_receive(room, &in, role_fixture_deadline()), ERROR_NONE);
	while (in.type != CLIENT_RESOLVER_DONE);
	f->done = *(const struct client_resolver_done *)link_body(&in);
	link_in_done(&in);
	return f->done.status;
}

static bool is_over(struct link *room)
{
	struct link_in in;
	enum error e;

	link_in_init(&in, &client_resolver_edge);
	do
		e = link_receive(room, &in, role_fixture_deadline());
	while (!e);
	link_in_done(&in);
	return e == ERROR_CLOSED;
}

static void a_room_gets_answers(void **state)
{
	struct fixture *f = *state;

	ask(&f->room, 7, "a.odd.test");
	assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_OK);
	assert_int_equal(f->done.id, 7);
	assert_int_equal(f->done.n_records, 1);
}

static void above_its_number_of_questions_it_is_refused_and_others_are_not(void **state)
{
	struct fixture *f = *state;
	struct link other = add_room(f);

	for (uint32_t i = 0; i < QUERIES; i++) {
		ask(&f->room, i, "a.odd.test");
		assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_OK);
	}
	ask(&f->room, QUERIES, "a.odd.test");
	assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_REFUSED);
	ask(&other, 1, "a.odd.test");
	assert_int_equal(await(f, &other), CLIENT_RESOLVER_STATUS_OK);
	link_close(&other);
}

static void one_that_goes_on_asking_loses_its_channel(void **state)
{
	struct fixture *f = *state;
	struct client_resolver_query query = { 1, CLIENT_RESOLVER_TYPE_A, text_from_cstr("a.odd.test") };

	for (int i = 0; i < 4 * QUERIES; i++)
		(void)link_send(&f->room, CLIENT_RESOLVER_QUERY, &query, NULL, 0, role_fixture_deadline());
	assert_true(is_over(&f->room));
}

static void behind_its_time_it_is_refused(void **state)
{
	struct fixture *f = *state;

	ask(&f->room, 1, "hangs.odd.test");
	assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_TIMEOUT);
	usleep(50000);
	ask(&f->room, 2, "a.odd.test");
	assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_REFUSED);
}

static void a_name_outside_of_the_stub_zones_is_refused(void **state)
{
	struct fixture *f = *state;

	ask(&f->room, 1, "www.example");
	assert_int_equal(await(f, &f->room), CLIENT_RESOLVER_STATUS_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_room_gets_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			above_its_number_of_questions_it_is_refused_and_others_are_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_goes_on_asking_loses_its_channel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(behind_its_time_it_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_name_outside_of_the_stub_zones_is_refused, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
