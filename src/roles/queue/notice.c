/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices to senders: that mail failed, is late, or arrived (rfc3461, rfc3464). A compose room writes
 * the text from typed facts, since the original is a stranger's. Called by item.c. Trusts the room with
 * the text of this one notice; where it goes is decided here: to the sender of the original, from the
 * null sender, so that it can never be answered by another.
 *
 * Invariant: the notice and the fact that it exists (NOTIFIED, or the time of the warning) are one
 * transaction: a crash makes neither two notices nor none.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_compose.h"
#include "roles/queue/queue.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	ROOM_KEPT = 64 << 20,
	TRIES_MAX = 5,
	TRIES_WITH_ORIGINAL = 3,
	PAUSE_MS = 5000,        /* doubles */
	AROUND_MAX = 256 << 10, /* of a notice, beside the original and its recipients */
	PER_RCPT_MAX = 4096,
};

struct notice {
	struct queue *q;
	struct item *item;
	struct peer *room;
	struct buf text;
	bool smtputf8;
	uint32_t *rcpts, n_rcpts; /* whom it is about */
	bool *is_warning;         /* of each: it is late, no more */
	struct mail *mail;        /* the notice itself */
	struct change *change;    /* of the original */
	struct spool_op op;
};

static void notice_free(struct notice *n)
{
	n->item->notice = NULL;
	peer_close(n->room);
	if (n->change)
		change_drop(n->change);
	mail_free(n->q, n->mail);
	buf_done(&n->text);
	free(n->rcpts);
	free(n->is_warning);
	free(n);
}

static void come_back(struct queue *q, struct item *item, int64_t pause)
{
	item->notice_due = clock_wall_ms() + pause;
	heap_push(&q->notices_due, item->notice_due, item->id);
	queue_wake(q);
}

/* No notice can be made: said once, and the recipients are done. */
static void give_up(struct queue *q, struct item *item)
{
	const struct mail *mail = item_get_mail(q, item);
	char id[SPOOL_ID_SIZE];
	struct change *c;

	spool_print_id(item->id, id);
	log_error("no notice could be made for message %s", id);
	role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, id, "no notice could be made");
	if (!mail)
		return;
	c = change_new(q, item, item->n_rcpts);
	for (uint32_t i = 0; i < item->n_rcpts; i++) {
		if (!item_wants_notice(item, i))
			continue;
		change_rcpt(c, &mail->rcpts[i])->state = SPOOL_NOTIFIED;
		item->rcpts[i].state = SPOOL_NOTIFIED;
	}
	item_cool(q, item);
	change_submit(c, false);
}

/* Not now, and it is nobody's fault. */
static void put_off(struct notice *n)
{
	struct queue *q = n->q;
	struct item *item = n->item;

	notice_free(n);
	come_back(q, item, PAUSE_MS);
}

/* The room died over it, or wrote nothing of use. */
static void fail(struct notice *n)
{
	struct queue *q = n->q;
	struct item *item = n->item;
	int64_t pause = (int64_t)PAUSE_MS << item->notice_tries;

	notice_free(n);
	if (++item->notice_tries >= TRIES_MAX)
		give_up(q, item);
	else
		come_back(q, item, pause);
}

/* ---- the commit ---- */

static void audit_bounced(struct queue *q, const struct item *item, const struct mail *mail)
{
	char id[SPOOL_ID_SIZE], of[SPOOL_ID_SIZE];

	spool_print_id(mail->m.id, id);
	spool_print_id(item->id, of);
	role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_BOUNCED, of, "to=<%.*s> notice=%s",
		   TEXT_ARGS(mail->rcpts[0].address), id);
}

