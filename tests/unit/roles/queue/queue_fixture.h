/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_fixture - postern-queue as a whole, with the test as policy, session, scan, deliver, audit and
 * all of their rooms.
 */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "../role_fixture.h"

#include "conf/conf.h"
#include "ipc/admin_queue.h"
#include "ipc/policy_queue.h"
#include "ipc/queue_authenticate.h"
#include "ipc/queue_compose.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_delivery.h"
#include "ipc/queue_judge.h"
#include "ipc/queue_scan.h"
#include "ipc/role_audit.h"
#include "ipc/session_queue.h"

#include <poll.h>
#include <signal.h>

#define QUEUE_CONF_TOP                                                                                       \
	"hostname mx.test\n"                                                                                 \
	"listener public {\n\tmax-hops 20\n\tmax-message-size 1M\n\tauthentication none\n}\n"                \
	"listener checked {\n}\n"                                                                            \
	"authentication none {\n\tiprev no\n\tspf no\n\tspf-helo no\n\tdkim no\n\tarc no\n\tdmarc "          \
	"no\n\tbimi no\n}\n"                                                                                 \
	"domain here.test {\n\tnext-hop 192.0.2.1\n}\n"                                                      \
	"domain there.test {\n\tnext-hop 192.0.2.2\n}\n"
#define QUEUE_CONF QUEUE_CONF_TOP "queue {\n\treserve 0\n\tmin-free 0\n\tretry 1s 1h\n}\n"

#define HEADER  "From: <a@far.test>\r\nSubject: hello\r\n\r\n"
#define MESSAGE HEADER "Good day.\r\n"

struct queue_fixture {
	struct role_fixture role;
	struct link policy, scan, deliver, audit;
	uint64_t last_job, last_delivery; /* of the last rooms that were asked for */
};

static inline void queue_connect(struct queue_fixture *f)
{
	f->audit = role_fixture_peer(&f->role, ROLE_AUDIT, &role_audit_edge, ROLE_AUDIT_SIDE_AUDIT);
	role_fixture_go(&f->role);
	f->policy = role_fixture_peer(&f->role, ROLE_POLICY, &policy_queue_edge, POLICY_QUEUE_SIDE_POLICY);
	f->scan = role_fixture_peer(&f->role, ROLE_SCAN, &queue_scan_edge, QUEUE_SCAN_SIDE_SCAN);
	f->deliver =
		role_fixture_peer(&f->role, ROLE_DELIVER, &queue_deliver_edge, QUEUE_DELIVER_SIDE_DELIVER);
	link_in_fit(&f->role.in, &session_queue_edge);
	link_in_fit(&f->role.in, &queue_judge_edge);
	link_in_fit(&f->role.in, &queue_authenticate_edge);
	link_in_fit(&f->role.in, &queue_delivery_edge);
	link_in_fit(&f->role.in, &queue_compose_edge);
	link_in_fit(&f->role.in, &admin_queue_edge);
}

static inline void queue_start(struct queue_fixture *f, const char *conf)
{
	memset(f, 0, sizeof *f);
	role_fixture_start(&f->role, "queue", conf);
	queue_connect(f);
}

static inline void queue_disconnect(struct queue_fixture *f)
{
	link_close(&f->policy);
	link_close(&f->scan);
	link_close(&f->deliver);
	link_close(&f->audit);
	link_close(&f->role.posternd);
	link_in_done(&f->role.in);
}

/* Killed, and started anew on what it left. */
static inline void queue_kill_and_restart(struct queue_fixture *f, const char *conf)
{
	kill(f->role.pid, SIGKILL);
	role_fixture_wait(&f->role);
	queue_disconnect(f);
	role_fixture_boot(&f->role, "queue", conf);
	queue_connect(f);
}

static inline size_t queue_count_bodies(const struct queue_fixture *f, bool remove)
{
	char path[128];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "%s/bodies", f->role.state);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		n += entry->d_name[0] != '.';
		if (remove)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	if (remove)
		rmdir(path);
	return n;
}

/* Stops it in order; it must end well. */
static inline void queue_end(struct queue_fixture *f)
{
	link_close(&f->policy);
	link_close(&f->scan);
	link_close(&f->deliver);
	assert_int_equal(role_fixture_stop(&f->role), 0);
	link_close(&f->audit);
	queue_count_bodies(f, true);
	role_fixture_end(&f->role);
}

