/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-queue: opens the spool, then serves policy, session rooms, scan, deliver, their rooms and
 * administrators, all in one loop. This file holds what is left: start, the turn that does what the
 * time asks for, counters, stop.
 *
 * Invariants: a spool that has failed to sync ends the process, since what is on disk is unknown then;
 * at the stop everything that was submitted is committed first.
 */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "roles/queue/queue.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sysexits.h>

enum { FILES_OF_ITS_OWN = 128, LAZY_MS = 50, STATUS_MS = 1000, STOP_MS = 3000 };

static struct queue queue;

/* Channels of sessions, rooms of both kinds, deliveries, and body files of as many. */
static unsigned count_files(const struct conf *conf)
{
	uint64_t sessions = 0, n;

	for (size_t i = 0; i < conf->listener.n; i++)
		sessions += conf->listener.v[i].max_connections;
	n = sessions * 2 + conf->scan.slots * 2 + conf->deliver.max_connections * 2 + FILES_OF_ITS_OWN;
	return (unsigned)n;
}

static struct schedule_limits limits_of(const struct conf *conf)
{
	uint64_t most = conf->deliver.max_connections; /* each has one message at a time */

	if (most > conf->queue.max_in_flight)
		most = conf->queue.max_in_flight;
	return (struct schedule_limits){ .per_destination = (uint32_t)conf->queue.destination_concurrency,
					 .total = (uint32_t)most,
					 .retry = conf->queue.retry.v,
					 .n_retry = conf->queue.retry.n };
}

/* ---- the turn ---- */

