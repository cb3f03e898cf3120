/* SPDX-License-Identifier: Apache-2.0
 *
 * A message in the spool, as the queue thinks of it: small, always in memory, while its text is in
 * memory only as long as it is hot. Called by everything that moves a message on.
 *
 * Invariants: item->rcpts[i].state is what will be on disk when all submitted changes are; a pending
 * recipient of an active item is in exactly one part; an item leaves only by item_remove, when every
 * recipient is answered for and no notice is due, or an administrator says so.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "roles/queue/origin.h"
#include "roles/queue/queue.h"

#include <stdlib.h>
#include <string.h>

enum {
	PART_RCPTS_MAX = 100, /* in one transaction: what every server must take. rfc5321 4.5.3.1.8 */
	IDS_AT_ONCE = 256,
	HOT_PART = 2,     /* of the memory; the rest is for messages that come in */
	NOTIFY_NEVER = 1, /* rfc3461 4.1 */
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

/* ---- making and forgetting ---- */

static struct item *make_item(struct queue *q, const struct mail *mail)
{
	const struct spool_message *m = &mail->m;
	struct item *item = mem_zalloc(1, sizeof *item + m->n_rcpts * sizeof *item->rcpts);

	item->id = m->id;
	item->arrival = m->arrival;
	item->size = m->body_size;
	item->state = m->state;
	item->flags = m->flags;
	item->scans = m->scans;
	item->n_rcpts = m->n_rcpts;
	item->has_file = m->has_file;
	item->has_null_sender = m->sender.n == 0;
	item->wants_origin = origin_is_wanted(queue_conf(q), m);
	item->wants_signature = signing_profile_of(queue_conf(q), m) != NULL;
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		item->rcpts[i].state = (uint8_t)mail->rcpts[i].state;
		item->rcpts[i].notify = mail->rcpts[i].notify;
		item->rcpts[i].is_warned = mail->rcpts[i].warned != 0;
	}
	table_put(&q->items, item->id, item);
	q->spool_bytes += item->size;
	q->n_held += item->state == SPOOL_HELD;
	return item;
}

/* What its state asks for. */
static void begin(struct queue *q, struct item *item)
{
	if (item->state == SPOOL_WAITING)
		judge_item(q, item);
	else if (item->state == SPOOL_ACTIVE)
		item_schedule(q, item);
	item_settle(q, item);
}

struct item *item_new(struct queue *q, struct mail *mail)
{
	struct item *item = make_item(q, mail);

	item->mail = mail;
	mail_charge(q, mail);
	begin(q, item);
	if (item->state != SPOOL_ACTIVE || q->memory_used > queue_conf(q)->queue.memory / HOT_PART)
		item_cool(q, item);
	queue_wake(q);
	return item;
}

static void free_parts(struct queue *q, struct item *item)
{
	struct part **at = &item->parts;

	while (*at) {
		struct part *p = *at;
		if (p->state == PART_SENDING) {
			at = &p->sibling;
			continue;
		}
		*at = p->sibling;
		schedule_part_free(&q->schedule, p);
	}
}

void item_free(struct queue *q, struct item *item)
{
	if (item->judgement)
		judge_forget(q, item->judgement);
	free_parts(q, item);
	ASSERT(!item->parts && !item->notice);
	table_remove(&q->items, item->id);
	q->spool_bytes -= item->size;
	q->n_held -= item->state == SPOOL_HELD;
	mail_free(q, item->mail);
	free(item);
}

void item_cool(struct queue *q, struct item *item)
{
	mail_free(q, item->mail);
	item->mail = NULL;
}

struct mail *item_get_mail(struct queue *q, struct item *item)
{
	char id[SPOOL_ID_SIZE];
	enum error e = ERROR_NONE;

	if (item->mail)
		return item->mail;
	e = mail_load(q, item->id, &item->mail);
	if (!e)
		return item->mail;
	spool_print_id(item->id, id);
	log_error("message %s cannot be read from the spool: %s", id, error_text(e));
	role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, id, "cannot be read: %s", error_text(e));
	free_parts(q, item);
	if (item->judgement)
		judge_forget(q, item->judgement);
	if (item->state != SPOOL_HELD)
		q->n_held++;
	item->state = SPOOL_HELD; /* in memory: what is on disk is not touched */
	return NULL;
}

