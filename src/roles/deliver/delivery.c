/* SPDX-License-Identifier: Apache-2.0
 *
 * A delivery room's words with queue: asks for a message, takes it, answers for every recipient. Called
 * by smtp_room.c and maildir_room.c. Trusts queue; the link checks that each message may come now.
 * Invariant: every recipient of a message gets exactly one `result` before `done`.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "roles/deliver/room.h"

#include <unistd.h>

#define QUEUE_WAIT  60000   /* ms: a standing role answers at once or is in trouble */
#define ORDERS_WAIT 3600000 /* ms: queue says itself when no more comes */
#define INLINE_MAX                                                                                           \
	((16 << 20) + (128 << 10))    /* headers and a body that travels inside messages, or the header of a \
				       * larger    one that is not whole */
#define ARENA_MAX ((size_t)128 << 20) /* 50,000 recipients of the longest kind, with their answers */
#define TEXT_MAX  512

void delivery_open(struct delivery *d, int queue_fd)
{
	*d = (struct delivery){ .queue = link_of(queue_fd, &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM),
				.file = -1 };
	link_in_init(&d->in, &queue_delivery_edge);
	arena_init(&d->arena, ARENA_MAX);
	buf_init(&d->inline_text, INLINE_MAX);
}

static void forget_message(struct delivery *d)
{
	arena_reset(&d->arena);
	buf_reset(&d->inline_text);
	if (d->file >= 0)
		close(d->file);
	d->file = -1;
	d->file_size = 0;
	d->rcpts = NULL;
	d->n_rcpts = 0;
}

static bool take_head(struct delivery *d, const struct queue_delivery_message *m)
{
	d->id = m->id;
	d->size = m->size;
	d->body = m->body;
	d->ret = m->ret;
	d->smtputf8 = m->smtputf8;
	d->is_again = m->again;
	d->rcpts = arena_alloc(&d->arena, (m->n_rcpts + 1) * sizeof *d->rcpts);
	return d->rcpts && m->n_rcpts > 0 && arena_copy(&d->arena, m->sender, &d->sender) &&
	       arena_copy(&d->arena, m->envid, &d->envid);
}

static bool take_rcpt(struct delivery *d, const struct queue_delivery_rcpt *m)
{
	struct delivery_rcpt *r = &d->rcpts[d->n_rcpts++];

	*r = (struct delivery_rcpt){ .index = m->index, .notify = m->notify };
	return arena_copy(&d->arena, m->address, &r->address) && arena_copy(&d->arena, m->orcpt, &r->orcpt);
}

/* False: queue does not keep to the edge. */
static bool take_message(struct delivery *d, uint32_t *n_announced, bool *is_complete)
{
	const struct queue_delivery_message *head = link_body(&d->in);
	const struct queue_delivery_chunk *chunk = link_body(&d->in);
	const struct queue_delivery_file *file = link_body(&d->in);

	switch (d->in.type) {
	case QUEUE_DELIVERY_MESSAGE:
		*n_announced = head->n_rcpts;
		return take_head(d, head);
	case QUEUE_DELIVERY_RCPT:
		return d->n_rcpts < *n_announced && take_rcpt(d, link_body(&d->in));
	case QUEUE_DELIVERY_CHUNK:
		return buf_add(&d->inline_text, chunk->data);
	case QUEUE_DELIVERY_FILE:
		d->file = d->in.fds[0];
		d->in.fds[0] = -1;
		d->file_size = file->size;
		d->file_offset = file->offset;
		break;
	default:
		break;
	}
	*is_complete = true;
	return d->n_rcpts == *n_announced && d->size == d->inline_text.n + d->file_size;
}

enum error delivery_next(struct delivery *d, enum error (*idle)(void *arg, int queue_fd), void *arg)
{
	uint32_t n_announced = 0;
	bool is_complete = false;
	enum error e = link_send(&d->queue, QUEUE_DELIVERY_NEXT, NULL, NULL, 0, clock_mono_ms() + QUEUE_WAIT);

