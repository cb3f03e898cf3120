/* SPDX-License-Identifier: Apache-2.0
 *
 * What queue has to do with `report`: it tells what DMARC found of each message, and takes the reports that
 * are to be sent as mail. Called by mail.c when a message is authenticated, and from the channel. Trusts
 * report with the text of its mail, not with how much: size and recipients are checked, and one mail is taken
 * at a time.
 *
 * Invariant: `taken` is said when the mail is committed, as any other.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_report.h"
#include "roles/queue/origin.h"
#include "roles/queue/queue.h"

#include <stdlib.h>

enum { KEPT_MAX = 8 << 20 };

/* The mail that is being taken. */
static struct incoming {
	struct queue *q;
	bool has_mail, is_committing;
	char sender[400], recipient[400];
	uint32_t size;
	struct buf text;
	struct mail *mail;
	struct spool_op op;
} incoming;

/* ---- what DMARC found ---- */

static struct text domain_of(struct text address)
{
	size_t at = text_find_last_byte(address, '@');

	return at == SIZE_MAX ? (struct text){ NULL, 0 } : text_slice(address, at + 1, at + 1 + 253);
}

/* As rfc9990 A has it; what else befell the message is no affair of the domain's owner. */
static enum queue_report_disposition disposition_of(const struct origin *o)
{
	const struct queue_authenticate_dmarc *d = &o->dmarc;

	if (d->result == QUEUE_AUTHENTICATE_RESULT_PASS)
		return d->published == QUEUE_AUTHENTICATE_POLICY_NONE ? QUEUE_REPORT_DISPOSITION_NONE
								      : QUEUE_REPORT_DISPOSITION_PASS;
	if (o->verdict == ORIGIN_DMARC_REFUSED)
		return QUEUE_REPORT_DISPOSITION_REJECT;
	return o->verdict == ORIGIN_QUARANTINED ? QUEUE_REPORT_DISPOSITION_QUARANTINE
						: QUEUE_REPORT_DISPOSITION_NONE;
}

static void tell_evaluation(struct queue *q, const struct mail *mail, const struct origin *o)
{
	const struct queue_authenticate_spf *spf = &o->spf[QUEUE_AUTHENTICATE_IDENTITY_MAIL_FROM];
	const struct queue_authenticate_dmarc *d = &o->dmarc;
	struct queue_report_evaluation m = { .client = mail->m.client,
					     .disposition = disposition_of(o),
					     .spf_aligned = d->spf_aligned,
					     .dkim_aligned = d->dkim_aligned,
					     .from = text_slice(d->from, 0, 253),
					     .envelope_from = domain_of(mail->m.sender),
					     .policy_domain = text_slice(d->policy_domain, 0, 253),
					     .discovery = (enum queue_report_discovery)d->discovery,
					     .p = (enum queue_report_policy)d->p,
					     .sp = (enum queue_report_policy)d->sp,
					     .np = (enum queue_report_policy)d->np,
					     .spf_strict = d->spf_strict,
					     .dkim_strict = d->dkim_strict,
					     .testing = d->testing };

	if (o->has_spf[QUEUE_AUTHENTICATE_IDENTITY_MAIL_FROM]) {
		m.spf = (enum queue_report_result)spf->result;
		m.spf_domain = text_slice(spf->domain, 0, 253);
	}
	peer_send(q->report, QUEUE_REPORT_EVALUATION, &m);
}

/* Our own rules weakened it after the room had answered. */
static bool is_weakened(const struct origin *o)
{
	static const enum queue_report_disposition asked[] = {
		[QUEUE_AUTHENTICATE_POLICY_NONE] = QUEUE_REPORT_DISPOSITION_NONE,
		[QUEUE_AUTHENTICATE_POLICY_QUARANTINE] = QUEUE_REPORT_DISPOSITION_QUARANTINE,
		[QUEUE_AUTHENTICATE_POLICY_REJECT] = QUEUE_REPORT_DISPOSITION_REJECT,
	};

	return o->dmarc.result == QUEUE_AUTHENTICATE_RESULT_FAIL &&
	       disposition_of(o) != asked[o->dmarc.applied];
}

