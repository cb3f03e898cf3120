/* SPDX-License-Identifier: Apache-2.0
 *
 * The roles and zygotes: started in the order of process.def, given what the manifest lists, watched,
 * started again. Called by main.c and reload.c. Trusts starters; of a role it believes only what its
 * own channel may say.
 *
 * Invariants: a member has at most one current instance; an older instance (a worn zygote) lives until
 * it ends by itself; the end of a core role ends posternd, so that the mail path begins anew as a
 * whole; every other role is restarted alone, with a pause that doubles.
 */
#include "roles/posternd/members.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/posternd_starter.h"
#include "ipc/role_audit.h"
#include "ipc/role_zygote.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define KEPT_FOR_MEMBER ((size_t)1 << 20)
#define READY_WITHIN_MS 30000
#define CALM_MS         60000

static struct gateway *gateway;

static bool is_core(enum process_id id)
{
	return id == PROCESS_AUDIT || id == PROCESS_KEYRING || id == PROCESS_QUEUE || id == PROCESS_POLICY ||
	       id == PROCESS_RECEIVE;
}

static void on_ready_too_late(evutil_socket_t fd, short what, void *arg)
{
	struct instance *i = arg;
	struct posternd_starter_kill kill_it = { i->number };

	(void)fd;
	(void)what;
	log_error("%s is not ready after %d s", process_of(i->member->id)->name, READY_WITHIN_MS / 1000);
	peer_send(i->member->starter, POSTERND_STARTER_KILL, &kill_it);
}

static void arm(struct event *e, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	ASSERT(event_add(e, &tv) == 0);
}

void members_check_ready(struct gateway *g)
{
	if (g->is_ready || g->stopping)
		return;
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		const struct instance *i = g->members[id].current;
		if (!i || i->state != INSTANCE_RUNNING)
			return;
	}
	g->is_ready = true;
	log_info("ready: %zu listening sockets, %d processes", g->places.n_sockets, PROCESS_COUNT);
	journal_notify("READY=1");
	role_audit(&g->self, ROLE_AUDIT_KIND_STARTED, "posternd", "version=%s", POSTERN_VERSION);
}

static void print_layers(uint32_t layers, char *out, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	for (unsigned bit = 0; bit < SANDBOX_LAYER_COUNT && at < n; bit++)
		if (layers >> bit & 1)
			at += (size_t)snprintf(out + at, n - at, "%s%s", at ? " " : "",
					       sandbox_layer_name(bit));
}

static void on_ready(struct instance *i, uint32_t layers)
{
	const char *name = process_of(i->member->id)->name;
	char text[160];

	i->layers = layers;
	i->state = INSTANCE_RUNNING;
	event_del(i->patience);
	print_layers(layers, text, sizeof text);
	log_debug("%s is ready, process %d, layers: %s", name, i->pid, text);
	if ((uint64_t)__builtin_popcount(layers & MEMBERS_COUNTED_LAYERS) <
	    gateway->conf->top.minimum_layers) {
		log_error("%s runs under too few layers (%s); minimum-layers asks for %llu", name, text,
			  (unsigned long long)gateway->conf->top.minimum_layers);
		role_audit(&gateway->self, ROLE_AUDIT_KIND_SANDBOX_WEAK, name, "layers=%s", text);
		members_end(gateway, EX_UNAVAILABLE);
		return;
	}
	members_check_ready(gateway);
	control_check_reload(gateway);
}

static void start_fresh_zygote(unsigned kind)
{
	if (kind < PROCESS_COUNT && process_is_zygote(kind) && !gateway->stopping)
		members_start(gateway, &gateway->members[kind]);
}

static void on_message(void *owner, struct peer *p, struct link_in *in)
{
	struct instance *i = owner;
	const struct posternd_role_ready *ready = link_body(in);
	const struct posternd_role_want_zygote *want = link_body(in);
	const struct posternd_role_counter *counter = link_body(in);
	const struct process *process = process_of(i->member->id);

	(void)p;
	switch (in->type) {
	case POSTERND_ROLE_READY:
		on_ready(i, ready->layers);
		return;
	case POSTERND_ROLE_WANT_ZYGOTE:
		if (want->kind < PROCESS_COUNT && process_of(want->kind)->owner == process->owner)
			start_fresh_zygote(want->kind);
		return;
	case POSTERND_ROLE_COUNTER:
		control_counter(gateway, process->name, counter->name, counter->value);
		return;
	case POSTERND_ROLE_SYNCED:
		i->n_syncs -= i->n_syncs > 0;
		control_check_reload(gateway);
		return;
	default:
		control_counters_end(gateway, process->name);
	}
}

