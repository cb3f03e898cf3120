/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts the processes of the drill and passes orders to them. Called by main.c and hostile.c. Uses
 * posternd's own places and starter, so that binary, user, namespaces, root, descriptors and filter are
 * those of the service; only the words on the channel are the drill's. Trusts the processes as far as
 * they are under test: every wait has a deadline.
 */
#include "drill/drill.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/client_resolver.h"
#include "ipc/deliver_room.h"
#include "ipc/policy_session.h"
#include "ipc/posternd_starter.h"
#include "ipc/queue_authenticate.h"
#include "ipc/queue_compose.h"
#include "ipc/queue_delivery.h"
#include "ipc/queue_judge.h"
#include "ipc/receive_session.h"
#include "ipc/role_zygote.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS      20000
#define SUBJECTS_MAX (2 * PROCESS_COUNT)

static struct subject subjects[SUBJECTS_MAX];
static size_t n_subjects;
static bool is_failure_expected;

const struct subject *subject_at(size_t index)
{
	return index < n_subjects ? &subjects[index] : NULL;
}

static void add(const struct gateway *g, enum process_id id, bool is_room)
{
	const struct process *p = process_of(id);

	subjects[n_subjects++] = (struct subject){
		.id = id,
		.is_room = is_room,
		.profile = sandbox_find_profile(is_room ? p->room_profile : p->profile),
		.uid = places_uid(&g->places, g->conf, p->name, p->user),
	};
}

void subject_find_all(const struct gateway *g)
{
	for (enum process_id id = 0; id < PROCESS_COUNT; id++) {
		add(g, id, false);
		if (process_is_zygote(id))
			add(g, id, true);
	}
}

/* ---- starting ---- */

static int64_t deadline(void)
{
	return clock_mono_ms() + WAIT_MS;
}

/* Waits for this type; others are passed over. */
static bool await(struct link *l, unsigned type, struct link_in *in)
{
	int64_t until = deadline();

	while (link_receive(l, in, until) == ERROR_NONE) {
		if (in->type == type)
			return true;
		link_in_close_fds(in);
	}
	return false;
}

static void say(struct link *l, unsigned type, const void *body, int fd)
{
	if (link_send(l, type, body, &fd, fd >= 0 ? 1 : 0, deadline()) && !is_failure_expected)
		log_debug("a process of the drill does not listen");
}

static void give(struct run *r, enum posternd_role_thing kind, uint64_t index, int fd)
{
	struct posternd_role_resource m = { kind, index };

	if (fd >= 0 && process_may_have(r->subject->id, kind))
		say(&r->channel, POSTERND_ROLE_RESOURCE, &m, fd);
}

static void hand_over(struct run *r, uint32_t layers, uint32_t mutation)
{
	struct gateway *g = r->gateway;
	const struct process *p = process_of(r->subject->id);
	struct posternd_role_begin begin = { 1, layers, mutation, true };
	int conf = members_make_conf(g->conf, p->owner);
	bool has_state = !process_is_zygote(r->subject->id) &&
			 process_may_have(r->subject->id, POSTERND_ROLE_THING_STATE);

	say(&r->channel, POSTERND_ROLE_BEGIN, &begin, conf);
	close(conf);
	if (has_state)
		give(r, POSTERND_ROLE_THING_STATE, 0, g->places.states[p->owner]);
	else
		say(&r->channel, POSTERND_ROLE_RESOURCE,
		    &(struct posternd_role_resource){ POSTERND_ROLE_THING_EMPTY, 0 }, g->places.empty);
	for (unsigned i = 0; i < g->places.n_maildirs; i++)
		give(r, POSTERND_ROLE_THING_DIRECTORY, g->places.maildirs[i].domain,
		     g->places.maildirs[i].fd);
}

static void make_owner(struct run *r)
{
	struct posternd_role_peer peer = { (uint8_t)process_of(r->subject->id)->owner };
	int fds[2];

	r->owner.fd = -1;
	if (!process_is_zygote(r->subject->id))
		return;
	ASSERT(link_make_pair(&role_zygote_edge, fds) == ERROR_NONE);
	say(&r->channel, POSTERND_ROLE_PEER, &peer, fds[1]);
	close(fds[1]);
	r->owner = link_of(fds[0], &role_zygote_edge, ROLE_ZYGOTE_SIDE_ROLE);
}

static bool start(struct gateway *g, const struct subject *s, uint32_t layers, uint32_t mutation,
		  struct run *r)
{
	struct member m = { .id = s->id, .uid = s->uid };
	struct posternd_starter_start order = { 1 };
	const struct posternd_starter_started *started;
	struct link_in in;
	int fds[2];
	bool is_started;

