/* SPDX-License-Identifier: Apache-2.0
 *
 * A new configuration while mail flows. Called on SIGHUP and by the command line. Either all of it is
 * taken or nothing: a file with a mistake, or a change that would need root, is refused and the old
 * configuration goes on.
 */
#include "base/log.h"
#include "ipc/role_audit.h"
#include "roles/posternd/members.h"

#include <unistd.h>

/* The first setting that only a restart can change, or NULL. */
static const char *needs_restart(const struct conf *a, const struct conf *b)
{
	if (!text_is_equal(a->top.state, b->top.state))
		return "state";
	if (!text_is_equal(a->top.run, b->top.run))
		return "run";
	if (a->top.uid_base != b->top.uid_base)
		return "uid-base";
	if (a->listener.n != b->listener.n)
		return "the number of listeners";
	for (size_t i = 0; i < a->listener.n; i++) {
		const struct conf_listener *x = &a->listener.v[i], *y = &b->listener.v[i];
		if (x->address.n != y->address.n || x->max_connections != y->max_connections ||
		    memcmp(x->address.v, y->address.v, x->address.n * sizeof *x->address.v) != 0)
			return "a listener's address, port or max-connections";
	}
	if (a->deliver.max_connections != b->deliver.max_connections)
		return "deliver max-connections";
	if (a->scan.slots != b->scan.slots)
		return "scan slots";
	if (a->domain.n != b->domain.n)
		return "the number of domains, while messages for them are on their way";
	for (size_t i = 0; i < a->domain.n; i++)
		if (!text_is_equal(a->domain.v[i].name, b->domain.v[i].name) ||
		    !text_is_equal(a->domain.v[i].maildir, b->domain.v[i].maildir))
			return "the order of domains or a Maildir";
	return NULL;
}

static void tell_member(struct gateway *g, struct member *m)
{
	int fd;

	if (!m->current || !m->current->channel || m->current->state != INSTANCE_RUNNING)
		return;
	if (process_is_zygote(m->id)) {
		members_start(g, m); /* rooms from now on know the new one */
		return;
	}
	if (process_may_have(m->id, POSTERND_ROLE_THING_CERTIFICATE))
		handover_certificate(g, m->current);
	fd = members_make_conf(g->conf, process_of(m->id)->owner);
	peer_send_fds(m->current->channel, POSTERND_ROLE_RELOAD, NULL, &fd, 1);
	close(fd);
	if (process_may_have(m->id, POSTERND_ROLE_THING_RECIPIENTS)) /* behind: they belong to its domains */
		handover_recipients(g, m->current);
}

bool reload_run(struct gateway *g, struct buf *why)
{
	struct conf *fresh = places_read_conf(&g->settings, why);
	const char *stuck = fresh ? needs_restart(g->conf, fresh) : NULL;

	if (stuck)
		buf_printf(why, "needs restart: %s has changed\n", stuck);
	if (!fresh || stuck) {
		log_error("reload refused, the old configuration goes on: %s", buf_cstr(why));
		conf_free(fresh);
		return false;
	}
	conf_free(g->conf);
	g->conf = fresh;
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		tell_member(g, &g->members[id]);
	log_info("the configuration was read again");
	role_audit(&g->self, ROLE_AUDIT_KIND_CONFIGURATION_LOADED, "posternd", "file=%s",
		   g->settings.config_file);
	return true;
}
