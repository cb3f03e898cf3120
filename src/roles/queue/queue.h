/* SPDX-License-Identifier: Apache-2.0
 *
 * queue - the role that keeps the promise: admits messages, has them judged, disposes, schedules.
 *
 * A message comes as an envelope from policy and its bytes from a session room (intake.c), is judged
 * by a message room (judge.c), disposed of (dispose.c), committed (store/spool.h), and from then on
 * is an item with parts (item.c) that rooms of deliver ask for (deliver.c), until every recipient is
 * answered for and the notices are made (notice.c). Administrators come by admin.c.
 *
 * Everything happens in one loop; nothing in it blocks but short reads of the spool. What a room says
 * is checked against what that room was given: it names recipients of its own message by index.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/table.h"
#include "ipc/role_audit.h"
#include "role/role.h"
#include "roles/queue/dispose.h"
#include "roles/queue/schedule.h"
#include "store/spool.h"

struct event;
struct intake;
struct item;
struct judgement;
struct change;
struct origin;

/* The envelope and body of a message, in memory: while it is received, and as long as there is room. */
struct mail {
	struct arena arena;
	struct spool_message m;
	struct spool_rcpt *rcpts;
	struct buf body; /* when !m.has_file */
	int body_fd;     /* of a file that is still being written; -1 */
	size_t cost;     /* counted in queue.memory_used */
};

/* The two rooms that a message goes through. */
enum judgement_stage { STAGE_ORIGIN, STAGE_VERDICT, STAGE_COUNT };

struct judgement_line { /* waiting for a room, first come first served */
	struct judgement *first, *last;
};

struct scanning {
	struct judgement_line live, from_disk; /* clients wait for the live ones: they go first */
	uint32_t capacity, n_running;
};

struct queue {
	struct role *role;
	struct spool *spool;
	struct event *spool_event, *tick;
	struct peer *policy, *scan, *deliver, *keyring, *report;

	struct table items; /* by message id */
	struct schedule schedule;
	uint64_t spool_bytes; /* bodies of all items */
	size_t n_held;

	/* Before the promise. */
	struct intake *intakes;  /* all */
	struct intake *envelope; /* policy is still naming its recipients */
	size_t memory_used, files_used;
	int64_t disk_asked;
	bool is_disk_low;
	unsigned pressure; /* last told to policy */
	bool failure_reported;
	enum error store_trouble; /* of inserts; told once */
	int64_t store_failed;     /* the last time */

	/* Scanning. */
	struct table judgements; /* by job */
	struct scanning scanning[STAGE_COUNT];
	struct breaker breaker;

	struct table deliveries; /* by job */
	struct heap notices_due; /* items by time of the next try */
	uint64_t last_job;
	bool is_deliver_leaving; /* it takes no more; its rooms end with what they have */
	bool is_stopping;

	uint64_t n_accepted, n_refused, n_delivered, n_failed, n_deferred, n_bounced, n_discarded, n_crashes;
};

/* Does deliver take more? */
static inline bool queue_may_deliver(const struct queue *q)
{
	return q->deliver && !q->is_deliver_leaving && !q->is_stopping;
}

static inline const struct conf *queue_conf(const struct queue *q)
{
	return q->role->conf;
}

/* Does now what the time asks for, and sets the timer anew. Call after anything that may have made
 * work: it runs once per turn of the loop. */
void queue_wake(struct queue *q);

/* ---- mail.c ---- */

struct mail *mail_new(size_t n_rcpts_max);
void mail_free(struct queue *q, struct mail *mail); /* NULL is allowed; does not unlink the file */
/* From the spool, with an inline body. */
enum error mail_load(struct queue *q, uint64_t id, struct mail **ret_mail);
/* Counts what it costs; false when the bound for messages in memory is passed. */
bool mail_charge(struct queue *q, struct mail *mail);

/* What the room found out of who sent it: judges that, keeps it with the mail, writes the fields of the
 * header, and the record. */
void mail_authenticate(struct queue *q, struct mail *mail, struct origin *origin, int64_t ms);

/* The fields of its signatures (empty: there could be none) go before it. */
void mail_sign(struct queue *q, struct mail *mail, struct text signature);

