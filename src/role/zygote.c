/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a zygote and the first instructions of a room. Called by role_main. Trusts its owner's
 * numbers of descriptors (checked by the edge), nothing else; never reads from what it hands over.
 *
 * Invariants: a room has exactly the descriptors of its spawn and three of /dev/null; the zygote keeps
 * none of them; every spawn is answered by one `ended`; when the owner or posternd goes, the rooms go.
 */
#include "role/zygote.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/table.h"
#include "ipc/role_zygote.h"
#include "role/boot.h"
#include "role/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define MANY_FILES 64             /* of the zygote itself */
#define ROOM_HEAP  ((int)1 << 18) /* bytes that a room finds ready */

struct nursery {
	struct zygote zygote;
	struct boot boot;
	struct link owner;
	struct table rooms; /* tickets by process; the values are the tickets themselves */
	struct sandbox_options room_options;
	struct sandbox_filter filter;
	const struct sandbox_profile *room_profile;
	int signal_fd;
	struct steps_order drilled; /* step 0: rooms are rooms */
};

static void send_ended(struct nursery *n, uint64_t ticket, pid_t pid, int status)
{
	struct role_zygote_ended ended = { ticket, (uint32_t)pid, status };

	if (link_send(&n->owner, ROLE_ZYGOTE_ENDED, &ended, NULL, 0, LINK_FOREVER))
		exit(EX_OK);
}

/* In the child: exactly these descriptors, in this order, from ROOM_FD on. */
static void arrange_descriptors(const int *fds, size_t n_fds)
{
	int high[IPC_MAX_FDS];

	for (size_t i = 0; i < n_fds; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, MANY_FILES / 2);
		ASSERT(high[i] >= 0);
	}
	for (size_t i = 0; i < n_fds; i++)
		ASSERT(dup2(high[i], ROOM_FD + (int)i) >= 0);
#ifndef SANDBOX_REPORT
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_CLOSING, 2))
		ASSERT(dup2(0, 2) == 2); /* a room has nothing to say to the log */
#endif
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_CLOSING, 0))
		ASSERT(close_range(ROOM_FD + (unsigned)n_fds, ~0u, 0) == 0);
}

static _Noreturn void become_room(struct nursery *n, const int *fds, size_t n_fds, pid_t parent)
{
	ASSERT(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
	if (getppid() != parent)
		_exit(EX_OK);
	arrange_descriptors(fds, n_fds);
	sandbox_seal_room(n->room_profile, &n->filter, &n->room_options);
	if (n->drilled.step)
		_exit(steps_run(&n->drilled));
	_exit(n->zygote.definition->room(&n->zygote));
}

/* A ticket as a value of the table, which has no NULL: tickets begin with 1. */
static void *value_of(uint64_t ticket)
{
	_Static_assert(sizeof(uintptr_t) == sizeof ticket, "a ticket fits into a pointer");
	return (void *)(uintptr_t)ticket;
}

static void spawn(struct nursery *n, uint64_t ticket, struct link_in *in, size_t n_fds)
{
	pid_t self = getpid(), pid;

	ASSERT(ticket != 0);
	ASSERT(n_fds == n->zygote.definition->n_fds || sandbox_is_mutated(SANDBOX_WITHOUT_MANIFEST, 2));
	pid = _Fork(); /* no threads, no handlers: what fork does beside costs pages */
	if (pid == 0)
		become_room(n, in->fds, n_fds, self);
	if (pid < 0) {
		log_warning("cannot fork a room: %s", error_text(error_of_errno(errno)));
		send_ended(n, ticket, 0, EX_OSERR << 8);
		return;
	}
	table_put(&n->rooms, (uint64_t)pid, value_of(ticket));
}

/* Rare: a walk is cheaper than a second table, whose pages each fork would copy. */
static void kill_room(struct nursery *n, uint64_t ticket)
{
	const struct table_slot *slots = n->rooms.slots;

	for (size_t i = 0; i < n->rooms.cap; i++)
		if (slots[i].value == value_of(ticket))
			kill((pid_t)slots[i].key, SIGKILL);
}

static void take_message(struct nursery *n, struct link_in *in)
{
	const struct role_zygote_material *material = link_body(in);
	const struct role_zygote_spawn_1 *m = link_body(in); /* spawn_2, spawn_3 and kill begin alike */

	switch (in->type) {
	case ROLE_ZYGOTE_MATERIAL:
		if (n->zygote.definition->material)
			n->zygote.definition->material(&n->zygote, material->kind, material->data);
		return;
	case ROLE_ZYGOTE_SPAWN_1:
		spawn(n, m->ticket, in, 1);
		return;
	case ROLE_ZYGOTE_SPAWN_2:
		spawn(n, m->ticket, in, 2);
		return;
	case ROLE_ZYGOTE_SPAWN_3:
		spawn(n, m->ticket, in, 3);
		return;
	default:
		kill_room(n, m->ticket);
	}
}

static void reap(struct nursery *n)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(n->signal_fd, &info, sizeof info) < 0 && errno != EAGAIN)
		ensure_failed("signalfd", __FILE__, __LINE__);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		void *value = table_remove(&n->rooms, (uint64_t)pid);
		if (value)
			send_ended(n, (uintptr_t)value, pid, status);
	}
}