void queue_wake(struct queue *q)
{
	if (q->tick)
		event_active(q->tick, EV_TIMEOUT, 0);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void set_tick(struct queue *q)
{
	int64_t mono = clock_mono_ms(), wall = clock_wall_ms(), wait = STATUS_MS, at;
	struct timeval time;

	at = earliest(judge_wake_at(q), deliver_wake_at(q));
	if (at != INT64_MAX)
		wait = earliest(wait, at - mono);
	at = earliest(notice_wake_at(q),
		      queue_may_deliver(q) ? schedule_wake_at(&q->schedule, wall) : SCHEDULE_NEVER);
	if (at != INT64_MAX)
		wait = earliest(wait, at - wall);
	if (wait < 1)
		wait = 1;
	time = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	evtimer_add(q->tick, &time);
}

/* What happened to the spool that a person must know, once. */
static void check_spool(struct queue *q)
{
	struct spool_status status;

	spool_get_status(q->spool, &status);
	if (status.is_broken)
		log_fatal(EX_IOERR,
			  "the spool could not be synced to disk; nothing that was promised depends on "
			  "it, but the disk must be looked at");
	if (status.is_corrupt && !q->failure_reported) {
		log_error("the spool is damaged: no new mail is taken; stop, then 'postern queue salvage'");
		role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, "damaged", "the database is damaged");
		q->failure_reported = true;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	check_spool(q);
	judge_advance(q, clock_mono_ms());
	notice_advance(q, clock_wall_ms());
	deliver_advance(q, clock_wall_ms());
	pressure_tell(q);
	if (q->is_stopping && q->deliveries.n == 0 && !q->intakes)
		role_stopped(q->role);
	set_tick(q);
}

static void on_spool(evutil_socket_t fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	spool_reap(q->spool);
}

/* ---- life ---- */

static void open_queue(struct role *r)
{
	struct schedule_limits limits = limits_of(r->conf);
	struct queue *q = &queue;

	q->role = r;
	table_init(&q->items);
	table_init(&q->judgements);
	table_init(&q->deliveries);
	heap_init(&q->notices_due);
	schedule_init(&q->schedule, &limits);
	q->tick = evtimer_new(r->loop, on_tick, q);
	ASSERT(q->tick);
}

static void open_spool(struct role *r)
{
	struct spool_options options;
	enum error e;

	spool_options_init(&options);
	options.reserve_bytes = r->conf->queue.reserve;
	options.batch_max = (uint32_t)r->conf->queue.commit_batch;
	options.lazy_ms = LAZY_MS;
	e = spool_open(&options, &queue.spool);
	if (e == ERROR_CORRUPT)
		log_fatal(EX_DATAERR,
			  "the spool is damaged or of another version: recover its messages with 'postern "
			  "queue salvage'");
	if (e)
		log_fatal(EX_IOERR, "the spool cannot be opened: %s", error_text(e));
}

static void serve(struct role *r)
{
	struct queue *q = &queue;
	struct event *spool_event =
		event_new(r->loop, spool_completed_fd(q->spool), EV_READ | EV_PERSIST, on_spool, q);

	ASSERT(spool_event && event_add(spool_event, NULL) == 0);
	q->spool_event = spool_event;
	item_load_all(q);
	queue_wake(q);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	(void)r;
	if (peer == ROLE_POLICY)
		intake_open_policy(&queue, fd);
	else if (peer == ROLE_SCAN)
		judge_open_scan(&queue, fd);
	else if (peer == ROLE_KEYRING)
		signing_open_keyring(&queue, fd);
	else if (peer == ROLE_REPORT)
		report_open(&queue, fd);
	else
		deliver_open(&queue, fd);
}

static void add_admin(struct role *r, unsigned uid, int fd)
{
	(void)r;
	admin_open(&queue, uid, fd);
}

/* A domain has another kind of way: what waits for it is not at the right place any more. */
static bool has_new_ways(const struct conf *a, const struct conf *b)
{
	bool is_same = a->domain.n == b->domain.n;

	for (size_t i = 0; is_same && i < a->domain.n; i++) {
		const struct conf_domain *d = conf_domain_by_id(b, a->domain.v[i].id);
		is_same = d && d->route == a->domain.v[i].route;
	}
	return !is_same;
}

static void reload(struct role *r, const struct conf *old)
{
	queue.schedule.limits = limits_of(r->conf);
	if (has_new_ways(old, r->conf))
		item_reroute_all(&queue);
	queue_wake(&queue);
}

static void tell_counters(struct role *r)
{
	const struct queue *q = &queue;
	struct spool_status status;

	spool_get_status(q->spool, &status);
	role_counter(r, "messages", q->items.n);
	role_counter(r, "messages_held", q->n_held);
	role_counter(r, "bytes", q->spool_bytes);
	role_counter(r, "accepted", q->n_accepted);
	role_counter(r, "refused", q->n_refused);
	role_counter(r, "discarded", q->n_discarded);
	role_counter(r, "recipients_delivered", q->n_delivered);
	role_counter(r, "recipients_failed", q->n_failed);
	role_counter(r, "recipients_deferred", q->n_deferred);
	role_counter(r, "notices", q->n_bounced);
	role_counter(r, "room_deaths", q->n_crashes);
	role_counter(r, "connections", q->deliveries.n);
	role_counter(r, "commits", status.n_commits);
	role_counter(r, "disk_full", status.is_full);
}

static void on_stop_too_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	role_stopped(((struct queue *)arg)->role);
}

static void stop(struct role *r)
{
	static const struct timeval patience = { STOP_MS / 1000, 0 };
	struct queue *q = &queue;

	q->is_stopping = true;
	intake_close_all(q);
	judge_stop(q);
	spool_flush(q->spool);
	deliver_stop(q);
	event_base_once(r->loop, -1, EV_TIMEOUT, on_stop_too_late, q, &patience);
	queue_wake(q);
}

static const struct role_definition definition = {
	.id = ROLE_QUEUE,
	.count_files = count_files,
	.open = open_queue,
	.threads = open_spool,
	.serve = serve,
	.peer = add_peer,
	.admin = add_admin,
	.reload = reload,
	.counters = tell_counters,
	.stop = stop,
};

int main(int argc, char **argv)
{
	int status = role_main(&definition, NULL, argc, argv);

	spool_close(queue.spool);
	return status;
}
