/* SPDX-License-Identifier: Apache-2.0
 *
 * postern-scan, the standing part: opens a room for each job that queue sends, and for one that
 * authenticates a channel to the resolver for judging; ends rooms that take too long, and tells queue how
 * each ended. Reads nothing that a stranger wrote, trusts queue and its zygotes. Invariants: every job is
 * answered by exactly one `ended`, unless the queue that sent it is gone; at most so many rooms of each kind
 * are open as the configuration has slots; no room outlives its time.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "base/table.h"
#include "ipc/client_resolver.h"
#include "ipc/queue_scan.h"
#include "ipc/role_audit.h"
#include "ipc/scan_resolver.h"
#include "role/role.h"
#include "role/rooms.h"
#include "roles/scan/scan.h"

#include <event2/event.h>
#include <sys/time.h>
#include <unistd.h>

#define FILES_OF_ITS_OWN 64
#define KEPT_FOR_QUEUE   ((size_t)4 << 20)
#define KEPT_FOR_DNS     ((size_t)1 << 20)
#define GRACE_MS         250 /* a room watches its time itself; this is for one that does not */

enum { N_KINDS = QUEUE_SCAN_KIND_AUTHENTICATE + 1 };

static const struct {
	enum process_id process;
	const char *room, *counter;
} kinds[N_KINDS] = {
	[QUEUE_SCAN_KIND_JUDGE] = { PROCESS_MESSAGE, "message", "messages_judged" },
	[QUEUE_SCAN_KIND_COMPOSE] = { PROCESS_COMPOSE, "compose", "notices_composed" },
	[QUEUE_SCAN_KIND_AUTHENTICATE] = { PROCESS_AUTHENTICATION, "authentication",
					   "messages_authenticated" },
};

struct job {
	uint64_t ticket; /* ours */
	uint64_t job;    /* queue's */
	enum queue_scan_kind kind;
	struct event *timer;
	bool is_late;
	bool is_orphan; /* the queue that sent it is gone */
};

static struct {
	struct role *role;
	struct peer *queue, *resolver;
	struct rooms *rooms[N_KINDS]; /* by kind */
	struct table jobs;            /* by ticket */
	uint64_t last_ticket;
	uint64_t n_finished[N_KINDS], n_crashed, n_late, n_refused;
} scan;

static unsigned count_files(const struct conf *conf)
{
	return (unsigned)(2 * conf->scan.slots + 3 * conf->scan.authentication_slots) + FILES_OF_ITS_OWN;
}

static void tell_ended(uint64_t job, enum queue_scan_how how)
{
	struct queue_scan_ended ended = { job, how };

	if (scan.queue)
		peer_send(scan.queue, QUEUE_SCAN_ENDED, &ended);
}

static enum queue_scan_how how_of(const struct job *j, enum rooms_end end)
{
	if (j->is_late)
		return QUEUE_SCAN_HOW_OUT_OF_TIME;
	if (end == ROOMS_FINISHED)
		return QUEUE_SCAN_HOW_FINISHED;
	return end == ROOMS_LOST ? QUEUE_SCAN_HOW_NO_ROOM : QUEUE_SCAN_HOW_CRASHED;
}

static void count(const struct job *j, enum queue_scan_how how)
{
	scan.n_finished[j->kind] += how == QUEUE_SCAN_HOW_FINISHED;
	scan.n_crashed += how == QUEUE_SCAN_HOW_CRASHED;
	scan.n_late += how == QUEUE_SCAN_HOW_OUT_OF_TIME;
	scan.n_refused += how == QUEUE_SCAN_HOW_NO_ROOM;
}

static void free_job(struct job *j)
{
	table_remove(&scan.jobs, j->ticket);
	event_free(j->timer);
	free(j);
}

static void on_room_ended(void *owner, uint64_t ticket, enum rooms_end end, int status)
{
	struct job *j = table_get(&scan.jobs, ticket);
	enum queue_scan_how how;

	(void)owner;
	ASSERT(j != NULL);
	how = how_of(j, end);
	count(j, how);
	if (how == QUEUE_SCAN_HOW_CRASHED)
		role_audit(scan.role, ROLE_AUDIT_KIND_ROOM_CRASHED, "scan", "job %llu, %s room, status %d",
			   (unsigned long long)j->job, kinds[j->kind].room, status);
	if (!j->is_orphan)
		tell_ended(j->job, how);
	free_job(j);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	(void)fd;
	(void)what;
	j->is_late = true;
	role_audit(scan.role, ROLE_AUDIT_KIND_ROOM_KILLED, "scan", "job %llu took too long",
		   (unsigned long long)j->job);
	rooms_kill(scan.rooms[j->kind], j->ticket);
}

/* The room's end of a way to the DNS. While the resolver is away nobody is at the other one, so the room
 * hears at once that there is none. -1: out of descriptors. */
static int open_dns(void)
{
	int fds[2];

	if (link_make_pair(&client_resolver_edge, fds) != ERROR_NONE)
		return -1;
	if (scan.resolver)
		peer_send_fds(scan.resolver, SCAN_RESOLVER_ASKER, NULL, &fds[1], 1);
	close(fds[1]);
	return fds[0];
}

static enum error spawn(enum queue_scan_kind kind, uint64_t ticket, int channel)
{
	int fds[] = { channel, -1 };
	enum error e;

