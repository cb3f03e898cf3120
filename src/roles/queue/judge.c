/* SPDX-License-Identifier: Apache-2.0
 *
 * Having messages judged: who is next, which room has which message, what a room's end means.
 *
 * Messages whose client waits go first; the others are scanned from disk, and before each such scan
 * the attempt is committed, so that a message that takes this process down too is counted. A room
 * that dies costs the message an attempt; at scan.crash-limit it is unscannable. A room that could not
 * be made, or that went down with scan itself, costs nothing. Too many deaths open the breaker.
 *
 * Trusts scan to say how a room ended, and a room with nothing but its own message: a finding per
 * recipient, by index, each once. A job is over when its channel is (verdict complete, or closed) and
 * scan has said `ended`; only then its slot is free.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_judge.h"
#include "ipc/queue_scan.h"
#include "roles/queue/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROOM_KEPT = 64 << 20, /* unsent to a room: a message's envelope of many recipients */
	PAUSE_MS = 200,       /* after a room could not be made */
	GRACE_MS = 15000,     /* that scan has to end a room that is over its time */
};

struct judgement {
	struct judgement *next; /* in line */
	struct queue *q;
	uint64_t job;
	struct intake *intake; /* one of the two, or none: nobody wants to know any more */
	struct item *item;
	struct mail *mail; /* the intake's */
	struct peer *room;
	uint32_t n, n_found, scans;
	struct finding *findings;
	bool *is_found;
	bool is_running, is_complete, has_ended, was_lost;
	enum queue_scan_how how;
	int64_t deadline;   /* of the client's patience */
	int64_t not_before; /* of the next try */
	int64_t started;
	char reason[100];
	uint8_t weight;
};

/* ---- the lines ---- */

static void enqueue(struct judgement *j, bool at_front)
{
	struct judgement_line *line = j->intake ? &j->q->live : &j->q->from_disk;

	j->next = NULL;
	if (at_front) {
		j->next = line->first;
		line->first = j;
		line->last = line->last ? line->last : j;
	} else {
		if (line->last)
			line->last->next = j;
		else
			line->first = j;
		line->last = j;
	}
}

static void take_from_line(struct judgement_line *line, struct judgement *j)
{
	struct judgement *before = NULL;

	for (struct judgement *at = line->first; at; before = at, at = at->next) {
		if (at != j)
			continue;
		if (before)
			before->next = j->next;
		else
			line->first = j->next;
		if (line->last == j)
			line->last = before;
		j->next = NULL;
		return;
	}
}

static struct judgement *judgement_new(struct queue *q, uint32_t n)
{
	struct judgement *j = mem_zalloc(1, sizeof *j);

	j->q = q;
	j->n = n;
	j->findings = mem_zalloc(n, sizeof *j->findings);
	j->is_found = mem_zalloc(n, sizeof *j->is_found);
	return j;
}

static void judgement_free(struct judgement *j)
{
	peer_close(j->room);
	if (j->job)
		table_remove(&j->q->judgements, j->job);
	free(j->findings);
	free(j->is_found);
	free(j);
}

void judge_intake(struct queue *q, struct intake *in, struct mail *mail, int64_t deadline)
{
	struct judgement *j = judgement_new(q, mail->m.n_rcpts);

	j->intake = in;
	j->mail = mail;
	j->deadline = deadline;
	intake_set_judgement(in, j);
	enqueue(j, false);
	judge_advance(q, clock_mono_ms());
}

void judge_item(struct queue *q, struct item *item)
{
	struct judgement *j;

	if (item->judgement)
		return;
	j = judgement_new(q, item->n_rcpts);
	j->item = item;
	j->scans = item->scans;
	item->judgement = j;
	enqueue(j, false);
	queue_wake(q);
}

/* What was asked for is not wanted any more. A room under way is let finish. */
static void detach(struct judgement *j)
{
	if (j->item)
		j->item->judgement = NULL;
	j->intake = NULL;
	j->item = NULL;
	j->mail = NULL;
}

