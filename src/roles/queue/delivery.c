/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to a delivery room, and its answers. Called by deliver.c. Trusts a room with what the next
 * server said about the recipients it was given, and with nothing else: it names them by index, each
 * once, and only those of the message that it has.
 *
 * Invariants: what a room does not answer for stays ours and is tried again; a recipient's answer is
 * submitted to the spool in the same turn in which the room says `done`, or when its channel ends. So a
 * message comes twice only when the next server took it and the room, this process or the machine died
 * before the answer was on disk.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_delivery.h"
#include "roles/queue/deliver.h"

#include <stdlib.h>

enum { SOON_MS = 2000 };

/* ---- giving ---- */

static void unlink_part(struct item *item, const struct part *p)
{
	struct part **at = &item->parts;

	while (*at != p)
		at = &(*at)->sibling;
	*at = p->sibling;
}

static void send_envelope(struct delivery *d, const struct mail *mail)
{
	const struct spool_message *m = &mail->m;
	struct mail_cuts cuts;
	struct queue_delivery_message message = { .id = m->id,
						  .sender = m->sender,
						  .size = m->head.n + m->body_size,
						  .body = (enum queue_delivery_body)m->body_type,
						  .smtputf8 = m->flags & SPOOL_SMTPUTF8,
						  .ret = (enum queue_delivery_ret)m->ret,
						  .envid = m->envid,
						  .again = d->item->may_have_gone || d->part->attempts > 0,
						  .n_rcpts = d->part->n_rcpts };

	mail_find_cuts(mail, &cuts);
	message.size -= cuts.size;
	peer_send(d->room, QUEUE_DELIVERY_MESSAGE, &message);
	for (uint32_t i = 0; i < d->part->n_rcpts; i++) {
		const struct spool_rcpt *r = &mail->rcpts[d->part->rcpts[i]];
		struct queue_delivery_rcpt rcpt = { r->index, r->address, r->orcpt, r->notify };
		peer_send(d->room, QUEUE_DELIVERY_RCPT, &rcpt);
	}
}

/* False: the message cannot be read; the item is held. */
static bool give(struct delivery *d, struct part *p)
{
	static const struct mail_verbs verbs = { QUEUE_DELIVERY_CHUNK, QUEUE_DELIVERY_FILE,
						 QUEUE_DELIVERY_END, true };
	struct queue *q = d->q;
	struct item *item = p->owner;
	struct mail *mail = item_get_mail(q, item);

	if (!mail) {
		unlink_part(item, p);
		schedule_part_free(&q->schedule, p);
		return false;
	}
	d->part = p;
	d->item = item;
	item->n_sending++;
	d->outcomes = arena_alloc(&d->arena, p->n_rcpts * sizeof *d->outcomes);
	ASSERT(d->outcomes);
	d->n_known = 0;
	d->n_messages++;
	send_envelope(d, mail);
	if (mail_send(q, mail, d->room, &verbs) == ERROR_NONE)
		return true;
	peer_close(
		d->room); /* the room ends with its channel; the message is looked at when it is due again */
	d->room = NULL;
	delivery_close_part(d, "the message could not be read");
	return true;
}

static struct part *next_part(struct delivery *d)
{
	const struct conf *conf = queue_conf(d->q);

	if (!queue_may_deliver(d->q) || d->n_messages >= conf->queue.messages_per_connection)
		return NULL;
	return schedule_take(&d->q->schedule, d->destination);
}

void delivery_set_idle(struct delivery *d, bool is_idle)
{
	if (d->is_idle == is_idle)
		return;
	d->is_idle = is_idle;
	if (is_idle)
		d->destination->n_idle++;
	else
		d->destination->n_idle--;
}

void delivery_feed(struct delivery *d)
{
	const struct conf *conf = queue_conf(d->q);
	struct part *p = NULL;
	bool was_idle = d->is_idle;

	delivery_set_idle(d, false);
	while ((p = next_part(d)))
		if (give(d, p))
			return;
	if (!was_idle && queue_may_deliver(d->q) && d->n_messages < conf->queue.messages_per_connection &&
	    conf->deliver.idle_time > 0) {
		d->idle_until = clock_mono_ms() + conf->deliver.idle_time;
		delivery_set_idle(d, true);
		queue_wake(d->q);
		return;
	}
	if (was_idle && d->idle_until > clock_mono_ms() && queue_may_deliver(d->q)) {
		delivery_set_idle(d, true);
		return;
	}
	peer_send(d->room, QUEUE_DELIVERY_NO_MORE, NULL);
}

