/* SPDX-License-Identifier: Apache-2.0
 *
 * Having an outgoing message signed. Called by judge.c. For whom it may be signed is decided here, by what
 * policy kept: a client of relay-from sent it, with a MAIL FROM that a block dkim is for. Then a room reads
 * it, with a channel to keyring that is good for this message and this block only. Keyring writes the
 * signature and gives it to this process; the room is trusted with nothing and says only that it is done.
 *
 * Invariant: a message that could not be signed goes on without, and the record says so.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_authenticate.h"
#include "ipc/queue_keyring.h"
#include "ipc/signing_keyring.h"
#include "roles/queue/judgement.h"

#include <unistd.h>

enum { KEPT_FOR_KEYRING = 4 << 20 };

const struct conf_dkim *signing_profile_of(const struct conf *conf, const struct spool_message *m)
{
	const struct conf_dkim *profile = NULL;

	if (m->flags & SPOOL_SIGNED)
		return NULL;
	if (m->flags & SPOOL_NOTICE) { /* from the postmaster of this gateway */
		profile = conf_find_dkim(conf, conf->top.postmaster);
		return profile && profile->sign_notices ? profile : NULL;
	}
	return m->flags & (SPOOL_AUTHENTICATED | SPOOL_RELAY) ? conf_find_dkim(conf, m->sender) : NULL;
}

static void reset(struct judgement *j)
{
	buf_done(&j->signature);
	buf_init(&j->signature, SIGNATURE_MAX);
}

static void done(struct judgement *j)
{
	buf_done(&j->signature);
}

/* The room's channel to keyring; keyring has the other end. Nobody has it when the block is gone with a
 * reload: then the room hears that at once. -1: none can be made. */
static int open_keyring(struct judgement *j, const struct conf_dkim *profile)
{
	struct queue_keyring_signing signing = { j->job, profile ? profile->id : 0 };
	int fds[2];

	if (link_make_pair(&signing_keyring_edge, fds) != ERROR_NONE)
		return -1;
	if (j->q->keyring && profile)
		peer_send_fds(j->q->keyring, QUEUE_KEYRING_SIGNING, &signing, &fds[1], 1);
	close(fds[1]);
	return fds[0];
}

static enum error send_message(struct judgement *j, const struct mail *mail)
{
	static const struct mail_verbs verbs = { QUEUE_AUTHENTICATE_CHUNK, QUEUE_AUTHENTICATE_FILE,
						 QUEUE_AUTHENTICATE_END, false };
	const struct conf_dkim *profile = signing_profile_of(queue_conf(j->q), &mail->m);
	struct queue_authenticate_sign sign = { .size = mail->m.body_size,
						.header_size = mail->m.header_size };
	int fd = open_keyring(j, profile);

	if (fd < 0)
		return ERROR_BUSY; /* out of descriptors: tried again */
	sign.profile = profile ? profile->id : 0;
	peer_send_fds(j->room, QUEUE_AUTHENTICATE_SIGN, &sign, &fd, 1);
	close(fd);
	return mail_send(j->q, mail, j->room, &verbs);
}

static bool take(struct judgement *j, const struct link_in *in, bool *ret_is_complete)
{
	(void)j;
	*ret_is_complete = in->type == QUEUE_AUTHENTICATE_DONE;
	return *ret_is_complete;
}

static void tell(struct judgement *j)
{
	struct intake *in = j->intake;
	struct item *item = j->item;
	struct text signature = buf_text(&j->signature);

	judge_detach(j);
	if (in)
		intake_signed(j->q, in, signature);
	else if (item)
		item_signed(j->q, item, signature);
}

const struct judgement_kind signing_room = {
	.room = "signing room",
	.edge = &queue_authenticate_edge,
	.side = QUEUE_AUTHENTICATE_SIDE_QUEUE,
	.kind = QUEUE_SCAN_KIND_AUTHENTICATE,
	.reset = reset,
	.send = send_message,
	.take = take,
	.tell = tell,
	.done = done,
};

/* ---- keyring ---- */

/* It waits with the room's end until this has been taken, so that the room's `done` comes behind it. */
static void on_keyring(void *owner, struct peer *p, struct link_in *in)
{
	const struct queue_keyring_signature *m = link_body(in);
	struct queue_keyring_taken taken = { m->job };
	struct queue *q = owner;
	struct judgement *j = table_get(&q->judgements, m->job);

	if (j && j->kind == &signing_room) {
		buf_reset(&j->signature);
		buf_add(&j->signature, m->fields);
	}
	peer_send(p, QUEUE_KEYRING_TAKEN, &taken);
}

static void on_keyring_gone(void *owner, struct peer *p, enum error why)
{
	struct queue *q = owner;

	(void)p;
	role_log_gone(ROLE_KEYRING, why);
	q->keyring = NULL;
}

void signing_open_keyring(struct queue *q, int fd)
{
	static const struct peer_events events = { on_keyring, on_keyring_gone };

	peer_close(q->keyring);
	q->keyring = peer_new(q->role->loop, fd, &queue_keyring_edge, QUEUE_KEYRING_SIDE_QUEUE, &events, q,
			      KEPT_FOR_KEYRING);
}

void mail_sign(struct queue *q, struct mail *mail, struct text signature)
{
	struct buf head;
	char id[SPOOL_ID_SIZE];

	buf_init(&head, SPOOL_HEAD_MAX);
	buf_add(&head, signature);
	buf_add(&head, mail->m.head);
	mail->m.flags |= SPOOL_SIGNED; /* or found not to be: once is enough */
	if (!head.overflow)
		ASSERT(arena_copy(&mail->arena, buf_text(&head), &mail->m.head));
	spool_print_id(mail->m.id, id);
	if (signature.n == 0 || head.overflow)
		log_warning("message %s was not signed", id);
	role_audit(q->role, ROLE_AUDIT_KIND_MESSAGE_SIGNED, id, "bytes=%zu", head.overflow ? 0 : signature.n);
	buf_done(&head);
}
