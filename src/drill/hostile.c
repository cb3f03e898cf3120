/* SPDX-License-Identifier: Apache-2.0
 *
 * The hostile room: real policy, queue and keyring processes in their sandboxes, with the drill in the
 * place of receive, scan, deliver and their rooms. It says on the channels that a room really has what a
 * room must not say. Called by main.c. For each: refused, the sender's channel ended, and the process
 * still serves the next one.
 */
#include "drill/hostile.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "drill/drill.h"
#include "ipc/policy_session.h"
#include "ipc/receive_keyring.h"
#include "ipc/receive_policy.h"
#include "ipc/session_keyring.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOD_MAX 20000

/* ---- policy ---- */

static bool connect_session(struct stage *st, struct link *ret_room)
{
	struct receive_policy_connect ask = { .session = ++st->last_session, .port = 1, .listener = 0 };
	struct link *receive = &st->ends[ROLE_RECEIVE];

	memset(ask.client.b, 0, sizeof ask.client.b);
	ask.client.b[10] = ask.client.b[11] = 0xff;
	ask.client.b[12] = 192;
	ask.client.b[13] = 0;
	ask.client.b[14] = 2;
	ask.client.b[15] = (uint8_t)st->last_session;
	hostile_send_ok(receive, RECEIVE_POLICY_CONNECT, &ask);
	if (!hostile_await(st, receive, RECEIVE_POLICY_ADMITTED))
		return false;
	*ret_room = link_of(st->in.fds[0], &policy_session_edge, POLICY_SESSION_SIDE_SESSION);
	st->in.fds[0] = -1;
	return true;
}

static bool say_hello(struct stage *st, struct link *room)
{
	struct policy_session_helo helo = { text_from_cstr("hostile.example"), true };

	hostile_send_ok(room, POLICY_SESSION_HELO, &helo);
	return hostile_await(st, room, POLICY_SESSION_HELO_ANSWER);
}

static const struct policy_session_mail a_mail = { .sender = TEXT("a@hostile.example") };
static const struct policy_session_rcpt a_rcpt = { .address = TEXT("b@drill.example.com") };

static bool say_mail(struct stage *st, struct link *room)
{
	if (!say_hello(st, room))
		return false;
	hostile_send_ok(room, POLICY_SESSION_MAIL, &a_mail);
	return hostile_await(st, room, POLICY_SESSION_MAIL_OK);
}

static void forge_recipient(struct stage *st, struct link *room)
{
	say_hello(st, room);
	hostile_send_untimely(room, POLICY_SESSION_RCPT, &a_rcpt);
}

static void skip_to_data(struct stage *st, struct link *room)
{
	say_mail(st, room);
	hostile_send_untimely(room, POLICY_SESSION_DATA, "");
}

static void answer_itself(struct stage *st, struct link *room)
{
	say_mail(st, room);
	hostile_send_untimely(room, POLICY_SESSION_RCPT_OK, "");
}

static void speak_garbage(struct stage *st, struct link *room)
{
	(void)st;
	hostile_send_raw(room, "\xff\xff\xff\xff", 4);
}

static void lie_about_length(struct stage *st, struct link *room)
{
	(void)st;
	hostile_send_raw(room, "\x01\xff\xff\xff\x7fx", 6);
}

static void smuggle_descriptor(struct stage *st, struct link *room)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (char[]){ POLICY_SESSION_RESET }, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = 0;

	say_mail(st, room);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	(void)!sendmsg(room->fd, &m, MSG_NOSIGNAL);
}

/* Asks and asks, and reads no answer. */
static void flood(struct stage *st, struct link *room)
{
	struct policy_session_helo helo = { text_from_cstr("hostile.example"), true };
	char packet[64];
	struct wire_writer w = wire_writer_of((uint8_t *)packet, sizeof packet);

	(void)st;
	ipc_encode(room->edge, POLICY_SESSION_HELO, &helo, &w);
	for (int i = 0; i < FLOOD_MAX; i++) {
		struct pollfd fd = { room->fd, POLLOUT, 0 };
		if (poll(&fd, 1, HOSTILE_WAIT_MS) != 1 || (fd.revents & (POLLHUP | POLLERR)))
			return;
		hostile_send_raw(room, packet, ipc_size(room->edge, POLICY_SESSION_HELO, &helo));
	}
}