static void inserted(struct spool_op *op, enum error e)
{
	struct notice *n = op->owner;
	struct queue *q = n->q;
	struct item *item = n->item;
	struct mail *mail = n->mail;

	item->n_changes--;
	if (e) {
		log_warning("a notice could not be stored: %s", error_text(e));
		if (mail->m.has_file)
			spool_body_discard(q->spool, mail->m.id);
		put_off(n);
		return;
	}
	for (uint32_t i = 0; i < n->n_rcpts; i++) {
		struct item_rcpt *r = &item->rcpts[n->rcpts[i]];
		if (n->is_warning[i])
			r->is_warned = true;
		else
			r->state = SPOOL_NOTIFIED;
	}
	q->n_bounced++;
	audit_bounced(q, item, mail);
	n->mail = NULL;
	notice_free(n);
	item_cool(q, item);
	item_new(q, mail);
	item_settle(q, item);
}

/* Where the header of the text ends. */
static uint32_t header_size(struct text t)
{
	for (size_t i = 3; i < t.n; i++)
		if (memcmp(t.p + i - 3, "\r\n\r\n", 4) == 0)
			return (uint32_t)(i - 1);
	return (uint32_t)t.n;
}

/* ERROR_NONE: the text is in mail->body, or in its file. */
static enum error store_text(struct notice *n, struct mail *mail)
{
	struct text t = buf_text(&n->text);
	enum error e;

	if (t.n <= SPOOL_INLINE_MAX) {
		ASSERT(buf_add(&mail->body, t));
		return ERROR_NONE;
	}
	e = spool_body_create(n->q->spool, mail->m.id, &mail->body_fd);
	mail->m.has_file = !e;
	for (; !e && t.n; t = text_skip(t, SPOOL_CHUNK_MAX))
		e = spool_body_append(mail->body_fd, text_slice(t, 0, SPOOL_CHUNK_MAX));
	if (e && mail->m.has_file)
		spool_body_discard(n->q->spool, mail->m.id);
	return e;
}

static struct mail *make_mail(struct notice *n, struct text to)
{
	struct mail *mail = mail_new(1);
	struct spool_message *m = &mail->m;

	*m = (struct spool_message){
		.id = spool_next_id(n->q->spool),
		.arrival = clock_wall_ms(),
		.state = SPOOL_ACTIVE,
		.flags = SPOOL_NOTICE | SPOOL_JUDGED | (n->smtputf8 ? SPOOL_SMTPUTF8 : 0),
		.body_type = text_is_ascii(buf_text(&n->text)) ? SPOOL_BODY_7BIT : SPOOL_BODY_8BIT,
		.body_size = n->text.n,
		.header_size = header_size(buf_text(&n->text)),
		.n_rcpts = 1
	};
	if (signing_profile_of(queue_conf(n->q), m)) { /* it goes out when it is signed: item_signed */
		m->state = SPOOL_WAITING;
		m->flags &= ~SPOOL_JUDGED;
	}
	mail->rcpts = arena_alloc(&mail->arena, sizeof *mail->rcpts);
	ASSERT(mail->rcpts && arena_copy(&mail->arena, to, &mail->rcpts[0].address));
	mail->rcpts[0].next_attempt = m->arrival;
	if (store_text(n, mail) == ERROR_NONE)
		return mail;
	mail_free(n->q, mail);
	return NULL;
}

static struct change *make_change(struct notice *n, const struct mail *original)
{
	struct change *c = change_new(n->q, n->item, n->n_rcpts);

	for (uint32_t i = 0; i < n->n_rcpts; i++) {
		struct spool_rcpt *r = change_rcpt(c, &original->rcpts[n->rcpts[i]]);
		if (n->is_warning[i])
			r->warned = clock_wall_ms();
		else
			r->state = SPOOL_NOTIFIED;
	}
	return c;
}

