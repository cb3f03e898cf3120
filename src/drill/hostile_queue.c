/* SPDX-License-Identifier: Apache-2.0
 *
 * The hostile room before queue: as session room, message room and delivery room. Called by hostile.c.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "drill/hostile.h"
#include "ipc/policy_queue.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_delivery.h"
#include "ipc/queue_judge.h"
#include "ipc/queue_scan.h"
#include "ipc/session_queue.h"

#include <unistd.h>

/* ---- queue ---- */

/* An envelope as policy sends it; the room's end of the channel. */
static void hand_over_envelope(struct stage *st, struct link *ret_room)
{
	struct policy_queue_envelope e = { .session = ++st->last_session,
					   .listener = 0,
					   .helo = TEXT("hostile.example"),
					   .sender = TEXT("a@hostile.example"),
					   .n_rcpts = 1 };
	struct policy_queue_rcpt rcpt = { .address = TEXT("b@next.example.com"), .route = 1 };
	struct link *policy = &st->ends[ROLE_POLICY];
	int fds[2];

	ASSERT(link_make_pair(&session_queue_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(policy, POLICY_QUEUE_ENVELOPE, &e, &fds[1], 1, hostile_soon()));
	close(fds[1]);
	hostile_send_ok(policy, POLICY_QUEUE_RCPT, &rcpt);
	*ret_room = link_of(fds[0], &session_queue_edge, SESSION_QUEUE_SIDE_SESSION);
}

static const struct session_queue_chunk a_chunk = { TEXT("Subject: x\r\n\r\nx\r\n") };

static void send_message(struct link *room)
{
	struct session_queue_end end = { .size = a_chunk.data.n, .header_size = 14 };

	hostile_send_ok(room, SESSION_QUEUE_CHUNK, &a_chunk);
	hostile_send_ok(room, SESSION_QUEUE_END, &end);
}

/* The drill as message room: takes the job that queue makes. */
static bool take_job(struct stage *st, struct link *ret_room, uint64_t *ret_job)
{
	const struct queue_scan_job *job = link_body(&st->in);

	if (!hostile_await(st, &st->ends[ROLE_SCAN], QUEUE_SCAN_JOB))
		return false;
	*ret_job = job->job;
	*ret_room = link_of(st->in.fds[0], &queue_judge_edge, QUEUE_JUDGE_SIDE_ROOM);
	st->in.fds[0] = -1;
	return hostile_await(st, ret_room, QUEUE_JUDGE_END);
}

static void end_job(struct stage *st, uint64_t job, enum queue_scan_how how)
{
	struct queue_scan_ended ended = { job, how };

	hostile_send_ok(&st->ends[ROLE_SCAN], QUEUE_SCAN_ENDED, &ended);
}

static void report_clean(struct stage *st, struct link *room, uint64_t job)
{
	struct queue_judge_verdict clean = { 0, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	hostile_send_ok(room, QUEUE_JUDGE_VERDICT, &clean);
	hostile_send_ok(room, QUEUE_JUDGE_DONE, NULL);
	link_close(room);
	end_job(st, job, QUEUE_SCAN_HOW_FINISHED);
}

/* A good message goes all the way to 250. */
static bool is_accepting(struct stage *st)
{
	const struct session_queue_result *result = link_body(&st->in);
	struct link room, judge;
	uint64_t job;
	bool is_good;

	hand_over_envelope(st, &room);
	send_message(&room);
	is_good = hostile_pass_origin(st) && take_job(st, &judge, &job);
	if (is_good)
		report_clean(st, &judge, job);
	is_good = is_good && hostile_await(st, &room, SESSION_QUEUE_RESULT) &&
		  result->outcome == SESSION_QUEUE_OUTCOME_ACCEPTED;
	link_close(&room);
	return is_good;
}

static void claim_wrong_size(struct link *room)
{
	struct session_queue_end end = { .size = 1000000, .header_size = 14 };

	hostile_send_ok(room, SESSION_QUEUE_CHUNK, &a_chunk);
	hostile_send_ok(room, SESSION_QUEUE_END, &end);
}

static void forge_result(struct link *room)
{
	struct session_queue_result result = { .outcome = SESSION_QUEUE_OUTCOME_ACCEPTED };

	hostile_send_untimely(room, SESSION_QUEUE_RESULT, &result);
}

static void speak_garbage_to_queue(struct link *room)
{
	hostile_send_raw(room, "\x63garbage", 8);
}

static void with_queue_as_session(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "end with another size than was sent", claim_wrong_size },
		{ "give itself the 250", forge_result },
		{ "say what is no message", speak_garbage_to_queue },
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room;
		bool is_refused;
		hand_over_envelope(st, &room);
		acts[i].act(&room);
		is_refused = hostile_is_ended(st, &room);
		link_close(&room);
		hostile_finish(r, "session/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

/* No 250 for a message that was never ended: nothing may come before the commit. */
static void with_queue_unfinished(struct stage *st, struct report *r)
{
	struct link room;
	bool is_silent;

	hand_over_envelope(st, &room);
	hostile_send_ok(&room, SESSION_QUEUE_CHUNK, &a_chunk);
	is_silent = link_receive(&room, &st->in, clock_mono_ms() + 300) == ERROR_TIMEOUT;
	link_close(&room);
	hostile_finish(r, "session/queue", "obtain 250 without the end of a message", is_silent,
		       is_accepting(st));
}

static void name_foreign_recipient(struct link *room)
{
	struct queue_judge_verdict v = { 7, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	hostile_send_ok(room, QUEUE_JUDGE_VERDICT, &v);
}

static void judge_twice(struct link *room)
{
	struct queue_judge_verdict v = { 0, QUEUE_JUDGE_FINDING_CLEAN, 0 };

	hostile_send_ok(room, QUEUE_JUDGE_VERDICT, &v);
	hostile_send_ok(room, QUEUE_JUDGE_VERDICT, &v);
}

static void end_without_verdict(struct link *room)
{
	hostile_send_ok(room, QUEUE_JUDGE_DONE, NULL);
}

static void with_queue_as_message_room(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "judge a recipient of another message", name_foreign_recipient },
		{ "judge one recipient twice", judge_twice },
		{ "end without a verdict", end_without_verdict },
	};
	const struct session_queue_result *result = link_body(&st->in);

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room, judge;
		uint64_t job;
		bool is_refused;
		hand_over_envelope(st, &room);
		send_message(&room);
		is_refused = hostile_pass_origin(st) && take_job(st, &judge, &job);
		if (is_refused) {
			acts[i].act(&judge);
			is_refused = hostile_is_ended(st, &judge);
			link_close(&judge);
			end_job(st, job, QUEUE_SCAN_HOW_FINISHED);
		}
		/* It is tried once more in an honest room. */
		if (is_refused && take_job(st, &judge, &job))
			report_clean(st, &judge, job);
		is_refused = is_refused && hostile_await(st, &room, SESSION_QUEUE_RESULT) &&
			     result->outcome == SESSION_QUEUE_OUTCOME_ACCEPTED;
		link_close(&room);
		hostile_finish(r, "message/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

static void with_queue_as_authentication_room(struct stage *st, struct report *r)
{
	const struct session_queue_result *result = link_body(&st->in);

	for (size_t i = 0; i < hostile_n_origin_acts; i++) {
		struct queue_scan_ended ended = { .how = QUEUE_SCAN_HOW_FINISHED };
		struct link room, origin, judge;
		uint64_t job;
		bool is_refused;
		hand_over_envelope(st, &room);
		send_message(&room);
		is_refused = hostile_take_origin(st, &origin, &ended.job);
		if (is_refused) {
			hostile_origin_acts[i].act(&origin);
			is_refused = hostile_is_ended(st, &origin);
			link_close(&origin);
			hostile_send_ok(&st->ends[ROLE_SCAN], QUEUE_SCAN_ENDED, &ended);
		}
		/* It is tried once more in honest rooms. */
		if (is_refused && hostile_pass_origin(st) && take_job(st, &judge, &job))
			report_clean(st, &judge, job);
		is_refused = is_refused && hostile_await(st, &room, SESSION_QUEUE_RESULT) &&
			     result->outcome == SESSION_QUEUE_OUTCOME_ACCEPTED;
		link_close(&room);
		hostile_finish(r, "authentication/queue", hostile_origin_acts[i].what, is_refused,
			       is_accepting(st));
	}
}

/* The drill as delivery room: takes a message that queue has for it. */
static bool take_delivery(struct stage *st, struct link *ret_room, uint64_t *ret_job, uint64_t *ret_id)
{
	const struct queue_deliver_job *job = link_body(&st->in);
	const struct queue_delivery_message *message = link_body(&st->in);

	if (!hostile_await(st, &st->ends[ROLE_DELIVER], QUEUE_DELIVER_JOB))
		return false;
	*ret_job = job->job;
	*ret_room = link_of(st->in.fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_ROOM);
	st->in.fds[0] = -1;
	hostile_send_ok(ret_room, QUEUE_DELIVERY_NEXT, NULL);
	if (!hostile_await(st, ret_room, QUEUE_DELIVERY_MESSAGE))
		return false;
	*ret_id = message->id;
	return hostile_await(st, ret_room, QUEUE_DELIVERY_END);
}

static void deliver_foreign(struct link *room)
{
	struct queue_delivery_result m = { .index = 9,
					   .outcome = QUEUE_DELIVERY_OUTCOME_DELIVERED,
					   .code = 250 };

	hostile_send_ok(room, QUEUE_DELIVERY_RESULT, &m);
}

static void deliver_without_results(struct link *room)
{
	struct queue_delivery_done done = { true };

	hostile_send_ok(room, QUEUE_DELIVERY_DONE, &done);
}

static void ask_before_answering(struct link *room)
{
	hostile_send_untimely(room, QUEUE_DELIVERY_NEXT, "");
}

static void with_queue_as_delivery_room(struct stage *st, struct report *r)
{
	static const struct {
		const char *what;
		void (*act)(struct link *room);
	} acts[] = {
		{ "deliver a recipient of another message", deliver_foreign },
		{ "be done without an answer for each", deliver_without_results },
		{ "ask for more before answering", ask_before_answering },
	};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct queue_deliver_ended ended = { 0 };
		struct link room;
		uint64_t id;
		bool is_refused = take_delivery(st, &room, &ended.job, &id);
		if (is_refused) {
			acts[i].act(&room);
			is_refused = hostile_is_ended(st, &room);
			link_close(&room);
			hostile_send_ok(&st->ends[ROLE_DELIVER], QUEUE_DELIVER_ENDED, &ended);
		}
		hostile_finish(r, "delivery/queue", acts[i].what, is_refused, is_accepting(st));
	}
}

void hostile_with_queue(struct gateway *g, struct report *r)
{
	struct queue_scan_slots slots = { 8 };
	struct stage st;

	if (!hostile_open_stage(g, ROLE_QUEUE, &st)) {
		report_check(r, "queue", "it starts", false, "");
		return;
	}
	hostile_send_ok(&st.ends[ROLE_SCAN], QUEUE_SCAN_SLOTS, &slots);
	with_queue_as_session(&st, r);
	with_queue_unfinished(&st, r);
	with_queue_as_authentication_room(&st, r);
	with_queue_as_message_room(&st, r);
	with_queue_as_delivery_room(&st, r);
	hostile_close_stage(&st);
}