static void on_gone(void *owner, struct peer *p, enum error why)
{
	struct instance *i = owner;
	struct posternd_starter_kill kill_it = { i->number };

	(void)p;
	i->channel = NULL;
	if (why == ERROR_CLOSED)
		return; /* its starter will tell */
	log_error("%s broke the rules of its channel to posternd: %s", process_of(i->member->id)->name,
		  error_text(why));
	peer_send(i->member->starter, POSTERND_STARTER_KILL, &kill_it);
}

struct instance *members_start(struct gateway *g, struct member *m)
{
	static const struct peer_events events = { on_message, on_gone };
	struct instance *i = mem_zalloc(1, sizeof *i);
	struct posternd_starter_start start = { ++g->last_instance };
	int fds[2];

	ASSERT(link_make_pair(&posternd_role_edge, fds) == ERROR_NONE);
	*i = (struct instance){ .number = start.instance, .member = m, .since = clock_wall_ms() };
	i->channel = peer_new(g->self.loop, fds[0], &posternd_role_edge, POSTERND_ROLE_SIDE_POSTERND, &events,
			      i, KEPT_FOR_MEMBER);
	i->patience = event_new(g->self.loop, -1, 0, on_ready_too_late, i);
	ASSERT(i->patience != NULL);
	arm(i->patience, READY_WITHIN_MS);
	peer_send_fds(m->starter, POSTERND_STARTER_START, &start, &fds[1], 1);
	close(fds[1]);
	table_put(&g->instances, i->number, i);
	m->current = i;
	handover_all(g, i);
	return i;
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct member *m = arg;

	(void)fd;
	(void)what;
	m->restarts++;
	role_audit(&gateway->self, ROLE_AUDIT_KIND_RESTARTED, process_of(m->id)->name, "restarts=%u",
		   m->restarts);
	members_start(gateway, m);
}

static void describe_end(const struct instance *i, int status)
{
	const char *name = process_of(i->member->id)->name;

	if (WIFSIGNALED(status))
		log_warning("%s (process %d) ended by signal %d%s", name, i->pid, WTERMSIG(status),
			    WTERMSIG(status) == SIGSYS ? ": a system call that its sandbox denies" : "");
	else if (WEXITSTATUS(status) == EX_OK)
		log_info("%s (process %d) starts anew", name, i->pid);
	else
		log_warning("%s (process %d) ended with status %d", name, i->pid, WEXITSTATUS(status));
}

/* At once when it ended in peace, once: a new configuration asked for another sandbox. */
static void restart_later(struct member *m, int status, int64_t lived)
{
	const struct conf_top *top = &gateway->conf->top;

	if (lived > CALM_MS || m->delay == 0)
		m->delay = status == 0 ? 1 : top->restart_delay;
	arm(m->restart, m->delay);
	m->delay = m->delay * 2 < top->restart_delay_max ? m->delay * 2 : top->restart_delay_max;
}

static void on_current_ended(struct instance *i, int status)
{
	struct member *m = i->member;

	m->current = NULL;
	if (gateway->stopping) {
		members_stop_next(gateway);
		return;
	}
	describe_end(i, status);
	if (is_core(m->id) || !gateway->is_ready) {
		log_error("the mail path cannot go on without %s: starting all of it again",
			  process_of(m->id)->name);
		members_end(gateway,
			    WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG ? EX_CONFIG : EX_TEMPFAIL);
		return;
	}
	restart_later(m, status, clock_wall_ms() - i->since);
}

static void on_ended(uint32_t number, int status)
{
	struct instance *i = table_remove(&gateway->instances, number);

	if (!i)
		return;
	i->state = INSTANCE_ENDED;
	event_free(i->patience);
	peer_close(i->channel);
	if (i->member->current == i)
		on_current_ended(i, status);
	free(i);
}

