/* SPDX-License-Identifier: Apache-2.0
 *
 * One job: the servers of a route in their order, each one's addresses, one connection after another,
 * until a room has taken over. Called by main.c. Trusts queue with the route; names and addresses from
 * the DNS are strangers' and go through route.c.
 *
 *	hosts ─▶ addresses of the next host ─▶ connect ─▶ room ─▶ ended
 *	  ▲            │ none left                │ fails    │ "try next"
 *	  └────────────┘◀─────────────────────────┴──────────┘
 *
 * Invariants: every job is answered by exactly one `failed` or `ended`, unless it was cancelled; the room's
 * channel is closed here only when the job is over, so that queue sees it end after the room has.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/role_audit.h"
#include "roles/deliver/connect.h"
#include "roles/deliver/deliver.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_FOR_ROOM = 4096 };

struct job {
	struct deliver *d;
	uint64_t ticket; /* ours, and of its rooms */
	uint64_t number; /* queue's */
	uint64_t way;    /* id of the domain block, or CONF_DOMAIN_NONE: by MX */
	enum deliver_room_protocol protocol;
	char domain[256];
	int room_fd; /* queue's channel, for the room */
	struct route route;
	const struct route_host *host;
	struct addr *addrs; /* of this host, in order */
	size_t n_addrs, next_addr, n_tried;
	struct lookup *mx, *a, *aaaa;
	struct connect *connect;
	struct event *later; /* the next step, out of a callback */
	bool is_clear;       /* TLS failed with this address */
	bool has_room;
	bool is_orphan;             /* the queue that gave it is gone, or wants it no more */
	enum queue_deliver_why why; /* the gravest or last reason so far */
	char last_host[256];
};

static const struct conf *conf_of(const struct job *j)
{
	return j->d->role->conf;
}

static const struct conf_domain *domain_of(const struct job *j)
{
	const struct conf_domain *d = conf_domain_by_id(conf_of(j), j->way);

	return d ? d : conf_find_domain(conf_of(j), text_from_cstr(j->domain));
}

static void job_free(struct job *j)
{
	struct deliver *d = j->d;

	lookup_cancel(j->mx);
	lookup_cancel(j->a);
	lookup_cancel(j->aaaa);
	connect_cancel(j->connect);
	event_free(j->later);
	table_remove(&j->d->jobs, j->ticket);
	route_done(&j->route);
	free(j->addrs);
	close(j->room_fd);
	free(j);
	if (d->is_leaving && d->jobs.n == 0)
		role_stopped(d->role);
}

static void tell_queue(const struct job *j, unsigned type, const void *body)
{
	if (j->d->queue && !j->is_orphan)
		peer_send(j->d->queue, type, body);
}

static void fail(struct job *j, enum queue_deliver_why why)
{
	struct queue_deliver_failed m = { j->number, why, text_from_cstr(j->last_host) };

	j->d->n_failed++;
	tell_queue(j, QUEUE_DELIVER_FAILED, &m);
	job_free(j);
}

static void go_on(struct job *j)
{
	event_active(j->later, EV_TIMEOUT, 0);
}

static uint32_t random_key(void)
{
	uint32_t key = 0;

	ASSERT(getrandom(&key, sizeof key, 0) == sizeof key);
	return key;
}

/* ---- the room ---- */

static enum deliver_room_tls tls_of(const struct job *j)
{
	const struct conf_domain *d = domain_of(j);

	if (d && d->tls == CONF_DOMAIN_TLS_REQUIRED)
		return DELIVER_ROOM_TLS_MUST;
	if ((d && d->tls == CONF_DOMAIN_TLS_NONE) || j->is_clear)
		return DELIVER_ROOM_TLS_NONE;
	return DELIVER_ROOM_TLS_MAY;
}

/* Once, for all servers of the job: a reload may change the domain's way meanwhile. */
static enum deliver_room_protocol find_protocol(const struct job *j)
{
	const struct conf_domain *d = domain_of(j);

	if (j->way == CONF_DOMAIN_NONE || !d || d->route == CONF_ROUTE_SMTP || d->route == CONF_ROUTE_MX)
		return DELIVER_ROOM_PROTOCOL_SMTP;
	return d->route == CONF_ROUTE_LMTP ? DELIVER_ROOM_PROTOCOL_LMTP : DELIVER_ROOM_PROTOCOL_MAILDIR;
}

static bool has_more(const struct job *j)
{
	return j->n_tried < conf_of(j)->deliver.max_addresses &&
	       (j->next_addr < j->n_addrs || route_has_more(&j->route));
}