static void commit(struct notice *n)
{
	const struct mail *original = item_get_mail(n->q, n->item);

	peer_close(n->room);
	n->room = NULL;
	if (n->item->n_changes > 0 || n->item->n_sending > 0) { /* what it says may be wrong already */
		put_off(n);
		return;
	}
	n->mail = original ? make_mail(n, original->m.sender) : NULL;
	if (!n->mail) {
		fail(n);
		return;
	}
	n->change = make_change(n, original);
	n->op = (struct spool_op){
		.verb = SPOOL_INSERT,
		.id = n->mail->m.id,
		.message = &n->mail->m,
		.rcpts = n->mail->rcpts,
		.n_rcpts = 1,
		.body = buf_text(&n->mail->body),
		.body_fd = n->mail->body_fd,
		.with = &n->change->op,
		.done = inserted,
		.owner = n,
	};
	spool_submit(n->q->spool, &n->op);
}

/* ---- the room ---- */

static void room_message(void *owner, struct peer *p, struct link_in *in)
{
	struct notice *n = owner;
	const struct queue_compose_text *text = link_body(in);
	const struct queue_compose_done *done = link_body(in);

	(void)p;
	if (in->type == QUEUE_COMPOSE_TEXT) {
		buf_add(&n->text, text->data);
		return;
	}
	n->smtputf8 = done->smtputf8;
	if (n->text.overflow || n->text.n == 0)
		fail(n);
	else
		commit(n);
}

static void room_gone(void *owner, struct peer *p, enum error why)
{
	struct notice *n = owner;

	(void)p;
	(void)why;
	n->room = NULL;
	fail(n);
}

static enum queue_compose_action action_of(const struct conf *conf, const struct spool_rcpt *r)
{
	const struct conf_domain *d;

	if (r->state == SPOOL_PENDING)
		return QUEUE_COMPOSE_ACTION_DELAYED;
	if (r->state == SPOOL_FAILED)
		return QUEUE_COMPOSE_ACTION_FAILED;
	d = conf_domain_by_id(conf, deliver_find_route(conf, r->route, r->address));
	if (d && (d->maildir.n || d->lmtp.n))
		return QUEUE_COMPOSE_ACTION_DELIVERED;
	return QUEUE_COMPOSE_ACTION_RELAYED; /* to one that does not do DSN. rfc3461 5.2.2 */
}

static void send_rcpt(struct notice *n, const struct spool_rcpt *r)
{
	struct queue_compose_rcpt m = { .address = r->address,
					.orcpt = r->orcpt,
					.action = action_of(queue_conf(n->q), r),
					.status = r->enhanced,
					.last_attempt = r->last_attempt };
	struct text host = r->remote;
	struct buf said;

	buf_init(&said, 512);
	if (r->code)
		buf_printf(&said, "%u %.*s ", r->code, TEXT_ARGS(r->enhanced));
	buf_add(&said, text_slice(r->answer, 0, 512 - said.n));
	m.diagnostic = buf_text(&said);
	host.n = text_find_byte(host, ' ');
	m.remote_mta = r->code ? host : text_from_cstr("");
	peer_send(n->room, QUEUE_COMPOSE_RCPT, &m);
	buf_done(&said);
}

static bool may_return_all(const struct queue *q, const struct spool_message *m)
{
	return !(m->flags & SPOOL_BAD) && m->ret != SPOOL_RET_HEADERS &&
	       m->body_size <= queue_conf(q)->queue.bounce_size;
}

/* The first n bytes of the original. */
static void send_original(struct notice *n, const struct mail *mail, uint64_t size)
{
	struct text all = text_slice(buf_text(&mail->body), 0, (size_t)size);
	char bytes[SPOOL_CHUNK_MAX];
	uint64_t at = 0;
	ssize_t k = 1;
	int fd;

	for (; !mail->m.has_file && all.n; all = text_skip(all, SPOOL_CHUNK_MAX)) {
		struct queue_compose_chunk m = { text_slice(all, 0, SPOOL_CHUNK_MAX) };
		peer_send(n->room, QUEUE_COMPOSE_CHUNK, &m);
	}
	if (!mail->m.has_file || spool_open_body(n->q->spool, mail->m.id, mail->m.body_size, &fd))
		return;
	for (; at < size && k > 0; at += (uint64_t)k) {
		k = pread(fd, bytes, size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes,
			  (off_t)at);
		struct queue_compose_chunk m = { text_from_bytes(bytes, k > 0 ? (size_t)k : 0) };
		if (k > 0)
			peer_send(n->room, QUEUE_COMPOSE_CHUNK, &m);
	}
	close(fd);
}

