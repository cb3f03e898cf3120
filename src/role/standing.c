/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a standing role, from main to the last event (role.h). Called by every role's main.
 * Trusts posternd. Invariant: no event is handled before the process is sealed.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/posternd_role.h"
#include "role/audit_client.h"
#include "role/boot.h"
#include "role/drill.h"
#include "role/role.h"
#include "role/zygote.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define KEPT_FOR_POSTERND ((size_t)1 << 20)

static void announce_peer(struct role *r, enum role_id peer, int fd)
{
	unsigned side;

	if (!process_find_edge(r->definition->id, peer, &side) &&
	    !sandbox_is_mutated(SANDBOX_WITHOUT_MANIFEST, 1)) {
		log_error("posternd offered a channel to %s, which the manifest does not list",
			  role_name(peer));
		close(fd);
		return;
	}
	if (peer == ROLE_AUDIT)
		audit_client_connect(r, fd);
	else if (r->definition->peer)
		r->definition->peer(r, peer, fd);
	else
		close(fd);
}

static void announce_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	if (r->definition->resource && process_may_have(process_of_role(r->definition->id), kind))
		r->definition->resource(r, kind, index, fd);
	else
		close(fd);
}

static void announce_zygote(struct role *r, unsigned kind, int fd)
{
	if (r->definition->zygote && kind < PROCESS_COUNT && process_is_zygote(kind) &&
	    process_of(kind)->owner == r->definition->id)
		r->definition->zygote(r, kind, fd);
	else
		close(fd);
}

/* The old settings stay: what is under way may point into them. */
static void keep_for_good(const struct conf *old)
{
	static const struct conf **kept;
	static size_t n_kept;

	kept = mem_realloc(kept, (n_kept + 1) * sizeof *kept);
	kept[n_kept++] = old;
}

static void apply_reload(struct role *r, int fd)
{
	const struct conf *old = r->conf, *fresh = boot_read_conf(fd);

	if (!fresh)
		return;
	r->conf = fresh;
	keep_for_good(old);
	if (r->definition->reload)
		r->definition->reload(r, old);
}

static void stop(struct role *r)
{
	if (r->definition->stop)
		r->definition->stop(r);
	else
		role_stopped(r);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct role *r = owner;
	const struct posternd_role_resource *resource = link_body(in);
	const struct posternd_role_peer *peer = link_body(in);
	const struct posternd_role_zygote *zygote = link_body(in);
	const struct posternd_role_admin *admin = link_body(in);

	switch (in->type) {
	case POSTERND_ROLE_RESOURCE:
		announce_resource(r, resource->kind, resource->index, peer_take_fd(in, 0));
		return;
	case POSTERND_ROLE_PEER:
		announce_peer(r, peer->role, peer_take_fd(in, 0));
		return;
	case POSTERND_ROLE_ZYGOTE:
		announce_zygote(r, zygote->kind, peer_take_fd(in, 0));
		return;
	case POSTERND_ROLE_ADMIN:
		if (r->definition->admin)
			r->definition->admin(r, admin->uid, peer_take_fd(in, 0));
		return;
	case POSTERND_ROLE_RELOAD:
		apply_reload(r, peer_take_fd(in, 0));
		return;
	case POSTERND_ROLE_ASK_COUNTERS:
		if (r->definition->counters)
			r->definition->counters(r);
		peer_send(p, POSTERND_ROLE_COUNTERS_END, NULL);
		return;
	case POSTERND_ROLE_SYNC:
		if (!r->is_leaving)
			peer_send(p, POSTERND_ROLE_SYNCED, NULL);
		return;
	default:
		stop(r);
	}
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct role *r = owner;

	(void)p;
	(void)why;
	r->posternd = NULL;
	event_base_loopbreak(r->loop); /* every process ends with its channel to posternd */
}

void role_leave(struct role *r)
{
	r->is_leaving = true;
}

void role_stopped(struct role *r)
{
	role_leave(r);
	event_base_loopexit(r->loop, NULL);
}

void role_log_gone(enum role_id peer, enum error why)
{
	if (why == ERROR_CLOSED)
		log_debug("%s is gone", role_name(peer));
	else
		log_warning("the channel to %s ended: %s", role_name(peer), error_text(why));
}