static bool load_one(struct queue *q, uint64_t id)
{
	struct mail *mail = mail_new(SPOOL_RCPTS_MAX);
	enum error e = spool_read(q->spool, id, &mail->arena, &mail->m, &mail->rcpts);
	struct item *item;
	char text[SPOOL_ID_SIZE];

	if (e) {
		spool_print_id(id, text);
		log_error("message %s cannot be read from the spool: %s", text, error_text(e));
		mail_free(q, mail);
		return false;
	}
	item = make_item(q, mail);
	item->mail = mail;          /* recipients for the schedule; the body is not there */
	item->may_have_gone = true; /* before this process began */
	begin(q, item);
	item = table_get(&q->items, id);
	if (item)
		item_cool(q, item);
	return true;
}

void item_load_all(struct queue *q)
{
	uint64_t ids[IDS_AT_ONCE], after = 0;
	size_t n = 0, n_bad = 0, n_all = 0;
	enum error e;

	do {
		e = spool_read_ids(q->spool, after, ids, IDS_AT_ONCE, &n);
		for (size_t i = 0; !e && i < n; i++, n_all++)
			n_bad += !load_one(q, ids[i]);
		after = n ? ids[n - 1] : after;
	} while (!e && n > 0);
	if (e || n_bad) {
		log_error(
			"the spool is damaged (%zu messages unreadable): stop, then 'postern queue salvage'",
			n_bad);
		role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, "damaged", "unreadable=%zu", n_bad);
	}
	if (n_all)
		log_info("%zu messages were in the spool", n_all);
}

/* ---- parts ---- */

/* Who is in a part already, or needs none. */
static bool *mark_settled(const struct item *item)
{
	bool *is_settled = mem_zalloc(item->n_rcpts, sizeof *is_settled);

	for (uint32_t i = 0; i < item->n_rcpts; i++)
		is_settled[i] = item->rcpts[i].state != SPOOL_PENDING;
	for (const struct part *p = item->parts; p; p = p->sibling)
		for (uint32_t i = 0; i < p->n_rcpts; i++)
			is_settled[p->rcpts[i]] = true;
	return is_settled;
}

/* One part, of all that go where `first` goes and are due when it is. */
static void add_part(struct queue *q, struct item *item, const struct mail *mail, uint32_t first,
		     bool *is_settled)
{
	struct destination *d = deliver_find_destination(q, &mail->rcpts[first]);
	uint32_t rcpts[PART_RCPTS_MAX], n = 0;
	struct part *p;

	for (uint32_t i = first; i < item->n_rcpts && n < PART_RCPTS_MAX; i++) {
		const struct spool_rcpt *r = &mail->rcpts[i];
		if (is_settled[i] || r->next_attempt != mail->rcpts[first].next_attempt)
			continue;
		if (i != first && deliver_find_destination(q, r) != d)
			continue;
		is_settled[i] = true;
		rcpts[n++] = i;
	}
	p = schedule_part_new(&q->schedule, d, item, n);
	memcpy(p->rcpts, rcpts, n * sizeof *rcpts);
	p->attempts = mail->rcpts[first].attempts;
	p->sibling = item->parts;
	item->parts = p;
	schedule_wait(&q->schedule, p, mail->rcpts[first].next_attempt);
}

void item_schedule(struct queue *q, struct item *item)
{
	const struct mail *mail = item_get_mail(q, item);
	bool *is_settled;

	if (!mail || item->state != SPOOL_ACTIVE || item->is_removing || item->is_deleted)
		return;
	is_settled = mark_settled(item);
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		if (!is_settled[i])
			add_part(q, item, mail, i, is_settled);
	free(is_settled);
}

void item_reroute_all(struct queue *q)
{
	struct item *item;
	size_t at = 0;

	while ((item = table_next(&q->items, &at))) {
		if (item->state != SPOOL_ACTIVE)
			continue;
		free_parts(q, item);
		item_schedule(q, item);
		item_cool(q, item);
	}
}

/* ---- the end ---- */

