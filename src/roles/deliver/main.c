/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-deliver, the standing part: start, peers, jobs by queue's orders, counters. job.c does the
 * work. Trusts queue and resolver; reads nothing of a server.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "roles/deliver/deliver.h"
#include "sandbox/sandbox.h"

#include <event2/event.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { FILES_OF_ITS_OWN = 64, KEPT_FOR_QUEUE = 4 << 20, LEAVE_WITHIN_S = 10 };

_Static_assert(CONF_PORTS_MAX <= SANDBOX_MAX_PORTS, "the sandbox can list every port");

static struct deliver deliver;

/* A socket, a channel to hand through and one of its own for each, and the Maildirs. */
static unsigned count_files(const struct conf *conf)
{
	return (unsigned)(3 * conf->deliver.max_connections + CONF_MAILDIRS_MAX + FILES_OF_ITS_OWN);
}

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static size_t add_port(uint16_t *ports, size_t n, uint16_t port)
{
	if (has_port(ports, n, port))
		return n;
	ASSERT(n < SANDBOX_MAX_PORTS); /* CONF_PORTS_MAX */
	ports[n] = port;
	return n + 1;
}

static size_t list_ports(const struct conf *conf, uint16_t *ret_ports)
{
	size_t n = add_port(ret_ports, 0, (uint16_t)conf->deliver.port);

	for (size_t i = 0; i < conf->domain.n; i++) {
		const struct conf_domain *d = &conf->domain.v[i];
		for (size_t k = 0; k < d->next_hop.n; k++)
			n = add_port(ret_ports, n, d->next_hop.v[k].port);
		for (size_t k = 0; k < d->lmtp.n; k++)
			n = add_port(ret_ports, n, d->lmtp.v[k].port);
	}
	return n;
}

static void add_resource(struct role *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	(void)r;
	(void)kind;
	deliver.maildirs = mem_realloc(deliver.maildirs, (deliver.n_maildirs + 1) * sizeof *deliver.maildirs);
	deliver.maildirs[deliver.n_maildirs++] = (struct maildir_root){ index, fd };
}

static void add_own(const struct addr *a)
{
	deliver.own = mem_realloc(deliver.own, (deliver.n_own + 1) * sizeof *deliver.own);
	deliver.own[deliver.n_own++] = *a;
}

/* What MX records must not lead back to. */
static void find_own_addresses(const struct conf *conf)
{
	struct ifaddrs *all = NULL;
	struct sockaddr_storage ss;
	struct addr a;
	uint16_t port;

	for (size_t i = 0; i < conf->listener.n; i++)
		for (size_t k = 0; k < conf->listener.v[i].address.n; k++)
			add_own(&conf->listener.v[i].address.v[k].addr);
	if (getifaddrs(&all) < 0) {
		log_warning("the addresses of this machine are not known: only those of listeners count as "
			    "our own");
		return;
	}
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&ss, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							 : sizeof(struct sockaddr_in6));
		if (addr_of_sockaddr(&ss, &a, &port))
			add_own(&a);
	}
	freeifaddrs(all);
}

static void on_room_ended(void *owner, uint64_t ticket, enum rooms_end end, int status)
{
	(void)owner;
	job_room_ended(&deliver, ticket, end, status);
}

static void open_deliver(struct role *r)
{
	deliver.role = r;
	table_init(&deliver.jobs);
	find_own_addresses(r->conf);
	deliver.lookups = lookups_new(r);
	deliver.rooms = rooms_new(r, PROCESS_DELIVERY, r->conf->deliver.max_connections, on_room_ended, NULL);
	deliver.maildir_rooms =
		rooms_new(r, PROCESS_MAILDIR, r->conf->deliver.max_connections, on_room_ended, NULL);
}

static void on_queue(void *owner, struct peer *p, struct link_in *in)
{
	const struct queue_deliver_cancel *cancel = link_body(in);

	(void)owner;
	(void)p;
	if (in->type == QUEUE_DELIVER_JOB)
		job_start(&deliver, link_body(in), peer_take_fd(in, 0));
	else
		job_cancel(&deliver, cancel->job);
}

static void on_queue_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_QUEUE, why);
	deliver.queue = NULL;
	job_cancel_all(&deliver);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_queue, on_queue_gone };

	if (peer == ROLE_RESOLVER) {
		lookups_connect(deliver.lookups, fd);
		return;
	}
	peer_close(deliver.queue);
	job_cancel_all(&deliver);
	deliver.queue = peer_new(r->loop, fd, &queue_deliver_edge, QUEUE_DELIVER_SIDE_DELIVER, &events, NULL,
				 KEPT_FOR_QUEUE);
}

static void add_zygote(struct role *r, enum process_id kind, int fd)
{
	(void)r;
	rooms_add_zygote(kind == PROCESS_MAILDIR ? deliver.maildir_rooms : deliver.rooms, fd);
}

static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	role_stopped(arg);
}

/* Deliveries under way may end, so that nothing is sent twice; those that take long are begun again. */
static void leave(struct role *r)
{
	static const struct timeval patience = { LEAVE_WITHIN_S, 0 };

	role_leave(r);
	deliver.is_leaving = true;
	if (!deliver.queue || deliver.jobs.n == 0) {
		role_stopped(r);
		return;
	}
	peer_send(deliver.queue, QUEUE_DELIVER_LEAVING, NULL);
	event_base_once(r->loop, -1, EV_TIMEOUT, on_patience_over, r, &patience);
}

/* Landlock holds the ports since the start. */
static void reload(struct role *r, const struct conf *old)
{
	uint16_t was[SANDBOX_MAX_PORTS], is[SANDBOX_MAX_PORTS];
	size_t n_was = list_ports(old, was), n_is = list_ports(r->conf, is);
	bool is_same = n_was == n_is;

	for (size_t i = 0; i < n_is; i++)
		is_same &= has_port(was, n_was, is[i]);
	if (is_same)
		return;
	log_info("other ports of next servers: deliver starts anew");
	leave(r);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "jobs", deliver.jobs.n);
	role_counter(r, "connected", deliver.n_connected);
	role_counter(r, "failed", deliver.n_failed);
	role_counter(r, "rooms_crashed", deliver.n_crashed);
}

static const struct role_definition definition = {
	.id = ROLE_DELIVER,
	.count_files = count_files,
	.list_ports = list_ports,
	.resource = add_resource,
	.open = open_deliver,
	.peer = add_peer,
	.zygote = add_zygote,
	.reload = reload,
	.counters = tell_counters,
};

static const struct zygote_definition *const zygotes[] = { &delivery_zygote, &maildir_zygote, NULL };

int main(int argc, char **argv)
{
	return role_main(&definition, zygotes, argc, argv);
}