void judge_forget(struct queue *q, struct judgement *j)
{
	bool is_running = j->is_running;

	if (!is_running)
		take_from_line(j->intake ? &q->live : &q->from_disk, j);
	detach(j);
	if (!is_running)
		judgement_free(j);
}

/* ---- results ---- */

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

/* All findings are here: tells whoever asked. */
static void tell(struct judgement *j)
{
	struct intake *in = j->intake;
	struct item *item = j->item;
	uint64_t id = in ? j->mail->m.id : item ? item->id : 0;

	if (id)
		audit_scanned(j, id);
	detach(j);
	if (in)
		intake_judged(j->q, in, j->findings, j->scans);
	else if (item)
		item_judged(j->q, item, j->findings);
}

static void tell_unjudged(struct judgement *j, enum unjudged why, uint32_t scans)
{
	struct intake *in = j->intake;
	struct item *item = j->item;

	detach(j);
	if (in)
		intake_unjudged(j->q, in, why, scans);
	if (!item)
		return;
	for (uint32_t i = 0; i < j->n; i++)
		j->findings[i] = (struct finding){ .finding = QUEUE_JUDGE_FINDING_UNSCANNABLE };
	item_judged(j->q, item, j->findings);
}

static void try_again(struct judgement *j, int64_t not_before)
{
	peer_close(j->room);
	if (j->job)
		table_remove(&j->q->judgements, j->job);
	j->room = NULL;
	j->job = 0;
	j->n_found = 0;
	memset(j->is_found, 0, j->n * sizeof *j->is_found);
	j->is_running = j->has_ended = j->was_lost = false;
	j->not_before = not_before;
	enqueue(j, true);
}

static void count_death(struct judgement *j, int64_t now)
{
	struct queue *q = j->q;

	q->n_crashes++;
	if (!breaker_count(&q->breaker, &queue_conf(q)->scan, now))
		return;
	log_error("message rooms die too often: mail is answered with 451 for a while");
	role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, "breaker", "deaths=%llu",
		   (unsigned long long)q->n_crashes);
}

/* That attempt was none. On disk too with the item's next change, at the latest the next count. */
static void uncount(struct judgement *j)
{
	if (j->scans > 0)
		j->scans--;
	if (j->item)
		j->item->scans = j->scans;
}

/* The room is gone without a verdict. */
static void failed(struct judgement *j)
{
	struct queue *q = j->q;
	int64_t now = clock_mono_ms();
	bool is_death = j->how != QUEUE_SCAN_HOW_NO_ROOM;

	if (is_death)
		count_death(j, now);
	else
		uncount(j);
	if (!j->intake && !j->item) {
		judgement_free(j);
	} else if (j->intake && breaker_is_open(&q->breaker, now)) {
		tell_unjudged(j, UNJUDGED_BREAKER, j->scans);
		judgement_free(j);
	} else if (j->how == QUEUE_SCAN_HOW_OUT_OF_TIME ||
		   (is_death && j->scans >= queue_conf(q)->scan.crash_limit)) {
		tell_unjudged(j, UNJUDGED_DIED, j->scans);
		judgement_free(j);
	} else {
		try_again(j, is_death ? now : now + PAUSE_MS);
	}
}

/* Something of the job's end has come. */
static void check_end(struct judgement *j)
{
	if (!j->has_ended)
		return;
	if (j->is_complete)
		judgement_free(j);
	else if (j->was_lost)
		failed(j);
}

/* ---- the room ---- */

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

/* The channel is over. */
static void lose_room(struct judgement *j)
{
	peer_close(j->room);
	j->room = NULL;
	j->was_lost = true;
}

