/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts to fates: the one-answer rule, what a refusal means before and after 250, and the circuit
 * breaker. Called by intake.c and item.c; pure, tested by tables.
 *
 * Invariant of the one-answer rule: an answer other than ACCEPTED is given only when nothing of the
 * message is kept, and with ACCEPTED every recipient has a state that is not "refused".
 */
#include "roles/queue/dispose.h"

static enum fate fate_of(enum conf_disposition d)
{
	switch (d) {
	case CONF_DISPOSITION_DELIVER:
		return FATE_DELIVER;
	case CONF_DISPOSITION_REJECT:
		return FATE_REJECT;
	case CONF_DISPOSITION_DROP:
		return FATE_DROP;
	case CONF_DISPOSITION_QUARANTINE:
		break;
	}
	return FATE_HOLD;
}

enum fate dispose_fate(const struct conf_scan *conf, enum queue_judge_finding finding)
{
	switch (finding) {
	case QUEUE_JUDGE_FINDING_CLEAN:
		return FATE_DELIVER;
	case QUEUE_JUDGE_FINDING_SPAM:
		return fate_of(conf->spam);
	case QUEUE_JUDGE_FINDING_VIRUS:
		return fate_of(conf->virus);
	case QUEUE_JUDGE_FINDING_UNSCANNABLE:
		break;
	}
	return fate_of(conf->unscannable);
}

static enum session_queue_outcome refusal_of(enum queue_judge_finding finding)
{
	switch (finding) {
	case QUEUE_JUDGE_FINDING_SPAM:
		return SESSION_QUEUE_OUTCOME_SPAM;
	case QUEUE_JUDGE_FINDING_VIRUS:
		return SESSION_QUEUE_OUTCOME_VIRUS;
	default:
		return SESSION_QUEUE_OUTCOME_UNSCANNABLE;
	}
}

static enum fate fate_with(enum fate fate, bool is_quarantined)
{
	return fate == FATE_DELIVER && is_quarantined ? FATE_HOLD : fate;
}

struct disposition dispose_waiting(const struct conf_scan *conf, const struct finding *findings,
				   bool is_quarantined, struct spool_rcpt *rcpts, uint32_t n)
{
	struct disposition d = { .answer = SESSION_QUEUE_OUTCOME_ACCEPTED };
	uint32_t n_reject = 0;

	for (uint32_t i = 0; i < n; i++) {
		enum fate fate = fate_with(dispose_fate(conf, findings[i].finding), is_quarantined);
		d.is_bad = d.is_bad || findings[i].finding != QUEUE_JUDGE_FINDING_CLEAN;
		rcpts[i].state = fate == FATE_DELIVER ? SPOOL_PENDING
				 : fate == FATE_DROP  ? SPOOL_DROPPED
						      : SPOOL_RCPT_HELD;
		n_reject += fate == FATE_REJECT;
		d.n_deliver += fate == FATE_DELIVER;
		d.n_drop += fate == FATE_DROP;
		d.n_hold += fate == FATE_HOLD || fate == FATE_REJECT;
	}
	if (n_reject == n)
		d.answer = refusal_of(findings[0].finding);
	return d;
}

enum spool_rcpt_state dispose_promised(const struct conf_scan *conf, const struct finding *finding,
				       bool is_quarantined, bool is_authenticated)
{
	switch (fate_with(dispose_fate(conf, finding->finding), is_quarantined)) {
	case FATE_DELIVER:
		return SPOOL_PENDING;
	case FATE_DROP:
		return SPOOL_DROPPED;
	case FATE_REJECT:
		return is_authenticated ? SPOOL_FAILED : SPOOL_RCPT_HELD;
	case FATE_HOLD:
		break;
	}
	return SPOOL_RCPT_HELD;
}

bool breaker_count(struct breaker *b, const struct conf_scan *conf, int64_t now)
{
	uint64_t allowed = conf->breaker.count < BREAKER_MAX ? conf->breaker.count : BREAKER_MAX - 1;
	uint32_t oldest = (b->next + BREAKER_MAX - (uint32_t)allowed) % BREAKER_MAX;
	int64_t then = b->deaths[oldest]; /* that many deaths ago; 0: there were not so many */
	bool was_open = breaker_is_open(b, now);

	b->deaths[b->next] = now;
	b->next = (b->next + 1) % BREAKER_MAX;
	if (then == 0 || now - then >= conf->breaker.time)
		return false;
	b->open_until = now + conf->breaker_time;
	return !was_open;
}

bool breaker_is_open(const struct breaker *b, int64_t now)
{
	return now < b->open_until;
}
