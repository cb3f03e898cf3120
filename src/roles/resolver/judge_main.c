/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-judge-resolver: the DNS for judging, that is for the names that strangers write into messages. scan
 * opens a channel for each room that authenticates one message (ipc/scan_resolver.def); what is asked over it
 * is counted here, against the budget of one message. Everything else is service.c.
 *
 * Invariants: every channel but scan's own has a budget; at most as many are open as scan has rooms for, and
 * those that it opens while the last ones close.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/scan_resolver.h"
#include "role/role.h"
#include "roles/resolver/service.h"

#include <unistd.h>

static struct peer *scan;

static struct service_bounds bounds_of(const struct conf *conf)
{
	const struct conf_judge_resolver *r = &conf->judge_resolver;

	return (struct service_bounds){ r->max_queries, r->cache_size, r->timeout };
}

static uint64_t most_askers(const struct conf *conf)
{
	return 2 * conf->scan.authentication_slots;
}

static unsigned count_files(const struct conf *conf)
{
	struct service_bounds bounds = bounds_of(conf);

	return service_count_files(conf, &bounds) + (unsigned)most_askers(conf);
}

static void open_resolver(struct role *r)
{
	struct service_bounds bounds = bounds_of(r->conf);

	service_open(r, &bounds);
}

static void on_asker(void *owner, struct peer *p, struct link_in *in)
{
	const struct role *r = owner;
	const struct conf_judge_resolver *conf = &r->conf->judge_resolver;
	struct service_budget budget = { conf->message_queries, conf->message_bytes, conf->message_time };

	(void)p;
	if (service_count_clients() < most_askers(r->conf)) /* else it is closed, and the room does without */
		service_add_client(peer_take_fd(in, 0), &budget, NULL);
}

static void on_scan_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_SCAN, why);
	scan = NULL;
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_asker, on_scan_gone };

	ASSERT(peer == ROLE_SCAN);
	peer_close(scan);
	scan = peer_new(r->loop, fd, &scan_resolver_edge, SCAN_RESOLVER_SIDE_RESOLVER, &events, r, 4096);
}

static void reload(struct role *r, const struct conf *old)
{
	service_reload(r, old, CONF_FOR_JUDGE_RESOLVER);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "askers", service_count_clients());
	service_tell_counters(r);
}

static const struct role_definition definition = {
	.id = ROLE_JUDGE_RESOLVER,
	.count_files = count_files,
	.list_ports = service_list_ports,
	.resource = service_take_resource,
	.open = open_resolver,
	.peer = add_peer,
	.reload = reload,
	.counters = tell_counters,
};

int main(int argc, char **argv)
{
	return role_main(&definition, NULL, argc, argv);
}
