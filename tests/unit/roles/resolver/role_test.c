/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-resolver as a whole, in its sandbox, against two servers on loopback: unbound with data of its
 * own, and a little server of the test for what no good server does. Nobody else is asked.
 */
#include "../role_fixture.h"

#include "ipc/client_resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#define UNBOUND "/usr/sbin/unbound"

static const char zone[] =
	"server:\n"
	"interface: 127.0.0.1\nport: %u\ndo-daemonize: no\nchroot: \"\"\nusername: \"\"\n"
	"pidfile: \"\"\ndirectory: \"/tmp\"\nuse-syslog: no\nlogfile: \"\"\nverbosity: 0\n"
	"module-config: \"iterator\"\ndo-not-query-address: 0.0.0.0/0\ndo-not-query-address: ::/0\n"
	"access-control: 127.0.0.0/8 allow_snoop\n"
	"local-zone: \"example.\" static\nlocal-zone: \"signed.example.\" transparent\n"
	"local-zone: \"2.0.192.in-addr.arpa.\" static\n"
	"local-data: \"mail.example. 300 A 192.0.2.1\"\n"
	"local-data: \"mail.example. 300 A 192.0.2.2\"\n"
	"local-data: \"mail.example. 300 AAAA 2001:db8::1\"\n"
	"local-data: \"example. 300 MX 10 Mail.Example.\"\n"
	"local-data: \"example. 300 MX 5 other.example.\"\n"
	"local-data: \"null.example. 300 MX 0 .\"\n"
	"local-data: 'spf.example. 300 TXT \"v=spf1 \" \"-all\"'\n"
	"local-data: \"1.2.0.192.in-addr.arpa. 300 PTR mail.example.\"\n"
	"remote-control:\ncontrol-enable: no\n"
	"auth-zone:\nname: \"signed.example.\"\nzonefile: \"%s/tests/unit/roles/resolver/signed.zone\"\n"
	"for-downstream: yes\nfor-upstream: no\nfallback-enabled: no\n";

/* The key of signed.zone. */
static const char anchor[] = "; a comment\nsigned.example. 300 IN DNSKEY 256 3 13 "
			     "tZ+FCxbNGGMy22tl9qFYaoo3YccN8pvGiD87qoheejR0ZcoiqL/"
			     "0M7DDxV16tZHHIDlrklJGXZdYQilAawSbcw== ; another\n\n";

/* ---- the servers ---- */

static struct {
	pid_t unbound, odd;
	unsigned port, odd_port;
	char file[64];
} servers;

static int bind_loopback(int type, unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t n = sizeof in;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	return ntohs(in.sin_port);
}

/* What the odd server answers, by the first letter of the name: nothing for "h" (hangs), an alias out of
 * the zone for "o", refused for "r", a message cut in the middle for "b", truncated ("ask by TCP") for
 * "t", else an address. Returns its length. */
static size_t odd_answer(char *b, size_t n, bool is_tcp)
{
	static const char alias[] = "\xc0\x0c\0\5\0\1\0\0\1\54\0\16\3www\7outside\0";
	static const char address[] = "\xc0\x0c\0\1\0\1\0\0\1\54\0\4\300\0\2\115";
	size_t end = 12;

	while (end < n && b[end])
		end += 1u + (uint8_t)b[end];
	end += 5;
	if (n < 12 || end > n || b[13] == 'h')
		return 0;
	b[2] = (char)(0x84 | (b[13] == 't' && !is_tcp ? 2 : 0));
	b[3] = b[13] == 'r' ? 5 : 0;
	b[7] = 1;
	memset(b + 8, 0, 4);
	if (b[13] == 'r' || (b[13] == 't' && !is_tcp)) {
		b[7] = 0;
		return end;
	}
	if (b[13] == 'o') {
		memcpy(b + end, alias, 26);
		return end + 25;
	}
	memcpy(b + end, address, sizeof address - 1);
	return end + (sizeof address - 1) / (b[13] == 'b' ? 2 : 1);
}