static inline void queue_send(struct link *l, unsigned type, const void *body)
{
	assert_int_equal(link_send(l, type, body, NULL, 0, role_fixture_deadline()), ERROR_NONE);
}

static inline const void *queue_receive(struct queue_fixture *f, struct link *l, unsigned type)
{
	role_fixture_receive(&f->role, l, type);
	return link_body(&f->role.in);
}

/* The other end is closed, with nothing more to read. */
static inline void queue_is_closed(struct queue_fixture *f, struct link *l)
{
	assert_int_equal(link_receive(l, &f->role.in, role_fixture_deadline()), ERROR_CLOSED);
}

static inline bool queue_has_message(const struct link *l, int within_ms)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	return poll(&p, 1, within_ms) > 0;
}

/* ---- in ---- */

struct queue_envelope {
	const char *sender;
	const char *rcpts[4];
	uint8_t notify;
	bool authenticated;
	uint32_t listener; /* QUEUE_CHECKED: its messages are authenticated */
};

#define QUEUE_CHECKED 1

/* As policy; returns the session room's end. */
static inline struct link queue_announce(struct queue_fixture *f, const struct queue_envelope *e)
{
	struct policy_queue_envelope m = { .session = 7,
					   .port = 4321,
					   .listener = e->listener,
					   .extended = true,
					   .helo = TEXT("far.test"),
					   .sender = text_from_cstr(e->sender),
					   .authenticated = e->authenticated };
	int fds[2];

	assert_true(addr_parse(text_from_cstr("198.51.100.7"), &m.client));
	while (m.n_rcpts < 4 && e->rcpts[m.n_rcpts])
		m.n_rcpts++;
	assert_int_equal(link_make_pair(&session_queue_edge, fds), ERROR_NONE);
	assert_int_equal(
		link_send(&f->policy, POLICY_QUEUE_ENVELOPE, &m, &fds[1], 1, role_fixture_deadline()),
		ERROR_NONE);
	close(fds[1]);
	for (uint32_t i = 0; i < m.n_rcpts; i++) {
		struct policy_queue_rcpt r = { .address = text_from_cstr(e->rcpts[i]),
					       .notify = e->notify,
					       .route = CONF_DOMAIN_NONE };
		queue_send(&f->policy, POLICY_QUEUE_RCPT, &r);
	}
	return link_of(fds[0], &session_queue_edge, SESSION_QUEUE_SIDE_SESSION);
}

static inline void queue_say_body(struct link *session, struct text body)
{
	while (body.n) {
		struct session_queue_chunk chunk = { text_slice(body, 0, 65536) };
		queue_send(session, SESSION_QUEUE_CHUNK, &chunk);
		body = text_skip(body, 65536);
	}
}

static inline void queue_say_message(struct link *session, struct text body)
{
	struct session_queue_end end = { .size = body.n, .header_size = sizeof HEADER - 1 };

	queue_say_body(session, body);
	queue_send(session, SESSION_QUEUE_END, &end);
}

/* Hears the answer; closes the session. Returns the outcome; the id goes to ret_id unless NULL. */
static inline enum session_queue_outcome queue_hear(struct queue_fixture *f, struct link *session,
						    char *ret_id)
{
	const struct session_queue_result *r = queue_receive(f, session, SESSION_QUEUE_RESULT);
	enum session_queue_outcome outcome = r->outcome;

	if (ret_id)
		snprintf(ret_id, 21, "%.*s", TEXT_ARGS(r->id));
	queue_is_closed(f, session);
	link_close(session);
	return outcome;
}

/* ---- judging ---- */

/* As scan: the next job, which must be of this kind; returns the room's end. */
static inline struct link queue_take_job(struct queue_fixture *f, enum queue_scan_kind kind)
{
	const struct queue_scan_job *job = queue_receive(f, &f->scan, QUEUE_SCAN_JOB);

	assert_int_equal(job->kind, kind);
	f->last_job = job->job;
	if (kind == QUEUE_SCAN_KIND_JUDGE)
		return link_of(f->role.in.fds[0], &queue_judge_edge, QUEUE_JUDGE_SIDE_ROOM);
	if (kind == QUEUE_SCAN_KIND_AUTHENTICATE)
		return link_of(f->role.in.fds[0], &queue_authenticate_edge, QUEUE_AUTHENTICATE_SIDE_ROOM);
	return link_of(f->role.in.fds[0], &queue_compose_edge, QUEUE_COMPOSE_SIDE_ROOM);
}