/* ---- taking ---- */

static bool take_result(struct delivery *d, const struct queue_delivery_result *m)
{
	struct outcome *o = NULL;

	for (uint32_t i = 0; i < d->part->n_rcpts; i++)
		if (d->part->rcpts[i] == m->index)
			o = &d->outcomes[i];
	if (!o || o->is_known)
		return false;
	o->is_known = true;
	o->outcome = (uint8_t)m->outcome;
	o->is_ours = m->outcome == QUEUE_DELIVERY_OUTCOME_UNTRIED;
	o->code = m->code;
	o->is_relayed = m->relayed;
	d->n_known++;
	return arena_copy(&d->arena, m->enhanced, &o->enhanced) && arena_copy(&d->arena, m->text, &o->text);
}

void delivery_take(void *owner, struct peer *p, struct link_in *in)
{
	struct delivery *d = owner;
	bool is_sound = true;

	if (in->type == QUEUE_DELIVERY_NEXT) {
		if (d->is_connecting)
			schedule_connection_works(&d->q->schedule, d->destination);
		d->is_connecting = false;
		d->destination->trouble[0] = 0;
		delivery_feed(d);
		return;
	}
	if (in->type == QUEUE_DELIVERY_RESULT)
		is_sound = d->part && take_result(d, link_body(in));
	else
		is_sound = d->part && d->n_known == d->part->n_rcpts;
	if (is_sound && in->type == QUEUE_DELIVERY_DONE) {
		delivery_close_part(d, "");
		return;
	}
	if (is_sound)
		return;
	role_audit(d->q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "delivery room", "remote=%s", d->remote);
	peer_close(p);
	d->room = NULL;
	delivery_close_part(d, "the room broke the rules");
}

/* ---- what follows from an answer ---- */

static void audit_outcome(struct queue *q, const struct item *item, const struct spool_rcpt *r)
{
	unsigned kind = ROLE_AUDIT_KIND_MESSAGE_DELIVERED;
	char id[SPOOL_ID_SIZE];
	struct buf text;

	if (r->state == SPOOL_FAILED)
		kind = ROLE_AUDIT_KIND_MESSAGE_FAILED;
	else if (r->state == SPOOL_PENDING)
		kind = ROLE_AUDIT_KIND_MESSAGE_DEFERRED;
	spool_print_id(item->id, id);
	buf_init(&text, 700);
	buf_add_escaped(&text, text_slice(r->answer, 0, 160));
	role_audit(q->role, kind, id, "to=<%.*s> remote=%.*s answer=%u %.*s %s", TEXT_ARGS(r->address),
		   TEXT_ARGS(r->remote), r->code, TEXT_ARGS(r->enhanced), buf_cstr(&text));
	buf_done(&text);
}

static int64_t expires_at(const struct queue *q, const struct item *item)
{
	const struct conf_queue *conf = &queue_conf(q)->queue;

	return item->arrival + (item->has_null_sender ? conf->bounce_expire : conf->expire);
}

static void put_off(struct queue *q, const struct item *item, struct spool_rcpt *r, int64_t now)
{
	int64_t next = schedule_next_before(&q->schedule, r->attempts, now, expires_at(q, item));

	if (next == SCHEDULE_NEVER) {
		r->state = SPOOL_FAILED;
		r->enhanced = text_from_cstr("5.4.7"); /* rfc3463 3.5 */
	} else {
		r->next_attempt = next;
	}
	q->n_deferred += r->state == SPOOL_PENDING;
}

