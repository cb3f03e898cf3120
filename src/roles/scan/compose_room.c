/* SPDX-License-Identifier: Apache-2.0
 *
 * The compose room: the facts of a bounce and the original in, the text of the notice out, end. Forked
 * by the compose zygote for one job of queue. The original and most texts of the facts are strangers';
 * that queue keeps to the edge is trusted, and when it does not the room ends. Of an original larger
 * than may be returned only the beginning is kept: then only its header goes back.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/link.h"
#include "ipc/queue_compose.h"
#include "proto/dsn.h"
#include "roles/scan/scan.h"

#include <sysexits.h>

#define ENVELOPE_MEMORY ((size_t)128 << 20)
#define OVERHEAD        ((uint64_t)128 << 20)
#define PER_RCPT        4096 /* of the text; a value is cut at 600 bytes */
#define CHUNK           65536

struct room {
	struct link queue;
	struct link_in in;
	int64_t deadline;
	struct arena envelope;
	struct dsn_limits limits;
	struct dsn_facts facts;
	struct dsn_recipient *rcpts;
	size_t n_rcpts; /* announced */
	struct buf original;
	bool has_head, is_cut, is_complete;
};

static bool copy_text(struct room *r, struct text t, struct text *ret_copy)
{
	return arena_copy(&r->envelope, t, ret_copy);
}

static bool take_head(struct room *r, const struct queue_compose_bounce *m)
{
	struct dsn_facts *f = &r->facts;
	size_t n = m->n_rcpts ? m->n_rcpts : 1;

	if (r->has_head)
		return false;
	r->has_head = true;
	r->n_rcpts = m->n_rcpts;
	r->rcpts = arena_alloc(&r->envelope, n * sizeof *r->rcpts);
	f->arrival = m->arrival;
	f->now = m->now;
	f->expires = m->expires;
	f->smtputf8 = m->smtputf8;
	f->full = m->full;
	return r->rcpts && copy_text(r, m->reporting_mta, &f->reporting_mta) &&
	       copy_text(r, m->postmaster, &f->postmaster) && copy_text(r, m->sender, &f->sender) &&
	       copy_text(r, m->envid, &f->envid) && copy_text(r, m->id, &f->id);
}

static bool take_rcpt(struct room *r, const struct queue_compose_rcpt *m)
{
	struct dsn_recipient *rcpt = &r->rcpts[r->facts.n_rcpts];

	if (r->facts.n_rcpts == r->n_rcpts)
		return false;
	r->facts.n_rcpts++;
	rcpt->action = (enum dsn_action)m->action;
	rcpt->last_attempt = m->last_attempt;
	return copy_text(r, m->address, &rcpt->address) && copy_text(r, m->orcpt, &rcpt->orcpt) &&
	       copy_text(r, m->status, &rcpt->status) && copy_text(r, m->diagnostic, &rcpt->diagnostic) &&
	       copy_text(r, m->remote_mta, &rcpt->remote_mta);
}

static void take_chunk(struct room *r, struct text data)
{
	size_t left = r->original.max - r->original.n;

	r->is_cut = r->is_cut || data.n > left;
	buf_add(&r->original, text_slice(data, 0, left));
}

static bool take_message(struct room *r)
{
	const struct queue_compose_chunk *chunk = link_body(&r->in);

	if (r->in.type == QUEUE_COMPOSE_BOUNCE)
		return take_head(r, link_body(&r->in));
	if (!r->has_head)
		return false;
	switch (r->in.type) {
	case QUEUE_COMPOSE_RCPT:
		return take_rcpt(r, link_body(&r->in));
	case QUEUE_COMPOSE_CHUNK:
		take_chunk(r, chunk->data);
		return true;
	case QUEUE_COMPOSE_END:
		r->is_complete = true;
		return r->facts.n_rcpts == r->n_rcpts;
	default:
		return false;
	}
}

static int receive_facts(struct room *r)
{
	while (!r->is_complete) {
		enum error e = link_receive(&r->queue, &r->in, r->deadline);
		bool ok;
		if (e)
			return e == ERROR_CLOSED ? EX_OK : EX_PROTOCOL; /* closed: nobody wants to know */
		ok = take_message(r);
		link_in_close_fds(&r->in);
		if (!ok)
			return EX_PROTOCOL;
	}
	r->facts.rcpts = r->rcpts;
	r->facts.original = buf_text(&r->original);
	r->facts.full = r->facts.full && !r->is_cut;
	return EX_OK;
}

static enum error send_text(struct room *r, struct text t)
{
	struct queue_compose_done done = { dsn_needs_smtputf8(&r->facts, &r->limits) };
	enum error e = ERROR_NONE;

	while (t.n && !e) {
		struct queue_compose_text m = { text_slice(t, 0, CHUNK) };
		e = link_send(&r->queue, QUEUE_COMPOSE_TEXT, &m, NULL, 0, r->deadline);
		t = text_skip(t, CHUNK);
	}
	return e ? e : link_send(&r->queue, QUEUE_COMPOSE_DONE, &done, NULL, 0, r->deadline);
}

static int run(struct zygote *z)
{
	static struct room r;
	struct buf out;
	int status;

	r.queue = link_of(ROOM_FD, &queue_compose_edge, QUEUE_COMPOSE_SIDE_ROOM);
	r.deadline = clock_mono_ms() + z->conf->scan.message_time;
	r.limits = dsn_limits_default();
	r.limits.original = z->conf->queue.bounce_size;
	link_in_init(&r.in, &queue_compose_edge);
	arena_init(&r.envelope, ENVELOPE_MEMORY);
	buf_init(&r.original, r.limits.original > r.limits.header ? r.limits.original : r.limits.header);
	status = receive_facts(&r);
	if (status != EX_OK || !r.is_complete)
		return status;
	buf_init(&out, r.original.max + (r.n_rcpts + 16) * PER_RCPT);
	if (!dsn_compose(&r.facts, &r.limits, &out))
		return EX_SOFTWARE;
	return send_text(&r, buf_text(&out)) ? EX_IOERR : EX_OK;
}

static void limit(const struct conf *conf, uint64_t *ret_memory, uint64_t *ret_cpu_seconds)
{
	*ret_memory = 4 * (conf->queue.bounce_size + ENVELOPE_MEMORY) + OVERHEAD;
	*ret_cpu_seconds = (uint64_t)(conf->scan.message_time + 999) / 1000;
}

const struct zygote_definition compose_zygote = {
	.kind = PROCESS_COMPOSE,
	.n_fds = 1,
	.limits = limit,
	.room = run,
};