static void serve_tcp(int listener)
{
	char b[2048];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = read(fd, b, 1024);

	if (n > 2) {
		size_t size = odd_answer(b + 2, (size_t)n - 2, true);
		b[0] = (char)(size >> 8);
		b[1] = (char)size;
		(void)!write(fd, b, size + 2);
	}
	close(fd);
}

static void serve_udp(int fd)
{
	struct sockaddr_storage from;
	socklen_t from_n = sizeof from;
	char b[2048];
	ssize_t n = recvfrom(fd, b, 1024, 0, (struct sockaddr *)&from, &from_n);
	size_t size = n > 0 ? odd_answer(b, (size_t)n, false) : 0;

	if (size)
		sendto(fd, b, size, 0, (struct sockaddr *)&from, from_n);
}

static void start_odd(void)
{
	int udp = bind_loopback(SOCK_DGRAM, 0), tcp = bind_loopback(SOCK_STREAM, port_of(udp));

	servers.odd_port = port_of(udp);
	assert_int_equal(listen(tcp, 10), 0);
	servers.odd = fork();
	if (servers.odd)
		return;
	for (;;) {
		struct pollfd fds[] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
		poll(fds, 2, -1);
		if (fds[0].revents)
			serve_udp(udp);
		if (fds[1].revents)
			serve_tcp(tcp);
	}
}

/* Does it answer by now? */
static bool is_serving(unsigned port)
{
	static const char query[] = "\1\1\0\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1";
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd pollfd = { fd, POLLIN, 0 };
	char b[512];
	bool ok;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ok = connect(fd, (struct sockaddr *)&in, sizeof in) == 0 &&
	     send(fd, query, sizeof query - 1, 0) > 0 && poll(&pollfd, 1, 100) == 1 &&
	     recv(fd, b, sizeof b, 0) > 0;
	close(fd);
	return ok;
}