static void with_policy(struct gateway *g, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct stage *st, struct link *room);
	} acts[] = {
		{ "name a recipient without a message", forge_recipient },
		{ "go to the data without an accepted recipient", skip_to_data },
		{ "give itself policy's answer", answer_itself },
		{ "say what is no message", speak_garbage },
		{ "lie about a text's length", lie_about_length },
		{ "pass a descriptor where none belongs", smuggle_descriptor },
		{ "flood without reading", flood },
	};
	struct stage st;

	if (!hostile_open_stage(g, ROLE_POLICY, &st)) {
		report_check(r, "policy", "it starts", false, "");
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room, next;
		bool is_refused = false, serves;
		if (connect_session(&st, &room)) {
			acts[i].act(&st, &room);
			is_refused = hostile_is_at_end(&room);
			link_close(&room);
		}
		serves = connect_session(&st, &next) && say_mail(&st, &next);
		if (serves)
			link_close(&next);
		hostile_finish(r, "session/policy", acts[i].what, is_refused, serves);
	}
	hostile_close_stage(&st);
}

/* ---- keyring ---- */

static void make_room(struct stage *st, struct link *ret_room)
{
	struct receive_keyring_room m = { ++st->last_session };
	int fds[2];

	ASSERT(link_make_pair(&session_keyring_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(&st->ends[ROLE_RECEIVE], RECEIVE_KEYRING_ROOM, &m, &fds[1], 1, hostile_soon()));
	close(fds[1]);
	*ret_room = link_of(fds[0], &session_keyring_edge, SESSION_KEYRING_SIDE_ROOM);
}

/* What a server signs in TLS 1.3. */
static struct text handshake(char out[256])
{
	static const char label[] = "TLS 1.3, server CertificateVerify";

	memset(out, ' ', 64);
	memcpy(out + 64, label, sizeof label);
	memset(out + 64 + sizeof label, 'h', 32);
	return text_from_bytes(out, 64 + sizeof label + 32);
}

static bool is_signing(struct stage *st)
{
	char bytes[256];
	struct session_keyring_sign m = { SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, handshake(bytes) };
	struct link room;
	bool is_signed;

	make_room(st, &room);
	hostile_send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_signed = hostile_await(st, &room, SESSION_KEYRING_SIGNATURE);
	link_close(&room);
	return is_signed;
}

static bool is_refused_to_sign(struct stage *st, struct text data)
{
	struct session_keyring_sign m = { SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, data };
	struct link room;
	bool is_refused;

	make_room(st, &room);
	hostile_send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = hostile_await(st, &room, SESSION_KEYRING_REFUSED) && hostile_is_ended(st, &room);
	link_close(&room);
	return is_refused;
}

static bool is_refused_twice(struct stage *st)
{
	char bytes[256];
	struct session_keyring_sign m = { SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, handshake(bytes) };
	struct link room;
	bool is_refused;

	make_room(st, &room);
	hostile_send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = hostile_await(st, &room, SESSION_KEYRING_SIGNATURE);
	hostile_send_untimely(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = is_refused && hostile_is_at_end(&room);
	link_close(&room);
	return is_refused;
}

static void with_keyring(struct gateway *g, struct report *r)
{
	struct stage st;

	if (!hostile_open_stage(g, ROLE_KEYRING, &st)) {
		report_check(r, "keyring", "it starts", false, "");
		return;
	}
	hostile_finish(r, "session/keyring", "have a text of its own signed",
		       is_refused_to_sign(&st, text_from_cstr("dkim: hostile.example")), is_signing(&st));
	hostile_finish(r, "session/keyring", "have a bare digest signed",
		       is_refused_to_sign(&st, text_from_cstr("0123456789abcdef0123456789abcdef")),
		       is_signing(&st));
	hostile_finish(r, "session/keyring", "sign twice", is_refused_twice(&st), is_signing(&st));
	hostile_with_signing(&st, r);
	hostile_close_stage(&st);
}

void drill_hostile(struct gateway *g, struct report *r)
{
	report_title(r, "a hostile room on the channels of the service");
	with_policy(g, r);
	hostile_with_queue(g, r);
	hostile_with_judge_resolver(g, r);
	with_keyring(g, r);
}