static void tell_details(struct queue *q, const struct origin *o)
{
	static const struct queue_report_override ours = { QUEUE_REPORT_OVERRIDE_TYPE_LOCAL_POLICY,
							   TEXT("the receiver's configuration") };

	for (size_t i = 0; i < o->n_dkim; i++) {
		struct queue_report_signature s = { (enum queue_report_result)o->dkim[i].result,
						    text_slice(o->dkim[i].domain, 0, 253),
						    o->dkim[i].selector };
		peer_send(q->report, QUEUE_REPORT_SIGNATURE, &s);
	}
	for (size_t i = 0; i < o->n_overrides; i++) {
		struct queue_report_override v = { (enum queue_report_override_type)o->overrides[i].type,
						   o->overrides[i].comment };
		peer_send(q->report, QUEUE_REPORT_OVERRIDE, &v);
	}
	if (is_weakened(o))
		peer_send(q->report, QUEUE_REPORT_OVERRIDE, &ours);
	for (size_t i = 0; i < o->n_destinations; i++) {
		struct queue_report_destination d = { o->destinations[i] };
		peer_send(q->report, QUEUE_REPORT_DESTINATION, &d);
	}
}

void report_tell(struct queue *q, const struct mail *mail, const struct origin *o)
{
	bool is_final = o->dmarc.result == QUEUE_AUTHENTICATE_RESULT_PASS ||
			o->dmarc.result == QUEUE_AUTHENTICATE_RESULT_FAIL;

	if (!q->report || !queue_conf(q)->dmarc_report.send || !o->has_dmarc || !is_final ||
	    o->n_destinations == 0 || peer_is_backed_up(q->report))
		return;
	tell_evaluation(q, mail, o);
	tell_details(q, o);
	peer_send(q->report, QUEUE_REPORT_EVALUATED, NULL);
}

/* ---- the reports ---- */

static void answer(struct queue *q, bool is_taken)
{
	struct queue_report_taken m = { is_taken };

	incoming.has_mail = incoming.is_committing = false;
	buf_done(&incoming.text);
	if (q->report)
		peer_send(q->report, QUEUE_REPORT_TAKEN, &m);
}

static void inserted(struct spool_op *op, enum error e)
{
	struct incoming *in = op->owner;
	struct queue *q = in->q;
	struct mail *mail = in->mail;

	in->mail = NULL;
	if (e) {
		log_warning("a report could not be stored: %s", error_text(e));
		if (mail->m.has_file)
			spool_body_discard(q->spool, mail->m.id);
		mail_free(q, mail);
	} else {
		item_settle(q, item_new(q, mail));
	}
	answer(q, !e);
}

static enum error store_text(struct queue *q, struct mail *mail, struct text t)
{
	enum error e;

	if (t.n <= SPOOL_INLINE_MAX) {
		ASSERT(buf_add(&mail->body, t));
		return ERROR_NONE;
	}
	e = spool_body_create(q->spool, mail->m.id, &mail->body_fd);
	mail->m.has_file = !e;
	for (; !e && t.n; t = text_skip(t, SPOOL_CHUNK_MAX))
		e = spool_body_append(mail->body_fd, text_slice(t, 0, SPOOL_CHUNK_MAX));
	if (e && mail->m.has_file)
		spool_body_discard(q->spool, mail->m.id);
	return e;
}

static struct mail *make_mail(struct incoming *in)
{
	struct text text = buf_text(&in->text);
	size_t end = text_find(text, text_from_cstr("\r\n\r\n"));
	struct mail *mail = mail_new(1);
	struct spool_message *m = &mail->m;