static void start_unbound(void)
{
	int fd = bind_loopback(SOCK_DGRAM, 0);

	servers.port = port_of(fd);
	close(fd);
	snprintf(servers.file, sizeof servers.file, "/tmp/postern-unbound-XXXXXX");
	fd = mkstemp(servers.file);
	dprintf(fd, zone, servers.port, getenv("POSTERN_SOURCE"));
	close(fd);
	servers.unbound = fork();
	if (servers.unbound == 0) {
		execl(UNBOUND, UNBOUND, "-d", "-c", servers.file, NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && !is_serving(servers.port); i++)
		usleep(50000);
	assert_true(is_serving(servers.port));
}

static int start_servers(void **state)
{
	(void)state;
	if (access(UNBOUND, X_OK) == 0 && getenv("POSTERN_SOURCE"))
		start_unbound();
	start_odd();
	return 0;
}

static int stop_servers(void **state)
{
	(void)state;
	kill(servers.odd, SIGKILL);
	waitpid(servers.odd, NULL, 0);
	if (servers.unbound) {
		kill(servers.unbound, SIGTERM);
		waitpid(servers.unbound, NULL, 0);
		unlink(servers.file);
	}
	return 0;
}

/* ---- the role ---- */

struct fixture {
	struct role_fixture role;
	struct link client;
	uint32_t last_id;
	char said[4096]; /* records of the last answer */
	struct client_resolver_done done;
};

enum settings { STUB, FORWARD, PROVEN, RECURSIVE };

static void print_conf(enum settings settings, char out[1024])
{
	if (settings == STUB)
		snprintf(out, 1024,
			 "resolver {\n\tmode stub\n\ttimeout 1s\n\tmax-queries 16\n}\n"
			 "stub-zone example {\n\tserver 127.0.0.1:%u\n}\n"
			 "stub-zone 2.0.192.in-addr.arpa {\n\tserver 127.0.0.1:%u\n}\n"
			 "stub-zone odd.test {\n\tserver 127.0.0.1:%u\n}\n",
			 servers.port, servers.port, servers.odd_port);
	else if (settings == RECURSIVE)
		snprintf(out, 1024, "resolver {\n\tmode recursive\n}\n");
	else
		snprintf(out, 1024, "resolver {\n\tmode forward\n\tforwarder 127.0.0.1:%u\n\tdnssec %s\n}\n",
			 servers.port, settings == PROVEN ? "yes" : "no");
}

static struct fixture *start(enum settings settings)
{
	struct posternd_role_resource trust_anchor = { POSTERND_ROLE_THING_TRUST_ANCHOR, 0 };
	struct fixture *f = calloc(1, sizeof *f);
	char text[1024];

	print_conf(settings, text);
	role_fixture_start(&f->role, "resolver", text);
	if (settings == PROVEN || settings == RECURSIVE)
		role_fixture_tell(&f->role, POSTERND_ROLE_RESOURCE, &trust_anchor,
				  role_fixture_file(text_from_cstr(anchor)));
	f->client =
		role_fixture_peer(&f->role, ROLE_DELIVER, &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT);
	role_fixture_go(&f->role);
	return f;
}

static int set_up(void **state)
{
	*state = start(STUB);
	return 0;
}

static int set_up_forward(void **state)
{
	*state = start(FORWARD);
	return 0;
}

static int set_up_proven(void **state)
{
	*state = start(PROVEN);
	return 0;
}

static int set_up_recursive(void **state)
{
	*state = start(RECURSIVE);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(role_fixture_stop(&f->role), 0); /* no system call was missed */
	link_close(&f->client);
	role_fixture_end(&f->role);
	free(f);
	return 0;
}

static void ask(struct fixture *f, enum client_resolver_type type, const char *name)
{
	struct client_resolver_query query = { ++f->last_id, type, text_from_cstr(name) };

	assert_int_equal(
		link_send(&f->client, CLIENT_RESOLVER_QUERY, &query, NULL, 0, role_fixture_deadline()),
		ERROR_NONE);
}

static void add_said(struct fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_said(struct fixture *f, const char *format, ...)
{
	size_t n = strlen(f->said);
	va_list ap;

	va_start(ap, format);
	vsnprintf(f->said + n, sizeof f->said - n, format, ap);
	va_end(ap);
}

/* Records up to the next `done`. */
static enum client_resolver_status hear(struct fixture *f)
{
	const struct client_resolver_address *address = link_body(&f->role.in);
	const struct client_resolver_name *name = link_body(&f->role.in);
	const struct client_resolver_text *text = link_body(&f->role.in);
	char addr[ADDR_TEXT_SIZE];

	f->said[0] = 0;
	for (;;) {
		assert_int_equal(link_receive(&f->client, &f->role.in, role_fixture_deadline()), ERROR_NONE);
		if (f->role.in.type == CLIENT_RESOLVER_DONE)
			break;
		if (f->role.in.type == CLIENT_RESOLVER_NAME)
			add_said(f, "%u %.*s;", name->preference, TEXT_ARGS(name->name));
		if (f->role.in.type == CLIENT_RESOLVER_TEXT)
			add_said(f, "%.*s;", TEXT_ARGS(text->data));
		if (f->role.in.type != CLIENT_RESOLVER_ADDRESS)
			continue;
		addr_print(&address->address, addr);
		add_said(f, "%s;", addr);
	}
	f->done = *(const struct client_resolver_done *)link_body(&f->role.in);
	return f->done.status;
}

static void says(struct fixture *f, enum client_resolver_type type, const char *name,
		 enum client_resolver_status status, const char *one, const char * or)
{
	ask(f, type, name);
	if (hear(f) != status)
		fail_msg("%s: status %u, %s", name, f->done.status, f->said);
	assert_int_equal(f->done.id, f->last_id);
	if (strcmp(f->said, one) != 0 && (! or || strcmp(f->said, or) != 0))
		fail_msg("%s: %s", name, f->said);
}

static void needs_unbound(void)
{
	if (!servers.unbound)
		skip();
}

static void every_type_is_answered(void **state)
{
	struct fixture *f = *state;

	needs_unbound();
	says(f, CLIENT_RESOLVER_TYPE_A, "mail.example", CLIENT_RESOLVER_STATUS_OK, "192.0.2.1;192.0.2.2;",
	     "192.0.2.2;192.0.2.1;");
	assert_int_equal(f->done.n_records, 2);
	assert_false(f->done.secure);
	says(f, CLIENT_RESOLVER_TYPE_AAAA, "MAIL.example.", CLIENT_RESOLVER_STATUS_OK, "2001:db8::1;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_MX, "example", CLIENT_RESOLVER_STATUS_OK,
	     "10 mail.example;5 other.example;", "5 other.example;10 mail.example;");
	says(f, CLIENT_RESOLVER_TYPE_MX, "null.example", CLIENT_RESOLVER_STATUS_OK, "0 .;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_TXT, "spf.example", CLIENT_RESOLVER_STATUS_OK, "v=spf1 -all;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_PTR, "1.2.0.192.in-addr.arpa", CLIENT_RESOLVER_STATUS_OK,
	     "0 mail.example;", NULL);
}

static void what_is_not_there_is_told_apart(void **state)
{
	struct fixture *f = *state;

	needs_unbound();
	says(f, CLIENT_RESOLVER_TYPE_MX, "mail.example", CLIENT_RESOLVER_STATUS_NO_DATA, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "nobody.example", CLIENT_RESOLVER_STATUS_NO_NAME, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "mail.elsewhere", CLIENT_RESOLVER_STATUS_REFUSED, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "a b.example", CLIENT_RESOLVER_STATUS_REFUSED, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "..example", CLIENT_RESOLVER_STATUS_REFUSED, "", NULL);
	assert_int_equal(role_fixture_counter(&f->role, "refused"), 3);
	assert_int_equal(role_fixture_counter(&f->role, "in_flight"), 0);
}

static void odd_servers_do_no_harm(void **state)
{
	struct fixture *f = *state;

	says(f, CLIENT_RESOLVER_TYPE_A, "good.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "refuses.odd.test", CLIENT_RESOLVER_STATUS_FAILED, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "out.odd.test", CLIENT_RESOLVER_STATUS_FAILED, "", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "tcp.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
	ask(f, CLIENT_RESOLVER_TYPE_A, "broken.odd.test");
	assert_true(hear(f) == CLIENT_RESOLVER_STATUS_FAILED ||
		    f->done.status == CLIENT_RESOLVER_STATUS_TIMEOUT);
	says(f, CLIENT_RESOLVER_TYPE_A, "good.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
}

static void a_silent_server_ends_with_the_time(void **state)
{
	struct fixture *f = *state;
	int64_t before = clock_mono_ms();

	says(f, CLIENT_RESOLVER_TYPE_A, "hangs.odd.test", CLIENT_RESOLVER_STATUS_TIMEOUT, "", NULL);
	assert_in_range(clock_mono_ms() - before, 900, 3000);
}

static void more_questions_than_the_bound_are_refused(void **state)
{
	struct fixture *f = *state;
	char name[64];

	for (unsigned i = 0; i < 17; i++) {
		snprintf(name, sizeof name, "h%u.odd.test", i);
		ask(f, CLIENT_RESOLVER_TYPE_A, name);
	}
	assert_int_equal(hear(f), CLIENT_RESOLVER_STATUS_REFUSED);
	assert_int_equal(f->done.id, 17);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(hear(f), CLIENT_RESOLVER_STATUS_TIMEOUT);
}

static void the_same_question_twice_is_answered_twice(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 10; i++)
		ask(f, CLIENT_RESOLVER_TYPE_A, "twice.odd.test");
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(hear(f), CLIENT_RESOLVER_STATUS_OK);
		assert_string_equal(f->said, "192.0.2.77;");
	}
}

static void whoever_goes_leaves_no_trouble(void **state)
{
	struct fixture *f = *state;

	ask(f, CLIENT_RESOLVER_TYPE_A, "hangs.odd.test");
	ask(f, CLIENT_RESOLVER_TYPE_A, "late.odd.test");
	link_close(&f->client);
	f->client =
		role_fixture_peer(&f->role, ROLE_DELIVER, &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT);
	says(f, CLIENT_RESOLVER_TYPE_A, "good.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
	usleep(1200000); /* the time of the first question ends */
	says(f, CLIENT_RESOLVER_TYPE_A, "good.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
}

static void forwarders_are_asked(void **state)
{
	struct fixture *f = *state;

	needs_unbound();
	says(f, CLIENT_RESOLVER_TYPE_MX, "null.example", CLIENT_RESOLVER_STATUS_OK, "0 .;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "localhost", CLIENT_RESOLVER_STATUS_OK, "127.0.0.1;", NULL);
}

static void signatures_are_checked(void **state)
{
	struct fixture *f = *state;

	needs_unbound();
	says(f, CLIENT_RESOLVER_TYPE_A, "good.signed.example", CLIENT_RESOLVER_STATUS_OK, "192.0.2.10;",
	     NULL);
	assert_true(f->done.secure);
	says(f, CLIENT_RESOLVER_TYPE_MX, "signed.example", CLIENT_RESOLVER_STATUS_OK,
	     "10 good.signed.example;", NULL);
	assert_true(f->done.secure);
	says(f, CLIENT_RESOLVER_TYPE_A, "forged.signed.example", CLIENT_RESOLVER_STATUS_BOGUS, "", NULL);
	assert_false(f->done.secure);
	says(f, CLIENT_RESOLVER_TYPE_A, "nobody.signed.example", CLIENT_RESOLVER_STATUS_NO_NAME, "", NULL);
	assert_true(f->done.secure);
	says(f, CLIENT_RESOLVER_TYPE_AAAA, "mail.example", CLIENT_RESOLVER_STATUS_OK, "2001:db8::1;", NULL);
	assert_false(f->done.secure);
}

/* It is asked for nothing that it would have to look up. */
static void recursion_is_ready_without_asking_anybody(void **state)
{
	struct fixture *f = *state;

	says(f, CLIENT_RESOLVER_TYPE_A, "localhost", CLIENT_RESOLVER_STATUS_OK, "127.0.0.1;", NULL);
	says(f, CLIENT_RESOLVER_TYPE_A, "mail.invalid", CLIENT_RESOLVER_STATUS_NO_NAME, "", NULL);
}

/* Also with another host name, which is none of the library's business. */
static void reload(struct fixture *f, enum settings settings)
{
	char text[1024], all[1100];

	print_conf(settings, text);
	snprintf(all, sizeof all, "hostname other.test\nlog-level debug\n%s", text);
	role_fixture_tell(&f->role, POSTERND_ROLE_RELOAD, NULL, role_fixture_file(text_from_cstr(all)));
}

static void other_settings_need_another_process(void **state)
{
	struct fixture *f = start(STUB);

	(void)state;
	reload(f, STUB);
	says(f, CLIENT_RESOLVER_TYPE_A, "good.odd.test", CLIENT_RESOLVER_STATUS_OK, "192.0.2.77;", NULL);
	reload(f, FORWARD);
	assert_int_equal(role_fixture_wait(&f->role), 0);
	link_close(&f->client);
	role_fixture_end(&f->role);
	free(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_is_answered),
		TEST(what_is_not_there_is_told_apart),
		TEST(odd_servers_do_no_harm),
		TEST(a_silent_server_ends_with_the_time),
		TEST(more_questions_than_the_bound_are_refused),
		TEST(the_same_question_twice_is_answered_twice),
		TEST(whoever_goes_leaves_no_trouble),
		cmocka_unit_test_setup_teardown(forwarders_are_asked, set_up_forward, tear_down),
		cmocka_unit_test_setup_teardown(signatures_are_checked, set_up_proven, tear_down),
		cmocka_unit_test_setup_teardown(recursion_is_ready_without_asking_anybody, set_up_recursive,
						tear_down),
		cmocka_unit_test(other_settings_need_another_process),
	};

	return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