void role_counter(struct role *r, const char *name, uint64_t value)
{
	struct posternd_role_counter counter = { text_from_cstr(name), value };

	if (r->posternd)
		peer_send(r->posternd, POSTERND_ROLE_COUNTER, &counter);
}

void role_want_zygote(struct role *r, enum process_id kind)
{
	struct posternd_role_want_zygote want = { (uint8_t)kind };

	if (r->posternd)
		peer_send(r->posternd, POSTERND_ROLE_WANT_ZYGOTE, &want);
}

static struct event_base *make_loop(void)
{
	struct event_config *config = event_config_new();
	struct event_base *loop;

	ASSERT(config != NULL);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	loop = event_base_new_with_config(config);
	event_config_free(config);
	ASSERT(loop != NULL);
	return loop;
}

static uint32_t enter_sandbox(struct role *r, struct boot *b, const struct sandbox_profile *profile)
{
	const struct role_definition *d = r->definition;
	struct sandbox_options options;
	uint32_t achieved = b->achieved;

	boot_fill_options(b, &options);
	if (d->count_files)
		options.n_files = d->count_files(r->conf);
	if (d->list_ports)
		options.n_ports = d->list_ports(r->conf, options.ports);
	achieved |= sandbox_enter(profile, &options);
	close(b->root_fd);
	if (d->threads)
		d->threads(r);
	if (b->is_drill)
		drill_serve(b, profile, &options, achieved);
	return achieved | sandbox_seal(profile, &options);
}

static void announce_items(struct role *r, const struct boot *b, unsigned type)
{
	for (size_t i = 0; i < b->n_items; i++) {
		const struct boot_item *item = &b->items[i];
		if (item->type != type)
			continue;
		if (type == POSTERND_ROLE_RESOURCE)
			announce_resource(r, item->kind, item->index, item->fd);
		else if (type == POSTERND_ROLE_PEER)
			announce_peer(r, item->kind, item->fd);
		else
			announce_zygote(r, item->kind, item->fd);
	}
}

static int standing_main(const struct role_definition *definition, const char *achieved)
{
	static const struct peer_events events = { on_message, on_gone };
	enum process_id process = process_of_role(definition->id);
	const struct sandbox_profile *profile = sandbox_find_profile(process_of(process)->profile);
	struct posternd_role_ready ready;
	static struct role role;
	static struct boot boot;

	boot_receive(&boot, process, achieved);
	role = (struct role){ .definition = definition, .loop = make_loop(), .conf = boot.conf };
	if (profile->root == SANDBOX_ROOT_STATE)
		ASSERT(fchdir(boot.root_fd) == 0);
	announce_items(&role, &boot, POSTERND_ROLE_RESOURCE);
	if (definition->open)
		definition->open(&role);
	ready.layers = enter_sandbox(&role, &boot, profile);
	role.posternd = peer_new(role.loop, boot.posternd.fd, &posternd_role_edge, POSTERND_ROLE_SIDE_ROLE,
				 &events, &role, KEPT_FOR_POSTERND);
	peer_set_state(role.posternd, POSTERND_ROLE_STATE_RUNNING);
	if (definition->serve)
		definition->serve(&role);
	announce_items(&role, &boot, POSTERND_ROLE_PEER);
	announce_items(&role, &boot, POSTERND_ROLE_ZYGOTE);
	peer_send(role.posternd, POSTERND_ROLE_READY, &ready);
	event_base_dispatch(role.loop);
	return EX_OK;
}

/* Arguments, from the starter: "role" or a zygote's name, and the layers that the starter achieved. */
int role_main(const struct role_definition *definition, const struct zygote_definition *const *zygotes,
	      int argc, char **argv)
{
	if (argc != 3)
		log_fatal(EX_USAGE, "postern-%s is started by posternd only", role_name(definition->id));
	boot_settle();
	if (strcmp(argv[1], "role") == 0)
		return standing_main(definition, argv[2]);
	for (size_t i = 0; zygotes && zygotes[i]; i++)
		if (strcmp(argv[1], process_of(zygotes[i]->kind)->name) == 0)
			return zygote_main(zygotes[i], argv[2]);
	log_fatal(EX_USAGE, "postern-%s has no rooms named '%s'", role_name(definition->id), argv[1]);
}
