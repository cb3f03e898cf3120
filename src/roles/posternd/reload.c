/* SPDX-License-Identifier: Apache-2.0
 *
 * A new configuration while mail flows. Called on SIGHUP and by the command line. Either all of it is
 * taken or nothing: a file with a mistake, or a change of what is taken at the start only (RESTART in
 * conf/schema.def), is refused and the old configuration goes on.
 *
 * Invariant: a reload is over when every role has done what it says, or was started anew for it, and
 * every zygote is a fresh one.
 */
#include "base/log.h"
#include "ipc/role_audit.h"
#include "roles/posternd/members.h"

#include <string.h>
#include <unistd.h>

#define MAX_LIST 4096

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

static void await_member(struct member *m)
{
	struct instance *i = m->current;

	if (!i || !i->channel || i->state != INSTANCE_RUNNING || process_is_zygote(m->id))
		return;
	i->n_syncs++;
	peer_send(i->channel, POSTERND_ROLE_SYNC, NULL);
}

const char *reload_is_awaited(const struct gateway *g)
{
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		const struct instance *i = g->members[id].current;
		if (!i || i->state != INSTANCE_RUNNING || i->n_syncs)
			return process_of(id)->name;
	}
	return NULL;
}

static struct conf *read_fresh(struct gateway *g, struct buf *why)
{
	struct conf *fresh = places_read_conf(&g->settings, why);
	struct buf list;

	if (!fresh)
		return NULL;
	buf_init(&list, MAX_LIST);
	conf_list_restarts(g->conf, fresh, &list);
	if (list.n) {
		buf_printf(why, "needs restart: %s\n", buf_cstr(&list));
		conf_free(fresh);
		fresh = NULL;
	}
	buf_done(&list);
	return fresh;
}

bool reload_run(struct gateway *g, struct buf *why)
{
	struct conf *fresh = read_fresh(g, why);

	if (!fresh) {
		log_error("reload refused, the old configuration goes on: %s", buf_cstr(why));
		role_audit(&g->self, ROLE_AUDIT_KIND_CONFIGURATION_REFUSED, "posternd", "file=%s %.*s",
			   g->settings.config_file, (int)strcspn(buf_cstr(why), "\n"), buf_cstr(why));
		return false;
	}
	conf_free(g->conf);
	g->conf = fresh;
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		tell_member(g, &g->members[id]);
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		await_member(&g->members[id]); /* behind the zygotes' channels */
	log_info("the configuration was read again");
	role_audit(&g->self, ROLE_AUDIT_KIND_CONFIGURATION_LOADED, "posternd", "file=%s",
		   g->settings.config_file);
	return true;
}