/* The edges to rooms say `chunk` and `file` alike; these are their numbers. */
struct mail_verbs {
	unsigned chunk, file, end; /* file 0: the edge has none */
	bool head; /* as it is delivered: with the fields that go before it, without those that claim to be
		      ours */
};

/* Bytes of its header that are not delivered: they claim to be ours. Rising. */
#define MAIL_CUTS_MAX 64

struct mail_cuts {
	struct mail_cut {
		uint32_t offset, size;
	} v[MAIL_CUTS_MAX];
	size_t n;
	uint64_t size; /* of all */
};

void mail_find_cuts(const struct mail *mail, struct mail_cuts *ret_cuts);

/* Hands the message to a room. ERROR_CORRUPT: the body cannot be read. */
enum error mail_send(struct queue *q, const struct mail *mail, struct peer *to,
		     const struct mail_verbs *verbs);

/* ---- intake.c ---- */

void intake_open_policy(struct queue *q, int fd);
void intake_close_all(struct queue *q);
void intake_set_judgement(struct intake *in, struct judgement *j);
/* From the judge: who sent it. */
void intake_authenticated(struct queue *q, struct intake *in, struct origin *origin, int64_t ms);
/* From the judge: its signatures. */
void intake_signed(struct queue *q, struct intake *in, struct text signature);
/* From the judge: one finding per recipient. */
void intake_judged(struct queue *q, struct intake *in, const struct finding *findings, uint32_t scans);
/* From the judge: no verdict in time or rooms died. */
void intake_unjudged(struct queue *q, struct intake *in, enum unjudged why, uint32_t scans);

/* ---- pressure.c ---- */

/* Tells policy how we stand, when it has changed. */
void pressure_tell(struct queue *q);
/* To a policy that has not heard of it. */
void pressure_tell_again(struct queue *q);
/* How the last attempt to store a message went. */
void pressure_tell_store(struct queue *q, enum error e);

/* ---- judge.c ---- */

void judge_open_scan(struct queue *q, int fd);
void judge_lost_scan(struct queue *q);
void judge_intake(struct queue *q, struct intake *in, struct mail *mail, int64_t deadline);
void judge_item(struct queue *q, struct item *item);
void judge_forget(struct queue *q, struct judgement *j); /* its message is gone */
void judge_advance(struct queue *q, int64_t now);        /* monotonic */
/* Scans under way are no attempts: it is this process that ends. */
void judge_stop(struct queue *q);
int64_t judge_wake_at(const struct queue *q); /* monotonic */
/* ---- signing_room.c ---- */

/* The block dkim that is to sign this message; NULL: none, or it has been. */
const struct conf_dkim *signing_profile_of(const struct conf *conf, const struct spool_message *m);
void signing_open_keyring(struct queue *q, int fd);

/* The channel to scan, for notice.c; NULL: scan is away. */
bool judge_send_compose(struct queue *q, uint64_t job, int fd);

/* ---- item.c ---- */

struct item_rcpt {
	uint8_t state; /* enum spool_rcpt_state */
	uint8_t notify;
	bool is_warned;
};

struct item {
	uint64_t id;
	int64_t arrival;
	uint64_t size;
	enum spool_state state;
	uint32_t flags, scans;
	uint32_t n_rcpts, n_sending;
	bool has_file, has_null_sender;
	bool wants_origin; /* it is to be authenticated before it is judged */
	bool wants_signature;
	bool is_removing;   /* the removal is submitted */
	bool is_deleted;    /* by an administrator, while parts were being sent */
	bool may_have_gone; /* to a next hop whose answer was lost */
	struct mail *mail;  /* while it is hot; NULL: in the spool */
	struct part *parts;
	struct judgement *judgement;
	struct notice *notice;
	int64_t notice_due; /* earliest time for the next try at a notice */
	uint8_t notice_tries;
	uint32_t n_changes; /* submitted, not committed */
	struct item_rcpt rcpts[];
};

