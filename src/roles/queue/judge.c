/* SPDX-License-Identifier: Apache-2.0
 *
 * Having messages authenticated and judged: who is next, which room has which message, what a room's end
 * means. What is said with the rooms is in origin_room.c and verdict_room.c.
 *
 * Messages whose client waits go first; the others are scanned from disk, and before each such scan
 * the attempt is committed, so that a message that takes this process down too is counted. A room
 * that dies costs the message an attempt; at scan.crash-limit it is unscannable. A room that could not
 * be made, or that went down with scan itself, costs nothing. Too many deaths open the breaker.
 *
 * Trusts scan to say how a room ended. A job is over when its channel is (verdict complete, or closed) and
 * scan has said `ended`; only then its slot is free.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_judge.h"
#include "roles/queue/judgement.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	ROOM_KEPT = 64 << 20, /* unsent to a room: a message's envelope of many recipients */
	PAUSE_MS = 200,       /* after a room could not be made */
	GRACE_MS = 15000,     /* that scan has to end a room that is over its time */
};

/* ---- the lines ---- */

static void enqueue(struct judgement *j, bool at_front)
{
	struct scanning *s = &j->q->scanning[j->stage];
	struct judgement_line *line = j->intake ? &s->live : &s->from_disk;

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

static struct judgement *judgement_new(struct queue *q, bool wants_origin, bool wants_signature, uint32_t n)
{
	struct judgement *j = mem_zalloc(1, sizeof *j);

	j->q = q;
	j->stage = wants_origin || wants_signature ? STAGE_ORIGIN : STAGE_VERDICT;
	j->kind = wants_origin ? &origin_room : wants_signature ? &signing_room : &verdict_room;
	j->n = n;
	j->kind->reset(j);
	return j;
}

static void judgement_free(struct judgement *j)
{
	peer_close(j->room);
	if (j->job)
		table_remove(&j->q->judgements, j->job);
	j->kind->done(j);
	free(j);
}

void judge_intake(struct queue *q, struct intake *in, struct mail *mail, int64_t deadline)
{
	const struct conf *conf = queue_conf(q);
	struct judgement *j = judgement_new(q, origin_is_wanted(conf, &mail->m),
					    signing_profile_of(conf, &mail->m) != NULL, mail->m.n_rcpts);

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
	j = judgement_new(q, item->wants_origin, item->wants_signature, item->n_rcpts);
	j->item = item;
	j->scans = item->scans;
	item->judgement = j;
	enqueue(j, false);
	queue_wake(q);
}

void judge_detach(struct judgement *j)
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
		take_from_line(j->intake ? &q->scanning[j->stage].live : &q->scanning[j->stage].from_disk, j);
	judge_detach(j);
	if (!is_running)
		judgement_free(j);
}

/* ---- results ---- */

static void tell_unjudged(struct judgement *j, enum unjudged why, uint32_t scans)
{
	struct intake *in = j->intake;
	struct item *item = j->item;
	struct finding *findings;

	judge_detach(j);
	if (in)
		intake_unjudged(j->q, in, why, scans);
	if (!item)
		return;
	findings = mem_zalloc(j->n, sizeof *findings);
	for (uint32_t i = 0; i < j->n; i++)
		findings[i] = (struct finding){ .finding = QUEUE_JUDGE_FINDING_UNSCANNABLE };
	item_judged(j->q, item, findings);
	free(findings);
}

