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

static enum error send_file(struct queue *q, const struct mail *mail, struct peer *to, unsigned type)
{
	const struct {
		uint64_t size;
	} body = { mail->m.body_size };
	int fd;
	enum error e = spool_open_body(q->spool, mail->m.id, mail->m.body_size, &fd);

	if (e)
		return e;
	peer_send_fds(to, type, &body, &fd, 1);
	close(fd);
	return ERROR_NONE;
}

static void send_chunk(struct peer *to, unsigned type, struct text data)
{
	const struct {
		struct text data;
	} body = { data };

	if (data.n > 0)
		peer_send(to, type, &body);
}

enum error mail_send(struct queue *q, const struct mail *mail, struct peer *to,
		     const struct mail_verbs *verbs)
{
	if (verbs->head)
		send_chunk(to, verbs->chunk, mail->m.head);
	if (mail->m.has_file && verbs->file)
		return send_file(q, mail, to, verbs->file);
	send_chunk(to, verbs->chunk, buf_text(&mail->body));
	peer_send(to, verbs->end, NULL);
	return ERROR_NONE;
}
