/* SPDX-License-Identifier: Apache-2.0
 *
 * A role's rooms and the generations of zygotes that they come from. Called by receive, scan and
 * deliver. Trusts the zygotes to report ends truthfully: they read nobody's bytes.
 *
 * Invariants: every spawned ticket ends with exactly one call of `ended`; a retired generation is
 * closed when its last room has ended; at most one fresh zygote is asked for at a time.
 */
#include "role/rooms.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/table.h"
#include "ipc/role_zygote.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_FOR_ZYGOTE ((size_t)4 << 20)
#define N_MATERIALS     4

struct generation {
	struct generation *next;
	struct rooms *rooms;
	struct peer *peer;
	size_t n_rooms;
};

struct room_entry {
	uint64_t ticket;
	struct generation *generation; /* NULL: waits for a zygote */
	int fds[IPC_MAX_FDS];
	size_t n_fds;
	bool killed;
	struct room_entry *next_waiting;
};

struct rooms {
	struct role *role;
	enum process_id kind;
	size_t max_rooms;
	rooms_ended_function *ended;
	void *owner;
	struct table entries;           /* by ticket */
	struct generation *generations; /* newest first; the first takes the spawns */
	struct room_entry *waiting, **waiting_end;
	struct buf materials[N_MATERIALS];
	struct event *refresh;
	bool wanted;
};

static void want_fresh(struct rooms *rooms)
{
	if (rooms->wanted)
		return;
	rooms->wanted = true;
	role_want_zygote(rooms->role, rooms->kind);
}

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	want_fresh(arg);
}

static void set_refresh(struct rooms *rooms)
{
	int64_t ms = rooms->role->conf->rooms.refresh;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(rooms->refresh, &tv);
}

struct rooms *rooms_new(struct role *r, enum process_id kind, size_t max_rooms, rooms_ended_function *ended,
			void *owner)
{
	struct rooms *rooms = mem_zalloc(1, sizeof *rooms);

	*rooms = (struct rooms){
		.role = r, .kind = kind, .max_rooms = max_rooms, .ended = ended, .owner = owner
	};
	rooms->waiting_end = &rooms->waiting;
	for (size_t i = 0; i < N_MATERIALS; i++)
		buf_init(&rooms->materials[i], 65536);
	rooms->refresh = event_new(r->loop, -1, 0, on_refresh, rooms);
	ASSERT(rooms->refresh != NULL);
	return rooms;
}

static void drop_fds(struct room_entry *e)
{
	for (size_t i = 0; i < e->n_fds; i++)
		close(e->fds[i]);
	e->n_fds = 0;
}

static void end_room(struct rooms *rooms, struct room_entry *e, enum rooms_end end, int status)
{
	uint64_t ticket = e->ticket;

	table_remove(&rooms->entries, ticket);
	drop_fds(e);
	free(e);
	rooms->ended(rooms->owner, ticket, end, status);
}

/* The older generations whose rooms have all ended. */
static void close_empty(struct rooms *rooms)
{
	struct generation **at = rooms->generations ? &rooms->generations->next : &rooms->generations;

	while (*at) {
		struct generation *g = *at;
		if (g->n_rooms) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		peer_close(g->peer);
		free(g);
	}
}

static enum rooms_end end_of(const struct room_entry *e, int status)
{
	if (e->killed)
		return ROOMS_KILLED;
	if (WIFSIGNALED(status))
		return ROOMS_CRASHED;
	return WEXITSTATUS(status) == 0 ? ROOMS_FINISHED : ROOMS_FAILED;
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	const struct role_zygote_ended *m = link_body(in);
	struct generation *g = owner;
	struct rooms *rooms = g->rooms;
	struct room_entry *e = table_get(&rooms->entries, m->ticket);
	enum rooms_end end;

	(void)p;
	if (!e || e->generation != g)
		return;
	g->n_rooms--;
	end = end_of(e, (int)m->status);
	if (end == ROOMS_CRASHED) {
		int number = WTERMSIG((int)m->status);
		log_warning("a %s room (process %u) ended by signal %d%s", process_of(rooms->kind)->name,
			    m->pid, number,
			    number == SIGSYS ? ": a system call that its sandbox denies" : "");
		want_fresh(rooms);
	}
	end_room(rooms, e, end, (int)m->status);
	close_empty(rooms);
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct generation *g = owner;
	struct rooms *rooms = g->rooms;
	struct generation **at = &rooms->generations;