static void on_starter(void *owner, struct peer *p, struct link_in *in)
{
	const struct posternd_starter_started *started = link_body(in);
	const struct posternd_starter_ended *ended = link_body(in);
	struct instance *i;

	(void)owner;
	(void)p;
	if (in->type == POSTERND_STARTER_ENDED) {
		on_ended(ended->instance, (int)ended->status);
		return;
	}
	i = table_get(&gateway->instances, started->instance);
	if (i)
		i->pid = (pid_t)started->pid;
}

static void on_starter_gone(void *owner, struct peer *p, enum error why)
{
	struct member *m = owner;

	(void)p;
	m->starter = NULL;
	if (gateway->stopping)
		return;
	log_error("the starter of %s is gone: %s", process_of(m->id)->name, error_text(why));
	members_end(gateway, EX_TEMPFAIL);
}

/* Root ends behind this function: starters are the last to have it. */
void members_start_starters(struct gateway *g)
{
	static const struct peer_events events = { on_starter, on_starter_gone };
	int links[PROCESS_COUNT], logs[PROCESS_COUNT];

	gateway = g;
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		struct member *m = &g->members[id];
		*m = (struct member){ .id = id };
		m->uid = places_uid(&g->places, g->conf, process_of(id)->name, process_of(id)->user);
		links[id] = starter_fork(g, m, &logs[id]);
	}
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		struct member *m = &g->members[id];
		m->starter = peer_new(g->self.loop, links[id], &posternd_starter_edge,
				      POSTERND_STARTER_SIDE_POSTERND, &events, m, KEPT_FOR_MEMBER);
		m->restart = event_new(g->self.loop, -1, 0, on_restart, m);
		ASSERT(m->restart != NULL);
		journal_add(g, process_of(id)->name, logs[id]);
	}
}

void members_start_all(struct gateway *g)
{
	for (enum process_id id = 0; id < PROCESS_COUNT; id++)
		members_start(g, &g->members[id]);
}

void members_ask_counters(struct gateway *g)
{
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		const struct instance *i = g->members[id].current;
		if (i && i->state == INSTANCE_RUNNING && i->channel && !process_is_zygote(id))
			peer_send(i->channel, POSTERND_ROLE_ASK_COUNTERS, NULL);
	}
}

void members_end(struct gateway *g, int status)
{
	g->exit_status = status;
	event_base_loopbreak(g->self.loop);
}

/* One after the other, so that each can give the next what it still has: the way of the mail. */
void members_stop_next(struct gateway *g)
{
	static const enum process_id order[] = { PROCESS_RECEIVE, PROCESS_POLICY, PROCESS_QUEUE,
						 PROCESS_AUDIT };
	static size_t next;

	for (; next < sizeof order / sizeof *order; next++) {
		struct instance *i = g->members[order[next]].current;
		if (!i || !i->channel)
			continue;
		if (order[next] == PROCESS_AUDIT)
			peer_finish(g->self.audit);
		g->self.audit = order[next] == PROCESS_AUDIT ? NULL : g->self.audit;
		peer_send(i->channel, POSTERND_ROLE_STOP, NULL);
		next++;
		return;
	}
	for (size_t k = 0; k < sizeof order / sizeof *order; k++)
		if (g->members[order[k]].current)
			return; /* it was told, wait for it */
	members_end(g, EX_OK);
}

static void on_stop_too_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	log_warning("not everything ended within stop-time; ending the rest");
	members_end(arg, EX_OK);
}

void members_stop_all(struct gateway *g)
{
	int64_t ms = g->conf->top.stop_time + 5000;
	struct timeval patience = { ms / 1000, ms % 1000 * 1000 };

	if (g->stopping)
		return;
	g->stopping = true;
	journal_notify("STOPPING=1");
	role_audit(&g->self, ROLE_AUDIT_KIND_STOPPED, "posternd", "asked to stop");
	event_base_once(g->self.loop, -1, EV_TIMEOUT, on_stop_too_late, g, &patience);
	members_stop_next(g);
}