	*r = (struct run){ .gateway = g, .subject = s, .owner = { .fd = -1 } };
	g->settings.layers = layers;
	fflush(stdout);
	sandbox_mutate(mutation); /* the starter is a fork of ours */
	r->starter = link_of(starter_fork(g, &m, &r->log_fd), &posternd_starter_edge,
			     POSTERND_STARTER_SIDE_POSTERND);
	sandbox_mutate(SANDBOX_WITHOUT_NOTHING);
	ASSERT(link_make_pair(&posternd_role_edge, fds) == ERROR_NONE);
	r->channel = link_of(fds[0], &posternd_role_edge, POSTERND_ROLE_SIDE_POSTERND);
	say(&r->starter, POSTERND_STARTER_START, &order, fds[1]);
	close(fds[1]);
	link_in_init(&in, &posternd_starter_edge);
	started = link_body(&in);
	is_started = await(&r->starter, POSTERND_STARTER_STARTED, &in);
	r->pid = is_started ? (pid_t)started->pid : 0;
	link_in_done(&in);
	hand_over(r, layers, mutation);
	return is_started;
}

static bool await_ready(struct run *r)
{
	const struct posternd_role_ready *ready;
	struct link_in in;
	bool is_ready;

	link_in_init(&in, &posternd_role_edge);
	ready = link_body(&in);
	is_ready = await(&r->channel, POSTERND_ROLE_READY, &in);
	if (is_ready)
		r->layers = ready->layers;
	link_in_done(&in);
	return is_ready;
}

bool subject_expect_failure(bool is_expected)
{
	bool before = is_failure_expected;

	is_failure_expected = is_expected;
	return before;
}

static void show_log(struct run *r)
{
	char text[2048];
	ssize_t n = read(r->log_fd, text, sizeof text - 1);

	if (n > 0 && !is_failure_expected)
		log_warning("%s says: %.*s", r->subject->profile->name, (int)n, text);
}

static bool go(struct run *r, bool is_started)
{
	bool is_ready;

	say(&r->channel, POSTERND_ROLE_GO_DRILL, NULL, -1);
	is_ready = is_started && await_ready(r);
	if (is_ready && r->subject->is_room) {
		say(&r->channel, POSTERND_ROLE_DRILL_ROOMS, NULL, -1);
		is_ready = await_ready(r);
	}
	if (!is_ready) {
		show_log(r);
		subject_end(r);
	}
	return is_ready;
}

bool subject_start(struct gateway *g, const struct subject *s, uint32_t layers, uint32_t mutation,
		   struct run *r)
{
	bool is_started = start(g, s, layers, mutation, r);

	make_owner(r);
	return go(r, is_started);
}

bool subject_start_with(struct gateway *g, const struct subject *s, uint32_t layers, uint32_t mutation,
			enum posternd_role_thing thing, int fd, struct run *r)
{
	struct posternd_role_resource m = { thing, 0 };
	bool is_started = start(g, s, layers, mutation, r);

	make_owner(r);
	say(&r->channel, POSTERND_ROLE_RESOURCE, &m, fd);
	return go(r, is_started);
}

static void give_peers(struct run *r, const enum role_id *peers, const int *fds, size_t n_peers)
{
	for (size_t i = 0; i < n_peers; i++) {
		struct posternd_role_peer peer = { (uint8_t)peers[i] };
		say(&r->channel, POSTERND_ROLE_PEER, &peer, fds[i]);
		close(fds[i]);
	}
}

bool subject_start_between(struct gateway *g, const struct subject *s, uint32_t mutation,
			   const enum role_id *peers, const int *fds, size_t n_peers, struct run *r)
{
	bool is_started = start(g, s, SANDBOX_ALL, mutation, r);

	give_peers(r, peers, fds, n_peers);
	if (!go(r, is_started))
		return false;
	say(&r->channel, POSTERND_ROLE_DRILL_END, NULL, -1);
	return true;
}

bool subject_serve(struct gateway *g, enum role_id role, const enum role_id *peers, const int *fds,
		   size_t n_peers, struct run *r)
{
	static struct subject s;
	const struct process *p = process_of(process_of_role(role));
	bool is_ready;

	s = (struct subject){ .id = process_of_role(role),
			      .profile = sandbox_find_profile(p->profile),
			      .uid = places_uid(&g->places, g->conf, p->name, p->user) };
	is_ready = start(g, &s, SANDBOX_ALL, 0, r);
	give_peers(r, peers, fds, n_peers);
	say(&r->channel, POSTERND_ROLE_GO, NULL, -1);
	is_ready = is_ready && await_ready(r);
	if (!is_ready) {
		show_log(r);
		subject_end(r);
	}
	return is_ready;
}

