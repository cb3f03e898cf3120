/* SPDX-License-Identifier: Apache-2.0
 *
 * The drill's steps with cases: any system call by number, each row of calls.c as it is listed and with
 * what it does not list, and the two that only stand in the sandbox to be counted or looked at. Called
 * through the table of steps.c, by role/drill.c for the sweeps of the drill. Trusts the drill's order.
 * Invariant: a call that is let through does nothing that lasts.
 */
#include "sandbox/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Any call with arguments that do no harm where it is allowed: no descriptor, no address, no flag. */
int steps_CALL(const struct steps_order *o)
{
	if (o->argument == SYS_fork || o->argument == SYS_vfork) {
		long pid = syscall((long)o->argument);
		if (pid == 0)
			syscall(SYS_exit_group, 0);
		return 0;
	}
	syscall((long)o->argument, -1L, -1L, -1L, -1L, -1L, -1L);
	return 0;
}

static uint64_t listed_value(enum sandbox_condition condition, unsigned argument)
{
	switch (condition) {
	case SANDBOX_IF_FORK:
		return argument == 0 ? SIGCHLD : 0;
	case SANDBOX_IF_UNIX:
		return argument == 0 ? AF_UNIX : argument == 1 ? SOCK_SEQPACKET : 0;
	case SANDBOX_IF_STREAM:
		return argument == 0 ? AF_INET : argument == 1 ? SOCK_STREAM : 0;
	case SANDBOX_IF_DATAGRAM:
		return argument == 0 ? AF_INET : argument == 1 ? SOCK_DGRAM : 0;
	case SANDBOX_IF_FCNTL:
		return argument == 1 ? F_GETFD : 0;
	case SANDBOX_IF_LOCK:
		return argument == 1 ? F_SETLK : 0;
	case SANDBOX_IF_SEAL:
		return argument == 1 ? F_GET_SEALS : 0;
	case SANDBOX_IF_PRCTL:
		return argument == 0 ? PR_SET_NO_NEW_PRIVS : 0;
	default: /* no protection, no flag, no mode, oneself */
		return 0;
	}
}

/* What fails politely is as listed when it fails so. */
static int listed_result(enum sandbox_condition condition, long r)
{
	return condition == SANDBOX_FAILS_ENOSYS && !(r < 0 && errno == ENOSYS) ? EPERM : 0;
}

int steps_LISTED(const struct steps_order *o)
{
	static const struct timespec at_once = { 0, 0 };
	const struct sandbox_call *call;
	uint64_t a[4];
	long r;

	if (o->argument >= sandbox_n_calls)
		return STEPS_INCONCLUSIVE;
	call = &sandbox_calls[o->argument];
	for (unsigned i = 0; i < 4; i++)
		a[i] = listed_value(call->condition, i);
	if (call->number == SYS_ppoll)
		a[2] = (uintptr_t)&at_once;
	r = syscall(call->number, a[0], a[1], a[2], a[3], 0L, 0L);
	if (r == 0 && (call->number == SYS_clone || call->number == SYS_fork))
		syscall(SYS_exit_group, 0);
	return listed_result(call->condition, r);
}

/* Values of the first three arguments outside of each condition; all others are -1, so that a call that
 * goes through does nothing. Those of the same call in other groups are outside of theirs too. */
struct unlisted {
	enum sandbox_condition condition;
	long a[3];
};

