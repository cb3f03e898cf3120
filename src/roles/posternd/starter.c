/* SPDX-License-Identifier: Apache-2.0
 *
 * A starter: a process with the user and the namespaces of one role that can do one thing, execute
 * that role's program, which it holds open. Forked by posternd before posternd drops root. Trusts
 * posternd's two messages (start, kill); reads nothing else.
 *
 * Invariants: it is root no longer than the first lines of become_user; it keeps two capabilities for
 * its children, to change their root directory and then to give both up; when posternd goes, the
 * children go.
 */
#include "base/ensure.h"
#include "base/log.h"
#include "ipc/posternd_starter.h"
#include "roles/posternd/posternd.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define LINK_FD      3
#define PROGRAM_FD   4
#define MAX_CHILDREN 64
/* Without root only a user namespace gives what these need. */
#define NEED_NAMESPACES (SANDBOX_NETWORK | SANDBOX_NAMESPACES | SANDBOX_ROOT)

struct child {
	uint32_t instance;
	pid_t pid;
};

struct starter {
	struct link link;
	const struct process *process;
	uint32_t achieved;
	int signal_fd;
	struct child children[MAX_CHILDREN];
	size_t n_children;
};

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Without root: a user namespace in which this user keeps its number. */
static bool enter_user_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
	if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

static uint32_t enter_namespaces(const struct sandbox_profile *profile, uint32_t layers)
{
	int network = sandbox_is_mutated(SANDBOX_WITHOUT_NAMESPACE, 0) ? 0 : CLONE_NEWNET;
	int ipc = sandbox_is_mutated(SANDBOX_WITHOUT_NAMESPACE, 1) ? 0 : CLONE_NEWIPC;
	int uts = sandbox_is_mutated(SANDBOX_WITHOUT_NAMESPACE, 2) ? 0 : CLONE_NEWUTS;
	uint32_t achieved = 0;

	if ((layers & SANDBOX_NAMESPACES) && unshare(ipc | uts) == 0)
		achieved |= SANDBOX_NAMESPACES;
	if ((layers & SANDBOX_NETWORK) && profile->own_network && unshare(network) == 0)
		achieved |= SANDBOX_NETWORK;
	return achieved;
}

static uint32_t become_user(uid_t uid)
{
	ASSERT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_IDENTITY, 0))
		ASSERT(setgroups(0, NULL) == 0);
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_IDENTITY, 1))
		ASSERT(setresgid(uid, uid, uid) == 0);
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_IDENTITY, 2))
		ASSERT(setresuid(uid, uid, uid) == 0);
	ASSERT(setresuid(0, 0, 0) < 0); /* there is no way back */
	return SANDBOX_USER;
}

/* Its programs may change their root directory and then shed everything; nothing more. */
static void keep_two_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	uint32_t two = 1u << CAP_SYS_CHROOT | 1u << CAP_SETPCAP;
	struct __user_cap_data_struct data[2] = { { two, two, two }, { 0, 0, 0 } };

	if (syscall(SYS_capset, &header, data) < 0)
		return;                     /* no namespaces and no root: there was nothing to keep */
	for (int cap = 0; cap <= 63; cap++) /* needs CAP_SETPCAP, which the change of user had put aside */
		if (cap != CAP_SYS_CHROOT && cap != CAP_SETPCAP)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETPCAP, 0, 0);
}

static _Noreturn void execute(const struct starter *s, int channel)
{
	char name[64], kind[64], achieved[16], *argv[] = { name, kind, achieved, NULL }, *envp[] = { NULL };
	sigset_t none;

	snprintf(name, sizeof name, "postern-%s", role_name(s->process->owner));
	snprintf(kind, sizeof kind, "%s", s->process->room_profile ? s->process->name : "role");
	snprintf(achieved, sizeof achieved, "%u", s->achieved);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	ASSERT(dup2(channel, LINK_FD) == LINK_FD); /* clears close-on-exec */
	ASSERT(close_range(PROGRAM_FD + 1, ~0u, 0) == 0);
	execveat(PROGRAM_FD, "", argv, envp, AT_EMPTY_PATH);
	log_error("cannot execute %s: %s", name, error_text(error_of_errno(errno)));
	_exit(EX_UNAVAILABLE);
}

static void send_ended(struct starter *s, uint32_t instance, pid_t pid, int status)
{
	struct posternd_starter_ended ended = { instance, (uint32_t)pid, status };

	if (link_send(&s->link, POSTERND_STARTER_ENDED, &ended, NULL, 0, LINK_FOREVER))
		exit(EX_OK);
}