static void kill_all(struct nursery *n)
{
	for (size_t i = 0; i < n->rooms.cap; i++)
		if (n->rooms.slots[i].value)
			kill((pid_t)n->rooms.slots[i].key, SIGKILL);
}

static void serve_owner(struct nursery *n, struct link_in *in)
{
	enum error e;

	while ((e = link_receive(&n->owner, in, LINK_NO_WAIT)) == ERROR_NONE) {
		take_message(n, in);
		link_in_close_fds(in);
	}
	if (e == ERROR_BUSY)
		return;
	kill_all(n);
	exit(e == ERROR_CLOSED ? EX_OK : EX_PROTOCOL);
}

static void serve_posternd(struct nursery *n, struct link_in *in)
{
	enum error e = link_receive(&n->boot.posternd, in, LINK_NO_WAIT);

	link_in_close_fds(in);
	if (!e && in->type == POSTERND_ROLE_DRILL)
		drill_keep_order(&n->boot.posternd, link_body(in), &n->drilled);
	if (e == ERROR_BUSY || (!e && in->type != POSTERND_ROLE_STOP))
		return; /* a reload reaches the next zygote */
	kill_all(n);
	exit(EX_OK);
}

static int serve(struct nursery *n)
{
	struct link_in in;

	link_in_init(&in, &role_zygote_edge);
	link_in_fit(&in, &posternd_role_edge);
	for (;;) {
		struct pollfd fds[] = { { n->signal_fd, POLLIN, 0 },
					{ n->owner.fd, POLLIN, 0 },
					{ n->boot.posternd.fd, POLLIN, 0 } };
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return EX_OSERR;
		if (fds[0].revents)
			reap(n);
		if (fds[1].revents)
			serve_owner(n, &in);
		if (fds[2].revents)
			serve_posternd(n, &in);
	}
}

static int open_signal_fd(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ASSERT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	ASSERT(fd >= 0);
	return fd;
}

/* The owner's channel, and the directories that Landlock lets the rooms into. */
static void take_items(struct nursery *n, struct sandbox_options *options)
{
	n->owner.fd = -1;
	for (size_t i = 0; i < n->boot.n_items; i++) {
		const struct boot_item *item = &n->boot.items[i];
		if (item->type == POSTERND_ROLE_PEER)
			n->owner = link_of(item->fd, &role_zygote_edge, ROLE_ZYGOTE_SIDE_ZYGOTE);
		else if (item->type == POSTERND_ROLE_RESOURCE && options->n_dirs < SANDBOX_MAX_DIRS)
			options->dirs[options->n_dirs++] = item->fd;
		else
			close(item->fd);
	}
	ASSERT(n->owner.fd >= 0);
}

/* A page that a room writes is copied for it if the zygote has used it, and new otherwise, which costs
 * half. So no free pieces lie about for a room to find, and the heap ends in pages that nobody touched. */
static void shape_heap(void)
{
	/* Refused by the allocators of sanitizers, where it does not matter. */
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_TOP_PAD, ROOM_HEAP);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * ROOM_HEAP);
}

static void tidy_heap(void)
{
	malloc_trim(0);
	free(mem_alloc(1));
}

int zygote_main(const struct zygote_definition *definition, const char *achieved)
{
	const struct process *process = process_of(definition->kind);
	const struct sandbox_profile *profile = sandbox_find_profile(process->profile);
	static struct nursery n;
	struct sandbox_options options;
	struct posternd_role_ready ready;

	shape_heap();
	boot_receive(&n.boot, definition->kind, achieved);
	n.zygote = (struct zygote){ .definition = definition, .conf = n.boot.conf };
	n.room_profile = sandbox_find_profile(process->room_profile);
	n.signal_fd = open_signal_fd();
	boot_fill_options(&n.boot, &options);
	n.room_options = options;
	options.n_files = MANY_FILES;
	take_items(&n, &options);
	if (definition->limits)
		definition->limits(n.boot.conf, &n.room_options.memory, &n.room_options.cpu_seconds);
	if (definition->open)
		definition->open(&n.zygote);
	sandbox_compile_room(profile, n.room_profile, &n.filter);
	ready.layers = n.boot.achieved | sandbox_enter(profile, &options);
	close(n.boot.root_fd);
	for (size_t i = 0; i < options.n_dirs; i++)
		close(options.dirs[i]);
	if (n.boot.is_drill)
		drill_serve(&n.boot, profile, &options, ready.layers);
	ready.layers |= sandbox_seal(profile, &options);
	if (link_send(&n.boot.posternd, POSTERND_ROLE_READY, &ready, NULL, 0, LINK_FOREVER))
		return EX_OK;
	tidy_heap();
	return serve(&n);
}
