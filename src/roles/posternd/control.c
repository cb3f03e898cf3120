/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: status, reload, stop, and the way to queue for the command line. Called by
 * main.c. A connection is judged by the user id that the kernel tells of it, before a byte is read;
 * then it may send the four messages of admin_posternd.def.
 *
 * Invariants: one question of one connection at a time collects counters; others wait for theirs. What
 * an administrator orders is in the record, synced, before it is done; without a record it is not done.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/admin_posternd.h"
#include "ipc/admin_queue.h"
#include "ipc/role_audit.h"
#include "roles/posternd/members.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_FOR_ADMIN     ((size_t)1 << 20)
#define COUNTERS_WITHIN_MS 2000
#define RELOAD_WITHIN_S    20 /* deliver may have to wait for what is under way */

struct admin {
	struct gateway *gateway;
	struct peer *peer;
	uid_t uid;
	uint64_t number;  /* the connection may be gone when the record is written */
	unsigned awaited; /* roles whose counters have not come */
	bool awaits_reload;
	struct event *patience;
	struct admin *next;
};

/* Waits for its record. */
struct order {
	struct gateway *gateway;
	uint64_t admin; /* number */
	void (*obey)(struct gateway *g, struct admin *a);
};

static struct admin *admins;
static size_t n_admins;
static uint64_t last_admin;

static void admin_free(struct admin *a)
{
	struct admin **at = &admins;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	n_admins--;
	event_free(a->patience);
	free(a);
}

static void send_done(struct admin *a, bool ok, struct text text)
{
	struct admin_posternd_done done = { ok, text_slice(text, 0, 500) };

	peer_send(a->peer, ADMIN_POSTERND_DONE, &done);
}

static void send_processes(struct admin *a)
{
	struct gateway *g = a->gateway;

	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		const struct member *m = &g->members[id];
		const struct instance *i = m->current;
		struct admin_posternd_process row = { .name = text_from_cstr(process_of(id)->name),
						      .uid = m->uid,
						      .restarts = m->restarts,
						      .state = ADMIN_POSTERND_STATE_RESTARTING,
						      .zygote = process_is_zygote(id) };
		if (i) {
			row.pid = (uint32_t)i->pid;
			row.since = i->since;
			row.layers = i->layers;
			row.state = i->state == INSTANCE_RUNNING ? ADMIN_POSTERND_STATE_RUNNING
								 : ADMIN_POSTERND_STATE_STARTING;
		}
		peer_send(a->peer, ADMIN_POSTERND_PROCESS, &row);
	}
}

static void end_counters(struct admin *a)
{
	a->awaited = 0;
	event_del(a->patience);
	send_done(a, true, text_from_cstr(a->gateway->is_ready ? "ready" : "starting"));
}

static void end_reload(struct admin *a)
{
	const char *missing = reload_is_awaited(a->gateway);
	char text[100] = "reloaded";

	if (missing)
		snprintf(text, sizeof text, "reloaded; %s is not ready yet", missing);
	a->awaits_reload = false;
	event_del(a->patience);
	send_done(a, true, text_from_cstr(text));
}

void control_check_reload(struct gateway *g)
{
	if (reload_is_awaited(g))
		return;
	for (struct admin *a = admins; a; a = a->next)
		if (a->awaits_reload)
			end_reload(a);
}

static void on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	struct admin *a = arg;

	(void)fd;
	(void)what;
	if (a->awaits_reload)
		end_reload(a);
	else
		end_counters(a);
}

static void answer_status(struct admin *a)
{
	struct timeval patience = { COUNTERS_WITHIN_MS / 1000, 0 };
	struct gateway *g = a->gateway;

	send_processes(a);
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		if (!process_is_zygote(id) && g->members[id].current &&
		    g->members[id].current->state == INSTANCE_RUNNING)
			a->awaited++;
	event_add(a->patience, &patience);
	members_ask_counters(g);
	if (a->awaited == 0)
		end_counters(a);
}

void control_counter(struct gateway *g, const char *role, struct text name, uint64_t value)
{
	struct admin_posternd_counter counter = { text_from_cstr(role), name, value };

	(void)g;
	for (struct admin *a = admins; a; a = a->next)
		if (a->awaited)
			peer_send(a->peer, ADMIN_POSTERND_COUNTER, &counter);
}

void control_counters_end(struct gateway *g, const char *role)
{
	(void)g;
	(void)role;
	for (struct admin *a = admins; a; a = a->next)
		if (a->awaited && --a->awaited == 0)
			end_counters(a);
}

/* `a` is NULL when its connection is gone; the order stands. */
static void obey_reload(struct gateway *g, struct admin *a)
{
	static const struct timeval patience = { RELOAD_WITHIN_S, 0 };
	struct buf why;
	bool ok;

	buf_init(&why, CONF_MAX_ERROR_TEXT);
	ok = reload_run(g, &why);
	if (a && !ok)
		send_done(a, false, buf_text(&why));
	buf_done(&why);
	if (!a || !ok)
		return;
	a->awaits_reload = true;
	event_add(a->patience, &patience);
	control_check_reload(g);
}