static void start_child(struct starter *s, uint32_t instance, int channel)
{
	struct posternd_starter_started started = { instance, 0 };
	pid_t pid = s->n_children < MAX_CHILDREN ? fork() : -1;

	if (pid == 0)
		execute(s, channel);
	if (pid < 0) {
		log_error("cannot fork for %s: %s", s->process->name, error_text(error_of_errno(errno)));
		send_ended(s, instance, 0, EX_OSERR << 8);
		return;
	}
	s->children[s->n_children++] = (struct child){ instance, pid };
	started.pid = (uint32_t)pid;
	if (link_send(&s->link, POSTERND_STARTER_STARTED, &started, NULL, 0, LINK_FOREVER))
		exit(EX_OK);
}

static void kill_child(const struct starter *s, uint32_t instance)
{
	for (size_t i = 0; i < s->n_children; i++)
		if (s->children[i].instance == instance)
			kill(s->children[i].pid, SIGKILL);
}

static void reap(struct starter *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(s->signal_fd, &info, sizeof info) < 0 && errno != EAGAIN)
		exit(EX_OSERR);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < s->n_children; i++) {
			if (s->children[i].pid != pid)
				continue;
			send_ended(s, s->children[i].instance, pid, status);
			s->children[i] = s->children[--s->n_children];
			break;
		}
	}
}

static void serve_link(struct starter *s, struct link_in *in)
{
	const struct posternd_starter_start *m = link_body(in); /* kill begins alike */
	enum error e = link_receive(&s->link, in, LINK_NO_WAIT);

	if (e == ERROR_BUSY)
		return;
	if (e) {
		for (size_t i = 0; i < s->n_children; i++)
			kill(s->children[i].pid, SIGKILL);
		exit(EX_OK);
	}
	if (in->type == POSTERND_STARTER_START)
		start_child(s, m->instance, in->fds[0]);
	else
		kill_child(s, m->instance);
	link_in_close_fds(in);
}

static _Noreturn void serve(struct starter *s)
{
	struct link_in in;

	link_in_init(&in, &posternd_starter_edge);
	for (;;) {
		struct pollfd fds[] = { { s->signal_fd, POLLIN, 0 }, { s->link.fd, POLLIN, 0 } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			exit(EX_OSERR);
		if (fds[0].revents)
			reap(s);
		if (fds[1].revents)
			serve_link(s, &in);
	}
}

static int block_signals(void)
{
	sigset_t set;
	int fd;

	sigfillset(&set);
	ASSERT(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	ASSERT(fd >= 0);
	return fd;
}

static _Noreturn void become_starter(const struct gateway *g, const struct member *m, int link_fd, int log_fd)
{
	const struct process *process = process_of(m->id);
	struct starter s = { .process = process };
	uint32_t layers = g->settings.layers;
	int high[2] = { fcntl(link_fd, F_DUPFD, 512),
			fcntl(g->places.programs[process->owner], F_DUPFD, 512) };

	ASSERT(dup2(log_fd, 2) == 2 && high[0] >= 0 && high[1] >= 0);
	ASSERT(dup2(high[0], LINK_FD) >= 0 && dup2(high[1], PROGRAM_FD) >= 0);
	ASSERT(fcntl(LINK_FD, F_SETFD, FD_CLOEXEC) == 0 && fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC) == 0);
	if (!sandbox_is_mutated(SANDBOX_WITHOUT_CLOSING, 1))
		ASSERT(close_range(PROGRAM_FD + 1, ~0u, 0) == 0);
	if (!g->places.as_root && (layers & NEED_NAMESPACES) && !enter_user_namespace())
		layers &= ~(uint32_t)(SANDBOX_NETWORK | SANDBOX_NAMESPACES);
	s.achieved = enter_namespaces(sandbox_find_profile(process->profile), layers);
	if (g->places.as_root && (layers & SANDBOX_USER))
		s.achieved |= become_user(m->uid);
	if (layers & (SANDBOX_ROOT | SANDBOX_CAPABILITIES)) {
		keep_two_capabilities();
		ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	}
	s.link = link_of(LINK_FD, &posternd_starter_edge, POSTERND_STARTER_SIDE_STARTER);
	s.signal_fd = block_signals();
	serve(&s);
}

int starter_fork(const struct gateway *g, const struct member *m, int *ret_log_fd)
{
	int link_fds[2], log_fds[2];
	pid_t pid;

	ASSERT(link_make_pair(&posternd_starter_edge, link_fds) == ERROR_NONE);
	ASSERT(pipe2(log_fds, O_CLOEXEC | O_NONBLOCK) == 0);
	pid = fork();
	if (pid < 0)
		log_fatal(EX_OSERR, "cannot fork: %s", error_text(error_of_errno(errno)));
	if (pid == 0)
		become_starter(g, m, link_fds[1], log_fds[1]);
	close(link_fds[1]);
	close(log_fds[1]);
	*ret_log_fd = log_fds[0];
	return link_fds[0];
}