/* Sends `begin` ahead, into the channel that the room will find. */
static bool send_begin(struct job *j, const struct addr *address, int *ret_fd)
{
	struct deliver_room_begin begin = { .protocol = j->protocol,
					    .tls = tls_of(j),
					    .host = text_from_cstr(j->host ? j->host->name : ""),
					    .address = address ? *address : (struct addr){ { 0 } },
					    .port = j->host ? j->host->port : 0,
					    .ehlo_name = conf_of(j)->top.hostname,
					    .is_last = !has_more(j) };
	struct link ours;
	int fds[2];
	enum error e = link_make_pair(&deliver_room_edge, fds);

	if (e)
		return false;
	ours = link_of(fds[0], &deliver_room_edge, DELIVER_ROOM_SIDE_DELIVER);
	e = link_send(&ours, DELIVER_ROOM_BEGIN, &begin, NULL, 0, LINK_NO_WAIT);
	link_close(&ours);
	*ret_fd = fds[1];
	if (e)
		close(fds[1]);
	return !e;
}

static void open_room(struct job *j, struct rooms *rooms, int socket, const struct addr *address)
{
	struct queue_deliver_connected m = { .job = j->number,
					     .host = text_from_cstr(j->host ? j->host->name : ""),
					     .address = address ? *address : (struct addr){ { 0 } } };
	int fds[3] = { socket, j->room_fd, -1 };

	if (!send_begin(j, address, &fds[2])) {
		fail(j, QUEUE_DELIVER_WHY_BUSY);
		return;
	}
	if (rooms_spawn(rooms, j->ticket, fds, 3)) {
		close(fds[2]);
		fail(j, QUEUE_DELIVER_WHY_BUSY);
		return;
	}
	close(fds[2]);
	j->has_room = true;
	tell_queue(j, QUEUE_DELIVER_CONNECTED, &m);
}

void job_room_ended(struct deliver *d, uint64_t ticket, enum rooms_end end, int status)
{
	struct job *j = table_get(&d->jobs, ticket);
	struct queue_deliver_ended m = { .crashed = end == ROOMS_CRASHED };
	int code = end == ROOMS_FAILED ? WEXITSTATUS(status) : 0;

	ASSERT(j != NULL); /* it lives as long as its room */
	m.job = j->number;
	if (end == ROOMS_CRASHED) {
		d->n_crashed++;
		role_audit(d->role, ROLE_AUDIT_KIND_ROOM_CRASHED, "deliver", "host=%s status=%d",
			   j->last_host, status);
	}
	j->has_room = false;
	if (code == DELIVER_TRY_NEXT && has_more(j) && !j->is_orphan) {
		j->why = QUEUE_DELIVER_WHY_CONNECT_REFUSED;
		go_on(j);
		return;
	}
	if (code == DELIVER_NO_TLS && !j->is_clear && !j->is_orphan) {
		j->is_clear = true;
		j->next_addr--; /* the same address, which counts once */
		j->n_tried--;
		go_on(j);
		return;
	}
	tell_queue(j, QUEUE_DELIVER_ENDED, &m);
	job_free(j);
}

/* ---- addresses ---- */

static const struct addr *source_for(struct job *j, const struct addr *to)
{
	const struct conf_addrs *sources = &conf_of(j)->deliver.source;

	for (size_t i = 0; i < sources->n; i++) {
		const struct addr *a = &sources->v[j->d->next_source++ % sources->n];
		if (addr_is_v4(a) == addr_is_v4(to))
			return a;
	}
	return NULL;
}

static enum queue_deliver_why why_of_errno(int number)
{
	if (number == ETIMEDOUT)
		return QUEUE_DELIVER_WHY_CONNECT_TIMEOUT;
	if (number == ECONNREFUSED || number == ECONNRESET)
		return QUEUE_DELIVER_WHY_CONNECT_REFUSED;
	return number == EMFILE || number == ENFILE || number == ENOBUFS ? QUEUE_DELIVER_WHY_BUSY
									 : QUEUE_DELIVER_WHY_UNREACHABLE;
}

static void on_connected(void *owner, int fd, int number)
{
	struct job *j = owner;

	j->connect = NULL;
	if (fd < 0) {
		j->why = why_of_errno(number);
		go_on(j);
		return;
	}
	j->d->n_connected++;
	open_room(j, j->d->rooms, fd, &j->addrs[j->next_addr - 1]);
	close(fd);
}