	forget_message(d);
	if (!e && idle)
		e = idle(arg, d->queue.fd);
	if (!e)
		e = link_receive(&d->queue, &d->in, clock_mono_ms() + ORDERS_WAIT);
	if (!e && d->in.type == QUEUE_DELIVERY_NO_MORE)
		return ERROR_NOT_FOUND;
	while (!e) {
		bool is_sound = take_message(d, &n_announced, &is_complete);
		link_in_close_fds(&d->in);
		if (!is_sound)
			return ERROR_UNEXPECTED;
		if (is_complete)
			return ERROR_NONE;
		e = link_receive(&d->queue, &d->in, clock_mono_ms() + QUEUE_WAIT);
	}
	return e;
}

void delivery_settle(struct delivery *d, struct delivery_rcpt *r, enum queue_delivery_outcome outcome,
		     unsigned code, struct text enhanced, struct text text)
{
	if (r->is_settled)
		return;
	r->is_settled = true;
	r->outcome = outcome;
	r->code = code;
	ASSERT(arena_copy(&d->arena, text_slice(enhanced, 0, 12), &r->enhanced) &&
	       arena_copy(&d->arena, text_slice(text, 0, TEXT_MAX), &r->text));
}

void delivery_settle_all(struct delivery *d, enum queue_delivery_outcome outcome, unsigned code,
			 const char *enhanced, const char *text)
{
	for (uint32_t i = 0; i < d->n_rcpts; i++)
		delivery_settle(d, &d->rcpts[i], outcome, code, text_from_cstr(enhanced),
				text_from_cstr(text));
}

enum error delivery_report(struct delivery *d, bool reusable)
{
	struct queue_delivery_done done = { reusable };
	enum error e = ERROR_NONE;

	for (uint32_t i = 0; i < d->n_rcpts && !e; i++) {
		const struct delivery_rcpt *r = &d->rcpts[i];
		struct queue_delivery_result m = { .index = r->index,
						   .outcome = r->outcome,
						   .code = (uint16_t)r->code,
						   .enhanced = r->enhanced,
						   .text = r->text,
						   .relayed = r->is_relayed };
		ASSERT(r->is_settled);
		e = link_send(&d->queue, QUEUE_DELIVERY_RESULT, &m, NULL, 0, clock_mono_ms() + QUEUE_WAIT);
	}
	if (!e)
		e = link_send(&d->queue, QUEUE_DELIVERY_DONE, &done, NULL, 0, clock_mono_ms() + QUEUE_WAIT);
	return e;
}

enum error delivery_read(const struct delivery *d, struct delivery_reader *r, struct text *ret_piece)
{
	uint64_t in_file = r->at - d->inline_text.n;
	ssize_t n;

	if (r->at < d->inline_text.n) {
		*ret_piece =
			text_slice(text_skip(buf_text(&d->inline_text), (size_t)r->at), 0, DELIVERY_PIECE);
		r->at += ret_piece->n;
		return ERROR_NONE;
	}
	if (d->file < 0 || in_file == d->file_size)
		return ERROR_NOT_FOUND;
	n = pread(d->file, r->piece,
		  d->file_size - in_file < DELIVERY_PIECE ? d->file_size - in_file : DELIVERY_PIECE,
		  (off_t)(d->file_offset + in_file));
	if (n <= 0)
		return ERROR_IO;
	*ret_piece = text_from_bytes(r->piece, (size_t)n);
	r->at += (uint64_t)n;
	return ERROR_NONE;
}

enum error delivery_begin(int control_fd, struct arena *a, struct deliver_room_begin *ret_begin)
{
	struct link control = link_of(control_fd, &deliver_room_edge, DELIVER_ROOM_SIDE_ROOM);
	struct link_in in;
	enum error e;

	link_in_init(&in, &deliver_room_edge);
	e = link_receive(&control, &in, clock_mono_ms() + QUEUE_WAIT);
	if (!e && in.type != DELIVER_ROOM_BEGIN)
		e = ERROR_UNEXPECTED;
	if (!e) {
		*ret_begin = *(const struct deliver_room_begin *)link_body(&in);
		ASSERT(arena_copy(a, ret_begin->host, &ret_begin->host) &&
		       arena_copy(a, ret_begin->ehlo_name, &ret_begin->ehlo_name));
	}
	link_in_done(&in);
	return e;
}