static void room_message(void *owner, struct peer *p, struct link_in *link)
{
	struct judgement *j = owner;
	bool is_sound = true;

	(void)p;
	if (link->type == QUEUE_JUDGE_REASON)
		take_reason(j, link_body(link));
	else if (link->type == QUEUE_JUDGE_VERDICT)
		is_sound = take_verdict(j, link_body(link));
	else
		is_sound = j->n_found == j->n;
	if (is_sound && link->type != QUEUE_JUDGE_DONE)
		return;
	lose_room(j);
	if (is_sound) {
		j->is_complete = true;
		tell(j);
	} else {
		role_audit(j->q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "message room", "job=%llu",
			   (unsigned long long)j->job);
	}
	check_end(j);
}

static void room_gone(void *owner, struct peer *p, enum error why)
{
	struct judgement *j = owner;

	(void)p;
	(void)why;
	j->room = NULL;
	j->was_lost = true;
	check_end(j);
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

/* Gives the message to a new room. */
static void run(struct judgement *j, const struct mail *mail)
{
	static const struct peer_events events = { room_message, room_gone };
	struct queue *q = j->q;
	struct queue_scan_job job = { .kind = QUEUE_SCAN_KIND_JUDGE };
	int fds[2];

	if (link_make_pair(&queue_judge_edge, fds) != ERROR_NONE) {
		j->how = QUEUE_SCAN_HOW_NO_ROOM;
		q->n_scanning--;
		failed(j);
		return;
	}
	j->job = job.job = ++q->last_job;
	j->started = clock_mono_ms();
	table_put(&q->judgements, j->job, j);
	peer_send_fds(q->scan, QUEUE_SCAN_JOB, &job, &fds[1], 1);
	close(fds[1]);
	j->room = peer_new(q->role->loop, fds[0], &queue_judge_edge, QUEUE_JUDGE_SIDE_QUEUE, &events, j,
			   ROOM_KEPT);
	if (send_message(j, mail) != ERROR_NONE)
		lose_room(j); /* the body cannot be read: found out again, and held, from disk */
}

/* The attempt is on disk. */
static void counted(struct change *c, struct item *item)
{
	struct judgement *j = c->arg;
	struct queue *q = j->q;
	struct mail *mail = item && j->item == item && q->scan ? item_get_mail(q, item) : NULL;

	if (mail && j->item == item) {
		run(j, mail);
		return;
	}
	q->n_scanning--;
	if (j->item) {
		uncount(j); /* scan went away */
		try_again(j, clock_mono_ms() + PAUSE_MS);
	} else {
		judgement_free(j);
	}
}

static void start(struct judgement *j)
{
	struct queue *q = j->q;

	if (j->item && j->scans >= queue_conf(q)->scan.crash_limit) {
		/* It took this process down each time. */
		tell_unjudged(j, UNJUDGED_DIED, j->scans);
		judgement_free(j);
		return;
	}
	j->is_running = true;
	j->scans++;
	q->n_scanning++;
	if (j->intake)
		run(j, j->mail);
	else
		item_count_scan(q, j->item, counted, j);
}

/* ---- what is next ---- */

static void start_from(struct queue *q, struct judgement_line *line, int64_t now)
{
	while (line->first && q->scan && q->n_scanning < q->scan_capacity) {
		struct judgement *j = line->first;
		if (j->not_before > now)
			return;
		take_from_line(line, j);
		start(j);
	}
}

static void give_up_late(struct queue *q, int64_t now)
{
	struct judgement *j;
	size_t at = 0;

	while ((j = q->live.first) && j->deadline <= now) {
		take_from_line(&q->live, j);
		tell_unjudged(j, UNJUDGED_LATE, j->scans);
		judgement_free(j);
	}
	while ((j = table_next(&q->judgements, &at)))
		if (j->intake && j->deadline <= now)
			tell_unjudged(j, UNJUDGED_LATE, j->scans - 1);
}

/* scan ends rooms that take too long; if it does not, the channel to it is worthless. */
static void check_scan(struct queue *q, int64_t now)
{
	int64_t limit = queue_conf(q)->scan.message_time + GRACE_MS;
	const struct judgement *j;
	size_t at = 0;

	while (q->scan && (j = table_next(&q->judgements, &at)))
		if (now - j->started > limit) {
			log_error("scan has not ended a room that is over its time");
			j = NULL;
			peer_close(q->scan);
			judge_lost_scan(q);
		}
}

void judge_advance(struct queue *q, int64_t now)
{
	give_up_late(q, now);
	check_scan(q, now);
	start_from(q, &q->live, now);
	if (!breaker_is_open(&q->breaker, now))
		start_from(q, &q->from_disk, now);
}

int64_t judge_wake_at(const struct queue *q)
{
	int64_t at = q->live.first ? q->live.first->deadline : INT64_MAX;
	const struct judgement *j;
	size_t i = 0;

	while ((j = table_next(&q->judgements, &i)))
		if (j->intake && j->deadline < at)
			at = j->deadline;
	if (q->live.first && q->live.first->not_before && q->live.first->not_before < at)
		at = q->live.first->not_before;
	if (q->from_disk.first && q->n_scanning < q->scan_capacity && q->scan) {
		int64_t next = q->from_disk.first->not_before;
		next = q->breaker.open_until > next ? q->breaker.open_until : next;
		at = next < at ? next : at;
	}
	return at;
}

void judge_stop(struct queue *q)
{
	struct judgement *j;
	size_t at = 0;

	while ((j = table_next(&q->judgements, &at)))
		if (j->item && !j->item->is_removing) {
			uncount(j);
			item_store_scans(q, j->item);
		}
}

/* ---- scan ---- */

static void job_ended(struct queue *q, const struct queue_scan_ended *ended)
{
	struct judgement *j = table_get(&q->judgements, ended->job);

	if (!j || j->has_ended) /* or of a notice, which looks at its channel only */
		return;
	q->n_scanning--;
	j->has_ended = true;
	j->how = ended->how;
	check_end(j);
	judge_advance(q, clock_mono_ms());
}

static void scan_message(void *owner, struct peer *p, struct link_in *link)
{
	struct queue *q = owner;
	const struct queue_scan_slots *slots = link_body(link);

	(void)p;
	if (link->type == QUEUE_SCAN_ENDED) {
		job_ended(q, link_body(link));
		return;
	}
	q->scan_capacity = q->n_scanning + slots->free;
	if (q->scan_capacity > queue_conf(q)->scan.slots)
		q->scan_capacity = (uint32_t)queue_conf(q)->scan.slots;
	judge_advance(q, clock_mono_ms());
}

void judge_lost_scan(struct queue *q)
{
	struct judgement *j;
	size_t at;

	q->scan = NULL;
	do { /* each may remove itself from the table */
		at = 0;
		while ((j = table_next(&q->judgements, &at)) && j->has_ended)
			;
		if (!j)
			break;
		q->n_scanning--;
		j->has_ended = true;
		j->how = QUEUE_SCAN_HOW_NO_ROOM;
		if (!j->is_complete)
			lose_room(j);
		check_end(j);
	} while (true);
	queue_wake(q);
}

static void scan_gone(void *owner, struct peer *p, enum error why)
{
	(void)p;
	role_log_gone(ROLE_SCAN, why);
	judge_lost_scan(owner);
}

void judge_open_scan(struct queue *q, int fd)
{
	static const struct peer_events events = { scan_message, scan_gone };

	if (q->scan) {
		peer_close(q->scan);
		judge_lost_scan(q);
	}
	q->scan = peer_new(q->role->loop, fd, &queue_scan_edge, QUEUE_SCAN_SIDE_QUEUE, &events, q, 1 << 20);
	q->scan_capacity = (uint32_t)queue_conf(q)->scan.slots;
	queue_wake(q);
}

bool judge_send_compose(struct queue *q, uint64_t job, int fd)
{
	const struct queue_scan_job body = { .job = job, .kind = QUEUE_SCAN_KIND_COMPOSE };

	if (!q->scan)
		return false;
	peer_send_fds(q->scan, QUEUE_SCAN_JOB, &body, &fd, 1);
	return true;
}
