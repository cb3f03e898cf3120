/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing of outgoing messages. Trusts queue with whom a message is from: it names the profile, and the
 * channel of the room; trusts the room with nothing: what it says is bounded by the edge and by JOB_BYTES,
 * kept until it is complete, and looked at by dkim_keys. The room never sees a signature, so that none can be
 * had for anything but the message that queue holds.
 *
 * Invariants: one answer to queue for each `signing`; a room's channel is closed when queue has taken the
 * answer, or at once when the room ends or breaks the rules.
 */
#include "roles/keyring/signing.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/table.h"
#include "ipc/queue_keyring.h"
#include "ipc/role_audit.h"
#include "ipc/signing_keyring.h"
#include "roles/keyring/dkim_keys.h"

#include <stdlib.h>

enum {
	KEPT_FOR_QUEUE = 4 << 20,
	KEPT_FOR_ROOM = 4096,
	NAMES_MAX = 256,
	JOB_BYTES = 1 << 20,
	FIELDS_MAX = 32768
};

struct job {
	uint64_t number;
	uint64_t profile;
	struct peer *room;
	struct arena arena; /* of the names */
	struct text names[NAMES_MAX];
	size_t n_names;
	struct buf covered;
	unsigned char body_hash[DKIM_DIGEST_BYTES];
	bool is_answered;
};

static struct {
	struct role *role;
	struct peer *queue;
	struct dkim_keys *keys;
	struct table jobs; /* by number */
	uint64_t n_signed, n_refused;
} signing;

static void free_job(struct job *j)
{
	table_remove(&signing.jobs, j->number);
	peer_close(j->room);
	arena_reset(&j->arena);
	buf_done(&j->covered);
	free(j);
}

static void answer(struct job *j, struct text fields)
{
	struct queue_keyring_signature m = { j->number, fields };

	j->is_answered = true;
	if (signing.queue)
		peer_send(signing.queue, QUEUE_KEYRING_SIGNATURE, &m);
}

static void refuse(struct job *j, const char *why)
{
	signing.n_refused++;
	role_audit(signing.role, ROLE_AUDIT_KIND_SIGNATURE_REFUSED, "dkim", "job=%llu %s",
		   (unsigned long long)j->number, why);
	answer(j, (struct text){ NULL, 0 });
}

static void sign(struct job *j)
{
	struct dkim_keys_job job = {
		.profile = conf_dkim_by_id(signing.role->conf, j->profile),
		.names = j->names,
		.n_names = j->n_names,
		.covered = buf_text(&j->covered),
		.now = clock_wall_ms() / 1000,
	};
	struct buf fields;

	buf_init(&fields, FIELDS_MAX);
	memcpy(job.body_hash, j->body_hash, sizeof job.body_hash);
	if (!job.profile || j->covered.overflow) {
		refuse(j, "no such profile, or too large");
	} else if (!dkim_keys_sign(signing.keys, &job, &fields)) {
		refuse(j, "not of the form of a header, or no key");
	} else {
		signing.n_signed++;
		answer(j, buf_text(&fields));
	}
	buf_done(&fields);
}

/* False: it must not say this. */
static bool take(struct job *j, const struct link_in *in)
{
	const struct signing_keyring_body *body = link_body(in);
	const struct signing_keyring_name *name = link_body(in);
	const struct signing_keyring_field *field = link_body(in);

	switch (in->type) {
	case SIGNING_KEYRING_BODY:
		if (body->hash.n != sizeof j->body_hash)
			return false;
		memcpy(j->body_hash, body->hash.p, sizeof j->body_hash);
		return true;
	case SIGNING_KEYRING_NAME:
		return j->n_names < NAMES_MAX && arena_copy(&j->arena, name->name, &j->names[j->n_names++]);
	case SIGNING_KEYRING_FIELD:
		return buf_add(&j->covered, field->data);
	default:
		sign(j);
		return true;
	}
}

static void on_room(void *owner, struct peer *p, struct link_in *in)
{
	struct job *j = owner;

	(void)p;
	if (take(j, in))
		return;
	role_audit(signing.role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "signing", "job=%llu",
		   (unsigned long long)j->number);
	refuse(j, "more than a message has");
	free_job(j);
}

static void on_room_gone(void *owner, struct peer *p, enum error why)
{
	struct job *j = owner;

	(void)p;
	j->room = NULL;
	if (why != ERROR_CLOSED)
		role_audit(signing.role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "signing", "job=%llu: %s",
			   (unsigned long long)j->number, error_text(why));
	if (!j->is_answered)
		answer(j, (struct text){ NULL, 0 });
	free_job(j);
}

static void start_job(const struct queue_keyring_signing *m, int fd)
{
	static const struct peer_events events = { on_room, on_room_gone };
	struct job *j = mem_zalloc(1, sizeof *j);

	j->number = m->job;
	j->profile = m->profile;
	arena_init(&j->arena, NAMES_MAX * 128);
	buf_init(&j->covered, JOB_BYTES);
	table_put(&signing.jobs, j->number, j);
	j->room = peer_new(signing.role->loop, fd, &signing_keyring_edge, SIGNING_KEYRING_SIDE_KEYRING,
			   &events, j, KEPT_FOR_ROOM);
}

static void on_queue(void *owner, struct peer *p, struct link_in *in)
{
	const struct queue_keyring_taken *taken = link_body(in);
	struct job *j;

	(void)owner;
	(void)p;
	if (in->type == QUEUE_KEYRING_SIGNING) {
		start_job(link_body(in), peer_take_fd(in, 0));
		return;
	}
	j = table_get(&signing.jobs, taken->job);
	if (j)
		free_job(j);
}

static void on_queue_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_QUEUE, why);
	signing.queue = NULL;
}

/* ---- life ---- */

void signing_open(struct role *r)
{
	signing.role = r;
	signing.keys = dkim_keys_new();
	table_init(&signing.jobs);
}

void signing_load(const struct conf *conf)
{
	struct buf why;
	struct text lines, line;

	buf_init(&why, 8192);
	dkim_keys_load(signing.keys, conf, &why);
	lines = buf_text(&why);
	while (text_cut(lines, '\n', &line, &lines))
		log_error("%.*s", TEXT_ARGS(line));
	buf_done(&why);
}

void signing_close(void)
{
	dkim_keys_free(signing.keys);
}

void signing_add_queue(int fd)
{
	static const struct peer_events events = { on_queue, on_queue_gone };

	peer_close(signing.queue);
	signing.queue = peer_new(signing.role->loop, fd, &queue_keyring_edge, QUEUE_KEYRING_SIDE_KEYRING,
				 &events, NULL, KEPT_FOR_QUEUE);
	role_audit(signing.role, ROLE_AUDIT_KIND_KEY_LOADED, "dkim", "keys=%zu",
		   dkim_keys_count(signing.keys));
}

void signing_tell_counters(void)
{
	role_counter(signing.role, "dkim_signatures", signing.n_signed);
	role_counter(signing.role, "dkim_signatures_refused", signing.n_refused);
}