bool item_wants_notice(const struct item *item, uint32_t rcpt)
{
	const struct item_rcpt *r = &item->rcpts[rcpt];

	if (item->has_null_sender || (r->notify & NOTIFY_NEVER))
		return false;
	if (r->state == SPOOL_FAILED)
		return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
	return r->state == SPOOL_DELIVERED && (r->notify & NOTIFY_SUCCESS);
}

bool item_wants_warning(const struct queue *q, const struct item *item, uint32_t rcpt)
{
	const struct item_rcpt *r = &item->rcpts[rcpt];
	int64_t after = queue_conf(q)->queue.warn_after;

	if (after == 0 || item->has_null_sender || r->is_warned || r->state != SPOOL_PENDING ||
	    item->state != SPOOL_ACTIVE)
		return false;
	return clock_wall_ms() - item->arrival >= after && (r->notify == 0 || (r->notify & NOTIFY_DELAY));
}

static bool is_open(const struct item *item)
{
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		if (item->rcpts[i].state == SPOOL_PENDING || item->rcpts[i].state == SPOOL_RCPT_HELD)
			return true;
	return false;
}

static bool is_notice_due(const struct queue *q, const struct item *item)
{
	for (uint32_t i = 0; i < item->n_rcpts; i++)
		if (item_wants_notice(item, i) || item_wants_warning(q, item, i))
			return true;
	return false;
}

static void removed(struct change *c, struct item *item)
{
	(void)c;
	if (item)
		item_free(c->q, item);
}

void item_settle(struct queue *q, struct item *item)
{
	if (item->is_removing || item->notice || item->n_sending > 0)
		return;
	if (item->is_deleted) {
		item_remove(q, item, false, removed, NULL);
		return;
	}
	if (item->n_changes > 0)
		return;
	if (is_notice_due(q, item)) {
		if (item->notice_due <= clock_wall_ms())
			notice_start(q, item);
		return;
	}
	if (!is_open(item) && item->state != SPOOL_WAITING)
		item_remove(q, item, true, removed, NULL);
}

void item_remove(struct queue *q, struct item *item, bool is_lazy,
		 void (*committed)(struct change *, struct item *), void *arg)
{
	struct change *c = change_new(q, item, 0);

	free_parts(q, item);
	item->is_removing = true;
	c->op.verb = SPOOL_REMOVE;
	c->op.has_file = item->has_file;
	c->committed = committed ? committed : removed;
	c->arg = arg;
	item_cool(q, item);
	change_submit(c, is_lazy);
}

/* ---- changes of state ---- */

void item_hold(struct queue *q, struct item *item, const char *reason)
{
	struct mail *mail = item_get_mail(q, item);
	struct change *c;
	char id[SPOOL_ID_SIZE];

	free_parts(q, item);
	if (!mail)
		return;
	if (item->state != SPOOL_HELD)
		q->n_held++;
	item->state = SPOOL_HELD;
	c = change_new(q, item, 0);
	change_message(c, item, text_from_cstr(reason), mail);
	change_submit(c, false);
	spool_print_id(item->id, id);
	role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_HELD, id, "why=%s", reason);
	item_cool(q, item);
}

static void store_message(struct queue *q, struct item *item,
			  void (*committed)(struct change *, struct item *), void *arg)
{
	const struct mail *mail = item_get_mail(q, item);
	struct change *c = change_new(q, item, 0);

	if (mail)
		change_message(c, item, mail->m.reason, mail);
	c->committed = committed;
	c->arg = arg;
	change_submit(c, false);
}

void item_count_scan(struct queue *q, struct item *item, void (*committed)(struct change *, struct item *),
		     void *arg)
{
	item->scans++;
	store_message(q, item, committed, arg);
}

void item_store_scans(struct queue *q, struct item *item)
{
	store_message(q, item, NULL, NULL);
}

static void judged(struct change *c, struct item *item)
{
	if (!item)
		return;
	item_schedule(c->q, item);
	if (item->state == SPOOL_HELD)
		item_cool(c->q, item);
}

