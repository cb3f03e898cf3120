/* SPDX-License-Identifier: Apache-2.0
 *
 * The message room: one message in, its verdicts out, end. Forked by the message zygote for one job of
 * queue. The message is a stranger's; what queue says about it is trusted, and when queue does not keep
 * to the edge the room ends. Memory: the message and the views that engines make of it take at most
 * VIEWS times its size, the arena has what is left of the configured memory, and RLIMIT_AS stands
 * behind both. Time: the configured time for everything; the CPU limit and scan's timer stand behind.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/link.h"
#include "ipc/queue_judge.h"
#include "judge/judge.h"
#include "roles/scan/incoming.h"
#include "roles/scan/scan.h"

#include <sysexits.h>

#define VIEWS       4                     /* the message itself and three buffers of the engines */
#define OVERHEAD    ((uint64_t)128 << 20) /* address space of the program before its work */
#define RCPT_MEMORY ((size_t)64 << 20)    /* 50,000 recipients of the longest kind */

struct room {
	const struct conf *conf;
	struct link queue;
	struct link_in in;
	int64_t deadline;
	struct arena envelope;
	bool has_head;
	struct judge_input input;
	struct text *rcpts;
	struct incoming incoming;
};

static bool copy_text(struct room *r, struct text t, struct text *ret_copy)
{
	return arena_copy(&r->envelope, t, ret_copy);
}

static bool take_head(struct room *r, const struct queue_judge_message *m)
{
	size_t n = m->n_rcpts ? m->n_rcpts : 1;

	if (r->has_head)
		return false;
	r->has_head = true;
	r->rcpts = arena_alloc(&r->envelope, n * sizeof *r->rcpts);
	r->input.client = m->client;
	r->input.authenticated = m->authenticated;
	r->input.n_rcpts = m->n_rcpts;
	incoming_init(&r->incoming, m->size);
	return r->rcpts && copy_text(r, m->helo, &r->input.helo) && copy_text(r, m->sender, &r->input.sender);
}

static bool take_message(struct room *r, size_t *n_rcpts)
{
	const struct queue_judge_rcpt *rcpt = link_body(&r->in);
	const struct queue_judge_chunk *chunk = link_body(&r->in);
	const struct queue_judge_file *file = link_body(&r->in);

	if (r->in.type == QUEUE_JUDGE_MESSAGE)
		return take_head(r, link_body(&r->in));
	if (!r->has_head)
		return false;
	switch (r->in.type) {
	case QUEUE_JUDGE_RCPT:
		return *n_rcpts < r->input.n_rcpts && copy_text(r, rcpt->address, &r->rcpts[(*n_rcpts)++]);
	case QUEUE_JUDGE_CHUNK:
		return incoming_take_chunk(&r->incoming, chunk->data);
	case QUEUE_JUDGE_FILE:
		return incoming_take_file(&r->incoming, r->in.fds[0], file->size);
	case QUEUE_JUDGE_END:
		return incoming_end(&r->incoming);
	default:
		return false;
	}
}

static int receive_message(struct room *r)
{
	size_t n_rcpts = 0;

	while (!r->incoming.is_complete) {
		enum error e = link_receive(&r->queue, &r->in, r->deadline);
		bool ok;
		if (e)
			return e == ERROR_CLOSED ? EX_OK : EX_PROTOCOL; /* closed: nobody wants to know */
		ok = take_message(r, &n_rcpts);
		link_in_close_fds(&r->in);
		if (!ok)
			return EX_PROTOCOL;
	}
	r->input.message = r->incoming.message;
	r->input.rcpts = r->rcpts;
	return n_rcpts == r->input.n_rcpts ? EX_OK : EX_PROTOCOL;
}

static struct judge_limits limits_of(const struct conf_scan *conf)
{
	struct judge_limits limits = judge_limits_default();

	limits.mime.header_bytes = conf->max_header_size;
	limits.mime.header_fields = conf->max_header_fields;
	limits.mime.depth = (unsigned)conf->max_depth;
	limits.mime.parts = conf->max_parts;
	limits.mime.decoded = conf->max_decoded_size;
	limits.mime.ratio = conf->max_decoded_ratio;
	limits.mime.params = conf->max_parameters;
	limits.mime.boundaries = conf->max_boundaries;
	limits.mime.name_bytes = conf->max_filename;
	limits.mime.memory = conf->max_reader_memory;
	return limits;
}

static void judge(struct room *r, struct judge_report *ret_report)
{
	struct judge_limits limits = limits_of(&r->conf->scan);
	uint64_t memory = r->conf->scan.memory;
	uint64_t views = VIEWS * (uint64_t)r->input.message.n;
	struct arena arena;

	if (views >= memory) {
		judge_refuse(MIME_TROUBLE_MEMORY, ret_report);
		return;
	}
	arena_init(&arena, memory - views);
	judge_message(&r->input, &limits, &arena, ret_report);
	arena_reset(&arena);
}

static enum error send_report(struct room *r, const struct judge_report *report)
{
	enum error e = ERROR_NONE;

	for (size_t i = 0; i < report->n_reasons && !e; i++) {
		const struct judge_reason *why = &report->reasons[i];
		struct queue_judge_reason m = { text_from_cstr(why->engine), text_from_cstr(why->symbol),
						(uint8_t)why->weight };
		e = link_send(&r->queue, QUEUE_JUDGE_REASON, &m, NULL, 0, r->deadline);
	}
	for (uint32_t i = 0; i < r->input.n_rcpts && !e; i++) {
		struct queue_judge_verdict m = { i, (enum queue_judge_finding)report->finding,
						 (uint8_t)report->score };
		e = link_send(&r->queue, QUEUE_JUDGE_VERDICT, &m, NULL, 0, r->deadline);
	}
	if (!e)
		e = link_send(&r->queue, QUEUE_JUDGE_DONE, NULL, NULL, 0, r->deadline);
	return e;
}

static int run(struct zygote *z)
{
	static struct room r;
	struct judge_report report;
	int status;

	r.conf = z->conf;
	r.queue = link_of(ROOM_FD, &queue_judge_edge, QUEUE_JUDGE_SIDE_ROOM);
	r.deadline = clock_mono_ms() + z->conf->scan.message_time;
	link_in_init(&r.in, &queue_judge_edge);
	arena_init(&r.envelope, RCPT_MEMORY);
	status = receive_message(&r);
	if (status != EX_OK || !r.incoming.is_complete)
		return status;
	judge(&r, &report);
	return send_report(&r, &report) ? EX_IOERR : EX_OK;
}

/* Whole seconds, rounded up: the kernel counts no finer. */
static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	*ret_memory = conf->scan.memory + RCPT_MEMORY + OVERHEAD;
	*ret_cpu_seconds = (uint64_t)(conf->scan.message_time + 999) / 1000;
}

const struct zygote_definition message_zygote = {
	.kind = PROCESS_MESSAGE,
	.n_fds = 1,
	.limits = limit,
	.room = run,
};
