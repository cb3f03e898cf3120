/* SPDX-License-Identifier: Apache-2.0
 *
 * The hostile room: real policy, queue and keyring processes in their sandboxes, with the drill in the
 * place of receive, scan, deliver and their rooms. It says on the channels that a room really has what a
 * room must not say. Called by main.c. For each: refused, the sender's channel ended, and the process
 * still serves the next one.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "drill/report.h"
#include "drill/subject.h"
#include "ipc/policy_queue.h"
#include "ipc/policy_session.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_delivery.h"
#include "ipc/queue_judge.h"
#include "ipc/queue_scan.h"
#include "ipc/receive_keyring.h"
#include "ipc/receive_policy.h"
#include "ipc/session_keyring.h"
#include "ipc/session_queue.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS   3000
#define FLOOD_MAX 20000

/* One process under test and the drill's ends of its channels. */
struct stage {
	struct run run;
	struct link ends[ROLE_COUNT];
	struct link_in in;
	uint64_t last_session;
};

static int64_t soon(void)
{
	return clock_mono_ms() + WAIT_MS;
}

static bool open_stage(struct gateway *g, enum role_id role, struct stage *st)
{
	enum role_id peers[ROLE_COUNT];
	int fds[ROLE_COUNT];
	size_t n = 0;

	*st = (struct stage){ 0 };
	for (enum role_id other = 0; other < ROLE_COUNT; other++) {
		unsigned side;
		const struct ipc_edge *edge = process_find_edge(role, other, &side);
		int pair[2];
		st->ends[other].fd = -1;
		if (!edge || other == ROLE_POSTERND)
			continue;
		ASSERT(link_make_pair(edge, pair) == ERROR_NONE);
		st->ends[other] = link_of(pair[1], edge, !side);
		peers[n] = other;
		fds[n++] = pair[0];
	}
	link_in_init(&st->in, &session_queue_edge);
	link_in_fit(&st->in, &policy_session_edge);
	link_in_fit(&st->in, &queue_judge_edge);
	link_in_fit(&st->in, &queue_delivery_edge);
	link_in_fit(&st->in, &receive_keyring_edge);
	return subject_serve(g, role, peers, fds, n, &st->run);
}

static void close_stage(struct stage *st)
{
	for (enum role_id other = 0; other < ROLE_COUNT; other++)
		if (st->ends[other].fd >= 0)
			link_close(&st->ends[other]);
	link_in_done(&st->in);
	subject_end(&st->run);
}

/* The next message of this type on this channel; others are passed over. */
static bool await(struct stage *st, struct link *l, unsigned type)
{
	int64_t until = soon();

	while (link_receive(l, &st->in, until) == ERROR_NONE) {
		if (st->in.type == type)
			return true;
		link_in_close_fds(&st->in);
	}
	return false;
}

/* Has the process ended this channel, without having said anything on it? */
static bool is_ended(struct stage *st, struct link *l)
{
	return link_receive(l, &st->in, soon()) == ERROR_CLOSED;
}

