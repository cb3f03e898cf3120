/* SPDX-License-Identifier: Apache-2.0
 *
 * A message in memory: made by intake.c while it is received, read back from the spool for whoever
 * needs it later, and handed to rooms. Trusts the spool's checks of what it reads.
 *
 * What messages in memory cost is counted in queue.memory_used. Rooms get an inline body as one chunk
 * and a large one as a read-only descriptor of its file, which cannot be written through it.
 */
#include "roles/queue/queue.h"

#include "base/ensure.h"
#include "roles/queue/origin.h"

#include <stdlib.h>
#include <unistd.h>

struct mail *mail_new(size_t n_rcpts_max)
{
	struct mail *mail = mem_zalloc(1, sizeof *mail);

	arena_init(&mail->arena, SPOOL_ARENA_SIZE(n_rcpts_max));
	buf_init(&mail->body, SPOOL_INLINE_MAX);
	mail->body_fd = -1;
	return mail;
}

void mail_free(struct queue *q, struct mail *mail)
{
	if (!mail)
		return;
	ASSERT(q->memory_used >= mail->cost);
	q->memory_used -= mail->cost;
	if (mail->body_fd >= 0)
		close(mail->body_fd);
	arena_reset(&mail->arena);
	buf_done(&mail->body);
	free(mail);
}

bool mail_charge(struct queue *q, struct mail *mail)
{
	size_t cost = mail->arena.used + mail->body.n + sizeof *mail;

	q->memory_used += cost - mail->cost;
	mail->cost = cost;
	return q->memory_used <= queue_conf(q)->queue.memory;
}

enum error mail_load(struct queue *q, uint64_t id, struct mail **ret_mail)
{
	struct mail *mail = mail_new(SPOOL_RCPTS_MAX);
	enum error e = spool_read(q->spool, id, &mail->arena, &mail->m, &mail->rcpts);

	if (!e && !mail->m.has_file)
		e = spool_read_body(q->spool, id, &mail->body);
	if (!e && !mail->m.has_file && mail->body.n != mail->m.body_size)
		e = ERROR_CORRUPT;
	if (e) {
		mail_free(q, mail);
		return e;
	}
	mail_charge(q, mail);
	*ret_mail = mail;
	return ERROR_NONE;
}

static void send_chunk(struct peer *to, unsigned type, struct text data)
{
	while (data.n > 0) {
		const struct {
			struct text data;
		} body = { text_slice(data, 0, SPOOL_CHUNK_MAX) };
		peer_send(to, type, &body);
		data = text_skip(data, body.data.n);
	}
}

/* ---- what is left out ---- */

void mail_find_cuts(const struct mail *mail, struct mail_cuts *ret_cuts)
{
	struct origin *o = origin_decode(mail->m.origin, mail->m.header_size);

	*ret_cuts = (struct mail_cuts){ 0 };
	if (!o)
		return;
	for (size_t i = 0; i < o->n_cuts && i < MAIL_CUTS_MAX; i++)
		ret_cuts->v[ret_cuts->n++] = (struct mail_cut){ o->cuts[i].offset, o->cuts[i].size };
	ret_cuts->size = o->cut_size;
	origin_free(o);
}

static uint64_t end_of(const struct mail_cuts *cuts)
{
	return cuts->n ? (uint64_t)cuts->v[cuts->n - 1].offset + cuts->v[cuts->n - 1].size : 0;
}

static void send_between_cuts(struct peer *to, unsigned type, struct text bytes, const struct mail_cuts *cuts)
{
	size_t at = 0;

	for (size_t i = 0; i < cuts->n; i++) {
		send_chunk(to, type, text_slice(bytes, at, cuts->v[i].offset));
		at = (size_t)cuts->v[i].offset + cuts->v[i].size;
	}
	send_chunk(to, type, text_skip(bytes, at));
}

/* The part of a file that has cuts, as chunks. */
static enum error send_cut_part(int fd, struct peer *to, unsigned type, const struct mail_cuts *cuts)
{
	size_t n = (size_t)end_of(cuts), done = 0;
	char *bytes = n ? mem_alloc(n) : NULL;
	ssize_t got = 1;

	for (; done < n && got > 0; done += (size_t)got)
		got = pread(fd, bytes + done, n - done, (off_t)done);
	if (got > 0 && n > 0)
		send_between_cuts(to, type, text_from_bytes(bytes, n), cuts);
	free(bytes);
	return got > 0 ? ERROR_NONE : ERROR_CORRUPT;
}

static enum error send_file(struct queue *q, const struct mail *mail, struct peer *to,
			    const struct mail_verbs *verbs, const struct mail_cuts *cuts)
{
	const struct { /* edges without cuts have no offset */
		uint64_t size, offset;
	} body = { mail->m.body_size - end_of(cuts), end_of(cuts) };
	int fd;
	enum error e = spool_open_body(q->spool, mail->m.id, mail->m.body_size, &fd);

	if (e)
		return e;
	e = send_cut_part(fd, to, verbs->chunk, cuts);
	if (!e)
		peer_send_fds(to, verbs->file, &body, &fd, 1);
	close(fd);
	return e;
}

enum error mail_send(struct queue *q, const struct mail *mail, struct peer *to,
		     const struct mail_verbs *verbs)
{
	struct mail_cuts cuts = { 0 };

	if (verbs->head) {
		send_chunk(to, verbs->chunk, mail->m.head);
		mail_find_cuts(mail, &cuts);
	}
	if (mail->m.has_file && verbs->file)
		return send_file(q, mail, to, verbs, &cuts);
	send_between_cuts(to, verbs->chunk, buf_text(&mail->body), &cuts);
	peer_send(to, verbs->end, NULL);
	return ERROR_NONE;
}

/* ---- where it comes from ---- */

static void audit_origin(struct queue *q, const struct mail *mail, const struct origin *o, int64_t ms)
{
	char id[SPOOL_ID_SIZE];
	struct buf text;

	buf_init(&text, 800);
	origin_summary(o, &text);
	spool_print_id(mail->m.id, id);
	role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_AUTHENTICATED, id, "%s%s%s ms=%lld", buf_cstr(&text),
		   o->verdict == ORIGIN_ACCEPTED ? "" : " why=", origin_reason(o->verdict), (long long)ms);
	buf_done(&text);
}

/* Without the record it would be authenticated again; without the fields nobody would read them. Both have
 * room: what a room says is bounded by the edge. */
void mail_authenticate(struct queue *q, struct mail *mail, struct origin *origin, int64_t ms)
{
	struct buf head, record;

	origin_judge(origin, conf_authentication_of(queue_conf(q), mail->m.listener));
	buf_init(&head, SPOOL_HEAD_MAX);
	buf_init(&record, SPOOL_ORIGIN_MAX);
	origin_head(origin, queue_conf(q), &mail->m, &head);
	buf_add(&head, mail->m.head);
	ASSERT(origin_encode(origin, &record) &&
	       arena_copy(&mail->arena, buf_text(&record), &mail->m.origin));
	if (!head.overflow)
		ASSERT(arena_copy(&mail->arena, buf_text(&head), &mail->m.head));
	buf_done(&head);
	buf_done(&record);
	audit_origin(q, mail, origin, ms);
	report_tell(q, mail, origin);
}