void subject_end(struct run *r)
{
	struct posternd_starter_kill order = { 1 };

	say(&r->starter, POSTERND_STARTER_KILL, &order, -1);
	link_close(&r->channel);
	link_close(&r->starter);
	if (r->owner.fd >= 0)
		link_close(&r->owner);
	close(r->log_fd);
	inspect_await_end(r->pid); /* the next one may want what it holds */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* ---- orders ---- */

static void send_order(struct run *r, const struct steps_order *o)
{
	struct posternd_role_drill m = { .step = o->step,
					 .argument = o->argument,
					 .dir = text_from_cstr(o->dir),
					 .tcp_port = o->tcp_port,
					 .listed_port = o->listed_port,
					 .udp_port = o->udp_port,
					 .victim = (uint32_t)o->victim,
					 .secret = o->secret,
					 .other = (uint32_t)o->other,
					 .uid = o->uid };

	say(&r->channel, POSTERND_ROLE_DRILL, &m, -1);
}

static int await_drilled(struct run *r)
{
	const struct posternd_role_drilled *drilled;
	struct link_in in;
	int status;

	link_in_init(&in, &posternd_role_edge);
	drilled = link_body(&in);
	status = await(&r->channel, POSTERND_ROLE_DRILLED, &in) ? (int)drilled->status
								: STEPS_INCONCLUSIVE << 8;
	link_in_done(&in);
	return status;
}

static int order_step(struct run *r, const struct steps_order *o)
{
	send_order(r, o);
	return await_drilled(r);
}

size_t subject_count_room_files(const struct subject *s)
{
	if (s->id == PROCESS_AUTHENTICATION)
		return 2;
	return s->id == PROCESS_MESSAGE || s->id == PROCESS_COMPOSE ? 1 : 3;
}

/* The descriptors of a room, of the kinds that it has in service. */
static size_t make_descriptors(const struct run *r, int fds[3], int ours[3])
{
	static const struct ipc_edge *const edges[PROCESS_COUNT][3] = {
		[PROCESS_SESSION] = { NULL, &receive_session_edge, &policy_session_edge },
		[PROCESS_MESSAGE] = { &queue_judge_edge, NULL, NULL },
		[PROCESS_AUTHENTICATION] = { &queue_authenticate_edge, &client_resolver_edge, NULL },
		[PROCESS_COMPOSE] = { &queue_compose_edge, NULL, NULL },
		[PROCESS_DELIVERY] = { NULL, &queue_delivery_edge, &deliver_room_edge },
		[PROCESS_MAILDIR] = { NULL, &queue_delivery_edge, &deliver_room_edge },
	};
	const struct ipc_edge *const *edge = edges[r->subject->id];
	size_t n = subject_count_room_files(r->subject);

	for (size_t i = 0; i < n; i++) {
		int pair[2] = { -1, -1 };
		if (edge[i])
			ASSERT(link_make_pair(edge[i], pair) == ERROR_NONE);
		else if (r->subject->id == PROCESS_MAILDIR)
			pair[1] = fcntl(r->gateway->places.maildirs[0].fd, F_DUPFD_CLOEXEC, 0);
		else
			ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
		ours[i] = pair[0];
		fds[i] = pair[1];
	}
	return n;
}

static bool ask_for_room(struct run *r, const int *fds, size_t n)
{
	static const unsigned types[] = { 0, ROLE_ZYGOTE_SPAWN_1, ROLE_ZYGOTE_SPAWN_2, ROLE_ZYGOTE_SPAWN_3 };
	struct role_zygote_spawn_1 spawn = { ++r->last_ticket };

	return link_send(&r->owner, types[n], &spawn, fds, n, deadline()) == ERROR_NONE;
}

static bool open_room(struct run *r)
{
	int fds[3];
	size_t n = make_descriptors(r, fds, r->room_fds);
	bool is_asked = ask_for_room(r, fds, n);

	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return is_asked;
}

static int close_room(struct run *r)
{
	const struct role_zygote_ended *ended;
	struct link_in in;
	int status;

	link_in_init(&in, &role_zygote_edge);
	ended = link_body(&in);
	status = await(&r->owner, ROLE_ZYGOTE_ENDED, &in) ? (int)ended->status : STEPS_INCONCLUSIVE << 8;
	link_in_done(&in);
	for (size_t i = 0; i < subject_count_room_files(r->subject); i++)
		if (r->room_fds[i] >= 0)
			close(r->room_fds[i]);
	return status;
}

int subject_try(struct run *r, const struct steps_order *order)
{
	int status = order_step(r, order);

	if (!r->subject->is_room)
		return status;
	return open_room(r) ? close_room(r) : STEPS_INCONCLUSIVE << 8;
}

bool subject_is_room_made(struct run *r, size_t n_fds)
{
	struct steps_order o = { .step = STEPS_COUNT_FILES, .uid = r->subject->uid };
	int fds[3] = { 0, 0, 0 };
	struct link_in in;
	bool is_made;

	order_step(r, &o);
	link_in_init(&in, &role_zygote_edge);
	is_made = ask_for_room(r, fds, n_fds) && await(&r->owner, ROLE_ZYGOTE_ENDED, &in);
	link_in_done(&in);
	return is_made;
}

pid_t subject_hold(struct run *r)
{
	struct steps_order o = { .step = STEPS_HOLD, .uid = r->subject->uid };

	if (!r->subject->is_room) {
		send_order(r, &o);
		return inspect_await_child(r->pid);
	}
	order_step(r, &o);
	return open_room(r) ? inspect_await_child(r->pid) : -1;
}

void subject_release(struct run *r, pid_t pid)
{
	kill(pid, SIGKILL);
	if (r->subject->is_room)
		close_room(r);
	else
		await_drilled(r);
}
