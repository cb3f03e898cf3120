/* SPDX-License-Identifier: Apache-2.0
 *
 * Administrators at the command line: one channel each, already checked by posternd. Trusts them to
 * decide about mail, but not to forget: every act is in the record, on disk, before it is done.
 *
 * Invariant: long answers are sent in slices, each when the one before has left, so that neither a
 * large spool nor a slow terminal holds up the mail.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/admin_queue.h"
#include "roles/queue/origin.h"
#include "roles/queue/queue.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_MAX = 64 << 20, ROWS_AT_ONCE = 64 };

struct admin {
	struct queue *q;
	struct peer *peer;
	unsigned uid;
	unsigned n_pending; /* acts whose records are being written */
	bool is_gone;
	struct event *turn;
	/* A list under way. */
	uint64_t *ids;
	size_t n_ids, next_id;
	uint32_t limit, n_rows;
	char recipient[321];
	/* A message under way. */
	int fd;
	uint64_t left;
};

struct act {
	struct admin *admin;
	enum admin_queue_action action;
	uint64_t id; /* 0: all */
	uint32_t count;
	struct spool_op op; /* behind those of the act */
};

static void admin_free(struct admin *a)
{
	event_free(a->turn);
	if (a->fd >= 0)
		close(a->fd);
	free(a->ids);
	free(a);
}

static void done(struct admin *a, bool ok, uint32_t count, const char *text)
{
	struct admin_queue_done m = { ok, count, text_from_cstr(text) };

	peer_send(a->peer, ADMIN_QUEUE_DONE, &m);
}

/* ---- showing ---- */

static enum admin_queue_state state_of(const struct item *item)
{
	if (item->state == SPOOL_WAITING)
		return ADMIN_QUEUE_STATE_INCOMING;
	if (item->state == SPOOL_HELD)
		return ADMIN_QUEUE_STATE_HELD;
	for (const struct part *p = item->parts; p; p = p->sibling)
		if (p->attempts > 0)
			return ADMIN_QUEUE_STATE_DEFERRED;
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		if (item->rcpts[i].state == SPOOL_RCPT_HELD)
			return ADMIN_QUEUE_STATE_HELD;
	return ADMIN_QUEUE_STATE_ACTIVE;
}

static struct text last_answer(const struct item *item, const struct spool_rcpt *rcpts)
{
	for (const struct part *p = item->parts; p; p = p->sibling)
		if (p->destination->trouble[0])
			return text_from_cstr(p->destination->trouble);
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		if (rcpts[i].state == SPOOL_PENDING && rcpts[i].answer.n)
			return rcpts[i].answer;
	return text_from_cstr("");
}

static void send_row(struct admin *a, const struct item *item, const struct spool_message *m,
		     const struct spool_rcpt *rcpts)
{
	struct admin_queue_row row = { .arrival = item->arrival,
				       .size = item->size,
				       .sender = m->sender,
				       .state = state_of(item),
				       .reason = m->reason,
				       .n_rcpts = item->n_rcpts };
	char id[SPOOL_ID_SIZE];

	spool_print_id(item->id, id);
	row.id = text_from_cstr(id);
	for (const struct part *p = item->parts; p; p = p->sibling) {
		row.attempts = p->attempts > row.attempts ? p->attempts : row.attempts;
		if (row.next_attempt == 0 || p->due < row.next_attempt)
			row.next_attempt = p->due;
	}
	if (item->state == SPOOL_ACTIVE)
		row.reason = text_slice(last_answer(item, rcpts), 0, 500);
	peer_send(a->peer, ADMIN_QUEUE_ROW, &row);
}

static const struct part *part_of(const struct item *item, uint32_t rcpt)
{
	for (const struct part *p = item->parts; p; p = p->sibling)
		for (uint32_t i = 0; i < p->n_rcpts; i++)
			if (p->rcpts[i] == rcpt)
				return p;
	return NULL;
}

static void send_rcpt(struct admin *a, const struct item *item, const struct spool_rcpt *r)
{
	static const char *const states[] = {
		[SPOOL_PENDING] = "pending",  [SPOOL_DELIVERED] = "delivered", [SPOOL_RELAYED] = "relayed",
		[SPOOL_FAILED] = "failed",    [SPOOL_DROPPED] = "dropped",     [SPOOL_RCPT_HELD] = "held",
		[SPOOL_NOTIFIED] = "bounced",
	};
	const struct part *p = part_of(item, r->index);
	struct admin_queue_rcpt m = { .address = r->address,
				      .state = text_from_cstr(states[item->rcpts[r->index].state]),
				      .last = text_slice(r->answer, 0, 500),
				      .next_attempt = p ? p->due : 0,
				      .attempts =
					      p && p->attempts > r->attempts ? p->attempts : r->attempts };

	if (p && p->destination->trouble[0])
		m.last = text_from_cstr(p->destination->trouble);
	peer_send(a->peer, ADMIN_QUEUE_RCPT, &m);
}