	if (kind != QUEUE_SCAN_KIND_AUTHENTICATE)
		return rooms_spawn(scan.rooms[kind], ticket, fds, 1);
	if (rooms_count(scan.rooms[kind]) >= scan.role->conf->scan.authentication_slots)
		return ERROR_TOO_MANY;
	fds[1] = open_dns();
	if (fds[1] < 0)
		return ERROR_TOO_MANY;
	e = rooms_spawn(scan.rooms[kind], ticket, fds, 2);
	close(fds[1]);
	return e;
}

static void start_job(const struct queue_scan_job *m, int fd)
{
	int64_t ms = scan.role->conf->scan.message_time + GRACE_MS;
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };
	struct job *j;

	if (spawn(m->kind, ++scan.last_ticket, fd)) {
		scan.n_refused++;
		tell_ended(m->job, QUEUE_SCAN_HOW_NO_ROOM);
		return;
	}
	j = mem_zalloc(1, sizeof *j);
	*j = (struct job){ .ticket = scan.last_ticket, .job = m->job, .kind = m->kind };
	j->timer = event_new(scan.role->loop, -1, 0, on_late, j);
	ASSERT(j->timer != NULL && event_add(j->timer, &time) == 0);
	table_put(&scan.jobs, j->ticket, j);
}

static void on_queue(void *owner, struct peer *p, struct link_in *in)
{
	int fd = peer_take_fd(in, 0);

	(void)owner;
	(void)p;
	start_job(link_body(in), fd);
	close(fd); /* the zygote has it, or nobody */
}

/* Nobody waits for these any more. */
static void abandon_jobs(void)
{
	struct job *j;
	size_t at = 0;

	while ((j = table_next(&scan.jobs, &at))) {
		j->is_orphan = true;
		rooms_kill(scan.rooms[j->kind], j->ticket);
	}
}

static void on_queue_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_QUEUE, why);
	scan.queue = NULL;
	abandon_jobs();
}

static void tell_slots(void)
{
	struct queue_scan_slots slots = { (uint32_t)scan.role->conf->scan.slots };

	if (scan.queue)
		peer_send(scan.queue, QUEUE_SCAN_SLOTS, &slots);
}

static void open_scan(struct role *r)
{
	const struct conf_scan *conf = &r->conf->scan;

	scan.role = r;
	for (size_t i = 0; i < N_KINDS; i++)
		scan.rooms[i] = rooms_new(r, kinds[i].process,
					  i == QUEUE_SCAN_KIND_AUTHENTICATE ? conf->authentication_slots
									    : conf->slots,
					  on_room_ended, NULL);
}

/* It says nothing on this channel. */
static void on_resolver(void *owner, struct peer *p, struct link_in *in)
{
	(void)owner;
	(void)p;
	(void)in;
}

static void on_resolver_gone(void *owner, struct peer *p, enum error why)
{
	(void)owner;
	(void)p;
	role_log_gone(ROLE_JUDGE_RESOLVER, why);
	scan.resolver = NULL;
}

static void add_resolver(struct role *r, int fd)
{
	static const struct peer_events events = { on_resolver, on_resolver_gone };

	peer_close(scan.resolver);
	scan.resolver = peer_new(r->loop, fd, &scan_resolver_edge, SCAN_RESOLVER_SIDE_SCAN, &events, NULL,
				 KEPT_FOR_DNS);
}

static void add_peer(struct role *r, enum role_id peer, int fd)
{
	static const struct peer_events events = { on_queue, on_queue_gone };

	if (peer == ROLE_JUDGE_RESOLVER) {
		add_resolver(r, fd);
		return;
	}
	ASSERT(peer == ROLE_QUEUE);
	if (scan.queue) {
		peer_close(scan.queue);
		abandon_jobs();
	}
	scan.queue =
		peer_new(r->loop, fd, &queue_scan_edge, QUEUE_SCAN_SIDE_SCAN, &events, NULL, KEPT_FOR_QUEUE);
	tell_slots();
}

static void add_zygote(struct role *r, enum process_id kind, int fd)
{
	(void)r;
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].process == kind)
			rooms_add_zygote(scan.rooms[i], fd);
}

/* Limits of rooms come with the next zygote; the number of slots stands until a restart. */
static void reload(struct role *r, const struct conf *old)
{
	(void)old; /* slots take a restart, posternd sees to it */
	for (size_t i = 0; i < N_KINDS; i++)
		role_want_zygote(r, kinds[i].process);
}

static void tell_counters(struct role *r)
{
	role_counter(r, "rooms", scan.jobs.n);
	for (size_t i = 0; i < N_KINDS; i++)
		role_counter(r, kinds[i].counter, scan.n_finished[i]);
	role_counter(r, "rooms_crashed", scan.n_crashed);
	role_counter(r, "rooms_out_of_time", scan.n_late);
	role_counter(r, "jobs_without_room", scan.n_refused);
}

static const struct role_definition definition = {
	.id = ROLE_SCAN,
	.count_files = count_files,
	.open = open_scan,
	.peer = add_peer,
	.zygote = add_zygote,
	.reload = reload,
	.counters = tell_counters,
};

static const struct zygote_definition *const zygotes[] = { &message_zygote, &compose_zygote,
							   &authentication_zygote, NULL };

int main(int argc, char **argv)
{
	return role_main(&definition, zygotes, argc, argv);
}
