/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to next servers: opened as the schedule asks for them, through deliver, which connects
 * and forks the room that speaks over its own channel to us (delivery.c). Trusts deliver with where a
 * connection goes and how it ended.
 *
 * Invariants: a delivery is over when its room's channel is over and deliver has said so (or is away),
 * in either order, so that what the room said last is read; the schedule's count of connections is the
 * number of deliveries.
 */
#include "roles/queue/deliver.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/queue_deliver.h"
#include "ipc/queue_delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROOM_KEPT = 64 << 20, DOMAIN_MAX = 255 };

/* ---- where to ---- */

static struct text domain_of(struct text address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return text_skip(address, at);
}

uint64_t deliver_find_route(const struct conf *conf, struct text route, struct text address)
{
	const struct conf_domain *d = route.n ? conf_domain_by_id(conf, text_hash(route)) : NULL;

	if (!d)
		d = conf_find_domain(conf, domain_of(address));
	if (!d)
		d = conf_default_domain(conf);
	return d && !d->mx ? d->id : CONF_DOMAIN_NONE;
}

struct destination *deliver_find_destination(struct queue *q, const struct spool_rcpt *r)
{
	uint64_t route = deliver_find_route(queue_conf(q), r->route, r->address);
	struct text domain = text_slice(domain_of(r->address), 0, DOMAIN_MAX); /* longer ones do not exist */
	char lower[DOMAIN_MAX];

	for (size_t i = 0; i < domain.n; i++)
		lower[i] = text_lower_byte(domain.p[i]);
	return schedule_destination(&q->schedule, route, text_from_bytes(lower, domain.n));
}

/* ---- deliveries ---- */

static void free_delivery(struct delivery *d)
{
	struct queue *q = d->q;

	delivery_set_idle(d, false);
	delivery_close_part(d, "the connection was lost");
	table_remove(&q->deliveries, d->job);
	schedule_connection_closed(&q->schedule, d->destination, d->is_connecting);
	peer_close(d->room);
	arena_reset(&d->arena);
	free(d);
	queue_wake(q);
}

static void room_gone(void *owner, struct peer *p, enum error why)
{
	struct delivery *d = owner;

	(void)p;
	d->room = NULL;
	delivery_set_idle(d, false);
	if (why != ERROR_CLOSED)
		role_audit(d->q->role, ROLE_AUDIT_KIND_PEER_MISBEHAVED, "delivery room", "remote=%s: %s",
			   d->remote, error_text(why));
	if (d->has_ended)
		free_delivery(d);
}

static bool open_delivery(struct queue *q, struct destination *destination)
{
	static const struct peer_events events = { delivery_take, room_gone };
	struct queue_deliver_job job = { .route = destination->route, .domain = destination->domain };
	struct delivery *d;
	int fds[2];

	if (link_make_pair(&queue_delivery_edge, fds) != ERROR_NONE)
		return false;
	d = mem_zalloc(1, sizeof *d);
	d->q = q;
	d->job = job.job = ++q->last_job;
	d->destination = destination;
	d->is_connecting = true;
	arena_init(&d->arena, (size_t)1 << 20);
	d->room = peer_new(q->role->loop, fds[0], &queue_delivery_edge, QUEUE_DELIVERY_SIDE_QUEUE, &events, d,
			   ROOM_KEPT);
	table_put(&q->deliveries, d->job, d);
	schedule_connection_opened(&q->schedule, destination);
	peer_send_fds(q->deliver, QUEUE_DELIVER_JOB, &job, &fds[1], 1);
	close(fds[1]);
	return true;
}

/* ---- what deliver says ---- */

static void connected(struct delivery *d, const struct queue_deliver_connected *m)
{
	static const struct addr nowhere; /* a directory */
	char address[ADDR_TEXT_SIZE];

	addr_print(&m->address, address);
	if (addr_is_equal(&m->address, &nowhere))
		snprintf(d->remote, sizeof d->remote, "maildir");
	else if (m->host.n)
		snprintf(d->remote, sizeof d->remote, "%.*s [%s]", (int)(m->host.n < 190 ? m->host.n : 190),
			 m->host.p, address);
	else
		snprintf(d->remote, sizeof d->remote, "[%s]", address);
}