static bool is_about(const struct spool_rcpt *rcpts, uint32_t n, const char *recipient)
{
	if (!recipient[0])
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (text_is_equal_nocase(rcpts[i].address, text_from_cstr(recipient)))
			return true;
	return false;
}

static void list_one(struct admin *a, uint64_t id)
{
	const struct item *item = table_get(&a->q->items, id);
	struct mail *mail;

	if (!item || item->is_removing)
		return;
	mail = mail_new(item->n_rcpts);
	if (spool_read(a->q->spool, id, &mail->arena, &mail->m, &mail->rcpts) == ERROR_NONE &&
	    is_about(mail->rcpts, item->n_rcpts, a->recipient)) {
		send_row(a, item, &mail->m, mail->rcpts);
		a->n_rows++;
	}
	mail_free(a->q, mail);
}

static void list_more(struct admin *a)
{
	for (int i = 0; i < ROWS_AT_ONCE && a->next_id < a->n_ids && a->n_rows < a->limit; i++)
		list_one(a, a->ids[a->next_id++]);
	if (a->next_id < a->n_ids && a->n_rows < a->limit)
		return;
	done(a, true, a->n_rows, "");
	free(a->ids);
	a->ids = NULL;
	a->n_ids = 0;
}

static void send_chunk(struct admin *a, struct text data)
{
	struct admin_queue_chunk m = { data };

	if (data.n)
		peer_send(a->peer, ADMIN_QUEUE_CHUNK, &m);
}

static void show_more(struct admin *a)
{
	char bytes[65536];
	ssize_t n = read(a->fd, bytes, a->left < sizeof bytes ? (size_t)a->left : sizeof bytes);

	if (n > 0) {
		send_chunk(a, text_from_bytes(bytes, (size_t)n));
		a->left -= (uint64_t)n;
	}
	if (n > 0 && a->left > 0)
		return;
	close(a->fd);
	a->fd = -1;
	done(a, n > 0, 1, n > 0 ? "" : "the message's file cannot be read");
}