static void send_facts(struct notice *n, const struct mail *mail)
{
	const struct conf *conf = queue_conf(n->q);
	const struct spool_message *m = &mail->m;
	bool is_full = may_return_all(n->q, m) && n->item->notice_tries < TRIES_WITH_ORIGINAL;
	struct queue_compose_bounce facts = { .reporting_mta = conf->top.hostname,
					      .postmaster = conf->top.postmaster,
					      .sender = m->sender,
					      .envid = m->envid,
					      .arrival = m->arrival,
					      .now = clock_wall_ms(),
					      .expires = m->arrival + conf->queue.expire,
					      .smtputf8 = m->flags & SPOOL_SMTPUTF8,
					      .full = is_full,
					      .n_rcpts = n->n_rcpts };
	char id[SPOOL_ID_SIZE];
	uint64_t size = is_full ? m->body_size : m->header_size;

	if (n->item->notice_tries >= TRIES_WITH_ORIGINAL) /* it may be what the room died of */
		size = 0;

	spool_print_id(m->id, id);
	facts.id = text_from_cstr(id);
	peer_send(n->room, QUEUE_COMPOSE_BOUNCE, &facts);
	for (uint32_t i = 0; i < n->n_rcpts; i++)
		send_rcpt(n, &mail->rcpts[n->rcpts[i]]);
	send_original(n, mail, size < conf->queue.bounce_size ? size : conf->queue.bounce_size);
	peer_send(n->room, QUEUE_COMPOSE_END, NULL);
}

static struct notice *notice_new(struct queue *q, struct item *item)
{
	struct notice *n = mem_zalloc(1, sizeof *n);

	n->q = q;
	n->item = item;
	n->rcpts = mem_zalloc(item->n_rcpts, sizeof *n->rcpts);
	n->is_warning = mem_zalloc(item->n_rcpts, sizeof *n->is_warning);
	for (uint32_t i = 0; i < item->n_rcpts; i++) {
		if (!item_wants_notice(item, i) && !item_wants_warning(q, item, i))
			continue;
		n->is_warning[n->n_rcpts] = item->rcpts[i].state == SPOOL_PENDING;
		n->rcpts[n->n_rcpts++] = i;
	}
	buf_init(&n->text,
		 2 * queue_conf(q)->queue.bounce_size + AROUND_MAX + n->n_rcpts * (size_t)PER_RCPT_MAX);
	item->notice = n;
	return n;
}

void notice_start(struct queue *q, struct item *item)
{
	static const struct peer_events events = { room_message, room_gone };
	struct mail *mail = q->scan && !q->is_stopping ? item_get_mail(q, item) : NULL;
	struct notice *n;
	int fds[2];

	if (!mail || link_make_pair(&queue_compose_edge, fds) != ERROR_NONE) {
		if (item->state != SPOOL_HELD)
			come_back(q, item, PAUSE_MS);
		return;
	}
	n = notice_new(q, item);
	judge_send_compose(q, ++q->last_job, fds[1]);
	close(fds[1]);
	n->room = peer_new(q->role->loop, fds[0], &queue_compose_edge, QUEUE_COMPOSE_SIDE_QUEUE, &events, n,
			   ROOM_KEPT);
	send_facts(n, mail);
}

void notice_advance(struct queue *q, int64_t now)
{
	struct heap_entry entry;

	while (heap_peek(&q->notices_due, &entry) && entry.when <= now) {
		struct item *item = table_get(&q->items, entry.key);
		heap_pop(&q->notices_due);
		if (item)
			item_settle(q, item);
	}
}

int64_t notice_wake_at(const struct queue *q)
{
	struct heap_entry entry;

	return heap_peek(&q->notices_due, &entry) ? entry.when : INT64_MAX;
}