static void try_address(struct job *j)
{
	const struct addr *to = &j->addrs[j->next_addr++];
	char text[ADDR_TEXT_SIZE];
	int number;

	addr_print(to, text);
	snprintf(j->last_host, sizeof j->last_host, "%.190s [%s]:%u", j->host->name, text, j->host->port);
	j->n_tried++;
	j->connect = connect_start(j->d->role->loop, to, j->host->port, source_for(j, to),
				   conf_of(j)->deliver.connect_timeout, on_connected, j, &number);
	if (j->connect)
		return;
	j->why = why_of_errno(number);
	go_on(j);
}

static void add_address(struct job *j, const struct addr *a)
{
	const struct route_rules rules = { &conf_of(j)->deliver.allow, j->d->own, j->d->n_own };
	enum route_verdict verdict = j->route.is_restricted ? route_check_addr(&rules, a) : ROUTE_OK;

	if (verdict == ROUTE_OWN)
		route_stop_at_own(&j->route);
	if (verdict != ROUTE_OK || j->n_addrs >= conf_of(j)->deliver.max_addresses) {
		j->why = QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS;
		return;
	}
	j->addrs = mem_realloc(j->addrs, (j->n_addrs + 1) * sizeof *j->addrs);
	j->addrs[j->n_addrs++] = *a;
}

static void shuffle(struct job *j)
{
	uint32_t *keys = mem_zalloc(j->n_addrs + 1, sizeof *keys);

	for (size_t i = 0; i < j->n_addrs; i++)
		keys[i] = random_key();
	route_shuffle(j->addrs, keys, j->n_addrs);
	free(keys);
}

static void on_addresses(void *owner, struct lookup *l, const struct lookup_answer *answer)
{
	struct job *j = owner;

	if (l == j->a)
		j->a = NULL;
	else
		j->aaaa = NULL;
	for (size_t i = 0; i < answer->n; i++)
		add_address(j, &answer->records[i].addr);
	if (answer->n == 0 && j->n_addrs == 0 && answer->status != CLIENT_RESOLVER_STATUS_NO_DATA &&
	    answer->status != CLIENT_RESOLVER_STATUS_NO_NAME)
		j->why = QUEUE_DELIVER_WHY_DNS_FAILED;
	if (j->a || j->aaaa)
		return;
	shuffle(j);
	go_on(j);
}

static void take_host(struct job *j)
{
	j->host = route_next(&j->route);
	j->n_addrs = j->next_addr = 0;
	j->is_clear = false;
	if (j->host->has_addr) {
		struct addr a = j->host->addr;
		add_address(j, &a);
		go_on(j);
		return;
	}
	snprintf(j->last_host, sizeof j->last_host, "%s", j->host->name);
	j->a = lookup_ask(j->d->lookups, CLIENT_RESOLVER_TYPE_A, text_from_cstr(j->host->name), on_addresses,
			  j);
	j->aaaa = lookup_ask(j->d->lookups, CLIENT_RESOLVER_TYPE_AAAA, text_from_cstr(j->host->name),
			     on_addresses, j);
}

/* The next thing to try. */
static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	(void)fd;
	(void)what;
	if (j->n_tried >= conf_of(j)->deliver.max_addresses)
		fail(j, j->why);
	else if (j->next_addr < j->n_addrs)
		try_address(j);
	else if (route_has_more(&j->route))
		take_host(j);
	else
		fail(j, j->why);
}

/* ---- servers ---- */

static void add_configured(struct job *j, const struct conf_hosts *hosts)
{
	route_init(&j->route, false);
	for (size_t i = 0; i < hosts->n; i++) {
		const struct conf_host *h = &hosts->v[i];
		if (h->name.n)
			route_add_name(&j->route, h->name, h->port, (uint16_t)i, 0);
		else
			route_add_addr(&j->route, &h->addr, h->port);
	}
	go_on(j);
}

static void take_mx(struct job *j, const struct lookup_answer *answer)
{
	uint16_t port = (uint16_t)conf_of(j)->deliver.port;

	for (size_t i = 0; i < answer->n; i++) {
		const struct lookup_record *r = &answer->records[i];
		route_add_name(&j->route, text_from_bytes(r->name, r->name_n), port, r->preference,
			       random_key());
	}
	if (answer->n == 0) /* the implicit one. rfc5321 5.1 */
		route_add_name(&j->route, text_from_cstr(j->domain), port, 0, 0);
}

