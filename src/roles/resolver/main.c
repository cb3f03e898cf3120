/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-resolver: the DNS for delivery. Its one client is deliver, which names the domains of recipients.
 * Everything else is service.c, which it shares with the resolver for judging. Invariant: no name that only a
 * message's content chose is asked here, so that such names cannot fill this cache or use up its questions.
 */
#include "base/ensure.h"
#include "role/role.h"
#include "roles/resolver/probe.h"
#include "roles/resolver/service.h"

static struct client *deliver;

static struct service_bounds bounds_of(const struct conf *conf)
{
	const struct conf_resolver *r = &conf->resolver;

	return (struct service_bounds){ r->max_queries, r->cache_size, r->timeout };
}

static unsigned count_files(const struct conf *conf)
{
	struct service_bounds bounds = bounds_of(conf);

	return service_count_files(conf, &bounds);
}

static void open_resolver(struct role *r)
{
	struct service_bounds bounds = bounds_of(r->conf);

	service_open(r, &bounds);
}

static void serve(struct role *r)
{
	probe_start(r, service_library());
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	(void)r;
	ASSERT(peer == ROLE_DELIVER);
	if (deliver)
		service_drop_client(deliver);
	deliver = service_add_client(fd, NULL, &deliver);
}

static void reload(struct role *r, const struct conf *old)
{
	service_reload(r, old, CONF_FOR_RESOLVER);
}

static const struct role_definition definition = {
	.id = ROLE_RESOLVER,
	.count_files = count_files,
	.list_ports = service_list_ports,
	.resource = service_take_resource,
	.open = open_resolver,
	.serve = serve,
	.peer = add_peer,
	.reload = reload,
	.counters = service_tell_counters,
};

int main(int argc, char **argv)
{
	return role_main(&definition, NULL, argc, argv);
}