static void obey_signal(struct gateway *g, struct admin *a)
{
	journal_notify("RELOADING=1");
	obey_reload(g, a);
	journal_notify("READY=1");
}

static void obey_stop(struct gateway *g, struct admin *a)
{
	if (a)
		send_done(a, true, text_from_cstr("stopping"));
	members_stop_all(g);
}

static void on_recorded(void *arg, enum error e)
{
	struct order *o = arg;
	struct admin *a = admins;

	while (a && a->number != o->admin)
		a = a->next;
	if (!e)
		o->obey(o->gateway, a);
	else if (a)
		send_done(a, false, text_from_cstr("not done: the audit record cannot be written"));
	else
		log_error("an order was not obeyed: the audit record cannot be written");
	free(o);
}

static void record_order(struct gateway *g, unsigned kind, const char *by, struct order order)
{
	struct order *o = mem_zalloc(1, sizeof *o);

	*o = order;
	role_audit_sync(&g->self, kind, "posternd", text_from_cstr(by), on_recorded, o);
}

static void record_admin(struct admin *a, unsigned kind, void (*obey)(struct gateway *g, struct admin *a))
{
	char by[32];

	snprintf(by, sizeof by, "uid=%u", a->uid);
	record_order(a->gateway, kind, by, (struct order){ a->gateway, a->number, obey });
}

void control_reload(struct gateway *g, const char *by)
{
	record_order(g, ROLE_AUDIT_KIND_ADMIN_RELOAD, by, (struct order){ g, 0, obey_signal });
}

static void answer_connect(struct admin *a)
{
	struct instance *queue = a->gateway->members[PROCESS_QUEUE].current;
	struct posternd_role_admin admin = { a->uid };
	int fds[2];

	if (!queue || !queue->channel || queue->state != INSTANCE_RUNNING ||
	    link_make_pair(&admin_queue_edge, fds)) {
		send_done(a, false, text_from_cstr("queue is not running just now"));
		return;
	}
	peer_send_fds(queue->channel, POSTERND_ROLE_ADMIN, &admin, &fds[1], 1);
	peer_send_fds(a->peer, ADMIN_POSTERND_CONNECTED, NULL, &fds[0], 1);
	close(fds[0]);
	close(fds[1]);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct admin *a = owner;

	(void)p;
	switch (in->type) {
	case ADMIN_POSTERND_STATUS:
		if (a->awaited == 0 && !a->awaits_reload)
			answer_status(a);
		return;
	case ADMIN_POSTERND_RELOAD:
		record_admin(a, ROLE_AUDIT_KIND_ADMIN_RELOAD, obey_reload);
		return;
	case ADMIN_POSTERND_STOP:
		record_admin(a, ROLE_AUDIT_KIND_ADMIN_STOP, obey_stop);
		return;
	default:
		answer_connect(a);
	}
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	(void)p;
	if (why != ERROR_CLOSED)
		log_warning("a command line broke the rules of the control socket: %s", error_text(why));
	admin_free(owner);
}

static bool is_admin(const struct gateway *g, uid_t uid)
{
	for (size_t i = 0; i < g->places.n_admins; i++)
		if (g->places.admins[i] == uid)
			return true;
	return false;
}

static void admin_new(struct gateway *g, int fd, uid_t uid)
{
	static const struct peer_events events = { on_message, on_gone };
	struct admin *a = mem_zalloc(1, sizeof *a);

	*a = (struct admin){ .gateway = g, .uid = uid, .number = ++last_admin, .next = admins };
	admins = a;
	n_admins++;
	a->patience = event_new(g->self.loop, -1, 0, on_patience_over, a);
	ASSERT(a->patience != NULL);
	a->peer = peer_new(g->self.loop, fd, &admin_posternd_edge, ADMIN_POSTERND_SIDE_POSTERND, &events, a,
			   KEPT_FOR_ADMIN);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct gateway *g = arg;
	struct ucred who;
	socklen_t n = sizeof who;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (client < 0)
		return;
	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0 || !is_admin(g, who.uid)) {
		log_warning("user %u was refused at the control socket; 'admin' in the configuration names "
			    "who may",
			    who.uid);
		role_audit(&g->self, ROLE_AUDIT_KIND_ADMIN_DENIED, "posternd", "uid=%u pid=%d", who.uid,
			   who.pid);
		close(client);
		return;
	}
	if (n_admins >= g->conf->top.max_admin_connections) {
		close(client);
		return;
	}
	admin_new(g, client, who.uid);
}

void control_init(struct gateway *g)
{
	struct event *e = event_new(g->self.loop, g->places.control, EV_READ | EV_PERSIST, on_connection, g);

	ASSERT(e && event_add(e, NULL) == 0);
}