static void on_mx(void *owner, struct lookup *l, const struct lookup_answer *answer)
{
	struct job *j = owner;

	(void)l;
	j->mx = NULL;
	if (answer->status == CLIENT_RESOLVER_STATUS_NO_NAME) {
		fail(j, QUEUE_DELIVER_WHY_NO_SUCH_DOMAIN);
		return;
	}
	if (answer->status != CLIENT_RESOLVER_STATUS_OK && answer->status != CLIENT_RESOLVER_STATUS_NO_DATA) {
		fail(j, QUEUE_DELIVER_WHY_DNS_FAILED);
		return;
	}
	take_mx(j, answer);
	switch (route_sort_mx(&j->route, conf_of(j)->top.hostname, conf_of(j)->deliver.max_mx)) {
	case ROUTE_MX_NULL:
		fail(j, QUEUE_DELIVER_WHY_NULL_MX);
		return;
	case ROUTE_MX_NONE:
		fail(j, QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS);
		return;
	case ROUTE_MX_OK:
		go_on(j);
	}
}

static void find_by_mx(struct job *j)
{
	const struct route_rules rules = { &conf_of(j)->deliver.allow, j->d->own, j->d->n_own };
	struct text domain = text_from_cstr(j->domain);
	struct addr literal;

	route_init(&j->route, true);
	if (route_parse_literal(domain, &literal)) {
		if (route_may_use_literal(&rules, &literal))
			route_add_addr(&j->route, &literal, (uint16_t)conf_of(j)->deliver.port);
		go_on(j);
		return;
	}
	if (domain.n == 0) {
		fail(j, QUEUE_DELIVER_WHY_NO_SUCH_DOMAIN);
		return;
	}
	j->why = QUEUE_DELIVER_WHY_NO_ADDRESS; /* until something else is known. rfc5321 5.1 */
	j->mx = lookup_ask(j->d->lookups, CLIENT_RESOLVER_TYPE_MX, domain, on_mx, j);
}

static void open_maildir(struct job *j)
{
	int directory = -1;

	for (size_t i = 0; i < j->d->n_maildirs; i++)
		if (j->d->maildirs[i].domain == j->way)
			directory = j->d->maildirs[i].fd;
	if (directory < 0) {
		fail(j, QUEUE_DELIVER_WHY_DIRECTORY_FAILED);
		return;
	}
	snprintf(j->last_host, sizeof j->last_host, "maildir");
	open_room(j, j->d->maildir_rooms, directory, NULL);
}

void job_start(struct deliver *d, const struct queue_deliver_job *m, int room_fd)
{
	struct job *j = mem_zalloc(1, sizeof *j);
	const struct conf_domain *domain;

	j->d = d;
	j->ticket = ++d->last_ticket;
	j->number = m->job;
	j->way = m->route;
	j->room_fd = room_fd;
	j->why = QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS;
	snprintf(j->domain, sizeof j->domain, "%.*s", TEXT_ARGS(m->domain));
	j->protocol = find_protocol(j);
	j->later = evtimer_new(d->role->loop, on_later, j);
	ASSERT(j->later != NULL);
	table_put(&d->jobs, j->ticket, j);
	domain = conf_domain_by_id(d->role->conf, j->way);
	if (!domain && j->way != CONF_DOMAIN_NONE)
		fail(j, QUEUE_DELIVER_WHY_BUSY); /* of a configuration that only one of us has: soon again */
	else if (!domain || domain->route == CONF_ROUTE_MX)
		find_by_mx(j);
	else if (domain->route == CONF_ROUTE_MAILDIR)
		open_maildir(j);
	else
		add_configured(j, domain->route == CONF_ROUTE_LMTP ? &domain->lmtp : &domain->next_hop);
}

/* Those without a room are over at once; a room is killed, and its job ends with it. */
static void cancel(struct job *j)
{
	bool is_maildir = j->protocol == DELIVER_ROOM_PROTOCOL_MAILDIR;

	if (!j->has_room) {
		job_free(j);
		return;
	}
	rooms_kill(is_maildir ? j->d->maildir_rooms : j->d->rooms, j->ticket);
}

void job_cancel(struct deliver *d, uint64_t number)
{
	struct job *j;
	size_t at = 0;

	while ((j = table_next(&d->jobs, &at)) && (j->number != number || j->is_orphan))
		;
	if (j)
		cancel(j);
}

void job_cancel_all(struct deliver *d)
{
	struct job *j;
	size_t at = 0;

	while ((j = table_next(&d->jobs, &at)))
		if (!j->is_orphan) {
			j->is_orphan = true;
			cancel(j);
			at = 0; /* the table may have moved */
		}
}
