/* SPDX-License-Identifier: Apache-2.0
 *
 * One answer for many verdicts, what a refusal means after 250, and the circuit breaker.
 */
#include "../../unit.h"

#include "roles/queue/dispose.h"

#define REJECT     CONF_DISPOSITION_REJECT
#define QUARANTINE CONF_DISPOSITION_QUARANTINE
#define DROP       CONF_DISPOSITION_DROP
#define DELIVER    CONF_DISPOSITION_DELIVER

static struct finding finding_of(char letter)
{
	static const char letters[] = "csvu"; /* in the order of the enum */
	struct finding f = { 0 };

	while (letters[f.finding] != letter)
		f.finding++;
	return f;
}

/* Findings: clean, spam, virus, unscannable; states: pending, held, dropped. */
static void many_verdicts_become_one_answer(void **state)
{
	static const struct {
		enum conf_disposition spam, virus, unscannable;
		const char *findings;
		enum session_queue_outcome answer;
		const char *states; /* when accepted */
		bool is_bad;
	} rows[] = {
		{ REJECT, REJECT, QUARANTINE, "c", SESSION_QUEUE_OUTCOME_ACCEPTED, "p", false },
		{ REJECT, REJECT, QUARANTINE, "ccc", SESSION_QUEUE_OUTCOME_ACCEPTED, "ppp", false },
		{ REJECT, REJECT, QUARANTINE, "s", SESSION_QUEUE_OUTCOME_SPAM, "", true },
		{ REJECT, REJECT, QUARANTINE, "v", SESSION_QUEUE_OUTCOME_VIRUS, "", true },
		{ REJECT, REJECT, REJECT, "u", SESSION_QUEUE_OUTCOME_UNSCANNABLE, "", true },
		{ REJECT, REJECT, QUARANTINE, "vs", SESSION_QUEUE_OUTCOME_VIRUS, "", true },
		/* A minority's refusal is kept for a person. */
		{ REJECT, REJECT, QUARANTINE, "sc", SESSION_QUEUE_OUTCOME_ACCEPTED, "hp", true },
		{ REJECT, REJECT, QUARANTINE, "scv", SESSION_QUEUE_OUTCOME_ACCEPTED, "hph", true },
		{ REJECT, REJECT, QUARANTINE, "su", SESSION_QUEUE_OUTCOME_ACCEPTED, "hh", true },
		{ REJECT, DROP, QUARANTINE, "sv", SESSION_QUEUE_OUTCOME_ACCEPTED, "hd", true },
		{ REJECT, DROP, QUARANTINE, "vv", SESSION_QUEUE_OUTCOME_ACCEPTED, "dd", true },
		{ DELIVER, DELIVER, DELIVER, "svu", SESSION_QUEUE_OUTCOME_ACCEPTED, "ppp", true },
		{ QUARANTINE, QUARANTINE, QUARANTINE, "csvu", SESSION_QUEUE_OUTCOME_ACCEPTED, "phhh", true },
	};
	static const char letters[] = {
		[SPOOL_PENDING] = 'p', [SPOOL_RCPT_HELD] = 'h', [SPOOL_DROPPED] = 'd'
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct conf_scan conf = { .spam = rows[i].spam,
					  .virus = rows[i].virus,
					  .unscannable = rows[i].unscannable };
		struct spool_rcpt rcpts[4] = { 0 };
		struct finding findings[4];
		struct disposition d;
		uint32_t n = (uint32_t)strlen(rows[i].findings);
		for (uint32_t k = 0; k < n; k++)
			findings[k] = finding_of(rows[i].findings[k]);
		d = dispose_waiting(&conf, findings, false, rcpts, n);
		assert_int_equal(d.answer, rows[i].answer);
		assert_int_equal(d.is_bad, rows[i].is_bad);
		for (uint32_t k = 0; d.answer == SESSION_QUEUE_OUTCOME_ACCEPTED && k < n; k++)
			assert_int_equal(letters[rcpts[k].state], rows[i].states[k]);
		assert_int_equal(d.n_deliver + d.n_hold + d.n_drop, n);
	}
}

