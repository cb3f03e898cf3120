/* SPDX-License-Identifier: Apache-2.0
 *
 * receive, policy, queue and keyring, as a session room meets them. Called by world.c and smtp.c. What
 * the room sends against the rules of a channel fails the test.
 */
#include "world.h"

#include "ipc/policy_session.h"
#include "ipc/receive_session.h"
#include "ipc/session_keyring.h"
#include "ipc/session_queue.h"
#include "roles/keyring/form.h"
#include "roles/keyring/keys.h"

#include <stdio.h>
#include <unistd.h>

/* A question to policy and its answers. */
static const struct question {
	const char *name;
	unsigned type, yes, no;
} questions[WORLD_QUESTIONS] = {
	{ "helo", POLICY_SESSION_HELO, POLICY_SESSION_HELO_ANSWER, POLICY_SESSION_HELO_ANSWER },
	{ "mail", POLICY_SESSION_MAIL, POLICY_SESSION_MAIL_OK, POLICY_SESSION_MAIL_REFUSED },
	{ "rcpt", POLICY_SESSION_RCPT, POLICY_SESSION_RCPT_OK, POLICY_SESSION_RCPT_REFUSED },
	{ "data", POLICY_SESSION_DATA, POLICY_SESSION_GO, POLICY_SESSION_NO_GO },
};

const char *other_name(enum other other)
{
	static const char *const names[] = { "receive", "policy", "queue", "keyring" };

	return names[other];
}

static void send_to_room(struct world *w, enum other other, unsigned type, const void *body, int fd)
{
	enum error e = link_send(&w->others[other].link, type, body, &fd, fd >= 0, LINK_NO_WAIT);

	if (e && e != ERROR_CLOSED)
		world_fail(w, "%s cannot speak to the room: %s", other_name(other), error_text(e));
}

static void open_end(struct world *w, enum other other, struct link link)
{
	link_close(&w->others[other].link);
	w->others[other].link = link;
	link_in_fit(&w->in, link.edge);
	if (w->others[other].mood == MOOD_AWAY)
		link_close(&w->others[other].link);
}

/* ---- receive and keyring ---- */

static void give_key(struct world *w)
{
	int fds[2];

	if (w->others[OTHER_KEYRING].mood == MOOD_AWAY || !w->keys) {
		send_to_room(w, OTHER_RECEIVE, RECEIVE_SESSION_NO_KEY, NULL, -1);
		return;
	}
	if (link_make_pair(&session_keyring_edge, fds))
		world_fail(w, "no channel to keyring");
	open_end(w, OTHER_KEYRING, link_of(fds[1], &session_keyring_edge, SESSION_KEYRING_SIDE_KEYRING));
	send_to_room(w, OTHER_RECEIVE, RECEIVE_SESSION_KEY, NULL, fds[0]);
	close(fds[0]);
}

static void sign(struct world *w)
{
	const struct session_keyring_sign *m = link_body(&w->in);
	struct session_keyring_signature answer;
	struct buf out;

	buf_init(&out, 1024);
	if (form_find(m->scheme, m->data) == FORM_NONE || keys_sign(w->keys, m->scheme, m->data, &out))
		world_fail(w, "keyring would not sign this");
	answer.data = buf_text(&out);
	send_to_room(w, OTHER_KEYRING, SESSION_KEYRING_SIGNATURE, &answer, -1);
	buf_done(&out);
}

/* ---- policy ---- */

static void open_queue(struct world *w)
{
	int fds[2];

	if (link_make_pair(&session_queue_edge, fds))
		world_fail(w, "no channel to queue");
	open_end(w, OTHER_QUEUE, link_of(fds[1], &session_queue_edge, SESSION_QUEUE_SIDE_QUEUE));
	send_to_room(w, OTHER_POLICY, POLICY_SESSION_GO, NULL, fds[0]);
	close(fds[0]);
	buf_reset(&w->message);
	w->n_messages++;
	w->others[OTHER_QUEUE].heard = w->others[OTHER_QUEUE].said.n; /* what it says is about this one */
}

static void answer(struct world *w, const struct question *q, unsigned verdict)
{
	const struct policy_session_helo_answer body = { verdict }; /* the same for all */
	bool is_granted = verdict == POLICY_SESSION_VERDICT_OK;
	unsigned type = is_granted ? q->yes : q->no;

	if (type == POLICY_SESSION_GO) {
		open_queue(w);
		return;
	}
	if (type == POLICY_SESSION_RCPT_REFUSED && w->n_rcpts == 0)
		type = POLICY_SESSION_RCPT_REFUSED_FIRST;
	w->n_rcpts += type == POLICY_SESSION_RCPT_OK;
	send_to_room(w, OTHER_POLICY, type, &body, -1);
}

static void hear_policy(struct world *w)
{
	for (size_t i = 0; i < WORLD_QUESTIONS; i++) {
		unsigned verdict = w->verdicts[i];
		if (w->in.type != questions[i].type)
			continue;
		if (questions[i].type != POLICY_SESSION_RCPT)
			w->n_rcpts = 0;
		if (!w->verdicts_stay[i])
			w->verdicts[i] = POLICY_SESSION_VERDICT_OK;
		answer(w, &questions[i], verdict);
	}
}

