/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new process is given: its part of the configuration, its descriptors, its channels. Called by
 * members.c for every start. Invariant: nothing goes out that process.def does not list (the receiver
 * checks it again in role/boot.c), and posternd keeps no end of a channel between two others.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/role_zygote.h"
#include "roles/posternd/members.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

void handover_conf(struct gateway *g, struct instance *i, unsigned type)
{
	struct posternd_role_begin begin = { i->number, g->settings.layers, 0, false };
	int fd = members_make_conf(g->conf, process_of(i->member->id)->owner);

	peer_send_fds(i->channel, type, &begin, &fd, 1);
	close(fd);
}

static void give(struct instance *i, enum posternd_role_thing kind, uint64_t index, int fd)
{
	struct posternd_role_resource resource = { kind, index };

	if (fd >= 0 && process_may_have(i->member->id, kind))
		peer_send_fds(i->channel, POSTERND_ROLE_RESOURCE, &resource, &fd, 1);
}

static void give_file(struct instance *i, enum posternd_role_thing kind, uint64_t index, struct text path,
		      const char *without)
{
	int fd;

	if (path.n == 0 || !process_may_have(i->member->id, kind))
		return;
	fd = places_open_file(path);
	if (fd < 0) {
		log_error("cannot read %.*s: %s; %s", TEXT_ARGS(path), error_text(error_of_errno(errno)),
			  without);
		return;
	}
	give(i, kind, index, fd);
	close(fd);
}

void handover_recipients(struct gateway *g, struct instance *i)
{
	for (size_t k = 0; k < g->conf->domain.n; k++)
		give_file(i, POSTERND_ROLE_THING_RECIPIENTS, g->conf->domain.v[k].id,
			  g->conf->domain.v[k].recipients_file,
			  "mail to its domain is answered 451 until 'postern reload' finds it");
}

void handover_certificate(struct gateway *g, struct instance *i)
{
	give_file(i, POSTERND_ROLE_THING_CERTIFICATE, 0, g->conf->tls.certificate,
		  "the certificate of before, or a self-signed one, is used");
}

static void give_resources(struct gateway *g, struct instance *i)
{
	const struct places *p = &g->places;
	const struct process *process = process_of(i->member->id);
	bool own_state = !process_is_zygote(i->member->id) &&
			 process_may_have(i->member->id, POSTERND_ROLE_THING_STATE);

	if (own_state)
		give(i, POSTERND_ROLE_THING_STATE, 0, p->states[process->owner]);
	else
		give(i, POSTERND_ROLE_THING_EMPTY, 0, p->empty);
	for (size_t k = 0; k < p->n_sockets; k++)
		give(i, POSTERND_ROLE_THING_LISTENER, p->sockets[k].listener, p->sockets[k].fd);
	for (size_t k = 0; k < p->n_maildirs; k++)
		give(i, POSTERND_ROLE_THING_DIRECTORY, p->maildirs[k].domain, p->maildirs[k].fd);
	handover_recipients(g, i);
	handover_certificate(g, i);
	if (g->conf->resolver.dnssec && g->conf->resolver.mode != CONF_RESOLVER_MODE_STUB)
		give_file(i, POSTERND_ROLE_THING_TRUST_ANCHOR, 0, g->conf->resolver.trust_anchor,
			  "install dns-root-data, or set trust-anchor");
}

static struct instance *current_of(struct gateway *g, enum role_id role)
{
	struct instance *i = g->members[process_of_role(role)].current;

	return i && i->channel ? i : NULL;
}

static void tell_peer(struct instance *i, enum role_id other, int fd)
{
	struct posternd_role_peer peer = { (uint8_t)other };

	peer_send_fds(i->channel, POSTERND_ROLE_PEER, &peer, &fd, 1);
}

/* A channel between two roles that are there; the side that was there loses its old one. */
static void join(struct gateway *g, struct instance *fresh, const struct process_peers *pair)
{
	enum role_id self = process_of(fresh->member->id)->owner, other = pair->a == self ? pair->b : pair->a;
	struct instance *there = other == ROLE_POSTERND ? NULL : current_of(g, other);
	int fds[2];

	if (other != ROLE_POSTERND && !there)
		return; /* it will be joined when it is started */
	ASSERT(link_make_pair(pair->edge, fds) == ERROR_NONE);
	tell_peer(fresh, other, fds[self == pair->a ? 0 : 1]);
	if (there)
		tell_peer(there, self, fds[self == pair->a ? 1 : 0]);
	else
		posternd_join_audit(g, fds[self == pair->a ? 1 : 0]);
	if (there)
		close(fds[self == pair->a ? 1 : 0]);
	close(fds[self == pair->a ? 0 : 1]);
}

static void join_all(struct gateway *g, struct instance *i)
{
	enum role_id self = process_of(i->member->id)->owner;
	const struct process_peers *pair;

	for (size_t k = 0; (pair = process_peers_at(k)); k++)
		if (pair->a == self || pair->b == self)
			join(g, i, pair);
}

/* A zygote talks with its owner only. */
static void join_owner(struct gateway *g, struct instance *i)
{
	enum role_id owner = process_of(i->member->id)->owner;
	struct posternd_role_zygote zygote = { (uint8_t)i->member->id };
	struct instance *there = current_of(g, owner);
	int fds[2];

	ASSERT(link_make_pair(&role_zygote_edge, fds) == ERROR_NONE);
	tell_peer(i, owner, fds[1]);
	if (there)
		peer_send_fds(there->channel, POSTERND_ROLE_ZYGOTE, &zygote, &fds[0], 1);
	close(fds[0]); /* without an owner the zygote ends, and is started again with one */
	close(fds[1]);
}

void handover_all(struct gateway *g, struct instance *i)
{
	handover_conf(g, i, POSTERND_ROLE_BEGIN);
	give_resources(g, i);
	if (process_is_zygote(i->member->id))
		join_owner(g, i);
	else
		join_all(g, i);
	peer_send(i->channel, POSTERND_ROLE_GO, NULL);
}