static const struct unlisted unlisted[] = {
	{ SANDBOX_IF_NOT_EXEC, { -1, -1, PROT_EXEC } },
	{ SANDBOX_IF_NOT_EXEC, { -1, -1, PROT_READ | PROT_WRITE | PROT_EXEC } },
	/* The kernel knows no sense in these. */
	{ SANDBOX_IF_FORK, { CLONE_NEWUSER | CLONE_FS | SIGCHLD, -1, -1 } },
	{ SANDBOX_IF_FORK, { CLONE_SIGHAND | SIGCHLD, -1, -1 } },
	{ SANDBOX_IF_FORK, { CLONE_THREAD | SIGCHLD, -1, -1 } },
	{ SANDBOX_IF_UNIX, { AF_UNIX, SOCK_DGRAM, 0 } },
	{ SANDBOX_IF_UNIX, { AF_INET, SOCK_STREAM, 0 } },
	{ SANDBOX_IF_STREAM, { AF_INET, SOCK_STREAM, 262 /* MPTCP */ } },
	{ SANDBOX_IF_STREAM, { AF_UNIX, SOCK_STREAM, 0 } },
	{ SANDBOX_IF_STREAM, { AF_NETLINK, SOCK_RAW, 0 } },
	{ SANDBOX_IF_STREAM, { AF_PACKET, SOCK_RAW, 0 } },
	{ SANDBOX_IF_STREAM, { AF_INET, SOCK_RAW, IPPROTO_RAW } },
	{ SANDBOX_IF_DATAGRAM, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP } },
	{ SANDBOX_IF_DATAGRAM, { AF_UNIX, SOCK_DGRAM, 0 } },
	{ SANDBOX_IF_NO_FAST_OPEN, { -1, -1, MSG_FASTOPEN } }, /* sendto: the fourth, see below */
	{ SANDBOX_IF_MODE, { -1, 04000, 04000 } },
	{ SANDBOX_IF_MODE, { -1, 02000, 02000 } },
	{ SANDBOX_IF_MODE, { -1, 01000, 01000 } },
	{ SANDBOX_IF_MODE, { -1, 00100, 00100 } },
	{ SANDBOX_IF_MODE, { -1, 00010, 00010 } },
	{ SANDBOX_IF_MODE, { -1, 00001, 00001 } },
	{ SANDBOX_IF_SELF, { 1, -1, -1 } },
	{ SANDBOX_IF_FCNTL, { -1, F_SETOWN, -1 } },
	{ SANDBOX_IF_FCNTL, { -1, F_NOTIFY, -1 } },
	{ SANDBOX_IF_FCNTL, { -1, F_SETPIPE_SZ, -1 } },
	{ SANDBOX_IF_LOCK, { -1, F_SETOWN, -1 } },
	{ SANDBOX_IF_LOCK, { -1, F_SETLEASE, -1 } },
	{ SANDBOX_IF_SEAL, { -1, F_SETOWN, -1 } },
	{ SANDBOX_IF_PRCTL, { PR_SET_DUMPABLE, -1, -1 } },
	{ SANDBOX_IF_PRCTL, { PR_SET_MM, -1, -1 } },
	{ SANDBOX_IF_PRCTL, { PR_CAPBSET_DROP, -1, -1 } },
	{ SANDBOX_FAILS_ENOSYS, { -1, -1, -1 } },
};

static const struct unlisted *find_unlisted(enum sandbox_condition condition, uint64_t which)
{
	for (size_t i = 0; i < sizeof unlisted / sizeof *unlisted; i++)
		if (unlisted[i].condition == condition && which-- == 0)
			return &unlisted[i];
	return NULL;
}

unsigned steps_count_unlisted(enum sandbox_condition condition)
{
	unsigned n = 0;

	while (find_unlisted(condition, n))
		n++;
	return n;
}

/* Two conditions are denied by an error of the filter's own choice. */
int steps_UNLISTED(const struct steps_order *o)
{
	uint32_t row = (uint32_t)o->argument;
	const struct sandbox_call *call = row < sandbox_n_calls ? &sandbox_calls[row] : NULL;
	const struct unlisted *u = call ? find_unlisted(call->condition, o->argument >> 32) : NULL;
	long r;

	if (!u)
		return STEPS_INCONCLUSIVE;
	r = syscall(call->number, u->a[0], u->a[1], u->a[2], u->a[2], -1L, -1L);
	if (call->condition == SANDBOX_IF_NO_FAST_OPEN && r < 0 && errno == EOPNOTSUPP)
		return EOPNOTSUPP;
	return call->condition == SANDBOX_FAILS_ENOSYS && r < 0 && errno == ENOSYS ? ENOSYS : 0;
}

int steps_COUNT_FILES(const struct steps_order *o)
{
	int n = 0;

	(void)o;
	for (int fd = 0; fd < 4096; fd++)
		n += syscall(SYS_fcntl, fd, F_GETFD) >= 0;
	return n < STEPS_INCONCLUSIVE ? n : STEPS_INCONCLUSIVE;
}

int steps_HOLD(const struct steps_order *o)
{
	(void)o;
	for (;;)
		syscall(SYS_poll, NULL, 0L, -1L);
}