static void try_again(struct judgement *j, int64_t not_before)
{
	peer_close(j->room);
	if (j->job)
		table_remove(&j->q->judgements, j->job);
	j->room = NULL;
	j->job = 0;
	j->kind->reset(j);
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
	log_error("rooms that read messages die too often: mail is answered with 451 for a while");
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
	bool is_complete, is_sound = j->kind->take(j, link, &is_complete);

	(void)p;
	if (is_sound && !is_complete)
		return;
	lose_room(j);
	if (is_sound) {
		j->is_complete = true;
		j->kind->tell(j);
	} else {
		role_audit(j->q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, j->kind->room, "job=%llu",
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

/* Gives the message to a new room. */
static void run(struct judgement *j, const struct mail *mail)
{
	static const struct peer_events events = { room_message, room_gone };
	struct queue *q = j->q;
	struct queue_scan_job job = { .kind = j->kind->kind };
	int fds[2];

	if (link_make_pair(j->kind->edge, fds) != ERROR_NONE) {
		j->how = QUEUE_SCAN_HOW_NO_ROOM;
		q->scanning[j->stage].n_running--;
		failed(j);
		return;
	}
	j->job = job.job = ++q->last_job;
	j->started = clock_mono_ms();
	table_put(&q->judgements, j->job, j);
	peer_send_fds(q->scan, QUEUE_SCAN_JOB, &job, &fds[1], 1);
	close(fds[1]);
	j->room = peer_new(q->role->loop, fds[0], j->kind->edge, j->kind->side, &events, j, ROOM_KEPT);
	if (j->kind->send(j, mail) != ERROR_NONE)
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
	q->scanning[j->stage].n_running--;
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
	q->scanning[j->stage].n_running++;
	if (j->intake)
		run(j, j->mail);
	else
		item_count_scan(q, j->item, counted, j);
}

/* ---- what is next ---- */

static void start_from(struct queue *q, struct scanning *s, struct judgement_line *line, int64_t now)
{
	while (line->first && q->scan && s->n_running < s->capacity) {
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

	for (size_t i = 0; i < STAGE_COUNT; i++)
		while ((j = q->scanning[i].live.first) && j->deadline <= now) {
			take_from_line(&q->scanning[i].live, j);
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
	for (size_t i = 0; i < STAGE_COUNT; i++) {
		struct scanning *s = &q->scanning[i];
		start_from(q, s, &s->live, now);
		if (!breaker_is_open(&q->breaker, now))
			start_from(q, s, &s->from_disk, now);
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When somebody in line is next, or has waited long enough. */
static int64_t line_wake_at(const struct queue *q, const struct scanning *s)
{
	const struct judgement *live = s->live.first, *from_disk = s->from_disk.first;
	int64_t at = INT64_MAX, next;

	if (live)
		at = live->not_before ? earlier(live->deadline, live->not_before) : live->deadline;
	if (from_disk && s->n_running < s->capacity && q->scan) {
		next = from_disk->not_before;
		next = q->breaker.open_until > next ? q->breaker.open_until : next;
		at = earlier(at, next);
	}
	return at;
}

int64_t judge_wake_at(const struct queue *q)
{
	int64_t at = INT64_MAX;
	const struct judgement *j;
	size_t i = 0;

	for (size_t k = 0; k < STAGE_COUNT; k++)
		at = earlier(at, line_wake_at(q, &q->scanning[k]));
	while ((j = table_next(&q->judgements, &i)))
		if (j->intake)
			at = earlier(at, j->deadline);
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
	q->scanning[j->stage].n_running--;
	j->has_ended = true;
	j->how = ended->how;
	check_end(j);
	judge_advance(q, clock_mono_ms());
}

static void set_capacity(struct queue *q)
{
	const struct conf_scan *conf = &queue_conf(q)->scan;

	q->scanning[STAGE_ORIGIN].capacity = (uint32_t)conf->authentication_slots;
	q->scanning[STAGE_VERDICT].capacity = (uint32_t)conf->slots;
}

static void scan_message(void *owner, struct peer *p, struct link_in *link)
{
	struct queue *q = owner;
	const struct queue_scan_slots *slots = link_body(link);
	struct scanning *s = &q->scanning[STAGE_VERDICT];

	(void)p;
	if (link->type == QUEUE_SCAN_ENDED) {
		job_ended(q, link_body(link));
		return;
	}
	set_capacity(q);
	if (s->capacity > s->n_running + slots->free)
		s->capacity = s->n_running + slots->free;
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
		q->scanning[j->stage].n_running--;
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
	set_capacity(q);
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