static inline void queue_end_job(struct queue_fixture *f, enum queue_scan_how how)
{
	struct queue_scan_ended ended = { f->last_job, how };

	queue_send(&f->scan, QUEUE_SCAN_ENDED, &ended);
}

/* As a message room: reads to the end of the message; returns its bytes, valid until the next call. */
static inline struct text queue_read_judged(struct queue_fixture *f, struct link *room)
{
	static char body[1 << 20];
	size_t n = 0;

	for (;;) {
		const struct queue_judge_chunk *chunk = link_body(&f->role.in);
		const struct queue_judge_file *file = link_body(&f->role.in);
		assert_int_equal(link_receive(room, &f->role.in, role_fixture_deadline()), ERROR_NONE);
		if (f->role.in.type == QUEUE_JUDGE_END)
			return text_from_bytes(body, n);
		if (f->role.in.type == QUEUE_JUDGE_CHUNK) {
			memcpy(body + n, chunk->data.p, chunk->data.n);
			n += chunk->data.n;
		}
		if (f->role.in.type == QUEUE_JUDGE_FILE) {
			assert_int_equal(pread(f->role.in.fds[0], body, sizeof body, 0), file->size);
			assert_int_equal(fcntl(f->role.in.fds[0], F_GETFL) & O_ACCMODE, O_RDONLY);
			link_in_close_fds(&f->role.in);
			return text_from_bytes(body, file->size);
		}
	}
}

static inline void queue_say_verdict(struct link *room, uint32_t rcpt, enum queue_judge_finding finding)
{
	struct queue_judge_verdict v = { rcpt, finding, 50 };

	queue_send(room, QUEUE_JUDGE_VERDICT, &v);
}

/* As scan and its room: judges the next message, one finding per recipient. */
static inline void queue_judge(struct queue_fixture *f, const enum queue_judge_finding *findings, uint32_t n)
{
	struct link room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);

	queue_read_judged(f, &room);
	for (uint32_t i = 0; i < n; i++)
		queue_say_verdict(&room, i, findings[i]);
	queue_send(&room, QUEUE_JUDGE_DONE, NULL);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_FINISHED);
}

static inline void queue_judge_clean(struct queue_fixture *f, uint32_t n)
{
	static const enum queue_judge_finding clean[4]; /* 0 */

	queue_judge(f, clean, n);
}

/* The room dies over the next message. */
static inline void queue_crash_room(struct queue_fixture *f)
{
	struct link room = queue_take_job(f, QUEUE_SCAN_KIND_JUDGE);

	queue_read_judged(f, &room);
	link_close(&room);
	queue_end_job(f, QUEUE_SCAN_HOW_CRASHED);
}

/* A whole message for these recipients, judged clean and accepted. */
static inline void queue_accept(struct queue_fixture *f, const struct queue_envelope *e, struct text body,
				char *ret_id)
{
	struct link session = queue_announce(f, e);
	uint32_t n = 0;

	while (n < 4 && e->rcpts[n])
		n++;
	queue_say_message(&session, body);
	queue_judge_clean(f, n);
	assert_int_equal(queue_hear(f, &session, ret_id), SESSION_QUEUE_OUTCOME_ACCEPTED);
}

/* ---- out ---- */

/* As deliver: the next job; returns the room's end. */
static inline struct link queue_take_delivery(struct queue_fixture *f, const char *domain)
{
	const struct queue_deliver_job *job = queue_receive(f, &f->deliver, QUEUE_DELIVER_JOB);

	assert_int_equal(job->route, domain ? role_fixture_domain(domain) : CONF_DOMAIN_NONE);
	f->last_delivery = job->job;
	return link_of(f->role.in.fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM);
}

static inline void queue_end_delivery(struct queue_fixture *f, struct link *room)
{
	struct queue_deliver_ended ended = { f->last_delivery, false };

	link_close(room);
	queue_send(&f->deliver, QUEUE_DELIVER_ENDED, &ended);
}

struct queue_taken {
	bool again;
	uint32_t n_rcpts;
	uint32_t indexes[8];
	char sender[64], rcpts[8][64];
	struct text body; /* with what was prepended */
};

