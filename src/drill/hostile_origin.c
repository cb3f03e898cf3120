/* SPDX-License-Identifier: Apache-2.0
 *
 * The hostile room that authenticates: before queue, with results that no honest room has, and before the
 * resolver for judging, with questions that none asks. Called by hostile.c and hostile_queue.c.
 */
#include "base/ensure.h"
#include "drill/hostile.h"
#include "ipc/client_resolver.h"
#include "ipc/queue_authenticate.h"
#include "ipc/queue_scan.h"
#include "ipc/scan_resolver.h"

#include <unistd.h>

#define QUESTIONS 100000 /* above every budget */

/* ---- queue ---- */

bool hostile_take_origin(struct stage *st, struct link *ret_room, uint64_t *ret_job)
{
	const struct queue_scan_job *job = link_body(&st->in);

	if (!hostile_await(st, &st->ends[ROLE_SCAN], QUEUE_SCAN_JOB) ||
	    job->kind != QUEUE_SCAN_KIND_AUTHENTICATE)
		return false;
	*ret_job = job->job;
	*ret_room = link_of(st->in.fds[0], &queue_authenticate_edge, QUEUE_AUTHENTICATE_SIDE_ROOM);
	st->in.fds[0] = -1;
	return hostile_await(st, ret_room, QUEUE_AUTHENTICATE_END);
}

static void end_job(struct stage *st, uint64_t job)
{
	struct queue_scan_ended ended = { job, QUEUE_SCAN_HOW_FINISHED };

	hostile_send_ok(&st->ends[ROLE_SCAN], QUEUE_SCAN_ENDED, &ended);
}

bool hostile_pass_origin(struct stage *st)
{
	struct link room;
	uint64_t job;

	if (!hostile_take_origin(st, &room, &job))
		return false;
	hostile_send_ok(&room, QUEUE_AUTHENTICATE_DONE, NULL);
	link_close(&room);
	end_job(st, job);
	return true;
}

static void say_cut(struct link *room, uint32_t offset, uint32_t size)
{
	struct queue_authenticate_cut m = { offset, size };

	hostile_send_ok(room, QUEUE_AUTHENTICATE_CUT, &m);
}

/* The header of the drill's message has 14 bytes. */
static void cut_the_body(struct link *room)
{
	say_cut(room, 12, 3);
}

static void cut_beyond_all(struct link *room)
{
	say_cut(room, UINT32_MAX, UINT32_MAX);
}

static void cut_twice(struct link *room)
{
	say_cut(room, 0, 4);
	say_cut(room, 2, 4);
}

static void cut_without_end(struct link *room)
{
	struct queue_authenticate_cut m = { 0, 1 };

	for (; m.offset < 1000; m.offset++)
		hostile_send_untimely(room, QUEUE_AUTHENTICATE_CUT, &m);
}

static void pass_twice(struct link *room)
{
	struct queue_authenticate_dmarc m = { .result = QUEUE_AUTHENTICATE_RESULT_PASS };

	hostile_send_ok(room, QUEUE_AUTHENTICATE_DMARC, &m);
	hostile_send_ok(room, QUEUE_AUTHENTICATE_DMARC, &m);
}

static void sign_without_end(struct link *room)
{
	struct queue_authenticate_dkim m = { .result = QUEUE_AUTHENTICATE_RESULT_PASS };

	for (int i = 0; i < 1000; i++)
		hostile_send_untimely(room, QUEUE_AUTHENTICATE_DKIM, &m);
}

static void name_no_problem(struct link *room)
{
	struct queue_authenticate_spf m = { .problem = 255 };

	hostile_send_ok(room, QUEUE_AUTHENTICATE_SPF, &m);
}

static void lie_about_length(struct link *room)
{
	hostile_send_raw(room, "\x05\x01\xff\xff\xff\x7fx", 7);
}

static void hand_itself_a_message(struct link *room)
{
	struct queue_authenticate_message m = { .size = 1 };

	hostile_send_untimely(room, QUEUE_AUTHENTICATE_MESSAGE, &m);
}

const struct hostile_act hostile_origin_acts[] = {
	{ "leave out bytes of the body", cut_the_body },
	{ "leave out bytes beyond the message", cut_beyond_all },
	{ "leave out bytes twice", cut_twice },
	{ "leave out without end", cut_without_end },
	{ "give one result twice", pass_twice },
	{ "give signatures without end", sign_without_end },
	{ "give a number that stands for nothing", name_no_problem },
	{ "lie about a text's length", lie_about_length },
	{ "hand itself a message", hand_itself_a_message },
};

const size_t hostile_n_origin_acts = sizeof hostile_origin_acts / sizeof *hostile_origin_acts;

/* ---- the resolver for judging ---- */

static struct link open_dns(struct stage *st)
{
	int fds[2];

	ASSERT(link_make_pair(&client_resolver_edge, fds) == ERROR_NONE);
	ASSERT(!link_send(&st->ends[ROLE_SCAN], SCAN_RESOLVER_ASKER, NULL, &fds[1], 1, hostile_soon()));
	close(fds[1]);
	return link_of(fds[0], &client_resolver_edge, CLIENT_RESOLVER_SIDE_CLIENT);
}

static const struct client_resolver_query a_query = { 1, CLIENT_RESOLVER_TYPE_TXT, TEXT("hostile.example") };

/* Another room's questions are answered; here, where there is no DNS, by a refusal. */
static bool is_answering(struct stage *st)
{
	struct link room = open_dns(st);
	bool is_answered;

	hostile_send_ok(&room, CLIENT_RESOLVER_QUERY, &a_query);
	is_answered = hostile_await(st, &room, CLIENT_RESOLVER_DONE);
	link_close(&room);
	return is_answered;
}

static void ask_without_end(struct link *room)
{
	for (int i = 0; i < QUESTIONS; i++)
		if (link_send(room, CLIENT_RESOLVER_QUERY, &a_query, NULL, 0, hostile_soon()))
			return;
}

static void answer_itself(struct link *room)
{
	struct client_resolver_done m = { .id = 1 };

	hostile_send_untimely(room, CLIENT_RESOLVER_DONE, &m);
}

static void ask_for_no_type(struct link *room)
{
	hostile_send_raw(room, "\x01\x01\0\0\0\x63\x01\0\0\0a", 11);
}

static void lie_about_a_name(struct link *room)
{
	hostile_send_raw(room, "\x01\x01\0\0\0\x01\xff\xff\xff\x7f", 10);
}

void hostile_with_judge_resolver(struct gateway *g, struct report *r)
{
	static const struct hostile_act acts[] = {
		{ "ask without end", ask_without_end },
		{ "give itself the answer", answer_itself },
		{ "ask for a type that there is not", ask_for_no_type },
		{ "lie about a name's length", lie_about_a_name },
	};
	struct stage st;

	if (!hostile_open_stage(g, ROLE_JUDGE_RESOLVER, &st)) {
		report_check(r, "judge-resolver", "it starts", false, "");
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		struct link room = open_dns(&st);
		bool is_refused;
		acts[i].act(&room);
		is_refused = hostile_is_at_end(&room);
		link_close(&room);
		hostile_finish(r, "authentication/dns", acts[i].what, is_refused, is_answering(&st));
	}
	hostile_close_stage(&st);
}