static const char *worst_of(const struct finding *findings, uint32_t n)
{
	static const char *const names[] = { "", "spam", "virus", "unscannable" };
	enum queue_judge_finding worst = QUEUE_JUDGE_FINDING_CLEAN;

	for (uint32_t i = 0; i < n; i++)
		worst = findings[i].finding > worst ? findings[i].finding : worst;
	return names[worst];
}

static void audit_judged(struct queue *q, const struct item *item, const char *reason, uint32_t n_pending,
			 uint32_t n_held)
{
	char id[SPOOL_ID_SIZE];

	spool_print_id(item->id, id);
	if (n_held > 0)
		role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_HELD, id, "why=%s rcpts=%u", reason, n_held);
	else if (n_pending == 0)
		role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_DISCARDED, id, "why=%s", reason);
	q->n_discarded += n_held == 0 && n_pending == 0;
}

static void dispose_of(struct queue *q, struct item *item, uint32_t rcpt, const struct finding *finding,
		       bool is_quarantined, struct spool_rcpt *r)
{
	r->state = dispose_promised(&queue_conf(q)->scan, finding, is_quarantined,
				    item->flags & SPOOL_AUTHENTICATED);
	item->rcpts[rcpt].state = (uint8_t)r->state;
	if (r->state != SPOOL_FAILED)
		return;
	r->enhanced = text_from_cstr("5.7.1");
	r->answer = text_from_cstr("the message was found to be unwanted");
}

/* The attempt to find it out was good: those at judging it are counted from 0, on disk with the first. */
void item_authenticated(struct queue *q, struct item *item, struct origin *origin, int64_t ms)
{
	struct mail *mail = item_get_mail(q, item);

	if (!mail || item->state != SPOOL_WAITING || item->is_removing)
		return;
	mail_authenticate(q, mail, origin, ms);
	item->scans = 0;
	item->wants_origin = false;
	judge_item(q, item);
}

/* What was made here is not judged. */
static void pass_notice(struct queue *q, struct item *item)
{
	struct finding *clean = mem_zalloc(item->n_rcpts, sizeof *clean);

	item_judged(q, item, clean);
	free(clean);
}

void item_signed(struct queue *q, struct item *item, struct text signature)
{
	struct mail *mail = item_get_mail(q, item);

	if (!mail || item->state != SPOOL_WAITING || item->is_removing)
		return;
	mail_sign(q, mail, signature);
	item->flags |= SPOOL_SIGNED;
	item->scans = 0;
	item->wants_signature = false;
	if (item->flags & SPOOL_NOTICE)
		pass_notice(q, item);
	else
		judge_item(q, item);
}

void item_judged(struct queue *q, struct item *item, const struct finding *findings)
{
	struct mail *mail = item_get_mail(q, item);
	const char *reason = worst_of(findings, item->n_rcpts);
	enum origin_verdict origin = mail ? origin_verdict_of(mail->m.origin) : ORIGIN_ACCEPTED;
	uint32_t n_pending = 0, n_held = 0;
	struct change *c;

	if (!mail || item->state != SPOOL_WAITING || item->is_removing)
		return;
	c = change_new(q, item, item->n_rcpts);
	for (uint32_t i = 0; i < item->n_rcpts; i++) {
		if (item->rcpts[i].state != SPOOL_PENDING)
			continue;
		dispose_of(q, item, i, &findings[i], origin != ORIGIN_ACCEPTED, &mail->rcpts[i]);
		change_rcpt(c, &mail->rcpts[i]);
		n_pending += mail->rcpts[i].state == SPOOL_PENDING;
		n_held += mail->rcpts[i].state == SPOOL_RCPT_HELD;
	}
	item->state = n_pending == 0 && n_held > 0 ? SPOOL_HELD : SPOOL_ACTIVE;
	q->n_held += item->state == SPOOL_HELD;
	item->flags |= SPOOL_JUDGED | (*reason ? SPOOL_BAD : 0);
	if (!*reason)
		reason = origin_reason(origin);
	mail->m.state = item->state;
	mail->m.flags = item->flags;
	change_message(c, item, text_from_cstr(reason), mail);
	c->committed = judged;
	change_submit(c, false);
	audit_judged(q, item, reason, n_pending, n_held);
}
