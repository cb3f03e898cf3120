/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels: descriptors ride along exactly as the edge says, a refused packet leaves none open, and
 * the state of the conversation moves on both ends.
 */
#include "../unit.h"
#include "base/clock.h"
#include "ipc/link.h"
#include "ipc/role_zygote.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
	struct link role, zygote;
	struct link_in in;
};

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int set_up(void **state)
{
	static struct pair p;
	int fds[2];

	if (link_make_pair(&role_zygote_edge, fds))
		return -1;
	p.role = link_of(fds[0], &role_zygote_edge, ROLE_ZYGOTE_SIDE_ROLE);
	p.zygote = link_of(fds[1], &role_zygote_edge, ROLE_ZYGOTE_SIDE_ZYGOTE);
	link_in_init(&p.in, &role_zygote_edge);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	link_in_done(&p->in);
	link_close(&p->role);
	link_close(&p->zygote);
	return 0;
}

/* A raw packet with n descriptors, as a taken-over sender would write it. */
static void send_raw(int fd, const void *bytes, size_t n, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * 8)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[8] = { 0 };

	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
	}
	assert_true(sendmsg(fd, &msg, 0) >= 0);
}

static void a_message_arrives_with_its_descriptors(void **state)
{
	struct pair *p = *state;
	struct role_zygote_spawn_2 spawn = { .ticket = 77 };
	int fds[2] = { 0, 0 };

	assert_int_equal(link_send(&p->role, ROLE_ZYGOTE_SPAWN_2, &spawn, fds, 2, LINK_FOREVER), ERROR_NONE);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_NONE);
	assert_int_equal(p->in.type, ROLE_ZYGOTE_SPAWN_2);
	assert_int_equal(((const struct role_zygote_spawn_2 *)link_body(&p->in))->ticket, 77);
	assert_true(p->in.fds[0] > 2 && p->in.fds[1] > 2 && p->in.fds[2] == -1);
	assert_true(fcntl(p->in.fds[0], F_GETFD) & FD_CLOEXEC);
}

static void a_wrong_number_of_descriptors_is_refused_and_closed(void **state)
{
	static const uint8_t spawn_1[9] = { ROLE_ZYGOTE_SPAWN_1 };
	static const size_t counts[] = { 0, 2, 4, 8 };
	struct pair *p = *state;
	size_t before = count_fds();

	for (size_t i = 0; i < UNIT_COUNT(counts); i++) {
		send_raw(p->role.fd, spawn_1, sizeof spawn_1, counts[i]);
		assert_int_not_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_NONE);
		assert_int_equal(count_fds(), before);
	}
}

static void a_malformed_packet_is_refused_and_its_descriptors_closed(void **state)
{
	static const uint8_t unknown[] = { 250, 1 }, short_one[] = { ROLE_ZYGOTE_SPAWN_1, 1 };
	struct pair *p = *state;
	size_t before = count_fds();

	send_raw(p->role.fd, unknown, sizeof unknown, 1);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_MALFORMED);
	send_raw(p->role.fd, short_one, sizeof short_one, 1);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_MALFORMED);
	assert_int_equal(count_fds(), before);
}

static void a_packet_longer_than_any_message_is_refused(void **state)
{
	static uint8_t big[ROLE_ZYGOTE_PACKET_MAX + 100] = { ROLE_ZYGOTE_MATERIAL };
	struct pair *p = *state;

	send_raw(p->role.fd, big, sizeof big, 0);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_MALFORMED);
}

static void the_largest_message_fits(void **state)
{
	static char bytes[65536];
	struct pair *p = *state;
	struct role_zygote_material material = { .kind = 1, .data = text_from_bytes(bytes, sizeof bytes) };

	assert_int_equal(link_send(&p->role, ROLE_ZYGOTE_MATERIAL, &material, NULL, 0, LINK_NO_WAIT),
			 ERROR_NONE);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_NO_WAIT), ERROR_NONE);
	assert_int_equal(((const struct role_zygote_material *)link_body(&p->in))->data.n, sizeof bytes);
}

static void nothing_there_is_busy_timeout_or_closed(void **state)
{
	struct pair *p = *state;
	struct role_zygote_kill kill = { .ticket = 1 };

	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_NO_WAIT), ERROR_BUSY);
	assert_int_equal(link_receive(&p->zygote, &p->in, clock_mono_ms() + 20), ERROR_TIMEOUT);
	link_close(&p->role);
	assert_int_equal(link_receive(&p->zygote, &p->in, LINK_FOREVER), ERROR_CLOSED);
	assert_int_equal(link_send(&p->role, ROLE_ZYGOTE_KILL, &kill, NULL, 0, LINK_NO_WAIT), ERROR_CLOSED);
}

static void a_full_channel_is_busy_for_the_sender(void **state)
{
	struct pair *p = *state;
	struct role_zygote_kill kill = { .ticket = 1 };
	enum error e = ERROR_NONE;

	for (int i = 0; i < 100000 && !e; i++)
		e = link_send(&p->role, ROLE_ZYGOTE_KILL, &kill, NULL, 0, LINK_NO_WAIT);
	assert_int_equal(e, ERROR_BUSY);
	assert_int_equal(link_send(&p->role, ROLE_ZYGOTE_KILL, &kill, NULL, 0, clock_mono_ms() + 20),
			 ERROR_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		LINK_TEST(a_message_arrives_with_its_descriptors),
		LINK_TEST(a_wrong_number_of_descriptors_is_refused_and_closed),
		LINK_TEST(a_malformed_packet_is_refused_and_its_descriptors_closed),
		LINK_TEST(a_packet_longer_than_any_message_is_refused),
		LINK_TEST(the_largest_message_fits),
		LINK_TEST(nothing_there_is_busy_timeout_or_closed),
		LINK_TEST(a_full_channel_is_busy_for_the_sender),
#undef LINK_TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
