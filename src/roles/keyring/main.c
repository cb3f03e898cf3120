/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-keyring: keeps the private keys, tells receive the public certificates, and signs: for rooms in
 * a handshake here, outgoing messages in signing.c. Trusts receive with nothing but the number of rooms; a
 * room with nothing: it gets one signature, over bytes of the right form (form.c).
 *
 * Invariants: one `sign` a channel; what is not of the form ends the room's channel and is in the record;
 * a certificate that does not fit its key replaces nothing.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/receive_keyring.h"
#include "ipc/role_audit.h"
#include "role/role.h"
#include "roles/keyring/form.h"
#include "roles/keyring/keys.h"
#include "roles/keyring/signing.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { FILES_OF_ITS_OWN = 64, KEPT_FOR_RECEIVE = 1 << 20, KEPT_FOR_ROOM = 4096, SIGNATURE_MAX = 1024 };

struct room {
	struct peer *peer;
	uint64_t session;
};

static struct {
	struct role *role;
	struct keys *keys;
	struct peer *receive;
	int chain_fd;
	uint64_t n_signed, n_refused;
} keyring;

static unsigned count_files(const struct conf *conf)
{
	uint64_t n = FILES_OF_ITS_OWN;

	for (size_t i = 0; i < conf->listener.n; i++)
		n += conf->listener.v[i].max_connections;
	n += conf->scan.authentication_slots;
	return (unsigned)n;
}

static bool load(const struct conf *conf)
{
	struct buf why;
	bool is_loaded;

	if (conf->tls.certificate.n == 0 && keyring.chain_fd >= 0) {
		close(keyring.chain_fd); /* of an earlier configuration */
		keyring.chain_fd = -1;
	}
	if (conf->tls.certificate.n && keyring.chain_fd < 0) {
		log_error("tls certificate: %.*s was not handed over; make it readable for posternd",
			  TEXT_ARGS(conf->tls.certificate));
		return false;
	}
	buf_init(&why, 1024);
	is_loaded = keys_load(keyring.keys, conf->tls.key, conf->top.hostname, keyring.chain_fd, &why);
	if (!is_loaded)
		log_error("%s", buf_cstr(&why));
	buf_done(&why);
	return is_loaded;
}

static void add_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	(void)r;
	(void)index;
	ASSERT(kind == POSTERND_ROLE_THING_CERTIFICATE);
	if (keyring.chain_fd > 0)
		close(keyring.chain_fd);
	keyring.chain_fd = fd;
}

static void open_keyring(struct role *r)
{
	keyring.role = r;
	if (keyring.chain_fd == 0)
		keyring.chain_fd = -1;
	keyring.keys = keys_new();
	signing_open(r);
	if (!load(r->conf))
		exit(EX_CONFIG);
	signing_load(r->conf);
}

static void tell_certificate(void)
{
	struct receive_keyring_certificate m = { keys_chain(keyring.keys) };

	if (keyring.receive)
		peer_send(keyring.receive, RECEIVE_KEYRING_CERTIFICATE, &m);
}

static void audit_loaded(struct role *r)
{
	unsigned kind = keys_was_made(keyring.keys) ? ROLE_AUDIT_KIND_KEY_MADE : ROLE_AUDIT_KIND_KEY_LOADED;
	char name[65];

	snprintf(name, sizeof name, "%.*s", (int)r->conf->tls.key.n, r->conf->tls.key.p);
	role_audit(r, kind, name, "certificate=%s", keyring.chain_fd < 0 ? "self-signed" : "file");
}

/* ---- rooms ---- */

static void refuse(struct room *room, const char *why)
{
	keyring.n_refused++;
	log_warning("a signature was refused for session %llu: %s", (unsigned long long)room->session, why);
	role_audit(keyring.role, ROLE_AUDIT_KIND_SIGNATURE_REFUSED, "session", "session=%llu %s",
		   (unsigned long long)room->session, why);
	peer_send(room->peer, SESSION_KEYRING_REFUSED, NULL);
}

static void on_room(void *owner, struct peer *p, struct link_in *in)
{
	const struct session_keyring_sign *m = link_body(in);
	struct session_keyring_signature answer;
	struct room *room = owner;
	struct buf out;

	buf_init(&out, SIGNATURE_MAX);
	if (form_find(m->scheme, m->data) == FORM_NONE) {
		refuse(room, "not of the form of a TLS handshake");
	} else if (keys_sign(keyring.keys, m->scheme, m->data, &out)) {
		refuse(room, "the scheme does not fit the key");
	} else {
		answer.data = buf_text(&out);
		peer_send(p, SESSION_KEYRING_SIGNATURE, &answer);
		keyring.n_signed++;
	}
	buf_done(&out);
	peer_finish(p); /* one signature, and no more */
	free(room);
}

static void on_room_gone(void *owner, struct peer *p, enum error why)
{
	struct room *room = owner;

	(void)p;
	if (why != ERROR_CLOSED)
		role_audit(keyring.role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "session",
			   "session=%llu edge=keyring: %s", (unsigned long long)room->session,
			   error_text(why));
	free(room);
}

static void on_receive(void *owner, struct peer *p, struct link_in *in)
{
	static const struct peer_events events = { on_room, on_room_gone };
	const struct receive_keyring_room *m = link_body(in);
	struct room *room = mem_zalloc(1, sizeof *room);

	(void)owner;
	(void)p;
	room->session = m->session;
	room->peer = peer_new(keyring.role->loop, peer_take_fd(in, 0), &session_keyring_edge,
			      SESSION_KEYRING_SIDE_KEYRING, &events, room, KEPT_FOR_ROOM);
}

static void on_receive_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_RECEIVE, why);
	keyring.receive = NULL;
}

/* ---- life ---- */

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_receive, on_receive_gone };

	if (peer == ROLE_QUEUE) {
		signing_add_queue(fd);
		return;
	}
	ASSERT(peer == ROLE_RECEIVE);
	peer_close(keyring.receive);
	keyring.receive = peer_new(r->loop, fd, &receive_keyring_edge, RECEIVE_KEYRING_SIDE_KEYRING, &events,
				   NULL, KEPT_FOR_RECEIVE);
	tell_certificate();
	audit_loaded(r);
}

/* A new certificate, or a new key behind the same one: without a restart. */
static void reload(struct role *r, const struct conf *old)
{
	(void)old;
	signing_load(r->conf);
	if (!load(r->conf))
		return;
	tell_certificate();
	audit_loaded(r);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "signatures", keyring.n_signed);
	role_counter(r, "signatures_refused", keyring.n_refused);
	signing_tell_counters();
}

static const struct role_definition definition = {
	.id = ROLE_KEYRING,
	.count_files = count_files,
	.resource = add_resource,
	.open = open_keyring,
	.peer = add_peer,
	.reload = reload,
	.counters = tell_counters,
};

int main(int argc, char **argv)
{
	int status = role_main(&definition, NULL, argc, argv);

	keys_free(keyring.keys);
	signing_close();
	return status;
}