/* Texts of the outcome live longer than r is used. */
static void apply(struct queue *q, const struct item *item, struct spool_rcpt *r, const struct outcome *o,
		  const char *remote)
{
	int64_t now = clock_wall_ms();

	if (o->is_ours && now < expires_at(q, item)) {
		r->next_attempt = now + SOON_MS;
		return;
	}
	r->attempts++;
	r->last_attempt = now;
	r->code = o->code;
	r->enhanced = text_slice(o->enhanced, 0, 12);
	r->answer = text_slice(o->text, 0, 512);
	r->remote = text_from_cstr(remote);
	if (o->outcome == QUEUE_DELIVERY_OUTCOME_DELIVERED) {
		r->state = o->is_relayed ? SPOOL_RELAYED : SPOOL_DELIVERED;
		q->n_delivered++;
	} else if (o->outcome == QUEUE_DELIVERY_OUTCOME_FAILED) {
		r->state = SPOOL_FAILED;
	} else {
		put_off(q, item, r, now);
	}
	q->n_failed += r->state == SPOOL_FAILED;
	audit_outcome(q, item, r);
}

static bool is_all_done(const struct item *item)
{
	for (uint32_t i = 0; i < item->n_rcpts; i++) {
		uint8_t state = item->rcpts[i].state;
		if (state == SPOOL_PENDING || state == SPOOL_RCPT_HELD || item_wants_notice(item, i))
			return false;
	}
	return item->n_sending == 0 && item->n_changes == 0 && !item->notice;
}

/* Gives the item the answers for one part, which is over. */
static void finish_part(struct queue *q, struct item *item, struct part *p, const struct outcome *outcomes,
			const char *remote)
{
	struct mail *mail = item_get_mail(q, item);
	struct change *c = NULL;

	unlink_part(item, p);
	if (mail) {
		c = change_new(q, item, p->n_rcpts);
		for (uint32_t i = 0; i < p->n_rcpts; i++) {
			struct spool_rcpt r = mail->rcpts[p->rcpts[i]];
			r.attempts = p->attempts > r.attempts ? p->attempts : r.attempts;
			apply(q, item, &r, &outcomes[i], remote);
			item->rcpts[r.index].state = (uint8_t)r.state;
			mail->rcpts[r.index] = *change_rcpt(c, &r);
		}
	}
	schedule_part_free(&q->schedule, p);
	if (!mail)
		return;
	item->n_changes--; /* this one is not submitted yet */
	if (is_all_done(item) && !item->is_removing) {
		change_drop(c);
		item_remove(q, item, true, NULL, NULL);
		return;
	}
	item->n_changes++;
	item_schedule(q, item);
	item_cool(q, item); /* its texts live in the change */
	change_submit(c, true);
}

void delivery_close_part(struct delivery *d, const char *why)
{
	struct part *p = d->part;
	struct item *item = d->item;

	if (!p)
		return;
	for (uint32_t i = 0; i < p->n_rcpts; i++) {
		struct outcome *o = &d->outcomes[i];
		if (o->is_known)
			continue;
		item->may_have_gone = true;
		*o = (struct outcome){ .is_ours = d->is_orphan,
				       .outcome = QUEUE_DELIVERY_OUTCOME_DEFERRED,
				       .enhanced = text_from_cstr("4.4.2"),
				       .text = text_from_cstr(why) };
	}
	d->part = NULL;
	d->item = NULL;
	item->n_sending--;
	finish_part(d->q, item, p, d->outcomes, d->remote);
	arena_reset(&d->arena);
	queue_wake(d->q);
}

void delivery_fail_line(struct queue *q, struct destination *to, bool is_final, const char *enhanced,
			const char *why)
{
	const struct outcome outcome = { .is_known = true,
					 .outcome = is_final ? QUEUE_DELIVERY_OUTCOME_FAILED
							     : QUEUE_DELIVERY_OUTCOME_DEFERRED,
					 .enhanced = text_from_cstr(enhanced),
					 .text = text_from_cstr(why) };
	int64_t now = clock_wall_ms();
	struct part *p;

	while ((p = schedule_take(&q->schedule, to))) {
		struct item *item = p->owner;
		struct outcome *outcomes;
		int64_t next = schedule_next_before(&q->schedule, p->attempts + 1, now, expires_at(q, item));
		if (!is_final && next != SCHEDULE_NEVER) {
			p->attempts++;
			schedule_wait(&q->schedule, p, next);
			item_cool(q, item);
			item_settle(q, item); /* it may be late enough for a word to its sender */
			continue;
		}
		outcomes = mem_zalloc(p->n_rcpts, sizeof *outcomes);
		for (uint32_t i = 0; i < p->n_rcpts; i++)
			outcomes[i] = outcome;
		finish_part(q, item, p, outcomes, "");
		free(outcomes);
	}
}