/* ---- queue ---- */

static void hear_queue(struct world *w)
{
	const struct session_queue_chunk *chunk = link_body(&w->in);
	struct session_queue_result result = { .outcome = w->outcome };
	char id[20];

	if (w->in.type == SESSION_QUEUE_CHUNK) {
		if (!buf_add(&w->message, chunk->data))
			world_fail(w, "the message is too large for this test");
		return;
	}
	snprintf(id, sizeof id, "M%u", w->n_messages);
	result.id = text_from_cstr(id);
	w->outcome = SESSION_QUEUE_OUTCOME_ACCEPTED;
	send_to_room(w, OTHER_QUEUE, SESSION_QUEUE_RESULT, &result, -1);
}

/* ---- all ---- */

static void react(struct world *w, enum other other)
{
	if (other == OTHER_POLICY)
		hear_policy(w);
	else if (other == OTHER_QUEUE)
		hear_queue(w);
	else if (other == OTHER_KEYRING)
		sign(w);
	else if (w->in.type == RECEIVE_SESSION_WANT_KEY)
		give_key(w);
}

static bool serve(struct world *w, enum other other)
{
	struct end *end = &w->others[other];
	enum error e;

	if (end->link.fd < 0)
		return false;
	e = link_receive(&end->link, &w->in, LINK_NO_WAIT);
	if (e == ERROR_BUSY)
		return false;
	if (e == ERROR_CLOSED) {
		link_close(&end->link);
		buf_add_cstr(&end->said, "gone\n");
		return true;
	}
	if (e)
		world_fail(w, "the room broke the rules of its channel to %s: %s", other_name(other),
			   error_text(e));
	if (other != OTHER_QUEUE || w->in.type != SESSION_QUEUE_CHUNK) {
		ipc_print(end->link.edge, w->in.type, link_body(&w->in), &end->said);
		buf_add_byte(&end->said, '\n');
	}
	if (end->mood == MOOD_ORDINARY)
		react(w, other);
	return true;
}

bool others_serve(struct world *w)
{
	bool is_busy = false;

	for (enum other other = 0; other < OTHER_COUNT; other++)
		while (serve(w, other))
			is_busy = true;
	return is_busy;
}

void others_connect(struct world *w, int ret_room_fds[2])
{
	struct receive_session_begin begin = { .session = 1, .client = w->address, .port = 4321 };
	int fds[2];

	for (enum other other = 0; other < OTHER_COUNT; other++)
		w->others[other].heard = w->others[other].said.n;
	if (link_make_pair(&receive_session_edge, fds))
		world_fail(w, "no channel to receive");
	open_end(w, OTHER_RECEIVE, link_of(fds[1], &receive_session_edge, RECEIVE_SESSION_SIDE_RECEIVE));
	ret_room_fds[0] = fds[0];
	send_to_room(w, OTHER_RECEIVE, RECEIVE_SESSION_BEGIN, &begin, -1);
	if (link_make_pair(&policy_session_edge, fds))
		world_fail(w, "no channel to policy");
	open_end(w, OTHER_POLICY, link_of(fds[1], &policy_session_edge, POLICY_SESSION_SIDE_POLICY));
	ret_room_fds[1] = fds[0];
	w->n_rcpts = 0;
}

void others_close(struct world *w)
{
	for (enum other other = 0; other < OTHER_COUNT; other++)
		link_close(&w->others[other].link);
}

/* The number of this value of a message's first field. */
static unsigned find_value(struct world *w, const struct ipc_edge *edge, unsigned type, struct text word)
{
	const struct ipc_field *field = &ipc_find_message(edge, type)->fields[0];

	for (unsigned i = 0; i <= field->max; i++)
		if (text_is_cstr(word, field->names[i]))
			return i;
	world_fail(w, "%s cannot say \"%.*s\"", edge->name, TEXT_ARGS(word));
}

static void tell_policy(struct world *w, struct text words)
{
	struct text question, verdict, more;

	text_cut(words, ' ', &question, &verdict);
	text_cut(verdict, ' ', &verdict, &more);
	for (size_t i = 0; i < WORLD_QUESTIONS; i++) {
		if (!text_is_cstr(question, questions[i].name))
			continue;
		w->verdicts[i] = find_value(w, &policy_session_edge, POLICY_SESSION_MAIL_REFUSED, verdict);
		w->verdicts_stay[i] = text_is_cstr(more, "always");
		return;
	}
	world_fail(w, "policy is asked no \"%.*s\"", TEXT_ARGS(question));
}

void others_tell(struct world *w, enum other other, struct text words)
{
	if (other == OTHER_POLICY)
		tell_policy(w, words);
	else if (other == OTHER_QUEUE)
		w->outcome = find_value(w, &session_queue_edge, SESSION_QUEUE_RESULT, words);
	else if (other == OTHER_RECEIVE && text_is_cstr(words, "stop"))
		send_to_room(w, OTHER_RECEIVE, RECEIVE_SESSION_STOP, NULL, -1);
	else
		world_fail(w, "%s cannot say this", other_name(other));
}
