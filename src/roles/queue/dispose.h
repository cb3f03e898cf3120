/* SPDX-License-Identifier: Apache-2.0
 *
 * dispose - from verdicts to what becomes of a message: pure decisions, no I/O.
 *
 * scan proposes, queue disposes: a room says what it found for each recipient, the configuration says
 * what follows from it, and here it is made one answer for the client and one state per recipient.
 */
#ifndef QUEUE_DISPOSE_H
#define QUEUE_DISPOSE_H

#include "conf/conf.h"
#include "ipc/queue_judge.h"
#include "ipc/session_queue.h"
#include "store/spool.h"

struct finding {
	enum queue_judge_finding finding;
	uint8_t score;
};

enum unjudged {
	UNJUDGED_DIED, /* rooms died over it, as often as crash-limit allows */
	UNJUDGED_LATE, /* no verdict in time, or no room: to disk, and scanned from there */
	UNJUDGED_BREAKER,
};

/* What becomes of one recipient. */
enum fate {
	FATE_DELIVER,
	FATE_HOLD,
	FATE_DROP,
	FATE_REJECT,
};

enum fate dispose_fate(const struct conf_scan *conf, enum queue_judge_finding finding);

struct disposition {
	enum session_queue_outcome answer; /* ACCEPTED: 250 */
	uint32_t n_deliver, n_hold, n_drop;
	bool is_bad; /* something was found: notices carry headers only */
};

/* While the client waits. Refused only if every recipient refuses; otherwise a minority's refusal is
 * kept for a person. is_quarantined: what would be delivered is kept too, because of who sent it. Fills
 * the states of rcpts. */
struct disposition dispose_waiting(const struct conf_scan *conf, const struct finding *findings,
				   bool is_quarantined, struct spool_rcpt *rcpts, uint32_t n);
/* After 250: a refusal is kept for a person, never bounced, unless the sender authenticated. */
enum spool_rcpt_state dispose_promised(const struct conf_scan *conf, const struct finding *finding,
				       bool is_quarantined, bool is_authenticated);

/* The circuit breaker: too many deaths of rooms in a time. */
#define BREAKER_MAX 1024

struct breaker {
	int64_t deaths[BREAKER_MAX]; /* a ring of times */
	uint32_t next;
	int64_t open_until;
};

/* True when this death opened it. */
bool breaker_count(struct breaker *b, const struct conf_scan *conf, int64_t now);
bool breaker_is_open(const struct breaker *b, int64_t now);

#endif