	(void)p;
	(void)why;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	for (size_t i = 0; i < rooms->entries.cap;) {
		struct room_entry *e = rooms->entries.slots[i].value;
		if (!e || e->generation != g) {
			i++;
			continue;
		}
		end_room(rooms, e, ROOMS_LOST, 0);
		i = 0; /* the table moved under us */
	}
	free(g);
}

static void send_material(struct generation *g, unsigned kind, struct text data)
{
	struct role_zygote_material m = { (uint8_t)kind, data };

	peer_send(g->peer, ROLE_ZYGOTE_MATERIAL, &m);
}

static void send_spawn(struct rooms *rooms, struct room_entry *e, const int *fds, size_t n_fds)
{
	static const unsigned types[] = { 0, ROLE_ZYGOTE_SPAWN_1, ROLE_ZYGOTE_SPAWN_2, ROLE_ZYGOTE_SPAWN_3 };
	struct role_zygote_spawn_1 m = { e->ticket };

	ASSERT(n_fds >= 1 && n_fds <= 3);
	e->generation = rooms->generations;
	e->generation->n_rooms++;
	peer_send_fds(e->generation->peer, types[n_fds], &m, fds, n_fds);
}

void rooms_add_zygote(struct rooms *rooms, int fd)
{
	static const struct peer_events events = { on_message, on_gone };
	struct generation *g = mem_zalloc(1, sizeof *g);

	g->rooms = rooms;
	g->peer = peer_new(rooms->role->loop, fd, &role_zygote_edge, ROLE_ZYGOTE_SIDE_ROLE, &events, g,
			   KEPT_FOR_ZYGOTE);
	g->next = rooms->generations;
	rooms->generations = g;
	rooms->wanted = false;
	set_refresh(rooms);
	for (unsigned i = 0; i < N_MATERIALS; i++)
		if (rooms->materials[i].n)
			send_material(g, i, buf_text(&rooms->materials[i]));
	while (rooms->waiting) {
		struct room_entry *e = rooms->waiting;
		rooms->waiting = e->next_waiting;
		if (!rooms->waiting)
			rooms->waiting_end = &rooms->waiting;
		send_spawn(rooms, e, e->fds, e->n_fds);
		drop_fds(e);
		if (e->killed)
			rooms_kill(rooms, e->ticket);
	}
	close_empty(rooms);
}

void rooms_set_material(struct rooms *rooms, unsigned kind, struct text data)
{
	struct buf *b;
	bool had;

	ASSERT(kind < N_MATERIALS);
	b = &rooms->materials[kind];
	had = b->n != 0;
	buf_reset(b);
	ASSERT(buf_add(b, data));
	if (!rooms->generations)
		return;
	if (had)
		want_fresh(rooms);
	else
		send_material(rooms->generations, kind, data);
}

static enum error wait_for_zygote(struct rooms *rooms, struct room_entry *e, const int *fds, size_t n_fds)
{
	for (; e->n_fds < n_fds; e->n_fds++) {
		e->fds[e->n_fds] = fcntl(fds[e->n_fds], F_DUPFD_CLOEXEC, 0);
		if (e->fds[e->n_fds] < 0)
			return ERROR_TOO_MANY;
	}
	*rooms->waiting_end = e;
	rooms->waiting_end = &e->next_waiting;
	return ERROR_NONE;
}

enum error rooms_spawn(struct rooms *rooms, uint64_t ticket, const int *fds, size_t n_fds)
{
	struct room_entry *e;
	enum error error = ERROR_NONE;

	if (rooms->entries.n >= rooms->max_rooms)
		return ERROR_TOO_MANY;
	ASSERT(!table_get(&rooms->entries, ticket));
	e = mem_zalloc(1, sizeof *e);
	e->ticket = ticket;
	if (rooms->generations)
		send_spawn(rooms, e, fds, n_fds);
	else
		error = wait_for_zygote(rooms, e, fds, n_fds);
	if (error) {
		drop_fds(e);
		free(e);
		return error;
	}
	table_put(&rooms->entries, ticket, e);
	return ERROR_NONE;
}

void rooms_kill(struct rooms *rooms, uint64_t ticket)
{
	struct role_zygote_kill m = { ticket };
	struct room_entry *e = table_get(&rooms->entries, ticket);

	if (!e)
		return;
	e->killed = true;
	if (e->generation)
		peer_send(e->generation->peer, ROLE_ZYGOTE_KILL, &m);
}

size_t rooms_count(const struct rooms *rooms)
{
	return rooms->entries.n;
}