/* Takes `mail`, which is in the spool. */
struct item *item_new(struct queue *q, struct mail *mail);
void item_free(struct queue *q, struct item *item); /* memory only */
void item_load_all(struct queue *q);
/* Its mail, from memory or disk; NULL: unreadable, and the item is held as such. */
struct mail *item_get_mail(struct queue *q, struct item *item);
void item_cool(struct queue *q, struct item *item); /* forget the mail in memory */
/* Makes parts of all pending recipients that have none, due at their times. */
void item_schedule(struct queue *q, struct item *item);
/* The same for all items, since ways have changed. */
void item_reroute_all(struct queue *q);
/* After any change of recipients: removes the item, starts a notice, or does nothing. */
void item_settle(struct queue *q, struct item *item);
/* Its sender must hear of the failure or the success of this recipient. rfc3461 4.1 */
bool item_wants_notice(const struct item *item, uint32_t rcpt);
/* Its sender must hear that it is late. */
bool item_wants_warning(const struct queue *q, const struct item *item, uint32_t rcpt);
/* From the judge. */
void item_authenticated(struct queue *q, struct item *item, struct origin *origin, int64_t ms);
void item_signed(struct queue *q, struct item *item, struct text signature);
void item_judged(struct queue *q, struct item *item, const struct finding *findings);
void item_count_scan(struct queue *q, struct item *item, void (*committed)(struct change *, struct item *),
		     void *arg);

void item_store_scans(struct queue *q, struct item *item);

/* A change of an item on its way to disk: copies of what changes. */
struct change {
	struct spool_op op;
	struct queue *q;
	uint64_t id;
	struct arena arena;
	struct spool_message m; /* when op.message */
	struct spool_rcpt *rcpts;
	struct event *again;                                    /* after a full disk */
	void (*committed)(struct change *c, struct item *item); /* item may be NULL: gone meanwhile */
	void *arg;
};

/* ---- change.c ---- */

/* With room for n recipients: fill rcpts[op.n_rcpts++]. */
struct change *change_new(struct queue *q, struct item *item, uint32_t n_rcpts);
/* Also the message's own state, flags, scans (from the item), reason, head and origin. */
void change_message(struct change *c, const struct item *item, struct text reason, const struct mail *mail);
/* Copies what stays as it is from the mail. */
struct spool_rcpt *change_rcpt(struct change *c, const struct spool_rcpt *from);
void change_submit(struct change *c, bool is_lazy);
/* Instead of submitting it; the caller takes care of item->n_changes. */
void change_drop(struct change *c);
/* committed NULL: the item is freed. */
void item_remove(struct queue *q, struct item *item, bool is_lazy,
		 void (*committed)(struct change *, struct item *), void *arg);
/* Holds it for a person. */
void item_hold(struct queue *q, struct item *item, const char *reason);

/* ---- deliver.c, delivery.c ---- */

void deliver_open(struct queue *q, int fd);
/* Wall clock, ms: gives ready parts to rooms that wait, and opens connections. */
void deliver_advance(struct queue *q, int64_t now);
/* No more messages to any room. */
void deliver_stop(struct queue *q);
int64_t deliver_wake_at(const struct queue *q); /* monotonic: rooms that wait */
/* The destination of a recipient, by the route it has or, after a change of configuration, anew. */
struct destination *deliver_find_destination(struct queue *q, const struct spool_rcpt *r);
uint64_t deliver_find_route(const struct conf *conf, struct text route, struct text address);

/* ---- notice.c ---- */

/* Has a notice written for every recipient that wants one, puts it into the spool in one transaction
 * with the fact that it is there, and settles the item again. When that is not possible now, it is
 * tried again later. */
void notice_start(struct queue *q, struct item *item);
/* Items whose notices are to be tried again. Wall clock, ms. */
void notice_advance(struct queue *q, int64_t now);
int64_t notice_wake_at(const struct queue *q);

/* ---- report.c ---- */

void report_open(struct queue *q, int fd);
/* What DMARC found of a message that was authenticated, if its owner wants to hear of it. */
void report_tell(struct queue *q, const struct mail *mail, const struct origin *origin);

/* ---- admin.c ---- */

void admin_open(struct queue *q, unsigned uid, int fd);

#endif