/* rfc3463 3.2, 3.5; rfc7505 4.1 */
static void failed(struct delivery *d, const struct queue_deliver_failed *m)
{
	static const struct {
		const char *text, *enhanced;
		bool is_final;
	} reasons[] = {
		[QUEUE_DELIVER_WHY_NO_SUCH_DOMAIN] = { "the domain does not exist", "5.1.2", true },
		[QUEUE_DELIVER_WHY_NULL_MX] = { "the domain takes no mail (RFC 7505)", "5.1.10", true },
		[QUEUE_DELIVER_WHY_DNS_FAILED] = { "no answer from the DNS", "4.4.3", false },
		[QUEUE_DELIVER_WHY_NO_ADDRESS] = { "no server of the domain has an address", "5.4.4", true },
		[QUEUE_DELIVER_WHY_NO_USABLE_ADDRESS] = { "no address that mail may go to", "4.4.4", false },
		[QUEUE_DELIVER_WHY_CONNECT_REFUSED] = { "connection refused", "4.4.1", false },
		[QUEUE_DELIVER_WHY_CONNECT_TIMEOUT] = { "no connection in time", "4.4.1", false },
		[QUEUE_DELIVER_WHY_UNREACHABLE] = { "unreachable", "4.4.1", false },
		[QUEUE_DELIVER_WHY_BUSY] = { "too many deliveries at this moment", "4.3.2", false },
		[QUEUE_DELIVER_WHY_TLS_NEEDED] = { "no TLS, which is required for it", "4.7.4", false },
		[QUEUE_DELIVER_WHY_DIRECTORY_FAILED] = { "the Maildir cannot be opened", "4.3.0", false },
	};
	struct destination *to = d->destination;
	char why[sizeof to->trouble];

	snprintf(why, sizeof why, "%s%s%.*s", reasons[m->why].text, m->host.n ? ": " : "",
		 (int)(m->host.n < 150 ? m->host.n : 150), m->host.p);
	/* While others get through, this one says no more than that there are too many. */
	if (m->why != QUEUE_DELIVER_WHY_BUSY && to->n_connections == to->n_connecting) {
		snprintf(to->trouble, sizeof to->trouble, "%s", why);
		delivery_fail_line(d->q, to, reasons[m->why].is_final, reasons[m->why].enhanced, why);
	}
	schedule_connection_failed(to, clock_wall_ms());
}

static void deliver_message(void *owner, struct peer *p, struct link_in *in)
{
	struct queue *q = owner;
	const struct queue_deliver_ended *ended = link_body(in); /* the others begin with the job */
	struct delivery *d;

	(void)p;
	if (in->type == QUEUE_DELIVER_LEAVING) {
		q->is_deliver_leaving = true;
		queue_wake(q);
		return;
	}
	d = table_get(&q->deliveries, ended->job);
	if (!d || d->has_ended)
		return;
	if (in->type == QUEUE_DELIVER_CONNECTED) {
		connected(d, link_body(in));
		return;
	}
	if (in->type == QUEUE_DELIVER_FAILED)
		failed(d, link_body(in));
	d->has_ended = true;
	if (!d->room)
		free_delivery(d);
}

/* Its rooms end with it; what they said last may still be read. */
static void lose_deliver(struct queue *q)
{
	struct delivery *d;
	size_t at = 0;
	bool is_any = true;

	q->deliver = NULL;
	while ((d = table_next(&q->deliveries, &at)))
		d->has_ended = d->is_orphan = true;
	while (is_any) {
		at = 0;
		is_any = false;
		while (!is_any && (d = table_next(&q->deliveries, &at)))
			is_any = !d->room;
		if (is_any)
			free_delivery(d);
	}
}

static void deliver_gone(void *owner, struct peer *p, enum error why)
{
	(void)p;
	role_log_gone(ROLE_DELIVER, why);
	lose_deliver(owner);
}

void deliver_open(struct queue *q, int fd)
{
	static const struct peer_events events = { deliver_message, deliver_gone };

	if (q->deliver) {
		peer_close(q->deliver);
		lose_deliver(q);
	}
	q->is_deliver_leaving = false;
	q->deliver = peer_new(q->role->loop, fd, &queue_deliver_edge, QUEUE_DELIVER_SIDE_QUEUE, &events, q,
			      1 << 20);
	queue_wake(q);
}

/* ---- the turn ---- */

/* Rooms that wait get what has become ready, or are told that nothing comes. */
static void serve_idle(struct queue *q)
{
	int64_t now = clock_mono_ms();
	struct delivery *d;
	size_t at = 0;

	while ((d = table_next(&q->deliveries, &at)))
		if (d->is_idle &&
		    (d->destination->ready.first || d->idle_until <= now || !queue_may_deliver(q)))
			delivery_feed(d);
}

void deliver_advance(struct queue *q, int64_t now)
{
	struct destination *to;

	schedule_advance(&q->schedule, now);
	serve_idle(q);
	if (!queue_may_deliver(q))
		return;
	while ((to = schedule_want_connection(&q->schedule, now)))
		if (!open_delivery(q, to))
			return;
}

int64_t deliver_wake_at(const struct queue *q)
{
	const struct delivery *d;
	int64_t at = INT64_MAX;
	size_t i = 0;

	while ((d = table_next(&q->deliveries, &i)))
		if (d->is_idle && d->idle_until < at)
			at = d->idle_until;
	return at;
}

void deliver_stop(struct queue *q)
{
	serve_idle(q);
}
