/* SPDX-License-Identifier: Apache-2.0
 *
 * room_fixture - a delivery or Maildir room in a child process, with the test as deliver, queue and
 * the server. The room is the real one, without its sandbox.
 */
#ifndef TESTS_ROOM_FIXTURE_H
#define TESTS_ROOM_FIXTURE_H

#include "unit.h"

#include "base/clock.h"
#include "ipc/deliver_room.h"
#include "ipc/link.h"
#include "ipc/queue_delivery.h"
#include "role/tls.h"
#include "roles/deliver/deliver.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM_WITHIN 20000 /* ms */

struct room_fixture {
	pid_t pid;
	int server;        /* our end of the socket; -1 for a directory */
	struct link queue; /* our end */
	struct link_in in;
	struct buf heard; /* of what the room says, not read yet by the test */
	char results[4096];
};

struct room_message {
	const char *sender;
	const char *rcpts[8];
	const char *text; /* all of it inside messages */
	const char *file; /* or what follows in a file */
	enum queue_delivery_body body;
	bool smtputf8;
	enum queue_delivery_ret ret;
	const char *envid, *orcpt;
	bool again;
	uint8_t notify;
};

static inline int64_t room_deadline(void)
{
	return clock_mono_ms() + ROOM_WITHIN;
}

static inline struct conf *room_conf(const char *more)
{
	char text[2048];
	struct buf errors;
	struct conf *c;

	snprintf(text, sizeof text,
		 "hostname gw.test\nlistener public {\n}\ndomain here.test {\n\tnext-hop 192.0.2.1\n}\n%s",
		 more);
	buf_init(&errors, CONF_MAX_ERROR_TEXT);
	c = conf_parse(text_from_cstr(text), "test", CONF_PART, &errors);
	if (!c)
		fail_msg("%s", buf_cstr(&errors));
	buf_done(&errors);
	return c;
}

static inline _Noreturn void room_child(const struct zygote_definition *definition, const char *conf,
					const int *fds)
{
	struct zygote z = { .definition = definition, .conf = room_conf(conf) };
	int high[3];

	signal(SIGPIPE, SIG_IGN);
	if (definition->open)
		definition->open(&z);
	for (int i = 0; i < 3; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 100);
	for (int i = 0; i < 3; i++)
		dup2(high[i], ROOM_FD + i);
	close_range(ROOM_FD + 3, ~0u, 0);
	_exit(definition->room(&z));
}

/* `directory` -1: a socket. */
static inline void room_start(struct room_fixture *f, const char *conf, int directory,
			      struct deliver_room_begin begin)
{
	struct addr nowhere = { { 0 } };
	int queue[2], control[2], socket[2], fds[3];
	struct link ours;

	assert_int_equal(link_make_pair(&queue_delivery_edge, queue), ERROR_NONE);
	assert_int_equal(link_make_pair(&deliver_room_edge, control), ERROR_NONE);
	ours = link_of(control[0], &deliver_room_edge, DELIVER_ROOM_SIDE_DELIVER);
	begin.address = nowhere;
	begin.ehlo_name = text_from_cstr("gw.test");
	assert_int_equal(link_send(&ours, DELIVER_ROOM_BEGIN, &begin, NULL, 0, room_deadline()), ERROR_NONE);
	link_close(&ours);
	*f = (struct room_fixture){ .server = -1 };
	fds[0] = directory;
	if (directory < 0) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket), 0);
		fcntl(socket[1], F_SETFL, O_NONBLOCK);
		f->server = socket[0];
		fds[0] = socket[1];
	}
	fds[1] = queue[1];
	fds[2] = control[1];
	f->pid = fork();
	if (f->pid == 0)
		room_child(directory < 0 ? &delivery_zygote : &maildir_zygote, conf, fds);
	if (directory < 0)
		close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	f->queue = link_of(queue[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_QUEUE);
	link_in_init(&f->in, &queue_delivery_edge);
	buf_init(&f->heard, 1 << 20);
}

/* The status with which it ended. */
static inline int room_end(struct room_fixture *f)
{
	int status = -1;

	link_close(&f->queue);
	if (f->server >= 0)
		close(f->server);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	link_in_done(&f->in);
	buf_done(&f->heard);
	if (!WIFEXITED(status))
		fail_msg("the room ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static inline void room_tell(struct room_fixture *f, unsigned type, const void *body, int fd)
{
	assert_int_equal(link_send(&f->queue, type, body, &fd, fd >= 0, room_deadline()), ERROR_NONE);
}

static inline void room_expect_next(struct room_fixture *f)
{
	assert_int_equal(link_receive(&f->queue, &f->in, room_deadline()), ERROR_NONE);
	assert_int_equal(f->in.type, QUEUE_DELIVERY_NEXT);
}

/* Waits for `next`, answers with a message. */
static inline void room_give(struct room_fixture *f, const struct room_message *m)
{
	struct queue_delivery_message head = { .id = 77,
					       .sender = text_from_cstr(m->sender),
					       .size = strlen(m->text) + (m->file ? strlen(m->file) : 0),
					       .body = m->body,
					       .smtputf8 = m->smtputf8,
					       .ret = m->ret,
					       .envid = text_from_cstr(m->envid),
					       .again = m->again };
	struct queue_delivery_chunk chunk = { text_from_cstr(m->text) };
	struct queue_delivery_file file = { m->file ? strlen(m->file) : 0 };
	int fd;

	while (m->rcpts[head.n_rcpts])
		head.n_rcpts++;
	room_expect_next(f);
	room_tell(f, QUEUE_DELIVERY_MESSAGE, &head, -1);
	for (uint32_t i = 0; i < head.n_rcpts; i++) {
		struct queue_delivery_rcpt rcpt = { 10 + i, text_from_cstr(m->rcpts[i]),
						    text_from_cstr(m->orcpt), m->notify };
		room_tell(f, QUEUE_DELIVERY_RCPT, &rcpt, -1);
	}
	room_tell(f, QUEUE_DELIVERY_CHUNK, &chunk, -1);
	if (!m->file) {
		room_tell(f, QUEUE_DELIVERY_END, NULL, -1);
		return;
	}
	fd = memfd_create("body", MFD_CLOEXEC);
	assert_int_equal(write(fd, m->file, strlen(m->file)), strlen(m->file));
	room_tell(f, QUEUE_DELIVERY_FILE, &file, fd);
	close(fd);
}

/* What the room answers for a message: "INDEX outcome code enhanced text[ relayed]\n" each, then "done" or
 * "done, reusable". "gone" when it ends instead. */
static inline const char *room_results(struct room_fixture *f)
{
	static const char *const names[] = { "delivered", "failed", "deferred", "untried" };
	size_t n = 0;

	for (;;) {
		const struct queue_delivery_result *m = link_body(&f->in);
		const struct queue_delivery_done *done = link_body(&f->in);
		if (link_receive(&f->queue, &f->in, room_deadline())) {
			snprintf(f->results + n, sizeof f->results - n, "gone");
			return f->results;
		}
		if (f->in.type == QUEUE_DELIVERY_DONE) {
			snprintf(f->results + n, sizeof f->results - n, "done%s",
				 done->reusable ? ", reusable" : "");
			return f->results;
		}
		assert_int_equal(f->in.type, QUEUE_DELIVERY_RESULT);
		n += (size_t)snprintf(f->results + n, sizeof f->results - n, "%u %s %u %.*s %.*s%s\n",
				      m->index, names[m->outcome], m->code, TEXT_ARGS(m->enhanced),
				      TEXT_ARGS(m->text), m->relayed ? " relayed" : "");
	}
}

#endif