/* As a delivery room that has asked: a message, which must come. Valid until the next call. */
static inline const struct queue_taken *queue_read_message(struct queue_fixture *f, struct link *room)
{
	static char body[2 << 20];
	static struct queue_taken t;
	const void *m = link_body(&f->role.in);
	size_t n = 0;

	memset(&t, 0, sizeof t);
	for (f->role.in.type = 0;
	     f->role.in.type != QUEUE_DELIVERY_END && f->role.in.type != QUEUE_DELIVERY_FILE;) {
		assert_int_equal(link_receive(room, &f->role.in, role_fixture_deadline()), ERROR_NONE);
		if (f->role.in.type == QUEUE_DELIVERY_MESSAGE) {
			const struct queue_delivery_message *head = m;
			snprintf(t.sender, 64, "%.*s", TEXT_ARGS(head->sender));
			t.again = head->again;
		} else if (f->role.in.type == QUEUE_DELIVERY_RCPT) {
			const struct queue_delivery_rcpt *r = m;
			t.indexes[t.n_rcpts] = r->index;
			snprintf(t.rcpts[t.n_rcpts++], 64, "%.*s", TEXT_ARGS(r->address));
		} else if (f->role.in.type == QUEUE_DELIVERY_CHUNK) {
			struct text data = ((const struct queue_delivery_chunk *)m)->data;
			memcpy(body + n, data.p, data.n);
			n += data.n;
		} else if (f->role.in.type == QUEUE_DELIVERY_FILE) {
			const struct queue_delivery_file *file = m;
			n += (size_t)pread(f->role.in.fds[0], body + n, sizeof body - n, (off_t)file->offset);
			link_in_close_fds(&f->role.in);
		} else {
			assert_int_equal(f->role.in.type, QUEUE_DELIVERY_END);
		}
	}
	t.body = text_from_bytes(body, n);
	return &t;
}

static inline const struct queue_taken *queue_take_message(struct queue_fixture *f, struct link *room)
{
	queue_send(room, QUEUE_DELIVERY_NEXT, NULL);
	return queue_read_message(f, room);
}

static inline void queue_say_result(struct link *room, uint32_t index, enum queue_delivery_outcome outcome)
{
	static const struct queue_delivery_result results[] = {
		[QUEUE_DELIVERY_OUTCOME_DELIVERED] = { .code = 250,
						       .enhanced = TEXT("2.0.0"),
						       .text = TEXT("taken") },
		[QUEUE_DELIVERY_OUTCOME_FAILED] = { .code = 550,
						    .enhanced = TEXT("5.1.1"),
						    .text = TEXT("nobody") },
		[QUEUE_DELIVERY_OUTCOME_DEFERRED] = { .code = 451,
						      .enhanced = TEXT("4.2.0"),
						      .text = TEXT("later") },
	};
	struct queue_delivery_result r = results[outcome];

	r.index = index;
	r.outcome = outcome;
	queue_send(room, QUEUE_DELIVERY_RESULT, &r);
}

static inline void queue_say_done(struct link *room)
{
	struct queue_delivery_done done = { true };

	queue_send(room, QUEUE_DELIVERY_DONE, &done);
}

/* ---- looking ---- */

/* Waits until a counter has this value. */
static inline void queue_wait_counter(struct queue_fixture *f, const char *name, uint64_t wanted)
{
	int64_t end = role_fixture_deadline();
	uint64_t value;

	while ((value = role_fixture_counter(&f->role, name)) != wanted && clock_mono_ms() < end)
		usleep(5000);
	assert_int_equal(value, wanted);
}

/* Reads records until one of this kind; its detail goes to ret_detail unless NULL. Tickets are answered. */
static inline void queue_wait_record(struct queue_fixture *f, enum role_audit_kind kind, char *ret_detail)
{
	for (;;) {
		const struct role_audit_event *e = queue_receive(f, &f->audit, ROLE_AUDIT_EVENT);
		struct role_audit_written written = { e->ticket };
		bool is_it = e->kind == kind;
		if (is_it && ret_detail)
			snprintf(ret_detail, 1001, "%.*s", TEXT_ARGS(e->detail));
		if (e->ticket)
			queue_send(&f->audit, ROLE_AUDIT_WRITTEN, &written);
		if (is_it)
			return;
	}
}

#endif