/* Because of who sent it: what would be delivered is held, and who refuses or drops still does. */
static void a_quarantined_message_is_held_unless_it_is_refused_or_dropped(void **state)
{
	static const struct {
		enum conf_disposition spam;
		const char *findings, *states;
		enum session_queue_outcome answer;
	} rows[] = {
		{ REJECT, "c", "h", SESSION_QUEUE_OUTCOME_ACCEPTED },
		{ REJECT, "cc", "hh", SESSION_QUEUE_OUTCOME_ACCEPTED },
		{ REJECT, "s", "", SESSION_QUEUE_OUTCOME_SPAM },
		{ REJECT, "sc", "hh", SESSION_QUEUE_OUTCOME_ACCEPTED },
		{ DROP, "sc", "dh", SESSION_QUEUE_OUTCOME_ACCEPTED },
		{ DELIVER, "s", "h", SESSION_QUEUE_OUTCOME_ACCEPTED },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct conf_scan conf = { .spam = rows[i].spam };
		struct spool_rcpt rcpts[2] = { 0 };
		struct finding findings[2];
		uint32_t n = (uint32_t)strlen(rows[i].findings);
		for (uint32_t k = 0; k < n; k++)
			findings[k] = finding_of(rows[i].findings[k]);
		assert_int_equal(dispose_waiting(&conf, findings, true, rcpts, n).answer, rows[i].answer);
		for (uint32_t k = 0; rows[i].states[k]; k++)
			assert_int_equal(rcpts[k].state == SPOOL_RCPT_HELD, rows[i].states[k] == 'h');
	}
	assert_int_equal(dispose_promised(&(struct conf_scan){ 0 }, &(struct finding){ 0 }, true, false),
			 SPOOL_RCPT_HELD);
}

static void after_250_a_refusal_is_kept_and_never_bounced_unless_authenticated(void **state)
{
	static const struct {
		enum conf_disposition spam;
		bool is_authenticated;
		enum spool_rcpt_state wanted;
	} rows[] = {
		{ REJECT, false, SPOOL_RCPT_HELD },     { REJECT, true, SPOOL_FAILED },
		{ QUARANTINE, false, SPOOL_RCPT_HELD }, { QUARANTINE, true, SPOOL_RCPT_HELD },
		{ DROP, false, SPOOL_DROPPED },         { DROP, true, SPOOL_DROPPED },
		{ DELIVER, false, SPOOL_PENDING },      { DELIVER, true, SPOOL_PENDING },
	};
	const struct finding spam = { .finding = QUEUE_JUDGE_FINDING_SPAM };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct conf_scan conf = { .spam = rows[i].spam };
		assert_int_equal(dispose_promised(&conf, &spam, false, rows[i].is_authenticated),
				 rows[i].wanted);
	}
}

static void the_breaker_opens_above_its_rate_and_closes_by_time(void **state)
{
	const struct conf_scan conf = { .breaker = { .count = 3, .time = 1000 }, .breaker_time = 5000 };
	struct breaker b = { 0 };

	(void)state;
	for (int64_t now = 1; now < 100000; now += 500) /* two a second: never */
		assert_false(breaker_count(&b, &conf, now));
	assert_false(breaker_is_open(&b, 100000));
	assert_false(breaker_count(&b, &conf, 200000));
	assert_false(breaker_count(&b, &conf, 200001));
	assert_false(breaker_count(&b, &conf, 200002));
	assert_true(breaker_count(&b, &conf, 200003));
	assert_true(breaker_is_open(&b, 200004));
	assert_false(breaker_count(&b, &conf, 200005)); /* said once */
	assert_true(breaker_is_open(&b, 205004));
	assert_false(breaker_is_open(&b, 205005));
}

static void a_rate_above_the_ring_is_taken_as_the_rings_size(void **state)
{
	const struct conf_scan conf = { .breaker = { .count = 1000000, .time = 60000 },
					.breaker_time = 5000 };
	struct breaker b = { 0 };
	int opened = 0;

	(void)state;
	for (int64_t i = 0; i < 2 * BREAKER_MAX && !opened; i++)
		opened = breaker_count(&b, &conf, 1000 + i);
	assert_true(opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_verdicts_become_one_answer),
		cmocka_unit_test(a_quarantined_message_is_held_unless_it_is_refused_or_dropped),
		cmocka_unit_test(after_250_a_refusal_is_kept_and_never_bounced_unless_authenticated),
		cmocka_unit_test(the_breaker_opens_above_its_rate_and_closes_by_time),
		cmocka_unit_test(a_rate_above_the_ring_is_taken_as_the_rings_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
