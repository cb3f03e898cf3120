/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said with a message room: the message there, a finding per recipient back. Called by judge.c.
 * Trusts the room with nothing but its own message: it names recipients by index, each once.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/queue_judge.h"
#include "roles/queue/judgement.h"

#include <stdio.h>
#include <stdlib.h>

static void reset(struct judgement *j)
{
	if (!j->findings) {
		j->findings = mem_zalloc(j->n, sizeof *j->findings);
		j->is_found = mem_zalloc(j->n, sizeof *j->is_found);
	}
	j->n_found = 0;
	memset(j->is_found, 0, j->n * sizeof *j->is_found);
}

static void done(struct judgement *j)
{
	free(j->findings);
	free(j->is_found);
}

static enum error send_message(struct judgement *j, const struct mail *mail)
{
	static const struct mail_verbs verbs = { QUEUE_JUDGE_CHUNK, QUEUE_JUDGE_FILE, QUEUE_JUDGE_END,
						 false };
	const struct spool_message *m = &mail->m;
	struct queue_judge_message message = { .size = m->body_size,
					       .client = m->client,
					       .helo = m->helo,
					       .sender = m->sender,
					       .authenticated = m->flags & SPOOL_AUTHENTICATED,
					       .n_rcpts = m->n_rcpts };

	peer_send(j->room, QUEUE_JUDGE_MESSAGE, &message);
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct queue_judge_rcpt rcpt = { mail->rcpts[i].address };
		peer_send(j->room, QUEUE_JUDGE_RCPT, &rcpt);
	}
	return mail_send(j->q, mail, j->room, &verbs);
}

static void take_reason(struct judgement *j, const struct queue_judge_reason *r)
{
	struct buf b;

	if (r->weight < j->weight)
		return;
	j->weight = r->weight;
	buf_init(&b, sizeof j->reason - 1);
	buf_add_escaped(&b, r->engine);
	buf_add_byte(&b, '/');
	buf_add_escaped(&b, r->symbol);
	snprintf(j->reason, sizeof j->reason, "%s", buf_cstr(&b));
	buf_done(&b);
}

static bool take_verdict(struct judgement *j, const struct queue_judge_verdict *v)
{
	if (v->rcpt >= j->n || j->is_found[v->rcpt])
		return false;
	j->is_found[v->rcpt] = true;
	j->findings[v->rcpt] = (struct finding){ v->finding, v->score };
	j->n_found++;
	return true;
}

static bool take(struct judgement *j, const struct link_in *in, bool *ret_is_complete)
{
	*ret_is_complete = false;
	switch (in->type) {
	case QUEUE_JUDGE_REASON:
		take_reason(j, link_body(in));
		return true;
	case QUEUE_JUDGE_VERDICT:
		return take_verdict(j, link_body(in));
	default:
		*ret_is_complete = true;
		return j->n_found == j->n;
	}
}

static void audit_scanned(struct judgement *j, uint64_t id)
{
	static const char *const names[] = { "clean", "spam", "virus", "unscannable" };
	enum queue_judge_finding worst = QUEUE_JUDGE_FINDING_CLEAN;
	char text[SPOOL_ID_SIZE];

	for (uint32_t i = 0; i < j->n; i++)
		worst = j->findings[i].finding > worst ? j->findings[i].finding : worst;
	spool_print_id(id, text);
	role_audit(j->q->role, ROLE_AUDIT_KIND_MESSAGE_SCANNED, text, "finding=%s score=%u ms=%lld reason=%s",
		   names[worst], j->findings[0].score, (long long)(clock_mono_ms() - j->started), j->reason);
}

static void tell(struct judgement *j)
{
	struct intake *in = j->intake;
	struct item *item = j->item;
	uint64_t id = in ? j->mail->m.id : item ? item->id : 0;

	if (id)
		audit_scanned(j, id);
	judge_detach(j);
	if (in)
		intake_judged(j->q, in, j->findings, j->scans);
	else if (item)
		item_judged(j->q, item, j->findings);
}

const struct judgement_kind verdict_room = {
	.room = "message room",
	.edge = &queue_judge_edge,
	.side = QUEUE_JUDGE_SIDE_QUEUE,
	.kind = QUEUE_SCAN_KIND_JUDGE,
	.reset = reset,
	.send = send_message,
	.take = take,
	.tell = tell,
	.done = done,
};