	*m = (struct spool_message){ .id = spool_next_id(in->q->spool),
				     .arrival = clock_wall_ms(),
				     .state = SPOOL_ACTIVE,
				     .flags = SPOOL_NOTICE | SPOOL_JUDGED,
				     .body_type = SPOOL_BODY_7BIT,
				     .body_size = text.n,
				     .header_size = (uint32_t)(end == SIZE_MAX ? text.n : end + 2),
				     .n_rcpts = 1 };
	mail->rcpts = arena_alloc(&mail->arena, sizeof *mail->rcpts);
	ASSERT(mail->rcpts && arena_copy(&mail->arena, text_from_cstr(in->sender), &m->sender) &&
	       arena_copy(&mail->arena, text_from_cstr(in->recipient), &mail->rcpts[0].address));
	mail->rcpts[0].next_attempt = m->arrival;
	if (store_text(in->q, mail, text) == ERROR_NONE)
		return mail;
	mail_free(in->q, mail);
	return NULL;
}

static void commit(struct queue *q)
{
	struct incoming *in = &incoming;

	in->is_committing = true;
	in->mail = q->is_stopping ? NULL : make_mail(in);
	if (!in->mail) {
		answer(q, false);
		return;
	}
	in->op = (struct spool_op){ .verb = SPOOL_INSERT,
				    .id = in->mail->m.id,
				    .message = &in->mail->m,
				    .rcpts = in->mail->rcpts,
				    .n_rcpts = 1,
				    .body = buf_text(&in->mail->body),
				    .body_fd = in->mail->body_fd,
				    .done = inserted,
				    .owner = in };
	spool_submit(q->spool, &in->op);
}

static bool copy_address(struct text address, char *out, size_t n)
{
	if (address.n == 0 || address.n >= n || text_find_last_byte(address, '@') == SIZE_MAX ||
	    !text_is_printable(address) || text_find_byte(address, ' ') < address.n ||
	    text_find_byte(address, '<') < address.n || text_find_byte(address, '>') < address.n)
		return false;
	memcpy(out, address.p, address.n);
	out[address.n] = '\0';
	return true;
}

static bool begin(struct queue *q, const struct queue_report_mail *m)
{
	if (incoming.has_mail || m->size == 0 || m->size > queue_conf(q)->dmarc_report.max_size)
		return false;
	incoming = (struct incoming){ .q = q, .has_mail = true, .size = m->size };
	buf_init(&incoming.text, m->size);
	return copy_address(m->sender, incoming.sender, sizeof incoming.sender) &&
	       copy_address(m->recipient, incoming.recipient, sizeof incoming.recipient);
}

static bool take(struct queue *q, struct link_in *in)
{
	const struct queue_report_chunk *chunk = link_body(in);

	if (in->type == QUEUE_REPORT_MAIL)
		return begin(q, link_body(in));
	if (!incoming.has_mail || incoming.is_committing)
		return false;
	if (in->type == QUEUE_REPORT_CHUNK)
		return buf_add(&incoming.text, chunk->data);
	if (incoming.text.n != incoming.size)
		return false;
	commit(q);
	return true;
}

static void gone(void *owner, struct peer *p, enum error why)
{
	struct queue *q = owner;

	(void)p;
	role_log_gone(ROLE_REPORT, why);
	q->report = NULL;
	if (incoming.is_committing)
		return; /* the commit ends it */
	incoming.has_mail = false;
	buf_done(&incoming.text);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct queue *q = owner;

	if (take(q, in))
		return;
	role_audit(q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "report", "type=%u", in->type);
	peer_close(p);
	gone(q, NULL, ERROR_UNEXPECTED);
}

void report_open(struct queue *q, int fd)
{
	static const struct peer_events events = { on_message, gone };

	peer_close(q->report);
	q->report = peer_new(q->role->loop, fd, &queue_report_edge, QUEUE_REPORT_SIDE_QUEUE, &events, q,
			     KEPT_MAX);
}
