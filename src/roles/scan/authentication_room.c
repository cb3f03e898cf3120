/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication room: one message in, who sent it out, end. Forked by the authentication zygote for one
 * job of queue, apart from the rooms that read parts and archives: this one reads the header, and hashes the
 * rest. The message is a stranger's, so are the answers of the DNS; what queue says about the message is
 * trusted, and when queue does not keep to the edge the room ends. Memory: the message and what the arena may
 * take; RLIMIT_AS stands behind it. Time: that of the message for everything.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/queue_authenticate.h"
#include "roles/scan/incoming.h"
#include "roles/scan/room_dns.h"
#include "roles/scan/scan.h"

#include <sysexits.h>

#define DNS_FD        (ROOM_FD + 1)
#define OVERHEAD      ((uint64_t)128 << 20) /* address space of the program before its work */
#define WORK_MEMORY   ((size_t)16 << 20)
#define ANSWER_MEMORY ((size_t)16 << 20)

struct room {
	const struct conf *conf;
	struct link queue;
	struct link_in in;
	int64_t deadline;
	struct arena work, answers;
	struct room_dns dns;
	bool has_head;
	struct incoming incoming;
};

static bool take_head(struct room *r, const struct queue_authenticate_message *m)
{
	if (r->has_head)
		return false;
	r->has_head = true;
	incoming_init(&r->incoming, m->size);
	return true;
}

static bool take_message(struct room *r)
{
	const struct queue_authenticate_chunk *chunk = link_body(&r->in);
	const struct queue_authenticate_file *file = link_body(&r->in);

	if (r->in.type == QUEUE_AUTHENTICATE_MESSAGE)
		return take_head(r, link_body(&r->in));
	if (!r->has_head)
		return false;
	switch (r->in.type) {
	case QUEUE_AUTHENTICATE_CHUNK:
		return incoming_take_chunk(&r->incoming, chunk->data);
	case QUEUE_AUTHENTICATE_FILE:
		return incoming_take_file(&r->incoming, r->in.fds[0], file->size);
	case QUEUE_AUTHENTICATE_END:
		return incoming_end(&r->incoming);
	default:
		return false;
	}
}

static int receive_message(struct room *r)
{
	while (!r->incoming.is_complete) {
		enum error e = link_receive(&r->queue, &r->in, r->deadline);
		bool ok;
		if (e)
			return e == ERROR_CLOSED ? EX_OK : EX_PROTOCOL; /* closed: nobody wants to know */
		ok = take_message(r);
		link_in_close_fds(&r->in);
		if (!ok)
			return EX_PROTOCOL;
	}
	return EX_OK;
}

static int run(struct zygote *z)
{
	static struct room r;
	int status;

	r.conf = z->conf;
	r.queue = link_of(ROOM_FD, &queue_authenticate_edge, QUEUE_AUTHENTICATE_SIDE_ROOM);
	r.deadline = clock_mono_ms() + z->conf->scan.message_time;
	link_in_init(&r.in, &queue_authenticate_edge);
	arena_init(&r.work, WORK_MEMORY);
	arena_init(&r.answers, ANSWER_MEMORY);
	room_dns_init(&r.dns, DNS_FD, r.deadline, &r.answers);
	status = receive_message(&r);
	if (status != EX_OK || !r.incoming.is_complete)
		return status;
	return link_send(&r.queue, QUEUE_AUTHENTICATE_DONE, NULL, NULL, 0, r.deadline) ? EX_IOERR : EX_OK;
}

/* Whole seconds, rounded up: the kernel counts no finer. */
static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	*ret_memory = conf->scan.memory + WORK_MEMORY + ANSWER_MEMORY + OVERHEAD;
	*ret_cpu_seconds = (uint64_t)(conf->scan.message_time + 999) / 1000;
}

const struct zygote_definition authentication_zygote = {
	.kind = PROCESS_AUTHENTICATION,
	.n_fds = 2,
	.limits = limit,
	.room = run,
};
