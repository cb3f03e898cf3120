/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said with an authentication room: the message and whom it came from there, typed results back.
 * Called by judge.c. Trusts the room with nothing but its own message: each result comes once, and what it
 * says of the header lies within the header (origin.c).
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/queue_authenticate.h"
#include "roles/queue/judgement.h"

static void reset(struct judgement *j)
{
	origin_free(j->origin);
	j->origin = origin_new();
}

static void done(struct judgement *j)
{
	origin_free(j->origin);
}

static enum error send_message(struct judgement *j, const struct mail *mail)
{
	static const struct mail_verbs verbs = { QUEUE_AUTHENTICATE_CHUNK, QUEUE_AUTHENTICATE_FILE,
						 QUEUE_AUTHENTICATE_END, false };
	const struct spool_message *m = &mail->m;
	const struct conf_authentication *conf = conf_authentication_of(queue_conf(j->q), m->listener);
	struct queue_authenticate_message message = { .size = m->body_size,
						      .header_size = m->header_size,
						      .profile = conf->id,
						      .client = m->client,
						      .helo = m->helo,
						      .sender = m->sender,
						      .receiver = origin_authserv_id(queue_conf(j->q), conf),
						      .now = m->arrival / 1000 };

	j->header_size = m->header_size;
	peer_send(j->room, QUEUE_AUTHENTICATE_MESSAGE, &message);
	return mail_send(j->q, mail, j->room, &verbs);
}

static bool take(struct judgement *j, const struct link_in *in, bool *ret_is_complete)
{
	*ret_is_complete = in->type == QUEUE_AUTHENTICATE_DONE;
	return *ret_is_complete || origin_take(j->origin, in->type, link_body(in), j->header_size);
}

static void tell(struct judgement *j)
{
	struct intake *in = j->intake;
	struct item *item = j->item;

	judge_detach(j);
	if (in)
		intake_authenticated(j->q, in, j->origin, clock_mono_ms() - j->started);
	else if (item)
		item_authenticated(j->q, item, j->origin, clock_mono_ms() - j->started);
}

const struct judgement_kind origin_room = {
	.room = "authentication room",
	.edge = &queue_authenticate_edge,
	.side = QUEUE_AUTHENTICATE_SIDE_QUEUE,
	.kind = QUEUE_SCAN_KIND_AUTHENTICATE,
	.reset = reset,
	.send = send_message,
	.take = take,
	.tell = tell,
	.done = done,
};