/* Whatever still came: is the channel over behind it? */
static bool is_at_end(struct link *room)
{
	struct pollfd fd = { room->fd, POLLIN, 0 };
	char bytes[4096];

	while (poll(&fd, 1, WAIT_MS) == 1)
		if (recv(room->fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
			return true;
	return false;
}

/* Bytes that no encoder made. */
static void send_raw(struct link *l, const void *bytes, size_t n)
{
	(void)!send(l->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_ok(struct link *l, unsigned type, const void *body)
{
	ASSERT(!link_send(l, type, body, NULL, 0, soon()));
}

/* As if our side were the other one, or the state another: what a room's own encoder would not send. */
static void send_untimely(struct link *l, unsigned type, const void *body)
{
	char packet[512];
	struct wire_writer w = wire_writer_of((uint8_t *)packet, sizeof packet);

	ipc_encode(l->edge, type, body, &w);
	send_raw(l, packet, ipc_size(l->edge, type, body));
}

static void finish(struct report *r, struct stage *st, const char *group, const char *what, bool is_refused,
		   bool still_serves)
{
	(void)st;
	report_check(r, group, what, is_refused && still_serves,
		     is_refused ? still_serves ? "refused, sender ended" : "refused, but it serves no more"
				: "not refused");
}

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
	send_ok(receive, RECEIVE_POLICY_CONNECT, &ask);
	if (!await(st, receive, RECEIVE_POLICY_ADMITTED))
		return false;
	*ret_room = link_of(st->in.fds[0], &policy_session_edge, POLICY_SESSION_SIDE_SESSION);
	st->in.fds[0] = -1;
	return true;
}

static bool say_hello(struct stage *st, struct link *room)
{
	struct policy_session_helo helo = { text_from_cstr("hostile.example"), true };

	send_ok(room, POLICY_SESSION_HELO, &helo);
	return await(st, room, POLICY_SESSION_HELO_ANSWER);
}

static const struct policy_session_mail a_mail = { .sender = TEXT("a@hostile.example") };
static const struct policy_session_rcpt a_rcpt = { .address = TEXT("b@drill.example.com") };

static bool say_mail(struct stage *st, struct link *room)
{
	if (!say_hello(st, room))
		return false;
	send_ok(room, POLICY_SESSION_MAIL, &a_mail);
	return await(st, room, POLICY_SESSION_MAIL_OK);
}

static void forge_recipient(struct stage *st, struct link *room)
{
	say_hello(st, room);
	send_untimely(room, POLICY_SESSION_RCPT, &a_rcpt);
}

static void skip_to_data(struct stage *st, struct link *room)
{
	say_mail(st, room);
	send_untimely(room, POLICY_SESSION_DATA, "");
}

static void answer_itself(struct stage *st, struct link *room)
{
	say_mail(st, room);
	send_untimely(room, POLICY_SESSION_RCPT_OK, "");
}

static void speak_garbage(struct stage *st, struct link *room)
{
	(void)st;
	send_raw(room, "\xff\xff\xff\xff", 4);
}

static void lie_about_length(struct stage *st, struct link *room)
{
	(void)st;
	send_raw(room, "\x01\xff\xff\xff\x7fx", 6);
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
		if (poll(&fd, 1, WAIT_MS) != 1 || (fd.revents & (POLLHUP | POLLERR)))
			return;
		send_raw(room, packet, ipc_size(room->edge, POLICY_SESSION_HELO, &helo));
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

	if (!open_stage(g, ROLE_POLICY, &st)) {
		report_check(r, "policy", "it starts", false, "");
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room, next;
		bool is_refused = false, serves;
		if (connect_session(&st, &room)) {
			acts[i].act(&st, &room);
			is_refused = is_at_end(&room);
			link_close(&room);
		}
		serves = connect_session(&st, &next) && say_mail(&st, &next);
		if (serves)
			link_close(&next);
		finish(r, &st, "session/policy", acts[i].what, is_refused, serves);
	}
	close_stage(&st);
}

/* ---- queue ---- */

/* An envelope as policy sends it; the room's end of the channel. */
static void hand_over_envelope(struct stage *st, struct link *ret_room)
{
	struct policy_queue_envelope e = { .session = ++st->last_session,
					   .listener = 0,
					   .helo = TEXT("hostile.example"),
					   .sender = TEXT("a@hostile.example"),
					   .n_rcpts = 1 };
	struct policy_queue_rcpt rcpt = { .address = TEXT("b@next.example.com"), .route = 1 };
	struct link *policy = &st->ends[ROLE_POLICY];
	int fds[2];

	ASSERT(link_make_pair(&session_queue_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(policy, POLICY_QUEUE_ENVELOPE, &e, &fds[1], 1, soon()));
	close(fds[1]);
	send_ok(policy, POLICY_QUEUE_RCPT, &rcpt);
	*ret_room = link_of(fds[0], &session_queue_edge, SESSION_QUEUE_SIDE_SESSION);
}

static const struct session_queue_chunk a_chunk = { TEXT("Subject: x\r\n\r\nx\r\n") };

static void send_message(struct link *room)
{
	struct session_queue_end end = { .size = a_chunk.data.n, .header_size = 14 };

	send_ok(room, SESSION_QUEUE_CHUNK, &a_chunk);
	send_ok(room, SESSION_QUEUE_END, &end);
}

/* The drill as message room: takes the job that queue makes. */
static bool take_job(struct stage *st, struct link *ret_room, uint64_t *ret_job)
{
	const struct queue_scan_job *job = link_body(&st->in);

	if (!await(st, &st->ends[ROLE_SCAN], QUEUE_SCAN_JOB))
		return false;
	*ret_job = job->job;
	*ret_room = link_of(st->in.fds[0], &queue_judge_edge, QUEUE_JUDGE_SIDE_ROOM);
	st->in.fds[0] = -1;
	return await(st, ret_room, QUEUE_JUDGE_END);
}

static void end_job(struct stage *st, uint64_t job, enum queue_scan_how how)
{
	struct queue_scan_ended ended = { job, how };

	send_ok(&st->ends[ROLE_SCAN], QUEUE_SCAN_ENDED, &ended);
}

static void report_clean(struct stage *st, struct link *room, uint64_t job)
{
	struct queue_judge_verdict clean = { 0, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	send_ok(room, QUEUE_JUDGE_VERDICT, &clean);
	send_ok(room, QUEUE_JUDGE_DONE, NULL);
	link_close(room);
	end_job(st, job, QUEUE_SCAN_HOW_FINISHED);
}

/* A good message goes all the way to 250. */
static bool is_accepting(struct stage *st)
{
	const struct session_queue_result *result = link_body(&st->in);
	struct link room, judge;
	uint64_t job;
	bool is_good;

	hand_over_envelope(st, &room);
	send_message(&room);
	is_good = take_job(st, &judge, &job);
	if (is_good)
		report_clean(st, &judge, job);
	is_good = is_good && await(st, &room, SESSION_QUEUE_RESULT) &&
		  result->outcome == SESSION_QUEUE_OUTCOME_ACCEPTED;
	link_close(&room);
	return is_good;
}

static void claim_wrong_size(struct link *room)
{
	struct session_queue_end end = { .size = 1000000, .header_size = 14 };

	send_ok(room, SESSION_QUEUE_CHUNK, &a_chunk);
	send_ok(room, SESSION_QUEUE_END, &end);
}

static void forge_result(struct link *room)
{
	struct session_queue_result result = { .outcome = SESSION_QUEUE_OUTCOME_ACCEPTED };

	send_untimely(room, SESSION_QUEUE_RESULT, &result);
}

static void speak_garbage_to_queue(struct link *room)
{
	send_raw(room, "\x63garbage", 8);
}

static void with_queue_as_session(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "end with another size than was sent", claim_wrong_size },
		{ "give itself the 250", forge_result },
		{ "say what is no message", speak_garbage_to_queue },
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room;
		bool is_refused;
		hand_over_envelope(st, &room);
		acts[i].act(&room);
		is_refused = is_ended(st, &room);
		link_close(&room);
		finish(r, st, "session/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

/* No 250 for a message that was never ended: nothing may come before the commit. */
static void with_queue_unfinished(struct stage *st, struct report *r)
{
	struct link room;
	bool is_silent;

	hand_over_envelope(st, &room);
	send_ok(&room, SESSION_QUEUE_CHUNK, &a_chunk);
	is_silent = link_receive(&room, &st->in, clock_mono_ms() + 300) == ERROR_TIMEOUT;
	link_close(&room);
	finish(r, st, "session/queue", "obtain 250 without the end of a message", is_silent,
	       is_accepting(st));
}

static void name_foreign_recipient(struct link *room)
{
	struct queue_judge_verdict v = { 7, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	send_ok(room, QUEUE_JUDGE_VERDICT, &v);
}

static void judge_twice(struct link *room)
{
	struct queue_judge_verdict v = { 0, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	send_ok(room, QUEUE_JUDGE_VERDICT, &v);
	send_ok(room, QUEUE_JUDGE_VERDICT, &v);
}

static void end_without_verdict(struct link *room)
{
	send_ok(room, QUEUE_JUDGE_DONE, NULL);
}

static void with_queue_as_message_room(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "judge a recipient of another message", name_foreign_recipient },
		{ "judge one recipient twice", judge_twice },
		{ "end without a verdict", end_without_verdict },
	};
	const struct session_queue_result *result = link_body(&st->in);

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room, judge;
		uint64_t job;
		bool is_refused;
		hand_over_envelope(st, &room);
		send_message(&room);
		is_refused = take_job(st, &judge, &job);
		if (is_refused) {
			acts[i].act(&judge);
			is_refused = is_ended(st, &judge);
			link_close(&judge);
			end_job(st, job, QUEUE_SCAN_HOW_FINISHED);
		}
		/* It is tried once more in an honest room. */
		if (is_refused && take_job(st, &judge, &job))
			report_clean(st, &judge, job);
		is_refused = is_refused && await(st, &room, SESSION_QUEUE_RESULT) &&
			     result->outcome == SESSION_QUEUE_OUTCOME_ACCEPTED;
		link_close(&room);
		finish(r, st, "message/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

/* The drill as delivery room: takes a message that queue has for it. */
static bool take_delivery(struct stage *st, struct link *ret_room, uint64_t *ret_job, uint64_t *ret_id)
{
	const struct queue_deliver_job *job = link_body(&st->in);
	const struct queue_delivery_message *message = link_body(&st->in);

	if (!await(st, &st->ends[ROLE_DELIVER], QUEUE_DELIVER_JOB))
		return false;
	*ret_job = job->job;
	*ret_room = link_of(st->in.fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM);
	st->in.fds[0] = -1;
	send_ok(ret_room, QUEUE_DELIVERY_NEXT, NULL);
	if (!await(st, ret_room, QUEUE_DELIVERY_MESSAGE))
		return false;
	*ret_id = message->id;
	return await(st, ret_room, QUEUE_DELIVERY_END);
}

static void deliver_foreign(struct link *room)
{
	struct queue_delivery_result m = { .index = 9,
					   .outcome = QUEUE_DELIVERY_OUTCOME_DELIVERED,
					   .code = 250 };

	send_ok(room, QUEUE_DELIVERY_RESULT, &m);
}

static void deliver_without_results(struct link *room)
{
	struct queue_delivery_done done = { true };

	send_ok(room, QUEUE_DELIVERY_DONE, &done);
}

static void ask_before_answering(struct link *room)
{
	send_untimely(room, QUEUE_DELIVERY_NEXT, "");
}

static void with_queue_as_delivery_room(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "deliver a recipient of another message", deliver_foreign },
		{ "be done without an answer for each", deliver_without_results },
		{ "ask for more before answering", ask_before_answering },
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct queue_deliver_ended ended = { 0 };
		struct link room;
		uint64_t id;
		bool is_refused = take_delivery(st, &room, &ended.job, &id);
		if (is_refused) {
			acts[i].act(&room);
			is_refused = is_ended(st, &room);
			link_close(&room);
			send_ok(&st->ends[ROLE_DELIVER], QUEUE_DELIVER_ENDED, &ended);
		}
		finish(r, st, "delivery/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

static void with_queue(struct gateway *g, struct report *r)
{
	struct queue_scan_slots slots = { 8 };
	struct stage st;

	if (!open_stage(g, ROLE_QUEUE, &st)) {
		report_check(r, "queue", "it starts", false, "");
		return;
	}
	send_ok(&st.ends[ROLE_SCAN], QUEUE_SCAN_SLOTS, &slots);
	with_queue_as_session(&st, r);
	with_queue_unfinished(&st, r);
	with_queue_as_message_room(&st, r);
	with_queue_as_delivery_room(&st, r);
	close_stage(&st);
}

/* ---- keyring ---- */

static void make_room(struct stage *st, struct link *ret_room)
{
	struct receive_keyring_room m = { ++st->last_session };
	int fds[2];

	ASSERT(link_make_pair(&session_keyring_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(&st->ends[ROLE_RECEIVE], RECEIVE_KEYRING_ROOM, &m, &fds[1], 1, soon()));
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
	send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_signed = await(st, &room, SESSION_KEYRING_SIGNATURE);
	link_close(&room);
	return is_signed;
}

static bool is_refused_to_sign(struct stage *st, struct text data)
{
	struct session_keyring_sign m = { SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, data };
	struct link room;
	bool is_refused;

	make_room(st, &room);
	send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = await(st, &room, SESSION_KEYRING_REFUSED) && is_ended(st, &room);
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
	send_ok(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = await(st, &room, SESSION_KEYRING_SIGNATURE);
	send_untimely(&room, SESSION_KEYRING_SIGN, &m);
	is_refused = is_refused && is_at_end(&room);
	link_close(&room);
	return is_refused;
}

static void with_keyring(struct gateway *g, struct report *r)
{
	struct stage st;

	if (!open_stage(g, ROLE_KEYRING, &st)) {
		report_check(r, "keyring", "it starts", false, "");
		return;
	}
	finish(r, &st, "session/keyring", "have a text of its own signed",
	       is_refused_to_sign(&st, text_from_cstr("dkim: hostile.example")), is_signing(&st));
	finish(r, &st, "session/keyring", "have a bare digest signed",
	       is_refused_to_sign(&st, text_from_cstr("0123456789abcdef0123456789abcdef")), is_signing(&st));
	finish(r, &st, "session/keyring", "sign twice", is_refused_twice(&st), is_signing(&st));
	close_stage(&st);
}

void drill_hostile(struct gateway *g, struct report *r)
{
	if (!r->is_json)
		printf("\na hostile room on the channels of the service\n");
	with_policy(g, r);
	with_queue(g, r);
	with_keyring(g, r);
}