static void on_drained(void *owner, struct peer *p)
{
	struct admin *a = owner;

	(void)p;
	event_active(a->turn, EV_TIMEOUT, 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct admin *a = arg;

	(void)fd;
	(void)what;
	if (peer_is_backed_up(a->peer)) {
		peer_on_drained(a->peer, on_drained);
		return;
	}
	if (a->ids)
		list_more(a);
	else if (a->fd >= 0)
		show_more(a);
	if (a->ids || a->fd >= 0)
		event_active(a->turn, EV_TIMEOUT, 0);
}

static int compare_ids(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static void start_list(struct admin *a, const struct admin_queue_list *m)
{
	const struct item *item;
	size_t at = 0;

	snprintf(a->recipient, sizeof a->recipient, "%.*s", TEXT_ARGS(m->recipient));
	a->limit = m->limit;
	a->n_rows = 0;
	a->next_id = a->n_ids = 0;
	a->ids = mem_zalloc(a->q->items.n + 1, sizeof *a->ids);
	while ((item = table_next(&a->q->items, &at)))
		a->ids[a->n_ids++] = item->id;
	qsort(a->ids, a->n_ids, sizeof *a->ids, compare_ids);
	event_active(a->turn, EV_TIMEOUT, 0);
}

static struct item *find(struct admin *a, struct text id)
{
	struct item *item;
	uint64_t number;

	if (!spool_parse_id(id, &number)) {
		done(a, false, 0, "this is not a message id");
		return NULL;
	}
	item = table_get(&a->q->items, number);
	if (item && !item->is_removing)
		return item;
	done(a, false, 0, "there is no such message in the spool");
	return NULL;
}

static void send_origin_row(void *arg, const char *method, const char *result, struct text detail)
{
	struct admin *a = arg;
	struct admin_queue_origin m = { text_from_cstr(method), text_from_cstr(result), detail };

	peer_send(a->peer, ADMIN_QUEUE_ORIGIN, &m);
}

static void send_origin(struct admin *a, const struct mail *mail)
{
	struct origin *o = origin_decode(mail->m.origin, mail->m.header_size);

	if (o)
		origin_show(o, send_origin_row, a);
	origin_free(o);
}

static void show(struct admin *a, const struct item *item)
{
	struct mail *mail = NULL;

	if (mail_load(a->q, item->id, &mail) != ERROR_NONE) {
		done(a, false, 0, "the message cannot be read; see 'postern queue salvage'");
		return;
	}
	send_row(a, item, &mail->m, mail->rcpts);
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		send_rcpt(a, item, &mail->rcpts[i]);
	send_origin(a, mail);
	send_chunk(a, mail->m.head);
	send_chunk(a, buf_text(&mail->body));
	a->left = mail->m.body_size;
	if (!mail->m.has_file || spool_open_body(a->q->spool, item->id, a->left, &a->fd))
		done(a, !mail->m.has_file, 1, mail->m.has_file ? "the message's file cannot be read" : "");
	else
		event_active(a->turn, EV_TIMEOUT, 0);
	mail_free(a->q, mail);
}

/* ---- acting ---- */

static void forget_act(struct act *act)
{
	struct admin *a = act->admin;

	free(act);
	a->n_pending--;
	if (a->is_gone && a->n_pending == 0)
		admin_free(a);
}

static bool retry(struct queue *q, struct item *item)
{
	bool is_any = false;

	for (struct part *p = item->parts; p; p = p->sibling) {
		if (p->state != PART_WAITING && p->state != PART_READY)
			continue;
		p->destination->not_before = 0;
		p->destination->failures = 0;
		if (p->state == PART_WAITING)
			schedule_wait(&q->schedule, p, clock_wall_ms());
		is_any = true;
	}
	return is_any;
}

static bool hold(struct queue *q, struct item *item)
{
	if (item->state == SPOOL_HELD)
		return false;
	if (item->judgement)
		judge_forget(q, item->judgement);
	item->judgement = NULL;
	item_hold(q, item, "held by an administrator");
	return true;
}

static void released(struct change *c, struct item *item)
{
	if (item)
		item_schedule(c->q, item);
}

static bool release(struct queue *q, struct item *item)
{
	struct mail *mail = state_of(item) == ADMIN_QUEUE_STATE_HELD ? item_get_mail(q, item) : NULL;
	struct change *c;

	if (!mail)
		return false;
	q->n_held -= item->state == SPOOL_HELD;
	item->state = SPOOL_ACTIVE;
	item->flags |= SPOOL_JUDGED; /* by a person */
	c = change_new(q, item, item->n_rcpts);
	for (uint32_t i = 0; i < item->n_rcpts; i++) {
		struct spool_rcpt *r;
		if (item->rcpts[i].state != SPOOL_RCPT_HELD && item->rcpts[i].state != SPOOL_PENDING)
			continue;
		r = change_rcpt(c, &mail->rcpts[i]);
		r->state = SPOOL_PENDING;
		r->next_attempt = clock_wall_ms();
		item->rcpts[i].state = SPOOL_PENDING;
	}
	change_message(c, item, text_from_cstr(""), mail);
	c->committed = released;
	item_cool(q, item);
	change_submit(c, false);
	return true;
}

static bool delete (struct queue *q, struct item *item)
{
	item->is_deleted = true;
	item_settle(q, item);
	return true;
}

static bool act_on(struct queue *q, enum admin_queue_action action, struct item *item)
{
	switch (action) {
	case ADMIN_QUEUE_ACTION_RETRY:
		return retry(q, item);
	case ADMIN_QUEUE_ACTION_HOLD:
		return hold(q, item);
	case ADMIN_QUEUE_ACTION_RELEASE:
		return release(q, item);
	case ADMIN_QUEUE_ACTION_DELETE:
		return delete (q, item);
	}
	return false;
}

static uint32_t act_on_all(struct queue *q, enum admin_queue_action action)
{
	struct item **items = mem_zalloc(q->items.n + 1, sizeof *items);
	uint32_t n = 0, count = 0;
	size_t at = 0;

	while ((items[n] = table_next(&q->items, &at)))
		n++;
	for (uint32_t i = 0; i < n; i++)
		count += !items[i]->is_removing && act_on(q, action, items[i]);
	free(items);
	return count;
}

static const char *const why_not[] = {
	[ADMIN_QUEUE_ACTION_RETRY] = "it does not wait for another attempt",
	[ADMIN_QUEUE_ACTION_HOLD] = "it is held already",
	[ADMIN_QUEUE_ACTION_RELEASE] = "it is not held",
	[ADMIN_QUEUE_ACTION_DELETE] = "it cannot be deleted",
};

/* Everything that the act submitted is on disk: the spool keeps the order. */
static void stored(struct spool_op *op, enum error e)
{
	struct act *act = op->owner;
	struct admin *a = act->admin;
	const char *text = act->count > 0 || act->id == 0 ? "" : why_not[act->action];

	if (!a->is_gone)
		done(a, !e && !*text, act->count, e ? "it could not be stored yet; it is tried again" : text);
	forget_act(act);
}

static void tell_unrecorded(struct act *act)
{
	if (!act->admin->is_gone)
		done(act->admin, false, 0, "it could not be recorded, so it was not done");
	forget_act(act);
}

/* The record is on disk: does it. */
static void recorded(void *arg, enum error e)
{
	struct act *act = arg;
	struct admin *a = act->admin;
	struct queue *q = a->q;
	struct item *item = table_get(&q->items, act->id);

	if (e) {
		tell_unrecorded(act);
		return;
	}
	if (act->id == 0)
		act->count = act_on_all(q, act->action);
	else
		act->count = item && !item->is_removing && act_on(q, act->action, item);
	act->op = (struct spool_op){ .verb = SPOOL_REMOVE, .done = stored, .owner = act }; /* of nothing */
	spool_submit(q->spool, &act->op);
	queue_wake(q);
}

static void record(struct admin *a, const struct item *item, unsigned kind, enum admin_queue_action action,
		   void (*written)(void *arg, enum error e))
{
	char subject[SPOOL_ID_SIZE] = "all", detail[32];
	int n = snprintf(detail, sizeof detail, "uid=%u", a->uid);
	struct act *act = mem_zalloc(1, sizeof *act);

	*act = (struct act){ .admin = a, .action = action, .id = item ? item->id : 0 };
	if (item)
		spool_print_id(item->id, subject);
	a->n_pending++;
	role_audit_sync(a->q->role, kind, subject, text_from_bytes(detail, (size_t)n), written, act);
}

static void start_act(struct admin *a, const struct admin_queue_act *m)
{
	static const unsigned kinds[] = {
		[ADMIN_QUEUE_ACTION_RETRY] = ROLE_AUDIT_KIND_ADMIN_QUEUE_RETRY,
		[ADMIN_QUEUE_ACTION_HOLD] = ROLE_AUDIT_KIND_ADMIN_QUEUE_HOLD,
		[ADMIN_QUEUE_ACTION_RELEASE] = ROLE_AUDIT_KIND_ADMIN_QUEUE_RELEASE,
		[ADMIN_QUEUE_ACTION_DELETE] = ROLE_AUDIT_KIND_ADMIN_QUEUE_DELETE,
	};
	struct item *item = m->id.n ? find(a, m->id) : NULL;

	if (m->id.n && !item)
		return;
	if (!item && m->action == ADMIN_QUEUE_ACTION_DELETE) {
		done(a, false, 0, "name the messages to delete");
		return;
	}
	record(a, item, kinds[m->action], m->action, recorded);
}

/* Whoever reads others' mail is in the record too. */
static void shown(void *arg, enum error e)
{
	struct act *act = arg;
	struct admin *a = act->admin;
	const struct item *item = table_get(&a->q->items, act->id);

	if (e) {
		tell_unrecorded(act);
		return;
	}
	if (!a->is_gone && item)
		show(a, item);
	else if (!a->is_gone)
		done(a, false, 0, "there is no such message in the spool");
	forget_act(act);
}

static void start_show(struct admin *a, const struct admin_queue_show *m)
{
	struct item *item = find(a, m->id);

	if (item)
		record(a, item, ROLE_AUDIT_KIND_ADMIN_QUEUE_SHOW, 0, shown);
}

/* ---- the channel ---- */

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct admin *a = owner;

	(void)p;
	if (a->ids || a->fd >= 0 || a->n_pending > 0) { /* one question at a time */
		done(a, false, 0, "the last question is not answered yet");
		return;
	}
	if (in->type == ADMIN_QUEUE_LIST)
		start_list(a, link_body(in));
	else if (in->type == ADMIN_QUEUE_SHOW)
		start_show(a, link_body(in));
	else
		start_act(a, link_body(in));
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct admin *a = owner;

	(void)p;
	(void)why;
	a->is_gone = true;
	event_del(a->turn);
	if (a->n_pending == 0)
		admin_free(a);
}

void admin_open(struct queue *q, unsigned uid, int fd)
{
	static const struct peer_events events = { on_message, on_gone };
	struct admin *a = mem_zalloc(1, sizeof *a);

	a->q = q;
	a->uid = uid;
	a->fd = -1;
	a->turn = evtimer_new(q->role->loop, on_turn, a);
	ASSERT(a->turn);
	a->peer =
		peer_new(q->role->loop, fd, &admin_queue_edge, ADMIN_QUEUE_SIDE_QUEUE, &events, a, KEPT_MAX);
}
